//! Repository URL → revision and what its stacks ask for.
//!
//! Repositories are asked in parallel. One that was seen before is read from its
//! mirror while the remote is still being asked: when the revision turns out to
//! be the same, which is the usual case, nothing more is left to do.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use dockerops_core::compose::Compat;
use dockerops_core::departed::History;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::report::Problem;
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use futures_util::stream::{self, StreamExt};

use super::progress::Event;
use super::{Target, World, problem};
use crate::desire::{self, Desired, SecretProblem, Values};
use crate::git::{GitError, Tree};
use crate::host;

/// How many repositories are asked at once.
const AT_ONCE: usize = 32;

/// A repository of this run.
pub(super) struct Repository {
    /// As given to `watch`.
    pub(super) given: String,
    pub(super) owner: Owner,
    /// What was read, or why not.
    pub(super) read: Result<Read, Problem>,
}

/// What was read of a repository.
pub(super) struct Read {
    pub(super) revision: Revision,
    pub(super) history: History,
    pub(super) tree: Arc<Mutex<Tree>>,
    pub(super) desired: Desired,
}

impl Repository {
    /// The stacks that it lists; `None` when that is not known.
    pub(super) fn listed(&self) -> Option<BTreeSet<StackName>> {
        let desired = &self.read.as_ref().ok()?.desired;
        desired.manifest.as_ref()?;
        let names = desired.stacks.iter().map(|stack| stack.name.clone());
        Some(names.collect())
    }
}

/// Reads all of `targets`, in their order.
pub(super) async fn repositories(world: &World, targets: &[Target]) -> Vec<Repository> {
    stream::iter(targets)
        .map(|target| repository(world, target))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn repository(world: &World, target: &Target) -> Repository {
    let given = target.given.clone();
    let url = match &target.url {
        Ok(url) => url,
        Err(problem) => {
            return Repository {
                owner: Owner(given.clone()),
                given,
                read: Err(problem.clone()),
            };
        }
    };
    world.progress.event(Event::Fetching {
        url: url.as_given().to_owned(),
    });
    let read = read(world, url).await;
    let revision = read
        .as_ref()
        .map_or_else(|_| String::new(), |read| read.revision.to_string());
    world.progress.event(Event::Fetched {
        url: url.as_given().to_owned(),
        revision,
    });
    Repository {
        given,
        owner: url.normalised(),
        read,
    }
}

async fn read(world: &World, url: &RepositoryUrl) -> Result<Read, Problem> {
    let failed = |error: GitError| problem(&error, error.hint());
    let mirrored = world.git.mirrored(url);
    let early = mirrored
        .clone()
        .map(|revision| tokio::spawn(load(world, url, revision)));
    let head = world.git.remote_head(url).await.map_err(failed)?;
    if let (Some(early), true) = (early, mirrored.as_ref() == Some(&head))
        && let Ok(Ok((tree, desired))) = early.await
    {
        return finish(world, url, head, tree, desired).await;
    }
    let revision = world.git.fetch(url, &|_| ()).await.map_err(failed)?;
    match load(world, url, revision.clone()).await {
        Ok((tree, desired)) => finish(world, url, revision, tree, desired).await,
        Err(Unloaded::Failed(problem)) => Err(problem),
        Err(Unloaded::Damaged) => {
            let revision = world.git.fetch_anew(url, &|_| ()).await.map_err(failed)?;
            let loaded = load(world, url, revision.clone()).await;
            let (tree, desired) = loaded.map_err(Unloaded::problem)?;
            finish(world, url, revision, tree, desired).await
        }
    }
}

type Loaded = (Arc<Mutex<Tree>>, Desired);

/// Why a revision could not be read.
enum Unloaded {
    /// The mirror has it no more, or not whole: a new one is made.
    Damaged,
    Failed(Problem),
}

impl Unloaded {
    fn problem(self) -> Problem {
        match self {
            Self::Damaged => Problem::new("the new mirror of the repository is damaged", None),
            Self::Failed(problem) => problem,
        }
    }
}

/// Reads a revision that is in the mirror; runs on a thread of its own.
fn load(
    world: &World,
    url: &RepositoryUrl,
    revision: Revision,
) -> impl Future<Output = Result<Loaded, Unloaded>> + use<> {
    let (git, url, settings) = (
        Arc::clone(&world.git),
        url.clone(),
        Arc::clone(&world.settings),
    );
    let work = tokio::task::spawn_blocking(move || {
        let tree = git.tree(&url, &revision).map_err(|error| {
            if error.is_damage() {
                Unloaded::Damaged
            } else {
                Unloaded::Failed(problem(&error, error.hint()))
            }
        })?;
        let (allowed, hidden) = settings.compose_variables();
        let values = Values {
            allowed: &allowed,
            hidden: &hidden,
            secret: &read_secret,
            compat: Compat::Specification,
        };
        let desired = desire::desire(&tree, &values);
        Ok((Arc::new(Mutex::new(tree)), desired))
    });
    async move {
        work.await.unwrap_or_else(|_| {
            let cut_short = Problem::new("reading the repository was cut short", None);
            Err(Unloaded::Failed(cut_short))
        })
    }
}

/// The value of a secret on this host.
pub(crate) fn read_secret(
    nfs: &Path,
    id: &str,
) -> Result<dockerops_core::secret::Secret, SecretProblem> {
    host::read_secret(nfs, id).map_err(|error| SecretProblem {
        message: problem(&error, None).message,
        hint: error.hint(),
    })
}

async fn finish(
    world: &World,
    url: &RepositoryUrl,
    revision: Revision,
    tree: Arc<Mutex<Tree>>,
    desired: Desired,
) -> Result<Read, Problem> {
    let history = history(world, url, &revision).await?;
    Ok(Read {
        revision,
        history,
        tree,
        desired,
    })
}

/// Whether the revision descends from every revision that a stack of the repository was deployed from.
async fn history(
    world: &World,
    url: &RepositoryUrl,
    revision: &Revision,
) -> Result<History, Problem> {
    let deployed = world.store().deployed_revisions(&url.normalised());
    let mut history = History::Same;
    for before in deployed.map_err(|error| problem(&error, error.hint()))? {
        // A revision that is no longer known cannot be shown to be an ancestor: doubt keeps.
        match world.git.is_ancestor(url, &before, revision).await {
            Ok(true) if before == *revision => {}
            Ok(true) => history = History::Descends,
            Ok(false) | Err(_) => return Ok(History::Rewritten),
        }
    }
    Ok(history)
}

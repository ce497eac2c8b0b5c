//! Repository URL → revision and what its stacks ask for.
//!
//! Repositories are asked in parallel. One that was seen before is read from its
//! mirror while the remote is still being asked: when the revision turns out to
//! be the same, which is the usual case, nothing more is left to do.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dockerops_core::compose::Compat;
use dockerops_core::departed::History;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::report::Problem;
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use dockerops_core::spec::StackSpec;
use futures_util::stream::{self, StreamExt};

use super::files::Files;
use super::folder::Folder;
use super::problem::not_a_folder;
use super::progress::Event;
use super::source::{BareFiles, FILE, Source};
use super::suspended::Suspended;
use super::{Request, Target, World, problem};
use crate::desire::{self, Desired, DesiredStack, DiskTree, SecretProblem, SecretValues, Values};
use crate::git::{CommitInfo, Tree};
use crate::host;
use crate::settings::Settings;

/// How many repositories are asked at once.
const AT_ONCE: usize = 32;

/// A repository of this run.
pub(super) struct Repository {
    /// As given to `watch`.
    pub(super) given: String,
    pub(super) owner: Owner,
    /// What was read, or why not.
    pub(super) read: Result<Read, Problem>,
    /// What nothing is done to.
    pub(super) suspended: Suspended,
}

impl Repository {
    /// What its stacks ask for, of those that could be read.
    pub(super) fn specs(&self) -> impl Iterator<Item = &StackSpec> {
        let stacks = self.read.iter().flat_map(|read| &read.desired.stacks);
        stacks.filter_map(|stack| stack.spec.as_ref())
    }
}

/// What was read of a repository.
pub(super) struct Read {
    /// Who made the revision that was read; a folder and compose files have none.
    pub(super) commit: Option<CommitInfo>,
    pub(super) history: History,
    /// Where bindings come from.
    pub(super) files: Option<Arc<dyn Files>>,
    pub(super) desired: Desired,
    /// Of a folder on disk.
    pub(super) checkout: Option<Checkout>,
}

/// What is known of a folder on disk.
pub(super) struct Checkout {
    /// Where it was cloned from.
    pub(super) origin: Option<RepositoryUrl>,
}

impl Read {
    /// What it says of the stack `name`.
    pub(super) fn stack(&self, name: &StackName) -> Option<&DesiredStack> {
        self.desired.stacks.iter().find(|stack| stack.name == *name)
    }

    /// Whether what it does not list may be said to have left: it is a whole
    /// repository, and known to be that one.
    pub(super) fn may_tell_leavers(&self) -> bool {
        let known = |checkout: &Checkout| checkout.origin.is_some();
        self.desired.manifest.is_some()
            && self.checkout.as_ref().map_or(self.commit.is_some(), known)
    }
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

/// Reads all repositories of `request`, in their order.
pub(super) async fn repositories(world: &World, request: &Request) -> Vec<Repository> {
    stream::iter(&request.repositories)
        .map(|target| repository(world, request, target))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn repository(world: &World, request: &Request, target: &Target) -> Repository {
    let given = target.given.clone();
    let (owner, read) = match &target.source {
        Source::Repository(Ok(url)) => {
            let owner = url.normalised();
            let agreed = request
                .agreed
                .as_ref()
                .and_then(|agreed| agreed.revision(&owner));
            let read = mirrored(world, url, agreed).await;
            (owner, read)
        }
        Source::Repository(Err(problem)) => (Owner(given.clone()), Err(problem.clone())),
        Source::Folder(folder) => (Owner(given.clone()), checkout(world, folder).await),
        Source::Files(files) => (Owner(FILE.to_owned()), bare(files).await),
    };
    Repository {
        given,
        owner,
        read,
        suspended: Suspended::default(),
    }
}

async fn mirrored(
    world: &World,
    url: &RepositoryUrl,
    agreed: Option<&Revision>,
) -> Result<Read, Problem> {
    world.progress.event(Event::Fetching {
        url: url.as_given().to_owned(),
    });
    let read = match agreed {
        Some(revision) => at(world, url, revision).await,
        None => read(world, url).await,
    };
    let revision = read
        .as_ref()
        .ok()
        .and_then(|read| Some(read.commit.as_ref()?.revision.to_string()));
    world.progress.event(Event::Fetched {
        url: url.as_given().to_owned(),
        revision: revision.unwrap_or_default(),
    });
    read
}

/// A folder on disk, read as the next commit would have it.
async fn checkout(world: &World, folder: &Path) -> Result<Read, Problem> {
    let (origin, listed) = tokio::join!(world.git.origin(folder), world.git.listed(folder));
    let origin = origin.and_then(|url| RepositoryUrl::of_checkout(&url).ok());
    let (settings, folder) = (Arc::clone(&world.settings), folder.to_owned());
    on_a_thread(move || {
        let tree = DiskTree::open(&folder).map_err(|error| not_a_folder(&folder, &error))?;
        let files = Folder::open(&folder, listed);
        let files = files.map_err(|error| not_a_folder(&folder, &error))?;
        Ok(Read {
            commit: None,
            // A checkout of the same repository goes on from what was deployed.
            history: History::Descends,
            files: Some(Arc::new(files)),
            desired: desire_with(&tree, &settings),
            checkout: Some(Checkout { origin }),
        })
    })
    .await
}

/// Compose files given by hand: a repository of one stack.
async fn bare(files: &BareFiles) -> Result<Read, Problem> {
    let files = files.clone();
    on_a_thread(move || {
        let bare = desire::bare(
            &files.stack,
            &files.files,
            &files.environment,
            Compat::Specification,
        );
        let first = files.files.first();
        let first = first.map(|file| file.path.display().to_string());
        Ok(Read {
            commit: None,
            history: History::Same,
            files: None,
            desired: bare.into_desired(files.stack, first.unwrap_or_default()),
            checkout: None,
        })
    })
    .await
}

async fn on_a_thread(
    work: impl FnOnce() -> Result<Read, Problem> + Send + 'static,
) -> Result<Read, Problem> {
    let work = tokio::task::spawn_blocking(work);
    work.await.unwrap_or_else(|_| Err(cut_short()))
}

fn cut_short() -> Problem {
    Problem::new("reading what is asked for was cut short", None)
}

async fn read(world: &World, url: &RepositoryUrl) -> Result<Read, Problem> {
    let mirrored = world.git.mirrored(url);
    let early = mirrored
        .clone()
        .map(|revision| tokio::spawn(load(world, url, revision)));
    let head = world.git.remote_head(url).await?;
    if let (Some(early), true) = (early, mirrored.as_ref() == Some(&head))
        && let Ok(Ok((tree, desired))) = early.await
    {
        return finish(world, url, tree, desired).await;
    }
    let revision = world.git.fetch(url, &|_| ()).await?;
    match load(world, url, revision).await {
        Ok((tree, desired)) => finish(world, url, tree, desired).await,
        Err(Unloaded::Failed(problem)) => Err(problem),
        Err(Unloaded::Damaged) => {
            let revision = world.git.fetch_anew(url, &|_| ()).await?;
            let loaded = load(world, url, revision).await;
            let (tree, desired) = loaded.map_err(Unloaded::problem)?;
            finish(world, url, tree, desired).await
        }
    }
}

/// Reads a revision of before, which is fetched when it is not here.
pub(super) async fn at(
    world: &World,
    url: &RepositoryUrl,
    revision: &Revision,
) -> Result<Read, Problem> {
    let loaded = match load(world, url, revision.clone()).await {
        Err(Unloaded::Damaged) => {
            let fetched = world.git.fetch(url, &|_| ()).await;
            fetched?;
            load(world, url, revision.clone()).await
        }
        loaded => loaded,
    };
    let (tree, desired) = loaded.map_err(Unloaded::problem)?;
    finish(world, url, tree, desired).await
}

type Loaded = (Arc<Tree>, Desired);

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
                Unloaded::Failed(error.into())
            }
        })?;
        let desired = desire_with(&tree, &settings);
        Ok((Arc::new(tree), desired))
    });
    async move {
        work.await
            .unwrap_or_else(|_| Err(Unloaded::Failed(cut_short())))
    }
}

/// What a repository's files ask for, with the values that they may see.
fn desire_with(tree: &dyn desire::Tree, settings: &Settings) -> Desired {
    let (allowed, hidden) = settings.compose_variables();
    let values = Values {
        allowed: &allowed,
        hidden: &hidden,
        secret: SecretValues::Read(&read_secret),
        compat: Compat::Specification,
    };
    desire::desire(tree, &values)
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
    tree: Arc<Tree>,
    desired: Desired,
) -> Result<Read, Problem> {
    let commit = tree.commit().clone();
    let history = history(world, url, &commit.revision).await?;
    Ok(Read {
        commit: Some(commit),
        history,
        files: Some(tree),
        desired,
        checkout: None,
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
    for before in deployed? {
        // A revision that is no longer known cannot be shown to be an ancestor: doubt keeps.
        match world.git.is_ancestor(url, &before, revision).await {
            Ok(true) if before == *revision => {}
            Ok(true) => history = History::Descends,
            Ok(false) | Err(_) => return Ok(History::Rewritten),
        }
    }
    Ok(history)
}

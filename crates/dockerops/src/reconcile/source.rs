//! Where a run reads what is asked for: a Git repository, a checkout, or compose files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dockerops_core::names::{Owner, StackName};
use dockerops_core::observed::Observed;
use dockerops_core::plan::owner_of_checkout;
use dockerops_core::report::Problem;
use dockerops_core::repository_url::RepositoryUrl;

use super::read::Repository;
use crate::desire::GivenFile;

/// Owns the stacks of compose files given by hand.
pub(super) const FILE: &str = "file";

/// Something to reconcile, or to plan.
#[derive(Debug, Clone)]
pub struct Target {
    /// As given to the command.
    pub given: String,
    /// What it is.
    pub source: Source,
}

/// What is read.
#[derive(Debug, Clone)]
pub enum Source {
    /// A Git repository; an earlier database may hold what is not accepted any more.
    Repository(Result<RepositoryUrl, Problem>),
    /// A repository's checkout on disk: only to compare.
    Folder(PathBuf),
    /// Compose files given by hand.
    Files(BareFiles),
}

/// Compose files of one stack.
#[derive(Debug, Clone)]
pub struct BareFiles {
    /// The stack's name.
    pub stack: StackName,
    /// The files; later ones override earlier ones.
    pub files: Vec<GivenFile>,
    /// What their variables see.
    pub environment: BTreeMap<String, String>,
}

impl Target {
    /// A repository as given to `watch`.
    pub fn parse(given: &str) -> Self {
        let url = RepositoryUrl::parse(given).map_err(Problem::from);
        Self {
            given: given.to_owned(),
            source: Source::Repository(url),
        }
    }

    /// A checkout.
    pub fn folder(folder: PathBuf) -> Self {
        Self {
            given: folder.display().to_string(),
            source: Source::Folder(folder),
        }
    }

    /// Compose files.
    pub fn files(files: BareFiles) -> Self {
        let given: Vec<_> = files
            .files
            .iter()
            .map(|file| file.path.display().to_string())
            .collect();
        Self {
            given: given.join(", "),
            source: Source::Files(files),
        }
    }

    /// Who owns what it deploys, when it is a repository.
    pub fn owner(&self) -> Option<Owner> {
        Some(self.url()?.normalised())
    }

    /// The repository's address, when it has one.
    pub fn url(&self) -> Option<&RepositoryUrl> {
        match &self.source {
            Source::Repository(Ok(url)) => Some(url),
            _ => None,
        }
    }
}

/// A checkout is compared on behalf of whoever deployed it from the same place.
pub(super) fn settle_owners(repositories: &mut [Repository], observed: &Observed) {
    for repository in repositories {
        let Ok(read) = &repository.read else { continue };
        let Some(checkout) = &read.checkout else {
            continue;
        };
        let stacks = read.desired.stacks.iter().map(|stack| &stack.name);
        let origin = checkout.origin.as_ref().map(RepositoryUrl::normalised);
        let owner = owner_of_checkout(origin.as_ref(), stacks, observed);
        repository.owner = owner.unwrap_or_else(|| Owner(repository.given.clone()));
    }
}

//! What a command is about: a stack by its name, or a watched repository by its address.

use dockerops_core::decode::closest;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::report::Problem;
use dockerops_core::repository_url::{RepositoryUrl, without_credentials};

use crate::store::{Repository, Store};

/// A stack, or a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// A stack, and the repositories that deploy it: one, if nobody is at odds.
    Stack(StackName, Vec<Owner>),
    /// A watched repository.
    Repository(Repository, Owner),
}

impl Subject {
    /// Finds out what `text` names among what is watched.
    pub(super) fn find(store: &Store, text: &str) -> Result<Self, Problem> {
        // No address is a stack's name: each has a `/` or a `:`.
        match StackName::parse(text) {
            Ok(name) => stack(store, name),
            Err(_) => repository(store, text).map(|row| {
                let owner = row.owner();
                Self::Repository(row, owner)
            }),
        }
    }
}

fn stack(store: &Store, name: StackName) -> Result<Subject, Problem> {
    let rows = store.stacks()?;
    let named = rows.iter().filter(|row| row.name == name.as_str());
    let mut owners: Vec<_> = named.map(crate::store::Stack::owner).collect();
    owners.dedup();
    if owners.is_empty() {
        let known: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
        return Err(unknown_stack(name.as_str(), &known));
    }
    Ok(Subject::Stack(name, owners))
}

/// The watched repository `text`, in any of its spellings.
pub(super) fn repository(store: &Store, text: &str) -> Result<Repository, Problem> {
    let rows = store.repositories()?;
    // The earlier tool watched what is no address to us: it must be possible to name it.
    let shown = without_credentials(text);
    if let Some(row) = rows.iter().find(|row| row.url == shown) {
        return Ok(row.clone());
    }
    let url = RepositoryUrl::parse(text)?;
    let found = rows.iter().find(|row| row.owner() == url.normalised());
    found.cloned().ok_or_else(|| unwatched(text, &rows))
}

fn unwatched(text: &str, rows: &[Repository]) -> Problem {
    let urls: Vec<_> = rows.iter().map(|row| row.url.as_str()).collect();
    let hint = match (closest(text, urls.iter().copied()), urls.as_slice()) {
        (Some(url), _) => format!("Did you mean `{url}`?"),
        (None, []) => "No repository is watched.".to_owned(),
        (None, urls) => format!("Watched are {}.", urls.join(", ")),
    };
    Problem::new(
        format!("the repository `{text}` is not watched"),
        Some(hint),
    )
}

/// There is no stack of this name among those that are `known`.
pub(super) fn unknown_stack(name: &str, known: &[&str]) -> Problem {
    let hint = match (closest(name, known.iter().copied()), known) {
        (Some(near), _) => format!("Did you mean `{near}`?"),
        (None, []) => "No stack was deployed yet: run `dockerops watch <url>` first.".to_owned(),
        (None, _) => "See `dockerops status` for the stacks that there are.".to_owned(),
    };
    Problem::new(format!("there is no stack `{name}`"), Some(hint))
}

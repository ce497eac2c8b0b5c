//! The report → the database, at the end of every run, also of one that failed.
//!
//! A run that changed nothing and failed nothing writes nothing but `last_watch`.

use dockerops_core::names::Owner;
use dockerops_core::report::{Outcome, Problem, Report, StackReport};
use jiff::Timestamp;

use super::read::{Read, Repository};
use super::stack::Stacks;
use super::{Request, World, history};
use crate::store::{Deployed, Status, Store, StoreError};

/// Adds the repositories that can be read to those that are watched.
pub(super) fn remember(
    world: &World,
    request: &Request,
    repositories: &[Repository],
) -> Result<(), Problem> {
    let now = Timestamp::now().to_string();
    for (target, repository) in request.repositories.iter().zip(repositories) {
        let read = repository.read.as_ref();
        if let (Some(url), true) = (
            target.url(),
            read.is_ok_and(|read| read.desired.manifest.is_some()),
        ) {
            let added = world.store().add_repository(url, &now);
            added?;
        }
    }
    Ok(())
}

/// Writes what became of each repository and stack.
pub(super) fn record(stacks: &Stacks<'_>, started: Timestamp, report: &mut Report) {
    let repositories = stacks.repositories;
    let now = Timestamp::now().to_string();
    let recorded = stacks.world.store().together(|store| {
        for (repository, outcome) in repositories.iter().zip(&report.repositories) {
            history::record(store, stacks, started, repository, outcome)?;
            let Ok(read) = &repository.read else { continue };
            for stack in &outcome.stacks {
                record_stack(store, repository, read, stack, &now)?;
            }
        }
        let read = repositories
            .iter()
            .filter(|repository| repository.read.is_ok());
        let read: Vec<_> = read.map(|repository| repository.given.as_str()).collect();
        store.touch(&read, &now)
    });
    if let Err(error) = recorded {
        report.problems.push(error.into());
    }
}

/// Writes the history alone: compose files that were given by hand have no other rows.
pub(super) fn only_runs(stacks: &Stacks<'_>, started: Timestamp, report: &mut Report) {
    let repositories = stacks.repositories;
    let recorded = stacks.world.store().together(|store| {
        for (repository, outcome) in repositories.iter().zip(&report.repositories) {
            history::record(store, stacks, started, repository, outcome)?;
        }
        Ok(())
    });
    if let Err(error) = recorded {
        report.problems.push(error.into());
    }
}

/// One stack's row; a stack that failed keeps the hash of what was deployed last.
fn record_stack(
    store: &mut Store,
    repository: &Repository,
    read: &Read,
    report: &StackReport,
    now: &str,
) -> Result<(), StoreError> {
    let (url, name) = (repository.given.as_str(), report.name.as_str());
    if report.outcome == Outcome::Removed {
        return store.remove_stack(&repository.owner, name);
    }
    let Some(stack) = read.stack(&report.name) else {
        return Ok(());
    };
    match (&read.commit, &report.hash, report.outcome) {
        (Some(commit), Some(hash), Outcome::Changed | Outcome::Unchanged) => {
            let deployed = Deployed {
                revision: commit.revision.clone(),
                at: now.to_owned(),
            };
            store.record_deployed(url, name, &stack.compose_path, hash, &deployed)?;
            let depends_on = stack.options.depends_on.iter();
            let depends_on = depends_on.map(|name| name.value.clone()).collect();
            store.record_order(&repository.owner, name, &depends_on)?;
            forget_elsewhere(store, &repository.owner, name)
        }
        (_, _, Outcome::Suspended) => {
            store.record_status(url, name, &stack.compose_path, Status::Stopped)
        }
        _ => store.record_status(url, name, &stack.compose_path, Status::Error),
    }
}

/// A stack runs for one repository: one that was handed over is deployed from nowhere else.
fn forget_elsewhere(store: &mut Store, owner: &Owner, name: &str) -> Result<(), StoreError> {
    for former in store.listed_as_deployed(name)? {
        if former != *owner {
            store.remove_stack(&former, name)?;
        }
    }
    Ok(())
}

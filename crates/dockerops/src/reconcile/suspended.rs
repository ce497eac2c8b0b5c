//! What nothing is done to: suspended by hand, or by `suspend: true` in `stacks.yaml`.
//!
//! Decided once a run, for every trigger alike: a suspended stack is not planned, not
//! written, not healed and not removed. Only `resume`, the file, `stop` and `unwatch` end it.

use std::collections::BTreeMap;

use dockerops_core::names::{Owner, StackName};
use dockerops_core::observed::Observed;
use dockerops_core::plan::{Ownership, owner_of};
use dockerops_core::report::{Outcome, Problem, StackReport};

use super::World;
use super::read::Repository;
use crate::moment::moment;
use crate::store::Suspension;

/// What is suspended of one repository.
#[derive(Debug, Default)]
pub(super) struct Suspended {
    whole: Option<Why>,
    stacks: BTreeMap<String, Why>,
}

/// Since when, or where, and what ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// The stack, by hand.
    Stack { since: String },
    /// Its whole repository, by hand.
    Repository { url: String, since: String },
    /// `stacks.yaml` says so.
    File,
}

impl Suspended {
    /// Why nothing is done to `stack`, if so.
    pub(super) fn of(&self, stack: &StackName) -> Option<&Why> {
        let stack = self.stacks.get(stack.as_str());
        stack.or(self.whole.as_ref())
    }

    /// Whether anything is.
    pub(super) fn any(&self) -> bool {
        self.whole.is_some() || !self.stacks.is_empty()
    }

    /// Whether all of the repository is.
    pub(super) fn is_whole(&self) -> bool {
        self.whole.is_some()
    }
}

impl Why {
    /// For a person: what it means and what ends it.
    pub(super) fn sentence(&self, stack: &StackName) -> String {
        match self {
            Self::Stack { since } => format!(
                "suspended by hand since {}: nothing of it is changed until `dockerops resume {stack}`",
                moment(since)
            ),
            Self::Repository { url, since } => format!(
                "its repository is suspended by hand since {}: nothing of it is changed until `dockerops resume {url}`",
                moment(since)
            ),
            Self::File => {
                "`stacks.yaml` says `suspend: true`: nothing of it is changed until that goes"
                    .to_owned()
            }
        }
    }

    /// What a run says of the stack.
    pub(super) fn report(&self, stack: &StackName) -> StackReport {
        let mut report = StackReport::new(stack.clone(), Outcome::Suspended);
        report.warnings.push(self.sentence(stack));
        report
    }
}

/// Refuses what a person wants to be done to a stack that is suspended by hand.
pub(super) fn refuse(world: &World, owner: &Owner, stack: &StackName) -> Result<(), Problem> {
    let by_hand = world.store().suspensions()?;
    let mut mine = by_hand.iter().filter(|s| s.repository == *owner);
    let is_it = |name: &str| name == stack.as_str();
    let Some(found) = mine.find(|s| s.stack.as_deref().is_none_or(is_it)) else {
        return Ok(());
    };
    let what = found.stack.as_deref().unwrap_or(&owner.0);
    Err(Problem::new(
        format!(
            "stack `{stack}` is suspended by hand since {}",
            moment(&found.since)
        ),
        Some(format!("Run `dockerops resume {what}` first.")),
    ))
}

/// Notes in each repository what of it is suspended.
///
/// A stack that moves here from a repository which suspended it stays where it is.
pub(super) fn mark(
    world: &World,
    repositories: &mut [Repository],
    observed: &Observed,
) -> Result<(), Problem> {
    let by_hand = world.store().suspensions()?;
    for repository in repositories {
        let mut suspended = Suspended::default();
        for suspension in by_hand.iter().filter(|s| s.repository == repository.owner) {
            let since = suspension.since.clone();
            match &suspension.stack {
                Some(stack) => drop(suspended.stacks.insert(stack.clone(), Why::Stack { since })),
                None => {
                    suspended.whole = Some(Why::Repository {
                        url: repository.given.clone(),
                        since,
                    });
                }
            }
        }
        let stacks = repository.read.iter().flat_map(|read| &read.desired.stacks);
        for stack in stacks {
            let why = elsewhere(&by_hand, &stack.name, &repository.owner, observed);
            let why = stack.options.suspend.then_some(Why::File).or(why);
            if let Some(why) = why {
                suspended
                    .stacks
                    .entry(stack.name.to_string())
                    .or_insert(why);
            }
        }
        repository.suspended = suspended;
    }
    Ok(())
}

/// Why `stack` is suspended by another repository, whose label it carries.
fn elsewhere(
    by_hand: &[Suspension],
    stack: &StackName,
    owner: &Owner,
    observed: &Observed,
) -> Option<Why> {
    let Ownership::Owned(owners) = owner_of(observed, stack) else {
        return None;
    };
    let mut others = by_hand
        .iter()
        .filter(|s| s.repository != *owner && owners.contains(&s.repository));
    let other = others.find(|s| s.stack.as_deref().is_none_or(|name| name == stack.as_str()))?;
    let since = other.since.clone();
    Some(match &other.stack {
        Some(_) => Why::Stack { since },
        None => Why::Repository {
            url: other.repository.to_string(),
            since,
        },
    })
}

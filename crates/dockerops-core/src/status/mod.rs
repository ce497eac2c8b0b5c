//! `status`: what runs, how well, and whether it is what the repository says.
//!
//! Sync comes from a plan that is not carried out; health from the tasks. Neither follows
//! from the other: what is in sync may be ill, and what is well may be outdated.

mod service;

use serde::Serialize;

use crate::health::{self, Status};
use crate::names::{StackName, label};
use crate::observed::{Moment, Node, Service, Task};
use crate::plan::KeptWhy;
use crate::report::{CommitReport, Outcome, Problem, StackReport, Verb};

pub use service::{ServiceStatus, TaskStatus};

/// A repository and its stacks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RepositoryStatus {
    /// As given to `watch`; `file` for what `deploy` made of compose files.
    pub url: String,
    /// The revision that it is at now, when it could be asked.
    pub commit: Option<CommitReport>,
    /// When it was last watched or reconciled, RFC 3339.
    pub last_watch: Option<String>,
    /// Since when all of it is suspended by hand, RFC 3339.
    pub suspended: Option<String>,
    /// Why it cannot be said what it asks for.
    pub problem: Option<Problem>,
    /// How many files of bindings are not as it has them.
    pub outdated_files: usize,
    /// Its stacks.
    pub stacks: Vec<StackStatus>,
}

/// A stack and its services.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackStatus {
    /// The stack.
    pub name: StackName,
    /// Whether it is as its repository says.
    pub sync: Sync,
    /// What differs, or why it is not known.
    pub difference: Option<String>,
    /// How well it is: as its worst service.
    pub health: Status,
    /// Why nothing is done to it.
    pub suspended: Option<String>,
    /// Why it is not tried again.
    pub held: Option<Problem>,
    /// Since when, RFC 3339.
    pub held_since: Option<String>,
    /// The newest run that changed or failed something.
    pub last_run: Option<LastRun>,
    /// Its services, by name.
    pub services: Vec<ServiceStatus>,
}

/// Whether a stack is as its repository says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sync {
    /// Yes.
    InSync,
    /// No: a run would change it.
    OutOfSync,
    /// It cannot be said, or is not asked.
    Unknown,
}

/// The newest run that changed or failed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// Its number, for `history --id`.
    pub id: i64,
    /// How it ended.
    pub outcome: String,
    /// Of what was read.
    pub revision: Option<String>,
    /// When it ended last, RFC 3339.
    pub ended_at: String,
}

/// One reading of the Swarm.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// All services.
    pub services: &'a [Service],
    /// All tasks.
    pub tasks: &'a [Task],
    /// Those that run their service's current spec.
    pub current: &'a [Task],
    /// All nodes.
    pub nodes: &'a [Node],
    /// When it was.
    pub now: Moment,
}

impl StackStatus {
    /// What `name` is in `reading`; `report` is the plan of it, where there is one.
    pub fn of(name: &StackName, report: Option<&StackReport>, reading: Reading<'_>) -> Self {
        let mut services: Vec<_> = services_of(name, reading.services)
            .map(|service| ServiceStatus::of(service, reading))
            .collect();
        services.extend(missing(report, &services));
        services.sort_by(|a, b| a.name.cmp(&b.name));
        let (sync, difference) = report.map_or((Sync::Unknown, None), sync);
        Self {
            name: name.clone(),
            sync,
            difference,
            health: health(&services, sync, report),
            suspended: report.and_then(suspended),
            held: report.and_then(held),
            held_since: None,
            last_run: None,
            services,
        }
    }

    /// Whether nobody needs to look at it. What is suspended is as somebody wants it.
    pub fn is_well(&self) -> bool {
        let synced = self.sync == Sync::InSync || self.suspended.is_some();
        synced && self.held.is_none() && self.health == Status::Healthy
    }
}

impl RepositoryStatus {
    /// Whether nobody needs to look at it.
    pub fn is_well(&self) -> bool {
        let files = self.outdated_files == 0 || self.suspended.is_some();
        self.problem.is_none() && files && self.stacks.iter().all(StackStatus::is_well)
    }
}

/// The services of the stack `name`.
pub fn services_of<'a>(
    name: &'a StackName,
    services: &'a [Service],
) -> impl Iterator<Item = &'a Service> {
    let ours = |service: &&Service| service.label(label::NAMESPACE) == Some(name.as_str());
    services.iter().filter(ours)
}

/// As its worst service. That nothing is there is well only where nothing is asked for.
fn health(services: &[ServiceStatus], sync: Sync, report: Option<&StackReport>) -> Status {
    let suspended = report.is_some_and(|report| report.outcome == Outcome::Suspended);
    if services.is_empty() && sync == Sync::Unknown && !suspended {
        return Status::Missing;
    }
    health::stack(services.iter().map(|service| service.health))
}

/// What would be made, or was removed by hand, and is not there.
fn missing(report: Option<&StackReport>, there: &[ServiceStatus]) -> Vec<ServiceStatus> {
    let changes = report.into_iter().flat_map(|report| &report.changes);
    let made = changes.filter(|change| change.kind == "service" && change.verb == Verb::Create);
    let made = made.map(|change| &change.name);
    let made = made.filter(|name| there.iter().all(|service| service.name != **name));
    let kept = report.into_iter().flat_map(|report| &report.kept);
    let removed = kept.filter(|kept| kept.why == KeptWhy::Missing);
    let removed = removed.map(|kept| ServiceStatus::removed(&kept.name));
    let made = made.map(|name| ServiceStatus::missing(name));
    made.chain(removed).collect()
}

fn sync(report: &StackReport) -> (Sync, Option<String>) {
    match report.outcome {
        Outcome::Unchanged => match left(report) {
            None => (Sync::InSync, None),
            left => (Sync::OutOfSync, left),
        },
        Outcome::Failed => (
            Sync::Unknown,
            report.problem.as_ref().map(|p| p.message.clone()),
        ),
        Outcome::Suspended => (Sync::Unknown, None),
        Outcome::Removed => {
            let left = "left its repository, and goes with the next run";
            (Sync::OutOfSync, Some(left.to_owned()))
        }
        Outcome::Held | Outcome::RolledBack | Outcome::Changed => {
            (Sync::OutOfSync, changes(report))
        }
    }
}

/// What a hand changed or removed and nobody puts back.
fn left(report: &StackReport) -> Option<String> {
    let word = |why| match why {
        KeptWhy::Drifted => Some("changed"),
        KeptWhy::Missing => Some("removed"),
        _ => None,
    };
    let told = report.kept.iter();
    let told =
        told.filter_map(|kept| Some(format!("{} was {} by hand", kept.name, word(kept.why)?)));
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// `update service web_app, create config web_conf and 3 more`
fn changes(report: &StackReport) -> Option<String> {
    const NAMED: usize = 2;
    let named = report.changes.iter().take(NAMED);
    let named: Vec<_> = named.map(ToString::to_string).collect();
    let more = match report.changes.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    (!named.is_empty()).then(|| named.join(", ") + &more)
}

fn suspended(report: &StackReport) -> Option<String> {
    if report.outcome != Outcome::Suspended {
        return None;
    }
    Some(report.warnings.join(" "))
}

fn held(report: &StackReport) -> Option<Problem> {
    report
        .problem
        .clone()
        .filter(|_| report.outcome == Outcome::Held)
}

#[cfg(test)]
mod tests;

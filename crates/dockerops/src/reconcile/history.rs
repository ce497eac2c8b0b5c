//! The report → rows of the history: what changed or failed, and nothing else.
//!
//! A stack that was not well and is now, though nothing was written, gets a row too: it
//! is what a rollback may return to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::names::Owner;
use dockerops_core::plan::{Resolution, pins};
use dockerops_core::report::{Outcome, Problem, RepositoryReport, StackReport};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::read::{Read, Repository, read_secret};
use super::stack::{Stacks, commit_report};
use super::{Trigger, Wait};
use crate::desire::{Desired, DesiredStack};
use crate::store::{Ended, Store, StoreError};

/// Writes what became of `repository` and its stacks.
pub(super) fn record(
    store: &mut Store,
    stacks: &Stacks<'_>,
    started: Timestamp,
    repository: &Repository,
    report: &RepositoryReport,
) -> Result<(), StoreError> {
    let told = Told {
        stacks,
        repository,
        started,
        ended: Timestamp::now(),
    };
    if report.problem.is_some() || !report.bindings.is_empty() {
        store.record_run(&told.whole(report))?;
    }
    for stack in &report.stacks {
        if is_news(store, repository, stack)? {
            store.record_run(&told.stack(stack))?;
        }
    }
    Ok(())
}

/// Whether the history says something else so far.
fn is_news(
    store: &Store,
    repository: &Repository,
    report: &StackReport,
) -> Result<bool, StoreError> {
    Ok(match report.outcome {
        Outcome::Suspended => false,
        Outcome::Unchanged => {
            let newest = store.newest_run(&repository.owner, report.name.as_str())?;
            newest.is_some_and(|newest| !newest.ended.healthy)
        }
        _ => true,
    })
}

/// That a stack was removed by hand, of which no repository was read.
pub(super) fn removed(
    owner: &Owner,
    report: &StackReport,
    trigger: Trigger,
    started: Timestamp,
) -> Ended {
    Ended {
        repository: owner.clone(),
        stack: report.name.to_string(),
        commit: None,
        trigger: trigger.as_str().to_owned(),
        outcome: Outcome::Removed.as_str().to_owned(),
        reason: String::new(),
        healthy: false,
        hash: String::new(),
        pins: BTreeMap::new(),
        secrets: BTreeMap::new(),
        report: to_json(report),
        started_at: started.to_string(),
        ended_at: Timestamp::now().to_string(),
    }
}

struct Told<'a> {
    stacks: &'a Stacks<'a>,
    repository: &'a Repository,
    started: Timestamp,
    ended: Timestamp,
}

impl Told<'_> {
    /// What the repository as a whole has to say: why it failed, and its files.
    fn whole(&self, report: &RepositoryReport) -> Ended {
        let problem = report.problem.as_ref();
        let outcome = problem.map_or(Outcome::Changed, |_| Outcome::Failed);
        let mut json = to_json(report);
        // Each of them has a row of its own.
        json["stacks"] = json!([]);
        Ended {
            outcome: outcome.as_str().to_owned(),
            reason: reason(problem),
            report: json,
            ..self.ended("")
        }
    }

    fn stack(&self, report: &StackReport) -> Ended {
        let waited = self.stacks.request.wait == Wait::UntilHealthy;
        Ended {
            outcome: report.outcome.as_str().to_owned(),
            reason: reason(report.problem.as_ref()),
            healthy: waited && report.outcome.is_as_asked(),
            hash: report.hash.clone().unwrap_or_default(),
            pins: self.pins(report),
            secrets: self.secrets(report),
            report: to_json(report),
            ended_at: self.end_of(report).to_string(),
            ..self.ended(report.name.as_str())
        }
    }

    /// When the stack was done: others of the run may have taken longer.
    fn end_of(&self, report: &StackReport) -> Timestamp {
        let took = report.took_ms.map(Duration::from_millis);
        let end = took.and_then(|took| self.started.checked_add(took).ok());
        end.unwrap_or(self.ended).min(self.ended)
    }

    fn ended(&self, stack: &str) -> Ended {
        let commit = self.read().and_then(|read| read.commit.as_ref());
        Ended {
            repository: self.repository.owner.clone(),
            stack: stack.to_owned(),
            commit: commit.map(commit_report),
            trigger: self.stacks.request.trigger.as_str().to_owned(),
            outcome: String::new(),
            reason: String::new(),
            healthy: false,
            hash: String::new(),
            pins: BTreeMap::new(),
            secrets: BTreeMap::new(),
            report: Value::Null,
            started_at: self.started.to_string(),
            ended_at: self.ended.to_string(),
        }
    }

    fn pins(&self, report: &StackReport) -> BTreeMap<String, Resolution> {
        let spec = self.desired(report).and_then(|stack| stack.spec.as_ref());
        let (seen, images) = (&self.stacks.seen.observed, &self.stacks.images.resolved);
        spec.map(|spec| pins(spec, seen, images))
            .unwrap_or_default()
    }

    fn secrets(&self, report: &StackReport) -> BTreeMap<String, String> {
        let read = self.read().zip(self.desired(report));
        read.map(|(read, stack)| fingerprints(&self.stacks.world.key, &read.desired, stack))
            .unwrap_or_default()
    }

    fn desired(&self, report: &StackReport) -> Option<&DesiredStack> {
        self.read()?.stack(&report.name)
    }

    fn read(&self) -> Option<&Read> {
        self.repository.read.as_ref().ok()
    }
}

/// By id: keyed fingerprints of the values that the secrets of `stack` have now.
pub(super) fn fingerprints(
    key: &FingerprintKey,
    desired: &Desired,
    stack: &DesiredStack,
) -> BTreeMap<String, String> {
    let nfs = desired.manifest.as_ref().and_then(|m| m.nfs.as_ref());
    let value = |id: &str| read_secret(Path::new(&nfs?.path.value), id).ok();
    let secrets = stack.secrets.iter().map(|secret| &secret.id.value);
    secrets
        .filter_map(|id| Some((id.clone(), key.fingerprint(value(id)?.expose()))))
        .collect()
}

pub(super) fn reason(problem: Option<&Problem>) -> String {
    problem.map_or_else(String::new, |problem| problem.message.clone())
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

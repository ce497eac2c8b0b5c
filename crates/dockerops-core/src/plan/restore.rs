//! Back to what ran before: the specs observed before the first write, sent again.
//!
//! Swarm remembers one earlier spec of a service, and forgets it with the next
//! update; so what a rollback sends is what was seen, word for word.
//!
//! **Invariants**
//!
//! - Only what was written since is touched.
//! - A job is left as it is: it has run, and sending its earlier spec would run it again.
//! - Ownership stays: a stack that was taken over and failed is still ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::decide::remove_service;
use super::files::{self, FileName};
use super::normalise::{NetworkNames, tainted};
use super::ownership::{is_job, labels_of};
use super::ports::{self, Step};
use super::update;
use super::wanted::secret_names;
use super::{Action, Change, FileKind, Kept, KeptWhy, Plan, Reason, Restarts};
use crate::body::Body;
use crate::names::{Owner, StackName, label};
use crate::observed::{Observed, Service};
use crate::order;

/// What is to be taken back.
#[derive(Debug, Clone, Copy)]
pub struct Restore<'a> {
    /// The stack.
    pub stack: &'a StackName,
    /// Who owns it.
    pub owner: &'a Owner,
    /// What the Swarm was before the first write.
    pub before: &'a Observed,
    /// What it is.
    pub now: &'a Observed,
    /// What was, or may have been, written.
    pub written: &'a [Change],
    /// Services whose bindings were put back: they restart whatever their spec.
    pub bindings: &'a BTreeSet<String>,
}

/// See [`super::restore()`].
pub(super) fn plan(restore: &Restore<'_>) -> Plan {
    let mut plan = Plan {
        stack: restore.stack.clone(),
        owner: restore.owner.clone(),
        changes: Vec::new(),
        kept: Vec::new(),
        warnings: Vec::new(),
        waves: restore.waves(),
        hashes: BTreeMap::new(),
    };
    let mut steps = Vec::new();
    for name in restore.services() {
        match restore.fate(name) {
            Fate::Same => {}
            Fate::HasRun => plan.kept.push(Kept::new(name, KeptWhy::JobDone)),
            // What was new goes first: it may hold the ports of what comes back.
            Fate::Goes(now) => plan.changes.push(remove_service(now, Reason::Restored)),
            Fate::Comes(step) => steps.push(step),
        }
    }
    ports::hasten(&mut plan.waves, &steps);
    plan.changes
        .extend(ports::order(&plan.waves, steps).into_iter().flatten());
    plan.changes.extend(restore.leftovers());
    plan
}

/// What becomes of one service.
enum Fate<'a> {
    Same,
    HasRun,
    Goes(&'a Service),
    Comes(Step<Vec<Change>>),
}

impl<'a> Restore<'a> {
    /// The services written, each once.
    fn services(&self) -> BTreeSet<&'a str> {
        let written = self.written.iter().filter_map(|c| c.action.service());
        written
            .chain(self.bindings.iter().map(String::as_str))
            .collect()
    }

    /// What ran before, in the order in which it depends on each other.
    fn waves(&self) -> Vec<Vec<String>> {
        let names = self.services();
        let before = self.before.services.iter();
        let written: Vec<_> = before.filter(|s| names.contains(s.name.as_str())).collect();
        let waves = order::labelled_waves(&written, self.stack).into_iter();
        let names = |wave: Vec<&Service>| wave.iter().map(|s| s.name.clone()).collect();
        waves.map(names).collect()
    }

    fn fate(&self, name: &str) -> Fate<'a> {
        match (find(self.before, name), find(self.now, name)) {
            (None, None) => Fate::Same,
            (None, Some(now)) if is_job(now) => Fate::HasRun,
            (None, Some(now)) => Fate::Goes(now),
            (Some(before), _) if is_job(before) => self.fate_of_job(before),
            (Some(before), None) => Fate::Comes(step(before, None, vec![self.create(before)])),
            (Some(before), Some(now)) if mode(before) != mode(now) => {
                let anew = vec![remove_service(now, Reason::Restored), self.create(before)];
                Fate::Comes(step(before, Some(now), anew))
            }
            (Some(before), Some(now)) => match self.update(before, now) {
                Some(change) => Fate::Comes(step(before, Some(now), vec![change])),
                None => Fate::Same,
            },
        }
    }

    fn fate_of_job(&self, before: &Service) -> Fate<'a> {
        match find(self.now, &before.name) {
            Some(now) if now.spec == before.spec => Fate::Same,
            _ => Fate::HasRun,
        }
    }

    fn create(&self, before: &Service) -> Change {
        Change {
            action: Action::CreateService {
                name: before.name.clone(),
                body: self.body(before, None),
            },
            reasons: vec![Reason::Restored],
            fields: Vec::new(),
        }
    }

    /// Nothing when it is as it was, and Swarm does not hold its last update against it.
    fn update(&self, before: &Service, now: &Service) -> Option<Change> {
        let files = self.bindings.contains(&before.name);
        let state = now
            .update
            .as_ref()
            .map_or("", |update| update.state.as_str());
        let stopped = matches!(state, "paused" | "rollback_paused");
        let marked = stopped || state.starts_with("rollback_");
        let same = now.spec == before.spec;
        if same && !files && !marked {
            return None;
        }
        // Swarm takes the very spec that it stopped half-way at for no update at all.
        let anew = same && (files || stopped);
        let template = |spec: &Value| spec.get("TaskTemplate").cloned();
        let restarts = if anew || template(&now.spec) != template(&before.spec) {
            Restarts::All
        } else {
            Restarts::Nothing
        };
        Some(Change {
            action: Action::UpdateService {
                id: now.id.clone(),
                version: now.version,
                name: now.name.clone(),
                body: self.body(before, anew.then_some(now)),
                restarts,
            },
            reasons: vec![Reason::Restored],
            fields: Vec::new(),
        })
    }

    /// The spec of before. With `beyond`, its tasks restart although nothing else of their
    /// template differs from that service's.
    fn body(&self, before: &Service, beyond: Option<&Service>) -> Body {
        let mut body = tainted(&before.spec, &Body::map());
        NetworkNames::new(self.before).resolve(&mut body, None);
        if let Some(template) = body.get_mut("TaskTemplate") {
            update::without_ids(template);
            update::hide(template, &secret_names(&labels_of(before)));
            if let Some(now) = beyond {
                template.set("ForceUpdate", force(before).max(force(now)) + 1);
            }
        }
        self.own(&mut body);
        body
    }

    fn own(&self, body: &mut Body) {
        if !matches!(body.get("Labels"), Some(Body::Map(_))) {
            body.set("Labels", Body::map());
        }
        if let Some(labels) = body.get_mut("Labels") {
            labels.set(label::REPOSITORY, self.owner.0.as_str());
        }
    }

    /// Configs, secrets and networks that were new, and that no job which stays uses.
    fn leftovers(&self) -> Vec<Change> {
        let jobs = self.now.services.iter().filter(|service| is_job(service));
        let used: BTreeSet<FileName> = jobs.flat_map(|job| files::references(&job.spec)).collect();
        let mut changes = Vec::new();
        for change in self.written {
            match &change.action {
                Action::CreateFile { kind, name, .. } => {
                    changes.extend(self.file(*kind, name, &used));
                }
                Action::CreateNetwork { name, .. } => changes.extend(self.network(name)),
                _ => {}
            }
        }
        changes.sort_by_key(|change| matches!(change.action, Action::RemoveNetwork { .. }));
        changes
    }

    fn file(&self, kind: FileKind, name: &str, used: &BTreeSet<FileName>) -> Option<Change> {
        let there = |observed: &'a Observed| {
            files::objects(observed, kind)
                .iter()
                .find(|object| object.name == name)
        };
        let object = there(self.now).filter(|_| there(self.before).is_none())?;
        (!used.contains(&(kind, name.to_owned()))).then(|| Change {
            reasons: vec![Reason::Restored],
            ..files::remove(kind, object)
        })
    }

    fn network(&self, name: &str) -> Option<Change> {
        let there = |observed: &'a Observed| {
            let mut networks = observed.networks.iter();
            networks.find(|network| network.name == name && network.scope == "swarm")
        };
        let network = there(self.now).filter(|_| there(self.before).is_none())?;
        let mut jobs = self.now.services.iter().filter(|service| is_job(service));
        let used = jobs.any(|job| {
            super::removal::uses_network(job, &network.id)
                || super::removal::uses_network(job, name)
        });
        (!used).then(|| Change {
            action: Action::RemoveNetwork {
                id: network.id.clone(),
                name: network.name.clone(),
            },
            reasons: vec![Reason::Restored],
            fields: Vec::new(),
        })
    }
}

fn step(before: &Service, now: Option<&Service>, item: Vec<Change>) -> Step<Vec<Change>> {
    Step {
        name: before.name.clone(),
        item,
        after: ports::of(&before.spec),
        before: now.map(|now| ports::of(&now.spec)).unwrap_or_default(),
    }
}

fn find<'a>(observed: &'a Observed, name: &str) -> Option<&'a Service> {
    observed
        .services
        .iter()
        .find(|service| service.name == name)
}

/// The kind of its mode: what Swarm cannot change.
fn mode(service: &Service) -> Option<String> {
    let mode = service.spec.get("Mode").and_then(Value::as_object)?;
    mode.keys().next().cloned()
}

fn force(service: &Service) -> u64 {
    let force = service.spec.pointer("/TaskTemplate/ForceUpdate");
    force.unwrap_or(&json!(0)).as_u64().unwrap_or(0)
}

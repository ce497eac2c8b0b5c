//! Whose a stack is, by the labels on the Swarm.
//!
//! Services, configs and secrets carry `dockerops.repository`. Networks cannot be
//! relabelled, so one is ours when its namespace names a stack that we own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Adopt;
use crate::mode::Mode;
use crate::names::{Owner, StackName, label};
use crate::observed::{Observed, Service};

/// Whose a stack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// Nothing of that name runs.
    Nobody,
    /// It runs, and nothing of it carries an ownership label.
    Unlabelled,
    /// The owners named by its labels; almost always one.
    Owned(BTreeSet<Owner>),
}

impl Ownership {
    /// Whether `owner` is among the owners.
    pub fn includes(&self, owner: &Owner) -> bool {
        matches!(self, Self::Owned(owners) if owners.contains(owner))
    }
}

/// Whose `stack` is. Networks alone belong to nobody: they are what a removal leaves.
pub fn owner_of(observed: &Observed, stack: &StackName) -> Ownership {
    let services = observed.services.iter().map(labels_of);
    let files = observed.configs.iter().chain(&observed.secrets);
    let all = services.chain(files.map(|file| file.labels.clone()));
    let members: Vec<_> = all.filter(|labels| in_stack(labels, stack)).collect();
    let owners: BTreeSet<_> = members
        .iter()
        .filter_map(|labels| labels.get(label::REPOSITORY))
        .map(|owner| Owner(owner.clone()))
        .collect();
    match (members.is_empty(), owners.is_empty()) {
        (true, _) => Ownership::Nobody,
        (false, true) => Ownership::Unlabelled,
        (false, false) => Ownership::Owned(owners),
    }
}

/// On whose behalf a checkout of `stacks` is compared, when it was cloned from `origin`.
///
/// That is the owner who deployed them from the same place, be it over HTTPS or SSH;
/// without an origin, whoever deployed the first of them that runs.
pub fn owner_of_checkout<'a>(
    origin: Option<&Owner>,
    stacks: impl IntoIterator<Item = &'a StackName>,
    observed: &Observed,
) -> Option<Owner> {
    let mut running = stacks
        .into_iter()
        .flat_map(|stack| match owner_of(observed, stack) {
            Ownership::Owned(owners) => owners,
            Ownership::Nobody | Ownership::Unlabelled => BTreeSet::new(),
        });
    let Some(origin) = origin else {
        return running.next();
    };
    let same = running.find(|owner| place(owner) == place(origin));
    Some(same.unwrap_or_else(|| origin.clone()))
}

/// Host and path of a normalised URL.
fn place(owner: &Owner) -> &str {
    let rest = owner
        .0
        .split_once("://")
        .map_or(owner.0.as_str(), |(_, rest)| rest);
    match rest.split_once('@') {
        Some((user, place)) if !user.contains('/') => place,
        _ => rest,
    }
}

/// Who an object of a stack belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It carries our label, or is to be taken over.
    Ours,
    /// It carries no label of an owner, or is outside the stack.
    Unlabelled,
    /// It carries another owner's label.
    Another(String),
}

/// Who says that a stack is theirs, and what they may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) stack: &'a StackName,
    pub(super) owner: &'a Owner,
    /// Owners who gave the stack up: what carries their label is to be taken over.
    pub(super) former: &'a BTreeSet<Owner>,
    /// About what carries no label.
    pub(super) adopt: Adopt,
}

impl Claim<'_> {
    /// Whether every one of `owners` gave the stack up.
    pub(super) fn released_by(&self, owners: &BTreeSet<Owner>) -> bool {
        owners.is_subset(self.former)
    }
}

/// Who an object with `labels` belongs to, seen from the one who claims the stack.
pub(super) fn standing(labels: &BTreeMap<String, String>, claim: Claim<'_>) -> Standing {
    let inside = in_stack(labels, claim.stack);
    let released = |found: &str| inside && claim.former.iter().any(|owner| owner.0 == found);
    match labels.get(label::REPOSITORY) {
        _ if inside && claim.adopt == Adopt::Compare => Standing::Ours,
        Some(found) if released(found) => Standing::Ours,
        Some(found) if *found != claim.owner.0 => Standing::Another(found.clone()),
        Some(_) if inside => Standing::Ours,
        None if inside && claim.adopt == Adopt::Take => Standing::Ours,
        _ => Standing::Unlabelled,
    }
}

/// Whether a service of a stack that is ours is a job that was taken over with it: it
/// carries no label of ours, since labelling would run it again, but that of an image,
/// which `docker stack deploy` alone puts there.
pub(super) fn is_adopted_job(service: &Service, stack: &StackName) -> bool {
    let labels = labels_of(service);
    is_job(service)
        && in_stack(&labels, stack)
        && labels.contains_key(label::IMAGE)
        && !labels.contains_key(label::REPOSITORY)
}

/// Whether its tasks run to an end.
pub fn is_job(service: &Service) -> bool {
    Mode::of(&service.spec).is_job()
}

/// Whether `labels` put an object into `stack`.
pub(super) fn in_stack(labels: &BTreeMap<String, String>, stack: &StackName) -> bool {
    labels
        .get(label::NAMESPACE)
        .is_some_and(|name| name == stack.as_str())
}

/// The labels of a service.
pub(super) fn labels_of(service: &Service) -> BTreeMap<String, String> {
    let labels = service.spec.get("Labels").and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    labels.into_iter().flatten().filter_map(text).collect()
}

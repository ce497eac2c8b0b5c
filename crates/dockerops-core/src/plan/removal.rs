//! A whole stack goes: services, then configs and secrets, then networks.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::remove_service;
use super::inputs::Adopt;
use super::ownership::{
    Claim, Ownership, Standing, in_stack, is_adopted_job, labels_of, owner_of, standing,
};
use super::{FileKind, Kept, KeptWhy, Plan, Reason, files, networks, refuse};
use crate::diagnostic::Diagnostics;
use crate::names::{Owner, StackName};
use crate::observed::{Observed, Service};
use crate::order;

/// See [`super::removal()`].
pub(super) fn plan(
    stack: &StackName,
    owner: &Owner,
    observed: &Observed,
    adopt: Adopt,
) -> Result<Plan, Diagnostics> {
    let adopt = match adopt {
        Adopt::Take => Adopt::Take,
        Adopt::Refuse | Adopt::Compare => Adopt::Refuse,
    };
    let whose = owner_of(observed, stack);
    if !whose.includes(owner)
        && let Some(problem) = refuse::foreign(stack, &whose, adopt)
    {
        return Err(Diagnostics(vec![problem]));
    }
    let mut plan = Plan {
        stack: stack.clone(),
        owner: owner.clone(),
        changes: Vec::new(),
        kept: Vec::new(),
        warnings: Vec::new(),
        waves: Vec::new(),
        hashes: BTreeMap::new(),
    };
    if whose == Ownership::Nobody && !has_networks(observed, stack) {
        return Ok(plan);
    }
    let claim = Claim {
        stack,
        owner,
        former: &BTreeSet::new(),
        adopt,
    };
    let ours = |labels: &_| standing(labels, claim) == Standing::Ours;
    let (going, staying): (Vec<_>, Vec<_>) = observed.services.iter().partition(|service| {
        ours(&labels_of(service)) || (whose.includes(owner) && is_adopted_job(service, stack))
    });
    for wave in order::removal_waves(&going, stack) {
        plan.waves
            .push(wave.iter().map(|s| s.name.clone()).collect());
        let gone = wave.into_iter();
        plan.changes
            .extend(gone.map(|s| remove_service(s, Reason::Undeclared)));
    }
    plan.kept = foreign(&staying, stack);
    let used: BTreeSet<_> = staying
        .iter()
        .flat_map(|s| files::references(&s.spec))
        .collect();
    for kind in [FileKind::Secret, FileKind::Config] {
        let objects = files::objects(observed, kind).iter();
        let gone = objects
            .filter(|object| ours(&object.labels) && !used.contains(&(kind, object.name.clone())));
        plan.changes
            .extend(gone.map(|object| files::remove(kind, object)));
    }
    let needed = |id: &str| staying.iter().any(|s| uses_network(s, id));
    let gone = networks::undeclared(observed, stack, |network| {
        needed(&network.id) || needed(&network.name)
    });
    plan.changes.extend(gone);
    Ok(plan)
}

fn has_networks(observed: &Observed, stack: &StackName) -> bool {
    observed.networks.iter().any(|n| in_stack(&n.labels, stack))
}

fn foreign(staying: &[&Service], stack: &StackName) -> Vec<Kept> {
    let inside = staying.iter().filter(|s| in_stack(&labels_of(s), stack));
    let kept = |service: &&Service| Kept::new(&service.name, KeptWhy::Foreign);
    inside.map(kept).collect()
}

pub(super) fn uses_network(service: &Service, target: &str) -> bool {
    let lists = ["/TaskTemplate/Networks", "/Networks"].into_iter();
    let networks = lists.filter_map(|list| service.spec.pointer(list)?.as_array());
    networks
        .flatten()
        .any(|n| n.get("Target").and_then(|t| t.as_str()) == Some(target))
}

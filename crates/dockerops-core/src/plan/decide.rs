//! The whole plan of a stack, stage by stage.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::{self, FileName, Files};
use super::inputs::{Adopt, Inputs, Jobs, Prune, PruneVolumes};
use super::normalise::NetworkNames;
use super::ownership::{Standing, is_adopted_job, is_job, labels_of, standing};
use super::pins::{self, Chosen, NoImage};
use super::ports::{self, Step};
use super::services::{Decision, Subject};
use super::{Action, Change, Kept, KeptWhy, Plan, Reason, keep, networks, refuse, volumes};
use crate::body::Body;
use crate::diagnostic::Diagnostics;
use crate::names::label;
use crate::observed::Service;
use crate::order;
use crate::spec::ServiceSpec;

/// See [`super::plan`].
pub(super) fn plan(inputs: &Inputs) -> Result<Plan, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut plan = empty(inputs);
    refuse::stack(inputs, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    networks::check_external(inputs, &mut problems);
    files::check_external(inputs, &mut problems);
    let networks = networks::changes(inputs, &mut plan.warnings, &mut problems);
    let files = files::resolve(inputs, &mut problems);
    let images = images(inputs, &mut problems);
    let stale = Undeclared::find(inputs);
    refuse::services(inputs, &stale.going, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    plan.changes.extend(networks);
    plan.changes.extend(files.changes.iter().cloned());
    plan.warnings.extend(files.warnings.iter().cloned());
    let decisions = decide(inputs, &files, &images);
    let used = used_afterwards(inputs, &decisions, &stale);
    let early = services(&mut plan, inputs, decisions, &stale);
    removals(&mut plan, inputs, &files, &used, &stale, &early);
    plan.kept.sort();
    Ok(plan)
}

fn empty(inputs: &Inputs) -> Plan {
    let note = (inputs.policy.adopt == Adopt::Compare)
        .then(|| compared_with(inputs))
        .flatten();
    Plan {
        stack: inputs.desired.name.clone(),
        owner: inputs.owner.clone(),
        changes: Vec::new(),
        kept: Vec::new(),
        warnings: note.into_iter().collect(),
        waves: order::waves(inputs.desired),
        hashes: BTreeMap::new(),
    }
}

/// Whose stack it is that is only compared with.
fn compared_with(inputs: &Inputs) -> Option<String> {
    let stack = &inputs.desired.name;
    match super::owner_of(inputs.observed, stack) {
        super::Ownership::Owned(owners) if !owners.contains(inputs.owner) => {
            let owners: Vec<_> = owners.iter().map(|owner| format!("`{owner}`")).collect();
            Some(format!(
                "stack `{stack}` belongs to {}: it is only compared",
                owners.join(" and ")
            ))
        }
        super::Ownership::Unlabelled => Some(format!(
            "something else deployed stack `{stack}`: it is only compared"
        )),
        _ => None,
    }
}

fn images<'a>(inputs: &Inputs<'a>, problems: &mut Diagnostics) -> BTreeMap<&'a str, Chosen> {
    let ignored = keep::image(inputs.ignore_drift);
    let mut images = BTreeMap::new();
    for service in &inputs.desired.services {
        let live = live(inputs, service);
        let resolution = inputs.images.get(&service.image.value);
        match pins::choose(service, live, resolution, ignored, inputs.policy.pull) {
            Ok(chosen) => {
                images.insert(service.name.as_str(), chosen);
            }
            Err(NoImage::Invalid(error)) => problems.push(refuse::bad_image(service, error)),
            Err(NoImage::Unresolved) => problems.push(refuse::unresolved(service)),
        }
    }
    images
}

/// What runs under a service's name. Names are unique on a Swarm.
pub(super) fn live<'a>(inputs: &Inputs<'a>, service: &ServiceSpec) -> Option<&'a Service> {
    inputs
        .observed
        .services
        .iter()
        .find(|s| s.name == service.name)
}

type Decisions<'a> = Vec<(&'a ServiceSpec, Decision)>;

fn decide<'a>(
    inputs: &Inputs<'a>,
    files: &Files,
    images: &BTreeMap<&str, Chosen>,
) -> Decisions<'a> {
    let networks = NetworkNames::new(inputs.observed);
    let services = inputs.desired.services.iter();
    services
        .filter_map(|spec| {
            let subject = Subject {
                inputs,
                networks: &networks,
                files,
                spec,
                live: live(inputs, spec),
                chosen: images.get(spec.name.as_str())?.clone(),
            };
            Some((spec, subject.decide()))
        })
        .collect()
}

/// Services of the stack that the compose file does not have (any more).
pub(super) struct Undeclared<'a> {
    /// Those that go.
    pub(super) going: Vec<&'a Service>,
    staying: Vec<(&'a Service, KeptWhy)>,
}

impl<'a> Undeclared<'a> {
    fn find(inputs: &Inputs<'a>) -> Self {
        let declared: BTreeSet<_> = inputs.desired.services.iter().map(|s| &s.name).collect();
        let (mut going, mut staying) = (Vec::new(), Vec::new());
        for service in &inputs.observed.services {
            let labels = labels_of(service);
            let inside = super::ownership::in_stack(&labels, &inputs.desired.name);
            if !inside || declared.contains(&service.name) {
                continue;
            }
            // What is taken over is named in the compose file; nothing else is.
            let adopt = match inputs.policy.adopt {
                Adopt::Take => Adopt::Refuse,
                other => other,
            };
            let whose = standing(&labels, inputs.claim(adopt));
            let adopted = is_adopted_job(service, &inputs.desired.name)
                && super::owner_of(inputs.observed, &inputs.desired.name).includes(inputs.owner);
            let kept = labels
                .get(label::PRUNE)
                .is_some_and(|value| value == "false");
            if whose != Standing::Ours && !adopted {
                staying.push((service, KeptWhy::Foreign));
            } else if inputs.policy.jobs == Jobs::Leave && is_job(service) {
                staying.push((service, KeptWhy::JobDone));
            } else if kept || inputs.policy.prune == Prune::Keep {
                staying.push((service, KeptWhy::PruneOff));
            } else {
                going.push(service);
            }
        }
        let waves = order::removal_waves(&going, &inputs.desired.name);
        let going = waves.into_iter().flatten().collect();
        Self { going, staying }
    }
}

/// What services' specs refer to once the plan is carried out.
#[derive(Debug, Default)]
struct Used {
    files: BTreeSet<FileName>,
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
}

impl Used {
    fn add(&mut self, spec: &Value) {
        self.files.extend(files::references(spec));
        self.volumes.extend(volumes::mounted(spec));
        for list in ["/TaskTemplate/Networks", "/Networks"] {
            let networks = spec.pointer(list).and_then(Value::as_array);
            let targets = networks
                .into_iter()
                .flatten()
                .filter_map(|n| n.get("Target"));
            self.networks
                .extend(targets.filter_map(|t| Some(t.as_str()?.to_owned())));
        }
    }
}

fn used_afterwards(inputs: &Inputs, decisions: &Decisions, stale: &Undeclared) -> Used {
    let mut used = Used::default();
    let mut rewritten: BTreeSet<&str> = stale.going.iter().map(|s| s.name.as_str()).collect();
    for (spec, decision) in decisions {
        for change in &decision.changes {
            if let Some(body) = written(change) {
                rewritten.insert(&spec.name);
                used.add(&body.expose());
            }
        }
    }
    let services = inputs.observed.services.iter();
    services
        .filter(|service| !rewritten.contains(service.name.as_str()))
        .for_each(|service| used.add(&service.spec));
    used
}

fn written(change: &Change) -> Option<&Body> {
    match &change.action {
        Action::CreateService { body, .. } | Action::UpdateService { body, .. } => Some(body),
        _ => None,
    }
}

/// Adds the services' changes, wave by wave, and ordered so that ports are free when they
/// are taken. Returns the undeclared services that therefore had to go early.
fn services<'a>(
    plan: &mut Plan,
    inputs: &Inputs,
    decisions: Decisions,
    stale: &Undeclared<'a>,
) -> BTreeSet<&'a str> {
    let mut steps = Vec::new();
    let mut early = BTreeSet::new();
    for (spec, decision) in decisions {
        plan.hashes.insert(spec.name.clone(), decision.hash);
        plan.warnings.extend(decision.warnings);
        if let Some(why) = decision.kept {
            let fields = decision.differing;
            plan.kept.push(Kept {
                fields,
                ..Kept::new(&spec.name, why)
            });
            continue;
        }
        let after = ports::of(&spec.body.expose());
        for service in &stale.going {
            if ports::conflict(&after, &ports::of(&service.spec)).is_some() {
                early.insert(service.name.as_str());
            }
        }
        let before = live(inputs, spec).map(|live| ports::of(&live.spec));
        steps.push(Step {
            name: spec.name.clone(),
            item: decision.changes,
            after,
            before: before.unwrap_or_default(),
        });
    }
    for service in stale
        .going
        .iter()
        .filter(|s| early.contains(s.name.as_str()))
    {
        plan.changes
            .push(remove_service(service, Reason::Undeclared));
    }
    let early_changes = ports::hasten(&mut plan.waves, &steps).into_iter();
    plan.warnings.extend(early_changes.map(|name| {
        format!("service `{name}` lets a port go, so it is changed before what it depends on")
    }));
    plan.changes
        .extend(ports::order(&plan.waves, steps).into_iter().flatten());
    early
}

fn removals(
    plan: &mut Plan,
    inputs: &Inputs,
    files: &Files,
    used: &Used,
    stale: &Undeclared,
    early: &BTreeSet<&str>,
) {
    for (service, why) in &stale.staying {
        plan.kept.push(Kept::new(&service.name, *why));
    }
    let changes = files::unused(inputs, files, &used.files);
    if inputs.policy.prune == Prune::Keep {
        // Versions of what is declared are our own doing: they go all the same.
        let outdated = |change: &Change| change.reasons == [Reason::Outdated];
        plan.changes.extend(changes.into_iter().filter(outdated));
        return;
    }
    let late = stale
        .going
        .iter()
        .filter(|s| !early.contains(s.name.as_str()));
    plan.changes
        .extend(late.map(|s| remove_service(s, Reason::Undeclared)));
    plan.changes.extend(changes);
    let declared: BTreeSet<_> = inputs.desired.networks.iter().map(|n| &n.name).collect();
    let external = &inputs.desired.external_networks;
    let gone = networks::undeclared(inputs.observed, &inputs.desired.name, |network| {
        declared.contains(&network.name)
            || external.iter().any(|e| e.name == network.name)
            || used.networks.contains(&network.id)
            || used.networks.contains(&network.name)
    });
    plan.changes.extend(gone);
    if inputs.policy.prune_volumes == PruneVolumes::Remove {
        let declared = &inputs.desired.volumes;
        let kept = |name: &str| declared.contains(name) || used.volumes.contains(name);
        let left = volumes::leftovers(inputs.observed, &inputs.desired.name, kept);
        plan.changes.extend(left);
    }
}

/// The removal of `service`.
pub(super) fn remove_service(service: &Service, reason: Reason) -> Change {
    Change {
        action: Action::RemoveService {
            id: service.id.clone(),
            name: service.name.clone(),
        },
        reasons: vec![reason],
        fields: Vec::new(),
    }
}

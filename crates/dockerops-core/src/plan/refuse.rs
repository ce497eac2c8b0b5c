//! What a plan is refused for: found before the first write, all at once.

use std::collections::BTreeMap;

use super::decide::live;
use super::inputs::{Adopt, Inputs, VolumeChange};
use super::ownership::{Ownership, Standing, in_stack, labels_of, owner_of, standing};
use super::ports;
use crate::body::Body;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::image::InvalidImage;
use crate::names::StackName;
use crate::observed::Service;
use crate::spec::ServiceSpec;

/// Checks that the stack is ours, or nobody's. When it is not, no more need be said.
pub(super) fn stack(inputs: &Inputs, problems: &mut Diagnostics) {
    let owned = owner_of(inputs.observed, &inputs.desired.name);
    if inputs.policy.adopt == Adopt::Compare || owned.includes(inputs.owner) {
        return;
    }
    let claim = inputs.claim(inputs.policy.adopt);
    if matches!(&owned, Ownership::Owned(owners) if claim.released_by(owners)) {
        return;
    }
    if let Some(problem) = foreign(&inputs.desired.name, &owned, inputs.policy.adopt) {
        problems.push(problem);
    }
}

/// Why a stack that `owned` describes, and that is not ours, is left alone.
pub(super) fn foreign(stack: &StackName, owned: &Ownership, adopt: Adopt) -> Option<Diagnostic> {
    match owned {
        Ownership::Owned(owners) => {
            let names: Vec<_> = owners.iter().map(|owner| format!("`{owner}`")).collect();
            let message = format!("stack `{stack}` belongs to {}", names.join(" and "));
            let hint = "Give the stack another name, or remove it there first.";
            Some(Diagnostic::error("foreign-stack", None, message).hint(hint))
        }
        Ownership::Unlabelled if adopt == Adopt::Refuse => {
            let message = format!("stack `{stack}` exists, and something else deployed it");
            let hint = "Take it over with `--adopt`, or give the stack another name.";
            Some(Diagnostic::error("foreign-stack", None, message).hint(hint))
        }
        Ownership::Unlabelled | Ownership::Nobody => None,
    }
}

/// Checks each service against what runs under its name, and against the ports
/// of services that stay; `going` are those that do not.
pub(super) fn services(inputs: &Inputs, going: &[&Service], problems: &mut Diagnostics) {
    for service in &inputs.desired.services {
        if let Some(live) = live(inputs, service) {
            problems.0.extend(not_ours(inputs, service, live));
            if inputs.policy.volumes == VolumeChange::Refuse {
                problems.0.extend(volume_changes(service, live));
            }
        }
        problems.0.extend(port_in_use(inputs, service, going));
    }
}

/// A job that was taken over carries no label, since labelling would run it
/// again: inside a stack of ours it counts as ours.
fn not_ours(inputs: &Inputs, service: &ServiceSpec, live: &Service) -> Option<Diagnostic> {
    let (stack, adopt) = (&inputs.desired.name, inputs.policy.adopt);
    let labels = labels_of(live);
    let inside = in_stack(&labels, stack);
    let stack_is_ours = owner_of(inputs.observed, stack).includes(inputs.owner);
    let whose = match standing(&labels, inputs.claim(adopt)) {
        Standing::Ours => return None,
        Standing::Unlabelled if service.is_job && inside && stack_is_ours => return None,
        Standing::Unlabelled => "something else deployed it".to_owned(),
        Standing::Another(other) => format!("it belongs to `{other}`"),
    };
    let message = format!("service `{}` exists, and {whose}", service.name);
    let hint = if inside {
        "Take it over with `--adopt`, or remove it first."
    } else {
        "Give the service or the stack another name, or remove it first."
    };
    Some(Diagnostic::error("foreign-service", service.span, message).hint(hint))
}

fn volume_changes(service: &ServiceSpec, live: &Service) -> Vec<Diagnostic> {
    let change = |moved: String| {
        let message = format!("service `{}` {moved}", service.name);
        Diagnostic::error("volume-change", service.span, message)
            .hint("Name the volume that runs, or allow it with `--allow-volume-change`.")
    };
    moved_volumes(service, live)
        .into_iter()
        .map(change)
        .collect()
}

/// Data stays behind in the volumes that a service no longer mounts: each in words.
pub(super) fn moved_volumes(service: &ServiceSpec, live: &Service) -> Vec<String> {
    let running = volumes(&Body::from(live.spec.clone()));
    let wanted = volumes(&service.body);
    let moved = wanted.iter().filter_map(|(target, new)| {
        let old = running.get(target)?;
        let (old_name, new_name) = (old.as_str()?, new.as_str()?);
        (!old_name.is_empty() && !new_name.is_empty() && old_name != new_name)
            .then(|| moved_volume(target, old_name, new))
    });
    moved.collect()
}

fn moved_volume(target: &str, old: &str, new: &Body) -> String {
    let secrets = new.secrets();
    let old = if secrets.is_secret() {
        secrets.mask()
    } else {
        old.to_owned()
    };
    format!(
        "would get volume `{}` instead of `{old}` at `{target}`: its data stays behind",
        new.shown()
    )
}

/// Volume names by target.
fn volumes(spec: &Body) -> BTreeMap<String, Body> {
    let Some(Body::List(mounts)) = spec.at(&["TaskTemplate", "ContainerSpec", "Mounts"]) else {
        return BTreeMap::new();
    };
    let volume = |mount: &Body| {
        let target = mount.get("Target")?.as_str()?.to_owned();
        let is_volume = mount.get("Type")?.as_str()? == "volume";
        is_volume.then(|| Some((target, mount.get("Source")?.clone())))?
    };
    mounts.iter().filter_map(volume).collect()
}

/// Services that the compose file has give their ports up in time (see `ports`).
fn port_in_use(inputs: &Inputs, service: &ServiceSpec, going: &[&Service]) -> Option<Diagnostic> {
    let wanted = ports::of(&service.body.expose());
    let declared = |name: &str| inputs.desired.services.iter().any(|s| s.name == name);
    let stays =
        |other: &Service| !declared(&other.name) && going.iter().all(|gone| gone.id != other.id);
    // Names last: most services share no port, and there may be hundreds of them.
    inputs.observed.services.iter().find_map(|other| {
        let port = ports::conflict(&wanted, &ports::of(&other.spec)).filter(|_| stays(other))?;
        let message = format!(
            "service `{}` publishes port {}/{}, which service `{}` publishes already",
            service.name, port.number, port.protocol, other.name
        );
        let hint = "Publish another port, or remove the other service first.";
        Some(Diagnostic::error("port-in-use", service.span, message).hint(hint))
    })
}

/// The image text cannot be read.
pub(super) fn bad_image(service: &ServiceSpec, error: InvalidImage) -> Diagnostic {
    let message = format!("service `{}`: {error}", service.name);
    let problem = Diagnostic::error("bad-image", service.image.span, message);
    match error.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Nobody said what the image text stands for.
pub(super) fn unresolved(service: &ServiceSpec) -> Diagnostic {
    let message = format!(
        "service `{}`: the digest of its image is not known",
        service.name
    );
    Diagnostic::error("unresolved-image", service.image.span, message)
        .hint("Make its registry reachable from this host, with credentials where it wants them.")
}

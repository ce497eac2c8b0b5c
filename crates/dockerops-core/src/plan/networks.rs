//! Networks: created when missing, never changed, removed when nobody needs them.

use serde_json::Value;

use super::inputs::{Adopt, Inputs};
use super::ownership::in_stack;
use super::{Action, Change, Reason};
use crate::body::Body;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::names::StackName;
use crate::observed::{Network, Observed};
use crate::spec::{External, NetworkSpec};

/// Networks that every engine has.
const PREDEFINED: [&str; 3] = ["host", "bridge", "none"];

/// Whether every engine has `name` by itself.
pub(super) fn is_predefined(name: &str) -> bool {
    PREDEFINED.contains(&name)
}

/// What to create; warnings about those that exist otherwise than asked for.
pub(super) fn changes(
    inputs: &Inputs,
    warnings: &mut Vec<String>,
    problems: &mut Diagnostics,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for network in &inputs.desired.networks {
        match find(inputs.observed, &network.name) {
            None => changes.push(create(network)),
            Some(live) => {
                let ours = in_stack(&live.labels, &inputs.desired.name);
                if !ours && inputs.policy.adopt != Adopt::Compare {
                    problems.push(taken(&network.name));
                }
                warnings.extend(difference(network, live));
            }
        }
    }
    changes
}

/// Checks that what others made exists where services can reach it (docker/cli
/// `validateExternalNetworks`).
pub(super) fn check_external(inputs: &Inputs, problems: &mut Diagnostics) {
    for External { name, span } in &inputs.desired.external_networks {
        if is_predefined(name) || find(inputs.observed, name).is_some() {
            continue;
        }
        let elsewhere = inputs.observed.networks.iter().find(|n| n.name == *name);
        let message = match elsewhere {
            None => format!("network `{name}` is declared as external, but does not exist"),
            Some(live) => format!(
                "network `{name}` is declared as external, but its scope is `{}` instead of `swarm`",
                live.scope
            ),
        };
        let hint = format!("Create it with `docker network create --driver overlay {name}`.");
        problems.push(Diagnostic::error("external-network-missing", *span, message).hint(hint));
    }
}

/// The networks of `stack` that no name in `declared` and no id or name in `used` keeps.
pub(super) fn undeclared<'a>(
    observed: &'a Observed,
    stack: &'a StackName,
    keep: impl Fn(&Network) -> bool + 'a,
) -> impl Iterator<Item = Change> + 'a {
    let ours = observed
        .networks
        .iter()
        .filter(|network| network.scope == "swarm" && in_stack(&network.labels, stack));
    ours.filter(move |network| !keep(network))
        .map(|network| Change {
            action: Action::RemoveNetwork {
                id: network.id.clone(),
                name: network.name.clone(),
            },
            reasons: vec![Reason::Undeclared],
            fields: Vec::new(),
        })
}

fn find<'a>(observed: &'a Observed, name: &str) -> Option<&'a Network> {
    let mut networks = observed.networks.iter();
    networks.find(|network| network.name == name && network.scope == "swarm")
}

fn create(network: &NetworkSpec) -> Change {
    Change {
        action: Action::CreateNetwork {
            name: network.name.clone(),
            body: network.body.clone(),
        },
        reasons: vec![Reason::Missing],
        fields: Vec::new(),
    }
}

fn taken(name: &str) -> Diagnostic {
    let message = format!("network `{name}` exists, but does not belong to this stack");
    Diagnostic::error("network-taken", None, message)
        .hint("Declare it as `external: true` to use it, or give this one another name.")
}

fn difference(network: &NetworkSpec, live: &Network) -> Option<String> {
    let differs: Vec<_> = [
        "Driver",
        "Attachable",
        "Internal",
        "Options",
        "Labels",
        "IPAM",
    ]
    .into_iter()
    .filter(|key| {
        let wanted = network.body.get(key).map(Body::expose).unwrap_or_default();
        !holds(live.raw.get(*key).unwrap_or(&Value::Null), &wanted)
    })
    .collect();
    (!differs.is_empty()).then(|| {
        format!(
            "network `{}` differs from what is asked for in {}; Swarm cannot change a network: \
             remove the stack and deploy it again to get it",
            network.name,
            differs.join(", ")
        )
    })
}

/// Whether `live` has everything that `wanted` says; the engine adds options,
/// and addresses where none were asked for.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (_, Value::Null | Value::Bool(false)) => live != &Value::Bool(true),
        (_, Value::String(text)) if text.is_empty() => true,
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| holds(live.get(key).unwrap_or(&Value::Null), value)),
        (_, Value::Object(wanted)) => wanted.is_empty(),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(l, w)| holds(l, w))
        }
        (_, Value::Array(wanted)) => wanted.is_empty(),
        _ => live == wanted,
    }
}

//! Volumes that a stack left behind on this node.
//!
//! A volume holds data, so it goes only when it was asked for, and only one that Docker made for
//! this stack (its label, and `stack_` before its name), that nothing declares and no service
//! mounts. What `volumes.yaml` names never goes, nor what has another name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ownership::in_stack;
use super::{Action, Change, Reason};
use crate::names::StackName;
use crate::observed::{Observed, Volume};

/// The removals of what `stack` left; `kept` are names of volumes that are declared or mounted.
pub(super) fn leftovers(
    observed: &Observed,
    stack: &StackName,
    kept: impl Fn(&str) -> bool,
) -> Vec<Change> {
    let prefix = stack.scoped("");
    let left = observed.volumes.iter().filter(|volume| {
        in_stack(&volume.labels, stack) && volume.name.starts_with(&prefix) && !kept(&volume.name)
    });
    let removal = |volume: &Volume| Change {
        action: Action::RemoveVolume {
            name: volume.name.clone(),
        },
        reasons: vec![Reason::Undeclared],
        fields: Vec::new(),
    };
    left.map(removal).collect()
}

/// See [`super::volumes_left()`].
pub(super) fn left(
    stack: &StackName,
    observed: &Observed,
    listed: &BTreeSet<String>,
) -> Vec<Change> {
    let others = observed.services.iter().filter(|service| {
        let labels = super::ownership::labels_of(service);
        !in_stack(&labels, stack)
    });
    let mounted: BTreeSet<String> = others.flat_map(|service| mounted(&service.spec)).collect();
    leftovers(observed, stack, |name| {
        mounted.contains(name) || listed.contains(name)
    })
}

/// The names of the volumes that a service spec mounts.
pub(super) fn mounted(spec: &Value) -> Vec<String> {
    let mounts = spec.pointer("/TaskTemplate/ContainerSpec/Mounts");
    let mounts = mounts.and_then(Value::as_array).into_iter().flatten();
    let volumes = mounts.filter(|mount| mount["Type"] == "volume");
    volumes
        .filter_map(|mount| Some(mount.get("Source")?.as_str()?.to_owned()))
        .collect()
}

//! Volumes that stacks leave behind on this node: asked for only where they matter, as a volume
//! driver that hangs makes the engine hang, too.

use std::collections::BTreeSet;

use dockerops_core::manifest::VolumeKind;
use dockerops_core::names::StackName;
use dockerops_core::observed::{Node, Observed, Volume};
use dockerops_core::plan::{Change, Kept, KeptWhy, PruneVolumes, volumes_left};
use dockerops_core::report::{ChangeReport, StackReport};

use super::read::Repository;
use super::{Request, World};
use crate::engine::EngineError;

/// The volumes of this node, when some may go.
pub(super) async fn to_prune(world: &World, request: &Request) -> Result<Vec<Volume>, EngineError> {
    match request.policy.prune_volumes {
        PruneVolumes::Remove => world.engine.volumes().await,
        PruneVolumes::Keep => Ok(Vec::new()),
    }
}

/// The volumes of this node, when a stack leaves: what stays is named. That it cannot be named
/// keeps no stack from leaving.
pub(super) async fn of_leavers(
    world: &World,
    request: &Request,
) -> Result<Vec<Volume>, EngineError> {
    match (world.engine.volumes().await, request.policy.prune_volumes) {
        (Err(_), PruneVolumes::Keep) => Ok(Vec::new()),
        (volumes, _) => volumes,
    }
}

/// What becomes of the volumes of a stack that leaves.
#[derive(Default)]
pub(super) struct Left {
    /// The removals of those that go.
    pub(super) going: Vec<Change>,
    staying: Vec<Change>,
}

impl Left {
    /// Decides about the volumes of `stack`.
    pub(super) fn by(
        stack: &StackName,
        observed: &Observed,
        request: &Request,
        repositories: &[Repository],
    ) -> Self {
        let left = volumes_left(stack, observed, &listed(repositories));
        match request.policy.prune_volumes {
            PruneVolumes::Remove => Self {
                going: left,
                staying: Vec::new(),
            },
            PruneVolumes::Keep => Self {
                going: Vec::new(),
                staying: left,
            },
        }
    }

    /// Names in `report` what stays.
    pub(super) fn tell(&self, report: &mut StackReport) {
        let names = self
            .staying
            .iter()
            .map(|change| ChangeReport::from(change).name);
        let kept = names.map(|name| Kept::new(&name, KeptWhy::VolumeStays));
        report.kept.extend(kept);
    }
}

/// The volumes that any `volumes.yaml` names: data that no stack owns.
fn listed(repositories: &[Repository]) -> BTreeSet<String> {
    let read = repositories.iter().filter_map(|r| r.read.as_ref().ok());
    let manifests = read.filter_map(|read| read.desired.manifest.as_ref());
    let entries = manifests.flat_map(|manifest| manifest.volumes.values());
    entries
        .filter_map(|entry| match &entry.kind {
            VolumeKind::Volume { name } => Some(name.value.clone()),
            VolumeKind::Binding(_) => None,
        })
        .collect()
}

/// That only this node's volumes go, where there are others.
pub(super) fn elsewhere(stack: &StackName, request: &Request, nodes: &[Node]) -> Option<String> {
    let pruned = request.policy.prune_volumes == PruneVolumes::Remove;
    (pruned && nodes.len() > 1).then(|| {
        format!(
            "volumes of stack `{stack}` on other nodes stay: `docker volume ls --filter \
             label=com.docker.stack.namespace={stack}` shows them there"
        )
    })
}

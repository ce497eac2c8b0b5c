//! One reading of the Swarm: all that plans of a run look at.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::health::{Tally, judge};
use dockerops_core::observed::{Node, Observed, Task};

use super::{Request, World, volumes};
use crate::engine::{EngineError, TaskFilter};

/// What the Swarm was when the run began.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(super) observed: Observed,
    /// Services with tasks that do not run the current spec yet, by id.
    pub(super) dirty: BTreeSet<String>,
    /// Services of which less runs than is wanted, by id.
    pub(super) unwell: BTreeSet<String>,
    /// Services with a task that is doing its work, by id.
    pub(super) busy: BTreeSet<String>,
    /// By service id: the tasks that there were.
    pub(super) tasks: BTreeMap<String, BTreeSet<String>>,
    /// The nodes that tasks may be given to.
    pub(super) nodes: Vec<Node>,
}

/// One reading of the Swarm, with all that plans of `request` look at.
pub(super) async fn observe_for(world: &World, request: &Request) -> Result<Seen, EngineError> {
    let volumes = volumes::to_prune(world, request);
    let (mut seen, volumes) = tokio::try_join!(observe(world), volumes)?;
    seen.observed.volumes = volumes;
    Ok(seen)
}

/// One reading of the Swarm, for all stacks together.
pub(super) async fn observe(world: &World) -> Result<Seen, EngineError> {
    let all = TaskFilter::default();
    let current = TaskFilter {
        up_to_date: true,
        ..TaskFilter::default()
    };
    let (observed, tasks, current, nodes) = tokio::try_join!(
        world.engine.observe(),
        world.engine.tasks(&all),
        world.engine.tasks(&current),
        world.engine.nodes()
    )?;
    let unwell = unwell(&observed, &current, &nodes);
    let busy = current.iter().filter(|task| works(task));
    let busy = busy.map(|task| task.service_id.clone()).collect();
    let current: BTreeSet<_> = current.into_iter().map(|task| task.id).collect();
    let mut seen = Seen {
        observed,
        unwell,
        busy,
        dirty: BTreeSet::new(),
        tasks: BTreeMap::new(),
        nodes,
    };
    for task in tasks {
        if task.desired_state == "running" && !current.contains(&task.id) {
            seen.dirty.insert(task.service_id.clone());
        }
        seen.tasks
            .entry(task.service_id)
            .or_default()
            .insert(task.id);
    }
    Ok(seen)
}

fn works(task: &Task) -> bool {
    matches!(task.state.as_str(), "starting" | "running")
}

/// Services of which less runs than is wanted, whoever they belong to.
fn unwell(observed: &Observed, current: &[Task], nodes: &[Node]) -> BTreeSet<String> {
    let mut tasks = BTreeMap::<&str, Vec<Task>>::new();
    for task in current {
        tasks
            .entry(&task.service_id)
            .or_default()
            .push(task.clone());
    }
    let now = crate::engine::now();
    let short = observed.services.iter().filter(|service| {
        let tasks = tasks
            .get(service.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        let Tally { running, wanted } = judge(service, tasks, nodes, &BTreeSet::new(), now).tally;
        running < wanted
    });
    short.map(|service| service.id.clone()).collect()
}

//! Waiting until stacks are really gone, so that a deploy right after finds no remains.

use std::time::Duration;

use dockerops_core::names::{StackName, label};
use dockerops_core::observed::{Service, Task};
use tokio::time::{Instant, sleep};

use super::{Engine, EngineError, TaskFilter};

/// Waits until nothing of `stacks` is left: services, tasks on nodes that are not
/// down, networks. Tasks on a node that is down stay until it is back.
pub(super) async fn removed(
    engine: &dyn Engine,
    stacks: &[StackName],
    within: Duration,
) -> Result<(), EngineError> {
    let begin = Instant::now();
    loop {
        let Some(left) = remains(engine, stacks).await? else {
            return Ok(());
        };
        if begin.elapsed() >= within {
            let what = format!("the removal of {left}");
            return Err(EngineError::NotInTime { what, within });
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// The first thing of `stacks` that is still there, in words.
async fn remains(engine: &dyn Engine, stacks: &[StackName]) -> Result<Option<String>, EngineError> {
    let observed = engine.observe().await?;
    let ours = |namespace: Option<&str>| stacks.iter().any(|s| Some(s.as_str()) == namespace);
    let mut services = observed.services.iter();
    let of_stack = |s: &&Service| ours(s.label(label::NAMESPACE));
    if let Some(service) = services.find(of_stack) {
        return Ok(Some(format!("service `{}`", service.name)));
    }
    if let Some(task) = first_task(engine, stacks).await? {
        return Ok(Some(task));
    }
    let mut networks = observed.networks.iter();
    let network = networks.find(|n| ours(n.labels.get(label::NAMESPACE).map(String::as_str)));
    Ok(network.map(|network| format!("network `{}`", network.name)))
}

async fn first_task(
    engine: &dyn Engine,
    stacks: &[StackName],
) -> Result<Option<String>, EngineError> {
    let nodes = engine.nodes().await?;
    let is_down = |task: &Task| {
        nodes
            .iter()
            .any(|n| n.id == task.node_id && n.state == "down")
    };
    for stack in stacks {
        let filter = TaskFilter {
            stack: Some(stack.to_string()),
            ..TaskFilter::default()
        };
        let tasks = engine.tasks(&filter).await?;
        if tasks.iter().any(|task| !is_down(task) && may_run(task)) {
            return Ok(Some(format!("the tasks of stack `{stack}`")));
        }
    }
    Ok(None)
}

/// Ended tasks stay listed for a while, some for ever; they hold nothing. Neither does a
/// task that waits for a node: Swarm forgets those of a job that is gone (seen on 20.10).
fn may_run(task: &Task) -> bool {
    let waits = task.state == "pending" && task.node_id.is_empty();
    let ended = matches!(
        task.state.as_str(),
        "complete" | "shutdown" | "failed" | "rejected" | "orphaned" | "remove"
    );
    !waits && !ended
}

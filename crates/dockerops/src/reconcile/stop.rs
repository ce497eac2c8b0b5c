//! `stop`: everything that DockerOps deployed goes, and nothing else.

use std::collections::BTreeMap;

use dockerops_core::departed::owned_stacks;
use dockerops_core::image_counts;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::observed::Observed;
use dockerops_core::order;
use dockerops_core::plan::{Adopt, Ownership, owner_of};
use dockerops_core::report::{Problem, Report, RepositoryReport, StackReport};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::removal::{Leaver, REMOVAL_TIMEOUT, orders};
use super::{Trigger, World, history, images};
use crate::store::Stack;

/// What `stop` would remove.
#[derive(Debug, Clone, Default)]
pub struct Managed {
    /// Stacks by the repository that owns them.
    pub stacks: BTreeMap<StackName, (Owner, Adopt)>,
    /// Images that DockerOps recorded.
    pub images: Vec<String>,
    observed: Observed,
}

/// Finds the stacks that are owned by a repository of this database, or listed there as deployed.
pub async fn managed(world: &World) -> Result<Managed, Problem> {
    let observed = world.engine.observe().await?;
    let store = world.store();
    let mut stacks = BTreeMap::new();
    for repository in store.repositories()? {
        let owner = repository.owner();
        for stack in owned_stacks(&observed, &owner) {
            stacks.insert(stack, (owner.clone(), Adopt::Refuse));
        }
    }
    for row in store.stacks()?.into_iter().filter(Stack::was_deployed) {
        let Ok(stack) = StackName::parse(&row.name) else {
            continue;
        };
        let owner = row.owner();
        // Somebody took it over meanwhile: not ours any more.
        if matches!(owner_of(&observed, &stack), Ownership::Owned(owners) if !owners.contains(&owner))
        {
            continue;
        }
        stacks.entry(stack).or_insert((owner, Adopt::Take));
    }
    let images = store
        .images()?
        .into_iter()
        .map(|image| image.name)
        .collect();
    drop(store);
    Ok(Managed {
        stacks,
        images,
        observed,
    })
}

/// Removes all of `managed`, side by side, then empties the tables.
///
/// What could not be removed stays recorded, so that `stop` can be run again;
/// what is gone is forgotten at once.
pub async fn stop(world: &World, managed: &Managed) -> Report {
    let mut report = Report::default();
    let stacks = gone(world, managed, Trigger::Stop).await;
    report.repositories.push(RepositoryReport {
        stacks,
        ..RepositoryReport::default()
    });
    if !report.failed() {
        match forget(world, managed).await {
            Ok(removed) => report.images_removed = removed,
            Err(problem) => report.problems.push(problem),
        }
    }
    report
}

/// Removes the stacks of `managed`, side by side but for those whose networks others use;
/// what is gone is forgotten at once, but for its history.
pub(super) async fn gone(world: &World, managed: &Managed, trigger: Trigger) -> Vec<StackReport> {
    let mut reports = Vec::new();
    let names = managed.stacks.keys().cloned().collect();
    for wave in order::stacks_to_remove(&names, &orders(world), &managed.observed) {
        let removals = wave.iter().filter_map(|stack| {
            let (owner, adopt) = managed.stacks.get(stack)?;
            Some(one_gone(world, managed, trigger, stack, owner, *adopt))
        });
        reports.extend(join_all(removals).await);
    }
    reports
}

async fn one_gone(
    world: &World,
    managed: &Managed,
    trigger: Trigger,
    stack: &StackName,
    owner: &Owner,
    adopt: Adopt,
) -> StackReport {
    let started = Timestamp::now();
    let leaver = Leaver {
        stack,
        owner,
        adopt,
        volumes: &[],
    };
    let removed = leaver
        .remove(world, &managed.observed, REMOVAL_TIMEOUT)
        .await;
    let removed = removed.and_then(|report| {
        let ended = history::removed(owner, &report, trigger, started);
        let forgotten = world.store().together(|store| {
            store.remove_stack(owner, stack.as_str())?;
            store.record_run(&ended)
        });
        forgotten?;
        Ok(report)
    });
    removed.unwrap_or_else(|problem| StackReport::failed(stack.clone(), problem))
}

/// Removes the recorded images that nothing uses and empties the tables; returns the images.
async fn forget(world: &World, managed: &Managed) -> Result<Vec<String>, Problem> {
    let observed = world.engine.observe().await?;
    let recorded = image_counts::count(managed.images.iter().map(String::as_str));
    let unused = image_counts::removable(&recorded, &image_counts::Counts::new(), &observed);
    let removed = images::remove_released(world, unused).await?;
    world.store().clear_all()?;
    Ok(removed)
}

//! What a failed service says for itself: the error behind a pause or a rollback.

use std::collections::BTreeMap;

use dockerops_core::health::{Outcome, explain};
use tokio::try_join;

use super::{Engine, TaskFilter};

/// Puts the error of the task behind a pause or a rollback into its outcome. `ids` are
/// those of the services, by name. What cannot be asked stays unexplained.
pub(super) async fn complete(
    engine: &dyn Engine,
    ids: &BTreeMap<String, String>,
    done: &mut BTreeMap<String, Outcome>,
) {
    let failed = |name: &&String| matches!(done.get(*name), Some(Outcome::Failed(_)));
    let failed: Vec<_> = ids.keys().filter(failed).collect();
    if failed.is_empty() {
        return;
    }
    let filter = TaskFilter {
        services: failed
            .into_iter()
            .filter_map(|name| ids.get(name).cloned())
            .collect(),
        ..TaskFilter::default()
    };
    let view = try_join!(engine.services(), engine.tasks(&filter), engine.nodes());
    let Ok((services, tasks, nodes)) = view else {
        return;
    };
    for service in services {
        let Some(Outcome::Failed(health)) = done.get_mut(&service.name) else {
            continue;
        };
        if let Some(reason) = health.reason.take() {
            health.reason = Some(explain(reason, &service, &tasks, &nodes));
        }
    }
}

//! `unwatch`: one repository is followed no more; its stacks go with it, or stay as they are.
//!
//! Neither Git nor a registry is asked. Files of bindings and volumes stay, as with `stop`.

use dockerops_core::names::Owner;
use dockerops_core::report::{Problem, Report, RepositoryReport};

use super::stop::{Managed, gone};
use super::{Trigger, World, images};

/// What of `managed` belongs to `owner`.
pub fn managed_by(mut managed: Managed, owner: &Owner) -> Managed {
    managed.stacks.retain(|_, (of, _)| of == owner);
    managed
}

/// Removes the stacks of `managed`, then forgets the repository `url` and what only it counted.
///
/// What could not be removed keeps the repository watched, so that this can be run again.
pub async fn unwatch(world: &World, url: &str, managed: &Managed) -> Report {
    let stacks = gone(world, managed, Trigger::Unwatch).await;
    let mut report = Report {
        repositories: vec![RepositoryReport {
            url: url.to_owned(),
            stacks,
            ..RepositoryReport::default()
        }],
        ..Report::default()
    };
    if !report.failed() {
        match forget(world, url).await {
            Ok(removed) => report.images_removed = removed,
            Err(problem) => report.problems.push(problem),
        }
    }
    report
}

/// Forgets the repository `url`; what runs of it goes on running, with its labels.
pub async fn forget(world: &World, url: &str) -> Result<Vec<String>, Problem> {
    let forgotten = world.store().remove_repository(url);
    forgotten?;
    images::recount(world).await
}

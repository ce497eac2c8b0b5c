//! What lies on this host: shared storage, disks, database, lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dockerops_core::checkup::{self, Check, Place, Storage};
use dockerops_core::diagnostic::Diagnostics;
use dockerops_core::manifest::parse_nfs;
use dockerops_core::report::Problem;
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::source::Sources;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::PATIENCE;
use crate::host;
use crate::lock::Lock;
use crate::reconcile::World;

/// More than this is no `nfs.yaml`.
const LARGEST: u64 = 64 * 1024;

/// The shared storage of each watched repository that has some, as of what was fetched last.
pub(super) async fn storage(
    world: &Arc<World>,
    urls: &[(String, Option<RepositoryUrl>)],
    nodes: usize,
) -> Vec<Check> {
    let looked = urls
        .iter()
        .filter_map(|(given, url)| Some((given, url.clone()?)));
    let looked = looked.map(|(given, url)| async move {
        let path = nfs(world, url).await?;
        let shown = path.display().to_string();
        let work = tokio::task::spawn_blocking(move || host::storage(&path));
        let found = match timeout(PATIENCE, work).await {
            Ok(Ok(found)) => found,
            _ => Storage {
                place: Place::Silent,
                written: Ok(()),
            },
        };
        Some(checkup::storage(given, &shown, &found, nodes))
    });
    join_all(looked).await.into_iter().flatten().collect()
}

/// `nfs.path` of what is mirrored. A file with a mistake is told by every run.
async fn nfs(world: &Arc<World>, url: RepositoryUrl) -> Option<PathBuf> {
    let world = Arc::clone(world);
    let work = move || {
        let revision = world.git.mirrored(&url)?;
        let tree = world.git.tree(&url, &revision).ok()?;
        let text = tree.read("nfs.yaml", LARGEST).ok()??;
        let mut sources = Sources::default();
        let file = sources.add("nfs.yaml", String::from_utf8(text).ok()?);
        let nfs = parse_nfs(&sources, file, &mut Diagnostics::default())?;
        Some(PathBuf::from(nfs.path.value))
    };
    tokio::task::spawn_blocking(work).await.ok()?
}

/// Room where we write, and where the engine of this host keeps its images.
pub(super) fn disks(world: &World, docker: Option<&Path>) -> Vec<Check> {
    let mirrors = world.settings.mirrors();
    let places = [
        ("the database", Some(world.settings.database.as_path())),
        ("mirrors", Some(mirrors.as_path())),
        ("Docker", docker),
    ];
    let places = places
        .into_iter()
        .filter_map(|(what, path)| Some((what, path?)));
    let checks = places.filter_map(|(what, path)| {
        let space = host::space(path)?;
        Some(checkup::disk(what, &path.display().to_string(), space))
    });
    checks.collect()
}

/// Whether the database can be read whole.
pub(super) fn database(world: &World, unopened: Option<Problem>) -> Check {
    let fail = |problem: Problem| Check::fail("database", problem.message, problem.hint);
    if let Some(problem) = unopened {
        return fail(problem);
    }
    let store = world.store();
    let path = store.path().display();
    match store.faults() {
        Err(error) => fail(error.into()),
        Ok(faults) if !faults.is_empty() => {
            let fix = format!(
                "Move `{path}` away and `watch` the repositories again: nothing that runs is restarted."
            );
            Check::fail(
                "database",
                format!("`{path}` is damaged: {}", faults.join("; ")),
                Some(fix),
            )
        }
        Ok(_) if store.path().exists() => Check::ok("database", format!("`{path}` is sound")),
        Ok(_) => Check::ok("database", format!("`{path}` is made by the first `watch`")),
    }
}

/// Who is at work now.
pub(super) fn lock(world: &World) -> Check {
    match Lock::holder(&Lock::path_for(&world.settings.database)) {
        None => Check::ok("lock", "no other run is at work"),
        Some(holder) => Check::ok(
            "lock",
            format!(
                "`{}` (process {}) is at work since {}",
                holder.command, holder.pid, holder.since
            ),
        ),
    }
}

//! `doctor`: looks at everything that a run leans on, and says how to mend it.
//!
//! Whatever is broken, the rest is looked at all the same. Nothing is changed, but for a file
//! of our own that is written to the shared storage and removed again.

mod outside;
mod places;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dockerops_core::checkup::{self, Check};
use dockerops_core::observed::{Node, Observed};
use dockerops_core::report::Problem;
use dockerops_core::repository_url::RepositoryUrl;
use tokio::time::timeout;

use super::World;
use crate::engine::{EngineError, EngineInfo, SwarmState};

/// How long a server or a disk may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of the Swarm, as far as it answers.
#[derive(Default)]
struct Swarm {
    info: Option<EngineInfo>,
    nodes: Vec<Node>,
    observed: Observed,
}

/// All checks, in the order in which they build on each other. `database` is why the
/// database could not be opened, in which case `world` has an empty one.
pub async fn doctor(world: &Arc<World>, database: Option<Problem>) -> Vec<Check> {
    let mut checks = Vec::new();
    let swarm = swarm(world, &mut checks).await;
    let urls = database.is_none().then(|| watched(world));
    let urls = urls.as_deref();
    let root = swarm.info.as_ref().map(|info| info.root.clone());
    let local = world.settings.docker.host.as_deref();
    let local = local.is_none_or(|host| host.starts_with("unix://"));
    let (repositories, registries, storage) = tokio::join!(
        outside::repositories(world, urls),
        outside::registries(world, &swarm.observed),
        places::storage(world, urls.unwrap_or_default(), swarm.nodes.len()),
    );
    checks.extend(repositories);
    checks.extend(registries);
    checks.extend(storage);
    checks.extend(places::disks(
        world,
        root.as_deref().filter(|_| local).map(Path::new),
    ));
    checks.push(places::database(world, database));
    checks.push(places::lock(world));
    checks
}

/// The engine, its Swarm, its managers and nodes.
async fn swarm(world: &World, checks: &mut Vec<Check>) -> Swarm {
    let mut swarm = Swarm::default();
    let info = match timeout(PATIENCE, world.engine.info()).await {
        Ok(Ok(info)) => info,
        Ok(Err(error)) => {
            checks.push(failed("engine", error));
            return swarm;
        }
        Err(_) => {
            checks.push(silent());
            return swarm;
        }
    };
    let message = format!(
        "Docker {} on `{}`, API {}",
        info.version, info.name, info.api
    );
    checks.push(Check::ok("engine", message));
    let state = match info.swarm {
        SwarmState::Manager => None,
        SwarmState::Worker => Some(EngineError::NotManager),
        SwarmState::Inactive => Some(EngineError::NotSwarm),
        SwarmState::Locked => Some(EngineError::Locked),
    };
    swarm.info = Some(info);
    if let Some(error) = state {
        checks.push(failed("swarm", error));
        return swarm;
    }
    match tokio::try_join!(world.engine.nodes(), world.engine.observe()) {
        Ok((nodes, observed)) => {
            checks.push(Check::ok("swarm", "this node manages it"));
            checks.push(checkup::managers(&nodes));
            checks.push(checkup::nodes(&nodes));
            swarm.nodes = nodes;
            swarm.observed = observed;
        }
        Err(error) => checks.push(failed("swarm", error)),
    }
    swarm
}

/// An engine that takes calls and does not answer: every other command waits long for it.
fn silent() -> Check {
    let message = format!("Docker does not answer within {} s", PATIENCE.as_secs());
    let fix = "See `journalctl -u docker`; `systemctl restart docker` helps where it hangs.";
    Check::fail("engine", message, Some(fix.to_owned()))
}

fn failed(name: &'static str, error: EngineError) -> Check {
    let problem = Problem::from(error);
    Check::fail(name, problem.message, problem.hint)
}

/// The watched repositories, as given; those of which the address is none are told by `outside`.
fn watched(world: &World) -> Vec<(String, Option<RepositoryUrl>)> {
    let rows = world.store().repositories().unwrap_or_default();
    let parsed = |url: String| {
        let parsed = RepositoryUrl::parse(&url).ok();
        (url, parsed)
    };
    rows.into_iter().map(|row| parsed(row.url)).collect()
}

//! docs/guide/migration.md: stacks that run already are taken over, and none of their tasks restarts.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, files};

const WEB: &str = "version: \"3.8\"\nservices: {web: {image: \"nginx:1.27\"}}\n";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    from_the_earlier(world, &mut walk)?;
    from_a_script(world, &mut walk)?;
    from_swarm_cd(world, &mut walk)?;
    walk.end()
}

fn from_the_earlier(world: &World<'_>, walk: &mut Walk<'_>) -> Result<(), LabError> {
    world.anew()?;
    let stacks = [
        ("stacks.yaml", "- name: web\n"),
        ("web/docker-compose.yml", WEB),
    ];
    world.repository("github.com/you/stacks", &files(&stacks))?;
    let tasks = deployed_by_docker(world, "stacks/web/docker-compose.yml", "web")?;
    let database = "/root/.dockerops/dockerops.db";
    world.root(&format!(
        "mkdir /root/.dockerops; sqlite3 {database} <<'END'\n{EARLIER}{DEPLOYED}\nEND"
    ))?;
    walk.run("sudo cp -a")?;
    walk.says("sudo dockerops debug-cache", "taken over")?;
    unmoved(world, "web", &tasks)
}

/// The tables of 0.0.x, and in them one stack.
const EARLIER: &str = include_str!("../../earlier.sql");
const DEPLOYED: &str = "
INSERT INTO images VALUES (1, 'nginx:1.27', 1);
INSERT INTO stacks VALUES (1, 'web', 'https://github.com/you/stacks', 'web/docker-compose.yml', '0123', 'deployed');
INSERT INTO repository_cache VALUES (1, 'https://github.com/you/stacks', '2025-07-21T00:00:48.123456789+00:00');";

fn from_a_script(world: &World<'_>, walk: &mut Walk<'_>) -> Result<(), LabError> {
    world.anew()?;
    let list = walk.page.files("From cron and `docker stack deploy`")?;
    world.repository("github.com/you/stacks", &list)?;
    let shop = [
        ("services/shop/docker-compose.yml", WEB),
        (
            "services/shop/production.yml",
            "version: \"3.8\"\nservices: {web: {deploy: {replicas: 2}}}\n",
        ),
    ];
    world.push("stacks", &files(&shop), "the shop")?;
    let folder = "stacks/services/shop";
    let both = format!("{folder}/docker-compose.yml -c {folder}/production.yml");
    let tasks = deployed_by_docker(world, &both, "shop")?;
    walk.enter("stacks");
    walk.run("dockerops validate")?;
    walk.answers_as_told("sudo dockerops plan . 2>&1", 0, "shop  no change")?;
    walk.enter(".");
    walk.says("sudo dockerops watch", "taken over")?;
    walk.cron("*/5")?;
    unmoved(world, "shop", &tasks)
}

fn from_swarm_cd(world: &World<'_>, walk: &mut Walk<'_>) -> Result<(), LabError> {
    world.anew()?;
    let becomes = walk.page.files("From swarm-cd")?;
    world.repository("github.com/you/my-stacks", &becomes)?;
    world.push("my-stacks", &files(&[("nginx/compose.yaml", WEB)]), "nginx")?;
    let tasks = deployed_by_docker(world, "my-stacks/nginx/compose.yaml", "nginx")?;
    deployed_by_docker(world, "my-stacks/nginx/compose.yaml", "swarm-cd")?;
    walk.says("docker stack rm swarm-cd", "taken over")?;
    unmoved(world, "nginx", &tasks)
}

/// Deploys files (`a -c b`) with Docker's own client; gives the tasks, once they run.
///
/// In a new Swarm, Docker does not always find the network that it just made.
fn deployed_by_docker(world: &World<'_>, files: &str, stack: &str) -> Result<String, LabError> {
    world.does(&format!(
        "for _ in 1 2; do docker stack deploy -c {files} {stack} && exit; sleep 2; done; docker stack deploy -c {files} {stack}"
    ))?;
    world.does(&format!("sudo dockerops wait {stack} --timeout 1m"))?;
    tasks(world, stack)
}

fn tasks(world: &World<'_>, stack: &str) -> Result<String, LabError> {
    world.root(&format!("docker stack ps -q {stack} | sort"))
}

fn unmoved(world: &World<'_>, stack: &str, before: &str) -> Result<(), LabError> {
    if tasks(world, stack)? == before {
        return Ok(());
    }
    Err(LabError::Claim(format!("no task of `{stack}` restarts")))
}

//! docs/guide/first-stack.md: each screen of it must be what the reader sees.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::World;

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    world.without_swarm()?;
    let mut walk = Walk::through(world, page)?;
    walk.run("sudo docker swarm init")?;
    walk.run("sudo dockerops doctor")?;
    let files = walk.page.files("2. A repository")?;
    world.repository("github.com/you/stacks", &[])?;
    world.write("stacks", &files)?;
    walk.enter("stacks");
    walk.shows("dockerops validate")?;
    world.push("stacks", &[], "first")?;
    walk.enter(".");
    walk.shows("sudo dockerops watch")?;
    let newer = files
        .iter()
        .map(|(path, text)| (path.clone(), text.replace("1.27", "1.28")));
    world.push("stacks", &newer.collect::<Vec<_>>(), "nginx 1.28")?;
    walk.shows("sudo dockerops plan")?;
    walk.run("sudo dockerops reconcile")?;
    walk.cron("*/5")?;
    walk.end()
}

//! docs/guide/troubleshooting.md: the commands that look, and those that mend.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, website};

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    world.repository("github.com/you/stacks", &website("1.27"))?;
    walk.later("sudo dockerops doctor")?;
    world.does("docker stack deploy -c stacks/web/compose.yml web >/dev/null")?;
    let watch = "sudo dockerops watch https://github.com/you/stacks";
    world.refuses(watch, "something else deployed it")?;
    world.does("sudo dockerops unwatch --keep-stacks https://github.com/you/stacks")?;
    walk.run("sudo dockerops plan --repo")?;
    world.root("mkdir -p /mnt/nfs/dockerops/secret")?;
    walk.answer("sudo install", "a value\n")?;
    walk.fill_in(&[("STACK", "web"), ("SERVICE", "nginx")]);
    walk.run("sudo dockerops logs")?;
    walk.fill_in(&[("STACK", "web"), ("SERVICE", "web_nginx")]);
    walk.run("sudo docker stack ls")?;
    walk.run("sudo dockerops stop")?;
    walk.run("sudo dockerops doctor")?;
    walk.end()
}

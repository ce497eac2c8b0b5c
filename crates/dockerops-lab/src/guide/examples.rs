//! docs/guide/examples.md: each repository is deployed.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, files};

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    world.repository("github.com/you/my-app", &walk.page.files("One stack")?)?;
    walk.run("sudo dockerops watch")?;

    world.anew()?;
    world.root("mkdir -p /mnt/nfs/dockerops")?;
    world.repository("github.com/you/stacks", &walk.page.files("Volumes")?)?;
    let more = [
        "config/nginx.conf",
        "config/app.conf",
        "static/index.html",
        "static/style.css",
    ];
    world.push("stacks", &files(&more.map(|path| (path, "x\n"))), "files")?;
    walk.enter("stacks");
    walk.answers_as_told("dockerops render .", 0, "volumes:\n    bind")?;
    walk.enter(".");
    world.does("sudo dockerops watch https://github.com/you/stacks")?;

    world.anew()?;
    world.log_in()?;
    world.repository("github.com/you/stacks", &walk.page.files("Secrets")?)?;
    walk.answer("sudo mkdir -p -m 700", "a value\n")?;
    world.does("sudo dockerops watch https://github.com/you/stacks")?;
    let value = "docker service inspect api-stack_api | grep 'DB_PASSWORD=a value'";
    world.root(value)?;

    world.anew()?;
    world.log_in()?;
    world.root(
        "mkdir -p /mnt/nfs/dockerops/secret; echo x >/mnt/nfs/dockerops/secret/db_password",
    )?;
    world.repository(
        "github.com/you/stacks",
        &walk.page.files("Several stacks, in order")?,
    )?;
    walk.run("sudo docker network create")?;
    world.does("sudo dockerops watch https://github.com/you/stacks")?;
    walk.end()
}

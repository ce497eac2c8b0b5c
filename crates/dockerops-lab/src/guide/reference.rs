//! docs/reference, and the French page of reference: the commands for programs, editors, and looking into the database.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, files, website};

pub(super) fn json(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.watched_website()?;
    let mistake = [("web/compose.yml", "services: {nginx: {imag: x}}\n")];
    world.push("stacks", &files(&mistake), "a mistake")?;
    walk.ends("sudo dockerops reconcile -o json", 1, "web failed\n")?;
    world.push("stacks", &website("1.28"), "nginx 1.28")?;
    walk.says("sudo dockerops plan -o json", "web_nginx\n")?;
    world.root(
        "docker service update -q --detach --image nginx:none --no-resolve-image web_nginx",
    )?;
    walk.says("sudo dockerops status -o json", "web\n{")?;
    walk.end()
}

pub(super) fn schemas(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    walk.run("mkdir -p .schemas")?;
    world.does("jq . .schemas/volumes.schema.json; rm -r .schemas")?;
    walk.end()
}

pub(super) fn french(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.watched_website()?;
    walk.says("sudo sqlite3", "web|deployed")?;
    walk.pass("cargo build", "`./dev` builds and tests in a clone")?;
    walk.end()
}

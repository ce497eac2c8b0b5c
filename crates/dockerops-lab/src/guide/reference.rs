//! docs/reference: the commands for programs and editors.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, files};

pub(super) fn json(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    let stacks = [
        ("stacks.yaml", "- name: web\n"),
        (
            "web/compose.yml",
            "services: {nginx: {image: \"nginx:1.27\"}}\n",
        ),
    ];
    world.repository("github.com/you/stacks", &files(&stacks))?;
    world.does("sudo dockerops watch https://github.com/you/stacks")?;
    for command in ["reconcile", "plan", "status"] {
        walk.run(&format!("sudo dockerops {command} -o json"))?;
    }
    walk.end()
}

pub(super) fn schemas(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    walk.run("mkdir -p .schemas")?;
    world.does("jq . .schemas/volumes.schema.json; rm -r .schemas")?;
    walk.end()
}

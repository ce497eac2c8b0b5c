//! docs/guide/repository.md: mistakes, and the value of a secret.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, files};

const API: &str = "services:
  app:
    image: nginx:1.27
    command: [serve]
    environment:
      DB_PASSWORD: xyz
";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    let stacks = [
        ("stacks.yaml", "- name: web\n- name: api\n"),
        (
            "web/compose.yml",
            "services:\n  app:\n    image: nginx:1.27\n    comand: x\n",
        ),
        ("api/compose.yml", API),
    ];
    world.write("stacks", &files(&stacks))?;
    walk.enter("stacks");
    walk.shows_end("dockerops validate", 1)?;
    walk.run("dockerops validate --sarif")?;
    world.does("jq -e '.runs[0].results | length == 2' stacks/dockerops.sarif")?;
    walk.enter(".");
    walk.answer("sudo mkdir", "a value\n")?;
    world.root("grep -qx 'a value' /mnt/nfs/dockerops/secret/database_password")?;
    walk.end()
}

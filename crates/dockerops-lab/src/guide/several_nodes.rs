//! docs/guide/several-nodes.md: shared storage and a login, as far as one node can show them.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{LOGIN, World, files};

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    walk.run("sudo mkdir")?;
    let stacks = [
        ("stacks.yaml", "- name: api\n"),
        ("nfs.yaml", "path: /mnt/nfs/dockerops\n"),
        (
            "volumes.yaml",
            "- id: conf\n  type: binding\n  path: conf\n",
        ),
        ("conf/a", "1\n"),
        (
            "api/compose.yml",
            "services: {api: {image: \"registry.example.org/api:2.1\", volumes: [\"conf:/conf\"]}}\n",
        ),
    ];
    world.repository("github.com/you/stacks", &files(&stacks))?;
    let watch = "sudo dockerops watch https://github.com/you/stacks";
    world.refuses(watch, "does not let us read")?;
    walk.answer_at_terminal("sudo docker login", LOGIN)?;
    world.does("sudo dockerops reconcile")?;
    world.root("test -e /mnt/nfs/dockerops/conf/a; umount /mnt/nfs/dockerops; sed -i /nfs-server/d /etc/fstab")?;
    walk.end()
}

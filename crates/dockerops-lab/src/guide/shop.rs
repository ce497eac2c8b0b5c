//! The repository `https://git.example.org/home/stacks` of the pages on plans, rollbacks and operating: a shop, a blog.

use dockerops_lab::LabError;

use super::world::{World, files};

/// What it has besides the shop.
const BASE: &[(&str, &str)] = &[
    ("stacks.yaml", "- name: shop\n- name: blog\n"),
    ("nfs.yaml", "path: /mnt/nfs/dockerops\n"),
    (
        "volumes.yaml",
        "- id: conf\n  type: binding\n  path: shop/conf\n",
    ),
    (
        "blog/compose.yml",
        "services: {web: {image: \"nginx:1.27\"}}\n",
    ),
];

/// A new machine that watches the repository, in its first version.
///
/// `shop` is the shop's compose file; beside it are `a.conf`, and `conf/` as the binding `conf`.
pub(super) fn watched(world: &World<'_>, shop: &str) -> Result<(), LabError> {
    world.anew()?;
    world.log_in()?;
    world.root("mkdir -p /mnt/nfs/dockerops")?;
    world.does("git config --global user.name 'Alice Martin'")?;
    world.repository("git.example.org/home/stacks", &[])?;
    world.push("stacks", &first(shop), "api 2.0")?;
    world.does("sudo dockerops watch https://git.example.org/home/stacks")
}

fn first(shop: &str) -> Vec<(String, String)> {
    let own = [
        ("shop/compose.yml", shop),
        ("shop/a.conf", "10\n"),
        ("shop/conf/nginx.conf", "1\n"),
    ];
    [files(BASE), files(&own)].concat()
}

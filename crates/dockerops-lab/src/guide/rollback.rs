//! docs/guide/rollback.md: a deploy that fails, goes back and is held, and going back by hand.

use dockerops_lab::LabError;

use super::shop::watched;
use super::walk::Walk;
use super::world::{World, files};

const SHOP: &str = "services:
  api:
    image: registry.example.org/api:2.0
    command: [serve]
    configs: [conf]
    deploy: {replicas: 2}
configs:
  conf: {file: a.conf}
";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    watched(world, SHOP)?;
    let broken = SHOP.replace("[serve]", "[serve, --new-cache]");
    let changes = [
        ("shop/compose.yml", broken.as_str()),
        ("shop/a.conf", "20\n"),
    ];
    world.push("stacks", &files(&changes), "a new cache")?;
    walk.shows("sudo dockerops reconcile")?;
    walk.answers_as_told("sudo dockerops reconcile || true", "shop  held")?;

    world.push(
        "stacks",
        &files(&[("shop/compose.yml", SHOP)]),
        "the cache of before",
    )?;
    world.does("sudo dockerops reconcile")?;
    walk.fill_in(&[("12", "2")]);
    walk.run("sudo dockerops history")?;
    world.does("sudo dockerops reconcile | grep -q '2 unchanged'")?;
    walk.end()
}

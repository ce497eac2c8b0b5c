//! docs/guide/operating.md: what is told of a shop whose last deploy failed.

use dockerops_lab::LabError;

use super::shop::watched;
use super::walk::Walk;
use super::world::{World, files};

const SHOP: &str = "services:
  api:
    image: registry.example.org/api:2.0
    command: [serve]
    deploy: {replicas: 2}
  web: {image: \"nginx:1.27\"}
";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    watched(world, SHOP)?;
    let newer = [("shop/compose.yml", SHOP.replace("2.0", "2.1"))];
    world.push(
        "stacks",
        &files(&newer.each_ref().map(|(path, text)| (*path, text.as_str()))),
        "api 2.1",
    )?;
    world.refuses("sudo dockerops reconcile", "rolled back")?;
    walk.shows("sudo dockerops status")?;
    // Which task was replaced, Swarm chooses.
    walk.tells(
        "sudo dockerops logs",
        &["api.1@node-1 | GET /cart 200", "web.1@node-1 | GET / 200"],
    )?;
    walk.shows("sudo dockerops history")?;
    walk.run("sudo dockerops suspend")?;
    walk.shows_words("sudo dockerops doctor", 1)?;
    walk.end()
}

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
    walk.shows_end("sudo dockerops reconcile", 1)?;
    walk.answers_as_told("sudo dockerops reconcile", 1, "shop  held")?;

    let faster = SHOP.replace("[serve]", "[serve, --fast]");
    world.push("stacks", &files(&[("shop/compose.yml", &faster)]), "faster")?;
    world.does("sudo dockerops reconcile")?;
    // Back to the first deploy, which is run 2, and forth again.
    walk.fill_in(&[("12", "2")]);
    walk.says(
        "sudo dockerops history",
        r#"["serve","--fast"] → ["serve"]"#,
    )?;
    let runs = "docker service inspect -f '{{.Spec.TaskTemplate.ContainerSpec.Args}}' shop_api";
    world.does(&format!("[ \"$({runs})\" = '[serve --fast]' ]"))?;
    walk.end()
}

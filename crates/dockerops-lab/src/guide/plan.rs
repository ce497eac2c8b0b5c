//! docs/guide/plan.md: what a plan shows of a commit, and of what somebody did by hand.

use dockerops_lab::LabError;

use super::shop::watched;
use super::walk::Walk;
use super::world::{World, files};

const SHOP: &str = "services:
  api:
    image: registry.example.org/api:2.0
    deploy: {replicas: 2}
  web:
    image: nginx:1.27
    configs: [{source: limits, target: limits}]
    volumes: [\"conf:/etc/nginx/conf.d:ro\"]
  cache: {image: \"nginx:1.27\"}
  worker: {image: \"nginx:1.27\"}
configs:
  limits: {file: a.conf}
";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    watched(world, SHOP)?;
    let newer = SHOP
        .replace("api:2.0", "api:2.1")
        .replace("replicas: 2", "replicas: 3");
    let changes = [
        ("shop/compose.yml", newer.as_str()),
        ("shop/a.conf", "20\n"),
        ("shop/conf/nginx.conf", "2\n"),
        ("shop/conf/mime.types", "1\n"),
    ];
    world.push("stacks", &files(&changes), "api 2.1")?;
    walk.shows("sudo dockerops plan")?;

    world.does("sudo dockerops reconcile; docker service update -q --replicas 5 --env-add DEBUG=1 shop_api")?;
    walk.shows("sudo dockerops diff")?;
    walk.run("sudo dockerops plan --out")?;
    world.root(
        "[ $(docker service inspect -f '{{.Spec.Mode.Replicated.Replicas}}' shop_api) = 3 ]",
    )?;

    world.anew()?;
    let shop = [("compose.yml", "services: {web: {image: \"nginx:1.27\"}}\n")];
    world.write(".", &files(&shop))?;
    walk.run("sudo -E dockerops deploy")?;
    walk.end()
}

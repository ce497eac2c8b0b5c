//! README.md: from nothing to the first stack, and what `plan` shows of a push.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, files};

const OF_THE_PROJECT: &str = "continuous integration runs it on the project itself";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    // The picture at the top comes after the installation that is told below it.
    walk.later("git push")?;
    walk.pass("./dev demo", OF_THE_PROJECT)?;
    walk.run("curl -sSL")?;
    world.anew()?;
    an_example_is_pushed(world)?;
    walk.enter("mine");
    walk.run("dockerops init")?;
    walk.enter(".");
    walk.cron("0 *")?;
    walk.pass("./dev test", OF_THE_PROJECT)?;
    world.anew()?;
    a_change_is_committed(world)?;
    walk.enter("stacks");
    walk.shows("git push")?;
    walk.end()
}

/// What `dockerops init` writes is the repository that is watched; what its own README tells to type is typed.
fn an_example_is_pushed(world: &World<'_>) -> Result<(), LabError> {
    world.repository("github.com/you/stacks", &[])?;
    world.does(
        "mkdir mine; dockerops init stacks; cd stacks; git add -A; git commit -qm example; git push -q
        typed=$(sed -n '/```bash/,/```$/p' README.md | grep -v '```'); bash -euo pipefail -c \"$typed\"
        sudo test -s /mnt/nfs/secret/postgres_password",
    )
}

fn a_change_is_committed(world: &World<'_>) -> Result<(), LabError> {
    let web = |tag: &str| {
        let deploy = "deploy: {replicas: 2, update_config: {order: start-first}}";
        let file = format!("services: {{web: {{image: \"nginx:{tag}\", {deploy}}}}}\n");
        files(&[("web-stack/compose.yml", &file)])
    };
    let stacks = [
        ("stacks.yaml", "- name: web-stack\n- name: api-stack\n"),
        (
            "api-stack/compose.yml",
            "services: {api: {image: nginx:1.27}}\n",
        ),
    ];
    world.repository("github.com/you/stacks", &files(&stacks))?;
    world.push("stacks", &web("1.27"), "nginx 1.27")?;
    world.does("sudo dockerops watch https://github.com/you/stacks")?;
    world.commit("stacks", &web("1.28"), "nginx 1.28")
}

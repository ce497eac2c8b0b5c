//! docs/guide/ci.md: what pipelines run, in a checkout and on the manager.

use dockerops_lab::LabError;

use super::walk::Walk;
use super::world::{World, files, website};

/// What `validate --sarif` left.
const SARIF: &str = "jq -e '.version == \"2.1.0\"' stacks/dockerops.sarif";
const WEB: &str = "services: {web: {image: \"nginx:1.27\"}}\n";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.watched_website()?;
    walk.enter("stacks");
    walk.workflows()?;
    world.does(SARIF)?;
    world.does("rm stacks/dockerops.sarif")?;

    let shop = [("compose.yml", WEB), ("production.yml", WEB)];
    world.write("shop", &files(&shop))?;
    walk.enter("shop");
    walk.run("dockerops validate -c")?;

    world.commit("stacks", &website("1.28"), "nginx 1.28")?;
    walk.enter("stacks");
    walk.ends("dockerops render", 1, "+  image: nginx:1.28")?;
    walk.ends("sudo dockerops plan . --exit-code", 2, "nginx:1.28")?;
    world.does("cd stacks; git push -q")?;
    walk.run("sudo dockerops plan --out")?;

    let key = "ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519; ssh-keyscan manager >>.ssh/known_hosts 2>/dev/null
        sudo install -D -m 600 .ssh/id_ed25519.pub /root/.ssh/authorized_keys";
    world.does(&format!("mkdir -p -m 700 .ssh; {key}"))?;
    walk.run("ssh root@manager")?;
    world.does("sudo rm stacks/release.plan")?;
    world.push("stacks", &website("1.28-alpine"), "nginx 1.28-alpine")?;
    // The second line ends with 2, as something would change.
    walk.ends("sudo dockerops plan -o json", 2, "web\n")?;
    world.does("sudo dockerops reconcile; sudo dockerops status --exit-code")?;
    walk.end()
}

//! docs/guide/install.md: every way in, regular runs under systemd, and the way out.

use dockerops_lab::{LabError, Repository};

use super::walk::Walk;
use super::world::{World, at_terminal, files, over_ssh};

/// What the page tells in a sentence: where the scripts for fish and zsh go.
const OTHER_SHELLS: &str = "mkdir -p .config/fish/completions
    dockerops completion fish >.config/fish/completions/dockerops.fish
    fish -c 'complete --do-complete \"dockerops reco\"' | grep ^reconcile
    dockerops completion zsh >_dockerops; zsh -n _dockerops";
/// A run of the service must say that it wrote the page.
const SERVICE: &str = "now=$(date '+%F %T'); sudo systemctl start dockerops
    said=$(sudo journalctl -u dockerops --since \"$now\"); grep pages/a <<<\"$said\" || { echo \"$said\"; exit 1; }";
const WATCH: &str = "sudo dockerops watch https://github.com/you/stacks";

pub(super) fn walk(world: &World<'_>, page: &str) -> Result<(), LabError> {
    let mut walk = Walk::through(world, page)?;
    world.anew()?;
    let repository = a_stack_is_pushed(world)?;
    world.lay_out_release()?;
    by_the_installer(world, &mut walk)?;
    as_a_package(world, &mut walk, &repository)?;
    in_a_container(world, &mut walk)?;
    world.does("sudo ./dockerops.sh install")?;
    walk.run("dockerops completion bash")?;
    world.does(OTHER_SHELLS)?;
    walk.run("sudo ./dockerops.sh install --from")?;
    walk.shows_words("sudo ./dockerops.sh status", 0)?;
    walk.run("sudo ./dockerops.sh install --clean-db")?;
    walk.run("sudo dockerops stop")?;
    world.root("[ ! -e /usr/local/bin/dockerops ] && [ ! -e /root/.dockerops ]")?;
    let why = "it takes minutes; `./dev` builds it in a clone";
    walk.pass("git clone", why)?;
    walk.end()
}

/// Its binding gives a file away, which a hardened service must be able to do.
fn a_stack_is_pushed(world: &World<'_>) -> Result<Repository, LabError> {
    let stacks = [
        ("stacks.yaml", "- name: web\n"),
        ("nfs.yaml", "path: /mnt/nfs/dockerops\n"),
        (
            "volumes.yaml",
            "- id: pages\n  type: binding\n  path: pages\n  owner: \"1000:1000\"\n",
        ),
        ("pages/a", "1\n"),
        (
            "web/compose.yml",
            "services: {web: {image: \"nginx:1.27\", volumes: [\"pages:/pages\"]}}\n",
        ),
    ];
    world.root("mkdir -p /mnt/nfs/dockerops")?;
    world.repository("github.com/you/stacks", &files(&stacks))
}

fn by_the_installer(world: &World<'_>, walk: &mut Walk<'_>) -> Result<(), LabError> {
    walk.run("curl -sSL")?;
    walk.run("curl -O")?;
    walk.run("sudo ./dockerops.sh install  ")?;
    world.does(WATCH)?;
    world.will_write("[Timer]\nOnCalendar=\nOnCalendar=*-*-* 03:00:00\n")?;
    walk.answer_at_terminal("systemctl list-timers", "")?;
    world.does("systemctl show -p TimersCalendar dockerops.timer | grep 03:00:00")?;
    world.will_write(&walk.page.block("# sudo systemctl edit dockerops")?.text)?;
    world.does(&at_terminal("sudo systemctl edit dockerops"))?;
    world.push("stacks", &files(&[("pages/a", "1.5\n")]), "a page")?;
    world.does("sudo systemctl start dockerops; systemctl show -p ProtectSystem dockerops | grep -x ProtectSystem=strict")?;
    walk.cron("0 *")?;
    world.does("sudo ./dockerops.sh uninstall")?;
    world
        .root("rm -r /etc/systemd/system/dockerops.*; systemctl daemon-reload")
        .map(|_| ())
}

/// Under the hardened unit as it is packaged, a run fetches over SSH, copies, gives files away, and deploys.
fn as_a_package(
    world: &World<'_>,
    walk: &mut Walk<'_>,
    repository: &Repository,
) -> Result<(), LabError> {
    world.does("sudo apt-get -qq install ./dockerops-linux-x86_64.deb; sudo dockerops stop")?;
    world.does("[ $(systemctl is-enabled dockerops.timer) = disabled ]")?;
    world.root("ssh-keygen -qt ed25519 -N '' -f /root/.ssh/id_ed25519; ssh-keyscan github.com >/root/.ssh/known_hosts")?;
    world.add_deploy_key()?;
    world.does(&format!("sudo dockerops watch {}", over_ssh(repository)))?;
    world.push("stacks", &files(&[("pages/a", "2\n")]), "2")?;
    world.does(SERVICE)?;
    world.root("grep -qx 2 /mnt/nfs/dockerops/pages/a; [ $(stat -c %u /mnt/nfs/dockerops/pages/a) = 1000 ]")?;
    world.does("sudo apt-get -qq -y purge dockerops")?;
    walk.run("sudo apt install")?;
    world.does("systemctl list-timers dockerops.timer | grep dockerops.service; systemd-analyze security dockerops | tail -n 1 | grep ' 2.5 '")?;
    world.does("sudo dockerops stop; sudo apt-get -qq -y purge dockerops; sudo test -s /root/.dockerops/dockerops.db")?;
    world.does("[ $(systemctl is-active dockerops.timer) = inactive ]")?;
    let traces = "find /etc /usr /var/lib -xdev -path '*dockerops*' -not -path '/var/lib/docker/*'";
    world.does(&format!("[ -z \"$(sudo {traces})\" ]"))
}

fn in_a_container(world: &World<'_>, walk: &mut Walk<'_>) -> Result<(), LabError> {
    walk.run("docker load")?;
    let run = "docker run --rm --network host -v /var/run/docker.sock:/var/run/docker.sock \\
        -v /root/.dockerops:/root/.dockerops -v /mnt/nfs/dockerops:/mnt/nfs/dockerops";
    let image = world.as_released("dockerops:1.2.0");
    world.does(&format!(
        "{run} {image} reconcile | grep '1 unchanged'; {run} {image} stop --yes"
    ))?;
    world.does(&format!("{run} --entrypoint ssh {image} -V"))
}

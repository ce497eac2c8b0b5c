//! The hub's servers: registries and their token server, Git over HTTP and over SSH, the hosts of the internet that it
//! stands for, and the nodes' relays to them.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::anchor::Anchor;
use crate::config;
use crate::error::{Doing, LabError};
use crate::http;
use crate::layout::{HUB, Layout, REGISTRY_PORT};
use crate::node::loopback_relays;
use crate::process::wait_for;

/// Starts everything that the hub serves, and the relays of the nodes.
pub(crate) fn start(layout: &Layout, anchor: &Anchor, program: &Path) -> Result<(), LabError> {
    config::write_all(layout)?;
    let hub = layout.hub_namespace();
    let program = program.to_string_lossy();
    let path = |name: &str| layout.folder.join(name).to_string_lossy().into_owned();
    let serve = |program: &str, args: &[&str]| spawn(layout, anchor, &hub, program, args);
    for registry in config::REGISTRIES {
        serve(
            "docker-registry",
            &["serve", &path(&format!("{registry}.yml"))],
        )?;
    }
    serve(
        "/usr/sbin/sshd",
        &["-D", "-e", "-f", &path("ssh/sshd_config")],
    )?;
    serve(&program, &["serve-git", &layout.folder.to_string_lossy()])?;
    serve(&program, &["serve-token", &layout.folder.to_string_lossy()])?;
    serve(
        &program,
        &["serve-internet", &layout.folder.to_string_lossy()],
    )?;
    let socket = layout.registry_socket();
    let registry = format!("{}={HUB}:{REGISTRY_PORT}", socket.display());
    serve(&program, &["relay", &registry])?;
    let relays = loopback_relays();
    let relay: Vec<&str> = std::iter::once("relay")
        .chain(relays.iter().map(String::as_str))
        .collect();
    (1..=layout.nodes).try_for_each(|index| {
        spawn(
            layout,
            anchor,
            &layout.node_namespace(index),
            &program,
            &relay,
        )
    })
}

/// Waits until the open registry and the Git server answer.
pub(crate) fn wait_for_servers(layout: &Layout) -> Result<(), LabError> {
    wait_for(
        "the start of the registry and the Git server",
        Duration::from_secs(30),
        || {
            let registry = http::get(&layout.registry_socket(), "/v2/").is_ok();
            Ok(registry && layout.git_log().exists())
        },
    )
}

fn spawn(
    layout: &Layout,
    anchor: &Anchor,
    namespace: &str,
    program: &str,
    args: &[&str],
) -> Result<(), LabError> {
    let name = Path::new(program)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let path = layout.folder.join(format!("{name}.log"));
    let log = File::options().create(true).append(true).open(&path);
    let log = log.doing(|| format!("cannot make `{}`", path.display()))?;
    let errors = log
        .try_clone()
        .doing(|| format!("cannot share `{}`", path.display()))?;
    let mut command = anchor.command(namespace, program);
    command.args(args).stdout(log).stderr(errors);
    command
        .spawn()
        .doing(|| format!("cannot start `{program}`"))
        .map(|_| ())
}

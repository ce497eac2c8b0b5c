//! The nodes: an engine each, and the Swarm that they form.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::anchor::Anchor;
use crate::error::{Doing, LabError};
use crate::http;
use crate::layout::{
    GIT_PORT, HUB, Layout, PRIVATE_REGISTRY_PORT, REGISTRY_PORT, TLS_GIT_PORT, TLS_REGISTRY_PORT,
    TOKEN_PORT, TOKEN_REGISTRY_PORT,
};
use crate::process::{command, output, wait_for};

/// An engine that is stopped on purpose is started again when the mark `$1` goes; one that
/// ends by itself has ended.
const START: &str = r#"hostname "$0"; mark=$1; shift; "$@"
while test -e "$mark"; do
  while test -e "$mark"; do sleep 0.1; done
  "$@"
done"#;

/// Starts the engine of node `index`; it answers some time later, see [`wait_for_engines`].
pub(crate) fn start_engine(
    layout: &Layout,
    anchor: &Anchor,
    index: usize,
) -> Result<Child, LabError> {
    let folder = layout.node_folder(index);
    fs::create_dir_all(&folder).doing(|| format!("cannot make `{}`", folder.display()))?;
    let log =
        File::create(folder.join("log")).doing(|| "cannot make an engine's log".to_owned())?;
    let errors = log
        .try_clone()
        .doing(|| "cannot share an engine's log".to_owned())?;
    anchor
        .command(&layout.node_namespace(index), "unshare")
        .args(["--uts", "sh", "-c", START, &format!("n{index}")])
        .arg(stop_mark(layout, index))
        .arg("dockerd")
        .args([
            "--userland-proxy=false",
            "--exec-opt",
            "native.cgroupdriver=cgroupfs",
        ])
        .args(["--cgroup-parent", &layout.name()])
        .args(["--insecure-registry", &format!("{HUB}/24")])
        .arg("--data-root")
        .arg(folder.join("data"))
        .arg("--exec-root")
        .arg(folder.join("x"))
        .arg("--pidfile")
        .arg(folder.join("pid"))
        .arg(format!(
            "--host=unix://{}",
            layout.engine_socket(index).display()
        ))
        .env("DOCKER_TMPDIR", folder.join("tmp"))
        .stdout(log)
        .stderr(errors)
        .spawn()
        .doing(|| "cannot start `dockerd`".to_owned())
}

fn stop_mark(layout: &Layout, index: usize) -> PathBuf {
    layout.node_folder(index).join("stopped")
}

/// Ends the engine of node `index` in order; its containers end with it.
pub(crate) fn stop_engine(layout: &Layout, index: usize) -> Result<(), LabError> {
    fs::write(stop_mark(layout, index), "").doing(|| "cannot mark an engine".to_owned())?;
    let pid_file = layout.node_folder(index).join("pid");
    if let Some(engine) = engine_of(&pid_file) {
        let _ = kill_process(engine, Signal::TERM);
    }
    wait_for("the end of an engine", Duration::from_secs(60), || {
        Ok(engine_of(&pid_file).is_none())
    })
}

/// Kills the engine of node `index` and its containerd. Its containers go on running, as
/// nothing tells them; the Swarm finds out after some seconds.
pub(crate) fn kill_engine(layout: &Layout, index: usize) -> Result<(), LabError> {
    fs::write(stop_mark(layout, index), "").doing(|| "cannot mark an engine".to_owned())?;
    let folder = layout.node_folder(index);
    let containerd = folder.join("x/containerd");
    let config = containerd.join("containerd.toml");
    let parts = [("dockerd", folder.join("pid")), ("containerd", config)];
    for (program, file) in parts {
        if let Some(process) = process_of(program.as_bytes(), &file) {
            let _ = kill_process(process, Signal::KILL);
        }
    }
    // What a dead containerd leaves keeps the next one from starting.
    let left = [
        "containerd.pid",
        "containerd.sock",
        "containerd.sock.ttrpc",
        "containerd-debug.sock",
    ];
    for file in left {
        let _ = fs::remove_file(containerd.join(file));
    }
    Ok(())
}

/// Starts it again, and waits until it answers.
pub(crate) fn restart_engine(layout: &Layout, index: usize) -> Result<(), LabError> {
    fs::remove_file(stop_mark(layout, index)).doing(|| "cannot unmark an engine".to_owned())?;
    let socket = layout.engine_socket(index);
    wait_for("the start of an engine", Duration::from_secs(60), || {
        Ok(http::get(&socket, "/_ping").is_ok())
    })
}

/// The process of the engine with this pid file, in which it has another number.
fn engine_of(pid_file: &Path) -> Option<Pid> {
    process_of(b"dockerd", pid_file)
}

/// The process of `program` that was given `file`.
fn process_of(program: &[u8], file: &Path) -> Option<Pid> {
    let wanted = file.as_os_str().as_encoded_bytes();
    let mut processes = fs::read_dir("/proc").ok()?.flatten();
    processes.find_map(|process| {
        let line = fs::read(process.path().join("cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0);
        let is_engine = words.next()?.ends_with(program) && words.any(|word| word == wanted);
        let pid = process.file_name().to_str()?.parse().ok()?;
        is_engine.then(|| Pid::from_raw(pid))?
    })
}

/// Waits until every engine answers.
pub(crate) fn wait_for_engines(layout: &Layout, engines: &mut [Child]) -> Result<(), LabError> {
    wait_for("the start of the engines", Duration::from_secs(60), || {
        for (engine, index) in engines.iter_mut().zip(1..) {
            if engine
                .try_wait()
                .doing(|| "cannot watch an engine".to_owned())?
                .is_some()
            {
                return Err(LabError::Unreadable {
                    what: last_words(layout, index),
                });
            }
        }
        Ok((1..=layout.nodes)
            .all(|index| http::get(&layout.engine_socket(index), "/_ping").is_ok()))
    })
}

fn last_words(layout: &Layout, index: usize) -> String {
    let log = fs::read_to_string(layout.node_folder(index).join("log")).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(3).collect();
    format!("the end of engine {index} ({})", tail.join(" / "))
}

/// Makes node 1 a manager and lets the others join as workers.
pub(crate) fn form_swarm(layout: &Layout) -> Result<(), LabError> {
    let manager = Layout::node_address(1);
    docker(layout, 1, &format!("swarm init --advertise-addr {manager}"))?;
    if layout.nodes == 1 {
        return Ok(());
    }
    let token = docker(layout, 1, "swarm join-token -q worker")?;
    for index in 2..=layout.nodes {
        let address = Layout::node_address(index);
        let join = format!(
            "swarm join --token {} --advertise-addr {address} {manager}:2377",
            token.trim()
        );
        docker(layout, index, &join)?;
    }
    Ok(())
}

fn docker(layout: &Layout, index: usize, args: &str) -> Result<String, LabError> {
    let socket = layout.engine_socket(index);
    output(&mut command(&format!(
        "docker -H unix://{} {args}",
        socket.display()
    )))
}

/// `from=to` pairs that make the hub's registries, token server and Git server reachable on a node's loopback.
pub(crate) fn loopback_relays() -> Vec<String> {
    let ports = [
        REGISTRY_PORT,
        PRIVATE_REGISTRY_PORT,
        TLS_REGISTRY_PORT,
        TOKEN_REGISTRY_PORT,
        TOKEN_PORT,
        GIT_PORT,
        TLS_GIT_PORT,
    ];
    ports
        .map(|port| format!("127.0.0.1:{port}={HUB}:{port}"))
        .to_vec()
}

//! The handle on a lab: bringing one up, finding the shared one, and what it offers.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::claim::is_kept;
use crate::error::{Doing, LabError};
use crate::image::Stub;
use crate::layout::{
    HUB, Layout, PRIVATE_REGISTRY_PORT, REGISTRY_PORT, TLS_REGISTRY_PORT, TOKEN_REGISTRY_PORT,
    namespace_file,
};
use crate::process::wait_for;
use crate::recorder::Recorder;
use crate::relay::Relay;
use crate::repository::Repository;
use crate::{image, node, swarm};

/// The variable that names the folder of the lab that a test run shares.
pub const SHARED: &str = "DOCKEROPS_LAB";

/// What a lab should be.
#[derive(Debug, Clone, Copy)]
pub struct LabOptions {
    /// How many nodes it has; the first is the manager. At most 200.
    pub nodes: usize,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self { nodes: 1 }
    }
}

/// A running lab. Dropping one that [`Lab::up`] made takes it down.
#[derive(Debug)]
pub struct Lab {
    layout: Layout,
    keeper: Option<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    process: Child,
    /// Its end is what tells the keeper to take the lab down.
    stdin: Option<ChildStdin>,
}

impl Lab {
    /// Brings a lab up that lives as long as this value, and no longer than this process.
    pub fn up(options: LabOptions) -> Result<Self, LabError> {
        let uid = rustix::process::geteuid().as_raw();
        if uid != 0 {
            return Err(LabError::NotRoot(uid));
        }
        let mut process = Command::new(program("dockerops-lab")?)
            .args(["keep", "--nodes", &options.nodes.to_string()])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing(|| "cannot start the lab's keeper".to_owned())?;
        let stdin = process.stdin.take();
        let folder = first_line(&mut process)?;
        let mut lab = Self::attach(Path::new(&folder))?;
        lab.keeper = Some(Keeper { process, stdin });
        Ok(lab)
    }

    /// The lab in `folder`, which somebody else keeps.
    pub fn attach(folder: &Path) -> Result<Self, LabError> {
        let none = || LabError::NoLab(folder.to_owned());
        let text = fs::read(folder.join("lab.json")).map_err(|_| none())?;
        let layout: Layout = serde_json::from_slice(&text).map_err(|_| none())?;
        if !is_kept(&layout.folder) {
            return Err(none());
        }
        Ok(Self {
            layout,
            keeper: None,
        })
    }

    /// The one lab of this test run: that of `./dev test`, else one for this process alone.
    ///
    /// The error is the whole story with a way out, for a test to panic with.
    pub fn shared() -> Result<&'static Self, String> {
        static LAB: OnceLock<Result<Lab, String>> = OnceLock::new();
        LAB.get_or_init(|| find_or_start().map_err(|error| error.report()))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// The names and paths of this lab.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The socket of node 1's engine.
    pub fn socket(&self) -> PathBuf {
        self.layout.engine_socket(1)
    }

    /// The open registry, as images name it; it is reached on the loopback of every node.
    pub fn registry(&self) -> String {
        format!("127.0.0.1:{REGISTRY_PORT}")
    }

    /// The same registry by its address, to which plain HTTP must be allowed explicitly.
    pub fn remote_registry(&self) -> String {
        format!("{HUB}:{REGISTRY_PORT}")
    }

    /// A registry with the same images that wants `REGISTRY_USER` and `REGISTRY_PASSWORD`.
    pub fn private_registry(&self) -> String {
        format!("127.0.0.1:{PRIVATE_REGISTRY_PORT}")
    }

    /// The same over TLS; clients must trust [`Layout::certificate`], engines do not check it.
    pub fn tls_registry(&self) -> String {
        format!("127.0.0.1:{TLS_REGISTRY_PORT}")
    }

    /// A registry with the same images that wants a token, which the lab's token server gives to
    /// `REGISTRY_USER` with `REGISTRY_PASSWORD`.
    pub fn token_registry(&self) -> String {
        format!("127.0.0.1:{TOKEN_REGISTRY_PORT}")
    }

    /// Pushes a stub image; gives its digest. Another `marker` is another digest.
    pub fn push_image(&self, name: &str, tag: &str, marker: &str) -> Result<String, LabError> {
        self.push_stub(name, tag, &Stub::sleeper(marker))
    }

    /// Pushes a stub image that is more than a sleeper; gives its digest.
    pub fn push_stub(&self, name: &str, tag: &str, stub: &Stub<'_>) -> Result<String, LabError> {
        image::push(&self.layout.registry_socket(), name, tag, stub)
    }

    /// Pushes a stub image for two architectures; gives the digest of the list.
    pub fn push_image_list(&self, name: &str, tag: &str, marker: &str) -> Result<String, LabError> {
        image::push_list(&self.layout.registry_socket(), name, tag, marker)
    }

    /// Makes an empty repository; where `name` is taken, it gets a number.
    pub fn repository(&self, name: &str) -> Result<Repository, LabError> {
        Repository::create(&self.layout, name)
    }

    /// A repository that was made before.
    pub fn open_repository(&self, name: &str) -> Repository {
        Repository::open(&self.layout, name)
    }

    /// Puts a recording socket in front of node 1's engine.
    pub fn recorder(&self) -> Result<Recorder, LabError> {
        Recorder::start(&self.layout.folder, &self.socket())
    }

    /// Opens a port on node 1's loopback that leads to `port` of the hub: a server that can go away.
    pub fn relay(&self, port: u16) -> Result<Relay, LabError> {
        let own = program("dockerops-lab")?;
        Relay::start(self.command("setpriv"), &own.to_string_lossy(), port)
    }

    /// What `GIT_SSH_COMMAND` must be to reach [`Repository::ssh_url`].
    pub fn ssh_command(&self) -> String {
        let folder = self.layout.ssh_folder();
        let folder = folder.display();
        format!(
            "ssh -F none -i {folder}/client_key -o UserKnownHostsFile={folder}/known_hosts -o BatchMode=yes"
        )
    }

    /// A command that runs inside of node 1's network, with nothing of our environment but `PATH`.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!(
                "--net={}",
                namespace_file(&self.layout.node_namespace(1)).display()
            ))
            .arg("--")
            .arg(program)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()));
        command
    }

    /// `dockerops` on node 1, with `home` as its home folder and a cleared environment.
    pub fn dockerops(&self, home: &Path) -> Result<Command, LabError> {
        let mut command = self.command(program("dockerops")?);
        command
            .env("HOME", home)
            .env("DOCKEROPS_INSECURE_REGISTRIES", self.remote_registry())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        Ok(command)
    }

    /// Runs Docker's client against node 1; gives what it printed.
    pub fn docker(&self, args: &[&str]) -> Result<String, LabError> {
        self.docker_on(1, args)
    }

    /// Runs Docker's client against node `index`.
    pub fn docker_on(&self, index: usize, args: &[&str]) -> Result<String, LabError> {
        let host = format!("unix://{}", self.layout.engine_socket(index).display());
        let mut docker = Command::new("docker");
        docker
            .arg("-H")
            .arg(host)
            .args(args)
            .env("DOCKER_CONFIG", self.layout.folder.join("docker"));
        crate::process::output(&mut docker)
    }

    /// `GET path` of node 1's Engine API, as JSON.
    pub fn engine_get(&self, path: &str) -> Result<serde_json::Value, LabError> {
        swarm::get(&self.socket(), path)
    }

    /// The services of a stack by name, as the Engine API gives them.
    pub fn services(&self, stack: &str) -> Result<swarm::Services, LabError> {
        swarm::services(&self.socket(), stack)
    }

    /// The version index of a service: it moves with each update, and only then.
    pub fn version(&self, service: &str) -> Result<u64, LabError> {
        swarm::version(&self.socket(), service)
    }

    /// The tasks of a service, as the Engine API gives them.
    pub fn tasks(&self, service: &str) -> Result<Vec<serde_json::Value>, LabError> {
        swarm::tasks(&self.socket(), service)
    }

    /// Waits (60 s) until `count` tasks of `service` run.
    pub fn wait_until_running(&self, service: &str, count: usize) -> Result<(), LabError> {
        let what = format!("{count} running tasks of `{service}`");
        wait_for(&what, Duration::from_secs(60), || {
            Ok(swarm::running(&self.socket(), service)? == count)
        })
    }

    /// Kills the engine of node `index` with SIGKILL: the Swarm is told nothing.
    pub fn kill_engine(&self, index: usize) -> Result<(), LabError> {
        node::kill_engine(&self.layout, index)
    }

    /// Stops the engine of node `index`, and with it what runs there.
    pub fn stop_engine(&self, index: usize) -> Result<(), LabError> {
        node::stop_engine(&self.layout, index)
    }

    /// Starts it again.
    pub fn start_engine(&self, index: usize) -> Result<(), LabError> {
        node::restart_engine(&self.layout, index)
    }

    /// Takes it down and waits until it is gone, if this value made it; else does nothing.
    pub fn down(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.process.wait();
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.end();
    }
}

fn find_or_start() -> Result<Lab, LabError> {
    match std::env::var_os(SHARED) {
        Some(folder) => Lab::attach(Path::new(&folder)),
        None => Lab::up(LabOptions::default()),
    }
}

fn first_line(process: &mut Child) -> Result<String, LabError> {
    let mut line = String::new();
    if let Some(stdout) = process.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut line)
            .doing(|| "cannot read from the lab's keeper".to_owned())?;
    }
    match line.trim_end() {
        "" => Err(LabError::Stopped),
        folder => Ok(folder.to_owned()),
    }
}

/// The path of a program of this workspace: beside this one, or where Cargo puts it for tests.
pub fn program(name: &str) -> Result<PathBuf, LabError> {
    let own = std::env::current_exe().doing(|| "cannot find this program".to_owned())?;
    let folder = own.parent().unwrap_or(&own);
    let target = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let path = target.join(name);
    if path.exists() {
        Ok(path)
    } else {
        Err(LabError::Missing(path))
    }
}

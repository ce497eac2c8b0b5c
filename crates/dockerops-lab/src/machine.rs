//! A whole machine: a Debian that is booted as a container, with systemd, Docker and an internet of the lab's.
//!
//! It is what a person has who starts with the documentation: Docker is installed and runs, the Swarm is not there yet.
//! It has a network namespace of its own on the lab's bridge, and nothing of it is mounted from this machine, so
//! whatever is done in it stays in its folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Doing, LabError};
use crate::lab::Lab;
use crate::layout::{HUB, Layout, namespace_file};
use crate::network;
use crate::person::Ran;
use crate::process::{output, run, wait_for};
use crate::serve::internet;

/// Its name, and that of its node.
const HOSTNAME: &str = "node-1";
/// Who sits at it: with `sudo`, and in the group of Docker.
const USER: &str = "alice";

/// No lab has a node of this number.
const INDEX: usize = 201;

/// How long a script may take.
const LONGEST: &str = "600";

/// Under cgroups of version 1, a container may not write to them before this.
const DOCKER_UNIT: &str = r"[Service]
ExecStartPre=/bin/sh -c 'for group in /sys/fs/cgroup/*; do mount -o remount,bind,rw $group 2>/dev/null || true; done'
";

/// What systemd takes for a wish to halt.
const HALT: i32 = 3;

/// A booted machine; it is halted when this is dropped.
#[derive(Debug)]
pub struct Machine<'a> {
    lab: &'a Lab,
    container: Child,
    first: Pid,
}

impl<'a> Machine<'a> {
    /// Boots the Debian in the folder `debian`, which has systemd, Docker and sudo; its files change.
    pub fn boot(lab: &'a Lab, debian: &Path) -> Result<Self, LabError> {
        prepare(lab.layout(), debian)?;
        network::connect(lab.layout(), INDEX)?;
        let mut container = match start(lab.layout(), debian) {
            Ok(container) => container,
            Err(error) => {
                network::disconnect(lab.layout(), INDEX);
                return Err(error);
            }
        };
        let first = first_process(&mut container);
        let first = first.inspect_err(|_| {
            let _ = container.kill();
            network::disconnect(lab.layout(), INDEX);
        })?;
        let machine = Self {
            lab,
            container,
            first,
        };
        let docker = "systemctl --quiet is-active multi-user.target docker";
        wait_for("the start of Debian", Duration::from_secs(60), || {
            Ok(machine.root(docker)?.code == Some(0))
        })?;
        Ok(machine)
    }

    /// Runs a script of bash as [`USER`], in their home folder, with `input` on its standard input.
    pub fn user(&self, script: &str, input: &str) -> Result<Ran, LabError> {
        let home = format!("HOME=/home/{USER}");
        let who = ["runuser", "-u", USER, "--", "env", &home];
        self.run(&who, &format!("cd\n{script}"), input)
    }

    /// Runs a script of bash as root.
    pub fn root(&self, script: &str) -> Result<Ran, LabError> {
        self.run(&[], script, "")
    }

    fn run(&self, who: &[&str], script: &str, input: &str) -> Result<Ran, LabError> {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", LONGEST, "nsenter", "--target"])
            .arg(self.first.as_raw_nonzero().to_string())
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"])
            .args(["env", "-i", "HOME=/root", "LC_ALL=C.UTF-8"])
            .arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .args(who)
            .args(["bash", "-euo", "pipefail", "-c", script]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .doing(|| "cannot run a script on the machine".to_owned())?;
        if let Some(mut stdin) = child.stdin.take() {
            // A script that does not read it has closed it.
            let _ = stdin.write_all(input.as_bytes());
        }
        let ended = child.wait_with_output();
        Ok(ended
            .doing(|| "cannot wait for a script".to_owned())?
            .into())
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        // Its Docker ends its containers in order, and their cgroups with them.
        let halt = format!("-RTMIN+{HALT}");
        let first = self.first.as_raw_nonzero().to_string();
        let _ = run(Command::new("kill").args([&halt, &first]));
        let ended = wait_for("the end of Debian", Duration::from_secs(30), || {
            self.container
                .try_wait()
                .map(|status| status.is_some())
                .doing(|| "cannot watch the machine".to_owned())
        });
        if ended.is_err() {
            let _ = kill_process(self.first, Signal::KILL);
            let _ = self.container.wait();
        }
        network::disconnect(self.lab.layout(), INDEX);
    }
}

/// What is written into its folder before it boots.
fn prepare(layout: &Layout, debian: &Path) -> Result<(), LabError> {
    let names = internet::HOSTS.join(" ");
    let hosts = format!("127.0.0.1 localhost {HOSTNAME} manager\n{HUB} {names}\n");
    let certificate = fs::read_to_string(layout.certificate());
    let certificate = certificate.doing(|| "cannot read the lab's certificate".to_owned())?;
    let cgroup = format!("{{\"cgroup-parent\": \"{}\"}}\n", layout.name());
    let files = [
        ("etc/hostname", format!("{HOSTNAME}\n")),
        ("etc/hosts", hosts),
        ("etc/docker/daemon.json", cgroup),
        (
            "etc/systemd/system/docker.service.d/lab.conf",
            DOCKER_UNIT.to_owned(),
        ),
        ("usr/local/share/ca-certificates/lab.crt", certificate),
        (
            "etc/sudoers.d/lab",
            format!("{USER} ALL=(ALL) NOPASSWD: ALL\nDefaults env_keep += SYSTEMD_PAGER\n"),
        ),
    ];
    for (path, content) in files {
        write(&debian.join(path), &content)?;
    }
    let inside = |program: &str, args: &[&str]| {
        let mut chroot = Command::new("chroot");
        output(chroot.arg(debian).arg(program).args(args)).map(|_| ())
    };
    inside("/usr/sbin/update-ca-certificates", &[])?;
    let user = [
        "--create-home",
        "--shell",
        "/bin/bash",
        "--groups",
        "docker",
        USER,
    ];
    inside("/usr/sbin/useradd", &user)
}

fn write(path: &Path, content: &str) -> Result<(), LabError> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, content))
        .doing(|| format!("cannot write `{}`", path.display()))
}

fn start(layout: &Layout, debian: &Path) -> Result<Child, LabError> {
    let console = console(layout);
    let log = File::create(&console).doing(|| format!("cannot make `{}`", console.display()))?;
    let errors = log
        .try_clone()
        .doing(|| "cannot share the console".to_owned())?;
    let namespace = namespace_file(&layout.node_namespace(INDEX));
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", "systemd-nspawn"])
        .args(["--quiet", "--register=no", "--keep-unit", "--boot"])
        // What Docker needs to run in it.
        .args([
            "--capability=all",
            "--system-call-filter=add_key keyctl bpf",
        ])
        .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "1")
        .arg("--console=pipe")
        .arg("--directory")
        .arg(debian)
        .arg(format!("--network-namespace-path={}", namespace.display()))
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .doing(|| "cannot start `systemd-nspawn`".to_owned())
}

fn console(layout: &Layout) -> PathBuf {
    layout.folder.join("machine.log")
}

/// Its systemd, by its number here.
fn first_process(container: &mut Child) -> Result<Pid, LabError> {
    let id = container.id();
    let children = format!("/proc/{id}/task/{id}/children");
    let mut first = None;
    wait_for(
        "the first process of Debian",
        Duration::from_secs(30),
        || {
            let listed = fs::read_to_string(&children).unwrap_or_default();
            let listed = listed.split_whitespace().next();
            first = listed.and_then(|pid| Pid::from_raw(pid.parse().ok()?));
            Ok(first.is_some())
        },
    )?;
    first.ok_or(LabError::Stopped)
}

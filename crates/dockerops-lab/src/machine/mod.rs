//! A whole machine: a Debian that is booted as a container, with systemd, Docker and an internet of the lab's.
//!
//! It is what a person has who starts with the documentation: Docker is installed and runs, the Swarm is not there yet.
//! It has a network namespace of its own on the lab's bridge, nothing of this machine is mounted in it, and of what a
//! kernel has once for all it changes the settings of its network, and cgroups of the lab's name.
//!
//! **What must stay true**: it ends with its owner, in whatever way that ends.

mod debian;

use std::fmt::Display;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use crate::error::{Doing, LabError};
use crate::keeper;
use crate::lab::Lab;
use crate::layout::{Layout, namespace_file};
use crate::network;
use crate::person::Ran;
use crate::process::wait_for;

/// Who sits at it: with `sudo`, and in the group of Docker.
const USER: &str = "alice";

/// No lab has a node of this number.
const INDEX: usize = 201;

/// How long a script may take.
const LONGEST: &str = "600";

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A booted machine; it is halted when this is dropped.
#[derive(Debug)]
pub struct Machine<'a> {
    lab: &'a Lab,
    container: Child,
    /// Its systemd, once it is there. By the number of another process, scripts would run here, as would the last
    /// one, which turns the machine off.
    first: Option<Pid>,
    /// The cgroups that the container's own are below, if nobody else had them before.
    cgroups: Vec<PathBuf>,
}

impl<'a> Machine<'a> {
    /// Boots the Debian in the folder `debian`, which has systemd, Docker and sudo. Its files change; once only.
    pub fn boot(lab: &'a Lab, debian: &Path) -> Result<Self, LabError> {
        let debian = debian::fresh(debian)?;
        debian::prepare(lab.layout(), &debian)?;
        network::connect(lab.layout(), INDEX)?;
        let cgroups = cgroups();
        let booted = start(lab.layout(), &debian);
        let booted = booted.and_then(|container| Self::find(lab, container, cgroups));
        let mut machine = booted.inspect_err(|_| network::disconnect(lab.layout(), INDEX))?;
        let docker = "systemctl --quiet is-active multi-user.target docker";
        machine.wait_until("Debian and its Docker", |machine| {
            Ok(machine.root(docker)?.code == Some(0))
        })?;
        Ok(machine)
    }

    /// The machine in `container`, once its first process is there.
    fn find(lab: &'a Lab, container: Child, cgroups: Vec<PathBuf>) -> Result<Self, LabError> {
        let mut machine = Self {
            lab,
            container,
            first: None,
            cgroups,
        };
        let mut found = None;
        machine.wait_until("the first process of Debian", |machine| {
            found = first_process(machine.container.id());
            Ok(found.is_some())
        })?;
        machine.first = found;
        Ok(machine)
    }

    /// Waits (60 s) until `ready` says yes; an error tells the end of what was written to the console.
    fn wait_until(
        &mut self,
        what: &str,
        mut ready: impl FnMut(&Self) -> Result<bool, LabError>,
    ) -> Result<(), LabError> {
        let console = console(self.lab.layout());
        let untold = || {
            let told = fs::read_to_string(&console).unwrap_or_default();
            let end: Vec<&str> = told.lines().rev().take(5).collect();
            LabError::Unreadable {
                what: format!("{what} ({})", end.join(" / ")),
            }
        };
        wait_for(what, Duration::from_secs(60), || {
            let ended = self.container.try_wait();
            match ended.doing(|| "cannot watch the machine".to_owned())? {
                Some(_) => Err(untold()),
                None => ready(self),
            }
        })
        .map_err(|_| untold())
    }

    /// Runs a script of bash as `alice`, in their home folder, with `input` on its standard input.
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
        let is_inside = |first: &Pid| is_elsewhere(first.as_raw_nonzero(), "self");
        let first = self.first.filter(is_inside).ok_or(LabError::Stopped)?;
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", LONGEST, "nsenter", "--target"])
            .arg(first.as_raw_nonzero().to_string())
            .args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"])
            .args(["env", "-i", "HOME=/root", "LC_ALL=C.UTF-8"])
            .arg(format!("PATH={PATH}"))
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
        let _ = self.root("systemctl --no-block poweroff");
        let ended = wait_for("the end of Debian", Duration::from_secs(30), || {
            let ended = self.container.try_wait();
            Ok(ended.is_ok_and(|status| status.is_some()))
        });
        if ended.is_err() {
            let _ = self.container.kill();
            let _ = self.container.wait();
        }
        for cgroup in &self.cgroups {
            keeper::remove_tree(cgroup);
        }
        network::disconnect(self.lab.layout(), INDEX);
    }
}

/// Where `systemd-nspawn` makes cgroups in each hierarchy, as far as nothing is there yet.
fn cgroups() -> Vec<PathBuf> {
    let hierarchies = fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten();
    let all = hierarchies.map(|entry| entry.path().join("payload"));
    all.filter(|cgroup| !cgroup.exists()).collect()
}

fn start(layout: &Layout, debian: &Path) -> Result<Child, LabError> {
    let console = console(layout);
    let log = File::create(&console).doing(|| format!("cannot make `{}`", console.display()))?;
    let errors = log
        .try_clone()
        .doing(|| "cannot share the console".to_owned())?;
    let namespace = namespace_file(&layout.node_namespace(INDEX));
    Command::new("setpriv")
        // In a PID namespace of its own, which the kernel empties when its first process is killed.
        .args(["--pdeathsig", "KILL", "--"])
        .args([
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
        ])
        .args([
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--boot",
        ])
        // What Docker needs to run in it.
        .args([
            "--capability=CAP_NET_ADMIN",
            "--system-call-filter=add_key keyctl bpf",
        ])
        .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
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

/// Its systemd, by its number here: the first process in the namespace that the container makes for itself.
fn first_process(outer: u32) -> Option<Pid> {
    let children = |pid: u32| {
        let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let listed = listed.unwrap_or_default();
        let pids = listed.split_whitespace().filter_map(|pid| pid.parse().ok());
        pids.collect::<Vec<u32>>()
    };
    let nspawn = *children(outer).first()?;
    let mut inside = children(nspawn).into_iter();
    let first = inside.find(|pid| is_elsewhere(*pid, nspawn))?;
    Pid::from_raw(first.try_into().ok()?)
}

/// Whether both are there, and in different PID namespaces.
fn is_elsewhere(one: impl Display, other: impl Display) -> bool {
    let namespace = |pid: &dyn Display| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let both = namespace(&one).zip(namespace(&other));
    both.is_some_and(|(one, other)| one != other)
}

#[cfg(test)]
mod tests {
    use super::is_elsewhere;

    #[test]
    fn nothing_runs_by_the_number_of_a_process_that_is_here_or_gone() {
        let own = std::process::id();
        assert!(!is_elsewhere(own, "self"));
        assert!(!is_elsewhere(u32::MAX, "self"));
        assert!(!is_elsewhere(own, u32::MAX));
    }
}

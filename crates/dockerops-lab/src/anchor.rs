//! The process that holds a lab together: killing it ends every process of the lab.
//!
//! It is the first process of a PID namespace in which all daemons of the lab run, so the
//! kernel kills them and all their containers with it, also when the keeper is killed. Its
//! mount namespace has a `/run` whose changes stay in the lab: engines and `sshd` write there,
//! and their mounts vanish with the last process.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::error::{Doing, LabError};
use crate::layout::{Layout, namespace_file};
use crate::process::wait_for;

const PREPARE: &str = r#"
set -e
mkdir -p "$1/run"
mount -t tmpfs lab-run "$1/run"
mkdir "$1/run/changes" "$1/run/work"
mount -t overlay lab-run -o "lowerdir=/run,upperdir=$1/run/changes,workdir=$1/run/work" /run
mkdir -p /run/sshd
touch "$1/anchored"
exec "$2" anchor
"#;

/// The anchor of a running lab.
#[derive(Debug)]
pub(crate) struct Anchor {
    outer: Child,
    pid: Pid,
}

impl Anchor {
    /// Starts it; `program` is this crate's binary.
    pub(crate) fn start(layout: &Layout, program: &PathBuf) -> Result<Self, LabError> {
        let log = File::create(layout.folder.join("anchor.log"))
            .doing(|| "cannot make the anchor's log".to_owned())?;
        let mut outer = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "unshare"])
            .args([
                "--pid",
                "--fork",
                "--kill-child",
                "--mount",
                "--mount-proc",
                "--propagation",
                "slave",
            ])
            .args(["sh", "-c", PREPARE, "sh"])
            .arg(&layout.folder)
            .arg(program)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group_of_its_own()
            .spawn()
            .doing(|| "cannot start `unshare`".to_owned())?;
        let mut pid = None;
        wait_for("the lab's anchor", Duration::from_secs(10), || {
            if outer
                .try_wait()
                .doing(|| "cannot watch the anchor".to_owned())?
                .is_some()
            {
                let log = fs::read_to_string(layout.folder.join("anchor.log")).unwrap_or_default();
                return Err(LabError::Unreadable {
                    what: format!("the anchor ({})", log.trim()),
                });
            }
            pid = only_child(outer.id());
            Ok(pid.is_some() && layout.folder.join("anchored").exists())
        })?;
        let pid = pid.ok_or(LabError::Stopped)?;
        Ok(Self { outer, pid })
    }

    /// A command that runs in `namespace` as a part of the lab.
    pub(crate) fn command(&self, namespace: &str, program: &str) -> Command {
        let pid = self.pid.as_raw_nonzero();
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--pid=/proc/{pid}/ns/pid"))
            .arg(format!("--mount=/proc/{pid}/ns/mnt"))
            .arg(format!("--net={}", namespace_file(namespace).display()))
            .args(["--", program])
            .stdin(Stdio::null())
            .process_group_of_its_own();
        command
    }

    /// Kills every process of the lab and waits until they are gone.
    pub(crate) fn kill(mut self) {
        let _ = kill_process(self.pid, Signal::KILL);
        let _ = self.outer.wait();
    }
}

fn only_child(pid: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

/// What the anchor does: nothing but bury the dead whose parents went before them.
pub fn stay() -> ! {
    loop {
        if wait(WaitOptions::empty()).is_err() {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

trait OwnGroup {
    /// So that a Ctrl-C at the terminal does not reach it: the keeper ends the lab in order.
    fn process_group_of_its_own(&mut self) -> &mut Self;
}

impl OwnGroup for Command {
    fn process_group_of_its_own(&mut self) -> &mut Self {
        std::os::unix::process::CommandExt::process_group(self, 0)
    }
}

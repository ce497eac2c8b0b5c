//! Somebody at a shell on node 1, with a home folder and a shared folder of their own.
//!
//! Tests act through a [`Person`], so that each has its own database, mirrors and
//! "NFS", and what it deploys carries a prefix that no other test uses.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::error::{Doing, LabError};
use crate::lab::Lab;
use crate::process;
use crate::repository::Repository;

/// A person with `dockerops` in their hands.
pub struct Person<'a> {
    /// Where they are.
    pub lab: &'a Lab,
    /// Starts every name that they use: `watch-3-12345`; a valid stack name.
    pub name: String,
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Ran {
    /// The answer of a command run with `-o json`; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_default()
    }

    /// Both outputs, for messages and for looking for words.
    pub fn text(&self) -> String {
        format!("exit {:?}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

impl<'a> Person<'a> {
    /// Somebody new; `topic` starts their names.
    pub fn new(lab: &'a Lab, topic: &str) -> Result<Self, LabError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().doing(|| "cannot make a home folder".to_owned())?;
        for part in ["home", "nfs/secret"] {
            fs::create_dir_all(folder.path().join(part)).doing(|| format!("cannot make {part}"))?;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{topic}-{number}-{}", std::process::id());
        Ok(Self {
            lab,
            name,
            folder,
            // Most tests wait for deploys that are meant to go well.
            environment: BTreeMap::from([(
                "DOCKEROPS_STABILITY_WINDOW".to_owned(),
                "500ms".to_owned(),
            )]),
        })
    }

    /// Their home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Their database.
    pub fn database(&self) -> PathBuf {
        self.home().join(".dockerops/dockerops.db")
    }

    /// The folder that stands for the NFS mount; it has `secret/`.
    pub fn nfs(&self) -> PathBuf {
        self.folder.path().join("nfs")
    }

    /// The text of an `nfs.yaml` for [`Person::nfs`].
    pub fn nfs_yaml(&self) -> String {
        format!("path: {}\n", self.nfs().display())
    }

    /// Writes the value of a secret.
    pub fn secret(&self, id: &str, value: &str) -> Result<(), LabError> {
        fs::write(self.nfs().join("secret").join(id), value)
            .doing(|| format!("cannot write secret {id}"))
    }

    /// Sets a variable of their shell.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.insert(name.to_owned(), value.into());
    }

    /// Takes a variable away again.
    pub fn unset(&mut self, name: &str) {
        self.environment.remove(name);
    }

    /// A name of theirs: `<prefix>-<part>`.
    pub fn named(&self, part: &str) -> String {
        format!("{}-{part}", self.name)
    }

    /// Pushes a stub image of theirs to the open registry; gives its reference, with tag `1`.
    pub fn image(&self, part: &str, marker: &str) -> Result<String, LabError> {
        let name = self.named(part);
        self.lab.push_image(&name, "1", marker)?;
        Ok(format!("{}/{name}:1", self.lab.registry()))
    }

    /// An empty repository of theirs.
    pub fn repository(&self) -> Result<Repository, LabError> {
        self.lab.repository(&self.name)
    }

    /// `dockerops` as they would run it, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Result<std::process::Command, LabError> {
        let mut command = self.lab.dockerops(&self.home())?;
        command.args(arguments).envs(&self.environment);
        Ok(command)
    }

    /// Runs `dockerops`, whatever comes of it.
    pub fn run(&self, arguments: &[&str]) -> Result<Ran, LabError> {
        Ok(process::run(&mut self.command(arguments)?)?.into())
    }
}

/// A compose file whose services sleep, on the host's network: fast to start and to stop.
///
/// Each service is `(name, image, more)`, `more` being further lines of YAML flow: `, environment: [A=1]`.
pub fn sleepers(services: &[(&str, &str, &str)]) -> String {
    let mut text = String::from("services:\n");
    for (name, image, more) in services {
        let _ = writeln!(
            text,
            "  {name}: {{image: \"{image}\", command: sleep 100000, stop_grace_period: 0s, networks: [host], \
             deploy: {{update_config: {{monitor: 500ms}}, restart_policy: {{delay: 500ms}}}}{more}}}"
        );
    }
    text + "networks: {host: {external: true}}\n"
}

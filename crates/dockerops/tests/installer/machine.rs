//! A machine below a temporary folder, for `dockerops.sh` to install on.
//!
//! Nothing of the real machine is touched: all paths are below `DOCKEROPS_DESTDIR` and `HOME`.
//! The script wants to be run by root, so these tests do too.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::server::Server;

/// The script under test.
pub(crate) fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dockerops.sh")
}

/// A machine on which nothing is installed yet.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    path: String,
    pub(crate) releases: Option<String>,
}

impl Machine {
    /// One that has never heard of a release.
    pub(crate) fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            path: "/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            releases: None,
        };
        fs::create_dir_all(machine.home()).unwrap();
        fs::create_dir_all(machine.bin()).unwrap();
        machine
    }

    /// One that takes its releases from `server`.
    pub(crate) fn beside(server: &Server) -> Self {
        let mut machine = Self::new();
        machine.releases = Some(server.address());
        machine
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn bin(&self) -> PathBuf {
        self.root().join("usr/local/bin")
    }

    pub(crate) fn binary(&self) -> PathBuf {
        self.bin().join("dockerops")
    }

    pub(crate) fn units(&self) -> PathBuf {
        self.root().join("etc/systemd/system")
    }

    /// A path beside everything that belongs to the machine.
    pub(crate) fn aside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// From now on `name` is this shell script.
    pub(crate) fn replace_command(&mut self, name: &str, text: &str) {
        let folder = self.aside("commands");
        let file = folder.join(name);
        put(&file, format!("#!/bin/sh\n{text}\n").as_bytes());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let first = format!("{}:", folder.display());
        if !self.path.starts_with(&first) {
            self.path.insert_str(0, &first);
        }
    }

    /// From now on there is no command `name`.
    pub(crate) fn remove_command(&mut self, name: &str) {
        let folder = self.aside("fewer-commands");
        fs::create_dir(&folder).unwrap();
        let all = self
            .path
            .split(':')
            .flat_map(|folder| fs::read_dir(folder).unwrap());
        for entry in all.map(Result::unwrap).filter(|e| e.file_name() != name) {
            // The first of a name wins, as in a search path.
            let _taken = symlink(entry.path(), folder.join(entry.file_name()));
        }
        self.path = folder.display().to_string();
    }

    /// Runs here whatever takes arguments, with nothing of our environment.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.home())
            .env("DOCKEROPS_DESTDIR", self.root())
            .env("DOCKER_HOST", "unix:///nowhere.sock")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        if let Some(releases) = &self.releases {
            command.env("DOCKEROPS_RELEASES", releases);
        }
        command
    }

    /// `dockerops.sh`, not started yet; no terminal can be found from it.
    pub(crate) fn script(&self, arguments: &[&str]) -> Command {
        let mut command = self.command("setsid", &["--wait", "bash"]);
        command.arg(script()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.script(arguments))
    }

    /// Puts a release there by running the script.
    #[track_caller]
    pub(crate) fn installed(self, version: &str) -> Self {
        self.run(&["install", "-v", version]).succeeded_saying(&[]);
        self
    }

    /// The names in the folder of programs, hidden ones too.
    pub(crate) fn programs(&self) -> Vec<String> {
        names_in(&self.bin())
    }

    /// What the program says that is installed as `name`.
    pub(crate) fn version_of(&self, name: &str) -> String {
        let output = Command::new(self.bin().join(name))
            .arg("version")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().next().unwrap_or_default().to_owned()
    }
}

/// Names in a folder, in order; none when there is no folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    #[track_caller]
    pub(crate) fn succeeded_saying(&self, words: &[&str]) {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self.said(words);
    }

    /// That it failed with one error and one hint, and said each of `words`.
    #[track_caller]
    pub(crate) fn failed_saying(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.text);
        for start in ["error: ", "hint: "] {
            let lines = self.text.lines().filter(|line| line.starts_with(start));
            assert_eq!(lines.count(), 1, "one `{start}` in:\n{}", self.text);
        }
        self.said(words);
    }

    #[track_caller]
    pub(crate) fn said(&self, words: &[&str]) {
        for word in words {
            assert!(self.text.contains(word), "no `{word}` in:\n{}", self.text);
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = [output.stdout, output.stderr].concat();
        Self {
            code: output.status.code(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }
}

/// Puts a file at `path`, with its folders.
pub(crate) fn put(path: &Path, text: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

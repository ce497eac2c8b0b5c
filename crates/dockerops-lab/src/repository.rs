//! A Git repository of the lab, and what its visitors asked for.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::behaviour::{Behaviour, GitRequest, Wanted, write_behaviour};
use crate::error::{Doing, LabError};
use crate::layout::{GIT_PORT, HUB, Layout, TLS_GIT_PORT};
use crate::process::output;

/// A bare repository that the lab serves over HTTP and SSH; its branch is `main`.
#[derive(Debug, Clone)]
pub struct Repository {
    name: String,
    folder: PathBuf,
    log: PathBuf,
}

/// A change to one file.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// The file has this content.
    Write(&'a str, &'a [u8]),
    /// The file has this content and may be run.
    WriteExecutable(&'a str, &'a [u8]),
    /// The path is a symbolic link to this target.
    Link(&'a str, &'a str),
    /// The file or folder is gone.
    Remove(&'a str),
}

impl Repository {
    pub(crate) fn create(layout: &Layout, name: &str) -> Result<Self, LabError> {
        let free = |name: &String| !layout.git_folder().join(format!("{name}.git")).exists();
        let numbered = (2..1000).map(|number| format!("{name}-{number}"));
        let name = std::iter::once(name.to_owned())
            .chain(numbered)
            .find(free)
            .unwrap_or_default();
        let repository = Self::open(layout, &name);
        output(
            Command::new("git")
                .args(["init", "-q", "--bare", "-b", "main"])
                .arg(&repository.folder),
        )?;
        output(
            repository
                .git()
                .args(["config", "http.receivepack", "true"]),
        )?;
        Ok(repository)
    }

    pub(crate) fn open(layout: &Layout, name: &str) -> Self {
        let folder = layout.git_folder().join(format!("{name}.git"));
        Self {
            name: name.to_owned(),
            folder,
            log: layout.git_log(),
        }
    }

    /// Its address for a client on any node: `http://10.99.0.1:8080/<name>.git`.
    pub fn url(&self) -> String {
        format!("http://{HUB}:{GIT_PORT}/{}.git", self.name)
    }

    /// The same through the loopback of each node, where DockerOps sends tokens over plain HTTP.
    pub fn loopback_url(&self) -> String {
        format!("http://127.0.0.1:{GIT_PORT}/{}.git", self.name)
    }

    /// Its address over TLS; Git must trust the lab's certificate (`GIT_SSL_CAINFO`).
    pub fn tls_url(&self) -> String {
        format!("https://{HUB}:{TLS_GIT_PORT}/{}.git", self.name)
    }

    /// Its address over SSH; see [`crate::Lab::ssh_command`].
    pub fn ssh_url(&self) -> String {
        format!("ssh://root@{HUB}{}", self.folder.display())
    }

    /// Its name, as in its addresses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bare repository on disk.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Commits files with these contents, the rest of the tree kept; gives the revision.
    pub fn commit(&self, files: &[(&str, &str)], message: &str) -> Result<String, LabError> {
        let changes: Vec<Change<'_>> = files
            .iter()
            .map(|(path, text)| Change::Write(path, text.as_bytes()))
            .collect();
        self.commit_changes(&changes, message)
    }

    /// Commits changes of any kind; gives the revision.
    pub fn commit_changes(
        &self,
        changes: &[Change<'_>],
        message: &str,
    ) -> Result<String, LabError> {
        let parent = self.revision().is_ok();
        self.import(changes, message, parent)
    }

    /// Makes the files of `folder`, and only those, the next commit; gives the revision.
    pub fn commit_folder(&self, folder: &Path, message: &str) -> Result<String, LabError> {
        let index = self.folder.join("lab.index");
        let _ = fs::remove_file(&index);
        let with_files = |args: &[&str]| {
            let mut git = self.git();
            output(
                git.arg("--work-tree")
                    .arg(folder)
                    .args(args)
                    .env("GIT_INDEX_FILE", &index),
            )
        };
        with_files(&["add", "--all", "--force", ":/"])?;
        let tree = with_files(&["write-tree"])?;
        let mut commit = self.git();
        commit.args([
            "-c",
            "user.name=Lab",
            "-c",
            "user.email=lab@example.org",
            "commit-tree",
            "-m",
            message,
        ]);
        if let Ok(parent) = self.revision() {
            commit.args(["-p", &parent]);
        }
        let revision = output(commit.arg(tree.trim()))?;
        output(
            self.git()
                .args(["update-ref", "refs/heads/main", revision.trim()]),
        )?;
        Ok(revision.trim().to_owned())
    }

    /// Replaces the branch by one new commit without a parent, as a forced push does.
    pub fn rewrite(&self, files: &[(&str, &str)], message: &str) -> Result<String, LabError> {
        let changes: Vec<Change<'_>> = files
            .iter()
            .map(|(path, text)| Change::Write(path, text.as_bytes()))
            .collect();
        self.import(&changes, message, false)
    }

    /// The revision of `main`.
    pub fn revision(&self) -> Result<String, LabError> {
        let text = output(
            self.git()
                .args(["rev-parse", "--verify", "-q", "refs/heads/main"]),
        )?;
        Ok(text.trim().to_owned())
    }

    /// Sets how the Git server treats it, from the next request on.
    pub fn behave(&self, behaviour: &Behaviour) -> Result<(), LabError> {
        write_behaviour(&self.folder, behaviour)
    }

    /// Every request for it that reached the Git server over HTTP, oldest first.
    pub fn requests(&self) -> Result<Vec<GitRequest>, LabError> {
        let text = fs::read_to_string(&self.log)
            .doing(|| format!("cannot read `{}`", self.log.display()))?;
        let all = text
            .lines()
            .filter_map(|line| serde_json::from_str::<GitRequest>(line).ok());
        Ok(all
            .filter(|request| request.repository == self.name)
            .collect())
    }

    /// How often objects were asked for: clones and fetches, but no `ls-remote`.
    pub fn fetches(&self) -> Result<usize, LabError> {
        let requests = self.requests()?;
        Ok(requests
            .iter()
            .filter(|request| request.wanted == Wanted::Objects)
            .count())
    }

    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        git
    }

    fn import(
        &self,
        changes: &[Change<'_>],
        message: &str,
        parent: bool,
    ) -> Result<String, LabError> {
        let mut child = self
            .git()
            .args(["fast-import", "--quiet", "--force", "--date-format=now"])
            .stdin(Stdio::piped())
            .spawn()
            .doing(|| "cannot run `git fast-import`".to_owned())?;
        let stream = stream(changes, message, parent);
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(&stream)
                .doing(|| "cannot write to `git fast-import`".to_owned())?;
        }
        child
            .wait()
            .doing(|| "cannot wait for `git fast-import`".to_owned())?;
        self.revision()
    }
}

/// The commit in the language of `git fast-import`.
fn stream(changes: &[Change<'_>], message: &str, parent: bool) -> Vec<u8> {
    let mut out = b"commit refs/heads/main\ncommitter Lab <lab@example.org> now\n".to_vec();
    data(&mut out, message.as_bytes());
    if parent {
        out.extend_from_slice(b"from refs/heads/main^0\n");
    }
    for change in changes {
        match *change {
            Change::Write(path, content) => file(&mut out, "100644", path, content),
            Change::WriteExecutable(path, content) => file(&mut out, "100755", path, content),
            Change::Link(path, target) => file(&mut out, "120000", path, target.as_bytes()),
            Change::Remove(path) => out.extend_from_slice(format!("D {path}\n").as_bytes()),
        }
    }
    out
}

fn file(out: &mut Vec<u8>, mode: &str, path: &str, content: &[u8]) {
    out.extend_from_slice(format!("M {mode} inline {path}\n").as_bytes());
    data(out, content);
}

fn data(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(format!("data {}\n", content.len()).as_bytes());
    out.extend_from_slice(content);
    out.push(b'\n');
}

//! Bindings on a real file system, in temporary folders.

mod hostile;
mod killed;
mod promises;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use dockerops_core::bindings::{Report, WantedFile};
use dockerops_core::field::Field;
use dockerops_core::manifest::Binding;
use dockerops_core::names::Owner;
use dockerops_core::source::{Sources, Span};

use super::{Applied, Checked, HostError, Neighbours, Nfs, WantedBinding};

/// A shared folder and one repository. The id of a content is the content itself.
struct Shared {
    dir: tempfile::TempDir,
    repository: Owner,
    neighbours: Arc<Neighbours>,
    adopt: bool,
}

impl Shared {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            repository: Owner("https://git.test/one".to_owned()),
            neighbours: Arc::default(),
            adopt: false,
        }
    }

    fn nfs(&self) -> Nfs {
        Nfs::open(self.dir.path()).unwrap()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn put(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn check(&self, wanted: &[WantedBinding]) -> Result<Checked, HostError> {
        self.nfs().check(
            &self.repository,
            wanted,
            self.adopt,
            &self.neighbours,
            &content,
        )
    }

    /// Checks and applies everything; the errors' codes, or what was done.
    fn deploy(&self, wanted: &[WantedBinding]) -> Result<Vec<Report>, Vec<&'static str>> {
        let checked = self.check(wanted).unwrap();
        let all = checked.bindings.iter().chain(&checked.retired);
        let codes: Vec<_> = all
            .clone()
            .flat_map(|prepared| prepared.plan.errors.errors().map(|e| e.code))
            .collect();
        if !codes.is_empty() {
            return Err(codes);
        }
        let mut reports = Vec::new();
        for prepared in all {
            reports.extend(prepared.plan.reports.clone());
            reports.extend(self.nfs().apply(prepared, &content).unwrap().reports);
        }
        Ok(reports)
    }

    /// Every path with its text and mode, `.dockerops` aside; folders end in `/`.
    fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        self.walk("", &mut tree);
        tree
    }

    fn walk(&self, folder: &str, tree: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(self.path(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}{}", entry.file_name().to_string_lossy());
            let mode = entry.metadata().unwrap().mode() & 0o7777;
            if path == ".dockerops" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                tree.insert(format!("{path}/"), format!("{mode:o}"));
                self.walk(&format!("{path}/"), tree);
            } else {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                tree.insert(path, format!("{mode:o} {text}"));
            }
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of a `Content`")]
fn content(id: &str) -> io::Result<Vec<u8>> {
    Ok(id.as_bytes().to_vec())
}

fn span() -> Span {
    Span::start_of(Sources::default().add("volumes.yaml", ""))
}

/// `wanted("conf", "conf/a=1 conf/b=2")`; a `*` before the path: executable.
fn wanted(path: &str, files: &str) -> WantedBinding {
    let file = |text: &str| {
        let (path, content) = text.split_once('=').unwrap();
        WantedFile {
            path: path.trim_start_matches('*').to_owned(),
            size: content.len() as u64,
            executable: path.starts_with('*'),
            content: content.to_owned(),
        }
    };
    WantedBinding {
        binding: Binding {
            path: Field::new(path.to_owned(), span()),
            owner: Some((
                rustix::process::getuid().as_raw(),
                rustix::process::getgid().as_raw(),
            )),
            preserve_mode: false,
        },
        files: files.split_whitespace().map(file).collect(),
    }
}

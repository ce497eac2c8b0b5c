//! `stacks.yaml`, `volumes.yaml`, `nfs.yaml`, `secrets.yaml`, `lints.yaml` → typed values; and JSON Schemas.
//!
//! All problems of a file are reported at once, each with its position.

mod check;
mod dependencies;
mod entry;
mod lints;
mod nfs;
mod options;
mod paths;
mod schema;
mod secrets;
mod shape;
mod stacks;
#[cfg(test)]
mod tests;
mod variables;
mod volumes;

pub use check::check_nfs;
pub use lints::parse_lints;
pub use nfs::parse_nfs;
pub use options::{OnFailure, SelfHeal, StackOptions};
pub use schema::ManifestFile;
pub use secrets::parse_secrets;
pub use stacks::parse_stacks;
pub use variables::is_name as is_variable_name;
pub use volumes::parse_volumes;

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};
use crate::names::StackName;

/// The files at the root of a repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// `stacks.yaml`, in the order written.
    pub stacks: Vec<StackEntry>,
    /// `volumes.yaml`, by id.
    pub volumes: BTreeMap<String, VolumeEntry>,
    /// `nfs.yaml`.
    pub nfs: Option<Nfs>,
}

impl Manifest {
    /// The bindings among the volumes, by id.
    pub fn bindings(&self) -> impl Iterator<Item = (&str, &Binding)> {
        let volumes = self.volumes.iter();
        volumes.filter_map(|(id, entry)| match &entry.kind {
            VolumeKind::Binding(binding) => Some((id.as_str(), binding)),
            VolumeKind::Volume { .. } => None,
        })
    }
}

/// One `- name: …` of `stacks.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct StackEntry {
    /// `name`.
    pub name: Field<StackName>,
    /// `path`, relative and clean; `""` is the root of the repository.
    pub path: Option<Text>,
    /// `files`, from the stack's folder; empty: whichever of the known names is there.
    pub files: Vec<Text>,
    /// `env`: names and values, in the order written.
    pub env: Vec<(Text, Text)>,
    /// `env_files`, from the stack's folder.
    pub env_files: Vec<Text>,
    /// How it is rolled out and kept.
    pub options: StackOptions,
}

impl StackEntry {
    /// A plain `- name: …`.
    pub fn plain(name: Field<StackName>) -> Self {
        Self {
            name,
            path: None,
            files: Vec::new(),
            env: Vec::new(),
            env_files: Vec::new(),
            options: StackOptions::default(),
        }
    }

    /// The stack's folder, from the root of the repository; `""` is the root.
    pub fn folder(&self) -> &str {
        let path = self.path.as_ref().map(|path| path.value.as_str());
        path.unwrap_or(self.name.value.as_str())
    }

    /// Whether what the stack asks for stands in `stacks.yaml`, too.
    pub fn says_more_than_options(&self) -> bool {
        *self
            != Self {
                options: self.options.clone(),
                ..Self::plain(self.name.clone())
            }
    }
}

/// `nfs.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Nfs {
    /// `path`: absolute, without `.` and `..`, never `/`.
    pub path: Text,
}

/// One entry of `volumes.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeEntry {
    /// `id`.
    pub id: Text,
    /// `type` and `path`.
    pub kind: VolumeKind,
}

/// What a volume id stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum VolumeKind {
    /// `type: volume`: the Docker volume named exactly so.
    Volume {
        /// `path`: the volume's name.
        name: Text,
    },
    /// `type: binding`: a file or folder of the repository, copied to NFS.
    Binding(Binding),
}

/// A file or folder of the repository that is copied below `nfs.path`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// `path`, relative and clean: no `.`, `..`, `secret`, `.dockerops*`.
    pub path: Text,
    /// `owner: "uid:gid"`; absent: root.
    pub owner: Option<(u32, u32)>,
    /// `mode: preserve`: keep the executable bit that Git recorded.
    pub preserve_mode: bool,
}

/// One entry of a stack's `secrets.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretEntry {
    /// `id`: one file name below `{nfs.path}/secret/`.
    pub id: Text,
    /// `env`: the variable that carries it.
    pub env: Text,
}

/// One entry of `lints.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct LintOff {
    /// `off`: the name of a lint.
    pub lint: &'static str,
    /// `stack`: the only one that it is off for; absent: it is off everywhere.
    pub stack: Option<Text>,
}

/// Runs `read` and gives its value only when it noted no error.
///
/// Half a file is never used: a stack that could not be read would look like one
/// that was removed.
fn all_or_nothing<T>(
    out: &mut Diagnostics,
    read: impl FnOnce(&mut Diagnostics) -> Option<T>,
) -> Option<T> {
    let mut found = Diagnostics::default();
    let value = read(&mut found);
    let failed = found.has_errors();
    found.0.sort_by_key(|d| d.span);
    out.extend(found);
    value.filter(|_| !failed)
}

/// Finds names that were used before.
#[derive(Default)]
struct Seen<'n>(HashMap<String, &'n Text>);

impl<'n> Seen<'n> {
    /// Notes `name`, an error when it is taken, also in another letter case.
    fn add(&mut self, name: &'n Text, what: &str, out: &mut Diagnostics) {
        self.note(name.value.to_lowercase(), name, what, out);
    }

    /// Notes `name`, an error when exactly this one is taken.
    fn add_exact(&mut self, name: &'n Text, what: &str, out: &mut Diagnostics) {
        self.note(name.value.clone(), name, what, out);
    }

    fn note(&mut self, key: String, name: &'n Text, what: &str, out: &mut Diagnostics) {
        let Some(first) = self.0.insert(key, name) else {
            return;
        };
        let shown = name.value.escape_debug();
        let message = if first.value == name.value {
            format!("the {what} `{shown}` is here twice")
        } else {
            let first = first.value.escape_debug();
            format!("the {what} `{shown}` differs from `{first}` only in letter case")
        };
        let hint = format!("Rename one: the other is at line {}.", first.span.line);
        out.push(Diagnostic::error("duplicate", name.span, message).hint(hint));
    }
}

//! Files of a repository on shared storage: what to copy, what to keep, what to remove.
//!
//! A binding's files are copied to `{nfs.path}/{path}`, where containers mount
//! them and may write too. [`plan_binding`] compares three things: what the
//! revision wants, what the [`Ledger`] says that DockerOps put there, and what
//! was [seen](Seen) on disk.
//!
//! **Invariants**
//!
//! - Only what the ledger lists, and what is still as it was put there, is
//!   replaced or removed. Anything else is left, or kept beside as
//!   `<file>.dockerops-saved`.
//! - A folder is made or, when it is ours and empties, removed; never renamed or replaced.
//! - With an error there are no actions: nothing is half done.
//! - Carrying out a plan leaves nothing to plan; stopping anywhere in it and
//!   planning again leads to the same end.
//! - All paths are relative to `nfs.path` and [checked](check_path).

mod action;
mod disk;
mod ledger;
mod neighbour;
mod overlap;
mod path;
mod plan;
mod retire;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::manifest::Binding;

pub use action::{Action, BindingPlan, Report};
pub use disk::{Found, FoundFile, Looking, Seen, Stamp};
pub use ledger::{Attributes, Claim, Ledger, LedgerError, LedgerFile, Outcome, Pending};
pub use neighbour::Neighbour;
pub use overlap::{overlapping, overlaps};
pub use path::{UnsafePath, ancestors, check_path, covers, saved_name, temporary_name};
pub use plan::{Request, Unread, plan_binding, to_look_at, to_read};
pub use retire::{Retired, plan_retired, retired_to_look_at, retired_to_read};

/// A file that the revision wants below `nfs.path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFile {
    /// Relative to the repository and to `nfs.path` alike: `conf/nginx.conf`. Of a
    /// binding that is a file: the binding's own path.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Git's executable bit.
    pub executable: bool,
    /// Git's object id of the content.
    pub content: String,
}

/// What decides the content of a mount: 32 hexadecimal digits.
///
/// Covers paths, contents, owner and, with `mode: preserve`, executable bits. The
/// order of `files` does not matter. It goes into [`bindings_label`].
pub fn binding_hash(binding: &Binding, files: &[WantedFile]) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    part("binding 1");
    part(&binding.path.value);
    let (user, group) = binding.owner.unwrap_or_default();
    part(&format!("{user}:{group}"));
    let mut files: Vec<&WantedFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for file in files {
        part(&file.path);
        part(&file.content);
        part(if binding.preserve_mode && file.executable {
            "x"
        } else {
            "-"
        });
    }
    hex(&hash.finalize()).chars().take(32).collect()
}

/// The value of the label `dockerops.bindings`: a JSON object from id to [`binding_hash`].
pub fn bindings_label(hashes: &BTreeMap<String, String>) -> String {
    let object = hashes
        .iter()
        .map(|(id, hash)| (id.clone(), hash.clone().into()));
    serde_json::Value::Object(object.collect()).to_string()
}

/// Reads [`bindings_label`] back; anything unreadable is empty, as an absent label is.
pub fn parse_bindings_label(label: &str) -> BTreeMap<String, String> {
    serde_json::from_str(label).unwrap_or_default()
}

//! What DockerOps itself put below `nfs.path`, for one repository.
//!
//! The ledger lies on the shared storage itself, so it survives the database. It
//! lists nothing that it did not put there or take over because it was identical.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::disk::{FoundFile, Stamp};
use super::path::{UnsafePath, check_path, covers};

/// The format that is written and read.
const SCHEMA: u32 = 1;

/// Everything that one repository put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The format; readers refuse another.
    schema: u32,
    /// The repository: an [`Owner`](crate::names::Owner).
    pub repository: String,
    /// The paths of its bindings.
    pub claims: BTreeMap<String, Claim>,
    /// Files, by path.
    pub files: BTreeMap<String, LedgerFile>,
    /// Folders that were made, by path, with the owner asked for.
    pub folders: BTreeMap<String, (u32, u32)>,
    /// What a run that has not ended is writing; of a killed run, what it was writing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<String, Pending>,
}

/// One binding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whether files ever came from it: then its absence from a revision is a mistake.
    pub had_files: bool,
}

/// Mode and owner of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
}

/// A file that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerFile {
    /// Git's object id of what was put there.
    pub content: String,
    /// SHA-256 of the same.
    pub sha256: String,
    /// As it was left; absent when somebody wrote to it at that very moment.
    pub stamp: Option<Stamp>,
    /// Mode and owner that were asked for.
    #[serde(flatten)]
    pub attributes: Attributes,
    /// Whether the storage refused mode or owner (`root_squash`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

/// A file that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Git's object id.
    pub content: String,
    /// SHA-256, once it is written under its temporary name.
    pub sha256: Option<String>,
}

/// What carrying out an action brought to light.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The file afterwards.
    pub stamp: Option<Stamp>,
    /// Of a write: SHA-256 of what was written.
    pub sha256: String,
    /// Whether the storage refused mode or owner.
    pub refused: bool,
}

/// A ledger is not usable. Nothing is changed then: without it nobody knows what is ours.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Not JSON, or not of this shape.
    #[error("it is damaged")]
    Json(#[source] serde_json::Error),
    /// Of a later version.
    #[error("its format {0} is unknown to this version")]
    Schema(u32),
    /// Of somebody else.
    #[error("it belongs to `{0}`")]
    Repository(String),
    /// It names a path that is never ours.
    #[error("it names `{}`: {why}", .path.escape_debug())]
    Path {
        /// The path.
        path: String,
        /// Why not.
        why: UnsafePath,
    },
}

impl Ledger {
    /// The ledger of a repository that put nothing there.
    pub fn new(repository: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA,
            repository: repository.into(),
            claims: BTreeMap::new(),
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Reads a ledger and refuses what it cannot vouch for.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let ledger: Self = serde_json::from_str(text).map_err(LedgerError::Json)?;
        if ledger.schema != SCHEMA {
            return Err(LedgerError::Schema(ledger.schema));
        }
        let claims = ledger.claims.keys().chain(ledger.folders.keys());
        for path in claims
            .chain(ledger.files.keys())
            .chain(ledger.pending.keys())
        {
            check_path(path).map_err(|why| LedgerError::Path {
                path: path.clone(),
                why,
            })?;
        }
        Ok(ledger)
    }

    /// Refuses the ledger of another repository.
    pub fn of(self, repository: &str) -> Result<Self, LedgerError> {
        if self.repository == repository {
            return Ok(self);
        }
        Err(LedgerError::Repository(self.repository))
    }

    /// The text that [`Ledger::parse`] reads.
    pub fn to_text(&self) -> Result<String, LedgerError> {
        serde_json::to_string(self).map_err(LedgerError::Json)
    }

    /// The claim of this ledger that is `path`, above it, or below it.
    pub fn claim_touching(&self, path: &str) -> Option<&str> {
        self.claims
            .keys()
            .map(String::as_str)
            .find(|claim| covers(claim, path) || covers(path, claim))
    }

    /// Git's object id of `file`, when it is as we put it there.
    pub(super) fn ours<'a>(&'a self, path: &str, file: &FoundFile) -> Option<&'a str> {
        self.entry_of(path, file).map(|(content, _)| content)
    }

    /// Object id and SHA-256 of `file`, when it is as we put it there.
    pub(super) fn entry_of<'a>(
        &'a self,
        path: &str,
        file: &FoundFile,
    ) -> Option<(&'a str, &'a str)> {
        if let Some(entry) = self.files.get(path)
            && (entry.stamp == Some(file.stamp) || file.sha256.as_ref() == Some(&entry.sha256))
        {
            return Some((&entry.content, &entry.sha256));
        }
        let pending = self.pending.get(path)?;
        let sha256 = pending.sha256.as_ref()?;
        (file.sha256.as_ref() == Some(sha256)).then_some((&pending.content, sha256))
    }

    /// Notes what is about to be done, so that a killed run's traces can be told from foreign files.
    pub fn intend(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::MakeFolder { path, owner } => {
                    self.folders.insert(path.clone(), *owner);
                }
                Action::Write { path, content, .. } => {
                    let content = content.clone();
                    let sha256 = None;
                    self.pending
                        .insert(path.clone(), Pending { content, sha256 });
                }
                Action::Claim { path, .. } => {
                    self.claims.entry(path.clone()).or_default();
                }
                _ => {}
            }
        }
    }

    /// Notes that `action` was carried out.
    pub fn note(&mut self, action: &Action, outcome: &Outcome) {
        match action {
            Action::MakeFolder { path, owner } | Action::SetFolderOwner { path, owner } => {
                self.folders.insert(path.clone(), *owner);
            }
            Action::RemoveTemporary { path } => {
                self.pending.remove(path);
            }
            Action::Write {
                path,
                content,
                attributes,
                ..
            } => {
                self.pending.remove(path);
                let entry = LedgerFile {
                    content: content.clone(),
                    sha256: outcome.sha256.clone(),
                    stamp: outcome.stamp,
                    attributes: *attributes,
                    refused: outcome.refused,
                };
                self.files.insert(path.clone(), entry);
            }
            Action::SetAttributes { path, entry } => {
                let mut entry = entry.clone();
                entry.stamp = outcome.stamp;
                entry.refused = outcome.refused;
                self.files.insert(path.clone(), entry);
            }
            Action::Record { path, entry } => {
                self.files.insert(path.clone(), entry.clone());
            }
            Action::RemoveFile { path, .. } | Action::ForgetFile { path } => {
                self.files.remove(path);
            }
            Action::RemoveFolder { path } | Action::ForgetFolder { path } => {
                self.folders.remove(path);
            }
            Action::Claim { path, claim } => {
                self.claims.insert(path.clone(), *claim);
            }
            Action::Unclaim { path } => {
                self.claims.remove(path);
            }
            Action::Save { .. } => {}
        }
    }

    /// Whether any file is known to have come to `path` or below it.
    pub(super) fn has_files_below(&self, path: &str) -> bool {
        let written = |pending: &Pending| pending.sha256.is_some();
        self.files.keys().any(|file| covers(path, file))
            || self
                .pending
                .iter()
                .any(|(file, pending)| covers(path, file) && written(pending))
    }

    /// Everything of this ledger at or below `path`.
    pub(super) fn files_below(&self, path: &str) -> BTreeSet<&str> {
        let files = self.files.keys().chain(self.pending.keys());
        files
            .map(String::as_str)
            .filter(|file| covers(path, file))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_that_points_outside_is_refused() {
        let mut ledger = Ledger::new("r");
        ledger.claims.insert("../etc".into(), Claim::default());
        let text = ledger.to_text().unwrap();
        assert!(matches!(
            Ledger::parse(&text),
            Err(LedgerError::Path { path, why: UnsafePath::Dots }) if path == "../etc"
        ));
    }

    #[test]
    fn a_ledger_of_a_later_version_or_cut_short_is_refused() {
        let text = Ledger::new("r").to_text().unwrap();
        assert!(Ledger::parse(&text).is_ok());
        let later = text.replace("\"schema\":1", "\"schema\":2");
        assert!(matches!(Ledger::parse(&later), Err(LedgerError::Schema(2))));
        for end in 0..text.len() {
            assert!(Ledger::parse(&text[..end]).is_err(), "{end}");
        }
    }
}

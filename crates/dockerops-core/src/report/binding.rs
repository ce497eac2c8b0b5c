//! What is done to the files of a binding on the shared storage.

use serde::Serialize;

use super::Verb;
use crate::bindings::{Action, BindingPlan};

/// The files of one binding that change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BindingReport {
    /// The binding's path, relative to the repository and to `nfs.path` alike.
    pub path: String,
    /// Its files, in the order in which they would be written.
    pub files: Vec<FileReport>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// One file that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// `create`, `update` or `remove`.
    pub verb: Verb,
    /// Relative to `nfs.path`.
    pub path: String,
    /// How its text changes, when that was asked for and both sides are text.
    pub diff: Option<String>,
}

impl BindingReport {
    /// What `plan` would do; `None` when it changes no file and says nothing.
    pub fn of(plan: &BindingPlan) -> Option<Self> {
        let files: Vec<_> = plan.actions.iter().filter_map(file).collect();
        let notes: Vec<_> = plan.reports.iter().map(ToString::to_string).collect();
        (!files.is_empty() || !notes.is_empty()).then(|| Self {
            path: plan.path.clone(),
            files,
            notes,
        })
    }
}

/// Folders come and go with their files; notes in our own list are nobody's concern.
fn file(action: &Action) -> Option<FileReport> {
    let verb = match action {
        Action::Write { replaces: None, .. } => Verb::Create,
        Action::Write { .. } | Action::SetAttributes { .. } => Verb::Update,
        Action::RemoveFile { .. } => Verb::Remove,
        _ => return None,
    };
    Some(FileReport {
        verb,
        path: action.path().to_owned(),
        diff: None,
    })
}

//! What a run did: the one value that the terminal, `-o json` and the database show.
//!
//! A report holds text that is safe to show, never a value that could carry a
//! secret. Its JSON form is documented in `docs/reference/json.md`; a field is added, not changed.

use std::fmt;

use serde::Serialize;

use crate::names::StackName;
use crate::plan::{Action, Change, FieldChange, FileKind, Plan, Reason};

/// A whole run over one or several repositories.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Per repository, in the order watched.
    pub repositories: Vec<RepositoryReport>,
    /// Images that were removed from this node because nothing counts them any more.
    pub images_removed: Vec<String>,
    /// What went wrong outside any repository: cleaning of images, the database.
    pub problems: Vec<Problem>,
}

/// What happened to one repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RepositoryReport {
    /// The URL as given to `watch`.
    pub url: String,
    /// The revision that was read, when one was.
    pub revision: Option<String>,
    /// Its stacks, in the order of `stacks.yaml`, then those removed.
    pub stacks: Vec<StackReport>,
    /// Warnings about its files.
    pub warnings: Vec<String>,
    /// Why nothing could be done with it.
    pub problem: Option<Problem>,
}

/// How one stack ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was as asked; nothing was written.
    Unchanged,
    /// It was changed and runs as asked.
    Changed,
    /// It left the repository and was removed.
    Removed,
    /// It is not tried again until something changes: Swarm rolled this version back.
    Held,
    /// It is not as asked; `problem` says why.
    Failed,
}

/// What happened to one stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackReport {
    /// The stack.
    pub name: StackName,
    /// How it ended.
    pub outcome: Outcome,
    /// What was written, in order.
    pub changes: Vec<ChangeReport>,
    /// How many services were left as they are.
    pub unchanged_services: usize,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What failed.
    pub problem: Option<Problem>,
    /// Of all that decides what runs, for the table `stacks`; keyed, as secrets are part of it.
    #[serde(skip)]
    pub hash: Option<String>,
}

/// One write, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeReport {
    /// `create`, `update`, `relabel` or `remove`.
    pub verb: &'static str,
    /// `network`, `config`, `secret` or `service`.
    pub kind: &'static str,
    /// Its name on the Swarm.
    pub name: String,
    /// Why, most important first.
    pub reasons: Vec<String>,
    /// Of an update: the fields that change.
    pub fields: Vec<FieldChange>,
    /// Whether tasks restart.
    pub restarts: bool,
}

/// Something that went wrong, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What happened; the whole chain of causes, joined by `: `.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Longer text: source lines with a caret, one per mistake.
    pub details: Vec<String>,
}

impl Problem {
    /// A problem with a way out.
    pub fn new(message: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            message: message.into(),
            hint,
            details: Vec::new(),
        }
    }
}

impl Report {
    /// Whether anything failed or is held: the run then exits 1.
    pub fn failed(&self) -> bool {
        !self.problems.is_empty() || self.repositories.iter().any(RepositoryReport::failed)
    }
}

impl RepositoryReport {
    /// Whether anything of this repository is not as asked.
    pub fn failed(&self) -> bool {
        let stack = |s: &StackReport| matches!(s.outcome, Outcome::Failed | Outcome::Held);
        self.problem.is_some() || self.stacks.iter().any(stack)
    }
}

impl StackReport {
    /// A stack about which nothing is known yet but its name.
    pub fn new(name: StackName, outcome: Outcome) -> Self {
        Self {
            name,
            outcome,
            changes: Vec::new(),
            unchanged_services: 0,
            warnings: Vec::new(),
            problem: None,
            hash: None,
        }
    }

    /// A stack that could not be made as asked.
    pub fn failed(name: StackName, problem: Problem) -> Self {
        Self {
            problem: Some(problem),
            ..Self::new(name, Outcome::Failed)
        }
    }

    /// What a plan would do, or did.
    pub fn of_plan(plan: &Plan, outcome: Outcome) -> Self {
        Self {
            changes: plan.changes.iter().map(ChangeReport::from).collect(),
            unchanged_services: plan.kept.len(),
            warnings: plan.warnings.clone(),
            ..Self::new(plan.stack.clone(), outcome)
        }
    }
}

impl From<&Change> for ChangeReport {
    fn from(change: &Change) -> Self {
        let (verb, kind, name) = words(&change.action);
        Self {
            verb,
            kind,
            name: name.to_owned(),
            reasons: change.reasons.iter().map(Reason::to_string).collect(),
            fields: change.fields.clone(),
            restarts: matches!(change.action, Action::UpdateService { restarts: true, .. }),
        }
    }
}

impl fmt::Display for ChangeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.verb, self.kind, self.name)
    }
}

fn words(action: &Action) -> (&'static str, &'static str, &str) {
    match action {
        Action::CreateNetwork { name, .. } => ("create", "network", name),
        Action::CreateFile { kind, name, .. } => ("create", file_word(*kind), name),
        Action::RelabelFile { kind, name, .. } => ("relabel", file_word(*kind), name),
        Action::CreateService { name, .. } => ("create", "service", name),
        Action::UpdateService { name, .. } => ("update", "service", name),
        Action::RemoveService { name, .. } => ("remove", "service", name),
        Action::RemoveFile { kind, name, .. } => ("remove", file_word(*kind), name),
        Action::RemoveNetwork { name, .. } => ("remove", "network", name),
    }
}

fn file_word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Config => "config",
        FileKind::Secret => "secret",
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not deployed yet"),
            Self::Differs => f.write_str("differs from the repository"),
            Self::ImageMoved => f.write_str("the image moved behind its tag"),
            Self::BindingChanged(ids) => write!(f, "files of binding {} changed", ids.join(", ")),
            Self::FileChanged(name) => write!(f, "content of {name} changed"),
            Self::Forced => f.write_str("--force"),
            Self::Paused => f.write_str("an earlier update was paused by Swarm"),
            Self::Adopted => f.write_str("taken over"),
            Self::Replaced => f.write_str("cannot be updated in place: removed and made anew"),
            Self::Undeclared => f.write_str("no longer declared"),
        }
    }
}

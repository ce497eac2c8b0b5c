//! What a run did: the one value that the terminal, `-o json` and the database show.
//!
//! A report holds text that is safe to show, never a value that could carry a
//! secret. Its JSON form is documented in `docs/reference/json.md`; a field is added, not changed.

mod binding;
mod change;
mod service;

use serde::Serialize;

use crate::names::StackName;
use crate::observed::Observed;
use crate::plan::{Change, Kept, Plan, Risk, Sealed};
use crate::repository_url::InvalidUrl;

pub use binding::{BindingReport, FileReport};
pub use change::{ChangeReport, Verb};
pub use service::ServiceReport;

/// A whole run over one or several repositories.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Per repository, in the order watched.
    pub repositories: Vec<RepositoryReport>,
    /// Images that were removed from this node because nothing counts them any more.
    pub images_removed: Vec<String>,
    /// Services whose nodes were given new registry credentials; nothing else of them changed.
    pub credentials_refreshed: Vec<CredentialsReport>,
    /// What went wrong outside any repository: cleaning of images, the database.
    pub problems: Vec<Problem>,
}

/// Services that were sent new credentials for one registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CredentialsReport {
    /// The registry's host.
    pub registry: String,
    /// The services, by their names on the Swarm.
    pub services: Vec<String>,
}

/// What happened to one repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RepositoryReport {
    /// The URL as given to `watch`.
    pub url: String,
    /// The revision that was read, when one was.
    pub revision: Option<String>,
    /// Who made that revision, and what for.
    pub commit: Option<CommitReport>,
    /// Its stacks, in the order of `stacks.yaml`, then those removed.
    pub stacks: Vec<StackReport>,
    /// What was, or would be, done to the files of its bindings.
    pub bindings: Vec<BindingReport>,
    /// Warnings about its files.
    pub warnings: Vec<String>,
    /// Why nothing could be done with it.
    pub problem: Option<Problem>,
}

/// A revision as people know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitReport {
    /// The whole id.
    pub revision: String,
    /// `Name <mail>`.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

/// How one stack ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was as asked; nothing was written.
    Unchanged,
    /// It was changed and runs as asked.
    Changed,
    /// It left the repository and was removed.
    Removed,
    /// It is not tried again until something changes: this version failed before.
    Held,
    /// Nothing was done, as somebody suspended it.
    Suspended,
    /// It did not get well, and runs again as it did before; `problem` says why.
    RolledBack,
    /// It is not as asked; `problem` says why.
    Failed,
}

impl Outcome {
    /// Why nothing may be written of a stack that depends on one which ended so, if so.
    pub fn in_the_way(self) -> Option<&'static str> {
        match self {
            Self::Failed => Some("failed"),
            Self::RolledBack => Some("failed and was rolled back"),
            Self::Held => Some("is held"),
            Self::Unchanged | Self::Changed | Self::Removed | Self::Suspended => None,
        }
    }

    /// As in `-o json` and the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Held => "held",
            Self::Suspended => "suspended",
            Self::RolledBack => "rolled-back",
            Self::Failed => "failed",
        }
    }

    /// Whether the stack is as asked, as far as it was waited for.
    pub fn is_as_asked(self) -> bool {
        matches!(self, Self::Unchanged | Self::Changed)
    }
}

/// What happened to one stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StackReport {
    /// The stack.
    pub name: StackName,
    /// How it ended.
    pub outcome: Outcome,
    /// The newest commit that changed the stack's folder, where one is a reason for a change.
    pub commit: Option<CommitReport>,
    /// What was written, in order.
    pub changes: Vec<ChangeReport>,
    /// How many services were left as they are.
    pub unchanged_services: usize,
    /// What was left as it is, and why.
    pub kept: Vec<Kept>,
    /// What to think about before applying.
    pub risks: Vec<Risk>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What failed.
    pub problem: Option<Problem>,
    /// How it returned to what was well, when it had to.
    pub rollback: Option<RollbackReport>,
    /// How the services that were waited for ended.
    pub services: Vec<ServiceReport>,
    /// How long it took, in milliseconds; of what is only shown, nothing.
    pub took_ms: Option<u64>,
    /// Of all that decides what runs, for the table `stacks`; keyed, as secrets are part of it.
    #[serde(skip)]
    pub hash: Option<String>,
    /// Of a plan that is only shown: what identifies it.
    #[serde(skip)]
    pub sealed: Option<Sealed>,
}

/// How a stack that did not get well returned to what was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RollbackReport {
    /// The revision that it returned to, where one is known.
    pub revision: Option<String>,
    /// What was written for it, in order.
    pub changes: Vec<ChangeReport>,
    /// Why it did not arrive there.
    pub problem: Option<Problem>,
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

impl From<InvalidUrl> for Problem {
    fn from(error: InvalidUrl) -> Self {
        Self::new(error.to_string(), error.hint())
    }
}

impl Report {
    /// Whether anything failed or is held: the run then exits 1.
    pub fn failed(&self) -> bool {
        !self.problems.is_empty() || self.repositories.iter().any(RepositoryReport::failed)
    }

    /// Of a plan: whether anything could not be planned, or would be refused. What is held
    /// is no failure of the plan.
    pub fn refused(&self) -> bool {
        let unread = self.repositories.iter().any(|r| r.problem.is_some());
        let refused = |stack: &StackReport| stack.outcome == Outcome::Failed;
        unread || !self.problems.is_empty() || self.stacks().any(refused)
    }

    /// Of a plan: whether a run would write anything, or meet something held.
    pub fn pending(&self) -> bool {
        let pending = |stack: &StackReport| match stack.outcome {
            Outcome::Held => true,
            Outcome::Failed | Outcome::Suspended => false,
            _ => !stack.changes.is_empty(),
        };
        let mut bindings = self.repositories.iter().flat_map(|r| &r.bindings);
        self.stacks().any(pending) || bindings.any(|binding| !binding.files.is_empty())
    }

    /// The stacks of all repositories.
    pub fn stacks(&self) -> impl Iterator<Item = &StackReport> {
        self.repositories.iter().flat_map(|r| &r.stacks)
    }
}

impl RepositoryReport {
    /// Whether anything of this repository is not as asked.
    pub fn failed(&self) -> bool {
        let stack = |s: &StackReport| {
            matches!(
                s.outcome,
                Outcome::Failed | Outcome::RolledBack | Outcome::Held
            )
        };
        self.problem.is_some() || self.stacks.iter().any(stack)
    }
}

impl StackReport {
    /// A stack about which nothing is known yet but its name.
    pub fn new(name: StackName, outcome: Outcome) -> Self {
        Self {
            name,
            outcome,
            commit: None,
            changes: Vec::new(),
            unchanged_services: 0,
            kept: Vec::new(),
            risks: Vec::new(),
            warnings: Vec::new(),
            problem: None,
            rollback: None,
            services: Vec::new(),
            took_ms: None,
            hash: None,
            sealed: None,
        }
    }

    /// A stack that could not be made as asked.
    pub fn failed(name: StackName, problem: Problem) -> Self {
        Self {
            problem: Some(problem),
            ..Self::new(name, Outcome::Failed)
        }
    }

    /// Takes back that `change` was carried out.
    pub fn not_done(&mut self, change: &Change) {
        let told = ChangeReport::from(change);
        let same = |other: &ChangeReport| {
            (other.verb, other.kind, &other.name) == (told.verb, told.kind, &told.name)
        };
        self.changes.retain(|other| !same(other));
    }

    /// Whether any of its changes is due to what is asked for, not to the Swarm.
    pub fn asks_anew(&self) -> bool {
        self.changes.iter().any(|change| change.asked_anew)
    }

    /// What a plan would do, or did, to a Swarm that was `observed`.
    pub fn of_plan(plan: &Plan, outcome: Outcome, observed: &Observed) -> Self {
        Self {
            changes: ChangeReport::all(&plan.changes, observed),
            unchanged_services: plan.kept.len(),
            kept: plan.kept.clone(),
            warnings: plan.warnings.clone(),
            ..Self::new(plan.stack.clone(), outcome)
        }
    }
}

//! One stack: plan, apply, wait, remove what it no longer declares.
//!
//! Stacks run side by side. A version that moved under our hands is observed and
//! planned again a few times, never forced.

use std::collections::BTreeSet;

use dockerops_core::departed::former_owners;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::plan::{Adopt, Ownership, owner_of};
use dockerops_core::report::{CommitReport, Problem, Report, RepositoryReport, StackReport};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::after::{After, Ends};
use super::bindings::Bindings;
use super::draft::Draft;
use super::images::Images;
use super::problem::{of_diagnostics, warnings};
use super::read::{Read, Repository};
use super::rollout::Rollout;
use super::source::FILE;
use super::{Request, Seen, World};
use crate::desire::DesiredStack;
use crate::git::CommitInfo;

/// How many stacks are written at once.
const AT_ONCE: usize = 8;

/// What a watched repository deployed is not taken by compose files, labelled or not.
fn listed_there(stack: &StackName, owner: &Owner) -> Problem {
    Problem::new(
        format!("stack `{stack}` is deployed from `{owner}`"),
        Some("Give the stack another name, or remove it there first.".to_owned()),
    )
}

/// A commit as reports show it.
pub(super) fn commit_report(commit: &CommitInfo) -> CommitReport {
    CommitReport {
        revision: commit.revision.to_string(),
        author: commit.author.clone(),
        subject: commit.subject.clone(),
    }
}

/// All stacks of a run, with what they share.
pub(super) struct Stacks<'a> {
    pub(super) world: &'a World,
    pub(super) request: &'a Request,
    pub(super) seen: &'a Seen,
    pub(super) repositories: &'a [Repository],
    pub(super) images: &'a Images,
    pub(super) bindings: &'a Bindings,
}

impl Stacks<'_> {
    /// Makes every stack as asked, side by side.
    pub(super) async fn reconcile(&self) -> Report {
        let writers = Semaphore::new(AT_ONCE);
        let repositories = self
            .repositories
            .iter()
            .map(|repository| self.repository(repository, &writers));
        Report {
            repositories: join_all(repositories).await,
            ..Report::default()
        }
    }

    async fn repository(&self, repository: &Repository, writers: &Semaphore) -> RepositoryReport {
        let url = repository.given.clone();
        let read = match &repository.read {
            Ok(read) => read,
            Err(problem) => {
                return RepositoryReport {
                    url,
                    problem: Some(problem.clone()),
                    ..Default::default()
                };
            }
        };
        let desired = &read.desired;
        let wanted = || {
            let stacks = desired.stacks.iter();
            stacks.filter(|stack| self.request.includes(&stack.name))
        };
        let ends = Ends::of(wanted());
        let stacks = wanted().map(async |stack| {
            let after = ends.before(stack);
            let report = self.stack(repository, read, stack, &after, writers).await;
            ends.note(&stack.name, report.outcome);
            report
        });
        let stacks = join_all(stacks).await;
        let unusable = desired.manifest.is_none();
        RepositoryReport {
            url,
            revision: read.commit.as_ref().map(|c| c.revision.to_string()),
            commit: read.commit.as_ref().map(commit_report),
            stacks,
            bindings: Vec::new(),
            warnings: warnings(&desired.diagnostics, &desired.sources),
            problem: unusable
                .then(|| of_diagnostics("the repository", &desired.diagnostics, &desired.sources)),
        }
    }

    async fn stack(
        &self,
        repository: &Repository,
        read: &Read,
        stack: &DesiredStack,
        after: &After,
        writers: &Semaphore,
    ) -> StackReport {
        if let Some(why) = repository.suspended.of(&stack.name) {
            return why.report(&stack.name);
        }
        let mut report = match &stack.spec {
            None => {
                let what = format!("stack `{}`", stack.name);
                StackReport::failed(
                    stack.name.clone(),
                    of_diagnostics(&what, &stack.diagnostics, &read.desired.sources),
                )
            }
            Some(spec) => {
                let rollout = Rollout(Draft {
                    stacks: self,
                    repository,
                    spec,
                    options: &stack.options,
                    after,
                    sources: &read.desired.sources,
                });
                match self.claimed(repository, &stack.name) {
                    Some(problem) => StackReport::failed(stack.name.clone(), problem),
                    None => rollout.reconcile(writers).await,
                }
            }
        };
        report
            .warnings
            .splice(0..0, warnings(&stack.diagnostics, &read.desired.sources));
        report
    }

    /// Why the stack is another repository's, when nothing on the Swarm says whose it is:
    /// of several that list it, the one watched first has it.
    fn claimed(&self, repository: &Repository, stack: &StackName) -> Option<Problem> {
        if matches!(owner_of(&self.seen.observed, stack), Ownership::Owned(_)) {
            return None;
        }
        let before = self
            .repositories
            .iter()
            .take_while(|other| !std::ptr::eq(*other, repository));
        let first = before
            .filter(|other| other.owner != repository.owner)
            .find(|other| {
                let read = other.read.as_ref().ok();
                read.is_some_and(|read| read.desired.stacks.iter().any(|s| s.name == *stack))
            })?;
        Some(Problem::new(
            format!(
                "stack `{stack}` is listed by `{}` too, which is watched longer",
                first.given
            ),
            Some("Give the stack another name in one of the two repositories.".to_owned()),
        ))
    }

    /// Whether this repository may take what runs under the stack's name.
    ///
    /// Taken without asking: stacks that an earlier database lists as deployed from here.
    pub(super) fn adopt(
        &self,
        repository: &Repository,
        stack: &StackName,
    ) -> Result<Adopt, Problem> {
        if self.request.policy.adopt == Adopt::Compare {
            // What is ours is planned as it would be, what is not is compared.
            let ours = owner_of(&self.seen.observed, stack).includes(&repository.owner);
            return Ok(if ours { Adopt::Refuse } else { Adopt::Compare });
        }
        let listed = self.world.store().listed_as_deployed(stack.as_str())?;
        if listed.contains(&repository.owner) {
            return Ok(Adopt::Take);
        }
        match listed.first() {
            Some(other) if repository.owner.0 == FILE => Err(listed_there(stack, other)),
            _ => Ok(self.request.policy.adopt),
        }
    }

    /// Who gave `stack` up to this repository.
    pub(super) fn former(&self, repository: &Repository, stack: &StackName) -> BTreeSet<Owner> {
        let names: Vec<_> = self.repositories.iter().map(Repository::listed).collect();
        let owners = self.repositories.iter().map(|repository| &repository.owner);
        let listed: Vec<_> = owners.zip(names.iter().map(Option::as_ref)).collect();
        former_owners(stack, &repository.owner, &listed)
    }
}

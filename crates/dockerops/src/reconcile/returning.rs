//! Back to a revision: rendered again with today's secrets and the digests of then.
//!
//! For rollbacks by hand, and for those whose earlier specs nobody has seen: a deploy that
//! was killed, a stack that was ill before. Jobs are left as they are.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::names::{Owner, StackName};
use dockerops_core::plan::{Force, Jobs, Policy, PullPolicy, Resolution};
use dockerops_core::report::{Problem, StackReport};
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use tokio::sync::Semaphore;

use super::after::After;
use super::draft::Draft;
use super::history::fingerprints;
use super::read::{self, Repository};
use super::rollout::{Rollout, Unmade};
use super::stack::Stacks;
use super::suspended::Suspended;
use super::{Request, World, bindings, images, observe};
use crate::desire::{Desired, DesiredStack};

/// A stack and the revision that it is to run.
pub(super) struct Return<'a> {
    pub(super) world: &'a World,
    pub(super) request: &'a Request,
    /// The repository, as given to `watch`.
    pub(super) url: &'a str,
    pub(super) owner: &'a Owner,
    pub(super) stack: &'a StackName,
    pub(super) revision: &'a Revision,
    /// What images stood for then.
    pub(super) pins: BTreeMap<String, Resolution>,
    /// Keyed fingerprints of what secrets were then.
    pub(super) secrets: BTreeMap<String, String>,
}

impl Return<'_> {
    /// Deploys the revision and waits until it is well. `note` is called before the first write,
    /// and not at all when the way is refused.
    pub(super) async fn go(
        &self,
        note: &(dyn Fn() -> Result<(), Problem> + Sync),
    ) -> Result<StackReport, Unmade> {
        let world = self.world;
        let request = self.request();
        let then = [self.read().await?];
        let seen = observe(world).await.map_err(Problem::from)?;
        let mut images = images::resolve(world, &request, &then, &seen.observed).await;
        images.prefer(&self.pins);
        let bindings = bindings::check(world, &request, &then).await?;
        let stacks = Stacks {
            world,
            request: &request,
            seen: &seen,
            repositories: &then,
            images: &images,
            bindings: &bindings,
        };
        self.deploy(&stacks, &then, note).await
    }

    async fn deploy(
        &self,
        stacks: &Stacks<'_>,
        then: &[Repository],
        note: &(dyn Fn() -> Result<(), Problem> + Sync),
    ) -> Result<StackReport, Unmade> {
        let listed = then.iter().find_map(|repository| {
            let read = repository.read.as_ref().ok()?;
            let stack = read.stack(self.stack)?;
            Some((repository, read, stack, stack.spec.as_ref()?))
        });
        let Some((repository, read, stack, spec)) = listed else {
            return Err(self.unreadable().into());
        };
        let rollout = Rollout(Draft {
            stacks,
            repository,
            spec,
            options: &stack.options,
            after: &After::default(),
            sources: &read.desired.sources,
        });
        let mut report = rollout.alone(&Semaphore::new(1), note).await?;
        report
            .warnings
            .extend(self.changed_since(&read.desired, stack));
        Ok(report)
    }

    /// Secrets that are not what they were: what runs now is not quite what ran then.
    fn changed_since(&self, desired: &Desired, stack: &DesiredStack) -> Vec<String> {
        let now = fingerprints(&self.world.key, desired, stack);
        let changed = now.iter().filter(|(id, print)| {
            let then = self.secrets.get(*id);
            then.is_some_and(|then| then != *print)
        });
        changed
            .map(|(id, _)| format!("secret {id} changed since then: its value of today is used"))
            .collect()
    }

    /// The repository as it was.
    pub(super) async fn read(&self) -> Result<Repository, Problem> {
        let url = RepositoryUrl::parse(self.url)?;
        Ok(Repository {
            given: self.url.to_owned(),
            owner: self.owner.clone(),
            suspended: Suspended::default(),
            read: Ok(read::at(self.world, &url, self.revision).await?),
        })
    }

    fn request(&self) -> Request {
        Request {
            only: BTreeSet::from([self.stack.clone()]),
            policy: Policy {
                force: Force::No,
                jobs: Jobs::Leave,
                pull: PullPolicy::IfNotPresent,
                ..self.request.policy
            },
            limits: self.request.limits.backward(),
            agreed: None,
            ..self.request.clone()
        }
    }

    fn unreadable(&self) -> Problem {
        let revision = self.revision.short();
        Problem::new(
            format!("stack `{}` cannot be read at {revision}", self.stack),
            Some(format!(
                "See what `dockerops plan` says of it, and push a commit that mends stack `{}`.",
                self.stack
            )),
        )
    }
}

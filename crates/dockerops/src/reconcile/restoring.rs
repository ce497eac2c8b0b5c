//! Back to what was seen before the first write: files, then services, then what is left over.

use std::collections::BTreeSet;

use dockerops_core::plan::{Change, KeptWhy, Plan, Restore, restore};
use dockerops_core::report::{ChangeReport, Problem, RollbackReport};
use dockerops_core::revision::{Revision, short};

use super::read::Repository;
use super::rollout::{ATTEMPTS, Rollout, concerns_of, contended};
use super::settle::Ill;
use super::write::{Done, NotTaken, Wrote};
use super::{bindings, observe};
use crate::engine::{Applied, Limits};

impl Rollout<'_> {
    /// Sends again what ran before, and waits until it is well.
    pub(super) async fn restore(
        &self,
        done: &Done,
        last_well: Option<&Revision>,
        warnings: &mut Vec<String>,
    ) -> Result<RollbackReport, NotTaken> {
        let restarted = match last_well {
            Some(revision) if self.mounts() => self.put_files_back(revision, warnings).await?,
            _ => BTreeSet::new(),
        };
        let (plan, written) = self.send_back(done, &restarted).await?;
        warnings.extend(self.jobs_that_ran(&plan));
        let within = self.0.stacks.request.limits.backward().of(self.0.options);
        let limits = Limits::within(within);
        let waited = self.wait(&concerns_of(&written), limits).await;
        let waited = not_passing(waited)?;
        let left = self.clear_away(&plan, warnings).await?;
        Ok(RollbackReport {
            revision: last_well.map(ToString::to_string),
            changes: ChangeReport::all(&plan.changes, &self.0.stacks.seen.observed),
            problem: waited.or(left),
        })
    }

    /// Writes services; planned anew when something else moved one of them.
    async fn send_back(
        &self,
        done: &Done,
        restarted: &BTreeSet<String>,
    ) -> Result<(Plan, Vec<Change>), NotTaken> {
        let mut written = Vec::new();
        for _ in 0..ATTEMPTS {
            let plan = self.way_back(done, restarted).await?;
            if self.send(&plan, done, &mut written).await? {
                return Ok((plan, written));
            }
        }
        Err(contended(self.0.spec).into())
    }

    async fn way_back(&self, done: &Done, restarted: &BTreeSet<String>) -> Result<Plan, NotTaken> {
        let now = observe(self.0.stacks.world).await?;
        Ok(restore(&Restore {
            stack: &self.0.spec.name,
            owner: &self.0.repository.owner,
            before: &self.0.stacks.seen.observed,
            now: &now.observed,
            written: &done.sent,
            bindings: restarted,
        }))
    }

    /// Whether all of `plan` but what is left over was taken.
    async fn send(
        &self,
        plan: &Plan,
        done: &Done,
        written: &mut Vec<Change>,
    ) -> Result<bool, NotTaken> {
        for change in plan.writes() {
            match self.0.apply(change).await? {
                Wrote::Done(_) => {
                    written.push(change.clone());
                    self.0.put_attempt_back(change, done)?;
                }
                Wrote::Stale => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Removes what nothing uses any more; what is still in use is only told.
    async fn clear_away(
        &self,
        plan: &Plan,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Problem>, NotTaken> {
        for change in plan.removals() {
            match self.0.apply(change).await {
                Ok(Wrote::Done(Applied::StillInUse { message })) => warnings.push(message),
                Ok(_) => {}
                Err(error) if error.passing => return Err(error),
                Err(error) => return Ok(Some(error.problem)),
            }
        }
        Ok(None)
    }

    /// Copies the files of bindings as `revision` has them, where they differ; returns the
    /// services that mounted them.
    async fn put_files_back(
        &self,
        revision: &Revision,
        warnings: &mut Vec<String>,
    ) -> Result<BTreeSet<String>, NotTaken> {
        let stacks = self.0.stacks;
        let owner = &self.0.repository.owner;
        let then = [self.way_to(revision).read().await?];
        let shelves = bindings::check(stacks.world, stacks.request, &then).await?;
        let (before, now) = (shelves.hashes(owner), stacks.bindings.hashes(owner));
        let mounted = self.0.spec.services.iter().flat_map(|s| &s.bindings);
        let changed: BTreeSet<String> = mounted
            .filter(|id| before.contains_key(*id) && before.get(*id) != now.get(*id))
            .cloned()
            .collect();
        if changed.is_empty() {
            return Ok(BTreeSet::new());
        }
        warnings.extend(shelves.copy(owner, changed.clone()).await?);
        warnings.extend(self.shared(&changed));
        let specs = then.iter().flat_map(Repository::specs);
        let specs = specs.filter(|spec| spec.name == self.0.spec.name);
        let services = specs.flat_map(|spec| &spec.services);
        let restarts = services.filter(|s| s.bindings.iter().any(|id| changed.contains(id)));
        Ok(restarts.map(|service| service.name.clone()).collect())
    }

    fn mounts(&self) -> bool {
        let mut services = self.0.spec.services.iter();
        services.any(|service| !service.bindings.is_empty())
    }

    /// A binding moves for every stack that mounts it.
    fn shared(&self, changed: &BTreeSet<String>) -> Vec<String> {
        let specs = self.0.repository.specs();
        let others = specs.filter(|spec| spec.name != self.0.spec.name);
        let told = others.filter_map(|spec| {
            let mounted = spec.services.iter().flat_map(|service| &service.bindings);
            let ids: BTreeSet<_> = mounted
                .filter(|id| changed.contains(*id))
                .cloned()
                .collect();
            (!ids.is_empty()).then(|| {
                let ids: Vec<_> = ids.into_iter().collect();
                format!(
                    "stack `{}` mounts {} too: it sees the files of before as well",
                    spec.name,
                    ids.join(", ")
                )
            })
        });
        told.collect()
    }

    fn jobs_that_ran(&self, plan: &Plan) -> Vec<String> {
        let revision = short(self.0.revision().unwrap_or("these files")).to_owned();
        let jobs = plan.kept.iter().filter(|kept| kept.why == KeptWhy::JobDone);
        jobs.map(|job| format!("job {} of {revision} has run and is not undone", job.name))
            .collect()
    }
}

/// Why it did not get well. An engine that was only away says nothing of that: then what is
/// left of the way is gone by the next run.
pub(super) fn not_passing<T>(waited: Result<T, Ill>) -> Result<Option<Problem>, NotTaken> {
    match waited {
        Ok(_) => Ok(None),
        Err(Ill {
            problem, passing, ..
        }) if passing => Err(NotTaken {
            problem: *problem,
            passing,
        }),
        Err(Ill { problem, .. }) => Ok(Some(*problem)),
    }
}

//! One stack from plan to health: the stages that write.
//!
//! Bindings are copied first, then networks, configs and secrets, then services;
//! what the stack no longer declares goes last, when the rest runs.

use std::collections::BTreeSet;

use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::image::ImageRef;
use dockerops_core::observed::Observed;
use dockerops_core::plan::{Action, Change, Inputs, KeptWhy, Plan, Policy, plan};
use dockerops_core::report::{ChangeReport, Outcome, Problem, StackReport};
use dockerops_core::source::Sources;
use dockerops_core::spec::StackSpec;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::images::auth;
use super::problem::of_diagnostics;
use super::progress::Event;
use super::read::Repository;
use super::settle::settle;
use super::stack::Stacks;
use super::{Mode, observe, problem};
use crate::engine::Applied;
use crate::store::Attempt;

/// How often a stack is planned anew because something else changed it meanwhile.
const ATTEMPTS: usize = 4;

/// One stack of a run.
pub(super) struct Rollout<'a> {
    pub(super) stacks: &'a Stacks<'a>,
    pub(super) repository: &'a Repository,
    pub(super) spec: &'a StackSpec,
    pub(super) sources: &'a Sources,
}

/// How one write ended.
enum Wrote {
    Done(Applied),
    /// The version observed has moved.
    Stale,
}

/// How writing a plan ended.
enum Written {
    All,
    /// Something else changed the Swarm meanwhile: plan again.
    Stale,
}

/// What was written so far, over all plans of this run, and what is to be said of it.
#[derive(Default)]
struct Done {
    changes: Vec<Change>,
    warnings: Vec<String>,
}

impl Rollout<'_> {
    /// Makes the stack as asked. A failure midway tells what was written before.
    pub(super) async fn reconcile(&self, writers: &Semaphore) -> StackReport {
        let mut done = Done::default();
        let result = self.roll_out(writers, &mut done).await;
        result.unwrap_or_else(|problem| {
            let mut report = StackReport::failed(self.spec.name.clone(), problem);
            report.changes = done.changes.iter().map(ChangeReport::from).collect();
            report.warnings = done.warnings;
            report
        })
    }

    async fn roll_out(&self, writers: &Semaphore, done: &mut Done) -> Result<StackReport, Problem> {
        let mut plan = self.plan(&self.stacks.seen.observed, &self.stacks.seen.dirty)?;
        if self.stacks.request.mode == Mode::Preview {
            return Ok(self.report(&plan, outcome_of(&plan)));
        }
        let mut attempt = 1;
        while let Written::Stale = self.write(&plan, writers, done).await? {
            if attempt == ATTEMPTS {
                return Err(contended(self.spec));
            }
            attempt += 1;
            plan = self.plan_again().await?;
        }
        // What an earlier plan of this run wrote is waited for and told like the rest.
        let earlier = done.changes.len() - writes(&plan).len();
        plan.changes.splice(0..0, done.changes.drain(..earlier));
        let mut report = self.report(&plan, outcome_of(&plan));
        report.warnings.append(&mut done.warnings);
        self.settle(&plan, &mut report).await;
        Ok(report)
    }

    fn plan(&self, observed: &Observed, dirty: &BTreeSet<String>) -> Result<Plan, Problem> {
        let Stacks {
            world,
            request,
            images,
            bindings,
            ..
        } = self.stacks;
        self.refuse_unusable()?;
        let attempted = self
            .attempts()?
            .into_iter()
            .map(|attempt| (attempt.service, attempt.hash))
            .collect();
        let adopt = self.stacks.adopt(self.repository, &self.spec.name)?;
        plan(&Inputs {
            desired: self.spec,
            observed,
            owner: &self.repository.owner,
            former: &self.stacks.former(self.repository, &self.spec.name),
            images: &images.resolved,
            bindings: &bindings.hashes(&self.repository.owner),
            dirty,
            attempted: &attempted,
            retained: &BTreeSet::new(),
            rotate: &BTreeSet::new(),
            key: &world.key,
            policy: Policy {
                adopt,
                ..request.policy
            },
        })
        .map_err(|refused| {
            of_diagnostics(
                &format!("stack `{}`", self.spec.name),
                &refused,
                self.sources,
            )
        })
    }

    async fn plan_again(&self) -> Result<Plan, Problem> {
        let seen = observe(self.stacks.world)
            .await
            .map_err(|error| problem(&error, error.hint()))?;
        self.plan(&seen.observed, &seen.dirty)
    }

    /// An image without a digest or a binding that cannot be copied fails the stack before any write.
    fn refuse_unusable(&self) -> Result<(), Problem> {
        for service in &self.spec.services {
            if let Some(problem) = self.stacks.images.failed.get(&service.image.value) {
                return Err(problem.clone());
            }
            for id in &service.bindings {
                self.stacks.bindings.usable(&self.repository.owner, id)?;
            }
        }
        Ok(())
    }

    /// Writes everything of `plan` but the removals at its end.
    async fn write(
        &self,
        plan: &Plan,
        writers: &Semaphore,
        done: &mut Done,
    ) -> Result<Written, Problem> {
        let _turn = writers.acquire().await;
        let ids = self
            .spec
            .services
            .iter()
            .flat_map(|service| service.bindings.clone())
            .collect();
        let owner = &self.repository.owner;
        let said = self.stacks.bindings.copy(owner, ids).await?;
        done.warnings.extend(said);
        for change in writes(plan) {
            match self.apply(change).await? {
                Wrote::Done(applied) => {
                    done.changes.push(change.clone());
                    done.warnings.extend(warnings_of(applied));
                    self.remember_attempt(plan, change)?;
                }
                Wrote::Stale => return Ok(Written::Stale),
            }
        }
        Ok(Written::All)
    }

    async fn apply(&self, change: &Change) -> Result<Wrote, Problem> {
        let world = self.stacks.world;
        let what = ChangeReport::from(change).to_string();
        world.progress.event(Event::Applying {
            stack: self.spec.name.clone(),
            what,
        });
        let auth = match self.image_of(change) {
            Some(image) => auth(world, &image).await?,
            None => None,
        };
        match world.engine.apply(&change.action, auth.as_ref()).await {
            Ok(applied) => Ok(Wrote::Done(applied)),
            Err(error) if error.is_stale() => Ok(Wrote::Stale),
            Err(error) => Err(problem(&error, error.hint())),
        }
    }

    /// The image whose registry a service's nodes must be able to pull from.
    fn image_of(&self, change: &Change) -> Option<ImageRef> {
        let (Action::CreateService { name, .. } | Action::UpdateService { name, .. }) =
            &change.action
        else {
            return None;
        };
        let service = self
            .spec
            .services
            .iter()
            .find(|service| service.name == *name)?;
        ImageRef::parse(&service.image.value).ok()
    }

    fn attempts(&self) -> Result<Vec<Attempt>, Problem> {
        let attempts = self
            .stacks
            .world
            .store()
            .attempts(&self.repository.owner, self.spec.name.as_str());
        attempts.map_err(|error| problem(&error, error.hint()))
    }

    /// Notes what was sent, so that a spec which Swarm rolls back is known again.
    ///
    /// Only after it was taken: what never got there must not be held.
    fn remember_attempt(&self, plan: &Plan, change: &Change) -> Result<(), Problem> {
        let (Action::CreateService { name, .. } | Action::UpdateService { name, .. }) =
            &change.action
        else {
            return Ok(());
        };
        let mut attempts = self.attempts()?;
        attempts.retain(|attempt| attempt.service != *name);
        attempts.extend(plan.hashes.get(name).map(|hash| Attempt {
            service: name.clone(),
            hash: hash.clone(),
            reason: String::new(),
            at: Timestamp::now().to_string(),
        }));
        let mut store = self.stacks.world.store();
        let recorded =
            store.record_attempts(&self.repository.owner, self.spec.name.as_str(), &attempts);
        recorded.map_err(|error| problem(&error, error.hint()))
    }

    /// Waits for what was written or is still moving, then removes what is no longer declared.
    async fn settle(&self, plan: &Plan, report: &mut StackReport) {
        let Stacks {
            world,
            request,
            seen,
            ..
        } = self.stacks;
        let (written, moving) = (written(plan), moving(plan));
        let watched: BTreeSet<_> = written.union(&moving).cloned().collect();
        let result = settle(world, request, seen, self.spec, &watched, &disturbed(plan)).await;
        let services = watched.into_iter().collect();
        world.progress.event(Event::Finished {
            stack: self.spec.name.clone(),
            services,
        });
        let result = match result {
            Ok(()) => self.remove(plan, report).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = result {
            report.outcome = Outcome::Failed;
            report.problem = Some(problem);
        }
    }

    /// Removes what the stack no longer declares; what is still in use is tried again in the next run.
    async fn remove(&self, plan: &Plan, report: &mut StackReport) -> Result<(), Problem> {
        for change in removals(plan) {
            match self.apply(change).await? {
                Wrote::Done(Applied::StillInUse { message }) => report.warnings.push(message),
                Wrote::Done(_) => {}
                Wrote::Stale => report
                    .warnings
                    .push("something changed meanwhile; the next run removes the rest".into()),
            }
        }
        Ok(())
    }

    fn report(&self, plan: &Plan, outcome: Outcome) -> StackReport {
        let mut report = StackReport::of_plan(plan, outcome);
        let images: BTreeSet<&str> = self
            .spec
            .services
            .iter()
            .map(|service| service.image.value.as_str())
            .collect();
        let warned = images
            .iter()
            .filter_map(|image| self.stacks.images.warnings.get(*image));
        report.warnings.extend(warned.cloned());
        report.hash = Some(hash(&self.stacks.world.key, self.spec, plan));
        if outcome == Outcome::Held {
            report.problem = Some(held(plan));
        }
        report
    }
}

/// Covers all that decides what runs: the plan's hashes have each service with its
/// digest, configs, secrets and binding files; the rest of the stack is added.
fn hash(key: &FingerprintKey, spec: &StackSpec, plan: &Plan) -> String {
    let mut content = Vec::new();
    for (service, hash) in &plan.hashes {
        content.extend(format!("{service} {hash}\n").into_bytes());
    }
    let files = spec.configs.iter().chain(&spec.secrets);
    let networks = spec.networks.iter().map(|network| &network.body);
    for body in networks.chain(files.clone().map(|file| &file.body)) {
        content.extend(format!("{}\n", body.expose()).into_bytes());
    }
    files.for_each(|file| content.extend(file.data.expose()));
    key.fingerprint(&content)
}

/// The changes up to the removals at the end.
fn writes(plan: &Plan) -> &[Change] {
    &plan.changes[..plan.changes.len() - removals(plan).len()]
}

/// The removals at the end of a plan; one that makes room for a replacement stands before it.
fn removals(plan: &Plan) -> &[Change] {
    let is_removal = |change: &&Change| {
        matches!(
            change.action,
            Action::RemoveService { .. } | Action::RemoveFile { .. } | Action::RemoveNetwork { .. }
        )
    };
    let count = plan.changes.iter().rev().take_while(is_removal).count();
    plan.changes
        .get(plan.changes.len() - count..)
        .unwrap_or_default()
}

fn outcome_of(plan: &Plan) -> Outcome {
    if plan.kept.iter().any(|kept| kept.why == KeptWhy::RolledBack) {
        Outcome::Held
    } else if plan.changes.is_empty() {
        Outcome::Unchanged
    } else {
        Outcome::Changed
    }
}

fn warnings_of(applied: Applied) -> Vec<String> {
    match applied {
        Applied::Created { warnings, .. } | Applied::Updated { warnings } => warnings,
        _ => Vec::new(),
    }
}

/// Services that the plan makes or updates.
fn written(plan: &Plan) -> BTreeSet<String> {
    let name = |change: &Change| match &change.action {
        Action::CreateService { name, .. } | Action::UpdateService { name, .. } => {
            Some(name.clone())
        }
        _ => None,
    };
    plan.changes.iter().filter_map(name).collect()
}

/// Services whose tasks start anew: they must run for a while before they count as well.
fn disturbed(plan: &Plan) -> BTreeSet<String> {
    let name = |change: &Change| match &change.action {
        Action::CreateService { name, .. }
        | Action::UpdateService {
            name,
            restarts: true,
            ..
        } => Some(name.clone()),
        _ => None,
    };
    plan.changes.iter().filter_map(name).collect()
}

/// Services that Swarm is still moving to what they are asked to be.
fn moving(plan: &Plan) -> BTreeSet<String> {
    let moving = plan
        .kept
        .iter()
        .filter(|kept| kept.why == KeptWhy::Updating);
    moving.map(|kept| kept.name.clone()).collect()
}

fn held(plan: &Plan) -> Problem {
    let names: Vec<_> = plan
        .kept
        .iter()
        .filter(|kept| kept.why == KeptWhy::RolledBack)
        .map(|kept| kept.name.as_str())
        .collect();
    Problem::new(
        format!(
            "held: Swarm rolled {} back to the version before",
            names.join(", ")
        ),
        Some(format!(
            "Push a commit that mends it, or run `dockerops reconcile {} --force` to try again.",
            plan.stack
        )),
    )
}

fn contended(spec: &StackSpec) -> Problem {
    Problem::new(
        format!(
            "something else kept changing stack `{}` meanwhile",
            spec.name
        ),
        Some("Find what else deploys it, then run `dockerops reconcile` again.".to_owned()),
    )
}

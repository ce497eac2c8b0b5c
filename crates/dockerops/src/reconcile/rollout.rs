//! One stack from plan to health: the stages that write.
//!
//! Bindings are copied first, then networks, configs and secrets, then services;
//! what the stack no longer declares goes last, when the rest runs.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::image::ImageRef;
use dockerops_core::plan::{Action, Change, KeptWhy, Plan, Restarts};
use dockerops_core::report::{ChangeReport, Outcome, Problem, StackReport};
use dockerops_core::spec::StackSpec;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::draft::{Draft, outcome_of};
use super::images::auth;
use super::progress::Event;
use super::settle::{Concern, settle};
use super::stack::Stacks;
use super::{DEFAULT_LIMIT, Mode, Wait, problem};
use crate::engine::Applied;
use crate::store::Attempt;

/// How often a stack is planned anew because something else changed it meanwhile.
const ATTEMPTS: usize = 4;

/// One stack of a run.
pub(super) struct Rollout<'a>(pub(super) Draft<'a>);

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
            let mut report = StackReport::failed(self.0.spec.name.clone(), problem);
            report.changes = ChangeReport::all(&done.changes, &self.0.stacks.seen.observed);
            report.warnings = done.warnings;
            report
        })
    }

    async fn roll_out(&self, writers: &Semaphore, done: &mut Done) -> Result<StackReport, Problem> {
        let drafted = self.0.plan(self.0.stacks.seen)?;
        if self.0.stacks.request.mode == Mode::Preview {
            return Ok(self.0.preview(drafted));
        }
        let mut plan = drafted.plan;
        self.check_agreed(&plan)?;
        let mut attempt = 1;
        while let Written::Stale = self.write(&plan, writers, done).await? {
            // A saved plan is applied as it is, or not at all.
            if attempt == ATTEMPTS || self.0.stacks.request.agreed.is_some() {
                return Err(contended(self.0.spec));
            }
            attempt += 1;
            plan = self.0.plan_again().await?.plan;
        }
        // What an earlier plan of this run wrote is waited for and told like the rest.
        let earlier = done.changes.len() - writes(&plan).len();
        plan.changes.splice(0..0, done.changes.drain(..earlier));
        let mut report = self.0.report(&plan, outcome_of(&plan));
        report.warnings.append(&mut done.warnings);
        self.settle(&plan, &mut report).await;
        Ok(report)
    }

    /// Refuses what a saved plan, if there is one, did not say.
    fn check_agreed(&self, plan: &Plan) -> Result<(), Problem> {
        let Stacks { world, request, .. } = self.0.stacks;
        let agreed = request.agreed.as_ref();
        agreed.map_or(Ok(()), |agreed| agreed.check(plan, &world.key))
    }

    /// Writes everything of `plan` but the removals at its end.
    async fn write(
        &self,
        plan: &Plan,
        writers: &Semaphore,
        done: &mut Done,
    ) -> Result<Written, Problem> {
        let _turn = writers.acquire().await;
        let spec = self.0.spec;
        let ids = spec
            .services
            .iter()
            .flat_map(|service| service.bindings.clone())
            .collect();
        let owner = &self.0.repository.owner;
        let said = self.0.stacks.bindings.copy(owner, ids).await?;
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
        let world = self.0.stacks.world;
        let what = ChangeReport::from(change).to_string();
        world.progress.event(Event::Applying {
            stack: self.0.spec.name.clone(),
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
            .0
            .spec
            .services
            .iter()
            .find(|service| service.name == *name)?;
        ImageRef::parse(&service.image.value).ok()
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
        let mut attempts = self.0.attempts()?;
        attempts.retain(|attempt| attempt.service != *name);
        attempts.extend(plan.hashes.get(name).map(|hash| Attempt {
            service: name.clone(),
            hash: hash.clone(),
            reason: String::new(),
            at: Timestamp::now().to_string(),
        }));
        let mut store = self.0.stacks.world.store();
        let recorded = store.record_attempts(
            &self.0.repository.owner,
            self.0.spec.name.as_str(),
            &attempts,
        );
        recorded.map_err(|error| problem(&error, error.hint()))
    }

    /// Waits for what was written or is still moving, then removes what is no longer declared.
    async fn settle(&self, plan: &Plan, report: &mut StackReport) {
        let Stacks {
            world,
            request,
            seen,
            ..
        } = self.0.stacks;
        let forward = request.limits.forward.unwrap_or(DEFAULT_LIMIT);
        let watched = self.concerns(plan);
        let result = match request.wait {
            Wait::UntilHealthy => settle(world, forward, seen, self.0.spec, &watched).await,
            Wait::No => Ok(()),
        };
        let services = watched.into_keys().collect();
        world.progress.event(Event::Finished {
            stack: self.0.spec.name.clone(),
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

    /// The services to wait for, and why; of several reasons the strongest.
    fn concerns(&self, plan: &Plan) -> BTreeMap<String, Concern> {
        let mut concerns = BTreeMap::new();
        let mut add = |names: BTreeSet<String>, concern| {
            concerns.extend(names.into_iter().map(|name| (name, concern)));
        };
        if outcome_of(plan) != Outcome::Held {
            add(self.unwell(), Concern::Unwell);
        }
        add(moving(plan), Concern::Moving);
        add(written(plan), Concern::Moving);
        add(disturbed(plan), Concern::Restarted);
        concerns
    }

    /// Services of the stack of which less ran than is wanted when the run began. That
    /// nothing differs does not make them well.
    fn unwell(&self) -> BTreeSet<String> {
        let seen = self.0.stacks.seen;
        let services = seen.observed.services.iter();
        let unwell = services.filter(|service| seen.unwell.contains(&service.id));
        let declared = |name: &String| self.0.spec.services.iter().any(|s| s.name == *name);
        unwell
            .map(|service| service.name.clone())
            .filter(declared)
            .collect()
    }

    /// Removes what the stack no longer declares; what is still in use is tried again in the next run.
    async fn remove(&self, plan: &Plan, report: &mut StackReport) -> Result<(), Problem> {
        let waited = self.0.stacks.request.wait == Wait::UntilHealthy;
        // What Swarm is still moving away from may be needed if it goes back: only services go.
        let now =
            |change: &&Change| waited || matches!(change.action, Action::RemoveService { .. });
        for change in removals(plan).iter().filter(now) {
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
        Action::CreateService { name, .. } => Some(name.clone()),
        Action::UpdateService { name, restarts, .. } => {
            (*restarts != Restarts::Nothing).then(|| name.clone())
        }
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

fn contended(spec: &StackSpec) -> Problem {
    Problem::new(
        format!(
            "something else kept changing stack `{}` meanwhile",
            spec.name
        ),
        Some("Find what else deploys it, then run this again.".to_owned()),
    )
}

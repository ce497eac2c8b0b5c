//! One stack from plan to health: plan, write, wait, remove; or recover.
//!
//! Bindings are copied first, then networks, configs and secrets, then services;
//! what the stack no longer declares goes last, when the rest runs. A stack that does
//! not get well is left to [`super::recover`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use dockerops_core::plan::{Action, Change, KeptWhy, Plan, Restarts};
use dockerops_core::recovery::Held;
use dockerops_core::report::{Outcome, Problem, ServiceReport, StackReport};
use dockerops_core::spec::StackSpec;
use tokio::sync::Semaphore;

use super::draft::{Draft, outcome_of};
use super::progress::Event;
use super::settle::{Concern, Ill, settle};
use super::stack::Stacks;
use super::write::{Done, NotTaken, Turns, Written, Wrote};
use super::{Mode, Wait};
use crate::engine::{Applied, Limits};

/// How often a stack is planned anew because something else changed it meanwhile.
pub(super) const ATTEMPTS: usize = 4;

/// One stack of a run.
pub(super) struct Rollout<'a>(pub(super) Draft<'a>);

/// Why a stack is not as asked.
pub(super) enum Unmade {
    /// Writing it was not completed.
    Unwritten(NotTaken),
    /// All of it is written, and it did not get well.
    Ill(Ill),
}

impl Unmade {
    /// Whether the engine may only have been away.
    pub(super) fn passing(&self) -> bool {
        match self {
            Self::Unwritten(NotTaken { passing, .. }) | Self::Ill(Ill { passing, .. }) => *passing,
        }
    }

    pub(super) fn problem(self) -> Problem {
        match self {
            Self::Unwritten(NotTaken { problem, .. }) => problem,
            Self::Ill(Ill { problem, .. }) => *problem,
        }
    }
}

impl From<NotTaken> for Unmade {
    fn from(error: NotTaken) -> Self {
        Self::Unwritten(error)
    }
}

impl From<Problem> for Unmade {
    fn from(problem: Problem) -> Self {
        Self::Unwritten(problem.into())
    }
}

impl From<Ill> for Unmade {
    fn from(ill: Ill) -> Self {
        Self::Ill(ill)
    }
}

impl Rollout<'_> {
    /// Makes the stack as asked, or returns it to what was well.
    pub(super) async fn reconcile(&self, writers: &Semaphore) -> StackReport {
        let since = Instant::now();
        let result = self.roll_out(writers).await;
        let failed = |problem| StackReport::failed(self.0.spec.name.clone(), problem);
        let mut report = result.unwrap_or_else(failed);
        if self.0.stacks.request.mode != Mode::Preview {
            report.took_ms = u64::try_from(since.elapsed().as_millis()).ok();
        }
        report
    }

    async fn roll_out(&self, writers: &Semaphore) -> Result<StackReport, Problem> {
        if self.0.stacks.request.mode == Mode::Preview {
            return self.preview();
        }
        match self.0.held(None)? {
            Some(Held::There(hold)) => return Ok(self.0.held_report(&hold)),
            Some(Held::UnderWay(hold, target)) => {
                return self.complete(&hold, target.as_ref()).await;
            }
            Some(Held::Left(_) | Held::Lost) | None => {}
        }
        let plan = self.plan_in_turn().await?;
        match self.0.held(Some(&self.0.hash(&plan)))? {
            Some(Held::UnderWay(hold, target)) => self.complete(&hold, target.as_ref()).await,
            Some(Held::There(hold)) => Ok(self.0.held_report(&hold)),
            Some(Held::Left(hold)) if !self.is_well(&plan) => Ok(self.0.held_report(&hold)),
            Some(Held::Left(_) | Held::Lost) | None => self.carry_out(plan, writers).await,
        }
    }

    /// The plan. Where it has something to write, or is refused, it is made when the stacks
    /// that this one depends on have ended: they may make what it uses.
    async fn plan_in_turn(&self) -> Result<Plan, Problem> {
        let drafted = self.0.plan(self.0.stacks.seen);
        match &drafted {
            _ if self.0.after.is_nothing() => {}
            Ok(drafted) if drafted.plan.writes().is_empty() => {}
            _ => {
                self.0.after.all_well().await?;
                let drafted = self.0.plan_again().await;
                return drafted.map(|drafted| drafted.plan).map_err(|e| e.problem);
            }
        }
        Ok(drafted?.plan)
    }

    fn preview(&self) -> Result<StackReport, Problem> {
        let drafted = match self.0.plan(self.0.stacks.seen) {
            Ok(drafted) => drafted,
            Err(problem) => match self.0.foreseen() {
                Some(seen) => self.0.plan(&seen)?,
                None => return Err(problem),
            },
        };
        let hold = match self.0.held(Some(&self.0.hash(&drafted.plan)))? {
            Some(Held::There(hold) | Held::UnderWay(hold, _)) => Some(hold),
            Some(Held::Left(hold)) if !self.is_well(&drafted.plan) => Some(hold),
            Some(Held::Left(_) | Held::Lost) | None => None,
        };
        Ok(self.0.preview(drafted, hold.as_ref()))
    }

    async fn carry_out(&self, plan: Plan, writers: &Semaphore) -> Result<StackReport, Problem> {
        self.check_agreed(&plan)?;
        let mut done = Done {
            hash: Some(self.0.hash(&plan)),
            attempts: self.0.attempts()?,
            hold: self.0.hold()?,
            ..Done::default()
        };
        let interrupted = self.0.begin(&plan)?;
        if interrupted.is_some() && outcome_of(&plan) == Outcome::Held {
            // Nobody was there any more to take the rest of the stack back.
            let problem = self.0.rolled_back_by_swarm(&plan);
            return Ok(self.recover(problem.into(), done, interrupted).await);
        }
        match self.forward(plan, writers, &mut done).await {
            Ok(report) => Ok(self.ended(report)),
            Err(unmade) => Ok(self.recover(unmade, done, interrupted).await),
        }
    }

    /// Notes that the stack is as asked. What was written is told also when that cannot be noted.
    fn ended(&self, report: StackReport) -> StackReport {
        match self.0.end() {
            Ok(()) => report,
            Err(problem) => StackReport {
                outcome: Outcome::Failed,
                problem: Some(problem),
                ..report
            },
        }
    }

    /// The same for a stack that returns to a revision: what fails is told, not recovered from.
    /// `note` is taken down when it is sure that nothing refuses it, before the first write.
    pub(super) async fn alone(
        &self,
        writers: &Semaphore,
        note: &(dyn Fn() -> Result<(), Problem> + Sync),
    ) -> Result<StackReport, Unmade> {
        let plan = self.0.plan(self.0.stacks.seen)?.plan;
        note()?;
        self.forward(plan, writers, &mut Done::default()).await
    }

    async fn forward(
        &self,
        plan: Plan,
        writers: &Semaphore,
        done: &mut Done,
    ) -> Result<StackReport, Unmade> {
        let within = self.0.stacks.request.limits.of(self.0.options);
        let limits = Limits::within(within);
        let plan = self
            .write_all(plan, Turns { writers, limits }, done)
            .await?;
        let mut report = self.0.report(&plan, outcome_of(&plan));
        report.warnings.append(&mut done.warnings);
        done.report = Some(nothing_removed(report.clone(), &plan));
        report.services = self.wait(&self.concerns(&plan), limits).await?;
        if let Err(NotTaken { problem, .. }) = self.remove(&plan, &mut report).await {
            report.outcome = Outcome::Failed;
            report.problem = Some(problem);
        }
        Ok(report)
    }

    /// Writes all of `plan`, or of the plans that take its place; returns what was written.
    async fn write_all(
        &self,
        mut plan: Plan,
        turns: Turns<'_>,
        done: &mut Done,
    ) -> Result<Plan, Unmade> {
        let (mut attempts, mut written) = (1, 0);
        while let Written::Stale = self.0.write(&plan, &turns, done).await? {
            if done.changes.len() > written {
                (attempts, written) = (0, done.changes.len());
            }
            // A saved plan is applied as it is, or not at all.
            if attempts == ATTEMPTS || self.0.stacks.request.agreed.is_some() {
                return Err(contended(self.0.spec).into());
            }
            attempts += 1;
            plan = self.0.plan_again().await?.plan;
        }
        // What an earlier plan of this run wrote is waited for and told like the rest.
        let earlier = done.changes.len() - plan.writes().len();
        let earlier = done.changes.get(..earlier).unwrap_or_default().to_vec();
        plan.changes.splice(0..0, earlier);
        Ok(plan)
    }

    /// Refuses what a saved plan, if there is one, did not say.
    fn check_agreed(&self, plan: &Plan) -> Result<(), Problem> {
        let Stacks { world, request, .. } = self.0.stacks;
        let agreed = request.agreed.as_ref();
        agreed.map_or(Ok(()), |agreed| agreed.check(plan, &world.key))
    }

    /// Whether nothing is left to write, and all that is wanted runs.
    fn is_well(&self, plan: &Plan) -> bool {
        plan.writes().is_empty() && self.0.unwell().is_empty()
    }

    /// Waits for services, as far as the run waits for any.
    pub(super) async fn wait(
        &self,
        watched: &BTreeMap<String, Concern>,
        limits: Limits,
    ) -> Result<Vec<ServiceReport>, Ill> {
        let Stacks {
            world,
            request,
            seen,
            ..
        } = self.0.stacks;
        let waited = match request.wait {
            Wait::UntilHealthy => settle(world, limits, seen, self.0.spec, watched).await,
            Wait::No => Ok(Vec::new()),
        };
        world.progress.event(Event::Finished {
            stack: self.0.spec.name.clone(),
            services: watched.keys().cloned().collect(),
        });
        waited
    }

    /// The services to wait for, and why; of several reasons the strongest.
    fn concerns(&self, plan: &Plan) -> BTreeMap<String, Concern> {
        let mut concerns = concerns_of(&plan.changes);
        let weaker = |concerns: &mut BTreeMap<_, _>, names: BTreeSet<String>, concern| {
            for name in names {
                concerns.entry(name).or_insert(concern);
            }
        };
        weaker(&mut concerns, moving(plan), Concern::Moving);
        if outcome_of(plan) != Outcome::Held {
            weaker(&mut concerns, self.0.unwell(), Concern::Unwell);
        }
        concerns
    }

    /// Removes what the stack no longer declares; what is still in use is tried again in the next run.
    async fn remove(&self, plan: &Plan, report: &mut StackReport) -> Result<(), NotTaken> {
        let waited = self.0.stacks.request.wait == Wait::UntilHealthy;
        // What Swarm is still moving away from may be needed if it goes back: only services go.
        let now =
            |change: &&Change| waited || matches!(change.action, Action::RemoveService { .. });
        let mut left = plan.removals().iter();
        while let Some(change) = left.next() {
            if !now(&change) {
                report.not_done(change);
                continue;
            }
            let why = match self.0.apply(change).await {
                Ok(Wrote::Done(Applied::StillInUse { message })) => message,
                Ok(Wrote::Done(_)) => continue,
                Ok(Wrote::Stale) => {
                    "something changed meanwhile; the next run removes the rest".to_owned()
                }
                Err(error) => {
                    report.not_done(change);
                    left.for_each(|change| report.not_done(change));
                    return Err(error);
                }
            };
            report.not_done(change);
            report.warnings.push(why);
        }
        Ok(())
    }
}

/// As long as the rest is not well, nothing goes.
fn nothing_removed(mut report: StackReport, plan: &Plan) -> StackReport {
    plan.removals()
        .iter()
        .for_each(|change| report.not_done(change));
    report
}

/// What is to be waited for of services that were made or updated: those whose tasks start
/// anew must run for a while before they count as well.
pub(super) fn concerns_of(changes: &[Change]) -> BTreeMap<String, Concern> {
    let concern = |change: &Change| match &change.action {
        Action::CreateService { name, .. } => Some((name.clone(), Concern::Restarted)),
        Action::UpdateService { name, restarts, .. } => match restarts {
            Restarts::Nothing => Some((name.clone(), Concern::Moving)),
            _ => Some((name.clone(), Concern::Restarted)),
        },
        _ => None,
    };
    let mut concerns = BTreeMap::new();
    for (name, concern) in changes.iter().filter_map(concern) {
        let known = concerns.entry(name).or_insert(concern);
        if concern == Concern::Restarted {
            *known = concern;
        }
    }
    concerns
}

/// Services that Swarm is still moving to what they are asked to be.
fn moving(plan: &Plan) -> BTreeSet<String> {
    let moving = plan
        .kept
        .iter()
        .filter(|kept| kept.why == KeptWhy::Updating);
    moving.map(|kept| kept.name.clone()).collect()
}

pub(super) fn contended(spec: &StackSpec) -> Problem {
    Problem::new(
        format!(
            "something else kept changing stack `{}` meanwhile",
            spec.name
        ),
        Some("Find what else deploys it, then run this again.".to_owned()),
    )
}

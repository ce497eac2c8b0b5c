//! A stack did not get well: the core decides what becomes of it, and this carries it out.
//!
//! **Invariant**: that a stack returns is noted before the first write of it, so that a run
//! which is killed meanwhile is completed by the next.

use std::collections::BTreeMap;

use dockerops_core::plan::Adopt;
use dockerops_core::recovery::{Failure, Hold, HoldState, Recovery, recovery};
use dockerops_core::report::{ChangeReport, Outcome, Problem, RollbackReport, StackReport};
use dockerops_core::revision::Revision;
use jiff::Timestamp;

use super::removal::Leaver;
use super::restoring::not_passing;
use super::returning::Return;
use super::rollout::{Rollout, Unmade, concerns_of};
use super::settle::Ill;
use super::write::{Done, NotTaken};
use crate::store::Begun;

/// Of a way back that was cut short.
const GOES_ON: &str = "The next run goes on with it.";

impl Rollout<'_> {
    /// Takes a stack back that could not be made as asked, or leaves it, as `stacks.yaml` says.
    pub(super) async fn recover(
        &self,
        unmade: Unmade,
        done: Done,
        interrupted: Option<Begun>,
    ) -> StackReport {
        let last_well = match self.0.last_well() {
            Ok(last_well) => last_well,
            Err(problem) => return with(self.failed(unmade, &done), &problem),
        };
        let passing = unmade.passing();
        let failure = self.failure(&unmade, &done, interrupted.as_ref(), last_well.as_ref());
        let decided = recovery(&failure);
        let mut report = self.failed(unmade, &done);
        let carried = self.carry(decided, &mut report, &done, passing).await;
        match carried {
            Ok(()) => report,
            Err(problem) if matches!(decided, Recovery::Leave | Recovery::Hold) => {
                with(report, &problem)
            }
            Err(problem) => stuck(report, problem),
        }
    }

    /// Carries out what was decided. `passing`: waiting may help.
    async fn carry(
        &self,
        decided: Recovery<'_>,
        report: &mut StackReport,
        done: &Done,
        passing: bool,
    ) -> Result<(), Problem> {
        match decided {
            // What was begun is judged anew by the next run.
            Recovery::Leave if passing => {}
            Recovery::Leave => {
                self.0.forget_begun()?;
                // Nothing came of this try: what was held still is.
                if let Some(hold) = done.hold.as_ref().filter(|_| done.sent.is_empty()) {
                    self.0.record_hold(hold)?;
                }
            }
            Recovery::Hold => {
                self.hold(report, HoldState::Left, None)?;
                self.0.forget_begun()?;
            }
            Recovery::Remove => {
                self.hold(report, HoldState::Removed, None)?;
                report.rollback = Some(self.remove_all().await?);
            }
            Recovery::Restore(target) => {
                self.hold(report, HoldState::Returning, target)?;
                let restored = self.restore(done, target, &mut report.warnings).await;
                self.arrive(report, restored, target)?;
            }
            Recovery::Return(revision) => {
                self.hold(report, HoldState::Returning, Some(revision))?;
                let returned = self.return_to(revision, &mut report.warnings).await;
                self.arrive(report, returned, Some(revision))?;
            }
        }
        Ok(())
    }

    /// What the decision looks at.
    fn failure<'w>(
        &self,
        unmade: &Unmade,
        done: &Done,
        interrupted: Option<&Begun>,
        last_well: Option<&'w Revision>,
    ) -> Failure<'w> {
        Failure {
            on_failure: self.0.options.on_failure,
            wrote: !done.sent.is_empty(),
            interrupted: interrupted.is_some(),
            ran: interrupted.map_or_else(|| self.0.ran(), |begun| begun.ran),
            was_well: self.0.was_well(),
            blameless: self.blameless(unmade, done),
            passing: unmade.passing(),
            last_well,
        }
    }

    /// Completes a way back, or a removal, that was cut short.
    pub(super) async fn complete(
        &self,
        hold: &Hold,
        target: Option<&Revision>,
    ) -> Result<StackReport, Problem> {
        let mut report = self.0.held_report(hold);
        let by_hand = hold.state == HoldState::ByHand;
        if !by_hand {
            report.problem = Some(Problem::new(&hold.reason, Some(self.0.mend())));
        }
        match target {
            None => report.rollback = Some(self.remove_all().await?),
            Some(target) => {
                let returned = self.return_to(target, &mut report.warnings).await;
                let told = report.clone();
                self.arrive(&mut report, returned, Some(target))?;
                if by_hand {
                    // Nothing failed: it is held where a person wants it.
                    (report.outcome, report.problem) = (told.outcome, told.problem);
                }
            }
        }
        Ok(report)
    }

    /// What was done, and why that is not all.
    fn failed(&self, mut unmade: Unmade, done: &Done) -> StackReport {
        let observed = &self.0.stacks.seen.observed;
        let mut report = match &done.report {
            Some(report) => report.clone(),
            None => StackReport {
                changes: ChangeReport::all(&done.changes, observed),
                warnings: done.warnings.clone(),
                ..StackReport::new(self.0.spec.name.clone(), Outcome::Failed)
            },
        };
        report.outcome = Outcome::Failed;
        report.hash.clone_from(&done.hash);
        if let Unmade::Ill(ill) = &mut unmade {
            report.services.append(&mut ill.ended);
        }
        report.problem = Some(unmade.problem());
        report
    }

    /// Whether only services are ill that this run did not restart and that were ill before.
    fn blameless(&self, unmade: &Unmade, done: &Done) -> bool {
        let Unmade::Ill(Ill { services, .. }) = unmade else {
            return false;
        };
        let before = self.0.unwell();
        let touched = concerns_of(&done.changes);
        let other = |name: &String| before.contains(name) && !touched.contains_key(name);
        !services.is_empty() && services.iter().all(other)
    }

    /// Notes that the stack is not tried again.
    fn hold(
        &self,
        report: &mut StackReport,
        state: HoldState,
        target: Option<&Revision>,
    ) -> Result<(), Problem> {
        let Some(revision) = self.0.revision() else {
            return Ok(());
        };
        let reason = report.problem.as_ref().map(|problem| &problem.message);
        let hold = Hold {
            revision: revision.to_owned(),
            hash: report.hash.clone().unwrap_or_default(),
            reason: reason.cloned().unwrap_or_default(),
            state,
            target: target.map(ToString::to_string),
            since: Timestamp::now().to_string(),
        };
        self.0.record_hold(&hold)?;
        if let Some(problem) = &mut report.problem
            && state == HoldState::Left
        {
            self.0.tell_how_to_go_on(problem);
        }
        Ok(())
    }

    /// Tells how the way back ended, and holds the stack there.
    fn arrive(
        &self,
        report: &mut StackReport,
        way: Result<RollbackReport, NotTaken>,
        target: Option<&Revision>,
    ) -> Result<(), Problem> {
        let target_name = target.map(ToString::to_string);
        let rollback = match way {
            Ok(rollback) => rollback,
            // Not all of it was written: the next run goes on.
            Err(NotTaken { mut problem, .. }) => {
                problem.details.extend(target.map(|_| GOES_ON.to_owned()));
                report.rollback = Some(RollbackReport {
                    revision: target_name,
                    changes: Vec::new(),
                    problem: Some(problem),
                });
                return Ok(());
            }
        };
        let arrived = rollback.problem.is_none();
        self.0.record_arrival()?;
        report.rollback = Some(rollback);
        if arrived {
            report.outcome = Outcome::RolledBack;
        }
        if let Some(problem) = &mut report.problem {
            self.0.tell_how_to_go_on(problem);
        }
        Ok(())
    }

    /// Removes a stack whose first deploy failed.
    async fn remove_all(&self) -> Result<RollbackReport, Problem> {
        let world = self.0.stacks.world;
        let now = world.engine.observe().await?;
        let (stack, owner) = (&self.0.spec.name, &self.0.repository.owner);
        let leaver = Leaver {
            stack,
            owner,
            adopt: Adopt::Refuse,
            volumes: &[],
        };
        let limits = self.0.stacks.request.limits.backward();
        let within = limits.of(self.0.options);
        let removed = leaver.remove(world, &now, within).await?;
        // What we removed ourselves is not taken for removed by hand.
        self.0.record_attempts(&[])?;
        self.0.forget_begun()?;
        Ok(RollbackReport {
            revision: None,
            changes: removed.changes,
            problem: None,
        })
    }

    /// The stack at `revision`, whatever images and secrets were then.
    pub(super) fn way_to<'r>(&'r self, revision: &'r Revision) -> Return<'r> {
        Return {
            world: self.0.stacks.world,
            request: self.0.stacks.request,
            url: &self.0.repository.given,
            owner: &self.0.repository.owner,
            stack: &self.0.spec.name,
            revision,
            pins: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    async fn return_to(
        &self,
        revision: &Revision,
        warnings: &mut Vec<String>,
    ) -> Result<RollbackReport, NotTaken> {
        let (pins, secrets) = self.0.inputs_of(revision)?;
        let back = Return {
            pins,
            secrets,
            ..self.way_to(revision)
        };
        let told = |changes, problem| RollbackReport {
            revision: Some(revision.to_string()),
            changes,
            problem,
        };
        match back.go(&|| Ok(())).await {
            Ok(report) => {
                warnings.extend(report.warnings);
                Ok(told(report.changes, report.problem))
            }
            Err(Unmade::Ill(ill)) => Ok(told(Vec::new(), not_passing::<()>(Err(ill))?)),
            Err(Unmade::Unwritten(error)) => Err(error),
        }
    }
}

/// What could not be noted is told beside why the stack is not well.
fn with(mut report: StackReport, problem: &Problem) -> StackReport {
    let hint = problem.hint.iter().map(|hint| format!("  hint: {hint}"));
    let lines = std::iter::once(problem.message.clone()).chain(hint);
    if let Some(told) = &mut report.problem {
        told.details.extend(lines);
    }
    report
}

/// The way back could not be begun, or not be noted: told beside why it was gone.
fn stuck(report: StackReport, problem: Problem) -> StackReport {
    let rollback = report.rollback.unwrap_or(RollbackReport {
        revision: None,
        changes: Vec::new(),
        problem: None,
    });
    StackReport {
        outcome: Outcome::Failed,
        rollback: Some(RollbackReport {
            problem: Some(problem),
            ..rollback
        }),
        ..report
    }
}

//! A plan → writes, in its order. What was, or may have been, written is remembered on the
//! way: it is what a rollback takes back.

use dockerops_core::image::ImageRef;
use dockerops_core::plan::{Action, Change, Plan};
use dockerops_core::recovery::Hold;
use dockerops_core::report::{ChangeReport, Problem, StackReport};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::draft::Draft;
use super::images::auth_to_write;
use super::progress::Event;
use super::rollout::Unmade;
use crate::engine::{Applied, EngineError, Limits};
use crate::store::Attempt;

/// How one write ended.
pub(super) enum Wrote {
    /// It was taken.
    Done(Applied),
    /// The version observed has moved.
    Stale,
}

/// What writing has to wait for.
#[derive(Clone, Copy)]
pub(super) struct Turns<'a> {
    /// How many stacks are written at once.
    pub(super) writers: &'a Semaphore,
    /// Until when all of it is to be well.
    pub(super) limits: Limits,
}

/// How writing a plan ended.
pub(super) enum Written {
    All,
    /// Something else changed the Swarm meanwhile: plan again.
    Stale,
}

/// Why a write was not taken.
#[derive(Debug)]
pub(super) struct NotTaken {
    pub(super) problem: Problem,
    /// Whether the engine may only have been away.
    pub(super) passing: bool,
}

impl From<Problem> for NotTaken {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            passing: false,
        }
    }
}

impl From<EngineError> for NotTaken {
    fn from(error: EngineError) -> Self {
        Self {
            passing: error.is_transient(),
            problem: error.into(),
        }
    }
}

/// What was written so far, over all plans of this run, and what is to be said of it.
#[derive(Default)]
pub(super) struct Done {
    pub(super) changes: Vec<Change>,
    /// Also what was sent and not answered.
    pub(super) sent: Vec<Change>,
    pub(super) warnings: Vec<String>,
    /// What was sent last before.
    pub(super) attempts: Vec<Attempt>,
    /// What the stack was held for before.
    pub(super) hold: Option<Hold>,
    /// Of what is asked for.
    pub(super) hash: Option<String>,
    /// What there is to say once everything is written.
    pub(super) report: Option<StackReport>,
}

impl Draft<'_> {
    /// Writes everything of `plan` but the removals at its end, wave by wave.
    pub(super) async fn write(
        &self,
        plan: &Plan,
        turns: &Turns<'_>,
        done: &mut Done,
    ) -> Result<Written, Unmade> {
        self.copy_bindings(turns, done).await?;
        for step in plan.steps() {
            self.wait_for_what_it_needs(step, turns, done).await?;
            let _turn = turns.writers.acquire().await;
            for change in step {
                if let Written::Stale = self.write_one(plan, change, done).await? {
                    return Ok(Written::Stale);
                }
            }
        }
        Ok(Written::All)
    }

    async fn copy_bindings(&self, turns: &Turns<'_>, done: &mut Done) -> Result<(), Problem> {
        let _turn = turns.writers.acquire().await;
        let may = self.bindings()?;
        let services = self.spec.services.iter();
        let ids = services.flat_map(|service| service.bindings.clone());
        let ids = ids.filter(|id| may.contains_key(id)).collect();
        let owner = &self.repository.owner;
        let said = self.stacks.bindings.copy(owner, ids).await?;
        done.warnings.extend(said);
        done.warnings.extend(self.told_of_kept()?);
        Ok(())
    }

    async fn write_one(
        &self,
        plan: &Plan,
        change: &Change,
        done: &mut Done,
    ) -> Result<Written, NotTaken> {
        done.sent.push(change.clone());
        let wrote = self.apply(change).await;
        if matches!(
            &wrote,
            Ok(Wrote::Stale) | Err(NotTaken { passing: false, .. })
        ) {
            // It was answered: nothing came of it.
            done.sent.pop();
        }
        match wrote? {
            Wrote::Done(applied) => {
                done.changes.push(change.clone());
                done.warnings.extend(warnings_of(applied));
                self.remember_attempt(plan, change)?;
                Ok(Written::All)
            }
            Wrote::Stale => Ok(Written::Stale),
        }
    }

    pub(super) async fn apply(&self, change: &Change) -> Result<Wrote, NotTaken> {
        let world = self.stacks.world;
        let what = ChangeReport::from(change).to_string();
        world.progress.event(Event::Applying {
            stack: self.spec.name.clone(),
            what,
        });
        let auth = match image_of(change) {
            Some(image) => auth_to_write(world, &image, &change.action).await?,
            None => None,
        };
        match world.engine.apply(&change.action, auth.as_ref()).await {
            Ok(applied) => {
                self.forget_removed(change)?;
                Ok(Wrote::Done(applied))
            }
            Err(error) if error.is_stale() => Ok(Wrote::Stale),
            Err(error) => Err(error.into()),
        }
    }

    /// What we removed ourselves is not taken for removed by hand.
    fn forget_removed(&self, change: &Change) -> Result<(), Problem> {
        let Action::RemoveService { name, .. } = &change.action else {
            return Ok(());
        };
        self.record_attempt(name, None)
    }

    /// Notes of a service that was put back what was sent before: what a deploy that failed had
    /// sent is not taken for changed by hand when it is tried again.
    pub(super) fn put_attempt_back(&self, change: &Change, done: &Done) -> Result<(), Problem> {
        let Some(name) = change.action.service() else {
            return Ok(());
        };
        let before = done.attempts.iter().find(|a| a.service == *name);
        self.record_attempt(name, before.cloned())
    }

    /// Notes what was last sent of one service.
    fn record_attempt(&self, name: &str, attempt: Option<Attempt>) -> Result<(), Problem> {
        let mut attempts = self.attempts()?;
        attempts.retain(|attempt| attempt.service != *name);
        attempts.extend(attempt);
        self.record_attempts(&attempts)
    }

    pub(super) fn record_attempts(&self, attempts: &[Attempt]) -> Result<(), Problem> {
        let mut store = self.stacks.world.store();
        let recorded =
            store.record_attempts(&self.repository.owner, self.spec.name.as_str(), attempts);
        recorded.map_err(Problem::from)
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
        let attempt = plan.hashes.get(name).map(|hash| Attempt {
            service: name.clone(),
            hash: hash.clone(),
            reason: String::new(),
            at: Timestamp::now().to_string(),
        });
        self.record_attempt(name, attempt)
    }
}

/// The image whose registry a service's nodes must be able to pull from: the one in
/// the body, which of a rollback is not the one asked for.
fn image_of(change: &Change) -> Option<ImageRef> {
    let (Action::CreateService { body, .. } | Action::UpdateService { body, .. }) = &change.action
    else {
        return None;
    };
    let image = body.at(&["TaskTemplate", "ContainerSpec", "Image"])?;
    ImageRef::parse(image.as_str()?).ok()
}

fn warnings_of(applied: Applied) -> Vec<String> {
    match applied {
        Applied::Created { warnings, .. } | Applied::Updated { warnings } => warnings,
        _ => Vec::new(),
    }
}

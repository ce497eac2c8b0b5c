//! Stacks that are not tried again: what failed is not deployed every hour.

use dockerops_core::plan::Force;
use dockerops_core::recovery::{Hold, HoldState};
use dockerops_core::report::{Outcome, Problem, StackReport};

use super::Trigger;
use super::draft::Draft;

impl Draft<'_> {
    /// Whether a person asked to try what is held.
    pub(super) fn insists(&self) -> bool {
        let request = self.stacks.request;
        request.trigger == Trigger::Retry || request.policy.force != Force::No
    }

    /// The hold, when this stack is not to be tried. `hash` is of what is asked for, where
    /// it is known already.
    pub(super) fn held(&self, hash: Option<&str>) -> Result<Option<Hold>, Problem> {
        let Some(revision) = self.revision() else {
            return Ok(None);
        };
        if self.insists() {
            return Ok(None);
        }
        let hold = self.hold()?;
        Ok(hold.filter(|hold| hold.state != HoldState::Returning && hold.covers(revision, hash)))
    }

    /// The target of a rollback that was cut short, when it is still to be completed.
    pub(super) fn cut_short(&self) -> Result<Option<Hold>, Problem> {
        let Some(revision) = self.revision().filter(|_| !self.insists()) else {
            return Ok(None);
        };
        let hold = self.hold()?;
        Ok(hold.filter(|hold| {
            hold.state == HoldState::Returning
                && hold.covers(revision, None)
                && hold.target.is_some()
        }))
    }

    /// The revision that is asked for; compose files have none.
    pub(super) fn revision(&self) -> Option<&str> {
        let read = self.repository.read.as_ref().ok()?;
        Some(read.commit.as_ref()?.revision.as_str())
    }

    /// What is told of a stack that is held.
    pub(super) fn held_report(&self, hold: &Hold) -> StackReport {
        StackReport {
            problem: Some(Problem::new(hold.sentence(), Some(self.hint(hold)))),
            unchanged_services: self.spec.services.len(),
            ..StackReport::new(self.spec.name.clone(), Outcome::Held)
        }
    }

    fn hint(&self, hold: &Hold) -> String {
        let stack = &self.spec.name;
        match hold.state {
            HoldState::ByHand => format!(
                "Push a commit that changes the stack, or run `dockerops retry {stack}` to deploy it as it is."
            ),
            _ => self.mend(),
        }
    }

    /// The way out of a failed deploy that is held.
    pub(super) fn mend(&self) -> String {
        format!(
            "Push a commit that mends it, or run `dockerops retry {}`.",
            self.spec.name
        )
    }
}

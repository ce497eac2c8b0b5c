//! Stacks that are not tried again: what failed is not deployed every hour.

use dockerops_core::plan::{Force, Retry};
use dockerops_core::recovery::{Held, Hold, HoldState};
use dockerops_core::report::{Outcome, Problem, StackReport};

use super::draft::Draft;
use super::source::FILE;

impl Draft<'_> {
    /// Whether a person asked to try what is held.
    pub(super) fn insists(&self) -> bool {
        let request = self.stacks.request;
        request.policy.retry == Retry::Yes || request.policy.force != Force::No
    }

    /// The hold that covers what is asked for. `hash` is of that, where it is known already.
    pub(super) fn held(&self, hash: Option<&str>) -> Result<Option<Held>, Problem> {
        let Some(revision) = self.revision().filter(|_| !self.insists()) else {
            return Ok(None);
        };
        match self.hold()?.filter(|hold| hold.covers(revision, hash)) {
            Some(hold) => Ok(Some(Held::of(hold, self.begun()?))),
            None => Ok(None),
        }
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

    /// Says how to go on from a hold; the way out of what went wrong stays above it.
    pub(super) fn tell_how_to_go_on(&self, problem: &mut Problem) {
        let mend = self.mend();
        let cause = problem.hint.replace(mend.clone());
        let cause = cause.filter(|hint| *hint != mend);
        let cause = cause.map(|hint| format!("  hint: {hint}"));
        problem.details.extend(cause);
    }

    /// The way out of a failed deploy that is held.
    pub(super) fn mend(&self) -> String {
        if self.repository.owner.0 == FILE {
            return "Mend the files, and deploy them again.".to_owned();
        }
        format!(
            "Push a commit that mends it, or run `dockerops retry {}`.",
            self.spec.name
        )
    }
}

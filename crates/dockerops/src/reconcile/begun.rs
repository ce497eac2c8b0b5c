//! What the database notes of a deploy while it goes on, so that a run that is killed is
//! known for what it is, and what was well before it.

use std::collections::BTreeMap;

use dockerops_core::names::Owner;
use dockerops_core::plan::{Plan, Resolution};
use dockerops_core::recovery::{Hold, HoldState};
use dockerops_core::report::Problem;
use dockerops_core::revision::Revision;
use jiff::Timestamp;

use super::draft::Draft;
use crate::store::{Begun, Store, StoreError};

type InputsThen = (BTreeMap<String, Resolution>, BTreeMap<String, String>);

impl Draft<'_> {
    /// Notes that a deploy begins, if it writes anything; returns an earlier one that began
    /// and is not known to have ended.
    ///
    /// What is written is not held any more: a second try that is killed is gone on with.
    pub(super) fn begin(&self, plan: &Plan) -> Result<Option<Begun>, Problem> {
        let Some(revision) = self.revision() else {
            return Ok(None);
        };
        self.in_store(|store, owner, stack| {
            let earlier = store.begun(owner, stack)?;
            if plan.writes().is_empty() {
                return Ok(earlier);
            }
            store.together(|store| {
                if earlier.as_ref().is_none_or(|e| e.revision != revision) {
                    let begun = Begun {
                        revision: revision.to_owned(),
                        at: Timestamp::now().to_string(),
                        ran: earlier.as_ref().map_or_else(|| self.ran(), |e| e.ran),
                    };
                    store.begin(owner, stack, &begun)?;
                }
                store.lift_hold(owner, stack)
            })?;
            Ok(earlier)
        })
    }

    /// Whether a deploy began that is not known to have ended.
    pub(super) fn begun(&self) -> Result<bool, Problem> {
        self.in_store(|store, owner, stack| Ok(store.begun(owner, stack)?.is_some()))
    }

    /// Notes that the stack is as asked.
    pub(super) fn end(&self) -> Result<(), Problem> {
        self.in_store(|store, owner, stack| {
            store.together(|store| {
                store.end(owner, stack)?;
                store.lift_hold(owner, stack)
            })
        })
    }

    /// Notes that a deploy came to an end, though not to a good one.
    pub(super) fn forget_begun(&self) -> Result<(), Problem> {
        self.in_store(Store::end)
    }

    /// Notes that the stack is not tried again.
    pub(super) fn record_hold(&self, hold: &Hold) -> Result<(), Problem> {
        self.in_store(|store, owner, stack| store.record_hold(owner, stack, hold))
    }

    /// Notes that a stack which returned to what was well has arrived there.
    pub(super) fn record_arrival(&self) -> Result<(), Problem> {
        self.in_store(|store, owner, stack| {
            // Killed in between, a way back that has ended would look like one that goes on.
            store.together(|store| {
                let hold = store.hold(owner, stack)?;
                if let Some(hold) = hold.filter(|hold| hold.state == HoldState::Returning) {
                    let arrived = Hold {
                        state: HoldState::Returned,
                        ..hold
                    };
                    store.record_hold(owner, stack, &arrived)?;
                }
                store.end(owner, stack)
            })
        })
    }

    /// The hold on this stack, whether or not it still covers what is asked for.
    pub(super) fn hold(&self) -> Result<Option<Hold>, Problem> {
        self.in_store(|store, owner, stack| store.hold(owner, stack))
    }

    /// The revision at which the stack was well last.
    pub(super) fn last_well(&self) -> Result<Option<Revision>, Problem> {
        let deployed = self.in_store(|store, owner, stack| store.deployed(owner, stack))?;
        Ok(deployed.map(|deployed| deployed.revision))
    }

    /// What images stood for when the stack was well at `revision`, and keyed fingerprints of what
    /// its secrets were. A commit about something else has no run of its own: then those of when
    /// it was well last.
    pub(super) fn inputs_of(&self, revision: &Revision) -> Result<InputsThen, Problem> {
        let run = self.in_store(|store, owner, stack| {
            let then = store.newest_healthy_at(owner, stack, revision)?;
            then.map_or_else(|| store.newest_healthy(owner, stack), |run| Ok(Some(run)))
        });
        let ended = run?.map(|run| run.ended);
        Ok(ended
            .map(|ended| (ended.pins, ended.secrets))
            .unwrap_or_default())
    }

    fn in_store<T>(
        &self,
        work: impl FnOnce(&mut Store, &Owner, &str) -> Result<T, StoreError>,
    ) -> Result<T, Problem> {
        let mut store = self.stacks.world.store();
        let done = work(&mut store, &self.repository.owner, self.spec.name.as_str());
        done.map_err(Problem::from)
    }
}

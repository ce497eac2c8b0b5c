//! A stack did not get well: what becomes of it, and whether it is tried again.
//!
//! **Invariants**
//!
//! - Only what a deploy changed is taken back: a stack that fell ill by itself is left to Swarm.
//! - What it returns to was well.
//! - What is held is not tried again before what is asked for changed, or a person says so.

mod hold;

use std::collections::BTreeSet;

use crate::manifest::OnFailure;
use crate::names::StackName;
use crate::observed::Observed;
use crate::plan::is_job;
use crate::revision::Revision;
use crate::status::services_of;

pub use hold::{Held, Hold, HoldState};

/// What is known of a stack that did not get well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the decision looks at"
)]
pub struct Failure<'a> {
    /// What `stacks.yaml` says.
    pub on_failure: OnFailure,
    /// Whether this run wrote anything of it.
    pub wrote: bool,
    /// Whether an earlier run began to write it and was cut short: what was seen first is
    /// then no state to return to.
    pub interrupted: bool,
    /// Whether anything of it ran before the first write, also of an earlier run that was cut
    /// short.
    pub ran: bool,
    /// Whether all of it was well before the first write.
    pub was_well: bool,
    /// Whether only services are ill that this run did not touch and that were ill before.
    pub blameless: bool,
    /// Whether waiting may help: the engine did not answer.
    pub passing: bool,
    /// The revision at which it was well last.
    pub last_well: Option<&'a Revision>,
}

/// What becomes of a stack that did not get well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery<'a> {
    /// What was seen before the first write is sent again, which is of this revision where
    /// one is known.
    Restore(Option<&'a Revision>),
    /// This revision is rendered and deployed again.
    Return(&'a Revision),
    /// All of it goes.
    Remove,
    /// It stays, and is held.
    Hold,
    /// It stays, and the next run tries again.
    Leave,
}

/// Whether all of `stack` is well: nothing of it is missing tasks or moving (`restless`, by id),
/// or stopped half-way. Its jobs do not count: nothing returns to them.
pub fn was_well(stack: &StackName, observed: &Observed, restless: &BTreeSet<String>) -> bool {
    let well = |state: &str| matches!(state, "" | "completed");
    let mut services = services_of(stack, &observed.services).filter(|service| !is_job(service));
    services.all(|service| {
        let update = service.update.as_ref();
        let state = update.map_or("", |update| update.state.as_str());
        well(state) && !restless.contains(&service.id)
    })
}

/// Decides what becomes of a stack that did not get well.
pub fn recovery<'a>(failure: &Failure<'a>) -> Recovery<'a> {
    let changed = failure.wrote || failure.interrupted;
    // What an earlier run touched, before it was cut short, is not known.
    let blameless = failure.blameless && !failure.interrupted;
    if !changed || blameless || failure.passing {
        return Recovery::Leave;
    }
    match failure.on_failure {
        OnFailure::Continue => Recovery::Leave,
        OnFailure::Pause => Recovery::Hold,
        OnFailure::Rollback | OnFailure::Remove => taken_back(failure),
    }
}

fn taken_back<'a>(failure: &Failure<'a>) -> Recovery<'a> {
    let seen = failure.ran && !failure.interrupted;
    match failure.last_well {
        last_well if seen && failure.was_well => Recovery::Restore(last_well),
        Some(revision) => Recovery::Return(revision),
        None if seen => Recovery::Leave,
        // The first deploy.
        None if !failure.ran && failure.on_failure == OnFailure::Remove => Recovery::Remove,
        None => Recovery::Leave,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::observed::{Service, UpdateStatus};

    #[test]
    fn a_stack_was_well_when_all_but_its_jobs_ran_and_none_was_stopped_half_way() {
        let service = |name: &str, mode: &str, state: &str| Service {
            id: name.to_owned(),
            version: 1,
            name: name.to_owned(),
            spec: json!({"Labels": {"com.docker.stack.namespace": "app"}, "Mode": {mode: {}}}),
            update: (!state.is_empty()).then(|| UpdateStatus {
                state: state.to_owned(),
                message: String::new(),
            }),
            job_iteration: None,
        };
        let stack = StackName::parse("app").unwrap();
        let well = |services: Vec<Service>, restless: &[&str]| {
            let restless = restless.iter().map(|&id| id.to_owned()).collect();
            let observed = Observed {
                services,
                ..Observed::default()
            };
            was_well(&stack, &observed, &restless)
        };
        let web = |state| service("web", "Replicated", state);
        assert!(well(
            vec![web(""), service("job", "ReplicatedJob", "")],
            &["job", "other"]
        ));
        assert!(well(vec![web("completed")], &[]));
        assert!(!well(vec![web("paused")], &[]));
        assert!(!well(vec![web("")], &["web"]));
    }

    fn well() -> Revision {
        Revision::parse(&"a".repeat(40)).unwrap()
    }

    fn failure(last_well: Option<&Revision>) -> Failure<'_> {
        Failure {
            on_failure: OnFailure::Rollback,
            wrote: true,
            interrupted: false,
            ran: true,
            was_well: true,
            blameless: false,
            passing: false,
            last_well,
        }
    }

    #[test]
    fn a_stack_that_was_well_returns_to_what_was_seen_of_it() {
        let well = well();
        let restored = Recovery::Restore(Some(&well));
        assert_eq!(recovery(&failure(Some(&well))), restored);
        let taken_over = recovery(&failure(None));
        assert_eq!(taken_over, Recovery::Restore(None));
    }

    #[test]
    fn what_was_not_well_before_returns_to_the_revision_that_was() {
        let well = well();
        let ill = Failure {
            was_well: false,
            ..failure(Some(&well))
        };
        assert_eq!(recovery(&ill), Recovery::Return(&well));
        let none = Failure {
            last_well: None,
            ..ill
        };
        assert_eq!(recovery(&none), Recovery::Leave);
    }

    #[test]
    fn a_deploy_that_was_cut_short_returns_to_the_revision_and_not_to_what_it_left() {
        let well = well();
        let cut = Failure {
            interrupted: true,
            wrote: false,
            ..failure(Some(&well))
        };
        assert_eq!(recovery(&cut), Recovery::Return(&well));
        let ill_since = Failure {
            blameless: true,
            ..cut
        };
        assert_eq!(recovery(&ill_since), Recovery::Return(&well));
    }

    #[test]
    fn what_a_deploy_that_was_cut_short_left_ill_is_not_taken_for_ill_before() {
        let well = well();
        let cut = Failure {
            interrupted: true,
            wrote: false,
            was_well: false,
            blameless: true,
            ..failure(Some(&well))
        };
        assert_eq!(recovery(&cut), Recovery::Return(&well));
    }

    #[test]
    fn a_first_deploy_is_left_for_inspection_or_removed() {
        let first = Failure {
            ran: false,
            was_well: false,
            ..failure(None)
        };
        let removed = Failure {
            on_failure: OnFailure::Remove,
            ..first
        };
        assert_eq!(recovery(&first), Recovery::Leave);
        assert_eq!(recovery(&removed), Recovery::Remove);
        let cut = Failure {
            interrupted: true,
            ..removed
        };
        assert_eq!(recovery(&cut), Recovery::Remove);
    }

    #[test]
    fn a_stack_that_was_taken_over_is_not_removed_because_its_first_deploy_was_cut_short() {
        let taken_over = Failure {
            on_failure: OnFailure::Remove,
            interrupted: true,
            ..failure(None)
        };
        assert_eq!(recovery(&taken_over), Recovery::Leave);
    }

    #[test]
    fn what_this_deploy_did_not_do_is_not_taken_back() {
        for left in [
            Failure {
                wrote: false,
                ..failure(None)
            },
            Failure {
                blameless: true,
                ..failure(None)
            },
            Failure {
                passing: true,
                ..failure(None)
            },
        ] {
            assert_eq!(recovery(&left), Recovery::Leave);
        }
    }

    #[test]
    fn a_stack_may_ask_to_stay_as_it_is() {
        let with = |on_failure| Failure {
            on_failure,
            ..failure(None)
        };
        assert_eq!(recovery(&with(OnFailure::Continue)), Recovery::Leave);
        assert_eq!(recovery(&with(OnFailure::Pause)), Recovery::Hold);
        assert_eq!(recovery(&with(OnFailure::Remove)), Recovery::Restore(None));
    }
}

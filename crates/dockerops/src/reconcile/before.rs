//! What a stack was when the run began.

use std::collections::BTreeSet;

use dockerops_core::plan::{Ownership, Retry, owner_of};
use dockerops_core::recovery::was_well;

use super::Seen;
use super::draft::Draft;

impl Draft<'_> {
    /// Whether anything of the stack ran when the run began.
    pub(super) fn ran(&self) -> bool {
        owner_of(&self.stacks.seen.observed, &self.spec.name) != Ownership::Nobody
    }

    /// Whether all of the stack was well when the run began.
    pub(super) fn was_well(&self) -> bool {
        let seen = self.stacks.seen;
        let restless = seen.unwell.union(&seen.dirty).cloned().collect();
        was_well(&self.spec.name, &seen.observed, &restless)
    }

    /// Jobs that have not done what they are for, and of which nothing runs, by id, when a person
    /// wants the stack to be tried again. One that this run has started anew is not among them.
    pub(super) fn tried_again(&self, now: &Seen) -> BTreeSet<String> {
        let first = self.stacks.seen;
        if self.stacks.request.policy.retry == Retry::No {
            return BTreeSet::new();
        }
        let run = |seen: &Seen, id: &String| {
            let mut services = seen.observed.services.iter();
            services.find(|service| service.id == *id)?.job_iteration
        };
        let failed = first.unwell.difference(&first.busy);
        let same = failed.filter(|id| run(first, id) == run(now, id));
        same.cloned().collect()
    }

    /// Services of the stack of which less ran than is wanted when the run began. That
    /// nothing differs does not make them well.
    pub(super) fn unwell(&self) -> BTreeSet<String> {
        let seen = self.stacks.seen;
        let services = seen.observed.services.iter();
        let unwell = services.filter(|service| seen.unwell.contains(&service.id));
        let declared = |name: &String| self.spec.services.iter().any(|s| s.name == *name);
        unwell
            .map(|service| service.name.clone())
            .filter(declared)
            .collect()
    }
}

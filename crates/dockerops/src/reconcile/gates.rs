//! Between the waves of a plan: a service is written when what it depends on has come so far.
//!
//! What this run left alone, and what ran as wanted when it began, is not waited for.

use std::collections::BTreeMap;

use dockerops_core::compose::model::Condition;
use dockerops_core::order;
use dockerops_core::plan::Change;

use super::Wait;
use super::draft::Draft;
use super::rollout::concerns_of;
use super::settle::{Concern, Ill, gate};
use super::write::{Done, Turns};

impl Draft<'_> {
    /// Waits for what the services of `step` depend on.
    pub(super) async fn wait_for_what_it_needs(
        &self,
        step: &[Change],
        turns: &Turns<'_>,
        done: &Done,
    ) -> Result<(), Ill> {
        let gates = self.gates(step, done);
        if gates.is_empty() || self.stacks.request.wait == Wait::No {
            return Ok(());
        }
        let (world, seen) = (self.stacks.world, self.stacks.seen);
        gate(world, turns.limits, seen, self.spec, &gates).await
    }

    fn gates(&self, step: &[Change], done: &Done) -> BTreeMap<String, (Concern, Condition)> {
        let mut concerns = concerns_of(&done.changes);
        for name in self.unwell() {
            concerns.entry(name).or_insert(Concern::Unwell);
        }
        let mut gates = BTreeMap::new();
        let services = step.iter().filter_map(|change| change.action.service());
        for (name, condition) in services.flat_map(|name| order::after(self.spec, name)) {
            if let Some(concern) = concerns.get(name) {
                let gate = gates.entry(name.clone()).or_insert((*concern, *condition));
                gate.1 = gate.1.max(*condition);
            }
        }
        gates
    }
}

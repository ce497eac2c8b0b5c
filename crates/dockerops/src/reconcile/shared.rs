//! Bindings that several stacks mount: their files are the same for all, so they stay while
//! one of these stacks is held at what it returned to.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::recovery::HoldState;
use dockerops_core::report::Problem;
use dockerops_core::spec::StackSpec;

use super::draft::Draft;

impl Draft<'_> {
    /// The bindings of this stack that may be copied, with the hashes of their files. One
    /// that is left out is taken as unchanged.
    pub(super) fn bindings(&self) -> Result<BTreeMap<String, String>, Problem> {
        let mut hashes = self.stacks.bindings.hashes(&self.repository.owner);
        if hashes.is_empty() {
            return Ok(hashes);
        }
        let kept = self.kept_by_others()?;
        hashes.retain(|id, _| !kept.contains_key(id));
        Ok(hashes)
    }

    /// What is told of bindings that stay as they are.
    pub(super) fn told_of_kept(&self) -> Result<Vec<String>, Problem> {
        let mounted = mounted(self.spec);
        let kept = self.kept_by_others()?.into_iter();
        let mine = kept.filter(|(id, _)| mounted.contains(id.as_str()));
        let told = mine.map(|(id, stack)| {
            format!("the files of binding {id} stay as they are: stack `{stack}`, which is held, mounts them too")
        });
        Ok(told.collect())
    }

    /// By id: the held stack of this repository that mounts the binding. Of two that are both on
    /// their way back, neither keeps the other from its files.
    fn kept_by_others(&self) -> Result<BTreeMap<String, String>, Problem> {
        let held = self.stacks.world.store().held(&self.repository.owner)?;
        let specs = self.repository.specs();
        let others = specs.filter(|spec| spec.name != self.spec.name);
        let state = |spec: &StackSpec| held.get(spec.name.as_str()).copied();
        let returns = state(self.spec) == Some(HoldState::Returning);
        let keeps = |spec: &&StackSpec| match state(spec) {
            Some(HoldState::Returning) => !returns,
            other => other.is_some(),
        };
        let others = others.filter(keeps);
        let ids = others.flat_map(|spec| {
            let ids = mounted(spec).into_iter();
            ids.map(|id| (id.to_owned(), spec.name.to_string()))
        });
        Ok(ids.collect())
    }
}

fn mounted(spec: &StackSpec) -> BTreeSet<&str> {
    let services = spec.services.iter();
    services
        .flat_map(|service| &service.bindings)
        .map(String::as_str)
        .collect()
}

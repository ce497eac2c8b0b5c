//! What is to be done with one stack: the inputs of its plan, the plan, and its report.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::manifest::StackOptions;
use dockerops_core::observed::Node;
use dockerops_core::plan::{
    Action, Change, Inputs, KeptWhy, Plan, Policy, Resolution, Risk, Sealed, plan as decide, risks,
};
use dockerops_core::recovery::Hold;
use dockerops_core::report::{Outcome, Problem, StackReport};
use dockerops_core::source::Sources;
use dockerops_core::spec::StackSpec;

use super::after::After;
use super::problem::of_diagnostics;
use super::read::Repository;
use super::source::FILE;
use super::stack::Stacks;
use super::write::NotTaken;
use super::{Mode, Seen, observe_for, volumes};
use crate::store::Attempt;

/// One stack of a run.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) stacks: &'a Stacks<'a>,
    pub(super) repository: &'a Repository,
    pub(super) spec: &'a StackSpec,
    pub(super) options: &'a StackOptions,
    pub(super) after: &'a After,
    pub(super) sources: &'a Sources,
}

/// A plan and what to think about before applying it.
pub(super) struct Drafted {
    pub(super) plan: Plan,
    risks: Vec<Risk>,
}

impl Draft<'_> {
    /// Decides, from what the Swarm was `seen` to be; nothing is written.
    pub(super) fn plan(&self, seen: &Seen) -> Result<Drafted, Problem> {
        let Stacks { world, request, .. } = self.stacks;
        self.refuse_unusable()?;
        let attempts = self.attempts()?.into_iter();
        let inputs = Inputs {
            desired: self.spec,
            observed: &seen.observed,
            owner: &self.repository.owner,
            former: &self.stacks.former(self.repository, &self.spec.name),
            images: &self.images(),
            bindings: &self.bindings()?,
            dirty: &seen.dirty,
            tried_again: &self.tried_again(seen),
            attempted: &attempts.map(|a| (a.service, a.hash)).collect(),
            rotate: &request.rotate,
            ignore_drift: &self.options.ignore_drift,
            self_heal: self.options.self_heal,
            key: &world.key,
            policy: Policy {
                adopt: self.stacks.adopt(self.repository, &self.spec.name)?,
                ..request.policy
            },
        };
        self.decide(&inputs, &seen.nodes)
    }

    fn decide(&self, inputs: &Inputs, nodes: &[Node]) -> Result<Drafted, Problem> {
        let what = || format!("stack `{}`", self.spec.name);
        let mut plan =
            decide(inputs).map_err(|refused| of_diagnostics(&what(), &refused, self.sources))?;
        if plan.changes.iter().any(removes_volume) {
            let told = volumes::elsewhere(&self.spec.name, self.stacks.request, nodes);
            plan.warnings.extend(told);
        }
        let risks = match self.stacks.request.mode {
            Mode::Preview => risks(&plan, inputs, nodes),
            Mode::Apply | Mode::Watch => Vec::new(),
        };
        Ok(Drafted { plan, risks })
    }

    /// The same, from what the Swarm is by now.
    pub(super) async fn plan_again(&self) -> Result<Drafted, NotTaken> {
        let seen = observe_for(self.stacks.world, self.stacks.request).await?;
        Ok(self.plan(&seen)?)
    }

    /// An image without a digest or a binding that cannot be copied fails the stack before any write.
    fn refuse_unusable(&self) -> Result<(), Problem> {
        if self.stacks.request.mode == Mode::Preview {
            // Told beside the plan, which is made all the same.
            return Ok(());
        }
        self.unusable().map_or(Ok(()), Err)
    }

    /// Why nothing of the stack would be written, whatever its plan says: all of it.
    fn unusable(&self) -> Option<Problem> {
        let services = self.spec.services.iter();
        let images: BTreeSet<&str> = services.clone().map(|s| s.image.value.as_str()).collect();
        let images = images
            .into_iter()
            .filter_map(|image| self.stacks.images.failed.get(image));
        let bindings: BTreeSet<&String> = services.flat_map(|s| &s.bindings).collect();
        let usable = |id: &String| self.stacks.bindings.usable(&self.repository.owner, id);
        let bindings = bindings.into_iter().filter_map(|id| usable(id).err());
        all_of(images.cloned().chain(bindings).collect())
    }

    /// What image texts stand for. A plan that is only shown takes those that nobody
    /// could tell as they are written.
    fn images(&self) -> BTreeMap<String, Resolution> {
        let images = self.stacks.images;
        let failed = images
            .failed
            .keys()
            .map(|text| (text.clone(), Resolution::Unknown));
        failed.chain(images.resolved.clone()).collect()
    }

    /// What the images that had to be asked for stand for.
    fn pins(&self) -> BTreeMap<String, Resolution> {
        let resolved = &self.stacks.images.resolved;
        let texts = self
            .spec
            .services
            .iter()
            .map(|service| &service.image.value);
        texts
            .filter_map(|text| Some((text.clone(), resolved.get(text)?.clone())))
            .collect()
    }

    /// What was sent last.
    pub(super) fn attempts(&self) -> Result<Vec<Attempt>, Problem> {
        let attempts = self
            .stacks
            .world
            .store()
            .attempts(&self.repository.owner, self.spec.name.as_str());
        attempts.map_err(Problem::from)
    }

    /// What `plan` did, or would do.
    pub(super) fn report(&self, plan: &Plan, outcome: Outcome) -> StackReport {
        let mut report = StackReport::of_plan(plan, outcome, &self.stacks.seen.observed);
        let images: BTreeSet<&str> = self
            .spec
            .services
            .iter()
            .map(|service| service.image.value.as_str())
            .collect();
        let warned = images
            .iter()
            .filter_map(|image| self.stacks.images.warnings.get(*image));
        report.warnings.extend(warned.cloned());
        report.hash = Some(self.hash(plan));
        if outcome == Outcome::Held {
            let problem = self.rolled_back_by_swarm(plan);
            report.problem = Some(Problem {
                message: format!("held: {}", problem.message),
                ..problem
            });
        }
        report
    }

    /// What Swarm itself rolled back, and how to go on from there.
    pub(super) fn rolled_back_by_swarm(&self, plan: &Plan) -> Problem {
        let held = plan.kept.iter();
        let held = held.filter(|kept| kept.why == KeptWhy::RolledBack);
        let names: Vec<_> = held.map(|kept| kept.name.as_str()).collect();
        let hint = if plan.owner.0 == FILE {
            "Mend the files, or add `--force` to try again.".to_owned()
        } else {
            self.mend()
        };
        let message = format!(
            "Swarm rolled {} back to the version before",
            names.join(", ")
        );
        Problem::new(message, Some(hint))
    }

    /// Of all that decides what runs.
    pub(super) fn hash(&self, plan: &Plan) -> String {
        hash(&self.stacks.world.key, self.spec, plan)
    }

    /// What a plan that is only shown would do, were the stack not held.
    pub(super) fn preview(&self, drafted: Drafted, hold: Option<&Hold>) -> StackReport {
        let mut report = self.report(&drafted.plan, outcome_of(&drafted.plan));
        report.risks = drafted.risks;
        report.sealed = Some(Sealed::new(
            &drafted.plan,
            &self.stacks.world.key,
            self.pins(),
        ));
        if let Some(problem) = self.unusable() {
            report.outcome = Outcome::Failed;
            report.problem = Some(problem);
            report.sealed = None;
        }
        if let Some(hold) = hold {
            let told = self.held_report(hold);
            report.outcome = told.outcome;
            report.problem = told.problem;
            report.sealed = None;
        }
        report
    }
}

fn removes_volume(change: &Change) -> bool {
    matches!(change.action, Action::RemoveVolume { .. })
}

/// One problem of several; of one, itself.
fn all_of(mut problems: Vec<Problem>) -> Option<Problem> {
    if problems.len() < 2 {
        return problems.pop();
    }
    let detail = |problem: &Problem| match &problem.hint {
        Some(hint) => format!("{}\n  hint: {hint}", problem.message),
        None => problem.message.clone(),
    };
    let own = problems.iter().flat_map(|problem| {
        std::iter::once(detail(problem)).chain(problem.details.iter().cloned())
    });
    Some(Problem {
        message: format!("{} things are in the way", problems.len()),
        hint: None,
        details: own.collect(),
    })
}

/// Covers all that decides what runs: the plan's hashes have each service with its
/// digest, configs, secrets and binding files; the rest of the stack is added.
fn hash(key: &FingerprintKey, spec: &StackSpec, plan: &Plan) -> String {
    let mut content = Vec::new();
    for (service, hash) in &plan.hashes {
        content.extend(format!("{service} {hash}\n").into_bytes());
    }
    let files = spec.configs.iter().chain(&spec.secrets);
    let networks = spec.networks.iter().map(|network| &network.body);
    for body in networks.chain(files.clone().map(|file| &file.body)) {
        content.extend(format!("{}\n", body.expose()).into_bytes());
    }
    files.for_each(|file| content.extend(file.data.expose()));
    key.fingerprint(&content)
}

/// How a stack ends when its plan is carried out without a mishap.
pub(super) fn outcome_of(plan: &Plan) -> Outcome {
    if plan.kept.iter().any(|kept| kept.why == KeptWhy::RolledBack) {
        Outcome::Held
    } else if plan.changes.is_empty() {
        Outcome::Unchanged
    } else {
        Outcome::Changed
    }
}

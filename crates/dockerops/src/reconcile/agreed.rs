//! What a saved plan holds a run to: its revisions, its digests, and its very writes.

use std::collections::BTreeMap;
use std::path::Path;

use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::names::Owner;
use dockerops_core::plan::{Plan, Resolution, seal};
use dockerops_core::report::Problem;
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use dockerops_core::saved_plan::{FORMAT, SavedPlan};

use crate::desire;

/// A saved plan as the stages of a run need it.
#[derive(Debug, Clone)]
pub struct Agreed {
    revisions: BTreeMap<Owner, Revision>,
    pins: BTreeMap<String, Resolution>,
    seals: BTreeMap<String, String>,
}

impl Agreed {
    /// What `plan` agrees to.
    pub fn new(plan: &SavedPlan) -> Result<Self, Problem> {
        let revisions = plan.repositories.iter().map(|repository| {
            let url = RepositoryUrl::parse(&repository.url).ok();
            let revision = Revision::parse(&repository.revision).ok();
            Some((url?.normalised(), revision?))
        });
        Ok(Self {
            revisions: revisions.collect::<Option<_>>().ok_or_else(not_a_plan)?,
            pins: plan.pins(),
            seals: plan.seals(),
        })
    }

    /// The revision to read.
    pub(super) fn revision(&self, owner: &Owner) -> Option<&Revision> {
        self.revisions.get(owner)
    }

    /// What an image text stands for.
    pub(super) fn pin(&self, image: &str) -> Result<Resolution, Problem> {
        let pin = self.pins.get(image).cloned();
        pin.ok_or_else(|| {
            moved(&format!(
                "image `{image}` was not asked for when it was made"
            ))
        })
    }

    /// Refuses a plan of a stack that is not to the letter what was agreed to.
    pub(super) fn check(&self, plan: &Plan, key: &FingerprintKey) -> Result<(), Problem> {
        if self.seals.get(plan.stack.as_str()) == Some(&seal(plan, key)) {
            return Ok(());
        }
        Err(moved(&format!("stack `{}` changed just now", plan.stack)))
    }
}

fn moved(what: &str) -> Problem {
    Problem::new(
        format!("the saved plan does not hold any more: {what}"),
        Some(PLAN_AGAIN.to_owned()),
    )
}

const PLAN_AGAIN: &str = "Run `dockerops plan --out FILE` again and look at what changed.";

/// Everything that moved since a plan was saved.
pub fn all_moved(moved: Vec<String>) -> Problem {
    Problem {
        message: "the saved plan does not hold any more; nothing was written".to_owned(),
        hint: Some(PLAN_AGAIN.to_owned()),
        details: moved.into_iter().map(|line| format!("  {line}")).collect(),
    }
}

const NAME_A_PLAN: &str = "Name a file that `dockerops plan --out FILE` wrote.";

fn not_a_plan() -> Problem {
    Problem::new("the file holds no saved plan", Some(NAME_A_PLAN.to_owned()))
}

/// Reads a saved plan.
pub fn read_plan(path: &Path) -> Result<SavedPlan, Problem> {
    let text = desire::read_file(path).map_err(|error| {
        Problem::new(
            format!("`{}` cannot be read: {error}", path.display()),
            Some(NAME_A_PLAN.to_owned()),
        )
    })?;
    let found: serde_json::Value = serde_json::from_slice(&text).map_err(|_| not_a_plan())?;
    match found.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            return Err(Problem::new(
                format!(
                    "the plan in `{}` has format {format}, which this version does not know",
                    path.display()
                ),
                Some("Make the plan with the version that applies it.".to_owned()),
            ));
        }
        None => return Err(not_a_plan()),
    }
    serde_json::from_value(found).map_err(|_| not_a_plan())
}

//! A stack of one compose file on any engine: planned and applied. For tests of plans
//! against the Swarm in memory, and for those that hold it to a real one.

pub(crate) mod states;

use std::collections::{BTreeMap, BTreeSet};

use dockerops::desire::{bare, given};
use dockerops::engine::{Engine, EngineError};
use dockerops_core::compose::Compat;
use dockerops_core::fingerprint::FingerprintKey;
use dockerops_core::manifest::SelfHeal;
use dockerops_core::names::{Owner, StackName};
use dockerops_core::observed::Observed;
use dockerops_core::plan::{Inputs, Plan, Policy, Prune, Resolution, VolumeChange, plan};
use dockerops_core::report::ChangeReport;
use dockerops_core::spec::StackSpec;

/// A stack, and what was sent of it last.
pub(crate) struct Stack {
    pub(crate) name: StackName,
    folder: tempfile::TempDir,
    image: String,
    images: BTreeMap<String, Resolution>,
    attempted: BTreeMap<String, String>,
}

impl Stack {
    /// A stack of this name; `image` is what `IMAGE` in its compose file stands for.
    pub(crate) fn new(name: &str, image: &str, digest: String) -> Self {
        let platforms = Vec::new();
        let pin = Resolution::Pinned { digest, platforms };
        Self {
            name: StackName::parse(name).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            image: image.to_owned(),
            images: BTreeMap::from([(image.to_owned(), pin)]),
            attempted: BTreeMap::new(),
        }
    }

    /// Writes a file that the compose file names.
    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn desired(&self, compose: &str) -> StackSpec {
        self.file("compose.yml", &compose.replace("IMAGE", &self.image));
        let files = given(&[self.folder.path().join("compose.yml")]);
        let read = bare(&self.name, &files, &BTreeMap::new(), Compat::Docker);
        assert!(
            !read.diagnostics.has_errors(),
            "{:?}\n{compose}",
            read.diagnostics
        );
        read.spec.unwrap()
    }

    /// The plan for `compose` by what the Swarm is now, and what that is.
    pub(crate) async fn plan(&self, engine: &dyn Engine, compose: &str) -> (Plan, Observed) {
        let desired = self.desired(compose);
        let observed = engine.observe().await.unwrap();
        let none = BTreeSet::new();
        let inputs = Inputs {
            desired: &desired,
            observed: &observed,
            owner: &owner(),
            former: &BTreeSet::new(),
            images: &self.images,
            bindings: &BTreeMap::new(),
            dirty: &none,
            tried_again: &none,
            attempted: &self.attempted,
            rotate: &none,
            ignore_drift: &[],
            self_heal: SelfHeal::Yes,
            key: &FingerprintKey::new([7; 32]),
            policy: Policy {
                prune: Prune::Remove,
                volumes: VolumeChange::Allow,
                ..Policy::default()
            },
        };
        (plan(&inputs).unwrap(), observed)
    }

    /// Carries a plan out, up to the first change that fails.
    pub(crate) async fn apply(
        &mut self,
        engine: &dyn Engine,
        plan: &Plan,
    ) -> Result<(), EngineError> {
        for change in &plan.changes {
            engine.apply(&change.action, None).await?;
        }
        self.attempted.extend(plan.hashes.clone());
        Ok(())
    }
}

/// On whose behalf everything is done.
pub(crate) fn owner() -> Owner {
    Owner("https://example.org/scenarios".to_owned())
}

/// A plan in words: each change with its reasons, effect and fields.
pub(crate) fn lines(plan: &Plan, observed: &Observed) -> String {
    let mut lines = vec![];
    for change in ChangeReport::all(&plan.changes, observed) {
        let effect = change.effect.map(|effect| format!(" ({effect})"));
        let reasons = change.reasons.join("; ");
        lines.push(format!(
            "plan: {change}: {reasons}{}",
            effect.unwrap_or_default()
        ));
        let fields = change.fields.iter();
        lines.extend(
            fields.map(|field| format!("  {}: {:?} → {:?}", field.field, field.old, field.new)),
        );
    }
    if lines.is_empty() {
        lines.push("plan: nothing".to_owned());
    }
    lines.join("\n")
}

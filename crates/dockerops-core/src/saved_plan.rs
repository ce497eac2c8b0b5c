//! A plan in a file: what it was made from, so that applying it can tell whether it still holds.
//!
//! The file holds no spec and no secret: revisions, digests, version indexes, keyed
//! seals, and the plan as people saw it. Applying makes the plan again from the
//! revisions and digests in the file, and goes on only when nothing
//! [moved](SavedPlan::moved).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::departed::Insist;
use crate::fingerprint::{Comparison, FingerprintKey};
use crate::names::StackName;
use crate::plan::{Policy, Resolution, Sealed};
use crate::report::Report;

/// The format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// A plan that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// [`FORMAT`].
    pub format: u32,
    /// What plans may do, as it was asked for.
    pub policy: Policy,
    /// Whether doubt keeps stacks that left.
    pub insist: Insist,
    /// Only these stacks; all when empty.
    pub only: BTreeSet<String>,
    /// Plain names of secrets to replace even though they cannot be compared.
    pub rotate: BTreeSet<String>,
    /// The repositories, in the order watched.
    pub repositories: Vec<SavedRepository>,
    /// The plan as it was shown.
    pub report: Value,
    /// A keyed hash over all of the above: what was looked at is what is applied.
    pub seal: String,
}

/// One repository of a saved plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRepository {
    /// As given to `watch`.
    pub url: String,
    /// The revision that was read.
    pub revision: String,
    /// By name: each stack that the plan is about.
    pub stacks: BTreeMap<String, Sealed>,
}

/// Why a report cannot be saved as a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSaved {
    /// Something would be refused, or was not read.
    #[error("a plan with errors is not saved")]
    Failed,
}

impl SavedPlan {
    /// Makes `report` a plan that can be saved.
    pub fn new(
        report: &Report,
        policy: Policy,
        insist: Insist,
        only: &BTreeSet<StackName>,
        rotate: &BTreeSet<String>,
        key: &FingerprintKey,
    ) -> Result<Self, NotSaved> {
        let unread = report.repositories.iter().any(|r| r.problem.is_some());
        if unread || !report.problems.is_empty() {
            return Err(NotSaved::Failed);
        }
        let repositories = report.repositories.iter().map(|repository| {
            let stacks = repository.stacks.iter().map(|stack| {
                let sealed = stack.sealed.clone().ok_or(NotSaved::Failed)?;
                Ok((stack.name.to_string(), sealed))
            });
            Ok(SavedRepository {
                url: repository.url.clone(),
                revision: repository.revision.clone().ok_or(NotSaved::Failed)?,
                stacks: stacks.collect::<Result<_, NotSaved>>()?,
            })
        });
        let plan = Self {
            format: FORMAT,
            policy,
            insist,
            only: only.iter().map(ToString::to_string).collect(),
            rotate: rotate.clone(),
            repositories: repositories.collect::<Result<_, NotSaved>>()?,
            report: serde_json::to_value(report).unwrap_or_default(),
            seal: String::new(),
        };
        let seal = key.fingerprint(&plan.material());
        Ok(Self { seal, ..plan })
    }

    /// Whether the plan is as it was saved, under this key.
    pub fn is_sealed(&self, key: &FingerprintKey) -> bool {
        key.compare(Some(&self.seal), &self.material()) == Comparison::Equal
    }

    /// Everything but the seal.
    fn material(&self) -> Vec<u8> {
        let open = Self {
            seal: String::new(),
            ..self.clone()
        };
        serde_json::to_vec(&open).unwrap_or_default()
    }

    /// What images stood for, over all stacks.
    pub fn pins(&self) -> BTreeMap<String, Resolution> {
        let stacks = self.repositories.iter().flat_map(|r| r.stacks.values());
        stacks.flat_map(|sealed| sealed.pins.clone()).collect()
    }

    /// The seal of each stack.
    pub fn seals(&self) -> BTreeMap<String, String> {
        let stacks = self.repositories.iter().flat_map(|r| &r.stacks);
        stacks
            .map(|(name, sealed)| (name.clone(), sealed.seal.clone()))
            .collect()
    }

    /// What is otherwise in `now`, the same plan made again; a sentence each.
    pub fn moved(&self, now: &Self) -> Vec<String> {
        let before = self.repositories.iter().flat_map(|r| &r.stacks);
        let after: BTreeMap<_, _> = now.repositories.iter().flat_map(|r| &r.stacks).collect();
        let mut moved: Vec<String> = before
            .clone()
            .flat_map(|(name, sealed)| match after.get(name) {
                None => vec![format!("stack `{name}` is no longer part of it")],
                Some(now) => sealed.moved(name, now),
            })
            .collect();
        let known: BTreeSet<_> = before.map(|(name, _)| name).collect();
        let new = after.keys().filter(|name| !known.contains(*name));
        moved.extend(new.map(|name| format!("stack `{name}` is new")));
        if moved.is_empty() && files(&self.report) != files(&now.report) {
            moved.push("files of bindings on the shared storage changed".to_owned());
        }
        moved
    }
}

/// The files of bindings that a report would change: what is done, and to which. How
/// their texts change is for readers.
fn files(report: &Value) -> Vec<(Option<&Value>, Option<&Value>)> {
    items(report, "repositories")
        .flat_map(|repository| items(repository, "bindings"))
        .flat_map(|binding| items(binding, "files"))
        .map(|file| (file.get("verb"), file.get("path")))
        .collect()
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    let items = value.get(key).and_then(Value::as_array);
    items.into_iter().flatten()
}

impl Sealed {
    fn moved(&self, stack: &str, now: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.versions.keys().chain(now.versions.keys()).collect();
        let versions = names.into_iter().filter_map(|name| {
            match (self.versions.get(name), now.versions.get(name)) {
                (Some(old), Some(new)) if old == new => None,
                (Some(old), Some(new)) => Some(format!(
                    "service `{name}` was changed on the Swarm (version {old}, now {new})"
                )),
                (Some(_), None) => Some(format!("service `{name}` needs no update any more")),
                (None, _) => Some(format!("service `{name}` would be updated, too")),
            }
        });
        let mut moved: Vec<String> = versions.collect();
        if moved.is_empty() && self.seal != now.seal {
            moved.push(format!(
                "stack `{stack}` would be changed otherwise: the Swarm, a secret's value or an allowed variable is not what it was"
            ));
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Name, seal, and versions of services.
    type Stack<'a> = (&'a str, &'a str, &'a [(&'a str, u64)]);

    fn saved(stacks: &[Stack<'_>]) -> SavedPlan {
        let sealed = |(name, seal, versions): &Stack<'_>| {
            let versions = versions.iter().map(|(name, v)| ((*name).to_owned(), *v));
            let sealed = Sealed {
                seal: (*seal).to_owned(),
                versions: versions.collect(),
                pins: BTreeMap::new(),
            };
            ((*name).to_owned(), sealed)
        };
        SavedPlan {
            format: FORMAT,
            policy: Policy::default(),
            insist: Insist::No,
            only: BTreeSet::new(),
            rotate: BTreeSet::new(),
            repositories: vec![SavedRepository {
                url: "u".to_owned(),
                revision: "r".to_owned(),
                stacks: stacks.iter().map(sealed).collect(),
            }],
            report: Value::Null,
            seal: String::new(),
        }
    }

    #[test]
    fn what_moved_since_a_plan_was_saved_is_named() {
        let before = saved(&[
            ("a", "1", &[("a_x", 5), ("a_z", 5)]),
            ("b", "1", &[]),
            ("c", "1", &[]),
        ]);
        assert_eq!(before.moved(&before.clone()), Vec::<String>::new());
        let after = saved(&[
            ("a", "2", &[("a_x", 7), ("a_y", 1)]),
            ("b", "2", &[]),
            ("d", "1", &[]),
        ]);
        insta::assert_snapshot!(before.moved(&after).join("\n"), @r"
        service `a_x` was changed on the Swarm (version 5, now 7)
        service `a_y` would be updated, too
        service `a_z` needs no update any more
        stack `b` would be changed otherwise: the Swarm, a secret's value or an allowed variable is not what it was
        stack `c` is no longer part of it
        stack `d` is new
        ");
    }

    #[test]
    fn how_a_text_changes_is_no_part_of_what_was_agreed_to() {
        let with = |verb: &str, diff: Option<&str>| {
            let file = json!({"verb": verb, "path": "conf/a", "diff": diff});
            SavedPlan {
                report: json!({"repositories": [{"bindings": [{"files": [file]}]}]}),
                ..saved(&[])
            }
        };
        let before = with("update", Some("-a"));
        assert_eq!(before.moved(&with("update", None)), Vec::<String>::new());
        assert_eq!(before.moved(&with("create", None)).len(), 1);
    }

    #[test]
    fn a_saved_plan_that_was_edited_is_known() {
        let key = FingerprintKey::new([1; 32]);
        let open = saved(&[("a", "1", &[("a_x", 5)])]);
        let seal = key.fingerprint(&open.material());
        let plan = SavedPlan { seal, ..open };
        assert!(plan.is_sealed(&key));
        assert!(!plan.is_sealed(&FingerprintKey::new([2; 32])));
        let report = json!({"repositories": []});
        assert!(
            !SavedPlan {
                report,
                ..plan.clone()
            }
            .is_sealed(&key)
        );
        let insist = Insist::Yes;
        assert!(!SavedPlan { insist, ..plan }.is_sealed(&key));
    }

    #[test]
    fn a_saved_plan_is_read_back_as_it_was() {
        let plan = saved(&[("a", "1", &[("a_x", 5)])]);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<SavedPlan>(&text).unwrap(), plan);
    }
}

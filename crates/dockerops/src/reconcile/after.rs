//! Stacks that wait for others of their repository: `depends_on` in `stacks.yaml`.
//!
//! A stack waits only when it has something to write. A circle is refused when the file is
//! read, so that this ends.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::names::StackName;
use dockerops_core::observed::Network;
use dockerops_core::report::{Outcome, Problem};
use serde_json::Value;
use tokio::sync::watch;

use super::Seen;
use super::draft::Draft;
use crate::desire::DesiredStack;

/// How each stack of a repository ended, as far as it has.
pub(super) struct Ends(BTreeMap<StackName, watch::Sender<Option<Outcome>>>);

/// What one stack waits for.
#[derive(Default)]
pub(super) struct After(Vec<(StackName, watch::Receiver<Option<Outcome>>)>);

impl Ends {
    /// None of `stacks` has ended.
    pub(super) fn of<'s>(stacks: impl Iterator<Item = &'s DesiredStack>) -> Self {
        let open = |stack: &DesiredStack| (stack.name.clone(), watch::Sender::new(None));
        Self(stacks.map(open).collect())
    }

    /// What `stack` waits for, of the stacks that this run is about.
    pub(super) fn before(&self, stack: &DesiredStack) -> After {
        let named = stack.options.depends_on.iter().map(|name| &name.value);
        let open = named.filter_map(|name| Some((name.clone(), self.0.get(name)?.subscribe())));
        After(open.collect())
    }

    /// Notes how `stack` ended.
    pub(super) fn note(&self, stack: &StackName, outcome: Outcome) {
        if let Some(end) = self.0.get(stack) {
            end.send_replace(Some(outcome));
        }
    }
}

impl Draft<'_> {
    /// What the Swarm will be when the stacks that this one depends on are deployed, as far as
    /// others may use what they make: their networks. Nothing when all of these are there.
    pub(super) fn foreseen(&self) -> Option<Seen> {
        let read = self.repository.read.as_ref().ok()?;
        let before = self.options.depends_on.iter().map(|name| &name.value);
        let stacks = before.filter_map(|name| {
            let mut stacks = read.desired.stacks.iter();
            stacks.find(|stack| stack.name == *name)?.spec.as_ref()
        });
        let seen = self.stacks.seen;
        let known: BTreeSet<_> = seen.observed.networks.iter().map(|n| &n.name).collect();
        let networks = stacks.flat_map(|spec| &spec.networks);
        let missing = networks.filter(|network| !known.contains(&network.name));
        let made: Vec<_> = missing.map(|network| made(&network.name)).collect();
        if made.is_empty() {
            return None;
        }
        let mut seen = seen.clone();
        seen.observed.networks.extend(made);
        Some(seen)
    }
}

/// A network that will be there.
fn made(name: &str) -> Network {
    Network {
        id: name.to_owned(),
        name: name.to_owned(),
        scope: "swarm".to_owned(),
        labels: BTreeMap::new(),
        raw: Value::Null,
    }
}

impl After {
    /// Whether nothing is waited for.
    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits until every one has ended; an error names the first that is not as asked.
    pub(super) async fn all_well(&self) -> Result<(), Problem> {
        for (name, end) in &self.0 {
            let mut end = end.clone();
            let outcome = end.wait_for(Option::is_some).await;
            let outcome = outcome.ok().and_then(|outcome| *outcome);
            if let Some(word) = outcome.and_then(Outcome::in_the_way) {
                return Err(Problem::new(
                    format!("it depends on stack `{name}`, which {word}"),
                    Some(format!(
                        "Mend stack `{name}` first; the next run deploys this one then."
                    )),
                ));
            }
        }
        Ok(())
    }
}

//! What differs between two specs, in the compose file's words, safe to show.
//!
//! **Invariant**: no value that holds a secret, or that may have held one when it
//! was deployed, appears in a [`FieldChange`]. A field is masked on both sides
//! when either is secret; of variables that only the Swarm has, the name is all.

use std::collections::BTreeSet;

use serde_json::Value;

use super::normalise::{Entry, Fields};
use super::table::Form;
use super::{FieldChange, Restarts};
use crate::secret_words::is_secret_name;

/// Shown for a value that only the Swarm has and that may be a secret.
const NOT_SHOWN: &str = "[not shown]";
/// Shown for a secret of which no id is known.
const SECRET: &str = "[secret]";

/// What a live service says about the secrets in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory<'a> {
    /// We wrote it: its label `dockerops.secret-env` has these names.
    Names(&'a BTreeSet<String>),
    /// Somebody else wrote it: any free text in it may be a secret.
    Nothing,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where in the spec it stands.
    pub(super) path: Vec<String>,
    /// What people see.
    pub(super) change: FieldChange,
}

impl Difference {
    /// Which tasks Swarm replaces for it: it compares their template and their endpoint
    /// (swarmkit, `IsTaskDirty`), but for where they may run (`IsTaskPlacementConstraintsOnlyDirty`).
    pub(super) fn restarts(&self) -> Restarts {
        let placement = self.path.get(1).is_some_and(|part| part == "Placement");
        match self.path.first().map(String::as_str) {
            Some("TaskTemplate") if placement => Restarts::Misplaced,
            Some("TaskTemplate" | "EndpointSpec") => Restarts::All,
            _ => Restarts::Nothing,
        }
    }

    /// Whether it stands in `part` of the spec.
    pub(super) fn within(&self, part: &str) -> bool {
        self.path.first().is_some_and(|first| first == part)
    }

    /// Whether it is field `word`, or below it.
    pub(super) fn is(&self, word: &str) -> bool {
        let rest = self.change.field.strip_prefix(word);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The fields in which `desired` and `live` differ, by word.
///
/// Unknown fields that only `live` has are no difference: they are kept.
pub(super) fn differences(desired: &Fields, live: &Fields, memory: Memory) -> Vec<Difference> {
    let words: BTreeSet<_> = desired.keys().chain(live.keys()).collect();
    words
        .into_iter()
        .filter_map(|word| {
            let (new, old) = (desired.get(word), live.get(word));
            let unknown = new.is_none() && old.is_some_and(|old| !old.known);
            if unknown || exposed(new) == exposed(old) {
                return None;
            }
            let path = new.or(old)?.path.clone();
            let change = show(word, old, new, memory);
            Some(Difference { path, change })
        })
        .collect()
}

fn exposed(entry: Option<&Entry>) -> Option<Value> {
    entry.map(|entry| entry.value.expose())
}

fn show(word: &str, old: Option<&Entry>, new: Option<&Entry>, memory: Memory) -> FieldChange {
    let mut secrets = new.map(|new| new.value.secrets()).unwrap_or_default();
    secrets.extend(&old.map(|old| old.value.secrets()).unwrap_or_default());
    let mask = if secrets.is_secret() {
        Some(secrets.mask())
    } else if memory.says_secret(word) || sounds_secret(word) {
        Some(SECRET.to_owned())
    } else {
        None
    };
    let (old, new) = if let Some(mask) = mask {
        (old.map(|_| mask.clone()), new.map(|_| mask))
    } else {
        let hidden = old.is_some_and(|old| hides(word, old, new.is_some(), memory));
        let (old, new) = plain(old, new);
        let not_shown = |text| if hidden { NOT_SHOWN.to_owned() } else { text };
        (old.map(not_shown), new)
    };
    FieldChange {
        field: word.to_owned(),
        old,
        new,
    }
}

/// A variable whose name is that of a secret, wherever its value comes from.
fn sounds_secret(word: &str) -> bool {
    word.strip_prefix("environment.")
        .is_some_and(is_secret_name)
}

impl Memory<'_> {
    fn says_secret(self, word: &str) -> bool {
        let Self::Names(names) = self else {
            return false;
        };
        match word.strip_prefix("environment.") {
            Some(name) => names.contains(name),
            None => names.contains(&format!("@{word}")),
        }
    }
}

/// Whether the old value of a field without a known secret is better not shown: a
/// variable that nobody declares, and free text in what somebody else wrote.
fn hides(word: &str, old: &Entry, declared: bool, memory: Memory) -> bool {
    if word.starts_with("environment.") && !declared {
        return true;
    }
    let label = word.strip_prefix("deploy.labels.");
    let setting = word.starts_with("deploy.") && label.is_none();
    let dockers = label.is_some_and(|key| key.starts_with("com.docker.stack."));
    let free = matches!(
        old.form,
        Form::Plain | Form::Pairs | Form::Map | Form::Set | Form::Mounts
    );
    memory == Memory::Nothing && free && !setting && !dockers
}

/// Of sets, shows only the elements that come or go.
fn plain(old: Option<&Entry>, new: Option<&Entry>) -> (Option<String>, Option<String>) {
    let form = new.or(old).map_or(Form::Plain, |entry| entry.form);
    let value = |entry: Option<&Entry>| entry.map(|entry| entry.value.redacted());
    let (old, new) = (value(old), value(new));
    if !matches!(
        form,
        Form::Set | Form::Mounts | Form::Ports | Form::Files | Form::Networks
    ) {
        return (
            old.map(|value| text(&value, form)),
            new.map(|value| text(&value, form)),
        );
    }
    let items = |value: Option<Value>| match value {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (old, new) = (items(old), items(new));
    let only = |these: &[Value], those: &[Value], show: fn(&Value, Form) -> String| {
        let gone = these.iter().filter(|item| !those.contains(item));
        let texts: Vec<_> = gone.map(|item| show(item, form)).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    };
    let short = (only(&old, &new, element), only(&new, &old, element));
    if short.0 == short.1 {
        let whole: fn(&Value, Form) -> String = |item, _| item.to_string();
        return (only(&old, &new, whole), only(&new, &old, whole));
    }
    short
}

fn text(value: &Value, form: Form) -> String {
    match (form, value) {
        (Form::Nanos | Form::ExactNanos, Value::Number(n)) => {
            n.as_i64().map_or_else(|| n.to_string(), duration)
        }
        (Form::Cpus, Value::Number(n)) => {
            format!("{}", n.as_f64().unwrap_or_default() / 1e9)
        }
        (_, Value::String(text)) => text.clone(),
        (_, Value::Null) => "[no value]".to_owned(),
        (_, other) => other.to_string(),
    }
}

/// As compose files write it, in the largest unit that is whole.
fn duration(nanos: i64) -> String {
    let units = [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1000),
    ];
    units
        .iter()
        .find(|(_, size)| nanos != 0 && nanos % size == 0)
        .map_or_else(
            || {
                if nanos == 0 {
                    "0s".to_owned()
                } else {
                    format!("{nanos}ns")
                }
            },
            |(unit, size)| format!("{}{unit}", nanos / size),
        )
}

/// A short form of one element, as compose files write it.
fn element(item: &Value, form: Form) -> String {
    let part = |pointer: &str| match item.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    match form {
        Form::Ports => {
            let mode = part("/PublishMode");
            let mode = if mode == "ingress" {
                String::new()
            } else {
                format!(" ({mode})")
            };
            format!(
                "{}:{}/{}{mode}",
                part("/PublishedPort"),
                part("/TargetPort"),
                part("/Protocol")
            )
        }
        Form::Mounts => {
            let access = if part("/ReadOnly") == "true" {
                ":ro"
            } else {
                ""
            };
            format!("{}:{}{access}", part("/Source"), part("/Target"))
        }
        Form::Files => format!(
            "{}{}:{}",
            part("/ConfigName"),
            part("/SecretName"),
            part("/File/Name")
        ),
        Form::Networks => part("/Target"),
        _ => match item {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
    }
}

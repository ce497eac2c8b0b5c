//! One change of a plan in words.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::observed::Observed;
use crate::plan::{Action, Change, Effect, FieldChange, Reason, Restarts};

/// One write, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeReport {
    /// What is done to it.
    pub verb: Verb,
    /// `network`, `config`, `secret`, `service` or `volume`.
    pub kind: &'static str,
    /// Its name on the Swarm.
    pub name: String,
    /// Why, most important first.
    pub reasons: Vec<String>,
    /// Of an update: the fields that change.
    pub fields: Vec<FieldChange>,
    /// Whether tasks restart, or may: `effect` says which.
    pub restarts: bool,
    /// Of a service: what becomes of its tasks.
    pub effect: Option<Effect>,
    /// Of a config: how its text changes, when that was asked for.
    pub diff: Option<String>,
    /// Whether what is asked for is a reason for it, not only the Swarm.
    #[serde(skip)]
    pub asked_anew: bool,
}

/// What is done to an object or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed and made anew.
    Replace,
    /// Its labels change, nothing else.
    Relabel,
    /// It goes.
    Remove,
}

impl ChangeReport {
    /// All of `changes`, with what they do to tasks. A service that is removed to be
    /// made anew is told once, as replaced.
    pub fn all(changes: &[Change], observed: &Observed) -> Vec<Self> {
        let mut stopped = BTreeMap::new();
        let mut reports = Vec::new();
        for change in changes {
            let mut report = Self {
                effect: Effect::of(change, observed),
                ..Self::from(change)
            };
            if !change.reasons.contains(&Reason::Replaced) {
                reports.push(report);
                continue;
            }
            if let Action::RemoveService { name, .. } = &change.action {
                stopped.insert(name.clone(), report);
            } else if let Some(Self { effect, .. }) = stopped.remove(&report.name) {
                report.verb = Verb::Replace;
                report.effect = effect.map(Effect::then_anew);
                reports.push(report);
            }
        }
        // A run that ended in between did no more than remove.
        reports.extend(stopped.into_values());
        reports
    }
}

impl From<&Change> for ChangeReport {
    fn from(change: &Change) -> Self {
        let (verb, kind, name) = words(&change.action);
        Self {
            verb,
            kind,
            name: name.to_owned(),
            reasons: change.reasons.iter().map(Reason::to_string).collect(),
            fields: change.fields.clone(),
            restarts: match change.action {
                Action::UpdateService { restarts, .. } => restarts != Restarts::Nothing,
                _ => false,
            },
            effect: None,
            diff: None,
            asked_anew: change.reasons.iter().any(Reason::is_asked),
        }
    }
}

impl fmt::Display for ChangeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.verb, self.kind, self.name)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Relabel => "relabel",
            Self::Remove => "remove",
        })
    }
}

fn words(action: &Action) -> (Verb, &'static str, &str) {
    match action {
        Action::CreateNetwork { name, .. } => (Verb::Create, "network", name),
        Action::CreateFile { kind, name, .. } => (Verb::Create, kind.word(), name),
        Action::RelabelFile { kind, name, .. } => (Verb::Relabel, kind.word(), name),
        Action::CreateService { name, .. } => (Verb::Create, "service", name),
        Action::UpdateService { name, .. } => (Verb::Update, "service", name),
        Action::RemoveService { name, .. } => (Verb::Remove, "service", name),
        Action::RemoveFile { kind, name, .. } => (Verb::Remove, kind.word(), name),
        Action::RemoveNetwork { name, .. } => (Verb::Remove, "network", name),
        Action::RemoveVolume { name } => (Verb::Remove, "volume", name),
    }
}

impl Reason {
    /// Whether what is asked for changed.
    fn is_asked(&self) -> bool {
        match self {
            Self::Missing
            | Self::Changed
            | Self::BindingChanged(_)
            | Self::FileChanged(_)
            | Self::Replaced
            | Self::Undeclared
            | Self::Outdated => true,
            Self::Differs
            | Self::Drifted
            | Self::SecretChanged(_)
            | Self::ImageMoved
            | Self::Forced
            | Self::Retried
            | Self::Paused
            | Self::Adopted
            | Self::Restored => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not deployed yet"),
            Self::Differs => f.write_str("differs from what runs"),
            Self::Changed => f.write_str("changed since the last deploy"),
            Self::Drifted => f.write_str("changed by hand on the Swarm"),
            Self::SecretChanged(ids) => {
                write!(
                    f,
                    "secret {}, or the text around it, changed",
                    ids.join(", ")
                )
            }
            Self::ImageMoved => f.write_str("the image moved behind its tag"),
            Self::BindingChanged(ids) => write!(f, "files of binding {} changed", ids.join(", ")),
            Self::FileChanged(name) => write!(f, "content of {name} changed"),
            Self::Forced => f.write_str("--force"),
            Self::Retried => f.write_str("it failed, and is tried again"),
            Self::Paused => f.write_str("an earlier update was paused by Swarm"),
            Self::Adopted => f.write_str("taken over"),
            Self::Replaced => f.write_str("cannot be updated in place: removed and made anew"),
            Self::Undeclared => f.write_str("no longer declared"),
            Self::Outdated => f.write_str("an older version"),
            Self::Restored => f.write_str("returns to what ran before"),
        }
    }
}

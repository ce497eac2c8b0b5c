//! Why a service that runs is to be written: each difference is explained by one reason.

use std::collections::BTreeSet;

use super::Reason;
use super::fields::Difference;
use super::files::{FileName, is_version_of, references};
use super::services::Running;
use crate::names::label;
use crate::secret::Provenance;

impl Running<'_, '_> {
    /// Why it is to be written, most important first; empty when nothing differs.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.image_moved() {
            reasons.push(Reason::ImageMoved);
        }
        let moved: Vec<_> = self.moved_files();
        let secrets = self.moved_secrets();
        if self.differs_otherwise() {
            reasons.push(self.why_it_differs());
        }
        if !secrets.is_empty() {
            reasons.push(Reason::SecretChanged(secrets));
        }
        reasons.extend(moved.into_iter().map(Reason::FileChanged));
        if !self.subject.spec.is_job && !self.wanted.bindings_changed.is_empty() {
            let ids = self.wanted.bindings_changed.clone();
            reasons.push(Reason::BindingChanged(ids));
        }
        if self.retried() {
            reasons.push(Reason::Retried);
        } else if self.forced() {
            reasons.push(Reason::Forced);
        }
        if self.is_paused() {
            reasons.push(Reason::Paused);
        }
        if self
            .differences
            .iter()
            .any(|d| is_label(d, label::REPOSITORY))
        {
            reasons.push(Reason::Adopted);
        }
        reasons
    }

    /// The digest moved behind the same text.
    fn image_moved(&self) -> bool {
        let text_differs = self.differences.iter().any(|d| is_label(d, label::IMAGE));
        let new_pin = self.subject.chosen.platforms.is_some();
        self.differs("image") && new_pin && !text_differs
    }

    /// Plain names of configs and secrets for which another object is used than before.
    fn moved_files(&self) -> Vec<String> {
        let before = references(&self.live.spec);
        let after = references(&self.wanted.body.expose());
        let moved = |(key, name): &(&FileName, &String)| {
            let (kind, plain) = key;
            let now = (*kind, (*name).clone());
            let mut versions = before
                .iter()
                .filter(|(k, old)| k == kind && is_version_of(plain, old));
            after.contains(&now) && !before.contains(&now) && versions.next().is_some()
        };
        let names = self.subject.files.names.iter().filter(moved);
        names.map(|((_, plain), _)| plain.clone()).collect()
    }

    /// What was sent last tells a hand's change from one of what is asked for.
    fn why_it_differs(&self) -> Reason {
        match self.subject.inputs.attempted.get(&self.live.name) {
            None => Reason::Differs,
            // Swarm itself went back from it.
            Some(sent) if *sent == self.wanted.hash && self.went_back() => Reason::Differs,
            Some(sent) if *sent == self.wanted.hash => Reason::Drifted,
            Some(_) => Reason::Changed,
        }
    }

    /// Ids of the secrets in fields that are asked for anew.
    fn moved_secrets(&self) -> Vec<String> {
        if self.why_it_differs() != Reason::Changed {
            return Vec::new();
        }
        let found = self.differences.iter().flat_map(|d| self.secrets_in(d));
        let ids: BTreeSet<String> = found.collect();
        ids.into_iter().collect()
    }

    fn secrets_in(&self, difference: &Difference) -> Vec<String> {
        let wanted = self.wanted.fields.get(&difference.change.field);
        let secrets = wanted.map(|entry| entry.value.secrets());
        let ids = secrets.iter().flat_map(Provenance::ids);
        ids.map(str::to_owned).collect()
    }

    /// Whether anything differs that no other reason stands for.
    fn differs_otherwise(&self) -> bool {
        let files_moved = !self.moved_files().is_empty();
        let secrets_moved = !self.moved_secrets().is_empty();
        self.differences.iter().any(|d| {
            let explained = (self.image_moved() && (d.is("image") || is_label(d, label::PIN)))
                || (secrets_moved && !self.secrets_in(d).is_empty())
                || (files_moved && (d.is("configs") || d.is("secrets")))
                || (self.is_new_to_us() && is_ours(d))
                || is_label(d, label::REPOSITORY);
            !explained
        })
    }

    fn is_new_to_us(&self) -> bool {
        self.differences
            .iter()
            .any(|d| is_label(d, label::REPOSITORY))
    }
}

/// Whether a difference is the service label `key`.
pub(super) fn is_label(difference: &Difference, key: &str) -> bool {
    difference.change.field.strip_prefix("deploy.labels.") == Some(key)
}

/// Whether a difference is a label that we put on.
fn is_ours(difference: &Difference) -> bool {
    let key = difference.change.field.strip_prefix("deploy.labels.");
    key.is_some_and(|key| key.starts_with(label::PREFIX))
}

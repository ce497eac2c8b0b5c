//! Fields that something else may change on a running service (`ignore_drift`), in the compose
//! file's words: each of the [table](super::table), or a group of them.
//!
//! Not among them: the mode, which cannot be updated, and what other objects hang on: networks,
//! ports, volumes, configs, secrets.

use std::collections::BTreeSet;

use super::table::{Form, Row, TABLE};
use crate::names::label;

/// The number of tasks stands within the mode, and so in no row.
pub(super) const REPLICAS: &str = "deploy.replicas";
/// Above the mode, so no group.
const WHOLE: &str = "deploy";

/// The fields and groups of fields that may be ignored; sorted.
pub(crate) fn words() -> BTreeSet<&'static str> {
    let fields = rows().map(|row| row.word).chain([REPLICAS]);
    let with_groups = fields.flat_map(|word| {
        let groups = word.match_indices('.').map(|(at, _)| &word[..at]);
        groups.chain([word])
    });
    with_groups.filter(|word| *word != WHOLE).collect()
}

/// Those whose keys are fields of their own, as in `environment.TAG`; sorted.
pub(crate) fn keyed() -> BTreeSet<&'static str> {
    let keyed = rows().filter(|row| matches!(row.form, Form::Pairs | Form::Map));
    keyed.map(|row| row.word).collect()
}

/// Whether `word` is a field or group that may be ignored.
pub(crate) fn is_known(word: &str) -> bool {
    let key_of = |field: &&str| {
        let key = word.strip_prefix(*field)?.strip_prefix('.')?;
        let kept = *field == "deploy.labels" && is_kept(key);
        Some(key).filter(|key| !key.is_empty() && !kept)
    };
    words().contains(word) || keyed().iter().any(|field| key_of(field).is_some())
}

/// Whether a label of a service says whose it is, or what was deployed.
fn is_kept(key: &str) -> bool {
    KEPT_LABELS.iter().any(|prefix| key.starts_with(prefix))
}

/// How labels start that are never ignored: ours, and those of Docker's client.
pub(crate) const KEPT_LABELS: [&str; 2] = [label::PREFIX, "com.docker.stack."];

pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    let ignorable = |row: &&Row| match row.form {
        Form::Plain
        | Form::Exact
        | Form::Nanos
        | Form::ExactNanos
        | Form::Cpus
        | Form::Set
        | Form::Pairs
        | Form::Map
        | Form::Image => true,
        Form::Mounts | Form::Ports | Form::Files | Form::Networks | Form::Mode | Form::Ignored => {
            false
        }
    };
    TABLE.iter().filter(ignorable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_groups_are_known_and_what_other_things_hang_on_is_not() {
        for word in [
            "image",
            "deploy.replicas",
            "environment",
            "environment.TAG",
            "deploy.labels",
            "deploy.labels.traefik.enable",
            "labels.x",
            "deploy.resources.limits",
            "deploy.update_config",
            "healthcheck",
        ] {
            assert!(is_known(word), "{word}");
        }
        for word in [
            "",
            "deploy",
            "deploy.mode",
            "deploy.replicas.x",
            "environment.",
            "env",
            "ports",
            "networks",
            "volumes",
            "configs",
            "secrets",
            "force update",
            "deploy.labels.dockerops.pin",
            "deploy.labels.com.docker.stack.image",
        ] {
            assert!(!is_known(word), "{word}");
        }
    }
}

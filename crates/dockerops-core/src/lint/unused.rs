//! What is declared and used by nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Input, Stack};
use crate::compose::Compose;
use crate::compose::model::Service;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;

/// `unused-volume`: silent unless every stack could be read.
pub(super) fn volumes(input: &Input<'_>) -> Diagnostics {
    let mut out = Diagnostics::default();
    let Some(manifest) = input.manifest else {
        return out;
    };
    let all_read = manifest.stacks.iter().all(|listed| {
        let mut read = input.stacks.iter();
        read.any(|stack| *stack.name == listed.name.value)
    });
    if !all_read {
        return out;
    }
    let services = input
        .stacks
        .iter()
        .flat_map(|stack| stack.compose.services.values());
    let used: BTreeSet<&str> = services.flat_map(mounted).collect();
    for (id, entry) in &manifest.volumes {
        if !used.contains(id.as_str()) {
            let message = format!("no stack mounts the volume `{}`", id.escape_debug());
            out.push(
                Diagnostic::warning("unused-volume", entry.id.span, message)
                    .hint("Mount it as `<id>:<path>`, or remove it from `volumes.yaml`."),
            );
        }
    }
    out
}

/// `unused-secret`: a secret is used when it flows into what would be sent.
pub(super) fn secrets(_: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    let Some(spec) = stack.spec else { return };
    let bodies = spec.services.iter().map(|service| &service.body);
    let bodies = bodies
        .chain(spec.networks.iter().map(|network| &network.body))
        .chain(spec.configs.iter().map(|config| &config.body))
        .chain(spec.secrets.iter().map(|secret| &secret.body));
    let flows: Vec<_> = bodies.map(crate::body::Body::secrets).collect();
    for entry in stack.secrets {
        let (id, env) = (&entry.id.value, &entry.env.value);
        if !flows.iter().any(|flow| flow.ids().any(|used| used == id)) {
            let message = format!("nothing in stack `{}` uses the secret `{id}`", stack.name);
            let hint = format!("Use `${{{env}}}` in the compose file, or remove the entry.");
            out.push(Diagnostic::warning("unused-secret", entry.id.span, message).hint(hint));
        }
    }
}

/// `unused-declaration`: top-level entries of the compose file.
pub(super) fn declarations(_: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    let compose = stack.compose;
    let services = || compose.services.values();
    let sections = [
        (
            "network",
            places(&compose.networks, |it| it.span),
            services().flat_map(joined).collect(),
        ),
        (
            "volume",
            places(&compose.volumes, |it| it.span),
            services().flat_map(mounted).collect(),
        ),
        (
            "config",
            places(&compose.configs, |it| it.span),
            configs(compose),
        ),
        (
            "secret",
            places(&compose.secrets, |it| it.span),
            secret_mounts(compose),
        ),
    ];
    for (word, declared, used) in sections {
        for (key, span) in declared.into_iter().filter(|(key, _)| !used.contains(key)) {
            let message = format!("no service uses the {word} `{}`", key.escape_debug());
            out.push(
                Diagnostic::warning("unused-declaration", span, message).hint(format!(
                    "Use it in a service, or remove it from `{word}s:`."
                )),
            );
        }
    }
}

type Places<'a> = Vec<(&'a str, Option<Span>)>;

fn places<T>(section: &BTreeMap<String, T>, place: impl Fn(&T) -> Option<Span>) -> Places<'_> {
    let keys = section
        .iter()
        .map(|(key, entry)| (key.as_str(), place(entry)));
    keys.collect()
}

/// The volumes that a service mounts, by key.
fn mounted(service: &Service) -> impl Iterator<Item = &str> {
    let sources = service
        .volumes
        .iter()
        .filter_map(|mount| mount.source.as_ref());
    sources.map(|source| source.value.as_str())
}

/// The networks that a service joins; `default` when it names none.
fn joined(service: &Service) -> Vec<&str> {
    match &service.networks {
        Some(named) => named.keys().map(String::as_str).collect(),
        None => vec!["default"],
    }
}

fn configs(compose: &Compose) -> BTreeSet<&str> {
    let services = compose.services.values();
    let used = services.flat_map(|service| {
        let mounted = service.configs.iter().map(|mount| &mount.source);
        let credential = service.credential_spec.iter();
        mounted.chain(credential.flat_map(|spec| &spec.config))
    });
    used.map(|source| source.value.as_str()).collect()
}

fn secret_mounts(compose: &Compose) -> BTreeSet<&str> {
    let mounts = compose
        .services
        .values()
        .flat_map(|service| &service.secrets);
    mounts.map(|mount| mount.source.value.as_str()).collect()
}

//! One entry of `services:`.

use std::collections::BTreeMap;

use super::deploy::deploy;
use super::env::environment;
use super::load::Loading;
use super::model::{
    Condition, CredentialSpec, Dependency, FileMount, Healthcheck, Logging, NetworkAttachment,
    Service, Ulimit,
};
use super::mounts::mounts;
use super::pairs::{hosts, labels};
use super::ports::ports;
use super::section::{Section, text, texts};
use super::words;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};
use crate::yaml::{Node, Value};

/// Reads one service.
pub(super) fn service(
    name: &Text,
    service: &Section<'_, '_>,
    loading: &mut Loading<'_>,
) -> Service {
    Service {
        name: name.value.clone(),
        span: name.span,
        image: service.text("image"),
        command: words_of(service, "command", loading.out),
        entrypoint: words_of(service, "entrypoint", loading.out),
        environment: environment(service, loading),
        labels: labels(service, "labels", loading),
        deploy: deploy(service, loading),
        cap_add: service.texts("cap_add"),
        cap_drop: service.texts("cap_drop"),
        configs: file_mounts(service, "configs", loading.out),
        secrets: file_mounts(service, "secrets", loading.out),
        credential_spec: service
            .section("credential_spec")
            .as_ref()
            .map(credential_spec),
        dns: service.node("dns").map(texts),
        dns_search: service.node("dns_search").map(texts),
        domainname: service.text("domainname"),
        extra_hosts: hosts(service, loading),
        healthcheck: service
            .section("healthcheck")
            .map(|section| healthcheck(&section, loading.out)),
        hostname: service.text("hostname"),
        init: service.boolean("init"),
        isolation: service.text("isolation"),
        logging: service
            .section("logging")
            .map(|section| logging(&section, loading)),
        network_mode: service.text("network_mode"),
        networks: networks(service, loading),
        oom_score_adj: oom_score_adj(service, loading.out),
        ports: ports(service, loading.out),
        read_only: service.flag("read_only"),
        restart: service.text("restart"),
        stdin_open: service.flag("stdin_open"),
        stop_grace_period: service.duration("stop_grace_period", loading.out),
        stop_signal: service.text("stop_signal"),
        sysctls: labels(service, "sysctls", loading),
        tmpfs: service.texts("tmpfs"),
        tty: service.flag("tty"),
        ulimits: ulimits(service),
        user: service.text("user"),
        volumes: mounts(service, loading),
        working_dir: service.text("working_dir"),
        depends_on: depends_on(service),
    }
}

/// Docker's client takes the key and, by a mistake in its names, never reads it (measured on 28.2).
fn oom_score_adj(service: &Section<'_, '_>, out: &mut Diagnostics) -> Option<Field<i64>> {
    if let Some(node) = service.node("oom_score_adj") {
        let message = format!(
            "`{}` is ignored, as Docker's client does",
            service.path.key("oom_score_adj")
        );
        out.push(Diagnostic::warning("ignored-key", node.span, message).hint("Remove it."));
    }
    None
}

/// A command: a list as written, or one text split as a shell would.
fn words_of(service: &Section<'_, '_>, key: &str, out: &mut Diagnostics) -> Option<Vec<Text>> {
    let node = service.node(key)?;
    let Value::Text(line) = &node.value else {
        return matches!(node.value, Value::List(_)).then(|| texts(node));
    };
    let Ok(words) = words::split(line) else {
        let message = format!(
            "`{}` ends inside a quote or behind a backslash",
            service.path.key(key)
        );
        out.push(
            Diagnostic::error("invalid-command", node.span, message)
                .hint("Close the quote, or write the command as a list."),
        );
        return None;
    };
    Some(words.into_iter().map(|word| node.field(word)).collect())
}

fn file_mounts(service: &Section<'_, '_>, key: &str, out: &mut Diagnostics) -> Vec<FileMount> {
    let list = service.path.key(key);
    let mut mounts = Vec::new();
    for (index, item) in service.items(key).iter().enumerate() {
        let mount = Section::new(item, list.item(index));
        let source = match &item.value {
            Value::Map(_) => mount.text("source"),
            _ => text(item),
        };
        let Some(source) = source else {
            if matches!(item.value, Value::Map(_)) {
                let message = format!("`{}` needs the key `source`", mount.path);
                out.push(
                    Diagnostic::error("missing-key", item.span, message)
                        .hint(format!("Add `source:`, a key of the top-level `{key}`.")),
                );
            }
            continue;
        };
        mounts.push(FileMount {
            source,
            target: mount.text("target"),
            uid: mount.text("uid"),
            gid: mount.text("gid"),
            mode: mount.unsigned32("mode", out),
        });
    }
    mounts
}

fn credential_spec(section: &Section<'_, '_>) -> CredentialSpec {
    CredentialSpec {
        config: section.text("config"),
        file: section.text("file"),
        registry: section.text("registry"),
    }
}

fn healthcheck(section: &Section<'_, '_>, out: &mut Diagnostics) -> Healthcheck {
    Healthcheck {
        test: section.node("test").map(test).unwrap_or_default(),
        timeout: section.duration("timeout", out),
        interval: section.duration("interval", out),
        start_period: section.duration("start_period", out),
        start_interval: section.duration("start_interval", out),
        retries: section.unsigned("retries", out),
        disable: section.flag("disable"),
    }
}

fn test(node: &Node) -> Vec<Text> {
    match &node.value {
        Value::Text(line) => vec![
            Field::new("CMD-SHELL".to_owned(), node.span),
            node.field(line.clone()),
        ],
        _ => texts(node),
    }
}

fn logging(section: &Section<'_, '_>, loading: &mut Loading<'_>) -> Logging {
    Logging {
        driver: section.text("driver"),
        options: labels(section, "options", loading),
    }
}

fn networks(
    service: &Section<'_, '_>,
    loading: &mut Loading<'_>,
) -> Option<BTreeMap<String, NetworkAttachment>> {
    let node = service.node("networks")?;
    let path = service.path.key("networks");
    let networks: BTreeMap<_, _> = match &node.value {
        Value::List(items) => items
            .iter()
            .filter_map(text)
            .filter(|name| loading.has_public_name(name))
            .map(|name| {
                let span = Some(name.span);
                (
                    name.value,
                    NetworkAttachment {
                        span,
                        ..NetworkAttachment::default()
                    },
                )
            })
            .collect(),
        _ => Section::new(node, path)
            .pairs()
            .iter()
            .map(|(name, node)| {
                let section = Section::new(node, path.key(&name.value));
                (name.value.clone(), attachment(name, &section, loading))
            })
            .collect(),
    };
    (!networks.is_empty()).then_some(networks)
}

fn attachment(
    name: &Text,
    section: &Section<'_, '_>,
    loading: &mut Loading<'_>,
) -> NetworkAttachment {
    NetworkAttachment {
        span: Some(name.span),
        aliases: section.texts("aliases"),
        driver_opts: labels(section, "driver_opts", loading),
        ipv4_address: section.text("ipv4_address"),
        ipv6_address: section.text("ipv6_address"),
    }
}

fn ulimits(service: &Section<'_, '_>) -> BTreeMap<String, Ulimit> {
    let Some(ulimits) = service.section("ulimits") else {
        return BTreeMap::new();
    };
    let mut read = BTreeMap::new();
    for (name, node) in ulimits.pairs() {
        let both = Section::new(node, ulimits.path);
        let limit = match ulimits.integer(&name.value) {
            Some(single) => Some((single.clone(), single)),
            None => both.integer("soft").zip(both.integer("hard")),
        };
        read.extend(limit.map(|(soft, hard)| (name.value.clone(), Ulimit { soft, hard })));
    }
    read
}

fn depends_on(service: &Section<'_, '_>) -> Vec<Dependency> {
    let Some(conditions) = service.section("depends_on") else {
        let started = |service| Dependency {
            service,
            condition: Condition::Started,
        };
        return service
            .texts("depends_on")
            .into_iter()
            .map(started)
            .collect();
    };
    conditions
        .pairs()
        .iter()
        .map(|(name, node)| Dependency {
            service: name.clone(),
            condition: condition(&Section::new(node, conditions.path)),
        })
        .collect()
}

fn condition(section: &Section<'_, '_>) -> Condition {
    match section.text("condition").map(|text| text.value).as_deref() {
        Some("service_healthy") => Condition::Healthy,
        Some("service_completed_successfully") => Condition::Completed,
        _ => Condition::Started,
    }
}

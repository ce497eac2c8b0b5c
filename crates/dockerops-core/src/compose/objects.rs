//! The top-level `networks`, `volumes`, `configs` and `secrets`.
//!
//! What `external` goes with, and which messages it brings, is Docker's
//! (`LoadNetworks`, `LoadVolumes` and `loadFileObjectConfig` in `cli/compose/loader`).

use std::collections::BTreeMap;

use super::load::Loading;
use super::model::{FileObject, Ipam, Network, Volume};
use super::pairs::labels;
use super::path::Path;
use super::section::{Section, text};
use crate::diagnostic::Diagnostic;
use crate::field::{Field, Text};
use crate::yaml::Value;

/// Reads every entry of a top-level section.
pub(super) fn entries<T>(
    file: &Section<'_, '_>,
    key: &str,
    loading: &mut Loading<'_>,
    read: impl Fn(&Text, &Section<'_, '_>, &mut Loading<'_>) -> T,
) -> BTreeMap<String, T> {
    let path = Path::top(key);
    let Some(node) = file.node(key) else {
        return BTreeMap::new();
    };
    Section::new(node, path)
        .pairs()
        .iter()
        .map(|(name, node)| {
            let section = Section::new(node, path.key(&name.value));
            (name.value.clone(), read(name, &section, loading))
        })
        .collect()
}

/// Reads a network.
pub(super) fn network(key: &Text, network: &Section<'_, '_>, loading: &mut Loading<'_>) -> Network {
    let external = External::of(network);
    Network {
        span: Some(key.span),
        name: name(key, network, &external, 5, loading),
        external: external.is,
        driver: network.text("driver"),
        driver_opts: network
            .node("driver_opts")
            .map(|_| labels(network, "driver_opts", loading)),
        ipam: network.section("ipam").as_ref().map(ipam),
        internal: network.flag("internal").is_some(),
        attachable: network.flag("attachable").is_some(),
        labels: labels(network, "labels", loading),
    }
}

fn ipam(section: &Section<'_, '_>) -> Ipam {
    let subnets = section.items("config").iter().map(|pool| {
        let pool = Section::new(pool, section.path);
        pool.text("subnet")
            .unwrap_or_else(|| Field::new(String::new(), pool.span()))
    });
    Ipam {
        driver: section.text("driver"),
        subnets: subnets.collect(),
    }
}

/// Reads a volume.
pub(super) fn volume(key: &Text, volume: &Section<'_, '_>, loading: &mut Loading<'_>) -> Volume {
    let external = External::of(volume);
    let read = Volume {
        span: Some(key.span),
        name: name(key, volume, &external, 4, loading),
        external: external.is,
        driver: volume.text("driver"),
        driver_opts: volume
            .node("driver_opts")
            .map(|_| labels(volume, "driver_opts", loading)),
        labels: labels(volume, "labels", loading),
        cluster_spec: volume.node("x-cluster-spec").map(|node| node.span),
    };
    if external.is {
        let set = [
            ("driver", read.driver.is_some()),
            (
                "driver_opts",
                read.driver_opts.as_ref().is_some_and(|o| !o.is_empty()),
            ),
            ("labels", !read.labels.is_empty()),
        ];
        for (other, _) in set.into_iter().filter(|(_, set)| *set) {
            conflict(volume, "external", other, loading);
        }
    }
    read
}

/// Reads a config or secret.
pub(super) fn file_object(
    key: &Text,
    object: &Section<'_, '_>,
    loading: &mut Loading<'_>,
) -> FileObject {
    let external = External::of(object);
    let mut read = FileObject {
        span: Some(key.span),
        name: name(key, object, &external, 5, loading),
        file: object.text("file"),
        content: None,
        external: external.is,
        labels: labels(object, "labels", loading),
        driver: object.text("driver"),
        driver_opts: labels(object, "driver_opts", loading),
        template_driver: object.text("template_driver"),
    };
    match (&read.file, &read.driver) {
        _ if external.is => {}
        (Some(_), Some(_)) => conflict(object, "driver", "file", loading),
        (Some(file), None) => read.content = loading.content(file),
        (None, None) if matches!(object.kind(), Value::Map(_)) => {
            let message = format!("`{}` needs the key `file` or `external`", object.path);
            loading.out.push(
                Diagnostic::error("missing-key", key.span, message)
                    .hint("Add `file:` with a path, or `external: true` when it exists already."),
            );
        }
        (None, _) => {}
    }
    read
}

fn conflict(section: &Section<'_, '_>, one: &str, other: &str, loading: &mut Loading<'_>) {
    let span = section.node(other).map_or(section.span(), |node| node.span);
    let message = format!("`{one}` and `{other}` of `{}` conflict", section.path);
    loading.out.push(
        Diagnostic::error("conflicting-keys", span, message).hint(format!("Remove `{other}`.")),
    );
}

/// What `external` says.
struct External {
    is: bool,
    name: Option<Text>,
}

impl External {
    fn of(section: &Section<'_, '_>) -> Self {
        let Some(node) = section.node("external") else {
            return Self {
                is: false,
                name: None,
            };
        };
        let inner = Section::new(node, section.path);
        Self {
            is: matches!(node.value, Value::Bool(true) | Value::Map(_)),
            name: inner
                .node("name")
                .and_then(text)
                .filter(|name| !name.value.is_empty()),
        }
    }
}

/// The name: as written, under `external` as files before 3.`since` have it, or the key of what is external.
fn name(
    key: &Text,
    section: &Section<'_, '_>,
    external: &External,
    since: u8,
    loading: &mut Loading<'_>,
) -> Option<Text> {
    let name = section.text("name");
    if !external.is {
        return name;
    }
    let Some(legacy) = &external.name else {
        return Some(name.unwrap_or_else(|| key.clone()));
    };
    if name.is_some() {
        let message = format!("`{0}.external.name` and `{0}.name` conflict", section.path);
        loading.out.push(
            Diagnostic::error("conflicting-keys", legacy.span, message)
                .hint("Write `external: true` and only use `name`."),
        );
    } else if loading.minor >= since {
        let message = format!(
            "`{0}.external.name` is deprecated in favor of `{0}.name`",
            section.path
        );
        loading.out.push(
            Diagnostic::warning("deprecated-option", legacy.span, message)
                .hint("Write `external: true`, and `name` beside it."),
        );
    }
    Some(legacy.clone())
}

//! Keys of a service that Docker's client takes but does nothing with, or refuses with an advice.
//!
//! The lists and the words are those of `cli/compose/types`.

use std::collections::BTreeMap;

use super::path::Path;
use super::section::Section;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;
use crate::yaml::Node;

const UNSUPPORTED: &[&str] = &[
    "build",
    "cgroupns_mode",
    "cgroup_parent",
    "devices",
    "domainname",
    "external_links",
    "ipc",
    "links",
    "mac_address",
    "network_mode",
    "pid",
    "privileged",
    "restart",
    "security_opt",
    "shm_size",
    "userns_mode",
];

const DEPRECATED: &[(&str, &str)] = &[
    (
        "container_name",
        "Setting the container name is not supported.",
    ),
    (
        "expose",
        "Exposing ports is unnecessary - services on the same network can access each other's containers on any port.",
    ),
];

const LIMITS: &str = "Set resource limits using `deploy.resources`.";

/// Keys that are errors, and what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "extends",
        "Repeat what the other service has, or share it with a YAML anchor.",
    ),
    (
        "volume_driver",
        "Define a volume using the top-level `volumes` option and specify the driver there.",
    ),
    (
        "volumes_from",
        "Define a volume using the top-level `volumes` option and reference it from each service that shares it.",
    ),
    ("cpu_quota", LIMITS),
    ("cpu_shares", LIMITS),
    ("cpuset", LIMITS),
    ("mem_limit", LIMITS),
    ("memswap_limit", LIMITS),
];

/// Reports what the services of a file hold in vain: each key once, where it first stands.
pub(super) fn report(services: &Node, out: &mut Diagnostics) {
    let mut first: BTreeMap<&str, (Span, usize)> = BTreeMap::new();
    let path = Path::top("services");
    for (name, service) in Section::new(services, path).pairs() {
        let path = path.key(&name.value);
        for (key, _) in Section::new(service, path).pairs() {
            first.entry(&key.value).or_insert((key.span, 0)).1 += 1;
            if let Some((_, instead)) = FORBIDDEN
                .iter()
                .find(|(forbidden, _)| *forbidden == key.value)
            {
                let message = format!("`{}` is forbidden in a stack", path.key(&key.value));
                out.push(Diagnostic::error("forbidden-option", key.span, message).hint(*instead));
            }
        }
    }
    for (key, (span, count)) in first {
        out.0.extend(vain(key, span, count));
    }
}

fn vain(key: &str, span: Span, count: usize) -> Option<Diagnostic> {
    let places = if count == 1 {
        String::new()
    } else {
        format!(" (in {count} services)")
    };
    if UNSUPPORTED.contains(&key) {
        let message = format!("ignoring unsupported option: `{key}`{places}");
        let hint = match key {
            "restart" => {
                "Write `deploy.restart_policy`; Swarm uses `restart` only where that is absent, and without its delay."
            }
            _ => "Remove it: a Swarm service does not have it.",
        };
        return Some(Diagnostic::warning("unsupported-option", span, message).hint(hint));
    }
    let (_, why) = DEPRECATED
        .iter()
        .find(|(deprecated, _)| *deprecated == key)?;
    let message = format!("ignoring deprecated option: `{key}`{places}");
    Some(Diagnostic::warning("deprecated-option", span, message).hint(*why))
}

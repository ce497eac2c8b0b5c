//! What stands at the wrong place, or cannot be used, under `deploy`.

use super::{Input, Stack};
use crate::compose::model::{Resources, Service};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;
use crate::spec::nano_cpus;

/// Programs that read the labels of services, by the start of their labels.
const READERS: [(&str, &str); 2] = [("traefik.", "Traefik"), ("swarm.cronjob.", "swarm-cronjob")];

/// `service-label-on-containers`.
pub(super) fn labels(_: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    for service in stack.compose.services.values() {
        for (prefix, reader) in READERS {
            let mut own = service.deploy.labels.keys();
            if own.any(|key| key.starts_with(prefix)) {
                continue;
            }
            if let Some((key, value)) = service
                .labels
                .iter()
                .find(|(key, _)| key.starts_with(prefix))
            {
                let message = format!(
                    "`{}` is a label of the containers, where {reader} does not look in a Swarm",
                    key.escape_debug()
                );
                out.push(
                    Diagnostic::warning("service-label-on-containers", value.span, message)
                        .hint(format!("Move the `{prefix}…` labels to `deploy.labels`.")),
                );
            }
        }
    }
}

/// `reservation-over-limit`.
pub(super) fn reservations(_: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    for service in stack.compose.services.values() {
        for (what, span) in too_much(service) {
            let message = format!(
                "service `{}` reserves more {what} than it may use",
                service.name
            );
            out.push(
                Diagnostic::warning("reservation-over-limit", span, message)
                    .hint("Raise the limit, or reserve less."),
            );
        }
    }
}

fn too_much(service: &Service) -> Vec<(&'static str, Span)> {
    let deploy = &service.deploy;
    let (Some(most), Some(least)) = (&deploy.limits, &deploy.reservations) else {
        return Vec::new();
    };
    let memory = least.memory.as_ref().filter(|reserved| {
        let limit = most.memory.as_ref().map_or(0, |limit| limit.value);
        limit > 0 && reserved.value > limit
    });
    let reserved = least.cpus.as_ref().filter(|_| {
        let limit = cpus(most);
        limit > 0 && cpus(least) > limit
    });
    let memory = memory.map(|memory| ("memory", memory.span));
    memory
        .into_iter()
        .chain(reserved.map(|cpus| ("CPU", cpus.span)))
        .collect()
}

fn cpus(resources: &Resources) -> i64 {
    let written = resources.cpus.as_ref();
    written.and_then(|cpus| nano_cpus(&cpus.value)).unwrap_or(0)
}

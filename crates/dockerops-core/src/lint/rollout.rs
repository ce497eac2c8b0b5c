//! Updates that start new tasks first.

use super::{Input, Stack};
use crate::compose::model::Service;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::spec::{is_ingress, published};

/// `start-first-without-healthcheck`.
pub(super) fn without_healthcheck(_: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    for (service, order) in start_first(stack) {
        let check = service.healthcheck.as_ref();
        let checked = check.is_some_and(|check| {
            let off = check.disable.as_ref().is_some_and(|disable| disable.value);
            let none = check.test.first().is_some_and(|word| word.value == "NONE");
            !off && !none
        });
        if !checked {
            let message = format!(
                "service `{}` starts new tasks first, without a healthcheck to wait for",
                service.name
            );
            out.push(
                Diagnostic::warning("start-first-without-healthcheck", order.span, message)
                    .hint("Add a `healthcheck`, unless the image brings one."),
            );
        }
    }
}

/// `start-first-host-port`.
pub(super) fn host_port(_: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    for (service, order) in start_first(stack) {
        let mut ports = service.ports.iter().filter(|port| published(port) != 0);
        if ports.all(is_ingress) {
            continue;
        }
        let global = service
            .deploy
            .mode
            .as_ref()
            .is_some_and(|mode| mode.value == "global");
        let outcome = if global {
            "no update will ever end"
        } else {
            "an update needs a node without one of its tasks"
        };
        let message = format!(
            "service `{}` starts new tasks first, but the old ones hold its host port: {outcome}",
            service.name
        );
        out.push(
            Diagnostic::warning("start-first-host-port", order.span, message)
                .hint("Use `order: stop-first`, or publish the port with `mode: ingress`."),
        );
    }
}

/// The services that update so, each with where it says that.
fn start_first<'a>(stack: &Stack<'a>) -> impl Iterator<Item = (&'a Service, &'a Text)> + use<'a> {
    stack.compose.services.values().filter_map(|service| {
        let order = service.deploy.update_config.as_ref()?.order.as_ref()?;
        (order.value == "start-first").then_some((service, order))
    })
}

//! What the engine would refuse, found before the first write.
//!
//! Rules: swarmkit `controlapi` (`validateServiceSpec` and its like) and
//! `daemon/cluster/convert` of the engine. What a worker would refuse only when a
//! task starts is a warning, as Docker accepts such a stack.

mod names;
mod order;
mod values;

use std::collections::BTreeSet;

use super::ports;
use super::stack::{Stack, did_you_mean, is_open};
use crate::compose::model::Service;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::image::ImageRef;

pub(super) use order::check as check_order;

pub(super) use names::{check_file_name, check_network_name};

/// Checks everything that one look at the compose model tells.
pub(super) fn check(stack: &Stack<'_>, out: &mut Diagnostics) {
    ports::check(stack, out);
    for service in stack.compose.services.values() {
        names::check_service_name(stack, service, out);
        stack.check_labels(&service.labels, out);
        stack.check_labels(&service.deploy.labels, out);
        check_image(service, out);
        check_targets(service, out);
        check_dependencies(stack, service, out);
        warn_ignored(service, out);
        values::check(service, out);
    }
}

fn check_image(service: &Service, out: &mut Diagnostics) {
    let name = &service.name;
    let image = service.image.as_ref().filter(|i| !i.value.is_empty());
    let Some(image) = image else {
        let span = service.image.as_ref().map_or(service.span, |i| i.span);
        out.push(
            Diagnostic::error(
                "missing-image",
                span,
                format!("service `{name}` has no image"),
            )
            .hint("Add `image:`; a Swarm builds nothing."),
        );
        return;
    };
    // An image's name is in every list of the Swarm, and in our table of images.
    if !is_open(Some(image), out) {
        return;
    }
    if let Err(error) = ImageRef::parse(&image.value) {
        let message = format!("the image of service `{name}` is invalid: {error}");
        let mut diagnostic = Diagnostic::error("invalid-image", image.span, message);
        diagnostic.hint = error.hint();
        out.push(diagnostic);
    }
}

fn check_targets(service: &Service, out: &mut Diagnostics) {
    let mut taken = BTreeSet::new();
    for mount in &service.volumes {
        let target = &mount.target;
        if !taken.insert(target.value.as_str()) {
            let message = "two mounts of this service have the same target";
            out.push(
                Diagnostic::error("duplicate-target", target.span, message)
                    .hint("Give each its own target."),
            );
        }
        let absolute = target.value.starts_with('/') || target.value.contains([':', '\\']);
        if !absolute && mount.kind.value != "npipe" {
            let message = "the target is not an absolute path: no node will start this service";
            out.push(
                Diagnostic::warning("relative-target", target.span, message)
                    .hint("Write the target as a path that starts with `/`."),
            );
        }
    }
}

fn check_dependencies(stack: &Stack<'_>, service: &Service, out: &mut Diagnostics) {
    let services = &stack.compose.services;
    for dependency in &service.depends_on {
        let key = &dependency.service;
        if services.contains_key(&key.value) || key.secrets.is_secret() {
            continue;
        }
        let others = services.keys().filter(|name| **name != service.name);
        let known = others.map(String::as_str);
        let message = format!("service `{}` is not defined", key.value);
        out.push(
            Diagnostic::warning("undefined-dependency", key.span, message).hint(did_you_mean(
                &key.value,
                known,
                || "Remove it from `depends_on`, or define it.".to_owned(),
            )),
        );
    }
}

/// Docker reads `tmpfs` and uses it for nothing, without a word.
fn warn_ignored(service: &Service, out: &mut Diagnostics) {
    if let Some(tmpfs) = service.tmpfs.first() {
        let message = "`tmpfs` is not used in a Swarm";
        out.push(
            Diagnostic::warning("ignored-tmpfs", tmpfs.span, message)
                .hint("Write it under `volumes:` with `type: tmpfs` and a `target`."),
        );
    }
}

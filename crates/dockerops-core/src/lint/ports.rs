//! Ports across stacks; within one stack a clash is an error of `spec`.

use std::collections::BTreeMap;

use super::{Input, Stack};
use crate::compose::model::{Port, Service};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::names::StackName;
use crate::spec::{is_ingress, protocol, published};

/// Who publishes a port.
struct Publisher<'a> {
    stack: &'a StackName,
    service: &'a Service,
    port: &'a Port,
}

/// `port-published-twice`: told of the stack that is listed later.
pub(super) fn published_twice<'a>(input: &Input<'a>) -> Vec<(&'a StackName, Diagnostics)> {
    let mut taken: BTreeMap<(u32, String), Vec<Publisher<'a>>> = BTreeMap::new();
    let mut all = Vec::new();
    for stack in input.stacks {
        let mut out = Diagnostics::default();
        for publisher in publishers(stack) {
            let key = (published(publisher.port), protocol(publisher.port));
            let others = taken.entry(key).or_default();
            let clash = others.iter().find(|other| clash(other, &publisher));
            out.0.extend(clash.map(|other| told(&publisher, other)));
            others.push(publisher);
        }
        all.push((stack.name, out));
    }
    all
}

fn publishers<'a>(stack: &Stack<'a>) -> impl Iterator<Item = Publisher<'a>> + use<'a> {
    let (stack, compose) = (stack.name, stack.compose);
    let fixed = |port: &&Port| {
        let secret = port
            .published
            .as_ref()
            .is_some_and(|p| p.secrets.is_secret());
        published(port) != 0 && !secret
    };
    compose.services.values().flat_map(move |service| {
        let ports = service.ports.iter().filter(fixed);
        ports.map(move |port| Publisher {
            stack,
            service,
            port,
        })
    })
}

/// Two ports of hosts do not meet when the services are placed apart.
fn clash(one: &Publisher<'_>, other: &Publisher<'_>) -> bool {
    let constraints = |p: &Publisher<'_>| -> Vec<String> {
        let all = p.service.deploy.constraints.iter();
        all.map(|constraint| constraint.value.clone()).collect()
    };
    let (here, there) = (constraints(one), constraints(other));
    let apart = !here.is_empty() && !there.is_empty() && here != there;
    one.stack != other.stack && (is_ingress(one.port) || is_ingress(other.port) || !apart)
}

fn told(publisher: &Publisher<'_>, other: &Publisher<'_>) -> Diagnostic {
    let port = format!("{}/{}", published(publisher.port), protocol(publisher.port));
    let whose = format!("stack `{}` (service `{}`)", other.stack, other.service.name);
    let (message, hint) = if is_ingress(publisher.port) || is_ingress(other.port) {
        (
            format!("port {port} is published by {whose}, too: Swarm refuses the second"),
            "Publish another port.",
        )
    } else {
        (
            format!(
                "port {port} of the host is published by {whose}, too: a node runs only one of them"
            ),
            "Publish another port, or keep the two on different nodes with `placement.constraints`.",
        )
    };
    Diagnostic::warning("port-published-twice", publisher.port.span, message).hint(hint)
}

//! What `depends_on` asks for and can never be: services that wait for each other, or for the end of
//! one that never ends.

use std::collections::BTreeMap;

use super::super::ServiceSpec;
use super::super::stack::Stack;
use crate::body::Body;
use crate::compose::Origin;
use crate::compose::model::{Condition, Dependency, Service};
use crate::cycle;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Checks the order; `specs` are what the services become.
pub(in crate::spec) fn check(stack: &Stack<'_>, specs: &[ServiceSpec], out: &mut Diagnostics) {
    let services = &stack.compose.services;
    let after = |key: &str| {
        let waits = services.get(key).into_iter().flat_map(|s| &s.depends_on);
        waits
            .map(|dependency| dependency.service.value.as_str())
            .collect()
    };
    for circle in cycle::all(services.keys().map(String::as_str), after) {
        out.push(told(&circle, stack));
    }
    let endless: BTreeMap<&str, &ServiceSpec> = specs
        .iter()
        .filter(|spec| !ends(spec))
        .map(|spec| (spec.key.as_str(), spec))
        .collect();
    for dependency in services.values().flat_map(|service| &service.depends_on) {
        if dependency.condition == Condition::Completed
            && endless.contains_key(dependency.service.value.as_str())
        {
            out.push(never_ends(dependency));
        }
    }
}

/// Whether its tasks may come to an end and stay there: a job's do, others' unless Swarm starts
/// them anew whatever happened.
fn ends(spec: &ServiceSpec) -> bool {
    let path = ["TaskTemplate", "RestartPolicy", "Condition"];
    let condition = spec.body.at(&path).and_then(Body::as_str);
    spec.is_job || !matches!(condition, None | Some("" | "any"))
}

fn never_ends(dependency: &Dependency) -> Diagnostic {
    let name = dependency.service.value.escape_debug();
    let message = format!("service `{name}` never completes: Swarm starts it anew when it ends");
    Diagnostic::error("never-completes", dependency.service.span, message).hint(format!(
        "Give `{name}` the `deploy.mode: replicated-job`, or wait for `service_started`."
    ))
}

/// What is said of a circle, where its first service names the next one. Docker deploys such files,
/// so of those given by hand it is a warning.
fn told(circle: &[&str], stack: &Stack<'_>) -> Diagnostic {
    let services = &stack.compose.services;
    let first: Option<&Service> = circle.first().and_then(|key| services.get(*key));
    let second = circle.get(1).copied();
    let dependency = first.and_then(|service| {
        let mut waits = service.depends_on.iter();
        waits.find(|dependency| Some(dependency.service.value.as_str()) == second)
    });
    let shown = cycle::shown(circle);
    let span = dependency.map(|dependency| dependency.service.span);
    let problem = match stack.input.origin {
        Origin::Repository => {
            let message = format!("services wait for each other: {shown}");
            Diagnostic::error("service-cycle", span, message)
        }
        Origin::Bare { .. } => {
            let message = format!("services wait for each other, so in no order: {shown}");
            Diagnostic::warning("service-cycle", span, message)
        }
    };
    problem.hint("Take one of them out of `depends_on`.")
}

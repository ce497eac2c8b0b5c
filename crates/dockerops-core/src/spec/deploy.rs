//! `deploy:`: mode, resources, restart policy, updates and placement.
//!
//! Rules: `convertDeployMode`, `convertResources`, `convertRestartPolicy`,
//! `convertUpdateConfig` of docker/cli `compose/convert/service.go`.

use super::cpus::nano_cpus;
use super::object::{Object, float32};
use crate::body::Body;
use crate::compose::model::{Deploy, Resources, RestartPolicy, Service, UpdateConfig};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};

/// Whether tasks of this service run to their end.
pub(super) fn is_job(service: &Service) -> bool {
    let mode = service.deploy.mode.as_ref().map(|mode| mode.value.as_str());
    matches!(mode, Some("replicated-job" | "global-job"))
}

/// `Mode`.
pub(super) fn mode(deploy: &Deploy, out: &mut Diagnostics) -> Body {
    let word = deploy.mode.as_ref().map_or("", |mode| mode.value.as_str());
    let replicas = deploy.replicas.clone();
    if let (true, Some(replicas)) = (word.starts_with("global"), &replicas) {
        out.push(
            Diagnostic::error(
                "global-replicas",
                replicas.span,
                "a global service has no `replicas`",
            )
            .hint("Remove `replicas`, or use `mode: replicated`."),
        );
    }
    let mode = match word {
        "" | "replicated" => ("Replicated", Object::new().some("Replicas", replicas)),
        "global" => ("Global", Object::new()),
        "global-job" => ("GlobalJob", Object::new()),
        "replicated-job" => {
            let job = Object::new().some("MaxConcurrent", replicas.clone());
            ("ReplicatedJob", job.some("TotalCompletions", replicas))
        }
        _ => {
            let span = deploy.mode.as_ref().map(|mode| mode.span);
            out.push(
                Diagnostic::error("unknown-mode", span, "unknown `mode`")
                    .hint("Use `replicated`, `global`, `replicated-job` or `global-job`."),
            );
            ("Replicated", Object::new())
        }
    };
    Object::new().always(mode.0, mode.1).into()
}

/// `UpdateConfig` or `RollbackConfig`.
pub(super) fn update(config: Option<&UpdateConfig>) -> Option<Body> {
    let config = config?;
    let parallelism = config.parallelism.clone();
    let ratio = config.max_failure_ratio.as_ref().map_or(0.0, |r| r.value);
    let order = config.order.clone();
    let update = Object::new()
        .always(
            "Parallelism",
            parallelism.map_or_else(|| 1u64.into(), Body::from),
        )
        .filled("Delay", config.delay.clone())
        .filled("FailureAction", config.failure_action.clone())
        .filled("Monitor", config.monitor.clone())
        .always("MaxFailureRatio", float32(ratio))
        .always("Order", order.map_or_else(|| "".into(), Body::from));
    Some(update.into())
}

/// `TaskTemplate.Resources`.
pub(super) fn resources(deploy: &Deploy, out: &mut Diagnostics) -> Body {
    let limits = deploy
        .limits
        .as_ref()
        .map(|limits| amounts(limits, out).filled("Pids", limits.pids.clone()));
    let reservations = deploy.reservations.as_ref().map(|reservations| {
        let generic: Vec<Body> = reservations.generic.iter().map(generic).collect();
        amounts(reservations, out).filled("GenericResources", generic)
    });
    Object::new()
        .some("Limits", limits)
        .some("Reservations", reservations)
        .into()
}

fn amounts(resources: &Resources, out: &mut Diagnostics) -> Object {
    let written = resources.cpus.as_ref().filter(|c| !c.value.is_empty());
    let cpus = written.and_then(|cpus| {
        let nano = nano_cpus(&cpus.value);
        if nano.is_none() {
            out.push(
                Diagnostic::error("cpus", cpus.span, "`cpus` is not a number of CPUs")
                    .hint("Write a number with at most nine decimals, such as `\"0.5\"`."),
            );
        }
        nano.map(|nano| cpus.with(nano))
    });
    Object::new()
        .filled("NanoCPUs", cpus)
        .filled("MemoryBytes", resources.memory.clone())
}

fn generic((kind, value): &(Text, Field<i64>)) -> Body {
    let discrete = Object::new()
        .filled("Kind", kind.clone())
        .filled("Value", value.clone());
    Object::new()
        .always("DiscreteResourceSpec", discrete)
        .into()
}

/// `TaskTemplate.Placement`.
pub(super) fn placement(deploy: &Deploy) -> Body {
    let preferences: Vec<Body> = deploy.preferences.iter().map(preference).collect();
    Object::new()
        .filled("Constraints", deploy.constraints.clone())
        .filled("Preferences", preferences)
        .filled("MaxReplicas", deploy.max_replicas_per_node.clone())
        .into()
}

fn preference(spread: &Text) -> Body {
    let spread = Object::new().always("SpreadDescriptor", spread.clone());
    Object::new().always("Spread", spread).into()
}

/// `TaskTemplate.RestartPolicy`: `deploy.restart_policy`, else what `restart` means.
pub(super) fn restart_policy(service: &Service, out: &mut Diagnostics) -> Option<Body> {
    match (&service.deploy.restart_policy, &service.restart) {
        (Some(policy), _) => Some(written_policy(policy)),
        (None, Some(restart)) => legacy_policy(restart, out),
        (None, None) => None,
    }
}

fn written_policy(policy: &RestartPolicy) -> Body {
    Object::new()
        .filled("Condition", policy.condition.clone())
        .some("Delay", policy.delay.clone())
        .some("MaxAttempts", policy.max_attempts.clone())
        .some("Window", policy.window.clone())
        .into()
}

/// `no`, `always`, `unless-stopped` or `on-failure:3`; the client 28 counts only with the last.
fn legacy_policy(restart: &Text, out: &mut Diagnostics) -> Option<Body> {
    let (name, count) = restart
        .value
        .split_once(':')
        .unwrap_or((&restart.value, ""));
    let count = match count {
        "" => Some(0),
        digits => digits.parse::<u64>().ok(),
    };
    match (name, count) {
        ("" | "no", Some(_)) => None,
        ("always" | "unless-stopped", Some(_)) => {
            Some(Object::new().always("Condition", "any").into())
        }
        ("on-failure", Some(count)) => {
            let policy = Object::new().always("Condition", "on-failure");
            Some(policy.always("MaxAttempts", count).into())
        }
        _ => {
            out.push(
                Diagnostic::error("restart", restart.span, "unknown `restart` policy").hint(
                    "Use `no`, `always`, `unless-stopped` or `on-failure:3`, or `deploy.restart_policy`.",
                ),
            );
            None
        }
    }
}

//! Values that the engine refuses: words, ranges and constraints.

use crate::compose::model::{Deploy, Healthcheck, Resources, Service, UpdateConfig};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::{Field, Text};
use crate::source::Span;

use crate::spec::cpus::nano_cpus;
use crate::spec::deploy::is_job;

pub(super) fn check(service: &Service, out: &mut Diagnostics) {
    let deploy = &service.deploy;
    for resources in deploy.limits.iter().chain(&deploy.reservations) {
        check_resources(resources, out);
    }
    check_restart(deploy, out);
    for (config, job) in [
        (&deploy.update_config, is_job(service)),
        (&deploy.rollback_config, false),
    ] {
        if let Some(config) = config {
            check_update(service, config, job, out);
        }
    }
    deploy
        .constraints
        .iter()
        .for_each(|c| check_constraint(c, out));
    service
        .healthcheck
        .iter()
        .for_each(|h| check_health(h, out));
    for mount in &service.volumes {
        let known = [
            "", "private", "rprivate", "shared", "rshared", "slave", "rslave",
        ];
        check_word(mount.bind_propagation.as_ref(), "propagation", &known, out);
    }
}

fn check_resources(resources: &Resources, out: &mut Diagnostics) {
    let too_few = |cpus: &&Text| nano_cpus(&cpus.value).is_some_and(|n| n != 0 && n < 1_000_000);
    if let Some(cpus) = resources.cpus.as_ref().filter(too_few) {
        refuse(
            cpus.span,
            "`cpus` is less than 0.001",
            "Ask for at least 0.001 CPUs.",
            out,
        );
    }
    let least = 4 * 1024 * 1024;
    if let Some(memory) = resources
        .memory
        .as_ref()
        .filter(|m| m.value != 0 && m.value < least)
    {
        refuse(
            memory.span,
            "`memory` is less than 4 MiB",
            "Ask for at least `4M`.",
            out,
        );
    }
}

fn check_restart(deploy: &Deploy, out: &mut Diagnostics) {
    let Some(policy) = &deploy.restart_policy else {
        return;
    };
    let known = ["", "none", "on-failure", "any"];
    check_word(policy.condition.as_ref(), "condition", &known, out);
    check_positive(policy.delay.as_ref(), out);
    check_positive(policy.window.as_ref(), out);
}

fn check_update(service: &Service, config: &UpdateConfig, job: bool, out: &mut Diagnostics) {
    if job {
        let message = "a job has no `update_config`";
        refuse(service.span, message, "Remove `update_config`.", out);
    }
    let known = ["", "pause", "continue", "rollback"];
    check_word(
        config.failure_action.as_ref(),
        "failure_action",
        &known,
        out,
    );
    let known = ["", "stop-first", "start-first"];
    check_word(config.order.as_ref(), "order", &known, out);
    check_positive(config.delay.as_ref(), out);
    check_positive(config.monitor.as_ref(), out);
    let ratio = config.max_failure_ratio.as_ref();
    if let Some(ratio) = ratio.filter(|ratio| !(0.0..=1.0).contains(&ratio.value)) {
        let message = "`max_failure_ratio` is not between 0 and 1";
        refuse(
            ratio.span,
            message,
            "Write a part of all tasks, such as `0.3`.",
            out,
        );
    }
}

fn check_health(check: &Healthcheck, out: &mut Diagnostics) {
    let times = [
        &check.interval,
        &check.timeout,
        &check.start_period,
        &check.start_interval,
    ];
    for time in times.into_iter().flatten() {
        if time.value != 0 && time.value < 1_000_000 {
            let message = "a time of `healthcheck` is less than a millisecond";
            refuse(time.span, message, "Write at least `1ms`.", out);
        }
    }
}

/// A swarmkit constraint: `node.role == manager`.
fn check_constraint(constraint: &Text, out: &mut Diagnostics) {
    let text = &constraint.value;
    let parts = text.split_once("==").or_else(|| text.split_once("!="));
    let valid = parts.is_some_and(|(key, value)| {
        is_constraint_key(key.trim()) && is_constraint_value(value.trim())
    });
    if !valid {
        refuse(
            constraint.span,
            "the engine refuses this placement constraint",
            "Write `node.role == manager`, `node.labels.zone != a` or the like.",
            out,
        );
    }
}

/// `^(?i)[a-z_][a-z0-9\-_.]+$`
fn is_constraint_key(key: &str) -> bool {
    let first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    key.len() > 1
        && key.bytes().next().is_some_and(first)
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// `^(?i)[a-z0-9:\-_\s\.\*\(\)\?\+\[\]\\\^\$\|\/]+$`
fn is_constraint_value(value: &str) -> bool {
    let other = b":-_ \t\n\r\x0c.*()?+[]\\^$|/";
    !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || other.contains(&b))
}

fn check_word(word: Option<&Text>, key: &str, known: &[&str], out: &mut Diagnostics) {
    let Some(word) = word.filter(|word| !known.contains(&word.value.as_str())) else {
        return;
    };
    let words: Vec<String> = known
        .iter()
        .filter(|word| !word.is_empty())
        .map(|word| format!("`{word}`"))
        .collect();
    let hint = format!("Use one of {}.", words.join(", "));
    refuse(word.span, &format!("unknown `{key}`"), &hint, out);
}

fn check_positive(time: Option<&Field<i64>>, out: &mut Diagnostics) {
    if let Some(time) = time.filter(|time| time.value < 0) {
        refuse(
            time.span,
            "a time is negative",
            "Write it without the minus.",
            out,
        );
    }
}

fn refuse(span: Span, message: &str, hint: &str, out: &mut Diagnostics) {
    out.push(Diagnostic::error("refused-value", span, message).hint(hint));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_those_of_swarmkit() {
        let valid = |text: &str| {
            let mut out = Diagnostics::default();
            let file = crate::source::Sources::default().add("a", "");
            check_constraint(&Field::new(text.to_owned(), Span::start_of(file)), &mut out);
            !out.has_errors()
        };
        assert!(valid("node.role == manager") && valid("node.labels.a!=b c"));
        assert!(!valid("node.role = manager") && !valid("node.role == ") && !valid("== x"));
        assert!(!valid("node.labels.a == é") && !valid(""));
    }
}

//! `deploy` of a service.

use super::load::Loading;
use super::model::{Deploy, Resources, RestartPolicy, UpdateConfig};
use super::pairs::labels;
use super::section::{Section, nonzero};
use crate::diagnostic::Diagnostics;
use crate::field::{Field, Text};
use crate::yaml::{Node, Value};

/// Reads `deploy`.
pub(super) fn deploy(service: &Section<'_, '_>, loading: &mut Loading<'_>) -> Deploy {
    let Some(deploy) = service.section("deploy") else {
        return Deploy::default();
    };
    let mut read = Deploy {
        labels: labels(&deploy, "labels", loading),
        ..Deploy::default()
    };
    let out = &mut *loading.out;
    read.mode = deploy.text("mode");
    read.endpoint_mode = deploy.text("endpoint_mode");
    read.replicas = deploy.unsigned("replicas", out);
    read.update_config = deploy
        .section("update_config")
        .map(|section| update(&section, out));
    read.rollback_config = deploy
        .section("rollback_config")
        .map(|section| update(&section, out));
    read.restart_policy = deploy
        .section("restart_policy")
        .map(|section| restart(&section, out));
    if let Some(resources) = deploy.section("resources") {
        read.limits = resources
            .section("limits")
            .map(|section| limits(&section, out));
        read.reservations = resources
            .section("reservations")
            .map(|section| limits(&section, out));
    }
    if let Some(placement) = deploy.section("placement") {
        read.constraints = placement.texts("constraints");
        read.preferences = preferences(&placement);
        read.max_replicas_per_node = nonzero(placement.unsigned("max_replicas_per_node", out));
    }
    read
}

fn update(section: &Section<'_, '_>, out: &mut Diagnostics) -> UpdateConfig {
    UpdateConfig {
        parallelism: section.unsigned("parallelism", out),
        delay: nonzero(section.duration("delay", out)),
        failure_action: section.text("failure_action"),
        monitor: nonzero(section.duration("monitor", out)),
        max_failure_ratio: ratio(section),
        order: section.text("order"),
    }
}

/// Docker keeps it in 32 bits.
fn ratio(section: &Section<'_, '_>) -> Option<Field<f64>> {
    let node = section.node("max_failure_ratio")?;
    let value = match node.value {
        Value::Float(value) => value,
        #[expect(clippy::cast_precision_loss, reason = "a ratio is small")]
        Value::Int(value) => value as f64,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Docker keeps it in 32 bits"
    )]
    let short = (value as f32).to_string().parse().ok()?;
    nonzero(Some(node.field(short)))
}

fn restart(section: &Section<'_, '_>, out: &mut Diagnostics) -> RestartPolicy {
    RestartPolicy {
        condition: section.text("condition"),
        delay: section.duration("delay", out),
        max_attempts: section.unsigned("max_attempts", out),
        window: section.duration("window", out),
    }
}

fn limits(section: &Section<'_, '_>, out: &mut Diagnostics) -> Resources {
    Resources {
        cpus: section.text("cpus"),
        memory: section.size("memory", out),
        pids: nonzero(section.integer("pids")),
        generic: section
            .items("generic_resources")
            .iter()
            .filter_map(|item| generic(item, section))
            .collect(),
    }
}

fn generic(item: &Node, parent: &Section<'_, '_>) -> Option<(Text, Field<i64>)> {
    let item = Section::new(item, parent.path);
    let spec = item.section("discrete_resource_spec")?;
    let kind = spec.node("kind").and_then(super::section::text);
    let kind = kind.unwrap_or_else(|| Field::new(String::new(), spec.span()));
    let value = spec
        .integer("value")
        .unwrap_or_else(|| Field::new(0, spec.span()));
    Some((kind, value))
}

fn preferences(placement: &Section<'_, '_>) -> Vec<Text> {
    placement
        .items("preferences")
        .iter()
        .map(|item| {
            let item = Section::new(item, placement.path);
            item.text("spread")
                .unwrap_or_else(|| Field::new(String::new(), item.span()))
        })
        .collect()
}

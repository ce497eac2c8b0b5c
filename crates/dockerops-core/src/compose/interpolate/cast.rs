//! Where the text that interpolation made is turned into a number or a boolean.
//!
//! Source: docker/cli `cli/compose/loader/interpolate.go`. Only text that
//! changed is turned: `replicas: "3"` stays text and is refused later, as there.

use crate::yaml::Value;

/// What a place wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    Int,
    Float,
    Bool,
}

/// The places: `*` is any key, `[]` an item of a list.
const PLACES: [(&str, Cast); 29] = [
    ("services.*.configs.[].mode", Cast::Int),
    ("services.*.secrets.[].mode", Cast::Int),
    ("services.*.healthcheck.retries", Cast::Int),
    ("services.*.healthcheck.disable", Cast::Bool),
    ("services.*.deploy.replicas", Cast::Int),
    ("services.*.deploy.update_config.parallelism", Cast::Int),
    (
        "services.*.deploy.update_config.max_failure_ratio",
        Cast::Float,
    ),
    ("services.*.deploy.rollback_config.parallelism", Cast::Int),
    (
        "services.*.deploy.rollback_config.max_failure_ratio",
        Cast::Float,
    ),
    ("services.*.deploy.restart_policy.max_attempts", Cast::Int),
    (
        "services.*.deploy.placement.max_replicas_per_node",
        Cast::Int,
    ),
    ("services.*.ports.[].target", Cast::Int),
    ("services.*.ports.[].published", Cast::Int),
    ("services.*.ulimits.*", Cast::Int),
    ("services.*.ulimits.*.hard", Cast::Int),
    ("services.*.ulimits.*.soft", Cast::Int),
    ("services.*.privileged", Cast::Bool),
    ("services.*.oom_score_adj", Cast::Int),
    ("services.*.read_only", Cast::Bool),
    ("services.*.stdin_open", Cast::Bool),
    ("services.*.tty", Cast::Bool),
    ("services.*.volumes.[].read_only", Cast::Bool),
    ("services.*.volumes.[].volume.nocopy", Cast::Bool),
    ("networks.*.external", Cast::Bool),
    ("networks.*.internal", Cast::Bool),
    ("networks.*.attachable", Cast::Bool),
    ("volumes.*.external", Cast::Bool),
    ("secrets.*.external", Cast::Bool),
    ("configs.*.external", Cast::Bool),
];

/// What the place behind `path` wants, when it is one of them.
pub(super) fn wanted(path: &[String]) -> Option<Cast> {
    let fits = |pattern: &str| {
        let mut steps = pattern.split('.');
        let all = path
            .iter()
            .all(|key| steps.next().is_some_and(|step| step == "*" || step == key));
        all && steps.next().is_none()
    };
    PLACES
        .iter()
        .find(|(pattern, _)| fits(pattern))
        .map(|(_, cast)| *cast)
}

impl Cast {
    /// Turns `text`; `None` when it does not fit.
    pub(super) fn apply(self, text: &str) -> Option<Value> {
        match self {
            Self::Int => text.parse().ok().map(Value::Int),
            Self::Float => text.parse().ok().map(Value::Float),
            Self::Bool => match text.to_lowercase().as_str() {
                "y" | "yes" | "true" | "on" => Some(Value::Bool(true)),
                "n" | "no" | "false" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
        }
    }

    /// What stands in for a value that did not fit, so that no second error follows,
    /// or that nobody read.
    pub(super) fn neutral(self) -> Value {
        match self {
            Self::Int => Value::Int(0),
            Self::Float => Value::Float(0.0),
            Self::Bool => Value::Bool(false),
        }
    }

    /// For messages.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Float => "a number",
            Self::Bool => "a boolean (`true` or `false`)",
        }
    }
}

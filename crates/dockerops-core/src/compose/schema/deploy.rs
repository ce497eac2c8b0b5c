//! What `deploy` of a service may hold.

use super::{INTEGER, Key, NULL, NUMBER, PAIRS, Shape, TEXT, TEXTS, key, list, map, since};

/// `deploy`.
pub(super) static DEPLOY: Shape = Shape::Either(&[(0, &DEPLOY_MAP), (0, &NULL)]);
static DEPLOY_MAP: Shape = map(DEPLOY_KEYS);

/// The keys of `deploy`.
pub(super) const DEPLOY_KEYS: &[Key] = &[
    key("mode", &TEXT),
    since(2, "endpoint_mode", &TEXT),
    key("replicas", &INTEGER),
    key("labels", &PAIRS),
    since(7, "rollback_config", &UPDATE_CONFIG),
    key("update_config", &UPDATE_CONFIG),
    key("resources", &RESOURCES),
    key("restart_policy", &RESTART_POLICY),
    key("placement", &PLACEMENT),
];

static UPDATE_CONFIG: Shape = map(&[
    key("parallelism", &INTEGER),
    key("delay", &TEXT),
    key("failure_action", &TEXT),
    key("monitor", &TEXT),
    key("max_failure_ratio", &NUMBER),
    since(4, "order", &Shape::Word(&["start-first", "stop-first"])),
]);

static RESOURCES: Shape = map(&[key("limits", &LIMITS), key("reservations", &RESERVATIONS)]);
static LIMITS: Shape = map(&[
    key("cpus", &TEXT),
    key("memory", &TEXT),
    since(9, "pids", &INTEGER),
]);
static RESERVATIONS: Shape = map(&[
    key("cpus", &TEXT),
    key("memory", &TEXT),
    since(5, "generic_resources", &GENERIC_RESOURCES),
]);
static GENERIC_RESOURCES: Shape = list(&GENERIC_RESOURCE);
static GENERIC_RESOURCE: Shape = map(&[key("discrete_resource_spec", &DISCRETE)]);
static DISCRETE: Shape = map(&[key("kind", &TEXT), key("value", &NUMBER)]);

static RESTART_POLICY: Shape = map(&[
    key("condition", &TEXT),
    key("delay", &TEXT),
    key("max_attempts", &INTEGER),
    key("window", &TEXT),
]);

static PLACEMENT: Shape = map(&[
    key("constraints", &TEXTS),
    since(3, "preferences", &PREFERENCES),
    since(8, "max_replicas_per_node", &INTEGER),
]);
static PREFERENCES: Shape = list(&PREFERENCE);
static PREFERENCE: Shape = map(&[key("spread", &TEXT)]);

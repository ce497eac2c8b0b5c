//! The top level and the objects beside services.

use super::{
    BOOL, Key, Map, NULL, OPTIONS, PAIRS, Rest, Shape, TEXT, any_of, extensible, forgetful, key,
    list, map, names_of, service, since,
};

/// A whole compose file.
pub(crate) static FILE: Shape = Shape::Map(Map {
    known: &[
        key("version", &TEXT),
        key("services", &SERVICES),
        key("networks", &NETWORKS),
        key("volumes", &VOLUMES),
        since(1, "secrets", &SECRETS),
        since(3, "configs", &CONFIGS),
    ],
    rest: Rest::Extensions(4),
    required: &[],
});

static SERVICES: Shape = names_of(&service::SERVICE);
/// The only section whose names are not restricted.
static NETWORKS: Shape = any_of(&NETWORK);
static VOLUMES: Shape = names_of(&VOLUME);
static SECRETS: Shape = names_of(&SECRET);
static CONFIGS: Shape = names_of(&CONFIG);

static NETWORK: Shape = Shape::Either(&[(0, &NETWORK_MAP), (0, &NULL)]);
static NETWORK_MAP: Shape = extensible(&[
    since(5, "name", &TEXT),
    key("driver", &TEXT),
    key("driver_opts", &OPTIONS),
    key("ipam", &IPAM),
    key("external", &EXTERNAL),
    key("internal", &BOOL),
    since(2, "attachable", &BOOL),
    key("labels", &PAIRS),
]);
static IPAM: Shape = map(&[key("driver", &TEXT), key("config", &POOLS)]);
static POOLS: Shape = list(&POOL);
static POOL: Shape = map(&[key("subnet", &TEXT)]);

static VOLUME: Shape = Shape::Either(&[(0, &VOLUME_MAP), (0, &NULL)]);
static VOLUME_MAP: Shape = extensible(&[
    since(4, "name", &TEXT),
    key("driver", &TEXT),
    key("driver_opts", &OPTIONS),
    key("external", &EXTERNAL),
    key("labels", &PAIRS),
    since(10, "x-cluster-spec", &CLUSTER_SPEC),
]);
/// Read by nobody yet: the converter refuses it.
static CLUSTER_SPEC: Shape = forgetful(ANYTHING);
const ANYTHING: &[Key] = &[
    key("group", &Shape::Anything),
    key("access_mode", &Shape::Anything),
    key("accessibility_requirements", &Shape::Anything),
    key("capacity_range", &Shape::Anything),
    key("availability", &Shape::Anything),
];

static SECRET: Shape = extensible(&[
    since(5, "name", &TEXT),
    key("file", &TEXT),
    key("external", &OBJECT_EXTERNAL),
    key("labels", &PAIRS),
    since(8, "driver", &TEXT),
    since(8, "driver_opts", &OPTIONS),
    since(8, "template_driver", &TEXT),
]);
static CONFIG: Shape = extensible(&[
    since(5, "name", &TEXT),
    key("file", &TEXT),
    key("external", &OBJECT_EXTERNAL),
    key("labels", &PAIRS),
    since(8, "template_driver", &TEXT),
]);

static EXTERNAL: Shape = Shape::Either(&[(0, &BOOL), (0, &EXTERNAL_NAME)]);
static EXTERNAL_NAME: Shape = map(EXTERNAL_KEYS);
static OBJECT_EXTERNAL: Shape = Shape::Either(&[(0, &BOOL), (0, &OBJECT_EXTERNAL_NAME)]);
static OBJECT_EXTERNAL_NAME: Shape = forgetful(EXTERNAL_KEYS);
const EXTERNAL_KEYS: &[Key] = &[key("name", &TEXT)];

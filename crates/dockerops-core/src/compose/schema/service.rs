//! What a service may hold.

use super::{
    BOOL, INTEGER, Key, Kind, Map, NULL, NUMBER, OPTIONS, OURS, PAIRS, Rest, Shape, TEXT,
    TEXT_NUMBER_OR_NULL, TEXT_OR_LIST, TEXT_OR_NUMBER, TEXT_OR_SET, TEXT_SET, any_of, deploy,
    extensible, forgetful, key, list, map, names_of, set, since,
};

/// The keys of a service.
pub(super) const SERVICE_KEYS: &[Key] = &[
    key("deploy", &deploy::DEPLOY),
    key("build", &BUILD),
    key("cap_add", &TEXT_SET),
    key("cap_drop", &TEXT_SET),
    since(9, "cgroupns_mode", &TEXT),
    key("cgroup_parent", &TEXT),
    key("command", &TEXT_OR_LIST),
    since(3, "configs", &FILE_MOUNTS),
    key("container_name", &TEXT),
    since(3, "credential_spec", &CREDENTIAL_SPEC),
    key("depends_on", &DEPENDS_ON),
    key("devices", &TEXT_SET),
    key("dns", &TEXT_OR_SET),
    key("dns_search", &TEXT_OR_SET),
    key("domainname", &TEXT),
    key("entrypoint", &TEXT_OR_LIST),
    key("env_file", &TEXT_OR_SET),
    key("environment", &PAIRS),
    key("expose", &EXPOSE),
    key("external_links", &TEXT_SET),
    key("extra_hosts", &PAIRS),
    key("healthcheck", &HEALTHCHECK),
    key("hostname", &TEXT),
    key("image", &TEXT),
    since(7, "init", &BOOL),
    key("ipc", &TEXT),
    since(5, "isolation", &TEXT),
    key("labels", &PAIRS),
    key("links", &TEXT_SET),
    key("logging", &LOGGING),
    key("mac_address", &TEXT),
    key("network_mode", &TEXT),
    key("networks", &NETWORKS),
    since(13, "oom_score_adj", &INTEGER),
    key("pid", &TEXT_OR_NULL),
    key("ports", &PORTS),
    key("privileged", &BOOL),
    key("read_only", &BOOL),
    key("restart", &TEXT),
    since(1, "secrets", &FILE_MOUNTS),
    key("security_opt", &TEXT_SET),
    // The schema takes a number, the decoder behind it does not.
    key("shm_size", &TEXT),
    key("stdin_open", &BOOL),
    key("stop_grace_period", &TEXT),
    key("stop_signal", &TEXT),
    key("sysctls", &PAIRS),
    key("tmpfs", &TEXT_OR_SET),
    key("tty", &BOOL),
    key("ulimits", &ULIMITS),
    key("user", &TEXT),
    key("userns_mode", &TEXT),
    key("volumes", &MOUNTS),
    key("working_dir", &TEXT),
    // Forbidden: reported with an advice by `compose::ignored`.
    key("cpu_quota", &Shape::Anything),
    key("cpu_shares", &Shape::Anything),
    key("cpuset", &Shape::Anything),
    key("extends", &Shape::Anything),
    key("mem_limit", &Shape::Anything),
    key("memswap_limit", &Shape::Anything),
    key("volume_driver", &Shape::Anything),
    key("volumes_from", &Shape::Anything),
];

pub(super) static SERVICE: Shape = extensible(SERVICE_KEYS);

/// Ignored by Docker but for its shape; anything goes in it since 3.11.
static BUILD: Shape = Shape::Either(&[(0, &TEXT), (0, &BUILD_MAP)]);
static BUILD_MAP: Shape = Shape::Map(Map {
    known: &[
        key("context", &TEXT),
        key("dockerfile", &TEXT),
        key("args", &PAIRS),
        since(3, "labels", &PAIRS),
        since(2, "cache_from", &TEXT_SET),
        since(4, "network", &TEXT),
        since(4, "target", &TEXT),
        since(5, "shm_size", &Shape::Scalar(&[Kind::Integer, Kind::Text])),
        since(9, "extra_hosts", &PAIRS),
    ],
    rest: Rest::Loose(11),
    required: &[],
});

static FILE_MOUNTS: Shape = list(&FILE_MOUNT);
static FILE_MOUNT: Shape = Shape::Either(&[(0, &TEXT), (0, &FILE_MOUNT_MAP)]);
static FILE_MOUNT_MAP: Shape = forgetful(&[
    key("source", &TEXT),
    key("target", &TEXT),
    key("uid", &TEXT),
    key("gid", &TEXT),
    key("mode", &NUMBER),
]);

static CREDENTIAL_SPEC: Shape = map(&[
    since(8, "config", &TEXT),
    key("file", &TEXT),
    key("registry", &TEXT),
]);

static DEPENDS_ON: Shape = Shape::Either(&[(0, &TEXT_SET), (OURS, &CONDITIONS)]);
static CONDITIONS: Shape = any_of(&CONDITION);
static CONDITION: Shape = map(&[
    key(
        "condition",
        &Shape::Word(&[
            "service_started",
            "service_healthy",
            "service_completed_successfully",
        ]),
    ),
    key("restart", &BOOL),
    key("required", &BOOL),
]);

static EXPOSE: Shape = set(&TEXT_OR_NUMBER);
static TEXT_OR_NULL: Shape = Shape::Scalar(&[Kind::Text, Kind::Null]);

static HEALTHCHECK: Shape = map(&[
    key("disable", &BOOL),
    key("interval", &TEXT),
    key("retries", &NUMBER),
    key("test", &TEXT_OR_LIST),
    key("timeout", &TEXT),
    since(4, "start_period", &TEXT),
    since(12, "start_interval", &TEXT),
]);

static LOGGING: Shape = map(&[key("driver", &TEXT), key("options", &LOGGING_OPTIONS)]);
static LOGGING_OPTIONS: Shape = any_of(&TEXT_NUMBER_OR_NULL);

static NETWORKS: Shape = Shape::Either(&[(0, &TEXT_SET), (0, &ATTACHMENTS)]);
static ATTACHMENTS: Shape = names_of(&ATTACHMENT);
static ATTACHMENT: Shape = Shape::Either(&[(0, &ATTACHMENT_MAP), (0, &NULL)]);
static ATTACHMENT_MAP: Shape = map(&[
    key("aliases", &TEXT_SET),
    since(13, "driver_opts", &OPTIONS),
    key("ipv4_address", &TEXT),
    key("ipv6_address", &TEXT),
]);

static PORTS: Shape = set(&PORT);
static PORT: Shape = Shape::Either(&[(0, &TEXT_OR_NUMBER), (2, &PORT_MAP)]);
static PORT_MAP: Shape = map(&[
    key("mode", &TEXT),
    key("target", &INTEGER),
    key("published", &INTEGER),
    key("protocol", &TEXT),
]);

static ULIMITS: Shape = any_of(&ULIMIT);
static ULIMIT: Shape = Shape::Either(&[(0, &INTEGER), (0, &ULIMIT_MAP)]);
static ULIMIT_MAP: Shape = Shape::Map(Map {
    known: &[key("hard", &INTEGER), key("soft", &INTEGER)],
    rest: Rest::Refused,
    required: &["soft", "hard"],
});

/// `uniqueItems` stands inside `items` in Docker's schema since 3.2, so it holds for nothing.
static MOUNTS: Shape = list(&MOUNT);
static MOUNT: Shape = Shape::Either(&[(0, &TEXT), (2, &MOUNT_MAP)]);
static MOUNT_MAP: Shape = Shape::Map(Map {
    known: &[
        key("type", &TEXT),
        key("source", &TEXT),
        key("target", &TEXT),
        key("read_only", &BOOL),
        key("consistency", &TEXT),
        key("bind", &BIND),
        key("volume", &VOLUME),
        since(6, "tmpfs", &TMPFS),
    ],
    rest: Rest::Refused,
    required: &["type"],
});
static BIND: Shape = forgetful(&[key("propagation", &TEXT)]);
/// `subpath` is in no schema, but the mapping is open and Docker reads it since 26.
static VOLUME: Shape = forgetful(&[key("nocopy", &BOOL), key("subpath", &TEXT)]);
static TMPFS: Shape = forgetful(&[key("size", &INTEGER)]);

//! The compose file after loading: typed, merged, with every short form expanded.
//!
//! It mirrors `cli/compose/types` of Docker's client 28, which is the contract:
//! the converter in [`crate::spec`] needs nothing but this. `None` means not
//! written; defaults are the converter's (or the engine's) business. Maps that
//! Docker sorts are ordered here; lists keep the order that Docker keeps.

use std::collections::BTreeMap;

use crate::field::{Field, Text};
use crate::secret::Secret;
use crate::source::Span;

/// A whole project: all files of one stack, merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compose {
    /// `services:`, by key.
    pub services: BTreeMap<String, Service>,
    /// `networks:`, by key.
    pub networks: BTreeMap<String, Network>,
    /// `volumes:`, by key.
    pub volumes: BTreeMap<String, Volume>,
    /// `configs:`, by key.
    pub configs: BTreeMap<String, FileObject>,
    /// `secrets:`, by key.
    pub secrets: BTreeMap<String, FileObject>,
}

/// Key and value pairs whose value may be absent (`environment: [NAME]`), by key.
pub type Pairs = BTreeMap<String, Option<Text>>;

/// Labels, options and the like, by key.
pub type Labels = BTreeMap<String, Text>;

/// A length of time in nanoseconds, as the Engine API counts it.
pub type Nanoseconds = i64;

/// One entry of `services:`.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The key under `services:`.
    pub name: String,
    /// Where that key stands.
    pub span: Span,
    /// `image`. Docker refuses a service without one only in the engine; we refuse earlier.
    pub image: Option<Text>,
    /// `command`, split as a shell would when written as one string. `Some(vec![])` when emptied.
    pub command: Option<Vec<Text>>,
    /// `entrypoint`, likewise.
    pub entrypoint: Option<Vec<Text>>,
    /// `environment` over `env_file`: `None` as value means a name that is set nowhere.
    pub environment: Pairs,
    /// `labels`: on the containers.
    pub labels: Labels,
    /// `deploy`.
    pub deploy: Deploy,
    /// `cap_add`, in the order written.
    pub cap_add: Vec<Text>,
    /// `cap_drop`.
    pub cap_drop: Vec<Text>,
    /// `configs`.
    pub configs: Vec<FileMount>,
    /// `secrets`.
    pub secrets: Vec<FileMount>,
    /// `credential_spec`.
    pub credential_spec: Option<CredentialSpec>,
    /// `dns`; `Some(vec![])` when written as an empty list, which Docker tells apart.
    pub dns: Option<Vec<Text>>,
    /// `dns_search`, likewise.
    pub dns_search: Option<Vec<Text>>,
    /// `domainname`.
    pub domainname: Option<Text>,
    /// `extra_hosts` as `host:ip` (or `host=ip` as written), in Docker's order.
    pub extra_hosts: Vec<Text>,
    /// `healthcheck`.
    pub healthcheck: Option<Healthcheck>,
    /// `hostname`.
    pub hostname: Option<Text>,
    /// `init`.
    pub init: Option<Field<bool>>,
    /// `isolation`.
    pub isolation: Option<Text>,
    /// `logging`.
    pub logging: Option<Logging>,
    /// `network_mode` (ignored by Docker with a note).
    pub network_mode: Option<Text>,
    /// `networks`, by key; `None` when the service names none (it then joins `default`).
    pub networks: Option<BTreeMap<String, NetworkAttachment>>,
    /// `oom_score_adj`.
    pub oom_score_adj: Option<Field<i64>>,
    /// `ports`, every range expanded, in the order written.
    pub ports: Vec<Port>,
    /// `read_only`.
    pub read_only: Option<Field<bool>>,
    /// `restart`: used by Docker when `deploy.restart_policy` is absent.
    pub restart: Option<Text>,
    /// `stdin_open`.
    pub stdin_open: Option<Field<bool>>,
    /// `stop_grace_period`.
    pub stop_grace_period: Option<Field<Nanoseconds>>,
    /// `stop_signal`.
    pub stop_signal: Option<Text>,
    /// `sysctls`.
    pub sysctls: Labels,
    /// `tmpfs`, in the order written (as volumes of type tmpfs in Docker's converter).
    pub tmpfs: Vec<Text>,
    /// `tty`.
    pub tty: Option<Field<bool>>,
    /// `ulimits`, by name.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// `user`.
    pub user: Option<Text>,
    /// `volumes`, every short form expanded, in the order Docker keeps.
    pub volumes: Vec<Mount>,
    /// `working_dir`.
    pub working_dir: Option<Text>,
    /// `depends_on`: services of the same stack. Docker ignores it in a Swarm.
    pub depends_on: Vec<Dependency>,
}

/// One entry of `depends_on`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// The service waited for.
    pub service: Text,
    /// What it is waited for.
    pub condition: Condition,
}

/// `depends_on.*.condition`, the least strict first; the short form means [`Condition::Started`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// `service_started`: its tasks have started; a health check may still be to come.
    Started,
    /// `service_healthy`: its tasks run, and are healthy where they have a health check.
    Healthy,
    /// `service_completed_successfully`: its tasks have run to their end.
    Completed,
}

/// `deploy:` of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deploy {
    /// `mode`: `replicated`, `global`, `replicated-job` or `global-job`; the converter checks it.
    pub mode: Option<Text>,
    /// `replicas`.
    pub replicas: Option<Field<u64>>,
    /// `labels`: on the service.
    pub labels: Labels,
    /// `update_config`.
    pub update_config: Option<UpdateConfig>,
    /// `rollback_config`.
    pub rollback_config: Option<UpdateConfig>,
    /// `resources.limits`.
    pub limits: Option<Resources>,
    /// `resources.reservations`.
    pub reservations: Option<Resources>,
    /// `restart_policy`.
    pub restart_policy: Option<RestartPolicy>,
    /// `placement.constraints`.
    pub constraints: Vec<Text>,
    /// `placement.preferences`: each `spread`.
    pub preferences: Vec<Text>,
    /// `placement.max_replicas_per_node`.
    pub max_replicas_per_node: Option<Field<u64>>,
    /// `endpoint_mode`.
    pub endpoint_mode: Option<Text>,
}

/// `update_config` or `rollback_config`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateConfig {
    /// `parallelism`; absent means 1, 0 means all at once.
    pub parallelism: Option<Field<u64>>,
    /// `delay`.
    pub delay: Option<Field<Nanoseconds>>,
    /// `failure_action`.
    pub failure_action: Option<Text>,
    /// `monitor`.
    pub monitor: Option<Field<Nanoseconds>>,
    /// `max_failure_ratio`.
    pub max_failure_ratio: Option<Field<f64>>,
    /// `order`.
    pub order: Option<Text>,
}

/// `resources.limits` or `resources.reservations`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// `cpus` as written: `"0.5"`.
    pub cpus: Option<Text>,
    /// `memory` in bytes.
    pub memory: Option<Field<i64>>,
    /// `pids`: limits only.
    pub pids: Option<Field<i64>>,
    /// `generic_resources`: (kind, value); reservations only.
    pub generic: Vec<(Text, Field<i64>)>,
}

/// `deploy.restart_policy`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestartPolicy {
    /// `condition`.
    pub condition: Option<Text>,
    /// `delay`.
    pub delay: Option<Field<Nanoseconds>>,
    /// `max_attempts`.
    pub max_attempts: Option<Field<u64>>,
    /// `window`.
    pub window: Option<Field<Nanoseconds>>,
}

/// A config or secret as a service mounts it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileMount {
    /// The key under top-level `configs:` or `secrets:`.
    pub source: Text,
    /// `target`; absent: the converter's default.
    pub target: Option<Text>,
    /// `uid`.
    pub uid: Option<Text>,
    /// `gid`.
    pub gid: Option<Text>,
    /// `mode`, as a number: `0440` is 288.
    pub mode: Option<Field<u32>>,
}

/// `credential_spec`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CredentialSpec {
    /// `config`: a key under top-level `configs:`.
    pub config: Option<Text>,
    /// `file`.
    pub file: Option<Text>,
    /// `registry`.
    pub registry: Option<Text>,
}

/// `healthcheck:` of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Healthcheck {
    /// `test`, in list form (`CMD-SHELL` put in front of a string).
    pub test: Vec<Text>,
    /// `timeout`.
    pub timeout: Option<Field<Nanoseconds>>,
    /// `interval`.
    pub interval: Option<Field<Nanoseconds>>,
    /// `start_period`.
    pub start_period: Option<Field<Nanoseconds>>,
    /// `start_interval` (3.13).
    pub start_interval: Option<Field<Nanoseconds>>,
    /// `retries`.
    pub retries: Option<Field<u64>>,
    /// `disable`.
    pub disable: Option<Field<bool>>,
}

/// `logging:` of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Logging {
    /// `driver`.
    pub driver: Option<Text>,
    /// `options`.
    pub options: Labels,
}

/// One entry of a service's `networks:`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkAttachment {
    /// Where it is named.
    pub span: Option<Span>,
    /// `aliases`.
    pub aliases: Vec<Text>,
    /// `driver_opts`.
    pub driver_opts: Labels,
    /// `ipv4_address`: read and ignored, as Docker does.
    pub ipv4_address: Option<Text>,
    /// `ipv6_address`: likewise.
    pub ipv6_address: Option<Text>,
}

/// One published port.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Where it was written.
    pub span: Span,
    /// `mode`: `ingress` (short forms) or as written; absent in a long form without it.
    pub mode: Option<Text>,
    /// `target`.
    pub target: Field<u32>,
    /// `published`; absent: the engine chooses.
    pub published: Option<Field<u32>>,
    /// `protocol`: `tcp` (short forms) or as written.
    pub protocol: Option<Text>,
}

/// One entry of `ulimits:`; the single form fills both.
#[derive(Debug, Clone, PartialEq)]
pub struct Ulimit {
    /// `soft`.
    pub soft: Field<i64>,
    /// `hard`.
    pub hard: Field<i64>,
}

/// One mount of a service.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each section is there or not"
)]
pub struct Mount {
    /// Where it was written.
    pub span: Span,
    /// `volume`, `bind`, `tmpfs`, `npipe`, `cluster` or `image`; the converter checks it.
    pub kind: Text,
    /// A key under top-level `volumes:`, a path, or nothing (anonymous volume, tmpfs).
    pub source: Option<Text>,
    /// The path in the container.
    pub target: Text,
    /// `read_only`.
    pub read_only: Option<Field<bool>>,
    /// `consistency`.
    pub consistency: Option<Text>,
    /// `bind.propagation`.
    pub bind_propagation: Option<Text>,
    /// `volume.nocopy`.
    pub volume_nocopy: Option<Field<bool>>,
    /// `volume.subpath` (read by Docker 26 and later).
    pub volume_subpath: Option<Text>,
    /// Whether a `bind:` section was written at all.
    pub has_bind: bool,
    /// Whether a `volume:` section was written at all.
    pub has_volume: bool,
    /// `tmpfs.size` in bytes.
    pub tmpfs_size: Option<Field<i64>>,
    /// Whether a `tmpfs:` section was written at all.
    pub has_tmpfs: bool,
    /// Whether a `cluster:` section was written at all.
    pub has_cluster: bool,
    /// Whether an `image:` section was written at all.
    pub has_image: bool,
    /// `image.subpath`.
    pub image_subpath: Option<Text>,
}

/// One entry of top-level `networks:`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// Where the key stands; `None` for the implied `default`.
    pub span: Option<Span>,
    /// `name`, or the name under `external:`.
    pub name: Option<Text>,
    /// `external`.
    pub external: bool,
    /// `driver`.
    pub driver: Option<Text>,
    /// `driver_opts`; `Some` and empty when written as `{}`, which Docker tells apart.
    pub driver_opts: Option<Labels>,
    /// `ipam`.
    pub ipam: Option<Ipam>,
    /// `internal`.
    pub internal: bool,
    /// `attachable`.
    pub attachable: bool,
    /// `labels`.
    pub labels: Labels,
}

/// `ipam:` of a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ipam {
    /// `driver`.
    pub driver: Option<Text>,
    /// `config.*.subnet`.
    pub subnets: Vec<Text>,
}

/// One entry of top-level `volumes:`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Volume {
    /// Where the key stands.
    pub span: Option<Span>,
    /// `name`, or the name under `external:`.
    pub name: Option<Text>,
    /// `external`.
    pub external: bool,
    /// `driver`.
    pub driver: Option<Text>,
    /// `driver_opts`; `Some` and empty when written as `{}`, which Docker tells apart.
    pub driver_opts: Option<Labels>,
    /// `labels`.
    pub labels: Labels,
    /// `x-cluster-spec` was written: refused for now, as the engine of Debian cannot do it.
    pub cluster_spec: Option<Span>,
}

/// One entry of top-level `configs:` or `secrets:`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileObject {
    /// Where the key stands.
    pub span: Option<Span>,
    /// `name`, or the name under `external:`.
    pub name: Option<Text>,
    /// `file` as written.
    pub file: Option<Text>,
    /// What is in `file`. `None` for external objects and those of a `driver`.
    pub content: Option<Secret>,
    /// `external`.
    pub external: bool,
    /// `labels`.
    pub labels: Labels,
    /// `driver`: secrets only.
    pub driver: Option<Text>,
    /// `driver_opts`: secrets only.
    pub driver_opts: Labels,
    /// `template_driver`.
    pub template_driver: Option<Text>,
}

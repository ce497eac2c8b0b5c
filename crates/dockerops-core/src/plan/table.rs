//! The table of service spec fields: where each stands in the Engine API, what the
//! compose file calls it, how two values of it are compared, and what the engine
//! fills in when it is left out.
//!
//! A field that is not here is unknown: compared as it is when we send it, kept
//! and named when only the engine has it.

use crate::observed::ApiVersion;

/// How the values of a field are compared and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A value; `null`, `false`, `0`, an empty text, list or object mean that it is absent.
    Plain,
    /// A value whose zero means something; only `null` is absent.
    Exact,
    /// Nanoseconds; zero is absent.
    Nanos,
    /// Nanoseconds whose zero means something.
    ExactNanos,
    /// Billionths of a processor.
    Cpus,
    /// A list whose order the engine does not care about.
    Set,
    /// `NAME=value` texts, each a field of its own.
    Pairs,
    /// An object, each key a field of its own.
    Map,
    /// An image reference; spellings of one image are equal.
    Image,
    /// Mounts, told apart by target.
    Mounts,
    /// Published ports.
    Ports,
    /// Configs or secrets, known by name.
    Files,
    /// Networks, known by name; their aliases are a set.
    Networks,
    /// Service mode with its numbers.
    Mode,
    /// Not compared at all.
    Ignored,
}

/// Fields that came after API 1.41, and with which (the engine's `docs/api/version-history`).
const LATER: [(&str, ApiVersion); 2] = [
    ("healthcheck.start_interval", v1(44)),
    ("oom_score_adj", v1(46)),
];

const fn v1(minor: u32) -> ApiVersion {
    ApiVersion { major: 1, minor }
}

/// Whether an engine that speaks `api` keeps the field `word`.
pub(super) fn is_kept(word: &str, api: Option<ApiVersion>) -> bool {
    let since = LATER.iter().find(|(later, _)| *later == word);
    since.is_none_or(|(_, since)| api.is_none_or(|api| api >= *since))
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Where it stands in a service spec.
    pub(super) path: &'static str,
    /// What the compose file calls it.
    pub(super) word: &'static str,
    /// How it is compared.
    pub(super) form: Form,
    /// What its absence means to the engine.
    pub(super) default: Option<&'static str>,
}

const fn row(path: &'static str, word: &'static str, form: Form) -> Row {
    Row {
        path,
        word,
        form,
        default: None,
    }
}

const fn or(path: &'static str, word: &'static str, default: &'static str) -> Row {
    Row {
        path,
        word,
        form: Form::Plain,
        default: Some(default),
    }
}

/// The row for `path`.
pub(super) fn find(path: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.path == path)
}

/// All fields that we know. Words are those of the compose specification; paths
/// those of `api/types/swarm`. "E" marks what was seen on engine 20.10, "S" what
/// was read in the sources of moby (`daemon/cluster/convert`) or swarmkit.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // A service is found by its name.
    row("Name", "name", Form::Ignored),
    row("Labels", "deploy.labels", Form::Map),
    // E: `Replicated: {}` is stored as one replica; jobs likewise (S).
    row("Mode", "deploy.mode", Form::Mode),
    // S: `docker/cli` before 17 wrote networks here; the engine still shows them.
    row("Networks", "networks", Form::Networks),

    row("TaskTemplate.ContainerSpec.Image", "image", Form::Image),
    row("TaskTemplate.ContainerSpec.Labels", "labels", Form::Map),
    row("TaskTemplate.ContainerSpec.Command", "entrypoint", Form::Plain),
    row("TaskTemplate.ContainerSpec.Args", "command", Form::Plain),
    row("TaskTemplate.ContainerSpec.Hostname", "hostname", Form::Plain),
    row("TaskTemplate.ContainerSpec.Env", "environment", Form::Pairs),
    row("TaskTemplate.ContainerSpec.Dir", "working_dir", Form::Plain),
    row("TaskTemplate.ContainerSpec.User", "user", Form::Plain),
    row("TaskTemplate.ContainerSpec.Groups", "group_add", Form::Set),
    row("TaskTemplate.ContainerSpec.StopSignal", "stop_signal", Form::Plain),
    // S: a pointer; zero kills at once, absent waits for 10 s.
    row("TaskTemplate.ContainerSpec.StopGracePeriod", "stop_grace_period", Form::ExactNanos),
    row("TaskTemplate.ContainerSpec.TTY", "tty", Form::Plain),
    row("TaskTemplate.ContainerSpec.OpenStdin", "stdin_open", Form::Plain),
    row("TaskTemplate.ContainerSpec.ReadOnly", "read_only", Form::Plain),
    // S: a pointer; absent is the daemon's default, `false` overrides it.
    row("TaskTemplate.ContainerSpec.Init", "init", Form::Exact),
    row("TaskTemplate.ContainerSpec.Hosts", "extra_hosts", Form::Plain),
    row("TaskTemplate.ContainerSpec.DNSConfig.Nameservers", "dns", Form::Plain),
    row("TaskTemplate.ContainerSpec.DNSConfig.Search", "dns_search", Form::Plain),
    row("TaskTemplate.ContainerSpec.DNSConfig.Options", "dns_opt", Form::Plain),
    row("TaskTemplate.ContainerSpec.Sysctls", "sysctls", Form::Map),
    row("TaskTemplate.ContainerSpec.CapabilityAdd", "cap_add", Form::Set),
    row("TaskTemplate.ContainerSpec.CapabilityDrop", "cap_drop", Form::Set),
    row("TaskTemplate.ContainerSpec.Ulimits", "ulimits", Form::Set),
    row("TaskTemplate.ContainerSpec.OomScoreAdj", "oom_score_adj", Form::Plain),
    // E: mounts come back in another order after `service update`, without `Consistency`.
    row("TaskTemplate.ContainerSpec.Mounts", "volumes", Form::Mounts),
    // Ids change with every new object; names say which object it is.
    row("TaskTemplate.ContainerSpec.Configs", "configs", Form::Files),
    row("TaskTemplate.ContainerSpec.Secrets", "secrets", Form::Files),
    // E: filled in.
    or("TaskTemplate.ContainerSpec.Isolation", "isolation", "default"),
    // S: zero means "as the image says" in all of these.
    row("TaskTemplate.ContainerSpec.Healthcheck.Test", "healthcheck.test", Form::Plain),
    row("TaskTemplate.ContainerSpec.Healthcheck.Interval", "healthcheck.interval", Form::Nanos),
    row("TaskTemplate.ContainerSpec.Healthcheck.Timeout", "healthcheck.timeout", Form::Nanos),
    row("TaskTemplate.ContainerSpec.Healthcheck.StartPeriod", "healthcheck.start_period", Form::Nanos),
    row("TaskTemplate.ContainerSpec.Healthcheck.StartInterval", "healthcheck.start_interval", Form::Nanos),
    row("TaskTemplate.ContainerSpec.Healthcheck.Retries", "healthcheck.retries", Form::Plain),
    // The config behind it is listed in `Configs` too, there by name.
    row("TaskTemplate.ContainerSpec.Privileges.CredentialSpec.Config", "credential_spec.config", Form::Ignored),
    row("TaskTemplate.ContainerSpec.Privileges.CredentialSpec.File", "credential_spec.file", Form::Plain),
    row("TaskTemplate.ContainerSpec.Privileges.CredentialSpec.Registry", "credential_spec.registry", Form::Plain),

    row("TaskTemplate.Resources.Limits.NanoCPUs", "deploy.resources.limits.cpus", Form::Cpus),
    row("TaskTemplate.Resources.Limits.MemoryBytes", "deploy.resources.limits.memory", Form::Plain),
    row("TaskTemplate.Resources.Limits.Pids", "deploy.resources.limits.pids", Form::Plain),
    row("TaskTemplate.Resources.Reservations.NanoCPUs", "deploy.resources.reservations.cpus", Form::Cpus),
    row("TaskTemplate.Resources.Reservations.MemoryBytes", "deploy.resources.reservations.memory", Form::Plain),
    row("TaskTemplate.Resources.Reservations.GenericResources", "deploy.resources.reservations.generic_resources", Form::Set),
    // E: `RestartPolicy: {}` is stored with condition `any`. Pointers else (S), but
    // for attempts: stored as a number, and shown as 0 when left out.
    or("TaskTemplate.RestartPolicy.Condition", "deploy.restart_policy.condition", "any"),
    row("TaskTemplate.RestartPolicy.Delay", "deploy.restart_policy.delay", Form::ExactNanos),
    row("TaskTemplate.RestartPolicy.MaxAttempts", "deploy.restart_policy.max_attempts", Form::Plain),
    row("TaskTemplate.RestartPolicy.Window", "deploy.restart_policy.window", Form::ExactNanos),
    row("TaskTemplate.Placement.Constraints", "deploy.placement.constraints", Form::Set),
    row("TaskTemplate.Placement.Preferences", "deploy.placement.preferences", Form::Plain),
    row("TaskTemplate.Placement.MaxReplicas", "deploy.placement.max_replicas_per_node", Form::Plain),
    // E: added with a resolved digest and dropped without; never a restart.
    row("TaskTemplate.Placement.Platforms", "platforms", Form::Ignored),
    row("TaskTemplate.Networks", "networks", Form::Networks),
    row("TaskTemplate.LogDriver.Name", "logging.driver", Form::Plain),
    row("TaskTemplate.LogDriver.Options", "logging.options", Form::Map),
    // Ours to count, and kept when somebody else counted (E: Docker's client does).
    row("TaskTemplate.ForceUpdate", "force update", Form::Ignored),
    // E: filled in with `container`.
    row("TaskTemplate.Runtime", "runtime", Form::Ignored),

    // S: no `omitempty`; 0 means all tasks at once.
    row("UpdateConfig.Parallelism", "deploy.update_config.parallelism", Form::Exact),
    row("UpdateConfig.Delay", "deploy.update_config.delay", Form::Nanos),
    row("UpdateConfig.Monitor", "deploy.update_config.monitor", Form::Nanos),
    row("UpdateConfig.MaxFailureRatio", "deploy.update_config.max_failure_ratio", Form::Plain),
    // E: filled in.
    or("UpdateConfig.FailureAction", "deploy.update_config.failure_action", "pause"),
    or("UpdateConfig.Order", "deploy.update_config.order", "stop-first"),
    row("RollbackConfig.Parallelism", "deploy.rollback_config.parallelism", Form::Exact),
    row("RollbackConfig.Delay", "deploy.rollback_config.delay", Form::Nanos),
    row("RollbackConfig.Monitor", "deploy.rollback_config.monitor", Form::Nanos),
    row("RollbackConfig.MaxFailureRatio", "deploy.rollback_config.max_failure_ratio", Form::Plain),
    or("RollbackConfig.FailureAction", "deploy.rollback_config.failure_action", "pause"),
    or("RollbackConfig.Order", "deploy.rollback_config.order", "stop-first"),

    // E: `Mode` is filled in; of a port `Protocol` and `PublishMode`, and their order moves.
    or("EndpointSpec.Mode", "deploy.endpoint_mode", "vip"),
    row("EndpointSpec.Ports", "ports", Form::Ports),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_row() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..at].iter().all(|other| other.path != row.path),
                "{}",
                row.path
            );
        }
    }
}

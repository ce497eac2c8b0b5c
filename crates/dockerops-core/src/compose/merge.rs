//! Several files of one stack: the rules of `cli/compose/loader/merge.go` and of
//! the Go library under it (`mergo`), quirks included.
//!
//! In short: a text or number of the later file wins when it is not empty, zero
//! or false; lists are appended; labels win key by key; `command` and
//! `entrypoint` are replaced; ports, volumes, configs and secrets are keyed by
//! published port, target and source, and then sorted; networks, volumes, configs
//! and secrets of the top level are replaced whole.

use std::collections::BTreeMap;

use super::Compose;
use super::model::{
    CredentialSpec, Deploy, FileMount, Healthcheck, Labels, Logging, Mount, NetworkAttachment,
    Pairs, Port, Resources, RestartPolicy, Service, UpdateConfig,
};

/// Puts `over` on top of `base`.
pub(super) fn merge(mut base: Compose, over: Compose) -> Compose {
    for (name, service) in over.services {
        match base.services.remove(&name) {
            None => base.services.insert(name, service),
            Some(below) => base.services.insert(name, merge_service(below, service)),
        };
    }
    base.networks.extend(over.networks);
    base.volumes.extend(over.volumes);
    base.configs.extend(over.configs);
    base.secrets.extend(over.secrets);
    base
}

fn merge_service(base: Service, over: Service) -> Service {
    Service {
        name: base.name,
        span: base.span,
        image: over.image.or(base.image),
        command: replaced(base.command, over.command),
        entrypoint: replaced(base.entrypoint, over.entrypoint),
        environment: environment(base.environment, over.environment),
        labels: labels(base.labels, over.labels),
        deploy: deploy(base.deploy, over.deploy),
        cap_add: appended(base.cap_add, over.cap_add),
        cap_drop: appended(base.cap_drop, over.cap_drop),
        configs: file_mounts(base.configs, over.configs),
        secrets: file_mounts(base.secrets, over.secrets),
        credential_spec: both(base.credential_spec, over.credential_spec, credential_spec),
        dns: both(base.dns, over.dns, appended),
        dns_search: both(base.dns_search, over.dns_search, appended),
        domainname: over.domainname.or(base.domainname),
        extra_hosts: appended(base.extra_hosts, over.extra_hosts),
        healthcheck: both(base.healthcheck, over.healthcheck, healthcheck),
        hostname: over.hostname.or(base.hostname),
        init: both(
            base.init,
            over.init,
            |base, over| if over.value { over } else { base },
        ),
        isolation: over.isolation.or(base.isolation),
        logging: both(base.logging, over.logging, logging),
        network_mode: over.network_mode.or(base.network_mode),
        networks: both(base.networks, over.networks, networks),
        oom_score_adj: over.oom_score_adj.or(base.oom_score_adj),
        ports: ports(base.ports, over.ports),
        read_only: over.read_only.or(base.read_only),
        restart: over.restart.or(base.restart),
        stdin_open: over.stdin_open.or(base.stdin_open),
        stop_grace_period: both(base.stop_grace_period, over.stop_grace_period, unless_zero),
        stop_signal: over.stop_signal.or(base.stop_signal),
        sysctls: labels(base.sysctls, over.sysctls),
        tmpfs: appended(base.tmpfs, over.tmpfs),
        tty: over.tty.or(base.tty),
        ulimits: extended(base.ulimits, over.ulimits),
        user: over.user.or(base.user),
        volumes: mounts(base.volumes, over.volumes),
        working_dir: over.working_dir.or(base.working_dir),
        depends_on: appended(base.depends_on, over.depends_on),
    }
}

/// Merges what both have; else takes what one has.
fn both<T>(base: Option<T>, over: Option<T>, merge: impl Fn(T, T) -> T) -> Option<T> {
    match (base, over) {
        (Some(base), Some(over)) => Some(merge(base, over)),
        (base, over) => over.or(base),
    }
}

fn unless_zero<T: Default + PartialEq>(
    base: crate::field::Field<T>,
    over: crate::field::Field<T>,
) -> crate::field::Field<T> {
    if over.value == T::default() {
        base
    } else {
        over
    }
}

fn appended<T>(mut base: Vec<T>, over: Vec<T>) -> Vec<T> {
    base.extend(over);
    base
}

fn extended<T>(mut base: BTreeMap<String, T>, over: BTreeMap<String, T>) -> BTreeMap<String, T> {
    base.extend(over);
    base
}

/// A command: an emptied one does not win.
fn replaced<T>(base: Option<Vec<T>>, over: Option<Vec<T>>) -> Option<Vec<T>> {
    match over {
        Some(over) if over.is_empty() && base.is_some() => base,
        over => over.or(base),
    }
}

fn labels(base: Labels, over: Labels) -> Labels {
    extended(base, over)
}

/// A variable without value or with an empty one wins only over such.
fn environment(mut base: Pairs, over: Pairs) -> Pairs {
    for (name, value) in over {
        let filled = |value: &Option<crate::field::Text>| {
            value.as_ref().is_some_and(|text| !text.value.is_empty())
        };
        if filled(&value) || !base.get(&name).is_some_and(filled) {
            base.insert(name, value);
        }
    }
    base
}

fn deploy(base: Deploy, over: Deploy) -> Deploy {
    Deploy {
        mode: over.mode.or(base.mode),
        replicas: over.replicas.or(base.replicas),
        labels: labels(base.labels, over.labels),
        update_config: both(base.update_config, over.update_config, update_config),
        rollback_config: both(base.rollback_config, over.rollback_config, update_config),
        limits: both(base.limits, over.limits, resources),
        reservations: both(base.reservations, over.reservations, resources),
        restart_policy: both(base.restart_policy, over.restart_policy, restart_policy),
        constraints: appended(base.constraints, over.constraints),
        preferences: appended(base.preferences, over.preferences),
        max_replicas_per_node: over.max_replicas_per_node.or(base.max_replicas_per_node),
        endpoint_mode: over.endpoint_mode.or(base.endpoint_mode),
    }
}

fn update_config(base: UpdateConfig, over: UpdateConfig) -> UpdateConfig {
    UpdateConfig {
        parallelism: over.parallelism.or(base.parallelism),
        delay: over.delay.or(base.delay),
        failure_action: over.failure_action.or(base.failure_action),
        monitor: over.monitor.or(base.monitor),
        max_failure_ratio: over.max_failure_ratio.or(base.max_failure_ratio),
        order: over.order.or(base.order),
    }
}

fn resources(base: Resources, over: Resources) -> Resources {
    Resources {
        cpus: over.cpus.or(base.cpus),
        memory: over.memory.or(base.memory),
        pids: over.pids.or(base.pids),
        generic: appended(base.generic, over.generic),
    }
}

fn restart_policy(base: RestartPolicy, over: RestartPolicy) -> RestartPolicy {
    RestartPolicy {
        condition: over.condition.or(base.condition),
        delay: both(base.delay, over.delay, unless_zero),
        max_attempts: over.max_attempts.or(base.max_attempts),
        window: both(base.window, over.window, unless_zero),
    }
}

fn credential_spec(base: CredentialSpec, over: CredentialSpec) -> CredentialSpec {
    CredentialSpec {
        config: over.config.or(base.config),
        file: over.file.or(base.file),
        registry: over.registry.or(base.registry),
    }
}

/// The test is appended, which is seldom meant, but what Docker does.
fn healthcheck(base: Healthcheck, over: Healthcheck) -> Healthcheck {
    Healthcheck {
        test: appended(base.test, over.test),
        timeout: both(base.timeout, over.timeout, unless_zero),
        interval: both(base.interval, over.interval, unless_zero),
        start_period: both(base.start_period, over.start_period, unless_zero),
        start_interval: both(base.start_interval, over.start_interval, unless_zero),
        retries: over.retries.or(base.retries),
        disable: over.disable.or(base.disable),
    }
}

/// Options are merged unless the driver changes; they are lost where the earlier file has none.
fn logging(base: Logging, over: Logging) -> Logging {
    let changed = matches!((&base.driver, &over.driver), (Some(a), Some(b)) if a.value != b.value);
    if changed {
        return over;
    }
    let options = if base.options.is_empty() {
        base.options
    } else {
        labels(base.options, over.options)
    };
    Logging {
        driver: base.driver.or(over.driver),
        options,
    }
}

type Networks = BTreeMap<String, NetworkAttachment>;

fn networks(mut base: Networks, over: Networks) -> Networks {
    for (name, over) in over {
        let below = base.remove(&name);
        let merged = both(below, Some(over), attachment);
        base.extend(merged.map(|merged| (name, merged)));
    }
    base
}

/// The aliases are replaced; the driver's options stay.
fn attachment(base: NetworkAttachment, over: NetworkAttachment) -> NetworkAttachment {
    if is_empty(&over) {
        return base;
    }
    if is_empty(&base) {
        return over;
    }
    NetworkAttachment {
        aliases: over.aliases,
        ipv4_address: over.ipv4_address.or(base.ipv4_address),
        ipv6_address: over.ipv6_address.or(base.ipv6_address),
        ..base
    }
}

fn is_empty(attachment: &NetworkAttachment) -> bool {
    let nothing = NetworkAttachment {
        span: attachment.span,
        ..NetworkAttachment::default()
    };
    *attachment == nothing
}

/// One item for each key, the last of each, in the order of the keys.
///
/// Docker does so as soon as the earlier file has any, also when the later one has none.
fn keyed<T, K: Ord>(base: Vec<T>, over: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    if base.is_empty() {
        return over;
    }
    let all = base.into_iter().chain(over).map(|item| (key(&item), item));
    all.collect::<BTreeMap<_, _>>().into_values().collect()
}

fn ports(base: Vec<Port>, over: Vec<Port>) -> Vec<Port> {
    keyed(base, over, |port| {
        port.published
            .as_ref()
            .map_or(0, |published| published.value)
    })
}

fn mounts(base: Vec<Mount>, over: Vec<Mount>) -> Vec<Mount> {
    keyed(base, over, |mount| mount.target.value.clone())
}

fn file_mounts(base: Vec<FileMount>, over: Vec<FileMount>) -> Vec<FileMount> {
    keyed(base, over, |mount| mount.source.value.clone())
}

//! One service in compose words.

use serde_json::Value;

use super::Secrets;
use super::lines::{Lines, plain, take};
use crate::names::label;
use crate::spec::ServiceSpec;

const CONTAINER: [&str; 2] = ["TaskTemplate", "ContainerSpec"];

/// Writes everything that decides how `service` runs.
pub(super) fn text(service: &ServiceSpec, secrets: Secrets, lines: &mut Lines) {
    let mut body = secrets.service(service);
    lines.title("service", &service.name);
    image(service, secrets, &mut body, lines);
    deploy(&mut body, lines);
    let mut container = take(&mut body, &CONTAINER).unwrap_or_default();
    process(&mut container, lines);
    surroundings(&mut container, lines);
    lines.take_list(
        "networks",
        &mut body,
        &["TaskTemplate", "Networks"],
        network,
    );
    lines.take_list("ports", &mut body, &["EndpointSpec", "Ports"], port);
    let logging = ["TaskTemplate", "LogDriver"];
    lines.take(
        "logging.driver",
        &mut body,
        &[logging[0], logging[1], "Name"],
    );
    lines.take_pairs(
        "logging.options",
        &mut body,
        &[logging[0], logging[1], "Options"],
    );
    lines.rest(container, &[]);
    if body.pointer("/TaskTemplate/ForceUpdate") == Some(&0.into()) {
        take(&mut body, &["TaskTemplate", "ForceUpdate"]);
    }
    lines.rest(body, &["Name"]);
}

/// As written; the body says the same with Docker's default tag.
fn image(service: &ServiceSpec, secrets: Secrets, body: &mut Value, lines: &mut Lines) {
    take(body, &[CONTAINER[0], CONTAINER[1], "Image"]);
    let image = &service.image;
    if secrets == Secrets::Hidden && image.secrets.is_secret() {
        lines.line("image", &image.secrets.mask());
    } else {
        lines.line("image", &image.value);
    }
}

fn deploy(body: &mut Value, lines: &mut Lines) {
    mode(body, lines);
    lines.take("deploy.endpoint_mode", body, &["EndpointSpec", "Mode"]);
    take_labels("deploy.labels", body, &["Labels"], lines);
    for (word, key) in [("limits", "Limits"), ("reservations", "Reservations")] {
        let at = |field| ["TaskTemplate", "Resources", key, field];
        let word = format!("deploy.resources.{word}");
        lines.take_as(&format!("{word}.cpus"), body, &at("NanoCPUs"), cpus);
        lines.take_as(&format!("{word}.memory"), body, &at("MemoryBytes"), bytes);
        lines.take(&format!("{word}.pids"), body, &at("Pids"));
        let generic = format!("{word}.generic_resources");
        lines.take_list(&generic, body, &at("GenericResources"), plain);
    }
    let at = |field| ["TaskTemplate", "RestartPolicy", field];
    lines.take("deploy.restart_policy.condition", body, &at("Condition"));
    lines.take_as("deploy.restart_policy.delay", body, &at("Delay"), duration);
    lines.take(
        "deploy.restart_policy.max_attempts",
        body,
        &at("MaxAttempts"),
    );
    lines.take_as(
        "deploy.restart_policy.window",
        body,
        &at("Window"),
        duration,
    );
    let at = |field| ["TaskTemplate", "Placement", field];
    lines.take_list(
        "deploy.placement.constraints",
        body,
        &at("Constraints"),
        plain,
    );
    lines.take_list(
        "deploy.placement.preferences",
        body,
        &at("Preferences"),
        spread,
    );
    let most = "deploy.placement.max_replicas_per_node";
    lines.take(most, body, &at("MaxReplicas"));
    update("deploy.update_config", "UpdateConfig", body, lines);
    update("deploy.rollback_config", "RollbackConfig", body, lines);
}

fn mode(body: &mut Value, lines: &mut Lines) {
    let Some(Value::Object(mode)) = take(body, &["Mode"]) else {
        return;
    };
    for (name, mut options) in mode {
        let word = match name.as_str() {
            "Replicated" => "replicated",
            "Global" => "global",
            "ReplicatedJob" => "replicated-job",
            "GlobalJob" => "global-job",
            other => other,
        };
        lines.line("deploy.mode", word);
        lines.take("deploy.replicas", &mut options, &["Replicas"]);
        lines.take("deploy.replicas", &mut options, &["TotalCompletions"]);
        lines.rest(options, &["MaxConcurrent"]);
    }
}

fn update(word: &str, key: &str, body: &mut Value, lines: &mut Lines) {
    lines.take(&format!("{word}.parallelism"), body, &[key, "Parallelism"]);
    lines.take_as(&format!("{word}.delay"), body, &[key, "Delay"], duration);
    lines.take(
        &format!("{word}.failure_action"),
        body,
        &[key, "FailureAction"],
    );
    lines.take_as(
        &format!("{word}.monitor"),
        body,
        &[key, "Monitor"],
        duration,
    );
    lines.take(
        &format!("{word}.max_failure_ratio"),
        body,
        &[key, "MaxFailureRatio"],
    );
    lines.take(&format!("{word}.order"), body, &[key, "Order"]);
}

/// What runs, and as whom.
fn process(container: &mut Value, lines: &mut Lines) {
    lines.take_as("entrypoint", container, &["Command"], plain);
    lines.take_as("command", container, &["Args"], plain);
    lines.take("working_dir", container, &["Dir"]);
    lines.take("user", container, &["User"]);
    lines.take("hostname", container, &["Hostname"]);
    lines.take_list("environment", container, &["Env"], plain);
    take_labels("labels", container, &["Labels"], lines);
    lines.take("init", container, &["Init"]);
    lines.take("tty", container, &["TTY"]);
    lines.take("stdin_open", container, &["OpenStdin"]);
    lines.take("stop_signal", container, &["StopSignal"]);
    lines.take_as(
        "stop_grace_period",
        container,
        &["StopGracePeriod"],
        duration,
    );
    lines.take_list("cap_add", container, &["CapabilityAdd"], plain);
    lines.take_list("cap_drop", container, &["CapabilityDrop"], plain);
    lines.take_pairs("sysctls", container, &["Sysctls"]);
    lines.take_list("ulimits", container, &["Ulimits"], ulimit);
    lines.take_as(
        "healthcheck.test",
        container,
        &["Healthcheck", "Test"],
        plain,
    );
    for (word, key) in [
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start_period", "StartPeriod"),
        ("start_interval", "StartInterval"),
    ] {
        let word = format!("healthcheck.{word}");
        lines.take_as(&word, container, &["Healthcheck", key], duration);
    }
    lines.take(
        "healthcheck.retries",
        container,
        &["Healthcheck", "Retries"],
    );
}

/// What it sees around it.
fn surroundings(container: &mut Value, lines: &mut Lines) {
    lines.take("read_only", container, &["ReadOnly"]);
    lines.take_list("volumes", container, &["Mounts"], mount);
    lines.take_list("configs", container, &["Configs"], |v| {
        file(v, "ConfigName")
    });
    lines.take_list("secrets", container, &["Secrets"], |v| {
        file(v, "SecretName")
    });
    lines.take_list("dns", container, &["DNSConfig", "Nameservers"], plain);
    lines.take_list("dns_search", container, &["DNSConfig", "Search"], plain);
    lines.take_list("extra_hosts", container, &["Hosts"], plain);
    for key in ["Config", "File", "Registry"] {
        let word = format!("credential_spec.{}", key.to_lowercase());
        lines.take(&word, container, &["Privileges", "CredentialSpec", key]);
    }
}

/// Labels but for those that Docker's client puts on everything.
pub(super) fn take_labels(word: &str, body: &mut Value, path: &[&str], lines: &mut Lines) {
    let mut labels = take(body, path).unwrap_or_default();
    take(&mut labels, &[label::NAMESPACE]);
    take(&mut labels, &[label::IMAGE]);
    let mut holder = serde_json::json!({ "Labels": labels });
    lines.take_pairs(word, &mut holder, &["Labels"]);
}

/// `80:8080/tcp ingress`
fn port(port: &Value) -> String {
    let mut port = port.clone();
    let mut field = |key| take(&mut port, &[key]).map(|value| plain(&value));
    let published = field("PublishedPort").unwrap_or_default();
    let target = field("TargetPort").unwrap_or_default();
    let protocol = field("Protocol").unwrap_or_else(|| "tcp".to_owned());
    let mode = field("PublishMode").unwrap_or_else(|| "ingress".to_owned());
    with_rest(format!("{published}:{target}/{protocol} {mode}"), &port)
}

/// `volume data:/data ro`
fn mount(mount: &Value) -> String {
    let mut mount = mount.clone();
    let mut part = |key| take(&mut mount, &[key]).map(|value| plain(&value));
    let kind = part("Type").unwrap_or_default();
    let source = part("Source").map(|s| format!("{s}:")).unwrap_or_default();
    let target = part("Target").unwrap_or_default();
    let read_only = part("ReadOnly").map_or("", |_| " ro");
    take(&mut mount, &["VolumeOptions", "Labels", label::NAMESPACE]);
    with_rest(format!("{kind} {source}{target}{read_only}"), &mount)
}

/// `stk_app.conf -> /etc/app.conf 0444 0:0`
fn file(reference: &Value, name: &str) -> String {
    let mut reference = reference.clone();
    let name = take(&mut reference, &[name]).map(|v| plain(&v));
    let name = name.unwrap_or_default();
    let mut part = |key| take(&mut reference, &["File", key]);
    let Some(target) = part("Name") else {
        return with_rest(format!("{name} -> credential_spec"), &reference);
    };
    let mode = part("Mode").and_then(|mode| mode.as_u64()).unwrap_or(0);
    let [uid, gid] = ["UID", "GID"].map(|key| part(key).map_or(String::new(), |v| plain(&v)));
    let text = format!("{name} -> {} {mode:04o} {uid}:{gid}", plain(&target));
    with_rest(text, &reference)
}

/// `stk_default (aliases: web)`
fn network(network: &Value) -> String {
    let mut network = network.clone();
    let target = take(&mut network, &["Target"]).map(|v| plain(&v));
    let mut text = target.unwrap_or_default();
    if let Some(Value::Array(aliases)) = take(&mut network, &["Aliases"]) {
        let aliases: Vec<String> = aliases.iter().map(plain).collect();
        text = format!("{text} (aliases: {})", aliases.join(", "));
    }
    with_rest(text, &network)
}

fn spread(preference: &Value) -> String {
    let spread = preference.pointer("/Spread/SpreadDescriptor");
    spread.map_or_else(|| plain(preference), |s| format!("spread: {}", plain(s)))
}

fn ulimit(limit: &Value) -> String {
    let part = |key| limit.get(key).map(plain).unwrap_or_default();
    format!("{}={}:{}", part("Name"), part("Soft"), part("Hard"))
}

/// Appends what no word was found for.
fn with_rest(text: String, rest: &Value) -> String {
    let rest = without_empty(rest);
    match rest.as_object() {
        Some(fields) if fields.is_empty() => text,
        _ => format!("{text} {rest}"),
    }
}

fn without_empty(value: &Value) -> Value {
    let Some(fields) = value.as_object() else {
        return value.clone();
    };
    let fields = fields.iter().map(|(k, v)| (k.clone(), without_empty(v)));
    fields
        .filter(|(_, value)| value.as_object().is_none_or(|fields| !fields.is_empty()))
        .collect()
}

/// Nanoseconds in the largest unit that is whole.
fn duration(value: &Value) -> String {
    match value.as_i64() {
        Some(time) if time % 1_000_000_000 == 0 => format!("{}s", time / 1_000_000_000),
        Some(time) if time % 1_000_000 == 0 => format!("{}ms", time / 1_000_000),
        Some(time) => format!("{time}ns"),
        None => plain(value),
    }
}

fn cpus(value: &Value) -> String {
    let Some(nano) = value.as_i64() else {
        return plain(value);
    };
    let text = format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes in the largest binary unit that is whole.
fn bytes(value: &Value) -> String {
    let Some(bytes) = value.as_i64() else {
        return plain(value);
    };
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let whole = units.iter().find(|(bits, _)| bytes % (1i64 << bits) == 0);
    match whole {
        Some((bits, unit)) => format!("{}{unit}", bytes >> bits),
        None => format!("{bytes}B"),
    }
}

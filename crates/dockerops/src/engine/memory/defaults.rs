//! What a manager makes of a body: measured on engine 20.10 by reading back a
//! service with every field set.

use std::collections::BTreeMap;

use dockerops_core::observed::Network;
use serde_json::{Value, json};

/// The spec that is stored for the service body `sent`, ids already in it.
pub(super) fn service(mut sent: Value) -> Value {
    drop_empty(&mut sent);
    fill(&mut sent, "/EndpointSpec", &[("Mode", json!("vip"))]);
    for port in items(&mut sent, "/EndpointSpec/Ports") {
        add(
            port,
            &[
                ("Protocol", json!("tcp")),
                ("PublishMode", json!("ingress")),
            ],
        );
    }
    fill(&mut sent, "/Mode/Replicated", &[("Replicas", json!(1))]);
    for config in ["/UpdateConfig", "/RollbackConfig"] {
        let defaults = [
            ("Parallelism", json!(0)),
            ("MaxFailureRatio", json!(0)),
            ("FailureAction", json!("pause")),
            ("Order", json!("stop-first")),
        ];
        fill(&mut sent, config, &defaults);
    }
    let restart = [("Condition", json!("any")), ("MaxAttempts", json!(0))];
    fill(&mut sent, "/TaskTemplate/RestartPolicy", &restart);
    let privileges = [
        ("CredentialSpec", Value::Null),
        ("SELinuxContext", Value::Null),
    ];
    fill(
        &mut sent,
        "/TaskTemplate/ContainerSpec/Privileges",
        &privileges,
    );
    fill(
        &mut sent,
        "/TaskTemplate/ContainerSpec",
        &[("Isolation", json!("default"))],
    );
    for mount in items(&mut sent, "/TaskTemplate/ContainerSpec/Mounts") {
        if let Some(mount) = mount.as_object_mut() {
            mount.remove("Consistency");
        }
    }
    add(
        &mut sent,
        &[("Labels", json!({})), ("TaskTemplate", json!({}))],
    );
    let task = [("ForceUpdate", json!(0)), ("Runtime", json!("container"))];
    fill(&mut sent, "/TaskTemplate", &task);
    sent
}

/// The network as listed.
pub(super) fn network(id: &str, name: &str, scope: &str, sent: &Value) -> Network {
    let mut raw = sent.clone();
    if let Some(map) = raw.as_object_mut() {
        map.remove("CheckDuplicate");
    }
    raw["Id"] = json!(id);
    raw["Scope"] = json!(scope);
    add(
        &mut raw,
        &[("Driver", json!("overlay")), ("Labels", json!({}))],
    );
    Network {
        id: id.to_owned(),
        name: name.to_owned(),
        scope: scope.to_owned(),
        labels: labels(&raw),
        raw,
    }
}

/// `Labels` of `spec`.
pub(super) fn labels(spec: &Value) -> BTreeMap<String, String> {
    let pairs = spec["Labels"].as_object().into_iter().flatten();
    let pairs = pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    pairs.collect()
}

fn fill(spec: &mut Value, pointer: &str, defaults: &[(&str, Value)]) {
    if let Some(object) = spec.pointer_mut(pointer) {
        add(object, defaults);
    }
}

fn add(object: &mut Value, defaults: &[(&str, Value)]) {
    let Some(map) = object.as_object_mut() else {
        return;
    };
    for (key, value) in defaults {
        map.entry((*key).to_owned())
            .or_insert_with(|| value.clone());
    }
}

fn items<'a>(spec: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = spec.pointer_mut(pointer).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// Empty lists, texts, zeros, `false` and `null` are not stored. Objects stay
/// (`Global: {}` means something), and so do values whose absence means another:
/// `Replicas: 0`, `Init: false`, attempts and delays of zero.
fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let fields = map.iter_mut().filter(|(key, _)| !is_free_form(key));
            fields.for_each(|(_, value)| drop_empty(value));
            map.retain(|key, value| keeps_zero(key) || !is_empty(value));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

/// Objects whose keys the user chose: an empty value is a value.
fn is_free_form(key: &str) -> bool {
    matches!(key, "Labels" | "Options" | "DriverOpts" | "Sysctls")
}

fn keeps_zero(key: &str) -> bool {
    matches!(
        key,
        "Replicas"
            | "Init"
            | "MaxAttempts"
            | "Delay"
            | "Window"
            | "Parallelism"
            | "MaxFailureRatio"
            | "ForceUpdate"
            | "StopGracePeriod"
    )
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(_) | Value::Bool(true) => false,
    }
}

//! The engine's JSON → [`dockerops_core::observed`].
//!
//! Tolerant on purpose: a field that is missing is empty, a word that is not
//! known stays a word. One object that a newer engine writes otherwise must not
//! hide all the others.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dockerops_core::observed::{
    FileObject, Moment, Network, Node, Service, Task, UpdateStatus, Volume,
};
use jiff::Timestamp;
use serde_json::Value;

/// The items of a list answer.
pub(super) fn list<T>(answer: &Value, item: impl Fn(&Value) -> T) -> Vec<T> {
    let items = answer.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().map(item).collect()
}

pub(super) fn service(json: &Value) -> Service {
    let status = &json["UpdateStatus"];
    // The engine writes an empty object where there is no status.
    let update = (!text(status, "State").is_empty()).then(|| UpdateStatus {
        state: text(status, "State"),
        message: text(status, "Message"),
    });
    Service {
        id: text(json, "ID"),
        version: version(json),
        name: text(&json["Spec"], "Name"),
        spec: json["Spec"].clone(),
        update,
        job_iteration: iteration(&json["JobStatus"]),
    }
}

pub(super) fn network(json: &Value) -> Network {
    Network {
        id: text(json, "Id"),
        name: text(json, "Name"),
        scope: text(json, "Scope"),
        labels: strings(&json["Labels"]),
        raw: json.clone(),
    }
}

pub(super) fn volume(json: &Value) -> Volume {
    Volume {
        name: text(json, "Name"),
        labels: strings(&json["Labels"]),
    }
}

/// A config or a secret; secrets come without `Data`.
pub(super) fn file(json: &Value) -> FileObject {
    let mut spec = json["Spec"].clone();
    let data = spec.as_object_mut().and_then(|spec| spec.remove("Data"));
    let data = data.as_ref().and_then(Value::as_str);
    FileObject {
        id: text(json, "ID"),
        version: version(json),
        name: text(&spec, "Name"),
        labels: strings(&spec["Labels"]),
        data: data.and_then(|data| BASE64_STANDARD.decode(data).ok()),
        spec,
    }
}

/// Which run of a job it is. The engine leaves the number of the first, 0, out.
fn iteration(json: &Value) -> Option<u64> {
    let iteration = json["JobIteration"].as_object()?;
    let index = iteration.get("Index").and_then(Value::as_u64);
    Some(index.unwrap_or(0))
}

pub(super) fn task(json: &Value) -> Task {
    let status = &json["Status"];
    Task {
        id: text(json, "ID"),
        service_id: text(json, "ServiceID"),
        slot: json["Slot"].as_u64().unwrap_or(0),
        node_id: text(json, "NodeID"),
        desired_state: text(json, "DesiredState"),
        state: text(status, "State"),
        error: text(status, "Err"),
        message: text(status, "Message"),
        exit_code: status["ContainerStatus"]["ExitCode"].as_i64(),
        created_at: moment(&json["CreatedAt"]),
        since: moment(&status["Timestamp"]),
        image: text(&json["Spec"]["ContainerSpec"], "Image"),
        container: text(&status["ContainerStatus"], "ContainerID"),
        job_iteration: iteration(json),
    }
}

pub(super) fn node(json: &Value) -> Node {
    let (spec, description) = (&json["Spec"], &json["Description"]);
    Node {
        id: text(json, "ID"),
        hostname: text(description, "Hostname"),
        state: text(&json["Status"], "State"),
        availability: text(spec, "Availability"),
        role: text(spec, "Role"),
        labels: strings(&spec["Labels"]),
        engine_labels: strings(&description["Engine"]["Labels"]),
        os: text(&description["Platform"], "OS"),
        architecture: text(&description["Platform"], "Architecture"),
    }
}

pub(super) fn text(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}

/// A list of strings; `null` is empty.
pub(super) fn texts(json: &Value) -> Vec<String> {
    let items = json.as_array().map_or(&[][..], Vec::as_slice);
    let texts = items.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// RFC 3339, as Go writes it; what is not one is the first moment.
pub(super) fn moment(json: &Value) -> Moment {
    let moment = json
        .as_str()
        .and_then(|text| text.parse::<Timestamp>().ok());
    let since_1970 = moment.map(|moment| Duration::try_from(moment.as_duration()));
    Moment(since_1970.and_then(Result::ok).unwrap_or_default())
}

fn version(json: &Value) -> u64 {
    json["Version"]["Index"].as_u64().unwrap_or(0)
}

fn strings(json: &Value) -> BTreeMap<String, String> {
    let pairs = json.as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    pairs
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_and_fields_of_a_newer_engine_do_not_hide_an_object() {
        let answer = json!([
            {"ID": "t1", "Status": {"State": "hibernating"}, "DesiredState": "asleep", "New": {}},
            {"ID": "t2", "Slot": 2, "Status": {"State": "failed", "Err": "task: non-zero exit (3)",
                "ContainerStatus": {"ExitCode": 3}}},
        ]);
        let tasks = list(&answer, task);
        assert_eq!(tasks[0].state, "hibernating");
        assert_eq!((tasks[1].slot, tasks[1].exit_code), (2, Some(3)));
        assert!(list(&Value::Null, task).is_empty());
    }

    #[test]
    fn the_content_of_a_config_is_decoded_and_not_part_of_its_spec() {
        let config = file(&json!({"ID": "c", "Version": {"Index": 7},
            "Spec": {"Name": "web_c", "Labels": {"a": "b"}, "Data": "aGkK"}}));
        assert_eq!(config.data.as_deref(), Some(&b"hi\n"[..]));
        assert_eq!(config.spec, json!({"Name": "web_c", "Labels": {"a": "b"}}));
        assert_eq!((config.version, config.labels["a"].as_str()), (7, "b"));
    }

    #[test]
    fn moments_are_ordered_although_go_leaves_zeros_out() {
        let at = |text: &str| moment(&json!(text));
        assert!(at("2026-01-01T00:00:00.5Z") < at("2026-01-01T00:00:00.51Z"));
        assert_eq!(at("0001-01-01T00:00:00Z"), Moment::default());
        assert_eq!(at("soon"), Moment::default());
    }

    #[test]
    fn an_empty_update_status_is_none() {
        assert_eq!(service(&json!({"UpdateStatus": {}})).update, None);
        assert_eq!(service(&json!({})).update, None);
    }
}

//! Questions to the Swarm that tests ask, answered by the Engine API.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::error::LabError;
use crate::http;

/// Services by name, as the Engine API gives them.
pub type Services = BTreeMap<String, Value>;

pub(crate) fn get(socket: &Path, path: &str) -> Result<Value, LabError> {
    http::get(socket, path)?.json()
}

pub(crate) fn services(socket: &Path, stack: &str) -> Result<Services, LabError> {
    let filter = format!(r#"{{"label":["com.docker.stack.namespace={stack}"]}}"#);
    let all = get(socket, &format!("/services?filters={}", encoded(&filter)))?;
    let named = |service: &Value| {
        let name = service.pointer("/Spec/Name")?.as_str()?.to_owned();
        Some((name, service.clone()))
    };
    Ok(all
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(named)
        .collect())
}

pub(crate) fn version(socket: &Path, service: &str) -> Result<u64, LabError> {
    let found = get(socket, &format!("/services/{service}"))?;
    let index = found.pointer("/Version/Index").and_then(Value::as_u64);
    index.ok_or_else(|| LabError::Unreadable {
        what: format!("the version of `{service}`"),
    })
}

pub(crate) fn tasks(socket: &Path, service: &str) -> Result<Vec<Value>, LabError> {
    let filter = format!(r#"{{"service":["{service}"]}}"#);
    let all = get(socket, &format!("/tasks?filters={}", encoded(&filter)))?;
    Ok(all.as_array().cloned().unwrap_or_default())
}

pub(crate) fn running(socket: &Path, service: &str) -> Result<usize, LabError> {
    let is_running = |task: &&Value| {
        task.pointer("/Status/State").and_then(Value::as_str) == Some("running")
            && task.get("DesiredState").and_then(Value::as_str) == Some("running")
    };
    Ok(tasks(socket, service)?.iter().filter(is_running).count())
}

/// Percent-encodes all but letters, digits and `-_.~`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

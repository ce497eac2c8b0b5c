//! Images on this node: find, pull, remove.

use std::collections::BTreeMap;
use std::time::Duration;

use dockerops_core::secret::Secret;
use reqwest::{Method, Response};
use serde_json::Value;

use super::client::{Call, Client, image_path};
use super::convert::{text, texts};
use super::error::EngineError;
use super::{ImageRemoval, LocalImage, PullProgress};

/// A layer that is unpacked may bring no progress for long.
const PULL_PATIENCE: Duration = Duration::from_secs(300);

pub(super) fn convert(json: &Value) -> LocalImage {
    // Old engines write `<none>:<none>` and `<none>@<none>` for nothing.
    let real = |names: Vec<String>| {
        let names = names.into_iter().filter(|name| !name.contains("<none>"));
        names.collect()
    };
    LocalImage {
        id: text(json, "Id"),
        tags: real(texts(&json["RepoTags"])),
        digests: real(texts(&json["RepoDigests"])),
    }
}

pub(super) async fn find(client: &Client, name: &str) -> Result<Option<LocalImage>, EngineError> {
    let path = format!("/images/{}/json", image_path(name));
    match client.json(Call::get(path).about(name)).await {
        Ok(json) => Ok(Some(convert(&json))),
        Err(EngineError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) async fn remove(client: &Client, name: &str) -> Result<ImageRemoval, EngineError> {
    let path = format!("/images/{}", image_path(name));
    let call = Call::new(Method::DELETE, path).about(name);
    match client.json(call).await {
        Ok(_) => Ok(ImageRemoval::Removed),
        Err(EngineError::NotFound { .. }) => Ok(ImageRemoval::Absent),
        Err(
            EngineError::InUse { message, .. }
            | EngineError::NameConflict { message, .. }
            | EngineError::Refused {
                status: 409,
                message,
                ..
            },
        ) => Ok(ImageRemoval::Kept { message }),
        Err(error) => Err(error),
    }
}

/// Pulls `reference`. A failure may come as status, or in the middle of a stream
/// that began with 200.
pub(super) async fn pull(
    client: &Client,
    reference: &str,
    registry_auth: Option<&Secret>,
    progress: &(dyn Fn(PullProgress) + Send + Sync),
) -> Result<(), EngineError> {
    let failed = |message| EngineError::Pull {
        image: reference.to_owned(),
        message,
    };
    let call = Call::new(Method::POST, "/images/create")
        .about(reference)
        .query("fromImage", reference)
        .registry_auth(registry_auth.and_then(Secret::expose_text));
    match client.send(call).await {
        Ok(response) => follow(client, response, progress).await?.map_err(failed),
        Err(EngineError::Refused { message, .. }) => Err(failed(message)),
        Err(EngineError::NotFound { .. }) => {
            Err(failed("the registry does not have it".to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Reads the stream to its end. The inner error is what the engine wrote into it.
async fn follow(
    client: &Client,
    mut response: Response,
    progress: &(dyn Fn(PullProgress) + Send + Sync),
) -> Result<Result<(), String>, EngineError> {
    let mut lines = Lines::default();
    let mut layers = Layers::default();
    let doing = "POST /images/create";
    loop {
        let patience = Some(PULL_PATIENCE);
        let chunk = client.chunk(&mut response, doing, patience).await?;
        // The last line may lack its end.
        for line in lines.push(chunk.as_deref().unwrap_or(b"\n")) {
            if let Some(error) = line["error"].as_str() {
                return Ok(Err(error.to_owned()));
            }
            progress(layers.add(&line));
        }
        if chunk.is_none() {
            return Ok(Ok(()));
        }
    }
}

/// Cuts a stream into its lines of JSON; what is no JSON is left out.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, chunk: &[u8]) -> Vec<Value> {
        self.0.extend_from_slice(chunk);
        let Some(end) = self.0.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let rest = self.0.split_off(end + 1);
        let whole = std::mem::replace(&mut self.0, rest);
        let lines = whole.split(|byte| *byte == b'\n');
        lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }
}

/// Bytes by layer: the engine reports each layer for itself.
#[derive(Default)]
struct Layers(BTreeMap<String, (u64, u64)>);

impl Layers {
    fn add(&mut self, line: &Value) -> PullProgress {
        let detail = &line["progressDetail"];
        // Extracting starts again from 0: only what comes over the wire counts.
        if let (Some("Downloading"), Some(total)) =
            (line["status"].as_str(), detail["total"].as_u64())
        {
            let current = detail["current"].as_u64().unwrap_or(0);
            self.0.insert(text(line, "id"), (current, total));
        } else if line["status"] == "Download complete"
            && let Some((current, total)) = self.0.get_mut(&text(line, "id"))
        {
            *current = *total;
        }
        PullProgress {
            status: text(line, "status"),
            current: self.0.values().map(|(current, _)| current).sum(),
            total: self.0.values().map(|(_, total)| total).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn progress_cut_anywhere_is_put_together() {
        let text = b"{\"a\":1}\r\n{\"a\":2}\n{\"a\":3}\n";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut all = lines.push(&text[..cut]);
            all.extend(lines.push(&text[cut..]));
            assert_eq!(all, [json!({"a": 1}), json!({"a": 2}), json!({"a": 3})]);
        }
    }

    #[test]
    fn bytes_of_all_layers_add_up() {
        let mut layers = Layers::default();
        let line = |id: &str, status: &str, current: u64| json!({"id": id, "status": status, "progressDetail": {"current": current, "total": 10}});
        layers.add(&line("a", "Downloading", 4));
        layers.add(&line("b", "Downloading", 3));
        layers.add(&line("a", "Extracting", 1));
        let done = layers.add(&json!({"id": "b", "status": "Download complete"}));
        assert_eq!((done.current, done.total), (14, 20));
    }

    #[test]
    fn an_image_that_only_swarm_pulled_has_no_tags() {
        let image = convert(&json!({"Id": "sha256:1", "RepoTags": ["<none>:<none>"],
            "RepoDigests": ["r/a@sha256:2"]}));
        assert!(image.tags.is_empty());
        assert_eq!(image.digests, ["r/a@sha256:2"]);
    }
}

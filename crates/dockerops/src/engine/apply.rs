//! One [`Action`] → one write, tried again only where waiting is all it takes.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dockerops_core::body::Body;
use dockerops_core::plan::{Action, FileKind};
use dockerops_core::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Applied;
use super::client::{Call, segment};
use super::convert::{text, texts};
use super::docker::DockerEngine;
use super::error::EngineError;
use super::names::{Referent, fill_ids, referents};

/// How long a network may go on being used, or vanishing, before that is an error.
/// Tasks get 10 s to stop by default, and networks need some more to be freed.
const NETWORK_PATIENCE: Duration = Duration::from_secs(30);
/// The same of a volume; a test is less patient.
const VOLUME_PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 15 });
const NETWORK_POLL: Duration = Duration::from_millis(250);

/// Carries out `action`. Values of secrets are masked in errors.
pub(super) async fn apply(
    engine: &DockerEngine,
    action: &Action,
    registry_auth: Option<&Secret>,
) -> Result<Applied, EngineError> {
    let auth = registry_auth.and_then(Secret::expose_text);
    let done = match action {
        Action::CreateNetwork { name, body } => create_network(engine, name, body).await,
        Action::CreateFile {
            kind,
            name,
            body,
            data,
        } => create_file(engine, *kind, name, body, data).await,
        Action::RelabelFile {
            kind,
            id,
            version,
            name,
            body,
        } => {
            let path = format!("{}/{}/update", collection(*kind), segment(id));
            let call = Call::new(Method::POST, path).query("version", version.to_string());
            let body = body.expose();
            updated(engine, call.about(name).body(&body)).await
        }
        Action::CreateService { name, body } => {
            let path = "/services/create".to_owned();
            let answer = write_service(engine, name, path, None, body, auth).await;
            answer.map(|answer| Applied::Created {
                id: text(&answer, "ID"),
                warnings: warnings(&answer),
            })
        }
        Action::UpdateService {
            id,
            version,
            name,
            body,
            ..
        } => {
            let path = format!("/services/{}/update", segment(id));
            let answer = write_service(engine, name, path, Some(*version), body, auth).await;
            answer.map(|answer| Applied::Updated {
                warnings: warnings(&answer),
            })
        }
        Action::RemoveService { id, name } => remove(engine, "/services", id, name).await,
        Action::RemoveFile { kind, id, name } => {
            engine.names().forget((*kind).into(), name);
            match remove(engine, collection(*kind), id, name).await {
                Err(EngineError::InUse { message, .. }) => Ok(Applied::StillInUse { message }),
                other => other,
            }
        }
        Action::RemoveNetwork { id, name } => remove_network(engine, id, name).await,
        Action::RemoveVolume { name } => remove_volume(engine, name).await,
    };
    done.map_err(|error| super::scrub::error(error, action))
}

fn collection(kind: FileKind) -> &'static str {
    Referent::from(kind).path()
}

async fn updated(engine: &DockerEngine, call: Call<'_>) -> Result<Applied, EngineError> {
    let answer = engine.client.json(call).await?;
    Ok(Applied::Updated {
        warnings: warnings(&answer),
    })
}

/// `Warnings` of services; `Warning` of networks.
fn warnings(answer: &Value) -> Vec<String> {
    let mut all = texts(&answer["Warnings"]);
    all.push(text(answer, "Warning"));
    all.retain(|warning| !warning.is_empty());
    all
}

async fn create_network(
    engine: &DockerEngine,
    name: &str,
    body: &Body,
) -> Result<Applied, EngineError> {
    let mut body = body.expose();
    // Else engines before 25 may make a second network of the same name.
    body["CheckDuplicate"] = json!(true);
    let call = Call::new(Method::POST, "/networks/create");
    let applied = match engine.client.json(call.about(name).body(&body)).await {
        Ok(answer) => Applied::Created {
            id: text(&answer, "Id"),
            warnings: warnings(&answer),
        },
        Err(EngineError::NameConflict { message, .. }) => {
            existing_network(engine, name, &body, message).await?
        }
        Err(error) => return Err(error),
    };
    if let Applied::Created { id, .. } | Applied::AlreadyThere { id } = &applied {
        engine.names().add(Referent::Network, name, id);
    }
    Ok(applied)
}

/// A network that somebody made since the Swarm was observed is fine when it is the same.
async fn existing_network(
    engine: &DockerEngine,
    name: &str,
    wanted: &Value,
    message: String,
) -> Result<Applied, EngineError> {
    let Some(found) = find(engine, Referent::Network, name).await? else {
        let name = name.to_owned();
        return Err(EngineError::NameConflict { name, message });
    };
    match super::names::network_difference(wanted, &found) {
        None => Ok(Applied::AlreadyThere {
            id: text(&found, "Id"),
        }),
        Some(difference) => Err(EngineError::NetworkDiffers {
            name: name.to_owned(),
            difference,
        }),
    }
}

async fn create_file(
    engine: &DockerEngine,
    kind: FileKind,
    name: &str,
    body: &Body,
    data: &Secret,
) -> Result<Applied, EngineError> {
    let mut body = body.expose();
    // With a driver the engine refuses data, even empty.
    if !data.expose().is_empty() {
        body["Data"] = json!(BASE64_STANDARD.encode(data.expose()));
    }
    let call = Call::new(Method::POST, format!("{}/create", collection(kind)));
    let answer = engine.client.json(call.about(name).body(&body)).await?;
    let id = text(&answer, "ID");
    engine.names().add(kind.into(), name, &id);
    Ok(Applied::Created {
        id,
        warnings: Vec::new(),
    })
}

/// Creates or updates a service. A network that is still listed but gone already
/// (a stack was just removed) is waited for; then it is for a new plan to make it.
async fn write_service(
    engine: &DockerEngine,
    name: &str,
    path: String,
    version: Option<u64>,
    body: &Body,
    auth: Option<&str>,
) -> Result<Value, EngineError> {
    let until = Instant::now() + NETWORK_PATIENCE;
    loop {
        let mut json = body.expose();
        resolve(engine, &mut json).await?;
        let mut call = Call::new(Method::POST, path.clone()).about(name);
        if let Some(version) = version {
            call = call.query("version", version.to_string());
        }
        let answer = engine.client.json(call.body(&json).registry_auth(auth));
        match answer.await {
            Err(EngineError::NetworkVanished { .. }) if Instant::now() < until => {}
            other => return other,
        }
        if let Some(network) = gone_network(engine, &json).await? {
            let name = name.to_owned();
            return Err(EngineError::NetworkVanished { name, network });
        }
        sleep(NETWORK_POLL).await;
    }
}

/// Puts ids in place of names, asking the engine for those not known.
async fn resolve(engine: &DockerEngine, body: &mut Value) -> Result<(), EngineError> {
    for (kind, name) in referents(body) {
        if engine.names().id(kind, &name).is_some() {
            continue;
        }
        match find(engine, kind, &name).await? {
            Some(found) => {
                let key = if kind == Referent::Network {
                    "Id"
                } else {
                    "ID"
                };
                engine.names().add(kind, &name, &text(&found, key));
            }
            None => {
                return Err(EngineError::NotFound {
                    what: kind.word(),
                    name,
                });
            }
        }
    }
    let names = engine.names();
    fill_ids(body, &mut |kind, name| {
        names.id(kind, name).map(str::to_owned)
    });
    Ok(())
}

/// The first network of the service `json` (with ids) that is not there any more,
/// by name. It is forgotten.
async fn gone_network(engine: &DockerEngine, json: &Value) -> Result<Option<String>, EngineError> {
    for (kind, id) in referents(json) {
        if kind == Referent::Network && find(engine, kind, &id).await?.is_none() {
            return Ok(Some(engine.names().forget_id(&id).unwrap_or(id)));
        }
    }
    Ok(None)
}

/// One network, config or secret by name or id. Networks of the Swarm only: the
/// predefined `host` and `bridge` exist twice, locally and on the Swarm.
async fn find(
    engine: &DockerEngine,
    kind: Referent,
    name: &str,
) -> Result<Option<Value>, EngineError> {
    let path = format!("{}/{}", kind.path(), segment(name));
    let mut call = Call::get(path).about(name);
    if kind == Referent::Network {
        call = call.query("scope", "swarm");
    }
    match engine.client.json(call).await {
        Ok(found) => Ok(Some(found)),
        Err(EngineError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn remove(
    engine: &DockerEngine,
    collection: &str,
    id: &str,
    name: &str,
) -> Result<Applied, EngineError> {
    let path = format!("{collection}/{}", segment(id));
    let call = Call::new(Method::DELETE, path).about(name);
    match engine.client.json(call).await {
        Ok(_) | Err(EngineError::NotFound { .. }) => Ok(Applied::Removed),
        Err(error) => Err(error),
    }
}

/// Tasks that are being stopped hold their network for a while.
async fn remove_network(
    engine: &DockerEngine,
    id: &str,
    name: &str,
) -> Result<Applied, EngineError> {
    let until = Instant::now() + NETWORK_PATIENCE;
    engine.names().forget(Referent::Network, name);
    loop {
        match remove(engine, "/networks", id, name).await {
            Err(EngineError::InUse { message, .. }) if by_tasks(&message) => {
                if Instant::now() >= until {
                    return Ok(Applied::StillInUse { message });
                }
            }
            Err(EngineError::InUse { message, .. }) => {
                return Ok(Applied::StillInUse { message });
            }
            other => return other,
        }
        sleep(NETWORK_POLL).await;
    }
}

/// Containers of a service that was just removed hold its volumes for a while; those that
/// ended before an update, for as long as Swarm remembers them.
async fn remove_volume(engine: &DockerEngine, name: &str) -> Result<Applied, EngineError> {
    let until = Instant::now() + VOLUME_PATIENCE;
    loop {
        match remove(engine, "/volumes", name, name).await {
            Err(EngineError::InUse { .. }) if Instant::now() < until => {}
            Err(EngineError::InUse { .. }) => {
                let message = format!(
                    "volume `{name}` is kept for now: a container, perhaps one that ended, still has it"
                );
                return Ok(Applied::StillInUse { message });
            }
            other => return other,
        }
        sleep(NETWORK_POLL).await;
    }
}

/// `network x is in use by task y` passes; `… by service y` does not.
fn by_tasks(message: &str) -> bool {
    message.contains("in use by task") || message.contains("has active endpoints")
}

//! The real client against a small engine on a unix socket in this process.

use std::sync::{Arc, Mutex};

use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use dockerops_core::body::Body;
use dockerops_core::plan::{Action, FileKind, Restarts};
use dockerops_core::secret::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::{
    Applied, DockerEngine, Engine, EngineError, EngineSettings, ImageRemoval, SwarmState,
    TaskFilter,
};

/// What came in: method, path with query, body, `X-Registry-Auth`.
#[derive(Debug, Clone)]
struct Seen {
    line: String,
    body: Value,
    auth: Option<String>,
}

type Answer = dyn Fn(&Seen) -> (u16, String) + Send + Sync;

#[derive(Clone)]
struct Shared {
    api: &'static str,
    answer: Arc<Answer>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

struct FakeEngine {
    engine: DockerEngine,
    shared: Shared,
    _folder: TempDir,
}

impl FakeEngine {
    fn start(answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::with_api("1.41", answer)
    }

    fn with_api(
        api: &'static str,
        answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.sock");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let shared = Shared {
            api,
            answer: Arc::new(answer),
            seen: Arc::default(),
        };
        let app = axum::Router::new()
            .fallback(handle)
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            engine: engine(&format!("unix://{}", path.display())),
            shared,
            _folder: folder,
        }
    }

    fn lines(&self) -> Vec<String> {
        let seen = self.shared.seen.lock().unwrap();
        seen.iter().map(|seen| seen.line.clone()).collect()
    }

    fn last(&self) -> Seen {
        self.shared.seen.lock().unwrap().last().unwrap().clone()
    }
}

fn engine(host: &str) -> DockerEngine {
    let _ = rustls::crypto::ring::default_provider().install_default();
    DockerEngine::new(&EngineSettings {
        host: Some(host.to_owned()),
        ..EngineSettings::default()
    })
    .unwrap()
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let response = Response::builder().header("api-version", shared.api);
    if request.uri().path() == "/_ping" {
        return response.body(HttpBody::from("OK")).unwrap();
    }
    let line = format!("{} {}", request.method(), request.uri());
    let auth = request.headers().get("x-registry-auth");
    let auth = auth.map(|value| value.to_str().unwrap().to_owned());
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let seen = Seen { line, body, auth };
    let (status, text) = (shared.answer)(&seen);
    shared.seen.lock().unwrap().push(seen);
    response.status(status).body(HttpBody::from(text)).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "tests read better")]
fn ok(body: Value) -> (u16, String) {
    (200, body.to_string())
}

fn refuse(status: u16, message: &str) -> (u16, String) {
    (status, json!({"message": message}).to_string())
}

fn service_action(body: Value) -> Action {
    Action::CreateService {
        name: "web_a".to_owned(),
        body: Body::from(body),
    }
}

#[tokio::test]
async fn observing_takes_four_lists_of_the_agreed_version() {
    let fake = FakeEngine::with_api("1.53", |seen| match seen.line.as_str() {
        "GET /v1.47/services" => ok(json!([{"ID": "s", "Version": {"Index": 7},
            "Spec": {"Name": "web_a"}, "UpdateStatus": {"State": "paused", "Message": "m"}}])),
        "GET /v1.47/networks" => ok(json!([{"Id": "n", "Name": "web_default", "Scope": "swarm"}])),
        _ => ok(Value::Null),
    });
    let observed = fake.engine.observe().await.unwrap();
    assert_eq!(
        observed.services[0].update.as_ref().unwrap().state,
        "paused"
    );
    assert_eq!(observed.networks[0].id, "n");
    let mut lines = fake.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GET /v1.47/configs",
            "GET /v1.47/networks",
            "GET /v1.47/secrets",
            "GET /v1.47/services"
        ]
    );
}

#[tokio::test]
async fn an_old_engine_is_refused_before_anything_is_asked() {
    let fake = FakeEngine::with_api("1.40", |_| ok(Value::Null));
    let error = fake.engine.observe().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the Docker Engine is too old: its API version is 1.40, and 1.41 is needed"
    );
    assert!(fake.lines().is_empty());
}

#[tokio::test]
async fn no_socket_and_a_dead_socket_say_where_they_looked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.sock");
    let host = format!("unix://{}", path.display());
    let error = engine(&host).info().await.unwrap_err();
    assert!(matches!(&error, EngineError::NoSocket { path: p } if *p == path.to_string_lossy()));
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let error = engine(&host).info().await.unwrap_err();
    assert!(
        matches!(error, EngineError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_silent_engine_is_not_waited_for_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.sock");
    let _silent = tokio::net::UnixListener::bind(&path).unwrap();
    let engine = DockerEngine::new(&EngineSettings {
        host: Some(format!("unix://{}", path.display())),
        stall_timeout: std::time::Duration::from_millis(20),
        ..EngineSettings::default()
    });
    let error = engine.unwrap().info().await.unwrap_err();
    assert!(matches!(error, EngineError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn only_a_manager_passes_the_check() {
    for (swarm, state) in [
        (
            json!({"LocalNodeState": "active", "ControlAvailable": true}),
            SwarmState::Manager,
        ),
        (
            json!({"LocalNodeState": "active", "ControlAvailable": false}),
            SwarmState::Worker,
        ),
        (json!({"LocalNodeState": "inactive"}), SwarmState::Inactive),
        (json!({"LocalNodeState": "locked"}), SwarmState::Locked),
    ] {
        let fake = FakeEngine::start(move |_| ok(json!({"Swarm": swarm})));
        assert_eq!(fake.engine.info().await.unwrap().swarm, state);
        let passes = fake.engine.check_manager().await.is_ok();
        assert_eq!(passes, state == SwarmState::Manager);
    }
}

#[tokio::test]
async fn a_service_is_sent_with_ids_and_credentials() {
    let fake = FakeEngine::start(|seen| match seen.line.as_str() {
        "GET /v1.41/networks/host?scope=swarm" => ok(json!({"Id": "swarm-host", "Name": "host"})),
        "POST /v1.41/secrets/create" => (201, json!({"ID": "sec1"}).to_string()),
        "POST /v1.41/services/create" => ok(json!({"ID": "svc1", "Warnings": ["careful"]})),
        other => refuse(404, other),
    });
    let secret = Action::CreateFile {
        kind: FileKind::Secret,
        name: "web_s".to_owned(),
        body: Body::from(json!({"Name": "web_s"})),
        data: Secret::new("hi\n"),
    };
    fake.engine.apply(&secret, None).await.unwrap();
    assert_eq!(fake.last().body, json!({"Name": "web_s", "Data": "aGkK"}));
    let action = service_action(json!({"Name": "web_a", "TaskTemplate": {
        "Networks": [{"Target": "host"}],
        "ContainerSpec": {"Secrets": [{"SecretName": "web_s"}]},
    }}));
    let auth = Secret::new("e30=");
    let applied = fake.engine.apply(&action, Some(&auth)).await.unwrap();
    assert_eq!(
        applied,
        Applied::Created {
            id: "svc1".to_owned(),
            warnings: vec!["careful".to_owned()]
        }
    );
    let seen = fake.last();
    assert_eq!(seen.auth.as_deref(), Some("e30="));
    let template = &seen.body["TaskTemplate"];
    assert_eq!(template["Networks"][0]["Target"], "swarm-host");
    assert_eq!(template["ContainerSpec"]["Secrets"][0]["SecretID"], "sec1");
}

#[tokio::test]
async fn an_update_names_the_observed_version_and_is_never_forced() {
    let fake = FakeEngine::start(|_| {
        refuse(
            500,
            "rpc error: code = Unknown desc = update out of sequence",
        )
    });
    let action = Action::UpdateService {
        id: "svc1".to_owned(),
        version: 42,
        name: "web_a".to_owned(),
        body: Body::from(json!({"Name": "web_a"})),
        restarts: Restarts::All,
    };
    let error = fake.engine.apply(&action, None).await.unwrap_err();
    assert!(error.is_stale());
    assert_eq!(
        fake.lines(),
        ["POST /v1.41/services/svc1/update?version=42"]
    );
}

#[tokio::test]
async fn a_network_that_vanishes_is_waited_for_and_then_planned_anew() {
    let listed = Mutex::new(2);
    let fake = FakeEngine::start(move |seen| {
        if seen.line.starts_with("POST") {
            let message = "rpc error: code = NotFound desc = network n1 not found";
            return refuse(404, message);
        }
        let mut left = listed.lock().unwrap();
        if *left == 0 {
            return refuse(404, "network n1 not found");
        }
        *left -= 1;
        ok(json!({"Id": "n1", "Name": "web_default", "Scope": "swarm"}))
    });
    let body = json!({"TaskTemplate": {"Networks": [{"Target": "web_default"}]}});
    let error = fake
        .engine
        .apply(&service_action(body), None)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "network `web_default`, which `web_a` needs, is gone"
    );
    assert!(error.is_stale());
    let posts = fake
        .lines()
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    assert_eq!(posts, 2, "tried again as long as the network was listed");
}

#[tokio::test]
async fn a_network_made_meanwhile_is_taken_only_if_it_is_the_same() {
    let fake = FakeEngine::start(|seen| {
        if seen.line.starts_with("POST") {
            return refuse(409, "network with name web_default already exists");
        }
        ok(json!({"Id": "n1", "Name": "web_default", "Scope": "swarm", "Driver": "overlay"}))
    });
    let create = |driver: &str| Action::CreateNetwork {
        name: "web_default".to_owned(),
        body: Body::from(json!({"Name": "web_default", "Driver": driver, "Scope": "swarm"})),
    };
    let same = fake.engine.apply(&create("overlay"), None).await.unwrap();
    assert_eq!(
        same,
        Applied::AlreadyThere {
            id: "n1".to_owned()
        }
    );
    let error = fake
        .engine
        .apply(&create("macvlan"), None)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EngineError::NetworkDiffers { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_network_held_by_tasks_is_tried_again_and_one_held_by_a_service_left() {
    let tries = Mutex::new(0);
    let fake = FakeEngine::start(move |seen| {
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        if seen.line.ends_with("/n2") {
            return refuse(
                400,
                "rpc error: code = FailedPrecondition desc = network n2 is in use by service s",
            );
        }
        if *tries == 1 {
            return refuse(
                400,
                "rpc error: code = FailedPrecondition desc = network n1 is in use by task t",
            );
        }
        (204, String::new())
    });
    let remove = |id: &str| Action::RemoveNetwork {
        id: id.to_owned(),
        name: id.to_owned(),
    };
    let applied = fake.engine.apply(&remove("n1"), None).await.unwrap();
    assert_eq!(applied, Applied::Removed);
    let applied = fake.engine.apply(&remove("n2"), None).await.unwrap();
    assert!(matches!(applied, Applied::StillInUse { .. }));
    assert_eq!(fake.lines().len(), 3);
}

#[tokio::test]
async fn removing_what_is_gone_is_fine_and_a_file_in_use_is_left() {
    let fake = FakeEngine::start(|seen| match seen.line.as_str() {
        "DELETE /v1.41/configs/c1" => refuse(
            400,
            "rpc error: code = InvalidArgument desc = config 'c1' is in use by the following service: web_a",
        ),
        _ => refuse(404, "service svc1 not found"),
    });
    let gone = Action::RemoveService {
        id: "svc1".to_owned(),
        name: "web_a".to_owned(),
    };
    assert_eq!(
        fake.engine.apply(&gone, None).await.unwrap(),
        Applied::Removed
    );
    let used = Action::RemoveFile {
        kind: FileKind::Config,
        id: "c1".to_owned(),
        name: "web_c".to_owned(),
    };
    let applied = fake.engine.apply(&used, None).await.unwrap();
    assert!(matches!(applied, Applied::StillInUse { .. }));
}

#[tokio::test]
async fn volumes_are_listed_by_their_label_and_one_in_use_is_left() {
    let fake = FakeEngine::start(|seen| {
        if seen.line.starts_with("GET") {
            let label = json!({"com.docker.stack.namespace": "web"});
            return ok(
                json!({"Volumes": [{"Name": "web_b", "Labels": label}, {"Name": "web_a", "Labels": label}]}),
            );
        }
        if seen.line.ends_with("/web_a") {
            return refuse(409, "remove web_a: volume is in use - [4f]");
        }
        (204, String::new())
    });
    let volumes = fake.engine.volumes().await.unwrap();
    let names: Vec<_> = volumes.iter().map(|volume| volume.name.as_str()).collect();
    assert_eq!(names, ["web_a", "web_b"]);
    assert!(
        fake.lines()[0].contains("com.docker.stack.namespace"),
        "{:?}",
        fake.lines()
    );
    let remove = |name: &str| Action::RemoveVolume {
        name: name.to_owned(),
    };
    let applied = fake.engine.apply(&remove("web_b"), None).await.unwrap();
    assert_eq!(applied, Applied::Removed);
    let applied = fake.engine.apply(&remove("web_a"), None).await.unwrap();
    let Applied::StillInUse { message } = applied else {
        panic!("{applied:?}")
    };
    assert!(
        message.contains("volume `web_a` is kept for now"),
        "{message}"
    );
    let forced = fake.lines().iter().any(|line| line.contains("force"));
    assert!(!forced, "{:?}", fake.lines());
}

#[tokio::test]
async fn a_pull_that_fails_in_the_middle_of_its_stream_has_failed() {
    let fake = FakeEngine::start(|_| {
        let stream =
            "{\"status\":\"Pulling from app\"}\r\n{\"error\":\"toomanyrequests: slow down\"}";
        (200, stream.to_owned())
    });
    let told = Mutex::new(0);
    let progress = |_| *told.lock().unwrap() += 1;
    let pulled = fake.engine.pull("r.example/app:1", None, &progress).await;
    assert_eq!(
        pulled.unwrap_err().to_string(),
        "cannot pull `r.example/app:1`: toomanyrequests: slow down"
    );
    assert_eq!(*told.lock().unwrap(), 1);
    assert_eq!(
        fake.lines(),
        ["POST /v1.41/images/create?fromImage=r.example%2Fapp%3A1"]
    );
}

#[tokio::test]
async fn an_image_in_use_is_kept_without_force() {
    let fake = FakeEngine::start(|_| {
        refuse(
            409,
            "conflict: unable to remove repository reference \"app:1\" (must force) - container 1 is using its referenced image 2",
        )
    });
    let removal = fake.engine.remove_image("r.example/app:1").await.unwrap();
    assert!(matches!(removal, ImageRemoval::Kept { .. }));
    assert_eq!(fake.lines(), ["DELETE /v1.41/images/r.example/app:1"]);
}

#[tokio::test]
async fn tasks_are_filtered_by_the_engine() {
    let fake = FakeEngine::start(|_| ok(json!([])));
    let filter = TaskFilter {
        services: vec!["svc1".to_owned()],
        stack: Some("web".to_owned()),
        up_to_date: true,
    };
    fake.engine.tasks(&filter).await.unwrap();
    let line = fake.lines().remove(0);
    let query = line.split_once('?').unwrap().1;
    let url = reqwest::Url::parse(&format!("http://x/?{query}")).unwrap();
    let (_, filters) = url.query_pairs().next().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&filters).unwrap(),
        json!({"service": ["svc1"], "label": ["com.docker.stack.namespace=web"],
            "_up-to-date": ["true"]})
    );
}

#[tokio::test]
async fn each_event_wakes_up_and_the_end_of_the_stream_is_told() {
    let fake = FakeEngine::start(|_| (200, "{\"Type\":\"service\"}\n".to_owned()));
    let mut changes = fake.engine.changes().await.unwrap();
    assert_eq!(changes.recv().await, Some(()));
    assert_eq!(changes.recv().await, None);
}

//! The registry client against a small registry in this process.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;

/// HTTPS needs a provider even where no request uses it.
pub(crate) fn provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What the server saw: `GET /v2/app/manifests/1 [authorization]`.
type Log = Arc<Mutex<Vec<String>>>;
type Answer = dyn Fn(&Request) -> Response + Send + Sync;

struct Server {
    address: String,
    log: Log,
}

#[derive(Clone)]
struct Shared {
    answer: Arc<Answer>,
    log: Log,
}

impl Server {
    /// Serves `answer` until the test's runtime ends.
    async fn start(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let log = Log::default();
        let shared = Shared {
            answer: Arc::new(answer),
            log: Arc::clone(&log),
        };
        let app = axum::Router::new().fallback(handle).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, log }
    }

    fn image(&self) -> ImageRef {
        ImageRef::parse(&format!("{}/app:1", self.address)).unwrap()
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let authorization = header(&request, "authorization");
    let line = format!("{} {} [{authorization}]", request.method(), request.uri());
    shared.log.lock().unwrap().push(line);
    (shared.answer)(&request)
}

fn header(request: &Request, name: &str) -> String {
    let value = request.headers().get(name);
    value.map_or(String::new(), |v| v.to_str().unwrap().to_owned())
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.into())).unwrap()
}

fn digest(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    let hex: Vec<_> = hash.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

fn index() -> Vec<u8> {
    let entry = |arch: &str| json!({"platform": {"os": "linux", "architecture": arch}});
    json!({"manifests": [entry("amd64"), entry("arm")]})
        .to_string()
        .into_bytes()
}

/// The index above, for whoever accepts it.
fn serve_index(request: &Request) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/v2/app/manifests/") {
        return answer(404, &[], "");
    }
    if !header(request, "accept").contains(INDEX) {
        let schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        let wrong = digest(b"schema 1");
        let headers = [
            ("content-type", schema1),
            ("docker-content-digest", wrong.as_str()),
        ];
        return answer(200, &headers, "{}");
    }
    let digest = digest(&index());
    let headers = [
        ("content-type", INDEX),
        ("docker-content-digest", digest.as_str()),
    ];
    answer(200, &headers, index())
}

fn registry(folder: Option<&std::path::Path>) -> Registry {
    Registry::new(RegistrySettings {
        docker_config: folder.map(std::path::Path::to_owned),
        patience: Duration::from_secs(1),
        ..RegistrySettings::default()
    })
}

/// A Docker configuration with `user:hunter2` for `server`.
fn config(server: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let auth = BASE64_STANDARD.encode("user:hunter2");
    let config = json!({"auths": {server: {"auth": auth}}});
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    folder
}

#[tokio::test]
async fn a_known_digest_costs_one_head_and_a_new_one_the_index_too() {
    let server = Server::start(serve_index).await;
    let registry = registry(None);
    let new = registry.resolve(&server.image(), None).await.unwrap();
    let digest = digest(&index());
    assert_eq!(new.digest, digest);
    let platform = |architecture: &str| Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
    };
    assert_eq!(new.platforms, Some(vec![platform("amd64"), platform("")]));
    let known = registry
        .resolve(&server.image(), Some(&digest))
        .await
        .unwrap();
    assert_eq!(known.platforms, None);
    assert_eq!(
        server.log(),
        [
            "HEAD /v2/app/manifests/1 []".to_owned(),
            format!("GET /v2/app/manifests/{digest} []"),
            "HEAD /v2/app/manifests/1 []".to_owned(),
        ]
    );
}

#[tokio::test]
async fn the_platforms_of_a_known_digest_cost_one_get_of_its_index() {
    let server = Server::start(serve_index).await;
    let digest = digest(&index());
    let found = registry(None).platforms_of(&server.image(), &digest).await;
    assert_eq!(found.unwrap().len(), 2);
    let asked = format!("GET /v2/app/manifests/{digest} []");
    assert_eq!(server.log(), [asked]);
}

#[tokio::test]
async fn a_digest_that_is_not_named_is_computed() {
    let server = Server::start(|request| {
        let mut response = serve_index(request);
        response.headers_mut().remove("docker-content-digest");
        response
    })
    .await;
    let found = registry(None).resolve(&server.image(), None).await.unwrap();
    assert_eq!(found.digest, digest(&index()));
    assert_eq!(server.log().len(), 2, "the manifest is read once only");
}

#[tokio::test]
async fn a_schema_1_answer_is_never_taken_for_a_digest() {
    let server = Server::start(|_| {
        let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        let digest = digest(b"schema 1");
        let headers = [
            ("content-type", kind),
            ("docker-content-digest", digest.as_str()),
        ];
        answer(200, &headers, "{}")
    })
    .await;
    let error = registry(None)
        .resolve(&server.image(), None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("schema 1"), "{error}");
}

#[tokio::test]
async fn one_architecture_is_read_from_the_image_config() {
    let image_config = br#"{"os":"linux","architecture":"arm64"}"#;
    let manifest = json!({"config": {"digest": digest(image_config)}}).to_string();
    let server = Server::start(move |request| {
        if request.uri().path().contains("/blobs/") {
            return answer(200, &[], &image_config[..]);
        }
        let digest = digest(manifest.as_bytes());
        answer(200, &[("docker-content-digest", &digest)], manifest.clone())
    })
    .await;
    let found = registry(None).resolve(&server.image(), None).await.unwrap();
    let arm64 = Platform {
        os: "linux".to_owned(),
        architecture: "arm64".to_owned(),
    };
    assert_eq!(found.platforms, Some(vec![arm64]));
}

#[tokio::test]
async fn content_without_its_digest_is_refused() {
    let server = Server::start(|request| match request.method().as_str() {
        "HEAD" => serve_index(request),
        _ => answer(200, &[], r#"{"manifests":[]}"#),
    })
    .await;
    let error = registry(None)
        .resolve(&server.image(), None)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("does not have its digest"),
        "{error}"
    );
}

#[tokio::test]
async fn basic_credentials_come_from_the_docker_config() {
    let server = Server::start(|request| {
        let expected = format!("Basic {}", BASE64_STANDARD.encode("user:hunter2"));
        if header(request, "authorization") == expected {
            return serve_index(request);
        }
        answer(401, &[("www-authenticate", r#"Basic realm="x""#)], "")
    })
    .await;
    let folder = config(&server.address);
    let registry = registry(Some(folder.path()));
    registry.resolve(&server.image(), None).await.unwrap();
    assert_eq!(
        server.log().len(),
        3,
        "the second request is authorised at once"
    );
}

/// Wants a token from `/token` of the same server.
fn token_registry(request: &Request) -> Response {
    if request.uri().path() == "/token" {
        return match header(request, "authorization").as_str() {
            "" => answer(401, &[], r#"{"errors":[{"message":"who are you"}]}"#),
            _ => answer(200, &[], r#"{"token":"t0k3n"}"#),
        };
    }
    if header(request, "authorization") == "Bearer t0k3n" {
        return serve_index(request);
    }
    let host = header(request, "host");
    let challenge = format!(r#"Bearer realm="http://{host}/token",service="lab""#);
    answer(401, &[("www-authenticate", &challenge)], "")
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_for_the_repository() {
    let server = Server::start(token_registry).await;
    let folder = config(&server.address);
    let registry = registry(Some(folder.path()));
    registry.resolve(&server.image(), None).await.unwrap();
    registry.resolve(&server.image(), None).await.unwrap();
    let log = server.log();
    let tokens = log.iter().filter(|line| line.contains("/token")).count();
    assert_eq!((tokens, log.len()), (1, 6), "{log:#?}");
    assert!(log[1].starts_with("GET /token?service=lab&scope=repository%3Aapp%3Apull [Basic"));
}

#[tokio::test]
async fn without_credentials_the_way_out_is_to_log_in() {
    let server = Server::start(token_registry).await;
    let error = registry(None)
        .resolve(&server.image(), None)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Unauthorised {
            had_credentials: false,
            ..
        }
    ));
    assert!(error.hint().unwrap().contains("docker login"), "{error:?}");
}

#[tokio::test]
async fn wrong_credentials_are_said_without_being_shown() {
    let server = Server::start(|_| answer(401, &[("www-authenticate", "Basic")], "")).await;
    let folder = config(&server.address);
    let registry = registry(Some(folder.path()));
    let error = registry.resolve(&server.image(), None).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?} {registry:?}", error.hint());
    let secret = BASE64_STANDARD.encode("user:hunter2");
    assert!(
        !shown.contains("hunter2") && !shown.contains(&secret),
        "{shown}"
    );
    assert_eq!(server.log().len(), 2, "a refusal is not asked for again");
}

#[tokio::test]
async fn credentials_never_follow_a_redirect_to_another_host() {
    let other = Server::start(serve_index).await;
    let location = format!("http://{}", other.address);
    let server = Server::start(move |request| {
        if header(request, "authorization").is_empty() {
            return answer(401, &[("www-authenticate", "Basic")], "");
        }
        let target = format!("{location}{}", request.uri().path());
        answer(307, &[("location", &target)], "")
    })
    .await;
    let folder = config(&server.address);
    registry(Some(folder.path()))
        .resolve(&server.image(), None)
        .await
        .unwrap();
    let log = other.log();
    assert!(!log.is_empty());
    assert!(log.iter().all(|line| line.ends_with("[]")), "{log:#?}");
}

#[tokio::test]
async fn retry_after_is_obeyed_within_a_bound() {
    let first = Arc::new(Mutex::new(true));
    let server = Server::start(move |request| {
        if std::mem::take(&mut *first.lock().unwrap()) {
            return answer(429, &[("retry-after", "0")], "");
        }
        serve_index(request)
    })
    .await;
    registry(None).resolve(&server.image(), None).await.unwrap();

    let server = Server::start(|_| answer(429, &[("retry-after", "3600")], "")).await;
    let error = registry(None)
        .resolve(&server.image(), None)
        .await
        .unwrap_err();
    assert!(matches!(
        &error,
        RegistryError::RateLimited { retry_after: Some(after), .. } if after.as_secs() == 3600
    ));
    assert!(error.hint().unwrap().contains("higher limit"));
}

#[tokio::test]
async fn what_is_missing_and_what_is_down_are_different_errors() {
    let server = Server::start(|_| answer(404, &[], "")).await;
    let error = registry(None)
        .resolve(&server.image(), None)
        .await
        .unwrap_err();
    assert!(error.is_not_found());

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let image = format!("{}/app", free.local_addr().unwrap());
    drop(free);
    let image = ImageRef::parse(&image).unwrap();
    let error = registry(None).resolve(&image, None).await.unwrap_err();
    assert!(
        matches!(error, RegistryError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_engine_gets_the_same_credentials() {
    let folder = config("lab.example:5000");
    let image = ImageRef::parse("lab.example:5000/app").unwrap();
    let credential = registry(Some(folder.path()))
        .credential(&image)
        .await
        .unwrap()
        .unwrap();
    let value = credential.x_registry_auth();
    let json = BASE64_URL_SAFE.decode(value.expose()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&json).unwrap(),
        json!({"username": "user", "password": "hunter2", "serveraddress": "lab.example:5000"})
    );
    let other = ImageRef::parse("nginx").unwrap();
    assert_eq!(
        registry(Some(folder.path()))
            .credential(&other)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_broken_docker_config_is_named_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), "{hunter2").unwrap();
    let image = ImageRef::parse("nginx").unwrap();
    let error = registry(Some(folder.path()))
        .credential(&image)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("`config.json` is not readable JSON")
    );
}

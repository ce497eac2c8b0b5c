//! HTTP to the Docker Engine: where it listens, which version it speaks, what
//! its refusals mean.
//!
//! Every path is sent with an explicit `/v1.NN`, the lower of [`MAX_API`] and
//! what the engine offers: paths without it mean another version with each engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client as Http, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::error::{EngineError, unreachable};
use super::refusal::classify;

/// The oldest API that has all that we send: that of engine 20.10.
pub(super) const MIN_API: &str = "1.41";
/// The newest API that we were written against: that of engine 27.
const MAX_API: (u32, u32) = (1, 47);

/// Where Docker's client looks when nothing else is said.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// Where the engine is, as Docker's own client is told. Nothing is read from the
/// environment here.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// `DOCKER_HOST`.
    pub host: Option<String>,
    /// Whether `DOCKER_TLS_VERIFY` is set to anything.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`, else the folder of Docker's configuration.
    pub cert_path: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the engine may stay silent in the middle of a request.
    pub stall_timeout: Duration,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            host: None,
            tls_verify: false,
            cert_path: None,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(60),
        }
    }
}

/// A connection to one engine. Connects when first used.
#[derive(Debug)]
pub(super) struct Client {
    http: Http,
    /// Socket path or `host:port`, for messages.
    place: String,
    base: String,
    stall: Duration,
    api: OnceCell<String>,
}

/// One request: what is asked, and about which object.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Path below the version, `/services/create`.
    pub(super) path: String,
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) body: Option<&'a Value>,
    /// The value of `X-Registry-Auth`.
    pub(super) registry_auth: Option<&'a str>,
    /// The object that it is about, for messages.
    pub(super) name: &'a str,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            registry_auth: None,
            name: "",
        }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn about(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    pub(super) fn query(mut self, key: &'a str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(super) fn body(mut self, body: &'a Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) fn registry_auth(mut self, value: Option<&'a str>) -> Self {
        self.registry_auth = value;
        self
    }

    fn doing(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Client {
    pub(super) fn new(settings: &EngineSettings) -> Result<Self, EngineError> {
        let host = settings.host.as_deref().filter(|host| !host.is_empty());
        let host = host.unwrap_or(DEFAULT_HOST);
        let builder = Http::builder()
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .redirect(reqwest::redirect::Policy::none());
        let (builder, place, base) = if let Some(path) = host.strip_prefix("unix://") {
            let base = "http://docker".to_owned();
            // Without TLS the system's certificates need not be read, which costs 20 ms.
            let builder = builder.tls_certs_only([]).unix_socket(path);
            (builder, path.to_owned(), base)
        } else if let Some(address) = host.strip_prefix("tcp://") {
            let address = address.trim_end_matches('/').to_owned();
            let scheme = if settings.tls_verify { "https" } else { "http" };
            let builder = with_certificates(builder, settings)?;
            let base = format!("{scheme}://{address}");
            (builder, address, base)
        } else {
            return Err(bad_host(host));
        };
        if Url::parse(&base).is_err() {
            return Err(bad_host(host));
        }
        let built = builder.build();
        Ok(Self {
            http: built.map_err(|source| unreachable(&place, source))?,
            place,
            base,
            stall: settings.stall_timeout,
            api: OnceCell::new(),
        })
    }

    /// The API version that is spoken, asked of the engine once.
    pub(super) async fn api(&self) -> Result<&str, EngineError> {
        let api = self.api.get_or_try_init(|| self.negotiate()).await?;
        Ok(api)
    }

    async fn negotiate(&self) -> Result<String, EngineError> {
        let request = self.http.get(format!("{}/_ping", self.base));
        let response = self.exchange(request, "GET /_ping").await?;
        let offered = response
            .headers()
            .get("api-version")
            .and_then(|value| value.to_str().ok())
            .unwrap_or("unknown")
            .to_owned();
        agree(&offered).ok_or(EngineError::TooOld { api: offered })
    }

    /// Sends `call`; a refusal is an error.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Response, EngineError> {
        let doing = call.doing();
        let response = self.exchange(self.request(&call).await?, &doing).await?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let message = refusal(&self.bytes(response, &doing).await?);
        Err(classify(&doing, call.name, status, &message))
    }

    /// Sends `call` and reads the JSON answer; [`Value::Null`] for none.
    pub(super) async fn json(&self, call: Call<'_>) -> Result<Value, EngineError> {
        let doing = call.doing();
        let response = self.send(call).await?;
        let bytes = self.bytes(response, &doing).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| EngineError::BadAnswer {
            doing,
            source: error.into(),
        })
    }

    /// The next piece of a streamed answer; `None` at its end. `patience` is how
    /// long the engine may stay silent; for ever without.
    pub(super) async fn chunk(
        &self,
        response: &mut Response,
        doing: &str,
        patience: Option<Duration>,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        let next = response.chunk();
        let chunk = match patience {
            Some(patience) => timeout(patience, next)
                .await
                .map_err(|_| timed_out(doing, patience))?,
            None => next.await,
        };
        let chunk = chunk.map_err(|error| EngineError::BadAnswer {
            doing: doing.to_owned(),
            source: error.into(),
        })?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }

    async fn request(&self, call: &Call<'_>) -> Result<RequestBuilder, EngineError> {
        let api = self.api().await?;
        let text = format!("{}/v{api}{}", self.base, call.path);
        let mut url = Url::parse(&text).map_err(|error| EngineError::BadAnswer {
            doing: call.doing(),
            source: error.into(),
        })?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url);
        if let Some(body) = call.body {
            request = request.json(body);
        }
        if let Some(auth) = call.registry_auth {
            request = request.header("X-Registry-Auth", auth);
        }
        Ok(request)
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        doing: &str,
    ) -> Result<Response, EngineError> {
        match timeout(self.stall, request.send()).await {
            Err(_) => Err(timed_out(doing, self.stall)),
            Ok(Err(error)) if error.is_timeout() => Err(timed_out(doing, self.stall)),
            Ok(Err(error)) => Err(unreachable(&self.place, error)),
            Ok(Ok(response)) => Ok(response),
        }
    }

    async fn bytes(&self, mut response: Response, doing: &str) -> Result<Vec<u8>, EngineError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk(&mut response, doing, Some(self.stall)).await? {
            all.extend(chunk);
        }
        Ok(all)
    }
}

/// One segment of a path.
pub(super) fn segment(name: &str) -> String {
    image_path(name).replace('/', "%2F")
}

/// An image's name as path: it may hold `/`, as in `registry/app:1`.
pub(super) fn image_path(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:@/".contains(byte);
    let encode = |byte: u8| {
        if plain(&byte) {
            return char::from(byte).to_string();
        }
        format!("%{byte:02X}")
    };
    name.bytes().map(encode).collect()
}

fn timed_out(doing: &str, after: Duration) -> EngineError {
    EngineError::TimedOut {
        doing: doing.to_owned(),
        after,
    }
}

fn bad_host(host: &str) -> EngineError {
    let why = if host.starts_with("ssh://") {
        "SSH is not supported"
    } else {
        "it is neither `unix://` nor `tcp://`"
    };
    EngineError::BadHost {
        host: host.to_owned(),
        why,
    }
}

/// The lower of what we and the engine know; `None` under [`MIN_API`].
fn agree(offered: &str) -> Option<String> {
    let offered = parse_api(offered)?;
    if offered < parse_api(MIN_API)? {
        return None;
    }
    let (major, minor) = offered.min(MAX_API);
    Some(format!("{major}.{minor}"))
}

fn parse_api(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The engine's sentence out of `{"message": "…"}`, else the text itself.
fn refusal(body: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| json.get("message"));
    message.and_then(Value::as_str).map_or_else(
        || String::from_utf8_lossy(body).trim().to_owned(),
        |text| text.trim().to_owned(),
    )
}

/// `ca.pem`, `cert.pem` and `key.pem`, as Docker's client has them; each pair is optional.
fn with_certificates(
    mut builder: reqwest::ClientBuilder,
    settings: &EngineSettings,
) -> Result<reqwest::ClientBuilder, EngineError> {
    let Some(folder) = settings
        .cert_path
        .as_deref()
        .filter(|_| settings.tls_verify)
    else {
        // Plain HTTP needs no certificates of authorities, and this machine may have none.
        let plain = !settings.tls_verify;
        return Ok(if plain {
            builder.tls_certs_only([])
        } else {
            builder
        });
    };
    let bad = |source| EngineError::BadCertificate {
        path: folder.to_owned(),
        source,
    };
    if let Some(ca) = pem(&folder.join("ca.pem"))? {
        let ca = reqwest::Certificate::from_pem_bundle(&ca).map_err(bad)?;
        builder = builder.tls_certs_only(ca);
    }
    let (cert, key) = (
        pem(&folder.join("cert.pem"))?,
        pem(&folder.join("key.pem"))?,
    );
    if let (Some(mut identity), Some(key)) = (cert, key) {
        identity.push(b'\n');
        identity.extend(key);
        builder = builder.identity(reqwest::Identity::from_pem(&identity).map_err(bad)?);
    }
    Ok(builder)
}

fn pem(path: &Path) -> Result<Option<Vec<u8>>, EngineError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EngineError::Certificate {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_version_is_the_lower_one_and_never_under_ours() {
        assert_eq!(agree("1.41").as_deref(), Some("1.41"));
        assert_eq!(agree("1.44").as_deref(), Some("1.44"));
        assert_eq!(agree("1.53").as_deref(), Some("1.47"));
        assert_eq!(agree("1.40"), None);
        assert_eq!(agree("unknown"), None);
    }

    #[test]
    fn ssh_is_refused_with_a_way_out() {
        let settings = EngineSettings {
            host: Some("ssh://root@manager".to_owned()),
            ..EngineSettings::default()
        };
        let error = Client::new(&settings).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot use `ssh://root@manager` as Docker host: SSH is not supported"
        );
        assert!(error.hint().unwrap().contains("ssh -L"));
    }

    #[test]
    fn a_name_cannot_change_the_request() {
        assert_eq!(
            image_path("r.io:5000/a/b@sha256:1"),
            "r.io:5000/a/b@sha256:1"
        );
        assert_eq!(segment("a/b?force=1#x"), "a%2Fb%3Fforce%3D1%23x");
    }
}

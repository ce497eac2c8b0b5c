//! Requests to one registry: address, redirects, rate limits, refusals.

use std::net::IpAddr;
use std::time::Duration;

use dockerops_core::image::ImageRef;
use reqwest::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::Value;
use tokio::time::sleep;

use super::error::RegistryError;
use super::{Registry, RegistrySettings};

/// All manifest types there are. A registry that is not offered the one it has
/// answers another one (a `schema1` made up on the spot) with 200.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// How long to wait where a registry does not say.
const DEFAULT_RETRY: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 5;

/// A machine that knows no authority for certificates still reaches registries over HTTP; over
/// HTTPS every issuer is unknown to it, and the hint says what to do.
pub(super) fn client(
    settings: &RegistrySettings,
    redirects: impl Fn() -> redirect::Policy,
) -> Result<Client, RegistryError> {
    let builder = || {
        Client::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.stall_timeout)
            .redirect(redirects())
            .user_agent(concat!("dockerops/", env!("CARGO_PKG_VERSION")))
    };
    let made = builder().build();
    made.or_else(|_| builder().tls_certs_only([]).build())
        .map_err(RegistryError::Client)
}

/// A few redirects, never from HTTPS to HTTP. reqwest leaves `Authorization`
/// behind when host or port change.
pub(super) fn redirects() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let before = attempt.previous();
        let was_https = before.last().is_some_and(|url| url.scheme() == "https");
        if before.len() > MAX_REDIRECTS {
            return attempt.error("too many redirects");
        }
        if was_https && attempt.url().scheme() != "https" {
            return attempt.error("a redirect from HTTPS to HTTP");
        }
        attempt.follow()
    })
}

impl Registry {
    /// Asks for `path` below `/v2/<repository>/`, with authorization when the
    /// registry wants it. Waits out rate limits within the bound.
    pub(super) async fn ask(
        &self,
        method: Method,
        image: &ImageRef,
        path: &str,
    ) -> Result<Response, RegistryError> {
        let mut patience = self.settings.patience;
        let mut challenged = false;
        loop {
            let response = self.send(method.clone(), image, path).await?;
            match response.status() {
                StatusCode::UNAUTHORIZED if !challenged => {
                    challenged = true;
                    self.authorize(image, &response).await?;
                }
                StatusCode::TOO_MANY_REQUESTS => {
                    let after = retry_after(&response);
                    let pause = after.unwrap_or(DEFAULT_RETRY);
                    if pause > patience {
                        return Err(self.rate_limited(image, after).await);
                    }
                    // Never zero: a registry that says "at once" for ever ends too.
                    let pause = pause.max(Duration::from_millis(100));
                    patience = patience.saturating_sub(pause);
                    sleep(pause).await;
                }
                _ => return Ok(response),
            }
        }
    }

    pub(super) async fn send(
        &self,
        method: Method,
        image: &ImageRef,
        path: &str,
    ) -> Result<Response, RegistryError> {
        let base = self.base(image.registry());
        let url = format!("{base}/v2/{}/{path}", image.repository());
        let mut request = self.http()?.request(method, url).header(ACCEPT, MANIFESTS);
        if let Some(value) = self.authorization(image).await {
            request = request.header(AUTHORIZATION, value);
        }
        request
            .send()
            .await
            .map_err(|error| unreachable(image, error))
    }

    async fn rate_limited(&self, image: &ImageRef, retry_after: Option<Duration>) -> RegistryError {
        RegistryError::RateLimited {
            registry: image.registry().to_owned(),
            image: image.familiar(),
            retry_after,
            had_credentials: self.has_credentials(image).await,
        }
    }

    pub(super) async fn has_credentials(&self, image: &ImageRef) -> bool {
        matches!(self.credential(image).await, Ok(Some(_)))
    }

    /// Scheme and host of a registry.
    fn base(&self, registry: &str) -> String {
        let scheme = if self.is_plain(registry) {
            "http"
        } else {
            "https"
        };
        let host = match registry {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        format!("{scheme}://{host}")
    }

    /// Whether plain HTTP is allowed for `registry`.
    pub(super) fn is_plain(&self, registry: &str) -> bool {
        is_loopback(registry) || self.settings.insecure.iter().any(|host| host == registry)
    }

    /// What an answer that is no success means.
    pub(super) async fn refused(&self, image: &ImageRef, response: Response) -> RegistryError {
        let registry = image.registry().to_owned();
        let status = response.status();
        let message = sentence(response).await;
        let image_name = image.familiar();
        match status {
            StatusCode::NOT_FOUND => RegistryError::NotFound {
                registry,
                image: image_name,
            },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RegistryError::Unauthorised {
                registry,
                image: image_name,
                had_credentials: self.has_credentials(image).await,
                message,
            },
            _ => RegistryError::BadAnswer {
                registry,
                image: image_name,
                what: format!("status {status} {message}").trim().to_owned(),
            },
        }
    }
}

pub(super) fn unreachable(image: &ImageRef, error: reqwest::Error) -> RegistryError {
    RegistryError::Unreachable {
        registry: image.registry().to_owned(),
        image: image.familiar(),
        // URLs of redirects may be signed.
        source: error.without_url(),
    }
}

/// `Retry-After` in seconds. A date is not worth a clock here: it counts as unsaid.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// The first message in `{"errors": [{"message": …}]}`, or Docker Hub's token server's
/// `{"details": …}`; empty without one.
async fn sentence(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > 64 * 1024 {
            return String::new();
        }
    }
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = json["errors"][0]["message"]
        .as_str()
        .or(json["details"].as_str());
    message
        .unwrap_or_default()
        .chars()
        .take(200)
        .filter(|c| !c.is_control())
        .collect()
}

fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_and_those_listed() {
        let settings = RegistrySettings {
            insecure: vec!["lab:5000".to_owned()],
            ..RegistrySettings::default()
        };
        crate::registry::tests::provider();
        let registry = Registry::new(settings);
        for (host, base) in [
            ("localhost:5000", "http://localhost:5000"),
            ("127.0.0.2", "http://127.0.0.2"),
            ("[::1]:5000", "http://[::1]:5000"),
            ("lab:5000", "http://lab:5000"),
            ("lab:5001", "https://lab:5001"),
            ("localhost.evil.example", "https://localhost.evil.example"),
            ("127.evil.example", "https://127.evil.example"),
            ("docker.io", "https://registry-1.docker.io"),
        ] {
            assert_eq!(registry.base(host), base);
        }
    }
}

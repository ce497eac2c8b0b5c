//! `WWW-Authenticate` → `Authorization`: Basic, and the Bearer tokens of registries.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dockerops_core::image::ImageRef;
use reqwest::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, Url};
use serde_json::Value;

use super::Registry;
use super::credentials::{Credential, Kind};
use super::error::RegistryError;
use super::http::unreachable;

/// The value of the header `Authorization`. `Debug` hides it.
#[derive(Clone)]
pub(super) struct Authorization(HeaderValue);

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What a registry wants to see.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: String,
        scope: Option<String>,
    },
}

impl Registry {
    pub(super) async fn authorization(&self, image: &ImageRef) -> Option<HeaderValue> {
        let known = self.authorizations.lock().await;
        known.get(&key(image)).map(|value| value.0.clone())
    }

    /// Answers the challenge of `refusal`, for all later requests for this repository.
    pub(super) async fn authorize(
        &self,
        image: &ImageRef,
        refusal: &Response,
    ) -> Result<(), RegistryError> {
        let headers = refusal.headers().get_all(WWW_AUTHENTICATE).iter();
        let mut texts = headers.filter_map(|value| value.to_str().ok());
        let challenge = texts.find_map(challenge);
        let credential = self.credential(image).await?;
        let value = match (challenge, credential) {
            (Some(Challenge::Basic), Some(credential)) => basic(&credential),
            (
                Some(Challenge::Bearer {
                    realm,
                    service,
                    scope,
                }),
                credential,
            ) => {
                let scope = scope.unwrap_or(format!("repository:{}:pull", image.repository()));
                let request =
                    self.token_request(image, &realm, &service, &scope, credential.as_ref())?;
                Some(self.token(image, request).await?)
            }
            (Some(Challenge::Basic), None) | (None, _) => None,
        };
        if let Some(value) = value.and_then(header) {
            let mut known = self.authorizations.lock().await;
            known.insert(key(image), value);
        }
        Ok(())
    }

    /// `GET realm?service=…&scope=…`, with Basic when there are credentials;
    /// `POST` of OAuth 2 for identity tokens (distribution, `auth/token` and `auth/oauth`).
    fn token_request(
        &self,
        image: &ImageRef,
        realm: &str,
        service: &str,
        scope: &str,
        credential: Option<&Credential>,
    ) -> Result<RequestBuilder, RegistryError> {
        let mut url = Url::parse(realm).map_err(|_| bad_answer(image, "a broken token realm"))?;
        if url.scheme() != "https" && !self.is_plain(image.registry()) {
            return Err(bad_answer(image, "a token realm without HTTPS"));
        }
        if let Some(Credential {
            kind: Kind::Identity(token),
            ..
        }) = credential
        {
            // A URL of no host, only to encode the form.
            let mut form = url.clone();
            form.query_pairs_mut()
                .clear()
                .append_pair("grant_type", "refresh_token")
                .append_pair("service", service)
                .append_pair("client_id", "dockerops")
                .append_pair("scope", scope)
                .append_pair("refresh_token", token.expose_text().unwrap_or_default());
            let body = form.query().unwrap_or_default().to_owned();
            let request = self.no_redirect()?.post(url).body(body);
            return Ok(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded"));
        }
        url.query_pairs_mut()
            .append_pair("service", service)
            .append_pair("scope", scope);
        let mut request = self.http()?.get(url);
        if let Some(value) = credential.and_then(basic).and_then(header) {
            request = request.header(reqwest::header::AUTHORIZATION, value.0);
        }
        Ok(request)
    }

    async fn token(
        &self,
        image: &ImageRef,
        request: RequestBuilder,
    ) -> Result<String, RegistryError> {
        let response = request.send().await;
        let response = response.map_err(|error| unreachable(image, error))?;
        if !response.status().is_success() {
            return Err(self.refused(image, response).await);
        }
        let answer: Value = response
            .json()
            .await
            .map_err(|_| bad_answer(image, "a token that is not JSON"))?;
        let token = answer["token"].as_str().or(answer["access_token"].as_str());
        let token = token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| bad_answer(image, "no token"))?;
        Ok(format!("Bearer {token}"))
    }
}

fn key(image: &ImageRef) -> (String, String) {
    (image.registry().to_owned(), image.repository().to_owned())
}

fn basic(credential: &Credential) -> Option<String> {
    let Kind::Password { user, password } = &credential.kind else {
        return None;
    };
    let pair = format!("{user}:{}", password.expose_text()?);
    Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

fn header(value: String) -> Option<Authorization> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(Authorization(value))
}

fn bad_answer(image: &ImageRef, what: &str) -> RegistryError {
    RegistryError::BadAnswer {
        registry: image.registry().to_owned(),
        image: image.familiar(),
        what: what.to_owned(),
    }
}

/// Reads `Bearer realm="https://…",service="…",scope="a:b:pull,push"`.
fn challenge(text: &str) -> Option<Challenge> {
    let (scheme, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let parameter = |name: &str| {
        let mut pairs = parameters_of(parameters);
        let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned())
    };
    Some(Challenge::Bearer {
        realm: parameter("realm")?,
        service: parameter("service").unwrap_or_default(),
        scope: parameter("scope"),
    })
}

/// `name="value"` pairs; a quoted value may hold commas.
fn parameters_of(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (name, after) = rest.trim_start_matches([',', ' ']).split_once('=')?;
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        rest = left;
        Some((name.trim(), value.trim()))
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer = |scope: Option<&str>| Challenge::Bearer {
            realm: "https://auth.docker.io/token".to_owned(),
            service: "registry.docker.io".to_owned(),
            scope: scope.map(str::to_owned),
        };
        let text = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        assert_eq!(
            challenge(text),
            Some(bearer(Some("repository:a/b:pull,push")))
        );
        let text = r#"bearer service=registry.docker.io, realm="https://auth.docker.io/token""#;
        assert_eq!(challenge(text), Some(bearer(None)));
        assert_eq!(challenge(r#"Basic realm="x, y""#), Some(Challenge::Basic));
        assert_eq!(challenge("Basic"), Some(Challenge::Basic));
        assert_eq!(challenge("Negotiate"), None);
        assert_eq!(challenge(r#"Bearer realm="open"#), None);
    }
}

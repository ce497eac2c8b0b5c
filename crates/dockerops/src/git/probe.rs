//! The newest revision over HTTP, without starting Git: the usual case of a run.
//!
//! Starting `git ls-remote` costs more than its answer, and most runs find
//! nothing new. A probe is one `GET` of what Git itself would ask for first
//! (gitprotocol-http, version 0), read no further than the line of `HEAD`.
//! **It decides nothing**: whatever is not a plain answer (credentials, a redirect,
//! TLS, a proxy, silence) is `None`, and Git is asked, which explains what is wrong.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dockerops_core::repository_url::{RepositoryUrl, Scheme};
use dockerops_core::revision::Revision;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::Git;

/// A server that takes longer is left to Git, which has more patience.
const PATIENCE: Duration = Duration::from_secs(5);
/// `HEAD` is the first line; an answer without it by then has none.
const MOST_BYTES: usize = 4096;
/// Where one of these is set, the way to the server is Git's business.
const LEFT_TO_GIT: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_NO_VERIFY",
];

/// What the start of an answer says.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    Head(Revision),
    /// Too short to tell.
    More,
    /// No answer of a Git server, or one without `HEAD`.
    Other,
}

impl Git {
    /// The newest revision of the default branch, when a server tells it at once.
    pub(super) async fn probe(&self, url: &RepositoryUrl) -> Option<Revision> {
        let is_http = matches!(url.scheme(), Scheme::Https | Scheme::Http);
        let environment = &self.settings.environment;
        if !is_http
            || LEFT_TO_GIT
                .iter()
                .any(|name| environment.contains_key(*name))
        {
            return None;
        }
        tokio::time::timeout(PATIENCE.min(self.settings.answer), self.ask(url))
            .await
            .ok()?
    }

    async fn ask(&self, url: &RepositoryUrl) -> Option<Revision> {
        let address = format!(
            "{}/info/refs?service=git-upload-pack",
            url.fetch_url().trim_end_matches('/')
        );
        let mut request = self.http(url.scheme())?.get(address);
        if let Some(token) = self.settings.token_for(url) {
            let pair = format!("x-access-token:{}", token.expose_text()?);
            let mut value =
                HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let mut response = request
            .send()
            .await
            .ok()
            .filter(|response| response.status() == 200)?;
        let mut answer = Vec::new();
        while answer.len() < MOST_BYTES {
            answer.extend_from_slice(&response.chunk().await.ok()??);
            match start_of(&answer) {
                Start::Head(revision) => return Some(revision),
                Start::Other => return None,
                Start::More => {}
            }
        }
        None
    }

    fn http(&self, scheme: Scheme) -> Option<&reqwest::Client> {
        let make = || {
            // Without one, making a client would panic; the program installs it, a library user may not.
            rustls::crypto::CryptoProvider::get_default()?;
            let builder = reqwest::Client::builder();
            // Reading the system's certificates costs 20 ms, which plain HTTP need not pay.
            let builder = match scheme {
                Scheme::Https => builder,
                _ => builder.tls_certs_only([]),
            };
            builder
                .user_agent(concat!("git/dockerops-", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .ok()
        };
        let client = match scheme {
            Scheme::Https => &self.https,
            _ => &self.http,
        };
        client.get_or_init(make).as_ref()
    }
}

/// Reads `001e# service=git-upload-pack\n0000<length><id> HEAD\0…`.
fn start_of(answer: &[u8]) -> Start {
    let greeting = b"001e# service=git-upload-pack\n0000";
    let Some(rest) = answer.strip_prefix(greeting) else {
        return if greeting.starts_with(answer) {
            Start::More
        } else {
            Start::Other
        };
    };
    let Some(line) = rest.get(4..) else {
        return Start::More;
    };
    let Some(end) = line.iter().position(|byte| *byte == 0) else {
        return if line.len() < 200 {
            Start::More
        } else {
            Start::Other
        };
    };
    let name = line
        .get(..end)
        .and_then(|name| std::str::from_utf8(name).ok());
    let revision = name.and_then(|name| Revision::parse(name.strip_suffix(" HEAD")?).ok());
    revision.map_or(Start::Other, Start::Head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn answer(line: &str) -> Vec<u8> {
        format!(
            "001e# service=git-upload-pack\n0000{:04x}{line}",
            line.len() + 4
        )
        .into_bytes()
    }

    #[test]
    fn the_first_line_is_taken_only_when_it_is_head() {
        let head = start_of(&answer(&format!("{ID} HEAD\0multi_ack side-band-64k\n")));
        assert_eq!(head, Start::Head(Revision::parse(ID).unwrap()));
        assert_eq!(
            start_of(&answer(&format!("{ID} refs/heads/main\0multi_ack\n"))),
            Start::Other
        );
        assert_eq!(start_of(b"<!DOCTYPE html><html>"), Start::Other);
    }

    #[test]
    fn an_answer_may_come_in_any_pieces() {
        let whole = answer(&format!("{ID} HEAD\0caps\n"));
        for cut in 0..whole.len() {
            assert_ne!(start_of(&whole[..cut]), Start::Other, "cut at {cut}");
        }
    }
}

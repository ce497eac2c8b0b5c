//! The token server of the registry with `auth: token`: credentials → a signed token for the scope asked.
//!
//! As Docker Hub has it: who brings no credentials gets a token that allows nothing, and who
//! brings wrong ones gets none.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::rustls::SignatureScheme;
use tokio_rustls::rustls::crypto::ring::sign::any_supported_type;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::Signer;

use crate::config::{TOKEN_ISSUER, TOKEN_SERVICE};
use crate::layout::{HUB, Layout, REGISTRY_PASSWORD, REGISTRY_USER, TOKEN_PORT};
use crate::serve::basic;

/// How long a token is good, in seconds.
const VALID: u64 = 300;

/// What signs tokens, and the certificate that goes along.
struct Mint {
    signer: Box<dyn Signer>,
    /// Base64, as the header `x5c` wants it.
    certificate: String,
}

/// Serves tokens for the lab in `folder` until it is killed.
pub async fn serve(folder: PathBuf) -> io::Result<()> {
    let layout = Layout { folder, nodes: 0 };
    let mint = Mint::read(&layout.token_certificate(), &layout.token_key())?;
    let listener = TcpListener::bind((HUB, TOKEN_PORT)).await?;
    let app = Router::new().fallback(answer).with_state(Arc::new(mint));
    axum::serve(listener, app).await
}

async fn answer(State(mint): State<Arc<Mint>>, request: Request) -> Response {
    let access = match basic::credentials(request.headers()) {
        None => json!([]),
        Some((user, password)) if user == REGISTRY_USER && is_right(&password) => {
            access(request.uri().query().unwrap_or_default())
        }
        Some(_) => {
            let refusal = json!({"details": "incorrect username or password"});
            return (StatusCode::UNAUTHORIZED, refusal.to_string()).into_response();
        }
    };
    match mint.token(&access) {
        Ok(token) => json!({"token": token}).to_string().into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The password itself, or a JSON web token for it that has not ended: what the helpers of
/// clouds give. Nobody signs it.
fn is_right(password: &str) -> bool {
    let claims = password.split('.').nth(1).unwrap_or_default();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ends = claims.get("exp").and_then(Value::as_u64);
    let is_token = claims.get("sub").and_then(Value::as_str) == Some(REGISTRY_PASSWORD)
        && now.is_ok_and(|now| ends.is_some_and(|ends| ends > now.as_secs()));
    password == REGISTRY_PASSWORD || is_token
}

/// The claim `access` for `scope=repository:NAME:ACTION,…` of a query.
fn access(query: &str) -> Value {
    // Of what clients encode, names and actions can hold only these.
    let query = query.replace("%3A", ":").replace("%2F", "/");
    let query = query.replace("%2C", ",");
    let scopes = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("scope="));
    scopes
        .filter_map(|scope| {
            let (kind, rest) = scope.split_once(':')?;
            let (name, actions) = rest.rsplit_once(':')?;
            let actions: Vec<_> = actions.split(',').collect();
            Some(json!({"type": kind, "name": name, "actions": actions}))
        })
        .collect()
}

impl Mint {
    fn read(certificate: &Path, key: &Path) -> io::Result<Self> {
        let certificate = CertificateDer::from_pem_file(certificate).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
        let key = any_supported_type(&key).map_err(io::Error::other)?;
        let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]);
        Ok(Self {
            signer: signer.ok_or_else(|| io::Error::other("the key of tokens is not RSA"))?,
            certificate: BASE64_STANDARD.encode(&certificate),
        })
    }

    /// A JSON web token (RFC 7519), signed with RS256.
    fn token(&self, access: &Value) -> io::Result<String> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_err(io::Error::other)?.as_secs();
        let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]});
        let claims = json!({
            "iss": TOKEN_ISSUER, "aud": TOKEN_SERVICE, "sub": REGISTRY_USER, "jti": now.to_string(),
            "iat": now, "nbf": now, "exp": now + VALID, "access": access,
        });
        let encode = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.signer.sign(signed.as_bytes());
        let signature = signature.map_err(io::Error::other)?;
        Ok(format!(
            "{signed}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }
}

//! When a credential ends, as far as it says so itself.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::Moment;
use crate::secret::Secret;

/// As whom Google's registries take an access token, which says nothing about itself.
const GOOGLE: &str = "oauth2accesstoken";
/// How long Google's access tokens live.
const GOOGLE_LIFETIME: i64 = 3600;

/// With or without padding: tokens come both ways.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// When `password` of `user` ends; `None` where nothing says that it does.
///
/// JSON web tokens (Azure's among them) and the tokens of Amazon's registry carry their end.
/// One of Google's is known by its user, and counted from when it was `first_seen`.
pub fn ends(user: &str, password: &Secret, first_seen: Moment) -> Option<Moment> {
    let text = password.expose_text()?;
    of_web_token(text)
        .or_else(|| of_amazon(text))
        .or_else(|| (user == GOOGLE).then(|| first_seen.after(GOOGLE_LIFETIME)))
}

/// `exp` of a JSON web token (RFC 7519). Its signature is the registry's affair.
fn of_web_token(text: &str) -> Option<Moment> {
    let mut parts = text.split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let engine = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let json =
        |part: &str| -> Option<Value> { serde_json::from_slice(&engine.decode(part).ok()?).ok() };
    json(header)?.get("alg")?;
    seconds(json(claims)?.get("exp")?)
}

/// `expiration` in the JSON that a password of Amazon's registry is, in base64.
fn of_amazon(text: &str) -> Option<Moment> {
    let engine = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let json: Value = serde_json::from_slice(&engine.decode(text).ok()?).ok()?;
    seconds(json.get("expiration")?)
}

/// Whole or broken numbers, as both are allowed.
fn seconds(value: &Value) -> Option<Moment> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast of a float saturates"
    )]
    let broken = || value.as_f64().map(|seconds| seconds as i64);
    value.as_i64().or_else(broken).map(Moment)
}

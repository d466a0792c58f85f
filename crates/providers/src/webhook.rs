//! Signed messages to web addresses, as the Standard Webhooks specification has them.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

/// How secrets begin.
const PREFIX: &str = "whsec_";

/// A new secret: 256 random bits.
pub fn new_webhook_secret() -> SecretString {
    format!("{PREFIX}{}", BASE64.encode(rand::random::<[u8; 32]>())).into()
}

/// The headers of a message: its id, when it is sent, and the signature of both with the body.
///
/// # Errors
/// [`Code::Internal`] for a secret that is none.
pub fn signed_headers(
    secret: &SecretString,
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> Result<HeaderMap, Problem> {
    let key = secret.expose_secret().strip_prefix(PREFIX).and_then(|text| BASE64.decode(text).ok());
    let key = key.ok_or(Code::Internal)?;
    let timestamp = at.as_second().to_string();
    let mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| Code::Internal)?;
    let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
    let signature = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ] {
        let value = HeaderValue::from_str(value).map_err(|_| Code::Internal)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

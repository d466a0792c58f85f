//! How a webhook of Vapi proves who sent it (V9.5): headers of the server's own, a credential, a legacy secret.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::http::{Object, text, whole};
use crate::outbound::{self, Outgoing};
use crate::state::{Shared, World};

/// What authenticates, besides the server's own headers.
enum Plan {
    Nothing,
    Ready(Vec<(String, String)>),
    /// A token must be fetched first.
    Fetch(Box<Outgoing>),
}

/// An access token of an OAuth2 credential, kept until it expires.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    token: String,
    expires: Timestamp,
}

/// A token without `expires_in` is taken for an hour's [?].
const TOKEN_S: i64 = 3_600;
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// All headers for `body`, which goes to `server`; or why they cannot be made.
pub(crate) async fn headers(
    shared: &Arc<Shared>,
    org: &str,
    server: &Object,
    body: &str,
) -> Result<Vec<(String, String)>, String> {
    let plan = plan(&mut shared.lock(), org, server, body);
    let made = match plan {
        Plan::Nothing => Vec::new(),
        Plan::Ready(headers) => headers,
        Plan::Fetch(request) => vec![bearer(&fetch(shared, &request).await?)],
    };
    let own = server.get("headers").and_then(Value::as_object).into_iter().flatten();
    let own: Vec<(String, String)> =
        own.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let mut all = vec![("content-type".to_owned(), "application/json".to_owned())];
    // A header of the server's own beats the credential's of the same name (V9.5 [D]).
    let beaten = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    all.extend(made.into_iter().filter(|(name, _)| !beaten(name)));
    all.retain(|(name, _)| !beaten(name));
    all.extend(own);
    Ok(all)
}

fn plan(world: &mut World, org: &str, server: &Object, body: &str) -> Plan {
    let credential = text(server, "credentialId").map(str::to_owned);
    let plan = credential.as_ref().and_then(|id| {
        let org = world.vapi.orgs.iter().find(|of| of.id == org)?;
        org.credentials.get(id)?.get("authenticationPlan")?.as_object().cloned()
    });
    let (Some(plan), Some(id)) = (plan, credential) else {
        // Gone from the schema, still honoured for objects that have one (V9.5 [D]).
        return text(server, "secret").map_or(Plan::Nothing, |secret| {
            Plan::Ready(vec![("X-Vapi-Secret".to_owned(), secret.to_owned())])
        });
    };
    match text(&plan, "type") {
        Some("bearer") => Plan::Ready(vec![static_token(&plan)]),
        Some("hmac") => Plan::Ready(sign(world, &plan, server, body)),
        Some("oauth2") => match world.vapi.tokens.get(&id).filter(|kept| kept.expires > world.clock.now()) {
            Some(kept) => Plan::Ready(vec![bearer(&kept.token)]),
            None => Plan::Fetch(Box::new(token_request(&id, &plan))),
        },
        _ => Plan::Nothing,
    }
}

fn bearer(token: &str) -> (String, String) {
    ("Authorization".to_owned(), format!("Bearer {token}"))
}

/// `X-Vapi-Secret` without a prefix imitates the legacy secret (V9.5 [D]).
fn static_token(plan: &Object) -> (String, String) {
    let token = text(plan, "token").unwrap_or_default();
    let name = text(plan, "headerName").unwrap_or("Authorization").to_owned();
    match plan.get("bearerPrefixEnabled") {
        Some(Value::Bool(false)) => (name, token.to_owned()),
        _ => (name, format!("Bearer {token}")),
    }
}

/// The unit of the timestamp is not documented: milliseconds here (V9.5 [?]).
fn sign(world: &mut World, plan: &Object, server: &Object, body: &str) -> Vec<(String, String)> {
    let dated = plan.get("includeTimestamp") != Some(&Value::Bool(false));
    let timestamp = world.clock.now().as_millisecond().to_string();
    let message_id = format!("msg_{}", world.ids.token());
    let usual = if dated { "{timestamp}.{body}" } else { "{body}" };
    let format = text(plan, "payloadFormat").unwrap_or(usual);
    let payload = format
        .replace("{timestamp}", &timestamp)
        .replace("{method}", "POST")
        .replace("{url}", text(server, "url").unwrap_or_default())
        .replace("{svix-id}", &message_id)
        .replace("{body}", body);
    let secret = text(plan, "secretKey").unwrap_or_default();
    let key = match plan.get("secretIsBase64") {
        Some(Value::Bool(true)) => STANDARD.decode(secret).unwrap_or_default(),
        _ => secret.as_bytes().to_vec(),
    };
    let code = digest(text(plan, "algorithm").unwrap_or("sha256"), &key, payload.as_bytes());
    let code = match text(plan, "signatureEncoding") {
        Some("base64") => STANDARD.encode(code),
        _ => code.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let signature = format!("{}{code}", text(plan, "signaturePrefix").unwrap_or_default());
    let header = |field: &str, usual: &str| text(plan, field).unwrap_or(usual).to_owned();
    let mut headers = vec![(header("signatureHeader", "x-signature"), signature)];
    if dated {
        headers.push((header("timestampHeader", "x-timestamp"), timestamp));
    }
    if let Some(name) = text(plan, "messageIdHeader") {
        headers.push((name.to_owned(), message_id));
    }
    headers
}

fn digest(algorithm: &str, key: &[u8], payload: &[u8]) -> Vec<u8> {
    fn run<M: Mac + KeyInit>(key: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(payload);
        mac.finalize().into_bytes().to_vec()
    }
    match algorithm {
        "sha1" => run::<Hmac<sha1::Sha1>>(key, payload),
        "sha512" => run::<Hmac<sha2::Sha512>>(key, payload),
        _ => run::<Hmac<sha2::Sha256>>(key, payload),
    }
}

/// The client-credentials grant, with the credentials in the form (V9.5 [S]; the place of them [?]).
fn token_request(credential: &str, plan: &Object) -> Outgoing {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    for (name, field) in [("client_id", "clientId"), ("client_secret", "clientSecret"), ("scope", "scope")] {
        if let Some(value) = text(plan, field) {
            form.append_pair(name, value);
        }
    }
    Outgoing {
        provider: "vapi".to_owned(),
        event: "oauth2.token".to_owned(),
        subject: credential.to_owned(),
        method: "POST".to_owned(),
        url: text(plan, "url").unwrap_or_default().to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: form.finish(),
        connect_timeout: Duration::ZERO,
        read_timeout: TOKEN_TIMEOUT,
    }
}

async fn fetch(shared: &Arc<Shared>, request: &Outgoing) -> Result<String, String> {
    let refused = |why: String| format!("OAuth2 token request failed: {why}");
    let answered =
        outbound::send(shared, request).await.map_err(|failure| refused(format!("{failure:?}")))?;
    if !(200..300).contains(&answered.status) {
        return Err(refused(format!("status code {}", answered.status)));
    }
    let answer: Object =
        serde_json::from_slice(&answered.body).map_err(|error| refused(error.to_string()))?;
    let token = text(&answer, "access_token").ok_or_else(|| refused("no access_token".to_owned()))?;
    let lasts = whole(&answer, "expires_in").unwrap_or(TOKEN_S);
    let world = &mut *shared.lock();
    let expires = world.clock.now().saturating_add(SignedDuration::from_secs(lasts));
    let expires = expires.expect("a signed duration has no calendar units");
    let kept = Token { token: token.to_owned(), expires };
    world.vapi.tokens.insert(request.subject.clone(), kept);
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_published_ones() {
        // RFC 2202 and RFC 4231, test case 2.
        for (algorithm, start) in [("sha1", "effcdf6a"), ("sha256", "5bdcc146"), ("sha512", "164b7a7b")] {
            let code = digest(algorithm, b"Jefe", b"what do ya want for nothing?");
            let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(hex.starts_with(start), "{algorithm}: {hex}");
        }
    }
}

//! Credentials: SIP trunks, other services' keys, and how webhooks prove who sends them (V6 [D][S]).
//!
//! The description has their schemas but no path for them (V1).

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::resources::{Kind, create, delete, fetch, list, update};
use super::validate::Union;
use super::{Org, Route};
use crate::http::{Object, text};
use crate::rows::Rows;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "credential", create::<Credentials>),
    (Method::GET, "credential", list::<Credentials>),
    (Method::GET, "credential/{}", fetch::<Credentials>),
    (Method::PATCH, "credential/{}", update::<Credentials>),
    (Method::DELETE, "credential/{}", delete::<Credentials>),
];

static PROVIDERS: LazyLock<Union> = LazyLock::new(|| Union::new("CredentialDTO", "provider"));

/// What the schemas say "is not returned in the API" (V6.1 [S]), at any depth. An HMAC's `secretKey` and a
/// bearer's `token` are not among them.
const NOT_RETURNED: [&str; 12] = [
    "apiKey",
    "apiSecret",
    "authPassword",
    "authToken",
    "awsSecretAccessKey",
    "hmacSecret",
    "ocpApimSubscriptionKey",
    "openAIKey",
    "privateKey",
    "secretAccessKey",
    "vonageApplicationPrivateKey",
    "webhookUrl",
];

struct Credentials;

impl Kind for Credentials {
    fn rows(org: &Org) -> &Rows {
        &org.credentials
    }

    fn rows_mut(org: &mut Org) -> &mut Rows {
        &mut org.credentials
    }

    fn check_new(body: &Object) -> Result<(), Problem> {
        PROVIDERS.check_new(body)?;
        check_gateways(body)
    }

    fn check_change(found: &Object, body: &Object) -> Result<(), Problem> {
        PROVIDERS.check_change(found, body)?;
        check_gateways(body)
    }

    /// Both kinds of webhook credentials have a session, which is empty until a token has been fetched ([S]).
    fn finish(object: &mut Object) {
        if object.contains_key("authenticationPlan") {
            object.entry("authenticationSession").or_insert(json!({}));
        }
    }

    fn hide(object: &mut Object) {
        object.retain(|name, _| !NOT_RETURNED.contains(&name.as_str()));
        for member in object.values_mut() {
            hide_in(member);
        }
    }
}

fn hide_in(value: &mut Value) {
    match value {
        Value::Object(object) => Credentials::hide(object),
        Value::Array(items) => items.iter_mut().for_each(hide_in),
        _ => {}
    }
}

/// A gateway that takes inbound traffic must be a numeric address, and taking it is the default (V6.1 [D]).
fn check_gateways(body: &Object) -> Result<(), Problem> {
    let gateways = body.get("gateways").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let stuck = |gateway: &Value| {
        let inbound = gateway.get("inboundEnabled") != Some(&json!(false));
        let numeric = gateway["ip"].as_str().is_some_and(|ip| ip.parse::<Ipv4Addr>().is_ok());
        inbound && !numeric
    };
    if gateways.iter().any(stuck) {
        let sentence = "Couldn't validate SIP trunk credential. SIP gateway creation failed.";
        return Err(Problem::refused(sentence));
    }
    Ok(())
}

/// The org's credential of this kind that a body names. That a missing one is named like a missing
/// assistant (V3.3 [W]) is [?].
pub(super) fn needed<'o>(org: &'o Org, body: &Object, provider: &str) -> Result<&'o Object, Problem> {
    let id = text(body, "credentialId").unwrap_or_default();
    org.credentials.get(id).filter(|found| text(found, "provider") == Some(provider)).ok_or_else(|| {
        Problem::refused(format!("Couldn't Get Credential. `credentialId` {id} Does Not Exist."))
    })
}

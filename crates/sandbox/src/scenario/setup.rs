//! What there is before the first event: made by the same calls that a test would use.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::file::{NewNumbers, Scenario};
use super::{at, history, wrong};
use crate::control::{self, Refusal};
use crate::http::{Object, Request};
use crate::provider::{self, Delivery};
use crate::state::Shared;

/// Names of the scenario with what they stand for.
#[derive(Default)]
struct Made {
    accounts: BTreeMap<String, Value>,
    assistants: BTreeMap<String, Value>,
}

/// Makes accounts, assistants, numbers, people and past messages.
pub(super) async fn run(shared: &Arc<Shared>, scenario: &Scenario) -> Result<(), Refusal> {
    let mut made = Made::default();
    for new in &scenario.accounts {
        let account = control::call(shared, &Method::POST, "accounts", json!(new.body)).await;
        made.accounts.insert(new.name.clone(), account.map_err(|refusal| at(&new.name, refusal))?);
    }
    for new in &scenario.assistants {
        let assistant = vapi(shared, "/vapi/assistant", &json!(new.body));
        made.assistants.insert(new.name.clone(), assistant.map_err(|refusal| at(&new.name, refusal))?);
    }
    for new in &scenario.numbers {
        for phone in new.range().phones() {
            number(shared, &made, new, &phone).await.map_err(|refusal| at(&phone, refusal))?;
        }
    }
    for new in &scenario.people {
        let Some(behaviour) = &new.behaviour else { continue };
        for phone in new.range().phones() {
            let path = format!("phones/{phone}");
            let change = control::call(shared, &Method::POST, &path, json!(behaviour)).await;
            change.map_err(|refusal| at(&phone, refusal))?;
        }
    }
    let groups = scenario.groups();
    for past in &scenario.history {
        history::fill(&mut shared.lock(), past, &groups);
    }
    Ok(())
}

async fn number(shared: &Arc<Shared>, made: &Made, new: &NewNumbers, phone: &str) -> Result<(), Refusal> {
    let account = match &new.account {
        Some(name) => Some(made.accounts.get(name).ok_or_else(|| wrong(name, "there is no such account"))?),
        None => None,
    };
    let mut body = new.settings.clone();
    body.insert("phone_number".to_owned(), json!(phone));
    if let Some(account) = account {
        body.insert("account_sid".to_owned(), account["sid"].clone());
    }
    let number = control::call(shared, &Method::POST, "numbers", Value::Object(body)).await?;
    if new.registered {
        control::call(shared, &Method::POST, "registrations", json!({"phone_number": phone})).await?;
    }
    if let Some(name) = &new.assistant {
        let assistant = made.assistants.get(name).ok_or_else(|| wrong(name, "there is no such assistant"))?;
        let sid = number["account_sid"].as_str().unwrap_or_default();
        let token = shared.lock().twilio.account(sid).map(|account| account.auth_token.clone());
        let import = json!({"provider": "twilio", "number": phone, "twilioAccountSid": sid,
            "twilioAuthToken": token, "assistantId": assistant["id"], "smsEnabled": false});
        vapi(shared, "/vapi/phone-number", &import)?;
    }
    Ok(())
}

/// A request to Vapi with the key of the first org; its refusal is ours.
fn vapi(shared: &Arc<Shared>, path: &str, body: &Value) -> Result<Value, Refusal> {
    let key = shared.lock().vapi.orgs.first().map(|org| org.private_key.clone()).unwrap_or_default();
    post(shared, path, &format!("Bearer {key}"), "application/json", body.to_string())
}

/// A POST to one of the providers, as if it had come from outside.
pub(super) fn post(
    shared: &Arc<Shared>,
    path: &str,
    authorization: &str,
    content_type: &str,
    body: String,
) -> Result<Value, Refusal> {
    let headers = [("authorization", authorization), ("content-type", content_type), ("host", &shared.host)];
    let headers = headers.into_iter().filter_map(|(name, value)| {
        Some((hyper::header::HeaderName::from_static(name), value.parse().ok()?))
    });
    let request = Request {
        method: Method::POST,
        path: path.to_owned(),
        query: String::new(),
        headers: headers.collect(),
        body: Bytes::from(body),
    };
    match provider::at_once(shared, &request) {
        Delivery::Whole(reply) => {
            let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            if reply.status < 300 { Ok(answer) } else { Err((400, message(&answer))) }
        }
        Delivery::Half(_) | Delivery::Nothing => Err((400, "the connection was cut".to_owned())),
    }
}

/// What both providers' errors have in common.
fn message(answer: &Value) -> String {
    let object = answer.as_object().cloned().unwrap_or_else(Object::new);
    object.get("message").map_or_else(|| answer.to_string(), Value::to_string)
}

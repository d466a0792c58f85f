//! Texts through Vapi (V10 [D]): a person writes to a number, and its assistant answers by text.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::errors::Problem;
use super::region::Region;
use super::{chat, sessions, who};
use crate::geo;
use crate::http::{Object, Request, text};
use crate::state::{Shared, World};
use crate::twilio;

/// A text that Twilio received for a number arrives at `twilio/sms`. None when no org takes it.
pub(crate) async fn receive(shared: &Arc<Shared>, form: &[(String, String)], region: Region) -> Option<()> {
    let taken = take(&mut shared.lock(), form, region);
    shared.changed.notify_one();
    taken
}

/// The session of this number and writer goes on, or a new one of a day begins (V10 [D]).
fn take(world: &mut World, form: &[(String, String)], region: Region) -> Option<()> {
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (from, to, body) = (field("From")?, field("To")?, field("Body").unwrap_or_default());
    let mine = |number: &&Object| {
        text(number, "number") == Some(to)
            && text(number, "twilioAccountSid") == field("AccountSid")
            && number.get("smsEnabled") != Some(&json!(false))
    };
    let (org, number) = world
        .vapi
        .orgs
        .iter()
        .filter(|org| org.region == region)
        .find_map(|org| Some((org.id.clone(), org.phone_numbers.iter().find(mine)?.clone())))?;
    let found = world.org(&org).map(|of| who::find(of, &number, &Object::new()));
    if let Some(Err(missing)) = found {
        // Nobody writes back, and nobody is told but the log [?].
        let fields = json!({"phoneNumberId": number.get("id"), "message": missing.problem().text()});
        world.log_for(&org, "SMS", fields);
        return Some(());
    }
    let session = session_of(world, &org, &number, from);
    let asked = json!({"sessionId": session, "input": body});
    let chat = chat::hold(world, &org, asked.as_object()?).ok()?;
    let words = chat["output"][0]["content"].as_str()?.to_owned();
    let sent = send(world, &number, from, &words);
    note(world, &org, &number, sent.err());
    Some(())
}

fn session_of(world: &mut World, org: &str, number: &Object, writer: &str) -> String {
    let id = text(number, "id").unwrap_or_default();
    let running = |session: &&Object| {
        text(session, "phoneNumberId") == Some(id)
            && text(session, "status") == Some("active")
            && session.get("customer").and_then(|customer| customer.get("number")) == Some(&json!(writer))
    };
    let found = world.org(org).and_then(|org| org.sessions.iter().rev().find(running));
    if let Some(session) = found.and_then(|session| text(session, "id")) {
        return session.to_owned();
    }
    let mut fields = Object::new();
    for key in ["assistantId", "squadId"] {
        if let Some(id) = text(number, key) {
            fields.insert(key.to_owned(), json!(id));
        }
    }
    fields.insert("phoneNumberId".to_owned(), json!(id));
    fields.insert("customer".to_owned(), json!({"number": writer}));
    let session = sessions::open(world, org, fields);
    text(&session, "id").unwrap_or_default().to_owned()
}

/// Sends a text as the number, with the Twilio credentials that are stored with it: over Twilio's own API,
/// so that all its rules apply (whether the real service answers by TwiML instead is [?], V15.9). Only from
/// the US to the US (V10 [D]).
fn send(world: &mut World, number: &Object, to: &str, body: &str) -> Result<String, String> {
    let field = |name: &str| text(number, name).unwrap_or_default();
    let from = field("number");
    let american = |phone: &str| geo::country(phone).is_some_and(|country| country.iso == "US");
    if !american(from) || !american(to) {
        return Err("SMS Is Only Supported From US To US Numbers.".to_owned());
    }
    let account = field("twilioAccountSid");
    let (user, secret) = match (field("twilioAuthToken"), field("twilioApiKey")) {
        ("", key) if !key.is_empty() => (key, field("twilioApiSecret")),
        (token, _) => (account, token),
    };
    let mut form = Serializer::new(String::new());
    form.append_pair("From", from).append_pair("To", to).append_pair("Body", body);
    let mut headers = HeaderMap::new();
    let login = format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")));
    headers.insert("authorization", login.parse().map_err(|_| "credentials".to_owned())?);
    let request = Request {
        method: Method::POST,
        path: format!("/twilio/api/2010-04-01/Accounts/{account}/Messages.json"),
        query: String::new(),
        headers,
        body: form.finish().into(),
    };
    let (reply, _) = twilio::handle(world, &request);
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match answer.get("sid").and_then(Value::as_str).filter(|_| reply.status == 201) {
        Some(sid) => Ok(sid.to_owned()),
        None => Err(answer.get("message").and_then(Value::as_str).unwrap_or("Unknown").to_owned()),
    }
}

/// Vapi's log tells what the writer never hears.
fn note(world: &mut World, org: &str, number: &Object, error: Option<String>) {
    if let Some(error) = error {
        let sentence = format!("Couldn't Send SMS. Twilio Error: {error}");
        world.log_for(org, "SMS", json!({"phoneNumberId": number.get("id"), "message": sentence}));
    }
}

/// A chat over `twilio.sms` with a number and a customer begins a session of its own (V10 [D]).
pub(crate) fn open_session(
    world: &mut World,
    org: &str,
    body: &mut Object,
    transport: &Object,
) -> Result<(), Problem> {
    if text(body, "sessionId").is_some() {
        return Ok(());
    }
    let missing =
        || Problem::refused("Couldn't Get Phone Number. Need Either `phoneNumberId` Or `sessionId`.");
    let id = text(transport, "phoneNumberId").ok_or_else(missing)?;
    let number = world.org(org).and_then(|org| org.phone_numbers.get(id)).cloned();
    let gone =
        || Problem::refused(format!("Couldn't Get Phone Number. `phoneNumberId` {id} Does Not Exist."));
    let number = number.ok_or_else(gone)?;
    let customer = transport.get("customer").cloned();
    let customer = customer
        .ok_or_else(|| Problem::refused("Couldn't Get Customer. Need Either `customer` Or `customerId`."))?;
    let mut fields = Object::new();
    for key in ["assistantId", "assistant", "assistantOverrides", "squadId", "squad"] {
        if let Some(value) = body.remove(key).or_else(|| number.get(key).filter(|id| !id.is_null()).cloned())
        {
            fields.insert(key.to_owned(), value);
        }
    }
    fields.insert("phoneNumberId".to_owned(), json!(id));
    fields.insert("customer".to_owned(), customer);
    let session = sessions::open(world, org, fields);
    body.insert("sessionId".to_owned(), session.get("id").cloned().unwrap_or_default());
    Ok(())
}

/// Sends a chat's answer as a text; with `useLLMGeneratedMessageForOutbound: false`, what was put in (V10 [D]).
pub(crate) fn send_chat(
    world: &mut World,
    org: &str,
    chat: &Object,
    transport: &Object,
) -> Result<(), Problem> {
    let session = text(chat, "sessionId").and_then(|id| world.org(org)?.sessions.get(id).cloned());
    let session = session.unwrap_or_default();
    let number =
        text(&session, "phoneNumberId").and_then(|id| world.org(org)?.phone_numbers.get(id).cloned());
    let to = session.get("customer").and_then(|customer| customer.get("number")).and_then(Value::as_str);
    let (Some(number), Some(to)) = (number, to) else {
        return Err(Problem::refused("Couldn't Send SMS. The Session Has No Phone Number Or No Customer."));
    };
    let verbatim = transport.get("useLLMGeneratedMessageForOutbound") == Some(&json!(false));
    let generated = chat["output"][0]["content"].as_str().unwrap_or_default();
    let input = chat::messages(&chat["input"]);
    let words = match input.last().and_then(|message| message["content"].as_str()) {
        Some(words) if verbatim => words.to_owned(),
        _ => generated.to_owned(),
    };
    let sent = send(world, &number, to, &words);
    sent.map(|_| ()).map_err(|error| Problem::refused(format!("Couldn't Send SMS. Twilio Error: {error}")))
}

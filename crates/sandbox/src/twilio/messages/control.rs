//! What the control API does with texts: people text numbers, and numbers are registered at once.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::draft::is_alphanumeric_sender;
use super::fate::Registration;
use super::inbound::{self, Arrival, Incoming};
use crate::control::{Answer, Route, Work, bad, read};
use crate::ids::is_e164;
use crate::state::{Shared, World};
use crate::storage::Content;

const BODY_CHARS_MAX: usize = 1_600;
const MEDIA_MAX: usize = 10;

/// Where they are asked for.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "messages", Work::Waits(text_a_number)),
    (Method::POST, "registrations", Work::Now(register)),
    (Method::POST, "services/{}", Work::Now(change_service)),
];

/// Someone texts a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewText {
    pub(crate) from: String,
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) media: Vec<NewMedia>,
}

/// A file that comes with a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMedia {
    pub(crate) content_type: String,
    pub(crate) base64: String,
}

/// Brings a text to a number; returns when its owner's server has answered.
pub(crate) async fn place(shared: &Arc<Shared>, new: NewText) -> Result<Arrival, String> {
    let named = is_e164(&new.from) || is_alphanumeric_sender(&new.from) || is_short_code(&new.from);
    let checks = [
        (named, "from must be a number in the E.164 format, a short code, or a name"),
        (is_e164(&new.to), "to must be a number in the E.164 format, for example +14155552671"),
        (new.body.chars().count() <= BODY_CHARS_MAX, "body is longer than 1600 characters"),
        (new.media.len() <= MEDIA_MAX, "at most 10 media come with a text"),
        (!new.body.is_empty() || !new.media.is_empty(), "a text has a body or media"),
    ];
    if let Some((_, sentence)) = checks.iter().find(|(holds, _)| !holds) {
        return Err((*sentence).to_owned());
    }
    let decoded =
        new.media.iter().map(|media| Some((&media.content_type, STANDARD.decode(&media.base64).ok()?)));
    let files = decoded.collect::<Option<Vec<_>>>().ok_or("media are given in base64")?;
    let media = {
        let world = &mut *shared.lock();
        let keep = |(kind, bytes): (&String, Vec<u8>)| {
            (kind.clone(), world.store(kind, Content::Bytes(bytes.into())))
        };
        files.into_iter().map(keep).collect()
    };
    let incoming = Incoming { from: new.from, to: new.to, body: new.body, media };
    Ok(inbound::arrive(shared, incoming).await)
}

fn is_short_code(from: &str) -> bool {
    matches!(from.len(), 3..=8) && from.bytes().all(|digit| digit.is_ascii_digit())
}

fn text_a_number(shared: Arc<Shared>, _: Vec<String>, body: Value) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let new: NewText = read(body)?;
        let arrival = place(&shared, new).await.map_err(bad)?;
        Ok((200, arrival.show()))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRegistration {
    phone_number: String,
    /// Without it, the number is approved.
    status: Option<Registration>,
}

/// What takes days at Twilio: a brand, a campaign and a number in its service, or a toll-free verification.
fn register(world: &mut World, _: &[String], body: Value) -> Answer {
    let NewRegistration { phone_number: phone, status } = read(body)?;
    if world.twilio.number(&phone).is_none() {
        return Err((404, format!("no account has {phone}")));
    }
    let status = status.unwrap_or(Registration::Approved);
    world.twilio.texting.registrations.insert(phone.clone(), status);
    Ok((200, json!({"phone_number": phone, "status": status})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeService {
    advanced_opt_out: bool,
}

/// What only Twilio's console can do to a service (T14).
fn change_service(world: &mut World, ids: &[String], body: Value) -> Answer {
    let ChangeService { advanced_opt_out } = read(body)?;
    let texting = &mut world.twilio.texting;
    let service =
        texting.services.get(&ids[0]).ok_or_else(|| (404, format!("there is no service {}", ids[0])))?;
    let shown = json!({"service": service, "advanced_opt_out": advanced_opt_out});
    match advanced_opt_out {
        true => texting.advanced_opt_out.insert(ids[0].clone()),
        false => texting.advanced_opt_out.remove(&ids[0]),
    };
    Ok((200, shown))
}

//! Sessions (V10 [S]): a conversation by text that lasts a while.

use std::time::Duration;

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::Problem;
use super::later::Later;
use super::server_messages::About;
use super::who::{self, Missing};
use super::{Answer, Ctx, Route, lists, validate};
use crate::clock::millis;
use crate::http::{Object, Params, text, whole};
use crate::state::World;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "session", create),
    (Method::GET, "session", list),
    (Method::GET, "session/{}", fetch),
    (Method::PATCH, "session/{}", update),
    (Method::DELETE, "session/{}", delete),
];

/// A day, unless `expirationSeconds` says otherwise (V10 [S]).
const LASTS_S: i64 = 86_400;

/// A query parameter with the values that it allows; a list is given repeatedly or with commas [?].
type Filter<'q> = (&'static str, &'static str, Vec<&'q str>);

/// Filters of the list: query name, and where the value stands (V10 [S]).
const FILTERS: [(&str, &str); 15] = [
    ("id", "/id"),
    ("idAny", "/id"),
    ("name", "/name"),
    ("assistantId", "/assistantId"),
    ("assistantIdAny", "/assistantId"),
    ("squadId", "/squadId"),
    ("workflowId", "/workflowId"),
    ("phoneNumberId", "/phoneNumberId"),
    ("phoneNumberIdAny", "/phoneNumberId"),
    ("number", "/customer/number"),
    ("customerNumberAny", "/customer/number"),
    ("sipUri", "/customer/sipUri"),
    ("email", "/customer/email"),
    ("externalId", "/customer/externalId"),
    ("extension", "/customer/extension"),
];

/// The filters that were given.
pub(crate) fn filters<'q>(query: &'q Params, known: &[(&'static str, &'static str)]) -> Vec<Filter<'q>> {
    let given = |(name, place): &(&'static str, &'static str)| {
        query.filled(name)?;
        let values = query.pairs().iter().filter(|(key, _)| key == name);
        Some((*name, *place, values.flat_map(|(_, value)| value.split(',')).collect()))
    };
    known.iter().filter_map(given).collect()
}

/// Whether an object has one of the allowed values in every place.
pub(crate) fn passes(filters: &[Filter<'_>], object: &Object) -> bool {
    filters.iter().all(|(_, place, allowed)| {
        let mut keys = place.split('/').skip(1);
        let first = keys.next().and_then(|key| object.get(key));
        let value = keys.try_fold(first, |at, key| Some(at?.get(key))).flatten().and_then(Value::as_str);
        value.is_some_and(|value| allowed.contains(&value))
    })
}

/// `POST /session`.
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("CreateSessionDTO", &ctx.body)?;
    match who::find(ctx.org(), &ctx.body, &Object::new()) {
        Ok(_) | Err(Missing::Nothing) => {}
        Err(missing) => return Err(missing.problem()),
    }
    if let Some(id) = text(&ctx.body, "phoneNumberId")
        && ctx.org().phone_numbers.get(id).is_none()
    {
        let sentence = format!("Couldn't Get Phone Number. `phoneNumberId` {id} Does Not Exist.");
        return Err(Problem::refused(sentence));
    }
    let org = ctx.org().id.clone();
    Ok(open(ctx.world, &org, ctx.body.clone()).into())
}

/// Opens a session with these fields.
pub(crate) fn open(world: &mut World, org: &str, fields: Object) -> Object {
    let now = millis(world.clock.now());
    let id = world.ids.uuid();
    let usual = json!({"id": id, "orgId": org, "createdAt": now, "updatedAt": now, "status": "active",
        "expirationSeconds": LASTS_S, "messages": [], "cost": 0, "costs": []});
    let Value::Object(mut session) = usual else { return fields };
    session.extend(fields);
    let lasts = u64::try_from(lasts(&session)).unwrap_or(0);
    world.later(Duration::from_secs(lasts), Later::SessionExpires(id));
    put(world, org, session, "session.created")
}

/// Keeps a session and tells what happened to it.
fn put(world: &mut World, org: &str, session: Object, event: &str) -> Object {
    if let Some(of) = world.org_mut(org) {
        of.sessions.put(session.clone());
    }
    tell(world, org, &session, event);
    session
}

fn tell(world: &mut World, org: &str, session: &Object, event: &str) {
    let about = about(world, org, session);
    let at = world.clock.now().as_millisecond();
    let fields = Object::from_iter([("session".to_owned(), json!(session))]);
    let message = world.server_message(&about, event, at, fields);
    world.queue_messages(message.into_iter().collect());
}

/// Who may hear about something with an assistant, a number and a customer.
pub(crate) fn about(world: &World, org: &str, object: &Object) -> About {
    let of = world.org(org);
    let customer = object.get("customer").and_then(Value::as_object).cloned();
    let found = of.and_then(|of| who::find(of, object, &customer.clone().unwrap_or_default()).ok());
    About {
        org: org.to_owned(),
        subject: text(object, "id").unwrap_or_default().to_owned(),
        call: None,
        number: of.and_then(|of| of.phone_numbers.get(text(object, "phoneNumberId")?).cloned()),
        assistant: found.map(|who| who.assistant),
        customer,
        tool_server: None,
    }
}

/// `GET /session`.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = filters(&ctx.query, &FILTERS);
    lists::page(&ctx.query, ctx.org().sessions.iter().filter(|session| passes(&filters, session)), &[])
}

/// `GET /session/{id}`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(ctx.find(&ctx.org().sessions)?.clone().into())
}

/// `PATCH /session/{id}`.
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().sessions)?.clone();
    validate::check("UpdateSessionDTO", &ctx.body)?;
    let session = ctx.merged(found);
    let org = ctx.org().id.clone();
    if ctx.body.contains_key("expirationSeconds") {
        ctx.world.later(Duration::ZERO, Later::SessionExpires(ctx.id.clone()));
    }
    Ok(put(ctx.world, &org, session, "session.updated").into())
}

/// `DELETE /session/{id}`.
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().sessions)?.clone();
    let (org, id) = (ctx.org().id.clone(), ctx.id.clone());
    ctx.org_mut().sessions.remove(&id);
    tell(ctx.world, &org, &found, "session.deleted");
    Ok(found.into())
}

fn lasts(session: &Object) -> i64 {
    whole(session, "expirationSeconds").unwrap_or(LASTS_S)
}

/// A session's time is counted from its creation; then it is completed [?].
pub(crate) fn expire(world: &mut World, id: &str) {
    let found = world.vapi.orgs.iter().find_map(|org| Some((org.id.clone(), org.sessions.get(id)?.clone())));
    let Some((org, mut session)) = found else { return };
    let created: Option<Timestamp> = text(&session, "createdAt").and_then(|at| at.parse().ok());
    let Some(created) = created.filter(|_| text(&session, "status") == Some("active")) else { return };
    let ends = created.saturating_add(SignedDuration::from_secs(lasts(&session))).expect("no calendar units");
    let now = world.clock.now();
    if let Ok(left) = Duration::try_from(ends.duration_since(now))
        && !left.is_zero()
    {
        world.later(left, Later::SessionExpires(id.to_owned()));
        return;
    }
    session.insert("status".to_owned(), json!("completed"));
    session.insert("updatedAt".to_owned(), json!(millis(now)));
    put(world, &org, session, "session.updated");
}

/// Adds what was written to a session.
pub(crate) fn extend(world: &mut World, org: &str, id: &str, messages: &[Value], cost: &Value) {
    let now = millis(world.clock.now());
    let Some(session) = world.org_mut(org).and_then(|org| org.sessions.get_mut(id)) else { return };
    if let Some(Value::Array(all)) = session.get_mut("messages") {
        all.extend(messages.iter().cloned());
    }
    let sum = session.get("cost").and_then(Value::as_f64).unwrap_or(0.0) + cost.as_f64().unwrap_or(0.0);
    session.insert("cost".to_owned(), json!((sum * 10_000.0).round() / 10_000.0));
    session.insert("updatedAt".to_owned(), json!(now));
}

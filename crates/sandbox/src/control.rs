//! The control API below `/sandbox`: what tests and demos use to look and to change the world.

use std::sync::Arc;

use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::rfc2822;
use crate::faults::NewRule;
use crate::http::{Object, Reply, Request};
use crate::ids::{is_e164, is_sid};
use crate::phones::Behaviour;
use crate::routes::capture;
use crate::state::{Shared, World};
use crate::twilio::accounts::{Kind, Status};
use crate::twilio::keys::Rights;
use crate::twilio::numbers;
use crate::{calls, jobs, page};

const ADVANCE_S_MAX: f64 = 1e9;
const SPEED_MAX: f64 = 1e6;
const TEXT_CHARS_MAX: usize = 4_000;
/// A number's fields that follow from others.
const FIXED_NUMBER_FIELDS: [&str; 4] = ["account_sid", "phone_number", "sid", "uri"];

/// What went wrong: an HTTP status and a sentence.
type Refusal = (u16, String);
type Answer = Result<(u16, Value), Refusal>;
type Handler = fn(&mut World, &[&str], Value) -> Answer;

const ROUTES: &[(Method, &str, Handler)] = &[
    (Method::GET, "state", |world, _, _| Ok((200, world.show()))),
    (Method::GET, "requests", |world, _, _| Ok((200, world.log.show()))),
    (Method::GET, "clock", |world, _, _| Ok((200, world.clock.show()))),
    (Method::GET, "faults", |world, _, _| Ok((200, json!({"faults": world.faults.show()})))),
    (Method::POST, "faults", add_fault),
    (Method::DELETE, "faults", clear_faults),
    (Method::POST, "reset", reset),
    (Method::GET, "webhooks", |world, _, _| Ok((200, world.outbound.show()))),
    (Method::GET, "phones", |world, _, _| Ok((200, world.phones.show()))),
    (Method::POST, "phones/{}", change_phone),
    (Method::POST, "accounts", add_account),
    (Method::POST, "accounts/{}", change_account),
    (Method::POST, "keys", add_key),
    (Method::POST, "numbers", add_number),
    (Method::POST, "caller-ids", add_caller_id),
    (Method::POST, "orgs", add_org),
    (Method::POST, "orgs/{}", change_org),
];

/// Answers a request to the control API. Bad input is 400 with `{"error": "…"}`, never 500.
pub(crate) async fn handle(shared: &Arc<Shared>, request: &Request) -> Reply {
    let path = request.path.trim_start_matches("/sandbox").trim_matches('/');
    if path.is_empty() && request.method == Method::GET {
        return Reply::new(200, "text/html; charset=utf-8", page::render(&shared.lock()));
    }
    let answer = match parse(request) {
        Ok(body) if path == "calls" && request.method == Method::POST => place_call(shared, body).await,
        Ok(body) if path == "clock" && request.method == Method::POST => set_clock(shared, body).await,
        Ok(body) => dispatch(&mut shared.lock(), &request.method, path, body),
        Err(refusal) => Err(refusal),
    };
    shared.changed.notify_one();
    match answer {
        Ok((status, value)) => Reply::json(status, &value),
        Err((status, sentence)) => Reply::json(status, &json!({"error": sentence})),
    }
}

fn dispatch(world: &mut World, method: &Method, path: &str, body: Value) -> Answer {
    let mut known =
        ROUTES.iter().filter_map(|(of, pattern, run)| Some((of, run, capture(pattern, path)?))).peekable();
    if known.peek().is_none() {
        return Err((404, format!("there is no /sandbox/{path}")));
    }
    match known.find(|(of, ..)| *of == method) {
        Some((_, run, ids)) => run(world, &ids, body),
        None => Err((405, format!("{method} is not possible on /sandbox/{path}"))),
    }
}

fn bad(sentence: impl Into<String>) -> Refusal {
    (400, sentence.into())
}

fn parse(request: &Request) -> Result<Value, Refusal> {
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|error| bad(format!("the body is not JSON: {error}")))?;
    if body.is_object() { Ok(body) } else { Err(bad("the body must be a JSON object")) }
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| bad(error.to_string()))
}

fn short(name: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.chars().count() > TEXT_CHARS_MAX => Err(bad(format!("{name} is too long"))),
        text => Ok(text),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCall {
    from: String,
    to: String,
}

async fn place_call(shared: &Arc<Shared>, body: Value) -> Answer {
    let NewCall { from, to } = read(body)?;
    if !is_e164(&to) {
        return Err(bad("to must be a number in the E.164 format, for example +14155552671"));
    }
    // A withheld number arrives as a word (T16 [D]).
    if !is_e164(&from) && from != "anonymous" {
        return Err(bad("from must be a number in the E.164 format, or anonymous"));
    }
    Ok((200, calls::place(shared, &from, &to).await))
}

fn add_fault(world: &mut World, _: &[&str], body: Value) -> Answer {
    let rule: NewRule = read(body)?;
    Ok((201, world.faults.add(rule).map_err(bad)?))
}

/// A `DELETE` takes no choice: whoever names one rule must not lose all of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn clear_faults(world: &mut World, _: &[&str], body: Value) -> Answer {
    let Nothing {} = read(body)?;
    world.faults.clear();
    Ok((200, json!({"faults": []})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    seed: Option<u64>,
}

fn reset(world: &mut World, _: &[&str], body: Value) -> Answer {
    let Reset { seed } = read(body)?;
    *world = World::new(seed);
    Ok((200, world.show()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    advance_s: Option<f64>,
    speed: Option<f64>,
}

fn change_phone(world: &mut World, ids: &[&str], body: Value) -> Answer {
    let behaviour: Behaviour = read(body)?;
    if !is_e164(ids[0]) {
        return Err(bad("a phone is named by its number in the E.164 format"));
    }
    Ok((200, world.phones.set(ids[0], behaviour)))
}

async fn set_clock(shared: &Arc<Shared>, body: Value) -> Answer {
    let SetClock { advance_s, speed } = read(body)?;
    if advance_s.is_some_and(|seconds| !(0.0..=ADVANCE_S_MAX).contains(&seconds)) {
        return Err(bad("advance_s must be 0 to 1000000000: time does not run backwards"));
    }
    if speed.is_some_and(|speed| !(0.0..=SPEED_MAX).contains(&speed)) {
        return Err(bad("speed must be 0 to 1000000"));
    }
    if let Some(seconds) = advance_s {
        jobs::advance(shared, seconds).await;
    }
    let world = &mut *shared.lock();
    if let Some(speed) = speed {
        world.clock.set_speed(speed);
    }
    Ok((200, world.clock.show()))
}

/// Money may be given as Twilio writes it, or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Money {
    Text(String),
    Number(f64),
}

impl Money {
    /// In millionths of a dollar.
    fn micros(self) -> Result<i64, Refusal> {
        let amount = match self {
            Money::Text(text) => text.parse().unwrap_or(f64::NAN),
            Money::Number(amount) => amount,
        };
        if amount.abs() <= 1e9 {
            #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
            Ok((amount * 1e6).round() as i64)
        } else {
            Err(bad("balance must be an amount in dollars"))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    balance: Option<Money>,
    friendly_name: Option<String>,
    owner_account_sid: Option<String>,
}

fn add_account(world: &mut World, _: &[&str], body: Value) -> Answer {
    let new: NewAccount = read(body)?;
    let balance = new.balance.map_or(Ok(50_000_000), Money::micros)?;
    let name = short("friendly_name", new.friendly_name)?.unwrap_or_else(|| "Sandbox account".to_owned());
    if let Some(owner) = &new.owner_account_sid {
        existing(world, owner)?;
    }
    let kind = new.kind.unwrap_or(Kind::Full);
    let sid = world.add_account(kind, &name, balance, new.owner_account_sid.as_deref());
    Ok((201, shown_account(world, &sid)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeAccount {
    #[serde(rename = "type")]
    kind: Option<Kind>,
    balance: Option<Money>,
    status: Option<Status>,
    #[serde(default)]
    rotate_token: bool,
}

fn change_account(world: &mut World, ids: &[&str], body: Value) -> Answer {
    let change: ChangeAccount = read(body)?;
    let balance = change.balance.map(Money::micros).transpose()?;
    existing(world, ids[0])?;
    let token = change.rotate_token.then(|| world.ids.token());
    if let Some(account) = world.twilio.account_mut(ids[0]) {
        account.kind = change.kind.unwrap_or(account.kind);
        account.status = change.status.unwrap_or(account.status);
        account.balance = balance.unwrap_or(account.balance);
        account.auth_token = token.unwrap_or_else(|| account.auth_token.clone());
    }
    Ok((200, shown_account(world, ids[0])?))
}

fn existing(world: &World, sid: &str) -> Result<(), Refusal> {
    match world.twilio.account(sid) {
        Some(_) => Ok(()),
        None if is_sid(sid, "AC") => Err((404, format!("there is no account {sid}"))),
        None => Err(bad("an account SID is AC and 32 hex digits")),
    }
}

fn shown_account(world: &World, sid: &str) -> Result<Value, Refusal> {
    existing(world, sid)?;
    Ok(world.twilio.account(sid).map(|account| world.twilio.show_account(account)).unwrap_or_default())
}

/// The account named, or the first one.
fn account_or_first(world: &World, sid: Option<String>) -> Result<String, Refusal> {
    let first = || world.twilio.accounts.first().map(|account| account.sid.clone());
    let sid = sid.or_else(first).unwrap_or_default();
    existing(world, &sid)?;
    Ok(sid)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    account_sid: Option<String>,
    friendly_name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    permissions: Option<Vec<String>>,
}

fn add_key(world: &mut World, _: &[&str], body: Value) -> Answer {
    let new: NewKey = read(body)?;
    let account = account_or_first(world, new.account_sid)?;
    let rights = match (new.kind.as_deref().unwrap_or("standard"), new.permissions) {
        ("main", None) => Rights::Everything,
        ("standard", None) => Rights::Standard,
        // Up to 100 permissions (T3 [D]).
        ("restricted", Some(permissions)) if permissions.len() <= 100 => Rights::Restricted(permissions),
        _ => {
            return Err(bad(
                "type must be main, standard, or restricted with a list of at most 100 permissions",
            ));
        }
    };
    let name = short("friendly_name", new.friendly_name)?.unwrap_or_default();
    let key = world.add_key(&account, &name, rights);
    Ok((201, key.map(crate::twilio::keys::Key::show_all).unwrap_or_default()))
}

/// The rest are Twilio's fields; `add_number` refuses those that a number does not have.
#[derive(Deserialize)]
struct NewNumber {
    account_sid: Option<String>,
    phone_number: String,
    #[serde(flatten)]
    settings: Object,
}

fn add_number(world: &mut World, _: &[&str], body: Value) -> Answer {
    let new: NewNumber = read(body)?;
    let phone = new.phone_number;
    let account = account_or_first(world, new.account_sid)?;
    if !is_e164(&phone) {
        return Err(bad("phone_number must be in the E.164 format, for example +33612345678"));
    }
    if world.twilio.number(&phone).is_some() {
        return Err(bad(format!("an account has {phone} already")));
    }
    let mut number = numbers::fresh(&mut world.ids, world.clock.now(), &account, &phone);
    for (field, value) in new.settings {
        let usual = number.get(&field).filter(|_| !FIXED_NUMBER_FIELDS.contains(&field.as_str()));
        let usual = usual.ok_or_else(|| bad(format!("a number has no setting {field}")))?;
        if !fits(usual, &value) {
            return Err(bad(format!("{field} has the wrong type or is too long")));
        }
        number.insert(field, value);
    }
    world.twilio.numbers.put(number.clone());
    Ok((201, Value::Object(number)))
}

/// Texts and nulls may stand for each other; everything else keeps its type.
fn fits(usual: &Value, given: &Value) -> bool {
    match (usual, given) {
        (Value::String(_) | Value::Null, Value::String(text)) => text.chars().count() <= TEXT_CHARS_MAX,
        (Value::String(_) | Value::Null, Value::Null) | (Value::Bool(_), Value::Bool(_)) => true,
        (Value::Object(_), Value::Object(flags)) => flags.len() <= 4 && flags.values().all(Value::is_boolean),
        _ => false,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCallerId {
    account_sid: Option<String>,
    phone_number: String,
    friendly_name: Option<String>,
}

fn add_caller_id(world: &mut World, _: &[&str], body: Value) -> Answer {
    let new: NewCallerId = read(body)?;
    let account = account_or_first(world, new.account_sid)?;
    if !is_e164(&new.phone_number) {
        return Err(bad("phone_number must be in the E.164 format"));
    }
    let name = short("friendly_name", new.friendly_name)?.unwrap_or_else(|| new.phone_number.clone());
    Ok((201, Value::Object(world.add_caller_id(&account, &new.phone_number, &name))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrg {
    name: Option<String>,
}

fn add_org(world: &mut World, _: &[&str], body: Value) -> Answer {
    let new: NewOrg = read(body)?;
    let name = short("name", new.name)?;
    let name = name.unwrap_or_else(|| format!("Sandbox org of {}", rfc2822(world.clock.now())));
    Ok((201, world.open_org(&name).show()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeOrg {
    #[serde(default)]
    rotate_keys: bool,
}

fn change_org(world: &mut World, ids: &[&str], body: Value) -> Answer {
    let change: ChangeOrg = read(body)?;
    let org = world.vapi.orgs.iter_mut().find(|org| org.id == ids[0]);
    let org = org.ok_or_else(|| (404, format!("there is no org {}", ids[0])))?;
    if change.rotate_keys {
        org.private_key = world.ids.uuid();
        org.public_key = world.ids.uuid();
    }
    Ok((200, org.show()))
}

//! What a test gives the providers: accounts, keys, numbers, caller ids, orgs, and people's phones.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refusal, Route, TEXT_CHARS_MAX, Work, bad, read, short};
use crate::clock::rfc2822;
use crate::http::Object;
use crate::ids::{is_e164, is_sid};
use crate::phones::Behaviour;
use crate::state::World;
use crate::twilio::accounts::{Kind, Status};
use crate::twilio::keys::Rights;
use crate::twilio::numbers;
use crate::vapi::region::Region;

/// A number's fields that follow from others.
const FIXED_NUMBER_FIELDS: [&str; 4] = ["account_sid", "phone_number", "sid", "uri"];

/// Where they are asked for.
pub(super) const ROUTES: &[Route] = &[
    (Method::GET, "phones", Work::Now(|world, _, _| Ok((200, world.phones.show())))),
    (Method::POST, "phones/{}", Work::Now(change_phone)),
    (Method::POST, "accounts", Work::Now(add_account)),
    (Method::POST, "accounts/{}", Work::Now(change_account)),
    (Method::POST, "keys", Work::Now(add_key)),
    (Method::POST, "numbers", Work::Now(add_number)),
    (Method::POST, "caller-ids", Work::Now(add_caller_id)),
    (Method::POST, "orgs", Work::Now(add_org)),
    (Method::POST, "orgs/{}", Work::Now(change_org)),
];

fn change_phone(world: &mut World, ids: &[String], body: Value) -> Answer {
    let behaviour: Behaviour = read(body)?;
    if !is_e164(&ids[0]) {
        return Err(bad("a phone is named by its number in the E.164 format"));
    }
    Ok((200, world.phones.set(&ids[0], behaviour)))
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

fn add_account(world: &mut World, _: &[String], body: Value) -> Answer {
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
    no_long_codes: Option<bool>,
}

fn change_account(world: &mut World, ids: &[String], body: Value) -> Answer {
    let change: ChangeAccount = read(body)?;
    let balance = change.balance.map(Money::micros).transpose()?;
    existing(world, &ids[0])?;
    let token = change.rotate_token.then(|| world.ids.token());
    if let Some(account) = world.twilio.account_mut(&ids[0]) {
        account.kind = change.kind.unwrap_or(account.kind);
        account.status = change.status.unwrap_or(account.status);
        account.balance = balance.unwrap_or(account.balance);
        account.no_long_codes = change.no_long_codes.unwrap_or(account.no_long_codes);
        account.auth_token = token.unwrap_or_else(|| account.auth_token.clone());
    }
    Ok((200, shown_account(world, &ids[0])?))
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
pub(crate) fn account_or_first(world: &World, sid: Option<String>) -> Result<String, Refusal> {
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

fn add_key(world: &mut World, _: &[String], body: Value) -> Answer {
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

fn add_number(world: &mut World, _: &[String], body: Value) -> Answer {
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

fn add_caller_id(world: &mut World, _: &[String], body: Value) -> Answer {
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
    #[serde(default)]
    region: Region,
}

fn add_org(world: &mut World, _: &[String], body: Value) -> Answer {
    let new: NewOrg = read(body)?;
    let name = short("name", new.name)?;
    let name = name.unwrap_or_else(|| format!("Sandbox org of {}", rfc2822(world.clock.now())));
    Ok((201, world.open_org(&name, new.region).show()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeOrg {
    #[serde(default)]
    rotate_keys: bool,
    /// Fields of its subscription; those that are left out stay.
    subscription: Option<Object>,
}

fn change_org(world: &mut World, ids: &[String], body: Value) -> Answer {
    let change: ChangeOrg = read(body)?;
    let org = world.vapi.orgs.iter_mut().find(|org| org.id == ids[0]);
    let org = org.ok_or_else(|| (404, format!("there is no org {}", ids[0])))?;
    if let Some(fields) = change.subscription {
        let mut all = json!(org.subscription);
        all.as_object_mut().into_iter().for_each(|all| all.extend(fields.clone()));
        org.subscription = read(all)?;
    }
    if change.rotate_keys {
        org.private_key = world.ids.uuid();
        org.public_key = world.ids.uuid();
    }
    Ok((200, org.show()))
}

//! Addresses (T5 [S]): who has a number, and where. Some numbers need one.

use hyper::Method;
use regex::Regex;
use serde_json::{Value, json};

use super::errors::Problem;
use super::params::{self, Kind, Param, Unset, param};
use super::{Answer, Ctx, Route, paging};
use crate::calling_codes;
use crate::clock::rfc2822;
use crate::http::{Object, text};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Accounts/{}/Addresses",
        area: AREA,
        methods: &[(Method::GET, list), (Method::POST, create)],
    },
    Route {
        pattern: "Accounts/{}/Addresses/{}",
        area: AREA,
        methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
    },
    Route {
        pattern: "Accounts/{}/Addresses/{}/DependentPhoneNumbers",
        area: AREA,
        methods: &[(Method::GET, dependents)],
    },
];

const AREA: &str = "addresses";

const TABLE: &[Param] = &[
    param("FriendlyName", "friendly_name", Kind::Text(64), Unset::Null),
    param("CustomerName", "customer_name", Kind::Text(64), Unset::Empty),
    param("Street", "street", Kind::Text(255), Unset::Empty),
    param("StreetSecondary", "street_secondary", Kind::Text(255), Unset::Null),
    param("City", "city", Kind::Text(100), Unset::Empty),
    param("Region", "region", Kind::Text(100), Unset::Empty),
    param("PostalCode", "postal_code", Kind::Text(20), Unset::Empty),
    param("EmergencyEnabled", "emergency_enabled", Kind::Bool, Unset::Null),
];

/// These must be given, and must not be cleared later (T5 [S]).
const REQUIRED: &[(&str, &str)] = &[
    ("CustomerName", "customer_name"),
    ("Street", "street"),
    ("City", "city"),
    ("Region", "region"),
    ("PostalCode", "postal_code"),
    ("IsoCountry", "iso_country"),
];

/// Postal codes of the countries whose addresses are validated here.
const POSTAL_CODES: &[(&str, &str)] = &[
    ("US", r"^\d{5}(-\d{4})?$"),
    ("CA", r"^[A-Z]\d[A-Z] ?\d[A-Z]\d$"),
    ("GB", r"^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$"),
    ("FR", r"^\d{5}$"),
    ("DE", r"^\d{5}$"),
    ("AU", r"^\d{4}$"),
];

/// `GET …/Addresses.json`.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let fields = [
        ("CustomerName", "customer_name"),
        ("FriendlyName", "friendly_name"),
        ("IsoCountry", "iso_country"),
        ("EmergencyEnabled", "emergency_enabled"),
    ];
    let filters = fields.map(|(name, field)| (field, ctx.query.filled(name)));
    let fits = |address: &Object, field: &str, wanted: &str| match address.get(field) {
        Some(Value::Bool(set)) => wanted.parse() == Ok(*set),
        value => value.and_then(Value::as_str) == Some(wanted),
    };
    let wanted = |address: &&Object| {
        let fits = |(field, wanted): &(&str, Option<&str>)| wanted.is_none_or(|it| fits(address, field, it));
        ctx.owns(address) && filters.iter().all(fits)
    };
    let items = ctx.world.twilio.addresses.iter().rev().filter(wanted);
    paging::relative(ctx, "addresses", "Address", items)
}

/// `POST …/Addresses.json`.
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let country = ctx.form.filled("IsoCountry").unwrap_or_default().to_ascii_uppercase();
    let sid = ctx.world.ids.sid("AD");
    let mut address = params::blank(&[TABLE]);
    address.insert("iso_country".to_owned(), json!(country));
    address.insert("uri".to_owned(), json!(uri(&ctx.account, &sid)));
    address.insert("sid".to_owned(), json!(sid));
    address.insert("account_sid".to_owned(), json!(ctx.account));
    address.insert("date_created".to_owned(), json!(rfc2822(ctx.world.clock.now())));
    keep(ctx, address, 201)
}

fn uri(account: &str, sid: &str) -> String {
    format!("/2010-04-01/Accounts/{account}/Addresses/{sid}.json")
}

/// `GET …/Addresses/{AD}.json`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.own(&ctx.world.twilio.addresses)?.clone();
    Ok(Answer::item(200, "Address", found))
}

/// `POST …/Addresses/{AD}.json`.
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let address = ctx.own(&ctx.world.twilio.addresses)?.clone();
    keep(ctx, address, 200)
}

fn keep(ctx: &mut Ctx<'_>, mut address: Object, status: u16) -> Result<Answer, Problem> {
    params::apply(&[TABLE], &ctx.form, &mut address)?;
    // The code for a missing field is [?].
    if let Some((name, _)) = REQUIRED.iter().find(|(_, field)| text(&address, field).is_none()) {
        return Err(Problem::new(20001, format!("Missing required parameter {name}")));
    }
    let validated = validate(&mut address, ctx.form.get("AutoCorrectAddress") != Some("false"))?;
    address.insert("validated".to_owned(), json!(validated));
    address.insert("verified".to_owned(), json!(false));
    address.insert("date_updated".to_owned(), json!(rfc2822(ctx.world.clock.now())));
    ctx.world.twilio.addresses.put(address.clone());
    Ok(Answer::item(status, "Address", address))
}

/// In some countries an address must exist: 21628 when it does not, and when it is nearly right it is put
/// right, or without `AutoCorrectAddress` suggested by 21629 [D usage/api/address]. Here the country must
/// exist, and of the catalogue's countries the postal code is looked at [?].
fn validate(address: &mut Object, correct: bool) -> Result<bool, Problem> {
    let iso = text(address, "iso_country").unwrap_or_default().to_owned();
    let invalid = |what: &str| Problem::new(21628, format!("The address could not be validated: {what}"));
    if calling_codes::of(&iso).is_none() {
        return Err(invalid("IsoCountry"));
    }
    let Some((_, pattern)) = POSTAL_CODES.iter().find(|(of, _)| *of == iso) else { return Ok(false) };
    let given = text(address, "postal_code").unwrap_or_default().to_owned();
    let right = given.to_uppercase();
    if !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&right)) {
        return Err(invalid("PostalCode"));
    }
    if right != given && !correct {
        return Err(Problem::new(21629, format!("The address is not exact; suggested PostalCode: {right}")));
    }
    address.insert("postal_code".to_owned(), json!(right));
    Ok(true)
}

/// `DELETE …/Addresses/{AD}.json`. That one in use is refused, and how, is [?].
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.addresses)?;
    if users(ctx).next().is_some() {
        return Err(Problem::new(20409, "The address is used by a phone number"));
    }
    ctx.world.twilio.addresses.remove(&ctx.ids[0]);
    Ok(Answer::deleted())
}

/// The numbers that name the address, newest first.
fn users<'c>(ctx: &'c Ctx<'_>) -> impl Iterator<Item = &'c Object> {
    let named = |number: &Object, field: &str| text(number, field) == Some(ctx.ids[0].as_str());
    let numbers = ctx.world.twilio.numbers.iter().rev();
    numbers.filter(move |number| named(number, "address_sid") || named(number, "emergency_address_sid"))
}

/// What a dependent number shows of a number [S].
const DEPENDENT_FIELDS: &[&str] = &[
    "sid",
    "account_sid",
    "friendly_name",
    "phone_number",
    "voice_url",
    "voice_method",
    "voice_fallback_method",
    "voice_fallback_url",
    "voice_caller_id_lookup",
    "date_created",
    "date_updated",
    "sms_fallback_method",
    "sms_fallback_url",
    "sms_method",
    "sms_url",
    "address_requirements",
    "status_callback",
    "status_callback_method",
    "api_version",
    "sms_application_sid",
    "voice_application_sid",
    "trunk_sid",
    "emergency_status",
    "emergency_address_sid",
    "uri",
];

/// `GET …/Addresses/{AD}/DependentPhoneNumbers.json`. Capabilities have yet another casing here [S example].
fn dependents(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.addresses)?;
    let shown = |number: &Object| {
        let fields = DEPENDENT_FIELDS.iter().filter_map(|field| Some((field, number.get(*field)?)));
        let mut shown: Object = fields.map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
        let can = |name: &str| number.get("capabilities").and_then(|all| all.get(name)).cloned();
        let capabilities = json!({"Voice": can("voice"), "SMS": can("sms"), "MMS": can("mms")});
        shown.insert("capabilities".to_owned(), capabilities);
        shown
    };
    let items: Vec<Object> = users(ctx).map(shown).collect();
    paging::relative(ctx, "dependent_phone_numbers", "DependentPhoneNumber", items.iter())
}

//! IncomingPhoneNumbers: list, fetch, update, move, release (T5). How they are bought is in `purchase`.

mod emergency;
mod purchase;
mod requirements;
mod transfer;

use std::collections::HashMap;

use hyper::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::Problem;
use super::params::{self, CALL_HANDLING, Kind, Param, Unset, param};
use super::{Answer, Ctx, Route, Twilio, catalogue, paging};
use crate::clock::rfc2822;
use crate::geo;
use crate::http::{Object, text};
use crate::ids::Ids;
use crate::rows::Rows;
use crate::settings::FreshNumbers;
use crate::state::World;
pub(crate) use emergency::settle;
pub(crate) use purchase::ROUTES as PURCHASE;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[Route {
    pattern: "Accounts/{}/IncomingPhoneNumbers/{}",
    area: "incoming-phone-numbers",
    methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
}];

/// What a fresh number answers with (T5 [D support]); whether it starts so or empty is [?].
pub(crate) const DEMO_VOICE_URL: &str = "https://demo.twilio.com/welcome/voice/";
const DEMO_SMS_URL: &str = "https://demo.twilio.com/welcome/sms/reply/";

/// Parameters that only numbers have [S].
const NUMBER: &[Param] = &[
    param("FriendlyName", "friendly_name", Kind::Text(64), Unset::Empty),
    param("VoiceApplicationSid", "voice_application_sid", Kind::Sid("AP", 21420), Unset::Empty),
    param("VoiceReceiveMode", "voice_receive_mode", Kind::OneOf(&["voice", "fax"]), Unset::Null),
    param("SmsApplicationSid", "sms_application_sid", Kind::Sid("AP", 21420), Unset::Empty),
    param("TrunkSid", "trunk_sid", Kind::Sid("TK", 21420), Unset::Null),
    param("AddressSid", "address_sid", Kind::Sid("AD", 20423), Unset::Null),
    param("IdentitySid", "identity_sid", Kind::Sid("RI", 20423), Unset::Null),
    param("BundleSid", "bundle_sid", Kind::Sid("BU", 20423), Unset::Null),
    param("EmergencyStatus", "emergency_status", Kind::OneOf(&["Active", "Inactive"]), Unset::Null),
    param("EmergencyAddressSid", "emergency_address_sid", Kind::Sid("AD", 20423), Unset::Null),
];

const TABLES: &[&[Param]] = &[CALL_HANDLING, NUMBER];

impl World {
    /// A number that comes into an account; the setting decides what it starts with.
    pub(crate) fn brand_new(&mut self, account: &str, phone: &str) -> Object {
        let mut number = fresh(&mut self.ids, self.clock.now(), account, phone);
        if self.settings.fresh_numbers == FreshNumbers::Empty {
            number.insert("voice_url".to_owned(), Value::Null);
            number.insert("sms_url".to_owned(), json!(""));
        }
        number
    }
}

/// What a number can do: `voice`, `sms`, `mms`, `fax`.
pub(crate) fn can(number: &Object, what: &str) -> bool {
    number.get("capabilities").and_then(|all| all.get(what)) == Some(&json!(true))
}

/// A number as it is right after its purchase.
pub(crate) fn fresh(ids: &mut Ids, now: Timestamp, account: &str, phone: &str) -> Object {
    let mut number = params::blank(TABLES);
    let terms = catalogue::terms_for(phone);
    let fixed = json!({
        "sid": ids.sid("PN"),
        "phone_number": phone,
        "friendly_name": friendly(phone),
        "api_version": "2010-04-01",
        "voice_url": DEMO_VOICE_URL,
        "sms_url": DEMO_SMS_URL,
        "voice_receive_mode": "voice",
        "emergency_status": "Inactive",
        "emergency_address_status": "unregistered",
        "address_requirements": terms.address,
        "beta": terms.beta,
        "origin": "twilio",
        "status": "in-use",
        "type": geo::kind(phone).words(),
        // Lower case here, upper case in search results (T4 [C][X]).
        "capabilities": {"voice": true, "sms": terms.sms, "mms": terms.mms, "fax": false},
        "date_created": rfc2822(now),
        "date_updated": rfc2822(now),
    });
    if let Value::Object(fixed) = fixed {
        number.extend(fixed);
    }
    set_owner(&mut number, account);
    number
}

fn set_owner(number: &mut Object, account: &str) {
    let sid = text(number, "sid").unwrap_or_default();
    let uri = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json");
    number.insert("account_sid".to_owned(), json!(account));
    number.insert("uri".to_owned(), json!(uri));
}

/// `(415) 555-2671` for US numbers, E.164 for all others (T4).
pub(crate) fn friendly(phone: &str) -> String {
    match phone.strip_prefix("+1").filter(|rest| rest.len() == 10) {
        Some(rest) => format!("({}) {}-{}", &rest[..3], &rest[3..6], &rest[6..]),
        None => phone.to_owned(),
    }
}

/// The numbers of all accounts, by SID and by E.164 form.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(from = "Rows")]
pub(crate) struct Numbers {
    #[serde(flatten)]
    rows: Rows,
    #[serde(skip)]
    sids: HashMap<String, String>,
}

impl From<Rows> for Numbers {
    fn from(rows: Rows) -> Numbers {
        let entry = |number: &Object| {
            Some((text(number, "phone_number")?.to_owned(), text(number, "sid")?.to_owned()))
        };
        let sids = rows.iter().filter_map(entry).collect();
        Numbers { rows, sids }
    }
}

impl Numbers {
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Object> + Clone {
        self.rows.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Object> {
        self.rows.iter_mut()
    }

    /// Adds a number, or replaces the one with its SID.
    pub(crate) fn put(&mut self, number: Object) {
        if let (Some(phone), Some(sid)) = (text(&number, "phone_number"), text(&number, "sid")) {
            self.sids.insert(phone.to_owned(), sid.to_owned());
        }
        self.rows.put(number);
    }

    pub(crate) fn get_mut(&mut self, sid: &str) -> Option<&mut Object> {
        self.rows.get_mut(sid)
    }

    /// Takes a number out.
    pub(crate) fn remove(&mut self, sid: &str) -> Option<Object> {
        let number = self.rows.remove(sid)?;
        self.sids.remove(text(&number, "phone_number").unwrap_or_default());
        Some(number)
    }
}

impl Twilio {
    /// The number with this E.164 form, whoever owns it.
    pub(crate) fn number(&self, phone: &str) -> Option<&Object> {
        self.numbers.rows.get(self.numbers.sids.get(phone)?)
    }

    /// A number leaves its account, and with it its service and its registration.
    pub(crate) fn release(&mut self, sid: &str) {
        if let Some(number) = self.numbers.remove(sid) {
            self.texting.pool.remove(sid);
            self.texting.registrations.remove(text(&number, "phone_number").unwrap_or_default());
        }
    }

    /// The number of this account with this E.164 form.
    pub(crate) fn number_of(&mut self, account: &str, phone: &str) -> Option<&mut Object> {
        let number = self.numbers.rows.get_mut(self.numbers.sids.get(phone)?)?;
        Some(number).filter(|number| text(number, "account_sid") == Some(account))
    }
}

/// A list of numbers, of all kinds or of one: filters of T5 [S].
pub(crate) fn list(ctx: &mut Ctx<'_>, kind: Option<geo::Kind>) -> Result<Answer, Problem> {
    let query = &ctx.query;
    let (phone, name) = (query.filled("PhoneNumber"), query.filled("FriendlyName"));
    let (origin, beta) = (query.filled("Origin"), query.filled("Beta"));
    let wanted = |number: &&Object| {
        let of = text(number, "phone_number").unwrap_or_default();
        ctx.owns(number)
            && kind.is_none_or(|kind| geo::kind(of) == kind)
            && phone.is_none_or(|pattern| contains(of, pattern))
            && name.is_none_or(|name| text(number, "friendly_name") == Some(name))
            && origin.is_none_or(|origin| text(number, "origin") == Some(origin))
            && beta.is_none_or(|beta| number.get("beta") == Some(&json!(beta == "true")))
    };
    let items = ctx.world.twilio.numbers.iter().rev().filter(wanted);
    let mut answer = paging::relative(ctx, "incoming_phone_numbers", "IncomingPhoneNumber", items)?;
    if let (Answer::Resource { body, .. }, Some(_)) = (&mut answer, kind) {
        let shown = body["incoming_phone_numbers"].as_array_mut();
        shown.into_iter().flatten().for_each(without_type);
    }
    Ok(answer)
}

/// The sub-resources do not name the type that they are about [S].
fn without_type(number: &mut Value) {
    if let Some(number) = number.as_object_mut() {
        number.remove("type");
    }
}

/// A partial match in which `*` stands for any one character (T5 [S]).
fn contains(phone: &str, pattern: &str) -> bool {
    let (phone, pattern) = (phone.as_bytes(), pattern.as_bytes());
    let fits = |part: &[u8]| part.iter().zip(pattern).all(|(have, want)| *want == b'*' || have == want);
    phone.windows(pattern.len()).any(fits)
}

/// `GET …/IncomingPhoneNumbers/{PN}.json`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.own(ctx.world.twilio.numbers.rows())?.clone();
    Ok(Answer::item(200, "IncomingPhoneNumber", found))
}

/// `DELETE …/IncomingPhoneNumbers/{PN}.json`: the number leaves the account, and is kept for it for some days
/// (T5 [D]). Not while it has an emergency address; that this is the code, and not only a trunk's, is [?].
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let number = ctx.own(ctx.world.twilio.numbers.rows())?;
    if text(number, "emergency_address_status") != Some("unregistered") {
        return Err(Problem::new(
            21634,
            "The number has an emergency address, which must be unregistered first",
        ));
    }
    let phone = text(number, "phone_number").unwrap_or_default().to_owned();
    let now = ctx.world.clock.now();
    ctx.world.twilio.release(&ctx.ids[0]);
    ctx.world.twilio.hold(&phone, &ctx.account, now);
    Ok(Answer::deleted())
}

/// `POST …/IncomingPhoneNumbers/{PN}.json`.
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let number = ctx.own(ctx.world.twilio.numbers.rows())?.clone();
    change(ctx, number, 200)
}

/// Applies the form to the number and keeps it only when everything in it holds.
pub(crate) fn change(ctx: &mut Ctx<'_>, number: Object, status: u16) -> Result<Answer, Problem> {
    let number = configured(ctx, number)?;
    ctx.world.twilio.numbers.put(number.clone());
    if !ctx.owns(&number) {
        // Its service stays with the former account.
        ctx.world.twilio.texting.pool.remove(text(&number, "sid").unwrap_or_default());
    }
    emergency::follow(ctx.world, &number);
    Ok(Answer::item(status, "IncomingPhoneNumber", number))
}

/// The number with the form applied to it, when everything in the form holds.
pub(crate) fn configured(ctx: &Ctx<'_>, mut number: Object) -> Result<Object, Problem> {
    params::apply(TABLES, &ctx.form, &mut number)?;
    params::check_fallbacks(&ctx.form, &number)?;
    check_references(ctx, &number)?;
    check_capabilities(ctx, &number)?;
    if ["AddressSid", "BundleSid", "IdentitySid"].iter().any(|name| ctx.form.get(name).is_some()) {
        requirements::check(ctx, &number)?;
    }
    emergency::apply(ctx, &mut number)?;
    // Each deletes the other (T6 [S]); that the trunk stays when both come at once is [?].
    if ctx.form.filled("TrunkSid").is_some() {
        number.insert("voice_application_sid".to_owned(), json!(""));
    } else if ctx.form.filled("VoiceApplicationSid").is_some() {
        number.insert("trunk_sid".to_owned(), Value::Null);
    }
    if let Some(target) = ctx.form.filled("AccountSid").filter(|target| *target != ctx.account) {
        transfer::check(ctx, target)?;
        set_owner(&mut number, target);
    }
    if text(&number, "friendly_name").is_none() {
        let name = friendly(text(&number, "phone_number").unwrap_or_default());
        number.insert("friendly_name".to_owned(), json!(name));
    }
    number.insert("date_updated".to_owned(), json!(rfc2822(ctx.world.clock.now())));
    Ok(number)
}

/// 21420: an application or trunk that this account does not have (T5 [E]; for trunks [?]).
fn check_references(ctx: &Ctx<'_>, number: &Object) -> Result<(), Problem> {
    let twilio = &ctx.world.twilio;
    let references = [
        ("VoiceApplicationSid", "voice_application_sid", &twilio.applications),
        ("SmsApplicationSid", "sms_application_sid", &twilio.applications),
        ("TrunkSid", "trunk_sid", &twilio.trunks),
    ];
    for (name, field, objects) in references {
        let Some(sid) = text(number, field).filter(|_| ctx.form.filled(name).is_some()) else { continue };
        if !objects.get(sid).is_some_and(|object| ctx.owns(object)) {
            return Err(Problem::new(21420, format!("{name} {sid} is not accessible")));
        }
    }
    Ok(())
}

/// 21407: no SMS on this number. 21409: caller-id lookup only for US numbers ([E], the country rule [?]).
fn check_capabilities(ctx: &Ctx<'_>, number: &Object) -> Result<(), Problem> {
    if ctx.form.filled("SmsUrl").is_some() && !can(number, "sms") {
        return Err(Problem::new(21407, "This phone number does not support SMS"));
    }
    let abroad = !text(number, "phone_number").unwrap_or_default().starts_with("+1");
    if abroad && ctx.form.get("VoiceCallerIdLookup") == Some("true") {
        return Err(Problem::new(21409, "VoiceCallerIdLookup is not supported for this phone number"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_matches_with_wildcards() {
        for (pattern, expected) in [
            ("+14155552671", true),
            ("555", true),
            ("415***2671", true),
            ("416", false),
            ("*************", false),
        ] {
            assert_eq!(contains("+14155552671", pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn friendly_names() {
        assert_eq!(friendly("+14155552671"), "(415) 555-2671");
        assert_eq!(friendly("+33612345678"), "+33612345678");
    }
}

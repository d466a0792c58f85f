//! What a request to port numbers must contain (T20.3 [S]).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::http::{Object, text};
use crate::ids::{is_e164, is_sid};
use crate::state::World;
use crate::twilio::errors::Problem;

const NUMBERS_MAX: usize = 1_000;
/// In the US a port takes at least a week (T20.3 [D]).
const DAYS_AHEAD_MIN: i32 = 7;
const CARRIER: &[&str] = &["customer_name", "authorized_representative", "authorized_representative_email"];
const ADDRESS: &[&str] = &["street", "city", "state", "zip", "country"];

fn invalid(field: &str, why: &str) -> Problem {
    Problem::new(20422, format!("{field} {why}"))
}

fn require<'o>(object: &'o Object, place: &str, field: &str) -> Result<&'o str, Problem> {
    text(object, field).ok_or_else(|| invalid(&format!("{place}{field}"), "is required"))
}

fn object<'o>(body: &'o Object, field: &str) -> Result<&'o Object, Problem> {
    body.get(field).and_then(Value::as_object).ok_or_else(|| invalid(field, "is required"))
}

/// The numbers that are asked for, each with its PIN.
pub(super) fn check(world: &World, body: &Object) -> Result<Vec<(String, Option<String>)>, Problem> {
    let account = require(body, "", "account_sid")?;
    documents(world, account, body)?;
    let carrier = object(body, "losing_carrier_information")?;
    losing_carrier(carrier)?;
    for email in body.get("notification_emails").and_then(Value::as_array).into_iter().flatten() {
        if !email.as_str().is_some_and(is_email) {
            return Err(invalid("notification_emails", "must be e-mail addresses"));
        }
    }
    date(world, body)?;
    for field in ["target_port_in_time_range_start", "target_port_in_time_range_end"] {
        if text(body, field).is_some_and(|time| !is_offset_time(time)) {
            return Err(invalid(field, "must be a time with an offset, such as 10:00:00-08:00"));
        }
    }
    numbers(body)
}

/// Uploaded before, by the same account, and usable.
fn documents(world: &World, account: &str, body: &Object) -> Result<(), Problem> {
    let sids = body.get("documents").and_then(Value::as_array).filter(|sids| !sids.is_empty());
    for sid in sids.ok_or_else(|| invalid("documents", "is required"))? {
        let found = sid.as_str().and_then(|sid| world.twilio.porting.documents.get(sid));
        let usable = found.is_some_and(|document| {
            let of = text(document, "account_sid").unwrap_or_default();
            text(document, "mime_type").is_some()
                && (of == account || world.twilio.account(account).is_some_and(|sub| sub.owner == of))
        });
        if !usable {
            return Err(invalid("documents", &format!("names {sid}, which was not uploaded")));
        }
    }
    Ok(())
}

fn losing_carrier(carrier: &Object) -> Result<(), Problem> {
    let place = "losing_carrier_information.";
    for field in CARRIER {
        require(carrier, place, field)?;
    }
    if !text(carrier, "authorized_representative_email").is_some_and(is_email) {
        return Err(invalid(&format!("{place}authorized_representative_email"), "is not an e-mail address"));
    }
    if text(carrier, "customer_type").is_some_and(|of| !matches!(of, "Business" | "Individual")) {
        return Err(invalid(&format!("{place}customer_type"), "must be Business or Individual"));
    }
    match (text(carrier, "address_sid"), carrier.get("address").and_then(Value::as_object)) {
        (Some(sid), _) if is_sid(sid, "AD") => Ok(()),
        (Some(_), _) => Err(invalid(&format!("{place}address_sid"), "is not valid")),
        (None, Some(address)) => {
            let missing = ADDRESS.iter().find(|field| text(address, field).is_none());
            missing.map_or(Ok(()), |field| Err(invalid(&format!("{place}address.{field}"), "is required")))
        }
        (None, None) => Err(invalid(&format!("{place}address"), "is required")),
    }
}

fn date(world: &World, body: &Object) -> Result<(), Problem> {
    let Some(given) = text(body, "target_port_in_date") else { return Ok(()) };
    let field = "target_port_in_date";
    let date: Date = given.parse().map_err(|_| invalid(field, "must be a date such as 2026-02-01"))?;
    let today = world.clock.now().to_zoned(TimeZone::UTC).date();
    let ahead = today.until(date).map_or(0, |span| span.get_days());
    if ahead < DAYS_AHEAD_MIN { Err(invalid(field, "must be at least seven days ahead")) } else { Ok(()) }
}

fn numbers(body: &Object) -> Result<Vec<(String, Option<String>)>, Problem> {
    let given = body.get("phone_numbers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if given.is_empty() || given.len() > NUMBERS_MAX {
        return Err(invalid("phone_numbers", "must be 1 to 1000 numbers"));
    }
    let read = |number: &Value| {
        let number = number.as_object()?;
        let phone = text(number, "phone_number").filter(|phone| is_e164(phone))?;
        Some((phone.to_owned(), text(number, "pin").map(str::to_owned)))
    };
    let read = |number| {
        read(number).ok_or_else(|| Problem::new(22102, format!("{number} is not a valid phone number")))
    };
    given.iter().map(read).collect()
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(' ')
    })
}

/// `10:00:00-08:00` (T20.3 [S]).
fn is_offset_time(text: &str) -> bool {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    let shape: Vec<u8> = text.bytes().map(shape).collect();
    matches!(shape.as_slice(), b"00:00:00+00:00" | b"00:00:00-00:00" | b"00:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_offset() {
        for (time, expected) in [("10:00:00-08:00", true), ("10:00:00Z", true), ("10:00", false)] {
            assert_eq!(is_offset_time(time), expected, "{time}");
        }
    }

    #[test]
    fn e_mail_addresses() {
        for (email, expected) in
            [("a@b.example", true), ("@b.example", false), ("a@b@c.d", false), ("a", false)]
        {
            assert_eq!(is_email(email), expected, "{email}");
        }
    }
}

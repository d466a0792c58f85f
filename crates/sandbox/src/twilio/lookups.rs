//! Lookups v2 (T21 [S]): whether a number is valid, and for money what else is known of it. A bad number is an
//! answer (`valid: false` with reasons), not an error.

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Route, prices};
use crate::calling_codes;
use crate::geo::{self, Kind};
use crate::phones::OnCall;
use crate::routes::decoded;

/// Where it answers.
pub(crate) const ROUTES: &[Route] =
    &[Route { pattern: "PhoneNumbers/{}", area: "lookups", methods: &[(Method::GET, fetch)] }];

type Package = fn(&Ctx<'_>, &str) -> Value;

/// What can be asked for in `Fields`, each with its price [?]. The names are also the answer's fields [S].
const PACKAGES: &[(&str, i64, Package)] = &[
    ("caller_name", 10_000, caller_name),
    ("sim_swap", 10_000, sim_swap),
    ("call_forwarding", 10_000, |_, _| json!({"call_forwarding_enabled": false, "error_code": null})),
    ("line_status", 10_000, line_status),
    ("line_type_intelligence", 8_000, line_type),
    ("identity_match", 100_000, identity_match),
    ("reassigned_number", 20_000, reassigned),
    ("sms_pumping_risk", 25_000, |_, _| {
        json!({"carrier_risk_category": "low", "number_blocked": false, "number_blocked_date": null,
            "number_blocked_last_3_months": false, "sms_pumping_risk_score": 5, "error_code": null})
    }),
];

/// Given to the packages that compare a person's data.
const PERSON: &[(&str, &str)] = &[
    ("FirstName", "first_name_match"),
    ("LastName", "last_name_match"),
    ("AddressLine1", "address_lines_match"),
    ("City", "city_match"),
    ("State", "state_match"),
    ("PostalCode", "postal_code_match"),
    ("AddressCountryCode", "address_country_match"),
    ("NationalId", "national_id_match"),
    ("DateOfBirth", "date_of_birth_match"),
];

/// `GET /v2/PhoneNumbers/{n}`. `CountryCode` says where a national number is from; without it, the US.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let given = decoded(&ctx.ids[0]);
    let home = ctx.query.filled("CountryCode").unwrap_or("US").to_ascii_uppercase();
    let fields: Vec<&str> =
        ctx.query.filled("Fields").map(|all| all.split(',').collect()).unwrap_or_default();
    let known = |name: &&&str| PACKAGES.iter().any(|(package, ..)| package == *name);
    if let Some(unknown) = fields.iter().find(|name| !known(name)) {
        // The code is [?].
        return Err(Problem::new(20422, format!("Fields is not valid: {unknown}")));
    }
    // Known, whatever is asked for.
    let more = ["AddressLine2", "VerificationSid", "PartnerSubId", "LastVerifiedDate"];
    for name in PERSON.iter().map(|(name, _)| *name).chain(more) {
        ctx.query.get(name);
    }
    let phone = international(&given, &home);
    let trouble = trouble(&phone);
    let country = calling_codes::country(&phone).filter(|_| trouble.is_none());
    let mut body = json!({
        "calling_country_code": country.map(|(_, code)| code),
        "country_code": country.map(|(iso, _)| iso),
        "phone_number": phone,
        "national_format": country.map(|(_, code)| national(&phone, code)),
        "valid": trouble.is_none(),
        "validation_errors": trouble.map(|trouble| [trouble]),
        "phone_number_quality_score": null,
        "pre_fill": null,
        "url": format!("{}/v2/PhoneNumbers/{phone}", ctx.base),
    });
    let mut price = 0;
    for (name, micros, package) in PACKAGES {
        let asked = trouble.is_none() && fields.contains(name);
        body[name] = if asked { package(ctx, &phone) } else { Value::Null };
        price += if asked { *micros } else { 0 };
    }
    if !ctx.testing() {
        ctx.world.twilio.charge(&ctx.account, price);
    }
    Ok(Answer::Resource { status: 200, kind: "", body })
}

/// The number as E.164: a national one gets its country's code, and loses the zero in front.
fn international(given: &str, home: &str) -> String {
    let digits: String = given.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    match calling_codes::of(home) {
        _ if digits.starts_with('+') => digits,
        // An American writes the 1 or leaves it away.
        Some("1") if digits.len() == 11 && digits.starts_with('1') => format!("+{digits}"),
        // Codes of islands in the American plan are part of the national number.
        Some(code) if code.starts_with('1') => format!("+1{digits}"),
        Some(code) => format!("+{code}{}", digits.strip_prefix('0').unwrap_or(&digits)),
        None => format!("+{digits}"),
    }
}

/// How many digits a national number has, where the plan is strict.
const LENGTHS: &[(&str, usize, usize)] =
    &[("1", 10, 10), ("33", 9, 9), ("44", 9, 10), ("49", 6, 11), ("61", 9, 10)];

/// What is wrong with a number, in the words of the API [S].
fn trouble(phone: &str) -> Option<&'static str> {
    let digits = phone.trim_start_matches('+');
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some("NOT_A_NUMBER");
    }
    let Some((_, code)) = calling_codes::country(phone) else { return Some("INVALID_COUNTRY_CODE") };
    let count = digits.len() - code.len();
    let (least, most) = LENGTHS
        .iter()
        .find(|(of, ..)| *of == code)
        .map_or((4, 15 - code.len()), |(_, least, most)| (*least, *most));
    let national = &digits[code.len()..];
    // Area codes of the American plan start with 2 to 9.
    let impossible = code == "1" && national.starts_with(['0', '1']);
    match count {
        count if count < least => Some("TOO_SHORT"),
        count if count > most => Some("TOO_LONG"),
        _ if impossible => Some("INVALID_BUT_POSSIBLE"),
        _ => None,
    }
}

/// As people of the country write it, near enough.
fn national(phone: &str, code: &str) -> String {
    let digits = &phone[code.len() + 1..];
    match code {
        "1" if digits.len() == 10 => super::numbers::friendly(phone),
        "33" if digits.len() == 9 => {
            let pairs: Vec<&str> = (1..9).step_by(2).map(|at| &digits[at..at + 2]).collect();
            format!("0{} {}", &digits[..1], pairs.join(" "))
        }
        "44" if digits.len() == 10 => format!("0{} {}", &digits[..4], &digits[4..]),
        _ => format!("0{digits}"),
    }
}

fn caller_name(ctx: &Ctx<'_>, phone: &str) -> Value {
    // Names are known in the United States only.
    let american = geo::country(phone).is_some_and(|country| country.iso == "US");
    let owner = ctx.world.twilio.number(phone).filter(|_| american);
    let name = owner.and_then(|number| number.get("friendly_name"));
    let code = if american { Value::Null } else { json!(60600) };
    json!({"caller_name": name, "caller_type": name.map(|_| "BUSINESS"), "error_code": code})
}

/// The first network of the price list stands for the number's.
fn network(phone: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let rates = prices::rates(geo::country(phone)?.iso)?;
    rates.carriers.first().copied()
}

fn sim_swap(_: &Ctx<'_>, phone: &str) -> Value {
    let (name, mcc, mnc) = network(phone).unwrap_or_default();
    json!({
        "last_sim_swap": {"last_sim_swap_date": null, "swapped_period": "PT24H", "swapped_in_period": false},
        "carrier_name": name, "mobile_country_code": mcc, "mobile_network_code": mnc, "error_code": null,
    })
}

fn line_status(ctx: &Ctx<'_>, phone: &str) -> Value {
    let active = !matches!(ctx.world.phones.get(phone).on_call, OnCall::Fail);
    json!({"status": if active { "active" } else { "unreachable" }, "error_code": null})
}

/// Numbers of this sandbox's accounts are VoIP, as Twilio's are; people's American phones are mobiles, as they
/// are for texts, and elsewhere the digits tell.
fn line_type(ctx: &Ctx<'_>, phone: &str) -> Value {
    let american = phone.starts_with("+1");
    let of = match geo::kind(phone) {
        Kind::TollFree => "tollFree",
        _ if ctx.world.twilio.number(phone).is_some() => "nonFixedVoip",
        Kind::Mobile => "mobile",
        Kind::National => "uan",
        Kind::Local if american => "mobile",
        Kind::Local => "landline",
    };
    let network = network(phone).filter(|_| of == "mobile");
    json!({
        "mobile_country_code": network.map(|(_, mcc, _)| mcc),
        "mobile_network_code": network.map(|(_, _, mnc)| mnc),
        "carrier_name": network.map_or("Twilio", |(name, ..)| name),
        "type": of,
        "error_code": null,
    })
}

/// Nobody's data is known here: whatever is given is not found.
fn identity_match(ctx: &Ctx<'_>, _: &str) -> Value {
    let shown = |(name, field): &(&str, &str)| {
        let answer = ctx.query.filled(name).map(|_| "no_data_available");
        ((*field).to_owned(), json!(answer))
    };
    let mut answer: crate::http::Object = PERSON.iter().map(shown).collect();
    answer.insert("summary_score".to_owned(), json!(0));
    answer.insert("error_code".to_owned(), Value::Null);
    answer.insert("error_message".to_owned(), Value::Null);
    Value::Object(answer)
}

fn reassigned(ctx: &Ctx<'_>, _: &str) -> Value {
    let date = ctx.query.filled("LastVerifiedDate");
    json!({"last_verified_date": date, "is_number_reassigned": "no", "error_code": null})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_their_country_writes_them() {
        for (given, home, expected, wrong) in [
            ("+14159929960", "US", "+14159929960", None),
            ("(415) 992-9960", "US", "+14159929960", None),
            ("1 415 992 9960", "CA", "+14159929960", None),
            ("06 12 34 56 78", "FR", "+33612345678", None),
            ("+141599299600", "US", "+141599299600", Some("TOO_LONG")),
            ("+1415", "US", "+1415", Some("TOO_SHORT")),
            ("+11159929960", "US", "+11159929960", Some("INVALID_BUT_POSSIBLE")),
            ("+0001234567", "US", "+0001234567", Some("INVALID_COUNTRY_CODE")),
            ("hello", "US", "+1hello", Some("NOT_A_NUMBER")),
        ] {
            assert_eq!(international(given, home), expected, "{given}");
            assert_eq!(trouble(expected), wrong, "{given}");
        }
        assert_eq!(national("+33612345678", "33"), "06 12 34 56 78");
        assert_eq!(national("+447772000001", "44"), "07772 000001");
        assert_eq!(national("+14159929960", "1"), "(415) 992-9960");
    }
}

//! The request to port numbers in: made, seen, listed, cancelled (T20.3, T20.4 [S]).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{Answer, Ctx};
use super::portability::Portability;
use super::{PortIn, PortNumber, Status, validate};
use crate::clock::iso;
use crate::http::{Object, text};
use crate::twilio::errors::Problem;

const SIZE_DEFAULT: usize = 20;
const SIZE_MAX: usize = 100;
const TICKET_MIN: u32 = 100_000;

/// What the answer repeats of the request [S].
const REPEATED: [&str; 9] = [
    "notification_emails",
    "target_port_in_date",
    "target_port_in_time_range_start",
    "target_port_in_time_range_end",
    "losing_carrier_information",
    "bundle_sid",
    "portability_advance_carrier",
    "auto_cancel_approval_numbers",
    "documents",
];

/// What the answer shows of the losing carrier, null when it was not given [S].
const CARRIER: [&str; 6] = [
    "account_telephone_number",
    "address_sid",
    "authorized_representative_katakana",
    "building",
    "katakana_name",
    "sub_municipality",
];

/// `POST /v1/Porting/PortIn`: JSON, answered 202.
pub(super) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let body: Object = serde_json::from_slice(&ctx.request.body)
        .map_err(|error| Problem::new(20422, format!("The body is not a JSON object: {error}")))?;
    let wanted = validate::check(ctx.world, &body)?;
    let account = text(&body, "account_sid").unwrap_or_default().to_owned();
    if !ctx.world.twilio.may_act(&ctx.caller.account, &account) {
        return Err(Problem::new(20422, format!("account_sid {account} is not valid")));
    }
    let carrier = body.get("losing_carrier_information").and_then(Value::as_object);
    let has_account_number = carrier.is_some_and(|carrier| text(carrier, "account_number").is_some());
    let now = ctx.world.clock.now();
    let numbers = wanted.into_iter().map(|(phone, pin)| {
        let found = Portability::of(ctx.world, &account, &phone);
        PortNumber {
            sid: ctx.world.ids.sid("PU"),
            incomplete: found.needs_pin() && (pin.is_none() || !has_account_number),
            obstacle: found.reason.map(|(reason, code)| (reason.to_owned(), code)),
            number_type: found.number_type.to_owned(),
            country: found.country.map(str::to_owned),
            phone,
            pin,
            status: Status::InReview,
            rejection: None,
            port_date: None,
            updated: now,
        }
    });
    let numbers = numbers.collect();
    let request = PortIn {
        sid: ctx.world.ids.sid("KW"),
        account,
        input: body,
        status: Status::InReview,
        cancellation: None,
        ticket: TICKET_MIN + ctx.world.ids.below(900_000),
        signature_url: None,
        numbers,
        created: now,
        updated: now,
    };
    let shown = show(&request, &ctx.base);
    ctx.world.open_port(request);
    Ok(Answer::Resource { status: 202, kind: "", body: shown })
}

/// The resource [S]. Mind `not_portability_*` here and `not_portable_*` at the check.
fn show(request: &PortIn, base: &str) -> Value {
    let mut shown = json!({
        "port_in_request_sid": request.sid,
        "account_sid": request.account,
        "port_in_request_status": request.status,
        "order_cancellation_reason": request.cancellation,
        "phone_numbers": request.numbers.iter().map(show_in_request).collect::<Vec<_>>(),
        "signature_request_url": request.signature_url,
        "support_ticket_id": request.ticket,
        "date_created": iso(request.created),
        "url": format!("{base}/v1/Porting/PortIn/{}", request.sid),
    });
    for field in REPEATED {
        shown[field] = request.input.get(field).cloned().unwrap_or_default();
    }
    let carrier = &mut shown["losing_carrier_information"];
    for field in CARRIER {
        carrier.as_object_mut().map(|all| all.entry(field).or_insert(Value::Null));
    }
    carrier["address"].as_object_mut().map(|all| all.entry("street_2").or_insert(Value::Null));
    if shown["notification_emails"].is_null() {
        shown["notification_emails"] = json!([]);
    }
    shown
}

fn show_in_request(number: &PortNumber) -> Value {
    json!({
        "port_in_phone_number_sid": number.sid,
        "phone_number": number.phone,
        "number_type": number.number_type,
        "port_in_phone_number_status": number.status,
        "portable": number.obstacle.is_none(),
        "not_portability_reason": number.obstacle.as_ref().map(|(reason, _)| reason),
        "not_portability_reason_code": number.obstacle.as_ref().map(|(_, code)| code),
        "rejection_reason": number.rejection.as_ref().map(|(reason, _)| reason),
        // A text here and a number at the phone number itself [S].
        "rejection_reason_code": number.rejection.as_ref().map(|(_, code)| code.to_string()),
        "port_date": number.port_date.map(iso),
        "status_last_time_updated_timestamp": iso(number.updated),
        "external_porting_vendor_phone_number_id": null,
    })
}

fn show_number(request: &PortIn, number: &PortNumber, base: &str) -> Value {
    json!({
        "port_in_request_sid": request.sid,
        "phone_number_sid": number.sid,
        "account_sid": request.account,
        "phone_number": number.phone,
        "phone_number_type": number.number_type,
        "country": number.country,
        "missing_required_fields": number.incomplete,
        "portable": number.obstacle.is_none(),
        "not_portability_reason": number.obstacle.as_ref().map(|(reason, _)| reason),
        "not_portability_reason_code": number.obstacle.as_ref().map(|(_, code)| code),
        "port_in_phone_number_status": number.status,
        "port_out_pin": number.pin.as_ref().and_then(|pin| pin.parse::<u64>().ok()),
        "rejection_reason": number.rejection.as_ref().map(|(reason, _)| reason),
        "rejection_reason_code": number.rejection.as_ref().map(|(_, code)| code),
        "port_date": number.port_date.map(iso),
        "date_created": iso(request.created),
        "last_updated": iso(number.updated),
        "url": format!("{base}/v1/Porting/PortIn/{}/PhoneNumber/{}", request.sid, number.sid),
    })
}

/// The request that the path names, if the caller may see it.
fn found<'w>(ctx: &'w Ctx<'_>) -> Result<&'w PortIn, Problem> {
    let request = ctx.world.twilio.porting.requests.get(&ctx.ids[0]);
    let own = request.filter(|request| ctx.world.twilio.may_act(&ctx.caller.account, &request.account));
    own.ok_or_else(|| Problem::not_found(&ctx.uri))
}

fn found_number<'w>(ctx: &'w Ctx<'_>) -> Result<(&'w PortIn, &'w PortNumber), Problem> {
    let request = found(ctx)?;
    let number = request.numbers.iter().find(|number| number.sid == ctx.ids[1]);
    Ok((request, number.ok_or_else(|| Problem::not_found(&ctx.uri))?))
}

/// `GET /v1/Porting/PortIn/{KW}`.
pub(super) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let body = show(found(ctx)?, &ctx.base);
    Ok(Answer::Resource { status: 200, kind: "", body })
}

/// `GET /v1/Porting/PortIn/{KW}/PhoneNumber/{PU}`.
pub(super) fn fetch_number(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (request, number) = found_number(ctx)?;
    let body = show_number(request, number, &ctx.base);
    Ok(Answer::Resource { status: 200, kind: "", body })
}

/// What has ended cannot be cancelled; the code is presumably the general one [?].
fn ended(what: &str, status: Status) -> Problem {
    Problem::new(20409, format!("{what} cannot be cancelled: it is {}", json!(status)))
}

/// `DELETE /v1/Porting/PortIn/{KW}`: cancels all of it (204).
pub(super) fn cancel(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let request = found(ctx)?;
    if request.status.is_final() {
        return Err(ended("The port in request", request.status));
    }
    let sid = request.sid.clone();
    ctx.world.cancel_port(&sid, "Canceled by the customer");
    Ok(Answer::deleted())
}

/// `DELETE /v1/Porting/PortIn/{KW}/PhoneNumber/{PU}`: cancels one number (204).
pub(super) fn cancel_number(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (request, number) = found_number(ctx)?;
    if request.status.is_final() || number.status.is_final() {
        return Err(ended("The phone number", number.status));
    }
    let (sid, number) = (request.sid.clone(), number.sid.clone());
    ctx.world.cancel_port_number(&sid, &number);
    Ok(Answer::deleted())
}

/// `GET /v1/Porting/PortIn/PortInRequests`: newest first, with tokens that name the next page's first.
pub(super) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let invalid = |name: &str| Problem::new(20422, format!("Parameter {name} is not valid"));
    let query = &ctx.query;
    let size = match query.filled("Size").map(str::parse) {
        None => SIZE_DEFAULT,
        Some(Ok(size)) if (1..=SIZE_MAX).contains(&size) => size,
        Some(_) => return Err(invalid("Size")),
    };
    let time =
        |name: &str| query.filled(name).map(|text| moment(text).ok_or_else(|| invalid(name))).transpose();
    let (before, after) = (time("CreatedBefore")?, time("CreatedAfter")?);
    let (sid, status) = (query.filled("PortInRequestSid"), query.filled("PortInRequestStatus"));
    let twilio = &ctx.world.twilio;
    let wanted = |request: &&PortIn| {
        twilio.may_act(&ctx.caller.account, &request.account)
            && sid.is_none_or(|sid| request.sid == sid)
            && status.is_none_or(|status| same_status(status, request.status))
            && before.is_none_or(|before| request.created < before)
            && after.is_none_or(|after| request.created > after)
    };
    let all: Vec<&PortIn> = twilio.porting.requests.values().rev().filter(wanted).collect();
    let start = match query.filled("Token") {
        None => 0,
        Some(token) => all.iter().position(|request| request.sid == token).ok_or_else(|| invalid("Token"))?,
    };
    let at = |index: Option<usize>| index.and_then(|index| all.get(index)).map(|request| &request.sid);
    let previous = (start > 0).then(|| start.saturating_sub(size));
    let body = json!({
        "port_in_requests": all.iter().skip(start).take(size).map(|it| summary(it)).collect::<Vec<_>>(),
        "meta": {"next_token": at(Some(start + size)), "previous_token": at(previous)},
    });
    Ok(Answer::Resource { status: 200, kind: "", body })
}

fn summary(request: &PortIn) -> Value {
    let ported = request.numbers.iter().filter(|number| number.status == Status::Completed).count();
    let action =
        (request.status == Status::ActionRequired).then_some("Contact support with the ticket's number");
    json!({
        "port_in_request_sid": request.sid,
        "port_in_request_status": request.status,
        "status_last_updated_timestamp": iso(request.updated),
        "phone_numbers_requested": request.numbers.len(),
        "phone_numbers_ported": ported,
        "suggested_action": action,
    })
}

/// Statuses are compared in lower case, with spaces for underscores (T20.4).
fn same_status(text: &str, status: Status) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('_', " ");
    json!(status).as_str().is_some_and(|of| plain(of) == plain(text))
}

/// A moment, or the beginning of a day.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
}

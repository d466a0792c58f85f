//! The Pricing API (T19): the price lists of `prices.rs` as its two versions show them. Amounts are strings.

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::paging::{self, Item};
use super::prices::{self, Outbound, RATES, Rates, written};
use super::{Answer, Ctx, Route};
use crate::geo::{self, Kind};
use crate::http::Object;
use crate::routes::decoded;

/// Where version 1 answers.
pub(crate) const V1: &[Route] = &[
    Route { pattern: "PhoneNumbers/Countries", area: AREA, methods: &[(Method::GET, list)] },
    Route { pattern: "PhoneNumbers/Countries/{}", area: AREA, methods: &[(Method::GET, phone_numbers)] },
    Route { pattern: "Messaging/Countries", area: AREA, methods: &[(Method::GET, list)] },
    Route { pattern: "Messaging/Countries/{}", area: AREA, methods: &[(Method::GET, messaging)] },
    Route { pattern: "Voice/Countries", area: AREA, methods: &[(Method::GET, list)] },
    Route { pattern: "Voice/Countries/{}", area: AREA, methods: &[(Method::GET, voice_v1)] },
    Route { pattern: "Voice/Numbers/{}", area: AREA, methods: &[(Method::GET, voice_number_v1)] },
];

/// Where version 2 answers: prices that may depend on the origin of a call.
pub(crate) const V2: &[Route] = &[
    Route { pattern: "Voice/Countries", area: AREA, methods: &[(Method::GET, list)] },
    Route { pattern: "Voice/Countries/{}", area: AREA, methods: &[(Method::GET, voice_v2)] },
    Route { pattern: "Voice/Numbers/{}", area: AREA, methods: &[(Method::GET, voice_number_v2)] },
    Route { pattern: "Trunking/Countries", area: AREA, methods: &[(Method::GET, list)] },
    Route { pattern: "Trunking/Countries/{}", area: AREA, methods: &[(Method::GET, trunking)] },
    Route { pattern: "Trunking/Numbers/{}", area: AREA, methods: &[(Method::GET, trunking_number)] },
];

const AREA: &str = "pricing";

impl Item for Rates {
    fn sid(&self) -> &str {
        self.iso
    }

    fn show(&self) -> Object {
        let fields = [("country", name(self.iso)), ("iso_country", self.iso)];
        fields.into_iter().map(|(field, value)| (field.to_owned(), json!(value))).collect()
    }
}

fn name(iso: &str) -> &'static str {
    geo::COUNTRIES.iter().find(|country| country.iso == iso).map_or("", |country| country.name)
}

/// `GET …/Countries`.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    paging::absolute(ctx, "countries", RATES.iter(), |mut country| {
        let iso = country["iso_country"].as_str().unwrap_or_default();
        let url = format!("{}{}/{iso}", ctx.base, ctx.uri);
        country.insert("url".to_owned(), json!(url));
        country
    })
}

/// The list that the path names; an unknown country is 404 (T19).
fn rates(ctx: &Ctx<'_>) -> Result<&'static Rates, Problem> {
    prices::rates(&ctx.ids[0].to_ascii_uppercase()).ok_or_else(|| Problem::not_found(&ctx.uri))
}

/// An answer about a country: these fields and the ones that all have.
fn about(ctx: &Ctx<'_>, iso: &str, fields: Value) -> Answer {
    let mut shown = json!({
        "country": name(iso),
        "iso_country": iso,
        "price_unit": "USD",
        "url": format!("{}{}", ctx.base, ctx.uri),
    });
    if let (Some(shown), Value::Object(fields)) = (shown.as_object_mut(), fields) {
        shown.extend(fields);
    }
    Answer::Resource { status: 200, kind: "", body: shown }
}

/// `base_price` is the list's, `current_price` this account's: the same here.
fn price(micros: i64) -> Value {
    json!({"base_price": written(micros), "current_price": written(micros)})
}

fn of_kind((kind, micros): (Kind, i64)) -> Value {
    let mut shown = price(micros);
    shown["number_type"] = json!(kind.words());
    shown
}

fn each(prices: &[(Kind, i64)]) -> Value {
    prices.iter().copied().map(of_kind).collect()
}

/// `GET /v1/PhoneNumbers/Countries/{ISO}`.
fn phone_numbers(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let rates = rates(ctx)?;
    Ok(about(ctx, rates.iso, json!({"phone_number_prices": each(rates.numbers)})))
}

/// `GET /v1/Messaging/Countries/{ISO}`: by the kind of the sender's number.
fn messaging(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let rates = rates(ctx)?;
    let priced =
        |micros: i64| -> Value { rates.numbers.iter().map(|(kind, _)| of_kind((*kind, micros))).collect() };
    let carrier = |(name, mcc, mnc): &(&str, &str, &str)| json!({"carrier": name, "mcc": mcc, "mnc": mnc, "prices": priced(rates.sms_out)});
    let fields = json!({
        "outbound_sms_prices": rates.carriers.iter().map(carrier).collect::<Value>(),
        "inbound_sms_prices": priced(rates.sms_in),
    });
    Ok(about(ctx, rates.iso, fields))
}

/// A row of outgoing prices; `prefixes` names the field with the destinations.
fn row(product: &str, row: &Outbound, prefixes: &str, minute: i64) -> Value {
    let mut shown = price(minute);
    shown["friendly_name"] = json!(format!("{product} - {}", row.name));
    shown[prefixes] = json!(row.prefixes);
    shown
}

fn from_anywhere(mut row: Value) -> Value {
    row["origination_prefixes"] = json!(["ALL"]);
    row
}

/// `GET /v1/Voice/Countries/{ISO}`.
fn voice_v1(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let rates = rates(ctx)?;
    let out = rates.outbound.iter();
    let out = out.map(|of| row("Programmable Outbound Minute", of, "prefixes", of.minute));
    let fields = json!({
        "outbound_prefix_prices": out.collect::<Value>(),
        "inbound_call_prices": each(rates.inbound),
    });
    Ok(about(ctx, rates.iso, fields))
}

/// `GET /v2/Voice/Countries/{ISO}`.
fn voice_v2(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let rates = rates(ctx)?;
    let out = rates.outbound.iter();
    let out = out.map(|of| row("Programmable Outbound Minute", of, "destination_prefixes", of.minute));
    let fields = json!({
        "outbound_prefix_prices": out.map(from_anywhere).collect::<Value>(),
        "inbound_call_prices": each(rates.inbound),
    });
    Ok(about(ctx, rates.iso, fields))
}

/// On a trunk, a minute costs half of what it costs with instructions [?].
fn on_trunk(micros: i64) -> i64 {
    micros / 2
}

/// `GET /v2/Trunking/Countries/{ISO}`.
fn trunking(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let rates = rates(ctx)?;
    let out = rates.outbound.iter();
    let out = out.map(|of| row("Outbound Trunking Minute", of, "destination_prefixes", on_trunk(of.minute)));
    let inbound = rates.inbound.iter().map(|(kind, micros)| of_kind((*kind, on_trunk(*micros))));
    let fields = json!({
        "terminating_prefix_prices": out.map(from_anywhere).collect::<Value>(),
        "originating_call_prices": inbound.collect::<Value>(),
    });
    Ok(about(ctx, rates.iso, fields))
}

/// The number that the path names and its country; outside the price lists 404.
fn numbered(ctx: &Ctx<'_>) -> Result<(String, &'static str), Problem> {
    let number = decoded(&ctx.ids[0]);
    let iso = geo::country(&number).ok_or_else(|| Problem::not_found(&ctx.uri))?.iso;
    Ok((number, iso))
}

/// What a call from the outside to `number` costs its owner; nulls when this account does not own it.
fn inbound_price(ctx: &Ctx<'_>, number: &str, scale: fn(i64) -> i64) -> Value {
    match ctx.world.twilio.number(number).filter(|found| ctx.owns(found)) {
        Some(_) => of_kind((geo::kind(number), scale(prices::call_minute(number, false)))),
        None => json!({"base_price": null, "current_price": null, "number_type": null}),
    }
}

/// `GET /v1/Voice/Numbers/{Number}`.
fn voice_number_v1(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (number, iso) = numbered(ctx)?;
    let fields = json!({
        "number": number,
        "outbound_call_price": price(prices::call_minute(&number, true)),
        "inbound_call_price": inbound_price(ctx, &number, |micros| micros),
    });
    Ok(about(ctx, iso, fields))
}

/// `GET /v2/Voice/Numbers/{DestinationNumber}`.
fn voice_number_v2(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (number, iso) = numbered(ctx)?;
    let out = from_anywhere(price(prices::call_minute(&number, true)));
    let fields = json!({
        "destination_number": number,
        "origination_number": ctx.query.filled("OriginationNumber"),
        "outbound_call_prices": [out],
        "inbound_call_price": inbound_price(ctx, &number, |micros| micros),
    });
    Ok(about(ctx, iso, fields))
}

/// `GET /v2/Trunking/Numbers/{DestinationNumber}`.
fn trunking_number(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (number, iso) = numbered(ctx)?;
    let (prefix, of) = prices::dialled(&number).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let mut out = row("Outbound Trunking Minute", of, "destination_prefixes", on_trunk(of.minute));
    out["destination_prefixes"] = json!([prefix]);
    let fields = json!({
        "destination_number": number,
        "origination_number": ctx.query.filled("OriginationNumber"),
        "terminating_prefix_prices": [from_anywhere(out)],
        "originating_call_price": inbound_price(ctx, &number, on_trunk),
    });
    Ok(about(ctx, iso, fields))
}

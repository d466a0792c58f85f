//! Usage records: what an account used and paid, by category and period (T19). Categories contain each other
//! (T24.13): every use counts in all that it belongs to.

use std::collections::BTreeMap;

use hyper::Method;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::calls::{is_inbound, parse};
use super::errors::Problem;
use super::messages::store;
use super::paging::{self, Item};
use super::{Answer, Ctx, Route, Twilio, prices};
use crate::geo::{self, Kind};
use crate::http::{Object, text};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    at("Accounts/{}/Usage/Records"),
    at("Accounts/{}/Usage/Records/Daily"),
    at("Accounts/{}/Usage/Records/Monthly"),
    at("Accounts/{}/Usage/Records/Yearly"),
    at("Accounts/{}/Usage/Records/AllTime"),
    at("Accounts/{}/Usage/Records/Today"),
    at("Accounts/{}/Usage/Records/Yesterday"),
    at("Accounts/{}/Usage/Records/ThisMonth"),
    at("Accounts/{}/Usage/Records/LastMonth"),
];

const fn at(pattern: &'static str) -> Route {
    Route { pattern, area: "usage", methods: &[(Method::GET, list)] }
}

/// Name, description, unit of the count, unit of the usage. An open set (T19); these are those that
/// something here falls into.
const CATEGORIES: &[(&str, &str, &str, &str)] = &[
    ("totalprice", "Total Price", "", "usd"),
    ("calls", "Voice Minutes", "calls", "minutes"),
    ("calls-inbound", "Inbound Voice Minutes", "calls", "minutes"),
    ("calls-inbound-local", "Inbound Local Voice Minutes", "calls", "minutes"),
    ("calls-inbound-mobile", "Inbound Mobile Voice Minutes", "calls", "minutes"),
    ("calls-inbound-tollfree", "Inbound Toll Free Voice Minutes", "calls", "minutes"),
    ("calls-outbound", "Outbound Voice Minutes", "calls", "minutes"),
    ("calls-sip", "SIP Minutes", "calls", "minutes"),
    ("trunking-origination", "SIP Trunking Origination", "calls", "minutes"),
    ("trunking-termination", "SIP Trunking Termination", "calls", "minutes"),
    ("recordings", "Recordings", "recordings", "minutes"),
    ("sms", "SMS", "messages", "segments"),
    ("sms-inbound", "Inbound SMS", "messages", "segments"),
    ("sms-inbound-longcode", "Inbound Longcode SMS", "messages", "segments"),
    ("sms-outbound", "Outbound SMS", "messages", "segments"),
    ("sms-outbound-longcode", "Outbound Longcode SMS", "messages", "segments"),
    ("mms", "MMS", "messages", "messages"),
    ("mms-inbound", "Inbound MMS", "messages", "messages"),
    ("mms-outbound", "Outbound MMS", "messages", "messages"),
    ("phonenumbers", "Phone Numbers", "numbers", "numbers"),
    ("phonenumbers-local", "Local Phone Numbers", "numbers", "numbers"),
    ("phonenumbers-mobile", "Mobile Phone Numbers", "numbers", "numbers"),
    ("phonenumbers-tollfree", "Toll Free Phone Numbers", "numbers", "numbers"),
];

/// How long one record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Whole,
    Day,
    Month,
    Year,
}

/// The sub-resources with the length of their records; `AllTime` and the rest are one period.
const STEPS: &[(&str, Step)] = &[
    ("AllTime", Step::Whole),
    ("Daily", Step::Day),
    ("Monthly", Step::Month),
    ("Yearly", Step::Year),
    ("Today", Step::Whole),
    ("Yesterday", Step::Whole),
    ("ThisMonth", Step::Whole),
    ("LastMonth", Step::Whole),
];

/// The links of a record to its other periods.
const LINKS: [(&str, &str); 8] = [
    ("all_time", "AllTime"),
    ("daily", "Daily"),
    ("last_month", "LastMonth"),
    ("monthly", "Monthly"),
    ("this_month", "ThisMonth"),
    ("today", "Today"),
    ("yearly", "Yearly"),
    ("yesterday", "Yesterday"),
];

/// Something that was used.
struct Use {
    at: Timestamp,
    categories: Vec<&'static str>,
    amount: i64,
    micros: i64,
}

/// What was used of one category in one period.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    count: i64,
    amount: i64,
    micros: i64,
}

/// A record as it is listed.
struct Record {
    id: String,
    shown: Object,
}

impl Item for Record {
    fn sid(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Object {
        self.shown.clone()
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

impl Step {
    /// The first day of the record that a day is in.
    fn start(self, date: Date, whole: Date) -> Date {
        match self {
            Step::Whole => whole,
            Step::Day => date,
            Step::Month => date.first_of_month(),
            Step::Year => date.first_of_year(),
        }
    }

    fn end(self, start: Date, whole: Date) -> Date {
        match self {
            Step::Whole => whole,
            Step::Day => start,
            Step::Month => start.last_of_month(),
            Step::Year => start.last_of_year(),
        }
    }
}

/// A day, or one counted from today: `-30days` (T19).
fn date(text: &str, today: Date) -> Option<Date> {
    let offset = text.strip_suffix("days").or_else(|| text.strip_suffix("day"));
    match offset.and_then(|days| days.parse::<i64>().ok()) {
        Some(days) => today.checked_add(Span::new().try_days(days).ok()?).ok(),
        None => text.parse().ok(),
    }
}

/// The step, and the first and last day that are asked for. `first` is the day before which there is nothing.
fn period(ctx: &Ctx<'_>, first: Date) -> Result<(Step, Date, Date), Problem> {
    let named = ctx.uri.trim_end_matches(".json").rsplit('/').next().unwrap_or_default();
    let named = if named == "Records" { "AllTime" } else { named };
    let (_, step) =
        STEPS.iter().find(|(name, _)| *name == named).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let today = day(ctx.world.clock.now());
    let yesterday = today.yesterday().unwrap_or(today);
    let last_month = today.first_of_month().yesterday().unwrap_or(today);
    let (from, until) = match named {
        "Today" => (today, today),
        "Yesterday" => (yesterday, yesterday),
        "ThisMonth" => (today.first_of_month(), today),
        "LastMonth" => (last_month.first_of_month(), last_month),
        _ => (first, today),
    };
    let given = |name: &str, usual: Date| match ctx.query.filled(name) {
        None => Ok(usual),
        Some(text) => date(text, today)
            .ok_or_else(|| Problem::new(20001, format!("{name} is not a valid date: {text}"))),
    };
    let (from, until) = (given("StartDate", from)?, given("EndDate", until)?);
    Ok(match step {
        Step::Whole => (*step, from, until),
        // Days on which nothing can have been used have no records.
        _ => (*step, from.max(first), until.min(today)),
    })
}

/// `GET …/Usage/Records.json` and its sub-resources: newest period first.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let with_subs = ctx.query.filled("IncludeSubaccounts") != Some("false");
    let category = ctx.query.filled("Category");
    let twilio = &ctx.world.twilio;
    let counted = |account: &str| {
        account == ctx.account
            || (with_subs && twilio.account(account).is_some_and(|account| account.owner == ctx.account))
    };
    let accounts = twilio.accounts.iter().map(|account| account.sid.as_str());
    let accounts: Vec<&str> = accounts.filter(|sid| counted(sid)).collect();
    // A past that was made at once is older than its account.
    let opened = twilio.account(&ctx.account).map(|account| account.created);
    let first = twilio.used(&accounts).map(|used| used.at).chain(opened).min();
    let (step, from, until) = period(ctx, day(first.unwrap_or_else(|| ctx.world.clock.now())))?;
    let mut sums: BTreeMap<(Date, &str), Sum> = BTreeMap::new();
    let inside = |used: &Use| (from..=until).contains(&day(used.at));
    for used in twilio.used(&accounts).filter(inside) {
        let start = step.start(day(used.at), from);
        for category in used.categories.iter().chain(&["totalprice"]) {
            let sum = sums.entry((start, category)).or_default();
            sum.count += 1;
            sum.amount += used.amount;
            sum.micros += used.micros;
        }
    }
    let mut records = Vec::new();
    for start in starts(step, from, until).into_iter().rev() {
        let wanted = CATEGORIES.iter().filter(|(name, ..)| category.is_none_or(|category| category == *name));
        for row in wanted {
            let sum = sums.get(&(start, row.0)).copied().unwrap_or_default();
            let days = (start.max(from), step.end(start, until).min(until));
            records.push(Record { id: format!("{start}{}", row.0), shown: shown(ctx, row, days, sum) });
        }
    }
    paging::relative(ctx, "usage_records", "UsageRecord", records.iter())
}

/// The first days of all records of a period.
fn starts(step: Step, from: Date, until: Date) -> Vec<Date> {
    let mut starts = Vec::new();
    let mut start = step.start(from, from);
    while start <= until {
        starts.push(start);
        match step.end(start, until).tomorrow() {
            Ok(next) => start = next,
            Err(_) => break,
        }
    }
    starts
}

/// Numbers are strings (T19); the price is not negative here.
fn shown(ctx: &Ctx<'_>, row: &(&str, &str, &str, &str), days: (Date, Date), sum: Sum) -> Object {
    let (category, description, count_unit, usage_unit) = *row;
    let base = format!("/2010-04-01/Accounts/{}/Usage/Records", ctx.account);
    let links: Object = LINKS
        .iter()
        .map(|(name, path)| ((*name).to_owned(), json!(format!("{base}/{path}.json?Category={category}"))))
        .collect();
    let price = prices::written(sum.micros);
    let amount = sum.amount.to_string();
    let total = category == "totalprice";
    let record = json!({
        "account_sid": ctx.account,
        "api_version": "2010-04-01",
        "as_of": ctx.world.clock.now().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        "category": category,
        "description": description,
        "count": if total { Value::Null } else { json!(sum.count.to_string()) },
        "count_unit": count_unit,
        "usage": if total { price.as_str() } else { amount.as_str() },
        "usage_unit": usage_unit,
        "price": price,
        "price_unit": "usd",
        "start_date": days.0,
        "end_date": days.1,
        "subresource_uris": links,
        "uri": format!("{base}.json?Category={category}&StartDate={}&EndDate={}", days.0, days.1),
    });
    record.as_object().cloned().unwrap_or_default()
}

/// One of three, by the kind of a number; national ones count as local [?].
fn by_kind(phone: &str, of: [&'static str; 3]) -> &'static str {
    match geo::kind(phone) {
        Kind::Local | Kind::National => of[0],
        Kind::Mobile => of[1],
        Kind::TollFree => of[2],
    }
}

impl Twilio {
    fn used<'t>(&'t self, accounts: &'t [&'t str]) -> impl Iterator<Item = Use> + 't {
        let own = |object: &&Object| text(object, "account_sid").is_some_and(|sid| accounts.contains(&sid));
        let texts = accounts.iter().flat_map(|account| self.messages.of_account(account, None));
        self.calls
            .iter()
            .filter(own)
            .filter_map(call)
            .chain(self.recordings.iter().filter(own).filter_map(recording))
            .chain(self.numbers.iter().filter(own).filter_map(number))
            .chain(texts.map(|message| self.message(message)))
    }

    fn message(&self, message: &super::messages::message::Message) -> Use {
        let inbound = !message.is_outbound();
        let ours = self.messages.text(if inbound { message.to } else { message.from });
        let long = geo::kind(ours) != Kind::TollFree && ours.len() > 7;
        let categories = match (message.mms, inbound, long) {
            (true, true, _) => vec!["mms", "mms-inbound"],
            (true, false, _) => vec!["mms", "mms-outbound"],
            (false, true, true) => vec!["sms", "sms-inbound", "sms-inbound-longcode"],
            (false, true, false) => vec!["sms", "sms-inbound"],
            (false, false, true) => vec!["sms", "sms-outbound", "sms-outbound-longcode"],
            (false, false, false) => vec!["sms", "sms-outbound"],
        };
        Use {
            at: store::instant(message.created),
            categories,
            amount: if message.mms { 1 } else { i64::from(message.segments) },
            micros: i64::from(message.price.unwrap_or(0)),
        }
    }
}

fn micros(object: &Object) -> i64 {
    let price: f64 = text(object, "price").and_then(|price| price.parse().ok()).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "prices are a few dollars")]
    let micros = (price.abs() * 1e6).round() as i64;
    micros
}

fn seconds(object: &Object) -> i64 {
    text(object, "duration").and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}

/// Only calls that were answered count.
fn call(call: &Object) -> Option<Use> {
    let at =
        text(call, "start_time").and_then(parse).filter(|_| text(call, "status") == Some("completed"))?;
    let direction = text(call, "direction").unwrap_or_default();
    let to = text(call, "to").unwrap_or_default();
    let kinds = ["calls-inbound-local", "calls-inbound-mobile", "calls-inbound-tollfree"];
    let categories = match direction {
        "trunking-originating" => vec!["trunking-origination"],
        "trunking-terminating" => vec!["trunking-termination"],
        _ if is_inbound(direction) => vec!["calls", "calls-inbound", by_kind(to, kinds)],
        _ if to.starts_with("sip:") => vec!["calls", "calls-outbound", "calls-sip"],
        _ => vec!["calls", "calls-outbound"],
    };
    Some(Use { at, categories, amount: (seconds(call).max(1) + 59) / 60, micros: micros(call) })
}

fn recording(recording: &Object) -> Option<Use> {
    let at = text(recording, "start_time").and_then(parse)?;
    let amount = (seconds(recording) + 59) / 60;
    Some(Use { at, categories: vec!["recordings"], amount, micros: micros(recording) })
}

/// A number counts with its first month, on the day it was bought.
fn number(number: &Object) -> Option<Use> {
    let at = text(number, "date_created").and_then(parse)?;
    let phone = text(number, "phone_number")?;
    let price = prices::number(geo::country(phone)?.iso, geo::kind(phone)).unwrap_or(0);
    let kinds = ["phonenumbers-local", "phonenumbers-mobile", "phonenumbers-tollfree"];
    Some(Use { at, categories: vec!["phonenumbers", by_kind(phone, kinds)], amount: 1, micros: price })
}

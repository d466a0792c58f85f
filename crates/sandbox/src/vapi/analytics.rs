//! `POST /analytics` (V11): sums over calls, in buckets of time and by groups.

use std::collections::BTreeMap;

use hyper::Method;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Route, validate};
use crate::clock::millis;
use crate::http::{Object, Reply, text};

/// Where it answers.
pub(crate) const ROUTES: &[Route] = &[(Method::POST, "analytics", run)];

/// The usual range: the last seven days (V11 [S]).
const RANGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Columns that stand elsewhere in a call's record than their name says.
const COLUMNS: [(&str, &str); 2] = [
    ("costBreakdown.transcriber", "/costBreakdown/stt"),
    ("costBreakdown.analysisBreakdown.summary", "/costBreakdown/analysisCostBreakdown/summary"),
];

/// When, in which steps, and by which clock.
struct Range {
    start: Timestamp,
    end: Timestamp,
    step: Option<String>,
    zone: TimeZone,
    name: String,
}

/// `POST /analytics`, answered with 200 or 201 (V11 [S]); the schema of the answer stands at 200.
fn run(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("AnalyticsQueryDTO", &ctx.body)?;
    let queries = ctx.body.get("queries").and_then(Value::as_array).cloned().unwrap_or_default();
    let now = ctx.world.clock.now();
    let calls: Vec<&Object> = ctx.org().calls.iter().collect();
    let answered = queries.iter().filter_map(Value::as_object).map(|query| answer(query, &calls, now));
    let all: Vec<Value> = answered.collect::<Result<_, _>>()?;
    Ok(Answer::Plain(Reply::json(200, &json!(all))))
}

fn answer(query: &Object, calls: &[&Object], now: Timestamp) -> Result<Value, Problem> {
    let range = range(query, now)?;
    let mut groups: BTreeMap<Vec<(String, String)>, Vec<&Object>> = BTreeMap::new();
    for call in calls {
        let Some(at) = time(call, "createdAt").filter(|at| (range.start..range.end).contains(at)) else {
            continue;
        };
        groups.entry(group(query, &range, call, at)).or_default().push(call);
    }
    let operations = query.get("operations").and_then(Value::as_array).cloned().unwrap_or_default();
    let rows = groups.into_iter().map(|(keys, calls)| {
        let mut row: Object = keys.into_iter().map(|(key, value)| (key, json!(value))).collect();
        for operation in operations.iter().filter_map(Value::as_object) {
            row.insert(key(operation), compute(operation, &calls));
        }
        Value::Object(row)
    });
    let result: Vec<Value> = rows.collect();
    Ok(json!({
        "name": query.get("name"),
        "timeRange": {"start": millis(range.start), "end": millis(range.end),
            "step": range.step, "timezone": range.name},
        "result": result,
    }))
}

fn time(call: &Object, field: &str) -> Option<Timestamp> {
    text(call, field).and_then(|at| at.parse().ok())
}

fn range(query: &Object, now: Timestamp) -> Result<Range, Problem> {
    let empty = Object::new();
    let given = query.get("timeRange").and_then(Value::as_object).unwrap_or(&empty);
    let end = time(given, "end").unwrap_or(now);
    let week_before = end.saturating_sub(RANGE).expect("a signed duration has no calendar units");
    let name = text(given, "timezone").unwrap_or("UTC").to_owned();
    let zone = match name.as_str() {
        "UTC" => TimeZone::UTC,
        other => TimeZone::get(other).map_err(|_| {
            Problem::invalid(&["queries.timeRange.timezone must be a valid time zone".to_owned()])
        })?,
    };
    let step = text(given, "step").map(str::to_owned);
    Ok(Range { start: time(given, "start").unwrap_or(week_before), end, step, zone, name })
}

/// The bucket and the groups that a call falls into, in the order of the answer's keys.
fn group(query: &Object, range: &Range, call: &Object, at: Timestamp) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    if let Some(step) = &range.step {
        let start = bucket(at.to_zoned(range.zone.clone()).datetime(), step);
        // A start that a change of clocks skips is the next instant.
        let start = range.zone.to_ambiguous_timestamp(start).compatible().unwrap_or(at);
        keys.push(("date".to_owned(), millis(start)));
    }
    let list = |key: &str| query.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for name in list("groupBy").iter().filter_map(Value::as_str) {
        let place = format!("/{}", name.replace('.', "/"));
        keys.push((name.to_owned(), shown(json!(call).pointer(&place))));
    }
    for variable in list("groupByVariableValue") {
        let Some(name) = variable.get("key").and_then(Value::as_str) else { continue };
        let values = call.get("artifact").and_then(|artifact| artifact.get("variableValues"));
        keys.push((name.to_owned(), shown(values.and_then(|values| values.get(name)))));
    }
    keys
}

fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The beginning of the step that `at` lies in.
fn bucket(at: DateTime, step: &str) -> DateTime {
    let day = at.date();
    let hour = |minute, second| DateTime::from_parts(day, jiff::civil::time(at.hour(), minute, second, 0));
    let years = |count: i16| date(day.year().div_euclid(count) * count, 1, 1);
    let start: Date = match step {
        "second" => return hour(at.minute(), at.second()),
        "minute" => return hour(at.minute(), 0),
        "hour" => return hour(0, 0),
        "week" => day.saturating_sub(i32::from(day.weekday().to_monday_zero_offset()).days()),
        "month" => day.first_of_month(),
        "quarter" => date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
        "year" => years(1),
        "decade" => years(10),
        "century" => years(100),
        "millennium" => years(1_000),
        _ => day,
    };
    start.to_datetime(jiff::civil::Time::midnight())
}

/// `alias`, or operation and column: `sumCost`, `countId` (V11 [S]).
fn key(operation: &Object) -> String {
    if let Some(alias) = text(operation, "alias") {
        return alias.to_owned();
    }
    let capital = |word: &str| {
        word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>()
    };
    let column: String = text(operation, "column").unwrap_or_default().split('.').map(capital).collect();
    format!("{}{column}", text(operation, "operation").unwrap_or_default())
}

/// A count is text, as the wire has it; nothing to compute is null (V11 [W]).
fn compute(operation: &Object, calls: &[&Object]) -> Value {
    let column = text(operation, "column").unwrap_or_default();
    let values: Vec<f64> = match column {
        "id" => calls.iter().map(|_| 1.0).collect(),
        "concurrency" => vec![busiest(calls)],
        _ => calls.iter().filter_map(|call| value(call, column)).collect(),
    };
    let sum: f64 = values.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a sandbox has few calls")]
    let count = values.len() as f64;
    let result = match text(operation, "operation") {
        Some("count") => return json!(values.len().to_string()),
        Some("sum") => Some(sum),
        Some("avg") => (count > 0.0).then(|| sum / count),
        Some("min") => values.iter().copied().reduce(f64::min),
        // What `history` answers is not documented: the highest of the bucket [?].
        _ => values.iter().copied().reduce(f64::max),
    };
    // Ten-thousandths, the precision of costs (V8.4 [W]).
    json!(result.map(|value| (value * 10_000.0).round() / 10_000.0))
}

fn value(call: &Object, column: &str) -> Option<f64> {
    // The unit is not documented: minutes, by the size of the examples (V11 [?]).
    if matches!(column, "duration" | "minutesUsed") {
        let length = time(call, "endedAt")?.duration_since(time(call, "startedAt")?);
        return Some(length.as_secs_f64() / 60.0);
    }
    let usual = format!("/{}", column.replace('.', "/"));
    let place = COLUMNS.iter().find(|(name, _)| *name == column).map_or(usual.as_str(), |(_, place)| place);
    json!(call).pointer(place)?.as_f64()
}

/// The most calls at the same time.
fn busiest(calls: &[&Object]) -> f64 {
    let spans: Vec<(Timestamp, Timestamp)> =
        calls.iter().filter_map(|call| Some((time(call, "startedAt")?, time(call, "endedAt")?))).collect();
    let during = |at: Timestamp| spans.iter().filter(|(from, to)| (*from..=*to).contains(&at)).count();
    let most = spans.iter().map(|(from, _)| during(*from)).max().unwrap_or(0);
    u32::try_from(most).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_where_calendars_say() {
        let at = date(2026, 11, 19).at(13, 45, 59, 0);
        for (step, expected) in [
            ("second", "2026-11-19T13:45:59"),
            ("minute", "2026-11-19T13:45:00"),
            ("hour", "2026-11-19T13:00:00"),
            ("day", "2026-11-19T00:00:00"),
            ("week", "2026-11-16T00:00:00"),
            ("month", "2026-11-01T00:00:00"),
            ("quarter", "2026-10-01T00:00:00"),
            ("year", "2026-01-01T00:00:00"),
            ("decade", "2020-01-01T00:00:00"),
            ("century", "2000-01-01T00:00:00"),
            ("millennium", "2000-01-01T00:00:00"),
        ] {
            assert_eq!(bucket(at, step).to_string(), expected, "{step}");
        }
    }
}

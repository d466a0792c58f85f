//! The Monitor API: alerts, which are the best evidence of a webhook that was not received (T21 [S]).

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::alerts::Alert;
use super::calls::Span;
use super::errors::Problem;
use super::paging::{self, Item};
use super::{Answer, Ctx, Route};
use crate::http::{Object, text};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Alerts", area: "alerts", methods: &[(Method::GET, list)] },
    Route { pattern: "Alerts/{}", area: "alerts", methods: &[(Method::GET, fetch)] },
];

/// Older alerts are forgotten (T21 [S]).
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
const LEVELS: [&str; 4] = ["error", "warning", "notice", "debug"];

impl Item for Alert {
    fn sid(&self) -> &str {
        &self.sid
    }

    /// As the list has it, without bodies.
    fn show(&self) -> Object {
        let trouble = &self.trouble;
        let fields = json!({
            "sid": self.sid,
            "account_sid": self.account,
            "alert_text": self.text(),
            "api_version": "2010-04-01",
            "date_created": self.generated,
            "date_generated": self.generated,
            "date_updated": self.generated,
            // A string here, as nowhere else (T21 [S]).
            "error_code": trouble.code.to_string(),
            "log_level": self.level,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", trouble.code),
            "request_method": unset(&trouble.request_method),
            "request_url": unset(&trouble.request_url),
            "resource_sid": trouble.resource_sid,
            "service_sid": null,
        });
        fields.as_object().cloned().unwrap_or_default()
    }
}

fn unset(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

impl Alert {
    /// A text like a query string (T21 [I]).
    fn text(&self) -> String {
        Serializer::new(String::new())
            .append_pair("Msg", &self.trouble.text)
            .append_pair("ErrorCode", &self.trouble.code.to_string())
            .append_pair("LogLevel", &self.level.to_uppercase())
            .append_pair("url", &self.trouble.request_url)
            .finish()
    }
}

fn located(ctx: &Ctx<'_>, mut alert: Object) -> Object {
    let url = format!("{}/v1/Alerts/{}", ctx.base, text(&alert, "sid").unwrap_or_default());
    alert.insert("url".to_owned(), json!(url));
    alert
}

/// `GET /v1/Alerts`: those of the last 30 days; dates before them find nothing more.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let level = ctx.query.filled("LogLevel");
    if level.is_some_and(|level| !LEVELS.contains(&level)) {
        return Err(Problem::new(20001, "LogLevel must be error, warning, notice or debug"));
    }
    let from = span(ctx, "StartDate")?.map(|span| span.start);
    let until = span(ctx, "EndDate")?.map(|span| span.end);
    let oldest = ctx.world.clock.now().saturating_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
    let wanted = |alert: &&Alert| {
        let at = alert.generated.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
        alert.account == ctx.account
            && level.is_none_or(|level| alert.level == level)
            && at >= from.unwrap_or(oldest).max(oldest)
            && until.is_none_or(|until| at < until)
    };
    let items = ctx.world.twilio.alerts.0.iter().rev().filter(wanted);
    paging::absolute(ctx, "alerts", items, |alert| located(ctx, alert))
}

fn span(ctx: &Ctx<'_>, name: &str) -> Result<Option<Span>, Problem> {
    let Some(text) = ctx.query.filled(name) else { return Ok(None) };
    let span = Span::parse(text);
    span.map(Some).ok_or_else(|| Problem::new(20001, format!("{name} is not a valid date: {text}")))
}

/// `GET /v1/Alerts/{NO}`: with what was sent and what came back.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mine = |alert: &&Alert| alert.sid == ctx.ids[0] && alert.account == ctx.account;
    let found = ctx.world.twilio.alerts.0.iter().find(mine);
    let alert = found.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let mut shown = located(ctx, alert.show());
    let trouble = &alert.trouble;
    let bodies = [
        ("request_variables", &trouble.request_variables),
        ("response_body", &trouble.response_body),
        ("response_headers", &trouble.response_headers),
    ];
    shown.extend(bodies.map(|(name, text)| (name.to_owned(), unset(text))));
    shown.insert("request_headers".to_owned(), Value::Null);
    Ok(Answer::item(200, "", shown))
}

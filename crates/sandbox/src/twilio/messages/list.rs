//! Messages are listed, fetched, redacted, canceled and deleted (T7 [S]).

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::ladder::Step;
use super::message::{Message, Sid, Status};
use super::store::{self, Name, seconds};
use crate::clock::rfc2822;
use crate::http::Object;
use crate::jobs::Job;
use crate::twilio::errors::Problem;
use crate::twilio::paging::{self, Page};
use crate::twilio::{Answer, Ctx};

const DAY_S: i64 = 86_400;

/// The first and last second that a filter lets through.
type Span = (i64, i64);

/// `GET …/Messages.json`: newest first.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let messages = &ctx.world.twilio.messages;
    let (size, number) = paging::wanted(ctx)?;
    let named = |field: &str| ctx.query.filled(field).map(|phone| messages.known(phone));
    let (to, from) = (named("To"), named("From"));
    let spans = spans(ctx)?;
    let after = paging::last_seen(ctx).and_then(store::place_of);
    let fits = |wanted: Option<Option<Name>>, has: Name| wanted.is_none_or(|wanted| wanted == Some(has));
    let wanted = |message: &&Message| {
        fits(to, message.to)
            && fits(from, message.from)
            && spans.iter().all(|(first, last)| (*first..=*last).contains(&message.sent))
    };
    let start = number.saturating_mul(size);
    let skipped = if after.is_some() { 0 } else { start };
    let mut found: Vec<&Message> =
        messages.of_account(&ctx.account, after).filter(wanted).skip(skipped).take(size + 1).collect();
    let more = found.len() > size;
    found.truncate(size);
    let page = Page {
        more_after: found.last().filter(|_| more).and_then(|message| messages.place(message.sid)),
        items: found.into_iter().map(|message| message.show(messages)).collect(),
        size,
        number,
        start,
    };
    Ok(paging::sheet(ctx, "messages", "Message", page))
}

/// `DateSent` names a day, or with `<` and `>` its end or beginning (T7: "on or after"); a full time is meant
/// to the second, except in the first form. A message that was not sent has no such date.
fn spans(ctx: &Ctx<'_>) -> Result<Vec<Span>, Problem> {
    let mut spans = Vec::new();
    for name in ["DateSent", "DateSent<", "DateSent>"] {
        let Some(given) = ctx.query.filled(name) else { continue };
        let (first, last) =
            moment(given).ok_or_else(|| Problem::new(20422, format!("{name} is not valid: {given}")))?;
        spans.push(match name {
            "DateSent<" => (1, last),
            "DateSent>" => (first, i64::MAX),
            _ => {
                let midnight = first.div_euclid(DAY_S) * DAY_S;
                (midnight, midnight + DAY_S - 1)
            }
        });
    }
    Ok(spans)
}

/// A day from its first to its last second, or one second.
fn moment(text: &str) -> Option<Span> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some((seconds(at), seconds(at)));
    }
    let day: Date = text.parse().ok()?;
    let start = seconds(day.to_zoned(TimeZone::UTC).ok()?.timestamp());
    Some((start, start + DAY_S - 1))
}

/// The message that the path names; 404 when it is not this account's.
pub(crate) fn own(ctx: &Ctx<'_>) -> Result<Sid, Problem> {
    let messages = &ctx.world.twilio.messages;
    let sid = ctx.ids.first().and_then(|sid| Sid::parse(sid));
    let found = sid.and_then(|sid| messages.get(sid));
    let found = found.filter(|message| messages.text(message.account) == ctx.account);
    found.map(|message| message.sid).ok_or_else(|| Problem::not_found(&ctx.uri))
}

fn shown(ctx: &Ctx<'_>, status: u16, sid: Sid) -> Answer {
    let messages = &ctx.world.twilio.messages;
    Answer::item(
        status,
        "Message",
        messages.get(sid).map(|message| message.show(messages)).unwrap_or_default(),
    )
}

/// `GET …/Messages/{SM}.json`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = own(ctx)?;
    Ok(shown(ctx, 200, sid))
}

/// `POST …/Messages/{SM}.json`: an empty `Body` redacts, `Status=canceled` cancels what is still scheduled;
/// both at once is 30400, what cannot be canceled 30409 (T7 [E/D]).
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = own(ctx)?;
    let (body, status) =
        (ctx.form.get("Body").map(str::to_owned), ctx.form.filled("Status").map(str::to_owned));
    let now = seconds(ctx.world.clock.now());
    let mut canceled = false;
    let Some(message) = ctx.world.twilio.messages.get_mut(sid) else {
        return Err(Problem::not_found(&ctx.uri));
    };
    match (body.as_deref(), status.as_deref()) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(30400, "Cannot redact and cancel a message in one request"));
        }
        (_, Some("canceled")) if message.status == Status::Scheduled => {
            message.status = Status::Canceled;
            canceled = true;
        }
        (_, Some("canceled")) => {
            return Err(Problem::new(30409, "Message cannot be canceled: it is not scheduled"));
        }
        (_, Some(other)) => return Err(Problem::new(20422, format!("Status is not valid: {other}"))),
        // What has not been sent yet must keep its text.
        (Some(""), _) if !message.status.is_final() && message.status != Status::Sent => {
            return Err(Problem::new(20009, "Cannot redact a message before it has a final status"));
        }
        (Some(""), _) => message.body = Box::from(""),
        (Some(_), _) => return Err(Problem::new(20422, "Body can only be set to an empty text")),
        (None, None) => {}
    }
    message.updated = now;
    if canceled {
        ctx.world.schedule(Duration::ZERO, Job::Text(Box::new(Step::Tell(sid))));
    }
    Ok(shown(ctx, 200, sid))
}

/// `DELETE …/Messages/{SM}.json`: 20009 while it is not final (T7 [D]). `sent` may be the last state, so that
/// it can be deleted [?].
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = own(ctx)?;
    let messages = &mut ctx.world.twilio.messages;
    let done = messages.get(sid).is_some_and(|it| it.status.is_final() || it.status == Status::Sent);
    if !done {
        return Err(Problem::new(20009, "Cannot delete a message before it has a final status"));
    }
    let media = messages.remove(sid).map(|message| message.media().to_vec()).unwrap_or_default();
    for path in media.into_iter().filter_map(|media| media.path) {
        ctx.world.discard(&path);
    }
    Ok(Answer::deleted())
}

const OUTCOMES: &[&str] = &["confirmed", "unconfirmed"];

/// `POST …/Messages/{SM}/Feedback.json`: how it went, for messages that were sent (T7 [S]).
pub(crate) fn feedback(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = own(ctx)?;
    let outcome = ctx.form.filled("Outcome").unwrap_or("confirmed").to_owned();
    if !OUTCOMES.contains(&outcome.as_str()) {
        return Err(Problem::new(20422, format!("Outcome is not valid: {outcome}")));
    }
    let now = rfc2822(ctx.world.clock.now());
    if let Some(message) = ctx.world.twilio.messages.get_mut(sid) {
        message.more_mut().feedback = Some(outcome.clone());
    }
    let fields = [
        ("account_sid", json!(ctx.account)),
        ("message_sid", json!(ctx.ids[0])),
        ("outcome", json!(outcome)),
        ("date_created", json!(now)),
        ("date_updated", json!(now)),
        ("uri", json!(ctx.uri)),
    ];
    let shown: Object = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Answer::item(200, "MessageFeedback", shown))
}

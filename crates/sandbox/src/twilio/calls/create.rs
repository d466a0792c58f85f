//! `POST …/Calls.json` (T16 [S]).

use std::time::Duration;

use super::checks;
use super::record::NewLeg;
use crate::http::{Object, text};
use crate::jobs::Job;
use crate::twilio::errors::Problem;
use crate::twilio::params::{self, Kind, Param, Unset, param};
use crate::twilio::voice::callbacks::Callback;
use crate::twilio::voice::course::{Course, Later, Recorded};
use crate::twilio::voice::script::Script;
use crate::twilio::{Answer, Ctx};

/// T16 [S]: longer TwiML has to come from an address.
const TWIML_MAX: usize = 4_000;
const TIMEOUT_S: u32 = 60;
const TIMEOUT_MAX_S: u32 = 600;
/// What can be dialled after somebody answered; the comma is an older pause (T16 [S]).
const TONES: &str = "0123456789ABCD*#wW,";
const TONES_MAX: usize = 32;
/// The queue is never long here.
const QUEUED: Duration = Duration::from_secs(1);

const DETECTION: &[&str] = &["Enable", "DetectMessageEnd"];
const CALL: &[Param] = &[
    param("Url", "url", Kind::Url, Unset::Null),
    param("Method", "method", Kind::Method, Unset::Null),
    param("FallbackUrl", "fallback_url", Kind::Url, Unset::Null),
    param("FallbackMethod", "fallback_method", Kind::Method, Unset::Null),
    param("StatusCallback", "callback", Kind::Url, Unset::Null),
    param("StatusCallbackMethod", "callback_method", Kind::Method, Unset::Null),
    param("StatusCallbackEvent", "callback_events", Kind::Text(100), Unset::Null),
    param("Record", "record", Kind::Bool, Unset::Null),
    param("RecordingChannels", "channels", Kind::OneOf(&["mono", "dual"]), Unset::Null),
    param("RecordingStatusCallback", "recording_callback", Kind::Url, Unset::Null),
    param("RecordingStatusCallbackMethod", "recording_method", Kind::Method, Unset::Null),
    param("RecordingStatusCallbackEvent", "recording_events", Kind::Text(100), Unset::Null),
    param("RecordingTrack", "track", Kind::OneOf(&["inbound", "outbound", "both"]), Unset::Null),
    param("Trim", "trim", Kind::OneOf(&["trim-silence", "do-not-trim"]), Unset::Null),
    param("MachineDetection", "detection", Kind::OneOf(DETECTION), Unset::Null),
    param("MachineDetectionTimeout", "detection_timeout", Kind::Integer(3, 59), Unset::Null),
    param("MachineDetectionSpeechThreshold", "detection_speech", Kind::Integer(1_000, 6_000), Unset::Null),
    param("MachineDetectionSpeechEndThreshold", "detection_end", Kind::Integer(500, 5_000), Unset::Null),
    param("MachineDetectionSilenceTimeout", "detection_silence", Kind::Integer(2_000, 10_000), Unset::Null),
    param("AsyncAmd", "async_amd", Kind::Bool, Unset::Null),
    param("AsyncAmdStatusCallback", "amd_callback", Kind::Url, Unset::Null),
    param("AsyncAmdStatusCallbackMethod", "amd_method", Kind::Method, Unset::Null),
    param("TimeLimit", "time_limit", Kind::Integer(1, 86_400), Unset::Null),
    param("CallerId", "caller_id", Kind::Text(255), Unset::Null),
    param("CallReason", "reason", Kind::Text(255), Unset::Null),
    param("CallToken", "token", Kind::Text(4_000), Unset::Null),
    param("SipAuthUsername", "sip_user", Kind::Text(256), Unset::Null),
    param("SipAuthPassword", "sip_password", Kind::Text(256), Unset::Null),
    param("ClientNotificationUrl", "notification", Kind::Url, Unset::Null),
    param("Byoc", "byoc", Kind::Sid("BY", 20423), Unset::Null),
];

/// The codes that calls have for what is wrong with any parameter (T16 [E]).
const CODES: [(u32, u32); 2] = [(21402, 21205), (21403, 21209)];

/// `POST …/Calls.json`: checked at once, then it goes its way (see `voice::course`).
pub(super) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (from, to) = parties(ctx)?;
    let settings = settings(ctx)?;
    let Way { script, fallback, callback } = way(ctx, &settings)?;
    let course = Course {
        script: Some(script),
        fallback,
        callback,
        timeout_s: timeout(ctx)?,
        limit_s: whole(&settings, "time_limit").unwrap_or(super::super::voice::CALL_MAX_S),
        // Keys to send leave no time to listen: the detection is ignored (T16 [S]).
        detection: text(&settings, "detection").is_some() && ctx.form.filled("SendDigits").is_none(),
        record: recorded(ctx, &settings),
        ..Course::default()
    };
    let account = ctx.account.clone();
    let leg = NewLeg {
        account: &account,
        from: &from,
        to: &to,
        direction: "outbound-api",
        status: "queued",
        parent: None,
    };
    // Test credentials place no call (T22 [D]).
    if ctx.testing() {
        let sid = ctx.world.ids.sid("CA");
        return Ok(Answer::item(201, "Call", ctx.world.new_call(&sid, &leg)));
    }
    let sid = ctx.world.open_call(&leg);
    ctx.world.twilio.courses.insert(sid.clone(), course);
    ctx.world.schedule(QUEUED, Job::Voice(Box::new(Later::Initiate { sid: sid.clone() })));
    Ok(Answer::item(201, "Call", ctx.world.twilio.calls.get(&sid).cloned().unwrap_or_default()))
}

fn parties(ctx: &Ctx<'_>) -> Result<(String, String), Problem> {
    let to = ctx.form.filled("To").ok_or_else(|| Problem::new(21201, "No 'To' number is specified"))?;
    let from =
        ctx.form.filled("From").ok_or_else(|| Problem::new(21213, "'From' phone number is required"))?;
    let (from, to) = (from.to_owned(), to.to_owned());
    match ctx.testing() {
        true => checks::magic(&from, &to)?,
        false => checks::parties(&ctx.world.twilio, &ctx.account, &from, &to)?,
    }
    Ok((from, to))
}

/// All parameters but those that say who, what, and how long.
pub(super) fn settings(ctx: &Ctx<'_>) -> Result<Object, Problem> {
    let mut settings = params::blank(&[CALL]);
    params::apply(&[CALL], &ctx.form, &mut settings).map_err(|problem| {
        let code = CODES.iter().find(|(usual, _)| *usual == problem.code).map(|(_, code)| *code);
        code.map_or(problem.clone(), |code| Problem::new(code, problem.message.clone()))
    })?;
    if text(&settings, "sip_user").is_some() && text(&settings, "sip_password").is_none() {
        return Err(Problem::new(21225, "SipAuthPassword is required when providing SipAuthUsername"));
    }
    let tones = ctx.form.filled("SendDigits").unwrap_or_default();
    if !tones.chars().all(|c| TONES.contains(c)) || tones.chars().count() > TONES_MAX {
        return Err(Problem::new(21206, format!("SendDigits is not valid: {tones}")));
    }
    Ok(settings)
}

/// Where a call's instructions come from, what helps when they fail, and who is told.
struct Way {
    script: Script,
    fallback: Option<(String, String)>,
    callback: Option<Callback>,
}

/// `Url` wins over `Twiml`; an application brings its own addresses, and those of the request are ignored
/// (T16 [S]).
fn way(ctx: &Ctx<'_>, settings: &Object) -> Result<Way, Problem> {
    let Some(sid) = ctx.form.filled("ApplicationSid") else {
        let script = spoken(ctx, settings)?;
        return Ok(Way {
            script: script.ok_or_else(|| Problem::new(21205, "Url parameter is required."))?,
            fallback: pair(settings, "fallback_url", "fallback_method"),
            callback: callback(ctx, settings, "callback", "callback_method", "StatusCallbackEvent"),
        });
    };
    let application = ctx.world.twilio.applications.get(sid).filter(|object| ctx.owns(object));
    let application =
        application.ok_or_else(|| Problem::new(21218, format!("ApplicationSid {sid} is not valid")))?;
    let (url, method) = pair(application, "voice_url", "voice_method")
        .ok_or_else(|| Problem::new(21205, "The application has no voice URL"))?;
    let told = pair(application, "status_callback", "status_callback_method");
    Ok(Way {
        script: Script::Url(url, method),
        fallback: pair(application, "voice_fallback_url", "voice_fallback_method"),
        callback: told.map(|(url, method)| Callback::new(&url, &method, std::iter::empty())),
    })
}

/// The script that `Url` or `Twiml` names.
pub(super) fn spoken(ctx: &Ctx<'_>, settings: &Object) -> Result<Option<Script>, Problem> {
    let twiml = ctx.form.filled("Twiml");
    if let Some((url, method)) = pair(settings, "url", "method") {
        return Ok(Some(Script::Url(url, method)));
    }
    match twiml {
        Some(twiml) if twiml.chars().count() > TWIML_MAX => {
            Err(Problem::new(20422, format!("Twiml is longer than {TWIML_MAX} characters")))
        }
        twiml => Ok(twiml.map(|twiml| Script::Twiml(twiml.to_owned()))),
    }
}

/// An address with its method.
pub(super) fn pair(object: &Object, url: &str, method: &str) -> Option<(String, String)> {
    text(object, url).map(|url| (url.to_owned(), text(object, method).unwrap_or("POST").to_owned()))
}

/// Somebody to be told; the parameter of the events is repeated, or has blanks between them.
pub(super) fn callback(
    ctx: &Ctx<'_>,
    settings: &Object,
    url: &str,
    method: &str,
    events: &str,
) -> Option<Callback> {
    let events = ctx.form.all(events);
    let (url, method) = pair(settings, url, method)?;
    Some(Callback::new(&url, &method, events.iter().flat_map(|list| list.split_whitespace())))
}

fn whole(settings: &Object, field: &str) -> Option<u32> {
    settings.get(field).and_then(serde_json::Value::as_u64).and_then(|number| u32::try_from(number).ok())
}

fn timeout(ctx: &Ctx<'_>) -> Result<u32, Problem> {
    let Some(text) = ctx.form.filled("Timeout") else { return Ok(TIMEOUT_S) };
    let seconds = text.parse().ok().filter(|seconds| (1..=TIMEOUT_MAX_S).contains(seconds));
    seconds.ok_or_else(|| Problem::new(21208, format!("Timeout is not valid: {text}")))
}

fn recorded(ctx: &Ctx<'_>, settings: &Object) -> Option<Recorded> {
    let callback =
        callback(ctx, settings, "recording_callback", "recording_method", "RecordingStatusCallbackEvent");
    let channels = if text(settings, "channels") == Some("dual") { 2 } else { 1 };
    let wanted = settings.get("record") == Some(&serde_json::json!(true));
    wanted.then_some(Recorded { channels, callback })
}

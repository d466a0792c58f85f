//! A message to be sent, as a request describes it (T7 [S]).

use serde_json::json;

use super::message::Direction;
use super::store::seconds;
use crate::http::{Params, text};
use crate::ids::is_sid;
use crate::twilio::Ctx;
use crate::twilio::errors::Problem;
use crate::twilio::params::is_web_address;

/// How long a message may wait in the queue when nobody says otherwise, and at most, in seconds.
pub(crate) const VALIDITY_MAX: i64 = 36_000;
const BODY_CHARS_MAX: usize = 1_600;
const MEDIA_MAX: usize = 10;
/// The window of scheduling: 5 minutes to 35 days (T7 [D]).
const SCHEDULE_S: (i64, i64) = (300, 35 * 86_400);

/// Parameters that are known and have no effect here.
const WITHOUT_EFFECT: &[&str] = &[
    "ProvideFeedback",
    "Attempt",
    "ForceDelivery",
    "PersistentAction",
    "TrafficType",
    "RiskCheck",
    "ShortenUrls",
    "FallbackFrom",
    "ContentRetention",
    "AddressRetention",
    "MaxPrice",
];

/// What is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) account: String,
    pub(crate) service: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    pub(crate) body: String,
    /// Where Twilio is to fetch the media.
    pub(crate) media: Vec<String>,
    pub(crate) callback: Option<String>,
    /// Seconds that it may wait in the queue.
    pub(crate) validity: i64,
    pub(crate) send_at: Option<i64>,
    pub(crate) smart: bool,
    pub(crate) as_mms: bool,
    pub(crate) direction: Direction,
    /// One of Twilio's own answers.
    pub(crate) free: bool,
    pub(crate) doom: Option<u16>,
}

impl Draft {
    /// A plain text from a number of the account.
    pub(crate) fn new(account: &str, from: &str, to: &str, body: &str) -> Draft {
        Draft {
            account: account.to_owned(),
            service: None,
            from: Some(from.to_owned()),
            to: to.to_owned(),
            body: body.to_owned(),
            media: Vec::new(),
            callback: None,
            validity: VALIDITY_MAX,
            send_at: None,
            smart: false,
            as_mms: false,
            direction: Direction::OutboundApi,
            free: false,
            doom: None,
        }
    }
}

/// Reads the form of `POST Messages.json`; what is wrong with it in itself is refused.
pub(crate) fn read(ctx: &Ctx<'_>) -> Result<Draft, Problem> {
    let form = &ctx.form;
    for name in WITHOUT_EFFECT {
        form.get(name);
    }
    let mut draft = Draft::new(&ctx.account, "", "", "");
    draft.to = recipient(form)?;
    (draft.service, draft.from) = sender(ctx, &draft.to)?;
    draft.body = form.get("Body").unwrap_or_default().to_owned();
    draft.media = form.all("MediaUrl").into_iter().filter(|url| !url.is_empty()).map(str::to_owned).collect();
    content(form, &draft)?;
    draft.callback = callback(ctx)?;
    let service = draft.service.as_ref().and_then(|sid| ctx.world.twilio.texting.services.get(sid));
    let of_service = |name: &str| service.and_then(|service| service.get(name));
    let validity = validity(form)?.or_else(|| of_service("validity_period")?.as_i64());
    draft.validity = validity.unwrap_or(VALIDITY_MAX);
    draft.send_at = send_at(ctx, &draft)?;
    // Either of them is enough (T9 [D]).
    draft.smart =
        form.get("SmartEncoded") == Some("true") || of_service("smart_encoding") == Some(&json!(true));
    draft.as_mms = form.get("SendAsMms") == Some("true");
    Ok(draft)
}

fn recipient(form: &Params) -> Result<String, Problem> {
    let to = form.filled("To").ok_or_else(|| Problem::new(21604, "A 'To' phone number is required."))?;
    // Twilio forgives spaces and brackets; other channels are not played here.
    let plain: String = to.chars().filter(|c| !matches!(c, ' ' | '(' | ')' | '-' | '.')).collect();
    if crate::ids::is_e164(&plain) {
        return Ok(plain);
    }
    Err(Problem::new(21211, format!("Invalid 'To' Phone Number: {to}")))
}

/// `MessagingServiceSid` and `From`, one of which must be there. A service may also stand in `From` (T7 [E]).
fn sender(ctx: &Ctx<'_>, to: &str) -> Result<(Option<String>, Option<String>), Problem> {
    let (service, from) = (ctx.form.filled("MessagingServiceSid"), ctx.form.filled("From"));
    let (service, from) = match (service, from) {
        (None, Some(from)) if is_sid(from, "MG") => (Some(from), None),
        both => both,
    };
    if let Some(service) = service.filter(|service| !is_sid(service, "MG")) {
        return Err(Problem::new(21705, format!("The Messaging Service Sid {service} is invalid")));
    }
    let Some(from) = from else {
        let none = Problem::new(21603, "A 'From' phone number is required.");
        return service.map(|service| (Some(service.to_owned()), None)).ok_or(none);
    };
    if from == to {
        return Err(Problem::new(21266, "'To' and 'From' number cannot be the same"));
    }
    let digits = from.bytes().all(|b| b.is_ascii_digit());
    if digits && from.len() > 6 {
        let text = format!("The 'From' number {from} is ambiguous: use the E.164 format");
        return Err(Problem::new(21616, text));
    }
    if !crate::ids::is_e164(from) && !digits && !is_alphanumeric_sender(from) {
        return Err(Problem::new(21212, format!("Invalid From Number (caller ID): {from}")));
    }
    Ok((service.map(str::to_owned), Some(from.to_owned())))
}

/// Up to eleven letters, digits and spaces, with a letter among them.
pub(crate) fn is_alphanumeric_sender(from: &str) -> bool {
    from.len() <= 11
        && from.bytes().any(|b| b.is_ascii_alphabetic())
        && from.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'&' | b'+' | b'_'))
}

fn content(form: &Params, draft: &Draft) -> Result<(), Problem> {
    // There are no templates here; the texts of 21655 and 21656 are ours [?].
    if let Some(content) = form.filled("ContentSid") {
        return Err(Problem::new(21655, format!("The ContentSid {content} is Invalid")));
    }
    if form.filled("ContentVariables").is_some() {
        return Err(Problem::new(21656, "The ContentVariables Parameter is invalid"));
    }
    if draft.body.is_empty() && draft.media.is_empty() {
        return Err(Problem::new(21602, "Message body is required."));
    }
    if draft.body.chars().count() > BODY_CHARS_MAX {
        let text = "The concatenated message body exceeds the 1600 character limit";
        return Err(Problem::new(21617, text));
    }
    if draft.media.len() > MEDIA_MAX {
        return Err(Problem::new(21623, "Number of media files exceeds allowed limit"));
    }
    match draft.media.iter().find(|url| !is_web_address(url)) {
        Some(url) => Err(Problem::new(21620, format!("Invalid media URL(s): {url}"))),
        None => Ok(()),
    }
}

/// The message's own callback before the application's (T6 [S]); the service's comes later, in its turn.
fn callback(ctx: &Ctx<'_>) -> Result<Option<String>, Problem> {
    let own = ctx.form.filled("StatusCallback");
    if let Some(url) = own.filter(|url| !is_web_address(url)) {
        return Err(Problem::new(21609, format!("The StatusCallback URL {url} is not a valid URL.")));
    }
    let Some(sid) = ctx.form.filled("ApplicationSid") else { return Ok(own.map(str::to_owned)) };
    let application = ctx.world.twilio.applications.get(sid).filter(|application| ctx.owns(application));
    // That an unknown application is 21420 here too is [?].
    let application =
        application.ok_or_else(|| Problem::new(21420, format!("ApplicationSid {sid} is not accessible")))?;
    let of_application =
        text(application, "message_status_callback").or_else(|| text(application, "sms_status_callback"));
    Ok(own.or(of_application).map(str::to_owned))
}

fn validity(form: &Params) -> Result<Option<i64>, Problem> {
    let Some(given) = form.filled("ValidityPeriod") else { return Ok(None) };
    let period = given.parse().ok().filter(|period| (1..=VALIDITY_MAX).contains(period));
    period.map(Some).ok_or_else(|| Problem::new(21624, format!("The validity period {given} is invalid")))
}

/// `ScheduleType=fixed` with `SendAt`. Three codes share one meaning in the dictionary (T7 [E]); here 35114
/// is for what is no time, 35115 for too soon, 35117 for too late [?].
fn send_at(ctx: &Ctx<'_>, draft: &Draft) -> Result<Option<i64>, Problem> {
    let (kind, at) = (ctx.form.filled("ScheduleType"), ctx.form.filled("SendAt"));
    let Some(kind) = kind else { return Ok(None) };
    let refuse = |code: u32, text: &str| Err(Problem::new(code, text));
    if kind != "fixed" {
        return refuse(35126, "The ScheduleType value provided is not supported for this channel");
    }
    if draft.service.is_none() {
        return refuse(35118, "MessagingServiceSid is required to schedule a message");
    }
    let Some(at) = at else { return refuse(35111, "SendAt timestamp is missing") };
    let unsupported = "Scheduling does not support this timestamp";
    let Ok(at) = at.parse() else { return refuse(35114, unsupported) };
    let (at, now) = (seconds(at), seconds(ctx.world.clock.now()));
    match at - now {
        ahead if ahead < SCHEDULE_S.0 => refuse(35115, unsupported),
        ahead if ahead > SCHEDULE_S.1 => refuse(35117, unsupported),
        _ => Ok(Some(at)),
    }
}

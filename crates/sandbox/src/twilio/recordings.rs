//! Recordings of calls: the resource, its sound, and what is told about it (T16 [S][D]).

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::calls::{AT, list_filtered};
use super::errors::Problem;
use super::params::{self, Kind, Param, Unset, param};
use super::voice::Later;
use super::voice::callbacks::Callback;
use super::voice::fields::{Form, entry};
use super::{Answer, Ctx, Route, paging};
use crate::clock::rfc2822;
use crate::http::{Object, Reply, text};
use crate::jobs::Job;
use crate::state::World;
use crate::storage::{self, Content};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Accounts/{}/Recordings", area: "recordings", methods: &[(Method::GET, list)] },
    Route {
        pattern: "Accounts/{}/Recordings/{}",
        area: "recordings",
        methods: &[(Method::GET, fetch), (Method::DELETE, delete)],
    },
    Route {
        pattern: "Accounts/{}/Calls/{}/Recordings",
        area: "recordings",
        methods: &[(Method::GET, list_of_call), (Method::POST, start)],
    },
    Route {
        pattern: "Accounts/{}/Calls/{}/Recordings/{}",
        area: "recordings",
        methods: &[(Method::GET, fetch_of_call), (Method::POST, update), (Method::DELETE, delete_of_call)],
    },
];

/// Shorter ones are 16101, "too short" (T16 [E]); the limit is [?].
const SHORTEST_S: u32 = 1;
/// A started minute of recording [?].
const MINUTE_MICROS: i64 = 2_500;

/// What is recorded.
#[derive(Debug)]
pub(crate) struct NewRecording<'r> {
    pub(crate) account: &'r str,
    pub(crate) call: &'r str,
    /// `RecordVerb`, `DialVerb`, `OutboundAPI`, `StartCallRecordingAPI`, `Trunking`.
    pub(crate) source: &'r str,
    pub(crate) channels: u32,
}

impl World {
    /// Starts a recording and returns its SID.
    pub(crate) fn start_recording(&mut self, new: &NewRecording<'_>) -> String {
        let sid = self.ids.sid("RE");
        let at = rfc2822(self.clock.now());
        let uri = format!("/2010-04-01/Accounts/{}/Recordings/{sid}", new.account);
        let recording = json!({
            "sid": sid,
            "account_sid": new.account,
            "api_version": "2010-04-01",
            "call_sid": new.call,
            "conference_sid": null,
            "channels": new.channels,
            "source": new.source,
            "status": "in-progress",
            "track": "both",
            "duration": null,
            "error_code": null,
            "price": null,
            "price_unit": "USD",
            "start_time": at,
            "date_created": at,
            "date_updated": at,
            "encryption_details": null,
            "subresource_uris": {
                "add_on_results": format!("{uri}/AddOnResults.json"),
                "transcriptions": format!("{uri}/Transcriptions.json"),
            },
            "uri": format!("{uri}.json"),
        });
        self.twilio.recordings.put(recording.as_object().cloned().unwrap_or_default());
        sid
    }

    /// Ends a recording: kept when there is something on it, else absent with 16101 (too short) or 16102
    /// (silent) (T16 [E]).
    pub(crate) fn end_recording(&mut self, sid: &str, seconds: u32, silent: bool) {
        let error = match (silent, seconds < SHORTEST_S) {
            (true, _) => Some(16102),
            (false, true) => Some(16101),
            (false, false) => None,
        };
        let at = rfc2822(self.clock.now());
        let Some(recording) = self.twilio.recordings.get_mut(sid) else { return };
        if text(recording, "status") != Some("in-progress") && text(recording, "status") != Some("paused") {
            return;
        }
        let fields = [
            ("status", json!(if error.is_some() { "absent" } else { "completed" })),
            ("duration", json!(seconds.to_string())),
            ("error_code", json!(error)),
            ("date_updated", json!(at)),
        ];
        recording.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        if error.is_none() {
            let path = self.store("audio/x-wav", Content::Silence { seconds });
            self.twilio.recording_files.insert(format!("{sid}.wav"), path);
            let later = Later::PriceRecording { sid: sid.to_owned() };
            self.schedule(Duration::from_mins(1), Job::Voice(Box::new(later)));
        }
    }

    /// The price of a recording arrives.
    pub(crate) fn price_recording(&mut self, sid: &str) {
        let Some(recording) = self.twilio.recordings.get_mut(sid) else { return };
        let seconds: i64 = text(recording, "duration").and_then(|text| text.parse().ok()).unwrap_or(0);
        let micros = (seconds + 59) / 60 * MINUTE_MICROS;
        recording.insert("price".to_owned(), json!(super::prices::written(-micros)));
        let account = text(recording, "account_sid").unwrap_or_default().to_owned();
        self.twilio.charge(&account, micros);
    }

    /// What a recording's callback says (T16). `host` is where its sound is to be had.
    pub(crate) fn recording_fields(&self, sid: &str, host: &str) -> Form {
        let Some(recording) = self.twilio.recordings.get(sid) else { return Form::new() };
        let field = |name: &str| text(recording, name).unwrap_or_default();
        let mut form = vec![
            entry("AccountSid", field("account_sid")),
            entry("CallSid", field("call_sid")),
            entry("RecordingSid", sid),
            entry("RecordingUrl", url(host, field("account_sid"), sid)),
            entry("RecordingStatus", field("status")),
            entry("RecordingChannels", recording.get("channels").unwrap_or(&json!(1)).to_string()),
            entry("RecordingStartTime", field("start_time")),
            entry("RecordingSource", field("source")),
            entry("RecordingTrack", field("track")),
        ];
        if let Some(seconds) = text(recording, "duration") {
            form.push(entry("RecordingDuration", seconds));
        }
        let error = recording.get("error_code").and_then(Value::as_u64);
        form.push(entry("ErrorCode", error.unwrap_or(0).to_string()));
        form
    }
}

/// Without extension: `.mp3`, `.wav` and `.json` go behind it (T16 [D]).
pub(crate) fn url(host: &str, account: &str, sid: &str) -> String {
    format!("http://{host}/twilio/api/2010-04-01/Accounts/{account}/Recordings/{sid}")
}

fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let call = ctx.query.filled("CallSid").map(str::to_owned);
    // There are no conferences here, and what is deleted is gone.
    let (conference, _) = (ctx.query.filled("ConferenceSid"), ctx.query.filled("IncludeSoftDeleted"));
    if conference.is_some() {
        return paging::relative(ctx, "recordings", "Recording", std::iter::empty::<&Object>());
    }
    listed(ctx, call.as_deref())
}

fn list_of_call(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.calls)?;
    let call = ctx.ids[0].clone();
    listed(ctx, Some(&call))
}

fn listed(ctx: &mut Ctx<'_>, call: Option<&str>) -> Result<Answer, Problem> {
    let below = ctx.uri.contains("/Calls/");
    let wanted = |recording: &&Object| call.is_none_or(|call| text(recording, "call_sid") == Some(call));
    let rows = ctx.world.twilio.recordings.iter().rev().filter(wanted).cloned();
    let rows: Vec<Object> = rows.map(|row| if below { of_call(row) } else { shown(ctx, row) }).collect();
    list_filtered(ctx, rows.iter(), "recordings", "Recording", &[("DateCreated", "date_created")])
}

/// `GET …/Recordings/{RE}.json`, and the sound itself at `.wav`, `.mp3` and without extension.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let named = ctx.ids.last().cloned().unwrap_or_default();
    match named.rsplit_once('.') {
        Some((sid, "wav")) => sound(ctx, sid, "wav"),
        Some((sid, "mp3")) => sound(ctx, sid, "mp3"),
        _ if !ctx.uri.ends_with(".json") => sound(ctx, &named, "wav"),
        _ => {
            let recording = ctx.own(&ctx.world.twilio.recordings)?.clone();
            Ok(Answer::item(200, "Recording", shown(ctx, recording)))
        }
    }
}

/// The account's own view names no track [S].
fn shown(ctx: &Ctx<'_>, mut recording: Object) -> Object {
    recording.remove("track");
    let sid = text(&recording, "sid").unwrap_or_default();
    let url = format!("{}/2010-04-01/Accounts/{}/Recordings/{sid}", ctx.base, ctx.account);
    recording.insert("media_url".to_owned(), json!(url));
    recording
}

/// A redirect to the storage (T13's rule, also for recordings [?]).
fn sound(ctx: &mut Ctx<'_>, sid: &str, kind: &'static str) -> Result<Answer, Problem> {
    let missing = || Problem::not_found(&ctx.uri);
    let recording = ctx.world.twilio.recordings.get(sid).filter(|object| ctx.owns(object));
    let recording = recording.ok_or_else(missing)?;
    let files = &ctx.world.twilio.recording_files;
    let seconds: u32 = text(recording, "duration").and_then(|text| text.parse().ok()).unwrap_or(0);
    files.get(&format!("{sid}.wav")).ok_or_else(missing)?;
    let path = match files.get(&format!("{sid}.{kind}")) {
        Some(path) => path.clone(),
        None => {
            let path = ctx.world.store("audio/mpeg", Content::SilentMp3 { seconds });
            ctx.world.twilio.recording_files.insert(format!("{sid}.{kind}"), path.clone());
            path
        }
    };
    let host = ctx.request.header("host").unwrap_or("127.0.0.1");
    let location = storage::url(host, &path);
    Ok(Answer::Plain(Reply::new(307, "application/json", "").with("location", location)))
}

fn delete_of_call(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own_of_call(ctx)?;
    delete(ctx)
}

/// `DELETE …/Recordings/{RE}.json`, also below its call.
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = text(ctx.own(&ctx.world.twilio.recordings)?, "sid").unwrap_or_default().to_owned();
    ctx.world.twilio.recordings.remove(&sid);
    for kind in ["wav", "mp3"] {
        if let Some(path) = ctx.world.twilio.recording_files.remove(&format!("{sid}.{kind}")) {
            ctx.world.discard(&path);
        }
    }
    Ok(Answer::deleted())
}

const START: &[Param] = &[
    param("RecordingStatusCallback", "url", Kind::Url, Unset::Null),
    param("RecordingStatusCallbackMethod", "method", Kind::Method, Unset::Null),
    param("RecordingStatusCallbackEvent", "events", Kind::Text(100), Unset::Null),
    param("RecordingChannels", "channels", Kind::OneOf(&["mono", "dual"]), Unset::Null),
    param("RecordingTrack", "track", Kind::OneOf(&["inbound", "outbound", "both"]), Unset::Null),
    param("Trim", "trim", Kind::OneOf(&["trim-silence", "do-not-trim"]), Unset::Null),
];

/// `POST …/Calls/{CA}/Recordings.json`: only a call in progress can be recorded (21220).
fn start(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let call = ctx.own(&ctx.world.twilio.calls)?;
    if text(call, "status") != Some("in-progress") {
        return Err(Problem::new(21220, "Requested resource is not eligible for recording"));
    }
    let mut wanted = params::blank(&[START]);
    params::apply(&[START], &ctx.form, &mut wanted)?;
    let channels = if text(&wanted, "channels") == Some("dual") { 2 } else { 1 };
    let (account, call) = (ctx.account.clone(), ctx.ids[0].clone());
    let new = NewRecording { account: &account, call: &call, source: "StartCallRecordingAPI", channels };
    let sid = ctx.world.start_recording(&new);
    let callback = text(&wanted, "url").map(|url| {
        let events = ctx.form.all("RecordingStatusCallbackEvent");
        let method = text(&wanted, "method").unwrap_or("POST");
        Callback::new(url, method, events.iter().flat_map(|list| list.split_whitespace()))
    });
    let course = ctx.world.twilio.courses.entry(call.clone()).or_default();
    course.recordings.push((sid.clone(), callback));
    ctx.world.tell_recording_later(&call, &sid);
    let recording = ctx.world.twilio.recordings.get(&sid).cloned().unwrap_or_default();
    Ok(Answer::item(201, "Recording", of_call(recording)))
}

fn fetch_of_call(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let recording = own_of_call(ctx)?.clone();
    Ok(Answer::item(200, "Recording", of_call(recording)))
}

fn own_of_call<'c>(ctx: &'c Ctx<'_>) -> Result<&'c Object, Problem> {
    let recording = ctx.own(&ctx.world.twilio.recordings)?;
    let of_call = text(recording, "call_sid") == Some(ctx.ids[0].as_str());
    if of_call { Ok(recording) } else { Err(Problem::not_found(&ctx.uri)) }
}

/// Below a call there are neither links nor sound [S].
fn of_call(mut recording: Object) -> Object {
    recording.remove("subresource_uris");
    recording
}

/// `POST …/Calls/{CA}/Recordings/{RE}.json`: pause, resume, stop.
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let _ = ctx.form.get("PauseBehavior");
    let recording = own_of_call(ctx)?;
    let sid = text(recording, "sid").unwrap_or_default().to_owned();
    let now = text(recording, "status").unwrap_or_default();
    let wanted = ctx.form.filled("Status").unwrap_or_default();
    match (now, wanted) {
        ("in-progress" | "paused", "stopped") => {
            let seconds = ctx.world.seconds_since(text(recording, AT).unwrap_or_default());
            ctx.world.end_recording(&sid, seconds.max(SHORTEST_S), false);
        }
        ("in-progress" | "paused", "paused" | "in-progress") => {
            if let Some(recording) = ctx.world.twilio.recordings.get_mut(&sid) {
                recording.insert("status".to_owned(), json!(wanted));
            }
        }
        (_, "paused" | "in-progress" | "stopped") => {
            return Err(Problem::new(21220, "The recording is over"));
        }
        _ => return Err(Problem::new(20001, "Status must be in-progress, paused or stopped")),
    }
    fetch_of_call(ctx)
}

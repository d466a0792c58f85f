//! The course of a call that was asked for: queued, ringing, in progress, over, each at its time (T16).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::callbacks::{Callback, Told};
use super::fields::{Form, entry};
use super::inbound::{self, Incoming};
use super::line::Line;
use super::party::{self, VOICEMAIL_AFTER_S};
use super::script::Script;
use crate::calls::Leg;
use crate::http::text;
use crate::jobs::Job;
use crate::phones::OnCall;
use crate::state::{Shared, World};
use crate::twilio::calls::{AT, is_over};
use crate::twilio::recordings::NewRecording;
use crate::twilio::trunks;

/// Setting up takes so long, picking up so much longer.
const RINGS_AFTER: Duration = Duration::from_secs(1);
const PICKED_UP_AFTER: Duration = Duration::from_secs(3);
const BUSY_AFTER: Duration = Duration::from_secs(2);
/// T16 [D]: five seconds are added to `Timeout`.
const TIMEOUT_BUFFER_S: u32 = 5;

/// That a whole call is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) channels: u32,
    pub(crate) callback: Option<Callback>,
}

/// How a call that was asked for goes on; forgotten when it is over.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Course {
    pub(crate) script: Option<Script>,
    pub(crate) fallback: Option<(String, String)>,
    pub(crate) callback: Option<Callback>,
    pub(crate) timeout_s: u32,
    pub(crate) limit_s: u32,
    /// Whether it is found out who answered.
    pub(crate) detection: bool,
    pub(crate) record: Option<Recorded>,
    /// Recordings that go on, with who wants to know.
    pub(crate) recordings: Vec<(String, Option<Callback>)>,
    /// Counts its callbacks.
    pub(crate) sequence: u32,
    /// Counts its scripts: an end that belongs to an older one does not count.
    pub(crate) turn: u32,
}

/// What happens to a call later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Later {
    /// Its price becomes known.
    Price { sid: String },
    /// A recording's price becomes known.
    PriceRecording { sid: String },
    /// It leaves the queue.
    Initiate { sid: String },
    /// The other side rings.
    Ring { sid: String },
    /// The other side answers.
    PickUp { sid: String },
    /// Its script is run, unless it was given another one in between.
    Talk { sid: String, turn: u32 },
    /// It ends, unless it was given another script in between.
    End { sid: String, turn: u32, status: String },
    /// It is over: everybody is told.
    Tell { sid: String },
    /// One of its recordings has begun.
    TellRecording { sid: String, recording: String },
}

impl Later {
    /// Does it.
    pub(crate) async fn run(self, shared: &Arc<Shared>) {
        match self {
            Later::Price { sid } => shared.lock().price_call(&sid),
            Later::PriceRecording { sid } => shared.lock().price_recording(&sid),
            Later::Initiate { sid } => initiate(shared, &sid).await,
            Later::Ring { sid } => ring(shared, &sid).await,
            Later::PickUp { sid } => pick_up(shared, &sid).await,
            Later::Talk { sid, turn } => talk(shared, &sid, turn).await,
            Later::End { sid, turn, status } => {
                let current = shared.lock().twilio.courses.get(&sid).map(|course| course.turn);
                if current == Some(turn) {
                    shared.lock().close_call(&sid, &status);
                    tell(shared, &sid).await;
                }
            }
            Later::Tell { sid } => tell(shared, &sid).await,
            Later::TellRecording { sid, recording } => {
                let courses = &shared.lock().twilio.courses.get(&sid).cloned().unwrap_or_default();
                for (_, callback) in courses.recordings.iter().filter(|(known, _)| *known == recording) {
                    tell_recording(shared, &sid, &recording, callback.as_ref()).await;
                }
            }
        }
    }
}

fn later(world: &mut World, after: Duration, what: Later) {
    world.schedule(after, Job::Voice(Box::new(what)));
}

fn end(world: &mut World, sid: &str, after: Duration, status: &str) {
    let turn = world.twilio.courses.get(sid).map_or(0, |course| course.turn);
    later(world, after, Later::End { sid: sid.to_owned(), turn, status: status.to_owned() });
}

impl World {
    /// Ends a call that goes on, now, and its recordings with it; who is to be told is told by a job.
    pub(crate) fn close_call(&mut self, sid: &str, status: &str) {
        let started = self.twilio.calls.get(sid).and_then(|call| text(call, "start_time").map(str::to_owned));
        let seconds = started.map_or(0, |at| self.seconds_since(&at));
        self.end_call(sid, status, seconds);
        let recordings = self.twilio.courses.get(sid).map(|course| course.recordings.clone());
        for (recording, _) in recordings.unwrap_or_default() {
            let begun = self.twilio.recordings.get(&recording).and_then(|recording| text(recording, AT));
            let seconds = begun.map_or(0, |at| self.seconds_since(at));
            self.end_recording(&recording, seconds, false);
        }
    }

    /// Lets a job tell everybody that a call is over.
    pub(crate) fn tell_later(&mut self, sid: &str) {
        later(self, Duration::ZERO, Later::Tell { sid: sid.to_owned() });
    }

    /// Lets a job tell that a recording of a call has begun.
    pub(crate) fn tell_recording_later(&mut self, sid: &str, recording: &str) {
        let (sid, recording) = (sid.to_owned(), recording.to_owned());
        later(self, Duration::ZERO, Later::TellRecording { sid, recording });
    }

    /// Lets a job run the script that a call was just given.
    pub(crate) fn talk_later(&mut self, sid: &str) {
        let turn = self.twilio.courses.get(sid).map_or(0, |course| course.turn);
        later(self, Duration::ZERO, Later::Talk { sid: sid.to_owned(), turn });
    }
}

/// The call, if it has this status.
fn leg(world: &World, sid: &str, status: &str) -> Option<Leg> {
    let call = world.twilio.calls.get(sid).filter(|call| text(call, "status") == Some(status))?;
    let field = |name: &str| text(call, name).unwrap_or_default().to_owned();
    let to = field("to");
    let says = world.phones.get(&to).says;
    Some(Leg { call_sid: sid.to_owned(), account: field("account_sid"), from: field("from"), to, says })
}

async fn initiate(shared: &Arc<Shared>, sid: &str) {
    let Some(leg) = leg(&shared.lock(), sid, "queued") else { return };
    event(shared, sid, "initiated").await;
    let world = &mut *shared.lock();
    match world.phones.get(&leg.to).on_call {
        OnCall::Fail => end(world, sid, Duration::ZERO, "failed"),
        OnCall::Busy => end(world, sid, BUSY_AFTER, "busy"),
        OnCall::Answer | OnCall::NoAnswer | OnCall::Voicemail => {
            later(world, RINGS_AFTER, Later::Ring { sid: sid.to_owned() });
        }
    }
}

async fn ring(shared: &Arc<Shared>, sid: &str) {
    let Some(leg) = leg(&shared.lock(), sid, "queued") else { return };
    shared.lock().mark_call(sid, "ringing");
    event(shared, sid, "ringing").await;
    let world = &mut *shared.lock();
    let patience = world.twilio.courses.get(sid).map_or(0, |course| course.timeout_s) + TIMEOUT_BUFFER_S;
    let answers_after = match world.phones.get(&leg.to).on_call {
        OnCall::Voicemail => Duration::from_secs(u64::from(VOICEMAIL_AFTER_S)),
        OnCall::NoAnswer => Duration::MAX,
        _ => PICKED_UP_AFTER,
    };
    let patience = Duration::from_secs(u64::from(patience));
    match answers_after < patience {
        true => later(world, answers_after, Later::PickUp { sid: sid.to_owned() }),
        false => end(world, sid, patience, "no-answer"),
    }
}

async fn pick_up(shared: &Arc<Shared>, sid: &str) {
    let Some(leg) = leg(&shared.lock(), sid, "ringing") else { return };
    // A number of this sandbox, or Vapi behind a SIP address, may not take the call.
    let refused = if shared.lock().twilio.number(&leg.to).is_some() {
        let (from, to) = (leg.from.clone(), leg.to.clone());
        let rung = inbound::ring(shared, Incoming { from, to, ..Incoming::default() }).await;
        Some(rung.status).filter(|status| *status != "completed")
    } else if trunks::is_vapi(&leg.to) {
        let outcome = trunks::originate(shared, &leg, &leg.to).await;
        outcome.declined().map(|_| "failed")
    } else {
        None
    };
    if let Some(status) = refused {
        end(&mut shared.lock(), sid, Duration::ZERO, status);
        return;
    }
    {
        let world = &mut *shared.lock();
        world.mark_call(sid, "in-progress");
        detect(world, sid, &leg.to);
        record(world, sid, &leg.account);
    }
    event(shared, sid, "answered").await;
    talk(shared, sid, 0).await;
}

/// Who answered, if that was asked for (T16: `answered_by`).
fn detect(world: &mut World, sid: &str, to: &str) {
    if !world.twilio.courses.get(sid).is_some_and(|course| course.detection) {
        return;
    }
    let machine = world.phones.get(to).on_call == OnCall::Voicemail;
    if let Some(call) = world.twilio.calls.get_mut(sid) {
        let by = if machine { "machine_start" } else { "human" };
        call.insert("answered_by".to_owned(), serde_json::json!(by));
    }
}

fn record(world: &mut World, sid: &str, account: &str) {
    let wanted = world.twilio.courses.get(sid).and_then(|course| course.record.clone());
    let Some(Recorded { channels, callback }) = wanted else { return };
    let new = NewRecording { account, call: sid, source: "OutboundAPI", channels };
    let recording = world.start_recording(&new);
    if let Some(course) = world.twilio.courses.get_mut(sid) {
        course.recordings.push((recording.clone(), callback));
    }
    world.tell_recording_later(sid, &recording);
}

/// Runs the call's script at once, and lets the call last as long as that would have taken.
async fn talk(shared: &Arc<Shared>, sid: &str, turn: u32) {
    let (leg, course, answered_by, spent) = {
        let world = shared.lock();
        let Some(leg) = leg(&world, sid, "in-progress") else { return };
        let course = world.twilio.courses.get(sid).filter(|course| course.turn == turn).cloned();
        let Some(course) = course else { return };
        let call = world.twilio.calls.get(sid);
        let answered_by = call.and_then(|call| text(call, "answered_by")).map(str::to_owned);
        let start = call.and_then(|call| text(call, "start_time")).unwrap_or_default();
        (leg, course, answered_by, world.seconds_since(start))
    };
    let Some(script) = course.script else { return };
    let always: Form = answered_by.into_iter().map(|by| entry("AnsweredBy", by)).collect();
    let (from, to) = (leg.from.clone(), leg.to.clone());
    let mut line = Line::new(shared, leg)
        .acting("", Some(course.limit_s.saturating_sub(spent)))
        .with_fallback(course.fallback)
        .picked_up(always);
    line.talk(&script).await;
    for told in line.take_after() {
        told.send(shared).await;
    }
    let seconds = Duration::from_secs(u64::from(line.seconds()));
    let heard = line.heard().to_vec();
    let world = &mut *shared.lock();
    let machine = world.phones.get(&to).on_call == OnCall::Voicemail;
    party::note(world, &to, &from, sid, &heard, machine);
    // A script that came in between has its own end.
    if world.twilio.courses.get(sid).is_some_and(|now| now.turn == course.turn) {
        end(world, sid, seconds, "completed");
    }
}

async fn tell(shared: &Arc<Shared>, sid: &str) {
    let recordings = {
        let world = shared.lock();
        let over = world.twilio.calls.get(sid).is_some_and(is_over);
        let Some(course) = world.twilio.courses.get(sid).filter(|_| over) else { return };
        course.recordings.clone()
    };
    for (recording, callback) in recordings {
        tell_recording(shared, sid, &recording, callback.as_ref()).await;
    }
    event(shared, sid, "completed").await;
    shared.lock().twilio.courses.remove(sid);
}

/// Where a recording is now, for whoever wants it (T16: `RecordingStatusCallbackEvent`).
async fn tell_recording(shared: &Arc<Shared>, sid: &str, recording: &str, callback: Option<&Callback>) {
    let params = shared.lock().recording_fields(recording, &shared.host);
    let field = |name: &str| params.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let status = field("RecordingStatus").unwrap_or_default();
    let Some(Callback { url, method, .. }) = callback.filter(|it| it.wants(&status)).cloned() else { return };
    let (account, subject) = (field("AccountSid").unwrap_or_default(), sid.to_owned());
    Told { account, event: "recording.status", subject, url, method, params }.send(shared).await;
}

/// One event, for whoever wants it (T16: `StatusCallbackEvent`).
async fn event(shared: &Arc<Shared>, sid: &str, name: &str) {
    let told = {
        let world = &mut *shared.lock();
        let Some(course) = world.twilio.courses.get_mut(sid) else { return };
        let Some(callback) = course.callback.clone().filter(|callback| callback.wants(name)) else { return };
        let sequence = course.sequence;
        course.sequence += 1;
        let call = world.twilio.calls.get(sid);
        let field = |field: &str| call.and_then(|call| text(call, field)).unwrap_or_default().to_owned();
        let status = if name == "initiated" { name.to_owned() } else { field("status") };
        let account = field("account_sid");
        let more: Form = Some(field("answered_by"))
            .filter(|by| !by.is_empty())
            .map(|by| entry("AnsweredBy", by))
            .into_iter()
            .collect();
        let params = world.progress(sid, &status, sequence, &more);
        let (url, method, subject) = (callback.url, callback.method, sid.to_owned());
        Told { account, event: "call.status", subject, url, method, params }
    };
    told.send(shared).await;
}

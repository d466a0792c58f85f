//! Calls that Vapi places: from the queue to a phone that answers, or does not (V8).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::calls::record::{called, number_of};
use super::errors::Problem;
use super::later::Later;
use super::server_messages::{self, Message};
use super::sip_out;
use super::talk::Talk;
use super::talk::end::{self, Ending};
use super::who::{self, Missing, Who};
use crate::clock::millis;
use crate::http::{Object, text};
use crate::phones::OnCall;
use crate::state::{Shared, World};
use crate::twilio::calls as twilio_calls;

/// From the request to the first ring, and on until somebody answers [?].
const DIALS_FOR: Duration = Duration::from_secs(1);
const RINGS_FOR: Duration = Duration::from_secs(4);
/// A voicemail box waits longer than its owner would.
const BOX_AFTER: Duration = Duration::from_secs(20);
/// Twilio's usual `Timeout` (T16 [S]).
const RINGS_MAX: Duration = Duration::from_secs(60);
/// Calls that a number of Vapi's own may place in a UTC day (V3.3 [R]).
const FREE_CALLS_A_DAY: usize = 10;
const DAILY_LIMIT: &str = "Couldn't Start Call. Numbers Bought On Vapi Have A Daily Outbound Call Limit. Import Your \
     Own Twilio Numbers To Scale Without Limits.";

/// Ended at Twilio before anybody answered [?].
const TAKEN_BACK: &str = "manually-canceled";

/// Why a call is not placed: how it ends, and for some what the request is told instead.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: &'static str,
    pub(crate) problem: Option<Problem>,
}

impl From<&'static str> for Refused {
    fn from(reason: &'static str) -> Refused {
        Refused { reason, problem: None }
    }
}

/// Places a queued call, or lets it wait until a line is free: whether it was placed. That dials wait beyond
/// the limit, and inbound calls are refused, is our choice between two accounts of it (V4 [?]).
pub(crate) fn place(world: &mut World, org: &str, call: &str) -> Result<bool, Refused> {
    let Some(of) = world.org_mut(org) else { return Ok(false) };
    if let Some(reason) = of.subscription.account.ends_with() {
        return Err(reason.into());
    }
    if of.active.len() >= of.lines() {
        of.waiting.push_back(call.to_owned());
        return Ok(false);
    }
    dial(world, org, call)?;
    world.org_mut(org).map(|org| org.active.insert(call.to_owned()));
    world.later(DIALS_FOR, Later::Ring(call.to_owned()));
    Ok(true)
}

fn dial(world: &mut World, org: &str, call: &str) -> Result<(), Refused> {
    let row = world.call(org, call).cloned().unwrap_or_default();
    let of = world.org(org).ok_or("call.start.error-vapifault-get-org")?;
    let number = number_of(of, &row).ok_or("call.start.error-get-phone-number")?;
    let to = called(&row).unwrap_or_default().to_owned();
    match text(&number, "provider") {
        Some("twilio") | None => dial_twilio(world, org, call, &number, &to),
        Some("vapi") => {
            // US only, and no calls abroad (V5.3 [D]).
            if to.starts_with('+') && !to.starts_with("+1") {
                return Err("call.start.error-vapi-number-international".into());
            }
            if placed_today(world, org, &row) > FREE_CALLS_A_DAY {
                let reason = "call.start.error-vapi-number-outbound-daily-limit";
                return Err(Refused { reason, problem: Some(Problem::refused(DAILY_LIMIT)) });
            }
            join(world, org, call);
            Ok(())
        }
        Some(_) => {
            join(world, org, call);
            Ok(())
        }
    }
}

/// A leg outside of Twilio has an id of its provider.
fn join(world: &mut World, org: &str, call: &str) {
    let leg = world.ids.uuid();
    world.join_leg(org, call, "", &leg);
}

/// This call and those before it on the same day by the same number.
fn placed_today(world: &World, org: &str, row: &Object) -> usize {
    let day = |row: &Object| text(row, "createdAt").and_then(|at| at.get(..10)).map(str::to_owned);
    let same = |other: &&Object| {
        text(other, "phoneNumberId") == text(row, "phoneNumberId")
            && text(other, "type") == Some("outboundPhoneCall")
            && day(other) == day(row)
    };
    world.org(org).map_or(0, |org| org.calls.iter().filter(same).count())
}

/// With the credentials as they were stored: stale ones fail here (V5.5, V12 [W]).
fn dial_twilio(world: &mut World, org: &str, call: &str, number: &Object, to: &str) -> Result<(), Refused> {
    let field = |name: &str| text(number, name).unwrap_or_default();
    let account = field("twilioAccountSid");
    let (user, secret) = match (field("twilioAuthToken"), field("twilioApiKey")) {
        ("", key) if !key.is_empty() => (key, field("twilioApiSecret")),
        (token, _) => (account, token),
    };
    let dialed = twilio_calls::dial(world, user, secret, account, field("number"), to);
    let leg = dialed.map_err(|problem| Refused {
        reason: "call.start.error-get-transport",
        problem: Some(Problem::refused(format!(
            "Couldn't Create Twilio Call. Twilio Error: {}",
            problem.message
        ))),
    })?;
    let account = account.to_owned();
    world.join_leg(org, call, &account, &leg);
    Ok(())
}

/// A line became free: the call that waits longest begins.
pub(crate) fn free_line(world: &mut World, org: &str, ended: &str) {
    let Some(of) = world.org_mut(org) else { return };
    of.active.remove(ended);
    of.waiting.retain(|call| call != ended);
    // A call that never had a line frees none.
    if of.active.len() < of.lines()
        && let Some(next) = of.waiting.pop_front()
    {
        world.later(Duration::ZERO, Later::Begin(next));
    }
}

/// Ends a call that nobody answered.
fn fail(world: &mut World, org: &str, call: &str, reason: &str) -> Vec<Message> {
    let ending = Ending { reason: reason.to_owned(), ..Ending::default() };
    let now = world.clock.now();
    end::close(world, org, call, &ending, now, None)
}

/// The call in this state, with its org; it may be gone or over.
fn in_state(world: &World, call: &str, states: &[&str]) -> Option<(String, Object)> {
    let org = world.org_of_call(call)?;
    let row = world.call(&org, call)?;
    states.contains(&text(row, "status")?).then(|| (org.clone(), row.clone()))
}

fn who_is(world: &World, org: &str, row: &Object) -> Result<Who, Missing> {
    let empty = Object::new();
    let customer = row.get("customer").and_then(Value::as_object).unwrap_or(&empty);
    world.org(org).map_or(Err(Missing::Nothing), |org| who::find(org, row, customer))
}

/// A scheduled or waiting call begins. What was there when it was made may be gone (V12).
pub(crate) async fn begin(shared: &Arc<Shared>, call: &str) {
    let messages = {
        let world = &mut *shared.lock();
        let Some((org, row)) = in_state(world, call, &["scheduled", "queued"]) else { return };
        let plan = row.get("schedulePlan").and_then(Value::as_object);
        let latest = plan.and_then(|plan| text(plan, "latestAt")).and_then(|at| at.parse::<Timestamp>().ok());
        if latest.is_some_and(|latest| world.clock.now() > latest) {
            fail(world, &org, call, "call.start.error-subscription-concurrency-limit-reached")
        } else if who_is(world, &org, &row).is_err() {
            fail(world, &org, call, "call.start.error-get-assistant")
        } else {
            if let Some(row) = world.call_mut(&org, call) {
                row.insert("status".to_owned(), json!("queued"));
            }
            match place(world, &org, call) {
                Ok(_) => Vec::new(),
                Err(refused) => fail(world, &org, call, refused.reason),
            }
        }
    };
    server_messages::tell_all(shared, messages).await;
}

/// The phone rings.
pub(crate) async fn ring(shared: &Arc<Shared>, call: &str) {
    let messages = {
        let world = &mut *shared.lock();
        let Some((org, row)) = in_state(world, call, &["queued"]) else { return };
        if is_over_at_twilio(world, &row) {
            fail(world, &org, call, TAKEN_BACK)
        } else if let Err(reason) = sip_out::send(world, &org, &row) {
            fail(world, &org, call, reason)
        } else {
            let now = world.clock.now();
            if let Some(row) = world.call_mut(&org, call) {
                row.insert("status".to_owned(), json!("ringing"));
                row.insert("updatedAt".to_owned(), json!(millis(now)));
            }
            if let Some(sid) = world.twilio_leg(&row) {
                world.mark_call(&sid, "ringing");
            }
            let next = match phone_of(world, &row) {
                OnCall::NoAnswer => (RINGS_MAX, Later::GiveUp(call.to_owned())),
                OnCall::Voicemail => (BOX_AFTER, Later::PickUp(call.to_owned())),
                _ => (RINGS_FOR, Later::PickUp(call.to_owned())),
            };
            world.later(next.0, next.1);
            let who = who_is(world, &org, &row).ok();
            let about = world.about_call(&org, call, who.as_ref().map(|who| &who.assistant));
            let fields = Object::from_iter([("status".to_owned(), json!("ringing"))]);
            world.server_message(&about, "status-update", now.as_millisecond(), fields).into_iter().collect()
        }
    };
    server_messages::tell_all(shared, messages).await;
}

/// How a call ends whose phone is not reached: each carrier says it in its own words (V6.2 [D], V8.5 [S]). The
/// ones for Vapi's own numbers and Telnyx are our choice [?].
fn missed_reason(world: &World, org: &str, row: &Object, missed: OnCall) -> &'static str {
    let number = world.org(org).and_then(|of| number_of(of, row)).unwrap_or_default();
    match (missed, text(&number, "provider")) {
        (OnCall::Busy, _) => "customer-busy",
        (OnCall::NoAnswer, Some("byo-phone-number")) => sip_out::UNAVAILABLE,
        (OnCall::NoAnswer, _) => "customer-did-not-answer",
        (_, Some("byo-phone-number" | "vapi")) => sip_out::NO_SERVICE,
        (_, Some("vonage")) => "vonage-failed-to-connect-call",
        (_, Some("telnyx")) => "call.in-progress.error-providerfault-transport-never-connected",
        _ => "twilio-failed-to-connect-call",
    }
}

/// Whether somebody ended Twilio's side of a call that Vapi placed.
pub(crate) fn is_over_at_twilio(world: &World, row: &Object) -> bool {
    let leg = world.twilio_leg(row).and_then(|sid| world.twilio.calls.get(&sid));
    leg.is_some_and(twilio_calls::is_over)
}

fn phone_of(world: &World, row: &Object) -> OnCall {
    world.phones.get(called(row).unwrap_or_default()).on_call
}

/// What the phone's owner does (V8.5 [S]).
pub(crate) async fn pick_up(shared: &Arc<Shared>, call: &str) {
    let messages = {
        let world = &mut *shared.lock();
        let Some((org, row)) = in_state(world, call, &["ringing"]) else { return };
        let says = world.phones.get(called(&row).unwrap_or_default()).says;
        match (phone_of(world, &row), who_is(world, &org, &row)) {
            _ if is_over_at_twilio(world, &row) => fail(world, &org, call, TAKEN_BACK),
            (missed @ (OnCall::Busy | OnCall::Fail | OnCall::NoAnswer), _) => {
                let reason = missed_reason(world, &org, &row, missed);
                fail(world, &org, call, reason)
            }
            (_, Err(_)) => fail(world, &org, call, "call.start.error-get-assistant"),
            (answers, Ok(who)) => {
                let mut talk = Talk::new(world, &org, call, who, says);
                if answers == OnCall::Voicemail {
                    talk = talk.with_machine();
                }
                world.vapi.talks.insert(call.to_owned(), talk);
                world.later(Duration::ZERO, Later::Talk(call.to_owned()));
                Vec::new()
            }
        }
    };
    server_messages::tell_all(shared, messages).await;
}

/// Nobody answered.
pub(crate) async fn give_up(shared: &Arc<Shared>, call: &str) {
    let messages = {
        let world = &mut *shared.lock();
        let Some((org, row)) = in_state(world, call, &["ringing"]) else { return };
        let over = is_over_at_twilio(world, &row);
        let reason = if over { TAKEN_BACK } else { missed_reason(world, &org, &row, OnCall::NoAnswer) };
        fail(world, &org, call, reason)
    };
    server_messages::tell_all(shared, messages).await;
}

/// An accepted call whose stream nobody opened.
pub(crate) async fn abandon(shared: &Arc<Shared>, call: &str) {
    let messages = {
        let world = &mut *shared.lock();
        let Some((org, _)) = in_state(world, call, &["ringing"]) else { return };
        world.vapi.talks.remove(call);
        fail(world, &org, call, "phone-call-provider-closed-websocket")
    };
    server_messages::tell_all(shared, messages).await;
}

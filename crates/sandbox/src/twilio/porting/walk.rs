//! How a port goes on (T20.4): the review, the signature, the losing carrier, the date.

use std::time::Duration;

use hyper::Method;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{PortIn, PortNumber, Status};
use crate::clock::iso;
use crate::control::{self, Work, bad, read};
use crate::http::text;
use crate::jobs::Job;
use crate::state::World;

const DAY: Duration = Duration::from_secs(86_400);
/// How long Twilio reviews a request, and the losing carrier a number [?].
const REVIEW: Duration = DAY;
const CARRIER_CONFIRMS: Duration = DAY;
/// The letter must be signed in this time (T20.4 [D]).
const SIGNATURE_MAX: Duration = Duration::from_secs(30 * 86_400);
/// From the losing carrier's confirmation to the port, when no date was asked for [?].
const PORT_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// The control calls of this module.
pub(crate) const CONTROL: &[control::Route] = &[
    (Method::GET, "ports/{}", Work::Now(look)),
    (Method::POST, "ports/{}", Work::Now(act)),
    (Method::POST, "port-outs", Work::Now(port_out)),
];

/// What time does with a request, named by its SID.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Step {
    Review(String),
    /// Nobody signed.
    Expire(String),
    /// The losing carrier has confirmed a date.
    Confirm(String),
    /// The date is there.
    Complete(String),
}

impl World {
    /// A request has come in.
    pub(super) fn open_port(&mut self, request: PortIn) {
        let sid = request.sid.clone();
        self.twilio.porting.requests.insert(sid.clone(), request);
        self.schedule(REVIEW, Job::Port(Box::new(Step::Review(sid))));
    }

    /// Does a step whose time has come, unless something else happened to the request before.
    pub(crate) fn port_step(&mut self, step: &Step) {
        let (sid, expected, after) = match step {
            Step::Review(sid) => (sid, Status::InReview, REVIEW),
            Step::Expire(sid) => (sid, Status::WaitingForSignature, SIGNATURE_MAX),
            Step::Confirm(sid) => (sid, Status::InProgress, CARRIER_CONFIRMS),
            Step::Complete(sid) => (sid, Status::InProgress, Duration::ZERO),
        };
        let now = self.clock.now();
        // A step of a walk that was begun again is too early for the new one.
        let due = |request: &PortIn| {
            let waits = matches!(step, Step::Complete(_)) && !request.numbers.iter().any(|it| it.is_due(now));
            request.status == expected && request.updated + after <= now && !waits
        };
        if !self.twilio.porting.requests.get(sid).is_some_and(due) {
            return;
        }
        match step {
            Step::Review(_) => self.review_port(sid),
            Step::Expire(_) => self.end_port(sid, Status::Expired, "The letter was not signed in 30 days"),
            Step::Confirm(_) => self.confirm_port(sid),
            Step::Complete(_) => self.complete_port(sid),
        }
    }

    fn review_port(&mut self, sid: &str) {
        let obstructed = self.port(sid).numbers.iter().any(|it| it.obstacle.is_some() || it.incomplete);
        if obstructed {
            self.set_port(sid, Status::ActionRequired);
            return;
        }
        let token = self.ids.token();
        let url = format!("https://signature.twilio.com/letters/{token}");
        self.port(sid).signature_url = Some(url);
        self.set_numbers(sid, Status::WaitingForSignature, |number| number.status == Status::InReview);
        self.set_port(sid, Status::WaitingForSignature);
        self.schedule(SIGNATURE_MAX, Job::Port(Box::new(Step::Expire(sid.to_owned()))));
    }

    fn sign_port(&mut self, sid: &str) {
        self.set_numbers(sid, Status::Submitted, |number| number.status == Status::WaitingForSignature);
        self.set_port(sid, Status::InProgress);
        self.schedule(CARRIER_CONFIRMS, Job::Port(Box::new(Step::Confirm(sid.to_owned()))));
    }

    fn confirm_port(&mut self, sid: &str) {
        let now = self.clock.now();
        let asked = text(&self.port(sid).input, "target_port_in_date").and_then(beginning);
        let week = now.saturating_add(PORT_AFTER).expect("a duration has no calendar units");
        let date = asked.filter(|date| *date > now).unwrap_or(week);
        for number in &mut self.port(sid).numbers {
            number.port_date = (number.status == Status::Submitted).then_some(date);
        }
        self.set_numbers(sid, Status::Pending, |number| number.status == Status::Submitted);
        let wait = Duration::try_from(date.duration_since(now)).unwrap_or_default();
        self.schedule(wait, Job::Port(Box::new(Step::Complete(sid.to_owned()))));
    }

    /// The numbers are in the account now, with the settings of a fresh purchase (T20.6).
    fn complete_port(&mut self, sid: &str) {
        let request = self.port(sid);
        let (account, pending) =
            (request.account.clone(), |number: &&PortNumber| number.status == Status::Pending);
        let phones: Vec<String> = request.numbers.iter().filter(pending).map(|it| it.phone.clone()).collect();
        for phone in
            phones.iter().filter(|phone| self.twilio.number(phone).is_none()).cloned().collect::<Vec<_>>()
        {
            let number = self.brand_new(&account, &phone);
            self.twilio.numbers.put(number);
        }
        self.set_numbers(sid, Status::Completed, |number| number.status == Status::Pending);
        self.set_port(sid, Status::Completed);
    }

    /// The losing carrier says no to some numbers, or to all that are not done.
    fn reject_port(&mut self, sid: &str, phones: Option<&[String]>, reason: &str, code: u32) {
        let hit = |number: &PortNumber| {
            phones.is_none_or(|phones| phones.contains(&number.phone)) && !number.status.is_final()
        };
        for number in self.port(sid).numbers.iter_mut().filter(|number| hit(number)) {
            number.rejection = Some((reason.to_owned(), code));
        }
        self.set_numbers(sid, Status::Rejected, hit);
        self.set_port(sid, Status::ActionRequired);
    }

    /// What was in the way is settled: the review begins again.
    fn resolve_port(&mut self, sid: &str) {
        for number in self.port(sid).numbers.iter_mut().filter(|number| !number.status.is_final()) {
            number.obstacle = None;
            number.rejection = None;
            number.incomplete = false;
            number.status = Status::InReview;
        }
        let now = self.clock.now();
        let request = self.port(sid);
        (request.status, request.updated) = (Status::InReview, now);
        self.schedule(REVIEW, Job::Port(Box::new(Step::Review(sid.to_owned()))));
    }

    /// Cancels all that is not done.
    pub(super) fn cancel_port(&mut self, sid: &str, reason: &str) {
        self.end_port(sid, Status::Canceled, reason);
    }

    /// Cancels one number; without any left, the request is cancelled too.
    pub(super) fn cancel_port_number(&mut self, sid: &str, number: &str) {
        self.set_numbers(sid, Status::Canceled, |it| it.sid == number);
        if self.port(sid).numbers.iter().all(|it| it.status == Status::Canceled) {
            self.end_port(sid, Status::Canceled, "All phone numbers were canceled");
        }
    }

    fn end_port(&mut self, sid: &str, status: Status, reason: &str) {
        self.port(sid).cancellation = Some(reason.to_owned());
        self.set_numbers(sid, Status::Canceled, |number| !number.status.is_final());
        self.set_port(sid, status);
    }

    /// Callers have looked whether it exists.
    fn port(&mut self, sid: &str) -> &mut PortIn {
        &mut self.twilio.porting.requests[sid]
    }

    fn set_port(&mut self, sid: &str, status: Status) {
        let now = self.clock.now();
        let request = self.port(sid);
        (request.status, request.updated) = (status, now);
        self.tell_port(sid, None, status);
    }

    fn set_numbers(&mut self, sid: &str, status: Status, wanted: impl Fn(&PortNumber) -> bool) {
        let now = self.clock.now();
        let hit = self.port(sid).numbers.iter_mut().enumerate().filter(|(_, number)| wanted(number));
        let mut changed = Vec::new();
        for (index, number) in hit {
            (number.status, number.updated) = (status, now);
            changed.push(index);
        }
        for index in changed {
            self.tell_port(sid, Some(index), status);
        }
    }
}

/// The first moment of a day in UTC.
fn beginning(date: &str) -> Option<Timestamp> {
    let date: Date = date.parse().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn look(world: &mut World, ids: &[String], _: Value) -> control::Answer {
    let request = world.twilio.porting.requests.get(&ids[0]);
    let request = request.ok_or_else(|| (404, format!("there is no port {}", ids[0])))?;
    let numbers: Vec<Value> = request
        .numbers
        .iter()
        .map(|number| {
            json!({"sid": number.sid, "phone_number": number.phone, "status": number.status,
                "port_date": number.port_date.map(iso)})
        })
        .collect();
    Ok((200, json!({"sid": request.sid, "status": request.status, "numbers": numbers})))
}

/// What people do in the middle of a port.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Act {
    /// The representative signs the letter.
    Sign,
    /// What was in the way is settled.
    Resolve,
    /// The losing carrier refuses.
    Reject(Rejection),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejection {
    phone_numbers: Option<Vec<String>>,
    reason: Option<String>,
    code: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePort {
    act: Act,
}

fn act(world: &mut World, ids: &[String], body: Value) -> control::Answer {
    let ChangePort { act } = read(body)?;
    let sid = &ids[0];
    let request = world.twilio.porting.requests.get(sid);
    let status = request.ok_or_else(|| (404, format!("there is no port {sid}")))?.status;
    match (act, status) {
        (Act::Sign, Status::WaitingForSignature) => world.sign_port(sid),
        (Act::Resolve, Status::ActionRequired) => world.resolve_port(sid),
        (Act::Reject(rejection), status) if !status.is_final() => {
            // The reasons and codes of losing carriers are not documented [?].
            let reason = rejection.reason.as_deref().unwrap_or("The losing carrier rejected the request");
            world.reject_port(
                sid,
                rejection.phone_numbers.as_deref(),
                reason,
                rejection.code.unwrap_or(22140),
            );
        }
        (_, status) => return Err(bad(format!("that is not possible: the port is {}", json!(status)))),
    }
    look(world, ids, json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortOut {
    phone_number: String,
}

/// Another carrier takes a number away from its account.
fn port_out(world: &mut World, _: &[String], body: Value) -> control::Answer {
    let PortOut { phone_number } = read(body)?;
    let number = world.twilio.number(&phone_number);
    let found = number
        .and_then(|number| Some((text(number, "sid")?.to_owned(), text(number, "account_sid")?.to_owned())));
    let (sid, account) = found.ok_or_else(|| (404, format!("no account has {phone_number}")))?;
    world.twilio.release(&sid);
    world.tell_port_out(&account, &phone_number);
    Ok((200, json!({"phone_number": phone_number, "account_sid": account})))
}

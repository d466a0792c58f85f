//! What time does with a message: its statuses, its price, and the callbacks about them (T7, T12).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::message::{Message, Sid, Status};
use super::store::seconds;
use super::{callbacks, errors, fate, fetch, inbound, segments};
use crate::clock::millis;
use crate::geo::{self, Kind};
use crate::jobs::Job;
use crate::state::{Shared, World};
use crate::storage;
use crate::twilio::{Twilio, prices};

/// How long each state lasts here [?]; real ones last from an instant to hours.
pub(crate) const ACCEPTED: Duration = Duration::from_millis(300);
const QUEUED_MS: i64 = 500;
const SENDING: Duration = Duration::from_millis(300);
const SENT: Duration = Duration::from_millis(1_500);
/// A price is null at first and comes minutes later (T7).
pub(crate) const PRICE: Duration = Duration::from_secs(120);

/// Something that happens to a message later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Step {
    /// The time that it was scheduled for has come.
    Release(Sid),
    /// The service chooses a sender, and the message waits for its turn.
    Queue(Sid),
    /// Its turn: media are fetched.
    Send(Sid),
    /// The carrier has it, or Twilio gives up.
    Sent(Sid),
    /// The carrier says what became of it.
    Receipt(Sid),
    /// It waited too long.
    Expire(Sid),
    Price(Sid),
    /// Something else has changed its status.
    Tell(Sid),
}

/// Does it.
pub(crate) async fn run(shared: Arc<Shared>, step: Step) {
    match step {
        Step::Release(sid) => {
            if shared.lock().move_on(sid, Status::Scheduled, Status::Accepted) {
                callbacks::send(&shared, sid).await;
                shared.lock().schedule(ACCEPTED, Job::Text(Box::new(Step::Queue(sid))));
            }
        }
        Step::Queue(sid) => {
            if shared.lock().choose_sender(sid) {
                callbacks::send(&shared, sid).await;
            }
        }
        Step::Send(sid) => send(&shared, sid).await,
        Step::Sent(sid) => {
            if shared.lock().hand_over(sid) {
                callbacks::send(&shared, sid).await;
            }
        }
        Step::Receipt(sid) => receipt(&shared, sid).await,
        Step::Expire(sid) => {
            if shared.lock().fail(sid, Status::Queued, 30001) {
                callbacks::send(&shared, sid).await;
            }
        }
        Step::Price(sid) => shared.lock().price_message(sid),
        Step::Tell(sid) => callbacks::send(&shared, sid).await,
    }
}

async fn send(shared: &Arc<Shared>, sid: Sid) {
    let stopped = {
        let world = &mut *shared.lock();
        let account = world.twilio.messages.get(sid).map(|message| message.account);
        let account = account.map(|account| world.twilio.messages.text(account).to_owned());
        let suspended = account.is_none_or(|account| !world.twilio.is_active(&account));
        suspended.then(|| world.fail(sid, Status::Queued, 30002))
    };
    let failed = match stopped {
        Some(failed) => failed,
        None => match fetch::media(shared, sid).await {
            Err(code) => shared.lock().fail(sid, Status::Queued, code),
            Ok(()) => {
                let world = &mut *shared.lock();
                if world.move_on(sid, Status::Queued, Status::Sending) {
                    world.schedule(SENDING, Job::Text(Box::new(Step::Sent(sid))));
                }
                // `sending` is rarely called back (T12): here never.
                false
            }
        },
    };
    if failed {
        callbacks::send(shared, sid).await;
    }
}

async fn receipt(shared: &Arc<Shared>, sid: Sid) {
    let (told, onward) = {
        let world = &mut *shared.lock();
        match fate::of(world, sid) {
            fate::Fate::Delivered => {
                let told = world.move_on(sid, Status::Sent, Status::Delivered);
                (told, world.arrived(sid, &shared.host))
            }
            fate::Fate::NoReceipt => (false, world.arrived(sid, &shared.host)),
            fate::Fate::Lost(code) => (world.fail(sid, Status::Sent, code), None),
        }
    };
    if told {
        callbacks::send(shared, sid).await;
    }
    if let Some(incoming) = onward {
        inbound::arrive(shared, incoming).await;
    }
}

impl World {
    fn touch(&mut self, sid: Sid) -> Option<&mut Message> {
        let now = seconds(self.clock.now());
        let message = self.twilio.messages.get_mut(sid)?;
        message.updated = now;
        Some(message)
    }

    /// From one status to the next; false when it is elsewhere by now, such as canceled.
    fn move_on(&mut self, sid: Sid, from: Status, to: Status) -> bool {
        let Some(message) = self.touch(sid).filter(|message| message.status == from) else { return false };
        message.status = to;
        true
    }

    /// The status that this error ends in.
    fn end_of(&self, code: u16) -> Status {
        match code {
            30034 if self.settings.messaging.unregistered_fails => Status::Failed,
            _ => errors::status(code),
        }
    }

    /// Ends a message with an error.
    fn fail(&mut self, sid: Sid, from: Status, code: u16) -> bool {
        let moved = self.move_on(sid, from, self.end_of(code));
        if let Some(message) = self.twilio.messages.get_mut(sid).filter(|_| moved) {
            message.error = code;
        }
        moved
    }

    /// An accepted message gets its sender and its segments, and is queued; without a sender it fails.
    fn choose_sender(&mut self, sid: Sid) -> bool {
        let Some(message) = self.twilio.messages.get(sid) else { return false };
        let chosen = match self.twilio.messages.filled(message.from) {
            Some(from) => Ok(from.to_owned()),
            None => self.sender_for(sid),
        };
        let from = match chosen {
            Ok(from) => from,
            Err(code) => return self.fail(sid, Status::Accepted, code),
        };
        let from = self.twilio.messages.name(&from);
        if !self.move_on(sid, Status::Accepted, Status::Queued) {
            return false;
        }
        if let Some(message) = self.twilio.messages.get_mut(sid) {
            let smart = message.more.as_ref().is_some_and(|more| more.smart);
            let text = if smart { segments::smart(&message.body) } else { message.body.to_string() };
            (message.from, message.segments) = (from, segments::count(&text));
        }
        self.enqueue(sid);
        true
    }

    /// A queued message waits behind the others of its sender.
    pub(crate) fn enqueue(&mut self, sid: Sid) {
        let now = self.clock.now().as_millisecond();
        let Some(message) = self.twilio.messages.get(sid) else { return };
        let from = self.twilio.messages.text(message.from).to_owned();
        let expires = message.more.as_ref().and_then(|more| more.expires).unwrap_or(i64::MAX / 1_000) * 1_000;
        let takes = i64::from(message.segments.max(1)) * 1_000 / rate(&from);
        let lane = self.twilio.texting.lanes.entry(from).or_default();
        let turn = (*lane).max(now + QUEUED_MS);
        let (at, step) = if turn > expires { (expires, Step::Expire(sid)) } else { (turn, Step::Send(sid)) };
        if matches!(step, Step::Send(_)) {
            *lane = turn + takes;
        }
        let wait = Duration::from_millis(u64::try_from(at - now).unwrap_or_default());
        self.schedule(wait, Job::Text(Box::new(step)));
    }

    /// Twilio hands the message over to the carrier, unless it never leaves.
    fn hand_over(&mut self, sid: Sid) -> bool {
        if let fate::Fate::Lost(code) = fate::of(self, sid)
            && self.end_of(code) == Status::Failed
        {
            return self.fail(sid, Status::Sending, code);
        }
        let moved = self.move_on(sid, Status::Sending, Status::Sent);
        if moved {
            let now = seconds(self.clock.now());
            if let Some(message) = self.twilio.messages.get_mut(sid) {
                message.sent = now;
            }
            self.schedule(SENT, Job::Text(Box::new(Step::Receipt(sid))));
            self.schedule(PRICE, Job::Text(Box::new(Step::Price(sid))));
        }
        moved
    }

    /// The message is on the phone of its recipient: a person's, or a number that lives here too.
    fn arrived(&mut self, sid: Sid, host: &str) -> Option<inbound::Incoming> {
        let message = self.twilio.messages.get(sid)?;
        let messages = &self.twilio.messages;
        let (from, to) = (messages.text(message.from).to_owned(), messages.text(message.to).to_owned());
        let kept = message
            .media()
            .iter()
            .filter_map(|media| Some((media.content_type.clone(), media.path.clone()?)));
        let media: Vec<(String, String)> = kept.collect();
        let smart = message.more.as_ref().is_some_and(|more| more.smart);
        let body = if smart { segments::smart(&message.body) } else { message.body.to_string() };
        if self.twilio.number(&to).is_some() {
            // Files of its own: each side can delete its message.
            let copy = |(kind, path): (String, String)| Some((kind, self.copy(&path)?));
            let media = media.into_iter().filter_map(copy).collect();
            return Some(inbound::Incoming { from, to, body, media });
        }
        let urls: Vec<String> = media.iter().map(|(_, path)| storage::url(host, path)).collect();
        let note = json!({"kind": "text", "from": from, "body": body, "media": urls,
            "message_sid": message.full_sid(), "at": millis(self.clock.now())});
        self.phones.note(&to, note);
        None
    }

    /// The price becomes known, and is taken from the balance.
    fn price_message(&mut self, sid: Sid) {
        let Some(message) = self.twilio.messages.get(sid).filter(|message| message.price.is_none()) else {
            return;
        };
        let messages = &self.twilio.messages;
        let outbound = message.is_outbound();
        let priced = messages.text(message.to);
        let segments = if message.mms { 1 } else { i64::from(message.segments.max(1)) };
        let free = message.more.as_ref().is_some_and(|more| more.free);
        let micros = if free { 0 } else { prices::message(priced, outbound, message.mms) * segments };
        let account = messages.text(message.account).to_owned();
        self.twilio.charge(&account, micros);
        if let Some(message) = self.touch(sid) {
            message.price = i32::try_from(micros).ok();
            // Its way is behind it: a million of them must fit.
            message.more = message.more.take().filter(|more| more.is_lasting());
        }
    }
}

/// Segments a second by the sender (T7 [D][I]); for long codes elsewhere it is [?].
fn rate(from: &str) -> i64 {
    match geo::kind(from) {
        _ if !from.starts_with('+') => 100,
        Kind::TollFree => 3,
        _ if from.starts_with("+1") => 1,
        _ => 10,
    }
}

impl Twilio {
    /// How many segments wait in a sender's queue.
    pub(crate) fn queued(&self, sender: &str, now: Timestamp) -> i64 {
        let free = self.texting.lanes.get(sender).copied().unwrap_or_default();
        (free - now.as_millisecond()).max(0) * rate(sender) / 1_000
    }
}

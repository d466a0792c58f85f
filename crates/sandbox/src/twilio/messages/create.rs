//! A message comes into being (T7 [S]).

use std::time::Duration;

use super::draft::{self, Draft};
use super::ladder::{self, Step};
use super::message::{Direction, Media, Message, More, Sid, Status};
use super::rules;
use super::segments;
use super::store::seconds;
use crate::jobs::Job;
use crate::state::World;
use crate::twilio::accounts::Kind as AccountKind;
use crate::twilio::errors::Problem;
use crate::twilio::{Answer, Ctx};

/// What a trial account's texts begin with (T3 [D], T7 [I]).
const TRIAL_PREFIX: &str = "Sent from your Twilio trial account - ";

/// `POST …/Messages.json`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let draft = draft::read(ctx)?;
    if ctx.testing() {
        // Shown once and forgotten: nothing is kept, sent or charged (T22).
        rules::check_test(&draft)?;
        let (sid, _) = ctx.world.put_message(&draft);
        let shown = ctx.world.twilio.messages.remove(sid).map(|it| it.show(&ctx.world.twilio.messages));
        return Ok(Answer::item(201, "Message", shown.unwrap_or_default()));
    }
    rules::check(ctx.world, &draft)?;
    let sid = ctx.world.send_text(&draft);
    let messages = &ctx.world.twilio.messages;
    let shown = messages.get(sid).map(|message| message.show(messages));
    Ok(Answer::item(201, "Message", shown.unwrap_or_default()))
}

impl World {
    /// Sends a message on its way. It has been checked.
    pub(crate) fn send_text(&mut self, draft: &Draft) -> Sid {
        let (sid, status) = self.put_message(draft);
        match status {
            Status::Scheduled => {
                let ahead = draft.send_at.unwrap_or_default() - seconds(self.clock.now());
                let ahead = Duration::from_secs(u64::try_from(ahead).unwrap_or_default());
                self.schedule(ahead, Job::Text(Box::new(Step::Release(sid))));
            }
            Status::Accepted => self.schedule(ladder::ACCEPTED, Job::Text(Box::new(Step::Queue(sid)))),
            _ => self.enqueue(sid),
        }
        sid
    }

    /// Writes the message down in its first state.
    fn put_message(&mut self, draft: &Draft) -> (Sid, Status) {
        let account = self.twilio.account(&draft.account);
        let trial = account.is_some_and(|account| account.kind == AccountKind::Trial) && !draft.free;
        let body = if trial { format!("{TRIAL_PREFIX}{}", draft.body) } else { draft.body.clone() };
        let status = match (draft.send_at, &draft.service) {
            (Some(_), _) => Status::Scheduled,
            (None, Some(_)) => Status::Accepted,
            (None, None) => Status::Queued,
        };
        let mms = !draft.media.is_empty() || draft.as_mms;
        let media = draft.media.iter().map(|url| Media {
            sid: self.ids.sid("ME"),
            content_type: String::new(),
            source: Some(url.clone()),
            path: None,
        });
        let now = seconds(self.clock.now());
        let more = More {
            callback: draft.callback.clone(),
            media: media.collect(),
            expires: Some(draft.send_at.unwrap_or(now) + draft.validity),
            send_at: draft.send_at,
            smart: draft.smart,
            free: draft.free,
            doom: draft.doom,
            feedback: None,
        };
        let sid = self.ids.message_sid();
        let segments = if status == Status::Queued { self.segments(&body, draft.smart) } else { 0 };
        let messages = &mut self.twilio.messages;
        let message = Message {
            sid,
            mms,
            status,
            direction: draft.direction,
            segments,
            error: 0,
            account: messages.name(&draft.account),
            service: messages.name(draft.service.as_deref().unwrap_or_default()),
            from: messages.name(draft.from.as_deref().unwrap_or_default()),
            to: messages.name(&draft.to),
            created: now,
            sent: 0,
            updated: now,
            price: None,
            body: body.into(),
            more: Some(Box::new(more)),
        };
        messages.push(message);
        (sid, status)
    }

    /// How many segments a body takes.
    fn segments(&self, body: &str, smart: bool) -> u8 {
        if smart { segments::count(&segments::smart(body)) } else { segments::count(body) }
    }

    /// A message that came in is written down as received.
    pub(crate) fn put_inbound(
        &mut self,
        (account, service): (&str, Option<&str>),
        (from, to): (&str, &str),
        body: &str,
        media: Vec<Media>,
    ) -> Sid {
        let sid = self.ids.message_sid();
        let now = seconds(self.clock.now());
        let messages = &mut self.twilio.messages;
        let message = Message {
            sid,
            mms: !media.is_empty(),
            status: Status::Received,
            direction: Direction::Inbound,
            segments: segments::count(body),
            error: 0,
            account: messages.name(account),
            service: messages.name(service.unwrap_or_default()),
            from: messages.name(from),
            to: messages.name(to),
            created: now,
            sent: now,
            updated: now,
            price: None,
            body: body.into(),
            more: (!media.is_empty()).then(|| Box::new(More { media, ..More::default() })),
        };
        messages.push(message);
        self.schedule(ladder::PRICE, Job::Text(Box::new(Step::Price(sid))));
        sid
    }
}

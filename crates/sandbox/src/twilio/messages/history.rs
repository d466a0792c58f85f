//! A past made up in one go: so many messages over the numbers of an account, for lists and measurements.

use serde::Deserialize;
use serde_json::{Value, json};

use super::message::{Direction, Message, Status};
use super::segments;
use super::store::seconds;
use crate::control::{Answer, bad, read};
use crate::http::text;
use crate::state::World;
use crate::twilio::prices;

const COUNT_MAX: u32 = 2_000_000;
const DAY_S: i64 = 86_400;
/// How many people wrote.
const PEOPLE: u32 = 50_000;

/// What was written, in turn.
const BODIES: &[&str] = &[
    "Good morning! Is a table for four free on Saturday at eight?",
    "Your table is booked. We look forward to seeing you.",
    "Bonjour, est-ce que le cabinet est ouvert demain matin ?",
    "Bonjour, oui : de huit heures à midi. Bonne journée !",
    "Can I move my appointment to next week? Any afternoon would do, and I could also come early on Friday.",
    "Of course. Tuesday at 15:30 is yours.",
    "Merci beaucoup 👍",
    "See you then.",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    account_sid: Option<String>,
    messages: u32,
    /// Over how many days they spread.
    days: Option<u32>,
}

/// Writes the past of an account that has no messages yet.
pub(super) fn write(world: &mut World, _: &[String], body: Value) -> Answer {
    let History { account_sid, messages: count, days } = read(body)?;
    let first = world.twilio.accounts.first().map(|account| account.sid.clone());
    let account = account_sid.or(first).unwrap_or_default();
    let own = world.twilio.numbers.iter().filter(|number| text(number, "account_sid") == Some(&account));
    let numbers: Vec<String> =
        own.filter_map(|number| text(number, "phone_number")).map(str::to_owned).collect();
    if numbers.is_empty() {
        return Err(bad(format!("there is no account {account} with numbers")));
    }
    if count > COUNT_MAX {
        return Err(bad(format!("at most {COUNT_MAX} messages at once")));
    }
    if world.twilio.messages.of_account(&account, None).next().is_some() {
        return Err(bad("the account has messages already: a past comes before them"));
    }
    let span = i64::from(days.unwrap_or(30).clamp(1, 3_650)) * DAY_S;
    let start = seconds(world.clock.now()) - span;
    for index in 0..count {
        let at = start + i64::from(index) * span / i64::from(count);
        let number = &numbers[index as usize / 2 % numbers.len()];
        let person = format!("+1415{:07}", 2_000_000 + index / 2 % PEOPLE);
        world.past(&account, number, &person, index, at);
    }
    Ok((200, json!({"account_sid": account, "messages": count, "numbers": numbers.len()})))
}

impl World {
    /// One message of the past: a question and its answer in turn, delivered and paid for.
    fn past(&mut self, account: &str, number: &str, person: &str, index: u32, at: i64) {
        let inbound = index.is_multiple_of(2);
        let (from, to) = if inbound { (person, number) } else { (number, person) };
        let body = BODIES[index as usize % BODIES.len()];
        let segments = segments::count(body);
        let price = prices::message(to, !inbound, false) * i64::from(segments);
        let sid = self.ids.message_sid();
        let messages = &mut self.twilio.messages;
        let message = Message {
            sid,
            mms: false,
            status: if inbound { Status::Received } else { Status::Delivered },
            direction: if inbound { Direction::Inbound } else { Direction::OutboundApi },
            segments,
            error: 0,
            account: messages.name(account),
            service: messages.name(""),
            from: messages.name(from),
            to: messages.name(to),
            created: at,
            sent: at,
            updated: at,
            price: i32::try_from(price).ok(),
            body: body.into(),
            more: None,
        };
        messages.push(message);
    }
}

//! Messages of the past, in bulk: every second one was received, the others were sent and delivered.

use std::collections::BTreeMap;

use super::Range;
use super::file::{History, member};
use crate::http::text;
use crate::state::World;
use crate::twilio::messages::message::{Direction, Message, Status};
use crate::twilio::messages::{segments, store};
use crate::twilio::prices;

/// Makes them, oldest first. Numbers that no account has, have no past.
pub(super) fn fill(world: &mut World, past: &History, groups: &BTreeMap<String, Vec<Range>>) {
    let group = |name: &str| groups.get(name).map(Vec::as_slice).unwrap_or_default();
    let (numbers, people) = (group(&past.numbers), group(&past.people));
    let size = |ranges: &[Range]| ranges.iter().map(|range| range.count).sum::<u32>().max(1);
    let (number_count, people_count) = (size(numbers), size(people));
    let now = store::seconds(world.clock.now());
    for index in 0..past.count {
        // Coprime steps, so that the pairs differ and every number gets its share.
        let ours = member(numbers, index % number_count).unwrap_or_default();
        let person = member(people, (index / 2) % people_count).unwrap_or_default();
        let owner = world.twilio.number(&ours).and_then(|number| text(number, "account_sid"));
        let Some(account) = owner.map(str::to_owned) else { continue };
        let left = u64::from(past.count - index) * u64::from(past.over_s) / u64::from(past.count);
        let created = now - i64::try_from(left).unwrap_or_default();
        let body = past.bodies[index as usize % past.bodies.len()].as_str();
        let received = index % 2 == 0;
        let sid = world.ids.message_sid();
        let messages = &mut world.twilio.messages;
        let segments = segments::count(body);
        let price = prices::message(&person, !received, false) * i64::from(segments);
        let (ours, person) = (messages.name(&ours), messages.name(&person));
        let (account, service) = (messages.name(&account), messages.name(""));
        messages.push(Message {
            sid,
            mms: false,
            status: if received { Status::Received } else { Status::Delivered },
            direction: if received { Direction::Inbound } else { Direction::OutboundApi },
            segments,
            error: 0,
            account,
            service,
            from: if received { person } else { ours },
            to: if received { ours } else { person },
            created,
            sent: created,
            updated: created,
            price: i32::try_from(price).ok(),
            body: body.into(),
            more: None,
        });
    }
}

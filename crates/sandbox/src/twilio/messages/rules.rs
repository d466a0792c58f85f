//! May this message be sent at all? The refusals that Twilio makes at once (T8 [E]).

use super::draft::{Draft, is_alphanumeric_sender};
use super::message::{Direction, Status};
use super::store::seconds;
use crate::calling_codes;
use crate::geo::{self, Kind};
use crate::http::{Object, text};
use crate::phones::OnText;
use crate::state::World;
use crate::twilio::accounts::Kind as AccountKind;
use crate::twilio::errors::Problem;
use crate::twilio::numbers;

/// Magic recipients and senders (T22 [D]); they work for every account, since nobody has such numbers.
const MAGIC_TO: &[(&str, u32)] = &[
    ("+15005550001", 21211),
    ("+15005550002", 21612),
    ("+15005550003", 21408),
    ("+15005550004", 21610),
    ("+15005550009", 21614),
];
const MAGIC_FROM: &[(&str, u32)] =
    &[("+15005550001", 21212), ("+15005550007", 21606), ("+15005550008", 21611)];
/// The only sender that works with test credentials.
const MAGIC_SENDER: &str = "+15005550006";

/// The refusal with this code, in words that name the numbers (T2 [X]).
pub(crate) fn refusal(code: u32, from: &str, to: &str) -> Problem {
    let words = match code {
        21211 => format!("Invalid 'To' Phone Number: {to}"),
        21212 => format!("Invalid From Number (caller ID): {from}"),
        21408 => format!(
            "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}"
        ),
        21601 => format!("Phone number {from} is not a valid, SMS-capable inbound phone number"),
        21606 => format!(
            "The 'From' phone number provided ({from}) is not a valid, message-capable Twilio phone number \
             for this destination."
        ),
        21608 => format!(
            "The number {to} is unverified. Trial accounts cannot send messages to unverified numbers; \
             verify {to} at twilio.com/user/account/phone-numbers/verified, or purchase a Twilio number to send \
             messages to unverified numbers"
        ),
        21610 => "Attempt to send to unsubscribed recipient".to_owned(),
        21611 => "SMS queue is full.".to_owned(),
        21612 => {
            format!("Message cannot be sent with the current combination of 'To' ({to}) and 'From' ({from})")
        }
        21614 => format!("To number: {to}, is not a mobile number"),
        21621 => format!("The From number {from} has not been enabled for picture messaging"),
        21622 => "MMS has not been enabled for your account".to_owned(),
        21659 => format!("'From' {from} is not a Twilio phone number or Short Code country mismatch"),
        21660 => format!("Mismatch between the 'From' number {from} and the account"),
        21703 => "The Messaging Service does not have a phone number available to send a message".to_owned(),
        21704 => "The Messaging Service contains no phone numbers".to_owned(),
        _ => format!("Message from {from} to {to} cannot be sent"),
    };
    Problem::new(code, words)
}

fn magic(table: &[(&str, u32)], number: &str) -> Option<u32> {
    table.iter().find(|(known, _)| *known == number).map(|(_, code)| *code)
}

/// What test credentials get for this draft (T22): magic numbers decide, everything else about it is fine.
pub(crate) fn check_test(draft: &Draft) -> Result<(), Problem> {
    let from = draft.from.as_deref().unwrap_or_default();
    let of_from = magic(MAGIC_FROM, from).or((from != MAGIC_SENDER).then_some(21606));
    match of_from.or_else(|| magic(MAGIC_TO, &draft.to)) {
        Some(code) => Err(refusal(code, from, &draft.to)),
        None => Ok(()),
    }
}

/// Everything that stands in the way of a draft, the first of it.
pub(crate) fn check(world: &World, draft: &Draft) -> Result<(), Problem> {
    let from = draft.from.as_deref().unwrap_or_default();
    let code = magic(MAGIC_FROM, from).or_else(|| magic(MAGIC_TO, &draft.to));
    if let Some(code) = code {
        return Err(refusal(code, from, &draft.to));
    }
    let senders = senders(world, draft)?;
    destination(world, draft, from)?;
    let mut refused = None;
    for sender in &senders {
        match usable(world, draft, sender) {
            Ok(()) => return limits(world, draft, sender),
            Err(code) => refused = refused.or(Some(code)),
        }
    }
    let code = refused.unwrap_or(21703);
    // A service's numbers that cannot: none is available; opting out concerns all of them alike.
    let code = if draft.from.is_none() && !matches!(code, 21610 | 21622) { 21703 } else { code };
    Err(refusal(code, from, &draft.to))
}

/// The numbers that may send this: the one given, or the service's.
fn senders(world: &World, draft: &Draft) -> Result<Vec<String>, Problem> {
    let Some(service) = &draft.service else { return Ok(draft.from.iter().cloned().collect()) };
    let twilio = &world.twilio;
    let row = twilio.texting.services.get(service);
    let row =
        row.ok_or_else(|| Problem::new(21701, format!("The Messaging Service {service} does not exist")))?;
    if text(row, "account_sid") != Some(draft.account.as_str()) {
        return Err(Problem::new(21702, format!("The Messaging Service {service} is not available")));
    }
    let pool = twilio.pool(service);
    match &draft.from {
        // Both given: the sender must belong to the service (T7); the code is [?].
        Some(from) if !pool.contains(from) => Err(refusal(21606, from, &draft.to)),
        Some(from) => Ok(vec![from.clone()]),
        None if pool.is_empty() => Err(refusal(21704, "", &draft.to)),
        None => Ok(pool),
    }
}

fn destination(world: &World, draft: &Draft, from: &str) -> Result<(), Problem> {
    let (twilio, to) = (&world.twilio, draft.to.as_str());
    let Some((iso, _)) = calling_codes::country(to) else { return Err(refusal(21211, from, to)) };
    let account = twilio.account(&draft.account);
    let trial = account.is_some_and(|account| account.kind == AccountKind::Trial);
    let landline = world.phones.get(to).on_text == OnText::Landline;
    let checks = [
        (twilio.geo_allows(&draft.account, iso), 21408),
        (!trial || twilio.may_show(&draft.account, to), 21608),
        // Outside North America Twilio knows fixed lines by their range.
        (!landline || matches!(iso, "US" | "CA"), 21614),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, code)) => Err(refusal(*code, from, to)),
        None => Ok(()),
    }
}

/// Whether `sender` can send this draft; else the code of the refusal.
pub(crate) fn usable(world: &World, draft: &Draft, sender: &str) -> Result<(), u32> {
    let domestic = draft.to.starts_with("+1");
    if is_alphanumeric_sender(sender) {
        // Names are not shown in North America [?].
        return if domestic { Err(21612) } else { opted_in(world, draft, sender) };
    }
    let number = world.twilio.number(sender).ok_or(21659_u32)?;
    let with_media = !draft.media.is_empty() || draft.as_mms;
    // Toll-free numbers reach North America only [?].
    let reaches = geo::kind(sender) != Kind::TollFree || domestic;
    let checks = [
        (owner(number) == draft.account, 21660),
        (numbers::can(number, "sms"), 21601),
        (reaches, 21606),
        (!with_media || !world.settings.messaging.mms_disabled, 21622),
        (!with_media || numbers::can(number, "mms"), 21621),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, code)) => Err(*code),
        None => opted_in(world, draft, sender),
    }
}

fn owner(number: &Object) -> &str {
    text(number, "account_sid").unwrap_or_default()
}

fn opted_in(world: &World, draft: &Draft, sender: &str) -> Result<(), u32> {
    let blocked = !draft.free && world.twilio.opted_out(sender, draft.service.as_deref(), &draft.to);
    if blocked { Err(21610) } else { Ok(()) }
}

/// 21611: the sender's queue is full. 63038: a trial account's messages of the day are used up.
fn limits(world: &World, draft: &Draft, sender: &str) -> Result<(), Problem> {
    let twilio = &world.twilio;
    if twilio.queued(sender, world.clock.now()) >= world.settings.messaging.queue_segments_max {
        return Err(refusal(21611, sender, &draft.to));
    }
    let trial = twilio.account(&draft.account).is_some_and(|account| account.kind == AccountKind::Trial);
    let most = world.settings.messaging.trial_messages_a_day;
    let midnight = seconds(world.clock.now()).div_euclid(86_400) * 86_400;
    let of_today = twilio.messages.of_account(&draft.account, None);
    let of_today = of_today.take_while(|message| message.created >= midnight);
    if trial && of_today.filter(|message| message.direction == Direction::OutboundApi).count() >= most {
        let words = format!("Account {} exceeded the {most} daily messages limit", draft.account);
        return Err(Problem::new(63038, words));
    }
    if let Some(at) = draft.send_at
        && twilio
            .messages
            .of_account(&draft.account, None)
            .filter(|it| it.status == Status::Scheduled)
            .count()
            >= world.settings.messaging.scheduled_messages_max
    {
        let words = format!("Too many messages are scheduled; {at} cannot be");
        return Err(Problem::new(35125, words));
    }
    Ok(())
}

//! What becomes of a message between Twilio and the phone (T8): decided by the state of the world.

use serde::{Deserialize, Serialize};

use super::message::Sid;
use crate::geo::{self, Kind};
use crate::http::text;
use crate::phones::OnText;
use crate::state::World;
use crate::twilio::{Twilio, numbers};

/// How a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    /// Delivered, but nobody says so.
    NoReceipt,
    Lost(u16),
}

/// How far a US sender's registration has come (T15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Registration {
    Pending,
    Approved,
    Suspended,
}

/// The fate of a message, as things stand now.
pub(crate) fn of(world: &World, sid: Sid) -> Fate {
    let messages = &world.twilio.messages;
    let Some(message) = messages.get(sid) else { return Fate::NoReceipt };
    if let Some(code) = message.more.as_ref().and_then(|more| more.doom) {
        return Fate::Lost(code);
    }
    let (from, to) = (messages.text(message.from), messages.text(message.to));
    let free = message.more.as_ref().is_some_and(|more| more.free);
    if let Some(code) = unregistered(&world.twilio, from, to).filter(|_| !free) {
        return Fate::Lost(code);
    }
    if message.mms && !to.starts_with("+1") {
        return Fate::Lost(30011);
    }
    // A number of this sandbox that has no SMS is as good as a landline [?].
    if world.twilio.number(to).is_some_and(|number| !numbers::can(number, "sms")) {
        return Fate::Lost(30006);
    }
    match world.phones.get(to).on_text {
        OnText::Deliver => Fate::Delivered,
        OnText::NoReceipt => Fate::NoReceipt,
        OnText::Unreachable => Fate::Lost(30003),
        OnText::Blocked => Fate::Lost(30004),
        OnText::Unknown => Fate::Lost(30005),
        OnText::Landline => Fate::Lost(30006),
        OnText::Filtered => Fate::Lost(30007),
        OnText::Fail => Fate::Lost(30008),
        OnText::Error(code) => Fate::Lost(code),
    }
}

/// What US networks do with senders that are not registered: 30034, 30035 while that is being done, 30033
/// when it was withdrawn; 30032 for toll-free numbers until they are verified (T15).
fn unregistered(twilio: &Twilio, from: &str, to: &str) -> Option<u16> {
    let country = |phone: &str| geo::country(phone).map(|country| country.iso);
    let north_american = matches!(country(to), Some("US" | "CA"));
    let registration = twilio.registration(from);
    match (geo::kind(from), country(from), registration) {
        (_, _, Some(Registration::Approved)) => None,
        (Kind::TollFree, Some("US" | "CA"), _) if north_american => Some(30032),
        (_, Some("US"), None) if country(to) == Some("US") => Some(30034),
        (_, Some("US"), Some(Registration::Pending)) if country(to) == Some("US") => Some(30035),
        (_, Some("US"), Some(Registration::Suspended)) if country(to) == Some("US") => Some(30033),
        _ => None,
    }
}

impl Twilio {
    /// A number's registration: set by the control API, or by its toll-free verification or its campaign.
    pub(crate) fn registration(&self, phone: &str) -> Option<Registration> {
        if let Some(registration) = self.texting.registrations.get(phone) {
            return Some(*registration);
        }
        let number = text(self.number(phone)?, "sid")?;
        let of_number = |row: &&crate::http::Object| text(row, "tollfree_phone_number_sid") == Some(number);
        if let Some(verification) = self.texting.verifications.iter().rev().find(of_number) {
            return match text(verification, "status") {
                Some("TWILIO_APPROVED") => Some(Registration::Approved),
                _ => Some(Registration::Pending),
            };
        }
        let service = self.service_of(phone)?;
        match self.campaign_of(service).and_then(|campaign| text(campaign, "campaign_status"))? {
            "VERIFIED" => Some(Registration::Approved),
            "IN_PROGRESS" | "PENDING" => Some(Registration::Pending),
            _ => Some(Registration::Suspended),
        }
    }
}

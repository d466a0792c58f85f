//! One message, and how Twilio shows it (T7 [S]).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors;
use super::store::{Messages, Name, instant};
use crate::clock::rfc2822;
use crate::http::Object;
use crate::twilio::prices;

/// A message's SID without its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Sid([u8; 16]);

impl Sid {
    pub(crate) fn new(bytes: [u8; 16]) -> Sid {
        Sid(bytes)
    }

    /// Reads `SM…` or `MM…` (T1 [S]).
    pub(crate) fn parse(text: &str) -> Option<Sid> {
        Sid::from_hex(text.strip_prefix("SM").or_else(|| text.strip_prefix("MM"))?)
    }

    /// Reads the 32 hex digits.
    pub(crate) fn from_hex(hex: &str) -> Option<Sid> {
        let plain = hex.len() == 32 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        u128::from_str_radix(hex, 16).ok().filter(|_| plain).map(|number| Sid(number.to_be_bytes()))
    }

    fn hex(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

impl TryFrom<String> for Sid {
    type Error = String;

    fn try_from(hex: String) -> Result<Sid, String> {
        Sid::from_hex(&hex).ok_or(hex)
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> String {
        sid.hex()
    }
}

/// Where a message stands (T7 [S]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Accepted,
    Scheduled,
    Queued,
    Sending,
    Sent,
    Delivered,
    Undelivered,
    Failed,
    Canceled,
    Received,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Accepted => "accepted",
            Status::Scheduled => "scheduled",
            Status::Queued => "queued",
            Status::Sending => "sending",
            Status::Sent => "sent",
            Status::Delivered => "delivered",
            Status::Undelivered => "undelivered",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
            Status::Received => "received",
        }
    }

    /// Whether nothing comes after it; `sent` may be the last one too, but one cannot know (T7).
    pub(crate) fn is_final(self) -> bool {
        use Status::{Canceled, Delivered, Failed, Received, Undelivered};
        matches!(self, Delivered | Undelivered | Failed | Canceled | Received)
    }
}

/// Who made a message (T7 [S]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Direction {
    Inbound,
    OutboundApi,
    OutboundReply,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::OutboundApi => "outbound-api",
            Direction::OutboundReply => "outbound-reply",
        }
    }
}

/// A picture or other file of a message (T13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Media {
    pub(crate) sid: String,
    pub(crate) content_type: String,
    /// Where Twilio is to fetch it, for one that is sent.
    pub(crate) source: Option<String>,
    /// Where it is kept, once it is here.
    pub(crate) path: Option<String>,
}

/// What only few messages have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct More {
    pub(crate) callback: Option<String>,
    pub(crate) media: Vec<Media>,
    /// When it must have left the queue.
    pub(crate) expires: Option<i64>,
    pub(crate) send_at: Option<i64>,
    pub(crate) smart: bool,
    /// Costs nothing and is not held back: Twilio's own answers to keywords (T14).
    pub(crate) free: bool,
    /// Its fate, when that was decided before it was sent (14107).
    pub(crate) doom: Option<u16>,
    pub(crate) feedback: Option<String>,
}

impl More {
    /// Whether anything in it matters once the message has arrived and is paid for.
    pub(crate) fn is_lasting(&self) -> bool {
        self.callback.is_some() || !self.media.is_empty() || self.feedback.is_some()
    }
}

/// One message. Small on purpose: texts that repeat are ids, what is rare is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(crate) struct Message {
    pub(crate) sid: Sid,
    /// `MM…` instead of `SM…`.
    pub(crate) mms: bool,
    pub(crate) status: Status,
    pub(crate) direction: Direction,
    pub(crate) segments: u8,
    /// The error's code; 0 for none.
    pub(crate) error: u16,
    pub(crate) account: Name,
    pub(crate) service: Name,
    pub(crate) from: Name,
    pub(crate) to: Name,
    /// Seconds since 1970; 0 for never.
    pub(crate) created: i64,
    pub(crate) sent: i64,
    pub(crate) updated: i64,
    /// Millionths of a dollar, when it is known.
    pub(crate) price: Option<i32>,
    pub(crate) body: Box<str>,
    pub(crate) more: Option<Box<More>>,
}

/// A saved message: the values alone, in this order.
#[derive(Clone, Serialize, Deserialize)]
struct Saved(
    (Sid, bool, Status, Direction, u8, u16),
    (Name, Name, Name, Name),
    (i64, i64, i64),
    Option<i32>,
    Box<str>,
    Option<Box<More>>,
);

impl From<Saved> for Message {
    fn from(saved: Saved) -> Message {
        let Saved(
            (sid, mms, status, direction, segments, error),
            (account, service, from, to),
            times,
            price,
            body,
            more,
        ) = saved;
        let (created, sent, updated) = times;
        Message {
            sid,
            mms,
            status,
            direction,
            segments,
            error,
            account,
            service,
            from,
            to,
            created,
            sent,
            updated,
            price,
            body,
            more,
        }
    }
}

impl From<Message> for Saved {
    fn from(it: Message) -> Saved {
        Saved(
            (it.sid, it.mms, it.status, it.direction, it.segments, it.error),
            (it.account, it.service, it.from, it.to),
            (it.created, it.sent, it.updated),
            it.price,
            it.body,
            it.more,
        )
    }
}

impl Message {
    /// The SID with its letters.
    pub(crate) fn full_sid(&self) -> String {
        format!("{}{}", if self.mms { "MM" } else { "SM" }, self.sid.hex())
    }

    pub(crate) fn media(&self) -> &[Media] {
        self.more.as_ref().map(|more| more.media.as_slice()).unwrap_or_default()
    }

    /// What only few messages have, made when it is missing.
    pub(crate) fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    pub(crate) fn is_outbound(&self) -> bool {
        self.direction != Direction::Inbound
    }

    /// The resource. With a service, the sender and the segments are only known once it is queued (T7).
    pub(crate) fn show(&self, all: &Messages) -> Object {
        let (sid, account) = (self.full_sid(), all.text(self.account));
        let base = format!("/2010-04-01/Accounts/{account}/Messages/{sid}");
        let date = |seconds: i64| (seconds > 0).then(|| rfc2822(instant(seconds)));
        let mut links = json!({"media": format!("{base}/Media.json")});
        if self.is_outbound() {
            links["feedback"] = json!(format!("{base}/Feedback.json"));
        }
        let shown = json!({
            "sid": sid,
            "account_sid": account,
            "messaging_service_sid": all.filled(self.service),
            "from": all.filled(self.from),
            "to": all.text(self.to),
            "body": self.body,
            "status": self.status.name(),
            "direction": self.direction.name(),
            "num_segments": self.segments.to_string(),
            "num_media": self.media().len().to_string(),
            // A negative string that comes late (T7, T24.12).
            "price": self.price.map(amount),
            "price_unit": "USD",
            "error_code": (self.error > 0).then_some(self.error),
            "error_message": (self.error > 0).then(|| errors::text(self.error)),
            "date_created": date(self.created),
            "date_sent": date(self.sent),
            "date_updated": date(self.updated),
            "api_version": "2010-04-01",
            "subresource_uris": links,
            "uri": format!("{base}.json"),
        });
        match shown {
            Value::Object(object) => object,
            _ => Object::new(),
        }
    }
}

/// `-0.00790`: messages have at least five decimals (T7).
fn amount(micros: i32) -> String {
    let cents = prices::written(i64::from(-micros));
    let decimals = cents.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    format!("{cents}{}", "0".repeat(5_usize.saturating_sub(decimals)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_of_both_kinds_are_read() {
        let hex = "00000000000000000000000000000abc";
        assert_eq!(Sid::parse(&format!("SM{hex}")), Sid::parse(&format!("MM{hex}")));
        assert_eq!(Sid::parse(&format!("SM{hex}")).map(Sid::hex), Some(hex.to_owned()));
        for bad in ["", "SM", "CA00000000000000000000000000000abc", "SM+0000000000000000000000000000abc"] {
            assert_eq!(Sid::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_million_messages_fit() {
        assert!(size_of::<Option<Message>>() <= 112, "{}", size_of::<Option<Message>>());
        assert_eq!(amount(7_900), "-0.00790");
        assert_eq!(amount(1_250_000), "-1.25000");
    }
}

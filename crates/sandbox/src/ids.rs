//! Identifiers and secrets: all from one seeded generator, so that equal seeds give equal states.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::twilio::messages::message::Sid;

/// The source of everything random in a sandbox.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Ids(ChaCha8Rng);

impl Ids {
    pub(crate) fn new(seed: u64) -> Ids {
        Ids(ChaCha8Rng::seed_from_u64(seed))
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// 32 lower-case hex digits, the form of Twilio's tokens (T3 [?]).
    pub(crate) fn token(&mut self) -> String {
        self.bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A Twilio SID: two letters and 32 hex digits (T1 [S]).
    pub(crate) fn sid(&mut self, prefix: &str) -> String {
        prefix.to_owned() + &self.token()
    }

    /// The digits of a message's SID, whose letters depend on what is in it.
    pub(crate) fn message_sid(&mut self) -> Sid {
        Sid::new(self.bytes())
    }

    /// A random UUID: Vapi's ids and keys (V2 [W]).
    pub(crate) fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }

    /// A time-ordered UUID, as Vapi's call ids are (V8.1 [W]).
    pub(crate) fn uuid_at(&mut self, milliseconds: u64) -> String {
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.bytes()).into_uuid().to_string()
    }

    /// A number below `bound`, for made-up phone numbers.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        u32::from_le_bytes(self.bytes()) % bound
    }
}

/// Whether `text` is a UUID in its hyphenated form.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// Whether `text` is a Twilio SID with this prefix (T1 [S]).
pub(crate) fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether `text` has the form of an E.164 number.
pub(crate) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

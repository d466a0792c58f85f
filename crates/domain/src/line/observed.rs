//! What the parties believe about one number, as one plain value.

use super::routing::{SmsRouting, VoiceRouting};
use crate::{AccountSid, AssistantId, Code, NumberSid, Problem, VapiNumberId, VapiOrgId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What came of asking one party.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading<T> {
    /// No credentials are saved, so nobody was asked.
    NotConfigured,
    /// It was asked and did not answer as it should.
    Failed(Problem),
    /// Its answer.
    Known(T),
}

impl<T> Reading<T> {
    /// The answer, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Reading::Known(view) => Some(view),
            Reading::NotConfigured | Reading::Failed(_) => None,
        }
    }
}

/// Whether a Twilio account works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    /// It works.
    Active,
    /// Suspended, closed, or a status we do not know.
    Inactive,
}

/// Whether a Twilio account is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Paid for.
    Full,
    /// One number, verified destinations only (facts/twilio.md section 3).
    Trial,
}

/// A Twilio account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// What its owner calls it.
    pub name: String,
    /// Whether it works.
    pub status: AccountStatus,
    /// Whether it is paid for.
    pub kind: AccountKind,
}

/// A number as its Twilio account has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioNumber {
    /// Its SID.
    pub sid: NumberSid,
    /// Where calls go.
    pub voice: VoiceRouting,
    /// Where texts go.
    pub sms: SmsRouting,
    /// Whether it can take calls.
    pub takes_calls: bool,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
}

/// Where a number is that the account does not own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nowhere that these credentials can see.
    Unknown,
    /// In a subaccount of this account.
    Subaccount(AccountSid),
    /// It is only a verified caller ID, which cannot take calls.
    CallerId,
}

/// What Twilio says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioView {
    /// The account of the saved credentials.
    pub account: Account,
    /// The number, or where it is instead.
    pub number: Result<TwilioNumber, Elsewhere>,
}

/// An assistant at Vapi.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assistant {
    /// Its id.
    pub id: AssistantId,
    /// Its name; may be empty.
    pub name: String,
}

/// The state of a number at Vapi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberStatus {
    /// It works, or has a status we do not know.
    Active,
    /// It will work in some minutes.
    Activating,
    /// Vapi blocked it.
    Blocked,
}

/// A server address on a number at Vapi.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerView {
    /// Where events go.
    pub url: String,
    /// The first eight hexadecimal digits of the secret's SHA-256, where our header has one.
    pub secret_fingerprint: Option<String>,
}

/// A number's record at Vapi.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VapiNumber {
    /// Its id.
    pub id: VapiNumberId,
    /// Its name.
    pub name: String,
    /// The Twilio account that it was imported from.
    pub account_sid: Option<AccountSid>,
    /// The assistant that answers.
    pub assistant_id: Option<AssistantId>,
    /// Whether a squad or a workflow answers instead.
    pub has_squad: bool,
    /// Where its events go.
    pub server: Option<ServerView>,
    /// Whether Vapi answers texts; unknown where Vapi does not say.
    pub sms_enabled: Option<bool>,
    /// Whether it works.
    pub status: NumberStatus,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// The last inbound call that Vapi took on the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCall {
    /// When it came in.
    pub at: Timestamp,
    /// Vapi's reason for its end.
    pub ended_reason: Option<String>,
}

/// What Vapi says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VapiView {
    /// The organisation of the key, where any object of it told.
    pub org_id: Option<VapiOrgId>,
    /// Its assistants, in Vapi's order.
    pub assistants: Vec<Assistant>,
    /// The records of this number, in Vapi's order.
    pub numbers: Vec<VapiNumber>,
    /// The last inbound call.
    pub last_call: Option<LastCall>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Twilio's part.
    pub twilio: Reading<TwilioView>,
    /// Vapi's part.
    pub vapi: Reading<VapiView>,
    /// What Vapi refused the last import with, from our own record; forgotten when settings change.
    pub import_refusal: Option<Code>,
    /// Whether our own record says that Vapi was given another auth token than the present one.
    pub stale_token: bool,
}

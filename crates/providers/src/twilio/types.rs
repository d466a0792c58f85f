//! Twilio's objects, as far as Dialtone knows them.

use crate::fields::Fields;
use crate::words::words;
use dialtone_domain::{AccountSid, ApplicationSid, NumberSid, Phone, TrunkSid};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::fmt;

words! {
    /// Whether an account works.
    AccountStatus {
        /// It does.
        Active = "active",
        /// It does not: out of funds, or by its parent.
        Suspended = "suspended",
        /// It never will again.
        Closed = "closed",
    }
}

words! {
    /// Whether an account is paid for.
    AccountKind {
        /// Not: one number, verified destinations only (facts/twilio.md section 3).
        Trial = "Trial",
        /// It is.
        Full = "Full",
    }
}

/// A Twilio account. Its token, which Twilio sends along, is not in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// The name that its owner gave it.
    pub friendly_name: Option<String>,
    /// Whether it works.
    pub status: AccountStatus,
    /// Whether it is paid for.
    pub kind: AccountKind,
    /// The parent; itself for a main account.
    pub owner_account_sid: Option<AccountSid>,
}

impl Account {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        Some(Self {
            sid: fields.parsed("sid")?,
            friendly_name: fields.text("friendly_name"),
            status: fields.text("status").unwrap_or_default().into(),
            kind: fields.text("type").unwrap_or_default().into(),
            owner_account_sid: fields.parsed("owner_account_sid"),
        })
    }
}

/// What a number can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Calls.
    pub voice: bool,
    /// Texts.
    pub sms: bool,
    /// Texts with pictures.
    pub mms: bool,
    /// Fax.
    pub fax: bool,
}

impl Capabilities {
    /// The case of the names differs from one resource to the next (facts/twilio.md section 4).
    fn read(fields: Fields) -> Self {
        let fields = fields.rest();
        let has = |name: &str| {
            fields.iter().any(|(key, value)| key.eq_ignore_ascii_case(name) && value.as_bool() == Some(true))
        };
        Self { voice: has("voice"), sms: has("sms"), mms: has("mms"), fax: has("fax") }
    }
}

/// A number that an account owns, with where its calls and texts go. What is not set is `None`.
#[derive(Clone, PartialEq)]
pub struct IncomingNumber {
    /// Its SID.
    pub sid: NumberSid,
    /// The number.
    pub phone: Phone,
    /// The account that owns it.
    pub account_sid: Option<AccountSid>,
    /// The name that its owner gave it; Twilio's default is the number itself.
    pub friendly_name: Option<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Where calls go, unless a trunk or an application is set.
    pub voice_url: Option<String>,
    /// How it is asked: `GET` or `POST`.
    pub voice_method: Option<String>,
    /// Where calls go when `voice_url` fails.
    pub voice_fallback_url: Option<String>,
    /// The application that decides instead of `voice_url`.
    pub voice_application_sid: Option<ApplicationSid>,
    /// The trunk that decides before everything else.
    pub trunk_sid: Option<TrunkSid>,
    /// Where texts go, unless an application or a Messaging Service is set.
    pub sms_url: Option<String>,
    /// How it is asked.
    pub sms_method: Option<String>,
    /// The application that decides instead of `sms_url`.
    pub sms_application_sid: Option<ApplicationSid>,
    /// Who is told that a call ended.
    pub status_callback: Option<String>,
    /// How it is told.
    pub status_callback_method: Option<String>,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
    /// Everything else that is set.
    pub extra: Map<String, Value>,
}

impl IncomingNumber {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        Some(Self {
            sid: fields.parsed("sid")?,
            phone: fields.parsed("phone_number")?,
            account_sid: fields.parsed("account_sid"),
            friendly_name: fields.text("friendly_name"),
            capabilities: fields.object("capabilities").map(Capabilities::read).unwrap_or_default(),
            voice_url: fields.text_or_null("voice_url")?,
            voice_method: fields.text_or_null("voice_method")?,
            voice_fallback_url: fields.text("voice_fallback_url"),
            voice_application_sid: fields.parsed_or_null("voice_application_sid")?,
            trunk_sid: fields.parsed_or_null("trunk_sid")?,
            sms_url: fields.text_or_null("sms_url")?,
            sms_method: fields.text_or_null("sms_method")?,
            sms_application_sid: fields.parsed_or_null("sms_application_sid")?,
            status_callback: fields.text_or_null("status_callback")?,
            status_callback_method: fields.text("status_callback_method"),
            updated_at: fields.text("date_updated").as_deref().and_then(rfc2822),
            extra: fields.rest(),
        })
    }
}

/// A time as this API writes it: `Tue, 01 Apr 2026 19:00:00 +0000`.
fn rfc2822(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

/// What Twilio noticed of a failed webhook or instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its SID.
    pub sid: String,
    /// When it was noticed.
    pub at: Timestamp,
    /// Twilio's error code.
    pub code: Option<String>,
    /// The number that was called or texted; only told of one that is fetched.
    pub to: Option<Phone>,
}

impl Alert {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        let variables = fields.text("request_variables").unwrap_or_default();
        let mut variables = url::form_urlencoded::parse(variables.as_bytes());
        let to = variables.find(|(name, _)| name == "To" || name == "Called");
        Some(Self {
            sid: fields.text("sid")?,
            at: fields.parsed("date_generated").or_else(|| fields.parsed("date_created"))?,
            code: fields.text("error_code"),
            to: to.and_then(|(_, number)| number.parse().ok()),
        })
    }
}

/// Without names and addresses, which may hold the number.
impl fmt::Debug for IncomingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingNumber")
            .field("sid", &self.sid)
            .field("phone", &self.phone)
            .finish_non_exhaustive()
    }
}

/// A change to a number: what is `None` stays, an empty text clears. Never set a trunk and an application
/// in one request (facts/twilio.md section 6).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct NumberUpdate {
    /// At most 64 characters.
    pub friendly_name: Option<String>,
    /// An absolute address.
    pub voice_url: Option<String>,
    /// `GET` or `POST`.
    pub voice_method: Option<String>,
    /// Only together with a `voice_url`.
    pub voice_fallback_url: Option<String>,
    /// Setting one clears the trunk.
    pub voice_application_sid: Option<String>,
    /// Setting one clears the voice application.
    pub trunk_sid: Option<String>,
    /// An absolute address.
    pub sms_url: Option<String>,
    /// `GET` or `POST`.
    pub sms_method: Option<String>,
    /// A TwiML application.
    pub sms_application_sid: Option<String>,
    /// Concerns calls, not messages.
    pub status_callback: Option<String>,
    /// `GET` or `POST`.
    pub status_callback_method: Option<String>,
}

impl NumberUpdate {
    fn fields(&self) -> [(&'static str, &Option<String>); 11] {
        [
            ("FriendlyName", &self.friendly_name),
            ("VoiceUrl", &self.voice_url),
            ("VoiceMethod", &self.voice_method),
            ("VoiceFallbackUrl", &self.voice_fallback_url),
            ("VoiceApplicationSid", &self.voice_application_sid),
            ("TrunkSid", &self.trunk_sid),
            ("SmsUrl", &self.sms_url),
            ("SmsMethod", &self.sms_method),
            ("SmsApplicationSid", &self.sms_application_sid),
            ("StatusCallback", &self.status_callback),
            ("StatusCallbackMethod", &self.status_callback_method),
        ]
    }

    /// As Twilio takes it.
    pub(crate) fn form(&self) -> Vec<(&'static str, String)> {
        self.fields().into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

/// The names of what changes, without the values.
impl fmt::Debug for NumberUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed = self.fields().into_iter().filter(|(_, value)| value.is_some());
        f.debug_set().entries(changed.map(|(name, _)| name)).finish()
    }
}

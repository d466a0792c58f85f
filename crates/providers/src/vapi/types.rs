//! Vapi's objects, as far as Dialtone knows them.

use crate::fields::Fields;
use crate::scrub::FINGERPRINT;
use crate::words::words;
use dialtone_domain::{AccountSid, AssistantId, Phone, VapiNumberId, VapiOrgId};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// An assistant.
#[derive(Clone, PartialEq)]
pub struct Assistant {
    /// Its id.
    pub id: AssistantId,
    /// The organisation at Vapi that has it.
    pub org_id: Option<VapiOrgId>,
    /// Its name; it may have none.
    pub name: Option<String>,
    /// What it says first.
    pub first_message: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
    /// Everything else that is set.
    pub extra: Map<String, Value>,
}

impl Assistant {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        Some(Self {
            id: fields.parsed("id")?,
            org_id: fields.parsed("orgId"),
            name: fields.text("name"),
            first_message: fields.text("firstMessage"),
            created_at: fields.parsed("createdAt"),
            updated_at: fields.parsed("updatedAt"),
            extra: fields.rest(),
        })
    }
}

/// Without its texts, which are long and may hold anything.
impl fmt::Debug for Assistant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assistant").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

words! {
    /// Who carries a number's calls to Vapi.
    VapiProvider {
        /// A Twilio number, by its webhook.
        Twilio = "twilio",
        /// Any number, by a SIP trunk.
        ByoPhoneNumber = "byo-phone-number",
        /// Vapi's own.
        Vapi = "vapi",
        /// Vonage.
        Vonage = "vonage",
        /// Telnyx.
        Telnyx = "telnyx",
    }
}

words! {
    /// Whether a number works at Vapi.
    NumberStatus {
        /// It does.
        Active = "active",
        /// It will in some minutes.
        Activating = "activating",
        /// Vapi has blocked it.
        Blocked = "blocked",
    }
}

/// Where Vapi sends a number's events.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerView {
    /// The address.
    pub url: String,
    /// [`crate::fingerprint`] of the secret header's value, where one is set.
    pub secret_fingerprint: Option<String>,
    /// Everything else that is set, the back-off plan for one.
    pub extra: Map<String, Value>,
}

impl ServerView {
    fn read(mut fields: Fields) -> Option<Self> {
        Some(Self {
            url: fields.text("url")?,
            secret_fingerprint: fields.text(FINGERPRINT),
            extra: fields.rest(),
        })
    }
}

/// A phone number's record. The credentials, which Vapi may send along, are not in here.
#[derive(Clone, PartialEq)]
pub struct VapiNumber {
    /// Its id.
    pub id: VapiNumberId,
    /// The organisation at Vapi that has it.
    pub org_id: Option<VapiOrgId>,
    /// The number, where it is one; a SIP number's other notation stays in `extra`.
    pub number: Option<Phone>,
    /// Its name.
    pub name: Option<String>,
    /// Who carries its calls.
    pub provider: VapiProvider,
    /// The assistant that answers.
    pub assistant_id: Option<AssistantId>,
    /// The squad that answers instead.
    pub squad_id: Option<Uuid>,
    /// The workflow that answered instead; Vapi has removed them.
    pub workflow_id: Option<Uuid>,
    /// The Twilio account that the number is imported from.
    pub twilio_account_sid: Option<AccountSid>,
    /// Whether it works.
    pub status: NumberStatus,
    /// Whether Vapi takes the texts; `None` where it does not say, which means that it does.
    pub sms_enabled: Option<bool>,
    /// Where its events go.
    pub server: Option<ServerView>,
    /// The credential of a number that is not Twilio's, and of a few that are.
    pub credential_id: Option<Uuid>,
    /// When it was imported.
    pub created_at: Option<Timestamp>,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
    /// Everything else that is set.
    pub extra: Map<String, Value>,
}

impl VapiNumber {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        let server = fields.object("server").and_then(ServerView::read);
        // An older record has the address alone (facts/vapi.md section 5.4).
        let legacy = fields.text("serverUrl");
        let legacy = legacy.map(|url| ServerView { url, secret_fingerprint: None, extra: Map::new() });
        Some(Self {
            id: fields.parsed("id")?,
            org_id: fields.parsed("orgId"),
            number: fields.parsed("number"),
            name: fields.text("name"),
            provider: fields.text("provider").unwrap_or_default().into(),
            assistant_id: fields.parsed_or_null("assistantId")?,
            squad_id: fields.parsed_or_null("squadId")?,
            workflow_id: fields.parsed_or_null("workflowId")?,
            twilio_account_sid: fields.parsed_or_null("twilioAccountSid")?,
            status: fields.text("status").unwrap_or_default().into(),
            sms_enabled: fields.flag("smsEnabled"),
            server: server.or(legacy),
            credential_id: fields.parsed("credentialId"),
            created_at: fields.parsed("createdAt"),
            updated_at: fields.parsed("updatedAt"),
            extra: fields.rest(),
        })
    }

    /// Whether Dialtone knows who carries its calls: lists hold others, too.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(self.provider, VapiProvider::Other(_))
    }
}

/// Without names and addresses, which may hold the number.
impl fmt::Debug for VapiNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VapiNumber")
            .field("id", &self.id)
            .field("number", &self.number)
            .field("provider", &self.provider)
            .field("assistant_id", &self.assistant_id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A call as Vapi's log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VapiCall {
    /// Its id.
    pub id: Uuid,
    /// `queued`, `ringing`, `in-progress`, `ended`…
    pub status: Option<String>,
    /// Why it ended, one of some six hundred words (facts/vapi.md section 8.5).
    pub ended_reason: Option<String>,
    /// The number's record.
    pub phone_number_id: Option<VapiNumberId>,
    /// Whether the caller rang us: `inboundPhoneCall`.
    pub kind: Option<String>,
    /// When it began.
    pub created_at: Option<Timestamp>,
    /// When it was changed last.
    pub updated_at: Option<Timestamp>,
}

impl VapiCall {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        Some(Self {
            id: fields.parsed("id")?,
            status: fields.text("status"),
            ended_reason: fields.text("endedReason"),
            phone_number_id: fields.parsed("phoneNumberId"),
            kind: fields.text("type"),
            created_at: fields.parsed("createdAt"),
            updated_at: fields.parsed("updatedAt"),
        })
    }
}

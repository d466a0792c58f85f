//! One exact change at one provider: what a plan is made of, what a preview shows, and what undo needs.

use super::desired::ServerWish;
use super::routing::{SmsOwner, SmsRouting, VoiceRouting, shown_url};
use crate::text::{self, Language, Params};
use crate::{AccountSid, AssistantId, NumberSid, Phone, Provider, VapiNumberId};
use serde::{Deserialize, Serialize};

/// A change with the values before and after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// Creates the number's record at Vapi, which also writes web addresses at Twilio.
    ImportNumber {
        /// The number.
        phone: Phone,
        /// The account that owns it.
        account_sid: AccountSid,
        /// The record's name.
        name: String,
        /// The assistant that answers.
        assistant: Option<AssistantId>,
        /// Who answers texts.
        sms_owner: SmsOwner,
        /// Where its events go.
        server: Option<ServerWish>,
        /// What Vapi's import will write at Twilio (facts/vapi.md section 5.6).
        side_effects: Vec<FieldChange>,
    },
    /// Links an assistant to the record at Vapi, or unlinks it.
    LinkAssistant {
        /// The record.
        number: VapiNumberId,
        /// The assistant before.
        from: Option<AssistantId>,
        /// The assistant after.
        to: Option<AssistantId>,
        /// Whether a squad or workflow is unlinked by it.
        replaces_squad: bool,
    },
    /// Sets where the record's events go.
    SetServer {
        /// The record.
        number: VapiNumberId,
        /// The address before.
        from: Option<String>,
        /// The server after.
        to: Option<ServerWish>,
    },
    /// Gives the record this account's Twilio credentials.
    SetVapiCredentials {
        /// The record.
        number: VapiNumberId,
        /// The account before.
        from: Option<AccountSid>,
        /// The account after.
        to: AccountSid,
    },
    /// Sets who answers texts, at Vapi.
    SetSmsOwner {
        /// The record.
        number: VapiNumberId,
        /// The owner after.
        to: SmsOwner,
    },
    /// Deletes the record at Vapi.
    DeleteVapiNumber {
        /// The record.
        number: VapiNumberId,
        /// Its name, so that it can be told.
        name: String,
    },
    /// Sets where Twilio sends calls.
    SetVoiceRouting {
        /// The number at Twilio.
        number: NumberSid,
        /// Before.
        from: VoiceRouting,
        /// After.
        to: VoiceRouting,
    },
    /// Sets where Twilio sends texts.
    SetSmsRouting {
        /// The number at Twilio.
        number: NumberSid,
        /// Before.
        from: SmsRouting,
        /// After.
        to: SmsRouting,
    },
}

/// One field of a change, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The provider's name for it.
    pub field: String,
    /// Its value before; none: not set.
    pub from: Option<String>,
    /// Its value after; none: not set.
    pub to: Option<String>,
}

impl FieldChange {
    pub(super) fn new(field: &str, from: Option<String>, to: Option<String>) -> Self {
        Self { field: field.to_owned(), from, to }
    }

    fn shown(self) -> Self {
        let shown = |value: Option<String>| value.as_deref().map(shown_url);
        Self { field: self.field, from: shown(self.from), to: shown(self.to) }
    }
}

impl Change {
    /// Its stable name, as it is serialised.
    pub fn name(&self) -> &'static str {
        match self {
            Change::ImportNumber { .. } => "import_number",
            Change::LinkAssistant { .. } => "link_assistant",
            Change::SetServer { .. } => "set_server",
            Change::SetVapiCredentials { .. } => "set_vapi_credentials",
            Change::SetSmsOwner { .. } => "set_sms_owner",
            Change::DeleteVapiNumber { .. } => "delete_vapi_number",
            Change::SetVoiceRouting { .. } => "set_voice_routing",
            Change::SetSmsRouting { .. } => "set_sms_routing",
        }
    }

    /// Whose state it changes.
    pub fn provider(&self) -> Provider {
        match self {
            Change::SetVoiceRouting { .. } | Change::SetSmsRouting { .. } => Provider::Twilio,
            _ => Provider::Vapi,
        }
    }

    /// What it does, in one sentence.
    pub fn summary(&self, language: Language) -> String {
        text::text(language, &format!("change.{}", self.name()), &Params::default())
    }

    /// The fields that differ, from and to.
    pub fn fields(&self) -> Vec<FieldChange> {
        let field = FieldChange::new;
        let id = |id: &Option<AssistantId>| id.map(|id| id.to_string());
        let mut fields = match self {
            Change::ImportNumber {
                account_sid, name, assistant, sms_owner, server, side_effects, ..
            } => {
                let mut fields = vec![
                    field("name", None, Some(name.clone())),
                    field("twilioAccountSid", None, Some(account_sid.to_string())),
                    field("assistantId", None, id(assistant)),
                    field("smsEnabled", None, Some((*sms_owner == SmsOwner::Vapi).to_string())),
                    field("server.url", None, server.as_ref().map(|server| server.url.clone())),
                ];
                fields.extend(side_effects.iter().cloned());
                fields
            }
            Change::LinkAssistant { from, to, replaces_squad, .. } => {
                // Vapi's id of the squad or workflow is not kept; that one is there must still be shown.
                let squad = replaces_squad.then(|| "…".to_owned());
                vec![field("assistantId", id(from), id(to)), field("squadId, workflowId", squad, None)]
            }
            Change::SetServer { from, to, .. } => {
                // The same address again means that only the secret is new: it must still be shown.
                let field = field("server.url", from.clone(), to.as_ref().map(|server| server.url.clone()));
                return vec![field.shown()];
            }
            Change::SetVapiCredentials { from, to, .. } => {
                // The same account again means that only the token is new: it is named, never shown.
                vec![
                    field("twilioAccountSid", from.as_ref().map(ToString::to_string), Some(to.to_string())),
                    field("twilioAuthToken", None, Some("…".to_owned())),
                ]
            }
            Change::SetSmsOwner { to, .. } => {
                let enabled = *to == SmsOwner::Vapi;
                vec![field("smsEnabled", Some((!enabled).to_string()), Some(enabled.to_string()))]
            }
            Change::DeleteVapiNumber { name, .. } => vec![field("name", Some(name.clone()), None)],
            Change::SetVoiceRouting { from, to, .. } => voice_fields(from, to),
            Change::SetSmsRouting { from, to, .. } => sms_fields(from, to),
        };
        fields.retain(|field| field.from != field.to);
        fields.into_iter().map(FieldChange::shown).collect()
    }
}

fn voice_fields(from: &VoiceRouting, to: &VoiceRouting) -> Vec<FieldChange> {
    let sid = |sid: &Option<_>| sid.as_ref().map(crate::TrunkSid::to_string);
    let application = |sid: &Option<_>| sid.as_ref().map(crate::ApplicationSid::to_string);
    let method = |routing: &VoiceRouting| Some(routing.voice_method.name().to_owned());
    vec![
        FieldChange::new("trunk_sid", sid(&from.trunk_sid), sid(&to.trunk_sid)),
        FieldChange::new(
            "voice_application_sid",
            application(&from.application_sid),
            application(&to.application_sid),
        ),
        FieldChange::new("voice_url", from.voice_url.clone(), to.voice_url.clone()),
        FieldChange::new("voice_method", method(from), method(to)),
        FieldChange::new("status_callback", from.status_callback.clone(), to.status_callback.clone()),
    ]
}

fn sms_fields(from: &SmsRouting, to: &SmsRouting) -> Vec<FieldChange> {
    let application = |sid: &Option<_>| sid.as_ref().map(crate::ApplicationSid::to_string);
    let method = |routing: &SmsRouting| Some(routing.sms_method.name().to_owned());
    vec![
        FieldChange::new(
            "sms_application_sid",
            application(&from.application_sid),
            application(&to.application_sid),
        ),
        FieldChange::new("sms_url", from.sms_url.clone(), to.sms_url.clone()),
        FieldChange::new("sms_method", method(from), method(to)),
    ]
}

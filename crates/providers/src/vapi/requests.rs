//! What Vapi is asked to make and to change.

use super::types::VapiNumber;
use crate::scrub::SECRET_HEADER;
use dialtone_domain::{AccountSid, AssistantId, ExposeSecret, Phone, SecretString, VapiNumberId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// An assistant to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAssistant {
    /// At most 40 characters.
    pub name: String,
    /// What it says first.
    pub first_message: String,
    /// What it is told to be.
    pub system_prompt: String,
    /// The language it hears, as Deepgram names it: `en`, `fr`, `pt-BR`, `multi`.
    pub language: String,
}

impl NewAssistant {
    /// Model, voice and transcriber are common ones of the OpenAPI document; the second generation of
    /// Vapi's voices speaks whatever language the text is in.
    pub(crate) fn body(&self) -> Value {
        json!({
            "name": self.name,
            "firstMessage": self.first_message,
            "model": {
                "provider": "openai",
                "model": "gpt-4o",
                "messages": [{"role": "system", "content": self.system_prompt}],
            },
            "voice": {"provider": "vapi", "voiceId": "Clara", "version": "2"},
            "transcriber": {"provider": "deepgram", "model": "nova-3", "language": self.language},
        })
    }
}

/// Where Vapi is to send a number's events.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address.
    pub url: String,
    /// Sent with each event in `X-Dialtone-Secret`, which proves where it comes from. `None` puts back an
    /// address that was not ours, whose secret Vapi keeps to itself: it then gets events without one.
    pub secret: Option<SecretString>,
}

impl Server {
    /// Always with a back-off plan: without one Vapi sends each event once (facts/vapi.md section 9.1).
    fn body(&self) -> Value {
        let mut body = json!({
            "url": self.url,
            "timeoutSeconds": 20,
            "backoffPlan": {"type": "exponential", "maxRetries": 5, "baseDelaySeconds": 1},
        });
        if let Some(secret) = &self.secret {
            body["headers"] = json!({ SECRET_HEADER: secret.expose_secret() });
        }
        body
    }
}

/// The credentials that Vapi keeps with a Twilio number.
#[derive(Debug, Clone)]
pub struct TwilioCredentials {
    /// The account that owns the number.
    pub account_sid: AccountSid,
    /// Its auth token.
    pub auth_token: SecretString,
}

/// A Twilio number to import.
#[derive(Debug, Clone)]
pub struct ImportTwilio {
    /// The number.
    pub phone: Phone,
    /// The account that owns it; a subaccount's own, not its parent's.
    pub account_sid: AccountSid,
    /// Its auth token.
    pub auth_token: SecretString,
    /// At most 40 characters.
    pub name: String,
    /// The assistant that answers.
    pub assistant_id: Option<AssistantId>,
    /// Whether Vapi takes over the texts. Always sent, because leaving it out means yes.
    pub sms_enabled: bool,
    /// Where events go.
    pub server: Option<Server>,
}

impl ImportTwilio {
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "provider": "twilio",
            "number": self.phone.as_str(),
            "twilioAccountSid": self.account_sid.as_str(),
            "twilioAuthToken": self.auth_token.expose_secret(),
            "name": self.name,
            "smsEnabled": self.sms_enabled,
        });
        if let Some(id) = self.assistant_id {
            body["assistantId"] = json!(id);
        }
        if let Some(server) = &self.server {
            body["server"] = server.body();
        }
        body
    }

    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let server = self.server.iter().filter_map(|server| server.secret.clone());
        server.chain([self.auth_token.clone()]).collect()
    }
}

/// How an import ended well.
#[derive(Debug, Clone, PartialEq)]
pub enum Imported {
    /// The number is new at Vapi.
    Created(Box<VapiNumber>),
    /// The organisation has had it; nothing was changed.
    AlreadyThere(VapiNumberId),
}

/// A change to a number's record. What is `None` stays; the inner `None` removes.
#[derive(Debug, Clone, Default)]
pub struct VapiNumberPatch {
    /// The assistant that answers.
    pub assistant_id: Option<Option<AssistantId>>,
    /// The squad that answers instead.
    pub squad_id: Option<Option<Uuid>>,
    /// The workflow that answers instead.
    pub workflow_id: Option<Option<Uuid>>,
    /// At most 40 characters.
    pub name: Option<String>,
    /// Whether Vapi takes over the texts; `true` makes it rewrite the number's SMS URL.
    pub sms_enabled: Option<bool>,
    /// Where events go.
    pub server: Option<Option<Server>>,
    /// The account and its token, after the token was changed.
    pub credentials: Option<TwilioCredentials>,
}

impl VapiNumberPatch {
    /// The provider is always sent: Vapi's schema tells the records apart by it (facts/vapi.md section 5.5).
    pub(crate) fn body(&self) -> Value {
        let fields = [
            ("provider", Some(json!("twilio"))),
            ("assistantId", self.assistant_id.map(|id| json!(id))),
            ("squadId", self.squad_id.map(|id| json!(id))),
            ("workflowId", self.workflow_id.map(|id| json!(id))),
            ("name", self.name.as_ref().map(|name| json!(name))),
            ("smsEnabled", self.sms_enabled.map(|on| json!(on))),
            ("server", self.server.as_ref().map(|server| server.as_ref().map_or(Value::Null, Server::body))),
            ("twilioAccountSid", self.credentials.as_ref().map(|own| json!(own.account_sid))),
            ("twilioAuthToken", self.credentials.as_ref().map(|own| json!(own.auth_token.expose_secret()))),
        ];
        let set = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(set.collect::<Map<_, _>>())
    }

    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let server = self.server.iter().flatten().filter_map(|server| server.secret.clone());
        server.chain(self.credentials.iter().map(|own| own.auth_token.clone())).collect()
    }
}

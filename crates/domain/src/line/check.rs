//! The ordered checks (requirement A7) and every cause that one of them can name.

use super::routing::shown_url;
use crate::text::{self, Language, Params};
use serde::{Deserialize, Serialize};

/// The checks, in their order: a later one means nothing while an earlier one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckId {
    /// Both providers accept the saved credentials.
    Credentials,
    /// There is an assistant to answer.
    Assistant,
    /// The number is in Vapi.
    Imported,
    /// The assistant is linked to it.
    Linked,
    /// Twilio sends its calls to Vapi.
    Webhook,
    /// A call can get through.
    Reachable,
}

impl CheckId {
    /// All of them, in order.
    pub const ALL: [CheckId; 6] = [
        CheckId::Credentials,
        CheckId::Assistant,
        CheckId::Imported,
        CheckId::Linked,
        CheckId::Webhook,
        CheckId::Reachable,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        ["credentials", "assistant", "imported", "linked", "webhook", "reachable"][self as usize]
    }
}

/// What mends a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// One click: the plan does it.
    Repair,
    /// Twilio's settings page of ours.
    TwilioSettings,
    /// Vapi's settings page of ours.
    VapiSettings,
    /// Creating an assistant.
    Assistant,
    /// Something only a person can do, at a provider; the text says what.
    Manual,
    /// Nothing but waiting.
    Wait,
}

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $check:ident $fix:ident),+ $(,)?) => {
        /// Why a check fails. The names are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Cause { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl Cause {
            /// All of them.
            pub const ALL: &[Cause] = &[$(Cause::$variant),+];

            /// Its stable name.
            pub fn name(self) -> &'static str {
                match self { $(Cause::$variant => $name),+ }
            }

            /// The check that it fails.
            pub fn check(self) -> CheckId {
                match self { $(Cause::$variant => CheckId::$check),+ }
            }

            /// What mends it.
            pub fn fix(self) -> Fix {
                match self { $(Cause::$variant => Fix::$fix),+ }
            }
        }
    };
}

causes! {
    /// No Twilio credentials are saved.
    TwilioMissing = "twilio_missing" Credentials TwilioSettings,
    /// Twilio refuses them: wrong, rotated, or of another region.
    TwilioUnauthorized = "twilio_unauthorized" Credentials TwilioSettings,
    /// They lack rights on phone numbers.
    TwilioForbidden = "twilio_forbidden" Credentials TwilioSettings,
    /// The account is suspended, closed or out of funds.
    TwilioAccountInactive = "twilio_account_inactive" Credentials Manual,
    /// The line's token or its server's secret cannot be opened: its bytes were changed.
    SecretSealed = "secret_sealed" Credentials TwilioSettings,
    /// Twilio does not answer.
    TwilioUnreachable = "twilio_unreachable" Credentials Wait,
    /// No Vapi key is saved.
    VapiMissing = "vapi_missing" Credentials VapiSettings,
    /// Vapi refuses the key: wrong, revoked, public, or of another region.
    VapiUnauthorized = "vapi_unauthorized" Credentials VapiSettings,
    /// The key lacks rights.
    VapiForbidden = "vapi_forbidden" Credentials VapiSettings,
    /// The saved key cannot be opened: its bytes were changed.
    VapiSealed = "vapi_sealed" Credentials VapiSettings,
    /// The key is of another organisation than the one that has the line.
    VapiOtherOrg = "vapi_other_org" Credentials VapiSettings,
    /// Vapi does not answer.
    VapiUnreachable = "vapi_unreachable" Credentials Wait,
    /// There is no assistant at all.
    NoAssistant = "no_assistant" Assistant Assistant,
    /// The line's assistant was deleted at Vapi; another one can be linked.
    AssistantDeleted = "assistant_deleted" Assistant Repair,
    /// The number is not in Vapi.
    NotImported = "not_imported" Imported Repair,
    /// The number is in a subaccount, whose own credentials are needed.
    NumberInSubaccount = "number_in_subaccount" Imported TwilioSettings,
    /// The number is a verified caller ID, which cannot take calls.
    NumberIsCallerId = "number_is_caller_id" Imported Manual,
    /// The account does not own the number.
    NumberNotInAccount = "number_not_in_account" Imported TwilioSettings,
    /// Another organisation at Vapi holds the number.
    VapiNumberInOtherOrg = "vapi_number_in_other_org" Imported Manual,
    /// Vapi has the number with another Twilio account's credentials.
    ImportedFromOtherAccount = "imported_from_other_account" Imported Repair,
    /// Vapi has an auth token of the account from before it was rotated.
    VapiTokenStale = "vapi_token_stale" Imported Repair,
    /// In Vapi, without an assistant.
    NotLinked = "not_linked" Linked Repair,
    /// Linked to another assistant.
    LinkedToOther = "linked_to_other" Linked Repair,
    /// Linked to an assistant that was deleted.
    LinkedToDeleted = "linked_to_deleted" Linked Repair,
    /// A squad or a workflow answers.
    LinkedToSquad = "linked_to_squad" Linked Repair,
    /// Its events go to another server than they should.
    ServerDiffers = "server_differs" Linked Repair,
    /// In Vapi, but no longer in the Twilio account.
    NumberLeftAccount = "number_left_account" Webhook Manual,
    /// A SIP trunk takes its calls.
    TrunkOverrides = "trunk_overrides" Webhook Repair,
    /// A TwiML application takes its calls.
    ApplicationOverrides = "application_overrides" Webhook Repair,
    /// No voice webhook: calls fail at once.
    WebhookEmpty = "webhook_empty" Webhook Repair,
    /// Twilio's demonstration answers.
    WebhookDemo = "webhook_demo" Webhook Repair,
    /// It points at another installation of Vapi.
    WebhookOtherRegion = "webhook_other_region" Webhook Repair,
    /// It points somewhere else.
    WebhookElsewhere = "webhook_elsewhere" Webhook Repair,
    /// It points at Vapi by GET, which Vapi does not take.
    WebhookMethod = "webhook_method" Webhook Repair,
    /// The number cannot take calls at all.
    NumberWithoutVoice = "number_without_voice" Reachable Manual,
    /// Vapi blocked the number.
    NumberBlocked = "number_blocked" Reachable Manual,
    /// Vapi is still activating the number.
    NumberActivating = "number_activating" Reachable Wait,
    /// The last call since the last change was not answered.
    LastCallFailed = "last_call_failed" Reachable Manual,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Failing,
    /// Not looked at, since an earlier one fails.
    NotReached,
}

/// One row of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub id: CheckId,
    /// How it came out.
    pub status: Status,
    /// Why it fails.
    pub cause: Option<Cause>,
    /// What should be.
    pub expected: Option<String>,
    /// What is: the evidence.
    pub found: Option<String>,
    /// What fills its text.
    #[serde(default)]
    pub params: Params,
}

impl Check {
    pub(super) fn new(id: CheckId, status: Status) -> Self {
        Self { id, status, cause: None, expected: None, found: None, params: Params::default() }
    }

    pub(super) fn ok(id: CheckId, found: Option<String>) -> Self {
        Self { found: found.map(|found| shown_url(&found)), ..Self::new(id, Status::Ok) }
    }

    pub(super) fn failing(cause: Cause) -> Self {
        Self { cause: Some(cause), ..Self::new(cause.check(), Status::Failing) }
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(shown_url(&found.into()));
        self
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.set(name, value);
        self
    }

    /// What the check looks at, in a few words.
    pub fn title(&self, language: Language) -> String {
        text::text(language, &format!("check.{}.title", self.id.name()), &self.params)
    }

    /// How it came out and why, in plain words.
    pub fn summary(&self, language: Language) -> String {
        let key = match (self.status, self.cause) {
            (Status::Failing, Some(cause)) => format!("cause.{}.summary", cause.name()),
            (Status::NotReached, _) => "check.not_reached".to_owned(),
            _ => format!("check.{}.ok", self.id.name()),
        };
        text::text(language, &key, &self.params)
    }

    /// What mends it and how to call that; `None` where nothing is wrong.
    pub fn fix(&self, language: Language) -> Option<(Fix, String)> {
        let cause = self.cause?;
        Some((cause.fix(), text::text(language, &format!("cause.{}.fix", cause.name()), &self.params)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_and_cause_has_its_texts() {
        let causes = Cause::ALL
            .iter()
            .flat_map(|cause| ["summary", "fix"].map(|part| format!("cause.{}.{part}", cause.name())));
        let checks = CheckId::ALL
            .iter()
            .flat_map(|id| ["title", "ok"].map(|part| format!("check.{}.{part}", id.name())));
        for key in causes.chain(checks).chain(["check.not_reached".to_owned()]) {
            for language in [Language::En, Language::Fr] {
                assert!(text::find(language, &key, &Params::default()).is_some(), "{language:?} {key}");
            }
        }
    }
}

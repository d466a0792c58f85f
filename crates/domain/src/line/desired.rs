//! What should be true of one number. Import, repair, unlinking, removal and undo differ only in this.

use super::observed::Assistant;
use super::routing::{Region, SmsOwner, SmsRouting, VoiceRouting};
use crate::{AccountSid, AssistantId, Code, Phone, VapiNumberId, VapiOrgId};
use serde::{Deserialize, Serialize};

/// What should become of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish<T> {
    /// Leave it as it is.
    #[default]
    AsIs,
    /// Exactly this.
    Exactly(T),
}

/// The server that gets a number's events at Vapi (requirement D7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerWish {
    /// Its address.
    pub url: String,
    /// The first eight hexadecimal digits of the secret's SHA-256; the secret itself stays sealed.
    pub secret_fingerprint: Option<String>,
}

/// The number's record at Vapi as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VapiWish {
    /// Its name: at most 40 characters at Vapi.
    pub name: String,
    /// The assistant that answers; none unlinks.
    pub assistant: Option<AssistantId>,
    /// Who answers texts.
    pub sms_owner: SmsOwner,
    /// Where events go.
    pub server: Wish<Option<ServerWish>>,
}

/// The desired state of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The number.
    pub phone: Phone,
    /// The Twilio account that should own it.
    pub account_sid: AccountSid,
    /// Which Vapi.
    pub region: Region,
    /// The organisation at Vapi that the line was imported into, once it was.
    pub vapi_org_id: Option<VapiOrgId>,
    /// The record at Vapi that is ours, once there is one.
    pub ours: Option<VapiNumberId>,
    /// The record at Vapi; `None`: there should be none of ours.
    pub vapi: Option<VapiWish>,
    /// Where calls go: [`Wish::AsIs`] with a record at Vapi means to Vapi.
    pub voice: Wish<VoiceRouting>,
    /// Where texts go.
    pub sms: Wish<SmsRouting>,
}

/// The assistants to choose from, in the order of preference.
#[derive(Debug, Clone, Copy)]
pub struct Assistants<'a> {
    /// What the request names.
    pub requested: Option<AssistantId>,
    /// What the line had so far.
    pub current: Option<AssistantId>,
    /// The organisation's default.
    pub default: Option<AssistantId>,
    /// What Vapi lists.
    pub listed: &'a [Assistant],
}

/// The assistant that answers, and whether it was chosen for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenAssistant {
    /// It.
    pub assistant: Assistant,
    /// True where the request named none (requirement B2).
    pub auto_linked: bool,
}

/// The assistant to link: the one named, which must exist (B1); else the line's own, the organisation's
/// default, or the first that Vapi lists, whichever exists (B2); none at all is an error (B3).
pub fn choose_assistant(from: Assistants<'_>) -> Result<ChosenAssistant, Code> {
    let find = |id: AssistantId| from.listed.iter().find(|assistant| assistant.id == id);
    if let Some(id) = from.requested {
        let assistant = find(id).cloned().ok_or(Code::AssistantNotFound)?;
        return Ok(ChosenAssistant { assistant, auto_linked: false });
    }
    let known = from.current.and_then(find).or_else(|| from.default.and_then(find)).or(from.listed.first());
    let assistant = known.cloned().ok_or(Code::NoAssistant)?;
    Ok(ChosenAssistant { assistant, auto_linked: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_b2_b3_the_assistant_is_the_one_named_or_the_best_there_is() {
        let id = |n: u128| AssistantId(uuid::Uuid::from_u128(n));
        let listed: Vec<_> = (1..=3).map(|n| Assistant { id: id(n), name: format!("a{n}") }).collect();
        let choose = |requested, current, default, listed: &[Assistant]| {
            choose_assistant(Assistants { requested, current, default, listed })
                .map(|chosen| (chosen.assistant.id, chosen.auto_linked))
        };
        let (one, two, three, gone) = (id(1), id(2), id(3), id(9));
        assert_eq!(choose(Some(two), Some(one), Some(three), &listed), Ok((two, false)));
        assert_eq!(choose(Some(gone), Some(one), Some(three), &listed), Err(Code::AssistantNotFound));
        assert_eq!(choose(None, Some(three), Some(two), &listed), Ok((three, true)));
        assert_eq!(choose(None, Some(gone), Some(two), &listed), Ok((two, true)));
        assert_eq!(choose(None, None, Some(gone), &listed), Ok((one, true)));
        assert_eq!(choose(None, None, None, &[]), Err(Code::NoAssistant));
        assert_eq!(choose(Some(one), None, None, &[]), Err(Code::AssistantNotFound));
    }
}

//! Vapi's server messages (facts/vapi.md section 9): what one names, and whether that is the line's.

use super::{About, Refusal, masked};
use crate::line::never_answered;
use crate::{AccountSid, AssistantId, Phone, VapiNumberId, VapiOrgId};
use serde_json::Value;

/// What is known to belong to the line that a message was sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The line's number.
    pub phone: Phone,
    /// The account that owns it.
    pub account: AccountSid,
    /// The number's record at Vapi.
    pub number: Option<VapiNumberId>,
    /// The credential that Vapi made of the account.
    pub credential: Option<String>,
    /// The organisation at Vapi.
    pub org: Option<VapiOrgId>,
    /// Every assistant of the organisation's lines.
    pub assistants: Vec<AssistantId>,
}

/// What kind of thing an id names.
#[derive(Clone, Copy)]
enum Names {
    Org,
    Number,
    Assistant,
    Phone,
    Account,
    Credential,
    /// Something that no line has.
    Foreign,
}

/// Where a message names what has to be the line's.
const IDS: &[(&str, Names)] = &[
    ("/call/orgId", Names::Org),
    ("/phoneNumber/orgId", Names::Org),
    ("/assistant/orgId", Names::Org),
    ("/customer/orgId", Names::Org),
    ("/chat/orgId", Names::Org),
    ("/session/orgId", Names::Org),
    ("/call/phoneNumberId", Names::Number),
    ("/call/phoneNumber/id", Names::Number),
    ("/phoneNumber/id", Names::Number),
    ("/phoneNumberId", Names::Number),
    ("/session/phoneNumberId", Names::Number),
    ("/call/assistantId", Names::Assistant),
    ("/call/assistant/id", Names::Assistant),
    ("/assistant/id", Names::Assistant),
    ("/assistantId", Names::Assistant),
    ("/phoneNumber/assistantId", Names::Assistant),
    ("/chat/assistantId", Names::Assistant),
    ("/session/assistantId", Names::Assistant),
    ("/fromAssistant/id", Names::Assistant),
    ("/toAssistant/id", Names::Assistant),
    ("/phoneNumber/number", Names::Phone),
    ("/call/phoneNumber/number", Names::Phone),
    ("/phoneNumber/twilioAccountSid", Names::Account),
    ("/call/phoneNumber/twilioAccountSid", Names::Account),
    ("/phoneNumber/credentialId", Names::Credential),
    ("/call/squadId", Names::Foreign),
    ("/call/workflowId", Names::Foreign),
    ("/squad/id", Names::Foreign),
    ("/workflow/id", Names::Foreign),
    ("/phoneNumber/squadId", Names::Foreign),
    ("/phoneNumber/workflowId", Names::Foreign),
];

impl Known {
    fn has(&self, names: Names, id: &str) -> bool {
        let is = |known: Option<String>| known.as_deref() == Some(id);
        match names {
            Names::Org => is(self.org.map(|org| org.to_string())),
            Names::Number => is(self.number.map(|number| number.to_string())),
            Names::Assistant => self.assistants.iter().any(|one| one.to_string() == id),
            Names::Phone => self.phone.as_str() == id,
            Names::Account => self.account.as_str() == id,
            Names::Credential => is(self.credential.clone()),
            Names::Foreign => false,
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VapiMessage {
    /// The call that it is about.
    pub call: Option<String>,
    /// By which it is known again, for those that tell how a call fares; others are only noted.
    pub key: Option<String>,
    /// Whether it tells of a call that nobody took.
    pub is_trouble: bool,
    /// What may be shown of it.
    pub about: About,
}

impl VapiMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] where it is none.
    pub fn read(body: &Value) -> Result<Self, Refusal> {
        let message = &body["message"];
        let kind = word(&message["type"]).ok_or(Refusal::Malformed)?;
        let call = match &message["call"]["id"] {
            Value::Null => None,
            id => Some(
                id.as_str()
                    .and_then(|id| id.parse::<uuid::Uuid>().ok())
                    .ok_or(Refusal::Malformed)?
                    .to_string(),
            ),
        };
        let status = word(&message["status"]);
        let key = call.as_deref().and_then(|call| match kind {
            "status-update" => Some(format!("call/{call}/status/{}", status?)),
            "end-of-call-report" => Some(format!("call/{call}/report")),
            _ => None,
        });
        let reason = message["endedReason"].as_str().unwrap_or_default();
        let number = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).map(masked);
        let about = [
            ("type", Some(kind.to_owned())),
            ("call", call.clone()),
            ("status", status.map(str::to_owned)),
            ("ended", (!reason.is_empty()).then(|| reason.chars().take(100).collect())),
            ("from", number("/customer/number").or_else(|| number("/call/customer/number"))),
            ("to", number("/phoneNumber/number")),
        ];
        let about = about.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Ok(Self { is_trouble: key.is_some() && never_answered(reason), call, key, about })
    }

    /// The first place where a message names what is not known to be the line's.
    pub fn stranger(body: &Value, known: &Known) -> Option<&'static str> {
        let found = IDS.iter().find(|(place, names)| match body["message"].pointer(place) {
            None | Some(Value::Null) => false,
            Some(Value::String(id)) => !known.has(*names, id),
            Some(_) => true,
        });
        found.map(|(place, _)| *place)
    }
}

/// A type or a status: short, and of plain characters.
fn word(value: &Value) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || br#"-_.[]=""#.contains(&byte);
    value.as_str().filter(|word| (1..=60).contains(&word.len()) && word.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }

    fn known() -> Known {
        Known {
            phone: "+14155552671".parse().unwrap(),
            account: "AC0123456789abcdef0123456789abcdef".parse().unwrap(),
            number: Some(id(1).into()),
            credential: Some(id(2).to_string()),
            org: Some(id(3).into()),
            assistants: vec![id(4).into()],
        }
    }

    fn body() -> Value {
        json!({ "message": {
            "type": "end-of-call-report", "endedReason": "assistant-not-found",
            "call": { "id": id(9), "orgId": id(3), "phoneNumberId": id(1), "assistantId": id(4), "squadId": null },
            "phoneNumber": { "id": id(1), "orgId": id(3), "number": "+14155552671", "credentialId": id(2),
                             "twilioAccountSid": "AC0123456789abcdef0123456789abcdef" },
            "assistant": { "id": id(4), "orgId": id(3) },
            "customer": { "number": "+14155550100" },
        }})
    }

    #[test]
    fn t08_only_what_is_the_lines_is_believed_whatever_id_is_swapped() {
        assert_eq!(VapiMessage::stranger(&body(), &known()), None);
        let others = [
            json!(id(99)),
            json!("+14155550100"),
            json!("AC1123456789abcdef0123456789abcdef"),
            json!(7),
            json!({}),
        ];
        for (place, _) in IDS {
            for other in &others {
                let mut body = body();
                put(&mut body["message"], place, other.clone());
                assert_eq!(VapiMessage::stranger(&body, &known()), Some(*place), "{other}");
            }
        }
    }

    /// Sets a value, and makes the objects around it where they are missing.
    fn put(value: &mut Value, place: &str, new: Value) {
        let (first, rest) =
            place[1..].split_once('/').map_or((&place[1..], None), |(first, rest)| (first, Some(rest)));
        match rest {
            None => value[first] = new,
            Some(rest) => {
                if !value[first].is_object() {
                    value[first] = json!({});
                }
                put(&mut value[first], &format!("/{rest}"), new);
            }
        }
    }

    #[test]
    fn a_call_is_known_by_its_id_and_status() {
        let message = VapiMessage::read(&body()).unwrap();
        assert_eq!(message.key, Some(format!("call/{}/report", id(9))));
        assert!(message.is_trouble);
        assert!(!format!("{:?}", message.about).contains("4155550100"), "{:?}", message.about);
        let update =
            json!({ "message": { "type": "status-update", "status": "ended", "call": { "id": id(9) } } });
        let update = VapiMessage::read(&update).unwrap();
        assert_eq!(update.key, Some(format!("call/{}/status/ended", id(9))));
        assert!(!update.is_trouble);
        let speech = json!({ "message": { "type": "speech-update", "call": { "id": id(9) } } });
        assert_eq!(VapiMessage::read(&speech).unwrap().key, None);
        for odd in [
            json!(null),
            json!([]),
            json!({ "message": {} }),
            json!({ "message": { "type": "a b" } }),
            json!({ "message": { "type": "status-update", "call": { "id": "x" } } }),
        ] {
            assert_eq!(VapiMessage::read(&odd), Err(Refusal::Malformed), "{odd}");
        }
    }
}

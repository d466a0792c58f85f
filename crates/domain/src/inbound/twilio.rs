//! Twilio's requests (facts/twilio.md sections 10 to 12 and 16): forms, and what they name.

use super::{About, Hook, Refusal, masked};
use crate::{AccountSid, Phone};

/// Twilio sends some sixty fields; a form with more than this is not from there.
const PAIRS_MAX: usize = 500;

/// The fields of a form, decoded, in the order in which they came.
pub type Form = Vec<(String, String)>;

/// Reads a form.
///
/// # Errors
/// [`Refusal::Malformed`] where there are too many fields.
pub fn read_form(body: &[u8]) -> Result<Form, Refusal> {
    let mut pairs = url::form_urlencoded::parse(body);
    let form: Form =
        pairs.by_ref().take(PAIRS_MAX).map(|(name, value)| (name.into(), value.into())).collect();
    if pairs.next().is_some() { Err(Refusal::Malformed) } else { Ok(form) }
}

/// The end of a message or call that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ours {
    /// A phone number, which has to be the organisation's.
    Number(Phone),
    /// A short code, a name, or nothing: only the account tells whose it is.
    Account,
}

/// What a request of Twilio's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioRequest {
    /// The account that it says it is from.
    pub account: AccountSid,
    /// Our end.
    pub ours: Ours,
    /// By which it is known again within its account, made of signed fields alone.
    pub key: String,
    /// The message, call or alert that it is about.
    pub subject: String,
    /// Whether it tells of something that does not work.
    pub is_trouble: bool,
    /// What may be shown of it.
    pub about: About,
}

impl TwilioRequest {
    /// Reads what a form names.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] where it lacks what identifies it, or names it twice.
    pub fn read(hook: Hook, form: &Form) -> Result<Self, Refusal> {
        let fields = Fields(form);
        let account: AccountSid = fields.one("AccountSid")?.parse().map_err(|_| Refusal::Malformed)?;
        let what = What::of(hook, &fields)?;
        let ours = match what.ours {
            Some(name) => ours(fields.one(name)?),
            None => Ours::Account,
        };
        let about = ABOUT.iter().filter_map(|(name, field, how)| {
            let value = fields.one(field).ok().filter(|value| !value.is_empty())?;
            Some((*name, how(&value.chars().take(100).collect::<String>())))
        });
        let about = about.chain([("account", account.preview())]).collect();
        let What { key, subject, is_trouble, .. } = what;
        Ok(Self { account, ours, key, subject, is_trouble, about })
    }
}

/// How something is shown: masked, or as it is.
type Show = fn(&str) -> String;

/// What is shown, under which name, from which field, and how.
const ABOUT: &[(&str, &str, Show)] = &[
    ("from", "From", masked),
    ("to", "To", masked),
    ("message", "MessageSid", str::to_owned),
    ("call", "CallSid", str::to_owned),
    ("messaging_service", "MessagingServiceSid", str::to_owned),
    ("status", "MessageStatus", str::to_owned),
    ("status", "CallStatus", str::to_owned),
    ("error", "ErrorCode", str::to_owned),
    ("media", "NumMedia", str::to_owned),
    ("alert", "Sid", str::to_owned),
    ("level", "Level", str::to_owned),
];

/// The number itself, also where a channel stands before it: `whatsapp:+33612345678`.
fn ours(text: &str) -> Ours {
    let number = text.split_once(':').map_or(text, |(_, number)| number);
    number.parse().map_or(Ours::Account, Ours::Number)
}

struct Fields<'a>(&'a Form);

impl<'a> Fields<'a> {
    /// The value of a field that may have only one: two different ones would let the signer mean one and the
    /// reader see the other.
    fn one(&self, name: &str) -> Result<&'a str, Refusal> {
        let mut values = self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let first = values.next().unwrap_or_default();
        if values.all(|value| value == first) { Ok(first) } else { Err(Refusal::Malformed) }
    }

    /// A SID of one of these kinds.
    fn sid(&self, name: &str, kinds: &[&str]) -> Result<&'a str, Refusal> {
        let sid = self.one(name)?;
        let hex = sid.get(2..).unwrap_or_default();
        let good = kinds.iter().any(|kind| sid.starts_with(kind))
            && hex.len() == 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        if good { Ok(sid) } else { Err(Refusal::Malformed) }
    }

    /// A word of Twilio's: a status, a code.
    fn word(&self, name: &str) -> Result<&'a str, Refusal> {
        let word = self.one(name)?;
        let good = word.len() <= 40
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if good { Ok(word) } else { Err(Refusal::Malformed) }
    }
}

/// What a request is about: the field of our end, its key within the account, and whether it is trouble.
struct What {
    ours: Option<&'static str>,
    subject: String,
    key: String,
    is_trouble: bool,
}

impl What {
    fn of(hook: Hook, fields: &Fields<'_>) -> Result<Self, Refusal> {
        match hook {
            Hook::Sms | Hook::SmsFallback => {
                let sid = fields.sid("MessageSid", &["SM", "MM"])?;
                let is_trouble = hook == Hook::SmsFallback;
                Ok(Self {
                    ours: Some("To"),
                    subject: sid.to_owned(),
                    key: format!("message/{sid}"),
                    is_trouble,
                })
            }
            Hook::Voice => {
                let sid = fields.sid("CallSid", &["CA"])?;
                // Whoever gets here was not helped by the line's first address.
                let key = format!("call/{sid}/voice");
                Ok(Self { ours: Some(our_end(fields)?), subject: sid.to_owned(), key, is_trouble: true })
            }
            Hook::Status if !fields.one("CallSid")?.is_empty() => Self::call_status(fields),
            Hook::Status => Self::message_status(fields),
            Hook::Alerts => {
                let sid = fields.sid("Sid", &["NO"])?;
                let key = format!("alert/{sid}");
                Ok(Self { ours: None, subject: sid.to_owned(), key, is_trouble: true })
            }
            Hook::Vapi => Err(Refusal::Malformed),
        }
    }

    fn message_status(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let sid = fields.sid("MessageSid", &["SM", "MM"])?;
        let (status, error) = (fields.word("MessageStatus")?, fields.word("ErrorCode")?);
        let ours = if status == "received" { "To" } else { "From" };
        // Sent through a messaging service, its sender may be anything.
        let ours = fields.one("MessagingServiceSid")?.is_empty().then_some(ours);
        let key = format!("message/{sid}/{status}/{error}");
        Ok(Self { ours, subject: sid.to_owned(), key, is_trouble: false })
    }

    fn call_status(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let (sid, status) = (fields.sid("CallSid", &["CA"])?, fields.word("CallStatus")?);
        let is_trouble = ["failed", "busy", "no-answer"].contains(&status);
        let key = format!("call/{sid}/{status}");
        Ok(Self { ours: Some(our_end(fields)?), subject: sid.to_owned(), key, is_trouble })
    }
}

/// Which end of a call is ours.
fn our_end(fields: &Fields<'_>) -> Result<&'static str, Refusal> {
    Ok(if fields.one("Direction")?.starts_with("outbound") { "From" } else { "To" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
    const TEXT: &str = "SM0123456789abcdef0123456789abcdef";
    const CALL: &str = "CA0123456789abcdef0123456789abcdef";

    fn read(hook: Hook, pairs: &[(&str, &str)]) -> Result<TwilioRequest, Refusal> {
        let account = [("AccountSid", ACCOUNT)];
        let pairs =
            account.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        TwilioRequest::read(hook, &pairs.collect())
    }

    fn number(text: &str) -> Ours {
        Ours::Number(text.parse().unwrap())
    }

    #[test]
    fn e2_a_text_is_known_by_its_sid_at_either_address() {
        let pairs = [
            ("MessageSid", TEXT),
            ("From", "+14155550100"),
            ("To", "+14155552671"),
            ("Body", "hi"),
            ("New", ""),
        ];
        let first = read(Hook::Sms, &pairs).unwrap();
        let second = read(Hook::SmsFallback, &pairs).unwrap();
        assert_eq!((&first.key, &first.ours), (&second.key, &number("+14155552671")));
        assert!(!first.is_trouble && second.is_trouble);
        assert!(first.about.contains(&("to", "…2671".to_owned())), "{:?}", first.about);
        assert!(
            !format!("{:?}", first.about).contains("5552671") && !format!("{:?}", first.about).contains("hi")
        );
    }

    #[test]
    fn our_end_is_where_the_direction_says() {
        let ends = [("From", "+14155552671"), ("To", "+14155550100")];
        for (hook, more, expected) in [
            (Hook::Sms, vec![("MessageSid", TEXT)], number("+14155550100")),
            (Hook::Status, vec![("MessageSid", TEXT), ("MessageStatus", "sent")], number("+14155552671")),
            (
                Hook::Status,
                vec![("MessageSid", TEXT), ("MessageStatus", "sent"), ("MessagingServiceSid", "MG1")],
                Ours::Account,
            ),
            (
                Hook::Status,
                vec![("CallSid", CALL), ("CallStatus", "busy"), ("Direction", "inbound")],
                number("+14155550100"),
            ),
            (
                Hook::Status,
                vec![("CallSid", CALL), ("CallStatus", "busy"), ("Direction", "outbound-api")],
                number("+14155552671"),
            ),
            (Hook::Voice, vec![("CallSid", CALL)], number("+14155550100")),
        ] {
            let request = read(hook, &[&ends[..], &more].concat()).unwrap();
            assert_eq!(request.ours, expected, "{hook:?} {more:?}");
        }
        assert_eq!(ours("whatsapp:+33612345678"), number("+33612345678"));
        assert_eq!((ours("12345"), ours("ACME"), ours("")), (Ours::Account, Ours::Account, Ours::Account));
    }

    #[test]
    fn what_does_not_identify_itself_once_is_malformed() {
        let text = [("MessageSid", TEXT), ("To", "+14155552671")];
        assert!(read(Hook::Sms, &text).is_ok());
        for pairs in [
            vec![],
            vec![("MessageSid", "")],
            vec![("MessageSid", "SM1")],
            vec![("MessageSid", CALL)],
            vec![text[0], text[1], ("To", "+14155550100")],
            vec![text[0], text[1], ("MessageSid", "SM1")],
            vec![text[0], text[1], ("AccountSid", "AC1123456789abcdef0123456789abcdef")],
        ] {
            assert_eq!(read(Hook::Sms, &pairs), Err(Refusal::Malformed), "{pairs:?}");
        }
        let odd = [("MessageSid", TEXT), ("MessageStatus", "sent/x")];
        assert_eq!(read(Hook::Status, &odd), Err(Refusal::Malformed));
        assert!(read_form("a=b&".repeat(500).as_bytes()).is_ok());
        assert_eq!(read_form("a=b&".repeat(501).as_bytes()), Err(Refusal::Malformed));
    }
}

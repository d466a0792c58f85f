//! What the owner of a number answers to a text: TwiML, or plain text that is sent back (T10 [D]).

use std::sync::Arc;

use url::Url;

use super::draft::Draft;
use super::message::{Direction, Message};
use super::rules;
use super::store::seconds;
use crate::outbound::Answered;
use crate::state::{Shared, World};
use crate::twilio::alerts;
use crate::twilio::twiml::{self, Element};
use crate::twilio::webhooks::{self, Call, Called, Delivery, Trouble};

/// More replies to one text are refused: 14109 (T10).
const REPLIES_MAX: usize = 10;
/// More redirects than that are a loop [?].
const REDIRECTS_MAX: usize = 20;
/// 14107: so many texts between two numbers in so many seconds are a loop (T8, T24.19).
const LOOP: (usize, i64) = (15, 30);

/// Both sides of a conversation, and what the webhook was told.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) account: String,
    pub(crate) number: String,
    pub(crate) person: String,
    /// The message that is being answered.
    pub(crate) subject: String,
    pub(crate) params: Vec<(String, String)>,
}

/// What an answer is, by its content type.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Twiml(Vec<Element>),
    Text(String),
    Nothing,
}

fn kind(answered: &Answered) -> Result<Kind, Trouble> {
    if answered.body.is_empty() {
        // An empty chunked body is an error (T10 [E]); any other empty one works in practice [I].
        let chunked = answered.chunked && answered.status != 204;
        return if chunked {
            Err(Trouble::new(11770, "Empty TwiML response body"))
        } else {
            Ok(Kind::Nothing)
        };
    }
    let content_type = answered.content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
    match content_type.as_str() {
        "text/xml" | "application/xml" | "text/html" => {
            twiml::parse(&answered.body).map(Kind::Twiml).map_err(|code| Trouble::new(code, wrong(code)))
        }
        "text/plain" => Ok(Kind::Text(answered.text())),
        _ => Err(Trouble::new(12300, format!("Invalid Content-Type: {content_type}"))),
    }
}

fn wrong(code: u32) -> &'static str {
    match code {
        11750 => "TwiML response body too large",
        12102 => "Document parse failure: the root element must be Response",
        _ => "Document parse failure",
    }
}

/// Whether an answer can be used at all; if not, the fallback URL is asked.
pub(crate) fn judge(answered: &Answered) -> Result<(), Trouble> {
    kind(answered).map(|_| ())
}

/// Does what the answer says, and follows its redirects. Returns every request that was made.
pub(crate) async fn run(shared: &Arc<Shared>, talk: &Talk, called: Called) -> Vec<Delivery> {
    let mut deliveries = called.deliveries;
    let (mut base, mut answer) = (called.url, called.answer);
    let mut replies = 0;
    for _ in 0..=REDIRECTS_MAX {
        let Some(Ok(kind)) = answer.as_ref().ok().map(kind) else { break };
        let Some((url, method, params)) = perform(shared, talk, kind, &base, &mut replies) else { break };
        let call = Call {
            account: talk.account.clone(),
            event: "message.redirected",
            subject: talk.subject.clone(),
            url,
            method,
            params,
            fallback: None,
            judge,
        };
        let next = webhooks::call(shared, &call).await;
        deliveries.extend(next.deliveries);
        (base, answer) = (next.url, next.answer);
    }
    deliveries
}

/// The next request that a document leads to: URL, method, fields.
type Next = Option<(String, String, Vec<(String, String)>)>;

/// Runs one answer under one lock.
fn perform(shared: &Shared, talk: &Talk, kind: Kind, base: &str, replies: &mut usize) -> Next {
    let world = &mut *shared.lock();
    let verbs = match kind {
        Kind::Nothing => return None,
        Kind::Text(body) => {
            world.reply(talk, &Element { raw: body, ..Element::default() }, base, replies);
            return None;
        }
        Kind::Twiml(verbs) => verbs,
    };
    for verb in &verbs {
        match verb.name.as_str() {
            "Message" | "Sms" => {
                let sent = world.reply(talk, verb, base, replies);
                let action = verb.attribute("action").and_then(|url| absolute(base, url));
                if let (Some(sent), Some(url)) = (sent, action) {
                    return Some((url, method(verb), sent));
                }
            }
            "Redirect" => {
                let url = absolute(base, &verb.raw)?;
                return Some((url, method(verb), talk.params.clone()));
            }
            name => {
                world.complain(talk, "warning", 12200, &format!("Schema validation warning: {name}"), base);
            }
        }
    }
    None
}

fn method(verb: &Element) -> String {
    verb.attribute("method").unwrap_or("POST").to_uppercase()
}

fn absolute(base: &str, url: &str) -> Option<String> {
    Some(Url::parse(base).ok()?.join(url.trim()).ok()?.to_string())
}

impl World {
    /// `<Message>`: sends a reply. Returns what its `action` is told; none when nothing was sent.
    fn reply(
        &mut self,
        talk: &Talk,
        verb: &Element,
        base: &str,
        replies: &mut usize,
    ) -> Option<Vec<(String, String)>> {
        *replies += 1;
        if *replies > REPLIES_MAX {
            self.complain(talk, "error", 14109, "Message reply limit reached", base);
            return None;
        }
        let from = verb.attribute("from").unwrap_or(&talk.number);
        let to = verb.attribute("to").unwrap_or(&talk.person);
        let noun = |name: &'static str| verb.children.iter().filter(move |child| child.name == name);
        let bodies: String = noun("Body").map(|body| body.raw.as_str()).collect();
        let draft = Draft {
            media: noun("Media").filter_map(|media| absolute(base, &media.raw)).collect(),
            callback: verb.attribute("statusCallback").and_then(|url| absolute(base, url)),
            direction: Direction::OutboundReply,
            doom: self.loops(from, to).then_some(14107),
            ..Draft::new(&talk.account, from, to, if bodies.is_empty() { &verb.raw } else { &bodies })
        };
        let empty = draft.body.trim().is_empty() && draft.media.is_empty();
        let refused = match empty {
            true => Some((14103, "Message: invalid body".to_owned())),
            false => rules::check(self, &draft).err().map(|problem| (problem.code, problem.message)),
        };
        if let Some((code, words)) = refused {
            self.complain(talk, "error", code, &words, base);
            return None;
        }
        let sid = self.send_text(&draft);
        let message = self.twilio.messages.get(sid)?;
        let fields = [
            ("MessageSid", message.full_sid()),
            ("SmsSid", message.full_sid()),
            ("MessageStatus", message.status.name().to_owned()),
            ("SmsStatus", message.status.name().to_owned()),
            ("AccountSid", talk.account.clone()),
            ("From", draft.from.unwrap_or_default()),
            ("To", draft.to),
            ("Body", draft.body),
            ("ApiVersion", "2010-04-01".to_owned()),
        ];
        Some(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// Whether two numbers have been texting each other like machines.
    fn loops(&self, from: &str, to: &str) -> bool {
        let messages = &self.twilio.messages;
        let (most, within) = LOOP;
        let (Some(from), Some(to)) = (messages.known(from), messages.known(to)) else { return false };
        let since = seconds(self.clock.now()) - within;
        let recent = messages.newest().take_while(|message| message.created >= since);
        let of_pair = |message: &&Message| message.from == from && message.to == to && message.is_outbound();
        recent.filter(of_pair).take(most).count() == most
    }

    /// Puts something into the debugger, about the message that is being answered.
    fn complain(&mut self, talk: &Talk, level: &str, code: u32, words: &str, url: &str) {
        let trouble = alerts::Trouble {
            code,
            text: words.to_owned(),
            resource_sid: talk.subject.clone(),
            request_url: url.to_owned(),
            ..alerts::Trouble::default()
        };
        self.alert(&talk.account, level, trouble);
    }
}

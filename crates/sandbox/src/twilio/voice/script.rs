//! Where a call's instructions come from, and what is made of what comes back (T10, T16).

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::fields::{Form, entry, of_call};
use super::line::{End, Line};
use super::schema;
use crate::calls::{self, APPLICATION_ERROR, DEMO_WORDS, Outcome, Site};
use crate::outbound::Answered;
use crate::twilio::alerts;
use crate::twilio::twiml::{self, Element};
use crate::twilio::webhooks::{self, Call, Trouble};
use crate::vapi::calls as vapi;

/// What says how a call goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Script {
    /// An address that is asked, with its method.
    Url(String, String),
    /// TwiML that came with the call (T16: `Twiml`).
    Twiml(String),
}

/// A request for the next document: where, and what is told beside the call's own fields.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) url: String,
    pub(super) method: String,
    pub(super) more: Form,
}

/// A document that can be run.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// What its relative addresses start from; none for TwiML that came with the call.
    pub(super) url: Option<String>,
    pub(super) verbs: Vec<Element>,
}

impl Document {
    /// An address in this document, made absolute; its own address for an absent one.
    pub(super) fn resolve(&self, reference: Option<&str>) -> Option<String> {
        let Some(reference) = reference else { return self.url.clone() };
        match self.url.as_deref().and_then(|base| Url::parse(base).ok()) {
            Some(base) => base.join(reference).ok().map(String::from),
            None => Url::parse(reference).ok().map(String::from),
        }
    }
}

/// One verb with a text, for an answer that is no TwiML.
fn single(name: &str, text: &str) -> Vec<Element> {
    vec![Element { name: name.to_owned(), text: text.to_owned(), ..Element::default() }]
}

/// What an answer says to do, or what is wrong with it: audio is played, plain text is spoken (T16 [D]);
/// the codes are T10's [E].
fn read(url: &str, answered: &Answered) -> Result<Vec<Element>, Trouble> {
    let kind = answered.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/xml" | "application/xml" | "text/html" => {
            twiml::parse(&answered.body).map_err(|code| Trouble::new(code, wrong(code)))
        }
        "text/plain" if answered.body.len() <= twiml::BYTES_MAX => Ok(single("Say", &answered.text())),
        "text/plain" => Err(Trouble::new(11750, wrong(11750))),
        kind if kind.starts_with("audio/") => Ok(single("Play", url)),
        _ => Err(Trouble::new(12300, format!("{}: {kind}", wrong(12300)))),
    }
}

fn wrong(code: u32) -> &'static str {
    match code {
        11750 => "TwiML response body too large",
        12102 => "The root element must be Response",
        12300 => "Invalid Content-Type",
        _ => "Document parse failure",
    }
}

fn judge(answered: &Answered) -> Result<(), Trouble> {
    read("", answered).map(|_| ())
}

/// Why an address gave no document.
enum Missed {
    /// Its fallback may know better.
    Failed(Trouble),
    /// Somebody else has taken the call.
    Taken(End),
}

impl Line {
    /// The document at `next`, or the one at the fallback when that fails, which is told what happened (T11).
    pub(super) async fn fetch(&mut self, next: Next) -> Result<Document, End> {
        let failed = match self.ask(&next).await {
            Ok(document) => return Ok(document),
            Err(Missed::Taken(end)) => return Err(end),
            Err(Missed::Failed(trouble)) => trouble,
        };
        let Some((url, method)) = self.fallback.clone() else { return Err(broken(next.url, &failed)) };
        let mut more = next.more;
        more.push(entry("ErrorCode", failed.code.to_string()));
        more.push(entry("ErrorUrl", next.url.as_str()));
        match self.ask(&Next { url, method, more }).await {
            Ok(document) => Ok(document),
            Err(Missed::Taken(end)) => Err(end),
            Err(Missed::Failed(trouble)) => Err(broken(next.url, &trouble)),
        }
    }

    async fn ask(&mut self, next: &Next) -> Result<Document, Missed> {
        match calls::site(&next.url) {
            Site::Demo => Ok(Document { url: None, verbs: single("Say", DEMO_WORDS) }).inspect(|_| {
                self.demo = true;
            }),
            Site::Vapi(_) | Site::OtherVapi if self.is_answered() => Err(Missed::Failed(self.too_late(next))),
            // `inbound_call` is a POST route (V14.1).
            Site::Vapi(_) | Site::OtherVapi if next.method != "POST" => {
                let refused = Outcome::new("rejected", &[APPLICATION_ERROR]);
                Err(Missed::Taken(End::Taken(refused.telling("reason", "wrong_method"))))
            }
            Site::Vapi(region) => {
                self.step(json!({"fetched": next.url, "method": next.method, "status": 200}));
                Err(Missed::Taken(End::Taken(vapi::answer(&self.shared, &self.leg, region).await)))
            }
            Site::OtherVapi => Err(Missed::Taken(End::Taken(vapi::not_found()))),
            Site::Elsewhere => self.request(next).await,
        }
    }

    async fn request(&mut self, next: &Next) -> Result<Document, Missed> {
        let call = Call {
            account: self.leg.account.clone(),
            event: "call.twiml",
            subject: self.leg.call_sid.clone(),
            url: next.url.clone(),
            method: next.method.clone(),
            params: self.form(&next.more),
            fallback: None,
            judge,
        };
        let called = webhooks::call(&self.shared, &call).await;
        for delivery in &called.deliveries {
            let mut step = delivery.show();
            step["fetched"] = step["url"].take();
            step.as_object_mut().map(|step| step.remove("url"));
            step["method"] = json!(next.method);
            self.step(step);
        }
        let answered = called.answer.map_err(Missed::Failed)?;
        let verbs = read(&called.url, &answered).map_err(Missed::Failed)?;
        let document = Document { url: Some(called.url), verbs };
        self.check(&document);
        Ok(document)
    }

    /// Warns of everything in a document that Twilio would not understand (T10 [E]: 12200).
    pub(super) fn check(&self, document: &Document) {
        for (code, text) in schema::warnings(&document.verbs) {
            self.warn(code, &text, document.url.as_deref().unwrap_or_default());
        }
    }

    /// Raises a warning about this call.
    pub(super) fn warn(&self, code: u32, text: &str, url: &str) {
        self.alert(
            "warning",
            alerts::Trouble {
                code,
                text: text.to_owned(),
                request_url: url.to_owned(),
                ..alerts::Trouble::default()
            },
        );
    }

    fn alert(&self, level: &str, trouble: alerts::Trouble) {
        let trouble = alerts::Trouble { resource_sid: self.leg.call_sid.clone(), ..trouble };
        self.shared.lock().alert(&self.leg.account, level, trouble);
    }

    /// Vapi takes only calls that ring: a call in progress cannot be redirected there (V5.6 [D]).
    fn too_late(&mut self, next: &Next) -> Trouble {
        let text = format!("Got HTTP 400 response to {}", next.url);
        let message = json!({"message": ["CallStatus must be one of the following values: ringing"],
            "error": "Bad Request", "statusCode": 400});
        self.step(json!({"fetched": next.url, "method": next.method, "status": 400}));
        self.alert(
            "error",
            alerts::Trouble {
                code: 11200,
                text: text.clone(),
                request_url: next.url.clone(),
                request_method: next.method.clone(),
                response_body: message.to_string(),
                ..alerts::Trouble::default()
            },
        );
        Trouble::new(11200, text)
    }

    /// What a request about this call says.
    pub(super) fn form(&self, more: &Form) -> Form {
        let world = self.shared.lock();
        let call = world.twilio.calls.get(&self.leg.call_sid);
        let mut form = call.map(|call| of_call(call, self.status())).unwrap_or_default();
        form.extend(self.always.iter().cloned());
        form.extend(more.iter().cloned());
        form
    }
}

fn broken(url: String, trouble: &Trouble) -> End {
    End::Broken { url, reason: format!("{} {}", trouble.code, trouble.text) }
}

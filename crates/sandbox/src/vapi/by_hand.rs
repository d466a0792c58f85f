//! What others forward to Vapi by hand: Twilio's own requests at `/twilio/inbound_call`, `/twilio/sms` and
//! `/twilio/status` (V5.6, V14.1). Twilio's signature is not looked at: it was made for another URL (V10 [?]).

use std::sync::Arc;

use hyper::Method;
use serde_json::json;

use super::errors::Problem;
use super::inbound::{self, Accepted};
use super::region::Region;
use super::texts;
use crate::calls::Leg;
use crate::http::{Reply, Request};
use crate::state::Shared;

const XML: &str = "text/xml";

/// What such a request is about, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByHand(What, Region);

#[derive(Debug, Clone, Copy)]
enum What {
    Call,
    Text,
    Status,
}

/// Whether a request is one of these.
pub(crate) fn find(request: &Request) -> Option<ByHand> {
    let below = |(region, prefix): (Region, &str)| {
        Some((region, request.path.strip_prefix(prefix)?.strip_prefix("/twilio/")?))
    };
    let (region, path) =
        Region::ALL.into_iter().find_map(below).filter(|_| request.method == Method::POST)?;
    match path {
        "inbound_call" => Some(ByHand(What::Call, region)),
        "sms" => Some(ByHand(What::Text, region)),
        "status" => Some(ByHand(What::Status, region)),
        _ => None,
    }
}

/// Answers such a request.
pub(crate) async fn handle(shared: &Arc<Shared>, request: &Request, ByHand(what, region): ByHand) -> Reply {
    let form = request.form().pairs().to_vec();
    match what {
        What::Call => inbound_call(shared, &form, region).await,
        What::Text => match texts::receive(shared, &form, region).await {
            Some(()) => {
                Reply::new(200, XML, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>")
            }
            None => Problem::refused("Couldn't Get Phone Number.").reply(),
        },
        What::Status => Reply::json(200, &json!({})),
    }
}

/// Wants a call that rings: a call in progress cannot be redirected here (V5.6 [D]).
async fn inbound_call(shared: &Arc<Shared>, form: &[(String, String)], region: Region) -> Reply {
    let field = |name: &str| {
        let found = form.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut wrong = Vec::new();
    for name in ["CallSid", "AccountSid", "From", "To"] {
        if field(name).is_empty() {
            wrong.push(format!("{name} should not be empty"));
        }
    }
    if field("CallStatus") != "ringing" {
        wrong.push("CallStatus must be one of the following values: ringing".to_owned());
    }
    if !matches!(field("Direction").as_str(), "inbound" | "outbound") {
        wrong.push("Direction must be one of the following values: inbound, outbound".to_owned());
    }
    if !wrong.is_empty() {
        return Problem::invalid(&wrong).reply();
    }
    let leg = Leg {
        call_sid: field("CallSid"),
        account: field("AccountSid"),
        from: field("From"),
        to: field("To"),
        says: shared.lock().phones.get(&field("From")).says,
    };
    match inbound::accept(shared, &leg, region).await {
        Accepted::Call(call) => {
            inbound::expect_stream(&mut shared.lock(), &call);
            // What the real document contains besides the stream is not known (V14.1 [?]).
            let url = format!("{}{call}{}", inbound::STREAM.0, inbound::STREAM.1);
            twiml(&format!("<Connect><Stream url=\"{url}\"/></Connect>"))
        }
        Accepted::No(outcome) => {
            let words: String = outcome.heard.iter().map(|line| say(line)).collect();
            let to = outcome.told("url").map(|to| match to.starts_with("sip:") {
                true => format!("<Dial><Sip>{}</Sip></Dial>", escape(to)),
                false => format!("<Dial>{}</Dial>", escape(to)),
            });
            twiml(&format!("{words}{}", to.unwrap_or_else(|| "<Hangup/>".to_owned())))
        }
    }
}

fn say(words: &str) -> String {
    format!("<Say>{}</Say>", escape(words))
}

fn escape(words: &str) -> String {
    quick_xml::escape::escape(words).into_owned()
}

fn twiml(inside: &str) -> Reply {
    Reply::new(200, XML, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{inside}</Response>"))
}

//! What providers tell us: who is believed (cases T01 to T08), what comes of it, and what is shown of it.

mod tape;
mod twilio;
mod vapi;

use dialtone_testkit::{Answer, Client, TestServer, twilio_signature};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;

const SMS: &str = "/inbox/webhooks/sms";
const STATUS: &str = "/webhooks/twilio/status";
const VOICE: &str = "/webhooks/twilio/voice";
const ALERTS: &str = "/webhooks/twilio/alerts";
const EMPTY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>";

/// A SID of that kind.
fn sid(kind: &str, number: usize) -> String {
    format!("{kind}{number:032x}")
}

/// Fields of a form, as Twilio sends them.
type Form = Vec<(String, String)>;

fn form(fields: &[(&str, &str)]) -> Form {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn pairs(form: &Form) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A text that somebody sent (facts/twilio.md section 10).
fn text(number: usize, account: &str, to: &str) -> Form {
    let message = sid("SM", number);
    form(&[
        ("ToCountry", "US"),
        ("SmsMessageSid", &message),
        ("NumMedia", "0"),
        ("FromZip", ""),
        ("SmsSid", &message),
        ("SmsStatus", "received"),
        ("Body", "Hello, is the suite free? 👍"),
        ("To", to),
        ("NumSegments", "1"),
        ("MessageSid", &message),
        ("AccountSid", account),
        ("From", "+14155550100"),
        ("ApiVersion", "2010-04-01"),
    ])
}

/// Twilio, as it calls us: with an account's token, at the address where it was told that we are.
struct Twilio {
    client: Client,
    base: String,
    token: String,
}

impl Twilio {
    fn new(world: &TestServer, token: &str) -> Self {
        Self { client: world.nobody(), base: world.url().to_owned(), token: token.to_owned() }
    }

    fn signature(&self, path: &str, form: &Form) -> String {
        twilio_signature(&self.token, &format!("{}{path}", self.base), &pairs(form))
    }

    async fn send(&self, path: &str, form: &Form) -> Answer {
        self.send_with(path, form, &[("x-twilio-signature", &self.signature(path, form))]).await
    }

    async fn send_with(&self, path: &str, form: &Form, headers: &[(&str, &str)]) -> Answer {
        let request =
            self.client.request(Method::POST, path).form(form).header("user-agent", "TwilioProxy/1.1");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.client.send(request).await
    }
}

/// Everything in the database but the tape of what was refused, and when somebody last used a credential.
fn rows(world: &TestServer) -> BTreeMap<String, Vec<Value>> {
    let mut rows = world.database().rows();
    rows.retain(|table, _| !["tape", "tape_strangers", "tokens", "sessions"].contains(&table.as_str()));
    rows
}

/// How many rows a table has.
fn count(world: &TestServer, table: &str) -> usize {
    world.database().rows()[table].len()
}

/// The tape as that caller sees it, the newest first.
async fn tape(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/api/v1/tape?{query}")).await.expect(200).body["entries"].as_array().unwrap().clone()
}

//! Short ways to text, for the tests of messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use crate::hook::Seen;
use crate::lab::{Form, Lab, answer};

/// A person's mobile phone.
pub(crate) const PERSON: &str = "+14155550123";

impl Lab {
    /// `POST Messages.json`.
    pub(crate) async fn send(&self, form: Form<'_>) -> (u16, Value) {
        self.twilio("POST", "/Messages.json", form).await
    }

    /// A message that must be created; its SID.
    pub(crate) async fn sent(&self, form: Form<'_>) -> String {
        let (status, message) = self.send(form).await;
        assert_eq!(status, 201, "{message}");
        message["sid"].as_str().unwrap().to_owned()
    }

    /// The code that a message is refused with.
    pub(crate) async fn refused(&self, form: Form<'_>) -> u64 {
        let (status, problem) = self.send(form).await;
        let code = problem["code"].as_u64().unwrap();
        assert_eq!(status, 400, "{problem}");
        code
    }

    pub(crate) async fn message(&self, sid: &str) -> Value {
        let (status, message) = self.twilio("GET", &format!("/Messages/{sid}.json"), &[]).await;
        assert_eq!(status, 200, "{message}");
        message
    }

    /// What a message ends with: its status and its error code.
    pub(crate) async fn end(&self, sid: &str) -> (String, Value) {
        self.advance(10.0).await;
        let message = self.message(sid).await;
        (message["status"].as_str().unwrap().to_owned(), message["error_code"].clone())
    }

    /// All messages of the account, newest first.
    pub(crate) async fn messages(&self, query: &str) -> Vec<Value> {
        let (status, list) = self.twilio("GET", &format!("/Messages.json{query}"), &[]).await;
        assert_eq!(status, 200, "{list}");
        list["messages"].as_array().unwrap().clone()
    }

    pub(crate) async fn advance(&self, seconds: f64) {
        let (status, body) = self.control("POST", "/clock", json!({"advance_s": seconds})).await;
        assert_eq!(status, 200, "{body}");
    }

    /// A US number is registered, so that its texts are delivered.
    pub(crate) async fn register(&self, phone: &str) {
        let (status, body) = self.control("POST", "/registrations", json!({"phone_number": phone})).await;
        assert_eq!(status, 200, "{body}");
    }

    /// Another number of the account.
    pub(crate) async fn own(&self, phone: &str) {
        let (status, body) = self.control("POST", "/numbers", json!({"phone_number": phone})).await;
        assert_eq!(status, 201, "{body}");
    }

    /// Someone texts a number.
    pub(crate) async fn text(&self, to: &str, body: &str) -> Value {
        self.text_from(PERSON, to, body).await
    }

    pub(crate) async fn text_from(&self, from: &str, to: &str, body: &str) -> Value {
        let text = json!({"from": from, "to": to, "body": body});
        let (status, arrival) = self.control("POST", "/messages", text).await;
        assert_eq!(status, 200, "{arrival}");
        arrival
    }

    /// What a phone has read, oldest first.
    pub(crate) async fn read(&self, phone: &str) -> Vec<String> {
        let (_, phones) = self.control("GET", "/phones", json!({})).await;
        let seen = phones[phone]["seen"].as_array().cloned().unwrap_or_default();
        seen.iter().map(|text| text["body"].as_str().unwrap().to_owned()).collect()
    }

    /// The codes in the debugger, oldest first.
    pub(crate) async fn alerts(&self) -> Vec<u64> {
        let (_, saved) = self.control("GET", "/snapshot", json!({})).await;
        let alerts = saved["world"]["twilio"]["alerts"].as_array().unwrap().clone();
        alerts.iter().map(|alert| alert["trouble"]["code"].as_u64().unwrap()).collect()
    }

    pub(crate) async fn setting(&self, messaging: Value) {
        let (status, body) = self.control("POST", "/settings", json!({"messaging": messaging})).await;
        assert_eq!(status, 200, "{body}");
    }

    pub(crate) async fn messaging(&self, method: &str, path: &str, form: Form<'_>) -> (u16, Value) {
        let request = self.request(method, &format!("/twilio/messaging/v1{path}"));
        let request = request.basic_auth(&self.sid, Some(&self.token));
        answer(if method == "POST" { request.form(form) } else { request }).await
    }

    /// A Messaging Service with these numbers; its SID.
    pub(crate) async fn service(&self, form: Form<'_>, numbers: &[&str]) -> String {
        let form = [&[("FriendlyName", "Texts")], form].concat();
        let (status, service) = self.messaging("POST", "/Services", &form).await;
        assert_eq!(status, 201, "{service}");
        let sid = service["sid"].as_str().unwrap().to_owned();
        for phone in numbers {
            let number = self.number_sid(phone).await;
            let path = format!("/Services/{sid}/PhoneNumbers");
            let (status, body) = self.messaging("POST", &path, &[("PhoneNumberSid", &number)]).await;
            assert_eq!(status, 201, "{body}");
        }
        sid
    }
}

/// The signature that a form POST must have, worked out beside the sandbox's own way.
pub(crate) fn signature(token: &str, url: &str, seen: &Seen) -> String {
    let mut fields = seen.fields();
    fields.sort();
    let form: String = fields.into_iter().map(|(name, value)| name + &value).collect();
    let signed = if seen.method == "GET" { url.to_owned() } else { format!("{url}{form}") };
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

//! The sandbox's control API, and the ids of its default state.

use crate::client::Client;
use serde_json::{Value, json};

/// The full Twilio account of the default state.
pub const ACCOUNT: &str = "AC6c3b9aa767f785b537c0d8ba5fa54677";
/// Its auth token.
pub const TOKEN: &str = "e6a6e281320dfbb27c889b8fa460670f";
/// Its first number: calls go to Vapi, which does not know it.
pub const NUMBER: &str = "+14155552671";
/// Its second number, in the same state.
pub const FRENCH: &str = "+33612345678";
/// The private key of the only Vapi organisation.
pub const KEY: &str = "f0d3df0c-24bd-4b30-9e01-7bfdc1404a6e";
/// The name of the assistants that tests make.
pub const ASSISTANT_NAME: &str = "Mia";

/// Twilio and Vapi, seen from behind the stage.
#[derive(Debug, Clone)]
pub struct SandboxClient {
    url: String,
    control: Client,
    vapi: Client,
    twilio: Client,
}

impl SandboxClient {
    /// Of the sandbox at that address.
    pub fn new(url: &str) -> Self {
        let control = Client::new(url);
        let vapi = control.token(KEY);
        let twilio = Client::new(&format!("{url}/twilio/api/2010-04-01/Accounts"));
        Self { url: url.to_owned(), control, vapi, twilio }
    }

    /// The control API.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.control.post(&format!("/sandbox/{path}"), body).await;
        assert!((200..300).contains(&answer.status), "{}", answer.text);
        answer.body
    }

    /// Everything there is.
    pub async fn state(&self) -> Value {
        self.control.get("/sandbox/state").await.expect(200).body
    }

    /// The numbers that the first Vapi organisation has.
    pub async fn vapi_numbers(&self) -> Vec<Value> {
        self.vapi.get("/vapi/phone-number").await.expect(200).body.as_array().unwrap().clone()
    }

    /// Vapi's own API, with the first organisation's key.
    pub fn vapi(&self) -> &Client {
        &self.vapi
    }

    /// A number of the first account, as Twilio shows it.
    pub async fn twilio_number(&self, number: &str) -> Value {
        let path = format!("/{ACCOUNT}/IncomingPhoneNumbers.json?PhoneNumber={}", number.replace('+', "%2B"));
        let request = self.twilio.request(reqwest::Method::GET, &path).basic_auth(ACCOUNT, Some(TOKEN));
        let answer = self.twilio.send(request).await.expect(200);
        answer.body["incoming_phone_numbers"][0].clone()
    }

    /// Changes a number of the first account at Twilio, as someone in its console would.
    pub async fn change_twilio_number(&self, number: &str, fields: &[(&str, &str)]) {
        let sid = self.twilio_number(number).await["sid"].as_str().unwrap().to_owned();
        self.twilio_post(&format!("/{ACCOUNT}/IncomingPhoneNumbers/{sid}.json"), fields).await;
    }

    /// Twilio's own API with the first account's credentials.
    pub async fn twilio_post(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let request = self.twilio.request(reqwest::Method::POST, path).basic_auth(ACCOUNT, Some(TOKEN));
        let answer = self.twilio.send(request.form(fields)).await;
        assert!((200..300).contains(&answer.status), "{}", answer.text);
        answer.body
    }

    /// Makes the first account's secondary auth token (`Secondary`), or makes it the primary (`Promote`); gives it.
    pub async fn secondary_token(&self, step: &str) -> String {
        let accounts = Client::new(&format!("{}/twilio/accounts/v1/AuthTokens", self.url));
        let request = accounts.request(reqwest::Method::POST, &format!("/{step}"));
        let body = accounts.send(request.basic_auth(ACCOUNT, Some(TOKEN))).await.body;
        let token = body["secondary_auth_token"].as_str().or(body["auth_token"].as_str());
        token.unwrap_or_else(|| panic!("{body}")).to_owned()
    }

    /// What a caller hears.
    pub async fn call(&self, number: &str) -> Value {
        self.control("calls", json!({ "from": "+14155550100", "to": number })).await
    }

    /// Makes an elastic SIP trunk of the first account.
    pub async fn create_trunk(&self, name: &str) -> Value {
        let trunks = Client::new(&format!("{}/twilio/trunking/v1", self.url));
        let request = trunks.request(reqwest::Method::POST, "/Trunks").basic_auth(ACCOUNT, Some(TOKEN));
        trunks.send(request.form(&[("FriendlyName", name)])).await.expect(201).body
    }

    /// Releases a number of the first account.
    pub async fn release(&self, number: &str) {
        let sid = self.twilio_number(number).await["sid"].as_str().unwrap().to_owned();
        let path = format!("/{ACCOUNT}/IncomingPhoneNumbers/{sid}.json");
        let request = self.twilio.request(reqwest::Method::DELETE, &path).basic_auth(ACCOUNT, Some(TOKEN));
        self.twilio.send(request).await.expect(204);
    }

    /// Makes the next matching requests fail.
    pub async fn fault(&self, method: &str, path: &str, times: u32, fault: Value) {
        let body = json!({ "method": method, "path": path, "times": times, "fault": fault });
        self.control("faults", body).await;
    }

    /// No faults any more.
    pub async fn heal(&self) {
        self.control.delete("/sandbox/faults").await;
    }

    /// Makes an assistant in Vapi's own dashboard; gives its id.
    pub async fn create_assistant(&self, name: &str) -> String {
        let answer =
            self.vapi.post("/vapi/assistant", json!({ "name": name, "firstMessage": "Good day!" })).await;
        answer.expect(201).body["id"].as_str().unwrap().to_owned()
    }

    /// The provider requests so far.
    pub async fn requests(&self) -> Vec<Value> {
        let body = self.control.get("/sandbox/requests").await.expect(200).body;
        body["requests"].as_array().or(body.as_array()).unwrap().clone()
    }
}

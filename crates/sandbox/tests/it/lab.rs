//! One sandbox per test, and short ways to talk to it.

use std::io::{Read, Write};
use std::net::TcpListener;

use dialtone_sandbox::Sandbox;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub(crate) const VAPI_URL: &str = "https://api.vapi.ai/twilio/inbound_call";
pub(crate) const US: &str = "+14155552671";
pub(crate) const FR: &str = "+33612345678";
pub(crate) const CALLER: &str = "+14155550100";

pub(crate) struct Lab {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: Client,
    /// The full account, its token, and the org's private key.
    pub(crate) sid: String,
    pub(crate) token: String,
    pub(crate) key: String,
}

pub(crate) type Form<'f> = &'f [(&'f str, &'f str)];

impl Lab {
    pub(crate) async fn new() -> Lab {
        rustls::crypto::ring::default_provider().install_default().ok();
        let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        let mut lab = Lab { sandbox, http, sid: String::new(), token: String::new(), key: String::new() };
        let (status, state) = lab.control("POST", "/reset", json!({"seed": 0})).await;
        assert_eq!(status, 200);
        lab.control("POST", "/strict", json!({"enabled": true})).await;
        lab.sid = state["accounts"][0]["sid"].as_str().unwrap().to_owned();
        lab.token = state["accounts"][0]["auth_token"].as_str().unwrap().to_owned();
        lab.key = state["orgs"][0]["private_key"].as_str().unwrap().to_owned();
        lab
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(method.parse::<Method>().unwrap(), format!("{}{path}", self.sandbox.url()))
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answered = answer(self.request(method, &format!("/sandbox{path}")).json(&body)).await;
        if ["/calls", "/clock", "/messages"].contains(&path) {
            self.webhooks_are_as_described().await;
        }
        answered
    }

    async fn webhooks_are_as_described(&self) {
        let (_, found) = answer(self.request("GET", "/sandbox/violations")).await;
        let sent = |row: &&Value| row["of"] == "webhook";
        let found: Vec<&Value> = found["violations"].as_array().unwrap().iter().filter(sent).collect();
        assert!(found.is_empty(), "webhooks are not as described: {found:?}");
    }

    /// Below the full account, with its token; `path` starts after the account's SID.
    pub(crate) async fn twilio(&self, method: &str, path: &str, form: Form<'_>) -> (u16, Value) {
        let path = format!("/2010-04-01/Accounts/{}{path}", self.sid);
        self.twilio_as(&self.sid, &self.token, method, &path, form).await
    }

    pub(crate) async fn twilio_as(
        &self,
        user: &str,
        secret: &str,
        method: &str,
        path: &str,
        form: Form<'_>,
    ) -> (u16, Value) {
        let request = self.request(method, &format!("/twilio/api{path}")).basic_auth(user, Some(secret));
        answer(if method == "POST" { request.form(form) } else { request }).await
    }

    pub(crate) async fn trunking(&self, method: &str, path: &str, form: Form<'_>) -> (u16, Value) {
        self.twilio_product("trunking", method, path, form).await
    }

    /// Any product of Twilio, with the full account's token; `path` starts with the version.
    pub(crate) async fn twilio_product(
        &self,
        product: &str,
        method: &str,
        path: &str,
        form: Form<'_>,
    ) -> (u16, Value) {
        let request = self.request(method, &format!("/twilio/{product}{path}"));
        let request = request.basic_auth(&self.sid, Some(&self.token));
        answer(if method == "POST" { request.form(form) } else { request }).await
    }

    pub(crate) async fn vapi(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.vapi_as(&self.key, method, path, body).await
    }

    pub(crate) async fn vapi_as(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(method, &format!("/vapi{path}")).bearer_auth(key);
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn call(&self, to: &str) -> Value {
        let (status, answer) = self.control("POST", "/calls", json!({"from": CALLER, "to": to})).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The SID of the account's number.
    pub(crate) async fn number_sid(&self, phone: &str) -> String {
        let path = format!("/IncomingPhoneNumbers.json?PhoneNumber=%2B{}", &phone[1..]);
        let (_, list) = self.twilio("GET", &path, &[]).await;
        list["incoming_phone_numbers"][0]["sid"].as_str().unwrap().to_owned()
    }

    /// Changes the account's number.
    pub(crate) async fn set(&self, phone: &str, form: Form<'_>) -> (u16, Value) {
        let sid = self.number_sid(phone).await;
        self.twilio("POST", &format!("/IncomingPhoneNumbers/{sid}.json"), form).await
    }

    pub(crate) async fn assistant(&self, name: &str) -> String {
        let body = json!({"name": name, "firstMessage": format!("Hello, this is {name}.")});
        let (status, assistant) = self.vapi("POST", "/assistant", body).await;
        assert_eq!(status, 201, "{assistant}");
        assistant["id"].as_str().unwrap().to_owned()
    }

    /// What an import of the account's number into Vapi sends.
    pub(crate) fn import_body(&self, phone: &str, more: Value) -> Value {
        let mut body = json!({"provider": "twilio", "number": phone,
            "twilioAccountSid": self.sid, "twilioAuthToken": self.token});
        if let Value::Object(more) = more {
            body.as_object_mut().unwrap().extend(more);
        }
        body
    }

    pub(crate) async fn import(&self, phone: &str, more: Value) -> (u16, Value) {
        self.vapi("POST", "/phone-number", self.import_body(phone, more)).await
    }
}

/// Status and JSON body; a body that is not JSON is shown as text.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    // Every test is a test of conformance too: strict mode names what is wrong with an answer.
    if let Some(wrong) = response.headers().get("sandbox-violation") {
        panic!("the answer is not as described: {}", wrong.to_str().unwrap());
    }
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(json!(text)))
}

/// A web server for one request: answers `status` and `body`, and returns what it was sent.
pub(crate) fn serve_once(status: u16, body: Value) -> (String, std::thread::JoinHandle<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if let Some((head, sent)) = text.split_once("\r\n\r\n") {
                let length = head.to_lowercase();
                let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                if sent.len() >= length.parse().unwrap() {
                    let body = body.to_string();
                    let length = body.len();
                    write!(
                        stream,
                        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                    )
                    .unwrap();
                    return (head.to_owned(), serde_json::from_str(sent).unwrap());
                }
            }
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the request broke off");
            seen.extend_from_slice(&buffer[..count]);
        }
    });
    (url, thread)
}

//! Passkeys, by an authenticator in software: real ceremonies over HTTP.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use dialtone_testkit::{Answer, Browser, PASSWORD, TestServer, on_each_engine};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const OWNER: &str = "owner@example.com";
const ORIGIN: &str = "http://localhost";
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const WITH_KEY: u8 = 0x40;

/// One passkey on a device that has verified its person.
#[derive(Clone)]
struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    user: Value,
    counter: u32,
    /// What the page's address is, as far as the browser knows.
    origin: &'static str,
    party: &'static str,
    flags: u8,
}

impl Authenticator {
    fn new(seed: u8) -> Self {
        let key = SigningKey::from_slice(&[seed; 32]).unwrap();
        let flags = PRESENT | VERIFIED;
        Self {
            key,
            id: vec![seed; 16],
            user: Value::Null,
            counter: 0,
            origin: ORIGIN,
            party: "localhost",
            flags,
        }
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let challenge = &options["challenge"];
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
    }

    fn data(&mut self, flags: u8) -> Vec<u8> {
        self.counter += 1;
        let party: [u8; 32] = Sha256::digest(self.party).into();
        [&party[..], &[flags], &self.counter.to_be_bytes()].concat()
    }

    /// `navigator.credentials.create`
    fn create(&mut self, options: &Value) -> Value {
        self.user = options["user"]["id"].clone();
        let point = self.key.verifying_key().to_encoded_point(false);
        let cose_key = [
            &[0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20][..],
            point.x().unwrap(),
            &[0x22, 0x58, 0x20],
            point.y().unwrap(),
        ]
        .concat();
        let head = self.data(self.flags | WITH_KEY);
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let data = [&head[..], &[0; 16], &length, &self.id, &cose_key].concat();
        let attestation = [
            b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x58".as_slice(),
            &[u8::try_from(data.len()).unwrap()],
            &data,
        ]
        .concat();
        self.answer(&json!({
            "clientDataJSON": BASE64.encode(self.client_data("webauthn.create", options)),
            "attestationObject": BASE64.encode(attestation),
            "transports": ["internal"],
        }))
    }

    /// `navigator.credentials.get`
    fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(self.flags);
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        let signature: Signature = self.key.sign(&signed);
        self.answer(&json!({
            "clientDataJSON": BASE64.encode(client_data),
            "authenticatorData": BASE64.encode(data),
            "signature": BASE64.encode(signature.to_der()),
            "userHandle": self.user,
        }))
    }

    fn answer(&self, response: &Value) -> Value {
        let id = BASE64.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
                "clientExtensionResults": {}, "response": response })
    }
}

async fn signed_in(world: &TestServer) -> Browser {
    let mut browser = Browser::new(&world.nobody());
    browser.post("/api/v1/session", json!({ "email": OWNER, "password": PASSWORD })).await.expect(200);
    browser
}

async fn register(browser: &mut Browser, device: &mut Authenticator) -> Answer {
    let start = browser.post("/api/v1/me/factors/passkeys/options", json!({})).await.expect(200).body;
    let credential = device.create(&start["options"]);
    let new = json!({ "ticket": start["ticket"], "name": "Laptop", "credential": credential });
    browser.post("/api/v1/me/factors/passkeys", new).await
}

async fn begin(browser: &mut Browser) -> Value {
    browser.post("/api/v1/session/passkey/options", json!({})).await.expect(200).body
}

async fn finish(browser: &mut Browser, start: &Value, credential: &Value) -> Answer {
    browser
        .post("/api/v1/session/passkey", json!({ "ticket": start["ticket"], "credential": credential }))
        .await
}

/// Passkeys are for an address with a name.
fn named(config: &mut dialtone_app::Config) {
    ORIGIN.clone_into(&mut config.public_url);
}

on_each_engine! { with named;
    async fn a_passkey_signs_in_alone_and_is_a_second_factor(world: TestServer) {
        let methods = world.nobody().get("/api/v1/sign-in-methods").await.expect(200).body;
        assert_eq!((&methods["password"], &methods["passkey"], &methods["openid"]), (&json!(true), &json!(true), &Value::Null));
        let mut home = signed_in(&world).await;
        let mut device = Authenticator::new(7);
        let added = register(&mut home, &mut device).await.expect(201).body;
        assert_eq!(added["recovery_codes"].as_array().unwrap().len(), 10);
        register(&mut home, &mut device.clone()).await.problem(400, "passkey_not_added");

        let mut browser = Browser::new(&world.nobody());
        let start = begin(&mut browser).await;
        let credential = device.get(&start["options"]);
        let session = finish(&mut browser, &start, &credential).await.expect(200).body;
        assert_eq!(session["session"]["member"]["email"], OWNER);
        browser.get("/api/v1/lines").await.expect(200);

        // The password alone is no longer enough.
        let mut other = Browser::new(&world.nobody());
        let first = other.post("/api/v1/session", json!({ "email": OWNER, "password": PASSWORD })).await.expect(202).body;
        assert_eq!(first["second_factor"]["methods"], json!(["passkey", "recovery_code"]));

        let list = home.get("/api/v1/me/factors").await.expect(200).body["factors"]["passkeys"].clone();
        assert!(list[0]["last_used_at"].is_string());
        let path = format!("/api/v1/me/factors/passkeys/{}", list[0]["id"].as_str().unwrap());
        home.send(reqwest::Method::PATCH, &path, Some(&json!({ "name": "Desk" }))).await.expect(200);
        let list = home.get("/api/v1/me/factors").await.expect(200).body["factors"]["passkeys"].clone();
        assert_eq!(list[0]["name"], "Desk");
        world.add_user("eve@example.org", "Globex", dialtone_domain::Role::Owner).await;
        let mut eve = Browser::new(&world.nobody());
        eve.post("/api/v1/session", json!({ "email": "eve@example.org", "password": PASSWORD })).await.expect(200);
        eve.send(reqwest::Method::PATCH, &path, Some(&json!({ "name": "Mine" }))).await.problem(404, "not_found");
        eve.post(&format!("{path}/remove"), json!({})).await.problem(404, "not_found");
        home.post(&format!("{path}/remove"), json!({})).await.expect(200);
        home.post(&format!("{path}/remove"), json!({})).await.problem(404, "not_found");
        let start = begin(&mut browser).await;
        let credential = device.get(&start["options"]);
        finish(&mut browser, &start, &credential).await.problem(401, "passkey_refused");
    }

    async fn t15_a_passkey_answers_this_page_this_browser_and_this_time(world: TestServer) {
        let mut home = signed_in(&world).await;
        let mut device = Authenticator::new(7);
        for wrong in [
            Authenticator { origin: "https://evil.example", ..device.clone() },
            Authenticator { party: "evil.example", ..device.clone() },
            Authenticator { flags: PRESENT, ..device.clone() },
        ] {
            register(&mut home, &mut wrong.clone()).await.problem(400, "passkey_not_added");
        }
        register(&mut home, &mut device).await.expect(201);
        device.counter = 10;

        let mut browser = Browser::new(&world.nobody());
        for wrong in [
            Authenticator { origin: "https://evil.example", ..device.clone() },
            Authenticator { party: "evil.example", ..device.clone() },
            Authenticator { flags: PRESENT, ..device.clone() },
            Authenticator { key: SigningKey::from_slice(&[9; 32]).unwrap(), ..device.clone() },
            Authenticator { user: json!(BASE64.encode([1; 16])), ..device.clone() },
            Authenticator { id: vec![1; 16], ..device.clone() },
        ] {
            let start = begin(&mut browser).await;
            let credential = wrong.clone().get(&start["options"]);
            finish(&mut browser, &start, &credential).await.problem(401, "passkey_refused");
        }
        let start = begin(&mut browser).await;
        let credential = device.get(&start["options"]);
        // Another browser has not begun this; in this one it works, and once.
        finish(&mut Browser::new(&world.nobody()), &start, &credential).await.problem(401, "passkey_refused");
        let mut replay = browser.clone();
        finish(&mut browser, &start, &credential).await.expect(200);
        finish(&mut replay, &start, &credential).await.problem(401, "passkey_refused");
        // A counter that went back is a copy of the key.
        let mut copy = Authenticator { counter: 3, ..device.clone() };
        let start = begin(&mut browser).await;
        let credential = copy.get(&start["options"]);
        finish(&mut browser, &start, &credential).await.problem(401, "passkey_refused");
    }
}

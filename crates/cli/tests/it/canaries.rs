//! T26: secrets of every kind are planted and used, at the finest level of the log and with traces on; then every
//! byte that the program left anywhere is searched for them, in every way in which bytes are written as text.

use crate::collector::collector;
use crate::harness::{Engine, dialtone, http, logs, never_logged, run, unique, wait_for};
use crate::site::{NUMBER, Site};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;

const PASSWORD: &str = "canary pass/word+26";
const WRONG_PASSWORD: &str = "canary guess/word+27";
const MAIL_PASSWORD: &str = "canary-mail-pw_28";
const URL_PASSWORD: &str = "canary-url-pw_29";
const DATABASE_PASSWORD: &str = "canary-db-pw_30";
const WRONG_TOKEN: &str = "c4a417c4a417c4a417c4a417c4a417ff";
const WRONG_KEY: &str = "ca9a4731-24bd-4b30-9e01-7bfdc1404a99";

/// All ways in which the secret can be written.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let all: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let spaced = percent.replace('+', "%20");
    let mut found = vec![secret.to_owned(), hex.to_uppercase(), hex, percent, spaced, all];
    for offset in 0..3 {
        // What stands before it shifts the letters of base64; those that also tell of the neighbours are left out.
        let shifted = [vec![0; offset], secret.as_bytes().to_vec()].concat();
        for text in [BASE64_STANDARD_NO_PAD.encode(&shifted), BASE64_URL_SAFE_NO_PAD.encode(&shifted)] {
            let (from, to) = (offset + usize::from(offset > 0), shifted.len() * 8 / 6);
            found.push(text[from..to].to_owned());
        }
    }
    found.into_iter().map(String::into_bytes).collect()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(needle) {
            return true;
        }
        from += at + 1;
    }
    false
}

/// What is searched, each with a name.
#[derive(Default)]
pub(crate) struct Haystack(Vec<(String, Vec<u8>)>);

impl Haystack {
    fn add(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((name.to_owned(), bytes.into()));
    }

    /// Every file below the folder.
    pub(crate) fn add_files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => self.add_files(&entry.path()),
                false => self.add(&entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()),
            }
        }
    }

    /// The name of something that holds these bytes.
    pub(crate) fn holder(&self, bytes: &[u8]) -> Option<&str> {
        self.0.iter().find(|(_, all)| holds(all, bytes)).map(|(name, _)| name.as_str())
    }

    /// The secrets that are in it, with where and how.
    pub(crate) fn find(&self, secrets: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        for secret in secrets {
            for spelling in spellings(secret) {
                for (name, bytes) in self.0.iter().filter(|(_, bytes)| holds(bytes, &spelling)) {
                    let at = String::from_utf8_lossy(&spelling).into_owned();
                    found.push(format!("{name} ({} bytes) holds {secret} as {at}", bytes.len()));
                }
            }
        }
        found
    }
}

/// Sends a request and keeps the answer, head and body, for the search.
async fn keep(hay: &mut Haystack, name: &str, request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("the server answers");
    let (status, head) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
    let body = answer.text().await.expect("the answer is text");
    hay.add(name, format!("{head}{body}"));
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// Everything that an owner and a stranger do with secrets.
async fn use_secrets(site: &Site, hay: &mut Haystack) {
    let (account, token, key) = site.credentials().await;
    let wrong = json!({ "account_sid": account, "auth_token": WRONG_TOKEN });
    let right = json!({ "account_sid": account, "auth_token": token });
    let (import, line) = ("/api/v1/phone-numbers/import-twilio", format!("/api/v1/lines/{NUMBER}"));
    let assistant = json!({ "name": "Desk" });
    let given =
        json!({ "phone_number": NUMBER, "twilio_account_sid": account, "twilio_auth_token": WRONG_TOKEN });
    let server = json!({ "server_url": "https://calls.example.com/v" });
    for (method, path, body) in [
        (Method::PUT, "/api/v1/twilio-settings", wrong),
        (Method::PUT, "/api/v1/twilio-settings", right),
        (Method::PUT, "/api/v1/vapi-settings", json!({ "api_key": WRONG_KEY })),
        (Method::PUT, "/api/v1/vapi-settings", json!({ "api_key": key })),
        (Method::GET, "/api/v1/twilio-settings", Value::Null),
        (Method::POST, "/api/v1/assistants", assistant),
        (Method::GET, &format!("{line}/checks"), Value::Null),
        (Method::POST, import, given),
        (Method::POST, import, json!({ "phone_number": NUMBER })),
        (Method::PATCH, &line, server),
        (Method::GET, &line, Value::Null),
        (Method::GET, "/api/v1/operations", Value::Null),
        (Method::GET, "/metrics", Value::Null),
        // Secrets where they do not belong.
        (Method::GET, &format!("/api/v1/lines?token={}", site.token), Value::Null),
        (Method::GET, &format!("/api/v1/lines/{}", site.token), Value::Null),
        (Method::GET, "/sign-in/canary-code-in-a-path", Value::Null),
        (Method::POST, "/api/v1/tokens", json!({ "name": token, "role": key })),
    ] {
        let request = http().request(method.clone(), format!("{}{path}", site.url)).bearer_auth(&site.token);
        let request = if body.is_null() { request } else { request.json(&body) };
        keep(hay, &format!("{method} {path}"), request).await;
    }
    for password in [WRONG_PASSWORD, site.password] {
        let body = json!({ "email": "o@example.com", "password": password });
        // The right one's answer is the cookie, which is the browser's.
        let answer = http().post(format!("{}/api/v1/session", site.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status() == 200, password == site.password);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t26_no_secret_is_in_any_byte_that_the_program_leaves() {
    let (url, traces) = collector();
    let log = logs().join(format!("{}.log", unique("canaries")));
    let file = File::create(&log).unwrap();
    let site = Site::start(Engine::Sqlite, PASSWORD, |command| {
        command.stderr(file.try_clone().unwrap());
        command.env("DIALTONE_LOG_FORMAT", "json").env("DIALTONE_OTLP_URL", &url);
        command.env("DIALTONE_SMTP_URL", format!("smtp://mail:{MAIL_PASSWORD}@127.0.0.1:1"));
    })
    .await;
    let (account, token, key) = site.credentials().await;
    // What somebody else has put at the provider is shown, without the password in it.
    let sids =
        format!("{}/twilio/api/2010-04-01/Accounts/{account}/IncomingPhoneNumbers", site.sandbox.url());
    let numbers =
        http().get(format!("{sids}.json?PhoneNumber=%2B14155552671")).basic_auth(&account, Some(&token));
    let numbers: Value = numbers.send().await.unwrap().json().await.unwrap();
    let sid = numbers["incoming_phone_numbers"][0]["sid"].as_str().unwrap();
    let voice = [("VoiceUrl", format!("https://hook:{URL_PASSWORD}@voice.example.com/in"))];
    let change = http().post(format!("{sids}/{sid}.json")).basic_auth(&account, Some(&token)).form(&voice);
    assert_eq!(change.send().await.unwrap().status(), 200);

    let mut hay = Haystack::default();
    use_secrets(&site, &mut hay).await;
    let checks = hay.0.iter().find(|(name, _)| name.ends_with("/checks")).unwrap();
    assert!(String::from_utf8_lossy(&checks.1).contains("voice.example.com/in"), "it is not shown at all");
    hay.add("/proc/cmdline", std::fs::read(format!("/proc/{}/cmdline", site.server.id())).unwrap());
    for arguments in [&["config"][..], &["config", "-o", "json"]] {
        let mut command = dialtone(arguments);
        command.env("DIALTONE_DATABASE_URL", format!("postgres://me:{DATABASE_PASSWORD}@127.0.0.1:1/d"));
        command.env("DIALTONE_MASTER_KEY", WRONG_TOKEN);
        hay.add("dialtone config", run(&mut command, "").out);
    }
    let mut unreachable = dialtone(&["token", "create", "--email", "o@example.com", "--role", "owner"]);
    unreachable.env("DIALTONE_DATABASE_URL", format!("postgres://me:{DATABASE_PASSWORD}@127.0.0.1:1/d"));
    let ended = run(unreachable.env("DIALTONE_DATA_DIR", site.place.folder()), "");
    assert_eq!(ended.code, 1, "{}", ended.error);
    hay.add("an unreachable database", format!("{}{}", ended.out, ended.error));

    let secrets: Vec<String> = [
        PASSWORD,
        WRONG_PASSWORD,
        MAIL_PASSWORD,
        URL_PASSWORD,
        DATABASE_PASSWORD,
        WRONG_TOKEN,
        WRONG_KEY,
        &site.token,
        &token,
        &key,
    ]
    .map(str::to_owned)
    .to_vec();
    secrets.iter().for_each(|secret| never_logged(secret));
    // The database while it is open, with its log, and what a stop leaves of it.
    hay.add_files(site.place.folder());
    let Site { place, server, .. } = site;
    assert!(server.stop().success());
    wait_for("the last traces", async || holds(&traces.bytes(), b"provider call").then_some(())).await;
    hay.add_files(place.folder());
    hay.add("the log", std::fs::read(&log).unwrap());
    hay.add("the traces", traces.bytes());
    for (what, at_least) in [("the log", 20_000), ("the traces", 5_000)] {
        let found = hay.0.iter().find(|(name, _)| name == what).unwrap();
        assert!(found.1.len() > at_least, "{what} has {} bytes only", found.1.len());
    }
    let mut found = hay.find(&secrets);
    // What others have put into their addresses is kept for undo, which puts it back; it is only never shown.
    let database = place.folder().join("dialtone.db").display().to_string();
    found.retain(|line| !(line.starts_with(&database) && line.contains(URL_PASSWORD)));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn t26_the_search_finds_every_spelling() {
    let secret = "s3cret/with+all?of it";
    for spelling in spellings(secret) {
        let mut hay = Haystack::default();
        hay.add("x", [b"before ".to_vec(), spelling.clone(), b" after".to_vec()].concat());
        assert!(!hay.find(&[secret.to_owned()]).is_empty(), "{}", String::from_utf8_lossy(&spelling));
    }
    for before in ["", "a", "ab", "abc"] {
        let mut hay = Haystack::default();
        hay.add("x", BASE64_STANDARD_NO_PAD.encode(format!("{before}{secret}:rest")));
        assert!(!hay.find(&[secret.to_owned()]).is_empty(), "behind {before:?}");
    }
    let mut hay = Haystack::default();
    hay.add("x", "nothing of it: s3cret/with+all?of");
    assert!(hay.find(&[secret.to_owned()]).is_empty());
}

//! No secret passes the border, wherever a provider puts it (issue 2 item 5).

use crate::stub::{ACCOUNT, KEY, PHONE, Stub, TOKEN, json};
use axum::response::Response;
use dialtone_domain::Language;
use dialtone_providers::vapi::VapiNumberPatch;
use dialtone_providers::{Twilio, Vapi};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex};

const NAMES: [&str; 11] = [
    "auth_token",
    "authToken",
    "twilioAuthToken",
    "twilioApiKey",
    "twilioApiSecret",
    "serverUrlSecret",
    "authentication",
    "monitor",
    "listenUrl",
    "controlUrl",
    "secret",
];

const ID: &str = "00000000-0000-4000-8000-0000000000c1";

/// A made-up secret, of any of the usual shapes, that can be searched for.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9a-f]{32}", "sk_live_[A-Za-z]{16}[0-9]{8}", "[a-z]{4}[0-9]{4}[A-Z]{20}"]
}

/// Something with the secret in a place that secrets have.
fn planted(secret: &str, name: &str, depth: usize) -> Value {
    let leaf = match depth % 3 {
        0 => json!(secret),
        1 => json!({"deep": [secret]}),
        _ => json!([{"listenUrl": format!("wss://x/{secret}/listen")}]),
    };
    let mut fields = Map::new();
    fields.insert(name.to_owned(), leaf);
    let mut value = Value::Object(fields);
    for level in 0..depth {
        value = match level % 2 {
            0 => json!({"inner": value}),
            _ => json!({"items": [value, 1]}),
        };
    }
    value
}

fn answer(secret: &str, extra: &Value) -> Value {
    json!({
        "id": ID, "sid": ACCOUNT, "phone_number": PHONE, "provider": "twilio", "number": PHONE, "status": "active",
        "server": {"url": "https://x", "secret": secret, "headers": {"X-Dialtone-Secret": secret, "Other": secret}},
        "extra": extra, "twilioAuthToken": secret, "auth_token": secret,
    })
}

/// What comes out as values, all of it, and as problems, in every way to show them.
async fn everything(twilio: &Twilio, vapi: &Vapi) -> (String, String) {
    let phone = PHONE.parse().unwrap();
    let id = ID.parse().unwrap();
    let account = twilio.account().await;
    let number = vapi.update_number(id, &VapiNumberPatch::default()).await;
    let assistant = vapi.assistant(ID.parse().unwrap()).await;
    let found = number.as_ref().ok().cloned().map(|number| (number.extra, number.server, number.name));
    let made = assistant.as_ref().ok().cloned().flatten().map(|assistant| assistant.extra);
    let values = format!("{account:?} {number:?} {assistant:?} {found:?} {made:?}");
    let problems = [
        account.err(),
        number.err(),
        assistant.err(),
        twilio.number(&phone).await.err(),
        vapi.delete_number(id).await.err(),
        vapi.numbers_matching(&phone).await.err(),
    ];
    let shown = problems.iter().flatten().map(|problem| {
        let json = serde_json::to_string(problem).unwrap();
        format!("{problem} {problem:?} {json} {}", problem.message(Language::En))
    });
    (values, shown.collect())
}

#[test]
fn no_planted_secret_comes_out_anywhere() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let next: Arc<Mutex<(u16, Value)>> = Arc::default();
    let current = next.clone();
    let stub = runtime.block_on(Stub::start(move |seen, _| -> Response {
        let (status, body) = current.lock().unwrap().clone();
        // Both also repeat the credential that they were sent.
        let own = if seen.path().starts_with("/twilio") { TOKEN } else { KEY };
        let body = body.to_string().replace("OWN", own);
        json(status, &body.parse().unwrap())
    }));
    let (twilio, vapi) = (stub.twilio(), stub.vapi());
    let name = prop::sample::select(NAMES.to_vec());
    let prose = prop::sample::select(vec![
        "token {} is wrong",
        "Authorization: Bearer {}",
        "{\"twilioAuthToken\":\"{}\"}",
        "apiSecret={}, sorry",
        "{}",
    ]);
    let status = prop::sample::select(vec![200, 400, 401, 403, 404, 500]);
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    runner
        .run(&(secret(), name, 0..5usize, prose, status), |(secret, name, depth, prose, status)| {
            let extra = planted(&secret, name, depth);
            let mut body = answer(&secret, &extra);
            body["echo"] = json!("you sent OWN");
            if status != 200 {
                let echo = format!("{} OWN {PHONE}", prose.replace("{}", &secret));
                body["message"] = if depth % 2 == 0 { json!(echo) } else { json!([echo, "x"]) };
                body["code"] = json!(secret);
            }
            *next.lock().unwrap() = (status, body);
            let (values, problems) = runtime.block_on(everything(&twilio, &vapi));
            for hidden in [secret.as_str(), TOKEN, KEY] {
                prop_assert!(!values.contains(hidden) && !problems.contains(hidden), "{values} {problems}");
            }
            prop_assert!(!problems.contains(PHONE), "{problems}");
            prop_assert_eq!(values.contains("you sent [removed]"), status == 200);
            Ok(())
        })
        .unwrap();
}

#[test]
fn clients_do_not_print_their_credentials() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stub = runtime.block_on(Stub::start(|_, _| json(200, &Value::Null)));
    let printed = format!("{:?} {:?}", stub.twilio(), stub.vapi());
    assert!(!printed.contains(TOKEN) && !printed.contains(KEY) && !printed.contains("QUMwMTIz"), "{printed}");
}

/// Where log lines go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_call_is_one_log_line_without_numbers_and_secrets() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(log);
    let stub =
        Stub::start(|_, _| json(400, &json!({"code": 21211, "message": format!("{PHONE} {TOKEN} {KEY}")})))
            .await;
    let phone = PHONE.parse().unwrap();
    assert!(stub.twilio().number(&phone).await.is_err());
    assert!(stub.vapi().numbers_matching(&phone).await.is_err());
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let calls: Vec<&str> = lines.lines().filter(|line| line.contains(": provider call ")).collect();
    assert_eq!(calls.len(), 2, "{lines}");
    for part in
        ["Twilio", "method=GET", "/Accounts/{sid}/IncomingPhoneNumbers.json", "status=400", "duration_ms="]
    {
        assert!(calls[0].contains(part), "{part} in {}", calls[0]);
    }
    for hidden in [&PHONE[1..], TOKEN, KEY] {
        assert!(!lines.contains(hidden), "{lines}");
    }
}

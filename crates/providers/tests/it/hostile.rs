//! A hostile provider (case T43): each outcome of the fault list on each call of both clients. None panics, none waits
//! or reads without end, no change is sent twice, no redirect is followed, and what cannot be read is never taken for
//! an absence.

use crate::stub::{self, ACCOUNT, PHONE};
use dialtone_domain::{Code, Problem, SecretString};
use dialtone_providers::twilio::NumberUpdate;
use dialtone_providers::vapi::{ImportTwilio, NewAssistant, VapiNumberPatch};
use dialtone_providers::{Limits, Twilio, Vapi};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ID: &str = "00000000-0000-4000-8000-0000000000c1";

type Outcome = Pin<Box<dyn Future<Output = Result<String, Problem>> + Send>>;

/// A call of a client: its name, whether it changes something, and how it is made. What it answers is told as text.
struct Call {
    name: &'static str,
    writes: bool,
    make: fn(Twilio, Vapi) -> Outcome,
}

macro_rules! calls {
    ($($name:literal $writes:literal |$twilio:ident, $vapi:ident| $call:expr),+ $(,)?) => {
        [$(Call {
            name: $name,
            writes: $writes,
            make: |$twilio, $vapi| {
                let _ = (&$twilio, &$vapi);
                Box::pin(async move { Ok(format!("{:?}", $call.await?)) })
            },
        }),+]
    };
}

fn import() -> ImportTwilio {
    ImportTwilio {
        phone: PHONE.parse().unwrap(),
        account_sid: ACCOUNT.parse().unwrap(),
        auth_token: SecretString::from(stub::TOKEN),
        name: "Line".into(),
        assistant_id: None,
        sms_enabled: false,
        server: None,
    }
}

fn assistant() -> NewAssistant {
    NewAssistant {
        name: "Mia".into(),
        first_message: "Hello".into(),
        system_prompt: "Be kind".into(),
        language: "en".into(),
    }
}

fn all() -> [Call; 19] {
    let _ = PHONE;
    calls! {
        "twilio account" false |twilio, vapi| twilio.account(),
        "twilio subaccounts" false |twilio, vapi| twilio.subaccounts(),
        "twilio number" false |twilio, vapi| twilio.number(&PHONE.parse().unwrap()),
        "twilio numbers" false |twilio, vapi| twilio.numbers(),
        "twilio number in" false |twilio, vapi| twilio.number_in(&ACCOUNT.parse().unwrap(), &PHONE.parse().unwrap()),
        "twilio caller id" false |twilio, vapi| twilio.is_caller_id(&PHONE.parse().unwrap()),
        "twilio alerts" false |twilio, vapi| twilio.alerts_after(jiff::Timestamp::UNIX_EPOCH),
        "twilio alert" false |twilio, vapi| twilio.alert("NO0123456789abcdef0123456789abcdef"),
        "twilio update" true |twilio, vapi| twilio.update_number(&format!("PN{}", "0".repeat(32)).parse().unwrap(), &NumberUpdate::default()),
        "vapi assistants" false |twilio, vapi| vapi.assistants(),
        "vapi assistant" false |twilio, vapi| vapi.assistant(ID.parse().unwrap()),
        "vapi create assistant" true |twilio, vapi| vapi.create_assistant(&assistant()),
        "vapi numbers" false |twilio, vapi| vapi.phone_numbers(),
        "vapi numbers matching" false |twilio, vapi| vapi.numbers_matching(&PHONE.parse().unwrap()),
        "vapi import" true |twilio, vapi| vapi.import_twilio(&import()),
        "vapi update" true |twilio, vapi| vapi.update_number(ID.parse().unwrap(), &VapiNumberPatch::default()),
        "vapi delete" true |twilio, vapi| vapi.delete_number(ID.parse().unwrap()),
        "vapi last calls" false |twilio, vapi| vapi.last_calls(ID.parse().unwrap(), 1),
        "vapi calls" false |twilio, vapi| vapi.calls_after(jiff::Timestamp::UNIX_EPOCH),
    }
}

/// What the provider does with a connection.
#[derive(Clone)]
enum Does {
    /// Writes this and closes.
    Writes(Vec<u8>),
    /// Writes this, then one byte after the other.
    Drips(Vec<u8>),
    /// Writes this, then never stops writing.
    Floods(Vec<u8>),
    /// Says nothing.
    Waits,
}

fn answer(status: &str, headers: &str, body: &str) -> Does {
    let length = body.len();
    Does::Writes(
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}

/// The outcomes of the fault list that are none of success.
fn outcomes() -> Vec<(&'static str, Does)> {
    let json = "content-type: application/json\r\n";
    let refusal = r#"{"code": 21422, "message": "not available", "status": 422}"#;
    let limited =
        |after: &str| answer("429 x", &format!("{json}retry-after: {after}\r\n"), r#"{"code": 20429}"#);
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{".to_vec();
    let flood = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[".to_vec();
    vec![
        ("400", answer("400 x", json, refusal)),
        ("401", answer("401 x", json, r#"{"code": 20003, "message": "Authenticate"}"#)),
        ("403", answer("403 x", json, "{}")),
        ("409", answer("409 x", json, r#"{"message": ["a", "b"]}"#)),
        ("422", answer("422 x", json, refusal)),
        ("429 at once", limited("0")),
        ("429 of a negative time", limited("-1")),
        ("429 of an absurd time", limited("1000000000")),
        ("429 of a date", limited("Wed, 21 Oct 2037 07:28:00 GMT")),
        ("500", answer("500 x", json, "{}")),
        ("502 in HTML", answer("502 x", "content-type: text/html\r\n", "<html><h1>Bad gateway</h1></html>")),
        ("503", answer("503 x", "", "")),
        ("no answer", Does::Waits),
        ("reset", Does::Writes(Vec::new())),
        ("cut in the body", Does::Writes(head.clone())),
        ("truncated", answer("200 OK", json, r#"[{"id": "0000"#)),
        ("HTML", answer("200 OK", "content-type: text/html\r\n", "<html>maintenance</html>")),
        ("null", answer("200 OK", json, "null")),
        ("a number", answer("200 OK", json, "7")),
        ("a text", answer("200 OK", json, "\"ok\"")),
        ("deep", answer("200 OK", json, &format!("{}{}", "[".repeat(5000), "]".repeat(5000)))),
        ("drip", Does::Drips(head)),
        ("flood", Does::Floods(flood)),
        ("redirect", answer("302 x", "location: {elsewhere}\r\n", "")),
        ("permanent redirect", answer("308 x", "location: {elsewhere}\r\n", "")),
        ("another protocol", Does::Writes(b"220 mail.example ESMTP\r\n".to_vec())),
        (
            "two lengths",
            Does::Writes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n[]".to_vec()),
        ),
    ]
}

/// A provider that does this with every connection, and how often it was asked.
async fn provider(does: Does) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (does, count) = (does.clone(), count.clone());
            tokio::spawn(async move {
                if Box::pin(read_request(&mut stream)).await {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                match does {
                    Does::Writes(bytes) => drop(stream.write_all(&bytes).await),
                    Does::Drips(bytes) => {
                        let _ = stream.write_all(&bytes).await;
                        while stream.write_all(b" ").await.is_ok() {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                    Does::Floods(bytes) => {
                        let _ = stream.write_all(&bytes).await;
                        while stream.write_all(&[b' '; 64 << 10]).await.is_ok() {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                    }
                    Does::Waits => std::future::pending::<()>().await,
                }
            });
        }
    });
    (url, asked)
}

/// Reads a whole request: what is left unread when a connection closes would take the answer with it.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut text = Vec::new();
    loop {
        let mut part = [0; 16 << 10];
        match stream.read(&mut part).await {
            Ok(read @ 1..) => text.extend_from_slice(&part[..read]),
            _ => return !text.is_empty(),
        }
        let seen = String::from_utf8_lossy(&text);
        let Some((head, body)) = seen.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return true;
        }
    }
}

fn limits() -> Limits {
    Limits { timeout: Duration::from_millis(600), ..stub::quick() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t43_no_call_survives_a_hostile_answer_badly() {
    let (elsewhere, led_astray) = provider(answer("200 OK", "", "{}")).await;
    for (outcome, does) in outcomes() {
        let does = match does {
            Does::Writes(bytes) => Does::Writes(
                String::from_utf8(bytes).unwrap().replace("{elsewhere}", &elsewhere).into_bytes(),
            ),
            other => other,
        };
        // Side by side: most of these outcomes are waits.
        let calls = all().into_iter().map(|call| {
            let does = does.clone();
            async move {
                let (url, asked) = provider(does).await;
                let began = Instant::now();
                let made = (call.make)(stub::twilio(&url, limits()), stub::vapi(&url, limits())).await;
                let what = format!("{outcome} on {}", call.name);
                assert!(began.elapsed() < Duration::from_secs(15), "{what}");
                // A deletion is answered by its status; what else is said does not matter.
                if call.name == "vapi delete" && ["null", "a number", "a text"].contains(&outcome) {
                    assert!(made.is_ok(), "{what}");
                    return;
                }
                let problem = made.expect_err(&what);
                assert_ne!(problem.code, Code::Internal, "{what}");
                let asked = asked.load(Ordering::SeqCst);
                let limited = problem.code == Code::ProviderRateLimited;
                assert!(asked <= if call.writes && !limited { 1 } else { 3 }, "{what}: asked {asked} times");
                let refused = outcome.starts_with(['4']);
                let unclear = problem.code == Code::ProviderUnclear;
                assert!(unclear == (call.writes && !refused) || outcome == "401", "{what}: {problem}");
            }
        });
        futures(calls).await;
    }
    assert_eq!(led_astray.load(Ordering::SeqCst), 0, "no redirect was followed");
}

/// All of them, side by side; a panic in one is a panic here.
async fn futures<F: Future<Output = ()> + Send + 'static>(all: impl Iterator<Item = F>) {
    let tasks: Vec<_> = all.map(tokio::spawn).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn t43_an_endless_answer_is_ended_by_its_size() {
    let flood = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[".to_vec();
    let (url, asked) = provider(Does::Floods(flood)).await;
    let limits = Limits { body: 256 << 10, timeout: Duration::from_secs(3), ..stub::quick() };
    let problem = stub::vapi(&url, limits).assistants().await.unwrap_err();
    // One that was ended by its time would have been unreachable, and asked three times.
    assert_eq!((problem.code, asked.load(Ordering::SeqCst)), (Code::ProviderFailed, 1));
}

/// Lists whose items cannot be read: the number may be among them.
#[tokio::test]
async fn t43_what_cannot_be_read_is_no_absence() {
    let number = |changes: serde_json::Value| {
        let mut number = serde_json::json!({
            "sid": format!("PN{}", "0".repeat(32)), "phone_number": PHONE, "voice_url": "https://x.example",
            "id": ID, "number": PHONE, "provider": "twilio", "assistantId": ID,
        });
        number.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        number
    };
    let broken = [
        serde_json::json!({ "sid": 7, "id": null }),
        serde_json::json!({ "sid": "XX", "id": "x" }),
        serde_json::json!({ "phone_number": null, "id": {} }),
        serde_json::json!({ "voice_url": 7, "assistantId": 7 }),
        serde_json::json!({ "trunk_sid": "nonsense", "assistantId": "nonsense" }),
        serde_json::json!({ "voice_application_sid": [], "twilioAccountSid": [] }),
    ];
    for changes in broken {
        let item = number(changes.clone());
        let body = serde_json::json!({ "incoming_phone_numbers": [item], "results": [item] });
        let (url, _) =
            provider(answer("200 OK", "content-type: application/json\r\n", &body.to_string())).await;
        let phone = PHONE.parse().unwrap();
        let twilio = stub::twilio(&url, limits()).number(&phone).await;
        assert_eq!(twilio.map_err(|problem| problem.code).unwrap_err(), Code::ProviderFailed, "{changes}");
        let vapi = stub::vapi(&url, limits()).numbers_matching(&phone).await;
        assert_eq!(vapi.map_err(|problem| problem.code).unwrap_err(), Code::ProviderFailed, "{changes}");
    }
    // The twin: the same number, whole, is found, and an empty list is an absence.
    let whole = number(serde_json::json!({}));
    for (items, found) in [(vec![whole], 1), (vec![], 0)] {
        let body = serde_json::json!({ "incoming_phone_numbers": items, "results": items });
        let (url, _) =
            provider(answer("200 OK", "content-type: application/json\r\n", &body.to_string())).await;
        let phone = PHONE.parse().unwrap();
        assert_eq!(stub::twilio(&url, limits()).number(&phone).await.unwrap().iter().count(), found);
        assert_eq!(stub::vapi(&url, limits()).numbers_matching(&phone).await.unwrap().items.len(), found);
    }
}

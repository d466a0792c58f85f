//! The control API: state, reset, clock, bad input (design, section 7).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use dialtone_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::hook::{Hook, Reply};
use crate::lab::{FR, Lab, US, VAPI_URL, answer};

#[tokio::test]
async fn equal_seeds_give_equal_states() {
    let (one, two) = (Lab::new().await, Lab::new().await);
    for lab in [&one, &two] {
        lab.control("POST", "/reset", json!({"seed": 7})).await;
        let (_, state) = lab.control("GET", "/state", json!({})).await;
        let key = state["orgs"][0]["private_key"].as_str().unwrap().to_owned();
        lab.vapi_as(&key, "POST", "/assistant", json!({"name": "Mia"})).await;
        lab.call(US).await;
    }
    let (_, first) = one.control("GET", "/state", json!({})).await;
    let (_, second) = two.control("GET", "/state", json!({})).await;
    assert_eq!(first, second);
    let (_, other) = two.control("POST", "/reset", json!({"seed": 8})).await;
    assert_ne!(first["accounts"][0]["sid"], other["accounts"][0]["sid"]);
}

#[tokio::test]
async fn ids_are_the_same_at_every_start() {
    let lab = Lab::new().await;
    let other = Sandbox::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let state = lab.http.get(format!("{}/sandbox/state", other.url())).send().await.unwrap();
    let state: Value = state.json().await.unwrap();
    assert_eq!(state["accounts"][0]["sid"], json!(lab.sid));
    assert_eq!(state["accounts"][0]["auth_token"], json!(lab.token));
    assert_eq!(state["vapi"]["orgs"][0]["private_key"], json!(lab.key));
    assert_eq!(state["clock"]["speed"], json!(1.0));
}

#[tokio::test]
async fn the_default_state_is_the_users_story() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let full = &state["accounts"][0];
    assert_eq!(
        (&full["type"], &full["status"], &full["balance"]),
        (&json!("Full"), &json!("active"), &json!("50.00"))
    );
    for (index, phone) in [US, FR].into_iter().enumerate() {
        assert_eq!(full["numbers"][index]["phone_number"], phone);
        assert_eq!(full["numbers"][index]["voice_url"], VAPI_URL);
    }
    assert_eq!(state["accounts"][1]["type"], "Trial");
    assert_eq!(state["accounts"][1]["numbers"].as_array().unwrap().len(), 1);
    assert_eq!(state["orgs"][0]["assistants"], json!([]));
    assert_eq!(state["numbers"].as_array().unwrap().len(), 3);
    assert_eq!(state["messages"], json!([]));
}

#[tokio::test]
async fn accounts_orgs_and_numbers_can_be_added() {
    let lab = Lab::new().await;
    let (status, account) = lab.control("POST", "/accounts", json!({"type": "trial", "balance": 3.5})).await;
    assert_eq!((status, &account["type"], &account["balance"]), (201, &json!("Trial"), &json!("3.50")));
    let body = json!({"account_sid": account["sid"], "phone_number": "+33712345678", "voice_url": "",
        "sms_url": "https://a.example/"});
    let (status, number) = lab.control("POST", "/numbers", body.clone()).await;
    assert_eq!((status, &number["account_sid"]), (201, &account["sid"]));
    assert_eq!(lab.call("+33712345678").await["outcome"], "no_route");
    assert_eq!(lab.control("POST", "/numbers", body).await.0, 400);
}

#[tokio::test]
async fn bad_input_is_a_sentence_and_never_a_500() {
    let lab = Lab::new().await;
    let sid = lab.sid.clone();
    let cases = [
        ("POST", "/calls", json!({"from": "x", "to": US}), 400),
        ("POST", "/calls", json!({"from": US}), 400),
        ("POST", "/calls", json!({"from": US, "to": "hello"}), 400),
        ("POST", "/accounts", json!({"type": "gold"}), 400),
        ("POST", "/accounts", json!({"balance": "much"}), 400),
        ("POST", "/accounts", json!({"owner_account_sid": "AC1"}), 400),
        ("POST", "/accounts/AC1", json!({}), 400),
        ("POST", "/orgs/x", json!({"rotate_keys": true}), 404),
        ("POST", "/keys", json!({"account_sid": sid, "type": "restricted"}), 400),
        ("POST", "/numbers", json!({"phone_number": "+14155553000", "sid": "PN1"}), 400),
        ("POST", "/numbers", json!({"phone_number": "+14155553000", "voice_url": 5}), 400),
        ("POST", "/numbers", json!({"phone_number": "12"}), 400),
        ("POST", "/caller-ids", json!({"phone_number": "12"}), 400),
        ("POST", "/clock", json!({"advance_s": -1}), 400),
        ("POST", "/clock", json!({"speed": 1e300}), 400),
        ("POST", "/reset", json!({"seed": "x"}), 400),
        ("POST", "/faults", json!({"path": "(", "fault": {"status": 500}}), 400),
        ("POST", "/faults", json!([]), 400),
        ("GET", "/nothing", json!({}), 404),
        ("DELETE", "/state", json!({}), 405),
    ];
    for (method, path, body, expected) in cases {
        let (status, answer) = lab.control(method, path, body.clone()).await;
        assert_eq!(status, expected, "{method} {path} {body}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    let not_json = lab.request("POST", "/sandbox/calls").body("{");
    assert_eq!(answer(not_json).await.0, 400);
    let too_long = lab.request("POST", "/sandbox/calls").body(vec![b' '; 3 << 20]);
    assert_eq!(answer(too_long).await.0, 413);
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_by_name_and_changes_nothing() {
    let lab = Lab::new().await;
    let rule = json!({"path": ".", "times": 1, "fault": {"status": 500}});
    assert_eq!(lab.control("POST", "/faults", rule).await.0, 201);
    let account = format!("/accounts/{}", lab.sid);
    let (_, before) = lab.control("GET", "/state", json!({})).await;
    let org = format!("/orgs/{}", before["orgs"][0]["id"].as_str().unwrap());
    for (method, path, mut body) in [
        ("POST", "/calls", json!({"from": US, "to": FR})),
        ("POST", "/reset", json!({"seed": 7})),
        ("POST", "/clock", json!({"advance_s": 60})),
        ("POST", "/accounts", json!({"type": "trial"})),
        ("POST", &account, json!({"rotate_token": true})),
        ("POST", "/keys", json!({"type": "main"})),
        ("POST", "/numbers", json!({"phone_number": "+14155553000"})),
        ("POST", "/caller-ids", json!({"phone_number": "+14155553000"})),
        ("POST", "/orgs", json!({"name": "other"})),
        ("POST", &org, json!({"rotate_keys": true})),
        ("POST", "/faults", json!({"path": ".", "fault": {"status": 500}})),
        ("DELETE", "/faults", json!({})),
    ] {
        body["rotate_tokens"] = json!(true);
        let (status, answer) = lab.control(method, path, body).await;
        assert_eq!(status, 400, "{method} {path}");
        assert!(answer["error"].as_str().unwrap().contains("rotate_tokens"), "{method} {path} {answer}");
    }
    let (_, after) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(before, after);
    assert_eq!(after["faults"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn time_passes_when_told_to() {
    let lab = Lab::new().await;
    let (_, before) = lab.control("GET", "/clock", json!({})).await;
    assert!(before["now"].as_str().unwrap().starts_with("2026-01-01T00:00:00"));
    let (_, after) = lab.control("POST", "/clock", json!({"advance_s": 3600})).await;
    assert!(after["now"].as_str().unwrap().starts_with("2026-01-01T01:00:00"));
    let id = lab.assistant("Mia").await;
    let (_, assistant) = lab.vapi("GET", &format!("/assistant/{id}"), Value::Null).await;
    assert!(assistant["createdAt"].as_str().unwrap().starts_with("2026-01-01T01:00:00"));
}

#[tokio::test]
async fn stopping_and_dropping_close_the_port_and_open_connections() {
    for drops in [false, true] {
        let sandbox = Sandbox::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr: SocketAddr = sandbox.url()["http://".len()..].parse().unwrap();
        let reader = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(addr).unwrap();
            stream.write_all(b"GET /sandbox/clock HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            let mut first = [0; 1];
            stream.read_exact(&mut first).unwrap();
            stream
        });
        let mut stream = reader.await.unwrap();
        if drops {
            drop(sandbox);
        } else {
            sandbox.stop().await;
        }
        let closed = tokio::task::spawn_blocking(move || {
            // The open connection ends, in whatever way, and then nobody listens any more.
            let _ = stream.read_to_end(&mut Vec::new());
            (0..1_000_000).any(|_| TcpStream::connect(addr).is_err())
        });
        assert!(closed.await.unwrap());
    }
}

#[tokio::test]
async fn the_readme_names_the_default_credentials() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let readme = include_str!("../../README.md");
    let trial = &state["accounts"][1];
    for named in
        [json!(lab.sid), json!(lab.token), json!(lab.key), trial["sid"].clone(), trial["auth_token"].clone()]
    {
        assert!(readme.contains(named.as_str().unwrap()), "{named}");
    }
}

/// A sandbox with a text on its way, whose status callback is not answered before the gate opens.
async fn with_a_slow_callback() -> (Lab, Hook, Arc<Notify>) {
    let (lab, hook, gate) = (Lab::new().await, Hook::new().await, Arc::new(Notify::new()));
    hook.answer("/told", [Reply::status(204).held(&gate), Reply::status(204)]);
    let told = hook.url("/told");
    let form = [("From", FR), ("To", "+33612345600"), ("Body", "Hi"), ("StatusCallback", told.as_str())];
    assert_eq!(lab.twilio("POST", "/Messages.json", &form).await.0, 201);
    (lab, hook, gate)
}

#[tokio::test]
async fn time_that_a_client_does_not_wait_for_passes_all_the_same() {
    let (lab, hook, gate) = with_a_slow_callback().await;
    let advance = lab.request("POST", "/sandbox/clock").json(&json!({"advance_s": 3_600})).send();
    let impatient = tokio::spawn(advance);
    hook.wait(1).await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    // The connection is closed before the callback is answered.
    lab.control("GET", "/clock", json!({})).await;
    gate.notify_one();
    hook.wait(2).await;
    lab.control("POST", "/clock", json!({"advance_s": 0})).await;
    let (_, list) = lab.twilio("GET", "/Messages.json", &[]).await;
    assert_eq!(list["messages"][0]["status"], "delivered");
    let (_, clock) = lab.control("GET", "/clock", json!({})).await;
    assert!(clock["now"].as_str().unwrap() > "2026-01-01T01:00:00", "{clock}");
}

#[tokio::test]
async fn a_new_beginning_waits_for_the_step_of_time_that_is_under_way() {
    let (lab, hook, gate) = with_a_slow_callback().await;
    let step = tokio::spawn(lab.request("POST", "/sandbox/clock").json(&json!({"advance_s": 3_600})).send());
    hook.wait(1).await;
    let reset = tokio::spawn(lab.request("POST", "/sandbox/reset").json(&json!({"seed": 0})).send());
    lab.control("GET", "/clock", json!({})).await;
    gate.notify_one();
    assert_eq!(step.await.unwrap().unwrap().status(), 200);
    assert_eq!(reset.await.unwrap().unwrap().status(), 200);
    let (_, clock) = lab.control("GET", "/clock", json!({})).await;
    assert_eq!(clock["now"], "2026-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn the_log_keeps_only_the_beginning_of_a_long_address() {
    let lab = Lab::new().await;
    let (path, query) = ("x".repeat(20_000), "y".repeat(20_000));
    assert_eq!(answer(lab.request("GET", &format!("/vapi/{path}?{query}"))).await.0, 404);
    let (_, log) = lab.control("GET", "/requests", json!({})).await;
    let entry = log["requests"].as_array().unwrap().last().unwrap();
    assert!(entry.to_string().len() < 40_000, "{}", entry.to_string().len());
}

#[tokio::test]
async fn a_number_in_a_path_may_be_encoded() {
    let lab = Lab::new().await;
    let (status, phone) = lab.control("POST", "/phones/%2B14155550177", json!({"on_call": "busy"})).await;
    assert_eq!((status, &phone["+14155550177"]["behaviour"]["on_call"]), (200, &json!("busy")));
    assert_eq!(lab.control("GET", "/sandbox/state", json!({})).await.0, 404);
}

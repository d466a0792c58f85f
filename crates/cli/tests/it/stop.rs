//! A server that is asked to stop: what was asked of it is answered, and what it was doing goes on in the next one.

use crate::harness::{Engine, PATIENCE, get, http, wait_for};
use crate::site::{NUMBER, Site};
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Asks again and again, each time on a connection of its own, until nobody takes one any more. What was asked before
/// the server was told to stop is answered.
async fn ask(url: String, token: String, answered: Arc<AtomicU32>, told: Arc<AtomicBool>) {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(PATIENCE);
    let client = client.build().expect("a client can be made");
    loop {
        let may_fail = told.load(Ordering::SeqCst);
        match client.get(&url).bearer_auth(&token).send().await {
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) if may_fail => return,
            // It was told in between, and listens no more: nothing was sent.
            Err(error) if error.is_connect() && told.load(Ordering::SeqCst) => return,
            Err(error) => panic!("a request was lost: {error:?}"),
        }
    }
}

async fn plays_out(engine: Engine) {
    if !engine.is_here() {
        return;
    }
    let site = Site::start(engine, "stop test password", |_| ()).await;
    site.prepare().await;
    let events = http().get(format!("{}/api/v1/events", site.url)).bearer_auth(&site.token);
    let events = events.send().await.unwrap();
    let (answered, told) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let lines = format!("{}/api/v1/lines", site.url);
    let asker = |_| tokio::spawn(ask(lines.clone(), site.token.clone(), answered.clone(), told.clone()));
    let askers: Vec<_> = (0..6).map(asker).collect();
    // The import is in the middle of a slow answer when the server is asked to stop.
    let slow =
        json!({ "method": "POST", "path": "/vapi/phone-number", "times": 1, "fault": { "delay_ms": 1500 } });
    site.control("faults", &slow).await;
    let import = http().post(format!("{}/api/v1/phone-numbers/import-twilio", site.url));
    let import = import.bearer_auth(&site.token).json(&json!({ "phone_number": NUMBER }));
    let import = tokio::spawn(import.send());
    wait_for("the import to be under way", async || {
        let log = get(&format!("{}/sandbox/requests", site.sandbox.url()), None).await.1;
        let mut asked = log["requests"].as_array()?.iter();
        let begun = asked.any(|row| row["method"] == "POST" && row["path"] == "/vapi/phone-number");
        (begun && answered.load(Ordering::Relaxed) > 20).then_some(())
    })
    .await;

    let Site { place, sandbox, server, token, .. } = site;
    let asked = Instant::now();
    told.store(true, Ordering::SeqCst);
    assert!(server.stop().success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    for asker in askers {
        asker.await.unwrap();
    }
    let import = import.await.unwrap().expect("the import was answered");
    assert!([201, 202].contains(&import.status().as_u16()), "{}", import.status());
    let said = events.text().await.expect("the stream ends in order");
    assert!(said.contains("retry: 2000"), "{said}");

    let (_server, url) = Site::serve(&place, &sandbox, &|_| ());
    wait_for("the operation to go on", async || {
        let lines = get(&format!("{url}/api/v1/lines"), Some(&token)).await.1;
        (lines["lines"][0]["health"] == "working").then_some(())
    })
    .await;
    let numbers = get(&format!("{url}/api/v1/phone-numbers"), Some(&token)).await.1;
    assert_eq!(numbers["phone_numbers"].as_array().map(Vec::len), Some(1), "{numbers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_before_a_stop_is_answered_sqlite() {
    plays_out(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_before_a_stop_is_answered_postgres() {
    plays_out(Engine::Postgres).await;
}

#[tokio::test]
async fn a_server_that_drains_answers_and_says_that_it_is_not_ready() {
    let site = Site::start(Engine::Sqlite, "drain test password", |command| {
        command.env("DIALTONE_DRAIN_SECONDS", "300");
    })
    .await;
    let ready = format!("{}/readyz", site.url);
    assert_eq!(get(&ready, None).await.0, 200);
    site.server.tell("TERM");
    let answer = wait_for("it to say that it stops", async || {
        let (status, answer) = get(&ready, None).await;
        (status == 503).then_some(answer)
    });
    assert_eq!(
        answer.await["checks"],
        json!({ "database": "ok", "effects": "ok", "master_key": "ok", "staying": "failing" })
    );
    assert_eq!(site.send(Method::GET, "/api/v1/lines", &json!(null)).await.0, 200);
    // Whoever asks twice does not want to wait.
    site.server.tell("TERM");
    assert_eq!(site.server.wait().code(), Some(1));
}

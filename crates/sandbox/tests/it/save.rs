//! The state saved and loaded: over HTTP, and in a file.

use dialtone_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::hook::Hook;
use crate::lab::{FR, Lab, US};

/// The bytes of a snapshot.
async fn snapshot(lab: &Lab) -> String {
    let answer = lab.request("GET", "/sandbox/snapshot").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

async fn load(lab: &Lab, snapshot: String) -> (u16, Value) {
    crate::lab::answer(lab.request("PUT", "/sandbox/snapshot").body(snapshot)).await
}

/// A number that asks `hook` who answers, and tells it how that went, by webhooks that come a minute late.
async fn prepare(lab: &Lab, hook: &Hook) {
    let server = json!({"server": {"url": hook.url("/vapi")}});
    assert_eq!(lab.import(US, server).await.0, 201);
    let late =
        json!({"webhook": {"event": "assistant-request|status-update"}, "times": 2, "fault": {"late_s": 60}});
    assert_eq!(lab.control("POST", "/faults", late).await.0, 201);
    let seldom = json!({"path": "/squad", "probability": 0.5, "fault": {"status": 503}});
    assert_eq!(lab.control("POST", "/faults", seldom).await.0, 201);
    lab.control("POST", "/settings", json!({"vapi_requests_per_minute": 1000})).await;
    lab.call(US).await;
}

/// Some requests whose answers depend on all of what was saved.
async fn go_on(lab: &Lab) -> Vec<Value> {
    let mut seen = Vec::new();
    lab.control("POST", "/clock", json!({"advance_s": 120})).await;
    for _ in 0..20 {
        seen.push(json!(lab.vapi("GET", "/squad", Value::Null).await.0));
    }
    seen.push(json!(lab.assistant("Mia").await));
    seen.push(lab.call(FR).await);
    let (status, bought) = lab.twilio("POST", "/IncomingPhoneNumbers.json", &[("AreaCode", "415")]).await;
    assert_eq!(status, 201, "{bought}");
    seen.push(bought);
    seen
}

#[tokio::test]
async fn a_loaded_state_goes_on_as_the_saved_one_does() {
    let hook = Hook::new().await;
    let (one, two) = (Lab::new().await, Lab::new().await);
    prepare(&one, &hook).await;
    assert_eq!(hook.seen().len(), 0, "the webhooks are still due");
    two.control("POST", "/reset", json!({"seed": 99})).await;
    let saved = snapshot(&one).await;
    let (status, loaded) = load(&two, saved.clone()).await;
    assert_eq!((status, &loaded["seed"]), (200, &json!(0)));
    assert_eq!(snapshot(&two).await, saved, "to the letter");
    let first = go_on(&one).await;
    assert_eq!(hook.seen().len(), 2);
    assert_eq!(go_on(&two).await, first);
    assert_eq!(hook.seen().len(), 4, "a job that was due when it was saved is done");
    assert_eq!(snapshot(&two).await, snapshot(&one).await);
}

#[tokio::test]
async fn what_is_no_snapshot_is_refused_and_changes_nothing() {
    let lab = Lab::new().await;
    let saved = snapshot(&lab).await;
    let mut other: Value = serde_json::from_str(&saved).unwrap();
    other["version"] = json!(2);
    let mut fast: Value = serde_json::from_str(&saved).unwrap();
    fast["world"]["clock"]["speed"] = json!(1e300);
    let half = saved[..saved.len() / 2].to_owned();
    for (bad, why) in [
        (String::new(), "no saved sandbox"),
        ("{}".to_owned(), "no saved sandbox"),
        ("{\"version\": 1}".to_owned(), "world"),
        (half, "no saved sandbox"),
        (other.to_string(), "version 2"),
        (fast.to_string(), "speed"),
    ] {
        let (status, answer) = load(&lab, bad).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(why), "{answer}");
    }
    assert_eq!(snapshot(&lab).await, saved);
    assert_eq!(lab.control("POST", "/save", json!({})).await.0, 400, "it was started without a file");
}

#[tokio::test]
async fn a_state_file_is_loaded_at_the_start_and_saved_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let options =
        Options { seed: Some(5), speed: Some(0.0), state: Some(file.clone()), ..Options::default() };
    let address = "127.0.0.1:0".parse().unwrap();
    let http = Lab::new().await.http;
    let post = async |sandbox: &Sandbox, path: &str, body: Value| {
        let answer = http.post(format!("{}/sandbox/{path}", sandbox.url())).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        answer.json::<Value>().await.unwrap()
    };
    let sandbox = Sandbox::open(address, options.clone()).await.unwrap();
    let account = post(&sandbox, "accounts", json!({"friendly_name": "kept"})).await;
    post(&sandbox, "save", json!({})).await;
    post(&sandbox, "accounts", json!({"friendly_name": "lost"})).await;
    drop(sandbox);
    let sandbox = Sandbox::open(address, options.clone()).await.unwrap();
    let state = http.get(format!("{}/sandbox/state", sandbox.url())).send().await.unwrap();
    let state: Value = state.json().await.unwrap();
    assert_eq!(state["seed"], 5);
    let last = state["accounts"].as_array().unwrap().last().unwrap();
    assert_eq!(last["sid"], account["sid"]);
    post(&sandbox, "orgs", json!({"name": "new"})).await;
    sandbox.save().unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().contains("\"new\""));
    drop(sandbox);
    std::fs::write(&file, "{\"version\": 1").unwrap();
    assert!(Sandbox::open(address, options).await.is_err(), "a broken file is not silently replaced");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"version\": 1");
}

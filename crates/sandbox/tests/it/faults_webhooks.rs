//! Webhooks that go wrong on their way (V14.7, T23.8), and faults that depend on chance or on the provider.

use serde_json::{Value, json};

use crate::hook::{Hook, Reply, Seen};
use crate::lab::{CALLER, FR, Lab, US};

const OTHER_CALLER: &str = "+14155550101";

/// A lab whose US number asks the hook who answers.
async fn lab_with(hook: &Hook) -> Lab {
    let lab = Lab::new().await;
    let assistant = json!({"assistant": {"firstMessage": "Good day!"}}).to_string();
    hook.answer("/vapi", [Reply::new(200, "application/json", assistant)]);
    let server = json!({"server": {"url": hook.url("/vapi")}});
    assert_eq!(lab.import(US, server).await.0, 201);
    lab
}

async fn fault(lab: &Lab, rule: Value) -> Value {
    let (status, body) = lab.control("POST", "/faults", rule).await;
    assert_eq!(status, 201, "{body}");
    body
}

async fn call(lab: &Lab, from: &str) -> String {
    let (status, answer) = lab.control("POST", "/calls", json!({"from": from, "to": US})).await;
    assert_eq!(status, 200, "{answer}");
    answer["outcome"].as_str().unwrap().to_owned()
}

/// Who called, by the `assistant-request`s that came.
fn callers(seen: &[Seen]) -> Vec<String> {
    callers_by("assistant-request", seen)
}

/// Who called, by the server messages of one type that came.
fn callers_by(kind: &str, seen: &[Seen]) -> Vec<String> {
    let message = |seen: &Seen| serde_json::from_str::<Value>(&seen.body).unwrap()["message"].clone();
    let caller = |message: Value| message["call"]["customer"]["number"].as_str().unwrap().to_owned();
    // Other messages name it too, where they say why a call ended.
    let asked = seen.iter().map(message).filter(|message| message["type"] == kind);
    asked.map(caller).collect()
}

async fn log(lab: &Lab) -> Vec<(Value, Value)> {
    let (_, log) = lab.control("GET", "/webhooks", json!({})).await;
    let entries = log["webhooks"].as_array().unwrap().clone();
    let asked = entries.iter().filter(|entry| entry["event"] == "assistant-request");
    asked.map(|entry| (entry["fault"].clone(), entry["status"].clone())).collect()
}

#[tokio::test]
async fn a_lost_webhook_is_believed_to_have_arrived() {
    let hook = Hook::new().await;
    let lab = lab_with(&hook).await;
    fault(&lab, json!({"webhook": {"event": "^assistant-request$"}, "times": 1, "fault": {"lost": true}}))
        .await;
    assert_ne!(call(&lab, CALLER).await, "answered", "an empty answer names nobody");
    assert_eq!(callers(&hook.seen()), Vec::<String>::new());
    assert_eq!(log(&lab).await, [(json!("lost"), Value::Null)]);
    assert_eq!(call(&lab, CALLER).await, "answered");
}

#[tokio::test]
async fn a_doubled_webhook_comes_twice_and_its_first_answer_counts() {
    let hook = Hook::new().await;
    let lab = lab_with(&hook).await;
    fault(&lab, json!({"webhook": {"url": "/vapi$"}, "provider": "vapi", "fault": {"doubled": true}})).await;
    assert_eq!(call(&lab, CALLER).await, "answered");
    assert_eq!(callers(&hook.seen()), [CALLER, CALLER]);
    assert_eq!(log(&lab).await, [(Value::Null, json!(200)), (json!("doubled"), json!(200))]);
}

#[tokio::test]
async fn a_late_webhook_comes_after_its_time() {
    let hook = Hook::new().await;
    let lab = lab_with(&hook).await;
    fault(&lab, json!({"webhook": {"event": "assistant"}, "times": 1, "fault": {"late_s": 90.5}})).await;
    assert_ne!(call(&lab, CALLER).await, "answered");
    lab.control("POST", "/clock", json!({"advance_s": 90})).await;
    assert_eq!(callers(&hook.seen()), Vec::<String>::new());
    lab.control("POST", "/clock", json!({"advance_s": 1})).await;
    assert_eq!(callers(&hook.seen()), [CALLER]);
    assert_eq!(log(&lab).await, [(json!("late"), json!(200))]);
}

#[tokio::test]
async fn a_reordered_webhook_is_overtaken_by_the_next_one() {
    let hook = Hook::new().await;
    let lab = lab_with(&hook).await;
    let rule =
        json!({"webhook": {"event": "assistant-request"}, "times": 1, "fault": {"reordered": "event"}});
    fault(&lab, rule).await;
    assert_ne!(call(&lab, CALLER).await, "answered");
    assert_eq!(call(&lab, OTHER_CALLER).await, "answered");
    assert_eq!(callers(&hook.seen()), [OTHER_CALLER, CALLER]);
    assert_eq!(log(&lab).await, [(Value::Null, json!(200)), (json!("reordered"), json!(200))]);
}

#[tokio::test]
async fn a_reordered_webhook_that_none_overtakes_comes_after_a_minute() {
    let hook = Hook::new().await;
    let lab = lab_with(&hook).await;
    // The last message about a call: none about the same one comes after it.
    let last = json!({"event": "^end-of-call-report$"});
    fault(&lab, json!({"webhook": last, "times": 1, "fault": {"reordered": "subject"}})).await;
    for caller in [CALLER, OTHER_CALLER] {
        assert_eq!(call(&lab, caller).await, "answered");
        lab.control("POST", "/clock", json!({"advance_s": 20})).await;
    }
    assert_eq!(callers_by("end-of-call-report", &hook.seen()), [OTHER_CALLER], "it is about another call");
    lab.control("POST", "/clock", json!({"until_idle": true})).await;
    assert_eq!(callers_by("end-of-call-report", &hook.seen()), [OTHER_CALLER, CALLER]);
}

#[tokio::test]
async fn a_dropped_webhook_fails_for_its_sender() {
    let hook = Hook::new().await;
    let lab = lab_with(&hook).await;
    for (when, arrived) in [("before", 0), ("after", 1)] {
        let rule = json!({"webhook": {"event": "assistant-request"}, "fault": {"drop": when}});
        fault(&lab, rule).await;
        assert_ne!(call(&lab, CALLER).await, "answered", "{when}");
        assert_eq!(callers(&hook.seen()).len(), arrived, "{when}");
        lab.control("DELETE", "/faults", json!({})).await;
    }
}

#[tokio::test]
async fn a_fault_is_for_one_provider_when_it_says_so() {
    let lab = Lab::new().await;
    fault(&lab, json!({"path": ".", "provider": "vapi", "fault": {"status": 503}})).await;
    assert_eq!(lab.twilio("GET", ".json", &[]).await.0, 200);
    assert_eq!(lab.vapi("GET", "/assistant", Value::Null).await.0, 503);
}

#[tokio::test]
async fn chance_follows_from_the_seed_and_one_rule_can_be_removed() {
    let mut runs = Vec::new();
    for seed in [3, 3, 4] {
        let lab = Lab::new().await;
        let (_, state) = lab.control("POST", "/reset", json!({"seed": seed})).await;
        let key = state["orgs"][0]["private_key"].as_str().unwrap().to_owned();
        let always = fault(&lab, json!({"path": "/squad", "fault": {"status": 500}})).await;
        fault(&lab, json!({"path": "/assistant", "probability": 0.4, "fault": {"status": 503}})).await;
        let mut run = Vec::new();
        for _ in 0..40 {
            run.push(lab.vapi_as(&key, "GET", "/assistant", Value::Null).await.0);
        }
        assert!(run.contains(&200) && run.contains(&503), "{run:?}");
        runs.push(run);
        let path = format!("/faults/{}", always["id"]);
        let (status, left) = lab.control("DELETE", &path, json!({})).await;
        assert_eq!((status, left["faults"].as_array().unwrap().len()), (200, 1));
        assert_eq!(left["faults"][0]["probability"], 0.4);
        assert_eq!(lab.control("DELETE", &path, json!({})).await.0, 404);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn an_unhit_webhook_rule_leaves_requests_alone() {
    let hook = Hook::new().await;
    let lab = lab_with(&hook).await;
    fault(&lab, json!({"webhook": {}, "provider": "twilio", "fault": {"lost": true}})).await;
    assert_eq!(call(&lab, CALLER).await, "answered");
    assert_eq!(lab.call(FR).await["outcome"], "not_found");
    let (_, shown) = lab.control("GET", "/faults", json!({})).await;
    assert_eq!(shown["faults"][0]["webhook"], json!({"event": null, "url": null}));
}

//! Calls that are told what to do while they run (facts: Vapi 8.2).

use serde_json::{Value, json};

use crate::lab::Lab;
use crate::vapi_calls::{assistant, client, dial, fetch, number, pass, phone, still};

/// A call in its first second, which its owner answers with these lines, and where it is controlled.
async fn running(lab: &Lab, fields: Value, says: &[&str]) -> (Value, String) {
    let mia = assistant(lab, fields).await;
    let line = number(lab, &mia).await;
    phone(lab, json!({"says": says})).await;
    let (_, call) = dial(lab, &line, &mia, json!({})).await;
    pass(lab, 6).await;
    assert_eq!(fetch(lab, &call).await["status"], "in-progress");
    let url = call["monitor"]["controlUrl"].as_str().unwrap().to_owned();
    (call, url)
}

async fn order(url: &str, body: Value) -> u16 {
    client().post(url).json(&body).send().await.unwrap().status().as_u16()
}

async fn transcript(lab: &Lab, call: &Value) -> String {
    pass(lab, 300).await;
    let ended = fetch(lab, call).await;
    assert_eq!(ended["status"], "ended");
    ended["artifact"]["transcript"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_that_is_added_is_answered_when_it_is_the_users() {
    let lab = still().await;
    let (call, url) = running(&lab, json!({"firstMessage": "Hello."}), &["One", "Two"]).await;
    let add = |role: &str, words: &str, more: Value| {
        let mut body = json!({"type": "add-message", "message": {"role": role, "content": words}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(order(&url, add("system", "The caller is a regular.", json!({}))).await, 200);
    assert_eq!(order(&url, add("user", "Silent.", json!({"triggerResponseEnabled": false}))).await, 200);
    assert_eq!(order(&url, add("user", "Added.", json!({}))).await, 200);
    for wrong in [json!({"type": "add-message"}), add("user", "", json!({})), add("", "x", json!({}))] {
        assert_eq!(order(&url, wrong).await, 400);
    }
    let said = transcript(&lab, &call).await;
    assert!(said.contains("AI: You said: Added."), "{said}");
    assert!(!said.contains("You said: Silent."), "{said}");
    // What the caller says is answered all the same.
    for line in ["One", "Two"] {
        assert!(said.contains(&format!("User: {line}\nAI: You said: {line}")), "{said}");
    }
    let messages = fetch(&lab, &call).await["artifact"]["messages"].clone();
    let system = messages.as_array().unwrap().iter().find(|message| message["role"] == "system").unwrap();
    assert_eq!(system["message"], "The caller is a regular.");
}

/// The caller spoke, and the order comes before the answer: both are answered, the caller first.
#[tokio::test]
async fn an_added_message_takes_no_answer_away() {
    let lab = still().await;
    let (call, url) = running(&lab, json!({"firstMessage": "Hello."}), &["One"]).await;
    // One second for `Hello.`, half a second later the line.
    pass(&lab, 1).await;
    let added = json!({"type": "add-message", "message": {"role": "user", "content": "Added."}});
    assert_eq!(order(&url, added).await, 200);
    let said = transcript(&lab, &call).await;
    assert!(said.contains("AI: You said: One"), "{said}");
    assert!(said.contains("AI: You said: Added."), "{said}");
}

#[tokio::test]
async fn a_muted_assistant_is_silent_until_it_is_not() {
    let lab = still().await;
    let says = ["One", "Two", "Three", "Four", "Five"];
    let (call, url) = running(&lab, json!({"firstMessage": "Hello."}), &says).await;
    let control = |what: &str| json!({"type": "control", "control": what});
    assert_eq!(order(&url, control("mute-assistant")).await, 200);
    pass(&lab, 4).await;
    assert_eq!(order(&url, control("unmute-assistant")).await, 200);
    assert_eq!(order(&url, control("say-first-message")).await, 200);
    assert_eq!(order(&url, control("sing")).await, 400);
    let said = transcript(&lab, &call).await;
    assert!(!said.contains("You said: One"), "{said}");
    assert!(said.contains("You said: Five"), "{said}");
    assert_eq!(said.matches("AI: Hello.\n").count(), 2, "{said}");
}

#[tokio::test]
async fn a_call_is_transferred_or_ended_with_a_word() {
    let lab = still().await;
    let (call, url) = running(&lab, json!({"firstMessage": "Hello."}), &["One", "Two", "Three"]).await;
    let to = json!({"type": "number", "number": "+14155550777"});
    let transfer = json!({"type": "transfer", "destination": to, "content": "One moment."});
    assert_eq!(order(&url, transfer).await, 200);
    assert!(transcript(&lab, &call).await.ends_with("AI: One moment.\n"));
    let ended = fetch(&lab, &call).await;
    assert_eq!((&ended["endedReason"], &ended["destination"]), (&json!("assistant-forwarded-call"), &to));

    let line = ended["phoneNumberId"].as_str().unwrap();
    let (_, call) = dial(&lab, line, ended["assistantId"].as_str().unwrap(), json!({})).await;
    pass(&lab, 6).await;
    let url = call["monitor"]["controlUrl"].as_str().unwrap();
    let say = json!({"type": "say", "content": "We close now.", "endCallAfterSpoken": true});
    assert_eq!(order(url, say).await, 200);
    assert!(transcript(&lab, &call).await.ends_with("AI: We close now.\n"));
    let reason = &fetch(&lab, &call).await["endedReason"];
    assert_eq!(*reason, "assistant-ended-call-after-message-spoken");
}

#[tokio::test]
async fn control_may_be_off_or_want_the_public_key() {
    let lab = still().await;
    let plan = json!({"firstMessage": "Hello.", "monitorPlan": {"controlAuthenticationEnabled": true}});
    let (_, url) = running(&lab, plan, &["One", "Two", "Three"]).await;
    let end = json!({"type": "end-call"});
    assert_eq!(order(&url, end.clone()).await, 401);
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let public = state["orgs"][0]["public_key"].as_str().unwrap();
    for (key, status) in [(lab.key.as_str(), 401), (public, 200)] {
        let answered = client().post(&url).bearer_auth(key).json(&end).send().await.unwrap();
        assert_eq!(answered.status(), status);
    }
}

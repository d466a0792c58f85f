//! Chats, sessions, texts through Vapi, and analytics (facts: Vapi 10, 11).

use serde_json::{Value, json};

use crate::hook::Hook;
use crate::lab::{Lab, US};
use crate::vapi_calls::{PERSON, assistant, number, pass, still};

async fn chat(lab: &Lab, body: Value) -> (u16, Value) {
    lab.vapi("POST", "/chat", body).await
}

#[tokio::test]
async fn chats_follow_each_other_and_sessions_remember() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let (status, first) = chat(&lab, json!({"assistantId": mia, "input": "It rains."})).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["output"][0]["role"], "assistant");
    let costs: f64 =
        first["costs"].as_array().unwrap().iter().map(|cost| cost["cost"].as_f64().unwrap()).sum();
    assert!((costs - first["cost"].as_f64().unwrap()).abs() < 1e-9);
    let input = json!([{"role": "user", "content": "Still."}]);
    let (_, second) = chat(&lab, json!({"previousChatId": first["id"], "input": input})).await;
    assert_eq!((&second["assistantId"], second["messages"].as_array().unwrap().len()), (&json!(mia), 3));

    let (_, session) =
        lab.vapi("POST", "/session", json!({"assistantId": mia, "expirationSeconds": 60})).await;
    let id = session["id"].as_str().unwrap();
    let (_, third) = chat(&lab, json!({"sessionId": id, "input": "Hello"})).await;
    assert_eq!(third["sessionId"], id);
    let (_, kept) = lab.vapi("GET", &format!("/session/{id}"), Value::Null).await;
    assert_eq!(kept["messages"].as_array().unwrap().len(), 2);
    for other in [json!({"previousChatId": first["id"]}), json!({"assistantId": mia})] {
        let mut body = json!({"sessionId": id, "input": "x"});
        body.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        assert_eq!(chat(&lab, body).await.0, 400);
    }
    let (_, found) = lab.vapi("GET", &format!("/chat?sessionId={id}"), Value::Null).await;
    assert_eq!((&found["results"][0]["id"], &found["metadata"]["totalItems"]), (&third["id"], &json!(1)));
    pass(&lab, 61).await;
    let (_, over) = lab.vapi("GET", &format!("/session/{id}"), Value::Null).await;
    assert_eq!(over["status"], "completed");
    assert_eq!(chat(&lab, json!({"sessionId": id, "input": "x"})).await.0, 400);
    let path = format!("/chat/{}", first["id"].as_str().unwrap());
    assert_eq!(lab.vapi("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn chats_can_be_streamed_and_asked_for_in_openais_format() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let body = json!({"assistantId": mia, "input": "It rains.", "stream": true});
    let answer = lab.request("POST", "/vapi/chat").bearer_auth(&lab.key).json(&body).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = answer.text().await.unwrap();
    let chunks: Vec<Value> = text
        .split("\n\n")
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let words: String = chunks.iter().map(|chunk| chunk["delta"].as_str().unwrap()).collect();
    assert!(words.starts_with("You said: It rains."), "{words}");
    assert_eq!(chunks[0]["path"], "chat.output[0].content");
    let (status, answer) =
        lab.vapi("POST", "/chat/responses", json!({"assistantId": mia, "input": "Hi"})).await;
    assert_eq!((status, &answer["object"]), (200, &json!("response")), "{answer}");
    assert!(answer["output"][0]["content"][0]["text"].as_str().unwrap().starts_with("You said: Hi"));
}

#[tokio::test]
async fn chats_of_an_org_that_does_not_pay_are_402() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let org = format!("/orgs/{}", state["orgs"][0]["id"].as_str().unwrap());
    for (plan, words) in
        [("no-card", "Add a payment method to use chat."), ("no-credits", "Purchase credits to use chat.")]
    {
        lab.control("POST", &org, json!({"subscription": {"plan": plan}})).await;
        let (status, answer) = chat(&lab, json!({"assistantId": mia, "input": "Hi"})).await;
        assert_eq!(status, 402);
        assert!(answer["message"].as_str().unwrap().starts_with(words), "{answer}");
    }
}

#[tokio::test]
async fn chats_and_sessions_are_told_to_who_subscribed() {
    let (lab, hook) = (still().await, Hook::new().await);
    let wanted = ["chat.created", "chat.deleted", "session.created", "session.updated", "session.deleted"];
    let mia = json!({"serverMessages": wanted, "server": {"url": hook.url("/")}});
    let mia = assistant(&lab, mia).await;
    let (_, session) = lab.vapi("POST", "/session", json!({"assistantId": mia})).await;
    let path = format!("/session/{}", session["id"].as_str().unwrap());
    let (_, made) = chat(&lab, json!({"sessionId": session["id"], "input": "Hi"})).await;
    lab.vapi("PATCH", &path, json!({"name": "n"})).await;
    lab.vapi("DELETE", &format!("/chat/{}", made["id"].as_str().unwrap()), Value::Null).await;
    lab.vapi("DELETE", &path, Value::Null).await;
    pass(&lab, 1).await;
    let kinds: Vec<Value> = hook
        .seen()
        .iter()
        .map(|seen| serde_json::from_str::<Value>(&seen.body).unwrap()["message"]["type"].clone())
        .collect();
    let expected = ["session.created", "chat.created", "session.updated", "chat.deleted", "session.deleted"];
    assert_eq!(json!(kinds), json!(expected));
}

#[tokio::test]
async fn a_text_to_an_imported_number_is_answered_by_its_assistant() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    assert_eq!(lab.control("POST", "/registrations", json!({"phone_number": US})).await.0 / 100, 2);
    let text = json!({"from": PERSON, "to": US, "body": "It rains."});
    for _ in 0..2 {
        assert_eq!(lab.control("POST", "/messages", text.clone()).await.0, 200);
    }
    pass(&lab, 60).await;
    let (_, sessions) = lab.vapi("GET", &format!("/session?phoneNumberId={line}"), Value::Null).await;
    assert_eq!(sessions["metadata"]["totalItems"], 1, "one session for both texts");
    assert_eq!(sessions["results"][0]["customer"]["number"], PERSON);
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    assert!(phones[PERSON]["seen"].to_string().contains("You said: It rains."), "{phones}");
    // The assistant may write first; with `false`, what was put in.
    let transport = json!({"type": "twilio.sms", "phoneNumberId": line, "customer": {"number": PERSON},
        "useLLMGeneratedMessageForOutbound": false});
    let body = json!({"assistantId": mia, "input": "Your table is ready.", "transport": transport});
    let (status, sent) = chat(&lab, body.clone()).await;
    assert_eq!(status, 200, "{sent}");
    pass(&lab, 60).await;
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    assert!(phones[PERSON]["seen"].to_string().contains("Your table is ready."), "{phones}");
    // US numbers only; Canada's begin with 1 too.
    for abroad in ["+33612345678", "+14165550123"] {
        let mut body = body.clone();
        body["transport"]["customer"]["number"] = json!(abroad);
        assert_eq!(chat(&lab, body).await.0, 400, "{abroad}");
    }
    // Without an assistant nobody answers, and only the log says why.
    lab.vapi("PATCH", &format!("/phone-number/{line}"), json!({"assistantId": null})).await;
    lab.control("POST", "/messages", text).await;
    pass(&lab, 60).await;
    let (_, logs) = lab.vapi("GET", "/logs", Value::Null).await;
    let sentence = logs["results"][0]["message"].as_str().unwrap();
    assert!(sentence.starts_with("Couldn't Get Assistant."), "{sentence}");
}

#[tokio::test]
async fn analytics_add_up_calls_by_group_and_step() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    number(&lab, &mia).await;
    for _ in 0..3 {
        lab.call(US).await;
        pass(&lab, 60).await;
    }
    let operations = json!([{"operation": "count", "column": "id"}, {"operation": "sum", "column": "cost"},
        {"operation": "avg", "column": "duration"}, {"operation": "max", "column": "costBreakdown.vapi", "alias": "most"}]);
    let (_, clock) = lab.control("GET", "/clock", json!({})).await;
    let day = &clock["now"].as_str().unwrap()[..10];
    let query = json!({"queries": [
        {"table": "call", "name": "days", "operations": operations, "groupBy": ["assistantId", "endedReason"],
            "timeRange": {"step": "day", "start": format!("{day}T00:00:00Z"), "end": "2999-01-01T00:00:00Z"}},
        {"table": "subscription", "name": "busy", "operations": [
            {"operation": "max", "column": "concurrency"}, {"operation": "sum", "column": "minutesUsed"}]}]});
    let (status, answer) = lab.vapi("POST", "/analytics", query).await;
    assert_eq!(status, 200, "{answer}");
    let row = &answer[0]["result"][0];
    assert_eq!((&row["assistantId"], &row["countId"]), (&json!(mia), &json!("3")), "{answer}");
    assert_eq!(row["date"], format!("{day}T00:00:00.000Z"));
    let (_, calls) = lab.vapi("GET", "/call", Value::Null).await;
    let cost: f64 = calls.as_array().unwrap().iter().map(|call| call["cost"].as_f64().unwrap()).sum();
    assert!((row["sumCost"].as_f64().unwrap() - cost).abs() < 1e-9);
    assert!(row["most"].as_f64().unwrap() > 0.0);
    assert_eq!(answer[1]["result"][0]["maxConcurrency"], 1.0);
    let wrong =
        json!({"queries": [{"table": "call", "name": "x", "operations": [], "groupBy": ["phoneNumberId"]}]});
    assert_eq!(lab.vapi("POST", "/analytics", wrong).await.0, 400);
}

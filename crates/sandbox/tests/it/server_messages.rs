//! Server messages (facts: Vapi 9, 12): who gets which, how they are proved, retried and logged.

use serde_json::{Value, json};

use crate::hook::{Hook, Reply, Seen};
use crate::lab::{CALLER, Lab, US};
use crate::vapi_calls::{assistant, client, dial, fetch, number, pass, phone, still};

fn json_of(seen: &Seen) -> Value {
    serde_json::from_str(&seen.body).unwrap()
}

/// What arrived at a path: the messages, in order.
fn messages(hook: &Hook, path: &str) -> Vec<Value> {
    hook.at(path).iter().map(|seen| json_of(seen)["message"].clone()).collect()
}

fn types(hook: &Hook, path: &str) -> Vec<String> {
    messages(hook, path).iter().map(|message| message["type"].as_str().unwrap().to_owned()).collect()
}

async fn ring(lab: &Lab, says: Value) -> Value {
    lab.control("POST", "/calls", json!({"from": CALLER, "to": US, "says": says})).await.1
}

#[tokio::test]
async fn an_inbound_call_is_told_in_order_and_reported_after_its_end() {
    let (lab, hook) = (still().await, Hook::new().await);
    let mia = json!({"name": "Mia", "firstMessage": "Hello.", "server": {"url": hook.url("/mia")}});
    let line = number(&lab, &assistant(&lab, mia).await).await;
    let call = ring(&lab, json!(["It rains."])).await;
    let turn = ["speech-update", "conversation-update", "speech-update"];
    let mut expected = vec!["status-update", "assistant.started"];
    expected.extend(turn.repeat(3));
    expected.push("status-update");
    assert_eq!(types(&hook, "/mia"), expected, "no transcript: it is not in the default");
    pass(&lab, 300).await;
    let all = messages(&hook, "/mia");
    let report = all.last().unwrap();
    assert_eq!(report["type"], "end-of-call-report");
    for field in [
        "endedReason",
        "artifact",
        "analysis",
        "cost",
        "costs",
        "startedAt",
        "endedAt",
        "durationMs",
        "transcript",
        "summary",
        "recordingUrl",
    ] {
        assert!(!report[field].is_null(), "{field}");
    }
    assert_eq!(report["call"]["id"], call["vapi_call_id"]);
    assert_eq!((&report["phoneNumber"]["id"], &report["customer"]["number"]), (&json!(line), &json!(CALLER)));
    assert_eq!(report["phoneNumber"]["twilioAuthToken"], json!(lab.token));
    let signed = report["artifact"]["presignedMonoUrl"].as_str().unwrap();
    assert_eq!(client().get(signed).send().await.unwrap().status(), 200);
    assert_eq!(json_of(&hook.at("/mia")[0]).as_object().unwrap().len(), 1, "nothing beside `message`");
    let seen = &hook.at("/mia")[0];
    assert!(seen.header("authorization").is_none() && seen.header("x-vapi-secret").is_none());
    lab.control("POST", "/settings", json!({"vapi_webhooks_hide_secrets": true})).await;
    ring(&lab, json!([])).await;
    assert!(messages(&hook, "/mia").last().unwrap()["phoneNumber"].get("twilioAuthToken").is_none());
}

#[tokio::test]
async fn the_assistants_server_wins_over_the_numbers_and_the_orgs() {
    let (lab, hook) = (still().await, Hook::new().await);
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let org = state["orgs"][0]["id"].as_str().unwrap();
    let to = |path: &str| json!({"server": {"url": hook.url(path)}});
    assert_eq!(lab.vapi("PATCH", &format!("/org/{org}"), to("/org")).await.0, 200);
    let mia = assistant(&lab, json!({"firstMessage": "Hello."})).await;
    let line = number(&lab, &mia).await;
    ring(&lab, json!([])).await;
    assert!(!hook.at("/org").is_empty());
    lab.vapi("PATCH", &format!("/phone-number/{line}"), to("/number")).await;
    let before = hook.at("/org").len();
    ring(&lab, json!([])).await;
    assert!(!hook.at("/number").is_empty() && hook.at("/org").len() == before, "they do not fan out");
    lab.vapi("PATCH", &format!("/assistant/{mia}"), to("/assistant")).await;
    let before = hook.at("/number").len();
    ring(&lab, json!([])).await;
    assert!(!hook.at("/assistant").is_empty() && hook.at("/number").len() == before);
    // `assistant-request` is not sent to a number that has an assistant.
    let all = hook.seen();
    assert!(all.iter().all(|seen| json_of(seen)["message"]["type"] != "assistant-request"));
}

#[tokio::test]
async fn subscriptions_replace_the_default() {
    let (lab, hook) = (still().await, Hook::new().await);
    let wanted = [
        "transcript[transcriptType=\"final\"]",
        "voice-input",
        "model-output",
        "user-interrupted",
        "assistant.speechStarted",
        "call.artifact.upload",
    ];
    let mia = json!({"firstMessage": "Hello.", "serverMessages": wanted, "server": {"url": hook.url("/")}});
    number(&lab, &assistant(&lab, mia).await).await;
    ring(&lab, json!(["!It rains."])).await;
    pass(&lab, 300).await;
    let speaks = ["assistant.speechStarted", wanted[0]];
    let expected = [
        &speaks[..],
        &["user-interrupted", wanted[0], "voice-input", "model-output"],
        &speaks,
        &["call.artifact.upload"],
    ]
    .concat();
    assert_eq!(types(&hook, "/"), expected);
    let said = &messages(&hook, "/")[3];
    assert_eq!((&said["role"], &said["transcript"]), (&json!("user"), &json!("It rains.")));
}

#[tokio::test]
async fn a_backoff_plan_tries_again_and_without_one_nothing_does() {
    let (lab, hook) = (still().await, Hook::new().await);
    let server = |path: &str, plan: Value| json!({"url": hook.url(path), "backoffPlan": plan});
    let plan = json!({"type": "exponential", "maxRetries": 3, "baseDelaySeconds": 2});
    let mut picky = plan.clone();
    picky["excludedStatusCodes"] = json!([500]);
    for (path, server, tries) in [
        ("/none", json!({"url": hook.url("/none")}), 1),
        ("/plan", server("/plan", plan), 4),
        ("/picky", server("/picky", picky), 1),
    ] {
        let all = (0..10).map(|_| Reply::status(500));
        hook.answer(path, all);
        let mia = json!({"serverMessages": ["end-of-call-report"], "server": server});
        let id = assistant(&lab, mia).await;
        let row = lab.vapi("GET", "/phone-number", Value::Null).await.1;
        match row[0]["id"].as_str() {
            Some(line) => {
                lab.vapi("PATCH", &format!("/phone-number/{line}"), json!({"assistantId": id})).await;
            }
            None => {
                number(&lab, &id).await;
            }
        }
        ring(&lab, json!([])).await;
        // The call's two seconds, five for the report, then 2, 4 and 8 between the tries.
        pass(&lab, 10).await;
        assert_eq!(hook.at(path).len(), tries.min(2), "{path}");
        pass(&lab, 20).await;
        assert_eq!(hook.at(path).len(), tries, "{path}");
    }
    let urls = |seen: &Seen| json_of(seen)["message"]["artifact"]["presignedMonoUrl"].clone();
    let tries = hook.at("/plan");
    assert_ne!(urls(&tries[0]), urls(&tries[1]), "presigned addresses differ from try to try");
    let (_, logs) = lab.vapi("GET", "/logs", Value::Null).await;
    let sentence =
        "Your server rejected `end-of-call-report` webhook. Error: Request failed with status code 500";
    assert_eq!(logs["results"][0]["message"], sentence);
}

/// The headers with which a report arrives from a server like this.
async fn arrives(lab: &Lab, hook: &Hook, server: Value) -> Seen {
    let mut all = json!({"url": hook.url("/auth")});
    all.as_object_mut().unwrap().extend(server.as_object().unwrap().clone());
    let mia = assistant(lab, json!({"serverMessages": ["end-of-call-report"], "server": all})).await;
    let rows = lab.vapi("GET", "/phone-number", Value::Null).await.1;
    match rows[0]["id"].as_str() {
        Some(line) => {
            lab.vapi("PATCH", &format!("/phone-number/{line}"), json!({"assistantId": mia})).await;
        }
        None => {
            number(lab, &mia).await;
        }
    }
    ring(lab, json!([])).await;
    pass(lab, 60).await;
    hook.at("/auth").pop().unwrap()
}

async fn credential(lab: &Lab, plan: Value) -> Value {
    let body = json!({"provider": "custom-credential", "name": "c", "authenticationPlan": plan});
    let (status, made) = lab.vapi("POST", "/credential", body).await;
    assert_eq!(status, 201, "{made}");
    json!({"credentialId": made["id"]})
}

#[tokio::test]
async fn each_way_to_prove_who_sent_it() {
    let (lab, hook) = (still().await, Hook::new().await);
    let seen = arrives(&lab, &hook, json!({"headers": {"X-Dialtone-Secret": "s"}})).await;
    assert_eq!(seen.header("x-dialtone-secret"), Some("s"));

    let mut bearer = credential(&lab, json!({"type": "bearer", "token": "t"})).await;
    assert_eq!(arrives(&lab, &hook, bearer.clone()).await.header("authorization"), Some("Bearer t"));
    bearer["headers"] = json!({"Authorization": "mine"});
    assert_eq!(arrives(&lab, &hook, bearer).await.header("authorization"), Some("mine"), "headers win");
    let legacy =
        json!({"type": "bearer", "token": "t", "headerName": "X-Vapi-Secret", "bearerPrefixEnabled": false});
    let legacy = credential(&lab, legacy).await;
    assert_eq!(arrives(&lab, &hook, legacy).await.header("x-vapi-secret"), Some("t"));

    let plan = json!({"type": "hmac", "secretKey": "k", "algorithm": "sha256"});
    let seen = arrives(&lab, &hook, credential(&lab, plan).await).await;
    let signed = format!("{}.{}", seen.header("x-timestamp").unwrap(), seen.body);
    assert_eq!(seen.header("x-signature"), Some(hex(b"k", signed.as_bytes()).as_str()));
    let plan = json!({"type": "hmac", "secretKey": "az0=", "algorithm": "sha256", "secretIsBase64": true,
        "signatureHeader": "x-sig", "signaturePrefix": "v1=", "payloadFormat": "{svix-id}.{method}.{body}",
        "messageIdHeader": "svix-id", "includeTimestamp": false});
    let seen = arrives(&lab, &hook, credential(&lab, plan).await).await;
    let signed = format!("{}.POST.{}", seen.header("svix-id").unwrap(), seen.body);
    let expected = format!("v1={}", hex(b"k=", signed.as_bytes()));
    assert_eq!((seen.header("x-sig"), seen.header("x-timestamp")), (Some(expected.as_str()), None));
}

fn hex(key: &[u8], payload: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(payload);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn an_oauth2_token_is_fetched_once_and_kept() {
    let (lab, hook) = (still().await, Hook::new().await);
    hook.answer(
        "/token",
        [
            Reply::json(&json!({"access_token": "first", "expires_in": 600})),
            Reply::json(&json!({"access_token": "second", "expires_in": 600})),
        ],
    );
    let plan = json!({"type": "oauth2", "url": hook.url("/token"), "clientId": "id", "clientSecret": "secret",
        "scope": "calls"});
    let server = credential(&lab, plan).await;
    for _ in 0..2 {
        let seen = arrives(&lab, &hook, server.clone()).await;
        assert_eq!(seen.header("authorization"), Some("Bearer first"));
    }
    let asked = hook.at("/token");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].field("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(asked[0].field("scope").as_deref(), Some("calls"));
    pass(&lab, 600).await;
    assert_eq!(arrives(&lab, &hook, server).await.header("authorization"), Some("Bearer second"));
}

#[tokio::test]
async fn a_legacy_secret_is_still_sent() {
    let (lab, hook) = (still().await, Hook::new().await);
    let mia = assistant(&lab, json!({"serverMessages": ["end-of-call-report"]})).await;
    number(&lab, &mia).await;
    let server = json!({"server": {"url": hook.url("/auth"), "secret": "old"}});
    assert_eq!(lab.vapi("PATCH", &format!("/assistant/{mia}"), server.clone()).await.0, 400);
    assert_eq!(lab.control("POST", &format!("/vapi/{mia}"), server).await.0, 200);
    ring(&lab, json!([])).await;
    pass(&lab, 60).await;
    assert_eq!(hook.at("/auth")[0].header("x-vapi-secret"), Some("old"));
}

fn booking(hook: &Hook) -> Value {
    json!({"provider": "openai", "model": "gpt-4o", "tools": [{"type": "function",
        "server": {"url": hook.url("/tool")},
        "function": {"name": "book_table", "parameters": {"type": "object",
            "properties": {"people": {"type": "number"}}}}}]})
}

#[tokio::test]
async fn a_tools_own_server_is_asked_and_what_fails_is_said() {
    let (lab, hook) = (still().await, Hook::new().await);
    let mia = json!({"model": booking(&hook), "server": {"url": hook.url("/mia")}});
    number(&lab, &assistant(&lab, mia).await).await;
    let call = ring(&lab, json!(["A table for 4, please."])).await;
    let asked = &messages(&hook, "/tool")[0];
    let tool_call = &asked["toolCallList"][0];
    assert_eq!(tool_call["function"]["name"], "book_table");
    assert_eq!(tool_call["function"]["arguments"], "{\"people\":4.0}");
    assert_eq!(asked["toolWithToolCallList"][0]["toolCall"]["id"], tool_call["id"]);
    assert!(call["heard"].to_string().contains("No result returned."), "{call}");
    assert!(!types(&hook, "/mia").contains(&"tool-calls".to_owned()));

    let id = asked["toolCallList"][0]["id"].as_str().unwrap();
    let earlier = call["vapi_call_id"].as_str().unwrap().replace('-', "");
    let answer = async |lab: &Lab| ring(lab, json!(["A table for 4, please."])).await;
    assert!(id.contains(&earlier), "an id of a tool call belongs to its call");
    hook.answer("/tool", [Reply::status(500)]);
    let failed = answer(&lab).await;
    assert!(failed["heard"].to_string().contains("Request failed with status code 500"), "{failed}");
}

#[tokio::test]
async fn a_transfer_asks_where_to_and_the_phone_there_decides() {
    let (lab, hook) = (still().await, Hook::new().await);
    let to = json!({"type": "number", "number": "+14155550777", "message": "One moment."});
    hook.answer("/mia", (0..99).map(|_| Reply::json(&json!({"destination": to.clone()}))));
    let model = json!({"provider": "openai", "model": "gpt-4o",
        "tools": [{"type": "transferCall", "destinations": []}]});
    let mia = json!({"model": model, "server": {"url": hook.url("/mia")}});
    number(&lab, &assistant(&lab, mia).await).await;
    let call = ring(&lab, json!(["I want a human."])).await;
    assert_eq!(call["ended_reason"], "assistant-forwarded-call", "{call}");
    assert_eq!(call["transferred_to"], "+14155550777");
    assert!(types(&hook, "/mia").contains(&"transfer-destination-request".to_owned()));
    let forwarding = messages(&hook, "/mia").into_iter().find(|message| message["status"] == "forwarding");
    assert_eq!(forwarding.unwrap()["destination"], to);
    lab.control("POST", "/phones/+14155550777", json!({"on_call": "busy"})).await;
    let call = ring(&lab, json!(["I want a human."])).await;
    assert_eq!(call["ended_reason"], "call.forwarding.operator-busy");
}

#[tokio::test]
async fn an_outbound_call_tells_its_states() {
    let (lab, hook) = (still().await, Hook::new().await);
    let mia = json!({"serverMessages": ["status-update"], "server": {"url": hook.url("/mia")}});
    let mia = assistant(&lab, mia).await;
    let line = number(&lab, &mia).await;
    phone(&lab, json!({"on_call": "answer"})).await;
    let (_, call) = dial(&lab, &line, &mia, json!({})).await;
    pass(&lab, 60).await;
    let states: Vec<Value> =
        messages(&hook, "/mia").iter().map(|message| message["status"].clone()).collect();
    assert_eq!(json!(states), json!(["queued", "ringing", "in-progress", "ended"]));
    assert_eq!(fetch(&lab, &call).await["status"], "ended");
}

/// A caller books a table, in a world that is the same each time.
async fn book(hook: &Hook) -> Value {
    let lab = Lab::new().await;
    assert_eq!(lab.control("POST", "/reset", json!({"seed": 0})).await.0, 200);
    let mia = json!({"model": booking(hook), "firstMessage": "Hello.", "server": {"url": hook.url("/mia")}});
    number(&lab, &assistant(&lab, mia).await).await;
    ring(&lab, json!(["A table for 4, please."])).await
}

#[tokio::test]
async fn a_tools_result_is_said_and_kept() {
    let hook = Hook::new().await;
    book(&hook).await;
    // The same seed makes the same ids: now the answer can name the tool call.
    let id = messages(&hook, "/tool")[0]["toolCallList"][0]["id"].clone();
    hook.answer(
        "/tool",
        [Reply::json(&json!({"results": [{"toolCallId": id, "result": "Table 7 is yours."}]}))],
    );
    let call = book(&hook).await;
    assert_eq!(call["heard"], json!(["Hello.", "Table 7 is yours."]));
    let ended = messages(&hook, "/mia").pop().unwrap();
    let roles: Vec<&Value> =
        ended["artifact"]["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(json!(roles), json!(["bot", "user", "tool_calls", "tool_call_result", "bot"]));
}

#[tokio::test]
async fn a_server_that_subscribed_to_call_control_transfers_itself() {
    let (lab, hook) = (still().await, Hook::new().await);
    let to = json!({"type": "number", "number": "+14155550777"});
    let model = json!({"provider": "openai", "model": "gpt-4o",
        "tools": [{"type": "transferCall", "destinations": [to]}, {"type": "endCall"}]});
    let mia =
        json!({"model": model, "serverMessages": ["phone-call-control"], "server": {"url": hook.url("/")}});
    number(&lab, &assistant(&lab, mia).await).await;
    let call = ring(&lab, json!(["I want a human.", "Goodbye"])).await;
    assert_eq!(call["ended_reason"], "customer-ended-call", "Vapi neither transfers nor hangs up: {call}");
    let asked: Vec<Value> = messages(&hook, "/").iter().map(|message| message["request"].clone()).collect();
    assert_eq!(json!(asked), json!(["forward", "hang-up"]));
}

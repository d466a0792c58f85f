//! Calls that arrive at Vapi (facts: Vapi 5.6, 5.7, 6.2, 9.3): who is asked, what goes wrong, what is heard.

use serde_json::{Value, json};

use crate::hook::{Hook, Reply};
use crate::lab::{CALLER, Lab, US};
use crate::vapi_calls::{assistant, pass, still};

async fn asking(lab: &Lab, hook: &Hook, more: Value) -> String {
    let mut fields = json!({"server": {"url": hook.url("/ask")}});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, row) = lab.import(US, fields).await;
    assert_eq!(status, 201, "{row}");
    row["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_failed_assistant_request_has_its_reason() {
    let (lab, hook) = (still().await, Hook::new().await);
    asking(&lab, &hook, json!({})).await;
    for (answer, reason) in [
        (Reply::status(500), "assistant-request-failed"),
        (Reply::cut(), "assistant-request-failed"),
        (Reply::json(&json!({"error": "We are closed."})), "assistant-request-returned-error"),
        (Reply::json(&json!({"error": {"a": 1}})), "assistant-request-returned-unspeakable-error"),
        (Reply::json(&json!({"assistant": {"nme": "x"}})), "assistant-request-returned-invalid-assistant"),
        (Reply::json(&json!({})), "assistant-request-returned-no-assistant"),
        (Reply::status(200), "assistant-request-returned-no-assistant"),
        (Reply::new(200, "text/html", "<p>Welcome</p>"), "assistant-request-returned-no-assistant"),
        (Reply::json(&json!(["assistant"])), "assistant-request-returned-no-assistant"),
        // The schema's wrapper is not used on the wire.
        (
            Reply::json(&json!({"messageResponse": {"assistant": {"firstMessage": "Hello."}}})),
            "assistant-request-returned-no-assistant",
        ),
        (
            Reply::json(&json!({"assistant": {}, "assistantOverrides": {"maxDurationSeconds": i64::MAX}})),
            "assistant-request-returned-invalid-assistant",
        ),
        (Reply::json(&json!({"squad": {"members": "all"}})), "assistant-request-returned-invalid-assistant"),
        (Reply::json(&json!({"assistantId": lab.key})), "assistant-not-found"),
        (
            Reply::json(&json!({"destination": {"type": "number", "number": CALLER}, "assistantId": "x"})),
            "assistant-request-returned-forwarding-phone-number",
        ),
        (Reply::json(&json!({"assistant": {"firstMessage": "Hello."}})), "customer-ended-call"),
        // Keys without a value are not there.
        (
            Reply::json(
                &json!({"error": null, "destination": null, "assistant": {"firstMessage": "Hello."}}),
            ),
            "customer-ended-call",
        ),
    ] {
        let before = hook.seen().len();
        hook.answer("/ask", [answer]);
        let call = lab.call(US).await;
        assert_eq!(call["ended_reason"], reason, "{call}");
        if reason != "customer-ended-call" {
            let told = hook.seen().split_off(before);
            let last: Value = serde_json::from_str(&told.last().unwrap().body).unwrap();
            assert_eq!(
                (&last["message"]["type"], &last["message"]["status"]),
                (&json!("status-update"), &json!("ended"))
            );
            assert_eq!(last["message"]["endedReason"], reason);
            assert!(last["message"]["inboundPhoneCallDebuggingArtifacts"].is_object());
        }
    }
}

#[tokio::test]
async fn a_fallback_or_a_hook_takes_over_when_the_server_fails() {
    let (lab, hook) = (still().await, Hook::new().await);
    let saying = json!({"hooks": [{"on": "call.ending",
        "filters": [{"type": "oneOf", "key": "call.endedReason", "oneOf": ["assistant-request-failed"]}],
        "do": {"type": "say", "exact": "Please call later."}}]});
    let line = asking(&lab, &hook, saying).await;
    hook.answer("/ask", (0..9).map(|_| Reply::status(500)));
    let call = lab.call(US).await;
    assert_eq!(call["ended_reason"], "call.ending.hook-executed-say", "{call}");
    assert_eq!(call["heard"], json!(["Please call later."]));
    let told: Value = serde_json::from_str(&hook.seen().last().unwrap().body).unwrap();
    let debugging = &told["message"]["inboundPhoneCallDebuggingArtifacts"];
    assert_eq!(debugging["assistantRequestError"], "Request failed with status code 500");
    let fallback = json!({"fallbackDestination": {"type": "number", "number": CALLER}});
    lab.vapi("PATCH", &format!("/phone-number/{line}"), fallback).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["url"]), (&json!("forwarded"), &json!(CALLER)));
    assert_eq!(call["ended_reason"], "assistant-request-failed");
}

#[tokio::test]
async fn a_ringing_hook_answers_before_anybody_is_asked() {
    let (lab, hook) = (still().await, Hook::new().await);
    let filter = json!({"type": "startsWith", "key": "number", "startsWith": ["1415555"]});
    let hooks = json!({"hooks": [{"on": "call.ringing", "filters": [filter],
        "do": [{"type": "say", "exact": "Not you."}]}]});
    asking(&lab, &hook, hooks).await;
    let call = lab.call(US).await;
    assert_eq!(call["ended_reason"], "call.ringing.hook-executed-say", "{call}");
    assert_eq!(call["heard"], json!(["Not you."]));
    let (_, other) = lab.control("POST", "/calls", json!({"from": "+33612345678", "to": US})).await;
    assert_ne!(other["ended_reason"], "call.ringing.hook-executed-say");
}

async fn trunk(lab: &Lab, ip: &str, uri: &str) {
    let form = [("FriendlyName", "t")];
    let (_, trunk) = lab.trunking("POST", "/v1/Trunks", &form).await;
    let sid = trunk["sid"].as_str().unwrap();
    let form =
        [("Weight", "1"), ("Priority", "1"), ("Enabled", "true"), ("FriendlyName", ip), ("SipUrl", uri)];
    let (status, made) = lab.trunking("POST", &format!("/v1/Trunks/{sid}/OriginationUrls"), &form).await;
    assert_eq!(status, 201, "{made}");
    lab.set(US, &[("TrunkSid", sid)]).await;
}

#[tokio::test]
async fn sip_404_inbound_when_the_number_is_written_otherwise_and_403_without_the_network() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let gateways = json!([
        {"ip": "acme.pstn.twilio.com", "inboundEnabled": false},
        {"ip": "54.171.127.192", "netmask": 30, "outboundEnabled": false}]);
    let body = json!({"provider": "byo-sip-trunk", "name": "t", "gateways": gateways,
        "outboundLeadingPlusEnabled": true});
    let (status, credential) = lab.vapi("POST", "/credential", body).await;
    assert_eq!(status, 201, "{credential}");
    let id = credential["id"].as_str().unwrap();
    let byo = |number: &str| {
        json!({"provider": "byo-phone-number", "number": number, "credentialId": id,
        "numberE164CheckEnabled": false, "assistantId": mia})
    };
    let (status, row) = lab.vapi("POST", "/phone-number", byo(&US[1..])).await;
    assert_eq!(status, 201, "{row}");
    trunk(&lab, "a", &format!("sip:{US}@{id}.sip.vapi.ai;edge=dublin")).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["reason"]), (&json!("not_found"), &json!("404 Not Found")));
    lab.vapi("PATCH", &format!("/phone-number/{}", row["id"].as_str().unwrap()), json!({"number": US})).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["heard"]), (&json!("answered"), &json!(["Hello, this is Mia."])));
    let path = format!("/call/{}", call["vapi_call_id"].as_str().unwrap());
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1["phoneCallTransport"], "sip");
    trunk(&lab, "b", &format!("sip:{US}@{id}.sip.vapi.ai")).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["reason"]), (&json!("rejected"), &json!("403 Forbidden")));
}

/// `x-…` headers of an INVITE become variables (6.2).
#[tokio::test]
async fn headers_of_an_invite_are_variables() {
    let (lab, hook) = (still().await, Hook::new().await);
    let mia = assistant(&lab, json!({"firstMessage": "Room {{room}}, {{customer.number}}."})).await;
    let uri = "sip:desk@sip.vapi.ai";
    let body = json!({"provider": "vapi", "sipUri": uri, "assistantId": mia});
    let (status, row) = lab.vapi("POST", "/phone-number", body).await;
    assert_eq!(status, 201, "{row}");
    lab.set(US, &[("VoiceUrl", &hook.url("/voice"))]).await;
    for (headers, first) in [("?X-Room=7%20b&amp;y-room=8", "7 b"), ("", "{{room}}")] {
        hook.answer("/voice", [Reply::twiml(&format!("<Dial><Sip>{uri}{headers}</Sip></Dial>"))]);
        lab.call(US).await;
        let (_, calls) = lab.vapi("GET", "/call", Value::Null).await;
        let said = calls[0]["artifact"]["messages"][0]["message"].as_str().unwrap();
        assert_eq!(said, format!("Room {first}, {CALLER}."));
    }
}

async fn by_hand(lab: &Lab, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let answer = lab.request("POST", path).form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn redirecting_a_call_in_progress_to_vapi_fails_and_a_ringing_one_gets_a_stream() {
    let lab = still().await;
    let mia = assistant(&lab, json!({"firstMessage": "Hello."})).await;
    lab.import(US, json!({"assistantId": mia})).await;
    let form = |status| {
        [
            ("CallSid", "CA1"),
            ("AccountSid", lab.sid.as_str()),
            ("From", CALLER),
            ("To", US),
            ("CallStatus", status),
            ("Direction", "inbound"),
        ]
    };
    let (status, body) = by_hand(&lab, "/vapi/twilio/inbound_call", &form("in-progress")).await;
    assert_eq!(status, 400);
    assert!(body.contains("CallStatus must be one of the following values: ringing"), "{body}");
    let (status, body) = by_hand(&lab, "/vapi/twilio/inbound_call", &form("ringing")).await;
    assert_eq!(status, 200);
    assert!(body.contains("<Connect><Stream url=\"wss://"), "{body}");
    // Nobody opens the stream.
    pass(&lab, 20).await;
    let (_, calls) = lab.vapi("GET", "/call", Value::Null).await;
    assert_eq!(calls[0]["endedReason"], "phone-call-provider-closed-websocket");
    assert_eq!(by_hand(&lab, "/vapi/twilio/status", &[]).await.0, 200);
}

#[tokio::test]
async fn a_server_that_hands_the_stream_on_lets_vapi_talk() {
    let (lab, hook) = (still().await, Hook::new().await);
    let mia = assistant(&lab, json!({"firstMessage": "Hello."})).await;
    lab.import(US, json!({"assistantId": mia})).await;
    lab.set(US, &[("VoiceUrl", &hook.url("/voice"))]).await;
    let form = [
        ("CallSid", "CA1"),
        ("AccountSid", lab.sid.as_str()),
        ("From", CALLER),
        ("To", US),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
    ];
    let (_, twiml) = by_hand(&lab, "/vapi/twilio/inbound_call", &form).await;
    hook.answer("/voice", [Reply::new(200, "text/xml", twiml)]);
    let (_, call) =
        lab.control("POST", "/calls", json!({"from": CALLER, "to": US, "says": ["It rains."]})).await;
    assert_eq!(
        (&call["outcome"], &call["ended_reason"]),
        (&json!("answered"), &json!("customer-ended-call")),
        "{call}"
    );
    assert_eq!(call["heard"][0], "Hello.");
}

#[tokio::test]
async fn an_assistant_request_has_seven_and_a_half_seconds_whatever_the_server_is_given() {
    let (lab, hook) = (still().await, Hook::new().await);
    let server = json!({"server": {"url": hook.url("/ask"), "timeoutSeconds": 20}});
    asking(&lab, &hook, server).await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    hook.answer("/ask", [Reply::json(&json!({})).held(&gate), Reply::status(200)]);
    let call = lab.call(US).await;
    assert_eq!(call["ended_reason"], "assistant-request-failed", "{call}");
    let (_, logs) = lab.vapi("GET", "/logs", Value::Null).await;
    let sentence = "Your server rejected `assistant-request` webhook. Error: timeout of 7500ms exceeded";
    assert_eq!(logs["results"][0]["message"], sentence);
}

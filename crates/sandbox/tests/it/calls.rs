//! Calls between Twilio and Vapi (facts: Twilio 6, 18; Vapi 5.6, 8, 9.3; requirements A6, A8).

use serde_json::{Value, json};

use crate::lab::{CALLER, FR, Form, Lab, US, serve_once};

async fn outcome(lab: &Lab, phone: &str) -> String {
    lab.call(phone).await["outcome"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a8_not_found_before_the_import_and_answered_after_it() {
    let lab = Lab::new().await;
    for phone in [US, FR] {
        let before = lab.call(phone).await;
        assert_eq!(before["outcome"], "not_found");
        assert_eq!(before["heard"], json!(["Phone number not found."]));
        assert!(before["call_sid"].as_str().unwrap().starts_with("CA"));
    }
    let assistant = lab.assistant("Mia").await;
    lab.import(US, json!({"assistantId": assistant})).await;
    let after = lab.call(US).await;
    assert_eq!(after["outcome"], "answered");
    assert_eq!(after["answered_by"], json!({"assistant_id": assistant, "name": "Mia"}));
    assert_eq!(after["heard"], json!(["Hello, this is Mia."]));
}

#[tokio::test]
async fn calls_appear_in_both_logs_joined_by_the_call_sid() {
    let lab = Lab::new().await;
    let assistant = lab.assistant("Mia").await;
    let (_, row) = lab.import(US, json!({"assistantId": assistant})).await;
    let call = lab.call(US).await;
    let (_, log) = lab.twilio("GET", "/Calls.json?To=%2B14155552671&Status=completed", &[]).await;
    assert_eq!(log["calls"][0]["sid"], call["call_sid"]);
    assert_eq!(log["calls"][0]["from"], CALLER);
    assert_eq!(log["calls"].as_array().unwrap().len(), 1);
    let path = format!("/call?phoneNumberId={}", row["id"].as_str().unwrap());
    let (_, calls) = lab.vapi("GET", &path, Value::Null).await;
    assert_eq!(calls[0]["phoneCallProviderId"], call["call_sid"]);
    assert_eq!(calls[0]["id"], call["vapi_call_id"]);
    assert_eq!((&calls[0]["type"], &calls[0]["status"]), (&json!("inboundPhoneCall"), &json!("ended")));
    assert_eq!(calls[0]["endedReason"], "customer-ended-call");
    assert!(calls[0]["monitor"]["controlUrl"].is_string());
    let path = format!("/call/{}", call["vapi_call_id"].as_str().unwrap());
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1, calls[0]);
    assert_eq!(lab.vapi("GET", "/call?assistantId=mia", Value::Null).await.0, 400);
}

#[tokio::test]
async fn a6_every_voice_url_has_its_outcome() {
    let lab = Lab::new().await;
    lab.import(US, json!({"assistantId": lab.assistant("Mia").await})).await;
    let cases: [(Form<'_>, &str); 8] = [
        (&[("VoiceUrl", "https://api.vapi.ai/call/twilio")], "answered"),
        (&[("VoiceUrl", "https://api.vapi.ai/twilio/inbound_call")], "answered"),
        (&[("VoiceUrl", "https://api.eu.vapi.ai/twilio/inbound_call")], "not_found"),
        (&[("VoiceUrl", "https://demo.twilio.com/welcome/voice/")], "demo_url"),
        (&[("VoiceUrl", "https://example.com/voice")], "forwarded"),
        (&[("VoiceUrl", "")], "no_route"),
        (&[("VoiceUrl", "https://api.vapi.ai/twilio/inbound_call"), ("VoiceMethod", "GET")], "rejected"),
        (&[("VoiceMethod", "POST")], "answered"),
    ];
    for (form, expected) in cases {
        assert_eq!(lab.set(US, form).await.0, 200);
        assert_eq!(outcome(&lab, US).await, expected, "{form:?}");
    }
}

#[tokio::test]
async fn a6_trunk_beats_application_beats_url() {
    let lab = Lab::new().await;
    lab.import(US, json!({"assistantId": lab.assistant("Mia").await})).await;
    let form = [("VoiceUrl", "https://example.com/app")];
    let (_, app) = lab.twilio("POST", "/Applications.json", &form).await;
    let app = app["sid"].as_str().unwrap();
    lab.set(US, &[("VoiceApplicationSid", app)]).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["url"]), (&json!("forwarded"), &json!("https://example.com/app")));

    let path = format!("/Applications/{app}.json");
    lab.twilio("POST", &path, &[("VoiceUrl", "https://api.vapi.ai/twilio/inbound_call")]).await;
    assert_eq!(outcome(&lab, US).await, "answered");
    lab.twilio("DELETE", &path, &[]).await;
    assert_eq!(outcome(&lab, US).await, "no_route");

    let (_, trunk) = lab.trunking("POST", "/v1/Trunks", &[]).await;
    let trunk = trunk["sid"].as_str().unwrap();
    lab.set(US, &[("TrunkSid", trunk)]).await;
    let call = lab.call(US).await;
    assert_eq!(call["outcome"], "no_route");
    assert!(call["reason"].as_str().unwrap().starts_with("32010"));

    let urls = format!("/v1/Trunks/{trunk}/OriginationUrls");
    for (enabled, priority, sip) in [
        ("false", "1", "sip:off@a.example"),
        ("true", "9", "sip:late@a.example"),
        ("true", "5", "sip:first@a.example"),
    ] {
        let form = [
            ("Weight", "1"),
            ("Priority", priority),
            ("Enabled", enabled),
            ("FriendlyName", "u"),
            ("SipUrl", sip),
        ];
        assert_eq!(lab.trunking("POST", &urls, &form).await.0, 201);
    }
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["url"]), (&json!("trunk"), &json!("sip:first@a.example")));

    assert_eq!(lab.trunking("DELETE", &format!("/v1/Trunks/{trunk}"), &[]).await.0, 204);
    assert_eq!(outcome(&lab, US).await, "answered");
}

#[tokio::test]
async fn a6_linked_unlinked_and_deleted_assistants() {
    let lab = Lab::new().await;
    let assistant = lab.assistant("Mia").await;
    let (_, row) = lab.import(US, json!({})).await;
    let call = lab.call(US).await;
    assert_eq!(call["outcome"], "no_assistant");
    assert_eq!(call["ended_reason"], "call-start-error-neither-assistant-nor-server-set");
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    lab.vapi("PATCH", &path, json!({"assistantId": assistant})).await;
    assert_eq!(outcome(&lab, US).await, "answered");
    lab.vapi("DELETE", &format!("/assistant/{assistant}"), Value::Null).await;
    assert_eq!(outcome(&lab, US).await, "assistant_not_found");
    lab.vapi("DELETE", &path, Value::Null).await;
    assert_eq!(outcome(&lab, US).await, "not_found");
}

#[tokio::test]
async fn dead_credentials_at_vapi_do_not_stop_inbound_calls_and_a_suspended_account_does() {
    let lab = Lab::new().await;
    lab.import(US, json!({"assistantId": lab.assistant("Mia").await})).await;
    let account = format!("/accounts/{}", lab.sid);
    lab.control("POST", &account, json!({"rotate_token": true})).await;
    assert_eq!(outcome(&lab, US).await, "answered");
    lab.control("POST", &account, json!({"status": "suspended"})).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["reason"]), (&json!("rejected"), &json!("account_not_active")));
    assert_eq!(lab.call("+14155550000").await["call_sid"], json!(null));
}

#[tokio::test]
async fn a_number_without_assistant_asks_its_server() {
    let lab = Lab::new().await;
    let assistant = lab.assistant("Mia").await;
    let (_, row) = lab.import(US, json!({})).await;
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let failed = "assistant-request-failed";
    let cases = [
        (200, json!({"assistantId": assistant}), "answered", "customer-ended-call"),
        (200, json!({"assistant": {"name": "Ad hoc"}}), "answered", "customer-ended-call"),
        (200, json!({}), "no_assistant", "assistant-request-returned-no-assistant"),
        (200, json!({"error": "We are closed."}), "rejected", "assistant-request-returned-error"),
        (200, json!({"assistantId": lab.key}), "assistant_not_found", "assistant-not-found"),
        (
            200,
            json!({"destination": {"type": "number", "number": CALLER}}),
            "forwarded",
            "assistant-request-returned-forwarding-phone-number",
        ),
        (500, json!({"assistantId": assistant}), "rejected", failed),
    ];
    for (status, answer, outcome, reason) in cases {
        let (url, thread) = serve_once(status, answer.clone());
        let server = json!({"server": {"url": url, "headers": {"X-Dialtone-Secret": "s"}}});
        assert_eq!(lab.vapi("PATCH", &path, server).await.0, 200);
        let call = lab.call(US).await;
        assert_eq!((&call["outcome"], &call["ended_reason"]), (&json!(outcome), &json!(reason)), "{answer}");
        let (head, body) = thread.join().unwrap();
        assert!(head.to_lowercase().contains("x-dialtone-secret: s"), "{head}");
        assert_eq!(body["message"]["type"], "assistant-request");
        assert_eq!(body["message"]["phoneNumber"]["twilioAuthToken"], json!(lab.token));
        assert_eq!(body["message"]["call"]["id"], call["vapi_call_id"]);
    }
    // Nobody listens there any more; a fallback destination takes over.
    assert_eq!(lab.call(US).await["ended_reason"], failed);
    let fallback = json!({"fallbackDestination": {"type": "number", "number": CALLER}});
    lab.vapi("PATCH", &path, fallback).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["url"]), (&json!("forwarded"), &json!(CALLER)));
}

//! How Twilio calls a URL (T11).

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::hook::{Hook, Reply};
use crate::lab::{FR, Lab};
use crate::texting::signature;

async fn wired(form: &[(&str, &str)]) -> (Lab, Hook) {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let filled: Vec<(&str, String)> =
        form.iter().map(|(name, value)| (*name, value.replace("HOOK", hook.host()))).collect();
    let filled: Vec<(&str, &str)> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (status, body) = lab.set(FR, &filled).await;
    assert_eq!(status, 200, "{body}");
    (lab, hook)
}

fn statuses(arrival: &Value) -> Vec<Value> {
    arrival["deliveries"].as_array().unwrap().iter().map(|delivery| delivery["status"].clone()).collect()
}

/// An address at which nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/sms", listener.local_addr().unwrap())
}

#[tokio::test]
async fn trap_05_by_default_only_a_failed_connection_is_tried_again() {
    let (lab, hook) = wired(&[("SmsUrl", "http://HOOK/sms")]).await;
    hook.answer("/sms", [Reply::status(500), Reply::twiml("")]);
    assert_eq!(statuses(&lab.text(FR, "x").await), [json!(500)]);
    hook.answer("/sms", [Reply::cut(), Reply::twiml("")]);
    assert_eq!(statuses(&lab.text(FR, "x").await), [Value::Null]);
    lab.set(FR, &[("SmsUrl", &nobody().await)]).await;
    let arrival = lab.text(FR, "x").await;
    assert_eq!(statuses(&arrival), [Value::Null, Value::Null]);
    assert_eq!(arrival["deliveries"][0]["failure"], "connect");
    assert_eq!(lab.alerts().await, [11200, 11200, 11205]);
    let (_, log) = lab.control("GET", "/webhooks", json!({})).await;
    assert_eq!(log["webhooks"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn overrides_in_the_fragment_are_obeyed_and_neither_sent_nor_signed() {
    let (lab, hook) = wired(&[("SmsUrl", "http://HOOK/sms?a=b#rc=3&rp=all&rt=1000")]).await;
    let gate = Arc::new(Notify::new());
    let slow = Reply::twiml("").held(&gate);
    hook.answer("/sms", [Reply::status(500), Reply::status(404), slow, Reply::twiml("")]);
    let arrival = lab.text(FR, "x").await;
    assert_eq!(statuses(&arrival), [json!(500), json!(404), Value::Null, json!(200)]);
    assert_eq!(arrival["deliveries"][2]["failure"], "timeout");
    gate.notify_waiters();
    let seen = hook.seen();
    let url = format!("{}?a=b", hook.url("/sms"));
    for request in &seen {
        assert_eq!(request.query, "a=b");
        assert_eq!(request.header("x-twilio-signature"), Some(signature(&lab.token, &url, request).as_str()));
        let token = request.header("i-twilio-idempotency-token");
        assert_eq!(token, seen[0].header("i-twilio-idempotency-token"), "the same for all tries");
    }
    lab.text(FR, "y").await;
    let next = hook.seen().last().unwrap().clone();
    assert_ne!(next.header("i-twilio-idempotency-token"), seen[0].header("i-twilio-idempotency-token"));
    assert!(lab.alerts().await.is_empty());
}

#[tokio::test]
async fn retries_end_with_their_number() {
    let (lab, hook) = wired(&[("SmsUrl", "http://HOOK/sms#rc=2&rp=5xx")]).await;
    hook.answer("/sms", [Reply::status(503)]);
    assert_eq!(statuses(&lab.text(FR, "x").await), [json!(503), json!(503), json!(503)]);
    hook.answer("/sms", [Reply::status(400)]);
    assert_eq!(statuses(&lab.text(FR, "x").await), [json!(400)]);
}

#[tokio::test]
async fn the_fallback_is_told_what_went_wrong() {
    let form = [("SmsUrl", "http://HOOK/sms"), ("SmsFallbackUrl", "http://HOOK/fallback")];
    let (lab, hook) = wired(&form).await;
    hook.answer("/sms", [Reply::status(500)]);
    hook.answer("/fallback", [Reply::twiml("<Message>From the other one</Message>")]);
    assert_eq!(statuses(&lab.text("+33612345678", "x").await), [json!(500), json!(200)]);
    let told = &hook.at("/fallback")[0];
    assert_eq!(told.field("ErrorCode").as_deref(), Some("11200"));
    assert_eq!(told.field("ErrorUrl").as_deref(), Some(hook.url("/sms").as_str()));
    assert_eq!(told.field("Body").as_deref(), Some("x"));
    let expected = signature(&lab.token, &hook.url("/fallback"), told);
    assert_eq!(told.header("x-twilio-signature"), Some(expected.as_str()));
    // TwiML that is no TwiML is as bad as no answer.
    hook.answer("/sms", [Reply::new(200, "text/xml", "oops")]);
    lab.text(FR, "x").await;
    assert_eq!(hook.at("/fallback")[1].field("ErrorCode").as_deref(), Some("12100"));
    assert_eq!(lab.alerts().await, [11200, 12100]);
}

#[tokio::test]
async fn without_a_fallback_nothing_is_delivered_again_and_the_message_is_in_the_log() {
    let (lab, hook) = wired(&[("SmsUrl", "http://HOOK/sms")]).await;
    hook.answer("/sms", [Reply::status(500), Reply::twiml("")]);
    let arrival = lab.text(FR, "x").await;
    lab.advance(86_400.0).await;
    assert_eq!(hook.seen().len(), 1);
    assert_eq!(lab.messages("").await[0]["sid"], arrival["message_sid"]);
}

#[tokio::test]
async fn redirects_are_followed_ten_times() {
    let (lab, hook) = wired(&[("SmsUrl", "http://HOOK/sms")]).await;
    hook.answer("/sms", [Reply::redirect(307, "/kept")]);
    hook.answer("/kept", [Reply::redirect(302, "/bare")]);
    lab.text(FR, "x").await;
    let methods: Vec<(String, usize)> =
        hook.seen().iter().map(|seen| (seen.method.clone(), seen.fields().len())).collect();
    assert_eq!(methods, [("POST".to_owned(), 20), ("POST".to_owned(), 20), ("GET".to_owned(), 0)]);
    hook.answer("/sms", [Reply::redirect(307, "/sms")]);
    let arrival = lab.text(FR, "x").await;
    assert_eq!(statuses(&arrival).len(), 11);
    assert_eq!(lab.alerts().await, [11215]);
}

#[tokio::test]
async fn a_password_is_sent_only_when_it_is_asked_for() {
    let (lab, hook) = wired(&[("SmsUrl", "http://user:pass@HOOK/sms")]).await;
    lab.text(FR, "x").await;
    hook.answer("/sms", [Reply::status(401).header("www-authenticate", "Basic"), Reply::twiml("")]);
    lab.text(FR, "x").await;
    let seen = hook.seen();
    let sent: Vec<Option<&str>> = seen.iter().map(|seen| seen.header("authorization")).collect();
    assert_eq!(sent, [None, None, Some("Basic dXNlcjpwYXNz")]);
    let expected = signature(&lab.token, &hook.url("/sms"), &seen[2]);
    assert_eq!(seen[2].header("x-twilio-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn hosts_without_a_name_are_11210() {
    let (lab, _hook) = wired(&[("SmsUrl", "http://nobody.invalid/sms#rc=0")]).await;
    let arrival = lab.text(FR, "x").await;
    assert_eq!(arrival["deliveries"][0]["failure"], "dns");
    assert_eq!(lab.alerts().await, [11210]);
}

#[tokio::test]
async fn servers_that_do_not_speak_tls_are_11220() {
    let (lab, hook) = wired(&[("SmsUrl", "https://HOOK/sms#rc=0")]).await;
    let arrival = lab.text(FR, "x").await;
    assert_eq!(statuses(&arrival), [Value::Null], "{}", hook.host());
    assert_eq!(lab.alerts().await, [11220]);
}

#[tokio::test]
async fn trap_06_the_default_port_can_be_in_the_signed_url() {
    let (lab, _hook) = wired(&[("SmsUrl", "http://nobody.invalid/sms#rc=0")]).await;
    lab.setting(json!({"default_port_in_url": true})).await;
    let arrival = lab.text(FR, "x").await;
    let (_, log) = lab.control("GET", "/webhooks", json!({})).await;
    let sent = log["webhooks"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(sent["url"], "http://nobody.invalid:80/sms");
    assert_eq!(sent["subject"], arrival["message_sid"]);
    let seen = crate::hook::Seen {
        method: "POST".to_owned(),
        body: sent["body"].as_str().unwrap().to_owned(),
        ..Default::default()
    };
    let expected = signature(&lab.token, "http://nobody.invalid:80/sms", &seen);
    assert_eq!(sent["headers"]["x-twilio-signature"], json!(expected));
}

#[tokio::test]
async fn texts_for_vapi_stay_inside() {
    let (lab, _hook) = wired(&[("SmsUrl", "https://api.vapi.ai/twilio/sms")]).await;
    let arrival = lab.text(FR, "x").await;
    assert_eq!(arrival["deliveries"][0], json!({"url": "https://api.vapi.ai/twilio/sms", "status": 200}));
    let (_, log) = lab.control("GET", "/webhooks", json!({})).await;
    assert_eq!(log["webhooks"][0]["url"], "https://api.vapi.ai/twilio/sms");
}

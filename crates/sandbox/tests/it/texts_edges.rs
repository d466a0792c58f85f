//! Texts where several things meet: services with their own rules, numbers that leave, pages that move.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::hook::{Hook, Reply};
use crate::lab::{FR, Lab, US};
use crate::texting::{PERSON, signature};

const FRIEND: &str = "+33712345678";
const SCHEDULED: [(&str, &str); 2] = [("ScheduleType", "fixed"), ("SendAt", "2026-01-01T01:00:00Z")];

#[tokio::test]
async fn a_service_encodes_smartly_unless_it_is_told_not_to() {
    let lab = Lab::new().await;
    let fancy = format!("“It’s fine” {}", "a".repeat(100));
    for (encoding, segments) in [("true", "1"), ("false", "2")] {
        let service = lab.service(&[("SmartEncoding", encoding)], &[]).await;
        let number = lab.number_sid(FR).await;
        let path = format!("/Services/{service}/PhoneNumbers");
        lab.messaging("POST", &path, &[("PhoneNumberSid", &number)]).await;
        let form = [("MessagingServiceSid", service.as_str()), ("To", FRIEND), ("Body", &fancy)];
        let sid = lab.sent(&form).await;
        lab.advance(5.0).await;
        assert_eq!(lab.message(&sid).await["num_segments"], segments, "SmartEncoding {encoding}");
        lab.messaging("DELETE", &format!("/Services/{service}"), &[]).await;
    }
}

#[tokio::test]
async fn a_services_validity_period_ends_the_wait_of_its_messages() {
    let lab = Lab::new().await;
    lab.register(US).await;
    let service = lab.service(&[("ValidityPeriod", "3")], &[US]).await;
    let long = "a".repeat(1_600);
    let of_service = [("MessagingServiceSid", service.as_str()), ("To", PERSON)];
    lab.sent(&[of_service.as_slice(), &[("Body", long.as_str())]].concat()).await;
    let late = lab.sent(&[of_service.as_slice(), &[("Body", "x")]].concat()).await;
    let patient = [("Body", "x"), ("ValidityPeriod", "60")];
    let patient = lab.sent(&[of_service.as_slice(), &patient].concat()).await;
    lab.advance(30.0).await;
    assert_eq!(lab.message(&late).await["error_code"], 30001);
    assert_eq!(lab.message(&patient).await["status"], "delivered", "its own period comes first");
}

#[tokio::test]
async fn a_cancellation_is_called_back() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let service = lab.service(&[], &[FR]).await;
    let url = hook.url("/status");
    let base = [("MessagingServiceSid", service.as_str()), ("To", FRIEND), ("Body", "x")];
    let form = [base.as_slice(), &SCHEDULED, &[("StatusCallback", url.as_str())]].concat();
    let sid = lab.sent(&form).await;
    let path = format!("/Messages/{sid}.json");
    assert_eq!(lab.twilio("POST", &path, &[("Status", "canceled")]).await.0, 200);
    lab.advance(1.0).await;
    let told: Vec<Option<String>> = hook.seen().iter().map(|seen| seen.field("MessageStatus")).collect();
    assert_eq!(told, [Some("canceled".to_owned())]);
}

#[tokio::test]
async fn without_a_sender_left_an_accepted_message_says_which_is_missing() {
    let lab = Lab::new().await;
    let service = lab.service(&[], &[FR]).await;
    let form = [("MessagingServiceSid", service.as_str()), ("To", FRIEND), ("Body", "x")];
    let stopped = lab.sent(&form).await;
    // The service has no inbound URL: the text is swallowed, but not what it asks for.
    assert_eq!(lab.text_from(FRIEND, FR, "STOP").await["message_sid"], Value::Null);
    assert_eq!(lab.end(&stopped).await, ("failed".to_owned(), json!(21610)));
    assert!(lab.read(FRIEND).await[0].starts_with("You have successfully been unsubscribed."));
    lab.text_from(FRIEND, FR, "START").await;
    let orphan = lab.sent(&form).await;
    let number = lab.number_sid(FR).await;
    lab.messaging("DELETE", &format!("/Services/{service}/PhoneNumbers/{number}"), &[]).await;
    assert_eq!(lab.end(&orphan).await, ("failed".to_owned(), json!(21704)));
}

#[tokio::test]
async fn a_number_that_leaves_its_account_leaves_its_service() {
    let lab = Lab::new().await;
    let service = lab.service(&[], &[US, FR]).await;
    let path = format!("/Services/{service}/PhoneNumbers");
    let number = lab.number_sid(FR).await;
    assert_eq!(lab.twilio("DELETE", &format!("/IncomingPhoneNumbers/{number}.json"), &[]).await.0, 204);
    let (_, list) = lab.messaging("GET", &path, &[]).await;
    assert_eq!(list["phone_numbers"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(lab.messaging("GET", &format!("{path}/{number}"), &[]).await.0, 404);
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let hook = Hook::new().await;
    let form = [("AccountSid", sub["sid"].as_str().unwrap()), ("SmsUrl", &hook.url("/sms"))];
    assert_eq!(lab.set(US, &form).await.0, 200);
    let (_, list) = lab.messaging("GET", &path, &[]).await;
    assert_eq!(list["phone_numbers"], json!([]));
    // The other account's texts are not the service's, which would swallow them.
    lab.text(US, "x").await;
    assert_eq!(hook.seen()[0].field("MessagingServiceSid"), None);
}

#[tokio::test]
async fn media_between_two_owned_numbers_are_each_ones_own() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    lab.register(US).await;
    lab.own("+14155552680").await;
    hook.answer("/a.png", [Reply::new(200, "image/png", "png")]);
    let url = hook.url("/a.png");
    let sent = lab.sent(&[("From", US), ("To", "+14155552680"), ("MediaUrl", &url)]).await;
    lab.advance(10.0).await;
    let arrived = lab.messages("?To=%2B14155552680").await[0]["sid"].as_str().unwrap().to_owned();
    assert_ne!(arrived, sent);
    assert_eq!(lab.twilio("DELETE", &format!("/Messages/{sent}.json"), &[]).await.0, 204);
    let (_, list) = lab.twilio("GET", &format!("/Messages/{arrived}/Media.json"), &[]).await;
    let uri = list["media_list"][0]["uri"].as_str().unwrap().trim_end_matches(".json").to_owned();
    let request = lab.request("GET", &format!("/twilio/api{uri}")).basic_auth(&lab.sid, Some(&lab.token));
    let content = request.send().await.unwrap();
    assert_eq!((content.status().as_u16(), content.text().await.unwrap().as_str()), (200, "png"));
}

#[tokio::test]
async fn files_of_a_text_that_nobody_takes_are_not_kept() {
    let lab = Lab::new().await;
    let media = json!([{"content_type": "image/png", "base64": "cG5n"}]);
    let text = json!({"from": PERSON, "to": "+33799999999", "body": "x", "media": media});
    assert_eq!(lab.control("POST", "/messages", text).await.1["message_sid"], Value::Null);
    let (_, saved) = lab.control("GET", "/snapshot", json!({})).await;
    assert_eq!(saved["world"]["storage"], json!({}));
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended_though_its_last_message_is_gone() {
    let lab = Lab::new().await;
    for body in ["1", "2", "3", "4"] {
        lab.text_from(FRIEND, FR, body).await;
    }
    lab.advance(10.0).await;
    let (_, page) = lab.twilio("GET", "/Messages.json?From=%2B33712345678&PageSize=2", &[]).await;
    let gone = page["messages"][1]["sid"].as_str().unwrap();
    assert_eq!(page["messages"][1]["body"], "3");
    assert_eq!(lab.twilio("DELETE", &format!("/Messages/{gone}.json"), &[]).await.0, 204);
    let next = page["next_page_uri"].as_str().unwrap();
    let (_, page) = lab.twilio_as(&lab.sid, &lab.token, "GET", next, &[]).await;
    let bodies: Vec<&Value> =
        page["messages"].as_array().unwrap().iter().map(|message| &message["body"]).collect();
    assert_eq!(bodies, ["2", "1"]);
}

#[tokio::test]
async fn pages_beyond_all_numbers_are_empty() {
    let lab = Lab::new().await;
    lab.text_from(FRIEND, FR, "x").await;
    let arrived = lab.messages("").await[0]["sid"].as_str().unwrap().to_owned();
    for path in ["/Messages.json", &format!("/Messages/{arrived}/Media.json"), "/IncomingPhoneNumbers.json"] {
        let (status, page) = lab.twilio("GET", &format!("{path}?Page={}", u64::MAX), &[]).await;
        assert_eq!(status, 200, "{path} {page}");
    }
}

#[tokio::test]
async fn a_read_timeout_does_not_wait_for_a_connection_that_is_there() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let gate = Arc::new(Notify::new());
    hook.answer("/sms", [Reply::twiml("").held(&gate)]);
    lab.set(FR, &[("SmsUrl", &format!("{}#rt=200&ct=10000", hook.url("/sms")))]).await;
    let begun = std::time::Instant::now();
    let arrival = lab.text_from(FRIEND, FR, "x").await;
    assert_eq!(arrival["deliveries"][0]["failure"], "timeout");
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    gate.notify_waiters();
}

#[tokio::test]
async fn a_redirect_takes_neither_fragment_nor_password_along() {
    let (lab, hook, other) = (Lab::new().await, Hook::new().await, Hook::new().await);
    lab.set(FR, &[("SmsUrl", &format!("http://user:pass@{}/sms", hook.host()))]).await;
    let to_other = Reply::redirect(307, &format!("{}#rc=2", other.url("/sms")));
    hook.answer("/sms", [Reply::status(401), to_other]);
    lab.text_from(FRIEND, FR, "x").await;
    let seen = &other.seen()[0];
    assert_eq!(seen.header("authorization"), None);
    let expected = signature(&lab.token, &other.url("/sms"), seen);
    assert_eq!(seen.header("x-twilio-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn a_text_to_an_owned_number_without_sms_is_lost() {
    let lab = Lab::new().await;
    let fixed = json!({"phone_number": "+33142345678", "capabilities": {"voice": true, "sms": false}});
    assert_eq!(lab.control("POST", "/numbers", fixed).await.0, 201);
    let sid = lab.sent(&[("From", FR), ("To", "+33142345678"), ("Body", "x")]).await;
    assert_eq!(lab.end(&sid).await, ("undelivered".to_owned(), json!(30006)));
}

#[tokio::test]
async fn an_unverified_toll_free_text_is_blocked_and_billed() {
    let lab = Lab::new().await;
    lab.own("+18005550100").await;
    let sid = lab.sent(&[("From", "+18005550100"), ("To", PERSON), ("Body", "x")]).await;
    lab.advance(200.0).await;
    let message = lab.message(&sid).await;
    assert_eq!(message["error_code"], 30032);
    assert!(message["price"].as_str().unwrap().starts_with("-0.0"), "{message}");
}

#[tokio::test]
async fn a_long_answer_is_kept_in_part_only() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    lab.set(FR, &[("SmsUrl", &hook.url("/sms"))]).await;
    hook.answer("/sms", [Reply::new(500, "text/html", "é".repeat(100_000))]);
    lab.text_from(FRIEND, FR, "x").await;
    let (_, list) = lab.twilio_product("monitor", "GET", "/v1/Alerts", &[]).await;
    let path = format!("/v1/Alerts/{}", list["alerts"][0]["sid"].as_str().unwrap());
    let (_, alert) = lab.twilio_product("monitor", "GET", &path, &[]).await;
    assert_eq!(alert["response_body"].as_str().unwrap().len(), 65_536);
}

#[tokio::test]
async fn a_ported_number_starts_as_the_setting_says() {
    let lab = Lab::new().await;
    lab.control("POST", "/settings", json!({"fresh_numbers": "empty"})).await;
    let number = crate::porting::ported(&lab).await;
    assert_eq!((&number["voice_url"], &number["sms_url"]), (&Value::Null, &json!("")));
}

#[tokio::test]
async fn a_name_is_found_in_its_own_service_only() {
    let lab = Lab::new().await;
    let (one, two) = (lab.service(&[], &[]).await, lab.service(&[], &[]).await);
    let path = |service: &str| format!("/Services/{service}/AlphaSenders");
    let (_, name) = lab.messaging("POST", &path(&one), &[("AlphaSender", "DIALTONE")]).await;
    let name = name["sid"].as_str().unwrap();
    assert_eq!(lab.messaging("GET", &format!("{}/{name}", path(&two)), &[]).await.0, 404);
    assert_eq!(lab.messaging("DELETE", &format!("{}/{name}", path(&two)), &[]).await.0, 404);
    assert_eq!(lab.messaging("DELETE", &format!("{}/{name}", path(&one)), &[]).await.0, 204);
}

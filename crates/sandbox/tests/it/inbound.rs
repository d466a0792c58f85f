//! Texts in: who is told, in which words, and what the answer does (T6, T10, T13, T14).

use serde_json::{Value, json};

use crate::hook::{Hook, Reply};
use crate::lab::{FR, Lab, US};
use crate::texting::{PERSON, signature};

const FRIEND: &str = "+33712345678";
const TOLL_FREE: &str = "+18005550100";

/// A laboratory whose French number asks `/sms` of a web server.
async fn wired() -> (Lab, Hook) {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    lab.set(FR, &[("SmsUrl", &hook.url("/sms"))]).await;
    (lab, hook)
}

#[tokio::test]
async fn the_webhook_tells_everything_in_the_captured_order() {
    let (lab, hook) = wired().await;
    let arrival = lab.text(FR, "Is the suite free? 👍").await;
    let sid = arrival["message_sid"].as_str().unwrap();
    assert_eq!(arrival["deliveries"], json!([{"url": hook.url("/sms"), "status": 200}]));
    let seen = hook.seen()[0].clone();
    let fields = seen.fields();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let order = "ToCountry ToState SmsMessageSid NumMedia ToCity FromZip SmsSid FromState SmsStatus FromCity \
                 Body FromCountry To ToZip NumSegments ReferralNumMedia MessageSid AccountSid From \
                 ApiVersion";
    assert_eq!(names, order.split_whitespace().collect::<Vec<_>>());
    for (name, value) in [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("AccountSid", &lab.sid),
        ("From", PERSON),
        ("To", FR),
        ("Body", "Is the suite free? 👍"),
        ("FromCountry", "US"),
        ("ToCountry", "FR"),
        ("FromCity", "SAN FRANCISCO"),
        ("FromState", "CA"),
        ("FromZip", "94105"),
        ("ToZip", ""),
        ("NumMedia", "0"),
        ("SmsStatus", "received"),
    ] {
        assert_eq!(seen.field(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(seen.header("user-agent"), Some("TwilioProxy/1.1"));
    assert_eq!(seen.header("accept"), Some("*/*"));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded; charset=utf-8"));
    let expected = signature(&lab.token, &hook.url("/sms"), &seen);
    assert_eq!(seen.header("x-twilio-signature"), Some(expected.as_str()));
    let message = lab.message(sid).await;
    assert_eq!((&message["status"], &message["direction"]), (&json!("received"), &json!("inbound")));
    assert_eq!(message["subresource_uris"].get("feedback"), None);
}

#[tokio::test]
async fn cookies_come_back_for_four_hours() {
    let (lab, hook) = wired().await;
    hook.answer("/sms", [Reply::twiml("").header("set-cookie", "visit=1; Path=/"), Reply::twiml("")]);
    for hours in [0.0, 3.9, 0.2] {
        lab.advance(hours * 3_600.0).await;
        lab.text(FR, "Hello").await;
    }
    lab.text_from(FRIEND, FR, "Hello").await;
    let seen = hook.seen();
    let cookies: Vec<Option<&str>> = seen.iter().map(|seen| seen.header("cookie")).collect();
    assert_eq!(cookies, [None, Some("visit=1"), None, None]);
}

#[tokio::test]
async fn get_carries_the_fields_in_the_query() {
    let (lab, hook) = wired().await;
    let url = format!("{}?line=7", hook.url("/sms"));
    lab.set(FR, &[("SmsUrl", &url), ("SmsMethod", "GET")]).await;
    lab.text(FR, "Hello").await;
    let seen = &hook.seen()[0];
    assert_eq!((seen.method.as_str(), seen.field("Body").as_deref()), ("GET", Some("Hello")));
    assert_eq!(seen.field("line").as_deref(), Some("7"));
    let whole = format!("{}?{}", hook.url("/sms"), seen.query);
    assert_eq!(seen.header("x-twilio-signature"), Some(signature(&lab.token, &whole, seen).as_str()));
}

#[tokio::test]
async fn trap_17_a_subaccounts_number_signs_with_its_own_token() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let url = hook.url("/sms");
    let number = json!({"account_sid": sub["sid"], "phone_number": "+33712340000", "sms_url": url});
    assert_eq!(lab.control("POST", "/numbers", number).await.0, 201);
    lab.text("+33712340000", "Hello").await;
    let seen = &hook.seen()[0];
    let token = sub["auth_token"].as_str().unwrap();
    assert_eq!(seen.header("x-twilio-signature"), Some(signature(token, &url, seen).as_str()));
    assert_eq!(seen.field("AccountSid").as_deref(), sub["sid"].as_str());
}

#[tokio::test]
async fn trap_16_the_primary_token_signs_even_while_there_is_a_second() {
    let (lab, hook) = wired().await;
    let path = "/twilio/accounts/v1/AuthTokens/Secondary";
    let made = lab.request("POST", path).basic_auth(&lab.sid, Some(&lab.token)).send().await.unwrap();
    assert_eq!(made.status(), 201);
    lab.text(FR, "Hello").await;
    let seen = &hook.seen()[0];
    assert_eq!(
        seen.header("x-twilio-signature"),
        Some(signature(&lab.token, &hook.url("/sms"), seen).as_str())
    );
}

#[tokio::test]
async fn trap_09_applications_and_services_hide_the_sms_url() {
    let (lab, hook) = wired().await;
    let form = [("FriendlyName", "a"), ("SmsUrl", &hook.url("/app"))];
    let (_, application) = lab.twilio("POST", "/Applications.json", &form).await;
    lab.set(FR, &[("SmsApplicationSid", application["sid"].as_str().unwrap())]).await;
    lab.text(FR, "one").await;
    let service = lab.service(&[("InboundRequestUrl", &hook.url("/service"))], &[FR]).await;
    lab.text(FR, "two").await;
    let path = format!("/Services/{service}");
    lab.messaging("POST", &path, &[("UseInboundWebhookOnNumber", "true")]).await;
    lab.text(FR, "three").await;
    let asked: Vec<String> = hook.seen().iter().map(|seen| seen.path.clone()).collect();
    assert_eq!(asked, ["/app", "/service", "/app"]);
    assert_eq!(hook.seen()[1].field("MessagingServiceSid").unwrap(), service);
    // Without an inbound URL the service swallows: not passed on, not even written down.
    let off = [("UseInboundWebhookOnNumber", "false"), ("InboundRequestUrl", "")];
    lab.messaging("POST", &path, &off).await;
    let before = lab.messages("").await.len();
    let arrival = lab.text(FR, "four").await;
    assert_eq!(arrival, json!({"message_sid": null, "deliveries": []}));
    assert_eq!((lab.messages("").await.len(), hook.seen().len()), (before, 3));
}

#[tokio::test]
async fn trap_24_a_numbers_status_callback_hears_nothing_of_texts() {
    let (lab, hook) = wired().await;
    lab.set(FR, &[("StatusCallback", &hook.url("/status"))]).await;
    lab.sent(&[("From", FR), ("To", FRIEND), ("Body", "x")]).await;
    lab.advance(10.0).await;
    assert!(hook.at("/status").is_empty());
}

#[tokio::test]
async fn trap_04_a_plain_text_answer_is_sent_to_the_texter() {
    let (lab, hook) = wired().await;
    hook.answer("/sms", [Reply::new(200, "text/plain; charset=utf-8", "ok")]);
    lab.text_from(FRIEND, FR, "Hello").await;
    lab.advance(200.0).await;
    assert_eq!(lab.read(FRIEND).await, ["ok"]);
    let reply = &lab.messages("").await[0];
    assert_eq!((&reply["direction"], &reply["body"]), (&json!("outbound-reply"), &json!("ok")));
    assert_ne!(reply["price"], Value::Null, "and it costs");
}

#[tokio::test]
async fn twiml_answers_are_run() {
    let (lab, hook) = wired().await;
    hook.answer("/a.png", [Reply::new(200, "image/png", "picture")]);
    let twiml = "<Message>One &amp; only</Message>\
        <Message to='+33799999999'><Body>Two\nlines</Body></Message>\
        <Message statusCallback='/status'><Body>Three</Body></Message>\
        <Redirect method='GET'>/next?x=1</Redirect><Message>never</Message>";
    hook.answer("/sms", [Reply::twiml(twiml)]);
    hook.answer("/next", [Reply::twiml("<Message>Four</Message><Dance/>")]);
    let arrival = lab.text_from(FRIEND, FR, "Hello").await;
    assert_eq!(arrival["deliveries"].as_array().unwrap().len(), 2);
    let next = &hook.seen()[1];
    assert_eq!((next.method.as_str(), next.field("Body").as_deref()), ("GET", Some("Hello")));
    lab.advance(10.0).await;
    assert_eq!(lab.read(FRIEND).await, ["One & only", "Three", "Four"]);
    assert_eq!(lab.read("+33799999999").await, ["Two\nlines"]);
    assert_eq!(hook.at("/status").len(), 2);
    assert_eq!(lab.alerts().await, [12200]);
}

#[tokio::test]
async fn an_action_is_asked_what_comes_next() {
    let (lab, hook) = wired().await;
    hook.answer("/sms", [Reply::twiml("<Message action='/done'>One</Message><Message>never</Message>")]);
    hook.answer("/done", [Reply::twiml("<Message>Two</Message>")]);
    lab.text_from(FRIEND, FR, "Hello").await;
    lab.advance(10.0).await;
    assert_eq!(lab.read(FRIEND).await, ["One", "Two"]);
    assert_eq!(hook.at("/done")[0].field("MessageStatus").as_deref(), Some("queued"));
}

#[tokio::test]
async fn at_most_ten_replies_are_sent() {
    let (lab, hook) = wired().await;
    hook.answer("/sms", [Reply::twiml(&"<Message>x</Message>".repeat(12))]);
    lab.text_from(FRIEND, FR, "Hello").await;
    assert_eq!(lab.messages("").await.len(), 11);
    assert_eq!(lab.alerts().await, [14109, 14109]);
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_in_the_debugger() {
    let (lab, hook) = wired().await;
    let long = format!("<Response><Message>{}</Message></Response>", "x".repeat(70_000));
    for (reply, code) in [
        (Reply::new(200, "application/json", "{}"), 12300),
        (Reply::new(200, "text/xml", "<Response>"), 12100),
        (Reply::new(200, "text/html", "<html></html>"), 12102),
        (Reply::new(200, "text/xml", long), 11750),
        (Reply::new(200, "text/xml", "").chunked(), 11770),
        (Reply::status(404), 11200),
        (Reply::status(500), 11200),
        (Reply::cut(), 11200),
    ] {
        hook.answer("/sms", [reply.clone()]);
        lab.text(FR, "Hello").await;
        assert_eq!(lab.alerts().await.last(), Some(&code), "{reply:?}");
    }
    let before = lab.alerts().await.len();
    for fine in
        [Reply::status(204), Reply::new(200, "text/plain", ""), Reply::new(200, "text/xml", "<Response/>")]
    {
        hook.answer("/sms", [fine]);
        lab.text(FR, "Hello").await;
    }
    assert_eq!(lab.alerts().await.len(), before);
}

#[tokio::test]
async fn keywords_are_answered_by_twilio_and_told_all_the_same() {
    let (lab, hook) = wired().await;
    lab.text_from(FRIEND, FR, "Stop").await;
    lab.advance(10.0).await;
    let stopped = lab.read(FRIEND).await;
    assert!(stopped[0].starts_with("You have successfully been unsubscribed."), "{stopped:?}");
    assert_eq!(hook.seen().len(), 1);
    assert_eq!(hook.seen()[0].field("OptOutType"), None, "only with Advanced Opt-Out");
    let form = [("From", FR), ("To", FRIEND), ("Body", "Hello?")];
    assert_eq!(lab.refused(&form).await, 21610);
    // Only this pair is concerned.
    lab.own("+33612345679").await;
    lab.sent(&[("From", "+33612345679"), ("To", FRIEND), ("Body", "x")]).await;
    lab.sent(&[("From", FR), ("To", "+33799999999"), ("Body", "x")]).await;
    lab.text_from(FRIEND, FR, "START").await;
    lab.advance(10.0).await;
    lab.sent(&form).await;
    lab.text_from(FRIEND, FR, "help").await;
    lab.advance(200.0).await;
    let read = lab.read(FRIEND).await;
    assert!(read.iter().any(|text| text.contains("re-subscribed")), "{read:?}");
    assert!(read.iter().any(|text| text.starts_with("Reply STOP to unsubscribe.")), "{read:?}");
    let free = lab.messages("?To=%2B33712345678").await;
    let free =
        free.iter().find(|message| message["body"].as_str().unwrap().contains("unsubscribed")).unwrap();
    assert_eq!(free["price"], "0.00000", "Twilio's own answers are free");
}

#[tokio::test]
async fn opting_out_of_a_service_concerns_all_its_numbers() {
    let (lab, hook) = wired().await;
    lab.own("+33612345679").await;
    let form = [("InboundRequestUrl", hook.url("/service"))];
    let form = [("InboundRequestUrl", form[0].1.as_str())];
    let service = lab.service(&form, &[FR, "+33612345679"]).await;
    let advanced = json!({"advanced_opt_out": true});
    assert_eq!(lab.control("POST", &format!("/services/{service}"), advanced).await.0, 200);
    lab.text_from(FRIEND, FR, "STOP").await;
    assert_eq!(hook.seen()[0].field("OptOutType").as_deref(), Some("STOP"));
    assert_eq!(lab.refused(&[("From", "+33612345679"), ("To", FRIEND), ("Body", "x")]).await, 21610);
    let through = [("MessagingServiceSid", service.as_str()), ("To", FRIEND), ("Body", "x")];
    assert_eq!(lab.refused(&through).await, 21610);
    lab.text_from(FRIEND, "+33612345679", "UNSTOP").await;
    lab.sent(&through).await;
}

#[tokio::test]
async fn on_toll_free_numbers_the_network_answers() {
    let lab = Lab::new().await;
    lab.own(TOLL_FREE).await;
    lab.register(TOLL_FREE).await;
    lab.text(TOLL_FREE, "STOP").await;
    assert!(lab.read(PERSON).await[0].starts_with("NETWORK MSG:"));
    let form = [("From", TOLL_FREE), ("To", PERSON), ("Body", "x")];
    assert_eq!(lab.refused(&form).await, 21610);
    lab.text(TOLL_FREE, "YES").await;
    assert_eq!(lab.refused(&form).await, 21610, "only START and UNSTOP opt in there");
    lab.text(TOLL_FREE, "UNSTOP").await;
    lab.sent(&form).await;
}

#[tokio::test]
async fn trap_08_media_want_a_password_first_and_none_on_the_second_host() {
    let (lab, hook) = wired().await;
    let media = json!([{"content_type": "image/jpeg", "base64": "cGljdHVyZQ=="}]);
    let text = json!({"from": FRIEND, "to": FR, "media": media});
    let (_, arrival) = lab.control("POST", "/messages", text).await;
    let sid = arrival["message_sid"].as_str().unwrap();
    assert!(sid.starts_with("MM"));
    let seen = &hook.seen()[0];
    assert_eq!(seen.field("NumMedia").as_deref(), Some("1"));
    assert_eq!(
        (seen.field("Body").as_deref(), seen.field("MediaContentType0").as_deref()),
        (Some(""), Some("image/jpeg"))
    );
    let url = seen.field("MediaUrl0").unwrap();
    assert!(url.contains(&format!("/2010-04-01/Accounts/{}/Messages/{sid}/Media/ME", lab.sid)), "{url}");
    let plain =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let get = async |url: &str, password: bool| {
        let request = plain.get(url);
        let request = if password { request.basic_auth(&lab.sid, Some(&lab.token)) } else { request };
        request.send().await.unwrap()
    };
    assert_eq!(get(&url, false).await.status(), 401);
    // Not there yet in the first second.
    assert_eq!(get(&url, true).await.status(), 404);
    let list = format!("/Messages/{sid}/Media.json");
    assert_eq!(lab.twilio("GET", &list, &[]).await.1["media_list"], json!([]));
    lab.advance(2.0).await;
    let answer = get(&url, true).await;
    assert_eq!(answer.status(), 307);
    let elsewhere = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_ne!(elsewhere.split('/').nth(2), url.split('/').nth(2), "another host");
    assert_eq!(get(&elsewhere, true).await.status(), 400);
    let file = get(&elsewhere, false).await;
    assert_eq!(file.headers()["content-type"], "image/jpeg");
    assert_eq!(file.text().await.unwrap(), "picture");
    let (_, listed) = lab.twilio("GET", &list, &[]).await;
    let media = listed["media_list"][0].clone();
    assert_eq!((&media["content_type"], &media["parent_sid"]), (&json!("image/jpeg"), &json!(sid)));
    let path = format!("/Messages/{sid}/Media/{}.json", media["sid"].as_str().unwrap());
    assert_eq!(lab.twilio("GET", &path, &[]).await, (200, media));
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 204);
    assert_eq!(get(&elsewhere, false).await.status(), 404);
    assert_eq!(lab.message(sid).await["num_media"], "0");
}

#[tokio::test]
async fn trap_19_two_machines_that_text_each_other_are_stopped() {
    let (lab, hook) = wired().await;
    lab.own("+33612345679").await;
    lab.set("+33612345679", &[("SmsUrl", &hook.url("/sms"))]).await;
    hook.answer("/sms", [Reply::twiml("<Message>I am away.</Message>")]);
    lab.sent(&[("From", FR), ("To", "+33612345679"), ("Body", "Hello")]).await;
    for _ in 0..60 {
        lab.advance(2.0).await;
    }
    let messages = lab.messages("?PageSize=1000").await;
    assert!(messages.len() > 4, "both sides are in the log");
    // Slow ones go on; only many within half a minute are a loop.
    assert!(messages.iter().all(|message| message["error_code"] != 14107));
    hook.answer("/sms", [Reply::twiml(&"<Message>I am away.</Message>".repeat(4))]);
    lab.advance(20.0).await;
    let messages = lab.messages("?PageSize=1000").await;
    assert!(messages.iter().any(|message| message["error_code"] == 14107));
    let count = messages.len();
    lab.advance(60.0).await;
    let later = lab.messages("?PageSize=1000").await.len();
    assert!(later < count + 60, "{count} {later}");
}

#[tokio::test]
async fn texts_between_two_owned_numbers_are_on_both_sides() {
    let (lab, hook) = wired().await;
    lab.own("+33612345679").await;
    lab.set("+33612345679", &[("SmsUrl", "")]).await;
    let out = lab.sent(&[("From", "+33612345679"), ("To", FR), ("Body", "Hello")]).await;
    lab.advance(10.0).await;
    let inbound = lab.messages("").await[0].clone();
    assert_eq!((&inbound["direction"], &inbound["body"]), (&json!("inbound"), &json!("Hello")));
    assert_ne!(inbound["sid"], json!(out));
    assert_eq!(hook.seen()[0].field("From").as_deref(), Some("+33612345679"));
}

#[tokio::test]
async fn the_demo_url_answers_with_its_sample_text() {
    let lab = Lab::new().await;
    let arrival = lab.text_from(FRIEND, FR, "Hello").await;
    assert_eq!(arrival["deliveries"][0]["status"], 200);
    lab.advance(10.0).await;
    assert!(lab.read(FRIEND).await[0].starts_with("Thanks for the message."));
}

#[tokio::test]
async fn texts_that_nobody_takes_leave_no_trace() {
    let (lab, hook) = wired().await;
    let nothing = json!({"message_sid": null, "deliveries": []});
    assert_eq!(lab.text("+33799999999", "Hello").await, nothing);
    lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"status": "suspended"})).await;
    assert_eq!(lab.text(FR, "Hello").await, nothing);
    assert!(hook.seen().is_empty());
    lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"status": "active"})).await;
    // Without a URL it is written down, and nobody is told.
    lab.set(FR, &[("SmsUrl", "")]).await;
    let arrival = lab.text(FR, "Hello").await;
    assert_eq!(arrival["deliveries"], json!([]));
    assert_eq!(lab.messages("").await[0]["sid"], arrival["message_sid"]);
    assert_eq!(lab.alerts().await, [0_u64; 0]);
}

#[tokio::test]
async fn bad_texts_are_refused_with_a_sentence() {
    let lab = Lab::new().await;
    for body in [
        json!({"from": "?", "to": US, "body": "x"}),
        json!({"from": PERSON, "to": "x", "body": "x"}),
        json!({"from": PERSON, "to": US}),
        json!({"from": PERSON, "to": US, "body": "x", "media": [{"content_type": "a/b", "base64": "!"}]}),
        json!({"from": PERSON, "to": US, "body": "x", "more": 1}),
    ] {
        let (status, answer) = lab.control("POST", "/messages", body.clone()).await;
        assert_eq!(status, 400, "{body} {answer}");
    }
}

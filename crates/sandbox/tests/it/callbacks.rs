//! What Twilio asks and tells while a message is on its way: media, and status callbacks (T12, T13).

use serde_json::{Value, json};

use crate::hook::{Hook, Reply};
use crate::lab::{FR, Lab, US};
use crate::texting::PERSON;

#[tokio::test]
async fn trap_07_callbacks_come_after_the_first_state_and_say_what_went_wrong() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let url = hook.url("/status");
    let form = [("From", FR), ("To", "+33712345678"), ("Body", "x"), ("StatusCallback", url.as_str())];
    lab.sent(&form).await;
    lab.advance(10.0).await;
    let told = |index: usize, name: &str| hook.seen()[index].field(name);
    let statuses = |hook: &Hook| -> Vec<String> {
        hook.seen().iter().map(|seen| seen.field("MessageStatus").unwrap()).collect()
    };
    assert_eq!(statuses(&hook), ["sent", "delivered"]);
    assert_eq!(told(1, "SmsStatus").unwrap(), "delivered");
    assert_eq!(told(1, "RawDlrDoneDate").unwrap(), "2601010000");
    assert_eq!((told(1, "ErrorCode"), told(1, "MessagingServiceSid")), (None, None));
    assert_eq!(told(0, "MessageSid"), told(0, "SmsSid"));
    lab.control("POST", "/phones/+33712345678", json!({"on_text": "unreachable"})).await;
    lab.sent(&form).await;
    lab.advance(10.0).await;
    assert_eq!(statuses(&hook)[2..], ["sent", "undelivered"]);
    assert_eq!(told(3, "ErrorCode").unwrap(), "30003");
}

#[tokio::test]
async fn trap_07_a_callback_may_come_before_the_answer_that_it_is_about() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let rule = json!({"path": "Messages.json$", "method": "POST", "times": 1, "fault": {"early_s": 5}});
    lab.control("POST", "/faults", rule).await;
    let url = hook.url("/status");
    let (status, message) = lab
        .send(&[("From", FR), ("To", "+33712345678"), ("Body", "x"), ("StatusCallback", url.as_str())])
        .await;
    assert_eq!((status, &message["status"]), (201, &json!("queued")));
    assert_eq!(hook.seen().len(), 2, "both callbacks were there before the answer");
    assert_eq!(hook.seen()[1].field("MessageSid").unwrap(), message["sid"].as_str().unwrap());
}

#[tokio::test]
async fn the_messages_own_callback_beats_the_applications_and_the_services() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let (own, of_app, of_service) = (hook.url("/own"), hook.url("/app"), hook.url("/service"));
    let form = [("FriendlyName", "a"), ("MessageStatusCallback", of_app.as_str())];
    let (_, application) = lab.twilio("POST", "/Applications.json", &form).await;
    let application = application["sid"].as_str().unwrap();
    let service = lab.service(&[("StatusCallback", of_service.as_str())], &[FR]).await;
    let base = [("MessagingServiceSid", service.as_str()), ("To", "+33712345678"), ("Body", "x")];
    let app = ("ApplicationSid", application);
    lab.sent(&[&base[..], &[app, ("StatusCallback", own.as_str())]].concat()).await;
    lab.sent(&[&base[..], &[app]].concat()).await;
    let (_, accepted) = lab.send(&base).await;
    assert_eq!(
        (&accepted["status"], &accepted["from"], &accepted["num_segments"]),
        (&json!("accepted"), &Value::Null, &json!("0"))
    );
    lab.advance(10.0).await;
    let told = |path: &str| -> Vec<String> {
        hook.at(path).iter().map(|seen| seen.field("MessageStatus").unwrap()).collect()
    };
    for path in ["/own", "/app", "/service"] {
        assert_eq!(told(path), ["queued", "sent", "delivered"], "{path}");
    }
    assert_eq!(hook.at("/service")[0].field("MessagingServiceSid").unwrap(), service);
    let message = lab.message(accepted["sid"].as_str().unwrap()).await;
    assert_eq!((&message["from"], &message["num_segments"]), (&json!(FR), &json!("1")));
}

#[tokio::test]
async fn media_are_fetched_before_they_are_sent() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    lab.register(US).await;
    hook.answer("/a.png", [Reply::new(200, "image/png", "picture")]);
    hook.answer("/page", [Reply::new(200, "text/html", "<html></html>")]);
    hook.answer("/big", [Reply::new(200, "video/mp4", vec![0; 5 * 1024 * 1024 + 1])]);
    hook.answer("/gone", [Reply::status(404)]);
    for (path, end) in [
        ("/a.png", ("delivered", Value::Null)),
        ("/page", ("failed", json!(12300))),
        ("/big", ("failed", json!(11751))),
        ("/gone", ("failed", json!(11200))),
    ] {
        let url = hook.url(path);
        let (_, message) = lab.send(&[("From", US), ("To", PERSON), ("MediaUrl", url.as_str())]).await;
        let sid = message["sid"].as_str().unwrap();
        assert!(sid.starts_with("MM") && message["num_media"] == "1", "{message}");
        assert_eq!(lab.end(sid).await, (end.0.to_owned(), end.1), "{path}");
    }
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    let picture = phones[PERSON]["seen"][0]["media"][0].as_str().unwrap();
    assert_eq!(lab.http.get(picture).send().await.unwrap().text().await.unwrap(), "picture");
    // Abroad, no MMS arrives.
    let url = hook.url("/a.png");
    let sid = lab.sent(&[("From", US), ("To", "+61412345678"), ("MediaUrl", url.as_str())]).await;
    assert_eq!(lab.end(&sid).await.1, json!(30011));
}

//! Faults that tests switch on (design, section 7).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::{Lab, US};

async fn fault(lab: &Lab, rule: Value) {
    let (status, body) = lab.control("POST", "/faults", rule).await;
    assert_eq!(status, 201, "{body}");
}

#[tokio::test]
async fn statuses_bodies_and_codes() {
    let lab = Lab::new().await;
    let cases = [
        (
            json!({"status": 429}),
            429,
            json!({"code": 20429, "message": "Too Many Requests",
            "more_info": "https://www.twilio.com/docs/errors/20429", "status": 429}),
        ),
        (
            json!({"code": 21422}),
            400,
            json!({"code": 21422, "message": "Bad Request",
            "more_info": "https://www.twilio.com/docs/errors/21422", "status": 400}),
        ),
        (json!({"status": 200, "body": {"odd": true}}), 200, json!({"odd": true})),
        (json!({"status": 502, "body": "<html>bad gateway</html>"}), 502, json!("<html>bad gateway</html>")),
    ];
    for (fault_of, status, body) in cases {
        fault(&lab, json!({"path": "^/twilio/", "times": 1, "fault": fault_of})).await;
        assert_eq!(lab.twilio("GET", ".json", &[]).await, (status, body));
        assert_eq!(lab.twilio("GET", ".json", &[]).await.0, 200);
    }
    fault(&lab, json!({"method": "POST", "path": "/assistant$", "fault": {"status": 500}})).await;
    for _ in 0..3 {
        let (status, body) = lab.vapi("POST", "/assistant", json!({})).await;
        assert_eq!((status, &body["statusCode"]), (500, &json!(500)));
    }
    assert_eq!(lab.vapi("GET", "/assistant", Value::Null).await.0, 200);
    assert_eq!(lab.control("DELETE", "/faults", json!({})).await.0, 200);
    assert_eq!(lab.vapi("POST", "/assistant", json!({})).await.0, 201);
}

#[tokio::test]
async fn html_is_sent_as_html() {
    let lab = Lab::new().await;
    fault(&lab, json!({"path": "assistant", "fault": {"status": 502, "body": "<h1>Bad gateway</h1>"}})).await;
    let response = lab.request("GET", "/vapi/assistant").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn drop_before_does_nothing_and_drop_after_does_the_work() {
    let lab = Lab::new().await;
    for (when, made) in [("before", 0), ("after", 1)] {
        fault(&lab, json!({"path": "assistant", "method": "POST", "times": 1, "fault": {"drop": when}}))
            .await;
        let request =
            lab.request("POST", "/vapi/assistant").bearer_auth(&lab.key).json(&json!({"name": when}));
        assert!(request.send().await.is_err(), "no answer at all");
        let (_, list) = lab.vapi("GET", "/assistant", Value::Null).await;
        assert_eq!(list.as_array().unwrap().len(), made, "{when}");
    }
    let (_, log) = lab.control("GET", "/requests", json!({})).await;
    assert_eq!(log["requests"][0]["status"], json!(null));
}

#[tokio::test]
async fn drop_after_applies_to_twilio_too() {
    let lab = Lab::new().await;
    let path = format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json", lab.sid);
    fault(
        &lab,
        json!({"path": "IncomingPhoneNumbers", "method": "POST", "times": 1, "fault": {"drop": "after"}}),
    )
    .await;
    let request = lab.request("POST", &format!("/twilio/api{path}")).basic_auth(&lab.sid, Some(&lab.token));
    assert!(request.form(&[("PhoneNumber", "+14155553000")]).send().await.is_err());
    lab.number_sid("+14155553000").await;
}

#[tokio::test]
async fn cut_sends_half_of_the_answer() {
    let lab = Lab::new().await;
    fault(&lab, json!({"path": "assistant", "method": "POST", "times": 1, "fault": {"cut": true}})).await;
    let request = lab.request("POST", "/vapi/assistant").bearer_auth(&lab.key).json(&json!({"name": "x"}));
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    let announced = response.content_length().unwrap();
    let mut got = 0;
    let broke_off = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => got += bytes.len() as u64,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broke_off);
    assert_eq!(got, announced / 2);
    let (_, list) = lab.vapi("GET", "/assistant", Value::Null).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_slow_answer_has_had_its_effect_when_the_client_gives_up() {
    let lab = Lab::new().await;
    fault(&lab, json!({"path": "assistant", "method": "POST", "fault": {"delay_ms": 600_000}})).await;
    let request = lab.request("POST", "/vapi/assistant").bearer_auth(&lab.key).json(&json!({}));
    assert!(request.timeout(Duration::from_millis(300)).send().await.is_err());
    let (_, list) = lab.vapi("GET", "/assistant", Value::Null).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_short_delay_is_waited_for() {
    let lab = Lab::new().await;
    fault(&lab, json!({"path": "assistant", "times": 1, "fault": {"delay_ms": 50}})).await;
    let start = Instant::now();
    assert_eq!(lab.vapi("GET", "/assistant", Value::Null).await.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn faults_do_not_touch_the_control_api_or_calls() {
    let lab = Lab::new().await;
    fault(&lab, json!({"path": ".", "fault": {"drop": "before"}})).await;
    assert_eq!(lab.call(US).await["outcome"], "not_found");
    let (_, shown) = lab.control("GET", "/faults", json!({})).await;
    assert_eq!(shown["faults"][0]["fault"], json!({"drop": "before"}));
}

#[tokio::test]
async fn what_twilio_sends_to_vapi_by_hand_meets_faults_too() {
    let lab = Lab::new().await;
    fault(&lab, json!({"path": "^/vapi/twilio/", "times": 1, "fault": {"status": 503}})).await;
    let status =
        async || lab.request("POST", "/vapi/twilio/status").form(&[("a", "b")]).send().await.unwrap();
    assert_eq!(status().await.status(), 503);
    assert_eq!(status().await.status(), 200);
}

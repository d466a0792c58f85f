//! The adjustable rate limits (T2, V4), Twilio's service headers, and the settings that switch them on.

use serde_json::{Value, json};

use crate::lab::{Lab, answer};

async fn set(lab: &Lab, settings: Value) {
    let (status, body) = lab.control("POST", "/settings", settings).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn a_setting_that_does_not_exist_is_refused_and_changes_nothing() {
    let lab = Lab::new().await;
    let (_, before) = lab.control("GET", "/settings", json!({})).await;
    for bad in [
        json!({"vapi_requests_per_minute": 5, "speed": 1}),
        json!({"vapi_requests_per_minute": "many"}),
        json!({"vapi_requests_per_minute": -1}),
    ] {
        let (status, answer) = lab.control("POST", "/settings", bad).await;
        assert_eq!(status, 400);
        assert!(answer["error"].is_string());
    }
    assert_eq!(lab.control("GET", "/settings", json!({})).await, (200, before));
    set(&lab, json!({"vapi_requests_per_minute": 5})).await;
    set(&lab, json!({"twilio_concurrent_requests": 7})).await;
    let (_, after) = lab.control("GET", "/settings", json!({})).await;
    assert_eq!(after["vapi_requests_per_minute"], 5, "what is not named stays");
}

#[tokio::test]
async fn too_many_requests_at_once_are_20429_and_not_processed() {
    let lab = Lab::new().await;
    set(&lab, json!({"twilio_concurrent_requests": 1})).await;
    let slow = json!({"path": "^/twilio/", "method": "GET", "times": 1, "fault": {"delay_ms": 600_000}});
    assert_eq!(lab.control("POST", "/faults", slow).await.0, 201);
    let path = format!("/twilio/api/2010-04-01/Accounts/{}", lab.sid);
    let get = lab.request("GET", &format!("{path}.json")).basic_auth(&lab.sid, Some(&lab.token));
    let first = tokio::spawn(get.send());
    // It is in the log before its answer is.
    loop {
        let (_, log) = lab.control("GET", "/requests", json!({})).await;
        if log["requests"].as_array().is_some_and(|requests| !requests.is_empty()) {
            break;
        }
    }
    let buy =
        lab.request("POST", &format!("{path}/Applications.json")).basic_auth(&lab.sid, Some(&lab.token));
    let refused = buy.form(&[("FriendlyName", "x")]).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["twilio-concurrent-requests"], "2");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["code"], 20429);
    // Another account's requests are its own.
    let (_, other) = lab.control("POST", "/accounts", json!({})).await;
    let (sid, token) = (other["sid"].as_str().unwrap(), other["auth_token"].as_str().unwrap());
    let own = format!("/2010-04-01/Accounts/{sid}.json");
    assert_eq!(lab.twilio_as(sid, token, "GET", &own, &[]).await.0, 200);
    first.abort();
    // The one that was given up is over, as soon as its connection is seen to be closed.
    let list = loop {
        let (status, list) = lab.twilio("GET", "/Applications.json", &[]).await;
        if status == 200 {
            break list;
        }
        assert_eq!(status, 429);
    };
    assert_eq!(list["applications"], json!([]));
}

#[tokio::test]
async fn every_answer_of_twilio_carries_its_service_headers() {
    let (one, two) = (Lab::new().await, Lab::new().await);
    let mut ids = Vec::new();
    for lab in [&one, &two] {
        for path in ["/twilio/api/2010-04-01/Accounts.json", "/twilio/nothing"] {
            let answer = lab.request("GET", path).send().await.unwrap();
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("twilio-concurrent-requests"), "1");
            assert_eq!(header("twilio-request-duration"), "0.001");
            let id = header("twilio-request-id");
            assert!(id.len() == 34 && id.starts_with("RQ"), "{id}");
            ids.push(id);
        }
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[..2], ids[2..], "equal seeds, equal requests");
    let vapi = one.request("GET", "/vapi/assistant").send().await.unwrap();
    assert!(!vapi.headers().contains_key("twilio-request-id"));
}

#[tokio::test]
async fn vapi_counts_the_requests_of_an_org_in_minutes_of_utc() {
    let lab = Lab::new().await;
    set(&lab, json!({"vapi_requests_per_minute": 2})).await;
    for expected in [200, 200, 429, 429] {
        assert_eq!(lab.vapi("GET", "/assistant", Value::Null).await.0, expected);
    }
    let request = lab.request("POST", "/vapi/assistant").bearer_auth(&lab.key).json(&json!({"name": "x"}));
    let refused = request.send().await.unwrap();
    assert_eq!(refused.status(), 429);
    // No header says when it ends (V4).
    assert!(
        refused
            .headers()
            .keys()
            .all(|name| !name.as_str().contains("retry") && !name.as_str().contains("ratelimit"))
    );
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["statusCode"], 429);
    let (_, org) = lab.control("POST", "/orgs", json!({})).await;
    let other = org["private_key"].as_str().unwrap();
    assert_eq!(lab.vapi_as(other, "GET", "/assistant", Value::Null).await.0, 200);
    lab.control("POST", "/clock", json!({"advance_s": 59.9})).await;
    assert_eq!(lab.vapi("GET", "/assistant", Value::Null).await.0, 429);
    lab.control("POST", "/clock", json!({"advance_s": 0.1})).await;
    let again = answer(lab.request("GET", "/vapi/assistant").bearer_auth(&lab.key)).await;
    assert_eq!(again, (200, json!([])), "what was refused was not done");
}

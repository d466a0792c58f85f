//! Strict mode: requests and answers against the official descriptions. Every other test is one of conformance
//! too, because the lab has strict mode on and fails on an answer that is not as described.

use serde_json::{Value, json};

use crate::lab::{Lab, US, answer};

/// What was found about requests or answers, as `place sentence`.
async fn violations(lab: &Lab, of: &str) -> Vec<String> {
    let (_, found) = lab.control("GET", "/violations", json!({})).await;
    let found = found["violations"].as_array().unwrap().iter().filter(|row| row["of"] == of);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    found.map(|row| format!("{} {}", text(row, "place"), text(row, "sentence"))).collect()
}

async fn operation(lab: &Lab, name: &str) -> Value {
    let (_, all) = lab.control("GET", "/operations", json!({})).await;
    let mut all = all["operations"].as_array().unwrap().iter();
    all.find(|row| row["operation"] == name).unwrap().clone()
}

#[tokio::test]
async fn what_the_description_does_not_allow_is_reported() {
    let lab = Lab::new().await;
    let (status, _) = lab.set(US, &[("voice_url", "https://example.com/"), ("FriendlyName", "Desk")]).await;
    assert_eq!(status, 200, "Twilio ignores what it does not know");
    lab.twilio("GET", "/IncomingPhoneNumbers.json?PageSize=many", &[]).await;
    lab.twilio("POST", "/Applications.json", &[("VoiceMethod", "PATCH")]).await;
    lab.twilio("GET", "/Nothing.json", &[]).await;
    let (status, _) = lab.vapi("POST", "/assistant", json!({"nmae": "Mia"})).await;
    assert_eq!(status, 400);
    let found = violations(&lab, "request").await;
    let path = format!("/twilio/api/2010-04-01/Accounts/{}/Nothing.json", lab.sid);
    assert_eq!(
        found,
        [
            "form/voice_url is not in the description; did you mean VoiceUrl?".to_owned(),
            "query/PageSize is \"many\", not integer".to_owned(),
            "form/VoiceMethod is \"PATCH\", not one of [\"GET\",\"POST\"]".to_owned(),
            format!("path the description has no GET {path}"),
            "body/nmae is not in the description".to_owned(),
        ]
    );
    assert_eq!(violations(&lab, "answer").await, [""; 0]);
}

#[tokio::test]
async fn an_empty_parameter_clears_a_setting_whatever_its_pattern() {
    let lab = Lab::new().await;
    lab.set(US, &[("TrunkSid", ""), ("VoiceUrl", "")]).await;
    assert_eq!(violations(&lab, "request").await, [""; 0]);
}

#[tokio::test]
async fn what_is_refused_does_nothing_and_says_why() {
    let lab = Lab::new().await;
    let path = format!("/IncomingPhoneNumbers/{}.json", lab.number_sid(US).await);
    lab.control("POST", "/strict", json!({"enabled": true, "refuse": true})).await;
    let (status, refusal) = lab.twilio("POST", &path, &[("FriendlyNmae", "Desk"), ("SmsUrl", "")]).await;
    assert_eq!((status, &refusal["code"], &refusal["status"]), (400, &json!(20001), &json!(400)));
    let sentence = "api.2010-04-01.UpdateIncomingPhoneNumber: form/FriendlyNmae is not in the description";
    assert_eq!(refusal["message"], sentence);
    let (_, number) = lab.twilio("GET", &path, &[]).await;
    assert_ne!(number["sms_url"], "", "the request was not carried out");

    let (status, refusal) = lab.vapi("GET", "/assistant?limit=1001", Value::Null).await;
    assert_eq!((status, &refusal["error"]), (400, &json!("Bad Request")));
    let sentence = refusal["message"][0].as_str().unwrap();
    assert!(sentence.starts_with("AssistantController_findAll: query/limit "), "{sentence}");
    let (_, log) = lab.control("GET", "/requests", json!({})).await;
    assert_eq!(log["requests"].as_array().unwrap().last().unwrap()["status"], 400);
}

#[tokio::test]
async fn operations_say_who_called_them_and_whether_they_are_there() {
    let lab = Lab::new().await;
    let path = format!("/twilio/api/2010-04-01/Accounts/{}/Keys.json", lab.sid);
    for agent in
        ["twilio-python/9.13.0 (Linux x86_64) Python/3.11", "twilio-node/6.2.0 (linux x64)", "curl/8"]
    {
        let request = lab.request("GET", &path).basic_auth(&lab.sid, Some(&lab.token));
        assert_eq!(answer(request.header("user-agent", agent)).await.0, 200);
    }
    let keys = operation(&lab, "api.2010-04-01.ListKey").await;
    let clients = json!({"other": 1, "twilio-node": 1, "twilio-python": 1});
    assert_eq!((&keys["implemented"], &keys["clients"]), (&json!(true), &clients));
    assert_eq!((&keys["called"], &keys["answers_checked"]), (&json!(3), &json!(3)));
    assert_eq!(keys["answers_failed"], 0);
    let conference = operation(&lab, "api.2010-04-01.ListConference").await;
    assert_eq!((&conference["implemented"], &conference["called"]), (&json!(false), &json!(0)));
}

#[tokio::test]
async fn a_fault_is_not_our_answer_and_strict_mode_outlives_a_reset() {
    let lab = Lab::new().await;
    let fault = json!({"path": "Keys", "fault": {"status": 200, "body": {"made": "up"}}});
    lab.control("POST", "/faults", fault).await;
    assert_eq!(lab.twilio("GET", "/Keys.json", &[]).await, (200, json!({"made": "up"})));
    assert_eq!(violations(&lab, "answer").await, [""; 0]);
    lab.control("POST", "/reset", json!({})).await;
    let (_, strict) = lab.control("GET", "/strict", json!({})).await;
    assert_eq!(strict, json!({"enabled": true, "refuse": false}));
    lab.control("POST", "/strict", json!({"enabled": false})).await;
    let before = operation(&lab, "api.2010-04-01.ListKey").await["called"].clone();
    lab.twilio("GET", "/Keys.json", &[]).await;
    assert_eq!(operation(&lab, "api.2010-04-01.ListKey").await["called"], before);
}

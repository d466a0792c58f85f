//! Imports from Twilio and what they do there (facts: Vapi 3.3, 5, 12).

use serde_json::{Value, json};

use crate::lab::{FR, Lab, US, VAPI_URL};

async fn number(lab: &Lab, phone: &str) -> Value {
    let sid = lab.number_sid(phone).await;
    lab.twilio("GET", &format!("/IncomingPhoneNumbers/{sid}.json"), &[]).await.1
}

#[tokio::test]
async fn an_import_writes_three_urls() {
    let lab = Lab::new().await;
    lab.set(US, &[("VoiceUrl", "https://old.example/v"), ("VoiceFallbackUrl", "https://old.example/f")])
        .await;
    let (status, row) = lab.import(US, json!({"name": "Front desk"})).await;
    assert_eq!(status, 201, "{row}");
    let after = number(&lab, US).await;
    assert_eq!(after["voice_url"], VAPI_URL);
    assert_eq!(after["sms_url"], "https://api.vapi.ai/twilio/sms");
    assert_eq!(after["status_callback"], "https://api.vapi.ai/twilio/status");
    assert_eq!(after["voice_fallback_url"], "https://old.example/f");
    // The trap, and the legacy fields.
    assert_eq!(row["twilioAuthToken"], json!(lab.token));
    assert_eq!((&row["credentialId"], &row["serverUrl"]), (&json!(null), &json!(null)));
    assert_eq!((&row["status"], &row["smsEnabled"]), (&json!("active"), &json!(true)));
}

#[tokio::test]
async fn sms_enabled_false_keeps_the_sms_url() {
    let lab = Lab::new().await;
    lab.set(US, &[("SmsUrl", "https://mine.example/sms")]).await;
    let (_, row) = lab.import(US, json!({"smsEnabled": false})).await;
    let after = number(&lab, US).await;
    assert_eq!(after["sms_url"], "https://mine.example/sms");
    assert_eq!(after["voice_url"], VAPI_URL);
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let (status, _) = lab.vapi("PATCH", &path, json!({"smsEnabled": true})).await;
    assert_eq!(status, 200);
    assert_eq!(number(&lab, US).await["sms_url"], "https://api.vapi.ai/twilio/sms");
}

#[tokio::test]
async fn trunk_and_application_survive_an_import() {
    let lab = Lab::new().await;
    let (_, app) = lab.twilio("POST", "/Applications.json", &[("VoiceUrl", "https://a.example/")]).await;
    lab.set(US, &[("VoiceApplicationSid", app["sid"].as_str().unwrap())]).await;
    lab.import(US, json!({})).await;
    assert_eq!(number(&lab, US).await["voice_application_sid"], app["sid"]);
}

#[tokio::test]
async fn the_refusals_of_an_import() {
    let lab = Lab::new().await;
    let id = "00000000-0000-4000-8000-000000000000";
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let trial = &state["accounts"][1];
    let base = |phone: &str, more: Value| lab.import_body(phone, more);
    let mut no_credentials = base(US, json!({}));
    no_credentials.as_object_mut().unwrap().remove("twilioAuthToken");
    let cases = [
        (base("+14155559999", json!({})), "Number Not Found on Twilio."),
        (no_credentials, "Number Not Found on Twilio."),
        (
            base(US, json!({"twilioAccountSid": trial["sid"], "twilioAuthToken": trial["auth_token"]})),
            "Number Not Found on Twilio.",
        ),
        (base(US, json!({"twilioAuthToken": "wrong"})), "Twilio Error: Authenticate"),
        (
            base(US, json!({"assistantId": id})),
            "Couldn't Get Assistant. `assistantId` 00000000-0000-4000-8000-000000000000 Does Not Exist.",
        ),
    ];
    for (body, text) in cases {
        let (status, answer) = lab.vapi("POST", "/phone-number", body.clone()).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["message"].as_str().is_some_and(|message| message.ends_with(text)), "{answer}");
    }
    assert_eq!(lab.vapi("GET", "/phone-number", Value::Null).await.1, json!([]));
}

#[tokio::test]
async fn a_restricted_key_does_not_find_the_number() {
    let lab = Lab::new().await;
    for (permissions, status) in [
        (json!(["incoming-phone-numbers/read"]), 400),
        (json!(["incoming-phone-numbers/read", "incoming-phone-numbers/write"]), 201),
    ] {
        let body = json!({"account_sid": lab.sid, "type": "restricted", "permissions": permissions});
        let (_, key) = lab.control("POST", "/keys", body).await;
        let body = json!({"provider": "twilio", "number": US, "twilioAccountSid": lab.sid,
            "twilioApiKey": key["sid"], "twilioApiSecret": key["secret"]});
        let (got, answer) = lab.vapi("POST", "/phone-number", body).await;
        assert_eq!(got, status, "{answer}");
    }
}

#[tokio::test]
async fn validation_messages_are_lists() {
    let lab = Lab::new().await;
    let body = json!({"provider": "twilio", "number": "0612345678", "twilioAccountSid": lab.sid,
        "assistantId": "mia", "credentialId": "x"});
    let (status, answer) = lab.vapi("POST", "/phone-number", body).await;
    assert_eq!(status, 400);
    assert_eq!(
        answer["message"],
        json!([
            "property credentialId should not exist",
            "assistantId must be a UUID",
            "number must be a valid phone number in the E.164 format. Hot tip, you may be missing the country code (Eg. US: +1).",
        ])
    );
}

#[tokio::test]
async fn a_number_is_imported_once() {
    let lab = Lab::new().await;
    let (_, row) = lab.import(US, json!({})).await;
    let id = row["id"].as_str().unwrap();
    let (status, answer) = lab.import(US, json!({})).await;
    let expected =
        format!("Existing Phone Number {id} Has Identical `twilioAccountSid` {} and `number` {US}.", lab.sid);
    assert_eq!((status, &answer["message"]), (400, &json!(expected)));
    let (_, org) = lab.control("POST", "/orgs", json!({})).await;
    let key = org["private_key"].as_str().unwrap();
    let (status, answer) = lab.vapi_as(key, "POST", "/phone-number", lab.import_body(US, json!({}))).await;
    let expected = format!("Phone number {US} already in use by another org.");
    assert_eq!((status, &answer["message"]), (400, &json!(expected)));
}

#[tokio::test]
async fn patches_replace_one_by_one() {
    let lab = Lab::new().await;
    let assistant = lab.assistant("Mia").await;
    let server = json!({"url": "https://a.example/hook", "headers": {"x-a": "1"}, "timeoutSeconds": 20,
        "backoffPlan": {"type": "exponential", "maxRetries": 5, "baseDelaySeconds": 1}});
    let (_, row) = lab.import(US, json!({"assistantId": assistant, "server": server})).await;
    assert_eq!(row["server"], server);
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let patch = json!({"provider": "twilio", "assistantId": null, "server": {"url": "https://b.example/"}});
    let (_, row) = lab.vapi("PATCH", &path, patch).await;
    assert_eq!((&row["assistantId"], &row["server"]), (&json!(null), &json!({"url": "https://b.example/"})));
    let (_, row) = lab.vapi("PATCH", &path, json!({"twilioAuthToken": "rotated"})).await;
    assert_eq!(row["twilioAuthToken"], "rotated");
    let (status, answer) = lab.vapi("PATCH", &path, json!({"smsEnabled": true})).await;
    assert_eq!(status, 400, "{answer}");
    let before = number(&lab, US).await;
    let (status, _) = lab.vapi("DELETE", &path, Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(number(&lab, US).await, before);
}

#[tokio::test]
async fn the_second_list_searches_and_pages() {
    let lab = Lab::new().await;
    lab.import(US, json!({"name": "Front Desk"})).await;
    lab.import(FR, json!({"name": "Paris"})).await;
    for (query, found) in [("search=front", 1), ("search=%2B336", 1), ("search=none", 0), ("", 2)] {
        let (_, page) = lab.vapi("GET", &format!("/v2/phone-number?{query}"), Value::Null).await;
        assert_eq!(page["metadata"]["totalItems"], json!(found), "{query}");
        assert_eq!(page["results"].as_array().unwrap().len(), found, "{query}");
    }
    let (_, page) = lab.vapi("GET", "/v2/phone-number?limit=1&page=2", Value::Null).await;
    assert_eq!(page["results"][0]["name"], "Front Desk");
    let metadata = &page["metadata"];
    assert_eq!((&metadata["currentPage"], &metadata["hasNextPage"]), (&json!(2), &json!(false)));
    assert_eq!(lab.vapi("GET", "/v2/phone-number?page=0", Value::Null).await.0, 400);
}

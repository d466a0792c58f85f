//! IncomingPhoneNumbers: settings, purchases, moves (facts: Twilio 5, 6, 22).

use serde_json::{Value, json};

use crate::lab::{FR, Form, Lab, US, VAPI_URL};

async fn buy(lab: &Lab, form: Form<'_>) -> (u16, Value) {
    lab.twilio("POST", "/IncomingPhoneNumbers.json", form).await
}

#[tokio::test]
async fn wrong_settings_are_refused_with_their_code_and_change_nothing() {
    let lab = Lab::new().await;
    let unknown_app = format!("AP{}", "0".repeat(32));
    let unknown_trunk = format!("TK{}", "0".repeat(32));
    let cases: [(&str, Form<'_>, u32); 9] = [
        (US, &[("VoiceUrl", "not absolute")], 21402),
        (US, &[("VoiceUrl", "https://a_b.example/x")], 21402),
        (US, &[("VoiceMethod", "PUT")], 21403),
        (US, &[("VoiceUrl", ""), ("VoiceFallbackUrl", "https://a.example/f")], 21405),
        (US, &[("SmsUrl", ""), ("SmsFallbackUrl", "https://a.example/f")], 21406),
        (US, &[("VoiceApplicationSid", &unknown_app)], 21420),
        (US, &[("TrunkSid", &unknown_trunk)], 21420),
        (US, &[("FriendlyName", "ok"), ("TrunkSid", "nonsense")], 21420),
        (FR, &[("VoiceCallerIdLookup", "true")], 21409),
    ];
    let (_, before) = lab.control("GET", "/state", json!({})).await;
    for (phone, form, code) in cases {
        let (status, body) = lab.set(phone, form).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{form:?}");
    }
    let (_, after) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(before["numbers"], after["numbers"]);
}

#[tokio::test]
async fn sms_settings_need_an_sms_number() {
    let lab = Lab::new().await;
    let body = json!({"phone_number": "+442079460000",
        "capabilities": {"voice": true, "sms": false, "mms": false, "fax": false}});
    assert_eq!(lab.control("POST", "/numbers", body).await.0, 201);
    let (_, body) = lab.set("+442079460000", &[("SmsUrl", "https://a.example/")]).await;
    assert_eq!(body["code"], 21407);
}

#[tokio::test]
async fn omitted_settings_stay_and_empty_ones_clear() {
    let lab = Lab::new().await;
    let (_, number) = lab.set(US, &[("SmsUrl", "https://a.example/sms"), ("SmsMethod", "GET")]).await;
    assert_eq!(number["voice_url"], VAPI_URL);
    assert_eq!((&number["sms_url"], &number["sms_method"]), (&json!("https://a.example/sms"), &json!("GET")));
    let (_, number) = lab.set(US, &[("SmsUrl", ""), ("VoiceUrl", "")]).await;
    // Empty text for one, null for the other: both mean unset.
    assert_eq!((&number["sms_url"], &number["voice_url"]), (&json!(""), &json!(null)));
}

#[tokio::test]
async fn trunk_and_application_delete_each_other() {
    let lab = Lab::new().await;
    let (_, app) = lab.twilio("POST", "/Applications.json", &[("VoiceUrl", "https://a.example/")]).await;
    let (_, trunk) = lab.trunking("POST", "/v1/Trunks", &[]).await;
    let (app, trunk) = (app["sid"].as_str().unwrap(), trunk["sid"].as_str().unwrap());
    let (_, number) = lab.set(US, &[("VoiceApplicationSid", app)]).await;
    assert_eq!(number["voice_application_sid"], app);
    let (_, number) = lab.set(US, &[("TrunkSid", trunk)]).await;
    assert_eq!((&number["trunk_sid"], &number["voice_application_sid"]), (&json!(trunk), &json!("")));
    let (_, number) = lab.set(US, &[("VoiceApplicationSid", app)]).await;
    assert_eq!((&number["trunk_sid"], &number["voice_application_sid"]), (&json!(null), &json!(app)));
}

#[tokio::test]
async fn unknown_parameters_are_ignored_and_recorded() {
    let lab = Lab::new().await;
    let (status, _) = lab.set(US, &[("VoiceUrll", "https://a.example/"), ("FriendlyName", "x")]).await;
    assert_eq!(status, 200);
    let (_, log) = lab.control("GET", "/requests", json!({})).await;
    let last = log["requests"].as_array().unwrap().last().unwrap();
    assert_eq!(last["unknown_parameters"], json!(["VoiceUrll"]));
    assert_eq!(last["form"], json!({"VoiceUrll": "https://a.example/", "FriendlyName": "x"}));
    assert_eq!((&last["method"], &last["status"]), (&json!("POST"), &json!(200)));
}

#[tokio::test]
async fn lists_filter_by_part_of_the_number_and_by_name() {
    let lab = Lab::new().await;
    lab.set(FR, &[("FriendlyName", "Paris")]).await;
    for (query, found) in [
        ("PhoneNumber=%2B14155552671", 1),
        ("PhoneNumber=612", 1),
        ("PhoneNumber=4155****71", 1),
        ("PhoneNumber=999", 0),
        ("FriendlyName=Paris", 1),
        ("FriendlyName=Par", 0),
        ("Origin=hosted", 0),
        ("Beta=false", 2),
    ] {
        let (_, list) = lab.twilio("GET", &format!("/IncomingPhoneNumbers.json?{query}"), &[]).await;
        assert_eq!(list["incoming_phone_numbers"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test]
async fn buying_twice_updates_and_buying_by_area_code_buys_again() {
    let lab = Lab::new().await;
    let form = [("PhoneNumber", "+14155553000"), ("FriendlyName", "one")];
    let (status, first) = buy(&lab, &form).await;
    assert_eq!((status, &first["voice_url"]), (201, &json!("https://demo.twilio.com/welcome/voice/")));
    let form = [("PhoneNumber", "+14155553000"), ("FriendlyName", "two"), ("VoiceUrl", VAPI_URL)];
    let (status, second) = buy(&lab, &form).await;
    assert_eq!((status, &second["sid"], &second["friendly_name"]), (201, &first["sid"], &json!("two")));
    let (_, a) = buy(&lab, &[("AreaCode", "500")]).await;
    let (_, b) = buy(&lab, &[("AreaCode", "500")]).await;
    assert_ne!(a["phone_number"], b["phone_number"]);
}

#[tokio::test]
async fn purchases_that_fail() {
    let lab = Lab::new().await;
    for (form, code) in [
        (("PhoneNumber", "+15005550000"), 21422),
        (("PhoneNumber", "+15005550001"), 21421),
        (("PhoneNumber", "5552671"), 21421),
        // The trial account has it.
        (("PhoneNumber", "+12125552368"), 21422),
        (("AreaCode", "533"), 21452),
        (("AreaCode", "1"), 21451),
        (("FriendlyName", "x"), 21421),
    ] {
        let (status, body) = buy(&lab, &[form]).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{form:?}");
    }
    let wrong = [("PhoneNumber", "+14155553000"), ("VoiceUrl", "x")];
    assert_eq!(buy(&lab, &wrong).await.0, 400);
    let (_, list) = lab.twilio("GET", "/IncomingPhoneNumbers.json", &[]).await;
    assert_eq!(list["incoming_phone_numbers"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_trial_account_has_one_number() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let trial = &state["accounts"][1];
    let (sid, token) = (trial["sid"].as_str().unwrap(), trial["auth_token"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json");
    let form = [("PhoneNumber", "+14155553000")];
    let (status, body) = lab.twilio_as(sid, token, "POST", &path, &form).await;
    assert_eq!((status, &body["code"]), (400, &json!(21404)));
}

#[tokio::test]
async fn a_released_number_has_left_the_account() {
    let lab = Lab::new().await;
    let sid = lab.number_sid(US).await;
    let path = format!("/IncomingPhoneNumbers/{sid}.json");
    assert_eq!(lab.twilio("DELETE", &path, &[]).await, (204, json!("")));
    assert_eq!(lab.twilio("GET", &path, &[]).await.1["code"], 20404);
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 404);
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], call.get("call_sid")), (&json!("no_such_number"), Some(&Value::Null)));
}

#[tokio::test]
async fn numbers_move_between_accounts_of_one_owner() {
    let lab = Lab::new().await;
    let (_, sub) = lab.twilio_as(&lab.sid, &lab.token, "POST", "/2010-04-01/Accounts.json", &[]).await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let trial = state["accounts"][1]["sid"].as_str().unwrap();
    let absent = format!("AC{}", "0".repeat(32));
    for (target, code) in [("AC1", 21470), (absent.as_str(), 21471), (trial, 21473)] {
        assert_eq!(lab.set(US, &[("AccountSid", target)]).await.1["code"], code, "{target}");
    }
    let sub = sub["sid"].as_str().unwrap();
    let (status, moved) = lab.set(US, &[("AccountSid", sub)]).await;
    assert_eq!((status, &moved["account_sid"]), (200, &json!(sub)));
    let path = format!("/IncomingPhoneNumbers/{}.json", moved["sid"].as_str().unwrap());
    assert_eq!(lab.twilio("GET", &path, &[]).await.0, 404);
}

#[tokio::test]
async fn verified_caller_ids_are_not_numbers_of_the_account() {
    let lab = Lab::new().await;
    let phone = [("PhoneNumber", "+14155554000")];
    assert_eq!(lab.twilio("POST", "/OutgoingCallerIds.json", &phone).await.0, 200);
    let body = json!({"account_sid": lab.sid, "phone_number": "+14155554001"});
    assert_eq!(lab.control("POST", "/caller-ids", body).await.0, 201);
    let (_, list) = lab.twilio("GET", "/OutgoingCallerIds.json?PhoneNumber=%2B14155554001", &[]).await;
    assert_eq!(list["outgoing_caller_ids"].as_array().unwrap().len(), 1);
    let (_, list) = lab.twilio("GET", "/IncomingPhoneNumbers.json?PhoneNumber=4155554", &[]).await;
    assert_eq!(list["incoming_phone_numbers"], json!([]));
}

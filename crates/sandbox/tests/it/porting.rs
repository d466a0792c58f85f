//! Porting (T20): the check, the document, the request with its checks, the walk, the webhooks.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::hook::Hook;
use crate::lab::{FR, Lab, US, answer};

const DAY: u64 = 86_400;
/// A number of another carrier: a mobile phone, as everybody's is.
const MOBILE: &str = "+13105550142";
const LANDLINE: &str = "+13105550143";

async fn numbers(lab: &Lab, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = lab.request(method, &format!("/twilio/numbers/v1{path}"));
    let request = request.basic_auth(&lab.sid, Some(&lab.token));
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

async fn check(lab: &Lab, phone: &str) -> Value {
    let path = format!("/Porting/Portability/PhoneNumber/{}", phone.replace('+', "%2B"));
    let (status, found) = numbers(lab, "GET", &path, Value::Null).await;
    assert_eq!(status, 200, "{found}");
    found
}

/// Uploads a file that begins so.
async fn upload(lab: &Lab, file: &[u8]) -> (u16, Value) {
    let start = "--B\r\nContent-Disposition: form-data; name=\"document_type\"\r\n\r\nutility_bill\r\n\
        --B\r\nContent-Disposition: form-data; name=\"File\"; filename=\"bill.pdf\"\r\n\
        Content-Type: application/pdf\r\n\r\n";
    let body = [start.as_bytes(), file, b"\r\n--B--\r\n"].concat();
    let request = lab.request("POST", "/twilio/numbers-upload/v1/Documents");
    let request = request.basic_auth(&lab.sid, Some(&lab.token));
    answer(request.header("content-type", "multipart/form-data; boundary=B").body(body)).await
}

async fn wish(lab: &Lab, phones: Value) -> Value {
    let (status, document) = upload(lab, b"%PDF-1.4 a bill").await;
    assert_eq!(status, 201, "{document}");
    json!({
        "account_sid": lab.sid,
        "documents": [document["sid"]],
        "phone_numbers": phones,
        "losing_carrier_information": {
            "customer_type": "Business", "customer_name": "A clinic", "account_number": "12345",
            "address": {"street": "1 Main St", "city": "LA", "state": "CA", "zip": "90001", "country": "USA"},
            "authorized_representative": "Ann Lee", "authorized_representative_email": "ann@clinic.example",
        },
        "notification_emails": ["it@clinic.example"],
    })
}

async fn ask(lab: &Lab, phones: Value) -> Value {
    let body = wish(lab, phones).await;
    let (status, request) = numbers(lab, "POST", "/Porting/PortIn", body).await;
    assert_eq!(status, 202, "{request}");
    request
}

async fn fetch(lab: &Lab, request: &Value) -> Value {
    let path = format!("/Porting/PortIn/{}", request["port_in_request_sid"].as_str().unwrap());
    let (status, request) = numbers(lab, "GET", &path, Value::Null).await;
    assert_eq!(status, 200, "{request}");
    request
}

async fn act(lab: &Lab, request: &Value, act: Value) -> (u16, Value) {
    let path = format!("/ports/{}", request["port_in_request_sid"].as_str().unwrap());
    lab.control("POST", &path, json!({"act": act})).await
}

async fn days(lab: &Lab, count: u64) {
    assert_eq!(lab.control("POST", "/clock", json!({"advance_s": count * DAY})).await.0, 200);
}

/// The status of a request, and of its first number.
fn statuses(request: &Value) -> (&str, &str) {
    let number = &request["phone_numbers"][0]["port_in_phone_number_status"];
    (request["port_in_request_status"].as_str().unwrap(), number.as_str().unwrap())
}

/// A number that has come into the account by a port.
pub(crate) async fn ported(lab: &Lab) -> Value {
    let request = ask(lab, json!([{"phone_number": MOBILE, "pin": "1234"}])).await;
    days(lab, 1).await;
    act(lab, &request, json!("sign")).await;
    days(lab, 10).await;
    let sid = lab.number_sid(MOBILE).await;
    lab.twilio("GET", &format!("/IncomingPhoneNumbers/{sid}.json"), &[]).await.1
}

#[tokio::test]
async fn every_answer_of_the_portability_check() {
    let lab = Lab::new().await;
    lab.control("POST", &format!("/phones/{LANDLINE}"), json!({"on_text": "landline"})).await;
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let (_, other) = lab.control("POST", "/accounts", json!({})).await;
    for (phone, account) in [("+13105550001", &sub), ("+13105550002", &other)] {
        lab.control("POST", "/numbers", json!({"phone_number": phone, "account_sid": account["sid"]})).await;
    }
    for (phone, reason, code, kind, country) in [
        (MOBILE, Value::Null, Value::Null, "MOBILE", json!("US")),
        (LANDLINE, Value::Null, Value::Null, "LOCAL", json!("US")),
        (US, json!("ALREADY_IN_THE_TARGET_ACCOUNT"), json!(22131), "LOCAL", json!("US")),
        ("+13105550001", json!("ALREADY_IN_ONE_OF_YOUR_TWILIO_ACCOUNTS"), json!(22136), "LOCAL", json!("US")),
        ("+13105550002", json!("ALREADY_IN_TWILIO_DIFFERENT_OWNER"), json!(22132), "LOCAL", json!("US")),
        ("+18005550142", json!("MANUAL_PORTING_AVAILABLE"), json!(22133), "TOLL-FREE", json!("US")),
        ("+33142345678", json!("MANUAL_PORTING_AVAILABLE"), json!(22133), "LOCAL", json!("FR")),
        ("+390612345678", json!("UNSUPPORTED"), json!(22130), "UNKNOWN", Value::Null),
        ("+15005550035", json!("INTERNAL_ERROR"), json!(22135), "MOBILE", json!("US")),
    ] {
        let found = check(&lab, phone).await;
        assert_eq!(found["phone_number"], phone);
        assert_eq!(found["portable"], json!(reason.is_null()), "{found}");
        assert_eq!((&found["not_portable_reason"], &found["not_portable_reason_code"]), (&reason, &code));
        assert_eq!((found["number_type"].as_str().unwrap(), &found["country"]), (kind, &country), "{phone}");
        assert_eq!(found["pin_and_account_number_required"], json!(phone == MOBILE), "{phone}");
    }
    assert_eq!(check(&lab, US).await["account_sid"], json!(lab.sid));
    assert_eq!(check(&lab, "+13105550002").await["account_sid"], Value::Null, "nobody's business");
    let (status, refused) = numbers(&lab, "GET", "/Porting/Portability/PhoneNumber/12", Value::Null).await;
    assert_eq!((status, &refused["code"]), (400, &json!(22102)));
    let target = format!("?TargetAccountSid={}", other["sid"].as_str().unwrap());
    let path = format!("/Porting/Portability/PhoneNumber/%2B13105550142{target}");
    assert_eq!(numbers(&lab, "GET", &path, Value::Null).await.0, 400);
}

#[tokio::test]
async fn a_document_that_cannot_be_used_has_no_mime_type() {
    let lab = Lab::new().await;
    for (file, of) in [
        (&b"%PDF-1.4"[..], "application/pdf"),
        (b"\x89PNG\r\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"MZ", ""),
    ] {
        let (status, document) = upload(&lab, file).await;
        assert_eq!((status, document["mime_type"].as_str().unwrap()), (201, of));
        assert!(document["sid"].as_str().unwrap().starts_with("RD"));
    }
    assert_eq!(upload(&lab, &vec![b'x'; 10 * 1024 * 1024 + 1]).await.0, 400);
    let request = lab.request("POST", "/twilio/numbers-upload/v1/Documents");
    let request = request.basic_auth(&lab.sid, Some(&lab.token)).form(&[("document_type", "utility_bill")]);
    assert_eq!(answer(request).await.0, 400);
}

#[tokio::test]
async fn trap_21_a_request_is_json_and_answered_202_and_says_what_it_lacks() {
    let lab = Lab::new().await;
    let whole = wish(&lab, json!([{"phone_number": MOBILE, "pin": "1234"}])).await;
    let (_, unusable) = upload(&lab, b"MZ").await;
    for (field, value) in [
        ("/account_sid", Value::Null),
        ("/account_sid", json!("AC00000000000000000000000000000000")),
        ("/documents", json!([])),
        ("/documents", json!(["RD00000000000000000000000000000000"])),
        ("/documents", json!([unusable["sid"]])),
        ("/phone_numbers", json!([])),
        ("/phone_numbers", json!(vec![json!({"phone_number": MOBILE}); 1_001])),
        ("/phone_numbers", json!([{"phone_number": "12"}])),
        ("/losing_carrier_information", Value::Null),
        ("/losing_carrier_information/customer_name", Value::Null),
        ("/losing_carrier_information/customer_type", json!("Company")),
        ("/losing_carrier_information/authorized_representative_email", json!("ann")),
        ("/losing_carrier_information/address", Value::Null),
        ("/losing_carrier_information/address/zip", Value::Null),
        ("/notification_emails", json!(["x"])),
        ("/target_port_in_date", json!("2026-01-07")),
        ("/target_port_in_date", json!("soon")),
        ("/target_port_in_time_range_start", json!("10:00")),
    ] {
        let mut body = whole.clone();
        match body.pointer_mut(field) {
            Some(place) => *place = value,
            None => body[&field[1..]] = value,
        }
        let (status, refused) = numbers(&lab, "POST", "/Porting/PortIn", body).await;
        assert_eq!(status, 400, "{field}");
        assert!(refused["code"].is_number() && refused["message"].is_string(), "{refused}");
    }
    let mut good = whole.clone();
    good["target_port_in_date"] = json!("2026-01-08");
    good["target_port_in_time_range_start"] = json!("10:00:00-08:00");
    let (status, request) = numbers(&lab, "POST", "/Porting/PortIn", good).await;
    assert_eq!(status, 202, "{request}");
    assert_eq!(request["losing_carrier_information"]["customer_name"], "A clinic");
    assert_eq!(request["target_port_in_date"], "2026-01-08");
}

#[tokio::test]
async fn a_port_walks_to_its_end_and_the_number_is_like_a_fresh_one() {
    let lab = Lab::new().await;
    let request = ask(&lab, json!([{"phone_number": MOBILE, "pin": "1234"}])).await;
    assert_eq!(statuses(&request), ("In review", "In review"));
    assert_eq!(request["signature_request_url"], Value::Null);
    assert_eq!(act(&lab, &request, json!("sign")).await.0, 400, "there is nothing to sign yet");
    days(&lab, 1).await;
    let seen = fetch(&lab, &request).await;
    assert_eq!(statuses(&seen), ("Waiting for Signature", "Waiting for Signature"));
    assert!(seen["signature_request_url"].is_string());
    assert_eq!(act(&lab, &request, json!("sign")).await.0, 200);
    assert_eq!(statuses(&fetch(&lab, &request).await), ("In progress", "Submitted"));
    days(&lab, 1).await;
    let seen = fetch(&lab, &request).await;
    assert_eq!(statuses(&seen), ("In progress", "Pending"));
    assert!(seen["phone_numbers"][0]["port_date"].as_str().unwrap().starts_with("2026-01-10T"));
    let one = format!(
        "/Porting/PortIn/{}/PhoneNumber/{}",
        seen["port_in_request_sid"].as_str().unwrap(),
        seen["phone_numbers"][0]["port_in_phone_number_sid"].as_str().unwrap()
    );
    let (_, number) = numbers(&lab, "GET", &one, Value::Null).await;
    assert_eq!((&number["port_out_pin"], &number["country"]), (&json!(1234), &json!("US")));
    assert_eq!(lab.call(MOBILE).await["outcome"], "no_such_number");
    days(&lab, 7).await;
    assert_eq!(statuses(&fetch(&lab, &request).await), ("Completed", "Completed"));
    let sid = lab.number_sid(MOBILE).await;
    let (_, number) = lab.twilio("GET", &format!("/IncomingPhoneNumbers/{sid}.json"), &[]).await;
    assert!(number["voice_url"].as_str().unwrap().starts_with("https://demo.twilio.com/"));
    assert_eq!(number["origin"], "twilio");
    let path = format!("/Porting/PortIn/{}", request["port_in_request_sid"].as_str().unwrap());
    let (status, refused) = numbers(&lab, "DELETE", &path, Value::Null).await;
    assert_eq!((status, &refused["code"]), (409, &json!(20409)));
}

#[tokio::test]
async fn what_is_in_the_way_needs_action_and_can_be_settled() {
    let lab = Lab::new().await;
    let request = ask(&lab, json!([{"phone_number": MOBILE}])).await;
    days(&lab, 1).await;
    assert_eq!(statuses(&fetch(&lab, &request).await).0, "Action Required", "a mobile number needs its PIN");
    assert_eq!(act(&lab, &request, json!("resolve")).await.0, 200);
    days(&lab, 1).await;
    act(&lab, &request, json!("sign")).await;
    let refusal = json!({"reject": {"reason": "Wrong PIN", "code": 22150, "phone_numbers": [MOBILE]}});
    assert_eq!(act(&lab, &request, refusal).await.0, 200);
    let seen = fetch(&lab, &request).await;
    assert_eq!(statuses(&seen), ("Action Required", "Rejected"));
    assert_eq!(seen["phone_numbers"][0]["rejection_reason"], "Wrong PIN");
    days(&lab, 40).await;
    assert_eq!(statuses(&fetch(&lab, &request).await).0, "Action Required", "nothing goes on by itself");
    assert_eq!(act(&lab, &request, json!("dance")).await.0, 400);
    assert_eq!(lab.control("POST", "/ports/KW1", json!({"act": "sign"})).await.0, 404);
}

#[tokio::test]
async fn an_unsigned_letter_expires_after_30_days() {
    let lab = Lab::new().await;
    let request = ask(&lab, json!([{"phone_number": MOBILE, "pin": "1234"}])).await;
    days(&lab, 30).await;
    assert_eq!(statuses(&fetch(&lab, &request).await).0, "Waiting for Signature");
    days(&lab, 1).await;
    let seen = fetch(&lab, &request).await;
    assert_eq!(statuses(&seen), ("Expired", "Canceled"));
    assert!(seen["order_cancellation_reason"].is_string());
}

#[tokio::test]
async fn numbers_and_requests_are_cancelled_with_204() {
    let lab = Lab::new().await;
    let phones = json!([{"phone_number": MOBILE, "pin": "1"}, {"phone_number": LANDLINE, "pin": "1"}]);
    let request = ask(&lab, phones).await;
    let path = format!("/Porting/PortIn/{}", request["port_in_request_sid"].as_str().unwrap());
    let number = |index: usize| {
        let sid = request["phone_numbers"][index]["port_in_phone_number_sid"].as_str().unwrap();
        format!("{path}/PhoneNumber/{sid}")
    };
    assert_eq!(numbers(&lab, "DELETE", &number(0), Value::Null).await.0, 204);
    assert_eq!(numbers(&lab, "DELETE", &number(0), Value::Null).await.0, 409);
    assert_eq!(statuses(&fetch(&lab, &request).await), ("In review", "Canceled"));
    assert_eq!(numbers(&lab, "DELETE", &number(1), Value::Null).await.0, 204);
    assert_eq!(statuses(&fetch(&lab, &request).await).0, "Canceled");
    let other = ask(&lab, json!([{"phone_number": MOBILE, "pin": "1"}])).await;
    let path = format!("/Porting/PortIn/{}", other["port_in_request_sid"].as_str().unwrap());
    assert_eq!(numbers(&lab, "DELETE", &path, Value::Null).await.0, 204);
    days(&lab, 60).await;
    assert_eq!(statuses(&fetch(&lab, &other).await), ("Canceled", "Canceled"));
    assert_eq!(numbers(&lab, "GET", "/Porting/PortIn/KW1", Value::Null).await.0, 404);
}

#[tokio::test]
async fn requests_are_listed_with_tokens_and_filters() {
    let lab = Lab::new().await;
    let mut sids = Vec::new();
    for _ in 0..3 {
        let request = ask(&lab, json!([{"phone_number": MOBILE, "pin": "1"}])).await;
        sids.insert(0, request["port_in_request_sid"].as_str().unwrap().to_owned());
        days(&lab, 1).await;
    }
    let list = async |query: &str| {
        let path = format!("/Porting/PortIn/PortInRequests{query}");
        let (status, list) = numbers(&lab, "GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{list}");
        let all = list["port_in_requests"].as_array().unwrap();
        let sids: Vec<String> =
            all.iter().map(|it| it["port_in_request_sid"].as_str().unwrap().to_owned()).collect();
        (sids, list["meta"].clone())
    };
    assert_eq!(list("").await.0, sids);
    let (first, meta) = list("?Size=2").await;
    assert_eq!((&first[..], &meta["previous_token"]), (&sids[..2], &Value::Null));
    let next = meta["next_token"].as_str().unwrap();
    let (second, meta) = list(&format!("?Size=2&Token={next}")).await;
    assert_eq!((&second[..], &meta["next_token"]), (&sids[2..], &Value::Null));
    assert_eq!(meta["previous_token"], json!(sids[0]));
    assert_eq!(list("?PortInRequestStatus=waiting_for_signature").await.0, sids);
    assert_eq!(list("?PortInRequestStatus=Completed").await.0, Vec::<String>::new());
    assert_eq!(list("?CreatedAfter=2026-01-02T00:00:00Z").await.0, sids[..2]);
    assert_eq!(list("?CreatedBefore=2026-01-02").await.0, sids[2..]);
    assert_eq!(list(&format!("?PortInRequestSid={}", sids[1])).await.0, sids[1..2]);
    for bad in ["?Size=0", "?Size=101", "?Token=KW1", "?CreatedAfter=x"] {
        let path = format!("/Porting/PortIn/PortInRequests{bad}");
        assert_eq!(numbers(&lab, "GET", &path, Value::Null).await.0, 400, "{bad}");
    }
    let (_, stranger) = lab.control("POST", "/accounts", json!({})).await;
    let request = lab.request("GET", "/twilio/numbers/v1/Porting/PortIn/PortInRequests");
    let request = request.basic_auth(stranger["sid"].as_str().unwrap(), stranger["auth_token"].as_str());
    assert_eq!(answer(request).await.1["port_in_requests"], json!([]));
}

#[tokio::test]
async fn events_are_told_as_signed_json() {
    let (hook, lab) = (Hook::new().await, Lab::new().await);
    let path = "/Porting/Configuration/Webhook";
    assert_eq!(numbers(&lab, "GET", path, Value::Null).await.0, 404);
    let chosen = json!({"port_in_target_url": hook.url("/in?a=1"), "port_out_target_url": hook.url("/out"),
        "notifications_of": []});
    let (status, made) = numbers(&lab, "POST", path, chosen.clone()).await;
    assert_eq!((status, &made["port_in_target_url"]), (201, &chosen["port_in_target_url"]));
    let unknown = json!({"notifications_of": ["PortInLost"]});
    assert_eq!(numbers(&lab, "POST", path, unknown).await.0, 400);
    let request = ask(&lab, json!([{"phone_number": MOBILE, "pin": "1"}])).await;
    days(&lab, 1).await;
    act(&lab, &request, json!("sign")).await;
    days(&lab, 10).await;
    let (status, _) = lab.control("POST", "/port-outs", json!({"phone_number": FR})).await;
    assert_eq!(status, 200);
    days(&lab, 1).await;
    let (_, log) = lab.control("GET", "/webhooks", json!({})).await;
    let events: Vec<&str> =
        log["webhooks"].as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "PortInPhoneNumberWaitingForSignature",
            "PortInWaitingForSignature",
            "PortInPhoneNumberSubmitted",
            "PortInInProgress",
            "PortInPhoneNumberPending",
            "PortInPhoneNumberCompleted",
            "PortInCompleted",
            "PortOutPhoneNumberCompleted",
        ]
    );
    for seen in hook.seen() {
        let hash: String = Sha256::digest(seen.body.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        let sent = format!("{}?{}", hook.url(&seen.path), seen.query);
        assert!(sent.ends_with(&format!("bodySHA256={hash}")), "{sent}");
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(lab.token.as_bytes()).unwrap();
        mac.update(sent.as_bytes());
        let signature =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac.finalize().into_bytes());
        assert_eq!(seen.header("x-twilio-signature"), Some(signature.as_str()));
    }
    let first: Value = serde_json::from_str(&hook.at("/in")[0].body).unwrap();
    assert_eq!((&first["phone_number"], &first["status"]), (&json!(MOBILE), &json!("Waiting for Signature")));
    assert_eq!(lab.control("POST", "/port-outs", json!({"phone_number": FR})).await.0, 404, "it is gone");
}

#[tokio::test]
async fn only_the_chosen_events_are_told_until_the_choice_is_deleted() {
    let (hook, lab) = (Hook::new().await, Lab::new().await);
    let path = "/Porting/Configuration/Webhook";
    let chosen = json!({"port_in_target_url": hook.url("/in"), "notifications_of": ["PortInCanceled"]});
    numbers(&lab, "POST", path, chosen).await;
    let cancelled = async || {
        let request = ask(&lab, json!([{"phone_number": MOBILE, "pin": "1"}])).await;
        let path = format!("/Porting/PortIn/{}", request["port_in_request_sid"].as_str().unwrap());
        assert_eq!(numbers(&lab, "DELETE", &path, Value::Null).await.0, 204);
        days(&lab, 1).await;
        hook.seen().len()
    };
    assert_eq!(cancelled().await, 1);
    let (_, shown) = numbers(&lab, "GET", path, Value::Null).await;
    assert!(shown["port_in_target_date_created"].is_string());
    assert_eq!(shown["port_out_target_date_created"], Value::Null);
    assert_eq!(numbers(&lab, "DELETE", &format!("{path}/PORT_IN"), Value::Null).await.0, 204);
    assert_eq!(numbers(&lab, "DELETE", &format!("{path}/PORT_IN"), Value::Null).await.0, 404);
    assert_eq!(numbers(&lab, "DELETE", &format!("{path}/PORT"), Value::Null).await.0, 400);
    assert_eq!(cancelled().await, 1, "nobody is told any more");
}

#[tokio::test]
async fn whether_texts_of_a_number_can_be_hosted() {
    let lab = Lab::new().await;
    let body = json!({"phone_numbers": [US, "4565433456", MOBILE]});
    let (status, answer) = numbers(&lab, "POST", "/HostedNumber/Eligibility", body).await;
    assert_eq!(status, 200, "{answer}");
    let of = |index: usize| {
        (&answer["results"][index]["eligibility_status"], &answer["results"][index]["ineligibility_reason"])
    };
    assert_eq!(of(0), (&json!("INELIGIBLE"), &json!("ALREADY_IN_TWILIO")));
    assert_eq!(of(1), (&json!("INELIGIBLE"), &json!("NUMBER_FORMAT_INELIGIBLE")));
    assert_eq!(of(2), (&json!("ELIGIBLE"), &Value::Null));
    assert_eq!(numbers(&lab, "POST", "/HostedNumber/Eligibility", json!({})).await.0, 400);
}

#[tokio::test]
async fn a_walk_that_begins_again_has_its_own_dates() {
    let lab = Lab::new().await;
    let request = ask(&lab, json!([{"phone_number": MOBILE, "pin": "1234"}])).await;
    days(&lab, 1).await;
    act(&lab, &request, json!("sign")).await;
    days(&lab, 1).await;
    let first = fetch(&lab, &request).await["phone_numbers"][0]["port_date"].clone();
    act(&lab, &request, json!({"reject": {}})).await;
    act(&lab, &request, json!("resolve")).await;
    days(&lab, 1).await;
    act(&lab, &request, json!("sign")).await;
    days(&lab, 1).await;
    let seen = fetch(&lab, &request).await;
    assert_ne!(seen["phone_numbers"][0]["port_date"], first);
    days(&lab, 6).await;
    let seen = fetch(&lab, &request).await;
    assert_eq!(statuses(&seen), ("In progress", "Pending"), "the first date has passed, the second has not");
    days(&lab, 1).await;
    assert_eq!(statuses(&fetch(&lab, &request).await), ("Completed", "Completed"));
}

#[tokio::test]
async fn the_fragment_of_a_target_is_neither_sent_nor_signed() {
    let (hook, lab) = (Hook::new().await, Lab::new().await);
    let chosen = json!({"port_out_target_url": hook.url("/out#rc=2")});
    assert_eq!(numbers(&lab, "POST", "/Porting/Configuration/Webhook", chosen).await.0, 201);
    lab.control("POST", "/port-outs", json!({"phone_number": FR})).await;
    days(&lab, 1).await;
    assert!(hook.at("/out")[0].query.starts_with("bodySHA256="));
}

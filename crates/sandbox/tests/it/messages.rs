//! Messages out: what is refused, what becomes of the others, and how they are listed (T7, T8).

use serde_json::{Value, json};

use crate::lab::{FR, Lab, US};
use crate::texting::PERSON;

const TOLL_FREE: &str = "+18005550100";
const OTHER: &str = "+14155552672";

#[tokio::test]
async fn trap_12_a_message_climbs_its_ladder_and_its_price_is_negative_and_late() {
    let lab = Lab::new().await;
    lab.register(US).await;
    let (status, message) = lab.send(&[("From", US), ("To", PERSON), ("Body", "Good day")]).await;
    assert_eq!(status, 201);
    for (field, expected) in [
        ("status", json!("queued")),
        ("direction", json!("outbound-api")),
        ("num_segments", json!("1")),
        ("num_media", json!("0")),
        ("price", Value::Null),
        ("price_unit", json!("USD")),
        ("date_sent", Value::Null),
        ("error_code", Value::Null),
        ("from", json!(US)),
        ("messaging_service_sid", Value::Null),
        ("date_created", json!("Thu, 01 Jan 2026 00:00:00 +0000")),
    ] {
        assert_eq!(message[field], expected, "{field}");
    }
    let sid = message["sid"].as_str().unwrap();
    assert!(sid.starts_with("SM"));
    for (seconds, status) in [(0.6, "sending"), (0.4, "sent"), (2.0, "delivered")] {
        lab.advance(seconds).await;
        assert_eq!(lab.message(sid).await["status"], status);
    }
    assert_eq!(lab.read(PERSON).await, ["Good day"]);
    assert_eq!(lab.message(sid).await["price"], Value::Null);
    let (_, before) = lab.twilio("GET", "/Balance.json", &[]).await;
    lab.advance(130.0).await;
    let price = lab.message(sid).await["price"].as_str().unwrap().to_owned();
    assert!(price.starts_with("-0.0") && price.len() >= 8, "{price}");
    let (_, after) = lab.twilio("GET", "/Balance.json", &[]).await;
    assert_ne!(before["balance"], after["balance"]);
}

#[tokio::test]
async fn trap_02_every_accepted_request_is_a_message_of_its_own() {
    let lab = Lab::new().await;
    let form = [("From", US), ("To", PERSON), ("Body", "Twice")];
    let rule = json!({"path": "Messages.json$", "method": "POST", "times": 1, "fault": {"drop": "after"}});
    lab.control("POST", "/faults", rule).await;
    let path = format!("/twilio/api/2010-04-01/Accounts/{}/Messages.json", lab.sid);
    let lost = lab.request("POST", &path).basic_auth(&lab.sid, Some(&lab.token)).form(&form).send().await;
    assert!(lost.is_err());
    let again = lab.sent(&form).await;
    let sids: Vec<Value> = lab.messages("").await.iter().map(|message| message["sid"].clone()).collect();
    assert_eq!(sids.len(), 2);
    assert_eq!(sids[0], json!(again));
}

#[tokio::test]
async fn what_is_refused_at_once_has_its_code() {
    let lab = Lab::new().await;
    let (_, trial) = lab.control("GET", "/state", json!({})).await;
    let foreign = trial["accounts"][1]["numbers"][0]["phone_number"].as_str().unwrap().to_owned();
    let fixed = json!({"phone_number": "+14155552680", "capabilities": {"voice": true, "sms": false}});
    assert_eq!(lab.control("POST", "/numbers", fixed).await.0, 201);
    lab.own(TOLL_FREE).await;
    lab.control("POST", "/phones/+33142345678", json!({"on_text": "landline"})).await;
    let long = "a".repeat(1_601);
    let (text, us, to) = (("Body", "x"), ("From", US), ("To", PERSON));
    let service = format!("MG{}", "0".repeat(32));
    let media: Vec<(&str, &str)> = vec![("MediaUrl", "https://a.example/1.jpg"); 11];
    let cases: Vec<(u64, Vec<(&str, &str)>)> = vec![
        (21604, vec![us, text]),
        (21211, vec![us, ("To", "12345"), text]),
        (21211, vec![us, ("To", "whatsapp:+14155550123"), text]),
        (21603, vec![to, text]),
        (21212, vec![to, ("From", "+0"), text]),
        (21266, vec![us, ("To", US), text]),
        (21616, vec![to, ("From", "14155552671"), text]),
        (21659, vec![to, ("From", "+14155559999"), text]),
        (21660, vec![to, ("From", &foreign), text]),
        (21601, vec![to, ("From", "+14155552680"), text]),
        (21606, vec![("To", "+33712345678"), ("From", TOLL_FREE), text]),
        (21612, vec![to, ("From", "DIALTONE"), text]),
        (21602, vec![to, us]),
        (21617, vec![to, us, ("Body", &long)]),
        (21620, vec![to, us, ("MediaUrl", "not a url")]),
        (21621, vec![to, ("From", FR), ("MediaUrl", "https://a.example/1.jpg")]),
        (21623, [vec![to, us], media].concat()),
        (21609, vec![to, us, text, ("StatusCallback", "https://a_b.example/")]),
        (21624, vec![to, us, text, ("ValidityPeriod", "0")]),
        (21614, vec![("To", "+33142345678"), ("From", FR), text]),
        (21655, vec![to, us, ("ContentSid", "HX00000000000000000000000000000000")]),
        (21705, vec![to, text, ("MessagingServiceSid", "MG1")]),
        (21701, vec![to, text, ("MessagingServiceSid", &service)]),
        (21420, vec![to, us, text, ("ApplicationSid", "AP00000000000000000000000000000000")]),
        // Magic numbers work for every account.
        (21612, vec![us, ("To", "+15005550002"), text]),
        (21408, vec![us, ("To", "+15005550003"), text]),
        (21610, vec![us, ("To", "+15005550004"), text]),
        (21614, vec![us, ("To", "+15005550009"), text]),
        (21611, vec![to, ("From", "+15005550008"), text]),
    ];
    for (code, form) in cases {
        assert_eq!(lab.refused(&form).await, code, "{form:?}");
    }
    lab.setting(json!({"mms_disabled": true})).await;
    assert_eq!(lab.refused(&[to, us, ("MediaUrl", "https://a.example/1.jpg")]).await, 21622);
    assert!(lab.messages("").await.is_empty(), "nothing that was refused exists");
}

#[tokio::test]
async fn trap_23_a_wrong_sender_has_one_of_the_finer_codes() {
    let lab = Lab::new().await;
    // All of them were 21606 or 21212 before 2024.
    for (from, to, code) in [
        ("+14155559999", PERSON, 21659),
        ("+12125552368", PERSON, 21660),
        (US, US, 21266),
        ("14155552671", PERSON, 21616),
    ] {
        let (status, problem) = lab.send(&[("From", from), ("To", to), ("Body", "x")]).await;
        assert_eq!((status, &problem["code"], &problem["status"]), (400, &json!(code), &json!(400)));
        assert_eq!(problem["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    }
}

#[tokio::test]
async fn the_texts_of_refusals_name_what_is_wrong() {
    let lab = Lab::new().await;
    let (_, problem) = lab.send(&[("From", US), ("To", PERSON)]).await;
    assert_eq!(problem["message"], "Message body is required.");
    let (_, problem) = lab.send(&[("From", US), ("To", "+15005550009"), ("Body", "x")]).await;
    assert_eq!(problem["message"], "To number: +15005550009, is not a mobile number");
}

#[tokio::test]
async fn trap_10_countries_can_be_switched_off() {
    let lab = Lab::new().await;
    let body = [("Permissions", r#"{"country_code": "FR", "type": "country", "enabled": false}"#)];
    let path = "/twilio/accounts/v1/Messaging/GeoPermissions";
    let request = lab.request("PATCH", path).basic_auth(&lab.sid, Some(&lab.token)).form(&body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(lab.refused(&[("From", FR), ("To", "+33712345678"), ("Body", "x")]).await, 21408);
}

#[tokio::test]
async fn services_refuse_what_they_cannot_send() {
    let lab = Lab::new().await;
    let (to, text) = (("To", PERSON), ("Body", "x"));
    let empty = lab.service(&[], &[]).await;
    assert_eq!(lab.refused(&[to, text, ("MessagingServiceSid", &empty)]).await, 21704);
    let full = lab.service(&[], &[FR]).await;
    let media = ("MediaUrl", "https://a.example/1.jpg");
    assert_eq!(lab.refused(&[to, media, ("MessagingServiceSid", &full)]).await, 21703);
    assert_eq!(lab.refused(&[to, text, ("MessagingServiceSid", &full), ("From", US)]).await, 21606);
    // A subaccount's service is not the parent's.
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", sub["sid"].as_str().unwrap());
    let form = [to, text, ("MessagingServiceSid", full.as_str())];
    let (_, problem) = lab.twilio_as(&lab.sid, &lab.token, "POST", &path, &form).await;
    assert_eq!(problem["code"], 21702);
}

#[tokio::test]
async fn test_credentials_decide_by_magic_numbers_and_keep_nothing() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let test = state["accounts"].as_array().unwrap().last().unwrap().clone();
    let (sid, token) = (test["sid"].as_str().unwrap(), test["auth_token"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{sid}/Messages.json");
    let send = async |from: &str, to: &str| {
        let form = [("From", from), ("To", to), ("Body", "x")];
        lab.twilio_as(sid, token, "POST", &path, &form).await
    };
    let (status, message) = send("+15005550006", PERSON).await;
    assert_eq!((status, &message["status"]), (201, &json!("queued")));
    for (from, to, code) in [
        ("+15005550001", PERSON, 21212),
        ("+15005550007", PERSON, 21606),
        ("+15005550008", PERSON, 21611),
        (US, PERSON, 21606),
        ("+15005550006", "+15005550001", 21211),
        ("+15005550006", "+15005550002", 21612),
        ("+15005550006", "+15005550003", 21408),
        ("+15005550006", "+15005550004", 21610),
        ("+15005550006", "+15005550009", 21614),
    ] {
        let (status, problem) = send(from, to).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{from} {to}");
    }
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(state["message_count"], 0);
}

#[tokio::test]
async fn a_trial_account_marks_its_texts_and_sends_few_of_them_to_few_people() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let trial = state["accounts"][1].clone();
    let (sid, token) = (trial["sid"].as_str().unwrap(), trial["auth_token"].as_str().unwrap());
    let from = trial["numbers"][0]["phone_number"].as_str().unwrap();
    let path = format!("/2010-04-01/Accounts/{sid}/Messages.json");
    let form = [("From", from), ("To", PERSON), ("Body", "Hello")];
    let (_, problem) = lab.twilio_as(sid, token, "POST", &path, &form).await;
    assert_eq!(problem["code"], 21608);
    lab.control("POST", "/caller-ids", json!({"account_sid": sid, "phone_number": PERSON})).await;
    lab.setting(json!({"trial_messages_a_day": 1})).await;
    let (_, message) = lab.twilio_as(sid, token, "POST", &path, &form).await;
    assert_eq!(message["body"], "Sent from your Twilio trial account - Hello");
    let (status, problem) = lab.twilio_as(sid, token, "POST", &path, &form).await;
    assert_eq!((status, &problem["code"]), (400, &json!(63038)));
    lab.advance(86_400.0).await;
    assert_eq!(lab.twilio_as(sid, token, "POST", &path, &form).await.0, 201);
}

#[tokio::test]
async fn phones_decide_what_becomes_of_a_text() {
    let lab = Lab::new().await;
    let form = [("From", FR), ("To", "+33712345678"), ("Body", "x")];
    for (on_text, status, code) in [
        (json!("deliver"), "delivered", Value::Null),
        (json!("no-receipt"), "sent", Value::Null),
        (json!("unreachable"), "undelivered", json!(30003)),
        (json!("blocked"), "undelivered", json!(30004)),
        (json!("unknown"), "undelivered", json!(30005)),
        (json!("filtered"), "undelivered", json!(30007)),
        (json!("fail"), "undelivered", json!(30008)),
    ] {
        lab.control("POST", "/phones/+33712345678", json!({"on_text": on_text})).await;
        let sid = lab.sent(&form).await;
        assert_eq!(lab.end(&sid).await, (status.to_owned(), code), "{on_text}");
    }
    lab.register(US).await;
    lab.control("POST", &format!("/phones/{PERSON}"), json!({"on_text": "landline"})).await;
    let sid = lab.sent(&[("From", US), ("To", PERSON), ("Body", "x")]).await;
    assert_eq!(lab.end(&sid).await, ("undelivered".to_owned(), json!(30006)));
}

#[tokio::test]
async fn a_phone_can_cause_every_other_code() {
    let lab = Lab::new().await;
    let phone = "/phones/+33712345678";
    for code in [
        30001, 30002, 30009, 30011, 30017, 30018, 30019, 30022, 30023, 30024, 30025, 30026, 30027, 30033,
        30035, 30410, 30450, 11751, 14107,
    ] {
        let (status, _) = lab.control("POST", phone, json!({"on_text": {"error": code}})).await;
        assert_eq!(status, 200);
        let sid = lab.sent(&[("From", FR), ("To", "+33712345678"), ("Body", "x")]).await;
        let (status, error) = lab.end(&sid).await;
        assert_eq!(error, json!(code));
        assert!(matches!(status.as_str(), "failed" | "undelivered"), "{code} {status}");
    }
    assert_eq!(lab.control("POST", phone, json!({"on_text": {"error": 12345}})).await.0, 400);
}

#[tokio::test]
async fn trap_10_us_senders_are_blocked_until_they_are_registered() {
    let lab = Lab::new().await;
    lab.own(TOLL_FREE).await;
    let from_us = [("From", US), ("To", PERSON), ("Body", "x")];
    let from_toll_free = [("From", TOLL_FREE), ("To", PERSON), ("Body", "x")];
    let sid = lab.sent(&from_us).await;
    assert_eq!(lab.end(&sid).await, ("undelivered".to_owned(), json!(30034)));
    lab.setting(json!({"unregistered_fails": true})).await;
    let sid = lab.sent(&from_us).await;
    assert_eq!(lab.end(&sid).await, ("failed".to_owned(), json!(30034)));
    let sid = lab.sent(&from_toll_free).await;
    assert_eq!(lab.end(&sid).await, ("undelivered".to_owned(), json!(30032)));
    for (status, code) in [("pending", 30035), ("suspended", 30033)] {
        let body = json!({"phone_number": US, "status": status});
        lab.control("POST", "/registrations", body).await;
        let sid = lab.sent(&from_us).await;
        assert_eq!(lab.end(&sid).await.1, json!(code));
    }
    for (phone, form) in [(US, &from_us), (TOLL_FREE, &from_toll_free)] {
        lab.register(phone).await;
        let sid = lab.sent(form).await;
        assert_eq!(lab.end(&sid).await.0, "delivered");
    }
    let unknown = json!({"phone_number": "+14155559999"});
    assert_eq!(lab.control("POST", "/registrations", unknown).await.0, 404);
}

#[tokio::test]
async fn a_long_code_sends_a_segment_a_second_and_its_queue_ends() {
    let lab = Lab::new().await;
    lab.register(US).await;
    let long = "a".repeat(400);
    let first = lab.sent(&[("From", US), ("To", PERSON), ("Body", &long)]).await;
    let second = lab.sent(&[("From", US), ("To", PERSON), ("Body", "x")]).await;
    let late = lab.sent(&[("From", US), ("To", PERSON), ("Body", "x"), ("ValidityPeriod", "2")]).await;
    lab.advance(1.0).await;
    assert_eq!(lab.message(&first).await["status"], "sent");
    assert_eq!(lab.message(&second).await["status"], "queued");
    lab.advance(1.5).await;
    assert_eq!(lab.message(&late).await["error_code"], 30001);
    assert_eq!(lab.message(&late).await["status"], "failed");
    lab.advance(4.0).await;
    assert_eq!(lab.message(&second).await["status"], "delivered");
    lab.setting(json!({"queue_segments_max": 3})).await;
    lab.sent(&[("From", US), ("To", PERSON), ("Body", &long)]).await;
    assert_eq!(lab.refused(&[("From", US), ("To", PERSON), ("Body", "x")]).await, 21611);
}

#[tokio::test]
async fn an_account_that_is_suspended_meanwhile_loses_its_queue() {
    let lab = Lab::new().await;
    let sid = lab.sent(&[("From", FR), ("To", "+33712345678"), ("Body", "x")]).await;
    let account = format!("/accounts/{}", lab.sid);
    lab.control("POST", &account, json!({"status": "suspended"})).await;
    lab.advance(1.0).await;
    lab.control("POST", &account, json!({"status": "active"})).await;
    let message = lab.message(&sid).await;
    assert_eq!((&message["status"], &message["error_code"]), (&json!("failed"), &json!(30002)));
    assert_eq!(message["error_message"], "Account suspended");
}

#[tokio::test]
async fn scheduled_messages_wait_and_can_be_canceled() {
    let lab = Lab::new().await;
    let service = lab.service(&[], &[FR]).await;
    let base = [("MessagingServiceSid", service.as_str()), ("To", "+33712345678"), ("Body", "x")];
    let with = |more: &[(&'static str, &'static str)]| [&base, more].concat();
    let fixed = ("ScheduleType", "fixed");
    for (code, form) in [
        (35111, with(&[fixed])),
        (35114, with(&[fixed, ("SendAt", "tomorrow")])),
        (35115, with(&[fixed, ("SendAt", "2026-01-01T00:04:00Z")])),
        (35117, with(&[fixed, ("SendAt", "2026-03-01T00:00:00Z")])),
        (35126, with(&[("ScheduleType", "loose"), ("SendAt", "2026-01-01T01:00:00Z")])),
        (35118, vec![("From", FR), ("To", PERSON), ("Body", "x"), fixed, ("SendAt", "2026-01-01T01:00:00Z")]),
    ] {
        assert_eq!(lab.refused(&form).await, code, "{form:?}");
    }
    let scheduled = with(&[fixed, ("SendAt", "2026-01-01T01:00:00Z")]);
    let (kept, canceled) = (lab.sent(&scheduled).await, lab.sent(&scheduled).await);
    assert_eq!(lab.message(&kept).await["status"], "scheduled");
    let path = format!("/Messages/{canceled}.json");
    let (_, problem) = lab.twilio("POST", &path, &[("Body", ""), ("Status", "canceled")]).await;
    assert_eq!(problem["code"], 30400);
    let (status, message) = lab.twilio("POST", &path, &[("Status", "canceled")]).await;
    assert_eq!((status, &message["status"]), (200, &json!("canceled")));
    let (_, problem) = lab.twilio("POST", &path, &[("Status", "canceled")]).await;
    assert_eq!(problem["code"], 30409);
    lab.advance(3_605.0).await;
    assert_eq!(lab.message(&kept).await["status"], "delivered");
    assert_eq!(lab.message(&canceled).await["status"], "canceled");
    lab.setting(json!({"scheduled_messages_max": 0})).await;
    let again = with(&[fixed, ("SendAt", "2026-01-01T03:00:00Z")]);
    assert_eq!(lab.refused(&again).await, 35125);
}

#[tokio::test]
async fn an_account_can_have_a_long_past() {
    let lab = Lab::new().await;
    let scenario = json!({
        "name": "past",
        "length_s": 1,
        "numbers": [{"group": "desks", "phone_number": "+12125550100", "count": 2}],
        "people": [{"group": "people", "phone_number": "+14155550000", "count": 50}],
        "history": [{"count": 20_000, "numbers": "desks", "people": "people", "bodies": ["Good day!"],
            "over_s": 864_000}],
    });
    let (status, answer) = lab.control("POST", "/scenario", json!({"scenario": scenario})).await;
    assert_eq!(status, 201, "{answer}");
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(state["message_count"], 20_000);
    assert_eq!(state["messages"].as_array().unwrap().len(), 1_000);
    let (mut pages, mut next) = (0, Some("/2010-04-01/Accounts/AC/Messages.json?PageSize=1000".to_owned()));
    while let Some(path) = next {
        let path = path.replace("/AC/", &format!("/{}/", lab.sid));
        let (status, page) = lab.twilio_as(&lab.sid, &lab.token, "GET", &path, &[]).await;
        assert_eq!(status, 200);
        pages += 1;
        next = page["next_page_uri"].as_str().map(str::to_owned);
    }
    assert_eq!(pages, 20);
    let last_day = lab.messages("?DateSent%3E=2025-12-31&PageSize=1000").await;
    assert_eq!(last_day[0]["date_sent"], "Wed, 31 Dec 2025 23:59:17 +0000");
}

#[tokio::test]
async fn lists_are_newest_first_and_filtered() {
    let lab = Lab::new().await;
    lab.own(OTHER).await;
    lab.set(FR, &[("SmsUrl", "")]).await;
    for (from, body) in [(FR, "one"), (FR, "two"), (OTHER, "three")] {
        lab.sent(&[("From", from), ("To", "+33712345678"), ("Body", body)]).await;
        lab.advance(86_400.0).await;
    }
    lab.text(FR, "four").await;
    let bodies = async |query: &str| -> Vec<String> {
        let found = lab.messages(query).await;
        found.iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("", &["four", "three", "two", "one"][..]),
        ("?From=%2B33612345678", &["two", "one"]),
        ("?To=%2B33612345678", &["four"]),
        ("?To=%2B33799999999", &[]),
        ("?DateSent=2026-01-02", &["two"]),
        ("?DateSent=2026-01-02T15:00:00Z", &["two"]),
        ("?DateSent%3E=2026-01-02", &["four", "three", "two"]),
        ("?DateSent%3C=2026-01-02", &["two", "one"]),
        ("?DateSent%3E=2026-01-02T12:00:00Z", &["four", "three"]),
        ("?DateSent%3E=2026-01-02&DateSent%3C=2026-01-03", &["three", "two"]),
        ("?PageSize=2", &["four", "three"]),
    ] {
        assert_eq!(bodies(query).await, expected, "{query}");
    }
    let (_, page) = lab.twilio("GET", "/Messages.json?PageSize=3", &[]).await;
    let next = page["next_page_uri"].as_str().unwrap().to_owned();
    // A message that comes between two pages does not move them.
    lab.text(FR, "five").await;
    let (_, page) = lab.twilio_as(&lab.sid, &lab.token, "GET", &next, &[]).await;
    assert_eq!(page["messages"][0]["body"], "one");
    assert_eq!(page["next_page_uri"], Value::Null);
    assert_eq!(lab.twilio("GET", "/Messages.json?PageSize=1001", &[]).await.1["code"], 20007);
    assert_eq!(lab.twilio("GET", "/Messages.json?DateSent=x", &[]).await.0, 400);
}

#[tokio::test]
async fn messages_are_redacted_and_deleted_once_they_are_final() {
    let lab = Lab::new().await;
    let sid = lab.sent(&[("From", FR), ("To", "+33712345678"), ("Body", "secret")]).await;
    let path = format!("/Messages/{sid}.json");
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.1["code"], 20009);
    lab.advance(10.0).await;
    let (status, message) = lab.twilio("POST", &path, &[("Body", "")]).await;
    assert_eq!((status, &message["body"]), (200, &json!("")));
    let feedback = format!("/Messages/{sid}/Feedback.json");
    let (status, shown) = lab.twilio("POST", &feedback, &[("Outcome", "confirmed")]).await;
    assert_eq!((status, &shown["outcome"]), (200, &json!("confirmed")));
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 204);
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.1["code"], 20404);
    assert_eq!(lab.twilio("GET", &path, &[]).await.1["code"], 20404);
}

#[tokio::test]
async fn without_json_messages_are_xml() {
    let lab = Lab::new().await;
    let sid = lab.sent(&[("From", FR), ("To", "+33712345678"), ("Body", "a & b")]).await;
    let (_, text) = lab.twilio("GET", &format!("/Messages/{sid}"), &[]).await;
    let text = text.as_str().unwrap();
    assert!(text.contains("<TwilioResponse><Message>"), "{text}");
    assert!(text.contains(&format!("<Sid>{sid}</Sid>")), "{text}");
    assert!(text.contains("<Body>a &amp; b</Body>"), "{text}");
}

#[tokio::test]
async fn messages_survive_being_saved_and_loaded() {
    let (lab, other) = (Lab::new().await, Lab::new().await);
    let sid = lab.sent(&[("From", FR), ("To", "+33712345678"), ("Body", "kept")]).await;
    let (_, saved) = lab.control("GET", "/snapshot", json!({})).await;
    assert_eq!(other.control("PUT", "/snapshot", saved).await.0, 200);
    for lab in [&lab, &other] {
        assert_eq!(lab.end(&sid).await.0, "delivered");
    }
    assert_eq!(lab.messages("").await, other.messages("").await);
}

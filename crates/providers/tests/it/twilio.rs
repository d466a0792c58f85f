//! Twilio's resources: what is sent, what is read (facts/twilio.md sections 1–6).

use crate::stub::{ACCOUNT, PHONE, Stub, json};
use dialtone_domain::{Code, NumberSid, Phone};
use dialtone_providers::twilio::{AccountKind, AccountStatus, Capabilities, NumberUpdate};
use serde_json::{Value, json};

const NUMBER: &str = "PN0123456789abcdef0123456789abcdef";
const SUB: &str = "AC00000000000000000000000000000001";

fn phone() -> Phone {
    PHONE.parse().unwrap()
}

fn number(phone: &str) -> Value {
    json!({
        "sid": NUMBER, "account_sid": ACCOUNT, "phone_number": phone, "friendly_name": "(415) 555-2671",
        "capabilities": {"voice": true, "SMS": true, "MMS": false, "hologram": true},
        "voice_url": "https://api.vapi.ai/twilio/inbound_call", "voice_method": "POST",
        "voice_fallback_url": "", "voice_application_sid": null, "trunk_sid": "",
        "sms_url": null, "sms_method": "POST", "status_callback": "",
        "status": "in-use", "new_field": {"a": 1},
    })
}

fn list(items: &[Value], next: Option<&str>) -> Value {
    json!({"incoming_phone_numbers": items, "next_page_uri": next})
}

#[tokio::test]
async fn the_account_tells_trial_from_paid() {
    let stub = Stub::start(|_, place| {
        let account = |status: &str, kind: &str| {
            json!({
                "sid": ACCOUNT, "friendly_name": "Main", "status": status, "type": kind,
                "owner_account_sid": ACCOUNT, "auth_token": "never-to-be-seen",
            })
        };
        json(200, &[account("active", "Full"), account("suspended", "Trial"), account("odd", "New")][place])
    })
    .await;
    let expected = [
        (AccountStatus::Active, AccountKind::Full),
        (AccountStatus::Suspended, AccountKind::Trial),
        (AccountStatus::Other("odd".into()), AccountKind::Other("New".into())),
    ];
    for (status, kind) in expected {
        let account = stub.twilio().account().await.unwrap();
        assert_eq!((account.status, account.kind), (status, kind));
        assert_eq!((account.sid.as_str(), account.friendly_name.as_deref()), (ACCOUNT, Some("Main")));
    }
    let seen = &stub.seen()[0];
    assert_eq!(seen.path(), format!("/twilio/api/2010-04-01/Accounts/{ACCOUNT}.json"));
    assert_eq!(
        seen.authorization,
        "Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjpmZWRjYmE5ODc2NTQzMjEwZmVkY2JhOTg3NjU0MzIxMA=="
    );
    assert!(seen.agent.starts_with("dialtone/"));
}

#[tokio::test]
async fn a_number_is_read_with_empty_null_and_absent_alike() {
    let stub = Stub::start(|_, _| json(200, &list(&[number("+141555526711"), number(PHONE)], None))).await;
    let number = stub.twilio().number(&phone()).await.unwrap().unwrap();
    assert_eq!((number.sid.as_str(), number.phone.as_str()), (NUMBER, PHONE));
    assert_eq!(number.voice_url.as_deref(), Some("https://api.vapi.ai/twilio/inbound_call"));
    assert_eq!(
        (number.voice_fallback_url, number.sms_url, number.status_callback_method),
        (None, None, None)
    );
    assert_eq!((number.trunk_sid, number.voice_application_sid), (None, None));
    assert_eq!(number.capabilities, Capabilities { voice: true, sms: true, mms: false, fax: false });
    assert_eq!(Value::Object(number.extra), json!({"status": "in-use", "new_field": {"a": 1}}));
    let seen = &stub.seen()[0];
    assert_eq!(seen.path(), format!("/twilio/api/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json"));
    assert_eq!(seen.query("PhoneNumber").as_deref(), Some(PHONE));
}

#[tokio::test]
async fn a6_a_number_that_is_not_listed_is_not_there_and_similar_ones_do_not_count() {
    let stub = Stub::start(|_, _| json(200, &list(&[number("+14155552672")], None))).await;
    assert_eq!(stub.twilio().number(&phone()).await.unwrap(), None);
}

#[tokio::test]
async fn pages_are_followed_and_unreadable_items_are_counted() {
    let next = "/2010-04-01/Accounts.json?Page=1&PageToken=PA%2B";
    let stub = Stub::start(move |_, place| match place {
        0 => json(200, &json!({"accounts": [{"sid": SUB}, "odd", {"sid": 1}], "next_page_uri": next})),
        _ => json(200, &json!({"accounts": [{"sid": SUB}], "next_page_uri": null})),
    })
    .await;
    let all = stub.twilio().subaccounts().await.unwrap();
    assert_eq!((all.items.len(), all.skipped, all.complete), (2, 2, true));
    assert_eq!(stub.seen()[1].query("PageToken").as_deref(), Some("PA+"));
}

#[tokio::test]
async fn an_endless_list_ends_and_proves_no_absence() {
    let stub = Stub::start(|seen, _| {
        let again = &seen.uri.path()["/twilio/api".len()..];
        json(200, &json!({"accounts": [], "incoming_phone_numbers": [], "next_page_uri": again}))
    })
    .await;
    let all = stub.twilio().subaccounts().await.unwrap();
    assert_eq!((all.items.len(), all.complete), (0, false));
    assert_eq!(stub.seen().len(), 10);
    assert_eq!(stub.twilio().number(&phone()).await.unwrap_err().code, Code::ProviderFailed);
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let evil = "http://evil.invalid/2010-04-01/Accounts.json";
    let stub = Stub::start(move |_, _| json(200, &list(&[number(PHONE)], Some(evil)))).await;
    assert_eq!(
        stub.twilio().number(&"+33612345678".parse().unwrap()).await.unwrap_err().code,
        Code::ProviderFailed
    );
}

#[tokio::test]
async fn an_update_sends_what_changes_and_clears_by_an_empty_value() {
    let stub = Stub::start(|_, _| json(200, &number(PHONE))).await;
    let update = NumberUpdate {
        voice_url: Some("https://x.example/a?b=c&d=é".into()),
        voice_application_sid: Some(String::new()),
        ..NumberUpdate::default()
    };
    let sid: NumberSid = NUMBER.parse().unwrap();
    stub.twilio().update_number(&sid, &update).await.unwrap();
    let seen = &stub.seen()[0];
    let path = format!("/twilio/api/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers/{NUMBER}.json");
    assert_eq!((seen.method.as_str(), seen.path()), ("POST", path.as_str()));
    let form = [("VoiceUrl", "https://x.example/a?b=c&d=é"), ("VoiceApplicationSid", "")];
    assert_eq!(seen.form(), form.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(format!("{update:?}"), r#"{"VoiceUrl", "VoiceApplicationSid"}"#);
}

#[tokio::test]
async fn a6_an_update_of_a_number_that_left_says_so() {
    let body = json!({"code": 20404, "message": "The requested resource was not found", "status": 404});
    let stub = Stub::start(move |_, _| json(404, &body)).await;
    let sid: NumberSid = NUMBER.parse().unwrap();
    let problem = stub.twilio().update_number(&sid, &NumberUpdate::default()).await.unwrap_err();
    let said = problem.provider.unwrap();
    assert_eq!(
        (problem.code, said.status, said.code.as_deref()),
        (Code::NumberNotInAccount, Some(404), Some("20404"))
    );
}

#[tokio::test]
async fn subaccounts_their_numbers_and_caller_ids() {
    let stub = Stub::start(move |seen, _| match seen.path().rsplit('/').next().unwrap() {
        "Accounts.json" => json(
            200,
            &json!({"accounts": [{"sid": ACCOUNT, "status": "active"}, {"sid": SUB, "status": "closed"}]}),
        ),
        "OutgoingCallerIds.json" => json(200, &json!({"outgoing_caller_ids": [{"phone_number": PHONE}]})),
        _ => json(200, &list(&[number(PHONE)], None)),
    })
    .await;
    let twilio = stub.twilio();
    let subaccounts = twilio.subaccounts().await.unwrap().items;
    assert_eq!(subaccounts.iter().map(|account| account.sid.as_str()).collect::<Vec<_>>(), [SUB]);
    assert!(twilio.is_caller_id(&phone()).await.unwrap());
    assert!(!twilio.is_caller_id(&"+33612345678".parse().unwrap()).await.unwrap());
    assert!(twilio.number_in(&SUB.parse().unwrap(), &phone()).await.unwrap().is_some());
    let last = stub.seen().pop().unwrap();
    assert!(last.path().contains(SUB));
}

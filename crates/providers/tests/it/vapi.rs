//! Vapi's resources: what is sent, what is read (facts/vapi.md sections 2–5, 7, 8).

use crate::stub::{ACCOUNT, KEY, PHONE, Stub, TOKEN, json, providers, quick};
use dialtone_domain::line::Region;
use dialtone_domain::{AccountSid, AssistantId, Code, Phone, SecretString, VapiNumberId};
use dialtone_providers::vapi::{
    ImportTwilio, Imported, NewAssistant, NumberStatus, Server, TwilioCredentials, VapiNumberPatch,
    VapiProvider,
};
use dialtone_providers::{Addresses, Gate, Limits, Providers, fingerprint};
use serde_json::{Value, json};

const ID: &str = "00000000-0000-4000-8000-0000000000c1";
const ASSISTANT: &str = "00000000-0000-4000-8000-0000000000b1";

fn phone() -> Phone {
    PHONE.parse().unwrap()
}

fn id() -> VapiNumberId {
    ID.parse().unwrap()
}

fn assistant_id() -> AssistantId {
    ASSISTANT.parse().unwrap()
}

fn number(id: &str, number: &str) -> Value {
    json!({
        "id": id, "orgId": "00000000-0000-4000-8000-0000000000aa", "provider": "twilio", "number": number,
        "name": "Front desk", "assistantId": ASSISTANT, "squadId": null, "twilioAccountSid": ACCOUNT,
        "twilioAuthToken": TOKEN, "status": "active", "smsEnabled": false, "credentialId": null,
        "server": {"url": "https://d.example/hook", "headers": {"x-dialtone-secret": "s3cret"}, "timeoutSeconds": 20},
        "createdAt": "2026-08-20T10:00:00.000Z", "updatedAt": "2026-08-20T10:00:01.000Z",
        "stripeSubscriptionId": null, "useClusterSip": false,
    })
}

fn import() -> ImportTwilio {
    ImportTwilio {
        phone: phone(),
        account_sid: ACCOUNT.parse::<AccountSid>().unwrap(),
        auth_token: SecretString::from(TOKEN),
        name: "Front desk".into(),
        assistant_id: Some(assistant_id()),
        sms_enabled: false,
        server: Some(server()),
    }
}

fn server() -> Server {
    Server { url: "https://d.example/hook".into(), secret: Some(SecretString::from("s3cret")) }
}

fn server_body() -> Value {
    json!({
        "url": "https://d.example/hook", "headers": {"X-Dialtone-Secret": "s3cret"}, "timeoutSeconds": 20,
        "backoffPlan": {"type": "exponential", "maxRetries": 5, "baseDelaySeconds": 1},
    })
}

#[tokio::test]
async fn a4_an_import_says_all_and_reads_the_record_back() {
    let stub = Stub::start(|_, _| json(201, &number(ID, PHONE))).await;
    let Imported::Created(made) = stub.vapi().import_twilio(&import()).await.unwrap() else { panic!() };
    assert_eq!((made.id, made.number, made.assistant_id), (id(), Some(phone()), Some(assistant_id())));
    assert_eq!((made.provider, made.status), (VapiProvider::Twilio, NumberStatus::Active));
    assert_eq!((made.sms_enabled, made.squad_id, made.credential_id), (Some(false), None, None));
    let server = made.server.unwrap();
    assert_eq!(server.url, "https://d.example/hook");
    assert_eq!(server.secret_fingerprint, Some(fingerprint("s3cret")));
    assert_eq!(Value::Object(server.extra), json!({"timeoutSeconds": 20}));
    assert_eq!(Value::Object(made.extra), json!({"useClusterSip": false}));
    let seen = &stub.seen()[0];
    assert_eq!((seen.method.as_str(), seen.path()), ("POST", "/vapi/phone-number"));
    assert_eq!(seen.authorization, format!("Bearer {KEY}"));
    assert_eq!(
        seen.json(),
        json!({
            "provider": "twilio", "number": PHONE, "twilioAccountSid": ACCOUNT, "twilioAuthToken": TOKEN,
            "name": "Front desk", "smsEnabled": false, "assistantId": ASSISTANT, "server": server_body(),
        })
    );
}

#[tokio::test]
async fn a4_a_number_that_is_there_already_is_named_by_its_id() {
    let message = format!(
        "Existing Phone Number {ID} Has Identical `twilioAccountSid` {ACCOUNT} and `number` {PHONE}."
    );
    let body = json!({"message": message, "error": "Bad Request", "statusCode": 400});
    let stub = Stub::start(move |_, _| json(400, &body)).await;
    assert_eq!(stub.vapi().import_twilio(&import()).await, Ok(Imported::AlreadyThere(id())));
}

#[tokio::test]
async fn a_refused_import_names_its_cause_without_the_number() {
    for (message, code) in [
        ("Number Not Found on Twilio.", Code::NumberNotInAccount),
        ("Phone number +14155552671 already in use by another org.", Code::VapiNumberInOtherOrg),
        ("Existing Phone Number not-an-id", Code::VapiRefused),
    ] {
        let stub = Stub::start(move |_, _| json(400, &json!({"message": message}))).await;
        let problem = stub.vapi().import_twilio(&import()).await.unwrap_err();
        assert_eq!(problem.code, code);
        assert!(!problem.provider.unwrap().message.contains(PHONE));
        assert_eq!(stub.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_patch_sets_clears_and_leaves() {
    let stub = Stub::start(|_, _| json(200, &number(ID, PHONE))).await;
    let vapi = stub.vapi();
    let credentials =
        TwilioCredentials { account_sid: ACCOUNT.parse().unwrap(), auth_token: SecretString::from(TOKEN) };
    let foreign = Server { url: "https://other.example/hook".into(), secret: None };
    let mut foreign_body = server_body();
    foreign_body["url"] = json!("https://other.example/hook");
    foreign_body.as_object_mut().unwrap().remove("headers");
    for (patch, expected) in [
        (VapiNumberPatch::default(), json!({"provider": "twilio"})),
        (
            VapiNumberPatch { server: Some(Some(foreign)), ..VapiNumberPatch::default() },
            json!({"provider": "twilio", "server": foreign_body}),
        ),
        (
            VapiNumberPatch {
                assistant_id: Some(Some(assistant_id())),
                squad_id: Some(None),
                server: Some(Some(server())),
                ..VapiNumberPatch::default()
            },
            json!({"provider": "twilio", "assistantId": ASSISTANT, "squadId": null, "server": server_body()}),
        ),
        (
            VapiNumberPatch {
                assistant_id: Some(None),
                name: Some("x".into()),
                sms_enabled: Some(false),
                server: Some(None),
                credentials: Some(credentials),
                ..VapiNumberPatch::default()
            },
            json!({
                "provider": "twilio", "assistantId": null, "name": "x", "smsEnabled": false, "server": null,
                "twilioAccountSid": ACCOUNT, "twilioAuthToken": TOKEN,
            }),
        ),
    ] {
        vapi.update_number(id(), &patch).await.unwrap();
        let seen = stub.seen().pop().unwrap();
        assert_eq!(
            (seen.method.as_str(), seen.path()),
            ("PATCH", format!("/vapi/phone-number/{ID}").as_str())
        );
        assert_eq!(seen.json(), expected);
    }
}

#[tokio::test]
async fn a_delete_of_what_is_gone_is_done() {
    for status in [200, 404] {
        let stub = Stub::start(move |_, _| json(status, &json!({"message": "x"}))).await;
        assert_eq!(stub.vapi().delete_number(id()).await, Ok(()));
    }
    let stub = Stub::start(|_, _| json(404, &json!({"message": "Not Found"}))).await;
    assert_eq!(stub.vapi().assistant(assistant_id()).await, Ok(None));
}

#[tokio::test]
async fn lists_page_by_time_and_tell_equal_times_apart() {
    // 250 assistants, of which each hundred shares its time with its neighbours across the page's edge.
    let all: Vec<Value> = (0..250)
        .map(|n| {
            let id = format!("00000000-0000-4000-8000-{n:012}");
            json!({"id": id, "name": format!("A{n}"), "createdAt": format!("2026-08-20T10:00:00.{:03}Z", 900 - n / 7)})
        })
        .collect();
    let stub = Stub::start(move |seen, _| {
        let until = seen.query("createdAtLe").map(|time| time.parse::<jiff::Timestamp>().unwrap());
        let time = |item: &Value| item["createdAt"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let items = all.iter().filter(|item| until.is_none_or(|until| time(item) <= until)).take(100);
        json(200, &Value::Array(items.cloned().collect()))
    })
    .await;
    let listed = stub.vapi().assistants().await.unwrap();
    assert_eq!((listed.items.len(), listed.skipped, listed.complete), (250, 0, true));
    assert_eq!(listed.items[249].name.as_deref(), Some("A249"));
    assert!((3..=4).contains(&stub.seen().len()));
}

#[tokio::test]
async fn a_list_that_does_not_move_on_ends() {
    let page: Vec<Value> =
        (0..100).map(|n| json!({"id": format!("00000000-0000-4000-8000-{n:012}")})).collect();
    let stub = Stub::start(move |_, _| json(200, &Value::Array(page.clone()))).await;
    let listed = stub.vapi().assistants().await.unwrap();
    assert_eq!((listed.items.len(), listed.complete, stub.seen().len()), (100, false, 2));
}

#[tokio::test]
async fn a_number_is_searched_by_its_digits_and_strangers_are_skipped() {
    let results = json!({"results": [
        number(ID, PHONE),
        number("00000000-0000-4000-8000-0000000000c2", "+144155552671"),
        {"id": "00000000-0000-4000-8000-0000000000c3", "provider": "future", "number": PHONE},
        {"id": "00000000-0000-4000-8000-0000000000c4", "provider": "vapi", "sipUri": "sip:x@sip.vapi.ai"},
        null, 7, {"provider": "twilio"},
    ], "metadata": {"itemsPerPage": 100, "totalItems": 7, "currentPage": 1}});
    let stub = Stub::start(move |_, _| json(200, &results)).await;
    let found = stub.vapi().numbers_matching(&phone()).await.unwrap();
    assert_eq!((found.items.len(), found.items[0].id, found.skipped, found.complete), (1, id(), 3, true));
    let seen = &stub.seen()[0];
    assert_eq!(
        (seen.path(), seen.query("search").as_deref()),
        ("/vapi/v2/phone-number", Some("14155552671"))
    );
}

#[tokio::test]
async fn without_the_search_the_plain_list_serves() {
    let stub = Stub::start(|seen, _| match seen.path() {
        "/vapi/v2/phone-number" => json(404, &json!({"message": "Cannot GET /v2/phone-number"})),
        _ => json(200, &json!([number(ID, PHONE), number(ID, "+33612345678")])),
    })
    .await;
    let found = stub.vapi().numbers_matching(&phone()).await.unwrap();
    assert_eq!((found.items.len(), found.items[0].id), (1, id()));
}

#[tokio::test]
async fn assistants_are_created_and_calls_are_listed() {
    let stub = Stub::start(|seen, _| match seen.path() {
        "/vapi/assistant" => {
            json(201, &json!({"id": ASSISTANT, "name": "Ada", "firstMessage": "Hi", "new": 1}))
        }
        _ => json(
            200,
            &json!([{"id": ID, "status": "ended", "endedReason": "assistant-not-found"}, {"id": 1}]),
        ),
    })
    .await;
    let new = NewAssistant {
        name: "Ada".into(),
        first_message: "Hi".into(),
        system_prompt: "Be kind.".into(),
        language: "fr".into(),
    };
    let made = stub.vapi().create_assistant(&new).await.unwrap();
    assert_eq!((made.id, made.name.as_deref()), (assistant_id(), Some("Ada")));
    assert_eq!(Value::Object(made.extra), json!({"new": 1}));
    let body = stub.seen()[0].json();
    assert_eq!(body["model"]["messages"], json!([{"role": "system", "content": "Be kind."}]));
    assert_eq!(body["transcriber"]["language"], "fr");
    let calls = stub.vapi().last_calls(id(), 5).await.unwrap();
    assert_eq!((calls.items.len(), calls.skipped), (1, 1));
    assert_eq!(calls.items[0].ended_reason.as_deref(), Some("assistant-not-found"));
    assert_eq!(stub.seen()[1].query("phoneNumberId").as_deref(), Some(ID));
}

#[tokio::test]
async fn a_key_that_no_request_can_carry_is_not_sent() {
    let providers = providers("http://127.0.0.1:1", quick());
    for key in ["", "a b", "a\nb", "é"] {
        assert_eq!(providers.vapi(&SecretString::from(key)).unwrap_err().code, Code::VapiKeyMalformed);
    }
}

#[test]
fn addresses_tell_region_and_reality() {
    let of = |twilio: &str, vapi: &str| {
        let addresses = Addresses { twilio: twilio.into(), vapi: vapi.into() };
        Providers::new(addresses, Limits::default(), Gate::default())
    };
    let twilio = "https://{product}.twilio.com";
    for (twilio, vapi, region, real) in [
        (twilio, "https://api.vapi.ai", Region::Us, true),
        (twilio, "https://api.eu.vapi.ai/", Region::Eu, true),
        (twilio, "http://127.0.0.1:8090/vapi", Region::Us, false),
        ("http://127.0.0.1:8090/twilio/{product}", "https://api.vapi.ai", Region::Us, false),
        (twilio, "http://api.vapi.ai", Region::Us, false),
    ] {
        let providers = of(twilio, vapi).unwrap();
        assert_eq!((providers.vapi_region(), providers.are_real()), (region, real), "{twilio} {vapi}");
    }
    for bad in
        ["", "api.vapi.ai", "ftp://x", "file:///etc", "https://u:p@x", "https://x/?a=b", "https://x/#a"]
    {
        assert!(of(twilio, bad).is_err(), "{bad}");
        assert!(of(bad, "https://api.vapi.ai").is_err(), "{bad}");
    }
}

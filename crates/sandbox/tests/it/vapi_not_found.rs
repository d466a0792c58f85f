//! "Phone number not found": each row of the decision table (facts: Vapi 12), and each sentence that Vapi says
//! instead (3.3). A test is named after its row, and ends where the row's remedy has helped.

use serde_json::{Value, json};

use crate::hook::Hook;
use crate::lab::{FR, Lab, US, VAPI_URL, answer};

const NOT_FOUND: &str = "Number Not Found on Twilio.";

/// The sentence of a refusal.
async fn refused(lab: &Lab, body: Value) -> String {
    let (status, answer) = lab.vapi("POST", "/phone-number", body).await;
    assert_eq!(status, 400, "{answer}");
    answer["message"].as_str().unwrap_or_else(|| panic!("no domain failure: {answer}")).to_owned()
}

async fn state(lab: &Lab) -> Value {
    lab.control("GET", "/state", json!({})).await.1
}

async fn number(lab: &Lab, phone: &str) -> Value {
    let sid = lab.number_sid(phone).await;
    lab.twilio("GET", &format!("/IncomingPhoneNumbers/{sid}.json"), &[]).await.1
}

async fn other_org(lab: &Lab, region: &str) -> String {
    let (status, org) = lab.control("POST", "/orgs", json!({"name": "other", "region": region})).await;
    assert_eq!(status, 201, "{org}");
    org["private_key"].as_str().unwrap().to_owned()
}

async fn in_eu(lab: &Lab, key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = lab.request(method, &format!("/vapi-eu{path}")).bearer_auth(key);
    answer(if body.is_null() { request } else { request.json(&body) }).await
}

#[tokio::test]
async fn not_found_subaccount() {
    let lab = Lab::new().await;
    let body = json!({"owner_account_sid": lab.sid, "friendly_name": "Shop"});
    let (_, sub) = lab.control("POST", "/accounts", body).await;
    let phone = "+14155557777";
    lab.control("POST", "/numbers", json!({"account_sid": sub["sid"], "phone_number": phone})).await;
    // The parent sees the subaccount, but the number is not in the parent.
    assert_eq!(refused(&lab, lab.import_body(phone, json!({}))).await, NOT_FOUND);
    let own = json!({"twilioAccountSid": sub["sid"], "twilioAuthToken": sub["auth_token"]});
    assert_eq!(lab.import(phone, own).await.0, 201);
}

#[tokio::test]
async fn not_found_other_account() {
    let lab = Lab::new().await;
    let trial = state(&lab).await["accounts"][1].clone();
    let body = json!({"twilioAccountSid": trial["sid"], "twilioAuthToken": trial["auth_token"]});
    assert_eq!(refused(&lab, lab.import_body(US, body)).await, NOT_FOUND);
    assert_eq!(lab.import(US, json!({})).await.0, 201);
}

#[tokio::test]
async fn not_found_not_bought_yet() {
    let lab = Lab::new().await;
    let phone = "+14155559999";
    assert_eq!(refused(&lab, lab.import_body(phone, json!({}))).await, NOT_FOUND);
    lab.control("POST", "/numbers", json!({"phone_number": phone})).await;
    assert_eq!(lab.import(phone, json!({})).await.0, 201);
}

#[tokio::test]
async fn not_found_released() {
    let lab = Lab::new().await;
    let sid = lab.number_sid(US).await;
    assert_eq!(lab.twilio("DELETE", &format!("/IncomingPhoneNumbers/{sid}.json"), &[]).await.0, 204);
    assert_eq!(refused(&lab, lab.import_body(US, json!({}))).await, NOT_FOUND);
}

#[tokio::test]
async fn not_found_verified_caller_id() {
    let lab = Lab::new().await;
    let phone = "+14155558888";
    lab.control("POST", "/caller-ids", json!({"phone_number": phone})).await;
    let (_, list) = lab.twilio("GET", "/OutgoingCallerIds.json", &[]).await;
    assert_eq!(list["outgoing_caller_ids"][0]["phone_number"], phone);
    assert_eq!(refused(&lab, lab.import_body(phone, json!({}))).await, NOT_FOUND);
}

#[tokio::test]
async fn not_found_typing_or_format() {
    let lab = Lab::new().await;
    let e164 = "number must be a valid phone number in the E.164 format. Hot tip, you may be missing the \
                country code (Eg. US: +1).";
    for typed in ["+1 415 555 2671", "4155552671", "(415) 555-2671", "0033612345678"] {
        let (status, answer) = lab.import(typed, json!({})).await;
        assert_eq!((status, &answer["message"]), (400, &json!([e164])), "{typed}");
    }
    // One digit wrong is well formed, and somebody else's.
    assert_eq!(refused(&lab, lab.import_body("+14155552672", json!({}))).await, NOT_FOUND);
}

#[tokio::test]
async fn not_found_sid_without_token_or_key() {
    let lab = Lab::new().await;
    let mut body = lab.import_body(US, json!({}));
    body.as_object_mut().unwrap().remove("twilioAuthToken");
    assert_eq!(refused(&lab, body.clone()).await, NOT_FOUND);
    body["twilioAuthToken"] = json!(lab.token);
    assert_eq!(lab.vapi("POST", "/phone-number", body).await.0, 201);
}

#[tokio::test]
async fn not_found_key_of_another_account_or_restricted() {
    let lab = Lab::new().await;
    let trial = state(&lab).await["accounts"][1]["sid"].clone();
    let with_key = |key: &Value| {
        json!({"provider": "twilio", "number": US, "twilioAccountSid": lab.sid,
            "twilioApiKey": key["sid"], "twilioApiSecret": key["secret"]})
    };
    let key = async |body: Value| lab.control("POST", "/keys", body).await.1;
    let foreign = key(json!({"account_sid": trial})).await;
    assert_eq!(refused(&lab, with_key(&foreign)).await, NOT_FOUND);
    let reads = json!(["incoming-phone-numbers/read"]);
    let restricted = key(json!({"account_sid": lab.sid, "type": "restricted", "permissions": reads})).await;
    assert_eq!(refused(&lab, with_key(&restricted)).await, NOT_FOUND);
    // The token wins over a key (5.3).
    let mut both = with_key(&foreign);
    both["twilioAuthToken"] = json!(lab.token);
    assert_eq!(lab.vapi("POST", "/phone-number", both).await.0, 201);
}

#[tokio::test]
async fn twilio_20003_token_rotated_or_wrong() {
    let lab = Lab::new().await;
    let (_, rotated) =
        lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"rotate_token": true})).await;
    let sentence = refused(&lab, lab.import_body(US, json!({}))).await;
    assert_eq!(sentence, "Couldn't Import Twilio Number. Twilio Error: Authenticate");
    let (status, _) = lab.import(US, json!({"twilioAuthToken": rotated["auth_token"]})).await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn existing_phone_number_is_adopted() {
    let lab = Lab::new().await;
    lab.import(US, json!({"name": "by hand"})).await;
    let sentence = refused(&lab, lab.import_body(US, json!({}))).await;
    let id = sentence.split(' ').nth(3).unwrap();
    let expected =
        format!("Existing Phone Number {id} Has Identical `twilioAccountSid` {} and `number` {US}.", lab.sid);
    assert_eq!(sentence, expected);
    let assistant = lab.assistant("Mia").await;
    let path = format!("/phone-number/{id}");
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1["name"], "by hand");
    let (_, adopted) = lab.vapi("PATCH", &path, json!({"assistantId": assistant})).await;
    assert_eq!(adopted["assistantId"], json!(assistant));
}

#[tokio::test]
async fn already_in_use_by_another_org() {
    let lab = Lab::new().await;
    let key = other_org(&lab, "us").await;
    let (_, row) = lab.vapi_as(&key, "POST", "/phone-number", lab.import_body(US, json!({}))).await;
    let in_use = format!("Phone number {US} already in use by another org.");
    assert_eq!(refused(&lab, lab.import_body(US, json!({}))).await, in_use);
    // It is found with the operator's other key, removed there, and then imported here.
    let search = "/v2/phone-number?search=4155552671";
    assert_eq!(lab.vapi("GET", search, Value::Null).await.1["results"], json!([]));
    assert_eq!(lab.vapi_as(&key, "GET", search, Value::Null).await.1["results"][0]["id"], row["id"]);
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    assert_eq!(lab.vapi_as(&key, "DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(lab.import(US, json!({})).await.0, 201);
}

/// "Some saw it for their own org" (3.3): when the number has moved to another account.
#[tokio::test]
async fn already_in_use_in_the_own_org() {
    let lab = Lab::new().await;
    lab.import(US, json!({})).await;
    let (_, sub) = lab.control("POST", "/accounts", json!({"owner_account_sid": lab.sid})).await;
    let moved = sub["sid"].as_str().unwrap();
    assert_eq!(lab.set(US, &[("AccountSid", moved)]).await.0, 200);
    let own = json!({"twilioAccountSid": moved, "twilioAuthToken": sub["auth_token"]});
    let sentence = refused(&lab, lab.import_body(US, own)).await;
    assert_eq!(sentence, format!("Phone number {US} already in use by another org."));
}

#[tokio::test]
async fn get_by_id_of_another_org_or_region() {
    let lab = Lab::new().await;
    let (_, row) = lab.import(US, json!({})).await;
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let (us, eu) = (other_org(&lab, "us").await, other_org(&lab, "eu").await);
    assert_eq!(lab.vapi_as(&us, "GET", &path, Value::Null).await.0, 404);
    assert_eq!(in_eu(&lab, &eu, "GET", &path, Value::Null).await.0, 404);
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1["id"], row["id"]);
}

#[tokio::test]
async fn key_of_another_region() {
    let lab = Lab::new().await;
    let eu = other_org(&lab, "eu").await;
    let text =
        "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.";
    let (status, answer) = lab.vapi_as(&eu, "GET", "/phone-number", Value::Null).await;
    assert_eq!((status, &answer["message"]), (401, &json!(text)));
    let (status, answer) = in_eu(&lab, &lab.key, "GET", "/phone-number", Value::Null).await;
    assert_eq!((status, &answer["message"]), (401, &json!(text)));
    assert_eq!(in_eu(&lab, &eu, "GET", "/phone-number", Value::Null).await, (200, json!([])));
}

/// The EU installation does not know what the US one has, and writes its own URLs.
#[tokio::test]
async fn the_other_region_imports_it_too() {
    let lab = Lab::new().await;
    lab.import(US, json!({})).await;
    let eu = other_org(&lab, "eu").await;
    let (status, row) = in_eu(&lab, &eu, "POST", "/phone-number", lab.import_body(US, json!({}))).await;
    assert_eq!(status, 201);
    let after = number(&lab, US).await;
    assert_eq!(after["voice_url"], "https://api.eu.vapi.ai/twilio/inbound_call");
    assert_eq!(after["sms_url"], "https://api.eu.vapi.ai/twilio/sms");
    // It is the EU's assistant that answers now; the US one has the same number.
    assert_eq!(lab.call(US).await["outcome"], "no_assistant");
    let (_, mia) =
        in_eu(&lab, &eu, "POST", "/assistant", json!({"name": "Mia", "firstMessage": "Hi."})).await;
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    in_eu(&lab, &eu, "PATCH", &path, json!({"assistantId": mia["id"]})).await;
    assert_eq!(lab.call(US).await["answered_by"]["assistant_id"], mia["id"]);
    let (status, body) = in_eu(&lab, &eu, "POST", "/v1/phone-number?x=1", json!({})).await;
    assert_eq!((status, &body["message"]), (404, &json!("Cannot POST /v1/phone-number?x=1")));
}

#[tokio::test]
async fn imported_but_the_voice_url_is_not_vapis() {
    let lab = Lab::new().await;
    lab.set(US, &[("VoiceUrl", "https://demo.twilio.com/welcome/voice/")]).await;
    lab.control("POST", "/settings", json!({"vapi_import_unwired": true})).await;
    let assistant = lab.assistant("Mia").await;
    let (status, _) = lab.import(US, json!({"assistantId": assistant})).await;
    assert_eq!(status, 201);
    assert_eq!(number(&lab, US).await["voice_url"], "https://demo.twilio.com/welcome/voice/");
    assert_eq!(lab.call(US).await["outcome"], "demo_url");
    lab.set(US, &[("VoiceUrl", VAPI_URL)]).await;
    assert_eq!(lab.call(US).await["outcome"], "answered");
}

#[tokio::test]
async fn imported_but_a_trunk_wins() {
    let lab = Lab::new().await;
    let (_, trunk) = lab.trunking("POST", "/v1/Trunks", &[("FriendlyName", "old")]).await;
    lab.set(US, &[("TrunkSid", trunk["sid"].as_str().unwrap())]).await;
    let assistant = lab.assistant("Mia").await;
    lab.import(US, json!({"assistantId": assistant})).await;
    let after = number(&lab, US).await;
    assert_eq!((&after["voice_url"], &after["trunk_sid"]), (&json!(VAPI_URL), &trunk["sid"]));
    assert_ne!(lab.call(US).await["outcome"], "answered");
    lab.set(US, &[("TrunkSid", "")]).await;
    assert_eq!(lab.call(US).await["outcome"], "answered");
}

#[tokio::test]
async fn imported_but_a_voice_application_wins() {
    let lab = Lab::new().await;
    let (_, app) = lab.twilio("POST", "/Applications.json", &[("FriendlyName", "old")]).await;
    lab.set(US, &[("VoiceApplicationSid", app["sid"].as_str().unwrap())]).await;
    let assistant = lab.assistant("Mia").await;
    lab.import(US, json!({"assistantId": assistant})).await;
    assert_eq!(number(&lab, US).await["voice_application_sid"], app["sid"]);
    assert_ne!(lab.call(US).await["outcome"], "answered");
    lab.set(US, &[("VoiceApplicationSid", "")]).await;
    assert_eq!(lab.call(US).await["outcome"], "answered");
}

#[tokio::test]
async fn works_in_the_dashboard_not_by_api() {
    let lab = Lab::new().await;
    let (_, row) = lab.import(FR, json!({})).await;
    // The key in use belongs to another org: what it sees has another `orgId`.
    let key = other_org(&lab, "us").await;
    let (_, orgs) = lab.vapi_as(&key, "GET", "/org", Value::Null).await;
    assert_ne!(orgs[0]["id"], row["orgId"]);
    assert_eq!(lab.vapi_as(&key, "GET", "/phone-number", Value::Null).await.1, json!([]));
    let (_, own) = lab.vapi("GET", "/org", Value::Null).await;
    assert_eq!(own[0]["id"], row["orgId"]);
}

#[tokio::test]
async fn texts_stop_arriving_after_import() {
    let lab = Lab::new().await;
    lab.set(US, &[("SmsUrl", "https://mine.example/sms"), ("StatusCallback", "https://mine.example/s")])
        .await;
    let (_, row) = lab.import(US, json!({})).await;
    let after = number(&lab, US).await;
    assert_eq!(after["sms_url"], "https://api.vapi.ai/twilio/sms");
    assert_eq!(after["status_callback"], "https://api.vapi.ai/twilio/status");
    // Put back, it stays, also when later changes say nothing about texts.
    lab.set(US, &[("SmsUrl", "https://mine.example/sms")]).await;
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    lab.vapi("PATCH", &path, json!({"smsEnabled": false})).await;
    lab.vapi("PATCH", &path, json!({"name": "Front desk"})).await;
    assert_eq!(number(&lab, US).await["sms_url"], "https://mine.example/sms");
}

#[tokio::test]
async fn the_server_is_never_asked_while_an_assistant_is_set() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let assistant = lab.assistant("Mia").await;
    let server = json!({"url": hook.url("/")});
    let (_, row) = lab.import(US, json!({"assistantId": assistant, "server": server})).await;
    let asked = || hook.seen().iter().any(|seen| seen.body.contains("\"type\":\"assistant-request\""));
    assert_eq!(lab.call(US).await["outcome"], "answered");
    assert!(!hook.seen().is_empty() && !asked(), "events, but no question");
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let (status, row) = lab.vapi("PATCH", &path, json!({"assistantId": null})).await;
    assert_eq!((status, &row["assistantId"], &row["server"]), (200, &json!(null), &server));
    lab.call(US).await;
    assert!(asked());
}

#[tokio::test]
async fn the_stored_token_is_repaired_by_a_patch() {
    let lab = Lab::new().await;
    let (_, row) = lab.import(US, json!({"smsEnabled": false})).await;
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let (_, rotated) =
        lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"rotate_token": true})).await;
    let (status, answer) = lab.vapi("PATCH", &path, json!({"smsEnabled": true})).await;
    let expected = "Couldn't Update Twilio Number. Twilio Error: Authenticate";
    assert_eq!((status, &answer["message"]), (400, &json!(expected)));
    let fresh = json!({"twilioAccountSid": lab.sid, "twilioAuthToken": rotated["auth_token"]});
    assert_eq!(lab.vapi("PATCH", &path, fresh).await.0, 200);
    assert_eq!(lab.vapi("PATCH", &path, json!({"smsEnabled": true})).await.0, 200);
}

#[tokio::test]
async fn the_prompt_vanishes_with_a_partial_model() {
    let lab = Lab::new().await;
    let model = json!({"provider": "openai", "model": "gpt-4o",
        "messages": [{"role": "system", "content": "You answer the clinic's telephone."}]});
    let (_, made) = lab.vapi("POST", "/assistant", json!({"model": model})).await;
    let path = format!("/assistant/{}", made["id"].as_str().unwrap());
    let (_, changed) =
        lab.vapi("PATCH", &path, json!({"model": {"provider": "openai", "model": "gpt-4.1"}})).await;
    assert_eq!(changed["model"].get("messages"), None);
    let (_, whole) = lab.vapi("PATCH", &path, json!({"model": model})).await;
    assert_eq!(whole["model"], model);
}

#[tokio::test]
async fn a_copied_object_is_refused_with_every_reason() {
    let lab = Lab::new().await;
    let (_, row) = lab.import(US, json!({"name": "Front desk"})).await;
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let (status, answer) = lab.vapi("PATCH", &path, row.clone()).await;
    assert_eq!(status, 400);
    let messages = answer["message"].as_array().unwrap();
    for read_only in ["id", "orgId", "createdAt", "updatedAt", "status", "serverUrl", "stripeSubscriptionId"]
    {
        let expected = json!(format!("property {read_only} should not exist"));
        assert!(messages.contains(&expected), "{expected} is not in {messages:?}");
    }
    assert!(messages.iter().all(|text| text.as_str().unwrap().ends_with("should not exist")), "{messages:?}");
}

/// Old names that examples still use are refused (7).
#[tokio::test]
async fn legacy_properties_are_refused() {
    let lab = Lab::new().await;
    let body = json!({"serverUrl": "https://a.example", "serverUrlSecret": "s", "silenceTimeoutSeconds": 30,
        "recordingEnabled": true, "analysisPlan": {"summaryPrompt": "x"}, "name": "n".repeat(41)});
    let (_, answer) = lab.vapi("POST", "/assistant", body).await;
    let expected = [
        "property recordingEnabled should not exist",
        "property serverUrl should not exist",
        "property serverUrlSecret should not exist",
        "property silenceTimeoutSeconds should not exist",
        "analysisPlan.property summaryPrompt should not exist",
        "name must be shorter than or equal to 40 characters",
    ];
    assert_eq!(answer["message"], json!(expected));
}

/// 3.3, with a number's id in the wrong form: what a number or name in place of an id is told.
#[tokio::test]
async fn an_id_is_a_uuid() {
    let lab = Lab::new().await;
    let (status, answer) = lab.import(US, json!({"assistantId": "Mia", "squadId": "all"})).await;
    assert_eq!(status, 400);
    assert_eq!(answer["message"], json!(["assistantId must be a UUID", "squadId must be a UUID"]));
}

#[tokio::test]
async fn a_telnyx_credential_without_the_number() {
    let lab = Lab::new().await;
    let (_, credential) =
        lab.vapi("POST", "/credential", json!({"provider": "telnyx", "apiKey": "KEY1"})).await;
    let carrier = json!({"provider": "telnyx", "api_key": "KEY1", "numbers": ["+13125550123"]});
    lab.control("POST", "/carriers", carrier).await;
    let body =
        |number: &str| json!({"provider": "telnyx", "number": number, "credentialId": credential["id"]});
    let sentence = "Couldn't Update Telnyx Number. Error: Request failed with status code 404";
    assert_eq!(refused(&lab, body("+13125550199")).await, sentence);
    let (status, row) = lab.vapi("POST", "/phone-number", body("+13125550123")).await;
    assert_eq!(status, 201, "{row}");
    let path = format!("/phone-number/{}", row["id"].as_str().unwrap());
    let (status, answer) = lab.vapi("PATCH", &path, json!({"number": "+13125550199"})).await;
    assert_eq!((status, &answer["message"]), (400, &json!(sentence)));
}

#[tokio::test]
async fn a_sip_gateway_by_name_takes_no_inbound_traffic() {
    let lab = Lab::new().await;
    let trunk = |gateway: Value| json!({"provider": "byo-sip-trunk", "gateways": [gateway]});
    let failed = "Couldn't validate SIP trunk credential. SIP gateway creation failed.";
    for gateway in [
        json!({"ip": "example.pstn.twilio.com"}),
        json!({"ip": "example.pstn.twilio.com", "inboundEnabled": true}),
        json!({"ip": "54.172.60.0/30"}),
    ] {
        let (status, answer) = lab.vapi("POST", "/credential", trunk(gateway)).await;
        assert_eq!((status, &answer["message"]), (400, &json!(failed)));
    }
    let outbound = json!({"ip": "example.pstn.twilio.com", "inboundEnabled": false});
    let (status, made) = lab.vapi("POST", "/credential", trunk(outbound)).await;
    assert_eq!(status, 201, "{made}");
    let path = format!("/credential/{}", made["id"].as_str().unwrap());
    let (status, answer) = lab.vapi("PATCH", &path, json!({"gateways": [{"ip": "sip.example.com"}]})).await;
    assert_eq!((status, &answer["message"]), (400, &json!(failed)));
    let both = json!({"gateways": [{"ip": "54.172.60.0", "netmask": 30, "outboundEnabled": false}]});
    let (_, changed) = lab.vapi("PATCH", &path, both.clone()).await;
    assert_eq!(changed["gateways"], both["gateways"], "the list is replaced whole");
}

/// The table for readers names tests that exist.
#[test]
fn every_row_of_the_table_has_its_test() {
    let root = env!("CARGO_MANIFEST_DIR");
    let chapter = std::fs::read_to_string(format!("{root}/../../docs/sandbox/vapi.md")).unwrap();
    let rows: Vec<&str> = chapter.split('`').filter(|words| words.contains("::")).collect();
    assert!(rows.len() > 45, "{rows:?}");
    for row in rows {
        let (file, test) = row.split_once("::").unwrap();
        let source = std::fs::read_to_string(format!("{root}/tests/it/{file}.rs")).unwrap();
        assert!(source.contains(&format!("async fn {test}()")), "{row}");
    }
}

//! Calls that Vapi places and that come to nothing (facts: Vapi 6.2, 8.5, 12): each state has its end.

use serde_json::{Value, json};

use crate::hook::{Hook, Reply};
use crate::lab::{Lab, US};
use crate::vapi_calls::{PERSON, assistant, dial, fetch, number, pass, phone, still};

const DOMAIN: &str = "clinic.pstn.twilio.com";
const SIP_FAILED: &str = "call.in-progress.error-sip-outbound-call-failed-to-connect";

/// How a call through this number ends.
async fn ends(lab: &Lab, line: &str, assistant: &str) -> Value {
    let (status, call) = dial(lab, line, assistant, json!({})).await;
    assert_eq!(status, 201, "{call}");
    pass(lab, 120).await;
    fetch(lab, &call).await["endedReason"].clone()
}

async fn made(lab: &Lab, path: &str, form: &[(&str, &str)]) -> String {
    let (status, made) = lab.twilio("POST", path, form).await;
    assert_eq!(status, 201, "{made}");
    made["sid"].as_str().unwrap().to_owned()
}

async fn link(lab: &Lab, trunk: &str, list: &str, sid: &str) {
    let (name, path) = (format!("{list}Sid"), format!("/v1/Trunks/{trunk}/{list}s"));
    let (status, link) = lab.trunking("POST", &path, &[(name.as_str(), sid)]).await;
    assert_eq!(status, 201, "{link}");
}

/// A trunk credential that dials out through the domain, and a number on it.
async fn through_trunk(lab: &Lab) -> (String, String) {
    let gateways = json!([{"ip": DOMAIN, "inboundEnabled": false}]);
    let body = json!({"provider": "byo-sip-trunk", "gateways": gateways, "outboundLeadingPlusEnabled": true});
    let (status, credential) = lab.vapi("POST", "/credential", body).await;
    assert_eq!(status, 201, "{credential}");
    let body = json!({"provider": "byo-phone-number", "number": US, "credentialId": credential["id"]});
    let (status, line) = lab.vapi("POST", "/phone-number", body).await;
    assert_eq!(status, 201, "{line}");
    let id = |of: &Value| of["id"].as_str().unwrap().to_owned();
    (id(&credential), id(&line))
}

#[tokio::test]
async fn sip_404_403_407_and_480_outbound_follow_from_the_trunk_and_the_phone() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let (credential, line) = through_trunk(&lab).await;
    assert_eq!(ends(&lab, &line, &mia).await, SIP_FAILED, "404: no trunk has this domain");
    let form = [("FriendlyName", "Clinic"), ("DomainName", DOMAIN)];
    let (_, trunk) = lab.trunking("POST", "/v1/Trunks", &form).await;
    let trunk = trunk["sid"].as_str().unwrap();
    let sip = |code: &str| format!("call.in-progress.error-providerfault-outbound-sip-{code}");
    assert_eq!(ends(&lab, &line, &mia).await, sip("403-forbidden"), "no list lets anybody in");
    let list = made(&lab, "/SIP/IpAccessControlLists.json", &[("FriendlyName", "Vapi")]).await;
    link(&lab, trunk, "IpAccessControlList", &list).await;
    assert_eq!(ends(&lab, &line, &mia).await, sip("403-forbidden"), "Vapi's addresses are not in the list");
    for address in ["44.229.228.186", "44.238.177.138"] {
        let form = [("FriendlyName", "Vapi"), ("IpAddress", address)];
        made(&lab, &format!("/SIP/IpAccessControlLists/{list}/IpAddresses.json"), &form).await;
    }
    assert_eq!(ends(&lab, &line, &mia).await, "customer-ended-call");
    let (_, calls) = lab.twilio("GET", "/Calls.json", &[]).await;
    let leg = &calls["calls"][0];
    assert_eq!((&leg["status"], &leg["trunk_sid"]), (&json!("completed"), &json!(trunk)), "{leg}");

    let names = made(&lab, "/SIP/CredentialLists.json", &[("FriendlyName", "Vapi")]).await;
    let form = [("Username", "vapi"), ("Password", "Correct4Horses")];
    made(&lab, &format!("/SIP/CredentialLists/{names}/Credentials.json"), &form).await;
    link(&lab, trunk, "CredentialList", &names).await;
    assert_eq!(ends(&lab, &line, &mia).await, sip("407-proxy-authentication-required"));
    let path = format!("/credential/{credential}");
    let plan =
        json!({"outboundAuthenticationPlan": {"authUsername": "vapi", "authPassword": "Correct4Horses"}});
    assert_eq!(lab.vapi("PATCH", &path, plan).await.0, 200);
    assert_eq!(ends(&lab, &line, &mia).await, "customer-ended-call");

    phone(&lab, json!({"on_call": "no-answer"})).await;
    assert_eq!(ends(&lab, &line, &mia).await, sip("480-temporarily-unavailable"));
    phone(&lab, json!({"on_call": "fail"})).await;
    assert_eq!(ends(&lab, &line, &mia).await, sip("503-service-unavailable"));
    // Twilio wants the plus, which Vapi leaves out unless told not to.
    phone(&lab, json!({"on_call": "answer"})).await;
    assert_eq!(lab.vapi("PATCH", &path, json!({"outboundLeadingPlusEnabled": false})).await.0, 200);
    assert_eq!(ends(&lab, &line, &mia).await, SIP_FAILED);
}

#[tokio::test]
async fn a_call_that_twilio_ended_is_over_for_vapi_too() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    phone(&lab, json!({"says": ["One", "Two", "Three", "Four", "Five", "Six"]})).await;
    for (wait, status, reason) in
        [(7, "completed", "call.in-progress.twilio-completed-call"), (2, "canceled", "manually-canceled")]
    {
        let (_, call) = dial(&lab, &line, &mia, json!({})).await;
        pass(&lab, wait).await;
        let path = format!("/Calls/{}.json", call["phoneCallProviderId"].as_str().unwrap());
        assert_eq!(lab.twilio("POST", &path, &[("Status", status)]).await.0, 200);
        pass(&lab, 60).await;
        assert_eq!(fetch(&lab, &call).await["endedReason"], reason);
    }
}

/// "Outbound abroad fails" (12): Twilio's geographic permission; a trial account; a free Vapi number.
#[tokio::test]
async fn outbound_abroad_fails() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    let abroad = json!({"customer": {"number": "+33612345678"}});
    let permit = async |on: &str| {
        let updates = json!([{"iso_code": "FR", "low_risk_numbers_enabled": on}]).to_string();
        let form = [("UpdateRequest", updates.as_str())];
        let path = "/v1/DialingPermissions/BulkCountryUpdates";
        assert_eq!(lab.twilio_product("voice", "POST", path, &form).await.0, 201);
    };
    permit("false").await;
    let (status, answer) = dial(&lab, &line, &mia, abroad.clone()).await;
    let sentence = answer["message"].as_str().unwrap();
    assert_eq!(status, 400, "{answer}");
    assert!(sentence.starts_with("Couldn't Create Twilio Call. Twilio Error: "), "{sentence}");
    permit("true").await;
    assert_eq!(dial(&lab, &line, &mia, abroad.clone()).await.0, 201);
    let (_, free) = lab.vapi("POST", "/phone-number", json!({"provider": "vapi"})).await;
    let (_, call) = dial(&lab, free["id"].as_str().unwrap(), &mia, abroad).await;
    assert_eq!(call["endedReason"], "call.start.error-vapi-number-international");
}

/// "Same person called twice" (12): a client repeats a POST whose answer it did not get.
#[tokio::test]
async fn the_same_person_is_called_twice_when_a_post_is_repeated() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    let lost = json!({"path": "/call$", "method": "POST", "times": 1, "fault": {"drop": "after"}});
    assert_eq!(lab.control("POST", "/faults", lost).await.0, 201);
    let body = json!({"phoneNumberId": line, "assistantId": mia, "customer": {"number": PERSON}});
    let request = lab.request("POST", "/vapi/call").bearer_auth(&lab.key).json(&body);
    assert!(request.send().await.is_err(), "no answer at all");
    assert_eq!(lab.vapi("POST", "/call", body).await.0, 201);
    pass(&lab, 120).await;
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    assert_eq!(phones[PERSON]["seen"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn people_are_called_at_sip_addresses_too() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let (_, free) = lab.vapi("POST", "/phone-number", json!({"provider": "vapi"})).await;
    let to = "sip:ada@pbx.example";
    for line in [number(&lab, &mia).await.as_str(), free["id"].as_str().unwrap()] {
        let (status, call) = dial(&lab, line, &mia, json!({"customer": {"sipUri": to}})).await;
        assert_eq!(status, 201, "{call}");
        pass(&lab, 120).await;
        assert_eq!(fetch(&lab, &call).await["endedReason"], "customer-ended-call");
    }
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    assert_eq!(phones[to]["seen"][0]["heard"][0], "Hello, this is Mia.");
}

/// Numbers arrive as `30.0` from the official Python client.
#[tokio::test]
async fn whole_numbers_may_be_written_as_fractions() {
    let lab = still().await;
    let plan = json!({"minMessagesThreshold": 40.0});
    let brief = assistant(&lab, json!({"maxDurationSeconds": 10.0, "analysisPlan": plan})).await;
    let line = number(&lab, &brief).await;
    phone(&lab, json!({"says": ["a word and ".repeat(20), "more"]})).await;
    let (_, call) = dial(&lab, &line, &brief, json!({})).await;
    pass(&lab, 120).await;
    let ended = fetch(&lab, &call).await;
    assert_eq!((&ended["endedReason"], &ended["analysis"]), (&json!("exceeded-max-duration"), &json!({})));
    let body = json!({"assistantId": brief, "expirationSeconds": 60.0});
    let (_, session) = lab.vapi("POST", "/session", body).await;
    pass(&lab, 61).await;
    let path = format!("/session/{}", session["id"].as_str().unwrap());
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1["status"], "completed");
}

#[tokio::test]
async fn whoever_waits_longest_gets_the_free_line() {
    let lab = still().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let org = format!("/orgs/{}", state["orgs"][0]["id"].as_str().unwrap());
    lab.control("POST", &org, json!({"subscription": {"concurrency_limit": 1}})).await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(dial(&lab, &line, &mia, json!({})).await.1);
    }
    // A call that never had a line frees none.
    lab.call(US).await;
    pass(&lab, 120).await;
    let mut started = Vec::new();
    for call in &calls {
        started.push(fetch(&lab, call).await["startedAt"].as_str().unwrap().to_owned());
    }
    assert!(started.is_sorted(), "{started:?}");
}

#[tokio::test]
async fn data_is_found_when_a_plan_asks_for_it() {
    let (lab, hook) = (still().await, Hook::new().await);
    let schema = json!({"type": "object", "properties": {"people": {"type": "integer"},
        "room": {"type": "string", "enum": ["inside", "terrace"]}}});
    let plan = json!({"structuredDataPlan": {"enabled": true, "schema": schema},
        "successEvaluationPlan": {"rubric": "NumericScale"}, "summaryPlan": {"enabled": false}});
    let mia = json!({"analysisPlan": plan, "serverMessages": ["end-of-call-report"],
        "server": {"url": hook.url("/")}});
    let mia = assistant(&lab, mia).await;
    let line = number(&lab, &mia).await;
    hook.answer("/", [Reply::status(200)]);
    phone(&lab, json!({"says": ["Four of us, so 4, on the terrace."]})).await;
    let (_, call) = dial(&lab, &line, &mia, json!({})).await;
    pass(&lab, 120).await;
    let expected = json!({"structuredData": {"people": 4, "room": "terrace"}, "successEvaluation": "9"});
    let ended = fetch(&lab, &call).await;
    assert_eq!(ended["analysis"], expected);
    let told: Value = serde_json::from_str(&hook.seen()[0].body).unwrap();
    assert_eq!(told["message"]["analysis"], expected);
    let kinds: Vec<&Value> =
        ended["costs"].as_array().unwrap().iter().map(|cost| &cost["analysisType"]).collect();
    assert!(kinds.contains(&&json!("structuredData")), "{kinds:?}");
    assert!(!kinds.contains(&&json!("summary")), "{kinds:?}");
}

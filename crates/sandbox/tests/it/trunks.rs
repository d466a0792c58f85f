//! Elastic SIP trunks: lists, links, origination, termination (facts: Twilio 6, 18; trap 9).

use serde_json::{Value, json};

use crate::hook::{Hook, Reply};
use crate::lab::{CALLER, Form, Lab, US};

const DOMAIN: &str = "clinic.pstn.twilio.com";
const FRIEND: &str = "+14155550177";
const PASSWORD: &str = "Correct4Horses";

async fn trunk(lab: &Lab) -> String {
    let form = [("FriendlyName", "Clinic"), ("DomainName", DOMAIN)];
    let (status, trunk) = lab.trunking("POST", "/v1/Trunks", &form).await;
    assert_eq!((status, &trunk["auth_type"]), (201, &json!("")), "{trunk}");
    format!("/v1/Trunks/{}", trunk["sid"].as_str().unwrap())
}

async fn made(lab: &Lab, path: &str, form: Form<'_>) -> String {
    let (status, made) = lab.twilio("POST", path, form).await;
    assert_eq!(status, 201, "{made}");
    made["sid"].as_str().unwrap().to_owned()
}

async fn access_list(lab: &Lab) -> String {
    let list = made(lab, "/SIP/IpAccessControlLists.json", &[("FriendlyName", "Office")]).await;
    let form = [("FriendlyName", "Router"), ("IpAddress", "203.0.113.8"), ("CidrPrefixLength", "30")];
    made(lab, &format!("/SIP/IpAccessControlLists/{list}/IpAddresses.json"), &form).await;
    list
}

async fn credential_list(lab: &Lab) -> String {
    let list = made(lab, "/SIP/CredentialLists.json", &[("FriendlyName", "Switchboard")]).await;
    let form = [("Username", "desk"), ("Password", PASSWORD)];
    made(lab, &format!("/SIP/CredentialLists/{list}/Credentials.json"), &form).await;
    list
}

async fn send(lab: &Lab, more: Value) -> Value {
    let mut body = json!({"trunk_domain": DOMAIN, "from": US, "to": FRIEND});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, told) = lab.control("POST", "/trunk-calls", body).await;
    assert_eq!(status, 200, "{told}");
    told
}

async fn alerts(lab: &Lab) -> Vec<String> {
    let (_, list) = lab.twilio_product("monitor", "GET", "/v1/Alerts", &[]).await;
    list["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["error_code"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lists_are_kept_with_their_rules_and_not_deleted_while_they_are_used() {
    let lab = Lab::new().await;
    let (trunk, addresses, names) = (trunk(&lab).await, access_list(&lab).await, credential_list(&lab).await);
    let items = format!("/SIP/IpAccessControlLists/{addresses}/IpAddresses.json");
    let credentials = format!("/SIP/CredentialLists/{names}/Credentials.json");
    let cases: [(&str, Form<'_>, u32); 9] = [
        ("/SIP/IpAccessControlLists.json", &[], 21235),
        ("/SIP/CredentialLists.json", &[], 21240),
        (&items, &[("FriendlyName", "x"), ("IpAddress", "::1")], 21238),
        (&items, &[("IpAddress", "203.0.113.9")], 21238),
        (&items, &[("FriendlyName", "x"), ("IpAddress", "203.0.113.9"), ("CidrPrefixLength", "33")], 21238),
        (&credentials, &[("Username", "desk"), ("Password", PASSWORD)], 21243),
        (&credentials, &[("Username", "other"), ("Password", "Short1")], 21243),
        (&credentials, &[("Username", "other"), ("Password", "nouppercase1")], 21243),
        (&credentials, &[("Username", "a-name-of-more-than-32-characters"), ("Password", PASSWORD)], 21243),
    ];
    for (path, form, code) in cases {
        let (status, problem) = lab.twilio("POST", path, form).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{form:?}");
    }
    let (_, shown) = lab.twilio("GET", &credentials, &[]).await;
    assert_eq!(shown["credentials"][0]["username"], "desk");
    assert!(!shown.to_string().contains(PASSWORD));
    let one = items.replace(
        ".json",
        &format!(
            "/{}.json",
            lab.twilio("GET", &items, &[]).await.1["ip_addresses"][0]["sid"].as_str().unwrap()
        ),
    );
    let (_, changed) = lab.twilio("POST", &one, &[("IpAddress", "203.0.113.12")]).await;
    assert_eq!(
        (&changed["ip_address"], &changed["cidr_prefix_length"]),
        (&json!("203.0.113.12"), &json!(30))
    );

    for (path, name, sid, kinds) in [
        ("IpAccessControlLists", "IpAccessControlListSid", &addresses, "IP_ACL"),
        ("CredentialLists", "CredentialListSid", &names, "IP_ACL,CREDENTIAL_LIST"),
    ] {
        let (status, link) = lab.trunking("POST", &format!("{trunk}/{path}"), &[(name, sid.as_str())]).await;
        assert_eq!((status, &link["sid"]), (201, &json!(sid)), "{link}");
        assert_eq!(lab.trunking("GET", &trunk, &[]).await.1["auth_type"], kinds);
        let (_, problem) = lab.twilio("DELETE", &format!("/SIP/{path}/{sid}.json"), &[]).await;
        assert_eq!(problem["code"], if path == "CredentialLists" { 21241 } else { 21236 });
        let (_, list) = lab.trunking("GET", &format!("{trunk}/{path}"), &[]).await;
        assert_eq!(list[list["meta"]["key"].as_str().unwrap()].as_array().unwrap().len(), 1);
    }
    for (path, sid) in [("IpAccessControlLists", &addresses), ("CredentialLists", &names)] {
        assert_eq!(lab.trunking("DELETE", &format!("{trunk}/{path}/{sid}"), &[]).await.0, 204);
        assert_eq!(lab.trunking("GET", &format!("{trunk}/{path}/{sid}"), &[]).await.0, 404);
        assert_eq!(lab.twilio("DELETE", &format!("/SIP/{path}/{sid}.json"), &[]).await.0, 204);
        assert_eq!(lab.twilio("GET", &format!("/SIP/{path}/{sid}.json"), &[]).await.0, 404);
    }
    let (status, problem) = lab.trunking("POST", "/v1/Trunks", &[("DomainName", DOMAIN)]).await;
    assert_eq!((status, &problem["code"]), (400, &json!(21232)));
    assert_eq!(lab.trunking("POST", "/v1/Trunks", &[("DomainName", "clinic.example")]).await.0, 400);
}

#[tokio::test]
async fn trap_09_a_trunk_hides_the_voice_url_and_takes_the_application() {
    let lab = Lab::new().await;
    let trunk = trunk(&lab).await;
    let (_, app) = lab.twilio("POST", "/Applications.json", &[("VoiceUrl", "https://a.example/")]).await;
    lab.set(US, &[("VoiceApplicationSid", app["sid"].as_str().unwrap())]).await;
    let sid = lab.number_sid(US).await;
    let numbers = format!("{trunk}/PhoneNumbers");
    let (status, number) = lab.trunking("POST", &numbers, &[("PhoneNumberSid", sid.as_str())]).await;
    assert_eq!((status, &number["phone_number"]), (201, &json!(US)), "{number}");
    assert_eq!(
        (&number["voice_application_sid"], trunk.ends_with(number["trunk_sid"].as_str().unwrap())),
        (&json!(""), true)
    );
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], alerts(&lab).await), (&json!("no_route"), vec!["32010".to_owned()]));
    let (_, log) = lab.twilio("GET", "/Calls.json", &[]).await;
    assert_eq!(
        (&log["calls"][0]["direction"], &log["calls"][0]["status"]),
        (&json!("trunking-originating"), &json!("failed"))
    );
    assert_eq!(lab.trunking("GET", &numbers, &[]).await.1["phone_numbers"][0]["sid"], sid);
    assert_eq!(lab.trunking("DELETE", &format!("{numbers}/{sid}"), &[]).await.0, 204);
    assert_eq!(lab.trunking("GET", &format!("{numbers}/{sid}"), &[]).await.0, 404);
    assert_eq!(lab.call(US).await["outcome"], "not_found");
}

#[tokio::test]
async fn origination_goes_by_priority_and_weight_and_then_to_the_recovery_url() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let trunk = trunk(&lab).await;
    lab.set(US, &[("TrunkSid", trunk.rsplit('/').next().unwrap())]).await;
    let urls = format!("{trunk}/OriginationUrls");
    let mut sids = Vec::new();
    for (weight, priority, sip) in [
        ("1", "5", "sip:seldom@a.example"),
        ("9", "5", "sip:often@a.example"),
        ("9", "6", "sip:later@a.example"),
    ] {
        let form = [
            ("Weight", weight),
            ("Priority", priority),
            ("Enabled", "true"),
            ("FriendlyName", "u"),
            ("SipUrl", sip),
        ];
        let (status, url) = lab.trunking("POST", &urls, &form).await;
        assert_eq!(status, 201, "{url}");
        sids.push(format!("{urls}/{}", url["sid"].as_str().unwrap()));
    }
    let mut often = 0;
    for _ in 0..20 {
        let call = lab.call(US).await;
        assert_ne!(call["url"], "sip:later@a.example");
        often += usize::from(call["url"] == "sip:often@a.example");
    }
    assert!((13..20).contains(&often), "{often}");
    for sid in &sids[..2] {
        let (status, url) = lab.trunking("POST", sid, &[("Enabled", "false")]).await;
        assert_eq!((status, &url["weight"].is_i64()), (200, &true));
    }
    assert_eq!(lab.call(US).await["url"], "sip:later@a.example");
    lab.trunking("DELETE", &sids[2], &[]).await;
    hook.answer("/dr", [Reply::twiml("<Say>We are offline</Say>")]);
    let recovery = hook.url("/dr");
    lab.trunking("POST", &trunk, &[("DisasterRecoveryUrl", recovery.as_str())]).await;
    assert_eq!(lab.call(US).await["heard"], json!(["We are offline"]));
    assert_eq!(alerts(&lab).await, ["32010"]);
}

#[tokio::test]
async fn termination_needs_a_list_a_known_number_and_permission() {
    let lab = Lab::new().await;
    let trunk = trunk(&lab).await;
    let office = json!({"source_ip": "203.0.113.9"});
    assert_eq!(send(&lab, office.clone()).await["code"], 32201);
    let list = access_list(&lab).await;
    lab.trunking(
        "POST",
        &format!("{trunk}/IpAccessControlLists"),
        &[("IpAccessControlListSid", list.as_str())],
    )
    .await;
    assert_eq!(send(&lab, json!({"source_ip": "203.0.113.12"})).await["code"], 32201);
    let call = send(&lab, office.clone()).await;
    assert_eq!((&call["outcome"], &call["sip_code"]), (&json!("answered"), &json!(200)), "{call}");
    let (_, log) =
        lab.twilio("GET", &format!("/Calls/{}.json", call["call_sid"].as_str().unwrap()), &[]).await;
    assert_eq!((&log["direction"], &log["status"]), (&json!("trunking-terminating"), &json!("completed")));
    assert!(trunk.ends_with(log["trunk_sid"].as_str().unwrap()));

    let list = credential_list(&lab).await;
    lab.trunking("POST", &format!("{trunk}/CredentialLists"), &[("CredentialListSid", list.as_str())]).await;
    assert_eq!(send(&lab, office).await["code"], 32202);
    let known = |more: Value| {
        let mut body = json!({"source_ip": "203.0.113.9", "username": "desk", "password": PASSWORD});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(send(&lab, known(json!({"password": "Wrong4Horses"}))).await["code"], 32202);
    assert_eq!(send(&lab, known(json!({"to": "+19005550100"}))).await["code"], 32203);
    assert_eq!(send(&lab, known(json!({"from": CALLER}))).await["code"], 32204);
    let change = r#"[{"iso_code": "FR", "low_risk_numbers_enabled": "false"}]"#;
    let path = "/v1/DialingPermissions/BulkCountryUpdates";
    lab.twilio_product("voice", "POST", path, &[("UpdateRequest", change)]).await;
    assert_eq!(send(&lab, known(json!({"to": "+33600000000"}))).await["code"], 32205);
    let found = alerts(&lab).await;
    assert_eq!(found, ["32205", "32204", "32203", "32202", "32202", "32201", "32201"]);

    lab.control("POST", &format!("/phones/{FRIEND}"), json!({"on_call": "busy"})).await;
    assert_eq!(send(&lab, known(json!({}))).await["sip_code"], 486);
    lab.control("POST", &format!("/phones/{FRIEND}"), json!({"says": ["Yes, hello?"]})).await;
    lab.trunking("POST", &format!("{trunk}/Recording"), &[("Mode", "record-from-answer-dual")]).await;
    let call = send(&lab, known(json!({"says": ["Good day"]}))).await;
    assert_eq!((&call["heard"], &call["duration_s"]), (&json!(["Yes, hello?"]), &json!(2)));
    let path = format!("/Recordings/{}.json", call["recording_sid"].as_str().unwrap());
    let (_, recording) = lab.twilio("GET", &path, &[]).await;
    assert_eq!((&recording["source"], &recording["channels"]), (&json!("Trunking"), &json!(2)));

    let uri = format!("sip:{FRIEND}@{DOMAIN}:5060");
    let body = json!({"to_uri": uri, "from": US});
    assert_eq!(lab.control("POST", "/trunk-calls", body).await.1["code"], 32201);
    let body = json!({"trunk_domain": "none.pstn.twilio.com", "to": FRIEND, "from": US});
    assert_eq!(lab.control("POST", "/trunk-calls", body).await.1["sip_code"], 404);
    assert_eq!(lab.control("POST", "/trunk-calls", json!({"from": US})).await.0, 400);
}

#[tokio::test]
async fn a_trunk_to_vapi_needs_the_number_in_its_notation_and_twilios_networks() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let gateways = json!([{"ip": "54.172.60.0", "netmask": 30, "outboundEnabled": false}]);
    let body = json!({"provider": "byo-sip-trunk", "name": "Trunk", "gateways": gateways});
    let (status, credential) = lab.vapi("POST", "/credential", body).await;
    assert_eq!(status, 201, "{credential}");
    let id = credential["id"].as_str().unwrap();
    let trunk = trunk(&lab).await;
    lab.set(US, &[("TrunkSid", trunk.rsplit('/').next().unwrap())]).await;
    let sip = format!("sip:{US}@{id}.sip.vapi.ai");
    let form =
        [("Weight", "1"), ("Priority", "1"), ("Enabled", "true"), ("FriendlyName", "u"), ("SipUrl", &sip)];
    let (_, url) = lab.trunking("POST", &format!("{trunk}/OriginationUrls"), &form).await;
    let url = format!("{trunk}/OriginationUrls/{}", url["sid"].as_str().unwrap());

    // SIP 404: not registered.
    let call = lab.call(US).await;
    assert_eq!(
        (&call["outcome"], &call["sip_code"], &call["url"]),
        (&json!("not_found"), &json!("404"), &json!(sip))
    );
    assert_eq!(alerts(&lab).await, ["32011"]);
    let (_, log) = lab.twilio("GET", "/Calls.json", &[]).await;
    assert_eq!(log["calls"][0]["status"], "failed");

    let body = json!({"provider": "byo-phone-number", "number": US, "credentialId": id, "name": "Desk",
        "assistantId": lab.assistant("Mia").await});
    assert_eq!(lab.vapi("POST", "/phone-number", body).await.0, 201);
    let mode = [("Mode", "record-from-answer")];
    assert_eq!(lab.trunking("POST", &format!("{trunk}/Recording"), &mode).await.0, 200);
    let call = lab.call(US).await;
    assert_eq!(
        (&call["outcome"], &call["answered_by"]["name"]),
        (&json!("answered"), &json!("Mia")),
        "{call}"
    );
    let (_, list) = lab.twilio("GET", "/Recordings.json", &[]).await;
    let recording = &list["recordings"][0];
    assert_eq!((&recording["call_sid"], &recording["source"]), (&call["call_sid"], &json!("Trunking")));

    // SIP 403: an edge whose network is not among the gateways. Then the recovery URL speaks.
    let dublin = format!("{sip};edge=dublin");
    assert_eq!(lab.trunking("POST", &url, &[("SipUrl", &dublin)]).await.0, 200);
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["sip_code"]), (&json!("rejected"), &json!("403")), "{call}");
    hook.answer("/dr", [Reply::twiml("<Say>We are offline</Say>")]);
    let recovery = hook.url("/dr");
    lab.trunking("POST", &trunk, &[("DisasterRecoveryUrl", recovery.as_str())]).await;
    assert_eq!(lab.call(US).await["heard"], json!(["We are offline"]));

    // The other notation is another number.
    let other = sip.replace('+', "");
    assert_eq!(lab.trunking("POST", &url, &[("SipUrl", &other)]).await.0, 200);
    lab.trunking("POST", &trunk, &[("DisasterRecoveryUrl", "")]).await;
    assert_eq!(lab.call(US).await["sip_code"], "404");
}

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
async fn trap_01_an_import_takes_the_sms_url_unless_it_says_not_to() {
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

async fn make(lab: &Lab, path: &str, body: Value) -> Value {
    let (status, made) = lab.vapi("POST", path, body).await;
    assert_eq!(status, 201, "{made}");
    made
}

fn at(row: &Value) -> String {
    format!("/phone-number/{}", row["id"].as_str().unwrap())
}

#[tokio::test]
async fn the_older_import_answers_too() {
    let lab = Lab::new().await;
    let body = json!({"twilioPhoneNumber": US, "twilioAccountSid": lab.sid, "twilioAuthToken": lab.token});
    let row = make(&lab, "/phone-number/import/twilio", body).await;
    assert_eq!((&row["provider"], &row["number"]), (&json!("twilio"), &json!(US)));
    assert_eq!(number(&lab, US).await["voice_url"], VAPI_URL);
    let (_, answer) = lab.vapi("POST", "/phone-number/import/twilio", json!({"number": US})).await;
    let messages = answer["message"].as_array().unwrap();
    assert_eq!(messages[0], "property number should not exist");
}

#[tokio::test]
async fn an_unknown_provider_is_refused() {
    let lab = Lab::new().await;
    let expected =
        "provider must be one of the following values: byo-phone-number, telnyx, twilio, vapi, vonage";
    for body in [json!({}), json!({"provider": "acme"}), json!({"provider": 1})] {
        let (status, answer) = lab.vapi("POST", "/phone-number", body).await;
        assert_eq!((status, &answer["message"]), (400, &json!([expected])));
    }
}

#[tokio::test]
async fn a_free_number_takes_some_minutes() {
    let lab = Lab::new().await;
    let body = json!({"provider": "vapi", "numberDesiredAreaCode": "212", "name": "Free"});
    let row = make(&lab, "/phone-number", body).await;
    assert!(row["number"].as_str().unwrap().starts_with("+1212"), "{row}");
    assert_eq!(row["status"], "activating");
    lab.control("POST", "/clock", json!({"advance_s": 100})).await;
    assert_eq!(lab.vapi("GET", &at(&row), Value::Null).await.1["status"], "activating");
    lab.control("POST", "/clock", json!({"advance_s": 30})).await;
    assert_eq!(lab.vapi("GET", &at(&row), Value::Null).await.1["status"], "active");
}

#[tokio::test]
async fn free_numbers_are_five_and_american() {
    let lab = Lab::new().await;
    for (code, message) in [
        ("21", json!(["numberDesiredAreaCode must be longer than or equal to 3 characters"])),
        ("2125", json!(["numberDesiredAreaCode must be shorter than or equal to 3 characters"])),
        ("416", json!("Couldn't Create Phone Number. Area Code 416 Is Not Available.")),
        ("abc", json!("Couldn't Create Phone Number. Area Code abc Is Not Available.")),
    ] {
        let body = json!({"provider": "vapi", "numberDesiredAreaCode": code});
        let (status, answer) = lab.vapi("POST", "/phone-number", body).await;
        assert_eq!((status, &answer["message"]), (400, &message));
    }
    let mut rows = Vec::new();
    for _ in 0..5 {
        rows.push(make(&lab, "/phone-number", json!({"provider": "vapi"})).await);
    }
    let (status, answer) = lab.vapi("POST", "/phone-number", json!({"provider": "vapi"})).await;
    let expected = "Couldn't Create Phone Number. Up To 5 Free Vapi Numbers Per Account.";
    assert_eq!((status, &answer["message"]), (400, &json!(expected)));
    lab.vapi("DELETE", &at(&rows[0]), Value::Null).await;
    make(&lab, "/phone-number", json!({"provider": "vapi"})).await;
    // One that was deleted in the meantime does not come back when its time has come.
    lab.control("POST", "/clock", json!({"advance_s": 200})).await;
    let (_, list) = lab.vapi("GET", "/phone-number", Value::Null).await;
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 5);
    assert!(list.iter().all(|row| row["status"] == "active"), "{list:?}");
}

#[tokio::test]
async fn a_sip_address_is_a_number_too() {
    let lab = Lab::new().await;
    let login = json!({"username": "a-user-of-twenty-chars", "password": "a-pass-of-twenty-chars"});
    let body = |uri: &str| json!({"provider": "vapi", "sipUri": uri, "authentication": login});
    let row = make(&lab, "/phone-number", body("sip:clinic@sip.vapi.ai")).await;
    assert_eq!((&row["status"], row.get("number")), (&json!("active"), None));
    let (status, answer) = lab.vapi("POST", "/phone-number", body("sip:clinic@sip.vapi.ai")).await;
    assert_eq!((status, &answer["message"]), (400, &json!("SIP URI sip:clinic@sip.vapi.ai already in use.")));
    for bad in ["clinic", "sip:@sip.vapi.ai", "sip:clinic@sip.eu.vapi.ai", "sip:a@b@sip.vapi.ai"] {
        let (status, answer) = lab.vapi("POST", "/phone-number", body(bad)).await;
        let expected = json!(["sipUri must be of the form sip:name@sip.vapi.ai"]);
        assert_eq!((status, &answer["message"]), (400, &expected), "{bad}");
    }
    let (_, answer) = lab
        .vapi("PATCH", &at(&row), json!({"authentication": {"username": "u", "password": login["password"]}}))
        .await;
    let expected = ["authentication.username must be longer than or equal to 20 characters"];
    assert_eq!(answer["message"], json!(expected));
    // It may keep its own address.
    let (status, _) = lab.vapi("PATCH", &at(&row), json!({"sipUri": "sip:clinic@sip.vapi.ai"})).await;
    assert_eq!(status, 200);
    let (_, page) = lab.vapi("GET", "/v2/phone-number?search=CLINIC@", Value::Null).await;
    assert_eq!(page["results"][0]["id"], row["id"]);
}

#[tokio::test]
async fn a_number_on_a_trunk_of_ones_own() {
    let lab = Lab::new().await;
    let before = number(&lab, US).await;
    let gateways = json!([{"ip": "54.172.60.0", "netmask": 30, "outboundEnabled": false}]);
    let trunk = json!({"provider": "byo-sip-trunk", "gateways": gateways});
    let credential = make(&lab, "/credential", trunk).await["id"].clone();
    let body = |number: &str, more: Value| {
        let mut body = json!({"provider": "byo-phone-number", "number": number, "credentialId": credential});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        body
    };
    let row = make(&lab, "/phone-number", body(US, json!({}))).await;
    assert_eq!((&row["status"], &row["numberE164CheckEnabled"]), (&json!("active"), &json!(true)));
    // Without its check, a number may be an extension.
    let (status, _) = lab.vapi("POST", "/phone-number", body("ext42", json!({}))).await;
    assert_eq!(status, 400);
    make(&lab, "/phone-number", body("ext42", json!({"numberE164CheckEnabled": false}))).await;
    let (_, answer) =
        lab.vapi("POST", "/phone-number", body("ext 42", json!({"numberE164CheckEnabled": false}))).await;
    assert_eq!(answer["message"], json!(["number must match /^\\+?[a-zA-Z0-9]+$/ regular expression"]));
    let (_, answer) = lab.vapi("POST", "/phone-number", body(US, json!({}))).await;
    let text = answer["message"].as_str().unwrap();
    assert!(
        text.starts_with(&format!("Existing Phone Number {} Has", row["id"].as_str().unwrap())),
        "{text}"
    );
    // Nothing is written at Twilio: calls come by the trunk.
    assert_eq!(number(&lab, US).await, before);
}

#[tokio::test]
async fn a_credential_must_exist_and_be_of_its_kind() {
    let lab = Lab::new().await;
    let vonage = json!({"provider": "vonage", "apiKey": "k", "apiSecret": "s"});
    let vonage = make(&lab, "/credential", vonage).await["id"].clone();
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (provider, id) in [
        ("byo-phone-number", nobody),
        ("telnyx", nobody),
        ("vonage", nobody),
        ("telnyx", vonage.as_str().unwrap()),
    ] {
        let body = json!({"provider": provider, "number": US, "credentialId": id});
        let (status, answer) = lab.vapi("POST", "/phone-number", body).await;
        let expected = format!("Couldn't Get Credential. `credentialId` {id} Does Not Exist.");
        assert_eq!((status, &answer["message"]), (400, &json!(expected)));
    }
    let body = json!({"provider": "vonage", "number": US, "credentialId": vonage});
    let row = make(&lab, "/phone-number", body).await;
    let (status, _) = lab.vapi("PATCH", &at(&row), json!({"credentialId": nobody})).await;
    assert_eq!(status, 400);
    let (_, answer) = lab.vapi("PATCH", &at(&row), json!({"provider": "twilio"})).await;
    assert_eq!(answer["message"], json!(["provider must be one of the following values: vonage"]));
}

#[tokio::test]
async fn hooks_and_destinations_are_checked() {
    let lab = Lab::new().await;
    let starts = json!([{"type": "startsWith", "key": "number", "startsWith": ["1900"]}]);
    let ends = json!([{"type": "oneOf", "key": "call.endedReason", "oneOf": ["assistant-request-failed"]}]);
    let to = json!({"type": "number", "number": "+15550100001"});
    let hooks = json!([
        {"on": "call.ringing", "filters": starts, "do": [{"type": "say", "exact": "Not for you."}]},
        {"on": "call.ending", "filters": ends, "do": {"type": "transfer", "destination": to}},
    ]);
    let (status, row) = lab.import(US, json!({"hooks": hooks, "fallbackDestination": to})).await;
    assert_eq!((status, &row["hooks"]), (201, &hooks), "{row}");
    for (hooks, message) in [
        (
            json!([{"on": "call.ringing", "do": {"type": "say", "exact": "x"}}]),
            "each value in hooks.do must be an array",
        ),
        (
            json!([{"on": "call.started", "do": []}]),
            "each value in hooks.on must be one of the following values: call.ringing, call.ending",
        ),
    ] {
        let (status, answer) = lab.vapi("PATCH", &at(&row), json!({"hooks": hooks})).await;
        assert_eq!((status, &answer["message"]), (400, &json!([message])));
    }
    let (_, answer) = lab
        .vapi("PATCH", &at(&row), json!({"fallbackDestination": {"type": "number", "number": "5550100001"}}))
        .await;
    let text = answer["message"][0].as_str().unwrap();
    assert!(text.starts_with("fallbackDestination.number must be a valid phone number"), "{text}");
}

#[tokio::test]
async fn answers_may_hide_secrets_and_hold_surprises() {
    let lab = Lab::new().await;
    let (_, row) = lab.import(US, json!({})).await;
    assert_eq!(row["twilioAuthToken"], json!(lab.token));
    lab.control("POST", "/settings", json!({"vapi_hides_secrets": true})).await;
    assert_eq!(lab.vapi("GET", &at(&row), Value::Null).await.1.get("twilioAuthToken"), None);
    lab.control("POST", "/strict", json!({"enabled": false})).await;
    lab.control("POST", "/settings", json!({"vapi_future_fields": true})).await;
    for (path, list) in [("/phone-number", ""), ("/v2/phone-number", "/results")] {
        let (_, answer) = lab.vapi("GET", path, Value::Null).await;
        let items = answer.pointer(list).unwrap().as_array().unwrap();
        assert_eq!(items.len(), 2, "{path}");
        assert_eq!((items[0].get("futureField").is_some(), items[0].get("twilioAuthToken")), (true, None));
        assert_eq!(items[1]["provider"], "future-provider");
    }
    // What is kept is whole.
    lab.control("POST", "/settings", json!({"vapi_future_fields": false, "vapi_hides_secrets": false})).await;
    assert_eq!(lab.vapi("GET", &at(&row), Value::Null).await.1, row);
}

#[tokio::test]
async fn squads_may_answer_a_number() {
    let lab = Lab::new().await;
    let assistant = lab.assistant("Mia").await;
    let squad = make(&lab, "/squad", json!({"members": [{"assistantId": assistant}]})).await;
    let (status, row) = lab.import(US, json!({"squadId": squad["id"]})).await;
    assert_eq!((status, &row["squadId"]), (201, &squad["id"]));
    for (field, what) in [("squadId", "Squad"), ("workflowId", "Workflow"), ("assistantId", "Assistant")] {
        let nobody = "00000000-0000-4000-8000-000000000000";
        let (status, answer) = lab.vapi("PATCH", &at(&row), json!({field: nobody})).await;
        let expected = format!("Couldn't Get {what}. `{field}` {nobody} Does Not Exist.");
        assert_eq!((status, &answer["message"]), (400, &json!(expected)));
    }
}

#[tokio::test]
async fn the_second_list_sorts_and_refuses_what_it_does_not_know() {
    let lab = Lab::new().await;
    for phone in [US, FR] {
        lab.import(phone, json!({})).await;
    }
    let (_, page) = lab.vapi("GET", "/v2/phone-number?sortOrder=ASC&sortBy=createdAt", Value::Null).await;
    assert_eq!(page["results"][0]["number"], US);
    for (query, message) in [
        ("sortBy=name", "sortBy must be one of the following values: createdAt, duration, cost"),
        ("sortOrder=up", "sortOrder must be one of the following values: ASC, DESC"),
        ("limit=1001", "limit must not be greater than 1000"),
        (&format!("search={}", "x".repeat(101)), "search must be shorter than or equal to 100 characters"),
    ] {
        let (status, answer) = lab.vapi("GET", &format!("/v2/phone-number?{query}"), Value::Null).await;
        assert_eq!((status, &answer["message"]), (400, &json!([message])));
    }
}

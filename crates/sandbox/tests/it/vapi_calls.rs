//! Vapi's calls (facts: Vapi 3.3, 8, 12): what `POST /call` refuses, how calls go and end, what they leave.

use serde_json::{Value, json};

use crate::lab::{CALLER, Lab, US};

pub(crate) const PERSON: &str = "+14155550123";

/// A lab with a standing clock: time passes when the test says so.
pub(crate) async fn still() -> Lab {
    let lab = Lab::new().await;
    lab.control("POST", "/clock", json!({"speed": 0})).await;
    lab
}

pub(crate) async fn pass(lab: &Lab, seconds: u32) {
    assert_eq!(lab.control("POST", "/clock", json!({"advance_s": seconds})).await.0, 200);
}

/// The id of an assistant with these fields.
pub(crate) async fn assistant(lab: &Lab, fields: Value) -> String {
    let (status, made) = lab.vapi("POST", "/assistant", fields).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// The id of the imported number, linked to this assistant.
pub(crate) async fn number(lab: &Lab, assistant: &str) -> String {
    let (status, row) = lab.import(US, json!({"assistantId": assistant})).await;
    assert_eq!(status, 201, "{row}");
    row["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn phone(lab: &Lab, behaviour: Value) {
    assert_eq!(lab.control("POST", &format!("/phones/{PERSON}"), behaviour).await.0, 200);
}

pub(crate) async fn dial(lab: &Lab, number: &str, assistant: &str, more: Value) -> (u16, Value) {
    let mut body = json!({"phoneNumberId": number, "assistantId": assistant, "customer": {"number": PERSON}});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    lab.vapi("POST", "/call", body).await
}

pub(crate) async fn fetch(lab: &Lab, call: &Value) -> Value {
    lab.vapi("GET", &format!("/call/{}", call["id"].as_str().unwrap()), Value::Null).await.1
}

async fn refused(lab: &Lab, body: Value, sentence: &str) {
    let (status, answer) = lab.vapi("POST", "/call", body).await;
    assert_eq!((status, answer["message"].as_str()), (400, Some(sentence)));
}

/// For addresses that answers contain.
pub(crate) fn client() -> reqwest::Client {
    let limited = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30));
    limited.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

const GONE: &str = "01990000-0000-7000-8000-000000000001";

#[tokio::test]
async fn neither_number_nor_assistant_is_refused_in_vapis_words() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    let customer = json!({"number": PERSON});
    let need = "Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`.";
    refused(&lab, json!({"assistantId": mia, "customer": customer}), need).await;
    let need = "Couldn't Get Assistant. Need Either `assistant`, `assistantId`, `squad`, Or `squadId`.";
    refused(&lab, json!({"phoneNumberId": line, "customer": customer}), need).await;
}

#[tokio::test]
async fn ids_that_do_not_exist_are_refused_in_vapis_words() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    let customer = json!({"number": PERSON});
    let body = json!({"phoneNumberId": line, "assistantId": GONE, "customer": customer});
    refused(&lab, body, &format!("Couldn't Get Assistant. `assistantId` {GONE} Does Not Exist.")).await;
    let body = json!({"phoneNumberId": GONE, "assistantId": mia, "customer": customer});
    refused(&lab, body, &format!("Couldn't Get Phone Number. `phoneNumberId` {GONE} Does Not Exist.")).await;
    // Another org's number looks like a missing one.
    let (_, other) = lab.control("POST", "/orgs", json!({})).await;
    let key = other["private_key"].as_str().unwrap();
    let (_, theirs) = lab.vapi_as(key, "POST", "/assistant", json!({"name": "Theirs"})).await;
    let body = json!({"phoneNumberId": line, "assistantId": theirs["id"], "customer": customer});
    let (status, answer) = lab.vapi_as(key, "POST", "/call", body).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().unwrap().starts_with("Couldn't Get Phone Number."));
}

#[tokio::test]
async fn phone_number_id_must_be_a_uuid() {
    let lab = still().await;
    let body = json!({"phoneNumberId": US, "assistantId": "mia", "customer": {"number": "4155550123"}});
    let (status, answer) = lab.vapi("POST", "/call", body).await;
    assert_eq!(status, 400);
    let all = answer["message"].to_string();
    for sentence in [
        "phoneNumberId must be a UUID",
        "assistantId must be a UUID",
        "customer.number must be a valid phone number in the E.164 format.",
    ] {
        assert!(all.contains(sentence), "{sentence}: {all}");
    }
}

/// A number as text where the number's object belongs (3.3).
#[tokio::test]
async fn phone_number_must_be_an_object() {
    let lab = still().await;
    let body = json!({"phoneNumber": US, "assistantId": GONE, "customer": PERSON});
    let (status, answer) = lab.vapi("POST", "/call", body).await;
    let expected = [
        "customer must be an object",
        "nested property customer must be either object or array",
        "phoneNumber must be an object",
        "nested property phoneNumber must be either object or array",
    ];
    assert_eq!((status, &answer["message"]), (400, &json!(expected)));
}

#[tokio::test]
async fn stale_credentials_fail_with_twilios_text() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    lab.control("POST", &format!("/accounts/{}", lab.sid), json!({"rotate_token": true})).await;
    let (status, answer) = dial(&lab, &line, &mia, json!({})).await;
    let sentence = answer["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(sentence.starts_with("Couldn't Create Twilio Call. Twilio Error: Authenticate"), "{sentence}");
    // Nothing was begun, and a scheduled call has its own end for it.
    assert_eq!(lab.vapi("GET", "/call", Value::Null).await.1, json!([]));
    let plan = json!({"schedulePlan": {"earliestAt": "2020-01-01T00:00:00Z"}});
    assert_eq!(dial(&lab, &line, &mia, plan).await.0, 400, "its time has come already");
    let later = json!({"schedulePlan": {"earliestAt": "2099-01-01T00:00:00Z"}});
    let (_, call) = dial(&lab, &line, &mia, later).await;
    assert_eq!(call["status"], "scheduled");
    pass(&lab, 900_000_000).await;
    pass(&lab, 900_000_000).await;
    pass(&lab, 900_000_000).await;
    assert_eq!(fetch(&lab, &call).await["endedReason"], "call.start.error-get-transport");
}

#[tokio::test]
async fn an_outbound_call_goes_from_queued_to_a_report() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    phone(&lab, json!({"says": ["It rains."]})).await;
    let (status, call) = dial(&lab, &line, &mia, json!({"name": "First", "metadata": {"k": 1}})).await;
    assert_eq!(
        (status, &call["status"], &call["type"]),
        (201, &json!("queued"), &json!("outboundPhoneCall"))
    );
    assert_eq!(call["subscriptionLimits"]["remainingConcurrentCalls"], 9);
    assert_eq!(call["transport"]["callSid"], call["phoneCallProviderId"]);
    assert_eq!(call["metadata"], json!({"k": 1}));
    pass(&lab, 2).await;
    assert_eq!(fetch(&lab, &call).await["status"], "ringing");
    pass(&lab, 4).await;
    assert_eq!(fetch(&lab, &call).await["status"], "in-progress");
    pass(&lab, 60).await;
    let ended = fetch(&lab, &call).await;
    assert_eq!((&ended["status"], &ended["endedReason"]), (&json!("ended"), &json!("customer-ended-call")));
    let transcript = ended["artifact"]["transcript"].as_str().unwrap();
    assert!(transcript.starts_with("AI: Hello, this is Mia.\nUser: It rains.\nAI: You said: It rains."));
    let messages = ended["artifact"]["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[1]["role"]), (3, &json!("user")));
    assert!(messages[1]["secondsFromStart"].as_f64().unwrap() > 1.0);
    assert!(ended["analysis"]["summary"].as_str().unwrap().contains("It rains."));
    assert_eq!(ended["analysis"]["successEvaluation"], "true");
    let costs: f64 =
        ended["costs"].as_array().unwrap().iter().map(|item| item["cost"].as_f64().unwrap()).sum();
    assert!((costs - ended["cost"].as_f64().unwrap()).abs() < 1e-9);
    assert_eq!(ended["cost"], ended["costBreakdown"]["total"]);
    // Twilio's side of it, joined by the call SID.
    let sid = call["phoneCallProviderId"].as_str().unwrap();
    let (_, leg) = lab.twilio("GET", &format!("/Calls/{sid}.json"), &[]).await;
    assert_eq!((&leg["status"], &leg["direction"]), (&json!("completed"), &json!("outbound-api")));
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    assert!(phones[PERSON]["seen"].to_string().contains("Hello, this is Mia."), "{phones}");
}

#[tokio::test]
async fn every_phone_has_its_end_reason() {
    let lab = still().await;
    let plain = assistant(&lab, json!({"firstMessage": "Hello."})).await;
    let wary = json!({"voicemailDetection": {"provider": "vapi"}, "voicemailMessage": "Please call back."});
    let wary = assistant(&lab, wary).await;
    let line = number(&lab, &plain).await;
    for (assistant, behaviour, reason, leg_status) in [
        (&plain, "busy", "customer-busy", "busy"),
        (&plain, "no-answer", "customer-did-not-answer", "no-answer"),
        (&plain, "fail", "twilio-failed-to-connect-call", "failed"),
        (&wary, "voicemail", "voicemail", "completed"),
        (&plain, "voicemail", "silence-timed-out", "completed"),
    ] {
        phone(&lab, json!({"on_call": behaviour})).await;
        let (_, call) = dial(&lab, &line, assistant, json!({})).await;
        pass(&lab, 120).await;
        let ended = fetch(&lab, &call).await;
        assert_eq!(ended["endedReason"], reason, "{behaviour}");
        let sid = call["phoneCallProviderId"].as_str().unwrap();
        let (_, leg) = lab.twilio("GET", &format!("/Calls/{sid}.json"), &[]).await;
        assert_eq!(leg["status"], leg_status, "{behaviour}");
    }
}

#[tokio::test]
async fn scripts_end_calls_in_every_way() {
    let lab = still().await;
    let line = number(&lab, &lab.assistant("Mia").await).await;
    let end_tool = json!({"model": {"provider": "openai", "model": "gpt-4o", "tools": [{"type": "endCall"}]},
        "endCallMessage": "Have a good day."});
    let long = "a word and ".repeat(20);
    for (fields, says, reason) in [
        (end_tool, json!(["Goodbye"]), "assistant-ended-call"),
        (json!({"endCallPhrases": ["so long"]}), json!(["Goodbye"]), "assistant-said-end-call-phrase"),
        (json!({}), json!(["Goodbye"]), "customer-ended-call"),
        (json!({}), json!(["One", ""]), "silence-timed-out"),
        (json!({"maxDurationSeconds": 10}), json!([long, "more"]), "exceeded-max-duration"),
    ] {
        let id = assistant(&lab, fields).await;
        lab.vapi("PATCH", &format!("/phone-number/{line}"), json!({"assistantId": id})).await;
        let body = json!({"from": CALLER, "to": US, "says": says});
        let (_, call) = lab.control("POST", "/calls", body).await;
        assert_eq!((&call["outcome"], &call["ended_reason"]), (&json!("answered"), &json!(reason)), "{call}");
    }
}

#[tokio::test]
async fn overrides_merge_deeply_and_fill_variables() {
    let lab = still().await;
    let mia = assistant(&lab, json!({"firstMessage": "Hello {{name}} at {{customer.number}}.",
        "model": {"provider": "openai", "model": "gpt-4o", "messages": [{"role": "system", "content": "Be kind."}]}}))
    .await;
    let line = number(&lab, &mia).await;
    let overrides = json!({"assistantOverrides": {"variableValues": {"name": "Ada"},
        "model": {"provider": "openai", "model": "gpt-4o-mini"}}});
    let (_, call) = dial(&lab, &line, &mia, overrides).await;
    pass(&lab, 60).await;
    let ended = fetch(&lab, &call).await;
    let messages = ended["artifact"]["messages"].as_array().unwrap();
    assert_eq!((&messages[0]["role"], &messages[0]["message"]), (&json!("system"), &json!("Be kind.")));
    assert_eq!(messages[1]["message"], format!("Hello Ada at {PERSON}."));
    assert_eq!(ended["artifact"]["variableValues"], json!({"name": "Ada"}));
}

#[tokio::test]
async fn a_batch_has_results_and_errors() {
    let lab = still().await;
    let (_, trial) = lab.control("POST", "/accounts", json!({"type": "trial"})).await;
    let (sid, token) = (trial["sid"].as_str().unwrap(), trial["auth_token"].as_str().unwrap());
    lab.control("POST", "/numbers", json!({"phone_number": "+14155557777", "account_sid": sid})).await;
    let ok = json!({"phone_number": PERSON, "account_sid": sid});
    assert_eq!(lab.control("POST", "/caller-ids", ok).await.0, 201);
    let mia = lab.assistant("Mia").await;
    let number =
        json!({"twilioPhoneNumber": "+14155557777", "twilioAccountSid": sid, "twilioAuthToken": token});
    let body = json!({"assistantId": mia, "phoneNumber": number,
        "customers": [{"number": PERSON}, {"number": "+14155550999"}]});
    let (status, batch) = lab.vapi("POST", "/call", body).await;
    assert_eq!((status, batch["results"].as_array().unwrap().len()), (201, 1), "{batch}");
    assert_eq!(batch["errors"][0]["customer"]["number"], "+14155550999");
    let error = batch["errors"][0]["error"].as_str().unwrap();
    assert!(error.starts_with("Couldn't Create Twilio Call. Twilio Error: "), "{error}");
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_and_inbound_ones_are_refused() {
    let lab = still().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let org = format!("/orgs/{}", state["orgs"][0]["id"].as_str().unwrap());
    lab.control("POST", &org, json!({"subscription": {"concurrency_limit": 1}})).await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    let (_, first) = dial(&lab, &line, &mia, json!({})).await;
    let (status, second) = dial(&lab, &line, &mia, json!({})).await;
    assert_eq!((status, &second["subscriptionLimits"]["concurrencyBlocked"]), (201, &json!(true)));
    assert_eq!(first["subscriptionLimits"]["concurrencyBlocked"], false);
    let refused = lab.call(US).await;
    assert_eq!(refused["ended_reason"], "call.start.error-subscription-concurrency-limit-reached");
    pass(&lab, 120).await;
    assert_eq!(fetch(&lab, &second).await["endedReason"], "customer-ended-call");
    for (account, reason) in [
        ("frozen", "call.start.error-subscription-frozen"),
        ("insufficient-credits", "call.start.error-subscription-insufficient-credits"),
    ] {
        lab.control("POST", &org, json!({"subscription": {"account": account}})).await;
        assert_eq!(lab.call(US).await["ended_reason"], reason);
        let (status, call) = dial(&lab, &line, &mia, json!({})).await;
        assert_eq!((status, &call["endedReason"]), (201, &json!(reason)));
    }
}

#[tokio::test]
async fn free_numbers_have_a_daily_limit_and_do_not_call_abroad() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let (status, free) = lab.vapi("POST", "/phone-number", json!({"provider": "vapi"})).await;
    assert_eq!(status, 201, "{free}");
    pass(&lab, 600).await;
    let line = free["id"].as_str().unwrap();
    let abroad = json!({"customer": {"number": "+33612345678"}});
    let (_, call) = dial(&lab, line, &mia, abroad).await;
    assert_eq!(call["endedReason"], "call.start.error-vapi-number-international");
    for _ in 0..9 {
        assert_eq!(dial(&lab, line, &mia, json!({})).await.0, 201);
        pass(&lab, 60).await;
    }
    let (status, answer) = dial(&lab, line, &mia, json!({})).await;
    assert_eq!(status, 400);
    let sentence = "Couldn't Start Call. Numbers Bought On Vapi Have A Daily Outbound Call Limit. Import Your Own \
        Twilio Numbers To Scale Without Limits.";
    assert_eq!(answer["message"], sentence);
}

#[tokio::test]
async fn a_number_removed_while_a_call_was_scheduled_ends_it() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let line = number(&lab, &mia).await;
    let later = json!({"schedulePlan": {"earliestAt": in_an_hour(&lab).await}});
    let (_, removed) = dial(&lab, &line, &mia, later.clone()).await;
    let (_, cancelled) = dial(&lab, &line, &mia, later).await;
    let path = format!("/call/{}", cancelled["id"].as_str().unwrap());
    assert_eq!(lab.vapi("DELETE", &path, Value::Null).await.1["endedReason"], "scheduled-call-deleted");
    lab.vapi("DELETE", &format!("/phone-number/{line}"), Value::Null).await;
    pass(&lab, 3_700).await;
    assert_eq!(fetch(&lab, &removed).await["endedReason"], "call.start.error-get-phone-number");
    assert_eq!(fetch(&lab, &cancelled).await["endedReason"], "scheduled-call-deleted");
}

async fn in_an_hour(lab: &Lab) -> String {
    let (_, clock) = lab.control("GET", "/clock", json!({})).await;
    let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
    now.saturating_add(jiff::SignedDuration::from_hours(1)).unwrap().to_string()
}

#[tokio::test]
async fn recording_links_give_403_and_the_artifact_endpoint_leads_to_the_file() {
    let lab = still().await;
    let line = number(&lab, &lab.assistant("Mia").await).await;
    let call = lab.call(US).await;
    let id = call["vapi_call_id"].as_str().unwrap().to_owned();
    let (_, row) = lab.vapi("GET", &format!("/call/{id}"), Value::Null).await;
    assert_eq!(row["phoneNumberId"], json!(line));
    let plain = client().get(row["artifact"]["recordingUrl"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(plain.status(), 403);
    for (name, kind) in [("mono-recording", "audio/wav"), ("call-logs", "application/jsonl")] {
        let client = client();
        let url = lab.request("GET", &format!("/vapi/call/{id}/{name}")).build().unwrap().url().clone();
        assert_eq!(client.get(url.clone()).send().await.unwrap().status(), 401);
        let found = client.get(url).bearer_auth(&lab.key).send().await.unwrap();
        assert_eq!(found.status(), 302);
        let to = found.headers()["location"].to_str().unwrap().to_owned();
        // Storage refuses a bearer that is sent on.
        assert_eq!(client.get(&to).bearer_auth(&lab.key).send().await.unwrap().status(), 400);
        let file = client.get(&to).send().await.unwrap();
        assert_eq!((file.status().as_u16(), file.headers()["content-type"].to_str().unwrap()), (200, kind));
        pass(&lab, 3_601).await;
        assert_eq!(client.get(&to).send().await.unwrap().status(), 403, "short-lived");
    }
    assert_eq!(lab.vapi("GET", &format!("/call/{id}/video-recording"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_running_call_is_controlled_without_a_key() {
    let lab = still().await;
    let mia = lab.assistant("Mia").await;
    let other = lab.assistant("Leo").await;
    let line = number(&lab, &mia).await;
    phone(&lab, json!({"says": ["One", "Two", "Three", "Four", "Five", "Six"]})).await;
    let (_, call) = dial(&lab, &line, &mia, json!({})).await;
    pass(&lab, 6).await;
    let url = call["monitor"]["controlUrl"].as_str().unwrap().to_owned();
    let order = async |body: Value| client().post(&url).json(&body).send().await.unwrap().status();
    assert_eq!(order(json!({"type": "say", "content": "A moment."})).await, 200);
    assert_eq!(order(json!({"type": "handoff", "destination": {"assistantId": other}})).await, 200);
    assert_eq!(order(json!({"type": "dance"})).await, 400);
    assert_eq!(order(json!({"type": "end-call"})).await, 200);
    pass(&lab, 30).await;
    let ended = fetch(&lab, &call).await;
    assert_eq!(ended["endedReason"], "manually-canceled");
    let transcript = ended["artifact"]["transcript"].as_str().unwrap();
    assert!(transcript.contains("AI: A moment.\nAI: Hello, this is Leo.\n"), "{transcript}");
    assert_eq!(order(json!({"type": "end-call"})).await, 404);
    // Only the name can be changed, and deleting is for data of calls that are over.
    let path = format!("/call/{}", call["id"].as_str().unwrap());
    assert_eq!(lab.vapi("PATCH", &path, json!({"name": "Kept"})).await.1["name"], "Kept");
    assert_eq!(lab.vapi("PATCH", &path, json!({"status": "queued"})).await.0, 400);
    assert_eq!(lab.vapi("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.0, 404);
}

//! Calls by REST, their course, recordings (facts: Twilio 16, 22; traps 12, 18, 24).

use serde_json::{Value, json};

use crate::hook::{Hook, Reply, Seen};
use crate::lab::{CALLER, Form, Lab, US, answer};

const FRIEND: &str = "+14155550177";

fn field(seen: &Seen, name: &str) -> String {
    seen.field(name).unwrap_or_else(|| panic!("no {name} in {:?}", seen.fields()))
}

async fn advance(lab: &Lab, seconds: f64) {
    assert_eq!(lab.control("POST", "/clock", json!({"advance_s": seconds})).await.0, 200);
}

/// Asks for a call to the friend, with `more` beside who calls whom.
async fn create(lab: &Lab, more: Form<'_>) -> (u16, Value) {
    let form = [&[("From", US), ("To", FRIEND)], more].concat();
    lab.twilio("POST", "/Calls.json", &form).await
}

async fn created(lab: &Lab, more: Form<'_>) -> String {
    let (status, call) = create(lab, more).await;
    assert_eq!((status, &call["status"]), (201, &json!("queued")), "{call}");
    call["sid"].as_str().unwrap().to_owned()
}

async fn fetch(lab: &Lab, sid: &str) -> Value {
    lab.twilio("GET", &format!("/Calls/{sid}.json"), &[]).await.1
}

async fn person(lab: &Lab, behaviour: Value) {
    assert_eq!(lab.control("POST", &format!("/phones/{FRIEND}"), behaviour).await.0, 200);
}

#[tokio::test]
async fn trap_12_a_call_goes_from_the_queue_to_its_late_price_and_tells_every_step() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    hook.answer(
        "/voice",
        [Reply::twiml("<Say>This is your reminder for tomorrow.</Say><Pause length='58'/>")],
    );
    let (url, told) = (hook.url("/voice"), hook.url("/told"));
    let events =
        ["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event));
    let form = [&[("Url", url.as_str()), ("StatusCallback", told.as_str())][..], &events].concat();
    let sid = created(&lab, &form).await;
    let mut seen = Vec::new();
    for step in [1.0, 1.0, 3.0, 30.0, 40.0] {
        advance(&lab, step).await;
        seen.push(fetch(&lab, &sid).await["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["queued", "ringing", "in-progress", "in-progress", "completed"]);
    let steps: Vec<String> = hook.at("/told").iter().map(|seen| field(seen, "CallStatus")).collect();
    assert_eq!(steps, ["initiated", "ringing", "in-progress", "completed"]);
    let last = hook.at("/told").pop().unwrap();
    assert_eq!((field(&last, "CallDuration"), field(&last, "Duration")), ("61".into(), "2".into()));
    let asked = &hook.at("/voice")[0];
    assert_eq!(field(asked, "Direction"), "outbound-api");
    assert_eq!((field(asked, "CallStatus"), asked.field("CallToken")), ("in-progress".into(), None));

    let call = fetch(&lab, &sid).await;
    assert_eq!((&call["duration"], &call["price"]), (&json!("61"), &Value::Null));
    advance(&lab, 60.0).await;
    let call = fetch(&lab, &sid).await;
    // Two started minutes to a US number (trap 12: negative, a string, late).
    assert_eq!((&call["price"], &call["price_unit"]), (&json!("-0.028"), &json!("USD")));
    assert_eq!(call["phone_number_sid"], lab.number_sid(US).await);
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    assert_eq!(phones[FRIEND]["seen"][0]["heard"], json!(["This is your reminder for tomorrow."]));
}

#[tokio::test]
async fn what_the_phone_does_decides_how_a_call_ends() {
    let lab = Lab::new().await;
    let twiml = [("Twiml", "<Response><Say>Hello</Say></Response>"), ("Timeout", "10")];
    for (on_call, status) in [
        ("answer", "completed"),
        ("busy", "busy"),
        ("no-answer", "no-answer"),
        ("fail", "failed"),
        ("voicemail", "no-answer"),
    ] {
        person(&lab, json!({"on_call": on_call})).await;
        let sid = created(&lab, &twiml).await;
        advance(&lab, 120.0).await;
        let call = fetch(&lab, &sid).await;
        assert_eq!(call["status"], status, "{on_call}");
        assert_eq!(call["price"].is_string(), status == "completed", "{on_call}");
    }
    let detected = [("Twiml", "<Response/>"), ("MachineDetection", "Enable")];
    let sid = created(&lab, &detected).await;
    advance(&lab, 30.0).await;
    assert_eq!(fetch(&lab, &sid).await["answered_by"], "machine_start");
}

#[tokio::test]
async fn calls_are_canceled_ended_and_redirected_while_they_last() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let long = [("Twiml", "<Response><Pause length='600'/></Response>")];
    let path = |sid: &str| format!("/Calls/{sid}.json");
    let queued = created(&lab, &long).await;
    let (_, call) = lab.twilio("POST", &path(&queued), &[("Status", "canceled")]).await;
    assert_eq!(call["status"], "canceled");

    let sid = created(&lab, &long).await;
    let redirect = [("Twiml", "<Response><Say>Changed</Say></Response>")];
    let (status, problem) = lab.twilio("POST", &path(&sid), &redirect).await;
    assert_eq!((status, &problem["code"]), (400, &json!(21220)));
    advance(&lab, 10.0).await;
    assert_eq!(lab.twilio("POST", &path(&sid), &[("Status", "canceled")]).await.1["status"], "in-progress");
    assert_eq!(lab.twilio("POST", &path(&sid), &redirect).await.0, 200);
    advance(&lab, 5.0).await;
    assert_eq!(fetch(&lab, &sid).await["status"], "completed");
    let (status, problem) = lab.twilio("POST", &path(&sid), &[("Status", "completed")]).await;
    assert_eq!((status, &problem["code"]), (400, &json!(21220)));

    let told = hook.url("/told");
    let sid = created(&lab, &[long[0], ("StatusCallback", told.as_str())]).await;
    advance(&lab, 25.0).await;
    assert_eq!(lab.twilio("DELETE", &path(&sid), &[]).await.1["code"], 20009);
    let (_, call) = lab.twilio("POST", &path(&sid), &[("Status", "completed")]).await;
    assert_eq!((&call["status"], &call["duration"]), (&json!("completed"), &json!("20")));
    advance(&lab, 0.0).await;
    assert_eq!(field(&hook.at("/told")[0], "CallStatus"), "completed");
    assert_eq!(lab.twilio("DELETE", &path(&sid), &[]).await.0, 204);
    assert_eq!(lab.twilio("GET", &path(&sid), &[]).await.0, 404);
    advance(&lab, 700.0).await;
    assert_eq!(hook.at("/told").len(), 1);
}

#[tokio::test]
async fn every_wrong_parameter_of_a_call_has_its_code() {
    let lab = Lab::new().await;
    let good = ("Url", "https://a.example/voice");
    let many = "x".repeat(4_001);
    let cases: [(Form<'_>, u32); 20] = [
        (&[("To", ""), good], 21201),
        (&[("From", ""), good], 21213),
        (&[("From", "+14155559999"), good], 21210),
        (&[("From", "me"), good], 21212),
        (&[("From", "+15005550001"), good], 21212),
        (&[("To", "somebody"), good], 21211),
        (&[("To", "+15005550001"), good], 21217),
        (&[("To", "+15005550002"), good], 21214),
        (&[("To", "+15005550003"), good], 21215),
        (&[("To", "+15005550004"), good], 21216),
        (&[("To", "+19005550100"), good], 21216),
        (&[], 21205),
        (&[("Url", "voice")], 21205),
        (&[good, ("Method", "PUT")], 21209),
        (&[("ApplicationSid", "AP00000000000000000000000000000000")], 21218),
        (&[good, ("Timeout", "601")], 21208),
        (&[good, ("SendDigits", "1x")], 21206),
        (&[good, ("SipAuthUsername", "me")], 21225),
        (&[("Twiml", many.as_str())], 20422),
        (&[good, ("StatusCallback", "https://a_b.example/")], 21205),
    ];
    for (form, code) in cases {
        let (status, problem) = create(&lab, form).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{form:?}");
    }
    let change = r#"[{"iso_code": "FR", "low_risk_numbers_enabled": "false"}]"#;
    let path = "/v1/DialingPermissions/BulkCountryUpdates";
    let (status, changed) = lab.twilio_product("voice", "POST", path, &[("UpdateRequest", change)]).await;
    assert_eq!((status, &changed["update_count"]), (201, &json!(1)), "{changed}");
    let (_, problem) = create(&lab, &[("To", "+33600000000"), good]).await;
    assert_eq!(problem["code"], 21215);
    let path = "/v1/DialingPermissions/Countries/FR";
    let (_, france) = lab.twilio_product("voice", "GET", path, &[]).await;
    assert_eq!((&france["name"], &france["low_risk_numbers_enabled"]), (&json!("France"), &json!(false)));
    let path = "/v1/DialingPermissions/Countries?LowRiskNumbersEnabled=false";
    let (_, list) = lab.twilio_product("voice", "GET", path, &[]).await;
    assert_eq!(list["content"].as_array().unwrap().len(), 1, "{list}");
    let (_, calls) = lab.twilio("GET", "/Calls.json", &[]).await;
    assert_eq!(calls["calls"], json!([]));
}

#[tokio::test]
async fn a_trial_account_calls_only_verified_numbers() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let trial = &state["accounts"][1];
    let (sid, token) = (trial["sid"].as_str().unwrap(), trial["auth_token"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{sid}/Calls.json");
    let form = [("From", "+12125552368"), ("To", FRIEND), ("Twiml", "<Response/>")];
    let (status, problem) = lab.twilio_as(sid, token, "POST", &path, &form).await;
    assert_eq!((status, &problem["code"]), (400, &json!(21219)));
    lab.control("POST", "/caller-ids", json!({"account_sid": sid, "phone_number": FRIEND})).await;
    assert_eq!(lab.twilio_as(sid, token, "POST", &path, &form).await.0, 201);
}

#[tokio::test]
async fn test_credentials_are_told_by_magic_numbers_and_place_no_call() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let accounts = state["accounts"].as_array().unwrap();
    let test = accounts.iter().find(|account| account["test"] == true).unwrap();
    let (sid, token) = (test["sid"].as_str().unwrap(), test["auth_token"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{sid}/Calls.json");
    for (from, to, code) in [
        ("+15005550001", FRIEND, json!(21212)),
        (US, FRIEND, json!(21210)),
        ("+15005550006", "+15005550001", json!(21217)),
        ("+15005550006", "+15005550002", json!(21214)),
        ("+15005550006", "+15005550003", json!(21215)),
        ("+15005550006", "+15005550004", json!(21216)),
        ("+15005550006", FRIEND, Value::Null),
    ] {
        let form = [("From", from), ("To", to), ("Url", "http://127.0.0.1:9/")];
        let (status, call) = lab.twilio_as(sid, token, "POST", &path, &form).await;
        assert_eq!((status == 201, &call["code"]), (code.is_null(), &code), "{from} {to}");
    }
    advance(&lab, 60.0).await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(state["calls"], json!({}));
    let (_, webhooks) = lab.control("GET", "/webhooks", json!({})).await;
    assert_eq!(webhooks["webhooks"], json!([]));
}

#[tokio::test]
async fn the_list_is_filtered_by_who_how_and_when() {
    let lab = Lab::new().await;
    for _ in 0..2 {
        created(&lab, &[("Twiml", "<Response><Say>One</Say></Response>")]).await;
        advance(&lab, 86_400.0).await;
    }
    for (query, count) in [
        ("", 2),
        ("?To=%2B14155550177&From=%2B14155552671&Status=completed", 2),
        ("?Status=busy", 0),
        ("?StartTime=2026-01-01", 1),
        ("?StartTime%3E=2026-01-02", 1),
        ("?StartTime%3C=2026-01-02", 2),
        ("?EndTime%3C=2026-01-01", 1),
        ("?StartTime%3E=2026-01-01T12:00:00Z", 1),
        ("?StartTime=2026-01-05", 0),
    ] {
        let (status, list) = lab.twilio("GET", &format!("/Calls.json{query}"), &[]).await;
        assert_eq!((status, list["calls"].as_array().unwrap().len()), (200, count), "{query}");
    }
    assert_eq!(lab.twilio("GET", "/Calls.json?StartTime=soon", &[]).await.0, 400);
    let (_, list) = lab.twilio("GET", "/Calls.json?PageSize=1", &[]).await;
    let sid = list["calls"][0]["sid"].as_str().unwrap();
    for (name, key) in
        [("Events", "events"), ("Notifications", "notifications"), ("Recordings", "recordings")]
    {
        let (_, below) = lab.twilio("GET", &format!("/Calls/{sid}/{name}.json"), &[]).await;
        assert_eq!(below[key], json!([]), "{name}");
    }
    let path = list["next_page_uri"].as_str().unwrap();
    let (_, next) = lab.twilio_as(&lab.sid, &lab.token, "GET", path, &[]).await;
    assert_eq!(next["calls"].as_array().unwrap().len(), 1);
    assert!(next["calls"][0]["sid"] != sid);
}

#[tokio::test]
async fn recordings_of_a_verb_are_told_listed_heard_and_deleted() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let events = "recordingStatusCallbackEvent='in-progress completed absent'";
    let record = format!(
        "<Record maxLength='4' timeout='7' action='/done' recordingStatusCallback='/rec' {events}/><Say>Silence</Say>"
    );
    hook.answer("/voice", [Reply::twiml(&record)]);
    let (voice, status) = (hook.url("/voice"), hook.url("/status"));
    lab.set(US, &[("VoiceUrl", voice.as_str()), ("StatusCallback", status.as_str())]).await;
    let place = |more: Value| {
        let mut body = json!({"from": CALLER, "to": US});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let words = "Please call me back about the booking for tomorrow evening, thank you very much.";
    let (_, call) = lab.control("POST", "/calls", place(json!({"says": [words]}))).await;
    let told = hook.at("/rec");
    let statuses: Vec<String> = told.iter().map(|seen| field(seen, "RecordingStatus")).collect();
    assert_eq!(statuses, ["in-progress", "completed"]);
    for (name, value) in [
        ("RecordingDuration", "4"),
        ("RecordingSource", "RecordVerb"),
        ("RecordingChannels", "1"),
        ("ErrorCode", "0"),
    ] {
        assert_eq!(field(&told[1], name), value, "{name}");
    }
    let sid = field(&told[1], "RecordingSid");
    let done = &hook.at("/done")[0];
    assert_eq!((field(done, "RecordingSid"), field(done, "RecordingDuration")), (sid.clone(), "4".into()));
    assert_eq!(field(&hook.at("/status")[0], "RecordingSid"), sid);

    let url = field(done, "RecordingUrl");
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    assert_eq!(answer(client.get(format!("{url}.wav"))).await.0, 401);
    for (extension, kind) in [("", "audio/x-wav"), (".wav", "audio/x-wav"), (".mp3", "audio/mpeg")] {
        let request = client.get(format!("{url}{extension}")).basic_auth(&lab.sid, Some(&lab.token));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 307, "{extension}");
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let refused = client.get(&location).basic_auth(&lab.sid, Some(&lab.token));
        assert_eq!(answer(refused).await.0, 400);
        let sound = client.get(&location).send().await.unwrap();
        assert_eq!(sound.headers()["content-type"], kind);
        assert!(sound.bytes().await.unwrap().len() > 10_000, "{extension}");
    }
    let (_, shown) = lab.twilio("GET", &format!("/Recordings/{sid}.json"), &[]).await;
    assert_eq!((&shown["call_sid"], &shown["price"]), (&call["call_sid"], &Value::Null));
    advance(&lab, 60.0).await;
    let (_, list) = lab.twilio("GET", "/Recordings.json?DateCreated=2026-01-01", &[]).await;
    assert_eq!(list["recordings"][0]["price"], "-0.0025");
    let path = format!("/Calls/{}/Recordings/{sid}.json", call["call_sid"].as_str().unwrap());
    assert_eq!(lab.twilio("GET", &path, &[]).await.1["track"], "both");
    assert_eq!(lab.twilio("DELETE", &path, &[]).await.0, 204);
    assert_eq!(lab.twilio("GET", &format!("/Recordings/{sid}.json"), &[]).await.0, 404);
    let request = client.get(format!("{url}.wav")).basic_auth(&lab.sid, Some(&lab.token));
    assert_eq!(answer(request).await.0, 404);

    // Nobody says anything: 16102, and the next verb. Hung up at once: 16101.
    let (_, silent) = lab.control("POST", "/calls", place(json!({}))).await;
    assert_eq!((&silent["heard"], &silent["duration_s"]), (&json!(["Silence"]), &json!(8)));
    hook.answer(
        "/voice",
        [Reply::twiml(&record.replace("<Record", "<Say>This is a long enough greeting.</Say><Record"))],
    );
    lab.control("POST", "/calls", place(json!({"says": [words], "hangup_after": 3}))).await;
    let codes: Vec<(String, String)> = hook.at("/rec")[2..]
        .iter()
        .filter(|seen| field(seen, "RecordingStatus") != "in-progress")
        .map(|seen| (field(seen, "RecordingStatus"), field(seen, "ErrorCode")))
        .collect();
    let absent = |code: &str| ("absent".to_owned(), code.to_owned());
    assert_eq!(codes, [absent("16102"), absent("16101")]);
}

#[tokio::test]
async fn whole_calls_are_recorded_on_request() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let told = hook.url("/rec");
    let form = [
        ("Twiml", "<Response><Pause length='30'/></Response>"),
        ("Record", "true"),
        ("RecordingChannels", "dual"),
        ("RecordingStatusCallback", told.as_str()),
        ("RecordingStatusCallbackEvent", "in-progress completed"),
    ];
    let sid = created(&lab, &form).await;
    let path = format!("/Calls/{sid}/Recordings.json");
    let (status, problem) = lab.twilio("POST", &path, &[]).await;
    assert_eq!((status, &problem["code"]), (400, &json!(21220)));
    advance(&lab, 15.0).await;
    let (status, second) = lab.twilio("POST", &path, &[("RecordingStatusCallback", told.as_str())]).await;
    assert_eq!((status, &second["status"]), (201, &json!("in-progress")), "{second}");
    let one = format!("/Calls/{sid}/Recordings/{}.json", second["sid"].as_str().unwrap());
    assert_eq!(lab.twilio("POST", &one, &[("Status", "paused")]).await.1["status"], "paused");
    advance(&lab, 5.0).await;
    let (_, stopped) = lab.twilio("POST", &one, &[("Status", "stopped")]).await;
    assert_eq!((&stopped["status"], &stopped["duration"]), (&json!("completed"), &json!("5")));
    advance(&lab, 60.0).await;
    let sources: Vec<(String, String)> = hook
        .at("/rec")
        .iter()
        .map(|seen| (field(seen, "RecordingSource"), seen.field("RecordingDuration").unwrap_or_default()))
        .collect();
    let of = |source: &str, seconds: &str| (source.to_owned(), seconds.to_owned());
    // What has begun has no length yet; it is told only where that was asked for.
    assert_eq!(sources, [of("OutboundAPI", ""), of("OutboundAPI", "30"), of("StartCallRecordingAPI", "5")]);
    let (_, list) = lab.twilio("GET", &format!("/Recordings.json?CallSid={sid}"), &[]).await;
    assert_eq!(list["recordings"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_dialled_conversation_is_recorded_on_the_parent_leg() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let dial = format!(
        "<Start><Recording recordingStatusCallback='/all'/></Start><Dial record='record-from-answer-dual' \
         recordingStatusCallback='/rec' action='/done'>{FRIEND}</Dial>"
    );
    hook.answer("/voice", [Reply::twiml(&dial)]);
    let voice = hook.url("/voice");
    lab.set(US, &[("VoiceUrl", voice.as_str())]).await;
    person(&lab, json!({"says": ["I am here and I listen to you."]})).await;
    let call = lab.call(US).await;
    let told = &hook.at("/rec")[0];
    assert_eq!(
        (field(told, "RecordingSource"), field(told, "RecordingChannels")),
        ("DialVerb".into(), "2".into())
    );
    assert_eq!(field(told, "CallSid"), call["call_sid"].as_str().unwrap());
    assert_eq!(field(&hook.at("/done")[0], "RecordingUrl"), field(told, "RecordingUrl"));
    assert_eq!(field(&hook.at("/all")[0], "RecordingDuration"), "2");
}

#[tokio::test]
async fn trap_24_the_status_callback_of_a_number_is_about_its_calls() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let told = hook.url("/told");
    lab.set(US, &[("StatusCallback", told.as_str()), ("StatusCallbackMethod", "GET")]).await;
    lab.import(US, json!({"assistantId": lab.assistant("Mia").await})).await;
    lab.set(US, &[("StatusCallback", told.as_str())]).await;
    let call = lab.call(US).await;
    let seen = hook.wait(1).await;
    assert_eq!(field(&seen[0], "CallSid"), call["call_sid"].as_str().unwrap());
    assert_eq!(field(&seen[0], "CallStatus"), "completed");
}

#[tokio::test]
async fn trap_18_a_fallback_alone_is_an_error() {
    let lab = Lab::new().await;
    let form = [("VoiceUrl", ""), ("VoiceFallbackUrl", "https://a.example/")];
    let (status, problem) = lab.set(US, &form).await;
    assert_eq!((status, &problem["code"]), (400, &json!(21405)));
    let (_, problem) = lab.set(US, &[("VoiceUrl", "https://a_b.example/")]).await;
    assert_eq!(problem["code"], 21402);
}

#[tokio::test]
async fn of_two_redirects_at_once_only_the_last_one_is_run() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let sid = created(&lab, &[("Twiml", "<Response><Pause length='600'/></Response>")]).await;
    advance(&lab, 10.0).await;
    for path in ["/first", "/second"] {
        hook.answer(path, [Reply::twiml("<Pause length='5'/>")]);
        let url = hook.url(path);
        let path = format!("/Calls/{sid}.json");
        assert_eq!(lab.twilio("POST", &path, &[("Url", url.as_str())]).await.0, 200);
    }
    advance(&lab, 60.0).await;
    assert_eq!((hook.at("/first").len(), hook.at("/second").len()), (0, 1));
}

#[tokio::test]
async fn an_application_brings_its_own_fallback_and_status_callback() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let urls = ["/voice", "/fallback", "/status", "/ignored"].map(|path| hook.url(path));
    hook.answer("/voice", [Reply::new(500, "text/plain", "oh no")]);
    hook.answer("/fallback", [Reply::twiml("<Say>Hello</Say>")]);
    let application = [
        ("FriendlyName", "desk"),
        ("VoiceUrl", urls[0].as_str()),
        ("VoiceFallbackUrl", urls[1].as_str()),
        ("StatusCallback", urls[2].as_str()),
    ];
    let (status, application) = lab.twilio("POST", "/Applications.json", &application).await;
    assert_eq!(status, 201, "{application}");
    let sid = application["sid"].as_str().unwrap();
    let ignored = urls[3].as_str();
    created(&lab, &[("ApplicationSid", sid), ("FallbackUrl", ignored), ("StatusCallback", ignored)]).await;
    advance(&lab, 60.0).await;
    let count = |path: &str| hook.at(path).len();
    assert_eq!(["/voice", "/fallback", "/status", "/ignored"].map(count), [1, 1, 1, 0]);
}

#[tokio::test]
async fn a_recording_lasts_from_its_own_start_to_the_end_of_the_call() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let told = hook.url("/rec");
    let sid = created(&lab, &[("Twiml", "<Response><Pause length='600'/></Response>")]).await;
    advance(&lab, 45.0).await;
    let path = format!("/Calls/{sid}/Recordings.json");
    let (_, recording) = lab.twilio("POST", &path, &[("RecordingStatusCallback", told.as_str())]).await;
    advance(&lab, 7.0).await;
    lab.twilio("POST", &format!("/Calls/{sid}.json"), &[("Status", "completed")]).await;
    advance(&lab, 1.0).await;
    assert_eq!(field(&hook.at("/rec")[0], "RecordingDuration"), "7");

    // It is not below another call.
    let other = created(&lab, &[("Twiml", "<Response/>")]).await;
    let recording = recording["sid"].as_str().unwrap();
    assert_eq!(
        lab.twilio("DELETE", &format!("/Calls/{other}/Recordings/{recording}.json"), &[]).await.0,
        404
    );
    assert_eq!(lab.twilio("DELETE", &format!("/Calls/{sid}/Recordings/{recording}.json"), &[]).await.0, 204);
}

#[tokio::test]
async fn keys_to_send_are_digits_letters_and_waits_and_leave_no_time_to_listen() {
    let lab = Lab::new().await;
    let twiml = ("Twiml", "<Response><Say>Hi</Say></Response>");
    for bad in ["12x", "123456789012345678901234567890123"] {
        let (status, problem) = create(&lab, &[twiml, ("SendDigits", bad)]).await;
        assert_eq!((status, &problem["code"]), (400, &json!(21206)), "{bad}");
    }
    let sid = created(&lab, &[twiml, ("SendDigits", "wW12AD#*"), ("MachineDetection", "Enable")]).await;
    advance(&lab, 60.0).await;
    assert_eq!(fetch(&lab, &sid).await["answered_by"], Value::Null);
}

//! Calls that run TwiML (facts: Twilio 16; traps 5, 12, 15 of section 24).

use serde_json::{Value, json};

use crate::hook::{Hook, Reply, Seen};
use crate::lab::{CALLER, FR, Form, Lab, US};

const FRIEND: &str = "+14155550177";
const SORRY: &str = "We're sorry, an application error has occurred. Goodbye.";

/// A lab whose US number asks a hook at `/voice`, and no longer Vapi.
async fn with_hook() -> (Lab, Hook) {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let form = [("VoiceUrl", hook.url("/voice")), ("StatusCallback", hook.url("/status"))];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(lab.set(US, &form).await.0, 200);
    (lab, hook)
}

async fn place(lab: &Lab, more: Value) -> Value {
    let mut body = json!({"from": CALLER, "to": US});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, answer) = lab.control("POST", "/calls", body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn run(lab: &Lab, hook: &Hook, inside: &str, more: Value) -> Value {
    hook.answer("/voice", [Reply::twiml(inside)]);
    place(lab, more).await
}

async fn person(lab: &Lab, phone: &str, behaviour: Value) {
    assert_eq!(lab.control("POST", &format!("/phones/{phone}"), behaviour).await.0, 200);
}

/// Code and level of every alert, oldest first.
async fn alerts(lab: &Lab) -> Vec<(String, String)> {
    let (status, list) = lab.twilio_product("monitor", "GET", "/v1/Alerts?PageSize=1000", &[]).await;
    assert_eq!(status, 200, "{list}");
    let text = |alert: &Value, field: &str| alert[field].as_str().unwrap().to_owned();
    let all = list["alerts"].as_array().unwrap().iter().rev();
    all.map(|alert| (text(alert, "error_code"), text(alert, "log_level"))).collect()
}

async fn codes(lab: &Lab) -> Vec<String> {
    alerts(lab).await.into_iter().map(|(code, _)| code).collect()
}

fn field(seen: &Seen, name: &str) -> String {
    seen.field(name).unwrap_or_else(|| panic!("no {name} in {:?}", seen.fields()))
}

#[tokio::test]
async fn the_webhook_of_a_call_has_every_field_and_its_words_are_heard() {
    let (lab, hook) = with_hook().await;
    let call = run(&lab, &hook, "<Say>Good day, how can I help you?</Say><Hangup/>", json!({})).await;
    assert_eq!(call["outcome"], "answered");
    assert_eq!(call["heard"], json!(["Good day, how can I help you?"]));
    assert_eq!(call["duration_s"], 2);
    assert_eq!(call["steps"][0]["status"], 200);
    assert_eq!(call["steps"][1], json!({"verb": "Say", "text": "Good day, how can I help you?"}));

    let asked = &hook.at("/voice")[0];
    for (name, value) in [
        ("AccountSid", lab.sid.as_str()),
        ("CallSid", call["call_sid"].as_str().unwrap()),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("ApiVersion", "2010-04-01"),
        ("From", CALLER),
        ("Caller", CALLER),
        ("To", US),
        ("Called", US),
        ("FromCountry", "US"),
        ("FromState", "CA"),
        ("CallerState", "CA"),
        ("CalledCountry", "US"),
        ("StirVerstat", "TN-Validation-Passed-A"),
    ] {
        assert_eq!(field(asked, name), value, "{name}");
    }
    assert!(!field(asked, "CallToken").is_empty());
    assert!(asked.header("x-twilio-signature").is_some());

    let told = &hook.at("/status")[0];
    for (name, value) in
        [("CallStatus", "completed"), ("CallDuration", "2"), ("Duration", "1"), ("SequenceNumber", "0")]
    {
        assert_eq!(field(told, name), value, "{name}");
    }
    assert!(field(told, "Timestamp").ends_with("+0000"));
}

#[tokio::test]
async fn a_withheld_number_is_spelt_on_the_keypad_and_a_forwarder_is_named() {
    let (lab, hook) = with_hook().await;
    place(&lab, json!({"from": "anonymous", "forwarded_from": FRIEND})).await;
    let asked = &hook.at("/voice")[0];
    assert_eq!((field(asked, "From"), field(asked, "ForwardedFrom")), ("+266696687".into(), FRIEND.into()));
    assert_eq!((field(asked, "FromCity"), field(asked, "CallerZip")), (String::new(), String::new()));
    assert_eq!(asked.field("StirVerstat"), None);
}

#[tokio::test]
async fn gather_takes_digits_words_or_goes_on() {
    let (lab, hook) = with_hook().await;
    let gather =
        "<Gather action='/menu?x=1' numDigits='2' input='dtmf speech'><Say>Menu</Say></Gather><Say>Bye</Say>";
    hook.answer("/menu", [Reply::twiml("<Say>Chosen</Say>")]);
    let cases = [
        (json!({"digits": "123"}), "Digits", "12"),
        (json!({"digits": "7#"}), "Digits", "7"),
        (json!({"says": ["opening hours"]}), "SpeechResult", "opening hours"),
    ];
    for (caller, name, value) in cases {
        let call = run(&lab, &hook, gather, caller).await;
        assert_eq!(call["heard"], json!(["Menu", "Chosen"]));
        let asked = hook.at("/menu").pop().unwrap();
        assert_eq!((field(&asked, name), asked.query.as_str()), (value.into(), "x=1"));
        assert_eq!(field(&asked, "CallStatus"), "in-progress");
    }
    let silent = run(&lab, &hook, gather, json!({})).await;
    assert_eq!(silent["heard"], json!(["Menu", "Bye"]));
    // The menu, five seconds of silence, the farewell.
    assert_eq!(silent["duration_s"], 6);
}

#[tokio::test]
async fn redirects_are_followed_until_they_go_round_in_circles() {
    let (lab, hook) = with_hook().await;
    hook.answer("/next", [Reply::twiml("<Say>Here</Say>")]);
    let call =
        run(&lab, &hook, "<Redirect method='GET'>next?a=b</Redirect><Say>Never</Say>", json!({})).await;
    assert_eq!(call["heard"], json!(["Here"]));
    let asked = &hook.at("/next")[0];
    assert_eq!((asked.method.as_str(), field(asked, "a")), ("GET", "b".into()));
    assert_eq!(field(asked, "CallSid"), call["call_sid"].as_str().unwrap());

    let round = run(&lab, &hook, "<Redirect/>", json!({})).await;
    assert_eq!((round["outcome"].as_str(), &round["heard"]), (Some("forwarded"), &json!([SORRY])));
    assert!(round["reason"].as_str().unwrap().contains("50 documents"));
}

#[tokio::test]
async fn reject_leaves_the_call_unanswered_only_as_the_first_verb() {
    let (lab, hook) = with_hook().await;
    for (inside, outcome, reason, status) in [
        ("<Reject/>", "rejected", json!("rejected"), "failed"),
        ("<Reject reason='busy'/>", "rejected", json!("busy"), "busy"),
        ("<Say>Hi</Say><Reject reason='busy'/>", "answered", json!(null), "completed"),
        ("", "hung_up", json!(null), "completed"),
    ] {
        let call = run(&lab, &hook, inside, json!({})).await;
        assert_eq!((&call["outcome"], &call["reason"]), (&json!(outcome), &reason), "{inside}");
        let path = format!("/Calls/{}.json", call["call_sid"].as_str().unwrap());
        assert_eq!(lab.twilio("GET", &path, &[]).await.1["status"], status, "{inside}");
        assert_eq!(field(&hook.at("/status").pop().unwrap(), "CallStatus"), status, "{inside}");
        // A call that was not answered costs nothing.
        lab.control("POST", "/clock", json!({"advance_s": 60})).await;
        let priced = lab.twilio("GET", &path, &[]).await.1["price"].clone();
        assert_eq!(priced.is_string(), status == "completed", "{inside}");
    }
}

#[tokio::test]
async fn dial_follows_what_the_phone_does() {
    let (lab, hook) = with_hook().await;
    let dial = format!("<Dial action='/done' timeout='25'>{FRIEND}</Dial><Say>Never said</Say>");
    for (on_call, status, bridged, seconds) in [
        ("answer", "completed", "true", 2),
        ("voicemail", "completed", "true", 24),
        ("busy", "busy", "false", 0),
        ("no-answer", "no-answer", "false", 25),
        ("fail", "failed", "false", 0),
    ] {
        person(&lab, FRIEND, json!({"on_call": on_call, "says": ["Friend here"]})).await;
        let call = run(&lab, &hook, &dial, json!({"says": ["It is me, calling."]})).await;
        assert_eq!(call["outcome"], "forwarded", "{on_call}");
        assert_eq!((&call["url"], &call["dial_status"]), (&json!(FRIEND), &json!(status)), "{on_call}");
        assert_eq!(call["duration_s"], seconds, "{on_call}");
        let asked = hook.at("/done").pop().unwrap();
        assert_eq!(field(&asked, "DialCallStatus"), status, "{on_call}");
        assert_eq!(field(&asked, "DialBridged"), bridged, "{on_call}");
        assert_eq!(asked.field("DialCallDuration").is_some(), bridged == "true", "{on_call}");
        assert!(!call["heard"].as_array().unwrap().contains(&json!("Never said")));
        let path = format!("/Calls/{}.json", field(&asked, "DialCallSid"));
        let (_, leg) = lab.twilio("GET", &path, &[]).await;
        assert_eq!((&leg["direction"], &leg["status"]), (&json!("outbound-dial"), &json!(status)));
        assert_eq!((&leg["parent_call_sid"], &leg["from"]), (&call["call_sid"], &json!(CALLER)));
    }
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    let seen = phones[FRIEND]["seen"].as_array().unwrap();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!((&seen[0]["kind"], &seen[0]["heard"]), (&json!("call"), &json!(["It is me, calling."])));
    assert_eq!((&seen[0]["voicemail"], &seen[1]["voicemail"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn dial_without_action_goes_on_and_the_first_number_that_answers_wins() {
    let (lab, hook) = with_hook().await;
    person(&lab, FRIEND, json!({"on_call": "busy"})).await;
    let status = "statusCallback='/leg' statusCallbackEvent='initiated ringing answered completed'";
    let dial = format!(
        "<Dial><Number>{FRIEND}</Number><Number {status}>+14155550178</Number><Number>+14155550179</Number>\
         </Dial><Say>After</Say>"
    );
    let call = run(&lab, &hook, &dial, json!({})).await;
    assert_eq!((&call["url"], &call["heard"]), (&json!("+14155550178"), &json!(["After"])));
    let told: Vec<(String, String)> = hook
        .at("/leg")
        .iter()
        .map(|seen| (field(seen, "CallStatus"), field(seen, "SequenceNumber")))
        .collect();
    let expected = [("initiated", "0"), ("ringing", "1"), ("in-progress", "2"), ("completed", "3")];
    assert_eq!(told, expected.map(|(status, number)| (status.to_owned(), number.to_owned())));
    let (_, legs) = lab
        .twilio("GET", &format!("/Calls.json?ParentCallSid={}", call["call_sid"].as_str().unwrap()), &[])
        .await;
    assert_eq!(legs["calls"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn dial_between_numbers_reaches_vapi_and_loops_end() {
    let (lab, hook) = with_hook().await;
    let assistant = lab.assistant("Mia").await;
    lab.import(crate::lab::FR, json!({"assistantId": assistant})).await;
    let call = run(&lab, &hook, &format!("<Dial>{}</Dial>", crate::lab::FR), json!({})).await;
    assert_eq!((&call["outcome"], &call["url"]), (&json!("forwarded"), &json!(crate::lab::FR)));
    assert_eq!(call["answered_by"]["name"], "Mia");
    assert_eq!(call["heard"], json!(["Hello, this is Mia."]));
    let (_, legs) = lab.twilio("GET", "/Calls.json?To=%2B33612345678", &[]).await;
    let directions: Vec<&str> =
        legs["calls"].as_array().unwrap().iter().map(|leg| leg["direction"].as_str().unwrap()).collect();
    assert_eq!(directions, ["inbound", "outbound-dial"]);

    let round = run(&lab, &hook, &format!("<Dial>{US}</Dial>"), json!({})).await;
    assert_eq!((&round["outcome"], &round["dial_status"]), (&json!("forwarded"), &json!("completed")));
    assert!(hook.at("/voice").len() < 12);
}

#[tokio::test]
async fn what_cannot_be_dialled_has_its_code_and_fails() {
    let (lab, hook) = with_hook().await;
    let eleven = "<Number>+14155550178</Number>".repeat(11);
    let cases = [
        ("<Dial callerId='+14155559999'>+14155550177</Dial>".to_owned(), "13214"),
        ("<Dial>bob</Dial>".to_owned(), "13223"),
        (format!("<Dial>{eleven}</Dial>"), "13250"),
        ("<Dial/>".to_owned(), "13215"),
        ("<Dial><Sip>sip:a@b.sip.twilio.com</Sip></Dial>".to_owned(), "13255"),
    ];
    for (dial, code) in cases {
        let call = run(&lab, &hook, &dial, json!({})).await;
        assert_eq!(call["dial_status"], "failed", "{dial}");
        assert_eq!(codes(&lab).await.last().unwrap(), code, "{dial}");
    }
    let call =
        run(&lab, &hook, "<Dial action='/done'><Sip>sip:bob@pbx.example</Sip></Dial>", json!({})).await;
    assert_eq!((&call["url"], &call["dial_status"]), (&json!("sip:bob@pbx.example"), &json!("completed")));
    assert_eq!(field(&hook.at("/done")[0], "DialSipResponseCode"), "200");
}

#[tokio::test]
async fn a_caller_who_hangs_up_ends_the_call_where_it_is() {
    let (lab, hook) = with_hook().await;
    let call =
        run(&lab, &hook, "<Say>One</Say><Pause length='60'/><Say>Two</Say>", json!({"hangup_after": 10}))
            .await;
    assert_eq!((&call["heard"], &call["duration_s"]), (&json!(["One"]), &json!(10)));
    let dial = format!("<Dial action='/done' timeLimit='3' hangupOnStar='true'>{FRIEND}</Dial>");
    person(&lab, FRIEND, json!({"says": ["x".repeat(600)]})).await;
    assert_eq!(run(&lab, &hook, &dial, json!({})).await["duration_s"], 3);
    assert_eq!(run(&lab, &hook, &dial, json!({"digits": "1*"})).await["duration_s"], 1);
    run(&lab, &hook, &dial, json!({"hangup_after": 2})).await;
    assert_eq!(field(&hook.at("/done").pop().unwrap(), "CallStatus"), "completed");
}

#[tokio::test]
async fn trap_05_plain_text_is_spoken_and_audio_is_played() {
    let (lab, hook) = with_hook().await;
    hook.answer("/voice", [Reply::new(200, "text/plain; charset=utf-8", "ok")]);
    assert_eq!(place(&lab, json!({})).await["heard"], json!(["ok"]));
    hook.answer("/voice", [Reply::new(200, "audio/mpeg", "ID3")]);
    let call = place(&lab, json!({})).await;
    assert_eq!(
        (&call["heard"], &call["duration_s"]),
        (&json!([format!("[plays {}]", hook.url("/voice"))]), &json!(5))
    );
    hook.answer("/hi.wav", [Reply::new(200, "audio/x-wav", "RIFF")]);
    let call = run(&lab, &hook, "<Play loop='2'>/hi.wav</Play><Play>/status</Play>", json!({})).await;
    assert_eq!(call["heard"], json!([format!("[plays {}]", hook.url("/hi.wav"))]));
    assert_eq!((&call["duration_s"], codes(&lab).await.last().unwrap().as_str()), (&json!(10), "13420"));
}

#[tokio::test]
async fn trap_05_only_a_fallback_saves_a_call_whose_document_fails() {
    let (lab, hook) = with_hook().await;
    let long = format!("<Response><Say>{}</Say></Response>", "x".repeat(70_000));
    let bad = [
        (Reply::status(500), "11200"),
        (Reply::status(404), "11200"),
        (Reply::cut(), "11200"),
        (Reply::new(200, "application/json", "{}"), "12300"),
        (Reply::new(200, "text/xml", "<Response>"), "12100"),
        (Reply::new(200, "text/html", "<html></html>"), "12102"),
        (Reply::new(200, "text/xml", long), "11750"),
    ];
    for (reply, code) in bad {
        hook.answer("/voice", [reply.clone()]);
        let call = place(&lab, json!({})).await;
        assert_eq!((&call["outcome"], &call["heard"]), (&json!("forwarded"), &json!([SORRY])), "{reply:?}");
        assert_eq!(call["url"], hook.url("/voice"));
        assert!(call["reason"].as_str().unwrap().starts_with(code), "{call}");
        assert_eq!(alerts(&lab).await.last().unwrap(), &(code.to_owned(), "error".to_owned()));
    }
    // By default a 5xx is not tried again.
    assert_eq!(hook.at("/voice").len(), 7);
    hook.answer("/spare", [Reply::twiml("<Say>Spare</Say>")]);
    let spare = hook.url("/spare");
    lab.set(US, &[("VoiceFallbackUrl", spare.as_str()), ("VoiceFallbackMethod", "GET")]).await;
    let call = place(&lab, json!({})).await;
    assert_eq!((&call["outcome"], &call["heard"]), (&json!("answered"), &json!(["Spare"])));
    let asked = &hook.at("/spare")[0];
    assert_eq!((field(asked, "ErrorCode"), field(asked, "ErrorUrl")), ("11750".into(), hook.url("/voice")));
    assert_eq!((asked.method.as_str(), field(asked, "CallStatus")), ("GET", "ringing".into()));
}

#[tokio::test]
async fn an_address_that_nobody_is_at_is_where_the_call_went() {
    let lab = Lab::new().await;
    lab.set(US, &[("VoiceUrl", "http://127.0.0.1:9/voice")]).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["url"]), (&json!("forwarded"), &json!("http://127.0.0.1:9/voice")));
    assert_eq!(codes(&lab).await, ["11205"]);
}

#[tokio::test]
async fn trap_15_an_empty_voice_url_fails_without_any_log() {
    let (lab, hook) = with_hook().await;
    lab.set(US, &[("VoiceUrl", "")]).await;
    let call = lab.call(US).await;
    assert_eq!((&call["outcome"], &call["heard"]), (&json!("no_route"), &json!([])));
    assert_eq!(codes(&lab).await, Vec::<String>::new());
    assert_eq!(hook.at("/voice").len(), 0);
}

#[tokio::test]
async fn what_twilio_does_not_understand_is_a_warning_and_the_rest_runs() {
    let (lab, hook) = with_hook().await;
    let inside = "<say>small</say><Say loop='many'>Hi</Say><Say></Say><Shout>!</Shout>";
    let call = run(&lab, &hook, inside, json!({})).await;
    assert_eq!(call["heard"], json!(["Hi"]));
    let found = alerts(&lab).await;
    let found: Vec<(&str, &str)> =
        found.iter().map(|(code, level)| (code.as_str(), level.as_str())).collect();
    let warned = ["12200", "13510", "12200", "13520"].map(|code| (code, "warning"));
    assert_eq!(found, warned);
    let polly = format!("<Say voice='Polly.Joanna'>{}</Say>", "x".repeat(3_001));
    assert_eq!(run(&lab, &hook, &polly, json!({})).await["heard"], json!([]));
}

#[tokio::test]
async fn a_stream_takes_the_call_and_a_call_in_progress_cannot_be_redirected_to_vapi() {
    let (lab, hook) = with_hook().await;
    let stream =
        "<Connect><Stream url='wss://a.example/x'><Parameter name='a' value='b'/></Stream></Connect>";
    let call = run(&lab, &hook, stream, json!({})).await;
    assert_eq!((&call["outcome"], &call["url"]), (&json!("stream"), &json!("wss://a.example/x")));
    let redirect = format!("<Say>One moment</Say><Redirect>{}</Redirect>", crate::lab::VAPI_URL);
    let call = run(&lab, &hook, &redirect, json!({})).await;
    assert_eq!((&call["outcome"], &call["heard"]), (&json!("forwarded"), &json!(["One moment", SORRY])));
    assert!(call["reason"].as_str().unwrap().starts_with("11200"));
}

#[tokio::test]
async fn the_fallback_may_be_vapi() {
    let (lab, hook) = with_hook().await;
    lab.import(US, json!({"assistantId": lab.assistant("Mia").await})).await;
    let (voice, form) = (hook.url("/voice"), |url: &'static str| ("VoiceFallbackUrl", url));
    let form: Form<'_> = &[("VoiceUrl", voice.as_str()), form(crate::lab::VAPI_URL)];
    lab.set(US, form).await;
    hook.answer("/voice", [Reply::status(503)]);
    let call = place(&lab, json!({})).await;
    assert_eq!((&call["outcome"], &call["answered_by"]["name"]), (&json!("answered"), &json!("Mia")));
}

#[tokio::test]
async fn keys_that_are_waited_for_leave_the_words_to_who_listens() {
    let (lab, hook) = with_hook().await;
    hook.answer("/kept", [Reply::twiml("<Say>Thank you</Say>")]);
    let inside = "<Gather input='dtmf' action='/menu' timeout='1'/><Record action='/kept'/>";
    let call = run(&lab, &hook, inside, json!({"says": ["Please call me back"]})).await;
    assert_eq!(call["heard"], json!(["Thank you"]));
    assert_eq!(call["steps"][2]["said"], "Please call me back");
}

#[tokio::test]
async fn a_caller_who_hangs_up_ends_the_call_at_the_number_that_was_dialled_too() {
    let (lab, hook) = with_hook().await;
    hook.answer("/desk", [Reply::twiml("<Say>Hello</Say><Pause length='20'/><Say>Still there?</Say>")]);
    let desk = hook.url("/desk");
    lab.set(FR, &[("VoiceUrl", desk.as_str())]).await;
    let inside = format!("<Dial>{FR}</Dial><Say>Bye</Say>");
    let call = run(&lab, &hook, &inside, json!({"hangup_after": 6})).await;
    assert_eq!((&call["heard"], &call["duration_s"]), (&json!(["Hello"]), &json!(6)));
    let (_, log) = lab.twilio("GET", "/Calls.json", &[]).await;
    let calls = log["calls"].as_array().unwrap().iter();
    let durations: Vec<&Value> = calls.map(|call| &call["duration"]).collect();
    assert_eq!(durations, ["6", "6", "6"]);
}

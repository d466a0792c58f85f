//! Usage records and the Monitor API (facts: Twilio 19, 21; traps 12, 13 of section 24).

use serde_json::{Value, json};

use crate::hook::{Hook, Reply};
use crate::lab::{FR, Lab, US};

async fn advance(lab: &Lab, seconds: u32) {
    assert_eq!(lab.control("POST", "/clock", json!({"advance_s": seconds})).await.0, 200);
}

/// Usage and price of every category that was used.
async fn used(lab: &Lab, path: &str) -> Vec<(String, String, String)> {
    let (status, list) = lab.twilio("GET", &format!("/Usage/Records{path}"), &[]).await;
    assert_eq!(status, 200, "{list}");
    let text = |record: &Value, field: &str| record[field].as_str().unwrap().to_owned();
    let all = list["usage_records"].as_array().unwrap().iter().filter(|record| record["usage"] != "0");
    let all = all.filter(|record| record["usage"] != "0.00");
    all.map(|record| (text(record, "category"), text(record, "usage"), text(record, "price"))).collect()
}

fn row(category: &str, usage: &str, price: &str) -> (String, String, String) {
    (category.to_owned(), usage.to_owned(), price.to_owned())
}

#[tokio::test]
async fn trap_13_categories_of_usage_contain_each_other() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    hook.answer("/voice", [Reply::twiml("<Pause length='61'/>")]);
    let voice = hook.url("/voice");
    lab.set(US, &[("VoiceUrl", voice.as_str())]).await;
    lab.call(US).await;
    advance(&lab, 86_400).await;
    lab.control("POST", "/messages", json!({"from": "+14155550100", "to": US, "body": "Hello"})).await;
    advance(&lab, 3_600).await;

    let expected = [
        row("calls", "2", "0.017"),
        row("calls-inbound", "2", "0.017"),
        row("calls-inbound-local", "2", "0.017"),
        // The text, and the answer of the demo URL.
        row("sms", "2", "0.0158"),
        row("sms-outbound", "1", "0.0079"),
        row("sms-inbound", "1", "0.0079"),
        row("sms-inbound-longcode", "1", "0.0079"),
    ];
    let found = used(&lab, ".json").await;
    for wanted in &expected {
        assert!(found.contains(wanted), "{wanted:?} is not in {found:?}");
    }
    let number = |kind: &str| found.iter().find(|(name, ..)| name == kind).unwrap().clone();
    let (both, local, mobile) =
        (number("phonenumbers"), number("phonenumbers-local"), number("phonenumbers-mobile"));
    assert_eq!((both.1.as_str(), local.1.as_str(), mobile.1.as_str()), ("2", "1", "1"));
    // The total is what the roots cost, and not what all rows add up to.
    let micros = |price: &str| (price.parse::<f64>().unwrap() * 1e6).round();
    let roots = ["calls", "sms", "phonenumbers"].map(|root| micros(&number(root).2));
    assert_eq!(micros(&number("totalprice").2), roots.iter().sum::<f64>());

    for (path, calls, texts) in [
        ("/Today.json", false, true),
        ("/Yesterday.json", true, false),
        ("/ThisMonth.json", true, true),
        ("/LastMonth.json", false, false),
        ("/AllTime.json", true, true),
        (".json?StartDate=-1days&EndDate=-1days", true, false),
        (".json?StartDate=2026-01-02", false, true),
    ] {
        let found = used(&lab, path).await;
        let has = |name: &str| found.iter().any(|(category, ..)| category == name);
        assert_eq!((has("calls"), has("sms")), (calls, texts), "{path}");
    }
    for (path, count) in [("/Daily.json", 2), ("/Monthly.json", 1), ("/Yearly.json", 1)] {
        let (_, list) = lab.twilio("GET", &format!("/Usage/Records{path}?Category=calls"), &[]).await;
        assert_eq!(list["usage_records"].as_array().unwrap().len(), count, "{path}");
    }
    let (_, list) = lab.twilio("GET", "/Usage/Records/Daily.json?Category=calls", &[]).await;
    let days: Vec<&Value> =
        list["usage_records"].as_array().unwrap().iter().map(|day| &day["start_date"]).collect();
    assert_eq!(days, ["2026-01-02", "2026-01-01"]);
    assert!(list["usage_records"][0]["as_of"].as_str().unwrap().starts_with("2026-01-02T"));
    assert_eq!(lab.twilio("GET", "/Usage/Records.json?StartDate=soon", &[]).await.0, 400);
    assert_eq!(lab.twilio("GET", "/Usage/Records/Hourly.json", &[]).await.0, 404);
}

#[tokio::test]
async fn usage_of_subaccounts_is_the_parents_too() {
    let lab = Lab::new().await;
    let owner = json!({"owner_account_sid": lab.sid});
    let (_, sub) = lab.control("POST", "/accounts", owner).await;
    let number = json!({"account_sid": sub["sid"], "phone_number": "+18885550123"});
    lab.control("POST", "/numbers", number).await;
    let toll_free = |list: &Value| list["usage_records"][0]["usage"].clone();
    let path = "/Usage/Records.json?Category=phonenumbers-tollfree";
    assert_eq!(toll_free(&lab.twilio("GET", path, &[]).await.1), "1");
    let path = format!("{path}&IncludeSubaccounts=false");
    assert_eq!(toll_free(&lab.twilio("GET", &path, &[]).await.1), "0");
}

#[tokio::test]
async fn alerts_are_listed_without_bodies_filtered_and_kept_for_thirty_days() {
    let (lab, hook) = (Lab::new().await, Hook::new().await);
    let voice = hook.url("/voice");
    lab.set(US, &[("VoiceUrl", voice.as_str())]).await;
    hook.answer("/voice", [Reply::new(500, "text/plain", "oh no")]);
    let call = lab.call(US).await;
    hook.answer("/voice", [Reply::twiml("<Shout/>")]);
    lab.call(US).await;
    let get =
        async |query: &str| lab.twilio_product("monitor", "GET", &format!("/v1/Alerts{query}"), &[]).await;
    let (_, list) = get("?LogLevel=error").await;
    let alert = &list["alerts"][0];
    assert_eq!((&alert["error_code"], &alert["resource_sid"]), (&json!("11200"), &call["call_sid"]));
    assert_eq!((&alert["request_url"], &alert["log_level"]), (&json!(voice), &json!("error")));
    assert!(alert["alert_text"].as_str().unwrap().contains("ErrorCode=11200&LogLevel=ERROR"), "{alert}");
    assert_eq!(alert.get("response_body"), None);
    let (_, whole) = get(&format!("/{}", alert["sid"].as_str().unwrap())).await;
    assert_eq!(whole["response_body"], "oh no");
    assert!(whole["request_variables"].as_str().unwrap().contains("CallStatus=ringing"));

    let count = |list: Value| list["alerts"].as_array().unwrap().len();
    assert_eq!(count(get("").await.1), 2);
    assert_eq!(count(get("?StartDate=2026-01-01&EndDate=2026-01-01").await.1), 2);
    assert_eq!(count(get("?StartDate=2026-01-02").await.1), 0);
    assert_eq!(get("?LogLevel=loud").await.0, 400);
    assert_eq!(get("/NO00000000000000000000000000000000").await.0, 404);
    advance(&lab, 31 * 86_400).await;
    assert_eq!(count(get("?StartDate=2026-01-01").await.1), 0);
    // Another account's numbers raise no alert here.
    assert_eq!(lab.call(FR).await["outcome"], "not_found");
}

#[tokio::test]
async fn periods_that_nobody_can_have_used_are_refused_or_left_out() {
    let lab = Lab::new().await;
    for offset in ["-99999999days", "-9223372036854775808days", "99999999999999999999days", "-8000000days"] {
        let path = format!("/Usage/Records.json?StartDate={offset}");
        assert_eq!(lab.twilio("GET", &path, &[]).await.0, 400, "{offset}");
    }
    let path = "/Usage/Records/Daily.json?Category=calls&StartDate=0001-01-01&EndDate=9999-12-31";
    let (status, list) = lab.twilio("GET", path, &[]).await;
    let days = list["usage_records"].as_array().unwrap();
    assert_eq!((status, days.len()), (200, 1));
    assert_eq!((&days[0]["start_date"], &days[0]["end_date"]), (&json!("2026-01-01"), &json!("2026-01-01")));
}

#[tokio::test]
async fn a_past_that_was_made_at_once_is_in_the_usage_of_all_time() {
    let lab = Lab::new().await;
    let scenario = json!({"name": "past", "length_s": 0,
        "numbers": [{"group": "ours", "phone_number": "+14155553000"}],
        "people": [{"group": "people", "phone_number": "+14155550100"}],
        "history": [{"count": 10, "numbers": "ours", "people": "people", "bodies": ["Hi"], "over_s": 864_000}]});
    assert_eq!(lab.control("POST", "/scenario", json!({"scenario": scenario})).await.0, 201);
    let found = used(&lab, "/AllTime.json").await;
    assert!(found.iter().any(|(category, usage, _)| category == "sms" && usage == "10"), "{found:?}");
    let (_, list) = lab.twilio("GET", "/Usage/Records/Daily.json?Category=sms", &[]).await;
    assert_eq!(list["usage_records"].as_array().unwrap().len(), 11);
}

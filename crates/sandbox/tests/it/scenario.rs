//! Scenarios: what they make, what happens when, and that a seed repeats it to the letter.

use dialtone_sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::lab::{CALLER, Lab, US};

const CLINIC: &str = include_str!("../../scenarios/clinic.json");

fn clinic() -> Value {
    serde_json::from_str(CLINIC).unwrap()
}

async fn play(lab: &Lab, body: Value) -> Value {
    let (status, played) = lab.control("POST", "/scenario", body).await;
    assert_eq!(status, 201, "{played}");
    played
}

async fn snapshot(lab: &Lab) -> String {
    lab.request("GET", "/sandbox/snapshot").send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_day_with_the_same_seed_is_the_same_to_the_letter() {
    let (one, two) = (Lab::new().await, Lab::new().await);
    let mut days = Vec::new();
    for (lab, seed) in [(&one, 11), (&two, 11), (&two, 12)] {
        let played = play(lab, json!({"scenario": clinic(), "seed": seed, "wait": true})).await;
        for kind in ["call", "text", "send", "control"] {
            assert!(played["done"][kind].as_u64().unwrap_or(0) > 0, "{kind}: {played}");
        }
        days.push(snapshot(lab).await);
    }
    assert!(days[0] == days[1], "two runs with one seed differ");
    assert!(days[0] != days[2], "two seeds give the same day");
}

#[tokio::test]
async fn a_day_that_is_played_in_steps_or_saved_halfway_ends_the_same() {
    let (one, two) = (Lab::new().await, Lab::new().await);
    play(&one, json!({"scenario": clinic(), "seed": 3, "wait": true})).await;
    play(&two, json!({"scenario": clinic(), "seed": 3})).await;
    for _ in 0..6 {
        two.control("POST", "/clock", json!({"advance_s": 7_200})).await;
    }
    let half = snapshot(&two).await;
    two.control("POST", "/reset", json!({"seed": 0})).await;
    let loaded = two.request("PUT", "/sandbox/snapshot").body(half).send().await.unwrap();
    assert_eq!(loaded.status(), 200);
    for _ in 0..12 {
        two.control("POST", "/clock", json!({"advance_s": 3_600})).await;
    }
    // A step begins when the last one is over, which may be a millisecond late: the clock shows it.
    let ends = async |lab: &Lab| {
        let mut world: Value = serde_json::from_str(&snapshot(lab).await).unwrap();
        world["world"]["clock"].take();
        world
    };
    assert!(ends(&one).await == ends(&two).await);
}

#[tokio::test]
async fn the_clinic_gets_its_calls_texts_and_refusals() {
    let lab = Lab::new().await;
    play(&lab, json!({"scenario": clinic(), "seed": 1, "wait": true})).await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let account = state["accounts"].as_array().unwrap().iter().find(|it| it["friendly_name"] == "The clinic");
    let numbers = account.unwrap()["numbers"].as_array().unwrap();
    assert_eq!(numbers.len(), 5);
    let messages = state["messages"].as_array().unwrap();
    let with = |field: &str, value: Value| messages.iter().filter(|it| it[field] == value).count();
    assert!(with("status", json!("received")) > 40, "texts of patients");
    assert!(with("status", json!("delivered")) > 20, "reminders that arrived");
    assert_eq!(with("error_code", json!(30003)), 1, "the patient whose phone is off");
    assert_eq!(with("body", json!("STOP")), 1);
    assert!(state["calls"].as_object().map_or(0, serde_json::Map::len) > 40, "calls of patients");
    assert_eq!(state["faults"][0]["probability"], 0.2);
    assert_eq!(state["clock"]["now"].as_str().unwrap()[..10], *"2026-01-02");
}

#[tokio::test]
async fn events_happen_at_their_time_and_refusals_are_noted() {
    let lab = Lab::new().await;
    let scenario = json!({"name": "small", "length_s": 7_200,
    "people": [{"group": "people", "phone_number": "+33612000000", "count": 3,
        "behaviour": {"on_call": "busy"}}],
    "events": [
        {"at": "00:30", "call": {"from": CALLER, "to": US}},
        {"at": "01:30", "call": {"from": ["@people"], "to": [US]}},
        {"at": "01:45", "call": {"from": "nonsense", "to": US}},
        {"between": ["00:00", "00:00"], "per_hour": 100, "call": {"from": CALLER, "to": US}},
    ]});
    let begun = play(&lab, json!({"scenario": scenario})).await;
    assert_eq!(begun["done"], json!({}));
    let calls = async || {
        let (_, state) = lab.control("GET", "/state", json!({})).await;
        state["calls"].as_object().map_or(0, serde_json::Map::len)
    };
    for (minutes, expected) in [(29, 0), (2, 1), (60, 2), (60, 2)] {
        lab.control("POST", "/clock", json!({"advance_s": minutes * 60})).await;
        assert_eq!(calls().await, expected, "{minutes}");
    }
    let (_, all) = lab.control("GET", "/scenario", json!({})).await;
    let played = &all["scenarios"][0];
    assert_eq!((&played["done"], &played["refused"]), (&json!({"call": 2}), &json!(1)));
    assert!(played["refusals"][0].as_str().unwrap().starts_with("call: "), "{played}");
    let (_, phones) = lab.control("GET", "/phones", json!({})).await;
    assert_eq!(phones["+33612000002"]["behaviour"]["on_call"], "busy");
}

#[tokio::test]
async fn a_scenario_that_cannot_be_played_is_refused_with_the_place() {
    let lab = Lab::new().await;
    let (_, before) = lab.control("GET", "/state", json!({})).await;
    for (change, place) in [
        (json!({"lenght_s": 5}), "lenght_s"),
        (json!({"length_s": -1}), "length_s"),
        (json!({"numbers": [{"group": "x", "phone_number": "12"}]}), "12"),
        (json!({"people": [{"group": "x", "phone_number": "+33612000000", "count": 0}]}), "+33612000000"),
        (json!({"events": [{"at": "8", "call": {}}]}), "events[0]"),
        (json!({"events": [{"call": {}}]}), "events[0]"),
        (json!({"events": [{"at": "08:00", "dance": {}}]}), "variant"),
        (json!({"events": [{"at": "08:00", "call": {"from": "@nobody"}}]}), "nobody"),
        (json!({"events": [{"at": "08:00", "control": {"path": "/clock"}}]}), "control"),
        (
            json!({"history": [{"count": 1, "numbers": "x", "people": "x", "bodies": [], "over_s": 1}]}),
            "history",
        ),
    ] {
        let mut scenario = json!({"name": "bad", "length_s": 60});
        scenario.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, refused) =
            lab.control("POST", "/scenario", json!({"scenario": scenario, "seed": 5})).await;
        assert_eq!(status, 400, "{change}");
        assert!(refused["error"].as_str().unwrap().contains(place), "{place}: {refused}");
    }
    assert_eq!(lab.control("GET", "/state", json!({})).await.1, before, "nothing begins");
}

#[tokio::test]
async fn past_messages_are_listed_and_the_load_can_be_scaled() {
    let lab = Lab::new().await;
    let mut load: Value = serde_json::from_str(include_str!("../../scenarios/load.json")).unwrap();
    load["numbers"][0]["count"] = json!(20);
    load["history"][0]["count"] = json!(1_000);
    load["events"] = json!([]);
    play(&lab, json!({"scenario": load, "seed": 2})).await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(state["message_count"], 1_000);
    let account = state["accounts"].as_array().unwrap().last().unwrap();
    let (sid, token) = (account["sid"].as_str().unwrap(), account["auth_token"].as_str().unwrap());
    let path = format!("/2010-04-01/Accounts/{sid}/Messages.json?PageSize=2&To=%2B12125000000");
    let (status, list) = lab.twilio_as(sid, token, "GET", &path, &[]).await;
    assert_eq!(status, 200, "{list}");
    let first = &list["messages"][0];
    assert_eq!((&first["direction"], &first["status"]), (&json!("inbound"), &json!("received")));
    assert!(first["price"].as_str().unwrap().starts_with('-'));
    assert!(list["next_page_uri"].is_string());
}

#[tokio::test]
async fn a_sandbox_can_start_with_a_scenario() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/clinic.json");
    let start = async |file: &str| {
        let options = Options { seed: Some(4), scenario: Some(file.into()), ..Options::default() };
        Sandbox::open("127.0.0.1:0".parse().unwrap(), options).await
    };
    let sandbox = start(file).await.unwrap();
    let lab = Lab::new().await;
    let shown = lab.http.get(format!("{}/sandbox/scenario", sandbox.url())).send().await.unwrap();
    let shown: Value = shown.json().await.unwrap();
    assert_eq!(shown["scenarios"][0]["name"], "a day at a clinic");
    assert!(start("/no/such/file.json").await.is_err());
}

#[tokio::test]
async fn groups_that_are_too_large_to_count_are_refused() {
    let lab = Lab::new().await;
    let people: Vec<Value> = (0..5_000)
        .map(|_| json!({"group": "people", "phone_number": "+14155550100", "count": 1_000_000}))
        .collect();
    let scenario = json!({"name": "crowd", "length_s": 60,
        "numbers": [{"group": "ours", "phone_number": "+14155553000"}], "people": people,
        "history": [{"count": 1, "numbers": "ours", "people": "people", "bodies": ["Hi"], "over_s": 60}]});
    let (status, answer) = lab.control("POST", "/scenario", json!({"scenario": scenario})).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("people"), "{answer}");
}

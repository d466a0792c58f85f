//! The watch (requirement A10): a drift is found, shown and announced within one interval, told apart from an outage,
//! and repaired where the organisation chose so. A minute of these tests' watch lasts a fraction of a second.

use crate::receiver::Receiver;
use dialtone_domain::Role;
use dialtone_testkit::{ACCOUNT, Engine, FRENCH, MailServer, NUMBER, TOKEN, TestServer, on_each_engine};
use serde_json::{Value, json};
use std::time::Duration;

const ELSEWHERE: &str = "https://example.com/voice";

fn quick(config: &mut dialtone_app::Config) {
    config.minute = Duration::from_millis(150);
}

/// What the path answers once it is as wanted; twenty seconds are an age.
pub(crate) async fn wait_for(world: &TestServer, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    loop {
        let body = world.owner.get(path).await.expect(200).body;
        if is(&body) {
            return body;
        }
        assert!(tokio::time::Instant::now() < deadline, "{path} stays {body}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn set(world: &TestServer, interval: u32, repair: &str) {
    let change = json!({ "interval_minutes": interval, "repair": repair });
    world.owner.patch("/api/v1/watch", change).await.expect(200);
}

/// The line of [`NUMBER`] is watched: it was looked at since now.
async fn watched(world: &TestServer) -> String {
    let imported = world.import().await;
    let id = imported["phone"]["line_id"].as_str().unwrap().to_owned();
    set(world, 2, "").await;
    looked_at(world).await;
    id
}

/// Waits until every line was looked at once more.
pub(crate) async fn looked_at(world: &TestServer) {
    let now = dialtone_app::clock::now().to_string();
    let later = |body: &Value| body["watch"]["oldest_look"].as_str().is_some_and(|at| at > now.as_str());
    wait_for(world, "/api/v1/watch", later).await;
}

async fn alerts(world: &TestServer, query: &str) -> Vec<Value> {
    let body = world.owner.get(&format!("/api/v1/alerts{query}")).await.expect(200).body;
    body["alerts"].as_array().unwrap().iter().filter(|alert| alert["kind"] != "watch_late").cloned().collect()
}

fn open_kinds(body: &Value) -> Vec<&str> {
    let open = body["alerts"].as_array().unwrap().iter().filter(|alert| alert["resolved_at"].is_null());
    open.filter_map(|alert| alert["kind"].as_str()).filter(|kind| *kind != "watch_late").collect()
}

/// Imports the account's second number, too.
async fn two_lines(world: &TestServer) {
    watched(world).await;
    let body = json!({ "phone_number": FRENCH });
    world.owner.post("/api/v1/phone-numbers/import-twilio", body).await.expect(201);
    set(world, 2, "").await;
    looked_at(world).await;
}

async fn add_webhook(world: &TestServer, receiver: &Receiver) -> Value {
    let body = json!({ "url": receiver.url(), "description": "pager" });
    world.owner.post("/api/v1/alert-webhooks", body).await.expect(201).body
}

on_each_engine! { with quick;
    async fn a10_a_drift_is_in_the_diary_and_announced_within_one_interval(world: TestServer) {
        let receiver = Receiver::start(&[]).await;
        add_webhook(&world, &receiver).await;
        let line = watched(&world).await;
        let diary = format!("/api/v1/lines/{line}/diary");
        assert_eq!(world.owner.get(&diary).await.expect(200).body["entries"], json!([]), "nothing but our own import");
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let found = wait_for(&world, &diary, |body| body["entries"][0].is_object()).await;
        assert_eq!(found["entries"].as_array().unwrap().len(), 1, "{found}");
        let entry = &found["entries"][0];
        let change = &entry["changes"][0];
        assert_eq!((&change["provider"], &change["field"], &change["to"]), (&json!("twilio"), &json!("voice_url"), &json!(ELSEWHERE)));
        assert!(change["from"].as_str().unwrap().contains("vapi.ai"), "{change}");
        assert_eq!((&entry["cause_before"], &entry["cause_after"]), (&Value::Null, &json!("webhook_elsewhere")));
        assert_eq!((&entry["actor"]["kind"], &entry["health"]), (&json!("outside"), &json!("failing")));
        assert!(entry["changed_at"].is_string(), "Twilio says when: {entry}");
        let [before, seen] = ["seen_before", "seen_at"].map(|at| entry[at].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
        // Twice what it is set to leaves room for a busy machine.
        assert!(seen.duration_since(before) <= jiff::SignedDuration::from_millis(600), "{before} {seen}");
        let shown = wait_for(&world, "/api/v1/alerts?open=true", |body| open_kinds(body) == ["line_broken"]).await;
        assert_eq!((&shown["alerts"][0]["subject"], &shown["alerts"][0]["severity"]), (&json!(line), &json!("critical")));
        let told = receiver.next().await;
        assert_eq!((&told.body["type"], &told.body["data"]["kind"]), (&json!("alert.opened"), &json!("line_broken")));
        assert_eq!(told.body["data"]["id"], shown["alerts"][0]["id"]);

        // A repair by hand is in the diary as ours, closes the alert, and that is told as well.
        world.owner.post(&format!("/api/v1/lines/{line}/repair"), json!({})).await.expect(200);
        let found = world.owner.get(&diary).await.expect(200).body;
        let entry = &found["entries"][0];
        assert_eq!((&entry["cause_after"], &entry["changes"][0]["from"]), (&Value::Null, &json!(ELSEWHERE)));
        assert_eq!(entry["actor"]["kind"], "token", "{entry}");
        assert!(entry["operation_id"].is_string());
        assert_eq!(open_kinds(&world.owner.get("/api/v1/alerts").await.body), [""; 0]);
        assert_eq!(receiver.next().await.body["type"], "alert.resolved");
        assert_eq!(receiver.count(), 2, "once per change");
        let events = world.owner.get("/api/v1/audit?kind=line.drifted").await.expect(200).body;
        assert_eq!(events["entries"].as_array().unwrap().len(), 1, "{events}");
    }

    async fn a10_an_outage_is_one_alert_and_no_drift(world: TestServer) {
        two_lines(&world).await;
        world.sandbox.control("faults", json!({ "path": "^/vapi/", "fault": { "status": 503 } })).await;
        let shown = wait_for(&world, "/api/v1/alerts?open=true", |body| !open_kinds(body).is_empty()).await;
        assert_eq!(open_kinds(&shown), ["provider_down"]);
        looked_at(&world).await;
        let shown = alerts(&world, "").await;
        assert_eq!(shown.len(), 1, "one, not one per line: {shown:?}");
        assert_eq!((&shown[0]["kind"], &shown[0]["subject"]), (&json!("provider_down"), &json!("vapi")));
        let lines = world.owner.get("/api/v1/lines").await.expect(200).body;
        for line in lines["lines"].as_array().unwrap() {
            assert_eq!(line["health"], "working", "as it was last seen");
            assert!(line["unknown_since"].is_string(), "{line}");
        }
        world.sandbox.heal().await;
        wait_for(&world, "/api/v1/alerts", |body| open_kinds(body).is_empty()).await;
        let known = |body: &Value| body["lines"].as_array().unwrap().iter().all(|line| line["unknown_since"].is_null());
        let lines = wait_for(&world, "/api/v1/lines", known).await;
        for line in lines["lines"].as_array().unwrap() {
            let diary = format!("/api/v1/lines/{}/diary", line["id"].as_str().unwrap());
            assert_eq!(world.owner.get(&diary).await.expect(200).body["entries"], json!([]));
        }
    }

    async fn a10_a_refused_credential_is_one_alert_until_a_new_one_is_saved(world: TestServer) {
        two_lines(&world).await;
        let account = world.sandbox.control(&format!("accounts/{ACCOUNT}"), json!({ "rotate_token": true })).await;
        let shown = wait_for(&world, "/api/v1/alerts?open=true", |body| !open_kinds(body).is_empty()).await;
        assert_eq!(open_kinds(&shown), ["credential_refused"]);
        assert_eq!(shown["alerts"][0]["subject"], format!("twilio:{ACCOUNT}"));
        looked_at(&world).await;
        assert_eq!(alerts(&world, "").await.len(), 1);
        let token = account["auth_token"].as_str().unwrap();
        assert_ne!(token, TOKEN);
        let body = json!({ "account_sid": ACCOUNT, "auth_token": token });
        world.owner.put("/api/v1/twilio-settings", body).await.expect(200);
        wait_for(&world, "/api/v1/alerts", |body| open_kinds(body).is_empty()).await;
    }

    async fn a10_what_no_line_depends_on_any_more_is_over(world: TestServer) {
        two_lines(&world).await;
        world.sandbox.control(&format!("accounts/{ACCOUNT}"), json!({ "rotate_token": true })).await;
        world.sandbox.control("faults", json!({ "path": "^/vapi/", "fault": { "status": 503 } })).await;
        wait_for(&world, "/api/v1/alerts?open=true", |body| open_kinds(body).len() == 2).await;
        let remove = async |number: &str| {
            let number = number.replace('+', "%2B");
            world.owner.delete(&format!("/api/v1/lines/{number}?confirm={number}&forget=true")).await.expect(200)
        };
        remove(FRENCH).await;
        let shown = world.owner.get("/api/v1/alerts?open=true").await.expect(200).body;
        assert_eq!(open_kinds(&shown).len(), 2, "the other line still depends on them: {shown}");
        remove(NUMBER).await;
        wait_for(&world, "/api/v1/watch", |body| body["watch"]["open_alerts"] == 0).await;
    }

    async fn a10_a_repair_is_not_overwritten_by_what_was_read_before_it(world: TestServer) {
        world.import().await;
        // Of four lines on, they are read together.
        for number in ["+14155550101", "+14155550102", FRENCH] {
            if number != FRENCH {
                world.sandbox.control("numbers", json!({ "phone_number": number, "account_sid": ACCOUNT })).await;
            }
            let body = json!({ "phone_number": number });
            world.owner.post("/api/v1/phone-numbers/import-twilio", body).await.expect(201);
        }
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let lists = || async {
            let requests = world.sandbox.requests().await;
            let list = |row: &&Value| row["method"] == "GET" && row["path"].as_str().unwrap().ends_with("/IncomingPhoneNumbers.json");
            requests.iter().filter(list).count()
        };
        // Twilio answers with what was there before, late.
        let before = lists().await;
        world.sandbox.fault("GET", "/IncomingPhoneNumbers.json$", 1, json!({ "delay_ms": 1500 })).await;
        set(&world, 2, "").await;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
        while lists().await == before {
            assert!(tokio::time::Instant::now() < deadline, "the watch does not read the numbers");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let repaired = world.owner.post("/api/v1/lines/%2B14155552671/repair", json!({})).await.expect(200).body;
        assert_eq!(repaired["operation"]["state"], "succeeded", "{repaired}");
        looked_at(&world).await;
        assert_eq!(alerts(&world, "").await, [Value::Null; 0]);
        let diary = world.owner.get("/api/v1/lines/%2B14155552671/diary").await.expect(200).body;
        assert_eq!(diary["entries"], json!([]), "nobody outside has done anything since");
    }

    async fn a10_what_comes_and_goes_is_told_once(world: TestServer) {
        let receiver = Receiver::start(&[]).await;
        add_webhook(&world, &receiver).await;
        let line = watched(&world).await;
        let good = world.sandbox.twilio_number(NUMBER).await["voice_url"].as_str().unwrap().to_owned();
        let look = format!("/api/v1/lines/{line}/look");
        // The watch itself would look in between.
        world.owner.patch("/api/v1/watch", json!({ "interval_minutes": 1440 })).await.expect(200);
        looked_at(&world).await;
        for url in [ELSEWHERE, &good, ELSEWHERE, &good, ELSEWHERE] {
            world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", url)]).await;
            world.owner.post(&look, json!({})).await.expect(200);
        }
        assert_eq!(receiver.next().await.body["type"], "alert.opened");
        let shown = alerts(&world, "").await;
        assert_eq!(shown.len(), 1, "the same alert: {shown:?}");
        assert_eq!(shown[0]["resolved_at"], Value::Null);
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", &good)]).await;
        world.owner.post(&look, json!({})).await.expect(200);
        assert_eq!(receiver.next().await.body["type"], "alert.resolved");
        assert_eq!(receiver.count(), 2);
    }

    async fn a10_the_last_call_is_read_with_all_others(world: TestServer) {
        let line = watched(&world).await;
        let call = world.sandbox.call(NUMBER).await;
        assert_eq!(call["outcome"], "answered");
        let path = format!("/api/v1/lines/{line}");
        let told = |body: &Value| body["checks"][5]["found"] == call["ended_reason"];
        let seen = wait_for(&world, &path, told).await;
        assert_eq!(seen["line"]["health"], "working");
    }
}

/// Pauses between repairs are long.
fn brisk(config: &mut dialtone_app::Config) {
    config.minute = Duration::from_millis(40);
}

on_each_engine! { with brisk;
    async fn a10_what_was_chosen_is_repaired_and_a_fight_is_given_up(world: TestServer) {
        let line = watched(&world).await;
        set(&world, 2, "webhook_elsewhere").await;
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceMethod", "GET")]).await;
        let diary = format!("/api/v1/lines/{line}/diary");
        wait_for(&world, &diary, |body| body["entries"][0]["cause_after"] == "webhook_method").await;
        looked_at(&world).await;
        let operations = format!("/api/v1/operations?line={line}");
        let repairs = |body: &Value| {
            let all = body["operations"].as_array().unwrap();
            all.iter().filter(|one| one["kind"] == "self_repair" && one["state"] == "succeeded").count()
        };
        assert_eq!(repairs(&world.owner.get(&operations).await.body), 0, "this kind was not chosen");
        for round in 1..=3 {
            world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
            wait_for(&world, &operations, |body| repairs(body) == round).await;
            assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered");
        }
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let shown = wait_for(&world, "/api/v1/alerts?open=true", |body| open_kinds(body).contains(&"repair_fight")).await;
        assert_eq!(open_kinds(&shown).len(), 2, "and the line is broken: {shown}");
        looked_at(&world).await;
        assert_eq!(repairs(&world.owner.get(&operations).await.body), 3);
        assert_eq!(world.sandbox.twilio_number(NUMBER).await["voice_url"], ELSEWHERE, "left alone");
        let entries = world.owner.get(&diary).await.expect(200).body["entries"].clone();
        let watch = entries.as_array().unwrap().iter().filter(|entry| entry["actor"]["name"] == "watch").count();
        assert_eq!(watch, 3, "{entries}");
    }
}

on_each_engine! {
    async fn a10_alerts_are_acknowledged_and_settings_have_their_limits(world: TestServer) {
        let imported = world.import().await;
        let line = imported["phone"]["line_id"].as_str().unwrap();
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        world.owner.get(&format!("/api/v1/lines/{line}/checks")).await.expect(200);
        assert_eq!(world.owner.get("/api/v1/alerts").await.body["alerts"], json!([]), "to ask is not to look");
        let look = format!("/api/v1/lines/{line}/look");
        let agent = world.member(Role::Agent).await;
        let seen = agent.post(&look, json!({})).await.expect(200).body;
        assert_eq!(seen["doctor"]["healthy"], false);
        let shown = world.owner.with("accept-language", "fr").get("/api/v1/alerts").await.expect(200).body;
        let alert = &shown["alerts"][0];
        assert!(alert["title"].as_str().unwrap().contains("ne répond pas"), "{alert}");
        assert!(alert["detail"].as_str().unwrap().contains("Vapi"), "why, in the reader's language: {alert}");
        let path = format!("/api/v1/alerts/{}/acknowledge", alert["id"].as_str().unwrap());
        world.member(Role::Viewer).await.post(&path, json!({})).await.problem(403, "forbidden");
        let known = agent.post(&path, json!({})).await.expect(200).body;
        assert_eq!(known["alert"]["acknowledged_by"]["name"], "agent");
        let again = world.owner.post(&path, json!({})).await.expect(200).body;
        assert_eq!(again["alert"]["acknowledged_by"]["name"], "agent", "the first who knew");
        world.stranger().await.post(&path, json!({})).await.problem(404, "not_found");

        let watch = world.owner.get("/api/v1/watch").await.expect(200).body["watch"].clone();
        assert_eq!((&watch["interval_minutes"], &watch["repair"], &watch["lines"]), (&json!(15), &json!([]), &json!(1)));
        for body in [json!({ "interval_minutes": 0 }), json!({ "interval_minutes": 1441 }), json!({ "repair": "vapi_missing" }), json!({ "repair": "nonsense" })] {
            world.owner.patch("/api/v1/watch", body).await.problem(400, "invalid_request");
        }
        let set = world.owner.patch("/api/v1/watch", json!({ "repair": "not_linked webhook_empty" })).await.expect(200).body;
        assert_eq!(set["watch"]["repair"], json!(["not_linked", "webhook_empty"]));
        let mail = world.owner.get("/api/v1/alert-mail").await.expect(200).body["alert_mail"].clone();
        assert_eq!(mail, json!({ "wanted": false, "available": false, "email": "owner@example.com" }));
        world.owner.delete(&format!("/api/v1/lines/{line}?confirm=%2B14155552671&forget=true")).await.expect(200);
        assert_eq!(open_kinds(&world.owner.get("/api/v1/alerts").await.body), [""; 0], "nothing is left of a removed line");
    }

    async fn a10_a_webhook_is_signed_tried_again_and_ended_by_410(world: TestServer) {
        let forbidden = ["http://example.com/x", "https://10.0.0.1/", "https://user@127.0.0.1:1/"];
        for url in forbidden {
            let answer = world.owner.post("/api/v1/alert-webhooks", json!({ "url": url })).await;
            assert_eq!(answer.status, 400, "{url}: {}", answer.text);
        }
        let receiver = Receiver::start(&[200, 410]).await;
        let added = add_webhook(&world, &receiver).await;
        let secret = added["secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_"));
        let id = added["webhook"]["id"].as_str().unwrap();
        let listed = world.owner.get("/api/v1/alert-webhooks").await.expect(200);
        assert!(!listed.text.contains(secret), "shown once");
        let test = format!("/api/v1/alert-webhooks/{id}/test");
        assert_eq!(world.owner.post(&test, json!({})).await.expect(200).body["status"], 200);
        let told = receiver.next().await;
        assert!(told.is_signed(secret) && !told.is_signed("whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"));
        world.owner.post(&test, json!({})).await.problem(502, "webhook_failed");
        world.owner.delete(&format!("/api/v1/alert-webhooks/{id}")).await.expect(200);
        world.owner.post(&test, json!({})).await.problem(404, "not_found");
    }
}

on_each_engine! { with quick;
    async fn a10_a_message_is_tried_until_it_arrives_and_keeps_its_id(world: TestServer) {
        let receiver = Receiver::start(&[500, 0, 200, 410]).await;
        let added = add_webhook(&world, &receiver).await;
        let secret = added["secret"].as_str().unwrap();
        let line = watched(&world).await;
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let tries = [receiver.next().await, receiver.next().await, receiver.next().await];
        for told in &tries {
            assert!(told.is_signed(secret));
            assert_eq!(told.id, tries[0].id);
        }
        let list = "/api/v1/alert-webhooks";
        let shown = wait_for(&world, list, |body| body["webhooks"][0]["last_arrived"] == true).await;
        assert_eq!(shown["webhooks"][0]["last_error"], Value::Null);
        world.owner.post(&format!("/api/v1/lines/{line}/repair"), json!({})).await.expect(200);
        let over = receiver.next().await;
        assert_eq!(over.body["type"], "alert.resolved");
        let gone = wait_for(&world, list, |body| body["webhooks"][0]["last_error"] == "HTTP 410").await;
        assert!(gone["webhooks"][0]["gone_at"].is_string());
        // Nothing more is sent there.
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        wait_for(&world, "/api/v1/alerts?open=true", |body| open_kinds(body) == ["line_broken"]).await;
        looked_at(&world).await;
        assert_eq!(receiver.count(), 4);
    }
}

/// The messages that were not sent yet.
async fn waiting(world: &TestServer) -> Vec<Value> {
    let rows = world.database().rows().remove("deliveries").unwrap_or_default();
    rows.into_iter().filter(|row| row["finished_at"].is_null()).collect()
}

/// Waits until every message was sent.
async fn none_waits(world: &TestServer) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    while !waiting(world).await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", waiting(world).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a10_mails_wait_for_a_mail_server_that_is_down_and_arrive_once_together() {
    let Some(mut mail) = MailServer::start(&[]) else { return };
    let port = mail.port;
    let with_mail = |config: &mut dialtone_app::Config| {
        quick(config);
        let url = format!("smtp://127.0.0.1:{port}").into();
        config.mail =
            Some(dialtone_app::MailConfig { url, from: "Dialtone <dialtone@example.com>".to_owned() });
    };
    let world = TestServer::start_with(Engine::Sqlite, with_mail).await.unwrap();
    world.owner.patch("/api/v1/organisation", json!({ "language": "fr" })).await.expect(200);
    let asked = world.owner.put("/api/v1/alert-mail", json!({ "wanted": true })).await.expect(200).body;
    assert_eq!(
        asked["alert_mail"],
        json!({ "wanted": true, "available": true, "email": "owner@example.com" })
    );
    let line = watched(&world).await;
    world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
    let ((envelope, raw), mail) = tokio::task::spawn_blocking(move || (mail.taken(), mail)).await.unwrap();
    // That it was taken has been answered, too.
    none_waits(&world).await;
    drop(mail);
    assert_eq!(envelope["to"], json!(["owner@example.com"]));
    assert!(raw.contains("Auto-Submitted: auto-generated") && raw.contains("/alerts"), "{raw}");
    // The mail server is down now: what happens meanwhile waits, and is told together.
    world.owner.post(&format!("/api/v1/lines/{line}/repair"), json!({})).await.expect(200);
    looked_at(&world).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    while !waiting(&world).await.iter().any(|row| row["attempt"].as_i64() >= Some(1)) {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", waiting(&world).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut mail = MailServer::start(&["--port", &port.to_string()]).unwrap();
    let (raw, _mail) = tokio::task::spawn_blocking(move || (mail.taken().1, mail)).await.unwrap();
    assert!(raw.contains("To: owner@example.com"), "{raw}");
    none_waits(&world).await;
    let rows = world.database().rows().remove("deliveries").unwrap();
    assert_eq!(rows.len(), 2, "opened and resolved, each once: {rows:?}");
    assert!(rows.iter().all(|row| row["delivered"] == 1 || row["delivered"] == true), "{rows:?}");
}

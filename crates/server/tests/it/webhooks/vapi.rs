//! Vapi's messages: cases T02, T07 and T08.

use super::{count, rows, tape};
use crate::matrix::objects::Organisation;
use dialtone_testkit::{Answer, Client, TestServer, on_each_engine};
use reqwest::Method;
use serde_json::{Value, json};

const SECRET: &str = "a secret for the events of a line";

/// A line whose events come here, and the ids that Vapi has for it.
struct Line {
    path: String,
    number: Value,
}

impl Line {
    async fn of(world: &TestServer, owner: &Client, id: &str, secret: &str) -> Self {
        let path = format!("/webhooks/vapi/{id}");
        let change = json!({ "server_url": format!("{}{path}", world.url()), "server_secret": secret });
        owner.patch(&format!("/api/v1/lines/{id}"), change).await.expect(200);
        let line = owner.get(&format!("/api/v1/lines/{id}")).await.expect(200).body["line"].clone();
        let number = world.sandbox.state().await["orgs"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|org| {
                org["phone_numbers"].as_array().or(org["numbers"].as_array()).into_iter().flatten()
            })
            .find(|number| number["id"] == line["vapi_phone_id"])
            .unwrap_or_else(|| panic!("no {} in the sandbox", line["vapi_phone_id"]))
            .clone();
        Self { path, number }
    }

    /// The end of a call.
    fn report(&self, call: &str) -> Value {
        let number = &self.number;
        json!({ "message": {
            "type": "end-of-call-report", "endedReason": "customer-ended-call", "timestamp": 1_787_220_000_123_u64,
            "call": { "id": call, "orgId": number["orgId"], "phoneNumberId": number["id"], "assistantId": number["assistantId"] },
            "phoneNumber": { "id": number["id"], "orgId": number["orgId"], "number": number["number"],
                             "twilioAuthToken": "a token that nobody may keep" },
            "assistant": { "id": number["assistantId"], "orgId": number["orgId"] },
            "customer": { "number": "+14155550100" }, "artifact": { "transcript": "Good day!" },
        }})
    }
}

async fn send(client: &Client, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let request =
        client.request(Method::POST, path).header("content-type", "application/json").body(body.to_string());
    client.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

const CALL: &str = "01990000-0000-7000-8000-000000000002";

on_each_engine! {
    async fn t07_only_who_knows_the_lines_secret_is_believed(world: TestServer) {
        let id = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        let line = Line::of(&world, &world.owner, &id, SECRET).await;
        let (nobody, report) = (world.nobody(), line.report(CALL));
        let before = rows(&world);
        let (bearer, lower) = (format!("Bearer {SECRET}"), format!("bearer {SECRET}"));
        let hmac = dialtone_testkit::hmac_sha256(SECRET, &format!("1787220000123.{report}"));
        let other = dialtone_testkit::hmac_sha256(SECRET, &format!("1787220000123.{}", line.report("01990000-0000-7000-8000-000000000003")));
        let wrong: [&[(&str, &str)]; 12] = [
            &[],
            &[("x-dialtone-secret", "")],
            &[("x-dialtone-secret", "wrong")],
            &[("x-dialtone-secret", &SECRET[1..])],
            &[("x-dialtone-secret", SECRET), ("x-dialtone-secret", SECRET)],
            &[("x-dialtone-secret", SECRET), ("x-vapi-secret", "wrong")],
            &[("x-vapi-secret", &bearer)],
            &[("authorization", SECRET)],
            &[("authorization", &lower)],
            &[("authorization", &bearer), ("authorization", &bearer)],
            &[("x-signature", &other), ("x-timestamp", "1787220000123")],
            &[("x-signature", &hmac), ("x-timestamp", "1787220000124")],
        ];
        for headers in wrong {
            let answer = send(&nobody, &line.path, headers, &report).await;
            assert_eq!((answer.status, answer.code()), (401, "webhook_unproved"), "{headers:?}");
        }
        assert_eq!(rows(&world), before);
        assert!(tape(&world.owner, "provider=vapi").await.iter().all(|entry| entry["outcome"] == "refused" && entry["bytes"] != 0));
        let right: [&[(&str, &str)]; 4] = [
            &[("x-dialtone-secret", SECRET)],
            &[("x-vapi-secret", SECRET), ("x-forwarded-for", "203.0.113.9")],
            &[("authorization", &bearer)],
            &[("x-signature", &hmac), ("x-timestamp", "1787220000123")],
        ];
        for headers in right {
            assert_eq!(send(&nobody, &line.path, headers, &report).await.expect(200).text, "{}");
        }
        assert_eq!(count(&world, "inbound"), 1, "four ways to tell one thing");
        let entry = &tape(&world.owner, "outcome=accepted&provider=vapi").await[0];
        assert_eq!(entry["repeats"], 3);
        let opened = world.owner.post(&format!("/api/v1/tape/{}/open", entry["id"].as_str().unwrap()), json!({})).await.expect(200);
        assert!(opened.text.contains("Good day!") && !opened.text.contains("nobody may keep"), "{}", opened.text);
    }

    async fn t02_a_line_without_a_secret_believes_nobody(world: TestServer) {
        let id = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        let path = format!("/webhooks/vapi/{id}");
        let body = json!({ "message": { "type": "status-update", "status": "ended", "call": { "id": CALL } } });
        let empty: [&[(&str, &str)]; 4] = [&[], &[("x-vapi-secret", "")], &[("authorization", "Bearer ")], &[("x-dialtone-secret", "null")]];
        for headers in empty {
            send(&world.nobody(), &path, headers, &body).await.problem(401, "webhook_unproved");
        }
        let entries = tape(&world.owner, "provider=vapi").await;
        assert_eq!(entries[0]["refusal"]["code"], "secret_unset");
        assert_eq!(count(&world, "inbound"), 0);
        let line = Line::of(&world, &world.owner, &id, SECRET).await;
        send(&world.nobody(), &line.path, &[("x-vapi-secret", SECRET)], &line.report(CALL)).await.expect(200);
    }

    async fn t08_what_is_not_the_organisations_is_set_aside(world: TestServer) {
        let ours = Organisation::first(&world, "amsel").await;
        let stranger = world.stranger().await;
        let theirs = Organisation::second(&world, stranger, "kanarienvogel").await;
        let our_line = Line::of(&world, &ours.owner, &ours.things["line"], SECRET).await;
        let their_line = Line::of(&world, &theirs.owner, &theirs.things["line"], "another secret for another line").await;
        let nobody = world.nobody();
        let proof: [(&str, &str); 1] = [("x-dialtone-secret", SECRET)];
        // The other organisation has a call.
        let their_call = "01990000-0000-7000-8000-0000000000ff";
        let their_proof = [("x-dialtone-secret", "another secret for another line")];
        send(&nobody, &their_line.path, &their_proof, &their_line.report(their_call)).await.expect(200);
        let before = rows(&world);
        let (good, foreign) = (our_line.report(CALL), their_line.report(their_call));
        let places = [
            "/call/id", "/call/orgId", "/call/phoneNumberId", "/call/assistantId", "/phoneNumber/id", "/phoneNumber/orgId",
            "/phoneNumber/number", "/assistant/id", "/assistant/orgId",
        ];
        for place in places {
            for other in [foreign["message"].pointer(place).unwrap().clone(), json!("01990000-0000-7000-8000-00000000dead")] {
                // A call that nobody has heard of is a new one; everything else has to be known.
                if place == "/call/id" && other != json!(their_call) {
                    continue;
                }
                let mut swapped = good.clone();
                *swapped["message"].pointer_mut(place).unwrap() = other.clone();
                let answer = send(&nobody, &our_line.path, &proof, &swapped).await;
                assert_eq!((answer.status, answer.code()), (403, "webhook_refused"), "{place} {other}");
            }
        }
        send(&nobody, &our_line.path, &proof, &foreign).await.problem(403, "webhook_refused");
        send(&nobody, &their_line.path, &proof, &good).await.problem(401, "webhook_unproved");
        assert_eq!(rows(&world), before, "nothing was adopted");
        let aside = tape(&ours.owner, "provider=vapi&outcome=refused").await;
        assert!(aside.len() >= places.len() && aside.iter().all(|entry| entry["refusal"]["code"] == "id_unknown"), "{aside:?}");
        send(&nobody, &our_line.path, &proof, &good).await.expect(200);
        assert_eq!(count(&world, "inbound"), before["inbound"].len() + 1);
    }

    async fn d7_vapi_reports_a_call_to_its_line(world: TestServer) {
        let id = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        Line::of(&world, &world.owner, &id, SECRET).await;
        let call = world.sandbox.call(dialtone_testkit::NUMBER).await;
        assert_eq!(call["outcome"], "answered", "{call}");
        world.sandbox.control("clock", json!({ "advance_s": 600 })).await;
        let mut events = world.app.event_wakeups();
        let found = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            loop {
                let entries = tape(&world.owner, "provider=vapi&limit=100").await;
                if entries.iter().any(|entry| entry["about"]["type"] == "end-of-call-report") {
                    return entries;
                }
                let _ = tokio::time::timeout(std::time::Duration::from_millis(100), events.changed()).await;
            }
        });
        let entries = found.await.expect("the report comes");
        assert!(entries.iter().all(|entry| entry["outcome"] == "accepted" && entry["line_id"] == json!(id)), "{entries:?}");
    }
}

//! The tape: who sees what, and replays.

use super::{SMS, Twilio, count, sid, tape, text};
use dialtone_domain::Role;
use dialtone_testkit::{ACCOUNT, FRENCH, NUMBER, TOKEN, on_each_engine};
use serde_json::json;

on_each_engine! {
    async fn a_refused_text_is_shown_with_its_reason_and_replayed_once_that_is_mended(world: TestServer) {
        world.import().await;
        let twilio = Twilio::new(&world, TOKEN);
        // A number of the account that is no line yet.
        let sent = text(1, ACCOUNT, FRENCH);
        twilio.send(SMS, &sent).await.problem(403, "webhook_refused");
        let entry = tape(&world.owner, "outcome=refused").await[0].clone();
        assert_eq!(entry["refusal"]["code"], "number_unknown");
        assert!(entry["refusal"]["remedy"].as_str().unwrap().contains("Add the number as a line"), "{entry}");
        assert_eq!((&entry["request"], &entry["is_whole"]), (&json!(null), &json!(true)));
        let path = format!("/api/v1/tape/{}", entry["id"].as_str().unwrap());
        let french = world.owner.with("accept-language", "fr").get(&path).await.expect(200);
        assert!(french.body["entry"]["refusal"]["summary"].as_str().unwrap().contains("aucune de vos lignes"), "{}", french.text);
        let still = world.owner.post(&format!("{path}/replay"), json!({})).await.expect(200);
        assert_eq!((&still.body["is_news"], &still.body["entry"]["outcome"]), (&json!(false), &json!("refused")));
        assert_eq!(count(&world, "inbound"), 0);

        world.owner.post("/api/v1/phone-numbers/import-twilio", json!({ "phone_number": FRENCH })).await.expect(201);
        for is_news in [true, false] {
            let replayed = world.owner.post(&format!("{path}/replay"), json!({})).await.expect(200);
            assert_eq!((&replayed.body["is_news"], &replayed.body["entry"]["outcome"]), (&json!(is_news), &json!("accepted")));
            assert!(replayed.body["entry"]["line_id"].is_string());
            assert_eq!(count(&world, "inbound"), 1);
        }
        // Twilio's own second try is the same text.
        twilio.send(SMS, &sent).await.expect(200);
        assert_eq!(count(&world, "inbound"), 1);
        let trail = world.owner.get("/api/v1/audit?kind=tape.").await.expect(200);
        assert_eq!(trail.body["entries"].as_array().or(trail.body["events"].as_array()).map(Vec::len), Some(2), "{}", trail.text);
    }

    async fn what_is_kept_is_opened_by_who_may_and_by_nobody_else(world: TestServer) {
        world.import().await;
        Twilio::new(&world, TOKEN).send(SMS, &text(1, ACCOUNT, NUMBER)).await.expect(200);
        let entry = tape(&world.owner, "").await[0].clone();
        assert!(!entry.to_string().contains("suite free") && !entry.to_string().contains("5552671"), "{entry}");
        let path = format!("/api/v1/tape/{}", entry["id"].as_str().unwrap());
        let opened = world.owner.post(&format!("{path}/open"), json!({})).await.expect(200);
        let request = &opened.body["entry"]["request"];
        assert!(request["body"].as_str().unwrap().contains("suite+free"), "{request}");
        let names: Vec<_> = request["headers"].as_array().unwrap().iter().map(|header| header["name"].clone()).collect();
        assert!(names.contains(&json!("x-twilio-signature")) && !names.contains(&json!("authorization")), "{names:?}");
        let agent = world.member(Role::Agent).await;
        agent.get(&path).await.expect(200);
        agent.post(&format!("{path}/open"), json!({})).await.problem(403, "forbidden");
        agent.post(&format!("{path}/replay"), json!({})).await.problem(403, "forbidden");
        let stranger = world.stranger().await;
        for (client, path) in [(&stranger, path.clone()), (&world.owner, "/api/v1/tape/01890000-0000-7000-8000-000000000000".to_owned())] {
            client.get(&path).await.problem(404, "not_found");
            client.post(&format!("{path}/open"), json!({})).await.problem(404, "not_found");
            client.post(&format!("{path}/replay"), json!({})).await.problem(404, "not_found");
        }
        assert_eq!(tape(&stranger, "").await, [json!(null); 0]);
        let sealed = &world.database().rows()["tape"][0];
        assert!(!sealed.to_string().contains("suite"), "{sealed}");
    }

    async fn the_tape_is_searched_page_by_page(world: TestServer) {
        let line = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        let twilio = Twilio::new(&world, TOKEN);
        for number in 1..=5 {
            twilio.send(SMS, &text(number, ACCOUNT, NUMBER)).await.expect(200);
        }
        twilio.send_with(SMS, &text(6, ACCOUNT, NUMBER), &[]).await.problem(403, "webhook_refused");
        let first = world.owner.get("/api/v1/tape?limit=4").await.expect(200).body;
        let rest = world.owner.get(&format!("/api/v1/tape?limit=4&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200).body;
        assert_eq!((first["entries"].as_array().unwrap().len(), rest["entries"].as_array().unwrap().len(), &rest["next_cursor"]), (4, 2, &json!(null)));
        for (query, found) in [
            ("outcome=accepted", 5),
            ("outcome=refused", 1),
            (&format!("line={line}"), 5),
            ("line=%2B14155552671", 5),
            ("provider=twilio&route=sms", 6),
            ("provider=vapi", 0),
            ("route=voice", 0),
            (&format!("text={}", sid("SM", 3)), 1),
            (&format!("text={}", sid("sm", 3)), 1),
            ("text=2671", 6),
            ("text=%25", 0),
            ("text=_", 0),
            ("text=Hello", 0),
            ("from=2100-01-01T00:00:00Z", 0),
            ("to=2100-01-01T00:00:00Z", 6),
            ("to=2020-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(tape(&world.owner, query).await.len(), found, "{query}");
        }
        world.owner.get("/api/v1/tape?outcome=lost").await.problem(400, "invalid_request");
        world.owner.get("/api/v1/tape?line=%2B14155550199").await.problem(404, "not_found");
        assert_eq!(world.owner.get("/api/v1/tape-settings").await.expect(200).body["days"], 30);
        world.owner.put("/api/v1/tape-settings", json!({ "days": 7 })).await.expect(200);
        assert_eq!(world.owner.get("/api/v1/tape-settings").await.expect(200).body["days"], 7);
    }
}

//! What is wrong with a line is named, shown, mended and taken back (requirements A6, A7, D7; facts/vapi.md
//! section 12).

use dialtone_testkit::{ACCOUNT, FRENCH, NUMBER, TestServer, on_each_engine};
use serde_json::{Value, json};

const ELSEWHERE: &str = "https://example.com/voice";

async fn doctor(world: &TestServer, line: &str) -> Value {
    world.owner.get(&format!("/api/v1/lines/{line}/checks")).await.expect(200).body["doctor"].clone()
}

/// The check that fails and its cause.
fn failing(doctor: &Value) -> (&str, &str) {
    let checks = doctor["checks"].as_array().unwrap();
    let ids: Vec<_> = checks.iter().map(|check| check["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["credentials", "assistant", "imported", "linked", "webhook", "reachable"], "A7");
    let failing = checks.iter().find(|check| check["status"] == "failing");
    failing.map_or(("", ""), |check| (check["id"].as_str().unwrap(), check["cause"].as_str().unwrap()))
}

async fn repair(world: &TestServer, line: &str) -> Value {
    let path = format!("/api/v1/lines/{line}/repair");
    let body = world.owner.post(&path, json!({})).await.expect(200).body;
    assert_eq!(body["operation"]["state"], "succeeded", "{body}");
    assert_eq!(body["doctor"]["healthy"], true, "{body}");
    body
}

/// Breaks the line at Vapi: changes its record there.
async fn at_vapi(world: &TestServer, change: Value) {
    let id = world.sandbox.vapi_numbers().await[0]["id"].as_str().unwrap().to_owned();
    world.sandbox.vapi().patch(&format!("/vapi/phone-number/{id}"), change).await.expect(200);
}

/// The line is broken: its cause is named, one repair mends it, and a call is answered.
async fn mended(world: &TestServer, line: &str, check: &str, cause: &str) {
    let found = doctor(world, line).await;
    assert_eq!(failing(&found), (check, cause), "{found}");
    assert!(!found["plan"].as_array().unwrap().is_empty(), "{found}");
    repair(world, line).await;
    assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered", "after {cause}");
    assert_eq!(world.sandbox.vapi_numbers().await.len(), 1);
}

on_each_engine! {
    async fn a6_what_is_wrong_at_vapi_is_named_and_repaired(world: TestServer) {
        let imported = world.import().await;
        let line = imported["phone"]["line_id"].as_str().unwrap();
        let other = world.sandbox.create_assistant("Other").await;

        let id = world.sandbox.vapi_numbers().await[0]["id"].as_str().unwrap().to_owned();
        world.sandbox.vapi().delete(&format!("/vapi/phone-number/{id}")).await.expect(200);
        mended(&world, line, "imported", "not_imported").await;
        at_vapi(&world, json!({ "assistantId": null })).await;
        mended(&world, line, "linked", "not_linked").await;
        at_vapi(&world, json!({ "assistantId": other })).await;
        mended(&world, line, "linked", "linked_to_other").await;

        let own = imported["assistant_id"].as_str().unwrap();
        world.sandbox.vapi().delete(&format!("/vapi/assistant/{own}")).await.expect(200);
        mended(&world, line, "assistant", "assistant_deleted").await;
        assert_eq!(world.sandbox.call(NUMBER).await["answered_by"]["name"], "Other");
    }

    async fn a6_what_is_wrong_at_twilio_is_named_and_repaired(world: TestServer) {
        let imported = world.import().await;
        let line = imported["phone"]["line_id"].as_str().unwrap();
        let application = world.sandbox.twilio_post(
            &format!("/{ACCOUNT}/Applications.json"),
            &[("FriendlyName", "IVR"), ("VoiceUrl", ELSEWHERE)],
        ).await;
        let application = application["sid"].as_str().unwrap();
        let trunk = world.sandbox.create_trunk("PBX").await;
        for (fields, cause) in [
            (vec![("VoiceUrl", ELSEWHERE)], "webhook_elsewhere"),
            (vec![("VoiceUrl", "")], "webhook_empty"),
            (vec![("VoiceUrl", "https://demo.twilio.com/welcome/voice/")], "webhook_demo"),
            (vec![("VoiceUrl", "https://api.eu.vapi.ai/twilio/inbound_call")], "webhook_other_region"),
            (vec![("VoiceMethod", "GET")], "webhook_method"),
            (vec![("VoiceApplicationSid", application)], "application_overrides"),
            (vec![("TrunkSid", trunk["sid"].as_str().unwrap())], "trunk_overrides"),
        ] {
            world.sandbox.change_twilio_number(NUMBER, &fields).await;
            mended(&world, line, "webhook", cause).await;
        }
        // The address in the user's documents is Vapi's as well, and is left alone.
        let legacy = [("VoiceUrl", "https://api.vapi.ai/call/twilio")];
        world.sandbox.change_twilio_number(NUMBER, &legacy).await;
        assert_eq!(doctor(&world, line).await["healthy"], true);
    }

    async fn a6_what_only_people_can_mend_is_named(world: TestServer) {
        let nothing = doctor(&world, "+14155552671").await;
        assert_eq!(failing(&nothing), ("credentials", "twilio_missing"));
        assert_eq!(nothing["checks"][0]["fix"]["href"], "/settings/twilio");

        let imported = world.import().await;
        let line = imported["phone"]["line_id"].as_str().unwrap();
        let assistant = imported["assistant_id"].as_str().unwrap();
        for (number, cause) in [("+14155550199", "number_not_in_account"), ("+14155550123", "number_is_caller_id"),
                                ("+14155550177", "number_in_subaccount")] {
            if cause == "number_is_caller_id" {
                world.sandbox.control("caller-ids", json!({ "phone_number": number })).await;
            }
            if cause == "number_in_subaccount" {
                let sub = json!({ "type": "full", "owner_account_sid": ACCOUNT });
                let sub = world.sandbox.control("accounts", sub).await;
                world.sandbox.control("numbers", json!({ "phone_number": number, "account_sid": sub["sid"] })).await;
            }
            assert_eq!(failing(&doctor(&world, number).await), ("imported", cause));
        }
        assert_eq!(failing(&doctor(&world, FRENCH).await), ("imported", "not_imported"), "not a line yet");

        world.sandbox.vapi().delete(&format!("/vapi/assistant/{assistant}")).await.expect(200);
        assert_eq!(failing(&doctor(&world, line).await), ("assistant", "no_assistant"));
        world.owner.post(&format!("/api/v1/lines/{line}/repair"), json!({})).await.problem(400, "no_assistant");
        world.sandbox.create_assistant("Mia").await;
        repair(&world, line).await;

        world.sandbox.control(&format!("accounts/{ACCOUNT}"), json!({ "status": "suspended" })).await;
        assert_eq!(failing(&doctor(&world, line).await), ("credentials", "twilio_account_inactive"));
        world.sandbox.control(&format!("accounts/{ACCOUNT}"), json!({ "status": "active" })).await;
        world.sandbox.control(&format!("accounts/{ACCOUNT}"), json!({ "rotate_token": true })).await;
        let found = doctor(&world, line).await;
        assert_eq!(failing(&found), ("credentials", "twilio_unauthorized"));
        assert_eq!(found["plan"], json!([]));
        let org = world.sandbox.state().await["vapi"]["orgs"][0]["id"].as_str().unwrap().to_owned();
        world.sandbox.control(&format!("orgs/{org}"), json!({ "rotate_keys": true })).await;
        let listed = world.owner.get("/api/v1/phone-numbers").await;
        listed.problem(401, "vapi_unauthorized");
    }

    async fn a6_a_number_that_left_the_account_is_named(world: TestServer) {
        let imported = world.import().await;
        let line = imported["phone"]["line_id"].as_str().unwrap();
        world.sandbox.release(NUMBER).await;
        let found = doctor(&world, line).await;
        assert_eq!((failing(&found), &found["plan"]), (("webhook", "number_left_account"), &json!([])));
        let path = format!("/api/v1/lines/{line}/repair");
        world.owner.post(&path, json!({})).await.problem(400, "number_not_in_account");
    }

    async fn an_import_is_undone_to_the_last_field(world: TestServer) {
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE), ("StatusCallback", ELSEWHERE)]).await;
        let trunk = world.sandbox.create_trunk("PBX").await;
        world.sandbox.change_twilio_number(NUMBER, &[("TrunkSid", trunk["sid"].as_str().unwrap())]).await;
        let before = world.sandbox.twilio_number(NUMBER).await;
        let imported = world.import().await;
        assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered");
        let path = format!("/api/v1/operations/{}/undo", imported["operation_id"].as_str().unwrap());
        let undo = world.owner.post(&path, json!({})).await.expect(200).body["operation"].clone();
        assert_eq!(undo["state"], "succeeded", "{undo}");
        assert!(world.sandbox.vapi_numbers().await.is_empty());
        let after = world.sandbox.twilio_number(NUMBER).await;
        for field in ["trunk_sid", "voice_url", "voice_method", "voice_application_sid", "sms_url", "status_callback"] {
            assert_eq!(after[field].as_str().unwrap_or_default(), before[field].as_str().unwrap_or_default(), "{field}");
        }
    }

    async fn a_dry_run_shows_every_field_and_changes_nothing(world: TestServer) {
        world.import().await;
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let before = world.sandbox.twilio_number(NUMBER).await;
        let path = "/api/v1/lines/%2B14155552671/repair";
        let preview = world.owner.post(path, json!({ "dry_run": true })).await.expect(200).body;
        assert_eq!((&preview["dry_run"], &preview["operation"]), (&json!(true), &Value::Null));
        let change = &preview["doctor"]["plan"][0];
        assert_eq!((&change["kind"], &change["provider"]), (&json!("set_voice_routing"), &json!("twilio")));
        let url = change["fields"].as_array().unwrap().iter().find(|field| field["field"] == "voice_url").unwrap();
        assert_eq!(url, &json!({ "field": "voice_url", "from": ELSEWHERE, "to": "https://api.vapi.ai/twilio/inbound_call" }));
        assert_eq!(world.sandbox.twilio_number(NUMBER).await, before);
    }

    async fn a_repair_is_undone_once(world: TestServer) {
        let imported = world.import().await;
        let line = imported["phone"]["line_id"].as_str().unwrap();
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let operation = repair(&world, line).await["operation"].clone();
        assert_eq!(operation["can_undo"], true);
        let path = format!("/api/v1/operations/{}/undo", operation["id"].as_str().unwrap());
        let undo = world.owner.post(&path, json!({})).await.expect(200).body["operation"].clone();
        assert_eq!((&undo["kind"], &undo["state"]), (&json!("undo"), &json!("succeeded")), "{undo}");
        assert_eq!(world.sandbox.twilio_number(NUMBER).await["voice_url"], ELSEWHERE);
        world.owner.post(&path, json!({})).await.problem(409, "cannot_undo");
        let listed = world.owner.get(&format!("/api/v1/operations?line={line}&limit=2")).await.expect(200).body;
        let kinds: Vec<_> = listed["operations"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
        assert_eq!(kinds, ["undo", "repair"]);
        let cursor = listed["next_cursor"].as_str().unwrap();
        let rest = format!("/api/v1/operations?line={line}&limit=2&cursor={cursor}");
        let rest = world.owner.get(&rest).await.expect(200).body;
        assert_eq!((&rest["operations"][0]["kind"], &rest["next_cursor"]), (&json!("import"), &Value::Null));
    }

    async fn d7_events_go_to_the_lines_own_server_with_a_secret(world: TestServer) {
        let imported = world.import().await;
        let path = format!("/api/v1/lines/{}", imported["phone"]["line_id"].as_str().unwrap());
        let change = json!({ "friendly_name": "Desk", "server_url": "https://hooks.example.com/vapi",
                             "server_secret": "s3cret-for-events" });
        let changed = world.owner.patch(&path, change).await.expect(200);
        assert_eq!(changed.body["line"]["friendly_name"], "Desk");
        assert_eq!(changed.body["line"]["has_server_secret"], true);
        assert_eq!(changed.body["operation"]["state"], "succeeded");
        let number = &world.sandbox.vapi_numbers().await[0];
        assert_eq!(number["server"]["url"], "https://hooks.example.com/vapi");
        assert!(number["server"].to_string().contains("s3cret-for-events"));
        let shown = world.owner.get(&path).await.expect(200);
        assert!(!shown.text.contains("s3cret") && !changed.text.contains("s3cret"));
        world.owner.patch(&path, json!({ "server_url": null })).await.expect(200);
        assert!(world.sandbox.vapi_numbers().await[0]["server"]["url"].is_null());
        world.owner.patch(&path, json!({ "server_url": "ftp://x" })).await.problem(400, "invalid_request");
    }

    async fn a_line_is_removed_by_its_number_and_twilio_gets_its_routing_back(world: TestServer) {
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let imported = world.import().await;
        let path = format!("/api/v1/lines/{}", imported["phone"]["line_id"].as_str().unwrap());
        world.owner.delete(&path).await.problem(409, "confirmation_needed");
        world.owner.delete(&format!("{path}?confirm=%2B33612345678")).await.problem(409, "confirmation_needed");
        world.owner.delete(&format!("{path}?confirm=%2B14155552671")).await.expect(200);
        assert!(world.sandbox.vapi_numbers().await.is_empty());
        assert_eq!(world.sandbox.twilio_number(NUMBER).await["voice_url"], ELSEWHERE);
        world.owner.get(&path).await.problem(404, "not_found");
        assert_eq!(world.owner.get("/api/v1/lines").await.expect(200).body["lines"], json!([]));
    }

    async fn f1_texts_are_french_where_french_is_asked_for(world: TestServer) {
        let french = world.owner.with("accept-language", "fr-FR,fr;q=0.9");
        let status = french.get("/api/v1/setup-status").await.expect(200).body;
        let english = world.owner.get("/api/v1/setup-status").await.expect(200).body;
        assert_ne!(status["setup"]["message"], english["setup"]["message"]);
        assert_eq!(status["setup"]["missing"][0]["code"], english["setup"]["missing"][0]["code"]);
        let refused = french.post("/api/v1/tokens", json!({ "role": "king" })).await.problem(400, "invalid_request");
        let also = world.owner.post("/api/v1/tokens", json!({ "role": "king" })).await;
        assert_ne!(refused.body["errors"], also.body["errors"]);
        assert_ne!(refused.body["title"], also.body["title"]);
        let checks = french.get("/api/v1/lines/+14155552671/checks").await.expect(200).body;
        let summary = checks["doctor"]["checks"][0]["summary"].clone();
        assert_ne!(summary, doctor(&world, NUMBER).await["checks"][0]["summary"]);
    }
}

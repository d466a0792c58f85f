//! The way back: undo, removal and a failed operation leave both providers and our own record as they were.

use crate::watch::wait_for;
use dialtone_testkit::{NUMBER, TestServer, on_each_engine};
use serde_json::{Value, json};

const ELSEWHERE: &str = "https://example.com/voice";

async fn undo(world: &TestServer, operation: &Value) -> Value {
    let path = format!("/api/v1/operations/{}/undo", operation["id"].as_str().unwrap());
    world.owner.post(&path, json!({})).await.expect(200).body["operation"].clone()
}

async fn line(world: &TestServer, id: &str) -> Value {
    world.owner.get(&format!("/api/v1/lines/{id}")).await.expect(200).body["line"].clone()
}

on_each_engine! {
    async fn an_undone_change_is_undone_in_our_record_too(world: TestServer) {
        let imported = world.import().await;
        let (id, own) = (imported["phone"]["line_id"].as_str().unwrap(), imported["assistant_id"].clone());
        let other = world.sandbox.create_assistant("Other").await;
        let path = format!("/api/v1/lines/{id}");
        let changed = world.owner.patch(&path, json!({ "assistant_id": other })).await.expect(200).body;
        assert_eq!(changed["operation"]["state"], "succeeded");
        // What an older operation was undone to would take the newer one with it.
        let import = world.owner.get(&format!("/api/v1/operations/{}", imported["operation_id"].as_str().unwrap())).await;
        assert_eq!(import.expect(200).body["operation"]["can_undo"], false);
        // An undo that does not come to pass leaves the record alone.
        world.sandbox.fault("PATCH", "^/vapi/phone-number/", 1, json!({ "status": 400 })).await;
        assert_eq!(undo(&world, &changed["operation"]).await["state"], "failed");
        assert_eq!(line(&world, id).await["assistant_id"], other.as_str());
        assert_eq!(undo(&world, &changed["operation"]).await["state"], "succeeded");
        assert_eq!(line(&world, id).await["assistant_id"], own);
        let doctor = world.owner.get(&format!("{path}/checks")).await.expect(200).body;
        assert_eq!((&doctor["doctor"]["healthy"], &doctor["doctor"]["plan"]), (&json!(true), &json!([])));
        let import = world.owner.get(&format!("/api/v1/operations/{}", imported["operation_id"].as_str().unwrap())).await;
        assert_eq!(import.expect(200).body["operation"]["can_undo"], true);
    }

    async fn an_import_is_undone_although_vapis_answer_is_lost(world: TestServer) {
        let imported = world.import().await;
        let id = imported["phone"]["line_id"].as_str().unwrap();
        world.sandbox.fault("DELETE", "^/vapi/phone-number/", 1, json!({ "drop": "after" })).await;
        let undone = undo(&world, &json!({ "id": imported["operation_id"] })).await;
        assert_eq!((&undone["state"], &undone["steps"][0]["state"]), (&json!("succeeded"), &json!("unclear")), "{undone}");
        assert_eq!(line(&world, id).await["vapi_phone_id"], Value::Null);
        let again = json!({ "phone_number": NUMBER });
        world.owner.post("/api/v1/phone-numbers/import-twilio", again).await.expect(201);
    }

    async fn an_undo_that_failed_can_be_tried_again(world: TestServer) {
        let imported = world.import().await;
        let operation = json!({ "id": imported["operation_id"] });
        world.sandbox.fault("DELETE", "^/vapi/phone-number/", 1, json!({ "status": 400 })).await;
        assert_eq!(undo(&world, &operation).await["state"], "failed");
        assert_eq!(undo(&world, &operation).await["state"], "succeeded");
        assert!(world.sandbox.vapi_numbers().await.is_empty());
    }

    async fn an_undo_that_no_worker_gets_through_is_told_of_and_can_be_tried_again(world: TestServer) {
        let imported = world.import().await;
        let import = format!("/api/v1/operations/{}", imported["operation_id"].as_str().unwrap());
        world.sandbox.control("faults", json!({ "path": "^/vapi/", "fault": { "status": 503 } })).await;
        let undoing = tokio::spawn({
            let (owner, undo) = (world.owner.clone(), format!("{import}/undo"));
            async move { owner.post(&undo, json!({})).await }
        });
        let begun = |body: &Value| body["operations"][0]["kind"] == "undo";
        wait_for(&world, "/api/v1/operations", begun).await;
        // As often as that it was taken up by workers that died.
        world.database().tamper("UPDATE operations SET attempt = 50 WHERE kind = 'undo'");
        let undo = undoing.await.unwrap().expect(200).body["operation"].clone();
        assert_eq!((&undo["state"], &undo["problem"]["code"]), (&json!("unclear"), &json!("internal")), "{undo}");
        let told = world.owner.get("/api/v1/audit?kind=operation.finished").await.expect(200).body;
        let ends = told["entries"].as_array().unwrap().iter().filter(|entry| entry["after"]["operation"] == undo["id"]);
        assert_eq!(ends.count(), 1, "{told}");
        let metrics = world.nobody().get("/metrics").await.expect(200).text;
        let ended = r#"operations_total{kind="undo",state="unclear"} 1"#;
        assert!(metrics.contains(ended), "{metrics}");
        assert_eq!(world.owner.get(&import).await.expect(200).body["operation"]["can_undo"], true);
    }

    async fn an_import_that_cannot_be_completed_is_taken_back_whole(world: TestServer) {
        world.sandbox.change_twilio_number(NUMBER, &[("VoiceUrl", ELSEWHERE)]).await;
        let trunk = world.sandbox.create_trunk("PBX").await;
        world.sandbox.change_twilio_number(NUMBER, &[("TrunkSid", trunk["sid"].as_str().unwrap())]).await;
        let before = world.sandbox.twilio_number(NUMBER).await;
        world.save_keys().await;
        world.sandbox.create_assistant("Mia").await;
        let refused = json!({ "status": 400, "code": 21402 });
        world.sandbox.fault("POST", "/IncomingPhoneNumbers/PN", 1, refused).await;
        let import = json!({ "phone_number": NUMBER });
        let answer = world.owner.post("/api/v1/phone-numbers/import-twilio", import).await;
        answer.problem(400, "twilio_refused");
        assert!(world.sandbox.vapi_numbers().await.is_empty());
        let after = world.sandbox.twilio_number(NUMBER).await;
        for field in ["trunk_sid", "voice_url", "status_callback"] {
            let text = |number: &Value| number[field].as_str().unwrap_or_default().to_owned();
            assert_eq!(text(&after), text(&before), "{field}");
        }
        let lines = world.owner.get("/api/v1/lines").await.expect(200).body;
        assert_eq!((&lines["lines"][0]["vapi_phone_id"], &lines["lines"][0]["health"]), (&Value::Null, &json!("failing")));
    }

    async fn a_removed_line_stays_removed(world: TestServer) {
        world.save_keys().await;
        world.sandbox.create_assistant("Mia").await;
        let settings = json!({ "account_sid": dialtone_testkit::ACCOUNT, "phone_number": NUMBER });
        let saved = world.owner.put("/api/v1/twilio-settings", settings).await.expect(200).body;
        assert_eq!(saved["setup"]["ready"], true, "{saved}");
        let path = "/api/v1/lines/%2B14155552671?confirm=%2B14155552671";
        world.owner.delete(path).await.expect(200);
        let settings = world.owner.get("/api/v1/twilio-settings").await.expect(200).body;
        assert_eq!(settings["phone_number"], Value::Null, "else the import would run again by itself");
        assert_eq!(world.owner.get("/api/v1/setup-status").await.expect(200).body["setup"]["line"], Value::Null);
    }

    async fn a_line_of_another_vapi_organisation_is_named_and_can_be_forgotten(world: TestServer) {
        let imported = world.import().await;
        let id = imported["phone"]["line_id"].as_str().unwrap();
        let other = world.sandbox.control("orgs", json!({})).await;
        let key = other["private_key"].as_str().unwrap();
        let vapi = world.sandbox.vapi().token(key);
        vapi.post("/vapi/assistant", json!({ "name": "Elsewhere" })).await.expect(201);
        world.owner.put("/api/v1/vapi-settings", json!({ "api_key": key })).await.expect(200);
        let checks = world.owner.get(&format!("/api/v1/lines/{id}/checks")).await.expect(200).body;
        assert_eq!(checks["doctor"]["checks"][0]["cause"], "vapi_other_org");
        world.owner.post(&format!("/api/v1/lines/{id}/repair"), json!({})).await.problem(409, "vapi_other_org");
        let path = format!("/api/v1/lines/{id}?confirm=%2B14155552671");
        let refused = world.owner.delete(&path).await.expect(200).body;
        assert_eq!(refused["operation"]["problem"]["code"], "vapi_other_org");
        let forgotten = world.owner.delete(&format!("{path}&forget=true")).await.expect(200).body;
        assert_eq!(forgotten["operation"], Value::Null);
        assert_eq!(world.sandbox.vapi_numbers().await.len(), 1, "what is at Vapi is left alone");
        world.owner.get(&format!("/api/v1/lines/{id}")).await.problem(404, "not_found");
    }

    async fn an_import_that_was_undone_does_not_come_back_by_itself(world: TestServer) {
        world.save_keys().await;
        world.sandbox.create_assistant("Mia").await;
        let settings = json!({ "account_sid": dialtone_testkit::ACCOUNT, "phone_number": NUMBER });
        let saved = world.owner.put("/api/v1/twilio-settings", settings.clone()).await.expect(200).body;
        assert_eq!(undo(&world, &saved["setup"]["operation"]).await["state"], "succeeded");
        world.owner.post("/api/v1/assistants", json!({ "name": "Another" })).await.expect(201);
        assert!(world.sandbox.vapi_numbers().await.is_empty());
        // Asking for it again is another matter.
        world.owner.put("/api/v1/twilio-settings", settings).await.expect(200);
        assert_eq!(world.sandbox.vapi_numbers().await.len(), 1);
    }

    async fn who_was_removed_can_be_added_again(world: TestServer) {
        let new = json!({ "email": "ann@example.com", "name": "Ann", "role": "viewer" });
        let member = world.owner.post("/api/v1/members", new.clone()).await.expect(201).body["member"].clone();
        world.owner.delete(&format!("/api/v1/members/{}", member["id"].as_str().unwrap())).await.expect(200);
        world.owner.post("/api/v1/members", new).await.expect(201);
    }
}

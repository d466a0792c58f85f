//! The curl lines of requirements A2 to A4 and D1, and B1 to B5, to the letter.

use dialtone_domain::Role;
use dialtone_testkit::{ACCOUNT, FRENCH, KEY, NUMBER, TOKEN, TestServer, on_each_engine};
use serde_json::{Value, json};

const IMPORT: &str = "/api/v1/phone-numbers/import-twilio";

fn import_of(number: &str, assistant: impl Into<Value>) -> Value {
    json!({ "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN, "phone_number": number,
            "assistant_id": assistant.into(), "org_id": "default" })
}

fn record_of(number: &str) -> Value {
    json!({ "friendlyName": "Front desk", "phoneNumber": number, "twilioAccountSid": ACCOUNT,
            "twilioAuthToken": TOKEN, "notes": "Rings all day" })
}

async fn save_key(world: &TestServer) {
    world.owner.put("/api/v1/vapi-settings", json!({ "api_key": KEY })).await.expect(200);
}

on_each_engine! {
    async fn a2_assistants_are_listed(world: TestServer) {
        world.owner.get("/api/v1/assistants").await.problem(400, "vapi_key_missing");
        save_key(&world).await;
        let empty = world.owner.get("/api/v1/assistants").await.expect(200).body;
        assert_eq!(empty, json!({ "success": true, "assistants": [], "next_cursor": null }));
        let body = json!({ "name": "Mia", "first_message": "Good day!", "language": "fr" });
        let made = world.owner.post("/api/v1/assistants", body).await.expect(201).body;
        let listed = world.owner.get("/api/v1/assistants").await.expect(200).body;
        assert_eq!(listed["assistants"][0]["id"], made["assistant"]["id"]);
        assert_eq!(listed["assistants"][0]["name"], "Mia");
        let nobody = world.nobody();
        nobody.get("/api/v1/assistants").await.problem(401, "not_signed_in");
    }

    async fn a3_the_numbers_in_vapi_are_listed(world: TestServer) {
        save_key(&world).await;
        let empty = world.owner.get("/api/v1/phone-numbers").await.expect(200).body;
        assert_eq!(empty, json!({ "success": true, "phone_numbers": [], "next_cursor": null }));
        world.import().await;
        let listed = world.owner.get("/api/v1/phone-numbers").await.expect(200);
        assert_eq!(listed.body["phone_numbers"][0]["number"], NUMBER);
        assert!(!listed.text.contains(TOKEN));
    }

    async fn a4_b1_a8_a_number_that_was_not_found_answers_after_the_import(world: TestServer) {
        assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "not_found");
        save_key(&world).await;
        let assistant = world.sandbox.create_assistant("Mia").await;
        world.sandbox.create_assistant("Zoe").await;
        let answer = world.owner.post(IMPORT, import_of(NUMBER, assistant.as_str())).await.expect(201);
        let body = &answer.body;
        assert_eq!((&body["success"], &body["auto_linked"]), (&json!(true), &json!(false)));
        assert_eq!((&body["assistant_id"], &body["webhook_configured"]), (&json!(assistant), &json!(true)));
        assert_eq!(body["phone"]["phone_number"], NUMBER);
        assert_eq!(body["phone"]["id"], world.sandbox.vapi_numbers().await[0]["id"]);
        assert!(body["message"].as_str().unwrap().contains("Mia"));
        assert!(!answer.text.contains(TOKEN));
        let call = world.sandbox.call(NUMBER).await;
        assert_eq!((&call["outcome"], &call["answered_by"]["name"]), (&json!("answered"), &json!("Mia")));
        let line = body["phone"]["line_id"].as_str().unwrap();
        let doctor = world.owner.get(&format!("/api/v1/lines/{line}/checks")).await.expect(200).body;
        assert_eq!(doctor["doctor"]["healthy"], true, "{doctor}");
    }

    async fn a4_what_is_wrong_is_refused_with_its_status(world: TestServer) {
        let post = async |body: Value| world.owner.post(IMPORT, body).await;
        post(import_of(NUMBER, Value::Null)).await.problem(400, "vapi_key_missing");
        save_key(&world).await;
        post(json!({})).await.problem(400, "twilio_credentials_missing");
        post(json!({ "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN })).await.problem(400, "phone_missing");
        post(import_of("banana", Value::Null)).await.problem(400, "phone_invalid");
        post(import_of(NUMBER, json!("not-a-uuid"))).await.problem(400, "invalid_request");
        let mut foreign = import_of(NUMBER, Value::Null);
        foreign["org_id"] = json!("01890000-0000-7000-8000-000000000000");
        post(foreign).await.problem(403, "foreign_organisation");
        let gone = json!("01890000-0000-4000-8000-000000000000");
        post(import_of(NUMBER, gone)).await.problem(404, "assistant_not_found");

        let body = import_of(NUMBER, Value::Null);
        world.nobody().post(IMPORT, body.clone()).await.problem(401, "not_signed_in");
        let viewer = world.member(Role::Viewer).await;
        viewer.post(IMPORT, body.clone()).await.problem(403, "forbidden");

        world.sandbox.create_assistant("Mia").await;
        let other = world.sandbox.control("orgs", json!({})).await;
        let taken = json!({ "provider": "twilio", "number": NUMBER, "twilioAccountSid": ACCOUNT, "twilioAuthToken": TOKEN });
        let theirs = world.sandbox.vapi().token(other["private_key"].as_str().unwrap());
        theirs.post("/vapi/phone-number", taken).await.expect(201);
        post(body).await.problem(409, "vapi_number_in_other_org");
        assert!(world.sandbox.vapi_numbers().await.is_empty());
    }

    async fn b2_b3_b4_without_an_assistant_nothing_is_changed_and_with_one_it_is_linked(world: TestServer) {
        world.save_keys().await;
        let before = world.sandbox.twilio_number(NUMBER).await;
        let body = json!({ "phone_number": NUMBER, "assistant_id": "" });
        let refused = world.owner.post(IMPORT, body.clone()).await.problem(400, "no_assistant");
        assert!(refused.body["remedy"].as_str().unwrap().to_lowercase().contains("assistant"));
        assert_eq!(world.sandbox.twilio_number(NUMBER).await, before);
        assert!(world.sandbox.vapi_numbers().await.is_empty());

        world.sandbox.create_assistant("Mia").await;
        let linked = world.owner.post(IMPORT, body).await.expect(201).body;
        assert_eq!(linked["auto_linked"], true);
        assert!(linked["message"].as_str().unwrap().contains("Mia"));
        assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered");
    }

    async fn b2_the_default_assistant_goes_first(world: TestServer) {
        world.save_keys().await;
        let wanted = world.sandbox.create_assistant("Wanted").await;
        world.sandbox.create_assistant("Newer").await;
        let default = json!({ "default_assistant_id": wanted });
        world.owner.patch("/api/v1/organisation", default).await.expect(200);
        let linked = world.owner.post(IMPORT, json!({ "phone_number": NUMBER })).await.expect(201).body;
        assert_eq!(linked["assistant_id"], json!(wanted));
    }

    async fn b5_importing_again_finds_the_number_and_makes_no_second_one(world: TestServer) {
        let first = world.import().await;
        let again = world.owner.post(IMPORT, json!({ "phone_number": NUMBER })).await.expect(200).body;
        assert_eq!(again["phone"]["id"], first["phone"]["id"]);
        assert_eq!(world.sandbox.vapi_numbers().await.len(), 1);
        // Also one that somebody imported in Vapi's own dashboard.
        let body = json!({ "provider": "twilio", "number": FRENCH, "twilioAccountSid": ACCOUNT, "twilioAuthToken": TOKEN });
        let theirs = world.sandbox.vapi().post("/vapi/phone-number", body).await.expect(201).body;
        let adopted = world.owner.post(IMPORT, json!({ "phone_number": FRENCH })).await.expect(200).body;
        assert_eq!(adopted["phone"]["id"], theirs["id"], "{adopted}");
        assert_eq!(world.sandbox.call(FRENCH).await["outcome"], "answered");
    }

    async fn d1_d3_a_record_is_kept_of_a_number(world: TestServer) {
        save_key(&world).await;
        world.sandbox.create_assistant("Mia").await;
        let made = world.owner.post("/api/phone-numbers", record_of(FRENCH)).await.expect(201);
        let record = &made.body["phone_number"];
        assert_eq!(record["phone_number"], FRENCH);
        assert_eq!((&record["friendly_name"], &record["notes"]), (&json!("Front desk"), &json!("Rings all day")));
        assert_eq!((&record["provider"], &record["twilio_account_sid"]), (&json!("twilio"), &json!(ACCOUNT)));
        assert_eq!(record["vapi_phone_id"], world.sandbox.vapi_numbers().await[0]["id"]);
        assert!(record["owner_id"].is_string() && !made.text.contains(TOKEN));
        let path = format!("/api/phone-numbers/{}", record["id"].as_str().unwrap());
        assert_eq!(&world.owner.get(&path).await.expect(200).body["phone_number"], record);
        let listed = world.owner.get("/api/phone-numbers").await.expect(200).body;
        assert_eq!(&listed["phone_numbers"][0], record);
    }

    async fn d1_d4_what_is_wrong_is_told_field_by_field(world: TestServer) {
        save_key(&world).await;
        world.sandbox.create_assistant("Mia").await;
        let wrong = json!({ "friendlyName": "", "phoneNumber": "0612345678", "twilioAccountSid": "AC1",
                            "twilioAuthToken": "short", "assignedAssistantId": "x", "extra": 1 });
        let refused = world.owner.post("/api/phone-numbers", wrong).await.problem(400, "invalid_request");
        let errors = refused.body["errors"].as_array().unwrap();
        let fields: std::collections::BTreeSet<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        let expected =
            ["assignedAssistantId", "extra", "friendlyName", "phoneNumber", "twilioAccountSid", "twilioAuthToken"];
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), expected);

        let body = record_of(NUMBER);
        world.nobody().post("/api/phone-numbers", body.clone()).await.problem(401, "not_signed_in");
        world.member(Role::Agent).await.post("/api/phone-numbers", body.clone()).await.problem(403, "forbidden");
        world.owner.post("/api/phone-numbers", body.clone()).await.expect(201);
        world.owner.post("/api/phone-numbers", body).await.problem(409, "number_already_here");

        let org = world.sandbox.state().await["vapi"]["orgs"][0]["id"].as_str().unwrap().to_owned();
        world.sandbox.control(&format!("orgs/{org}"), json!({ "rotate_keys": true })).await;
        world.owner.post("/api/phone-numbers", record_of(FRENCH)).await.problem(401, "vapi_unauthorized");
        world.owner.get("/api/v1/assistants").await.problem(401, "vapi_unauthorized");
        world.owner.get("/api/phone-numbers/01890000-0000-7000-8000-000000000000").await.problem(404, "not_found");
    }

    async fn the_same_request_again_is_done_once(world: TestServer) {
        world.save_keys().await;
        world.sandbox.create_assistant("Mia").await;
        let keyed = world.owner.with("idempotency-key", "import-1");
        let body = json!({ "phone_number": NUMBER });
        let first = keyed.post(IMPORT, body.clone()).await.expect(201);
        let again = keyed.post(IMPORT, body).await.expect(201);
        assert_eq!((&first.text, again.header("idempotency-replayed")), (&again.text, "true"));
        let other = json!({ "phone_number": FRENCH });
        keyed.post(IMPORT, other.clone()).await.problem(409, "idempotency_key_reused");
        // A request that changed nothing gives its key back.
        let bad = world.owner.with("idempotency-key", "import-2");
        bad.post(IMPORT, json!({ "phone_number": "banana" })).await.problem(400, "phone_invalid");
        bad.post(IMPORT, other).await.expect(201);
        world.owner.with("idempotency-key", "two words").post(IMPORT, json!({})).await.problem(400, "invalid_request");
    }
}

//! Saved credentials and the set-up that runs by itself (requirements A1, A5).

use dialtone_testkit::{ACCOUNT, FRENCH, KEY, NUMBER, TOKEN, on_each_engine};
use serde_json::{Value, json};

fn twilio(number: &str) -> Value {
    json!({ "account_sid": ACCOUNT, "auth_token": TOKEN, "phone_number": number })
}

fn codes(setup: &Value) -> Vec<&str> {
    setup["missing"].as_array().unwrap().iter().map(|missing| missing["code"].as_str().unwrap()).collect()
}

on_each_engine! {
    async fn a1_twilio_settings_are_saved_shown_without_the_secret_and_removed(world: TestServer) {
        let owner = &world.owner;
        let empty = owner.get("/api/v1/twilio-settings").await.expect(200).body;
        assert_eq!((&empty["success"], &empty["has_twilio_credentials"]), (&json!(true), &json!(false)));
        let aliases = json!({ "twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN, "phone_number": "06 12 34 56 78" });
        let saved = owner.put("/api/v1/twilio-settings", aliases).await.expect(200);
        assert_eq!(saved.body["phone_number"], FRENCH, "E5: the organisation's country is France");
        let shown = owner.get("/api/v1/twilio-settings").await.expect(200);
        assert_eq!(shown.body["has_twilio_credentials"], true);
        assert_eq!(shown.body["account_sid_preview"], "AC6c3b9a...");
        assert_eq!(shown.body["account"]["type"], "full");
        assert!(!shown.text.contains(TOKEN) && !saved.text.contains(TOKEN));
        owner.delete("/api/v1/twilio-settings").await.expect(200);
        let gone = owner.get("/api/v1/twilio-settings").await.expect(200);
        assert_eq!(gone.body["has_twilio_credentials"], false);
    }

    async fn a1_mix_ups_are_named(world: TestServer) {
        let put = async |body: Value| world.owner.put("/api/v1/twilio-settings", body).await;
        let key = format!("SK{}", &ACCOUNT[2..]);
        put(json!({ "account_sid": key, "auth_token": TOKEN })).await.problem(400, "twilio_sid_is_key");
        put(json!({ "account_sid": "AC12", "auth_token": TOKEN })).await.problem(400, "twilio_sid_malformed");
        put(json!({ "account_sid": ACCOUNT, "auth_token": "short" })).await.problem(400, "twilio_token_malformed");
        let wrong = "0".repeat(32);
        let refused = put(json!({ "account_sid": ACCOUNT, "auth_token": wrong })).await;
        let refused = refused.problem(400, "twilio_unauthorized");
        assert_eq!(refused.body["provider"]["name"], "twilio");
        assert_eq!(refused.body["provider"]["code"], "20003");
        put(twilio("+14155550199")).await.problem(400, "number_not_in_account");
        put(twilio("hello")).await.problem(400, "phone_invalid");

        world.sandbox.control("caller-ids", json!({ "phone_number": "+14155550123" })).await;
        put(twilio("+14155550123")).await.problem(400, "number_is_caller_id");
        let sub = world.sandbox.control("accounts", json!({ "type": "full", "owner_account_sid": ACCOUNT })).await;
        let number = json!({ "phone_number": "+14155550177", "account_sid": sub["sid"] });
        world.sandbox.control("numbers", number).await;
        let refused = put(twilio("+14155550177")).await.problem(400, "number_in_subaccount");
        assert!(refused.body["message"].as_str().unwrap().contains(sub["sid"].as_str().unwrap()));

        let shown = world.owner.get("/api/v1/twilio-settings").await.expect(200);
        assert_eq!(shown.body["has_twilio_credentials"], false, "nothing that was refused is saved");
        world.owner.put("/api/v1/vapi-settings", json!({ "api_key": "no-such-key" })).await.problem(401, "vapi_unauthorized");
    }

    async fn a1_a_trial_account_is_saved_with_a_warning(world: TestServer) {
        let body = json!({ "account_sid": "AC60e6887e3aa2c4cd081eb3e608a27f27", "auth_token": "44cc1b7fa35376e1692f1eebf20243c5" });
        let saved = world.owner.put("/api/v1/twilio-settings", body).await.expect(200).body;
        assert_eq!(saved["warnings"][0]["code"], "twilio_trial");
        assert_eq!(saved["account"]["type"], "trial");
    }

    async fn a5_twilio_first(world: TestServer) {
        let saved = world.owner.put("/api/v1/twilio-settings", twilio(NUMBER)).await.expect(200).body;
        assert_eq!(codes(&saved["setup"]), ["vapi_key", "assistant"]);
        assert_eq!(
            saved["setup"]["message"],
            "1. Add your Vapi API key 2. Create an assistant. Then your number is ready."
        );
        let saved = world.owner.put("/api/v1/vapi-settings", json!({ "api_key": KEY })).await.expect(200).body;
        assert_eq!(codes(&saved["setup"]), ["assistant"]);
        let made = world.owner.post("/api/v1/assistants", json!({ "name": "Mia" })).await.expect(201).body;
        assert_eq!(made["setup"]["ready"], true, "{made}");
        assert_eq!(made["setup"]["operation"]["kind"], "auto_import");
        assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered");
    }

    async fn a5_twilio_last(world: TestServer) {
        world.owner.put("/api/v1/vapi-settings", json!({ "api_key": KEY })).await.expect(200);
        let made = world.owner.post("/api/v1/assistants", json!({ "name": "Mia" })).await.expect(201).body;
        assert_eq!(codes(&made["setup"]), ["twilio_credentials", "phone_number"]);
        let credentials = json!({ "account_sid": ACCOUNT, "auth_token": TOKEN });
        let saved = world.owner.put("/api/v1/twilio-settings", credentials).await.expect(200).body;
        assert_eq!(codes(&saved["setup"]), ["phone_number"]);
        let number = json!({ "account_sid": ACCOUNT, "phone_number": NUMBER });
        let saved = world.owner.put("/api/v1/twilio-settings", number).await.expect(200).body;
        assert_eq!(saved["setup"]["ready"], true, "{saved}");
        assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered");
    }

    async fn a5_the_key_last(world: TestServer) {
        world.sandbox.create_assistant("Mia").await;
        let saved = world.owner.put("/api/v1/twilio-settings", twilio(NUMBER)).await.expect(200).body;
        // Without the key nobody can see the assistant.
        assert_eq!(codes(&saved["setup"]), ["vapi_key", "assistant"]);
        let saved = world.owner.put("/api/v1/vapi-settings", json!({ "api_key": KEY })).await.expect(200).body;
        assert_eq!(saved["setup"]["ready"], true, "{saved}");
        let status = world.owner.get("/api/v1/setup-status").await.expect(200).body;
        assert_eq!(status["setup"]["line"]["phone_number"], NUMBER);
        assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered");
        assert_eq!(world.sandbox.vapi_numbers().await.len(), 1);
    }
}

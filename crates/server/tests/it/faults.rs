//! Whatever a provider does to one call of an import, it ends with one number at Vapi, linked and answering, and
//! the record of the operations tells what happened.

use dialtone_testkit::{NUMBER, TestServer, on_each_engine};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const IMPORT: &str = "/api/v1/phone-numbers/import-twilio";

fn faults() -> Vec<(&'static str, Value)> {
    vec![
        ("429", json!({ "status": 429 })),
        ("500", json!({ "status": 500 })),
        ("HTML", json!({ "status": 502, "body": "<html>Bad gateway</html>" })),
        ("cut", json!({ "cut": true })),
        ("dropped before", json!({ "drop": "before" })),
        ("dropped after", json!({ "drop": "after" })),
        ("slow", json!({ "delay_ms": 2500 })),
    ]
}

/// The provider calls of an import that nothing disturbs: each method with a pattern of its path.
async fn calls(world: &TestServer) -> BTreeSet<(String, String)> {
    let before = world.sandbox.requests().await.len();
    let body = json!({ "phone_number": NUMBER });
    world.owner.post(IMPORT, body).await.expect(201);
    let requests = world.sandbox.requests().await.split_off(before);
    remove(world, "undisturbed").await;
    let pattern = |request: &Value| {
        let path = request["path"].as_str().unwrap();
        // Ids differ from run to run.
        let parts = path.split('/').map(|part| match part.len() {
            36 => "[^/]*".to_owned(),
            _ if part.starts_with("PN") => "PN[^/]*".to_owned(),
            _ => part.replace('.', "\\."),
        });
        let pattern = parts.collect::<Vec<_>>().join("/");
        (request["method"].as_str().unwrap().to_owned(), format!("^{pattern}$"))
    };
    requests.iter().map(pattern).collect()
}

async fn remove(world: &TestServer, what: &str) {
    let listed = world.owner.get("/api/v1/lines").await.expect(200).body;
    if let Some(id) = listed["lines"][0]["id"].as_str() {
        let confirm = NUMBER.replace('+', "%2B");
        let removed = world.owner.delete(&format!("/api/v1/lines/{id}?confirm={confirm}")).await.expect(200);
        assert_eq!(world.sandbox.vapi_numbers().await, Vec::<Value>::new(), "{what}: {}", removed.text);
    }
}

async fn import_through(world: &TestServer, (method, path): &(String, String), name: &str, fault: Value) {
    let what = format!("{name} on {method} {path}");
    world.sandbox.fault(method, path, 1, fault).await;
    let body = json!({ "phone_number": NUMBER });
    let first = world.owner.post(IMPORT, body.clone()).await;
    world.sandbox.heal().await;
    assert_ne!(first.status, 500, "{what}: {}", first.text);
    if !(200..300).contains(&first.status) {
        assert!(!first.code().is_empty(), "{what}: {}", first.text);
        let again = world.owner.post(IMPORT, body).await;
        assert!([200, 201].contains(&again.status), "{what}, then: {}", again.text);
    }
    let numbers = world.sandbox.vapi_numbers().await;
    assert_eq!(numbers.len(), 1, "{what}");
    assert!(numbers[0]["assistantId"].is_string(), "{what}");
    assert_eq!(world.sandbox.call(NUMBER).await["outcome"], "answered", "{what}");
    let operations = world.owner.get("/api/v1/operations?limit=1").await.expect(200).body;
    let last = &operations["operations"][0];
    assert_eq!(last["state"], "succeeded", "{what}: {last}");
    remove(world, &what).await;
}

on_each_engine! {
    async fn an_import_survives_every_fault_of_every_provider_call(world: TestServer) {
        world.save_keys().await;
        world.sandbox.create_assistant("Mia").await;
        let calls = calls(&world).await;
        assert!(calls.len() >= 4, "{calls:?}");
        for call in &calls {
            for (name, fault) in faults() {
                import_through(&world, call, name, fault).await;
            }
        }
    }
}

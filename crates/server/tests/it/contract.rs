//! The document is the truth about every answer, whatever is sent: bad input never gives a 500.

use crate::schema;
use dialtone_testkit::{ACCOUNT, Answer, FRENCH, KEY, NUMBER, TOKEN, on_each_engine};
use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Map, Value, json};

const BODIES_PER_OPERATION: usize = 24;

fn document() -> Value {
    serde_json::from_str(dialtone_server::openapi()).unwrap()
}

/// The answer must be one that the document tells of.
fn conforms(document: &Value, name: &str, operation: &Value, answer: &Answer) {
    assert!(answer.status < 500, "{name}: {}", answer.text);
    let mut response = &operation["responses"][answer.status.to_string()];
    assert!(
        !response.is_null(),
        "{name} answered {}, which it does not tell of: {}",
        answer.status,
        answer.text
    );
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(reference.trim_start_matches('#')).unwrap();
    }
    let kind = answer.header("content-type").split(';').next().unwrap();
    let Some(content) = response["content"].as_object() else { return };
    let content = content.get(kind).unwrap_or_else(|| panic!("{name} answered {kind}"));
    if kind.contains("json") {
        schema::check(document, &content["schema"], &answer.body)
            .unwrap_or_else(|error| panic!("{name}: {error}: {}", answer.text));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[\\x00-\\x1f]{1,4}".prop_map(Value::from),
        Just(Value::from("x".repeat(5000))),
        prop_oneof![Just(NUMBER), Just("default"), Just("owner"), Just(ACCOUNT), Just("fr"), Just("")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map("[a-z_]{1,12}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A value that the field takes, as far as its schema tells.
fn good_value(name: &str, field: &Value) -> Value {
    if let Some(first) = field["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    match (name, field["format"].as_str().unwrap_or_default()) {
        ("twilio_account_sid" | "twilioAccountSid" | "account_sid", _) => json!(ACCOUNT),
        ("twilio_auth_token" | "twilioAuthToken" | "auth_token", _) => json!(TOKEN),
        ("api_key", _) => json!(KEY),
        ("phone_number", _) => json!(NUMBER),
        ("phoneNumber", _) => json!(FRENCH),
        ("country", _) => json!("FR"),
        ("dry_run", _) => json!(true),
        (_, "uuid") => Value::Null,
        (_, "email") => json!("someone@example.com"),
        (_, "uri") => json!("https://example.com/hook"),
        (_, "date-time") => json!("2100-01-01T00:00:00Z"),
        _ => json!("a good enough text"),
    }
}

/// A valid body with one field made into something else, left out, or added.
fn spoiled(valid: &Map<String, Value>) -> impl Strategy<Value = Value> + use<> {
    let valid = valid.clone();
    (any::<prop::sample::Index>(), any_json(), 0..4_u8).prop_map(move |(index, other, how)| {
        let mut body = valid.clone();
        let name = body.keys().nth(index.index(valid.len().max(1))).cloned().unwrap_or_default();
        match how {
            0 => drop(body.remove(&name)),
            1 => drop(body.insert("surprise".to_owned(), other)),
            _ => drop(body.insert(name, other)),
        }
        Value::Object(body)
    })
}

fn valid_body(document: &Value, schema: &Value) -> Map<String, Value> {
    let target = document.pointer(schema["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
    let fields = target["properties"].as_object().unwrap();
    fields.iter().map(|(name, field)| (name.clone(), good_value(name, field))).collect()
}

on_each_engine! {
    async fn whatever_is_sent_the_answer_is_one_that_the_document_tells_of(world: TestServer) {
        let line = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        let document = document();
        let mut runner = TestRunner::deterministic();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                if schema.is_null() {
                    continue;
                }
                let name = format!("{method} {path}");
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let path = path.replace("{line}", &line).replace("{id}", "01890000-0000-7000-8000-000000000000");
                let valid = valid_body(&document, schema);
                let bodies = prop_oneof![1 => any_json(), 3 => spoiled(&valid)];
                for _ in 0..BODIES_PER_OPERATION {
                    let body = bodies.new_tree(&mut runner).unwrap().current();
                    let answer = world.owner.json(method.clone(), &path, &body).await;
                    conforms(&document, &name, operation, &answer);
                }
            }
        }
    }

    async fn whatever_is_asked_for_the_answer_is_one_that_the_document_tells_of(world: TestServer) {
        let line = world.import().await["phone"]["line_id"].as_str().unwrap().to_owned();
        let document = document();
        let mut runner = TestRunner::deterministic();
        let words = prop_oneof![Just(line), Just(NUMBER.to_owned()), "\\PC{1,20}", "[\\x00-\\x7f]{1,8}"];
        for (path, item) in document["paths"].as_object().unwrap() {
            let operation = &item["get"];
            let streams = ["/api/v1/events", "/sign-in/{code}"];
            if operation.is_null() || streams.contains(&path.as_str()) {
                continue;
            }
            for _ in 0..8 {
                let word = words.new_tree(&mut runner).unwrap().current();
                let encoded: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
                let encoded = encoded.replace('+', "%20");
                let path = path.replace("{line}", &encoded).replace("{id}", &encoded);
                let answer = world.owner.get(&path).await;
                conforms(&document, &format!("get {path}"), operation, &answer);
                let asked = world.owner.get(&format!("{path}?limit={encoded}&{encoded}")).await;
                conforms(&document, &format!("get {path}?…"), operation, &asked);
            }
        }
    }
}

//! Keys, routes, errors, assistants and lists (facts: Vapi 2 to 4, 7).

use serde_json::{Value, json};

use crate::lab::{Lab, answer};

#[tokio::test]
async fn only_the_private_key_opens() {
    let lab = Lab::new().await;
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    let public = state["orgs"][0]["public_key"].as_str().unwrap();
    let expected = json!({"error": "Unauthorized", "statusCode": 401, "message":
        "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa."});
    for key in [public, "wrong", ""] {
        assert_eq!(lab.vapi_as(key, "GET", "/assistant", Value::Null).await, (401, expected.clone()));
    }
    assert_eq!(answer(lab.request("GET", "/vapi/assistant")).await, (401, expected));
    let org = state["orgs"][0]["id"].as_str().unwrap();
    lab.control("POST", &format!("/orgs/{org}"), json!({"rotate_keys": true})).await;
    assert_eq!(lab.vapi("GET", "/assistant", Value::Null).await.0, 401);
}

#[tokio::test]
async fn unknown_routes_are_named() {
    let lab = Lab::new().await;
    let (status, body) = lab.vapi("POST", "/v1/assistant", json!({})).await;
    let expected = json!({"message": "Cannot POST /v1/assistant", "error": "Not Found", "statusCode": 404});
    assert_eq!((status, body), (404, expected));
    let (_, body) = lab.vapi("GET", "/nothing?x=1", Value::Null).await;
    assert_eq!(body["message"], "Cannot GET /nothing?x=1");
}

#[tokio::test]
async fn assistants_live_and_die() {
    let lab = Lab::new().await;
    let model =
        json!({"provider": "openai", "model": "gpt-4o", "messages": [{"role": "system", "content": "p"}]});
    let (status, made) = lab.vapi("POST", "/assistant", json!({"name": "Mia", "model": model})).await;
    assert_eq!(status, 201);
    let path = format!("/assistant/{}", made["id"].as_str().unwrap());
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1, made);

    // Shallow: the prompt is gone.
    let (status, changed) =
        lab.vapi("PATCH", &path, json!({"model": {"provider": "openai", "model": "gpt-4o"}})).await;
    assert_eq!((status, &changed["model"]), (200, &json!({"provider": "openai", "model": "gpt-4o"})));
    assert_eq!(changed["name"], "Mia");
    assert_ne!(changed["updatedAt"], made["updatedAt"]);

    assert_eq!(lab.vapi("DELETE", &path, Value::Null).await, (200, changed));
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn an_answer_cannot_be_sent_back_unfiltered() {
    let lab = Lab::new().await;
    let (_, made) = lab.vapi("POST", "/assistant", json!({"name": "Mia"})).await;
    let (status, body) = lab.vapi("POST", "/assistant", made).await;
    assert_eq!(status, 400);
    let messages = body["message"].as_array().unwrap();
    assert!(messages.contains(&json!("property id should not exist")), "{messages:?}");
    let (_, body) = lab.vapi("POST", "/assistant", json!({"name": "n".repeat(41)})).await;
    assert_eq!(body["message"], json!(["name must be shorter than or equal to 40 characters"]));
}

#[tokio::test]
async fn other_orgs_resources_look_absent() {
    let lab = Lab::new().await;
    let id = lab.assistant("Mia").await;
    let (status, org) = lab.control("POST", "/orgs", json!({"name": "other"})).await;
    assert_eq!(status, 201);
    let key = org["private_key"].as_str().unwrap();
    assert_eq!(lab.vapi_as(key, "GET", &format!("/assistant/{id}"), Value::Null).await.0, 404);
    assert_eq!(lab.vapi_as(key, "GET", "/assistant", Value::Null).await.1, json!([]));
}

#[tokio::test]
async fn lists_are_newest_first_and_page_by_time() {
    let lab = Lab::new().await;
    for number in 0..5 {
        lab.assistant(&format!("a{number}")).await;
    }
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, first) = lab.vapi("GET", "/assistant?limit=2", Value::Null).await;
    assert_eq!(names(&first), ["a4", "a3"]);
    let before = first[1]["createdAt"].as_str().unwrap();
    let (_, rest) = lab.vapi("GET", &format!("/assistant?createdAtLt={before}"), Value::Null).await;
    assert_eq!(names(&rest), ["a2", "a1", "a0"]);
    assert_eq!(lab.vapi("GET", "/assistant?limit=0", Value::Null).await.1, json!([]));
    for bad in ["limit=1001", "limit=x", "createdAtGt=yesterday"] {
        assert_eq!(lab.vapi("GET", &format!("/assistant?{bad}"), Value::Null).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_objects_are_refused() {
    let lab = Lab::new().await;
    for body in ["[1]", "{", "\"x\"", "null"] {
        let request = lab.request("POST", "/vapi/assistant").bearer_auth(&lab.key);
        let request = request.header("content-type", "application/json").body(body);
        assert_eq!(answer(request).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn several_resources_may_be_made_at_the_same_time() {
    let lab = Lab::new().await;
    lab.control("POST", "/settings", json!({"vapi_whole_seconds": true})).await;
    for number in 0..4 {
        lab.assistant(&format!("a{number}")).await;
    }
    let (_, first) = lab.vapi("GET", "/assistant?limit=2", Value::Null).await;
    let at = first[1]["createdAt"].as_str().unwrap();
    assert_eq!(first[0]["createdAt"], at);
    // Who pages with `Lt` loses two; who pages with `Le` sees two again.
    assert_eq!(lab.vapi("GET", &format!("/assistant?createdAtLt={at}"), Value::Null).await.1, json!([]));
    let (_, all) = lab.vapi("GET", &format!("/assistant?createdAtLe={at}"), Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn dates_bound_lists() {
    let lab = Lab::new().await;
    let mut made = Vec::new();
    for number in 0..3 {
        let id = lab.assistant(&format!("a{number}")).await;
        let (_, assistant) = lab.vapi("GET", &format!("/assistant/{id}"), Value::Null).await;
        made.push(assistant);
    }
    let middle = made[1]["createdAt"].as_str().unwrap();
    for (bound, expected) in [("Gt", 1), ("Ge", 2), ("Lt", 1), ("Le", 2)] {
        for field in ["createdAt", "updatedAt"] {
            let (_, list) =
                lab.vapi("GET", &format!("/assistant?{field}{bound}={middle}"), Value::Null).await;
            assert_eq!(list.as_array().unwrap().len(), expected, "{field}{bound}");
        }
    }
    let path = format!("/assistant/{}", made[0]["id"].as_str().unwrap());
    lab.vapi("PATCH", &path, json!({"name": "changed"})).await;
    let (_, list) = lab.vapi("GET", &format!("/assistant?updatedAtGt={middle}"), Value::Null).await;
    assert_eq!(list.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_model_that_is_meant_explains_itself() {
    let lab = Lab::new().await;
    let tool = json!({"type": "function", "function": {"name": "book"}, "name": "book"});
    let body = json!({
        "maxDurationSeconds": 5,
        "serverMessages": ["transcript", "no-such"],
        "voice": {"provider": "11labs"},
        "model": {"provider": "openai", "model": "gpt-4o", "tools": [tool], "prompt": "x"},
    });
    let (status, answer) = lab.vapi("POST", "/assistant", body).await;
    assert_eq!(status, 400);
    let messages = answer["message"].as_array().unwrap();
    assert_eq!(messages[0], "maxDurationSeconds must not be less than 10");
    assert_eq!(messages[1], "model.property prompt should not exist");
    assert_eq!(messages[2], "model.each value in tools.property name should not exist");
    let text = messages[3].as_str().unwrap();
    assert!(text.starts_with("each value in serverMessages must be one of the following values: "), "{text}");
    assert!(messages[4].as_str().unwrap().starts_with("voice.voiceId "), "{messages:?}");
}

//! Squads, tools, files, structured outputs, credentials and the org itself (facts: Vapi 1, 3.2, 6, 9.5).

use serde_json::{Value, json};

use crate::lab::{Lab, US, answer};

fn at(kind: &str, made: &Value) -> String {
    format!("/{kind}/{}", made["id"].as_str().unwrap())
}

async fn make(lab: &Lab, kind: &str, body: Value) -> Value {
    let (status, made) = lab.vapi("POST", &format!("/{kind}"), body).await;
    assert_eq!(status, 201, "{made}");
    made
}

/// Makes, reads, lists, changes and deletes one.
async fn live(lab: &Lab, kind: &str, body: Value, change: Value, changed: (&str, Value)) {
    let made = make(lab, kind, body).await;
    let path = at(kind, &made);
    assert_eq!(lab.vapi("GET", &path, Value::Null).await, (200, made.clone()));
    let (_, list) = lab.vapi("GET", &format!("/{kind}"), Value::Null).await;
    let found = list.as_array().or(list["results"].as_array()).unwrap();
    assert_eq!(found, std::slice::from_ref(&made));
    let (status, after) = lab.vapi("PATCH", &path, change).await;
    assert_eq!((status, &after[changed.0]), (200, &changed.1), "{after}");
    assert_ne!(after["updatedAt"], made["updatedAt"]);
    assert_eq!(lab.vapi("DELETE", &path, Value::Null).await, (200, after));
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.0, 404);
    assert_eq!(lab.vapi("DELETE", &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn each_kind_lives_and_dies() {
    let lab = Lab::new().await;
    let assistant = lab.assistant("Mia").await;
    let members = json!([{"assistantId": assistant}]);
    let change = json!({"name": "Two", "members": members});
    live(&lab, "squad", json!({"name": "One", "members": members}), change, ("name", json!("Two"))).await;
    let tool = json!({"type": "function", "function": {"name": "book"}, "async": false});
    live(&lab, "tool", tool, json!({"async": true}), ("async", json!(true))).await;
    let output = json!({"name": "Outcome", "schema": {"type": "object"}});
    live(&lab, "structured-output", output, json!({"name": "Result"}), ("name", json!("Result"))).await;
    let credential = json!({"provider": "webhook", "name": "a",
        "authenticationPlan": {"type": "bearer", "token": "t0"}});
    live(&lab, "credential", credential, json!({"name": "b"}), ("name", json!("b"))).await;
}

#[tokio::test]
async fn squads_are_listed_by_ids() {
    let lab = Lab::new().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let squad = make(&lab, "squad", json!({"name": name, "members": []})).await;
        ids.push(squad["id"].as_str().unwrap().to_owned());
    }
    let (_, list) = lab.vapi("GET", &format!("/squad?idAny={},{}", ids[0], ids[2]), Value::Null).await;
    let names: Vec<&Value> = list.as_array().unwrap().iter().map(|squad| &squad["name"]).collect();
    assert_eq!(names, ["c", "a"]);
    let (status, answer) = lab.vapi("POST", "/squad", json!({"name": "d"})).await;
    assert_eq!((status, &answer["message"]), (400, &json!(["members must be an array"])));
}

#[tokio::test]
async fn tools_are_told_apart_by_type() {
    let lab = Lab::new().await;
    let (status, answer) = lab.vapi("POST", "/tool", json!({"type": "hammer"})).await;
    assert_eq!(status, 400);
    let text = answer["message"][0].as_str().unwrap();
    assert!(text.starts_with("type must be one of the following values: apiRequest, bash, "), "{text}");
    let (_, answer) = lab.vapi("POST", "/tool", json!({"type": "dtmf", "url": "x", "async": 1})).await;
    let expected = ["property async should not exist", "property url should not exist"];
    assert_eq!(answer["message"], json!(expected));
}

#[tokio::test]
async fn what_is_pinned_is_not_deleted() {
    let lab = Lab::new().await;
    let tool = make(&lab, "tool", json!({"type": "endCall"})).await;
    let model = json!({"provider": "openai", "model": "gpt-4o",
        "toolRefs": [{"toolId": tool["id"], "version": "v1"}]});
    let assistant = make(&lab, "assistant", json!({"name": "Mia", "model": model})).await;
    let members = json!([{"assistantId": assistant["id"], "assistantVersion": "v1"}]);
    let squad = make(&lab, "squad", json!({"members": members})).await;
    for (kind, held, error) in [("tool", &tool, "tool_pinned"), ("assistant", &assistant, "assistant_pinned")]
    {
        let (status, answer) = lab.vapi("DELETE", &at(kind, held), Value::Null).await;
        assert_eq!((status, &answer["error"]), (409, &json!(error)));
        assert_eq!(answer.as_object().unwrap().len(), 2, "no statusCode: {answer}");
    }
    for (kind, free) in [("squad", &squad), ("assistant", &assistant), ("tool", &tool)] {
        assert_eq!(lab.vapi("DELETE", &at(kind, free), Value::Null).await.0, 200);
    }
}

#[tokio::test]
async fn each_patch_is_a_version() {
    let lab = Lab::new().await;
    let made = make(&lab, "assistant", json!({"name": "Mia"})).await;
    assert_eq!(made["latestVersion"], "v1");
    let (_, changed) = lab.vapi("PATCH", &at("assistant", &made), json!({"name": "Mio"})).await;
    assert_eq!(changed["latestVersion"], "v2");
    let (_, answer) = lab.vapi("PATCH", &at("assistant", &made), json!({"latestVersion": "v9"})).await;
    assert_eq!(answer["message"], json!(["property latestVersion should not exist"]));
}

fn form(fields: &[(&str, &str)]) -> String {
    let part = |(head, body): &(&str, &str)| {
        format!("--sep\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--sep--\r\n"
}

async fn upload(lab: &Lab, fields: &[(&str, &str)]) -> (u16, Value) {
    let request = lab.request("POST", "/vapi/file").bearer_auth(&lab.key);
    let request = request.header("content-type", "multipart/form-data; boundary=sep").body(form(fields));
    answer(request).await
}

#[tokio::test]
async fn files_are_uploaded_and_fetched_elsewhere() {
    let lab = Lab::new().await;
    let name = "a name of more than forty characters, for sure.txt";
    let head = format!("name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/plain");
    let fields = [
        (head.as_str(), "opening hours"),
        ("name=\"purpose\"", "assistant"),
        ("name=\"metadata\"", "{\"a\": 1}"),
    ];
    let (status, file) = upload(&lab, &fields).await;
    assert_eq!(status, 201, "{file}");
    assert_eq!((&file["originalName"], &file["bytes"]), (&json!(name), &json!(13)));
    assert_eq!(file["name"].as_str().unwrap().chars().count(), 40);
    assert_eq!((&file["mimetype"], &file["metadata"]), (&json!("text/plain"), &json!({"a": 1})));
    let url = file["url"].as_str().unwrap().to_owned();
    assert_eq!(lab.http.get(&url).send().await.unwrap().text().await.unwrap(), "opening hours");
    assert_eq!(lab.http.get(&url).bearer_auth(&lab.key).send().await.unwrap().status().as_u16(), 400);

    let (_, list) = lab.vapi("GET", "/file?purpose=assistant", Value::Null).await;
    assert_eq!(list, json!([file]));
    assert_eq!(lab.vapi("GET", "/file?purpose=knowledge-base-v2", Value::Null).await.1, json!([]));
    let (_, renamed) = lab.vapi("PATCH", &at("file", &file), json!({"name": "hours"})).await;
    assert_eq!(renamed["name"], "hours");
    assert_eq!(lab.vapi("DELETE", &at("file", &file), Value::Null).await, (200, renamed));
    assert_eq!(lab.http.get(&url).send().await.unwrap().status().as_u16(), 404);
}

#[tokio::test]
async fn broken_uploads_are_refused() {
    let lab = Lab::new().await;
    let (status, answer) = upload(&lab, &[("name=\"purpose\"", "assistant")]).await;
    assert_eq!((status, &answer["message"]), (400, &json!("Invalid file")));
    let file = ("name=\"file\"; filename=\"a.txt\"", "x");
    for (field, message) in [
        (
            ("name=\"purpose\"", "fun"),
            "purpose must be one of the following values: assistant, composer-attachment, knowledge-base-v2",
        ),
        (("name=\"metadata\"", "x"), "metadata must be a json string"),
        (("name=\"color\"", "x"), "property color should not exist"),
    ] {
        let (status, answer) = upload(&lab, &[file, field]).await;
        assert_eq!((status, &answer["message"]), (400, &json!([message])));
    }
}

#[tokio::test]
async fn secrets_of_credentials_are_not_shown_again() {
    let lab = Lab::new().await;
    let trunk = json!({"provider": "byo-sip-trunk", "name": "Twilio",
        "gateways": [{"ip": "54.172.60.0", "netmask": 30, "outboundEnabled": false}],
        "outboundAuthenticationPlan": {"authUsername": "u", "authPassword": "p"},
        "outboundLeadingPlusEnabled": true});
    let made = make(&lab, "credential", trunk).await;
    assert_eq!(made["outboundAuthenticationPlan"], json!({"authUsername": "u"}));
    let twilio = json!({"provider": "twilio", "accountSid": lab.sid, "authToken": lab.token});
    let made = make(&lab, "credential", twilio).await;
    assert_eq!((made.get("authToken"), &made["accountSid"]), (None, &json!(lab.sid)));
    let path = at("credential", &made);
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1.get("authToken"), None);
    let (_, list) = lab.vapi("GET", "/credential", Value::Null).await;
    assert!(!list.to_string().contains(&lab.token), "{list}");
    // It is kept all the same: webhooks and calls use it.
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(state["orgs"][0]["credentials"][1]["authToken"], json!(lab.token));
    assert_eq!(lab.vapi("DELETE", &path, Value::Null).await.1.get("authToken"), None);
}

#[tokio::test]
async fn credentials_are_checked_by_provider() {
    let lab = Lab::new().await;
    let hmac = json!({"type": "hmac", "secretKey": "s", "algorithm": "md5"});
    for (body, message) in [
        (
            json!({"provider": "webhook", "authenticationPlan": hmac}),
            "authenticationPlan.algorithm must be one of the following values: sha256, sha512, sha1",
        ),
        (
            json!({"provider": "webhook", "authenticationPlan": {"type": "basic"}}),
            "authenticationPlan.type must be one of the following values: oauth2, hmac, bearer",
        ),
        (json!({"provider": "byo-sip-trunk"}), "gateways must be an array"),
        (
            json!({"provider": "byo-sip-trunk", "gateways": [{"ip": "1.2.3.4", "netmask": 33}]}),
            "gateways.0.netmask must not be greater than 32",
        ),
        (
            json!({"provider": "byo-sip-trunk", "gateways": [{"ip": "1.2.3.4", "port": 0}]}),
            "gateways.0.port must not be less than 1",
        ),
        (
            json!({"provider": "byo-sip-trunk", "gateways": [{"ip": "1.2.3.4", "outboundProtocol": "sctp"}]}),
            "gateways.0.outboundProtocol must be one of the following values: tls/srtp, tcp, tls, udp",
        ),
        (json!({"provider": "telnyx"}), "apiKey must be a string"),
    ] {
        let (status, answer) = lab.vapi("POST", "/credential", body.clone()).await;
        assert_eq!(status, 400, "{body}");
        let messages = answer["message"].as_array().unwrap();
        assert!(messages.contains(&json!(message)), "{body}: {messages:?}");
    }
    let (_, answer) = lab.vapi("POST", "/credential", json!({"provider": "acme"})).await;
    let text = answer["message"][0].as_str().unwrap();
    assert!(text.starts_with("provider must be one of the following values: 11labs, "), "{text}");
    // One whose description has no schema for changes.
    let made = make(&lab, "credential", json!({"provider": "tavus", "apiKey": "k"})).await;
    let (_, changed) = lab.vapi("PATCH", &at("credential", &made), json!({"name": "Tavus"})).await;
    assert_eq!(changed["name"], "Tavus");
    let (status, _) = lab.vapi("PATCH", &at("credential", &made), json!({"color": "red"})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn an_org_has_a_server_of_its_own() {
    let lab = Lab::new().await;
    let (_, orgs) = lab.vapi("GET", "/org", Value::Null).await;
    let path = at("org", &orgs[0]);
    let server = json!({"url": "https://mine.example/hook", "timeoutSeconds": 5});
    let (status, org) = lab.vapi("PATCH", &path, json!({"name": "Clinic", "server": server})).await;
    assert_eq!((status, &org["name"], &org["server"]), (200, &json!("Clinic"), &server));
    assert_eq!(lab.vapi("GET", &path, Value::Null).await.1, org);
    let (_, state) = lab.control("GET", "/state", json!({})).await;
    assert_eq!(state["orgs"][0]["subscription"]["server"], server);
    let (_, org) = lab.vapi("PATCH", &path, json!({"server": null})).await;
    assert_eq!(org.get("server"), None);
    let (status, answer) = lab.vapi("PATCH", &path, json!({"server": "https://mine.example"})).await;
    let expected = ["server must be an object", "nested property server must be either object or array"];
    assert_eq!((status, &answer["message"]), (400, &json!(expected)));
    let (_, other) = lab.control("POST", "/orgs", json!({})).await;
    assert_eq!(lab.vapi("GET", &at("org", &other), Value::Null).await.0, 404);
}

/// Fields from older days that no request can set any more, and a number that the vendor has blocked.
#[tokio::test]
async fn the_vendor_may_change_what_is_stored() {
    let lab = Lab::new().await;
    let (_, row) = lab.import(US, json!({})).await;
    let path = at("phone-number", &row);
    let control = format!("/vapi/{}", row["id"].as_str().unwrap());
    let fields = json!({"status": "blocked", "serverUrl": "https://old.example/hook", "orgId": "x"});
    assert_eq!(lab.control("POST", &control, fields).await.0, 200);
    let (_, after) = lab.vapi("GET", &path, Value::Null).await;
    assert_eq!(
        (&after["status"], &after["serverUrl"]),
        (&json!("blocked"), &json!("https://old.example/hook"))
    );
    assert_eq!(after["orgId"], row["orgId"]);
    let (status, _) = lab.control("POST", "/vapi/00000000-0000-4000-8000-000000000000", json!({})).await;
    assert_eq!(status, 404);
}

//! Two organisations with one of everything, and the one table that says which object each id names. An id that is
//! not in the table fails the matrix: whoever adds an operation adds a row here, or nothing.

use crate::matrix::document::{Operation, value};
use dialtone_testkit::{ACCOUNT, Answer, Client, FRENCH, KEY, NUMBER, TOKEN, TestServer};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A message that somebody claims to be from Twilio.
const TEXT: &str = "SM00000000000000000000000000000001";

/// No object has this id.
pub(crate) const ABSENT: &str = "01890000-0000-7000-8000-000000000000";

/// What each parameter of a path names, by the path up to it.
const NAMED: &[(&str, &str)] = &[
    ("/api/v1/lines/{line}", "line"),
    ("/api/phone-numbers/{id}", "line"),
    ("/api/v1/members/{id}", "member"),
    ("/api/v1/operations/{id}", "operation"),
    ("/api/v1/tape/{id}", "taped"),
    ("/api/v1/tokens/{id}", "token"),
    ("/api/v1/alerts/{id}", "alert"),
    ("/api/v1/alert-webhooks/{id}", "webhook"),
    ("/api/v1/invitations/{id}", "invitation"),
    // For whoever is signed in: the other person's is tried with a session, in `people`.
    ("/api/v1/sessions/{id}", "nothing"),
    // A person's own and no organisation's: the tests of passkeys try foreign ones.
    ("/api/v1/me/factors/passkeys/{id}", "passkey"),
    ("/webhooks/vapi/{line}", "line"),
    ("/sign-in/{code}", "nothing"),
];

/// What a field of a body or a parameter of a query takes: the operations whose name contains the first text, the
/// field, and what of the organisation is put there; `""` leaves it out.
const GIVEN: &[(&str, &str, &str)] = &[
    ("", "assistant_id", "assistant"),
    ("", "default_assistant_id", "assistant"),
    ("", "assignedAssistantId", "assistant"),
    ("", "twilio_account_sid", "account"),
    ("", "twilioAccountSid", "account"),
    ("", "account_sid", "account"),
    ("", "twilio_auth_token", "auth_token"),
    ("", "twilioAuthToken", "auth_token"),
    ("", "auth_token", "auth_token"),
    ("", "api_key", "api_key"),
    ("POST /api/phone-numbers", "phoneNumber", "second_number"),
    ("import-twilio", "phone_number", "third_number"),
    ("import-twilio", "org_id", "nothing"),
    ("PUT /api/v1/twilio-settings", "phone_number", ""),
    ("DELETE /api/v1/lines", "confirm", "number"),
    ("GET /api/v1/operations", "line", "line"),
    ("POST /api/v1/alert-webhooks", "url", "address"),
    ("PATCH /api/v1/watch", "repair", ""),
    ("GET /api/v1/tape", "line", "line"),
    ("GET /api/v1/tape", "text", "nothing"),
];

/// Fields that look like an id of ours and are none, with the reason.
const NO_IDS: [(&str, &str); 3] = [
    ("account_sid", "an account at Twilio: whoever has its token may use it"),
    ("twilio_account_sid", "the same"),
    ("org_id", "kept for older clients: only `default` and one's own are taken"),
];

/// An organisation with one of everything in it.
pub(crate) struct Organisation {
    /// Its owner.
    pub(crate) owner: Client,
    /// What is in every text that it wrote.
    pub(crate) mark: &'static str,
    /// Ids and other values by name.
    pub(crate) things: BTreeMap<&'static str, String>,
}

impl Organisation {
    /// The owner's own: the sandbox's first account and organisation.
    pub(crate) async fn first(world: &TestServer, mark: &'static str) -> Self {
        let numbers = [NUMBER, FRENCH, "+14155550161"];
        let third = json!({ "phone_number": numbers[2] });
        world.sandbox.control("numbers", third).await;
        Self::fill(world.owner.clone(), mark, [ACCOUNT, TOKEN, KEY].map(str::to_owned), numbers).await
    }

    /// Another one, with a Twilio account and a Vapi organisation of its own.
    pub(crate) async fn second(world: &TestServer, owner: Client, mark: &'static str) -> Self {
        let account = world.sandbox.control("accounts", json!({ "friendly_name": mark })).await;
        let text = |value: &Value, names: &[&str]| {
            let found = names.iter().find_map(|name| value[name].as_str());
            found.unwrap_or_else(|| panic!("none of {names:?} in {value}")).to_owned()
        };
        let sid = text(&account, &["sid"]);
        let numbers = ["+14155550171", "+14155550172", "+14155550173"];
        for number in numbers {
            let body = json!({ "phone_number": number, "account_sid": sid, "friendly_name": mark });
            world.sandbox.control("numbers", body).await;
        }
        let org = world.sandbox.control("orgs", json!({ "name": mark })).await;
        let keys = [sid, text(&account, &["auth_token"]), text(&org, &["private_key", "key"])];
        Self::fill(owner, mark, keys, numbers).await
    }

    async fn fill(owner: Client, mark: &'static str, keys: [String; 3], numbers: [&str; 3]) -> Self {
        let [account, token, key] = keys;
        let body = json!({ "account_sid": account, "auth_token": token });
        owner.put("/api/v1/twilio-settings", body).await.expect(200);
        owner.put("/api/v1/vapi-settings", json!({ "api_key": key })).await.expect(200);
        let id = |answer: &Answer, at: &str| {
            let found = answer.body.pointer(at).and_then(Value::as_str);
            found.unwrap_or_else(|| panic!("no {at} in {}", answer.text)).to_owned()
        };
        let assistant = owner.post("/api/v1/assistants", json!({ "name": mark })).await.expect(201);
        let assistant = id(&assistant, "/assistant/id");
        let import = json!({ "phone_number": numbers[0], "assistant_id": assistant });
        let imported = owner.post("/api/v1/phone-numbers/import-twilio", import).await.expect(201);
        let (line, operation) = (id(&imported, "/phone/line_id"), id(&imported, "/operation_id"));
        let named = json!({ "friendly_name": mark, "notes": mark });
        owner.patch(&format!("/api/v1/lines/{line}"), named).await.expect(200);
        // A request that is refused: it names the account, and nothing signs it.
        let text =
            [("AccountSid", account.as_str()), ("MessageSid", TEXT), ("To", numbers[0]), ("Body", mark)];
        let text = owner.request(Method::POST, "/inbox/webhooks/sms").form(&text);
        owner.send(text).await.expect(403);
        let taped = id(&owner.get("/api/v1/tape").await.expect(200), "/entries/0/id");
        let email = format!("{mark}@example.com").to_lowercase();
        let member = json!({ "email": email, "name": mark, "role": "viewer" });
        let member = owner.post("/api/v1/members", member).await.expect(201);
        let api_token =
            owner.post("/api/v1/tokens", json!({ "name": mark, "role": "viewer" })).await.expect(201);
        // While the key is gone, the line cannot be read: one alert.
        owner.delete("/api/v1/vapi-settings").await.expect(200);
        let look = format!("/api/v1/lines/{line}/look");
        owner.post(&look, json!({})).await.expect(200);
        let alerts = owner.get("/api/v1/alerts").await.expect(200);
        owner.put("/api/v1/vapi-settings", json!({ "api_key": key })).await.expect(200);
        owner.post(&look, json!({})).await.expect(200);
        // Nobody listens there.
        let address = format!("http://127.0.0.1:9/{mark}");
        let webhook = json!({ "url": address, "description": mark });
        let webhook = owner.post("/api/v1/alert-webhooks", webhook).await.expect(201);
        let invited = json!({ "email": format!("guest.{email}"), "role": "viewer" });
        let invitation = owner.post("/api/v1/invitations", invited).await.expect(201);
        let things = [
            ("alert", id(&alerts, "/alerts/0/id")),
            ("webhook", id(&webhook, "/webhook/id")),
            ("address", address),
            ("invitation", id(&invitation, "/invitation/id")),
            ("account", account),
            ("auth_token", token),
            ("api_key", key),
            ("assistant", assistant),
            ("line", line),
            ("operation", operation),
            ("member", id(&member, "/member/id")),
            ("taped", taped),
            ("token", id(&api_token, "/token/id")),
            ("number", numbers[0].to_owned()),
            ("second_number", numbers[1].to_owned()),
            ("third_number", numbers[2].to_owned()),
            ("nothing", "default".to_owned()),
            ("passkey", ABSENT.to_owned()),
        ];
        Self { owner, mark, things: things.into_iter().collect() }
    }

    /// The operation's path with this organisation's ids in it.
    pub(crate) fn path(&self, operation: &Operation) -> String {
        self.path_but(operation, &[])
    }

    /// The same, with other ids for some of the parameters.
    pub(crate) fn path_but(&self, operation: &Operation, others: &[(&str, &str)]) -> String {
        let id = |named: &'static str| {
            let other = others.iter().find(|(thing, _)| *thing == named);
            other.map_or(self.things[named].as_str(), |(_, id)| *id)
        };
        let mut path = operation.path.clone();
        for (parameter, thing) in named(&operation.path) {
            path = path.replacen(&parameter, id(thing), 1);
        }
        path
    }

    /// A query that names this organisation's objects.
    pub(crate) fn query(&self, operation: &Operation) -> Vec<(String, String)> {
        let given = |name: &String| Some((name.clone(), self.things[given(operation, name)?].clone()));
        operation.query.iter().filter_map(given).collect()
    }

    /// A body that the operation takes, made from its schema; every free text holds the organisation's mark.
    pub(crate) fn body(&self, operation: &Operation) -> Option<Value> {
        operation.body.as_ref()?;
        let field = |(name, schema): (&String, &Value)| {
            let value = match given(operation, name) {
                Some("") => return None,
                Some(thing) => json!(self.things[thing]),
                None => value(name, schema, self.mark),
            };
            Some((name.clone(), value))
        };
        Some(operation.fields().filter_map(field).collect::<Map<_, _>>().into())
    }

    /// Sends the operation as this organisation's owner.
    pub(crate) async fn send(&self, operation: &Operation) -> Answer {
        let (path, query, body) = (self.path(operation), self.query(operation), self.body(operation));
        send(&self.owner, operation, &path, &query, body.as_ref()).await
    }
}

/// The parameters of a path in their braces, each with what it names.
///
/// # Panics
/// One names something that the table does not know.
pub(crate) fn named(path: &str) -> Vec<(String, &'static str)> {
    let ends = path.match_indices('}').map(|(at, _)| &path[..=at]);
    let known = |prefix: &str| {
        let row = NAMED.iter().find(|(named, _)| *named == prefix);
        let (_, thing) = row.unwrap_or_else(|| panic!("NAMED has no row that says what {prefix} names"));
        (prefix[prefix.rfind('{').unwrap()..].to_owned(), *thing)
    };
    ends.map(known).collect()
}

/// What of the organisation the field takes, if a row says so.
pub(crate) fn given(operation: &Operation, field: &str) -> Option<&'static str> {
    let name = operation.name();
    let row = GIVEN.iter().find(|(part, wanted, _)| name.contains(part) && *wanted == field);
    row.map(|(_, _, thing)| *thing)
}

/// Whether the field holds an id of an object, by the look of it.
///
/// # Panics
/// It does, and no table knows of it.
pub(crate) fn is_id(operation: &Operation, field: &str, schema: &Value) -> bool {
    let looks =
        field == "line" || field.ends_with("_id") || field.ends_with("Id") || schema["format"] == "uuid";
    if !looks || NO_IDS.iter().any(|(name, _)| *name == field) {
        return false;
    }
    assert!(
        given(operation, field).is_some(),
        "{}: a row in GIVEN or NO_IDS has to say what {field} names",
        operation.name()
    );
    true
}

/// Sends a request and reads its answer; of a stream only the beginning.
pub(crate) async fn send(
    client: &Client,
    operation: &Operation,
    path: &str,
    query: &[(String, String)],
    body: Option<&Value>,
) -> Answer {
    let mut request = client.request(operation.method.clone(), path).query(query);
    if operation.streams {
        // From the first event on: there is always one, so that the beginning comes at once.
        request = request.query(&[("after", "0")]);
    }
    if operation.method == Method::POST {
        // The same key in both organisations: neither may be given the other's answer.
        request = request.header("idempotency-key", &operation.path);
    }
    if let Some(body) = body {
        request = request.json(body);
    } else if operation.method == Method::POST {
        request = request.json(&json!({}));
    }
    if !operation.streams {
        return client.send(request).await;
    }
    let mut response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = match status {
        200 => response.chunk().await.unwrap().map(|chunk| chunk.to_vec()).unwrap_or_default(),
        _ => response.bytes().await.unwrap().to_vec(),
    };
    let text = String::from_utf8(text).unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
}

//! The authorisation matrix, generated from the OpenAPI document: every operation as everyone, with every id swapped
//! for a foreign and an absent one, and nothing of another organisation in any byte of any answer. A new operation is
//! in it by itself; where it needs an id that `objects` does not know, it fails until there is a row.

mod document;
pub(crate) mod objects;

use dialtone_app::NewToken;
use dialtone_domain::{ExposeSecret, Role};
use dialtone_testkit::{Answer, Client, TestServer, on_each_engine};
use document::{Operation, operations};
use futures::future::join_all;
use objects::{ABSENT, Organisation, is_id, named, send};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is in everything that the other organisation wrote.
const CANARY: &str = "kanarienvogel";
/// What is in everything that our own wrote.
const OURS: &str = "amsel";

/// Every column of the database, as the schema names them.
const SCHEMA: &str = include_str!("../../../../store/migrations/0001_foundation.sql");

/// Everything of an answer that must not tell foreign from absent; the ids that were asked for are blanked.
fn shape(answer: &Answer, asked: &[&str]) -> (u16, BTreeMap<String, String>, String) {
    let told = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date").map(told).collect();
    let text = asked.iter().fold(answer.text.clone(), |text, id| text.replace(id, "…"));
    (answer.status, headers, text)
}

/// Everything that was received, headers and bodies.
fn bytes(answer: &Answer) -> String {
    format!("{:?}\n{}", answer.headers, answer.text)
}

/// A body that is refused before anything is done, so that only the door is tried.
fn refused_body(operation: &Operation) -> Option<Value> {
    operation.body.as_ref().map(|_| json!({ "nobody knows this field": true }))
}

/// The operation on objects that do not exist.
async fn knock(client: &Client, operation: &Operation) -> Answer {
    let path = named(&operation.path)
        .iter()
        .fold(operation.path.clone(), |path, (parameter, _)| path.replacen(parameter, ABSENT, 1));
    send(client, operation, &path, &[], refused_body(operation).as_ref()).await
}

/// Callers whom nobody may let in, each with a name.
async fn outsiders(world: &TestServer) -> Vec<(&'static str, Client)> {
    let nobody = world.nobody();
    let owner = world.owner.request(Method::GET, "/").build().unwrap();
    let secret = owner.headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    let caller = world.app.caller_by_token(&secret).await.unwrap().unwrap();
    let past = "2020-01-01T00:00:00Z".parse().unwrap();
    let expired =
        NewToken { name: "old".to_owned(), role: Role::Owner, scopes: None, expires_at: Some(past) };
    let (_, expired) = world.app.create_token(&caller, expired).await.unwrap();
    let suspended = nobody.token(&world.add_user("suspended@example.com", "Acme", Role::Owner).await);
    let id = suspended.get("/api/v1/session").await.expect(200).body["session"]["member"]["id"].clone();
    let path = format!("/api/v1/members/{}", id.as_str().unwrap());
    world.owner.patch(&path, json!({ "suspended": true })).await.expect(200);
    vec![
        ("suspended", suspended),
        ("none", nobody.clone()),
        ("bad token", nobody.token("dt_wrong")),
        ("bad cookie", nobody.with("cookie", "dialtone_session=wrong").with("sec-fetch-site", "same-origin")),
        ("expired token", nobody.token(expired.expose_secret())),
    ]
}

on_each_engine! {
    async fn t09_every_operation_as_everyone(world: TestServer) {
        let outsiders = outsiders(&world).await;
        let stranger = world.stranger().await;
        let mut members = vec![(Role::Owner, world.owner.clone()), (Role::Owner, stranger)];
        const STRANGER: usize = 1;
        for role in [Role::Viewer, Role::Agent, Role::Admin] {
            members.push((role, world.member(role).await));
        }
        let mut tried = 0;
        for operation in operations() {
            if operation.least.is_none() && !operation.session {
                continue;
            }
            let name = operation.name();
            let refused = join_all(outsiders.iter().map(|(_, client)| knock(client, &operation))).await;
            for ((who, _), answer) in outsiders.iter().zip(&refused) {
                assert_eq!((answer.status, answer.code()), (401, "not_signed_in"), "{name} as {who}");
            }
            let answers = join_all(members.iter().map(|(_, client)| knock(client, &operation))).await;
            for (index, ((role, _), answer)) in members.iter().zip(&answers).enumerate() {
                let Some(least) = operation.least else {
                    assert_eq!((answer.status, answer.code()), (403, "session_needed"), "{name} with a token");
                    continue;
                };
                let may = *role >= least && (index != STRANGER || name != FIRST_ORGANISATION_ONLY);
                let got_in = !matches!(answer.status, 401 | 403);
                assert_eq!(got_in, may, "{name} as {role:?}: {}", answer.text);
                assert!(may || answer.code() == "forbidden", "{name} as {role:?}: {}", answer.text);
                assert!(answer.status < 500, "{name} as {role:?}: {}", answer.text);
            }
            if operation.reads() {
                let head = Operation { method: Method::HEAD, ..operation.clone() };
                assert_eq!(knock(&world.nobody(), &head).await.status, 401, "HEAD of {name}");
            }
            tried += refused.len() + answers.len();
        }
        assert!(tried > 300, "{tried}");
    }

    async fn t09_t11_what_is_anothers_is_as_if_it_were_not_and_nothing_of_it_is_ever_told(world: TestServer) {
        let ours = Organisation::first(&world, OURS).await;
        let stranger = world.stranger().await;
        let theirs = Organisation::second(&world, stranger, CANARY).await;
        let operations = operations();
        // Whatever can be written is written by them, with the canary in it.
        for operation in operations.iter().filter(|operation| operation.least.is_some() && operation.body.is_some()) {
            let answer = theirs.send(operation).await;
            assert!(answer.status < 500, "{}: {}", operation.name(), answer.text);
        }
        let told = theirs.owner.get("/api/v1/audit?limit=100").await.expect(200).text;
        assert!(told.matches(CANARY).count() > 10, "the canary is where it can be seen: {told}");
        let before = rows_of(&world, &theirs);
        let mut heard = String::new();
        let mut swapped = 0;
        for operation in operations.iter().filter(|operation| operation.least.is_some()) {
            for (what, foreign, absent) in swaps(&ours, &theirs, operation).await {
                let name = operation.name();
                assert_eq!(foreign, absent, "{name} with a foreign {what}, and with an absent one");
                heard.push_str(&format!("{foreign:?}"));
                swapped += 1;
            }
        }
        assert!(swapped >= 15, "{swapped}");
        for operation in &operations {
            heard.push_str(&bytes(&ours.send(operation).await));
        }
        for role in [Role::Viewer, Role::Agent, Role::Admin] {
            let member = world.member(role).await;
            for operation in operations.iter().filter(|operation| operation.reads()) {
                let (path, query) = (ours.path(operation), ours.query(operation));
                heard.push_str(&bytes(&send(&member, operation, &path, &query, None).await));
            }
        }
        assert!(heard.contains(OURS), "our own is told");
        let id = theirs.owner.get("/api/v1/organisation").await.body["organisation"]["id"].to_string();
        for secret in [CANARY, "Globex", id.trim_matches('"'), &theirs.things["line"], &theirs.things["number"]] {
            let at = heard.find(secret).map(|at| &heard[at.saturating_sub(300)..(at + 100).min(heard.len())]);
            assert_eq!(at, None, "{secret} was told to another organisation");
        }
        assert_eq!(rows_of(&world, &theirs), before, "nothing of theirs was changed");
    }

    async fn t12_no_column_of_the_database_can_be_set_by_naming_it(world: TestServer) {
        let ours = Organisation::first(&world, OURS).await;
        let (browser, columns) = (world.browser().await, columns());
        assert!(columns.len() > 60 && columns.contains("org_id"), "{columns:?}");
        let mut refused = 0;
        for operation in operations().iter().filter(|operation| operation.body.is_some()) {
            let name = operation.name();
            let known: BTreeSet<&str> = operation.fields().map(|(field, _)| field.as_str()).collect();
            for column in known.intersection(&PROTECTED.into()) {
                let allowed = ALLOWED.contains(&(name.as_str(), column));
                assert!(allowed, "{name} takes {column}: ALLOWED has no row that says that it may");
            }
            let Some(Value::Object(body)) = ours.body(operation) else { continue };
            let unknown: Vec<&str> = columns.iter().map(String::as_str).filter(|column| !known.contains(column)).collect();
            // In parts, since only so many faults are told of one request.
            for part in unknown.chunks(30) {
                let mut body = body.clone();
                body.extend(part.iter().map(|column| ((*column).to_owned(), json!("1"))));
                let client = if operation.session { &browser } else { &ours.owner };
                let answer = send(client, operation, &ours.path(operation), &[], Some(&body.into())).await;
                assert_eq!((answer.status, answer.code()), (400, "invalid_request"), "{name}: {}", answer.text);
                let errors = answer.body["errors"].as_array().unwrap();
                let named: BTreeSet<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
                for column in part {
                    assert!(named.contains(column), "{name} passes over {column}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 900, "{refused}");
    }

    async fn t15_no_get_changes_anything(world: TestServer) {
        let ours = Organisation::first(&world, OURS).await;
        let reads: Vec<_> = operations().into_iter().filter(Operation::reads).collect();
        // What a credential was used last is noted once a minute, and is no state of anything that is asked for.
        ours.owner.get("/api/v1/session").await.expect(200);
        let before = world.database().rows();
        for operation in &reads {
            let answer = ours.send(operation).await;
            assert!(answer.status < 500, "{}: {}", operation.name(), answer.text);
            if !operation.streams {
                let head = ours.owner.request(Method::HEAD, &ours.path(operation)).query(&ours.query(operation));
                assert!(ours.owner.send(head).await.status < 500, "{}", operation.name());
            }
        }
        same_rows(&before, &world.database().rows());
        let changed = json!({ "name": "twin" });
        ours.owner.patch("/api/v1/organisation", changed).await.expect(200);
        assert_ne!(world.database().rows(), before, "the twin: a change is seen");
    }

    async fn t48_every_change_leaves_its_entries(world: TestServer) {
        let ours = Organisation::first(&world, OURS).await;
        let mut operations = operations();
        operations.retain(|operation| operation.least.is_some());
        // The import is undone while nothing stands on it, and then repaired; what removes comes last.
        operations.sort_by_key(|operation| match (operation.method.as_str(), operation.path.ends_with("/undo")) {
            (_, true) => 0,
            ("GET" | "POST", _) => 1,
            ("DELETE", _) => 3,
            _ => 2,
        });
        let mut seen = last_seq(&ours).await;
        for operation in &operations {
            let name = operation.name();
            let answer = ours.send(operation).await;
            let expected = STATUS.iter().find(|(of, _, _)| *of == name).map_or(200..300, |(_, status, _)| *status..status + 1);
            assert!(expected.contains(&answer.status), "{name} is answered {}: {}", answer.status, answer.text);
            let last = last_seq(&ours).await;
            let left = kinds(&ours, seen, last).await;
            let one = left.len() == 1;
            match EFFECTS.iter().find(|(of, _)| *of == name) {
                Some((_, kinds)) => assert_eq!(left, *kinds, "{name} leaves other entries than EFFECTS says"),
                None if operation.reads() || answer.status >= 300 => assert_eq!(left, [""; 0], "{name}"),
                None => assert!(one, "{name} leaves {left:?}: one entry, or a row in EFFECTS"),
            }
            seen = last;
        }
        let verified = ours.owner.get("/api/v1/audit/verification").await.expect(200).body;
        assert_eq!((&verified["audit"]["intact"], &verified["audit"]["seq"]), (&json!(true), &json!(seen)));
    }
}

/// It concerns the whole installation: owners of the first organisation may do it, those of others may not.
const FIRST_ORGANISATION_ONLY: &str = "DELETE /api/v1/instance/fence";

/// Operations that leave more than one entry, or none, and which: an operation at the providers tells of its start,
/// its steps and its end, beside what was asked for.
const EFFECTS: [(&str, &[&str]); 11] = [
    ("POST /api/phone-numbers", &["line.added", "operation.started", "operation.step", "operation.finished"]),
    (
        "POST /api/v1/phone-numbers/import-twilio",
        &["line.added", "operation.started", "operation.step", "operation.finished"],
    ),
    // The look before it found the line broken, and the operation's own look finds it well.
    (
        "POST /api/v1/lines/{line}/repair",
        &["operation.started", "operation.step", "alert.resolved", "operation.finished"],
    ),
    // Nothing is changed by a message that nobody took.
    ("POST /api/v1/alert-webhooks/{id}/test", &[]),
    // There is no fence to lift.
    ("DELETE /api/v1/instance/fence", &[]),
    ("POST /api/v1/operations/{id}/undo", &["operation.started", "operation.step", "operation.finished"]),
    (
        "PATCH /api/v1/lines/{line}",
        &["line.changed", "operation.started", "operation.step", "operation.finished"],
    ),
    (
        "DELETE /api/v1/lines/{line}",
        &["operation.started", "operation.step", "line.removed", "operation.finished"],
    ),
    // The member has that role already.
    ("PATCH /api/v1/members/{id}", &[]),
    // A token has no session to end.
    ("DELETE /api/v1/session", &[]),
    // It was not required before.
    ("PUT /api/v1/organisation/second-factor", &[]),
];

/// Operations that do not succeed with what the schemas and tables give, and why.
const STATUS: [(&str, u16, &str); 2] = [
    ("POST /api/v1/alert-webhooks/{id}/test", 502, "nobody listens at the address"),
    ("DELETE /api/v1/members/{id}/factors", 404, "the member was removed before"),
];

/// Columns that no request may set, unless a row of [`ALLOWED`] says so.
const PROTECTED: [&str; 14] = [
    "id",
    "org_id",
    "user_id",
    "created_at",
    "updated_at",
    "created_by",
    "role",
    "health",
    "key_version",
    "data_key",
    "price",
    "epoch",
    "vapi_phone_id",
    "seq",
];

/// The fields of that kind that may be set, up to the caller's own right.
const ALLOWED: [(&str, &str); 5] = [
    ("POST /api/v1/members", "role"),
    ("PATCH /api/v1/members/{id}", "role"),
    ("POST /api/v1/tokens", "role"),
    ("POST /api/v1/invitations", "role"),
    // Vapi's organisation, which older clients name: only `default` and one's own are taken.
    ("POST /api/v1/phone-numbers/import-twilio", "org_id"),
];

/// The names of all columns, and some that others have.
fn columns() -> BTreeSet<String> {
    let lines = SCHEMA.lines().filter(|line| line.starts_with("    ") && !line.contains("--"));
    let first = lines.filter_map(|line| line.split_whitespace().next());
    let names = first.filter(|word| {
        word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
    });
    names.chain(["price", "provider_sid", "tenant", "is_admin", "permissions"]).map(str::to_owned).collect()
}

/// Each id of the operation, swapped for a foreign and for an absent one: what it is, and both answers.
async fn swaps(
    ours: &Organisation,
    theirs: &Organisation,
    operation: &Operation,
) -> Vec<(String, (u16, BTreeMap<String, String>, String), (u16, BTreeMap<String, String>, String))> {
    let client = ours.owner.with("x-request-id", "same");
    let (query, body) = (ours.query(operation), ours.body(operation));
    let mut found = Vec::new();
    for (parameter, thing) in named(&operation.path) {
        let foreign = theirs.things[thing].as_str();
        let mut answers = Vec::new();
        for id in [foreign, ABSENT] {
            let path = ours.path_but(operation, &[(thing, id)]);
            let answer = send(&client, operation, &path, &query, body.as_ref()).await;
            answers.push(shape(&answer, &[foreign, ABSENT]));
        }
        let absent = answers.pop().unwrap();
        assert!(
            thing == "nothing" || absent.0 == 404,
            "{} with an absent {parameter}: {absent:?}",
            operation.name()
        );
        found.push((parameter, answers.pop().unwrap(), absent));
    }
    let in_query = operation.query.iter().map(|name| (name, true));
    let in_body = operation
        .fields()
        .filter(|(name, schema)| is_id(operation, name, schema))
        .map(|(name, _)| (name, false));
    for (name, is_query) in in_query.filter(|(name, _)| is_id(operation, name, &Value::Null)).chain(in_body) {
        let foreign = theirs.things[objects::given(operation, name).unwrap()].as_str();
        let mut answers = Vec::new();
        for id in [foreign, ABSENT] {
            let (mut query, mut body) = (query.clone(), body.clone());
            match (is_query, body.as_mut().and_then(Value::as_object_mut)) {
                (true, _) => {
                    query.iter_mut().filter(|(of, _)| of == name).for_each(|(_, value)| id.clone_into(value));
                }
                (false, Some(body)) => drop(body.insert(name.clone(), json!(id))),
                (false, None) => panic!("a field without a body"),
            }
            let answer = send(&client, operation, &ours.path(operation), &query, body.as_ref()).await;
            answers.push(shape(&answer, &[foreign, ABSENT]));
        }
        let absent = answers.pop().unwrap();
        assert!(absent.0 >= 400, "{} with an absent {name}: {absent:?}", operation.name());
        found.push((name.clone(), answers.pop().unwrap(), absent));
    }
    found
}

/// The rows of that organisation, in every table; what is noted of a credential's use aside.
fn rows_of(world: &TestServer, organisation: &Organisation) -> BTreeMap<String, Vec<Value>> {
    let line = json!(organisation.things["line"]);
    let all = world.database().rows();
    let org = all["lines"].iter().find(|row| row["id"] == line).unwrap()["org_id"].clone();
    let theirs = |rows: Vec<Value>| rows.into_iter().filter(|row| row["org_id"] == org || row["id"] == org);
    all.into_iter().map(|(table, rows)| (table, theirs(rows).map(without_use).collect())).collect()
}

fn without_use(mut row: Value) -> Value {
    for column in ["last_seen_at", "last_used_at"] {
        row.as_object_mut().map(|row: &mut Map<String, Value>| row.remove(column));
    }
    row
}

fn same_rows(before: &BTreeMap<String, Vec<Value>>, after: &BTreeMap<String, Vec<Value>>) {
    for (table, rows) in before {
        let plain = |rows: &[Value]| rows.iter().cloned().map(without_use).collect::<Vec<_>>();
        assert_eq!(plain(rows), plain(&after[table]), "{table} was changed");
    }
}

async fn last_seq(organisation: &Organisation) -> i64 {
    let page = organisation.owner.get("/api/v1/audit?limit=1").await.expect(200).body;
    page["entries"][0]["seq"].as_i64().unwrap()
}

/// The kinds of the entries after one up to another; an operation's steps count once.
async fn kinds(organisation: &Organisation, after: i64, last: i64) -> Vec<String> {
    let page = organisation.owner.get("/api/v1/audit?limit=100").await.expect(200).body;
    let entries = page["entries"].as_array().unwrap().iter().rev();
    let new = entries.filter(|entry| (after + 1..=last).contains(&entry["seq"].as_i64().unwrap()));
    let mut kinds: Vec<String> = new.map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
    kinds.dedup();
    kinds
}

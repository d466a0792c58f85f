//! Secrets at rest: what is done to a ciphertext is noticed, a start without the right master key is sealed, and
//! rotations are not felt.

use dialtone_testkit::{
    ACCOUNT, Client, FRENCH, KEY, NUMBER, TOKEN, TestServer, on_each_engine, twilio_signature,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

/// A second line beside the first, both with a server's secret, and another organisation with the same credentials.
async fn two_lines(world: &TestServer) -> Client {
    world.import().await;
    let second = json!({ "phone_number": FRENCH });
    world.owner.post("/api/v1/phone-numbers/import-twilio", second).await.expect(201);
    for number in [NUMBER, FRENCH] {
        let server =
            json!({ "server_url": "https://events.example/", "server_secret": "a secret of 24 characters" });
        world.owner.patch(&format!("/api/v1/lines/{number}"), server).await.expect(200);
    }
    let stranger = world.stranger().await;
    let twilio = json!({ "account_sid": ACCOUNT, "auth_token": TOKEN });
    stranger.put("/api/v1/twilio-settings", twilio).await.expect(200);
    stranger
}

/// The stored bytes of a column in the row that has that value in another one.
fn stored(world: &TestServer, table: &str, (name, value): (&str, &str), column: &str) -> Vec<u8> {
    let rows = world.database().rows().remove(table).unwrap();
    let row = rows.into_iter().find(|row| row[name] == value).unwrap();
    let hex = row[column].as_str().unwrap().trim_start_matches("\\x").to_owned();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn put_bytes(world: &TestServer, table: &str, column: &str, bytes: &[u8], condition: &str) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let literal = match world.database().url().starts_with("sqlite") {
        true => format!("X'{hex}'"),
        false => format!("'\\x{hex}'"),
    };
    world.database().tamper(&format!("UPDATE {table} SET {column} = {literal} WHERE {condition}"));
}

/// What could have been done to a value by somebody who can write the database and has no key.
fn substitutes(world: &TestServer, own: &[u8]) -> Vec<(String, Vec<u8>)> {
    let organisation = |name: &str| {
        let orgs = world.database().rows().remove("orgs").unwrap();
        let org = orgs.into_iter().find(|org| org["name"] == name).unwrap();
        org["id"].as_str().unwrap().to_owned()
    };
    let settings =
        |name: &str| stored(world, "twilio_settings", ("org_id", &organisation(name)), "auth_token");
    let mut all = vec![
        ("another row's".to_owned(), stored(world, "lines", ("phone", FRENCH), "twilio_auth_token")),
        ("another column's".to_owned(), stored(world, "lines", ("phone", NUMBER), "server_secret")),
        ("another table's".to_owned(), settings("Acme")),
        ("another organisation's".to_owned(), settings("Globex")),
        ("longer".to_owned(), [own, &[0]].concat()),
    ];
    // Format, version, nonce, ciphertext and tag; every byte is played where the seal itself is tested.
    for at in [0, 1, 4, 5, 28, 29, own.len() - 17, own.len() - 16, own.len() - 1] {
        let mut flipped = own.to_vec();
        flipped[at] ^= 0x40;
        all.push((format!("flipped at {at}"), flipped));
    }
    all.extend(
        [0, 1, 5, 29, own.len() - 1].map(|length| (format!("cut to {length}"), own[..length].to_vec())),
    );
    all
}

async fn cause(owner: &Client, number: &str) -> Value {
    let checks = owner.get(&format!("/api/v1/lines/{number}/checks")).await.expect(200).body;
    let checks = checks["doctor"]["checks"].as_array().unwrap().clone();
    let failing = checks.iter().find(|check| check["status"] == "failing");
    failing.map_or(Value::Null, |check| check["cause"].clone())
}

/// Asks Twilio's part of the sandbox how often it was asked.
async fn asked(world: &TestServer) -> usize {
    let requests = world.sandbox.requests().await;
    requests.iter().filter(|request| request.to_string().contains("/twilio/")).count()
}

/// A key file as an accident leaves it.
type Accident = (&'static str, fn(&Path));

const ACCIDENTS: [Accident; 5] = [
    ("missing", |file| std::fs::remove_file(file).unwrap()),
    ("another", |file| std::fs::write(file, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()),
    ("cut off", |file| {
        let text = std::fs::read_to_string(file).unwrap();
        std::fs::write(file, &text[..20]).unwrap();
    }),
    ("empty", |file| std::fs::write(file, "").unwrap()),
    ("no text", |file| std::fs::write(file, [0xff; 44]).unwrap()),
];

/// Operations that change something and work without the master key all the same.
const EVEN_SEALED: [(&str, &str); 2] = [("post", "/api/v1/session"), ("delete", "/api/v1/session")];

/// Everything of the document that changes something.
async fn changes(world: &TestServer) -> Vec<(Method, String)> {
    let document = world.nobody().get("/api/openapi.json").await.expect(200).body;
    let mut changes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            if method == "get" || EVEN_SEALED.contains(&(method, path)) {
                continue;
            }
            let id = "01890000-0000-7000-8000-000000000000";
            let segments = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            changes.push((method, segments.collect::<Vec<_>>().join("/")));
        }
    }
    changes
}

/// All rows of what is sealed or would be changed with it; who signed in is not part of it.
fn kept(world: &TestServer) -> Value {
    let tables = ["data_keys", "instance", "lines", "operations", "orgs", "twilio_settings", "vapi_settings"];
    let rows = world.database().rows();
    tables.iter().map(|table| json!({ *table: rows[*table] })).collect()
}

async fn is_sealed(world: &TestServer, what: &str, before: &Value) {
    assert!(world.app.is_sealed(), "{what}");
    world.nobody().get("/healthz").await.expect(200);
    let ready = world.nobody().get("/readyz").await.expect(503).body;
    assert_eq!((&ready["status"], &ready["checks"]["master_key"]), (&json!("failing"), &json!("sealed")));
    let asked_before = asked(world).await;
    for (method, path) in changes(world).await {
        let answer = world.owner.json(method.clone(), &path, &json!({})).await;
        assert_eq!(
            (answer.status, answer.code()),
            (503, "sealed"),
            "{what}: {method} {path}: {}",
            answer.text
        );
    }
    // What needs no secret works, signing in and out too.
    let owner = world.browser().await;
    for path in ["lines", "members", "twilio-settings", "operations", "organisation", "tokens"] {
        owner.get(&format!("/api/v1/{path}")).await.expect(200);
    }
    // What needs one says so, and no provider is asked.
    for path in [&format!("lines/{NUMBER}/checks"), "assistants", "setup-status"] {
        owner.get(&format!("/api/v1/{path}")).await.problem(503, "sealed");
    }
    owner.delete("/api/v1/session").await.expect(200);
    assert_eq!(asked(world).await, asked_before, "{what}");
    assert_eq!(kept(world), *before, "{what}");
}

on_each_engine! {
    async fn t27_what_is_done_to_a_ciphertext_is_refused_and_the_rest_works(world: TestServer) {
        two_lines(&world).await;
        let own = stored(&world, "lines", ("phone", NUMBER), "twilio_auth_token");
        let here = format!("phone = '{NUMBER}'");
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null, "the twin: nothing was done");
        for (what, bytes) in substitutes(&world, &own) {
            put_bytes(&world, "lines", "twilio_auth_token", &bytes, &here);
            let before = asked(&world).await;
            assert_eq!(cause(&world.owner, NUMBER).await, "secret_sealed", "{what}");
            assert_eq!(asked(&world).await, before, "{what}: Twilio was asked with a wrong secret");
            let repair = world.owner.post(&format!("/api/v1/lines/{NUMBER}/repair"), json!({})).await;
            repair.problem(503, "sealed");
        }
        assert_eq!(cause(&world.owner, FRENCH).await, Value::Null, "other rows are fine");
        let after = world.app.key_status().await.unwrap();
        let lost: Vec<_> = after.unreadable.iter().map(|lost| (lost.table, lost.column)).collect();
        assert_eq!(lost, [("lines", "twilio_auth_token")]);
        // Entering the token again heals it.
        let twilio = json!({ "account_sid": ACCOUNT, "auth_token": TOKEN });
        world.owner.put("/api/v1/twilio-settings", twilio).await.expect(200);
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null);
        // A row that is put back to how it was before a rotation.
        let own = stored(&world, "lines", ("phone", NUMBER), "twilio_auth_token");
        assert_eq!(world.app.rotate_keys(false).await.unwrap().unreadable, []);
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null);
        put_bytes(&world, "lines", "twilio_auth_token", &own, &here);
        assert_eq!(cause(&world.owner, NUMBER).await, "secret_sealed");
    }

    async fn t27_damaged_settings_are_told_and_entered_again(world: TestServer) {
        two_lines(&world).await;
        for (table, column) in [("twilio_settings", "auth_token"), ("vapi_settings", "api_key")] {
            put_bytes(&world, table, column, &[1, 0, 0, 0, 1, 7], "org_id IS NOT NULL");
        }
        assert_eq!(cause(&world.owner, NUMBER).await, "vapi_sealed", "the line's own token is fine");
        world.owner.get("/api/v1/assistants").await.problem(503, "sealed");
        world.owner.get("/api/v1/lines").await.expect(200);
        let rotated = world.app.rotate_keys(false).await.unwrap();
        assert_eq!(rotated.unreadable.len(), 3, "both organisations' token, and a key");
        world.owner.put("/api/v1/vapi-settings", json!({ "api_key": KEY })).await.expect(200);
        let twilio = json!({ "account_sid": ACCOUNT, "auth_token": TOKEN });
        world.owner.put("/api/v1/twilio-settings", twilio).await.expect(200);
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null);
        // The old keys were kept for what could not be opened; what is left of it is given up now.
        let rotated = world.app.rotate_keys(false).await.unwrap();
        assert_eq!((rotated.resumed, rotated.unreadable.len()), (true, 1));
        let given_up = world.app.rotate_keys(true).await.unwrap();
        assert_eq!((given_up.resumed, given_up.destroyed), (true, 1));
    }

    async fn t28_without_the_right_master_key_nothing_is_changed_and_with_it_everything_works(world: TestServer) {
        world.import().await;
        let before = kept(&world);
        let key = std::fs::read(world.data_dir().join("master.key")).unwrap();
        let mut world = world;
        for (what, accident) in ACCIDENTS {
            let mut left = Vec::new();
            world = world
                .restarted(|folder| {
                    accident(&folder.join("master.key"));
                    left = files(folder);
                })
                .await;
            is_sealed(&world, what, &before).await;
            assert_eq!(files(world.data_dir()), left, "{what}: no key was made over the data");
            let said = world.app.sealed().unwrap().to_string();
            assert!(said.contains("start again"), "{said}");
            world = world.restarted(|folder| std::fs::write(folder.join("master.key"), &key).unwrap()).await;
            assert!(!world.app.is_sealed(), "{what}");
        }
        world.nobody().get("/readyz").await.expect(200);
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null, "the right key heals everything");
        world.save_keys().await;
    }

    async fn t28_rotations_are_not_felt(world: TestServer) {
        two_lines(&world).await;
        let token = json!({ "name": "kept", "role": "viewer" });
        let once = world.owner.with("idempotency-key", "before-the-rotation");
        let first = once.post("/api/v1/tokens", token.clone()).await.expect(201).body;
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let users: Vec<_> = (0..4)
            .map(|number| {
                let (owner, stop) = (world.owner.clone(), stop.clone());
                tokio::spawn(async move {
                    let mut requests = 0;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        let keyed = owner.with("idempotency-key", &format!("{number}-{requests}"));
                        let body = json!({ "name": "n", "role": "viewer" });
                        keyed.post("/api/v1/tokens", body).await.expect(201);
                        owner.get(&format!("/api/v1/lines/{NUMBER}/checks")).await.expect(200);
                        requests += 1;
                    }
                    requests
                })
            })
            .collect();
        for version in 2..6 {
            let rotated = world.app.rotate_keys(false).await.unwrap();
            assert_eq!((rotated.version, rotated.resumed, rotated.unreadable), (version, false, vec![]));
            assert!(rotated.resealed > 0 && rotated.destroyed == 3, "two organisations and the installation");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        for user in users {
            assert!(user.await.unwrap() > 0);
        }
        let again = once.post("/api/v1/tokens", token).await.expect(201);
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first));
        let status = world.app.key_status().await.unwrap();
        assert_eq!((status.versions.len(), status.is_rotating(), status.unreadable), (1, false, vec![]));
    }

    async fn t57_a_rotated_token_is_accepted_beside_the_one_before_and_vapi_is_told(world: TestServer) {
        world.import().await;
        let secondary = world.sandbox.secondary_token("Secondary").await;
        let twilio = json!({ "account_sid": ACCOUNT, "auth_token": secondary });
        world.owner.put("/api/v1/twilio-settings", twilio).await.expect(200);
        let both = [secondary.as_str(), TOKEN];
        assert_eq!(believed(&world, &both).await, both, "Twilio signs with the primary still");
        told_vapi(&world, &secondary).await;
        let list = world.owner.get("/api/v1/operations").await.expect(200).body;
        let operation = &list["operations"][0];
        assert_eq!((&operation["kind"], &operation["can_undo"]), (&json!("credentials"), &json!(false)));
        let steps: Vec<_> = operation["steps"].as_array().unwrap().iter().map(|step| &step["change"]).collect();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0]["kind"], "set_vapi_credentials");
        assert!(!list.to_string().contains(&secondary) && !list.to_string().contains(TOKEN));
        // Promoted: the old one is dead, and nothing is felt.
        assert_eq!(world.sandbox.secondary_token("Promote").await, secondary);
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null);
        // The same token again changes nothing.
        let twilio = json!({ "account_sid": ACCOUNT, "auth_token": secondary });
        world.owner.put("/api/v1/twilio-settings", twilio).await.expect(200);
        assert_eq!(believed(&world, &both).await, both);
        // After the overlap only the present one is left.
        world.database().tamper("UPDATE previous_tokens SET expires_at = 1");
        assert_eq!(believed(&world, &both).await, [secondary.as_str()]);
    }

    async fn t57_a_revoked_token_is_told_and_the_new_one_mends_it(world: TestServer) {
        world.import().await;
        let account = world.sandbox.control(&format!("accounts/{ACCOUNT}"), json!({ "rotate_token": true })).await;
        let token = account["auth_token"].as_str().unwrap().to_owned();
        let revoked = world.owner.get(&format!("/api/v1/lines/{NUMBER}/checks")).await.expect(200).body;
        assert_eq!(revoked["doctor"]["checks"][0]["cause"], "twilio_unauthorized");
        assert!(believed(&world, &[&token]).await.is_empty(), "it cannot verify, and does not guess");
        let refused = json!({ "account_sid": ACCOUNT, "auth_token": TOKEN });
        world.owner.put("/api/v1/twilio-settings", refused).await.problem(400, "twilio_unauthorized");
        let twilio = json!({ "account_sid": ACCOUNT, "auth_token": token });
        world.owner.put("/api/v1/twilio-settings", twilio).await.expect(200);
        told_vapi(&world, &token).await;
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null);
    }

    async fn t57_an_import_with_another_token_is_a_rotation_too(world: TestServer) {
        world.import().await;
        let secondary = world.sandbox.secondary_token("Secondary").await;
        let again = json!({
            "phone_number": NUMBER, "twilio_account_sid": ACCOUNT, "twilio_auth_token": secondary
        });
        world.owner.post("/api/v1/phone-numbers/import-twilio", again).await.expect(200);
        let both = [secondary.as_str(), TOKEN];
        assert_eq!(believed(&world, &both).await, both);
        told_vapi(&world, &secondary).await;
    }

    async fn t57_vapi_that_does_not_answer_is_told_later(world: TestServer) {
        world.import().await;
        world.sandbox.fault("PATCH", "/vapi/phone-number/.*", 1, json!({ "status": 400 })).await;
        let secondary = world.sandbox.secondary_token("Secondary").await;
        let twilio = json!({ "account_sid": ACCOUNT, "auth_token": secondary });
        world.owner.put("/api/v1/twilio-settings", twilio).await.expect(200);
        ended(&world, "failed").await;
        assert_eq!(cause(&world.owner, NUMBER).await, "vapi_token_stale", "it is not hidden");
        world.owner.post(&format!("/api/v1/lines/{NUMBER}/repair"), json!({})).await.expect(200);
        told_vapi(&world, &secondary).await;
        assert_eq!(cause(&world.owner, NUMBER).await, Value::Null);
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("key"))
        .collect();
    names.sort();
    names
}

/// The tokens among these that webhooks of the account are believed with.
async fn believed<'a>(world: &TestServer, tokens: &[&'a str]) -> Vec<&'a str> {
    let address = format!("{}/webhooks/twilio/status", world.url());
    let mut believed = Vec::new();
    for token in tokens {
        let fields = [
            ("AccountSid", ACCOUNT),
            ("CallSid", "CA00000000000000000000000000000001"),
            ("CallStatus", "completed"),
            ("To", NUMBER),
        ];
        let signature = twilio_signature(token, &address, &fields);
        let client = world.nobody();
        let request = client.request(Method::POST, "/webhooks/twilio/status").form(&fields);
        let status = client.send(request.header("x-twilio-signature", signature)).await.status;
        if status == 200 {
            believed.push(*token);
        } else {
            assert_eq!(status, 403);
        }
    }
    believed
}

/// Waits until the last operation has ended, which it does like that.
async fn ended(world: &TestServer, state: &str) {
    let mut events = world.app.event_wakeups();
    loop {
        let list = world.owner.get("/api/v1/operations").await.expect(200).body;
        if !list["operations"][0]["finished_at"].is_null() {
            assert_eq!(list["operations"][0]["state"], state, "{list}");
            return;
        }
        events.changed().await.unwrap();
    }
}

/// Waits until Vapi has that token of the account.
async fn told_vapi(world: &TestServer, token: &str) {
    ended(world, "succeeded").await;
    let state = world.sandbox.state().await;
    assert_eq!(state["orgs"][0]["phone_numbers"][0]["twilioAuthToken"], token);
}

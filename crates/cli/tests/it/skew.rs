//! Nodes whose clocks are a day apart (case T40): each change at a provider is made once, whoever is asked. A clock that
//! is put back blinds nobody.

use crate::harness::{Engine, Place, Process, get, http, never_logged, post, run, send, wait_for};
use dialtone_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

const NUMBER: &str = "+14155552671";

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// A server of this place whose clock is that far off.
fn node(place: &Place, sandbox: &Sandbox, offset: &str) -> (Process, String) {
    let mut command = place.dialtone(&["serve", "--listen", "127.0.0.1:0"]);
    // faketime itself stays before its program and passes no signal on: it only says what to preload.
    let said =
        std::process::Command::new("faketime").args(["-f", offset, "env"]).output().expect("faketime runs");
    let said = String::from_utf8(said.stdout).expect("an environment");
    let of_clock = |row: &&str| row.starts_with("LD_PRELOAD=") || row.starts_with("FAKETIME=");
    command.envs(said.lines().filter(of_clock).filter_map(|row| row.split_once('=')));
    command.env("DIALTONE_TWILIO_URL", format!("{}/twilio/{{product}}", sandbox.url()));
    command.env("DIALTONE_VAPI_URL", format!("{}/vapi", sandbox.url()));
    let mut process = Process::start(&mut command);
    let said = process.line();
    let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
    (process, url)
}

fn no_faketime() -> bool {
    if std::process::Command::new("faketime").arg("--version").output().is_ok() {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "faketime is not installed");
    eprintln!("skipped: no faketime (run scripts/install-test-tools)");
    true
}

/// A place with an owner, whose token this is, and providers to serve it.
async fn owned(engine: Engine) -> (Place, String, Sandbox) {
    let place = Place::new(engine);
    let owner =
        ["user", "create", "--email", "o@example.com", "--name", "O", "--org", "Org", "--role", "owner"];
    assert_eq!(run(&mut place.dialtone(&owner), "skew-test canary password").code, 0);
    let token =
        run(&mut place.dialtone(&["token", "create", "--email", "o@example.com", "--role", "owner"]), "");
    let token = token.out.trim_end().to_owned();
    let sandbox = Sandbox::start("127.0.0.1:0".parse().expect("an address")).await.expect("a port is free");
    (place, token, sandbox)
}

/// Saves the credentials on the server at this address, and makes an assistant.
async fn save_keys(url: &str, token: &str, sandbox: &Sandbox) {
    let state = get(&format!("{}/sandbox/state", sandbox.url()), None).await.1;
    let (account, key) = (&state["accounts"][0], &state["orgs"][0]["private_key"]);
    for secret in ["skew-test canary password", token, &text(&account["auth_token"]), &text(key)] {
        never_logged(secret);
    }
    let twilio = json!({ "account_sid": account["sid"], "auth_token": account["auth_token"] });
    for (path, body) in [("twilio", twilio), ("vapi", json!({ "api_key": key }))] {
        let url = format!("{url}/api/v1/{path}-settings");
        assert_eq!(send(Method::PUT, &url, Some(token), &body).await.0, 200);
    }
    let made = post(&format!("{url}/api/v1/assistants"), Some(token), &json!({ "name": "Desk" })).await;
    assert_eq!(made.0, 201, "{}", made.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t40_a_clock_that_is_put_back_does_not_blind_the_watch() {
    if no_faketime() {
        return;
    }
    let (place, token, sandbox) = owned(Engine::Sqlite).await;
    let (ahead, url) = node(&place, &sandbox, "+24h");
    save_keys(&url, &token, &sandbox).await;
    let import = format!("{url}/api/v1/phone-numbers/import-twilio");
    let (status, answer) = post(&import, Some(&token), &json!({ "phone_number": NUMBER })).await;
    assert_eq!(status, 201, "{answer}");
    assert!(ahead.stop().success());
    let state = get(&format!("{}/sandbox/state", sandbox.url()), None).await.1;
    let key = text(&state["orgs"][0]["private_key"]);
    let records = format!("{}/vapi/phone-number", sandbox.url());
    let record = text(&get(&records, Some(&key)).await.1[0]["id"]);
    let deleted = http().delete(format!("{records}/{record}")).bearer_auth(&key).send().await;
    assert!(deleted.expect("the sandbox answers").status().is_success());
    let (right, url) = node(&place, &sandbox, "+0");
    let alerts = format!("{url}/api/v1/alerts?open=true");
    wait_for("the alert that the line is broken", || async {
        let shown = get(&alerts, Some(&token)).await.1;
        (shown["alerts"][0]["kind"] == "line_broken").then_some(())
    })
    .await;
    assert!(right.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t40_nodes_a_day_apart_do_each_change_once() {
    if !Engine::Postgres.is_here() || no_faketime() {
        return;
    }
    let (place, token, sandbox) = owned(Engine::Postgres).await;
    let nodes = ["+0", "+24h", "-24h"].map(|offset| node(&place, &sandbox, offset));
    save_keys(&nodes[0].1, &token, &sandbox).await;
    let rounds = if std::env::var_os("DIALTONE_TEST_LONG").is_some() { 20 } else { 3 };
    for round in 0..rounds {
        let asked = &nodes[round % 3].1;
        // Slower than every node's look for work, so that each could take it for abandoned.
        let slow = json!({ "method": "POST", "path": "^/vapi/phone-number", "times": 1, "fault": { "delay_ms": 2500 } });
        post(&format!("{}/sandbox/faults", sandbox.url()), None, &slow).await;
        let import = format!("{asked}/api/v1/phone-numbers/import-twilio");
        let (status, answer) = post(&import, Some(&token), &json!({ "phone_number": NUMBER })).await;
        assert_eq!(status, 201, "round {round}: {answer}");
        let removed = format!("{asked}/api/v1/lines/{NUMBER}?confirm={}", NUMBER.replace('+', "%2B"));
        let (status, answer) = send(Method::DELETE, &removed, Some(&token), &Value::Null).await;
        assert_eq!(status, 200, "round {round}: {answer}");
    }
    let requests = get(&format!("{}/sandbox/requests", sandbox.url()), None).await.1;
    let requests = requests["requests"].as_array().expect("a list").clone();
    let count = |method: &str, path: &str| {
        let same = |row: &&Value| row["method"] == method && text(&row["path"]).starts_with(path);
        requests.iter().filter(same).count()
    };
    assert_eq!(
        (count("POST", "/vapi/phone-number"), count("DELETE", "/vapi/phone-number/")),
        (rounds, rounds),
        "each change was made once"
    );
    let operations = get(&format!("{}/api/v1/operations?limit=100", nodes[1].1), Some(&token)).await.1;
    for operation in operations["operations"].as_array().expect("a list") {
        assert_eq!(operation["state"], "succeeded", "{operation}");
        let steps = operation["steps"].as_array().expect("a list");
        assert!(steps.iter().all(|step| step["state"] == "done"), "one was taken for abandoned: {operation}");
    }
    for (process, _) in nodes {
        assert!(process.stop().success());
    }
}

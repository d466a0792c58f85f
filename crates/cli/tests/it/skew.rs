//! Nodes whose clocks are a day apart (case T40): each change at a provider is made once, whoever is asked.

use crate::harness::{Engine, Place, Process, get, never_logged, post, run, send};
use dialtone_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

const NUMBER: &str = "+14155552671";

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// A server of this place whose clock is that far off.
fn node(place: &Place, sandbox: &Sandbox, offset: &str) -> (Process, String) {
    let server = place.dialtone(&["serve", "--listen", "127.0.0.1:0"]);
    let mut command = std::process::Command::new("faketime");
    command.args(["-f", offset]).arg(server.get_program()).args(server.get_args());
    command.env_clear().envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("DIALTONE_TWILIO_URL", format!("{}/twilio/{{product}}", sandbox.url()));
    command.env("DIALTONE_VAPI_URL", format!("{}/vapi", sandbox.url()));
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let mut process = Process::start(&mut command);
    let said = process.line();
    let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
    (process, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t40_nodes_a_day_apart_do_each_change_once() {
    if !Engine::Postgres.is_here() {
        return;
    }
    if std::process::Command::new("faketime").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "faketime is not installed");
        eprintln!("skipped: no faketime (run scripts/install-test-tools)");
        return;
    }
    let place = Place::new(Engine::Postgres);
    let owner =
        ["user", "create", "--email", "o@example.com", "--name", "O", "--org", "Org", "--role", "owner"];
    assert_eq!(run(&mut place.dialtone(&owner), "skew-test canary password").code, 0);
    let token =
        run(&mut place.dialtone(&["token", "create", "--email", "o@example.com", "--role", "owner"]), "");
    let token = token.out.trim_end().to_owned();
    let sandbox = Sandbox::start("127.0.0.1:0".parse().expect("an address")).await.expect("a port is free");
    let state = get(&format!("{}/sandbox/state", sandbox.url()), None).await.1;
    let (account, key) = (&state["accounts"][0], &state["orgs"][0]["private_key"]);
    for secret in ["skew-test canary password", &token, &text(&account["auth_token"]), &text(key)] {
        never_logged(secret);
    }
    let nodes = ["+0", "+24h", "-24h"].map(|offset| node(&place, &sandbox, offset));
    let twilio = json!({ "account_sid": account["sid"], "auth_token": account["auth_token"] });
    for (path, body) in [("twilio", twilio), ("vapi", json!({ "api_key": key }))] {
        let url = format!("{}/api/v1/{path}-settings", nodes[0].1);
        assert_eq!(send(Method::PUT, &url, Some(&token), &body).await.0, 200);
    }
    let made =
        post(&format!("{}/api/v1/assistants", nodes[0].1), Some(&token), &json!({ "name": "Desk" })).await;
    assert_eq!(made.0, 201, "{}", made.1);
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

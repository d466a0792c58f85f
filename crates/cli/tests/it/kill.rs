//! Killed at every step of an import, and with every provider's answer lost: after a restart there is one
//! number in Vapi, linked, and the operation's record tells what happened (issue 2, design section 1).

use crate::harness::{Engine, Place, Process, get, never_logged, post, run, send, wait_for};
use dialtone_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const NUMBER: &str = "+14155552671";
/// Cases at the same time: most of them wait for the lease of a killed process to end.
const AT_ONCE: usize = 6;

/// What happens at one provider call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// The server is killed before the provider has done the work.
    KilledBefore,
    /// The server is killed when the provider has done the work and not answered yet.
    KilledAfter,
    /// The provider does the work and cuts the connection; the server lives on.
    AnswerLost,
}

impl Blow {
    fn fault(self) -> Value {
        match self {
            Blow::KilledBefore => json!({ "drop": "before", "delay_ms": 600_000 }),
            Blow::KilledAfter => json!({ "delay_ms": 600_000 }),
            Blow::AnswerLost => json!({ "drop": "after" }),
        }
    }
}

/// A server with credentials for the sandbox and an assistant, and everything to look at both.
struct Scene {
    place: Place,
    sandbox: Sandbox,
    token: String,
    server: Option<Process>,
    url: String,
}

impl Scene {
    /// A data directory with an owner, a token, and the credentials that every sandbox starts with.
    async fn prepare(engine: Engine) -> (Place, String) {
        let place = Place::new(engine);
        let user =
            ["user", "create", "--email", "o@example.com", "--name", "O", "--org", "Org", "--role", "owner"];
        assert_eq!(run(&mut place.dialtone(&user), "kill-test canary password").code, 0);
        let token =
            run(&mut place.dialtone(&["token", "create", "--email", "o@example.com", "--role", "owner"]), "");
        let token = token.out.trim_end().to_owned();
        let mut scene = Self::open(place, token.clone()).await;
        let state = get(&format!("{}/sandbox/state", scene.sandbox.url()), None).await.1;
        let (account, key) = (&state["accounts"][0], &state["orgs"][0]["private_key"]);
        for secret in ["kill-test canary password", &token, text(&account["auth_token"]), text(key)] {
            never_logged(secret);
        }
        let twilio = json!({ "account_sid": account["sid"], "auth_token": account["auth_token"] });
        for (path, body) in [("twilio", twilio), ("vapi", json!({ "api_key": key }))] {
            let url = format!("{}/api/v1/{path}-settings", scene.url);
            let (status, answer) = send(Method::PUT, &url, Some(&scene.token), &body).await;
            assert_eq!(status, 200, "{answer}");
        }
        assert!(scene.server.take().expect("it runs").stop().success());
        (scene.place, token)
    }

    async fn open(place: Place, token: String) -> Self {
        let sandbox =
            Sandbox::start("127.0.0.1:0".parse().expect("an address")).await.expect("a port is free");
        let mut scene = Self { place, sandbox, token, server: None, url: String::new() };
        scene.serve();
        scene
    }

    fn serve(&mut self) {
        let sandbox = self.sandbox.url();
        let mut command = self.place.dialtone(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("DIALTONE_TWILIO_URL", format!("{sandbox}/twilio/{{product}}"));
        command.env("DIALTONE_VAPI_URL", format!("{sandbox}/vapi"));
        let mut server = Process::start(&mut command);
        let said = server.line();
        self.url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
        self.server = Some(server);
    }

    async fn api(&self, path: &str) -> Value {
        let (status, answer) = get(&format!("{}{path}", self.url), Some(&self.token)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn assistant(&self) -> Value {
        let url = format!("{}/api/v1/assistants", self.url);
        let (status, answer) = post(&url, Some(&self.token), &json!({ "name": "Desk" })).await;
        assert_eq!(status, 201, "{answer}");
        answer["assistant"]["id"].clone()
    }

    /// Asks for the import, beside what the test does; the answer may never come.
    fn import(&self) -> tokio::task::JoinHandle<Option<Value>> {
        let request = crate::harness::http().post(format!("{}/api/v1/phone-numbers/import-twilio", self.url));
        let request = request.bearer_auth(&self.token).json(&json!({ "phone_number": NUMBER }));
        tokio::spawn(async move { request.send().await.ok()?.json().await.ok() })
    }

    /// The requests that the providers have got.
    async fn requests(&self) -> Vec<Value> {
        let log = get(&format!("{}/sandbox/requests", self.sandbox.url()), None).await.1;
        log["requests"].as_array().expect("a list").clone()
    }

    async fn control(&self, path: &str, body: &Value) -> Value {
        post(&format!("{}/sandbox/{path}", self.sandbox.url()), None, body).await.1
    }

    /// The import's operation once it has ended, `None` where none was begun.
    async fn operation(&self) -> Option<Value> {
        if self.api("/api/v1/operations").await["operations"].as_array().is_none_or(Vec::is_empty) {
            return None;
        }
        let ended = || async {
            let operation = self.api("/api/v1/operations").await["operations"][0].take();
            (!matches!(text(&operation["state"]), "pending" | "running")).then_some(operation)
        };
        Some(wait_for("the operation to end", ended).await)
    }

    /// What must hold in the end.
    async fn assert_one_number(&self, assistant: &Value, case: &str) {
        let state = get(&format!("{}/sandbox/state", self.sandbox.url()), None).await.1;
        let numbers = state["orgs"][0]["phone_numbers"].as_array().expect("a list");
        assert_eq!(numbers.len(), 1, "{case}: {numbers:?}");
        assert_eq!(
            (&numbers[0]["number"], &numbers[0]["assistantId"]),
            (&json!(NUMBER), assistant),
            "{case}"
        );
        let created = self.requests().await;
        let mut created =
            created.iter().filter(|row| row["method"] == "POST" && row["path"] == "/vapi/phone-number");
        assert!(!created.any(|row| row["status"] == 400), "{case}: it was repeated blindly");
        let lines = self.api("/api/v1/lines").await["lines"].take();
        assert_eq!(lines.as_array().map(Vec::len), Some(1), "{case}: {lines}");
        assert_eq!(lines[0]["vapi_phone_id"], numbers[0]["id"], "{case}");
        let heard = self.control("calls", &json!({ "from": "+14155550123", "to": NUMBER })).await;
        assert_eq!(heard["outcome"], "answered", "{case}: {heard}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Plays an import with a blow at its provider call of that number, the first being 1.
async fn case(place: Place, token: String, call: usize, blow: Blow) {
    let case = format!("{blow:?} at call {call}");
    let mut scene = Scene::open(place, token).await;
    let assistant = scene.assistant().await;
    let before = scene.requests().await.len();
    if call > 1 {
        // Lets the calls before it through: the first rule that is left takes a request.
        let through = json!({ "path": ".", "times": call - 1, "fault": { "delay_ms": 0 } });
        scene.control("faults", &through).await;
    }
    scene.control("faults", &json!({ "path": ".", "times": 1, "fault": blow.fault() })).await;

    let import = scene.import();
    if blow != Blow::AnswerLost {
        wait_for("the call", || async { (scene.requests().await.len() >= before + call).then_some(()) })
            .await;
        scene.server.take().expect("it runs").kill();
        let url = format!("{}/sandbox/faults", scene.sandbox.url());
        send(Method::DELETE, &url, None, &Value::Null).await;
        scene.serve();
    }
    let answer = import.await.expect("it does not panic");
    assert_eq!(answer.is_some(), blow == Blow::AnswerLost, "{case}: {answer:?}");

    match scene.operation().await {
        Some(operation) => {
            assert_eq!(operation["state"], "succeeded", "{case}: {operation}");
            let steps = operation["steps"].as_array().expect("a list");
            let told = steps.iter().filter(|step| step["change"]["kind"] == "import_number").count();
            assert!(told >= 1, "{case}: the record does not tell of the import: {operation}");
        }
        None => {
            // It was killed before anything was decided: nothing may have been done.
            let state = get(&format!("{}/sandbox/state", scene.sandbox.url()), None).await.1;
            assert_eq!(state["orgs"][0]["phone_numbers"], json!([]), "{case}");
            let again = scene.import().await.expect("it does not panic").expect("the server answers");
            assert_eq!(again["success"], true, "{case}: {again}");
        }
    }
    scene.assert_one_number(&assistant, &case).await;
    assert!(scene.server.take().expect("it runs").stop().success(), "{case}: it does not stop");
    for file in std::fs::read_dir(scene.place.folder()).expect("the folder is there") {
        let name = file.expect("the folder can be read").file_name();
        let name = name.to_string_lossy();
        let kept = name.starts_with("dialtone.db") || ["master.key", "recent.log"].contains(&&*name);
        assert!(kept, "{case}: {name} is left behind");
    }
}

async fn every_blow(engine: Engine) {
    if !engine.is_here() {
        return;
    }
    let (place, token) = Scene::prepare(engine).await;
    let calls = {
        let scene = Scene::open(place.copy(), token.clone()).await;
        let assistant = scene.assistant().await;
        let before = scene.requests().await.len();
        let answer = scene.import().await.expect("it does not panic").expect("the server answers");
        assert_eq!(answer["success"], true, "{answer}");
        scene.assert_one_number(&assistant, "no blow").await;
        scene.requests().await.len() - before
    };
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut cases = JoinSet::new();
    for call in 1..=calls {
        for blow in [Blow::KilledBefore, Blow::KilledAfter, Blow::AnswerLost] {
            let (place, token, turns) = (place.copy(), token.clone(), Arc::clone(&turns));
            cases.spawn(async move {
                let _turn = turns.acquire().await.expect("it stays open");
                case(place, token, call, blow).await;
            });
        }
    }
    // A case that fails says why; it must not hide the others.
    let mut failed = 0;
    while let Some(played) = cases.join_next().await {
        failed += u32::from(played.is_err());
    }
    assert_eq!(failed, 0, "of {} cases", 3 * calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_import_survives_every_blow_on_sqlite() {
    every_blow(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_import_survives_every_blow_on_postgres() {
    every_blow(Engine::Postgres).await;
}

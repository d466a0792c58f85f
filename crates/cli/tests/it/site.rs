//! A server as a process beside a sandbox, with an owner and the sandbox's credentials.

use crate::harness::{Engine, Place, Process, get, never_logged, post, run, send};
use dialtone_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;

/// The number of the sandbox that nobody answers yet.
pub(crate) const NUMBER: &str = "+14155552671";

/// A server that is reached over HTTP. Dropping it kills it.
pub(crate) struct Site {
    pub(crate) place: Place,
    pub(crate) sandbox: Sandbox,
    pub(crate) server: Process,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) password: &'static str,
}

impl Site {
    /// Makes the owner `o@example.com` and starts the server, after `configure` had its command.
    pub(crate) async fn start(
        engine: Engine,
        password: &'static str,
        configure: impl Fn(&mut Command),
    ) -> Self {
        let place = Place::new(engine);
        let user =
            ["user", "create", "--email", "o@example.com", "--name", "O", "--org", "Org", "--role", "owner"];
        assert_eq!(run(&mut place.dialtone(&user), password).code, 0);
        let create = ["token", "create", "--email", "o@example.com", "--role", "owner"];
        let token = run(&mut place.dialtone(&create), "").out.trim_end().to_owned();
        [password, &token].into_iter().for_each(never_logged);
        let sandbox =
            Sandbox::start("127.0.0.1:0".parse().expect("an address")).await.expect("a port is free");
        let (server, url) = Self::serve(&place, &sandbox, &configure);
        Self { place, sandbox, server, url, token, password }
    }

    /// Starts a server on the place.
    pub(crate) fn serve(
        place: &Place,
        sandbox: &Sandbox,
        configure: &impl Fn(&mut Command),
    ) -> (Process, String) {
        let providers = sandbox.url();
        let mut command = place.dialtone(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("DIALTONE_TWILIO_URL", format!("{providers}/twilio/{{product}}"));
        command.env("DIALTONE_VAPI_URL", format!("{providers}/vapi"));
        configure(&mut command);
        let mut server = Process::start(&mut command);
        let said = server.line();
        let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
        (server, url)
    }

    /// Sends JSON as the owner: the status and the answer.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        send(method, &format!("{}{path}", self.url), Some(&self.token), body).await
    }

    /// The sandbox's first Twilio account with its token, and its Vapi key.
    pub(crate) async fn credentials(&self) -> (String, String, String) {
        let state = get(&format!("{}/sandbox/state", self.sandbox.url()), None).await.1;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let account = &state["accounts"][0];
        let found =
            (text(&account["sid"]), text(&account["auth_token"]), text(&state["orgs"][0]["private_key"]));
        never_logged(&found.1);
        never_logged(&found.2);
        found
    }

    /// Saves them, and makes an assistant.
    pub(crate) async fn prepare(&self) {
        let (account, token, key) = self.credentials().await;
        let twilio = json!({ "account_sid": account, "auth_token": token });
        for (method, path, body) in [
            (Method::PUT, "/api/v1/twilio-settings", twilio),
            (Method::PUT, "/api/v1/vapi-settings", json!({ "api_key": key })),
            (Method::POST, "/api/v1/assistants", json!({ "name": "Desk" })),
        ] {
            let (status, answer) = self.send(method, path, &body).await;
            assert!((200..300).contains(&status), "{path}: {answer}");
        }
    }

    /// Sends JSON to the sandbox's control API.
    pub(crate) async fn control(&self, path: &str, body: &Value) -> Value {
        post(&format!("{}/sandbox/{path}", self.sandbox.url()), None, body).await.1
    }
}

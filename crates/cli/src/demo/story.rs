//! The demo's story (requirement A8) as data: the README shows it, `dialtone demo` prints it with its own
//! addresses, and `dialtone demo --check` plays it.

use crate::client::Client;
use crate::client::Method;
use crate::failure::{Failure, Result};
use crate::output::{line, text};
use crate::profile::Target;
use dialtone_domain::{Language, SecretString};
use serde_json::{Value, json};

/// The number that does not answer: one of the two that the sandbox's account has from the start.
const NUMBER: &str = "+14155552671";
const CALLER: &str = "+14155550123";
const GREETING: &str = "Hello, this is the demo. How can I help?";

/// Whom a step is sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Dialtone,
    Sandbox,
}

/// One step: what it shows, what is sent, and what must come back.
pub(super) struct Step {
    /// What it shows, in a sentence.
    pub(super) says: &'static str,
    to: To,
    method: Method,
    path: String,
    body: Option<Value>,
    /// What came back in a few words, or `None` where it is not what the story says.
    tells: fn(&Value) -> Option<String>,
}

/// What the sandbox's first account and organisation are opened with; the same at every start.
pub(super) struct Credentials {
    account_sid: String,
    auth_token: String,
    api_key: String,
}

impl Credentials {
    /// Asks the sandbox.
    pub(super) async fn read(sandbox: &str) -> Result<Self> {
        let state = client(sandbox, None)?.get("/sandbox/state").await?;
        let at = |pointer| text(&state, pointer).into_owned();
        Ok(Self {
            account_sid: at("/accounts/0/sid"),
            auth_token: at("/accounts/0/auth_token"),
            api_key: at("/orgs/0/private_key"),
        })
    }
}

impl Step {
    /// The step as a line for a shell, with the token in `DIALTONE_TOKEN`.
    pub(super) fn curl(&self, dialtone: &str, sandbox: &str) -> String {
        let base = if self.to == To::Dialtone { dialtone } else { sandbox };
        let mut line = format!("curl -s {base}{}", self.path);
        if !matches!(self.method, Method::GET | Method::POST) {
            line.push_str(&format!(" -X {}", self.method));
        }
        if self.to == To::Dialtone {
            line.push_str(" -H \"Authorization: Bearer $DIALTONE_TOKEN\"");
        }
        if let Some(body) = &self.body {
            line.push_str(&format!(" -H 'Content-Type: application/json' -d '{body}'"));
        }
        line
    }
}

/// The story.
pub(super) fn steps(known: &Credentials) -> Vec<Step> {
    let call = json!({ "from": CALLER, "to": NUMBER });
    let step = |says, to, method, path: &str, body, tells| Step {
        says,
        to,
        method,
        path: path.to_owned(),
        body,
        tells,
    };
    vec![
        step(
            "Somebody rings the number. It is bought, but nobody is there: \"not found\".",
            To::Sandbox,
            Method::POST,
            "/sandbox/calls",
            Some(call.clone()),
            |answer| heard(answer, "not_found"),
        ),
        step(
            "Save the Twilio account. The answer lists what is still missing.",
            To::Dialtone,
            Method::PUT,
            "/api/v1/twilio-settings",
            Some(
                json!({ "account_sid": known.account_sid, "auth_token": known.auth_token, "phone_number": NUMBER }),
            ),
            |answer| expected(answer, "/setup/message", answer["setup"]["ready"] == false),
        ),
        step(
            "Save the Vapi key.",
            To::Dialtone,
            Method::PUT,
            "/api/v1/vapi-settings",
            Some(json!({ "api_key": known.api_key })),
            |answer| expected(answer, "/setup/message", answer["setup"]["ready"] == false),
        ),
        step(
            "Create an assistant. It was the last thing missing: the number is imported and linked by itself.",
            To::Dialtone,
            Method::POST,
            "/api/v1/assistants",
            Some(json!({ "name": "Reception", "first_message": GREETING })),
            |answer| expected(answer, "/setup/message", answer["setup"]["ready"] == true),
        ),
        step(
            "Somebody rings again. The assistant answers.",
            To::Sandbox,
            Method::POST,
            "/sandbox/calls",
            Some(call),
            |answer| heard(answer, "answered").filter(|said| said.contains(GREETING)),
        ),
        step(
            "Check the line, from the credentials to the call: every check is ok.",
            To::Dialtone,
            Method::GET,
            &format!("/api/v1/lines/{}/checks", crate::client::segment(NUMBER)),
            None,
            |answer| all_ok(&answer["doctor"]),
        ),
    ]
}

fn expected(answer: &Value, pointer: &str, right: bool) -> Option<String> {
    right.then(|| text(answer, pointer).into_owned())
}

fn heard(answer: &Value, outcome: &str) -> Option<String> {
    let said: Vec<_> = answer["heard"].as_array()?.iter().map(|said| text(said, "").into_owned()).collect();
    (answer["outcome"] == outcome).then(|| format!("the caller hears: {}", said.join(" ")))
}

fn all_ok(doctor: &Value) -> Option<String> {
    let checks =
        doctor["checks"].as_array().filter(|checks| checks.iter().all(|check| check["status"] == "ok"))?;
    let names: Vec<_> = checks.iter().map(|check| text(check, "/id")).collect();
    (doctor["healthy"] == true).then(|| format!("ok: {}", names.join(", ")))
}

/// Plays the story and prints each step with what came back. Fails at the first that goes otherwise.
pub(super) async fn play(dialtone: &str, sandbox: &str, token: SecretString) -> Result {
    let known = Credentials::read(sandbox).await?;
    let (dialtone, sandbox) = (client(dialtone, Some(token))?, client(sandbox, None)?);
    for (index, step) in steps(&known).iter().enumerate() {
        let to = if step.to == To::Dialtone { &dialtone } else { &sandbox };
        let answer = to.request(step.method.clone(), &step.path, step.body.as_ref()).await?;
        let told = (step.tells)(&answer);
        line(&format!("{} {}. {}", if told.is_some() { "✓" } else { "✗" }, index + 1, step.says))?;
        match told {
            Some(told) => line(&format!("     {told}"))?,
            None => {
                return Err(Failure::because("The demo went otherwise. What came back", text(&answer, "")));
            }
        }
    }
    line("The demo works: a number that was not found answers.")
}

fn client(url: &str, token: Option<SecretString>) -> Result<Client> {
    let url = url.parse().expect("it is what a server of ours listens on");
    Client::new(Target { url, token, language: Language::En })
}

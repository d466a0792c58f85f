//! `dialtone settings`: the saved credentials. Secrets come from the environment or standard input, never from
//! the command line, which every user of the machine can read.

use super::{client, succeeded};
use crate::args::{Forget, Format, Remote, Settings, TwilioSettings, VapiSettings};
use crate::client::Method;
use crate::failure::Result;
use crate::output::{Column, line, object, text};
use crate::prompt;
use dialtone_domain::ExposeSecret;
use serde_json::{Value, json};

const TWILIO: &str = "/api/v1/twilio-settings";
const VAPI: &str = "/api/v1/vapi-settings";

const COLUMNS: [Column; 8] = [
    ("Twilio account", "/twilio/account_sid_preview"),
    ("Twilio auth token ends in", "/twilio/auth_token_last4"),
    ("Twilio account's name", "/twilio/account/friendly_name"),
    ("Twilio account's type", "/twilio/account/type"),
    ("Number", "/twilio/phone_number"),
    ("Vapi key ends in", "/vapi/key_last4"),
    ("Vapi organisation", "/vapi/org_id"),
    ("What comes next", "/setup/message"),
];

/// Runs the command.
pub(crate) async fn run(command: &Settings) -> Result {
    match command {
        Settings::Show(remote) => show(remote).await,
        Settings::Twilio(TwilioSettings::Set { account_sid, phone_number, remote }) => {
            let token = prompt::secret("TWILIO_AUTH_TOKEN", "auth token")?;
            let mut body = json!({ "account_sid": account_sid, "auth_token": token.expose_secret() });
            if let Some(number) = phone_number {
                body["phone_number"] = json!(number);
            }
            save(TWILIO, &body, remote).await
        }
        Settings::Vapi(VapiSettings::Set(remote)) => {
            let key = prompt::secret("VAPI_API_KEY", "private key")?;
            save(VAPI, &json!({ "api_key": key.expose_secret() }), remote).await
        }
        Settings::Twilio(TwilioSettings::Delete(forget)) => {
            delete(TWILIO, "Forget the Twilio account?", forget).await
        }
        Settings::Vapi(VapiSettings::Delete(forget)) => delete(VAPI, "Forget the Vapi key?", forget).await,
    }
}

async fn show(remote: &Remote) -> Result {
    let client = client(remote)?;
    let all = json!({
        "twilio": client.get(TWILIO).await?,
        "vapi": client.get(VAPI).await?,
        "setup": client.get("/api/v1/setup-status").await?["setup"],
    });
    object(remote.output.format, &COLUMNS, &all)
}

/// Saves, and says what is still missing or what became of the import that this started.
async fn save(path: &str, body: &Value, remote: &Remote) -> Result {
    let client = client(remote)?;
    let answer = client.request(Method::PUT, path, Some(body)).await?;
    let operation = client.follow(&answer["setup"]).await?;
    match remote.output.format {
        Format::Table => {
            for warning in answer["warnings"].as_array().into_iter().flatten() {
                line(&text(warning, "/message"))?;
            }
            let now = client.get("/api/v1/setup-status").await?;
            line(&text(&now, "/setup/message"))?;
        }
        format => object(format, &[("What comes next", "/setup/message")], &answer)?,
    }
    succeeded(&operation)
}

async fn delete(path: &str, question: &str, Forget { yes, remote }: &Forget) -> Result {
    let client = client(remote)?;
    prompt::confirm(
        &format!("{question} Dialtone can then check and mend nothing until it is saved again."),
        *yes,
    )?;
    let answer = client.request(Method::DELETE, path, None).await?;
    match remote.output.format {
        Format::Table => line("It is forgotten. Nothing was changed at the provider."),
        format => object(format, &[("DONE", "/success")], &answer),
    }
}

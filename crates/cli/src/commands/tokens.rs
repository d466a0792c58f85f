//! `dialtone tokens`: the API tokens of the organisation.

use super::client;
use crate::args::{Format, Tokens};
use crate::client::{Method, segment};
use crate::failure::Result;
use crate::output::{Column, line, object, once, open, rows, text};
use serde_json::json;

const TOKENS: &str = "/api/v1/tokens";

const COLUMNS: [Column; 7] = [
    ("NAME", "/name"),
    ("BEGINS", "/prefix"),
    ("ROLE", "/role"),
    ("SCOPES", "/scopes"),
    ("ENDS", "/expires_at"),
    ("LAST USED", "/last_used_at"),
    ("ID", "/id"),
];

/// Runs the command.
pub(crate) async fn run(command: &Tokens) -> Result {
    match command {
        Tokens::List(remote) => {
            rows(remote.output.format, &COLUMNS, &client(remote)?.list(TOKENS, "tokens").await?)
        }
        Tokens::Create { name, role, scopes, expires_at, remote } => {
            let mut body = json!({ "name": name, "role": role });
            if !scopes.is_empty() {
                body["scopes"] = json!(scopes.join(" "));
            }
            if let Some(expires_at) = expires_at {
                body["expires_at"] = json!(expires_at);
            }
            open()?;
            let answer = client(remote)?.post(TOKENS, &body).await?;
            let printed = match remote.output.format {
                Format::Table => line(&text(&answer, "/secret")),
                format => object(format, &[("SECRET", "/secret")], &answer),
            };
            let lost = format!(
                "Token {} (id {}) was made, but could not be shown: revoke it and make another.",
                text(&answer, "/token/name"),
                text(&answer, "/token/id")
            );
            once(printed, &lost)
        }
        Tokens::Revoke { id, remote } => {
            let path = format!("{TOKENS}/{}", segment(id));
            let answer = client(remote)?.request(Method::DELETE, &path, None).await?;
            match remote.output.format {
                Format::Table => line("Revoked."),
                format => object(format, &[("DONE", "/success")], &answer),
            }
        }
    }
}

//! `dialtone assistants`: the assistants at Vapi.

use super::client;
use crate::args::Assistants;
use crate::failure::Result;
use crate::output::{Column, object, rows};
use serde_json::json;

const COLUMNS: [Column; 4] =
    [("NAME", "/name"), ("ID", "/id"), ("FIRST MESSAGE", "/first_message"), ("CREATED", "/created_at")];

/// Runs the command.
pub(crate) async fn run(command: &Assistants) -> Result {
    match command {
        Assistants::List(remote) => {
            let list = client(remote)?.list("/api/v1/assistants", "assistants").await?;
            rows(remote.output.format, &COLUMNS, &list)
        }
        Assistants::Create { name, first_message, system_prompt, language, remote } => {
            let mut body = json!({ "name": name });
            let optional =
                [("first_message", first_message), ("system_prompt", system_prompt), ("language", language)];
            for (field, value) in optional {
                if let Some(value) = value {
                    body[field] = json!(value);
                }
            }
            let answer = client(remote)?.post("/api/v1/assistants", &body).await?;
            object(remote.output.format, &COLUMNS, &answer["assistant"])
        }
    }
}

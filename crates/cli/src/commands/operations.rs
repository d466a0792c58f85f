//! `dialtone operations`: what was changed at the providers, and taking it back.

use super::{client, doctor, succeeded};
use crate::args::{Format, Operations, Remote};
use crate::client::segment;
use crate::failure::Result;
use crate::output::{Column, line, object, rows, text};
use crate::prompt;
use serde_json::{Value, json};

/// The columns of a list of operations.
pub(crate) const COLUMNS: [Column; 5] = [
    ("OPERATION", "/id"),
    ("NUMBER", "/phone_number"),
    ("KIND", "/kind"),
    ("STATE", "/state"),
    ("CREATED", "/created_at"),
];

/// Runs the command.
pub(crate) async fn run(command: &Operations) -> Result {
    match command {
        Operations::List { number, remote } => {
            let filter = number.as_ref().map_or(String::new(), |number| format!("?line={}", segment(number)));
            let list = client(remote)?.list(&format!("/api/v1/operations{filter}"), "operations").await?;
            rows(remote.output.format, &COLUMNS, &list)
        }
        Operations::Show { id, remote } => {
            let answer = client(remote)?.get(&format!("/api/v1/operations/{}", segment(id))).await?;
            print(&answer["operation"], remote)
        }
        Operations::Undo { id, yes, remote } => {
            let client = client(remote)?;
            let path = format!("/api/v1/operations/{}", segment(id));
            let found = client.get(&path).await?;
            if !yes {
                print(&found["operation"], &Remote::default())?;
            }
            prompt::confirm("Put back what this changed?", *yes)?;
            let answer = client.post(&format!("{path}/undo"), &json!({})).await?;
            let operation = client.follow(&answer).await?;
            print(&operation, remote)?;
            succeeded(&operation)
        }
    }
}

fn print(operation: &Value, remote: &Remote) -> Result {
    object(remote.output.format, &COLUMNS, operation)?;
    if remote.output.format != Format::Table {
        return Ok(());
    }
    for step in operation["steps"].as_array().into_iter().flatten() {
        line(&format!("  {}  {}", text(step, "/state"), text(step, "/change/summary")))?;
        doctor::fields(&step["change"])?;
    }
    let problem = text(operation, "/problem/message");
    if problem.is_empty() { Ok(()) } else { line(&problem) }
}

//! `dialtone operations`: what was changed at the providers, and taking it back.

use super::{client, doctor, succeeded};
use crate::args::{Format, Operations, Remote};
use crate::client::segment;
use crate::failure::{Failure, Result};
use crate::output::{Column, described, line, object, preview, rows, text};
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
        Operations::Undo { id, dry_run, yes, remote } => undo(id, (*dry_run, *yes), remote).await,
    }
}

async fn undo(id: &str, (dry_run, yes): (bool, bool), remote: &Remote) -> Result {
    let client = client(remote)?;
    let format = remote.output.format;
    let path = format!("/api/v1/operations/{}", segment(id));
    let found = client.get(&path).await?["operation"].take();
    if found["can_undo"] != true {
        let by = text(&found, "/undone_by");
        let why = match by.is_empty() {
            true => "it changed nothing, it is a removal or an undo itself, or something newer stands on it"
                .into(),
            false => format!("it was undone already, by {by}"),
        };
        return Err(Failure::Error(format!("This operation cannot be undone: {why}. Nothing was changed.")));
    }
    if dry_run && format != Format::Table {
        object(format, &COLUMNS, &found)?;
    }
    if dry_run || !yes {
        preview(format, &back(&found))?;
    }
    if dry_run {
        return Ok(());
    }
    prompt::confirm("Put this back?", yes)?;
    let answer = client.post(&format!("{path}/undo"), &json!({})).await?;
    let operation = client.follow(&answer).await?;
    print(&operation, remote)?;
    succeeded(&operation)
}

/// What undoing the operation puts back, the last change first.
fn back(operation: &Value) -> Vec<String> {
    let mut lines = described(&COLUMNS, operation);
    lines.push("What would be put back:".to_owned());
    for step in operation["steps"].as_array().into_iter().flatten().rev() {
        lines.push(format!("  {}", text(step, "/change/summary")));
        lines.extend(doctor::fields(&step["change"], ["/to", "/from"]));
    }
    lines
}

fn print(operation: &Value, remote: &Remote) -> Result {
    object(remote.output.format, &COLUMNS, operation)?;
    if remote.output.format != Format::Table {
        return Ok(());
    }
    for step in operation["steps"].as_array().into_iter().flatten() {
        line(&format!("  {}  {}", text(step, "/state"), text(step, "/change/summary")))?;
        doctor::fields(&step["change"], ["/from", "/to"]).iter().try_for_each(|text| line(text))?;
    }
    let problem = text(operation, "/problem/message");
    if problem.is_empty() { Ok(()) } else { line(&problem) }
}

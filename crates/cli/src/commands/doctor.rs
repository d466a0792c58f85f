//! `dialtone doctor`: the ordered checklist of a number (requirement A7), and mending it.

use super::client;
use crate::args::{Doctor, Format};
use crate::client::{Client, segment};
use crate::failure::{Failure, Result};
use crate::output::{Column, line, object, rows, text};
use crate::prompt;
use serde_json::{Value, json};
use std::borrow::Cow;

const COLUMNS: [Column; 4] =
    [("CHECK", "/id"), ("STATUS", "/status"), ("CAUSE", "/cause"), ("SUMMARY", "/summary")];

/// Runs the command: healthy is success, anything else [`Failure::Found`].
pub(crate) async fn run(command: &Doctor) -> Result {
    let client = client(&command.remote)?;
    let format = command.remote.output.format;
    let path = format!("/api/v1/lines/{}", segment(&command.number));
    let before = look(&client, &path, command).await?;
    if !command.fix || is_healthy(&before) {
        print(format, &before)?;
        return verdict(&before);
    }
    // People see what is wrong and what would be done before they are asked; programs get one document.
    if format == Format::Table {
        print(format, &before)?;
    }
    if before["plan"].as_array().is_none_or(Vec::is_empty) {
        if format != Format::Table {
            print(format, &before)?;
        }
        eprintln!("There is nothing here that Dialtone can mend by itself.");
        return Err(Failure::Found);
    }
    prompt::confirm("Make these changes?", command.yes)?;
    let answer =
        client.post(&format!("{path}/repair"), &json!({ "assistant_id": command.assistant })).await?;
    let operation = client.follow(&answer).await?;
    let mut after = match &answer["doctor"] {
        Value::Null => look(&client, &path, command).await?,
        doctor => doctor.clone(),
    };
    after["operation"] = operation.clone();
    // The plan that did not come about has been read already.
    if format == Format::Table && after["plan"] == before["plan"] {
        after["plan"].take();
    }
    if format == Format::Table {
        line("")?;
    }
    print(format, &after)?;
    match super::succeeded(&operation) {
        Err(Failure::Error(why)) => {
            eprintln!("{why}");
            verdict(&after)
        }
        Err(unclear) => Err(unclear),
        Ok(()) => verdict(&after),
    }
}

async fn look(client: &Client, path: &str, command: &Doctor) -> Result<Value> {
    let mut answer = match &command.assistant {
        None => client.get(&format!("{path}/checks")).await?,
        assistant => {
            let body = json!({ "dry_run": true, "assistant_id": assistant });
            client.post(&format!("{path}/repair"), &body).await?
        }
    };
    Ok(answer["doctor"].take())
}

fn is_healthy(doctor: &Value) -> bool {
    doctor["healthy"] == true
}

fn verdict(doctor: &Value) -> Result {
    if is_healthy(doctor) { Ok(()) } else { Err(Failure::Found) }
}

fn print(format: Format, doctor: &Value) -> Result {
    let list = |name: &str| doctor[name].as_array().map_or(&[][..], Vec::as_slice);
    match format {
        Format::Json => object(format, &[], doctor),
        Format::Csv => rows(format, &COLUMNS, list("checks")),
        Format::Table => {
            line(&text(doctor, "/phone_number"))?;
            checklist(list("checks"))?;
            plan(list("plan"))
        }
    }
}

/// Prints checks in their order, a failing one with what was expected, what was found, and the remedy.
pub(crate) fn checklist(checks: &[Value]) -> Result {
    let width = checks.iter().map(|check| text(check, "/title").chars().count()).max().unwrap_or_default();
    for check in checks {
        let mark = match check["status"].as_str() {
            Some("ok") => "✓",
            Some("failing") => "✗",
            _ => "·",
        };
        line(&format!(" {mark} {:width$}  {}", text(check, "/title"), text(check, "/summary")))?;
        for (title, at) in [("expected", "/expected"), ("found", "/found"), ("remedy", "/fix/label")] {
            let said = text(check, at);
            if check["status"] == "failing" && !said.is_empty() {
                line(&format!("   {:width$}  {title}: {said}", ""))?;
            }
        }
    }
    Ok(())
}

fn plan(changes: &[Value]) -> Result {
    if changes.is_empty() {
        return Ok(());
    }
    line("\nWhat would be changed:")?;
    for (index, change) in changes.iter().enumerate() {
        line(&format!(" {}. {}", index + 1, text(change, "/summary")))?;
        fields(change)?;
    }
    Ok(())
}

/// Prints the fields of a change, from what to what.
pub(crate) fn fields(change: &Value) -> Result {
    for field in change["fields"].as_array().into_iter().flatten() {
        line(&format!(
            "      {}: {} → {}",
            text(field, "/field"),
            value(field, "/from"),
            value(field, "/to")
        ))?;
    }
    Ok(())
}

fn value<'a>(field: &'a Value, pointer: &str) -> Cow<'a, str> {
    let said = text(field, pointer);
    if said.is_empty() { "(empty)".into() } else { said }
}

//! `dialtone doctor`: the ordered checklist of a number (requirement A7), and mending it.

use super::client;
use crate::args::{Doctor, Format};
use crate::client::{Client, segment};
use crate::failure::{Failure, Result};
use crate::output::{Column, line, object, preview, rows, text};
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
    let before = look(&client, &path, command.assistant.as_deref()).await?;
    if !command.fix || command.dry_run || is_healthy(&before) {
        print(format, &before)?;
        return verdict(&before);
    }
    if before["plan"].as_array().is_none_or(Vec::is_empty) {
        print(format, &before)?;
        eprintln!("There is nothing here that Dialtone can mend by itself.");
        return Err(Failure::Found);
    }
    preview(format, &report(&before))?;
    prompt::confirm("Make these changes?", command.yes)?;
    let answer =
        client.post(&format!("{path}/repair"), &json!({ "assistant_id": command.assistant })).await?;
    let operation = client.follow(&answer).await?;
    let mut after = match &answer["doctor"] {
        Value::Null => look(&client, &path, command.assistant.as_deref()).await?,
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

/// What is wrong with the line at the path and what would be changed, with the assistant that should answer.
pub(crate) async fn look(client: &Client, path: &str, assistant: Option<&str>) -> Result<Value> {
    let mut answer = match assistant {
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

/// Prints what [`look`] found.
pub(crate) fn print(format: Format, doctor: &Value) -> Result {
    match format {
        Format::Json => object(format, &[], doctor),
        Format::Csv => rows(format, &COLUMNS, list(doctor, "checks")),
        Format::Table => line(&report(doctor).join("\n")),
    }
}

/// What [`look`] found, for people: the number, the checks and the plan.
pub(crate) fn report(doctor: &Value) -> Vec<String> {
    let mut lines = vec![text(doctor, "/phone_number").into_owned()];
    lines.extend(checklist(list(doctor, "checks")));
    lines.extend(plan(list(doctor, "plan")));
    lines
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// Checks in their order, a failing one with what was expected, what was found, and the remedy.
pub(crate) fn checklist(checks: &[Value]) -> Vec<String> {
    let width = checks.iter().map(|check| text(check, "/title").chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for check in checks {
        let mark = match check["status"].as_str() {
            Some("ok") => "✓",
            Some("failing") => "✗",
            _ => "·",
        };
        lines.push(format!(" {mark} {:width$}  {}", text(check, "/title"), text(check, "/summary")));
        for (title, at) in [("expected", "/expected"), ("found", "/found"), ("remedy", "/fix/label")] {
            let said = text(check, at);
            if check["status"] == "failing" && !said.is_empty() {
                lines.push(format!("   {:width$}  {title}: {said}", ""));
            }
        }
    }
    lines
}

fn plan(changes: &[Value]) -> Vec<String> {
    if changes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "What would be changed:".to_owned()];
    for (index, change) in changes.iter().enumerate() {
        lines.push(format!(" {}. {}", index + 1, text(change, "/summary")));
        lines.extend(fields(change, ["/from", "/to"]));
    }
    lines
}

/// The fields of a change, from what to what. The two ends are given, since an undo goes the other way.
pub(crate) fn fields(change: &Value, [from, to]: [&str; 2]) -> Vec<String> {
    let fields = list(change, "fields").iter();
    fields
        .map(|field| {
            format!("      {}: {} → {}", text(field, "/field"), value(field, from), value(field, to))
        })
        .collect()
}

fn value<'a>(field: &'a Value, pointer: &str) -> Cow<'a, str> {
    let said = text(field, pointer);
    if said.is_empty() { "(empty)".into() } else { said }
}

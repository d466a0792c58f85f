//! `dialtone numbers`: the lines that Dialtone looks after.

use super::{client, doctor, succeeded};
use crate::args::{Format, Numbers, Remote};
use crate::client::{Method, segment};
use crate::failure::{Failure, Result};
use crate::output::{Column, clean, line, object, preview, rows, text};
use crate::prompt;
use serde_json::{Value, json};

const COLUMNS: [Column; 7] = [
    ("NUMBER", "/phone_number"),
    ("NAME", "/friendly_name"),
    ("ASSISTANT", "/assistant_name"),
    ("HEALTH", "/health"),
    ("FAILING CHECK", "/failing_check"),
    ("CHECKED", "/checked_at"),
    ("UNKNOWN SINCE", "/unknown_since"),
];

const DIARY_COLUMNS: [Column; 9] = [
    ("LOOK BEFORE", "/seen_before"),
    ("SEEN", "/seen_at"),
    ("BY", "/by"),
    ("AT", "/change/provider"),
    ("FIELD", "/change/field"),
    ("FROM", "/change/from"),
    ("TO", "/change/to"),
    ("CAUSE", "/cause"),
    ("HEALTH", "/health"),
];

/// No number that people can be reached at has fewer.
const NUMBER_DIGITS_MIN: usize = 5;

/// Runs the command.
pub(crate) async fn run(command: &Numbers) -> Result {
    match command {
        Numbers::List(remote) => {
            let lines = client(remote)?.list("/api/v1/lines", "lines").await?;
            rows(remote.output.format, &COLUMNS, &lines)
        }
        Numbers::Import { number, assistant, dry_run, yes, remote } => {
            import(number.as_deref(), assistant.as_deref(), (*dry_run, *yes), remote).await
        }
        Numbers::Show { number, remote } => show(number, remote).await,
        Numbers::Diary { number, remote } => diary(number, remote).await,
        Numbers::Remove { number, dry_run, yes, remote } => remove(number, (*dry_run, *yes), remote).await,
    }
}

async fn import(
    number: Option<&str>,
    assistant: Option<&str>,
    (dry_run, yes): (bool, bool),
    remote: &Remote,
) -> Result {
    let client = client(remote)?;
    let number = match number {
        Some(number) => number.to_owned(),
        None => text(&client.get("/api/v1/twilio-settings").await?, "/phone_number").into_owned(),
    };
    if number.is_empty() {
        return Err(Failure::Usage("Name the number: none is saved in the Twilio settings.".into()));
    }
    // The server knows which country a number without one is of; what has hardly a digit is of none.
    if number.chars().filter(char::is_ascii_digit).count() < NUMBER_DIGITS_MIN {
        let shown = clean(&number);
        return Err(Failure::Usage(format!("\"{shown}\" is not a phone number: write it as +14155552671.")));
    }
    let found = doctor::look(&client, &format!("/api/v1/lines/{}", segment(&number)), assistant).await?;
    if dry_run {
        return doctor::print(remote.output.format, &found);
    }
    if !yes {
        preview(remote.output.format, &doctor::report(&found))?;
    }
    let phone = text(&found, "/phone_number");
    prompt::confirm(&format!("Import {phone} into Vapi and link it to an assistant?"), yes)?;
    let body = json!({ "phone_number": number, "assistant_id": assistant });
    let answer = client.post("/api/v1/phone-numbers/import-twilio", &body).await?;
    succeeded(&client.follow(&answer).await?)?;
    match remote.output.format {
        Format::Table if answer["message"].is_string() => line(&text(&answer, "/message")),
        Format::Table => line("The number was imported."),
        format => object(format, &[("NUMBER", "/phone/phone_number"), ("MESSAGE", "/message")], &answer),
    }
}

async fn show(number: &str, remote: &Remote) -> Result {
    let answer = client(remote)?.get(&format!("/api/v1/lines/{}", segment(number))).await?;
    if remote.output.format == Format::Json {
        return crate::output::json(&answer);
    }
    object(remote.output.format, &COLUMNS, &answer["line"])?;
    if remote.output.format == Format::Table {
        let checks = doctor::checklist(answer["checks"].as_array().map_or(&[], Vec::as_slice));
        checks.iter().try_for_each(|text| line(text))?;
        let operations = answer["operations"].as_array().map_or(&[][..], Vec::as_slice);
        if !operations.is_empty() {
            line("")?;
            rows(Format::Table, &super::operations::COLUMNS, operations)?;
        }
    }
    Ok(())
}

async fn diary(number: &str, remote: &Remote) -> Result {
    let path = format!("/api/v1/lines/{}/diary", segment(number));
    let entries = client(remote)?.list(&path, "entries").await?;
    if remote.output.format == Format::Json {
        return rows(Format::Json, &[], &entries);
    }
    // One row per field; an entry without one is a check that came out differently.
    let row = |entry: &Value, change: Option<&Value>| {
        let by = match text(entry, "/actor/name") {
            name if name.is_empty() => text(entry, "/actor/kind").into_owned(),
            name => name.into_owned(),
        };
        json!({ "seen_before": entry["seen_before"], "seen_at": entry["seen_at"], "by": by, "change": change,
                "cause": entry["cause_after"], "health": entry["health"] })
    };
    let found: Vec<_> = entries
        .iter()
        .flat_map(|entry| match entry["changes"].as_array() {
            Some(changes) if !changes.is_empty() => changes.iter().map(|one| row(entry, Some(one))).collect(),
            _ => vec![row(entry, None)],
        })
        .collect();
    rows(remote.output.format, &DIARY_COLUMNS, &found)
}

async fn remove(number: &str, (dry_run, yes): (bool, bool), remote: &Remote) -> Result {
    let client = client(remote)?;
    let format = remote.output.format;
    let path = format!("/api/v1/lines/{}", segment(number));
    // Asked about by the number that it is, not by what was typed.
    let found = client.get(&path).await?;
    let phone = text(&found, "/line/phone_number").into_owned();
    let told = format!(
        "{phone} is taken out of Vapi and gets its earlier routing at Twilio back: no assistant answers it any more. \
         The number itself stays yours. This cannot be undone."
    );
    if dry_run {
        object(format, &COLUMNS, &found["line"])?;
        return preview(format, &[told]);
    }
    prompt::confirm(&format!("{told} Do it?"), yes)?;
    let answer = client
        .request(Method::DELETE, &format!("{path}?confirm={}", segment(&phone)), None::<&Value>)
        .await?;
    let operation = client.follow(&answer).await?;
    succeeded(&operation)?;
    match format {
        Format::Table => line(&format!("{phone} was removed.")),
        format => object(format, &super::operations::COLUMNS, &operation),
    }
}

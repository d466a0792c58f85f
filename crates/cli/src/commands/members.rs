//! `dialtone members`: who is in the organisation, and who is invited.

use super::client;
use crate::args::{Format, Members, Remote};
use crate::client::{Client, Method};
use crate::failure::{Failure, Result};
use crate::output::{Column, clean, line, object, once, open, rows, text};
use crate::prompt;
use serde_json::{Value, json};

const MEMBERS: &str = "/api/v1/members";
const INVITATIONS: &str = "/api/v1/invitations";

const COLUMNS: [Column; 5] = [
    ("E-MAIL", "/email"),
    ("NAME", "/name"),
    ("ROLE", "/role"),
    ("SUSPENDED", "/suspended_at"),
    ("INVITED UNTIL", "/expires_at"),
];

/// Runs the command.
pub(crate) async fn run(command: &Members) -> Result {
    match command {
        Members::List(remote) => list(remote).await,
        Members::Invite { email, role, remote } => {
            let body = json!({ "email": email, "role": role });
            open()?;
            let answer = client(remote)?.post(INVITATIONS, &body).await?;
            let printed = match remote.output.format {
                Format::Table if answer["link"].is_null() => line("The link was mailed."),
                Format::Table => {
                    eprintln!("It was not mailed: hand the link over yourself.");
                    line(&text(&answer, "/link"))
                }
                format => object(format, &[("LINK", "/link")], &answer),
            };
            if answer["link"].is_null() {
                return printed;
            }
            let lost = format!(
                "{} was invited, but the link could not be shown: take the invitation back with `dialtone members remove` \
                 and invite them again.",
                clean(email)
            );
            once(printed, &lost)
        }
        Members::Role { email, role, remote } => change(email, &json!({ "role": role }), remote).await,
        Members::Suspend(person) => {
            change(&person.email, &json!({ "suspended": true }), &person.remote).await
        }
        Members::Resume(person) => {
            change(&person.email, &json!({ "suspended": false }), &person.remote).await
        }
        Members::Remove { yes, person } => remove(&person.email, *yes, &person.remote).await,
    }
}

async fn list(remote: &Remote) -> Result {
    let client = client(remote)?;
    let mut all = client.list(MEMBERS, "members").await?;
    // Only those who manage members may see who is invited; for the others the members are the list.
    let session = client.get("/api/v1/session").await?;
    let permissions = session.pointer("/session/permissions").and_then(Value::as_array);
    if permissions.is_some_and(|names| names.iter().any(|name| name == "members.change")) {
        all.extend(client.list(INVITATIONS, "invitations").await?);
    }
    rows(remote.output.format, &COLUMNS, &all)
}

/// The path of the one with that address, among members or invitations.
async fn path_of(client: &Client, list: &str, name: &str, email: &str) -> Result<Option<String>> {
    let all = client.list(list, name).await?;
    let found = all.iter().find(|one| text(one, "/email").eq_ignore_ascii_case(email.trim()));
    Ok(found.map(|one| format!("{list}/{}", text(one, "/id"))))
}

fn nobody(email: &str) -> Failure {
    Failure::Error(format!("Nobody here has the e-mail address {}.", clean(email)))
}

async fn change(email: &str, body: &Value, remote: &Remote) -> Result {
    let client = client(remote)?;
    let Some(path) = path_of(&client, MEMBERS, "members", email).await? else {
        return Err(match path_of(&client, INVITATIONS, "invitations", email).await? {
            Some(_) => Failure::Error(format!(
                "{} is invited and no member yet, and nothing was changed. `dialtone members remove` takes the \
                 invitation back.",
                clean(email)
            )),
            None => nobody(email),
        });
    };
    let answer = client.request(Method::PATCH, &path, Some(body)).await?;
    object(remote.output.format, &COLUMNS[..4], &answer["member"])
}

async fn remove(email: &str, yes: bool, remote: &Remote) -> Result {
    let client = client(remote)?;
    let member = path_of(&client, MEMBERS, "members", email).await?;
    let path = match member {
        Some(path) => path,
        None => path_of(&client, INVITATIONS, "invitations", email).await?.ok_or_else(|| nobody(email))?,
    };
    let question = format!("Remove {} with their sessions and tokens here?", clean(email));
    prompt::confirm(&question, yes)?;
    let answer = client.request(Method::DELETE, &path, None).await?;
    match remote.output.format {
        Format::Table => line("Removed."),
        format => object(format, &[("DONE", "/success")], &answer),
    }
}

//! `dialtone api`: any request, for what has no command of its own.

use crate::args::ClientFlags;
use crate::client::{Client, Method, changes, refusal};
use crate::failure::{Failure, Result};
use crate::output::{clean, json, line};
use crate::{profile, prompt};
use serde_json::Value;

/// Sends the request and prints the answer's body. Fails where the status says so.
pub(crate) async fn api(method: &str, path: &str, flags: &ClientFlags) -> Result {
    let method = match method.to_ascii_uppercase().as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        other => return Err(Failure::Usage(format!("\"{other}\" is not GET, POST, PUT, PATCH or DELETE."))),
    };
    let client = Client::new(profile::target(flags)?)?;
    let body =
        if method == Method::GET { None } else { Some(prompt::piped()?).filter(|body| !body.is_empty()) };
    let answer = client.send(method.clone(), path, body).await?;
    match serde_json::from_str::<Value>(&answer.body) {
        Ok(value) => json(&value)?,
        Err(_) => answer.body.lines().try_for_each(|text| line(&clean(text)))?,
    }
    match answer.status {
        200..300 => Ok(()),
        status => {
            let mut said = format!("The server answered with status {status}.");
            if let Some(hint) = client.without_token(status) {
                said = format!("{said}\n{hint}");
            }
            Err(match refusal(changes(&method), &answer) {
                Failure::Unclear(_) => Failure::Unclear(format!("{said} Look before doing it again.")),
                _ => Failure::Error(said),
            })
        }
    }
}

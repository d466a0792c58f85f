//! One module per noun of the command line.

pub(crate) mod api;
pub(crate) mod assistants;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod local;
pub(crate) mod members;
pub(crate) mod numbers;
pub(crate) mod operations;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod support;
pub(crate) mod tape;
pub(crate) mod tokens;
pub(crate) mod watch;

use crate::args::Remote;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::output::text;
use crate::profile;
use serde_json::Value;

/// A client of the server that the command talks to.
fn client(remote: &Remote) -> Result<Client> {
    Client::new(profile::target(&remote.client)?)
}

/// Fails where the operation did not succeed, with what it says about why.
fn succeeded(operation: &Value) -> Result {
    let said = text(operation, "/problem/message").into_owned();
    let or = |otherwise: &str| if said.is_empty() { otherwise.to_owned() } else { said.clone() };
    match operation["state"].as_str() {
        Some("failed") => Err(Failure::Error(or("The operation failed."))),
        Some("unclear") => Err(Failure::Unclear(or("It is unclear whether the operation took effect."))),
        _ => Ok(()),
    }
}

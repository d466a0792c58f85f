//! `dialtone user` and `dialtone token create`: on the data directory, also beside a running server.

use crate::args::{ServerFlags, Token, User};
use crate::config::{self, Resolved};
use crate::failure::{Failure, Result};
use crate::output::{self, clean, line, once};
use crate::prompt;
use crate::running::told;
use dialtone_app::{App, LocalUser, LocalUserMade};
use dialtone_domain::{Code, ExposeSecret, Problem};
use std::path::Path;

/// How much of a token lists show of it.
const SHOWN_OF_TOKEN: usize = 8;

/// Runs the command; prints a password that was made up, or a link, and nothing else.
pub(crate) async fn user(command: User) -> Result {
    match command {
        User::Create { email, name, org, role, server } => {
            let new = LocalUser { email, name, organisation: org, role, password: prompt::piped_secret()? };
            create_user(new, &server).await
        }
        User::ResetPassword { email, server } => {
            output::open()?;
            let app = open_existing(&server).await?;
            let made = app.local_reset_link(&email).await;
            app.close().await;
            let link = made.map_err(|problem| unknown(&email, None, &problem))?;
            once(line(link.expose_secret()), "A link was made, but could not be shown: make another.")
        }
        User::ResetFactors { email, server } => reset_factors(&email, &server).await,
    }
}

async fn create_user(new: LocalUser, server: &ServerFlags) -> Result {
    let (given, email) = (new.password.is_some(), new.email.clone());
    if !given {
        output::open()?;
    }
    let resolved = config::resolve(server)?;
    let missing = missing_database(&resolved).map(Path::display).map(|path| path.to_string());
    let app = open(&resolved).await?;
    if let Some(path) = missing {
        eprintln!("There was no database: a new one is at {path}.");
    }
    let organisation = new.organisation.clone();
    let made = app.local_create_user(new).await.map_err(|problem| sealed(&app, &problem));
    // A misspelt name makes an organisation: nobody should miss that.
    if let Ok(LocalUserMade { others: Some(others), .. }) = &made {
        let is_new = format!("\"{}\" is a new one", clean(&organisation));
        let names: Vec<_> = others.iter().map(|name| format!("\"{}\"", clean(name))).collect();
        match names.is_empty() {
            true => eprintln!("There was no organisation: {is_new}."),
            false => {
                eprintln!("There was no organisation of that name: {is_new}. Others: {}.", names.join(", "));
            }
        }
    }
    app.close().await;
    let password = made?.password;
    if given {
        eprintln!("{} signs in with that password now.", clean(&email));
        return Ok(());
    }
    let lost = format!(
        "{} was added, but the password could not be shown: `dialtone user reset-password` prints a link to choose one.",
        clean(&email)
    );
    once(line(password.expose_secret()), &lost)
}

async fn reset_factors(email: &str, server: &ServerFlags) -> Result {
    let app = open_existing(server).await?;
    let done = app.local_reset_factors(email).await;
    app.close().await;
    done.map_err(|problem| unknown(email, None, &problem))?;
    eprintln!("{} signs in with the password alone now.", clean(email));
    Ok(())
}

/// Creates a token and prints it, and nothing else.
pub(crate) async fn token(command: Token) -> Result {
    let Token::Create { email, org, role, server } = command;
    output::open()?;
    let app = open_existing(&server).await?;
    let made = app.local_create_token(&email, org.as_deref(), role).await;
    app.close().await;
    let token = made.map_err(|problem| unknown(&email, org.as_deref(), &problem))?;
    let token = token.expose_secret();
    let lost = format!(
        "The token that begins with {} was made, but could not be shown: find it with `dialtone tokens list`, revoke it \
         and make another.",
        &token[..SHOWN_OF_TOKEN]
    );
    once(line(token), &lost)
}

/// Why there is nobody of that address, or not in that organisation.
fn unknown(email: &str, org: Option<&str>, problem: &Problem) -> Failure {
    let email = clean(email);
    match (problem.code, org) {
        (Code::NotFound, Some(org)) => Failure::Error(format!(
            "{email} is not a member of {} (or there is no such organisation).",
            clean(org)
        )),
        (Code::NotFound, None) => {
            Failure::Error(format!("Nobody has the e-mail address {email}: see `dialtone user create`."))
        }
        _ => told(problem),
    }
}

/// The application on a data directory that is in use: where there is no database, or no key to it, none is made.
pub(super) async fn open_existing(server: &ServerFlags) -> Result<App> {
    let resolved = config::resolve(server)?;
    let missing = missing_database(&resolved).map(|path| ("Dialtone database", path.to_owned()));
    let key = || resolved.key_file().filter(|path| !path.exists()).map(|path| ("master key", path));
    if let Some((what, path)) = missing.or_else(key) {
        let path = path.display();
        return Err(Failure::Error(format!(
            "There is no {what} at {path}: name the data directory with --data-dir."
        )));
    }
    open(&resolved).await
}

/// The file of a database that is not there yet.
pub(super) fn missing_database(resolved: &Resolved) -> Option<&Path> {
    resolved.database_file().filter(|path| !path.exists())
}

pub(super) async fn open(resolved: &Resolved) -> Result<App> {
    // Standard error is for people here: what the database does is not their matter.
    let filter = if resolved.is_default("log") { "warn" } else { resolved.get("log") };
    crate::logging::start(filter, resolved.get("log_format"), None, None);
    App::open(resolved.app()).await.map_err(|error| Failure::Error(error.to_string()))
}

/// Why a command that needs the master key cannot be done without it.
pub(super) fn sealed(app: &App, problem: &Problem) -> Failure {
    match app.sealed().filter(|_| problem.code == Code::Sealed) {
        Some(reason) => Failure::Error(reason.to_string()),
        None => told(problem),
    }
}

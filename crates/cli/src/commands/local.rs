//! `dialtone user` and `dialtone token create`: on the data directory, also beside a running server.

use crate::args::{ServerFlags, Token, User};
use crate::config::{self, Resolved};
use crate::failure::{Failure, Result};
use crate::output::{clean, line};
use crate::prompt;
use crate::running::told;
use dialtone_app::{App, LocalUser, LocalUserMade};
use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};
use std::path::Path;

/// Runs the command; prints a password or a link, and nothing else.
pub(crate) async fn user(command: User) -> Result {
    match command {
        User::Create { email, name, org, role, server } => {
            let new = LocalUser { email, name, organisation: org, role, password: prompt::piped_secret()? };
            create_user(new, &server).await
        }
        User::ResetPassword { email, server } => {
            let app = open_existing(&server).await?;
            let made = app.local_reset_link(&email).await;
            print(app, made.map_err(|problem| unknown(&email, &problem))).await
        }
        User::ResetFactors { email, server } => reset_factors(&email, &server).await,
    }
}

async fn create_user(new: LocalUser, server: &ServerFlags) -> Result {
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
    print(app, made.map(|made| made.password)).await
}

async fn reset_factors(email: &str, server: &ServerFlags) -> Result {
    let app = open_existing(server).await?;
    let done = app.local_reset_factors(email).await;
    app.close().await;
    done.map_err(|problem| unknown(email, &problem))?;
    eprintln!("{} signs in with the password alone now.", clean(email));
    Ok(())
}

/// Creates a token and prints it, and nothing else.
pub(crate) async fn token(command: Token) -> Result {
    let Token::Create { email, org, role, server } = command;
    let app = open_existing(&server).await?;
    let made = app.local_create_token(&email, org.as_deref(), role).await;
    print(app, made.map_err(|problem| unknown(&email, &problem))).await
}

fn unknown(email: &str, problem: &Problem) -> Failure {
    match problem.code {
        Code::NotFound => {
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

async fn print(app: App, made: Result<SecretString>) -> Result {
    app.close().await;
    line(made?.expose_secret())
}

//! `dialtone user create` and `dialtone token create`: on the data directory, also beside a running server.

use crate::args::{ServerFlags, Token, User};
use crate::config;
use crate::failure::{Failure, Result};
use crate::output::line;
use crate::prompt;
use crate::running::told;
use dialtone_app::{App, LocalUser};
use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};

/// Creates a user and prints the password, and nothing else.
pub(crate) async fn user(command: User) -> Result {
    let User::Create { email, name, org, role, server } = command;
    let password = prompt::piped_secret()?;
    let app = open(&server).await?;
    let made = app.local_create_user(LocalUser { email, name, organisation: org, role, password }).await;
    print(app, made.map_err(|problem| told(&problem))).await
}

/// Creates a token and prints it, and nothing else.
pub(crate) async fn token(command: Token) -> Result {
    let Token::Create { email, role, server } = command;
    let app = open(&server).await?;
    let explain = |problem: Problem| match problem.code {
        Code::NotFound => {
            Failure::Error(format!("Nobody has the e-mail address {email}: see `dialtone user create`."))
        }
        _ => told(&problem),
    };
    let made = app.local_create_token(&email, role).await;
    print(app, made.map_err(explain)).await
}

async fn open(flags: &ServerFlags) -> Result<App> {
    let resolved = config::resolve(flags)?;
    // Standard error is for people here: what the database does is not their matter.
    crate::logging::start(if resolved.is_default("log") { "warn" } else { resolved.get("log") });
    App::open(resolved.app()).await.map_err(|error| Failure::Error(error.to_string()))
}

async fn print(app: App, made: Result<SecretString>) -> Result {
    app.close().await;
    line(made?.expose_secret())
}

//! The `dialtone` program: the server, the demo, the sandbox, and the command line of the API.

mod args;
mod client;
mod commands;
mod config;
mod demo;
mod failure;
mod logging;
mod output;
mod profile;
mod prompt;
mod recent;
mod redact;
mod running;
mod telemetry;

use args::{Arguments, Command};
use clap::{CommandFactory, Parser};
use commands::{
    api, assistants, audit, backup, doctor, keys, local, members, numbers, operations, serve, settings,
    support, tape, tokens, watch,
};
use failure::{Failure, Result};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(run(arguments.command))),
        Err(error) => Err(Failure::because("The program cannot start", error)),
    };
    let Err(failure) = done else { return ExitCode::SUCCESS };
    let said = failure.to_string();
    if !said.is_empty() {
        eprintln!("{said}");
    }
    failure.exit_code().into()
}

async fn run(command: Command) -> Result {
    match command {
        Command::Serve(flags) => serve::serve(&flags).await,
        Command::Demo(command) => demo::run(&command).await,
        Command::Sandbox(flags) => serve::sandbox(flags).await,
        Command::Doctor(command) => doctor::run(&command).await,
        Command::Numbers(command) => numbers::run(&command).await,
        Command::Assistants(command) => assistants::run(&command).await,
        Command::Settings(command) => settings::run(&command).await,
        Command::Operations(command) => operations::run(&command).await,
        Command::Tape(command) => tape::run(&command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Watch(command) => watch::watch(&command).await,
        Command::Alerts(command) => watch::alerts(&command).await,
        Command::Members(command) => members::run(&command).await,
        Command::Tokens(command) => tokens::run(&command).await,
        Command::User(command) => local::user(command).await,
        Command::Token(command) => local::token(command).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Backup(command) => backup::run(command).await,
        Command::MigrateDatabase { from, to, output } => backup::migrate(from, to, output).await,
        Command::Config { server, output } => serve::config(&server, output),
        Command::Health(flags) => support::health(&flags).await,
        Command::SupportBundle(flags) => support::bundle(&flags).await,
        Command::Openapi => output::line(dialtone_server::openapi().trim_end()),
        Command::Completions { shell } => completions(shell),
        Command::Api { method, path, client } => api::api(&method, &path, &client).await,
    }
}

fn completions(shell: clap_complete::Shell) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "dialtone", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}

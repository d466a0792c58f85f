//! `dialtone serve`, `dialtone sandbox` and what is printed about them.

use crate::args::{Output, SandboxFlags, ServerFlags, Strictness};
use crate::config;
use crate::failure::{Failure, Result};
use crate::output::{self, line};
use crate::recent::Recent;
use crate::running::{Running, StopSignal, told, with_port};
use crate::telemetry::Traces;
use dialtone_domain::ExposeSecret;
use dialtone_sandbox::{Sandbox, Strict};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Runs the server until it is asked to stop.
pub(crate) async fn serve(flags: &ServerFlags) -> Result {
    let mut stop = StopSignal::listen()?;
    let resolved = config::resolve(flags)?;
    let traces = resolved.otlp_url().map(Traces::start).transpose()?;
    let folder = Path::new(resolved.get("data_dir"));
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::because("The data directory cannot be made", error))?;
    let recent = Some(Recent::open(folder));
    crate::logging::start(resolved.get("log"), resolved.get("log_format"), traces.as_ref(), recent);
    let listen = with_port(resolved.listen())?;
    let mut config = resolved.app();
    if resolved.is_default("public_url") {
        config.public_url = format!("http://{listen}");
    }
    let url = config.public_url.clone();
    let running = Running::start(config, resolved.server(), listen).await?;
    line(&format!("Dialtone answers at {url}"))?;
    if let Some(reason) = running.app.sealed() {
        line(&format!(
            "Sealed: {reason} Until then nothing can be changed, and the providers are asked to come again."
        ))?;
    } else if running.app.setup_needed().await.map_err(|problem| told(&problem))? {
        let code = running.app.setup_code().await.map_err(|problem| told(&problem))?;
        line(&format!("Nobody can sign in yet: open {url} and type this code: {}", code.expose_secret()))?;
    }
    stop.asked().await;
    tokio::select! {
        () = end(running, resolved.drain(), traces) => Ok(()),
        () = stop.asked() => Err(Failure::Error("Ended at once: it was asked to stop twice.".into())),
    }
}

/// Ends the server, and sends the traces of its end.
async fn end(running: Running, drain: Duration, traces: Option<Traces>) {
    running.stop(drain).await;
    if let Some(traces) = traces {
        traces.stop().await;
    }
}

/// Runs the sandbox until it is asked to stop.
pub(crate) async fn sandbox(flags: SandboxFlags) -> Result {
    let mut stop = StopSignal::listen()?;
    crate::logging::start("warn", "auto", None, None);
    let SandboxFlags { listen, seed, speed, state, scenario, strict } = flags;
    let strict = match strict {
        None => Strict::Off,
        Some(Strictness::Report) => Strict::Report,
        Some(Strictness::Refuse) => Strict::Refuse,
    };
    let options = dialtone_sandbox::Options { seed, speed, state, scenario, strict };
    let fail = |error| Failure::because(format!("The sandbox cannot start on {listen}"), error);
    let sandbox = Sandbox::open(listen, options).await.map_err(fail)?;
    let url = sandbox.url();
    line(&format!(
        "The sandbox answers at {url}: Twilio below {url}/twilio, Vapi below {url}/vapi, what it is at {url}/sandbox"
    ))?;
    stop.asked().await;
    let saved = sandbox.save();
    sandbox.stop().await;
    saved.map_err(|error| Failure::because("The state of the sandbox was not saved", error))?;
    Ok(())
}

/// Starts a sandbox in this process.
pub(crate) async fn start_sandbox(listen: SocketAddr) -> Result<Sandbox> {
    let fail = |error| Failure::because(format!("The sandbox cannot listen on {listen}"), error);
    Sandbox::start(listen).await.map_err(fail)
}

/// Prints the configuration in force.
pub(crate) fn config(flags: &ServerFlags, output: Output) -> Result {
    let rows = config::resolve(flags)?.shown().into_iter();
    let rows: Vec<_> = rows
        .map(|(name, value, origin)| json!({ "setting": name, "value": value, "origin": origin }))
        .collect();
    output::rows(output.format, &[("SETTING", "/setting"), ("VALUE", "/value"), ("FROM", "/origin")], &rows)
}

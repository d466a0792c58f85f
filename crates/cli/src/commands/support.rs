//! `dialtone health` and `dialtone support-bundle`: how the server of this machine is.

use crate::args::ServerFlags;
use crate::client;
use crate::config::{self, Resolved};
use crate::failure::{Failure, Result};
use crate::output::{json, line};
use crate::recent::Recent;
use crate::redact::mask;
use crate::running::told;
use dialtone_app::App;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// The most log lines in a bundle.
const LINES_MAX: usize = 2_000;

/// Says whether the server of this configuration is ready; fails where it is not. Made for containers, which need
/// nothing else to ask.
pub(crate) async fn health(flags: &ServerFlags) -> Result {
    let (status, _) = ask(&config::resolve(flags)?, "/readyz").await?;
    match status {
        200 => line("ready"),
        status => Err(Failure::Error(format!("The server is not ready: it answers with status {status}."))),
    }
}

/// Prints what a person needs to help with this installation: no secret, no phone number, nobody's texts.
pub(crate) async fn bundle(flags: &ServerFlags) -> Result {
    let resolved = config::resolve(flags)?;
    crate::logging::start("error", "auto", None, None);
    let server = match ask(&resolved, "/readyz").await {
        Ok((status, body)) => json!({ "status": status, "ready": serde_json::from_str::<Value>(&body).ok() }),
        Err(failure) => json!({ "error": failure.to_string() }),
    };
    let metrics = ask(&resolved, "/metrics").await.map(|(_, body)| body).unwrap_or_default();
    let settings: Vec<_> = resolved
        .shown()
        .into_iter()
        .map(|(name, value, origin)| json!({ "setting": name, "value": value, "origin": origin }))
        .collect();
    let mut providers = Vec::new();
    for (name, url) in [
        ("Twilio", resolved.get("twilio_url").replace("{product}", "api")),
        ("Vapi", resolved.get("vapi_url").to_owned()),
    ] {
        providers.push(json!({ "provider": name, "reached": reach(&url).await }));
    }
    let lines = Recent::read(Path::new(resolved.get("data_dir")));
    let lines: Vec<_> = lines.lines().collect();
    let found = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "system": { "os": std::env::consts::OS, "architecture": std::env::consts::ARCH },
        "settings": settings,
        "server": server,
        "providers": providers,
        "database": database(&resolved).await.unwrap_or_else(|failure| json!({ "error": failure.to_string() })),
        "metrics": metrics.lines().collect::<Vec<_>>(),
        "log": &lines[lines.len().saturating_sub(LINES_MAX)..],
    });
    // Whatever got this far is masked once more, as it would be in the log.
    json(&serde_json::from_str(&mask(&found.to_string())).unwrap_or(found))
}

/// What the database tells about itself; one that is not there is not made.
async fn database(resolved: &Resolved) -> Result<Value> {
    if let Some(path) = resolved.database_file().filter(|path| !path.exists()) {
        return Err(Failure::Error(format!("There is no database at {}.", path.display())));
    }
    let app = App::open(resolved.app()).await.map_err(|error| Failure::Error(error.to_string()))?;
    let found = app.about().await;
    app.close().await;
    let about = found.map_err(|problem| told(&problem))?;
    let rows: serde_json::Map<_, _> =
        about.rows.into_iter().map(|(table, rows)| (table.to_owned(), rows.into())).collect();
    Ok(
        json!({ "engine": about.engine, "schema_version": about.schema_version, "rows": rows, "problems": about.problems }),
    )
}

/// Whether there is anything at the address, and with which status it answers somebody without credentials.
async fn reach(url: &str) -> String {
    let sent = async { client::plain()?.get(url).send().await };
    sent.await.map_or_else(|error| client::chain(&error), |answer| answer.status().to_string())
}

/// Asks the server that listens where the configuration says.
async fn ask(resolved: &Resolved, path: &str) -> Result<(u16, String)> {
    let at = here(resolved.listen());
    let fail =
        |error: client::Error| Failure::because(format!("There is no server at {at}"), client::chain(&error));
    let answer =
        client::plain_here().map_err(fail)?.get(format!("http://{at}{path}")).send().await.map_err(fail)?;
    let status = answer.status().as_u16();
    Ok((status, answer.text().await.map_err(fail)?))
}

/// The address by which this machine reaches a server that listens there.
fn here(listen: SocketAddr) -> SocketAddr {
    let address = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listen.port())
}

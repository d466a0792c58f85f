//! `dialtone tape`: what providers sent, why some of it was refused, and trying it again.

use super::{client, local};
use crate::args::{Format, Remote, ServerFlags, Tape, TapeFilter};
use crate::client::segment;
use crate::failure::{Failure, Result};
use crate::output::{Column, clean, line, object, rows, text};
use crate::running::told;
use serde_json::{Value, json};

const COLUMNS: [Column; 8] = [
    ("REQUEST", "/id"),
    ("TIME", "/received_at"),
    ("ROUTE", "/route"),
    ("OUTCOME", "/outcome"),
    ("REASON", "/refusal/code"),
    ("FROM", "/about/from"),
    ("TO", "/about/to"),
    ("AGAIN", "/repeats"),
];

const STRANGERS: [Column; 5] = [
    ("TIME", "/received_at"),
    ("ROUTE", "/route"),
    ("REASON", "/reason"),
    ("ACCOUNT", "/about/account"),
    ("TO", "/about/to"),
];

/// Runs the command.
pub(crate) async fn run(command: &Tape) -> Result {
    match command {
        Tape::List { filter, limit, remote } => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(given(filter).into_iter().filter_map(|(name, value)| Some((name, value?))))
                .finish();
            let list = client(remote)?.first(&format!("/api/v1/tape?{query}"), "entries", *limit).await?;
            rows(remote.output.format, &COLUMNS, &list)
        }
        Tape::Show { id, open, remote } => show(id, *open, remote).await,
        Tape::Replay { id, remote } => replay(id, remote).await,
        Tape::Strangers { server } => strangers(server).await,
    }
}

fn given(filter: &TapeFilter) -> [(&'static str, Option<&String>); 7] {
    let TapeFilter { from, to, line, provider, route, outcome, text } = filter;
    [
        ("from", from.as_ref()),
        ("to", to.as_ref()),
        ("line", line.as_ref()),
        ("provider", provider.as_ref()),
        ("route", route.as_ref()),
        ("outcome", outcome.as_ref()),
        ("text", text.as_ref()),
    ]
}

async fn show(id: &str, open: bool, remote: &Remote) -> Result {
    let (client, path) = (client(remote)?, format!("/api/v1/tape/{}", segment(id)));
    let answer = match open {
        true => client.post(&format!("{path}/open"), &json!({})).await?,
        false => client.get(&path).await?,
    };
    print(&answer["entry"], remote)
}

async fn replay(id: &str, remote: &Remote) -> Result {
    let path = format!("/api/v1/tape/{}/replay", segment(id));
    let answer = client(remote)?.post(&path, &json!({})).await?;
    print(&answer["entry"], remote)?;
    match (answer["entry"]["outcome"].as_str(), answer["is_news"].as_bool(), remote.output.format) {
        (Some("refused"), _, _) => Err(Failure::Found),
        (_, Some(true), Format::Table) => line("It is believed now, and was news."),
        (_, _, Format::Table) => line("It is believed, and told nothing new."),
        _ => Ok(()),
    }
}

fn print(entry: &Value, remote: &Remote) -> Result {
    object(remote.output.format, &COLUMNS, entry)?;
    if remote.output.format != Format::Table {
        return Ok(());
    }
    for (name, value) in entry["about"].as_object().into_iter().flatten() {
        line(&format!("  {}: {}", clean(name), clean(value.as_str().unwrap_or_default())))?;
    }
    for part in ["/refusal/summary", "/refusal/remedy", "/request/target", "/request/body"] {
        let said = text(entry, part);
        if !said.is_empty() {
            line(&said)?;
        }
    }
    Ok(())
}

async fn strangers(server: &ServerFlags) -> Result {
    let app = local::open_existing(server).await?;
    let found = app.local_strangers().await.map_err(|problem| told(&problem));
    app.close().await;
    let row = |stranger: &dialtone_app::Stranger| {
        json!({ "received_at": stranger.received_at, "route": stranger.hook.name(), "reason": stranger.refusal.name(),
                "about": stranger.about })
    };
    rows(Format::Table, &STRANGERS, &found?.iter().map(row).collect::<Vec<_>>())
}

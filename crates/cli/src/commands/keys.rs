//! `dialtone keys`: on the data directory, also beside running servers.

use super::local::{missing_database, open, sealed};
use crate::args::{Format, Keys, Output};
use crate::config::{self, Resolved};
use crate::failure::{Failure, Result};
use crate::output::{clean, described, json, line, rows};
use dialtone_app::{App, KeyStatus, Unreadable};
use dialtone_domain::SecretString;
use serde_json::{Value, json};

/// Holds the new master key, where it is not made in the key file.
const NEW_KEY: &str = "DIALTONE_NEW_MASTER_KEY";

/// Does it.
pub(crate) async fn run(command: Keys) -> Result {
    let (Keys::Status { server, .. } | Keys::Rotate { server, .. }) = &command;
    let resolved = config::resolve(server)?;
    let app = open_existing(&resolved).await?;
    let done = match command {
        Keys::Status { output, .. } => status(&app, output).await,
        Keys::Rotate { master: true, .. } => change_master(&app).await,
        Keys::Rotate { discard_unreadable, .. } => rotate(&app, discard_unreadable).await,
    };
    app.close().await;
    done
}

/// There is nothing to look at where no database is; none is made.
async fn open_existing(resolved: &Resolved) -> Result<App> {
    match missing_database(resolved) {
        Some(path) => Err(Failure::Error(format!(
            "There is no Dialtone database at {}: name the data directory with --data-dir.",
            path.display()
        ))),
        None => open(resolved).await,
    }
}

async fn status(app: &App, output: Output) -> Result {
    let status = app.key_status().await.map_err(|problem| sealed(app, &problem))?;
    match output.format {
        Format::Json => json(&told(&status))?,
        Format::Table => {
            let columns = [
                ("State", "/state"),
                ("Master key", "/master_key"),
                ("Changing to", "/next_master_key"),
                ("Here", "/present"),
            ];
            described(&columns, &told(&status)).iter().try_for_each(|text| line(text))?;
            versions(Format::Table, &status)?;
            if status.is_rotating() {
                line("A rotation was begun and is not finished: `dialtone keys rotate` goes on with it.")?;
            }
        }
        Format::Csv => versions(Format::Csv, &status)?,
    }
    if let Some(reason) = &status.sealed {
        eprintln!("{reason}");
    }
    list(&status.unreadable);
    match status.sealed.is_none() && status.unreadable.is_empty() {
        true => Ok(()),
        false => Err(Failure::Found),
    }
}

fn told(status: &KeyStatus) -> Value {
    let unreadable = status.unreadable.iter();
    let unreadable = unreadable
        .map(|lost| json!({ "table": lost.table, "column": lost.column, "row": lost.row }))
        .collect::<Vec<_>>();
    json!({
        "state": if status.sealed.is_some() { "sealed" } else { "open" },
        "master_key": status.master_key,
        "next_master_key": status.next_master_key,
        "present": status.present.join(", "),
        "version": status.version,
        "rotating": status.is_rotating(),
        "versions": version_rows(status),
        "unreadable": unreadable,
    })
}

fn version_rows(status: &KeyStatus) -> Vec<Value> {
    let versions = status.versions.iter();
    versions
        .map(|known| json!({ "version": known.version, "keys": known.keys, "values": known.values }))
        .collect()
}

fn versions(format: Format, status: &KeyStatus) -> Result {
    let columns = [("VERSION", "/version"), ("DATA KEYS", "/keys"), ("SEALED VALUES", "/values")];
    rows(format, &columns, &version_rows(status))
}

async fn rotate(app: &App, discard_unreadable: bool) -> Result {
    let done = app.rotate_keys(discard_unreadable).await.map_err(|problem| sealed(app, &problem))?;
    let begun = if done.resumed { "A rotation that was begun is finished" } else { "Done" };
    line(&format!(
        "{begun}: everything is sealed with data keys of version {}. {} values were sealed anew, {} old keys were destroyed.",
        done.version, done.resealed, done.destroyed
    ))?;
    list(&done.unreadable);
    if done.unreadable.is_empty() {
        return Ok(());
    }
    if !discard_unreadable {
        eprintln!(
            "Their owners' old keys are kept. Save those secrets again, or restore them from a backup, and rotate again; \
             or give them up with --discard-unreadable."
        );
    }
    Err(Failure::Found)
}

/// What cannot be opened, where somebody can look for it.
fn list(unreadable: &[Unreadable]) {
    for lost in unreadable {
        eprintln!("No key opens {}.{} of {}.", lost.table, lost.column, clean(&lost.row));
    }
}

async fn change_master(app: &App) -> Result {
    let new = std::env::var(NEW_KEY).ok().filter(|key| !key.is_empty()).map(SecretString::from);
    let done = app.rotate_master_key(new).await.map_err(|error| Failure::Error(error.to_string()))?;
    line(&format!(
        "Done: the master key is {} now, and {} data keys were wrapped with it.",
        done.new, done.rewrapped
    ))?;
    match &done.kept {
        Some(path) => line(&format!(
            "Backups from before need the old key, {}: it is in {}. Keep it apart, as long as those backups are kept.",
            done.old,
            path.display()
        )),
        None => line(&format!(
            "Start the servers with the new key alone as DIALTONE_MASTER_KEY. Backups from before need the old one, {}.",
            done.old
        )),
    }
}

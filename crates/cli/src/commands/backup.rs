//! `dialtone backup …` and `dialtone migrate-database`: on the data directory, also beside a running server.

use crate::args::{Backup, Output};
use crate::config::{self, Resolved};
use crate::failure::{Failure, Result};
use crate::output::{self, Column, line};
use crate::prompt;
use dialtone_app::backup::{self, BackupError, Manifest, Source, Target};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const MADE: [Column; 4] =
    [("FILE", "/path"), ("BYTES", "/size"), ("ROWS", "/rows"), ("MEDIA FILES", "/media_files")];
const LISTED: [Column; 3] = [("FILE", "/path"), ("BYTES", "/size"), ("MADE", "/made_at")];
const VERIFIED: [Column; 6] = [
    ("MADE", "/created_at"),
    ("BY VERSION", "/program"),
    ("FROM", "/engine"),
    ("TABLES", "/tables"),
    ("ROWS", "/rows"),
    ("MEDIA FILES", "/media_files"),
];
const MOVED: [Column; 3] = [("TABLE", "/table"), ("ROWS", "/rows"), ("SHA-256, BOTH SIDES", "/sha256")];

pub(crate) async fn run(command: Backup) -> Result {
    match command {
        Backup::Create { to, server, output } => create(&config::resolve(&server)?, to, output).await,
        Backup::List { server, output } => list(&config::resolve(&server)?, output),
        Backup::Verify { file, output } => verify(file, output).await,
        Backup::Restore { file, data_dir, database_url } => restore(file, data_dir, database_url).await,
        Backup::Unfence { yes, server } => unfence(&config::resolve(&server)?, yes).await,
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::Error(error.to_string())
    }
}

async fn create(resolved: &Resolved, to: Option<PathBuf>, output: Output) -> Result {
    let source = Source {
        database_url: resolved.get("database_url").to_owned(),
        data_dir: resolved.get("data_dir").into(),
    };
    let made = backup::create_backup(source, to).await?;
    eprintln!(
        "The master key is not in the backup, and without it nobody opens what is sealed in it: keep a copy apart."
    );
    let (rows, media_files) = counts(&made.manifest);
    let row =
        json!({ "path": shown(&made.path), "size": made.size, "rows": rows, "media_files": media_files });
    output::object(output.format, &MADE, &row)
}

fn counts(manifest: &Manifest) -> (u64, usize) {
    (manifest.tables.iter().map(|table| table.rows).sum(), manifest.files.len())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn list(resolved: &Resolved, output: Output) -> Result {
    let data_dir = Path::new(resolved.get("data_dir"));
    if !data_dir.is_dir() {
        return Err(Failure::Error(format!(
            "There is no data directory at {}: name it with --data-dir.",
            data_dir.display()
        )));
    }
    let found = backup::list_backups(data_dir)?;
    let row = |backup: backup::Listed| json!({ "path": shown(&backup.path), "size": backup.size, "made_at": backup.made_at });
    output::rows(output.format, &LISTED, &found.into_iter().map(row).collect::<Vec<_>>())
}

async fn verify(file: PathBuf, output: Output) -> Result {
    let manifest = backup::verify_backup(file).await?;
    let (rows, media_files) = counts(&manifest);
    let row = json!({
        "created_at": manifest.created_at,
        "program": manifest.program,
        "engine": manifest.engine,
        "tables": manifest.tables.len(),
        "rows": rows,
        "media_files": media_files,
    });
    output::object(output.format, &VERIFIED, &row)
}

async fn restore(file: PathBuf, data_dir: PathBuf, database_url: Option<String>) -> Result {
    if database_url.as_ref().is_some_and(|url| url.starts_with("sqlite://")) {
        let why = "A SQLite database is restored into the data directory: leave --database-url out.";
        return Err(Failure::Usage(why.to_owned()));
    }
    let target = Target { data_dir: data_dir.clone(), postgres_url: database_url };
    let restored = backup::restore_backup(file, target).await?;
    let (rows, _) = counts(&restored.manifest);
    let place = shown(&data_dir);
    line(&format!("Restored {rows} rows from {} into {place}.", restored.manifest.created_at))?;
    line(&format!(
        "Put the master key into {place}/master.key or DIALTONE_MASTER_KEY, and start the server on this directory."
    ))?;
    line(
        "It is held back: it buys, sends and changes nothing until `dialtone backup unfence`. Everybody has to sign \
         in again; tokens work as they did when the backup was made.",
    )
}

async fn unfence(resolved: &Resolved, yes: bool) -> Result {
    if let Some(path) = resolved.database_file().filter(|path| !path.exists()) {
        return Err(Failure::Error(format!(
            "There is no Dialtone database at {}: name the data directory with --data-dir.",
            path.display()
        )));
    }
    prompt::confirm(
        "Is the original stopped for good, so that this copy may buy, send and change things?",
        yes,
    )?;
    let lifted = dialtone_app::fence::lift_fence_of(resolved.get("database_url").to_owned()).await;
    match lifted.map_err(|error| Failure::because("The fence was not lifted", error))? {
        true => line("The fence is lifted: changes and messages go out again."),
        false => line("There was no fence."),
    }
}

/// Copies a database into another one.
pub(crate) async fn migrate(from: String, to: String, output: Output) -> Result {
    let moved = backup::migrate_database(from, to).await?;
    let rows: Vec<Value> = moved
        .into_iter()
        .map(|table| json!({ "table": table.name, "rows": table.rows, "sha256": table.sha256 }))
        .collect();
    output::rows(output.format, &MOVED, &rows)?;
    eprintln!(
        "Every table arrived as it left. Set DIALTONE_DATABASE_URL to the new database, and never start a server on \
         the old one again: both would act."
    );
    Ok(())
}

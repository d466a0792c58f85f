//! `dialtone audit`: reading, keeping and verifying the audit trail.

use super::{client, local};
use crate::args::{Audit, AuditFilter, AuditFormat, ServerFlags};
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::output::{Column, clean, line, rows};
use crate::profile;
use crate::running::told;
use dialtone_app::{Head, Verdict, hash_of_hex, verify_audit_file};
use dialtone_domain::{Code, Problem};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, IsTerminal, stdout};
use std::path::Path;

const COLUMNS: [Column; 6] = [
    ("NUMBER", "/seq"),
    ("TIME", "/at"),
    ("WHO", "/actor/name"),
    ("WHAT", "/summary"),
    ("SUBJECT", "/subject_id"),
    ("FROM", "/address"),
];

/// Runs the command.
pub(crate) async fn run(command: Audit) -> Result {
    match command {
        Audit::List { filter, limit, remote } => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(
                    given(&filter).iter().filter_map(|(name, value)| Some((*name, value.as_ref()?))),
                )
                .finish();
            let list = client(&remote)?.first(&format!("/api/v1/audit?{query}"), "entries", limit).await?;
            rows(remote.output.format, &COLUMNS, &list)
        }
        Audit::Export { format, filter, client } => {
            export(format, &filter, &Client::new(profile::target(&client)?)?).await
        }
        Audit::Head { server } => head(&server).await,
        Audit::Verify { anchor, file: Some(file), .. } => verify_file(&file, &anchors(anchor.as_deref())?),
        Audit::Verify { org, anchor, file: None, server } => {
            verify(org.as_deref(), &anchors(anchor.as_deref())?, &server).await
        }
    }
}

fn given(filter: &AuditFilter) -> [(&'static str, Option<String>); 5] {
    let AuditFilter { from, to, actor, kind, subject } = filter;
    [("from", from), ("to", to), ("actor", actor), ("kind", kind), ("subject", subject)]
        .map(|(name, value)| (name, value.clone()))
}

async fn export(format: AuditFormat, filter: &AuditFilter, client: &Client) -> Result {
    let mut out = stdout().lock();
    if out.is_terminal() {
        let said = "An export is a file: write `dialtone audit export > audit.jsonl`. Nothing was exported.";
        return Err(Failure::Usage(said.to_owned()));
    }
    let format = match format {
        AuditFormat::Jsonl => "jsonl",
        AuditFormat::Csv => "csv",
    };
    let given: Vec<_> = given(filter).into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    if !given.is_empty() {
        eprintln!("With a filter the file has gaps: it cannot be verified.");
    }
    let fields = given.into_iter().chain([("format", format.to_owned())]);
    let body: Map<String, Value> = fields.map(|(name, value)| (name.to_owned(), value.into())).collect();
    client.download("/api/v1/audit/export", &body.into(), &mut BufWriter::new(&mut out)).await
}

async fn head(server: &ServerFlags) -> Result {
    let app = local::open_existing(server).await?;
    let heads = app.local_audit_heads().await;
    app.close().await;
    heads.map_err(|problem| told(&problem))?.iter().try_for_each(|head| line(&noted(head)))
}

/// A head as `audit head` prints it and `--anchor` reads it.
fn noted(head: &Head) -> String {
    let hash: String = head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {} {hash}", head.org, head.seq)
}

fn anchors(file: Option<&Path>) -> Result<Vec<Head>> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::because(format!("{} cannot be read", file.display()), error))?;
    let parse = |line: &str| {
        let [org, seq, hash] = line.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
        Some(Head { org: org.parse().ok()?, seq: seq.parse().ok()?, hash: hash_of_hex(hash)? })
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let heads: Option<Vec<Head>> = lines.map(parse).collect();
    heads.filter(|heads| !heads.is_empty()).ok_or_else(|| {
        Failure::Error(format!(
            "{} is not what `dialtone audit head` prints. Nothing was verified.",
            file.display()
        ))
    })
}

async fn verify(org: Option<&str>, anchors: &[Head], server: &ServerFlags) -> Result {
    let app = local::open_existing(server).await?;
    let verdicts = app.local_verify_audit(org, anchors).await;
    app.close().await;
    let explain = |problem: Problem| match problem.code {
        Code::NotFound => Failure::Error(
            "There is no such organisation here, or the anchor is of one that is not. Nothing was verified."
                .to_owned(),
        ),
        _ => told(&problem),
    };
    tell(&verdicts.map_err(explain)?, |count| format!("{count} entries"))
}

fn verify_file(file: &Path, anchors: &[Head]) -> Result {
    let cannot = |why: String| Failure::Error(format!("{} cannot be verified: {why}.", file.display()));
    let opened = File::open(file).map_err(|error| cannot(error.to_string()))?;
    let verdict = verify_audit_file(BufReader::new(opened).lines(), anchors).map_err(cannot)?;
    // Where the chain goes on after a file, nothing in the file says.
    let anchored = anchors.iter().any(|anchor| anchor.org == verdict.good.org);
    let silent = if anchored { "" } else { "; without --anchor nothing is said about later ones" };
    tell(&[verdict], |last| format!("entries 1–{last}{silent}"))
}

/// Prints each verdict; `extent` says up to which entry an intact chain was seen.
fn tell(verdicts: &[Verdict], extent: impl Fn(i64) -> String) -> Result {
    for Verdict { name, good, broken } in verdicts {
        let whose = match name {
            Some(name) => format!("{} ({})", clean(name), good.org),
            None => good.org.to_string(),
        };
        match broken {
            None => line(&format!("intact  {whose}: {}", extent(good.seq)))?,
            Some(broken) => {
                line(&format!("BROKEN  {whose}: entry {} is {}", broken.seq, broken.flaw.name()))?;
            }
        }
    }
    if verdicts.iter().any(|verdict| verdict.broken.is_some()) { Err(Failure::Found) } else { Ok(()) }
}

//! Entries of the audit trail: as the API answers them, and as a file holds them.

use super::{answers, one_of_or_null};
use crate::events::json;
use dialtone_app::{Event, FILTERED_LINE, Flaw, Verdict, audit_line};
use dialtone_domain::{Language, OrgId, Params, text};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// Who did something.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `member`, `token` or `system`.
    kind: String,
    /// The person's id, also where a token of theirs acted; else the part of Dialtone.
    id: String,
    /// Their name.
    name: String,
}

/// One entry of the audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number in the organisation, from 1 without gaps.
    seq: i64,
    /// When it happened.
    at: Timestamp,
    /// Who did it.
    actor: AuditActor,
    /// What kind of event it is: `line.changed`.
    kind: String,
    /// The kind in words.
    summary: String,
    /// What it happened to.
    subject_id: String,
    /// The request that it happened in, as its answer and the log name it.
    #[schema(required)]
    request_id: Option<String>,
    /// The address that the request came from.
    #[schema(required)]
    address: Option<String>,
    /// How it was; null: not at all.
    #[schema(schema_with = object_or_null)]
    before: Option<Value>,
    /// How it is; null: not any more.
    #[schema(schema_with = object_or_null)]
    after: Option<Value>,
    /// Its hash, in hexadecimal.
    hash: String,
}

fn object_or_null() -> Object {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null])).build()
}

impl AuditEntry {
    pub(crate) fn of(event: Event, language: Language) -> Self {
        let actor = json(&event.actor);
        let of_actor = |name: &str| actor[name].as_str().unwrap_or_default().to_owned();
        Self {
            seq: event.seq,
            at: event.at,
            actor: AuditActor { kind: of_actor("kind"), id: event.actor_id, name: of_actor("name") },
            summary: summary(&event.kind, language),
            kind: event.kind,
            subject_id: event.subject_id,
            request_id: event.request_id,
            address: event.address,
            before: event.before.as_deref().map(json),
            after: event.after.as_deref().map(json),
            hash: hex(&event.hash),
        }
    }
}

/// What an event of that kind means.
fn summary(kind: &str, language: Language) -> String {
    text::text(language, &format!("event.{kind}"), &Params::default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How a chain was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditVerdict {
    /// Whether no entry was changed, removed, inserted or moved since it was written.
    intact: bool,
    /// The last good entry; 0: not even the first. Keep it with its hash elsewhere, and hand both in with a later
    /// verification: nobody can then write the trail up to here anew.
    seq: i64,
    /// The hash of the last good entry.
    hash: String,
    /// The first entry that is not as it was written.
    #[schema(required)]
    broken_seq: Option<i64>,
    /// What is wrong with it.
    #[schema(schema_with = flaws)]
    flaw: Option<&'static str>,
}

fn flaws() -> Object {
    one_of_or_null(&[Flaw::Missing, Flaw::Changed, Flaw::Inserted, Flaw::Rewritten].map(Flaw::name))
}

impl From<Verdict> for AuditVerdict {
    fn from(Verdict { good, broken, .. }: Verdict) -> Self {
        Self {
            intact: broken.is_none(),
            seq: good.seq,
            hash: hex(&good.hash),
            broken_seq: broken.map(|broken| broken.seq),
            flaw: broken.map(|broken| broken.flaw.name()),
        }
    }
}

answers! {
    /// A page of the audit trail, the newest entry first.
    AuditTrail {
        /// The entries; a page may be short, or empty, and still have a next one.
        entries: Vec<AuditEntry>,
        /// Where the next page begins; null: this is the last one.
        #[schema(required)]
        next_cursor: Option<String>,
    }

    /// How the organisation's chain was found.
    AuditVerified {
        /// What was found.
        audit: AuditVerdict,
    }
}

/// A file of audit entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuditFormat {
    /// For spreadsheets.
    Csv,
    /// For programs, one JSON object per line with every column as it is stored: what the hashes are made of.
    Jsonl,
}

impl AuditFormat {
    pub(crate) const ALL: [Self; 2] = [Self::Csv, Self::Jsonl];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl",
        }
    }

    /// What the file begins with, also one that a filter made.
    pub(crate) fn head(self, filtered: bool) -> &'static str {
        match self {
            Self::Csv => {
                "seq,at,actor_kind,actor_id,actor_name,kind,summary,subject_id,request_id,address,before,after,hash\r\n"
            }
            Self::Jsonl if filtered => FILTERED_LINE,
            Self::Jsonl => "",
        }
    }

    /// One entry.
    pub(crate) fn row(self, org: OrgId, event: Event, language: Language) -> String {
        match self {
            Self::Csv => csv_row(AuditEntry::of(event, language)),
            Self::Jsonl => audit_line(org, event),
        }
    }
}

fn csv_row(entry: AuditEntry) -> String {
    let AuditEntry { seq, at, actor, kind, summary, subject_id, request_id, address, before, after, hash } =
        entry;
    let json = |value: Option<Value>| value.map(|value| value.to_string()).unwrap_or_default();
    let cells = [
        seq.to_string(),
        at.to_string(),
        actor.kind,
        actor.id,
        actor.name,
        kind,
        summary,
        subject_id,
        request_id.unwrap_or_default(),
        address.unwrap_or_default(),
        json(before),
        json(after),
        hash,
    ];
    format!("{}\r\n", cells.map(|cell| csv_cell(&cell)).join(","))
}

/// A cell that no spreadsheet takes for a formula: what begins as one gets an apostrophe before it, which
/// spreadsheets read as "this is text". Quoted always, with quotes doubled (RFC 4180).
fn csv_cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f4_no_cell_of_a_csv_file_is_a_formula() {
        for (text, cell) in [
            ("=1+1", "\"'=1+1\""),
            ("+14155552671", "\"'+14155552671\""),
            ("-2", "\"'-2\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("a=1", "\"a=1\""),
            ("say \"=1\", please", "\"say \"\"=1\"\", please\""),
            ("", "\"\""),
        ] {
            assert_eq!(csv_cell(text), cell);
        }
    }
}

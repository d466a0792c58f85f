//! The tape: what providers sent.

use super::{answers, one_of, provider};
use dialtone_app::{Opened, TapeOutcome, Taped};
use dialtone_domain::inbound::{self, Hook};
use dialtone_domain::{Language, Provider};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;

/// Why a request was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refusal {
    /// The stable name of the reason.
    #[schema(schema_with = refusals)]
    code: &'static str,
    /// What was wrong.
    summary: String,
    /// What to do.
    remedy: String,
}

fn refusals() -> Object {
    one_of(&inbound::Refusal::ALL.iter().map(|refusal| refusal.name()).collect::<Vec<_>>())
}

/// A header of a request.
#[derive(Serialize, ToSchema)]
pub(crate) struct Header {
    name: String,
    value: String,
}

/// The text of a request, without secrets.
#[derive(Serialize, ToSchema)]
pub(crate) struct Text {
    /// Path and query.
    target: String,
    /// The headers that were kept.
    headers: Vec<Header>,
    /// The body; of a long one its beginning.
    body: String,
}

/// A request of a provider.
#[derive(Serialize, ToSchema)]
#[schema(as = TapeEntry)]
pub(crate) struct Entry {
    /// Its id.
    id: Uuid,
    /// When it came.
    received_at: Timestamp,
    /// Who sent it, or claimed to.
    #[schema(schema_with = provider)]
    provider: Provider,
    /// The address that it came to.
    #[schema(schema_with = hooks)]
    route: &'static str,
    /// What became of it.
    #[schema(schema_with = outcomes)]
    outcome: &'static str,
    /// Why it was refused.
    #[schema(required)]
    refusal: Option<Refusal>,
    /// The HTTP status that it was answered with.
    status: i64,
    /// The line that it is for, where that is known.
    #[schema(required)]
    line_id: Option<Uuid>,
    /// What it names; phone numbers with their last four digits.
    about: BTreeMap<String, String>,
    /// How long its body was.
    bytes: i64,
    /// Whether all of it is kept, so that it can be replayed.
    is_whole: bool,
    /// How often it came again; that had no effect.
    repeats: i64,
    /// When it last came again.
    #[schema(required)]
    repeated_at: Option<Timestamp>,
    /// Its text, where it is opened and was kept.
    #[schema(required)]
    request: Option<Text>,
}

fn hooks() -> Object {
    one_of(&Hook::ALL.iter().map(|hook| hook.name()).collect::<Vec<_>>())
}

fn outcomes() -> Object {
    one_of(&[TapeOutcome::Accepted, TapeOutcome::Refused].map(TapeOutcome::name))
}

impl Entry {
    pub(crate) fn of(taped: Taped, opened: Option<Opened>, language: Language) -> Self {
        let refusal = |refusal: inbound::Refusal| Refusal {
            code: refusal.name(),
            summary: refusal.summary(language),
            remedy: refusal.remedy(language),
        };
        let header = |(name, value)| Header { name, value };
        Self {
            id: taped.id.0,
            received_at: taped.received_at,
            provider: taped.provider,
            route: taped.hook.name(),
            outcome: taped.outcome.name(),
            refusal: taped.refusal.map(refusal),
            status: taped.status,
            line_id: taped.line_id.map(|line| line.0),
            about: serde_json::from_value(taped.about).unwrap_or_default(),
            bytes: taped.bytes,
            is_whole: taped.is_whole,
            repeats: taped.repeats,
            repeated_at: taped.repeated_at,
            request: opened.map(|Opened { target, headers, body }| Text {
                target,
                headers: headers.into_iter().map(header).collect(),
                body,
            }),
        }
    }
}

answers! {
    /// Requests of providers.
    Tape {
        /// A page of them, the newest first.
        entries: Vec<Entry>,
        /// Where the next page begins; null: this is the last one.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// A request of a provider.
    EntryAnswer {
        /// It.
        entry: Entry,
    }
    /// What came of a replay.
    Replayed {
        /// Whether it told something that had not been known.
        is_news: bool,
        /// The request as it is now.
        entry: Entry,
    }
    /// How long requests are kept.
    TapeSettings {
        /// For so many days.
        days: i64,
    }
}

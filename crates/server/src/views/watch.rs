//! The watch: settings, diary, alerts, and who is told of them.

use super::{answers, one_of, one_of_or_null, provider};
use dialtone_app::{AlertView, DiaryEntry, WatchView, WebhookView};
use dialtone_domain::line::{Cause, Drift, Fix};
use dialtone_domain::{AlertKind, Language, Params, Provider, Severity, text};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;

/// How the lines are watched, and how far the watch is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Watch {
    /// How often each line is looked at, in minutes.
    interval_minutes: i64,
    /// The causes that are repaired without asking.
    repair: Vec<&'static str>,
    /// The causes that can be.
    repairable: Vec<&'static str>,
    /// How many lines are watched.
    lines: i64,
    /// How many of them cannot be read at present.
    unknown: i64,
    /// How many alerts are open.
    open_alerts: i64,
    /// The look that is due first.
    #[schema(required)]
    next_due: Option<Timestamp>,
    /// The look that is longest ago.
    #[schema(required)]
    oldest_look: Option<Timestamp>,
}

impl From<WatchView> for Watch {
    fn from(view: WatchView) -> Self {
        let repairable = Cause::ALL.iter().filter(|cause| cause.fix() == Fix::Repair);
        Self {
            interval_minutes: view.interval_minutes,
            repair: view.repair.into_iter().map(Cause::name).collect(),
            repairable: repairable.map(|cause| cause.name()).collect(),
            lines: view.lines,
            unknown: view.unknown,
            open_alerts: view.open_alerts,
            next_due: view.next_due,
            oldest_look: view.oldest_look,
        }
    }
}

/// One field that one look saw differently from the look before.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldDrift {
    /// Where it is set.
    #[schema(schema_with = provider)]
    provider: Provider,
    /// The provider's name for it.
    field: String,
    /// Its value before; null: not set.
    #[schema(required)]
    from: Option<String>,
    /// Its value now; null: not set.
    #[schema(required)]
    to: Option<String>,
}

/// What one look saw differently from the look before.
#[derive(Serialize, ToSchema)]
#[schema(as = DiaryEntry)]
pub(crate) struct Entry {
    /// Its id.
    id: Uuid,
    /// When the look before began; null: there was none.
    #[schema(required)]
    seen_before: Option<Timestamp>,
    /// When the look that saw it began.
    seen_at: Timestamp,
    /// The fields that differ.
    changes: Vec<FieldDrift>,
    /// The cause that failed before; null: none.
    #[schema(schema_with = cause_or_null)]
    cause_before: Option<&'static str>,
    /// The cause that fails now; null: none.
    #[schema(schema_with = cause_or_null)]
    cause_after: Option<&'static str>,
    /// What that means, in words; null where nothing fails.
    #[schema(required)]
    summary: Option<String>,
    /// How the line is now.
    #[schema(schema_with = healths)]
    health: String,
    /// By whom: a member, a token, Dialtone itself, or `{"kind": "outside"}`.
    #[schema(value_type = Object)]
    actor: Value,
    /// The operation of ours that did it.
    #[schema(required)]
    operation_id: Option<Uuid>,
    /// When the provider says that its part was changed last.
    #[schema(required)]
    changed_at: Option<Timestamp>,
}

fn healths() -> Object {
    one_of(&["working", "attention", "failing", "unchecked"])
}

fn cause_or_null() -> Object {
    one_of_or_null(&Cause::ALL.iter().map(|cause| cause.name()).collect::<Vec<_>>())
}

impl Entry {
    pub(crate) fn of(entry: DiaryEntry, language: Language) -> Self {
        let drift = |Drift { provider, field, from, to }| FieldDrift { provider, field, from, to };
        let cause = entry.cause_after.map(Cause::name);
        Self {
            id: entry.id.0,
            seen_before: entry.seen_before,
            seen_at: entry.seen_at,
            changes: entry.changes.into_iter().map(drift).collect(),
            cause_before: entry.cause_before.map(Cause::name),
            cause_after: cause,
            summary: cause
                .map(|name| text::text(language, &format!("cause.{name}.summary"), &Params::default())),
            health: entry.health,
            actor: entry.actor,
            operation_id: entry.operation_id.map(|id| id.0),
            changed_at: entry.changed_at,
        }
    }
}

/// Something that people are alerted to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Alert {
    /// Its id.
    id: Uuid,
    /// What kind.
    #[schema(schema_with = kinds)]
    kind: &'static str,
    /// What it is about: a line's id, a provider, an account.
    subject: String,
    /// How bad it is.
    #[schema(schema_with = severities)]
    severity: String,
    /// A few words.
    title: String,
    /// What it means and what to do, or that it is over.
    detail: String,
    /// When it was opened.
    opened_at: Timestamp,
    /// When what it tells of was seen last.
    seen_at: Timestamp,
    /// When somebody said that they know; null: nobody did.
    #[schema(required)]
    acknowledged_at: Option<Timestamp>,
    /// Who.
    #[schema(required, value_type = Option<Object>)]
    acknowledged_by: Option<Value>,
    /// When it was over; null: it is open.
    #[schema(required)]
    resolved_at: Option<Timestamp>,
}

fn kinds() -> Object {
    one_of(&AlertKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
}

fn severities() -> Object {
    one_of(&Severity::ALL.map(Severity::name))
}

impl Alert {
    pub(crate) fn of(alert: AlertView, language: Language) -> Self {
        let (title, detail) = (alert.title(language), alert.detail(language));
        let (acknowledged_at, acknowledged_by) = alert.acknowledged.unzip();
        Self {
            id: alert.id.0,
            kind: alert.kind.name(),
            subject: alert.subject,
            severity: alert.severity,
            title,
            detail,
            opened_at: alert.opened_at,
            seen_at: alert.seen_at,
            acknowledged_at,
            acknowledged_by,
            resolved_at: alert.resolved_at,
        }
    }
}

/// A web address that is told of alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its id.
    id: Uuid,
    /// The address.
    url: String,
    /// What it is for.
    description: String,
    /// When the receiver said (by 410) that it wants no more; null: it is told.
    #[schema(required)]
    gone_at: Option<Timestamp>,
    /// When the last message was made that was tried.
    #[schema(required)]
    last_at: Option<Timestamp>,
    /// Whether that one arrived.
    #[schema(required)]
    last_arrived: Option<bool>,
    /// Why it did not.
    #[schema(required)]
    last_error: Option<String>,
    /// When it was added.
    created_at: Timestamp,
}

impl From<WebhookView> for Webhook {
    fn from(view: WebhookView) -> Self {
        let WebhookView { id, url, description, gone_at, last_at, last_arrived, last_error, created_at } =
            view;
        Self { id: id.0, url, description, gone_at, last_at, last_arrived, last_error, created_at }
    }
}

/// Whether the caller gets alerts by e-mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertMail {
    /// Whether they want them.
    wanted: bool,
    /// Whether this server can send mails at all.
    available: bool,
    /// Where they go.
    email: String,
}

impl From<dialtone_app::AlertMail> for AlertMail {
    fn from(mail: dialtone_app::AlertMail) -> Self {
        let dialtone_app::AlertMail { wanted, available, email } = mail;
        Self { wanted, available, email }
    }
}

answers! {
    /// How the lines are watched.
    WatchAnswer {
        /// It.
        watch: Watch,
    }
    /// A line's diary.
    Diary {
        /// A page of it, the newest first.
        entries: Vec<Entry>,
        /// Where the next page begins; null: this is the last one.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// The alerts.
    Alerts {
        /// A page of them, the newest first.
        alerts: Vec<Alert>,
        /// Where the next page begins; null: this is the last one.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// An alert.
    AlertAnswer {
        /// It.
        alert: Alert,
    }
    /// Whether the caller gets alerts by e-mail.
    AlertMailAnswer {
        /// It.
        alert_mail: AlertMail,
    }
    /// The web addresses that are told of alerts.
    Webhooks {
        /// All of them, the newest first.
        webhooks: Vec<Webhook>,
        /// Always null: the list is whole.
        #[schema(required)]
        next_cursor: Option<String>,
    }
    /// A web address that was just added.
    NewWebhookAnswer {
        /// It.
        webhook: Webhook,
        /// The secret that messages to it are signed with, shown this once.
        secret: String,
    }
    /// What a receiver answered to a test.
    WebhookTested {
        /// The status of its answer.
        status: u16,
    }
}

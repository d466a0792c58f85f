//! Alerts: opened once, told once, closed when it is over.

use super::{deliver, minutes};
use crate::accounts::Caller;
use crate::clock::{new_id, now};
use crate::events::{Actor, record};
use crate::lines::{Page, PageRequest, page_of};
use crate::start::App;
use dialtone_domain::{AlertId, AlertKind, Code, Language, LineId, Params, Problem, text};
use dialtone_store::alerts::{self as rows, Alert};
use dialtone_store::{Cursor, Tenant, Tx, lines};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What comes back within so many minutes is the same alert.
const FLAP_MINUTES: i64 = 30;

/// What the subjects of alerts about Twilio accounts begin with.
pub(super) const TWILIO: &str = "twilio:";

/// Something to alert people to.
#[derive(Debug, Clone)]
pub struct NewAlert {
    /// What kind.
    pub kind: AlertKind,
    /// What it is about: a line's id, a provider, an account. One alert per kind and subject is open.
    pub subject: String,
    /// What fills its texts. A `cause` becomes the `why` of the reader's language.
    pub params: Params,
}

/// An alert as it is shown.
#[derive(Debug, Clone)]
pub struct AlertView {
    /// Its id.
    pub id: AlertId,
    /// What kind.
    pub kind: AlertKind,
    /// What it is about.
    pub subject: String,
    /// How bad it is.
    pub severity: String,
    /// What fills its texts.
    pub params: Params,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When what it tells of was seen last.
    pub seen_at: Timestamp,
    /// When somebody said that they know, and who.
    pub acknowledged: Option<(Timestamp, Value)>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
}

impl AlertView {
    pub(super) fn of(row: Alert) -> Self {
        let params = serde_json::from_value(row.params).unwrap_or_default();
        Self {
            id: row.id,
            kind: row.kind,
            subject: row.subject,
            severity: row.severity,
            params,
            opened_at: row.created_at,
            seen_at: row.seen_at,
            acknowledged: row.acknowledged_at.zip(row.acknowledged_by),
            resolved_at: row.resolved_at,
        }
    }

    /// A few words.
    pub fn title(&self, language: Language) -> String {
        self.kind.title(language, &self.params)
    }

    /// What it means and what to do, or that it is over.
    pub fn detail(&self, language: Language) -> String {
        detail(self.kind, &self.params, language, self.resolved_at.is_some())
    }
}

/// What an alert means, in a language.
pub(super) fn detail(kind: AlertKind, params: &Params, language: Language, is_over: bool) -> String {
    if is_over {
        return kind.over(language, params);
    }
    let mut params = params.clone();
    let cause = params
        .get("cause")
        .and_then(|cause| text::find(language, &format!("cause.{cause}.summary"), &params));
    if let Some(why) = cause {
        params.set("why", why);
    }
    kind.detail(language, &params)
}

/// Opens an alert, or notes that it still holds.
pub(crate) fn raise(
    tx: &mut Tx,
    tenant: &Tenant,
    minute: SignedDuration,
    new: &NewAlert,
) -> Result<(), Problem> {
    let at = now();
    let params = serde_json::to_value(&new.params).map_err(|_| Code::Internal)?;
    match rows::last(tx, tenant, new.kind, &new.subject)? {
        Some(open) if open.resolved_at.is_none() => {
            Ok(rows::update(tx, tenant, &Alert { params, seen_at: at, ..open })?)
        }
        Some(closed) if closed.resolved_at.is_some_and(|over| at < over + minutes(minute, FLAP_MINUTES)) => {
            let again = Alert {
                params,
                seen_at: at,
                changes: closed.changes + 1,
                acknowledged_at: None,
                acknowledged_by: None,
                resolved_at: None,
                ..closed
            };
            rows::update(tx, tenant, &again)?;
            tell(tx, tenant, minute, &again, "alert.opened")
        }
        _ => {
            let alert = Alert {
                id: new_id(),
                kind: new.kind,
                subject: new.subject.clone(),
                severity: new.kind.severity().name().to_owned(),
                params,
                changes: 1,
                seen_at: at,
                acknowledged_at: None,
                acknowledged_by: None,
                resolved_at: None,
                created_at: at,
            };
            // Another node may have been a moment faster: theirs is told.
            match rows::open(tx, tenant, &alert)? {
                true => tell(tx, tenant, minute, &alert, "alert.opened"),
                false => Ok(()),
            }
        }
    }
}

/// Closes an alert where one is open.
pub(crate) fn clear(
    tx: &mut Tx,
    tenant: &Tenant,
    minute: SignedDuration,
    kind: AlertKind,
    subject: &str,
) -> Result<(), Problem> {
    match rows::last(tx, tenant, kind, subject)? {
        Some(open) if open.resolved_at.is_none() => {
            let over = Alert { resolved_at: Some(now()), changes: open.changes + 1, ..open };
            rows::update(tx, tenant, &over)?;
            tell(tx, tenant, minute, &over, "alert.resolved")
        }
        _ => Ok(()),
    }
}

fn tell(
    tx: &mut Tx,
    tenant: &Tenant,
    minute: SignedDuration,
    alert: &Alert,
    topic: &'static str,
) -> Result<(), Problem> {
    let view = AlertView::of(alert.clone());
    let told = json!({ "kind": view.kind, "subject": view.subject, "severity": view.severity });
    record(tx, tenant, &Actor::system("watch"), topic, alert.id, None, Some(told))?;
    deliver::announce(tx, tenant, minute, alert, &view, topic)
}

/// Closes an alert where one is open, and tells nobody: what it is about is no more, rather than well again.
pub(crate) fn forget(tx: &mut Tx, tenant: &Tenant, kind: AlertKind, subject: &str) -> Result<(), Problem> {
    match rows::last(tx, tenant, kind, subject)? {
        Some(open) if open.resolved_at.is_none() => {
            Ok(rows::update(tx, tenant, &Alert { resolved_at: Some(now()), ..open })?)
        }
        _ => Ok(()),
    }
}

/// Closes what is open about a line that was removed.
pub(crate) fn forget_line(tx: &mut Tx, tenant: &Tenant, line: LineId) -> Result<(), Problem> {
    for kind in [AlertKind::LineBroken, AlertKind::CallFailed, AlertKind::RepairFight] {
        forget(tx, tenant, kind, &line.to_string())?;
    }
    forget_unwatched(tx, tenant)
}

/// Closes what is open about accounts and providers that no line depends on by now: no look will ever close it.
pub(crate) fn forget_unwatched(tx: &mut Tx, tenant: &Tenant) -> Result<(), Problem> {
    let any_line = !lines::page(tx, tenant, None, 1)?.is_empty();
    for kind in [AlertKind::CredentialRefused, AlertKind::ProviderDown, AlertKind::WatchLate] {
        for open in rows::open_of(tx, tenant, kind)? {
            let account = open.subject.strip_prefix(TWILIO).and_then(|sid| sid.parse().ok());
            let is_watched = match account {
                Some(account) => !lines::of_account(tx, tenant, &account)?.is_empty(),
                None => any_line,
            };
            if !is_watched {
                forget(tx, tenant, kind, &open.subject)?;
            }
        }
    }
    Ok(())
}

impl App {
    /// Opens an alert, or notes that it still holds. For use cases outside of a transaction.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn raise_alert(&self, tenant: &Tenant, new: NewAlert) -> Result<(), Problem> {
        let (tenant, minute) = (tenant.clone(), self.inner.minute);
        self.store().write(move |tx| raise(tx, &tenant, minute, &new)).await
    }

    /// Closes an alert where one is open.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn clear_alert(&self, tenant: &Tenant, kind: AlertKind, subject: &str) -> Result<(), Problem> {
        let (tenant, minute, subject) = (tenant.clone(), self.inner.minute, subject.to_owned());
        self.store().write(move |tx| clear(tx, &tenant, minute, kind, &subject)).await
    }

    /// The organisation's alerts, the newest first; only those that are open, or all.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for a cursor that is none.
    pub async fn alerts(
        &self,
        caller: &Caller,
        only_open: bool,
        page: PageRequest,
    ) -> Result<Page<AlertView>, Problem> {
        let (tenant, limit) = (caller.tenant.clone(), page.limit());
        let after: Option<Cursor<AlertId>> = page.after()?;
        let found = self.store().read(move |tx| rows::page(tx, &tenant, only_open, after, limit + 1)).await?;
        let items = found.into_iter().map(AlertView::of).collect();
        Ok(page_of(items, limit, |alert| (alert.opened_at, alert.id.0)))
    }

    /// Notes that the caller knows of an alert.
    ///
    /// # Errors
    /// [`Code::NotFound`]
    pub async fn acknowledge_alert(&self, caller: &Caller, id: AlertId) -> Result<AlertView, Problem> {
        let (tenant, actor, at) = (caller.tenant.clone(), Actor::of(caller), now());
        self.store()
            .write(move |tx| {
                let alert = rows::get(tx, &tenant, id)?.ok_or(Code::NotFound)?;
                // The first who knew stays the one who knew.
                if alert.acknowledged_at.is_some() {
                    return Ok(AlertView::of(alert));
                }
                let by = serde_json::to_value(&actor).map_err(|_| Code::Internal)?;
                let known = Alert { acknowledged_at: Some(at), acknowledged_by: Some(by), ..alert };
                rows::update(tx, &tenant, &known)?;
                let told = json!({ "kind": known.kind, "subject": known.subject });
                record(tx, &tenant, &actor, "alert.acknowledged", id, None, Some(told))?;
                Ok(AlertView::of(known))
            })
            .await
    }
}

//! Messages on their way out, and where they go: members' mails and webhooks.

use dialtone_domain::{DeliveryId, Language, OrgId, UserId, WebhookId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sql::sql;
use crate::value::{FromRow, Row, named, params, record};
use crate::{Result, Sealed, Tenant, Topic, Tx};

named! {
    /// How a message leaves.
    pub enum Channel {
        /// To a member's address.
        Email = "email",
        /// To a web address.
        Webhook = "webhook",
    }
}

record! {
    /// A message to one recipient.
    pub struct Delivery as delivery_columns {
        /// Its id.
        pub id: DeliveryId,
        /// How it leaves.
        pub channel: Channel,
        /// The member or the webhook.
        pub target: String,
        /// What it tells of: `alert.opened`.
        pub topic: String,
        /// What it is about.
        pub subject_id: String,
        /// The subject's count of changes.
        pub change: i64,
        /// What it says.
        pub payload: Value,
        /// How often it was tried.
        pub attempt: i64,
        /// When it is tried next.
        pub run_at: Timestamp,
        /// Until when somebody has it.
        pub lease_until: Timestamp,
        /// Why the last try failed.
        pub last_error: Option<String>,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it arrived, or was given up.
        pub finished_at: Option<Timestamp>,
        /// Whether it arrived.
        pub delivered: bool,
    }
}

record! {
    /// A web address that is told of what happens.
    pub struct Webhook as webhook_columns {
        /// Its id.
        pub id: WebhookId,
        /// The address.
        pub url: String,
        /// What it is for.
        pub description: String,
        /// The secret that messages are signed with, sealed.
        pub secret: Sealed,
        /// When the receiver said that it is gone.
        pub gone_at: Option<Timestamp>,
        /// When it was added.
        pub created_at: Timestamp,
        /// When it was changed.
        pub updated_at: Timestamp,
    }
}

record! {
    /// A member who wants mails.
    pub struct Reader {
        /// Who.
        pub user_id: UserId,
        /// Their address.
        pub email: String,
        /// Their name.
        pub name: String,
        /// The language they chose.
        pub language: Option<Language>,
    }
}

/// A delivery that a worker has claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Whose it is.
    pub tenant: Tenant,
    /// The message.
    pub delivery: Delivery,
}

impl FromRow for Claimed {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let tenant = Tenant::new(row.take::<OrgId>()?);
        Ok(Self { tenant, delivery: Delivery::from_row(row)? })
    }
}

/// Adds a message, unless this change was told to this recipient already, and wakes the workers.
///
/// # Errors
/// As all queries.
pub fn add(tx: &mut Tx, tenant: &Tenant, new: &Delivery) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO deliveries (org_id, ",
            delivery_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
             ON CONFLICT (subject_id, change, target) DO NOTHING"
        ),
        params![
            tenant.org(),
            new.id,
            new.channel,
            new.target,
            new.topic,
            new.subject_id,
            new.change,
            new.payload,
            new.attempt,
            new.run_at,
            new.lease_until,
            new.last_error,
            new.created_at,
            new.finished_at,
            new.delivered
        ],
    )?;
    tx.wake(Topic::Deliveries);
    Ok(())
}

/// Takes back a message that nobody has begun to send; false where there is none.
///
/// # Errors
/// As all queries.
pub fn take_back(tx: &mut Tx, tenant: &Tenant, target: &str, subject: &str, change: i64) -> Result<bool> {
    let taken = tx.exec(
        sql!(
            "DELETE FROM deliveries WHERE subject_id = ?3 AND change = ?4 AND target = ?2 AND org_id = ?1 \
             AND attempt = 0 AND finished_at IS NULL"
        ),
        params![tenant.org(), target, subject, change],
    )?;
    Ok(taken == 1)
}

/// For the worker: when the next message is due.
///
/// # Errors
/// As all queries.
pub fn next_due(tx: &mut Tx, now: Timestamp) -> Result<Option<Timestamp>> {
    let found: Option<(Timestamp,)> = tx.opt(
        sql!(
            "SELECT run_at FROM deliveries WHERE finished_at IS NULL AND lease_until <= ?1 \
             ORDER BY run_at, id LIMIT 1"
        ),
        params![now],
    )?;
    Ok(found.map(|(due,)| due))
}

/// For the worker: claims the message that has been due for longest.
///
/// # Errors
/// As all queries.
pub fn claim(tx: &mut Tx, now: Timestamp, lease: SignedDuration) -> Result<Option<Claimed>> {
    tx.opt(
        sql!(
            "UPDATE deliveries SET attempt = attempt + 1, lease_until = ?2 WHERE id = (SELECT id FROM deliveries \
             WHERE finished_at IS NULL AND run_at <= ?1 AND lease_until <= ?1 ORDER BY run_at, id LIMIT 1) \
             RETURNING org_id, ",
            delivery_columns!()
        ),
        params![now, now + lease],
    )
}

/// For the worker: claims what else waits for the same recipient, to be sent together.
///
/// # Errors
/// As all queries.
pub fn claim_more(
    tx: &mut Tx,
    tenant: &Tenant,
    target: &str,
    now: Timestamp,
    lease: SignedDuration,
    limit: i64,
) -> Result<Vec<Delivery>> {
    tx.all(
        sql!(
            "UPDATE deliveries SET attempt = attempt + 1, lease_until = ?4 WHERE id IN (SELECT id FROM deliveries \
             WHERE org_id = ?1 AND target = ?2 AND finished_at IS NULL AND run_at <= ?3 AND lease_until <= ?3 \
             ORDER BY run_at, id LIMIT ?5) RETURNING ",
            delivery_columns!()
        ),
        params![tenant.org(), target, now, now + lease, limit],
    )
}

/// Ends all claims of messages that were tried so often, and makes due what waits for longer than until `latest`, as a
/// clock before this one asked for: for a process that knows that it is the only one, at its start.
///
/// # Errors
/// As all queries.
pub fn release_all(tx: &mut Tx, attempt: i64, now: Timestamp, latest: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE deliveries SET lease_until = 0, run_at = CASE WHEN run_at > ?3 THEN ?2 ELSE run_at END \
             WHERE finished_at IS NULL AND attempt = ?1"
        ),
        params![attempt, now, latest],
    )?;
    Ok(())
}

/// Ends a message: it arrived, or it is given up for this reason.
///
/// # Errors
/// As all queries.
pub fn finish(
    tx: &mut Tx,
    tenant: &Tenant,
    id: DeliveryId,
    error: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE deliveries SET finished_at = ?4, delivered = (CAST(?3 AS TEXT) IS NULL), last_error = ?3, \
             lease_until = 0 WHERE org_id = ?1 AND id = ?2 AND finished_at IS NULL"
        ),
        params![tenant.org(), id, error, now],
    )?;
    Ok(())
}

/// Tries a message again then.
///
/// # Errors
/// As all queries.
pub fn postpone(tx: &mut Tx, tenant: &Tenant, id: DeliveryId, error: &str, run_at: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE deliveries SET run_at = ?4, last_error = ?3, lease_until = 0 \
             WHERE org_id = ?1 AND id = ?2 AND finished_at IS NULL"
        ),
        params![tenant.org(), id, error, run_at],
    )?;
    Ok(())
}

/// The last message to a recipient that was tried.
///
/// # Errors
/// As all queries.
pub fn last_of(tx: &mut Tx, tenant: &Tenant, target: &str) -> Result<Option<Delivery>> {
    tx.opt(
        sql!(
            "SELECT ",
            delivery_columns!(),
            " FROM deliveries WHERE org_id = ?1 AND target = ?2 AND attempt > 0 \
             ORDER BY created_at DESC, id DESC LIMIT 1"
        ),
        params![tenant.org(), target],
    )
}

/// Forgets what ended before then.
///
/// # Errors
/// As all queries.
pub fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(sql!("DELETE FROM deliveries WHERE finished_at < ?1"), params![before])
}

/// The members who want mails, by address.
///
/// # Errors
/// As all queries.
pub fn readers(tx: &mut Tx, tenant: &Tenant) -> Result<Vec<Reader>> {
    tx.all(
        sql!(
            "SELECT u.id, u.email, u.name, u.language FROM alert_mail a JOIN members m ON m.org_id = a.org_id AND m.suspended_at IS NULL \
             AND m.user_id = a.user_id JOIN users u ON u.id = m.user_id WHERE a.org_id = ?1 AND m.suspended_at IS NULL ORDER BY a.user_id"
        ),
        params![tenant.org()],
    )
}

/// Whether a member wants mails.
///
/// # Errors
/// As all queries.
pub fn wants_mail(tx: &mut Tx, tenant: &Tenant, user: UserId) -> Result<bool> {
    let found: Option<(UserId,)> = tx.opt(
        sql!("SELECT user_id FROM alert_mail WHERE org_id = ?1 AND user_id = ?2"),
        params![tenant.org(), user],
    )?;
    Ok(found.is_some())
}

/// Sets whether a member wants mails.
///
/// # Errors
/// As all queries.
pub fn want_mail(tx: &mut Tx, tenant: &Tenant, user: UserId, wanted: bool) -> Result<()> {
    match wanted {
        true => tx.exec(
            sql!(
                "INSERT INTO alert_mail (org_id, user_id) VALUES (?1, ?2) ON CONFLICT (org_id, user_id) DO NOTHING"
            ),
            params![tenant.org(), user],
        )?,
        false => tx.exec(
            sql!("DELETE FROM alert_mail WHERE org_id = ?1 AND user_id = ?2"),
            params![tenant.org(), user],
        )?,
    };
    Ok(())
}

/// The organisation's webhooks, the newest first.
///
/// # Errors
/// As all queries.
pub fn webhooks(tx: &mut Tx, tenant: &Tenant) -> Result<Vec<Webhook>> {
    tx.all(
        sql!(
            "SELECT ",
            webhook_columns!(),
            " FROM webhooks WHERE org_id = ?1 ORDER BY created_at DESC, id DESC LIMIT 100"
        ),
        params![tenant.org()],
    )
}

/// A webhook by id.
///
/// # Errors
/// As all queries.
pub fn webhook(tx: &mut Tx, tenant: &Tenant, id: WebhookId) -> Result<Option<Webhook>> {
    tx.opt(
        sql!("SELECT ", webhook_columns!(), " FROM webhooks WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id],
    )
}

/// Adds a webhook.
///
/// # Errors
/// As all queries.
pub fn add_webhook(tx: &mut Tx, tenant: &Tenant, new: &Webhook) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO webhooks (org_id, ",
            webhook_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        ),
        params![
            tenant.org(),
            new.id,
            new.url,
            new.description,
            new.secret,
            new.gone_at,
            new.created_at,
            new.updated_at
        ],
    )?;
    Ok(())
}

/// Records that the receiver is gone, or is there again.
///
/// # Errors
/// As all queries.
pub fn set_gone(
    tx: &mut Tx,
    tenant: &Tenant,
    id: WebhookId,
    gone_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    tx.exec(
        sql!("UPDATE webhooks SET gone_at = ?3, updated_at = ?4 WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id, gone_at, now],
    )?;
    Ok(())
}

/// Removes a webhook with what waits for it; false if there is none.
///
/// # Errors
/// As all queries.
pub fn remove_webhook(tx: &mut Tx, tenant: &Tenant, id: WebhookId) -> Result<bool> {
    tx.exec(
        sql!("DELETE FROM deliveries WHERE org_id = ?1 AND target = ?2 AND finished_at IS NULL"),
        params![tenant.org(), id.to_string()],
    )?;
    Ok(tx.exec(sql!("DELETE FROM webhooks WHERE org_id = ?1 AND id = ?2"), params![tenant.org(), id])? == 1)
}

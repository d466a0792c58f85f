//! The tape: requests of providers as they came, bounded and aged out.

use dialtone_domain::inbound::{Hook, Refusal};
use dialtone_domain::{LineId, OrgId, Provider, TapeId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sql::sql;
use crate::value::{named, params, record};
use crate::{Cursor, Result, Sealed, Tenant, Tx};

/// As many requests of an organisation are kept; what is older goes first.
const KEPT_MAX: i64 = 20_000;
/// As many that were refused for one reason; strangers can send as many as they like, and must not crowd out what was
/// refused for a better one.
const REFUSED_MAX: i64 = 250;
/// As many of those that name nobody who is here.
const STRANGERS_MAX: i64 = 500;
/// How long requests are kept where the organisation did not choose.
pub const DAYS: i64 = 30;

named! {
    /// What became of a request.
    pub enum Outcome {
        /// It was verified and kept.
        Accepted = "accepted",
        /// It was not believed.
        Refused = "refused",
    }
}

record! {
    /// A request.
    pub struct Taped as tape_columns {
        /// Its id.
        pub id: TapeId,
        /// The line that it is for, where that is known.
        pub line_id: Option<LineId>,
        /// Who sent it, or claimed to.
        pub provider: Provider,
        /// The address that it came to.
        pub hook: Hook,
        /// What became of it.
        pub outcome: Outcome,
        /// Why it was refused.
        pub refusal: Option<Refusal>,
        /// What it was answered with.
        pub status: i64,
        /// What may be shown without opening it.
        pub about: Value,
        /// Path, headers and body, sealed.
        pub request: Option<Sealed>,
        /// How long its body was.
        pub bytes: i64,
        /// Whether all of it is kept.
        pub is_whole: bool,
        /// How often it came again.
        pub repeats: i64,
        /// When last.
        pub repeated_at: Option<Timestamp>,
        /// When it came.
        pub received_at: Timestamp,
    }
}

record! {
    /// An outline of a request that names nobody who is here.
    pub struct Stranger as stranger_columns {
        /// Its id.
        pub id: TapeId,
        /// The address that it came to.
        pub hook: Hook,
        /// Why it was refused.
        pub refusal: Refusal,
        /// What may be shown of it.
        pub about: Value,
        /// When it came.
        pub received_at: Timestamp,
    }
}

/// Which requests are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// For this line.
    pub line: Option<LineId>,
    /// From this provider.
    pub provider: Option<Provider>,
    /// To this address.
    pub hook: Option<Hook>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// With this text in what may be shown.
    pub text: Option<String>,
}

/// Keeps a request. Of those that were refused for the same reason, the oldest make room.
///
/// # Errors
/// As all queries.
pub fn insert(tx: &mut Tx, tenant: &Tenant, new: &Taped) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO tape (org_id, ",
            tape_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
        ),
        params![
            tenant.org(),
            new.id,
            new.line_id,
            new.provider,
            new.hook,
            new.outcome,
            new.refusal,
            new.status,
            new.about,
            new.request,
            new.bytes,
            new.is_whole,
            new.repeats,
            new.repeated_at,
            new.received_at
        ],
    )?;
    if let Some(refusal) = new.refusal {
        tx.exec(
            sql!(
                "DELETE FROM tape WHERE id IN (SELECT id FROM tape WHERE org_id = ?1 AND refusal = ?2 \
                 ORDER BY received_at DESC, id DESC LIMIT 100 OFFSET ?3)"
            ),
            params![tenant.org(), refusal, REFUSED_MAX],
        )?;
    }
    Ok(())
}

/// Keeps the outline of a request that names nobody who is here. The oldest makes room.
///
/// # Errors
/// As all queries.
pub fn insert_stranger(tx: &mut Tx, new: &Stranger) -> Result<()> {
    tx.exec(
        sql!("INSERT INTO tape_strangers (", stranger_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5)"),
        params![new.id, new.hook, new.refusal, new.about, new.received_at],
    )?;
    tx.exec(
        sql!(
            "DELETE FROM tape_strangers WHERE id IN (SELECT id FROM tape_strangers \
             ORDER BY received_at DESC, id DESC LIMIT 100 OFFSET ?1)"
        ),
        params![STRANGERS_MAX],
    )?;
    Ok(())
}

/// The requests that name nobody who is here, the newest first: for whoever runs the installation.
///
/// # Errors
/// As all queries.
pub fn strangers(tx: &mut Tx, limit: i64) -> Result<Vec<Stranger>> {
    tx.all(
        sql!(
            "SELECT ",
            stranger_columns!(),
            " FROM tape_strangers ORDER BY received_at DESC, id DESC LIMIT ?1"
        ),
        params![limit],
    )
}

/// A request by id.
///
/// # Errors
/// As all queries.
pub fn get(tx: &mut Tx, tenant: &Tenant, id: TapeId) -> Result<Option<Taped>> {
    tx.opt(
        sql!("SELECT ", tape_columns!(), " FROM tape WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id],
    )
}

/// The requests after the cursor (or from the start) that the filter lets through, the newest first.
///
/// # Errors
/// As all queries.
pub fn page(
    tx: &mut Tx,
    tenant: &Tenant,
    filter: &Filter,
    after: Option<Cursor<TapeId>>,
    limit: i64,
) -> Result<Vec<Taped>> {
    let (at, id) = Cursor::bounds(after);
    let like = filter.text.as_ref().map(|text| {
        let literal: String = text
            .chars()
            .flat_map(|char| "!%_".contains(char).then_some('!').into_iter().chain([char]))
            .collect();
        format!("%{literal}%")
    });
    tx.all(
        sql!(
            "SELECT ",
            tape_columns!(),
            " FROM tape WHERE org_id = ?1 AND (received_at, id) < (?2, ?3) \
             AND received_at >= ?4 AND received_at < ?5 \
             AND (CAST(?6 AS TEXT) IS NULL OR line_id = ?6) AND (CAST(?7 AS TEXT) IS NULL OR provider = ?7) \
             AND (CAST(?8 AS TEXT) IS NULL OR hook = ?8) AND (CAST(?9 AS TEXT) IS NULL OR outcome = ?9) \
             AND (CAST(?10 AS TEXT) IS NULL OR lower(about) LIKE lower(?10) ESCAPE '!') \
             ORDER BY received_at DESC, id DESC LIMIT ?11"
        ),
        params![
            tenant.org(),
            at,
            id,
            filter.from.map_or(0, Timestamp::as_microsecond),
            filter.to.map_or(i64::MAX, Timestamp::as_microsecond),
            filter.line,
            filter.provider,
            filter.hook,
            filter.outcome,
            like,
            limit
        ],
    )
}

/// Notes that what was told under the key came again.
///
/// # Errors
/// As all queries.
pub fn repeated(tx: &mut Tx, tenant: &Tenant, key: &str, at: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE tape SET repeats = repeats + 1, repeated_at = ?3 WHERE org_id = ?1 \
             AND id = (SELECT tape_id FROM inbound WHERE key = ?2)"
        ),
        params![tenant.org(), key, at],
    )?;
    Ok(())
}

/// Writes what became of a request when it was looked at again; false if there is no such request.
///
/// # Errors
/// As all queries.
pub fn settle(
    tx: &mut Tx,
    tenant: &Tenant,
    id: TapeId,
    line: Option<LineId>,
    refusal: Option<Refusal>,
) -> Result<bool> {
    let outcome = if refusal.is_some() { Outcome::Refused } else { Outcome::Accepted };
    let changed = tx.exec(
        sql!("UPDATE tape SET outcome = ?3, refusal = ?4, line_id = ?5 WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id, outcome, refusal, line],
    )?;
    Ok(changed == 1)
}

/// For how many days the organisation keeps requests.
///
/// # Errors
/// As all queries.
pub fn days(tx: &mut Tx, tenant: &Tenant) -> Result<i64> {
    let found: Option<(i64,)> =
        tx.opt(sql!("SELECT days FROM tape_settings WHERE org_id = ?1"), params![tenant.org()])?;
    Ok(found.map_or(DAYS, |(days,)| days))
}

/// Chooses for how many days the organisation keeps requests.
///
/// # Errors
/// As all queries.
pub fn set_days(tx: &mut Tx, tenant: &Tenant, days: i64) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO tape_settings (org_id, days) VALUES (?1, ?2) \
             ON CONFLICT (org_id) DO UPDATE SET days = excluded.days"
        ),
        params![tenant.org(), days],
    )?;
    Ok(())
}

/// Forgets what is older than each organisation wants, and what is more than is kept; answers how many.
///
/// # Errors
/// As all queries.
pub fn forget(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let default = now - SignedDuration::from_hours(24 * DAYS);
    let mut gone = tx.exec(sql!("DELETE FROM tape_strangers WHERE received_at < ?1"), params![default])?;
    let all: Vec<(OrgId, Option<i64>)> = tx.all(
        sql!("SELECT o.id, s.days FROM orgs o LEFT JOIN tape_settings s ON s.org_id = o.id"),
        params![],
    )?;
    for (org, days) in all {
        let before = now - SignedDuration::from_hours(24 * days.unwrap_or(DAYS));
        gone +=
            tx.exec(sql!("DELETE FROM tape WHERE org_id = ?1 AND received_at < ?2"), params![org, before])?;
        gone += tx.exec(
            sql!(
                "DELETE FROM tape WHERE org_id = ?1 AND received_at < (SELECT received_at FROM tape WHERE org_id = ?1 \
                 ORDER BY received_at DESC, id DESC LIMIT 1 OFFSET ?2)"
            ),
            params![org, KEPT_MAX - 1],
        )?;
    }
    Ok(gone)
}

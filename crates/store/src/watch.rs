//! The watch: when each line is looked at next, and what was seen of it last.

use dialtone_domain::{LineId, OrgId, VapiNumberId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Topic, Tx};

record! {
    /// How an organisation's lines are watched.
    pub struct WatchSettings as settings_columns {
        /// How often each line is looked at.
        pub interval_minutes: i64,
        /// The names of the causes that are repaired without asking.
        pub repair: Value,
        /// When the providers' own reports were read last.
        pub pulled_at: Timestamp,
        /// Calls were read up to here.
        pub calls_after: Option<Timestamp>,
        /// The provider's alerts were read up to here.
        pub alerts_after: Option<Timestamp>,
    }
}

record! {
    /// What was seen of a line, and when it is looked at again.
    pub struct LineWatch as watch_columns {
        /// The line.
        pub line_id: LineId,
        /// When it is to be looked at.
        pub due_at: Timestamp,
        /// When the last look that counts began.
        pub looked_at: Option<Timestamp>,
        /// Since when a provider cannot be read.
        pub unknown_since: Option<Timestamp>,
        /// What was seen.
        pub snapshot: Option<Value>,
        /// The cause that failed then, by name.
        pub cause: Option<String>,
        /// The last call that Vapi took.
        pub last_call: Option<Value>,
    }
}

record! {
    /// How far the watch of an organisation is.
    pub struct Progress {
        /// How many lines are watched.
        pub lines: i64,
        /// How many of them cannot be read.
        pub unknown: i64,
        /// The look that is due first.
        pub next_due: Option<Timestamp>,
        /// The look that is longest ago.
        pub oldest_look: Option<Timestamp>,
    }
}

/// The organisation's settings, where it chose any.
///
/// # Errors
/// As all queries.
pub fn settings(tx: &mut Tx, tenant: &Tenant) -> Result<Option<WatchSettings>> {
    tx.opt(
        sql!("SELECT ", settings_columns!(), " FROM watch_settings WHERE org_id = ?1"),
        params![tenant.org()],
    )
}

/// Writes the interval and what is repaired.
///
/// # Errors
/// As all queries.
pub fn put_settings(tx: &mut Tx, tenant: &Tenant, interval_minutes: i64, repair: &Value) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO watch_settings (org_id, interval_minutes, repair, pulled_at) VALUES (?1, ?2, ?3, 0) \
             ON CONFLICT (org_id) DO UPDATE SET interval_minutes = excluded.interval_minutes, \
             repair = excluded.repair"
        ),
        params![tenant.org(), interval_minutes, repair],
    )?;
    Ok(())
}

/// Takes the reading of the providers' own reports, which nobody did since `before`; false: somebody did. One that is
/// dated after now was made by a clock that has been put back since, and holds up nobody.
///
/// # Errors
/// As all queries.
pub fn claim_pull(tx: &mut Tx, tenant: &Tenant, before: Timestamp, now: Timestamp) -> Result<bool> {
    let claimed = tx.exec(
        sql!("UPDATE watch_settings SET pulled_at = ?3 WHERE org_id = ?1 AND (pulled_at <= ?2 OR pulled_at > ?3)"),
        params![tenant.org(), before, now],
    )?;
    Ok(claimed == 1)
}

/// Records up to where the providers' own reports were read.
///
/// # Errors
/// As all queries.
pub fn pulled(
    tx: &mut Tx,
    tenant: &Tenant,
    calls_after: Option<Timestamp>,
    alerts_after: Option<Timestamp>,
) -> Result<()> {
    tx.exec(
        sql!("UPDATE watch_settings SET calls_after = ?2, alerts_after = ?3 WHERE org_id = ?1"),
        params![tenant.org(), calls_after, alerts_after],
    )?;
    Ok(())
}

/// Begins to watch a line.
///
/// # Errors
/// As all queries.
pub fn begin(tx: &mut Tx, tenant: &Tenant, line: LineId, due_at: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO line_watch (line_id, org_id, due_at, lease_until) VALUES (?1, ?2, ?3, 0) \
             ON CONFLICT (line_id) DO NOTHING"
        ),
        params![line, tenant.org(), due_at],
    )?;
    Ok(())
}

/// What was seen of a line.
///
/// # Errors
/// As all queries.
pub fn get(tx: &mut Tx, tenant: &Tenant, line: LineId) -> Result<Option<LineWatch>> {
    tx.opt(
        sql!("SELECT ", watch_columns!(), " FROM line_watch WHERE org_id = ?1 AND line_id = ?2"),
        params![tenant.org(), line],
    )
}

/// For the worker: when the next look is due, of any organisation.
///
/// # Errors
/// As all queries.
pub fn next_due(tx: &mut Tx, now: Timestamp) -> Result<Option<Timestamp>> {
    let found: Option<(Timestamp,)> = tx.opt(
        sql!("SELECT due_at FROM line_watch WHERE lease_until <= ?1 ORDER BY due_at, line_id LIMIT 1"),
        params![now],
    )?;
    Ok(found.map(|(due,)| due))
}

/// For the worker: claims the organisation whose line is due for longest, with its lines that are due by `horizon`.
///
/// # Errors
/// As all queries.
pub fn claim(
    tx: &mut Tx,
    now: Timestamp,
    horizon: Timestamp,
    lease: SignedDuration,
    limit: i64,
) -> Result<Option<(Tenant, Vec<LineWatch>)>> {
    let first: Option<(OrgId,)> = tx.opt(
        sql!(
            "SELECT org_id FROM line_watch WHERE due_at <= ?1 AND lease_until <= ?1 \
             ORDER BY due_at, line_id LIMIT 1"
        ),
        params![now],
    )?;
    let Some((org,)) = first else { return Ok(None) };
    let claimed = tx.all(
        sql!(
            "UPDATE line_watch SET lease_until = ?4 WHERE line_id IN (SELECT line_id FROM line_watch \
             WHERE org_id = ?1 AND due_at <= ?3 AND lease_until <= ?2 ORDER BY due_at, line_id LIMIT ?5) \
             RETURNING ",
            watch_columns!()
        ),
        params![org, now, horizon, now + lease, limit],
    )?;
    Ok(Some((Tenant::new(org), claimed)))
}

/// Keeps a claim until then.
///
/// # Errors
/// As all queries.
pub fn renew(tx: &mut Tx, tenant: &Tenant, line: LineId, until: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE line_watch SET lease_until = ?3 WHERE org_id = ?1 AND line_id = ?2 AND lease_until > 0"),
        params![tenant.org(), line, until],
    )?;
    Ok(())
}

/// Ends a claim; the line is due again then, or sooner where somebody asked for it meanwhile.
///
/// # Errors
/// As all queries.
pub fn release(
    tx: &mut Tx,
    tenant: &Tenant,
    line: LineId,
    claimed_due: Timestamp,
    due_at: Timestamp,
) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE line_watch SET lease_until = 0, due_at = CASE WHEN due_at = ?3 THEN ?4 ELSE due_at END \
             WHERE org_id = ?1 AND line_id = ?2"
        ),
        params![tenant.org(), line, claimed_due, due_at],
    )?;
    Ok(())
}

/// Ends all claims of the organisation's lines, and makes due what waits for longer than until `latest`, as a clock
/// before this one asked for: for a process that knows that it is the only one, at its start.
///
/// # Errors
/// As all queries.
pub fn release_all(tx: &mut Tx, tenant: &Tenant, now: Timestamp, latest: Timestamp) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE line_watch SET lease_until = 0, due_at = CASE WHEN due_at > ?3 THEN ?2 ELSE due_at END \
             WHERE org_id = ?1"
        ),
        params![tenant.org(), now, latest],
    )?;
    Ok(())
}

/// Makes a line due at that time, unless it is due before; wakes the watch.
///
/// # Errors
/// As all queries.
pub fn sooner(tx: &mut Tx, tenant: &Tenant, line: LineId, due_at: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE line_watch SET due_at = ?3 WHERE org_id = ?1 AND line_id = ?2 AND due_at > ?3"),
        params![tenant.org(), line, due_at],
    )?;
    tx.wake(Topic::Watch);
    Ok(())
}

/// Makes every line of the organisation due by that time: a shorter interval holds at once.
///
/// # Errors
/// As all queries.
pub fn all_sooner(tx: &mut Tx, tenant: &Tenant, due_at: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE line_watch SET due_at = ?2 WHERE org_id = ?1 AND due_at > ?2"),
        params![tenant.org(), due_at],
    )?;
    tx.wake(Topic::Watch);
    Ok(())
}

/// What a look leaves of a line.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When it began.
    pub looked_at: Timestamp,
    /// Since when a provider cannot be read.
    pub unknown_since: Option<Timestamp>,
    /// What is known.
    pub snapshot: Option<Value>,
    /// The cause that fails, by name.
    pub cause: Option<String>,
    /// The last call, where it was asked for.
    pub last_call: Option<Value>,
}

/// Records what a look saw; false, and nothing is recorded, where one that began later has been. One that begins after
/// now was dated by a clock that has been put back since.
///
/// # Errors
/// As all queries.
pub fn record_look(tx: &mut Tx, tenant: &Tenant, line: LineId, seen: &Seen, now: Timestamp) -> Result<bool> {
    let recorded = tx.exec(
        sql!(
            "UPDATE line_watch SET looked_at = ?3, unknown_since = ?4, snapshot = ?5, cause = ?6, \
             last_call = COALESCE(?7, last_call) WHERE org_id = ?1 AND line_id = ?2 \
             AND (looked_at IS NULL OR looked_at < ?3 OR looked_at > ?8)"
        ),
        params![
            tenant.org(),
            line,
            seen.looked_at,
            seen.unknown_since,
            seen.snapshot,
            seen.cause,
            seen.last_call,
            now
        ],
    )?;
    Ok(recorded == 1)
}

/// Records the last call of a number's record at Vapi; answers the line, where it is one.
///
/// # Errors
/// As all queries.
pub fn record_call(
    tx: &mut Tx,
    tenant: &Tenant,
    number: VapiNumberId,
    call: &Value,
) -> Result<Option<LineId>> {
    let found: Option<(LineId,)> = tx.opt(
        sql!("SELECT id FROM lines WHERE org_id = ?1 AND vapi_phone_id = ?2"),
        params![tenant.org(), number],
    )?;
    let Some((line,)) = found else { return Ok(None) };
    tx.exec(
        sql!("UPDATE line_watch SET last_call = ?3 WHERE org_id = ?1 AND line_id = ?2"),
        params![tenant.org(), line, call],
    )?;
    Ok(Some(line))
}

/// How many operations of that kind the line has had since then, and when the last one was asked for.
///
/// # Errors
/// As all queries.
pub fn repairs_since(
    tx: &mut Tx,
    tenant: &Tenant,
    line: LineId,
    kind: &str,
    since: Timestamp,
) -> Result<(i64, Option<Timestamp>)> {
    tx.one(
        sql!(
            "SELECT COUNT(*), MAX(created_at) FROM operations \
             WHERE org_id = ?1 AND line_id = ?2 AND created_at > ?4 AND kind = ?3"
        ),
        params![tenant.org(), line, kind, since],
    )
}

/// The lines that cannot be read, and since when.
///
/// # Errors
/// As all queries.
pub fn unknown(tx: &mut Tx, tenant: &Tenant) -> Result<Vec<(LineId, Timestamp)>> {
    tx.all(
        sql!("SELECT line_id, unknown_since FROM line_watch WHERE org_id = ?1 AND unknown_since IS NOT NULL"),
        params![tenant.org()],
    )
}

/// How far the watch is.
///
/// # Errors
/// As all queries.
pub fn progress(tx: &mut Tx, tenant: &Tenant) -> Result<Progress> {
    tx.one(
        sql!(
            "SELECT COUNT(*), COUNT(unknown_since), MIN(due_at), MIN(looked_at) FROM line_watch WHERE org_id = ?1"
        ),
        params![tenant.org()],
    )
}

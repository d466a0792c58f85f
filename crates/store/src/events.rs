//! What has happened: one row per change, numbered per organisation without gaps, in the order of the commits, each
//! chained to the one before it by its hash.

use dialtone_domain::OrgId;
use jiff::Timestamp;
use serde_json::Value;

use crate::chain::{self, Hash, Head};
use crate::sql::sql;
use crate::value::{params, record};
use crate::{Error, Result, Tenant, Topic, Tx};

record! {
    /// A change that was made, every column as it is stored: that is what is hashed.
    pub struct Event as event_columns {
        /// Its number in the organisation, from 1.
        pub seq: i64,
        /// When.
        pub at: Timestamp,
        /// By whom, as JSON.
        pub actor: String,
        /// The id of the person, or the name of the part of Dialtone.
        pub actor_id: String,
        /// What kind of change: `line.imported`.
        pub kind: String,
        /// The id of what was changed.
        pub subject_id: String,
        /// The request that it happened in, if it did in one.
        pub request_id: Option<String>,
        /// Where that request came from.
        pub address: Option<String>,
        /// How it was, as JSON.
        pub before: Option<String>,
        /// How it is, as JSON.
        pub after: Option<String>,
        /// Its place in the chain.
        pub hash: Vec<u8>,
    }
}

/// A change that is being made.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Now.
    pub at: Timestamp,
    /// By whom.
    pub actor: Value,
    /// The id of the person, or the name of the part of Dialtone.
    pub actor_id: String,
    /// What kind of change: `line.imported`.
    pub kind: String,
    /// The id of what is changed.
    pub subject_id: String,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
}

/// Which events are wanted; the default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Not after this time.
    pub to: Option<Timestamp>,
    /// By this person or part of Dialtone.
    pub actor_id: Option<String>,
    /// Of a kind that begins so.
    pub kind: Option<String>,
    /// On this subject.
    pub subject_id: Option<String>,
}

/// The chain of the installation itself: what belongs to no organisation. `None` before the first start has made
/// the instance's row.
///
/// # Errors
/// As all queries.
pub fn installation(tx: &mut Tx) -> Result<Option<Tenant>> {
    let found: Option<(OrgId,)> = tx.opt(sql!("SELECT id FROM instance WHERE one = 1"), params![])?;
    Ok(found.map(|(id,)| Tenant::new(id)))
}

/// Records a change in the transaction that makes it; answers its number.
///
/// # Errors
/// As all queries.
pub fn append(tx: &mut Tx, tenant: &Tenant, new: &NewEvent) -> Result<i64> {
    // The chain's row stays locked until the commit: the next number waits for it.
    let (seq, previous): (i64, Vec<u8>) = tx.one(
        sql!(
            "INSERT INTO chains (org_id, seq, hash) VALUES (?1, 1, ?2) \
             ON CONFLICT (org_id) DO UPDATE SET seq = chains.seq + 1 RETURNING seq, hash"
        ),
        params![tenant.org(), chain::genesis(tenant.org()).as_slice()],
    )?;
    let previous = to_hash(&previous)?;
    let origin = tx.origin();
    let mut event = Event {
        seq,
        at: new.at,
        actor: new.actor.to_string(),
        actor_id: new.actor_id.clone(),
        kind: new.kind.clone(),
        subject_id: new.subject_id.clone(),
        request_id: origin.as_ref().map(|origin| origin.request_id.clone()),
        address: origin.and_then(|origin| Some(origin.address?.to_string())),
        before: new.before.as_ref().map(Value::to_string),
        after: new.after.as_ref().map(Value::to_string),
        hash: Vec::new(),
    };
    event.hash = chain::hash(&previous, &event).to_vec();
    insert(tx, tenant, &event)?;
    tx.exec(sql!("UPDATE chains SET hash = ?2 WHERE org_id = ?1"), params![tenant.org(), event.hash])?;
    tx.wake(Topic::Events);
    Ok(seq)
}

fn insert(tx: &mut Tx, tenant: &Tenant, event: &Event) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO events (org_id, ",
            event_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ),
        params![
            tenant.org(),
            event.seq,
            event.at,
            event.actor,
            event.actor_id,
            event.kind,
            event.subject_id,
            event.request_id,
            event.address,
            event.before,
            event.after,
            event.hash
        ],
    )?;
    Ok(())
}

fn to_hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map_err(|_| Error::Corrupt("the end of an audit chain is damaged".to_owned()))
}

/// The events after a number, the oldest first: to follow what happens.
///
/// # Errors
/// As all queries.
pub fn after(tx: &mut Tx, tenant: &Tenant, seq: i64, limit: i64) -> Result<Vec<Event>> {
    tx.all(
        sql!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE org_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
        ),
        params![tenant.org(), seq, limit],
    )
}

/// What the filter lets through of the events from `seqs.0` to `seqs.1`, the newest first. However few that are, no
/// more than that range is read.
///
/// # Errors
/// As all queries.
pub fn filtered(
    tx: &mut Tx,
    tenant: &Tenant,
    seqs: (i64, i64),
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Event>> {
    let micros = |at: Option<Timestamp>, otherwise| at.map_or(otherwise, Timestamp::as_microsecond);
    let kind = filter.kind.as_deref().unwrap_or_default();
    tx.all(
        sql!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE org_id = ?1 AND seq >= ?2 AND seq <= ?3 AND at >= ?4 AND at <= ?5 \
             AND (actor_id = ?6 OR ?6 IS NULL) AND kind >= ?7 AND kind < ?8 \
             AND (subject_id = ?9 OR ?9 IS NULL) ORDER BY seq DESC LIMIT ?10"
        ),
        params![
            tenant.org(),
            seqs.0,
            seqs.1,
            micros(filter.from, i64::MIN),
            micros(filter.to, i64::MAX),
            filter.actor_id,
            *kind,
            // Texts are compared by their bytes: nothing that begins so comes after this.
            format!("{kind}\u{10ffff}"),
            filter.subject_id,
            limit
        ],
    )
}

/// The number of the last event, 0 if there is none.
///
/// # Errors
/// As all queries.
pub fn last_seq(tx: &mut Tx, tenant: &Tenant) -> Result<i64> {
    Ok(head(tx, tenant)?.seq)
}

/// Where the tenant's chain ends, as it is on record.
///
/// # Errors
/// As all queries; [`Error::Corrupt`] for a record that cannot be one.
pub fn head(tx: &mut Tx, tenant: &Tenant) -> Result<Head> {
    let org = tenant.org();
    let found: Option<(i64, Vec<u8>)> =
        tx.opt(sql!("SELECT seq, hash FROM chains WHERE org_id = ?1"), params![org])?;
    match found {
        Some((seq, hash)) => Ok(Head { org, seq, hash: to_hash(&hash)? }),
        None => Ok(Head::genesis(org)),
    }
}

/// Every organisation: for what concerns the installation and has to be told to all.
///
/// # Errors
/// As all queries.
pub fn of_organisations(tx: &mut Tx) -> Result<Vec<Tenant>> {
    let ids: Vec<(OrgId,)> = tx.all(sql!("SELECT id FROM orgs ORDER BY id"), params![])?;
    Ok(ids.into_iter().map(|(org,)| Tenant::new(org)).collect())
}

/// Everyone who has a chain, the installation included: for the command line on the data directory.
///
/// # Errors
/// As all queries.
pub fn all_chains(tx: &mut Tx) -> Result<Vec<Tenant>> {
    let organisations = of_organisations(tx)?;
    Ok(installation(tx)?.into_iter().chain(organisations).collect())
}

//! The database: SQLite and PostgreSQL behind one small type. The only crate that contains SQL.
//!
//! Queries are functions on a [`Tx`], one file per aggregate; use cases join them in closures that
//! [`Store::write`] and [`Store::read`] carry to a thread that owns a connection.
//!
//! What always holds, on both engines:
//! - A closure's changes are kept as a whole or not at all, whatever it answers and even if it panics.
//! - Who is answered by [`Store::write`] has their changes on the disk; a lost commit is answered to nobody.
//! - Closures that write see each other's changes as if they had run one after the other; a closure that
//!   reads sees one committed state.
//! - Closures are synchronous, so that no network call can hold a transaction open, and may be run again, so
//!   that they must do nothing but use the [`Tx`].
//! - An organisation's rows are reached through a [`Tenant`] only, and only this crate makes one.
//! - A sealed value is stored only while its key may seal, so that a rotation of the keys loses none.
//! - Events of an organisation are numbered without gaps, in the order of their commits.
//! - A database that is newer, damaged or not ours is refused and not touched.

pub mod accounts;
pub mod alerts;
pub mod clock;
pub mod counts;
pub mod deliveries;
pub mod diary;
pub mod events;
pub mod factors;
pub mod fence;
pub mod idempotency;
pub mod inbound;
pub mod instance;
pub mod keys;
pub mod lines;
pub mod operations;
pub mod previous_tokens;
pub mod settings;
pub mod tape;
pub mod watch;

mod chain;
mod copy;
mod cursor;
mod error;
mod lock;
mod log;
mod migrate;
mod origin;
mod portable;
mod postgres;
mod queue;
mod schema;
mod sql;
mod sqlite;
mod store;
mod sums;
mod tenant;
mod tx;
mod value;
mod wake;
mod worker;

pub use chain::{Break, Flaw, Hash, Head, Walk, genesis, hash, hash_of_hex};
pub use copy::{Filling, Snapshot};
pub use cursor::Cursor;
pub use error::{Error, Result};
pub use keys::{KeyOwner, Sealed};
pub use lock::Hold;
pub use origin::Origin;
pub use schema::Table;
pub use sql::{Sql, Text, texts};
pub use store::{Engine, Stats, Store};
pub use tenant::Tenant;
pub use tx::Tx;
pub use wake::Topic;

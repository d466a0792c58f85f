//! The server from outside, over HTTP, against the sandbox, on both database engines.

#![expect(clippy::unwrap_used, reason = "a test that is surprised has to fail at once")]

mod accounts;
mod audit;
mod backups;
mod borders;
mod contract;
mod csrf;
mod factors;
mod faults;
mod foreign;
mod hoarders;
mod http;
mod keys;
mod lines;
mod live;
mod mails;
mod matrix;
mod metrics;
mod numbers;
mod oidc;
mod openapi;
mod passkeys;
mod people;
mod proofs;
mod receiver;
mod rights;
mod schema;
mod settings;
mod sign_in;
mod undo;
mod watch;
mod webhooks;

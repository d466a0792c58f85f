//! The server from outside, over HTTP, against the sandbox, on both database engines.

#![expect(clippy::unwrap_used, reason = "a test that is surprised has to fail at once")]

mod accounts;
mod audit;
mod borders;
mod contract;
mod faults;
mod foreign;
mod hoarders;
mod http;
mod lines;
mod live;
mod matrix;
mod metrics;
mod numbers;
mod openapi;
mod people;
mod receiver;
mod rights;
mod schema;
mod settings;
mod undo;
mod watch;

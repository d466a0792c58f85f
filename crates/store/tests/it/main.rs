//! The store from outside, every test on both engines.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

mod accounts;
mod common;
mod damage;
mod engine;
mod events;
mod inbound;
mod keys;
mod killed;
mod lines;
mod migrations;
mod operations;
mod settings;
mod texts;
mod watch;

//! The store from outside, every test on both engines.

mod accounts;
mod common;
mod engine;
mod killed;
mod lines;
mod migrations;
mod operations;
mod settings;
mod texts;

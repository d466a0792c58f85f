//! The server from outside, over HTTP, against the sandbox, on both database engines.

mod accounts;
mod numbers;
mod openapi;
mod settings;

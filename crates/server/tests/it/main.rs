//! The server from outside, over HTTP, against the sandbox, on both database engines.

mod accounts;
mod borders;
mod contract;
mod faults;
mod lines;
mod live;
mod numbers;
mod openapi;
mod schema;
mod settings;

//! HTTP: routes, authentication, live events, OpenAPI, the embedded web UI.
//!
//! A request's way: `trace` names and counts it, `headers` and `problem` wait for its answer, `access`
//! lets it in or not, its handler in `routes` parses, calls one use case of the application and wraps what that
//! gives in a shape of `views`. Handlers hold no rules.

mod access;
mod address;
mod auth;
mod connections;
mod cookies;
mod events;
mod extract;
mod headers;
mod hooks;
mod idempotency;
mod input;
mod metrics;
mod openapi;
mod problem;
mod rates;
mod router;
mod routes;
mod scalars;
mod server;
mod site;
mod trace;
mod views;
mod web;
mod wire;

pub use connections::ConnectionLimits;
pub use server::{Options, Server};

/// The OpenAPI document, as pretty JSON.
pub fn openapi() -> &'static str {
    openapi::text()
}

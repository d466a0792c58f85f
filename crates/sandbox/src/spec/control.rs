//! Strict mode in the control API.

use std::sync::Arc;

use futures::FutureExt;
use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use super::watch::Strict;
use crate::control::{Answer, Route, Work, read};
use crate::state::Shared;

pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "strict", Work::Waits(|shared, _, body| async move { set(&shared, body) }.boxed())),
    (Method::GET, "strict", Work::Waits(|shared, _, _| async move { Ok(show(&shared)) }.boxed())),
    (
        Method::GET,
        "violations",
        Work::Waits(|shared, _, _| async move { Ok((200, shared.watch.show_violations())) }.boxed()),
    ),
    (
        Method::GET,
        "operations",
        Work::Waits(|shared, _, _| async move { Ok((200, shared.watch.show_operations())) }.boxed()),
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetStrict {
    enabled: bool,
    /// Refuse what is not as described; else it is only reported.
    #[serde(default)]
    refuse: bool,
}

fn set(shared: &Arc<Shared>, body: serde_json::Value) -> Answer {
    let SetStrict { enabled, refuse } = read(body)?;
    shared.watch.set_mode(match (enabled, refuse) {
        (false, _) => Strict::Off,
        (true, false) => Strict::Report,
        (true, true) => Strict::Refuse,
    });
    Ok(show(shared))
}

fn show(shared: &Arc<Shared>) -> (u16, serde_json::Value) {
    let mode = shared.watch.mode();
    (200, json!({"enabled": mode != Strict::Off, "refuse": mode == Strict::Refuse}))
}

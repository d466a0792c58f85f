//! Addresses in Vapi's answers. They are kept as the real service writes them, so that a state does not
//! depend on the sandbox's port, and are made reachable when they are shown.

use serde_json::Value;

use crate::storage;

/// Where running calls are controlled (V8.2 [W]).
pub(crate) const LIVE: &str = "https://phone-call-websocket.vapi.ai/";
/// Where recordings are kept: a host of its own (V8.3 [D]).
pub(crate) const STORAGE: &str = "https://storage.vapi.ai/";

/// The same value with addresses that a client of the sandbox at `host` can reach.
pub(crate) fn reachable(mut value: Value, host: &str) -> Value {
    replace(&mut value, host);
    value
}

fn replace(value: &mut Value, host: &str) {
    match value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(LIVE) {
                *text = format!("http://{host}/vapi/live/{rest}");
            } else if let Some(rest) = text.strip_prefix(STORAGE) {
                *text = storage::url(host, &format!("/storage/{rest}"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, host)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, host)),
        _ => {}
    }
}

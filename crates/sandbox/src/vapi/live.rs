//! Running calls, controlled at `monitor.controlUrl` (V8.2 [D]): no authentication unless the assistant asks
//! for it, then with the public key. What an order leads to is told by jobs that are due at once.

use hyper::Method;
use serde_json::{Value, json};

use super::talk;
use crate::http::{Object, Reply, Request, text};
use crate::state::World;

/// `POST /vapi/live/{call}/control`; nothing else is there.
pub(crate) fn handle(world: &mut World, request: &Request, path: &str) -> Reply {
    let call = path.strip_suffix("/control").filter(|_| request.method == Method::POST);
    let Some(call) = call else { return refused(404, "Not Found") };
    let Some(talk) = world.vapi.talks.get(call) else {
        return refused(404, "Call not found or not in progress");
    };
    let plan = talk.who.assistant.get("monitorPlan").and_then(Value::as_object);
    let set = |name: &str| plan.and_then(|plan| plan.get(name)).and_then(Value::as_bool);
    if set("controlEnabled") == Some(false) {
        return refused(403, "Call control is not enabled for this assistant");
    }
    if set("controlAuthenticationEnabled") == Some(true) {
        let key = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let org = world.org(&talk.org);
        if org.is_none_or(|org| key != Some(org.public_key.as_str())) {
            return refused(401, "Unauthorized");
        }
    }
    let Ok(order) = serde_json::from_slice::<Object>(&request.body) else {
        return refused(400, "The body must be a JSON object");
    };
    match talk::orders::obey(world, call, &order) {
        Ok(()) => Reply::json(200, &json!({"success": true})),
        Err(sentence) => refused(400, &sentence),
    }
}

fn refused(status: u16, sentence: &str) -> Reply {
    Reply::json(status, &json!({"message": sentence, "statusCode": status}))
}

/// The kind of an order.
pub(crate) fn kind(order: &Object) -> &str {
    text(order, "type").unwrap_or_default()
}

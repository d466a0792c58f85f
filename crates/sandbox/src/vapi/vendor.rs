//! What only the vendor can do to a customer's resource: block a number, keep a field from older days. Tests
//! do it through the control API, past every check.

use hyper::Method;
use serde_json::Value;

use super::Org;
use crate::control::{Answer, Route, Work};
use crate::rows::Rows;
use crate::state::World;

/// The control call for it.
pub(crate) const CONTROL: &[Route] = &[(Method::POST, "vapi/{}", Work::Now(overwrite))];

/// Ids, and what links a resource to its org, stay.
const FIXED: [&str; 2] = ["id", "orgId"];

/// Replaces the fields named, one by one, of the resource with this id, whatever its kind.
fn overwrite(world: &mut World, ids: &[String], body: Value) -> Answer {
    let Value::Object(mut fields) = body else { return Err((400, "the body must be an object".to_owned())) };
    fields.retain(|name, _| !FIXED.contains(&name.as_str()));
    let found = world.vapi.orgs.iter_mut().flat_map(kinds).find_map(|rows| rows.get_mut(&ids[0]));
    let found = found.ok_or_else(|| (404, format!("Vapi has nothing with the id {}", ids[0])))?;
    found.extend(fields);
    Ok((200, Value::Object(found.clone())))
}

fn kinds(org: &mut Org) -> [&mut Rows; 10] {
    [
        &mut org.assistants,
        &mut org.phone_numbers,
        &mut org.calls,
        &mut org.squads,
        &mut org.tools,
        &mut org.files,
        &mut org.credentials,
        &mut org.structured_outputs,
        &mut org.chats,
        &mut org.sessions,
    ]
}

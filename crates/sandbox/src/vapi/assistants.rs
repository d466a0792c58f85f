//! Assistants (V7 [S]).

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::resources::{Kind, create, delete, fetch, list, update};
use super::{Org, Route, validate};
use crate::http::{Object, text};
use crate::rows::Rows;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "assistant", create::<Assistants>),
    (Method::GET, "assistant", list::<Assistants>),
    (Method::GET, "assistant/{}", fetch::<Assistants>),
    // `{"model": {...}}` drops the prompt that is not sent again (V7 traps [D]).
    (Method::PATCH, "assistant/{}", update::<Assistants>),
    // Numbers keep pointing at it, and their calls end with `assistant-not-found` (V7 traps [?]).
    (Method::DELETE, "assistant/{}", delete::<Assistants>),
];

struct Assistants;

impl Kind for Assistants {
    fn rows(org: &Org) -> &Rows {
        &org.assistants
    }

    fn rows_mut(org: &mut Org) -> &mut Rows {
        &mut org.assistants
    }

    fn check_new(body: &Object) -> Result<(), Problem> {
        validate::check("CreateAssistantDTO", body)
    }

    fn check_change(_: &Object, body: &Object) -> Result<(), Problem> {
        validate::check("UpdateAssistantDTO", body)
    }

    /// Read-only, and refused on write: an answer cannot be sent back unfiltered (V7 traps). That each
    /// PATCH publishes a version is [?].
    fn finish(object: &mut Object) {
        let last =
            text(object, "latestVersion").and_then(|label| label.strip_prefix('v')?.parse::<u64>().ok());
        object.insert("latestVersion".to_owned(), json!(format!("v{}", last.unwrap_or(0) + 1)));
        object.insert("isServerUrlSecretSet".to_owned(), json!(false));
    }

    /// A squad that pins a version of it keeps it (V3.2 [S]); the sentence is ours [?].
    fn may_go(org: &Org, id: &str) -> Result<(), Problem> {
        let pins = |member: &Value| {
            member.get("assistantId").is_some_and(|of| of == id)
                && member.get("assistantVersion").is_some_and(Value::is_string)
        };
        let members = |squad: &Object| squad.get("members").and_then(Value::as_array).cloned();
        match org.squads.iter().find(|squad| members(squad).unwrap_or_default().iter().any(pins)) {
            Some(squad) => Err(Problem::conflict(
                "assistant_pinned",
                &format!("Assistant {id} is pinned by squad {}.", text(squad, "id").unwrap_or_default()),
            )),
            None => Ok(()),
        }
    }
}

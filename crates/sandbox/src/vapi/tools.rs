//! Tools that assistants use, told apart by `type` ([S]).

use std::sync::LazyLock;

use hyper::Method;
use serde_json::Value;

use super::errors::Problem;
use super::resources::{Kind, create, delete, fetch, list, update};
use super::validate::Union;
use super::{Org, Route};
use crate::http::{Object, text};
use crate::rows::Rows;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "tool", create::<Tools>),
    (Method::GET, "tool", list::<Tools>),
    (Method::GET, "tool/{}", fetch::<Tools>),
    (Method::PATCH, "tool/{}", update::<Tools>),
    (Method::DELETE, "tool/{}", delete::<Tools>),
];

static TYPES: LazyLock<Union> = LazyLock::new(|| Union::new("ToolDTO", "type"));

struct Tools;

impl Kind for Tools {
    fn rows(org: &Org) -> &Rows {
        &org.tools
    }

    fn rows_mut(org: &mut Org) -> &mut Rows {
        &mut org.tools
    }

    fn check_new(body: &Object) -> Result<(), Problem> {
        TYPES.check_new(body)
    }

    fn check_change(found: &Object, body: &Object) -> Result<(), Problem> {
        TYPES.check_change(found, body)
    }

    /// An assistant that pins a version of it keeps it (V3.2 [S]); the sentence is ours [?].
    fn may_go(org: &Org, id: &str) -> Result<(), Problem> {
        let pins = |assistant: &&Object| {
            let refs =
                assistant.get("model").and_then(|model| model.get("toolRefs")).and_then(Value::as_array);
            refs.is_some_and(|refs| refs.iter().any(|one| one.get("toolId").is_some_and(|of| of == id)))
        };
        match org.assistants.iter().find(pins) {
            Some(assistant) => Err(Problem::conflict(
                "tool_pinned",
                &format!("Tool {id} is pinned by assistant {}.", text(assistant, "id").unwrap_or_default()),
            )),
            None => Ok(()),
        }
    }
}

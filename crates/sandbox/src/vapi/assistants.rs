//! Assistants (V7 [S]).

use hyper::Method;
use serde_json::json;

use super::errors::Problem;
use super::{Answer, Ctx, Route, lists, validate};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "assistant", create),
    (Method::GET, "assistant", list),
    (Method::GET, "assistant/{}", fetch),
    (Method::PATCH, "assistant/{}", update),
    (Method::DELETE, "assistant/{}", delete),
];

/// `POST /assistant`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("CreateAssistantDTO", &ctx.body)?;
    let mut assistant = ctx.created(ctx.body.clone());
    // Read-only and refused on write: an answer cannot be sent back unfiltered (V7 traps).
    assistant.insert("isServerUrlSecretSet".to_owned(), json!(false));
    ctx.org_mut().assistants.put(assistant.clone());
    Ok(assistant.into())
}

/// `GET /assistant`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    lists::array(&ctx.query, ctx.org().assistants.iter())
}

/// `GET /assistant/{id}`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(ctx.find(&ctx.org().assistants)?.clone().into())
}

/// `PATCH /assistant/{id}`: `{"model": {...}}` drops the prompt that is not sent again (V7 traps [D]).
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().assistants)?.clone();
    validate::check("UpdateAssistantDTO", &ctx.body)?;
    let assistant = ctx.merged(found);
    ctx.org_mut().assistants.put(assistant.clone());
    Ok(assistant.into())
}

/// `DELETE /assistant/{id}`: numbers keep pointing at it, and their calls end with `assistant-not-found`
/// (V7 traps [?]).
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().assistants)?.clone();
    let id = ctx.id.clone();
    ctx.org_mut().assistants.remove(&id);
    Ok(found.into())
}

//! Assistants (V7 [S]).

use hyper::Method;
use serde_json::json;

use super::errors::Problem;
use super::validate::{self, Rule, SERVER_RULE, Table};
use super::{Answer, Ctx, Route, lists};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "assistant", create),
    (Method::GET, "assistant", list),
    (Method::GET, "assistant/{}", fetch),
    (Method::PATCH, "assistant/{}", update),
    (Method::DELETE, "assistant/{}", delete),
];

const FIRST_MESSAGE_MODES: &[&str] = &[
    "assistant-speaks-first",
    "assistant-speaks-first-with-model-generated-message",
    "assistant-waits-for-user",
];

/// The properties of `CreateAssistantDTO` and `UpdateAssistantDTO` [S]; nothing is required.
const ASSISTANT: Table = &[
    ("analysisPlan", Rule::Object),
    ("artifactPlan", Rule::Object),
    ("backgroundSound", Rule::Any),
    ("backgroundSpeechDenoisingPlan", Rule::Object),
    ("clientMessages", Rule::Array),
    ("compliancePlan", Rule::Object),
    ("credentialIds", Rule::Array),
    ("credentials", Rule::Array),
    ("endCallMessage", Rule::Text(1_000)),
    ("endCallPhrases", Rule::Array),
    ("firstMessage", Rule::Text(usize::MAX)),
    ("firstMessageInterruptionsEnabled", Rule::Bool),
    ("firstMessageMode", Rule::OneOf(FIRST_MESSAGE_MODES)),
    ("hooks", Rule::Array),
    ("keypadInputPlan", Rule::Object),
    ("maxDurationSeconds", Rule::Number(10.0, 43_200.0)),
    ("metadata", Rule::Object),
    ("model", Rule::Object),
    ("modelOutputInMessagesEnabled", Rule::Bool),
    ("monitorPlan", Rule::Object),
    ("name", Rule::Text(40)),
    ("observabilityPlan", Rule::Object),
    ("server", SERVER_RULE),
    ("serverMessages", Rule::Array),
    ("startSpeakingPlan", Rule::Object),
    ("stopSpeakingPlan", Rule::Object),
    ("transcriber", Rule::Object),
    ("transportConfigurations", Rule::Array),
    ("voice", Rule::Object),
    ("voicemailDetection", Rule::Any),
    ("voicemailMessage", Rule::Text(1_000)),
];

/// `POST /assistant`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check(ASSISTANT, &[], &ctx.body)?;
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
    validate::check(ASSISTANT, &[], &ctx.body)?;
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

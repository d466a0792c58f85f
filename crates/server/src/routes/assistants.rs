//! Assistants at Vapi.

use super::Answer;
use crate::extract::{Body, Me};
use crate::input::input;
use crate::scalars::{Line, Prose};
use crate::site::Site;
use crate::views::settings::{Assistants, NewAssistantAnswer, Setup};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialtone_domain::Language;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// An assistant to make.
    NewAssistant {
        /// Its name.
        name: Line<1, 40>,
        /// What it says first.
        first_message: Option<Prose<1000>>,
        /// What it is and how it behaves.
        system_prompt: Option<Prose<20_000>>,
        /// The language it speaks; yours where it is left out.
        language: Option<Language>,
    }
}

/// Lists the assistants
#[utoipa::path(get, path = "/api/v1/assistants", tag = "Assistants",
    responses((status = 200, body = Assistants)))]
async fn assistants(State(site): State<Site>, me: Me) -> Answer<Json<Assistants>> {
    let assistants = site.app.assistants(&me.caller).await?;
    Ok(Assistants::json(assistants.into_iter().map(Into::into).collect(), None))
}

/// Makes an assistant
///
/// When it was the last thing missing, the number is imported, linked and checked at once.
#[utoipa::path(post, path = "/api/v1/assistants", tag = "Assistants", request_body = NewAssistant,
    responses((status = 201, body = NewAssistantAnswer)))]
async fn create_assistant(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<NewAssistant>,
) -> Answer<impl IntoResponse> {
    let new = dialtone_app::NewAssistant {
        name: body.name.0,
        first_message: body.first_message.map(|text| text.0),
        system_prompt: body.system_prompt.map(|text| text.0),
        language: body.language.unwrap_or(me.language),
    };
    let assistant = site.app.create_assistant(&me.caller, new).await?;
    let setup = Setup::of(site.app.advance_setup(&me.caller).await?, me.language);
    Ok((StatusCode::CREATED, NewAssistantAnswer::json(assistant.into(), setup)))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(assistants, create_assistant))
}

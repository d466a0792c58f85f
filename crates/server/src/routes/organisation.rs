//! The caller's organisation.

use super::Answer;
use crate::extract::{Body, Me};
use crate::input::input;
use crate::scalars::Line;
use crate::site::Site;
use crate::views::accounts::OrganisationAnswer;
use axum::Json;
use axum::extract::State;
use dialtone_domain::{AssistantId, Country, Language};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// What to change; what is left out stays.
    OrganisationChange {
        /// Its name.
        name: Option<Line<1, 255>>,
        /// The country of numbers that are written without one.
        country: Option<Country>,
        /// Its language.
        language: Option<Language>,
        /// The assistant that new lines get; null or empty: none in particular.
        default_assistant_id: Option<Option<AssistantId>>,
    }
}

/// Gives the organisation
#[utoipa::path(get, path = "/api/v1/organisation", tag = "Organisation",
    responses((status = 200, body = OrganisationAnswer)))]
async fn organisation(State(site): State<Site>, me: Me) -> Answer<Json<OrganisationAnswer>> {
    Ok(OrganisationAnswer::json(site.app.organisation(&me.caller).await?.into()))
}

/// Changes the organisation
#[utoipa::path(patch, path = "/api/v1/organisation", tag = "Organisation", request_body = OrganisationChange,
    responses((status = 200, body = OrganisationAnswer)))]
async fn change_organisation(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<OrganisationChange>,
) -> Answer<Json<OrganisationAnswer>> {
    let OrganisationChange { name, country, language, default_assistant_id } = body;
    let name = name.map(|name| name.0);
    let change = dialtone_app::OrganisationChange { name, country, language, default_assistant_id };
    Ok(OrganisationAnswer::json(site.app.change_organisation(&me.caller, change).await?.into()))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(organisation, change_organisation))
}

//! The caller's organisations.

use super::Answer;
use crate::extract::{Body, Me};
use crate::input::input;
use crate::scalars::Line;
use crate::site::Site;
use crate::views::accounts::{MyOrganisation, MyOrganisationAnswer, MyOrganisations, OrganisationAnswer};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
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

    /// An organisation to make.
    NewOrganisation {
        /// Its name.
        name: Line<1, 255>,
        /// The country of numbers that are written without one; as here where it is left out.
        country: Option<Country>,
        /// Its language; as here where it is left out.
        language: Option<Language>,
    }
}

/// Lists the caller's organisations
#[utoipa::path(get, path = "/api/v1/organisations", tag = "Organisation",
    responses((status = 200, body = MyOrganisations)))]
async fn my_organisations(State(site): State<Site>, me: Me) -> Answer<Json<MyOrganisations>> {
    let mine = site.app.my_organisations(&me.caller).await?;
    let views = mine.into_iter().map(|one| MyOrganisation::of(one, &me.caller));
    Ok(MyOrganisations::json(views.collect(), None))
}

/// Makes another organisation, whose owner the caller is
#[utoipa::path(post, path = "/api/v1/organisations", tag = "Organisation", request_body = NewOrganisation,
    responses((status = 201, body = MyOrganisationAnswer)))]
async fn create_organisation(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<NewOrganisation>,
) -> Answer<impl IntoResponse> {
    let NewOrganisation { name, country, language } = body;
    let made = site.app.add_organisation(&me.caller, name.0, country, language).await?;
    Ok((StatusCode::CREATED, MyOrganisationAnswer::json(MyOrganisation::of(made, &me.caller))))
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
    OpenApiRouter::default()
        .routes(routes!(organisation, change_organisation))
        .routes(routes!(my_organisations, create_organisation))
}

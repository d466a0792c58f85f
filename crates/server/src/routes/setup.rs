//! The first run: the first owner and organisation.

use super::Answer;
use crate::cookies::signed_in;
use crate::extract::{Body, Visitor};
use crate::input::input;
use crate::scalars::{Email, Line, Secret};
use crate::site::Site;
use crate::views::accounts::{MemberAnswer, SetupNeeded};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialtone_app::SetUp;
use dialtone_domain::{Country, Language};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// The first owner and organisation.
    SetupBody {
        /// The one-time code that the server printed when it started.
        code: Secret<1, 200>,
        /// The owner's e-mail address.
        email: Email,
        /// The owner's password.
        password: Secret<1, 1024>,
        /// The owner's name.
        name: Line<1, 255>,
        /// The organisation's name.
        organisation: Line<1, 255>,
        /// The country of numbers that are written without one; France where it is left out.
        country: Option<Country>,
        /// The organisation's language; English where it is left out.
        language: Option<Language>,
    }
}

/// Says whether this server still needs its first member
#[utoipa::path(get, path = "/api/v1/setup", tag = "Setup", responses((status = 200, body = SetupNeeded)))]
async fn setup_needed(State(site): State<Site>) -> Answer<Json<SetupNeeded>> {
    Ok(SetupNeeded::json(site.app.setup_needed().await?))
}

/// Makes the first owner and organisation, and signs in
#[utoipa::path(post, path = "/api/v1/setup", tag = "Setup", request_body = SetupBody,
    responses((status = 201, body = MemberAnswer)))]
async fn set_up(
    State(site): State<Site>,
    Visitor(device): Visitor,
    Body(body): Body<SetupBody>,
) -> Answer<impl IntoResponse> {
    let new = SetUp {
        code: body.code.0,
        email: body.email.0,
        password: body.password.0,
        name: body.name.0,
        organisation: body.organisation.0,
        country: body.country.unwrap_or(Country::DEFAULT),
        language: body.language.unwrap_or_default(),
    };
    let session = site.app.set_up(new, &device).await?;
    Ok((StatusCode::CREATED, signed_in(&site, &session), MemberAnswer::json((&session.caller).into())))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(setup_needed, set_up))
}

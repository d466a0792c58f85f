//! Who is signed in, and signing out.

use super::Answer;
use crate::auth;
use crate::cookies::signed_in;
use crate::extract::{Body, Me};
use crate::input::input;
use crate::site::Site;
use crate::views::Done;
use crate::views::accounts::{Session, SessionAnswer};
use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse};
use dialtone_app::{AccountChange, SignedIn};
use dialtone_domain::{Language, OrgId};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Changes what belongs to the caller alone.
    SessionChange {
        /// The language to speak to them; null: the browser's.
        language: Option<Option<Language>>,
    }

    /// Which organisation to work in.
    OrganisationChoice {
        /// One of the caller's organisations.
        organisation_id: OrgId,
    }
}

/// A session that has just begun, or has a new secret: the cookie, and who is signed in.
pub(super) fn begun(site: &Site, session: SignedIn) -> impl IntoResponse + use<> {
    (
        signed_in(site, &session),
        SessionAnswer::json(Session::of(&Arc::new(session.caller), site.app.is_sandbox())),
    )
}

/// Says who is signed in, and what they may do
#[utoipa::path(get, path = "/api/v1/session", tag = "Session", responses((status = 200, body = SessionAnswer)))]
async fn session(State(site): State<Site>, me: Me) -> Json<SessionAnswer> {
    SessionAnswer::json(Session::of(&me.caller, site.app.is_sandbox()))
}

/// Changes the caller's language
#[utoipa::path(patch, path = "/api/v1/session", tag = "Session", request_body = SessionChange,
    responses((status = 200, body = SessionAnswer)))]
async fn change_session(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<SessionChange>,
) -> Answer<Json<SessionAnswer>> {
    let change = AccountChange { language: body.language, ..AccountChange::default() };
    let caller = site.app.change_account(&me.caller, change).await?;
    Ok(SessionAnswer::json(Session::of(&Arc::new(caller), site.app.is_sandbox())))
}

/// Works in another of the caller's organisations
///
/// The session gets a new secret: the cookie before no longer works.
#[utoipa::path(post, path = "/api/v1/session/organisation", tag = "Session", request_body = OrganisationChoice,
    responses((status = 200, body = SessionAnswer)))]
async fn switch_organisation(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<OrganisationChoice>,
) -> Answer<impl IntoResponse> {
    Ok(begun(&site, site.app.switch_organisation(&me.caller, body.organisation_id).await?))
}

/// Signs out
#[utoipa::path(delete, path = "/api/v1/session", tag = "Session", responses((status = 200, body = Done)))]
async fn sign_out(State(site): State<Site>, me: Me) -> Answer<impl IntoResponse> {
    site.app.sign_out(&me.caller).await?;
    Ok((AppendHeaders([(SET_COOKIE, auth::no_cookie(&site))]), Done::json()))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(session, change_session, sign_out))
        .routes(routes!(switch_organisation))
}

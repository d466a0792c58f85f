//! Signing in and out, and who is signed in.

use super::Answer;
use crate::auth;
use crate::extract::{Body, Me};
use crate::input::input;
use crate::scalars::{Email, Secret};
use crate::site::Site;
use crate::views::Done;
use crate::views::accounts::{Session, SessionAnswer};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse};
use dialtone_domain::Language;
use std::net::SocketAddr;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Signs a member in.
    SignInBody {
        /// Their e-mail address.
        email: Email,
        /// Their password.
        password: Secret<1, 1024>,
    }

    /// Changes what belongs to the caller alone.
    SessionChange {
        /// The language to speak to them; null: the browser's.
        language: Option<Option<Language>>,
    }
}

/// Signs in with e-mail address and password
#[utoipa::path(post, path = "/api/v1/session", tag = "Session", request_body = SignInBody,
    responses((status = 200, body = SessionAnswer)))]
async fn sign_in(
    State(site): State<Site>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(body): Body<SignInBody>,
) -> Answer<impl IntoResponse> {
    let session = site.app.sign_in(&body.email.0, body.password.0, peer.ip()).await?;
    let cookie = AppendHeaders([(SET_COOKIE, auth::session_cookie(&site, &session))]);
    let caller = Arc::new(session.caller);
    let view = Session::of(&caller, caller.language, site.app.is_sandbox());
    Ok((cookie, SessionAnswer::json(view)))
}

/// Says who is signed in, and what they may do
#[utoipa::path(get, path = "/api/v1/session", tag = "Session", responses((status = 200, body = SessionAnswer)))]
async fn session(State(site): State<Site>, me: Me) -> Json<SessionAnswer> {
    SessionAnswer::json(Session::of(&me.caller, me.caller.language, site.app.is_sandbox()))
}

/// Changes the caller's language
#[utoipa::path(patch, path = "/api/v1/session", tag = "Session", request_body = SessionChange,
    responses((status = 200, body = SessionAnswer)))]
async fn change_session(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<SessionChange>,
) -> Answer<Json<SessionAnswer>> {
    if let Some(language) = body.language {
        site.app.set_my_language(&me.caller, language).await?;
    }
    let language = body.language.unwrap_or(me.caller.language);
    Ok(SessionAnswer::json(Session::of(&me.caller, language, site.app.is_sandbox())))
}

/// Signs out
#[utoipa::path(delete, path = "/api/v1/session", tag = "Session", responses((status = 200, body = Done)))]
async fn sign_out(State(site): State<Site>, me: Me) -> Answer<impl IntoResponse> {
    site.app.sign_out(&me.caller).await?;
    Ok((AppendHeaders([(SET_COOKIE, auth::no_cookie(&site))]), Done::json()))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(sign_in, session, change_session, sign_out))
}

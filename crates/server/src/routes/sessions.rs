//! The caller's own sessions: where they are signed in.

use super::Answer;
use crate::extract::{Id, Me};
use crate::site::Site;
use crate::views::Done;
use crate::views::accounts::{Ended, OwnSession, Sessions};
use axum::Json;
use axum::extract::State;
use dialtone_domain::SessionId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Lists where the caller is signed in
#[utoipa::path(get, path = "/api/v1/sessions", tag = "Session", responses((status = 200, body = Sessions)))]
async fn sessions(State(site): State<Site>, me: Me) -> Answer<Json<Sessions>> {
    let sessions = site.app.sessions(&me.caller).await?;
    let views = sessions.into_iter().map(|session| OwnSession::of(session, &me.caller));
    Ok(Sessions::json(views.collect(), None))
}

/// Signs the caller out everywhere else
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "Session", responses((status = 200, body = Ended)))]
async fn revoke_other_sessions(State(site): State<Site>, me: Me) -> Answer<Json<Ended>> {
    Ok(Ended::json(site.app.revoke_other_sessions(&me.caller).await?))
}

/// Ends one of the caller's sessions
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "Session",
    params(("id" = uuid::Uuid, Path, description = "The session.")),
    responses((status = 200, body = Done)))]
async fn revoke_session(State(site): State<Site>, me: Me, Id(id): Id<SessionId>) -> Answer<Json<Done>> {
    site.app.revoke_session(&me.caller, id).await?;
    Ok(Done::json())
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(sessions, revoke_other_sessions)).routes(routes!(revoke_session))
}

//! Invitations: made and taken back by those who manage members, looked at and accepted by whoever has the link.

use super::Answer;
use crate::auth;
use crate::extract::{Body, Id, Me, Visitor};
use crate::input::input;
use crate::scalars::{Email, Line, Secret};
use crate::site::Site;
use crate::views::Done;
use crate::views::accounts::{Invitations, Invited, Joined, OpenInvitationAnswer, OrganisationChosen};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse};
use dialtone_domain::{ExposeSecret, InvitationId, Role};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Somebody to invite.
    NewInvitation {
        /// Their e-mail address.
        email: Email,
        /// What they will be allowed to do: at most what you may.
        role: Role,
    }

    /// An invitation's secret.
    InvitationSecret {
        /// What the link ends with.
        secret: Secret<1, 200>,
    }

    /// Who accepts.
    JoinBody {
        /// What the link ends with.
        secret: Secret<1, 200>,
        /// The name of somebody who is new here; not looked at otherwise.
        name: Option<Line<1, 255>>,
        /// A new password for somebody who is new here, else the one that they have.
        password: Secret<1, 1024>,
    }
}

/// Lists the invitations that nobody has accepted yet
#[utoipa::path(get, path = "/api/v1/invitations", tag = "Members", responses((status = 200, body = Invitations)))]
async fn invitations(State(site): State<Site>, me: Me) -> Answer<Json<Invitations>> {
    let invitations = site.app.invitations(&me.caller).await?;
    Ok(Invitations::json(invitations.into_iter().map(Into::into).collect(), None))
}

/// Invites somebody
///
/// The link is mailed where a mail server is configured; where not, or where that failed, it is shown this once. It works once, within 7 days; inviting
/// the same address again takes its place.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "Members", request_body = NewInvitation,
    responses((status = 201, body = Invited)))]
async fn invite(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<NewInvitation>,
) -> Answer<impl IntoResponse> {
    let dialtone_app::Invited { invitation, link } =
        site.app.invite(&me.caller, &body.email.0, body.role).await?;
    Ok((
        StatusCode::CREATED,
        Invited::json(invitation.into(), link.map(|link| link.expose_secret().to_owned())),
    ))
}

/// Takes an invitation back
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "Members",
    params(("id" = uuid::Uuid, Path, description = "The invitation.")),
    responses((status = 200, body = Done)))]
async fn revoke_invitation(State(site): State<Site>, me: Me, Id(id): Id<InvitationId>) -> Answer<Json<Done>> {
    site.app.revoke_invitation(&me.caller, id).await?;
    Ok(Done::json())
}

/// Shows an invitation to whoever has its link
#[utoipa::path(post, path = "/api/v1/invitation", tag = "Invitation", request_body = InvitationSecret,
    responses((status = 200, body = OpenInvitationAnswer)))]
async fn invitation(
    State(site): State<Site>,
    Body(body): Body<InvitationSecret>,
) -> Answer<Json<OpenInvitationAnswer>> {
    let (invitation, known) = site.app.invitation(&body.secret.0).await?;
    Ok(OpenInvitationAnswer::json((invitation, known).into()))
}

/// Accepts an invitation with name and password
///
/// Who is new gets an account and is signed in. Who has an account proves it by its password and then signs in as
/// always: `signed_in` tells which.
#[utoipa::path(post, path = "/api/v1/invitation/join", tag = "Invitation", request_body = JoinBody,
    responses((status = 200, body = Joined)))]
async fn join(
    State(site): State<Site>,
    Visitor(device): Visitor,
    Body(body): Body<JoinBody>,
) -> Answer<impl IntoResponse> {
    let JoinBody { secret, name, password } = body;
    let session = site.app.join(&secret.0, name.map(|name| name.0), password.0, &device).await?;
    let signed_in = session.is_some();
    let cookie = session.map(|session| AppendHeaders([(SET_COOKIE, auth::session_cookie(&site, &session))]));
    Ok((cookie, Joined::json(signed_in)))
}

/// Accepts an invitation as the person who is signed in
#[utoipa::path(post, path = "/api/v1/invitation/accept", tag = "Invitation", request_body = InvitationSecret,
    responses((status = 200, body = OrganisationChosen)))]
async fn accept_invitation(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<InvitationSecret>,
) -> Answer<Json<OrganisationChosen>> {
    let organisation = site.app.accept_invitation(&me.caller, &body.secret.0).await?;
    Ok(OrganisationChosen::json(organisation.0))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(invitations, invite))
        .routes(routes!(revoke_invitation))
        .routes(routes!(invitation))
        .routes(routes!(join))
        .routes(routes!(accept_invitation))
}

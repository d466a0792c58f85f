//! The organisation's members.

use super::Answer;
use crate::extract::{Body, Id, Me};
use crate::input::input;
use crate::scalars::{Email, Line, Secret};
use crate::site::Site;
use crate::views::Done;
use crate::views::accounts::{MemberAnswer, Members, NewMemberAnswer};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialtone_domain::{ExposeSecret, Role, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// A member to add.
    NewMember {
        /// Their e-mail address.
        email: Email,
        /// Their name.
        name: Line<1, 255>,
        /// What they may do: at most what you may.
        role: Role,
        /// Their password; made up and shown once where it is left out and they are new here.
        password: Option<Secret<1, 1024>>,
    }

    /// What to change of a member; what is left out stays.
    MemberChange {
        /// What they may do: at most what you may.
        role: Option<Role>,
        /// Whether they are suspended: then they may do nothing here, until that is taken back.
        suspended: Option<bool>,
    }
}

/// Lists the members
#[utoipa::path(get, path = "/api/v1/members", tag = "Members", responses((status = 200, body = Members)))]
async fn members(State(site): State<Site>, me: Me) -> Answer<Json<Members>> {
    let members = site.app.members(&me.caller).await?;
    Ok(Members::json(members.into_iter().map(Into::into).collect(), None))
}

/// Adds somebody who has no account yet
///
/// Who has one is asked by an invitation.
#[utoipa::path(post, path = "/api/v1/members", tag = "Members", request_body = NewMember,
    responses((status = 201, body = NewMemberAnswer)))]
async fn add_member(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<NewMember>,
) -> Answer<impl IntoResponse> {
    let password = body.password.map(|password| password.0);
    let new = dialtone_app::NewMember { email: body.email.0, name: body.name.0, role: body.role, password };
    let (member, password) = site.app.add_member(&me.caller, new).await?;
    let password = password.map(|password| password.expose_secret().to_owned());
    Ok((StatusCode::CREATED, NewMemberAnswer::json(member.into(), password)))
}

/// Changes a member's role, suspends them, or ends that
///
/// Their sessions here end. What they may do changes at once, also on open streams.
#[utoipa::path(patch, path = "/api/v1/members/{id}", tag = "Members", request_body = MemberChange,
    params(("id" = uuid::Uuid, Path, description = "The member.")),
    responses((status = 200, body = MemberAnswer)))]
async fn change_member(
    State(site): State<Site>,
    me: Me,
    Id(id): Id<UserId>,
    Body(body): Body<MemberChange>,
) -> Answer<Json<MemberAnswer>> {
    let change = dialtone_app::MemberChange { role: body.role, suspended: body.suspended };
    Ok(MemberAnswer::json(site.app.change_member(&me.caller, id, change).await?.into()))
}

/// Removes a member, with their sessions and tokens
#[utoipa::path(delete, path = "/api/v1/members/{id}", tag = "Members",
    params(("id" = uuid::Uuid, Path, description = "The member.")),
    responses((status = 200, body = Done)))]
async fn remove_member(State(site): State<Site>, me: Me, Id(id): Id<UserId>) -> Answer<Json<Done>> {
    site.app.remove_member(&me.caller, id).await?;
    Ok(Done::json())
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(members, add_member))
        .routes(routes!(change_member, remove_member))
}

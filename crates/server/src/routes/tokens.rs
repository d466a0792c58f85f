//! API tokens.

use super::Answer;
use crate::extract::{Body, Id, Me};
use crate::input::input;
use crate::scalars::{Later, Line};
use crate::site::Site;
use crate::views::Done;
use crate::views::accounts::{NewTokenAnswer, Tokens};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialtone_domain::{ExposeSecret, Role, Scopes, TokenId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// A token to make.
    NewToken {
        /// What it is for.
        name: Line<1, 255>,
        /// What it may do: at most what you may.
        role: Role,
        /// What of that it is narrowed to: names of permissions, separated by spaces; to nothing where it is left out.
        scopes: Option<Scopes>,
        /// When it ends; never where it is left out.
        expires_at: Option<Later>,
    }
}

/// Lists the tokens that the caller may see
#[utoipa::path(get, path = "/api/v1/tokens", tag = "Tokens", responses((status = 200, body = Tokens)))]
async fn tokens(State(site): State<Site>, me: Me) -> Answer<Json<Tokens>> {
    let tokens = site.app.tokens(&me.caller).await?;
    Ok(Tokens::json(tokens.into_iter().map(Into::into).collect(), None))
}

/// Makes a token; its secret is shown this once
#[utoipa::path(post, path = "/api/v1/tokens", tag = "Tokens", request_body = NewToken,
    responses((status = 201, body = NewTokenAnswer)))]
async fn create_token(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<NewToken>,
) -> Answer<impl IntoResponse> {
    let expires_at = body.expires_at.map(|at| at.0);
    let new = dialtone_app::NewToken { name: body.name.0, role: body.role, scopes: body.scopes, expires_at };
    let (token, secret) = site.app.create_token(&me.caller, new).await?;
    Ok((StatusCode::CREATED, NewTokenAnswer::json(token.into(), secret.expose_secret().to_owned())))
}

/// Revokes a token
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "Tokens",
    params(("id" = uuid::Uuid, Path, description = "The token.")),
    responses((status = 200, body = Done)))]
async fn revoke_token(State(site): State<Site>, me: Me, Id(id): Id<TokenId>) -> Answer<Json<Done>> {
    site.app.revoke_token(&me.caller, id).await?;
    Ok(Done::json())
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(tokens, create_token)).routes(routes!(revoke_token))
}

//! What belongs to the caller as a person: name, language, time zone, password.

use super::Answer;
use super::session::begun;
use crate::extract::{Body, Me, Visitor};
use crate::input::input;
use crate::scalars::{Email, Line, Secret, Zone};
use crate::site::Site;
use crate::views::Done;
use crate::views::accounts::{Account, AccountAnswer, SessionAnswer};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialtone_app::AccountChange;
use dialtone_domain::Language;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// What to change of oneself; what is left out stays.
    AccountBody {
        /// The name.
        name: Option<Line<1, 255>>,
        /// The language; null: the browser's.
        language: Option<Option<Language>>,
        /// The time zone by its IANA name; null: the browser's.
        time_zone: Option<Option<Zone>>,
    }

    /// A new password.
    PasswordBody {
        /// The present one.
        current_password: Secret<1, 1024>,
        /// The new one.
        new_password: Secret<1, 1024>,
        /// Whether the caller's API tokens end as well; not where it is left out.
        revoke_tokens: Option<bool>,
    }

    /// Who forgot their password.
    ResetRequest {
        /// Their e-mail address.
        email: Email,
    }

    /// A new password, by a link that was mailed.
    ResetBody {
        /// What the link ends with.
        code: Secret<1, 200>,
        /// The new password.
        password: Secret<1, 1024>,
        /// Whether the person's API tokens end as well; not where it is left out.
        revoke_tokens: Option<bool>,
    }
}

/// Gives the caller as a person
#[utoipa::path(get, path = "/api/v1/me", tag = "Account", responses((status = 200, body = AccountAnswer)))]
async fn me(me: Me) -> Json<AccountAnswer> {
    AccountAnswer::json(Account::of(&me.caller))
}

/// Changes the caller's name, language or time zone
#[utoipa::path(patch, path = "/api/v1/me", tag = "Account", request_body = AccountBody,
    responses((status = 200, body = AccountAnswer)))]
async fn change_me(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<AccountBody>,
) -> Answer<Json<AccountAnswer>> {
    let AccountBody { name, language, time_zone } = body;
    let (name, time_zone) = (name.map(|name| name.0), time_zone.map(|zone| zone.map(|zone| zone.0)));
    let caller = site.app.change_account(&me.caller, AccountChange { name, language, time_zone }).await?;
    Ok(AccountAnswer::json(Account::of(&caller)))
}

/// Changes the caller's password
///
/// Every other session of theirs ends, and this one gets a new secret. A second factor stays.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "Account", request_body = PasswordBody,
    responses((status = 200, body = SessionAnswer)))]
async fn change_password(
    State(site): State<Site>,
    me: Me,
    Visitor(device): Visitor,
    Body(body): Body<PasswordBody>,
) -> Answer<impl IntoResponse> {
    let change = dialtone_app::PasswordChange {
        current: body.current_password.0,
        new: body.new_password.0,
        revoke_tokens: body.revoke_tokens.unwrap_or_default(),
    };
    Ok(begun(&site, site.app.change_password(&me.caller, change, &device).await?))
}

/// Mails a link for a new password
///
/// The answer is the same whether anybody has that address. The link works once, within 30 minutes.
#[utoipa::path(post, path = "/api/v1/password-reset", tag = "Account", request_body = ResetRequest,
    responses((status = 202, body = Done)))]
async fn request_password_reset(
    State(site): State<Site>,
    Visitor(device): Visitor,
    Body(body): Body<ResetRequest>,
) -> Answer<impl IntoResponse> {
    site.app.request_reset(&body.email.0, &device)?;
    Ok((StatusCode::ACCEPTED, Done::json()))
}

/// Sets a new password by a link that was mailed
///
/// Every session of the person ends; they sign in with the new password, and with their second factor where they
/// have one.
#[utoipa::path(post, path = "/api/v1/password-reset/complete", tag = "Account", request_body = ResetBody,
    responses((status = 200, body = Done)))]
async fn complete_password_reset(
    State(site): State<Site>,
    Body(body): Body<ResetBody>,
) -> Answer<Json<Done>> {
    let ResetBody { code, password, revoke_tokens } = body;
    site.app.reset_password(&code.0, password.0, revoke_tokens.unwrap_or_default()).await?;
    Ok(Done::json())
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(me, change_me))
        .routes(routes!(change_password))
        .routes(routes!(request_password_reset))
        .routes(routes!(complete_password_reset))
}

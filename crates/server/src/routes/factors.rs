//! The caller's second factors, and the organisation's rule about them. What changes them takes the password where
//! the sign-in was long ago; so removing one is a `POST` with a body.

use super::Answer;
use crate::cookies::begun;
use crate::extract::{Body, Id, Me, Visitor};
use crate::input::input;
use crate::scalars::{Document, Line, Secret};
use crate::site::Site;
use crate::views::Done;
use crate::views::factors::{
    FactorAdded, Factors, FactorsAnswer, NewTotpAnswer, PasskeyAdded, PasskeyOptions, RecoveryCodes, shown,
};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialtone_domain::{ExposeSecret, PasskeyId, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Proves that it is still the one who signed in.
    ProofBody {
        /// Their password; may be left out for 15 minutes after signing in.
        password: Option<Secret<1, 1024>>,
    }

    /// Confirms an authenticator app.
    TotpCode {
        /// The code that it shows.
        code: Secret<1, 64>,
    }

    /// A passkey that the browser made.
    NewPasskey {
        /// The ticket of its options.
        ticket: Line<1, 200>,
        /// What to call it.
        name: Line<1, 100>,
        /// What `navigator.credentials.create` gave, as JSON.
        credential: Document,
    }

    /// A passkey's new name.
    PasskeyName {
        /// What to call it.
        name: Line<1, 100>,
    }

    /// The organisation's rule about second factors.
    SecondFactorRule {
        /// Whether every member needs one.
        required: bool,
    }
}

impl ProofBody {
    fn proof(self) -> dialtone_app::Proof {
        self.password.map(|password| password.0)
    }
}

/// Lists the caller's second factors
#[utoipa::path(get, path = "/api/v1/me/factors", tag = "Factors", responses((status = 200, body = FactorsAnswer)))]
async fn factors(State(site): State<Site>, me: Me) -> Answer<Json<FactorsAnswer>> {
    let factors = site.app.factors(&me.caller).await?;
    let passkeys = site.app.passkeys(&me.caller).await?;
    Ok(FactorsAnswer::json(Factors::of(&factors, passkeys, site.app.has_passkeys())))
}

/// Begins to add an authenticator app
///
/// It counts when it is confirmed with a code.
#[utoipa::path(post, path = "/api/v1/me/factors/totp", tag = "Factors", request_body = ProofBody,
    responses((status = 200, body = NewTotpAnswer)))]
async fn add_totp(
    State(site): State<Site>,
    Visitor(device): Visitor,
    me: Me,
    Body(body): Body<ProofBody>,
) -> Answer<Json<NewTotpAnswer>> {
    let new = site.app.begin_totp(&me.caller, body.proof(), &device).await?;
    Ok(NewTotpAnswer::json(new.secret.expose_secret().to_owned(), new.uri.expose_secret().to_owned()))
}

/// Confirms an authenticator app
#[utoipa::path(post, path = "/api/v1/me/factors/totp/confirm", tag = "Factors", request_body = TotpCode,
    responses((status = 200, body = FactorAdded)))]
async fn confirm_totp(
    State(site): State<Site>,
    Visitor(device): Visitor,
    me: Me,
    Body(body): Body<TotpCode>,
) -> Answer<Json<FactorAdded>> {
    let codes = site.app.confirm_totp(&me.caller, body.code.0.expose_secret(), &device).await?;
    Ok(FactorAdded::json(codes.map(|codes| shown(&codes))))
}

/// Removes the authenticator app
#[utoipa::path(post, path = "/api/v1/me/factors/totp/remove", tag = "Factors", request_body = ProofBody,
    responses((status = 200, body = Done)))]
async fn remove_totp(
    State(site): State<Site>,
    Visitor(device): Visitor,
    me: Me,
    Body(body): Body<ProofBody>,
) -> Answer<Json<Done>> {
    site.app.remove_totp(&me.caller, body.proof(), &device).await?;
    Ok(Done::json())
}

/// Makes new recovery codes
#[utoipa::path(post, path = "/api/v1/me/factors/recovery-codes", tag = "Factors", request_body = ProofBody,
    responses((status = 200, body = RecoveryCodes)))]
async fn renew_recovery_codes(
    State(site): State<Site>,
    Visitor(device): Visitor,
    me: Me,
    Body(body): Body<ProofBody>,
) -> Answer<Json<RecoveryCodes>> {
    let codes = site.app.renew_recovery_codes(&me.caller, body.proof(), &device).await?;
    Ok(RecoveryCodes::json(shown(&codes)))
}

/// Begins to add a passkey
#[utoipa::path(post, path = "/api/v1/me/factors/passkeys/options", tag = "Factors", request_body = ProofBody,
    responses((status = 200, body = PasskeyOptions)))]
async fn new_passkey_options(
    State(site): State<Site>,
    Visitor(device): Visitor,
    me: Me,
    Body(body): Body<ProofBody>,
) -> Answer<impl IntoResponse> {
    let start = site.app.begin_new_passkey(&me.caller, body.proof(), &device).await?;
    Ok((begun(&site, &start.begun), PasskeyOptions::json(start.begun.ticket, start.options)))
}

/// Adds the passkey that the browser made
#[utoipa::path(post, path = "/api/v1/me/factors/passkeys", tag = "Factors", request_body = NewPasskey,
    responses((status = 201, body = PasskeyAdded)))]
async fn add_passkey(
    State(site): State<Site>,
    Visitor(device): Visitor,
    me: Me,
    Body(body): Body<NewPasskey>,
) -> Answer<impl IntoResponse> {
    let (ticket, credential) = (&body.ticket.0, &body.credential.0);
    let (passkey, codes) = site.app.add_passkey(&me.caller, ticket, body.name.0, credential, &device).await?;
    Ok((StatusCode::CREATED, PasskeyAdded::json(passkey.into(), codes.map(|codes| shown(&codes)))))
}

/// Renames a passkey
#[utoipa::path(patch, path = "/api/v1/me/factors/passkeys/{id}", tag = "Factors", request_body = PasskeyName,
    params(("id" = uuid::Uuid, Path, description = "The passkey.")), responses((status = 200, body = Done)))]
async fn rename_passkey(
    State(site): State<Site>,
    me: Me,
    Id(id): Id<PasskeyId>,
    Body(body): Body<PasskeyName>,
) -> Answer<Json<Done>> {
    site.app.rename_passkey(&me.caller, id, body.name.0).await?;
    Ok(Done::json())
}

/// Removes a passkey
#[utoipa::path(post, path = "/api/v1/me/factors/passkeys/{id}/remove", tag = "Factors", request_body = ProofBody,
    params(("id" = uuid::Uuid, Path, description = "The passkey.")), responses((status = 200, body = Done)))]
async fn remove_passkey(
    State(site): State<Site>,
    Visitor(device): Visitor,
    me: Me,
    Id(id): Id<PasskeyId>,
    Body(body): Body<ProofBody>,
) -> Answer<Json<Done>> {
    site.app.remove_passkey(&me.caller, id, body.proof(), &device).await?;
    Ok(Done::json())
}

/// Requires a second factor of every member, or no longer does
#[utoipa::path(put, path = "/api/v1/organisation/second-factor", tag = "Organisation",
    request_body = SecondFactorRule, responses((status = 200, body = Done)))]
async fn require_factors(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<SecondFactorRule>,
) -> Answer<Json<Done>> {
    site.app.require_factors(&me.caller, body.required).await?;
    Ok(Done::json())
}

/// Removes every second factor of a member who lost theirs
#[utoipa::path(delete, path = "/api/v1/members/{id}/factors", tag = "Members",
    params(("id" = uuid::Uuid, Path, description = "The member.")), responses((status = 200, body = Done)))]
async fn reset_factors(State(site): State<Site>, me: Me, Id(id): Id<UserId>) -> Answer<Json<Done>> {
    site.app.reset_member_factors(&me.caller, id).await?;
    Ok(Done::json())
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(factors))
        .routes(routes!(add_totp))
        .routes(routes!(confirm_totp))
        .routes(routes!(remove_totp))
        .routes(routes!(renew_recovery_codes))
        .routes(routes!(new_passkey_options))
        .routes(routes!(add_passkey))
        .routes(routes!(rename_passkey))
        .routes(routes!(remove_passkey))
        .routes(routes!(require_factors))
        .routes(routes!(reset_factors))
}

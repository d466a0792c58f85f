//! The credentials of both providers, and where the set-up stands.

use super::Answer;
use crate::extract::{Body, Me};
use crate::input::input;
use crate::scalars::{Line, Secret};
use crate::site::Site;
use crate::views::Done;
use crate::views::settings::{
    Setup, SetupAnswer, TwilioSaved, TwilioSettings, VapiSaved, VapiSettings, Warning,
};
use axum::Json;
use axum::extract::State;
use dialtone_app::SaveTwilio;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Twilio credentials to save. They are tried at Twilio first.
    TwilioBody {
        /// The Account SID: `AC…`.
        account_sid ["account_sid", "twilio_account_sid"]: Line<1, 100>,
        /// The Auth Token; the saved one stays where it is left out and the account is the same.
        auth_token ["auth_token", "twilio_auth_token"]: Option<Secret<1, 200>>,
        /// The number to import, also as it is written in the organisation's country; the saved one stays where
        /// it is left out.
        phone_number: Option<Line<1, 40>>,
    }

    /// A Vapi key to save. It is tried at Vapi first.
    VapiBody {
        /// The private API key.
        api_key: Secret<1, 300>,
    }
}

/// Tells which Twilio credentials are saved
#[utoipa::path(get, path = "/api/v1/twilio-settings", tag = "Settings",
    responses((status = 200, body = TwilioSettings)))]
async fn twilio_settings(State(site): State<Site>, me: Me) -> Answer<Json<TwilioSettings>> {
    Ok(Json(site.app.twilio_settings(&me.caller).await?.into()))
}

/// Tries and saves Twilio credentials
///
/// When nothing is missing any more, the number is imported, linked and checked at once.
#[utoipa::path(put, path = "/api/v1/twilio-settings", tag = "Settings", request_body = TwilioBody,
    responses((status = 200, body = TwilioSaved)))]
async fn save_twilio_settings(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<TwilioBody>,
) -> Answer<Json<TwilioSaved>> {
    let new = SaveTwilio {
        account_sid: body.account_sid.0,
        auth_token: body.auth_token.map(|token| token.0),
        phone_number: body.phone_number.map(|number| number.0),
    };
    let saved = site.app.save_twilio_settings(&me.caller, new).await?;
    let warnings = saved.warnings.iter().map(|key| Warning::of(key, me.language)).collect();
    let setup = Setup::of(site.app.advance_setup(&me.caller).await?, me.language);
    Ok(Json(TwilioSaved { settings: Some(saved.settings).into(), warnings, setup }))
}

/// Removes the Twilio credentials
#[utoipa::path(delete, path = "/api/v1/twilio-settings", tag = "Settings",
    responses((status = 200, body = Done)))]
async fn delete_twilio_settings(State(site): State<Site>, me: Me) -> Answer<Json<Done>> {
    site.app.delete_twilio_settings(&me.caller).await?;
    Ok(Done::json())
}

/// How many assistants the key sees; a Vapi that does not answer is no reason to hide the settings.
async fn assistants(site: &Site, me: &Me) -> Option<usize> {
    site.app.assistants(&me.caller).await.ok().map(|assistants| assistants.len())
}

/// Tells which Vapi key is saved
#[utoipa::path(get, path = "/api/v1/vapi-settings", tag = "Settings",
    responses((status = 200, body = VapiSettings)))]
async fn vapi_settings(State(site): State<Site>, me: Me) -> Answer<Json<VapiSettings>> {
    let settings = site.app.vapi_settings(&me.caller).await?;
    Ok(Json(VapiSettings::of(settings.as_ref(), assistants(&site, &me).await)))
}

/// Tries and saves a Vapi key
///
/// When nothing is missing any more, the number is imported, linked and checked at once.
#[utoipa::path(put, path = "/api/v1/vapi-settings", tag = "Settings", request_body = VapiBody,
    responses((status = 200, body = VapiSaved)))]
async fn save_vapi_settings(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<VapiBody>,
) -> Answer<Json<VapiSaved>> {
    let saved = site.app.save_vapi_settings(&me.caller, body.api_key.0).await?;
    let setup = Setup::of(site.app.advance_setup(&me.caller).await?, me.language);
    let settings = VapiSettings::of(Some(&saved), assistants(&site, &me).await);
    Ok(Json(VapiSaved { settings, setup }))
}

/// Removes the Vapi key
#[utoipa::path(delete, path = "/api/v1/vapi-settings", tag = "Settings",
    responses((status = 200, body = Done)))]
async fn delete_vapi_settings(State(site): State<Site>, me: Me) -> Answer<Json<Done>> {
    site.app.delete_vapi_settings(&me.caller).await?;
    Ok(Done::json())
}

/// Tells what is missing before the number answers, in order
#[utoipa::path(get, path = "/api/v1/setup-status", tag = "Settings",
    responses((status = 200, body = SetupAnswer)))]
async fn setup_status(State(site): State<Site>, me: Me) -> Answer<Json<SetupAnswer>> {
    Ok(SetupAnswer::json(Setup::of(site.app.setup_status(&me.caller).await?, me.language)))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(twilio_settings, save_twilio_settings, delete_twilio_settings))
        .routes(routes!(vapi_settings, save_vapi_settings, delete_vapi_settings))
        .routes(routes!(setup_status))
}

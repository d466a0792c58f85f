//! Where providers come in. Who they are is proved in the application, by signature or secret; whoever opens such an
//! address in a browser is told what it is.

use super::Answer;
use crate::extract::Id;
use crate::hooks::take;
use crate::site::Site;
use crate::views::{Said, asked_language};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use dialtone_domain::Code;
use dialtone_domain::inbound::Hook;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What somebody reads who opens the address. Twilio, set to GET by mistake, would text a plain answer to the customer: it gets
/// an error, which its debugger shows.
fn about(hook: Hook, headers: &HeaderMap) -> Answer<Json<Said>> {
    if headers.contains_key("x-twilio-signature") {
        return Err(Code::MethodNotAllowed.into());
    }
    Ok(Said::json(hook.about(asked_language(headers))))
}

/// Declares both operations of an address of Twilio's.
macro_rules! hooks {
    ($($(#[doc = $doc:literal])* $take:ident, $about:ident = $path:literal, $hook:expr;)+) => {$(
        $(#[doc = $doc])*
        #[utoipa::path(post, path = $path, tag = "Webhooks",
            request_body(content = String, content_type = "application/x-www-form-urlencoded"),
            responses((status = 200, body = String, content_type = "text/xml")))]
        async fn $take(State(site): State<Site>, request: Request) -> Answer<Response> {
            take(&site, $hook, String::new(), request).await
        }

        /// Says what this address is for
        #[utoipa::path(get, path = $path, tag = "Webhooks", responses((status = 200, body = Said)))]
        async fn $about(headers: HeaderMap) -> Answer<Json<Said>> {
            about($hook, &headers)
        }
    )+};
}

hooks! {
    /// Takes a text message from Twilio
    take_sms, about_sms = "/inbox/webhooks/sms", Hook::Sms;
    /// Takes a text message that the first address did not take
    take_sms_fallback, about_sms_fallback = "/inbox/webhooks/sms/fallback", Hook::SmsFallback;
    /// Takes the status of a message or call from Twilio
    take_status, about_status = "/webhooks/twilio/status", Hook::Status;
    /// Tells Twilio what callers hear when nothing else answers
    take_voice, about_voice = "/webhooks/twilio/voice", Hook::Voice;
    /// Takes a report of Twilio's debugger
    take_alert, about_alerts = "/webhooks/twilio/alerts", Hook::Alerts;
}

/// Takes a message of Vapi's about a line's calls
#[utoipa::path(post, path = "/webhooks/vapi/{line}", tag = "Webhooks",
    params(("line" = uuid::Uuid, Path, description = "The line.")),
    request_body(content = String, content_type = "text/plain", description = "JSON, taken byte for byte: it may be signed."),
    responses((status = 200, body = serde_json::Value)))]
async fn take_vapi(State(site): State<Site>, Id(line): Id<String>, request: Request) -> Answer<Response> {
    take(&site, Hook::Vapi, line, request).await
}

/// Says what this address is for
#[utoipa::path(get, path = "/webhooks/vapi/{line}", tag = "Webhooks",
    params(("line" = uuid::Uuid, Path, description = "The line.")), responses((status = 200, body = Said)))]
async fn about_vapi(headers: HeaderMap) -> Answer<Json<Said>> {
    about(Hook::Vapi, &headers)
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(take_sms, about_sms))
        .routes(routes!(take_sms_fallback, about_sms_fallback))
        .routes(routes!(take_status, about_status))
        .routes(routes!(take_voice, about_voice))
        .routes(routes!(take_alert, about_alerts))
        .routes(routes!(take_vapi, about_vapi))
}

//! Alerts, and who is told of them.

use super::Answer;
use crate::extract::{Body, Id, Me, Query};
use crate::input::input;
use crate::scalars::{Count, Line, WebAddress};
use crate::site::Site;
use crate::views::Done;
use crate::views::watch::{
    Alert, AlertAnswer, AlertMailAnswer, Alerts, NewWebhookAnswer, WebhookTested, Webhooks,
};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialtone_app::PageRequest;
use dialtone_domain::{AlertId, ExposeSecret, WebhookId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Which alerts.
    AlertsQuery {
        /// Only those that are open.
        open: Option<bool>,
        /// The `next_cursor` of the page before.
        cursor: Option<Line<1, 200>>,
        /// How many items at most; 50 where it is left out.
        limit: Option<Count<100>>,
    }

    /// Whether the caller wants alerts by e-mail.
    AlertMailChange {
        /// Whether they want them.
        wanted: bool,
    }

    /// A web address to add.
    NewWebhook {
        /// The address: public and https, unless the server's operator allows other networks.
        url: WebAddress,
        /// What it is for.
        description: Option<Line<0, 255>>,
    }
}

/// Lists the alerts
#[utoipa::path(get, path = "/api/v1/alerts", tag = "Alerts", params(AlertsQuery),
    responses((status = 200, body = Alerts)))]
async fn alerts(State(site): State<Site>, me: Me, Query(query): Query<AlertsQuery>) -> Answer<Json<Alerts>> {
    let page =
        PageRequest { cursor: query.cursor.map(|cursor| cursor.0), limit: query.limit.map(|limit| limit.0) };
    let page = site.app.alerts(&me.caller, query.open.unwrap_or(false), page).await?;
    let alerts = page.items.into_iter().map(|alert| Alert::of(alert, me.language)).collect();
    Ok(Alerts::json(alerts, page.next_cursor))
}

/// Notes that the caller knows of an alert
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "Alerts",
    params(("id" = uuid::Uuid, Path, description = "The alert.")),
    responses((status = 200, body = AlertAnswer)))]
async fn acknowledge_alert(
    State(site): State<Site>,
    me: Me,
    Id(id): Id<AlertId>,
) -> Answer<Json<AlertAnswer>> {
    let alert = site.app.acknowledge_alert(&me.caller, id).await?;
    Ok(AlertAnswer::json(Alert::of(alert, me.language)))
}

/// Tells whether the caller gets alerts by e-mail
#[utoipa::path(get, path = "/api/v1/alert-mail", tag = "Alerts",
    responses((status = 200, body = AlertMailAnswer)))]
async fn alert_mail(State(site): State<Site>, me: Me) -> Answer<Json<AlertMailAnswer>> {
    Ok(AlertMailAnswer::json(site.app.alert_mail(&me.caller).await?.into()))
}

/// Sets whether the caller gets alerts by e-mail
#[utoipa::path(put, path = "/api/v1/alert-mail", tag = "Alerts", request_body = AlertMailChange,
    responses((status = 200, body = AlertMailAnswer)))]
async fn want_alert_mail(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<AlertMailChange>,
) -> Answer<Json<AlertMailAnswer>> {
    Ok(AlertMailAnswer::json(site.app.want_alert_mail(&me.caller, body.wanted).await?.into()))
}

/// Lists the web addresses that are told of alerts
#[utoipa::path(get, path = "/api/v1/alert-webhooks", tag = "Alerts",
    responses((status = 200, body = Webhooks)))]
async fn webhooks(State(site): State<Site>, me: Me) -> Answer<Json<Webhooks>> {
    let webhooks = site.app.webhooks(&me.caller).await?;
    Ok(Webhooks::json(webhooks.into_iter().map(Into::into).collect(), None))
}

/// Adds a web address; the secret that messages are signed with is shown this once
///
/// Messages are signed as the Standard Webhooks specification has it: `webhook-id`, `webhook-timestamp`,
/// `webhook-signature`. A message keeps its id over all tries; 410 ends them.
#[utoipa::path(post, path = "/api/v1/alert-webhooks", tag = "Alerts", request_body = NewWebhook,
    responses((status = 201, body = NewWebhookAnswer)))]
async fn add_webhook(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<NewWebhook>,
) -> Answer<impl IntoResponse> {
    let description = body.description.map(|text| text.0).unwrap_or_default();
    let new = dialtone_app::NewWebhook { url: body.url.0, description };
    let (webhook, secret) = site.app.add_webhook(&me.caller, new).await?;
    let secret = secret.expose_secret().to_owned();
    Ok((StatusCode::CREATED, NewWebhookAnswer::json(webhook.into(), secret)))
}

/// Removes a web address, with what waits for it
#[utoipa::path(delete, path = "/api/v1/alert-webhooks/{id}", tag = "Alerts",
    params(("id" = uuid::Uuid, Path, description = "The web address.")),
    responses((status = 200, body = Done)))]
async fn remove_webhook(State(site): State<Site>, me: Me, Id(id): Id<WebhookId>) -> Answer<Json<Done>> {
    site.app.remove_webhook(&me.caller, id).await?;
    Ok(Done::json())
}

/// Sends a test message there, now
#[utoipa::path(post, path = "/api/v1/alert-webhooks/{id}/test", tag = "Alerts",
    params(("id" = uuid::Uuid, Path, description = "The web address.")),
    responses((status = 200, body = WebhookTested)))]
async fn test_webhook(
    State(site): State<Site>,
    me: Me,
    Id(id): Id<WebhookId>,
) -> Answer<Json<WebhookTested>> {
    Ok(WebhookTested::json(site.app.test_webhook(&me.caller, id).await?.status))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(alerts))
        .routes(routes!(acknowledge_alert))
        .routes(routes!(alert_mail, want_alert_mail))
        .routes(routes!(webhooks, add_webhook))
        .routes(routes!(remove_webhook))
        .routes(routes!(test_webhook))
}

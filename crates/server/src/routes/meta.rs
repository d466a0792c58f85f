//! The server about itself: whether it lives, whether it is ready, its numbers, its API.

use crate::metrics;
use crate::site::Site;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Whether the server lives or is ready.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` or `failing`.
    status: &'static str,
}

/// Whether the server is ready, check by check.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ok` or `failing`.
    status: &'static str,
    checks: ReadinessChecks,
}

/// What is looked at.
#[derive(Serialize, ToSchema)]
struct ReadinessChecks {
    /// Whether the database answers: `ok` or `failing`.
    database: &'static str,
    /// `failing` once the server was asked to stop: send new requests elsewhere.
    staying: &'static str,
    /// Whether the master key is the one that sealed the saved secrets: `ok` or `sealed`.
    master_key: &'static str,
    /// Whether changes and messages go out: `ok`, or `held_back` after a restore, which keeps nobody from being
    /// served.
    effects: &'static str,
}

/// Says that the process lives
#[utoipa::path(get, path = "/healthz", tag = "Server", responses((status = 200, body = Health)))]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Says whether requests can be served
#[utoipa::path(get, path = "/readyz", tag = "Server",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn readyz(State(site): State<Site>) -> (StatusCode, Json<Readiness>) {
    let word = |good: bool| if good { "ok" } else { "failing" };
    let (database, staying) = (site.app.ready().await.is_ok(), !site.app.is_stopping());
    let open = !site.app.is_sealed();
    let ready = database && staying && open;
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let master_key = if open { "ok" } else { "sealed" };
    let effects = if site.app.is_fenced() { "held_back" } else { "ok" };
    let checks = ReadinessChecks { database: word(database), staying: word(staying), master_key, effects };
    (code, Json(Readiness { status: word(ready), checks }))
}

/// Gives the server's numbers to Prometheus
///
/// With a token of any role, or from this machine.
#[utoipa::path(get, path = "/metrics", tag = "Server",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
async fn metrics(State(site): State<Site>) -> impl IntoResponse {
    // Without the database its numbers stay what they were: the others are wanted all the more.
    let _ = site.app.refresh_metrics().await;
    let stats = site.app.store_stats();
    let store = [
        ("jobs", stats.jobs),
        ("commits", stats.commits),
        ("retries", stats.retries),
        ("refused", stats.refused),
    ];
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], site.metrics.text(&store))
}

/// Gives this document
#[utoipa::path(get, path = "/api/openapi.json", tag = "Server",
    responses((status = 200, body = serde_json::Value)))]
async fn openapi_document() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")],
        crate::openapi::text(),
    )
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .routes(routes!(openapi_document))
}

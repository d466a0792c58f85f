//! This installation, and the fence of a restored backup.

use super::Answer;
use crate::extract::Me;
use crate::site::Site;
use crate::views::instance::InstanceAnswer;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Says which installation this is, and whether it is held back
#[utoipa::path(get, path = "/api/v1/instance", tag = "Server", responses((status = 200, body = InstanceAnswer)))]
async fn instance(State(site): State<Site>) -> Answer<Json<InstanceAnswer>> {
    Ok(InstanceAnswer::json(site.app.instance().await?.into()))
}

/// Lets a restored backup change and send things again
#[utoipa::path(delete, path = "/api/v1/instance/fence", tag = "Server",
    responses((status = 200, body = InstanceAnswer)))]
async fn lift_fence(State(site): State<Site>, me: Me) -> Answer<Json<InstanceAnswer>> {
    Ok(InstanceAnswer::json(site.app.lift_fence(&me.caller).await?.into()))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(instance)).routes(routes!(lift_fence))
}

//! What happens, live.

use super::Answer;
use crate::events::{self, Credentials};
use crate::extract::{Me, Query};
use crate::input::input;
use crate::problem::Failure;
use crate::scalars::Seq;
use crate::site::Site;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::IntoResponse;
use dialtone_domain::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

input! {
    /// Where to begin.
    EventsQuery {
        /// The number of the last event that is known; what came behind it is told first.
        after: Option<Seq>,
    }
}

/// Follows what happens in the organisation
///
/// A stream of server-sent events, resumable by `Last-Event-ID` or `after`; without either it begins now. It ends
/// when the caller may no longer follow it.
#[utoipa::path(get, path = "/api/v1/events", tag = "Events",
    params(EventsQuery, ("Last-Event-ID" = Option<i64>, Header, description = "As `after`; it counts first.")),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
async fn follow_events(
    State(site): State<Site>,
    me: Me,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Answer<impl IntoResponse> {
    let given = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default().trim());
    let resumed = match given {
        Some(text) => {
            let seq = text.parse().ok().filter(|seq: &i64| *seq >= 0);
            Some(seq.ok_or_else(|| Problem::field("Last-Event-ID", "validation.type"))?)
        }
        None => query.after.map(|seq| seq.0),
    };
    // A number from elsewhere, as of the organisation that a browser was in before, may be beyond the last event: the
    // stream would be silent until the events get there.
    let last = site.app.last_event(&me.caller).await?;
    let after = resumed.unwrap_or(last).min(last);
    let stream =
        events::stream(&site, &me.caller, Credentials::of(&headers), after).map_err(Failure::from)?;
    Ok(([(header::CACHE_CONTROL, "no-store")], stream))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default().routes(routes!(follow_events))
}

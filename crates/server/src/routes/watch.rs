//! The watch: its settings, looks, diaries.

use super::{Answer, PageQuery};
use crate::extract::{Body, Me, NamedLine, Query};
use crate::input::input;
use crate::scalars::{Causes, Count};
use crate::site::Site;
use crate::views::lines::{Doctor, DoctorAnswer};
use crate::views::watch::{Diary, Entry, WatchAnswer};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// What to change of the watch; what is left out stays.
    WatchChange {
        /// How often each line is looked at, in minutes; at most once a minute, at least once a day.
        interval_minutes: Option<Count<1440>>,
        /// The causes that are repaired without asking, by name, separated by spaces; an empty text: none.
        repair: Option<Causes>,
    }
}

/// Tells how the lines are watched
#[utoipa::path(get, path = "/api/v1/watch", tag = "Watch", responses((status = 200, body = WatchAnswer)))]
async fn watch(State(site): State<Site>, me: Me) -> Answer<Json<WatchAnswer>> {
    Ok(WatchAnswer::json(site.app.watch(&me.caller).await?.into()))
}

/// Changes how the lines are watched
#[utoipa::path(patch, path = "/api/v1/watch", tag = "Watch", request_body = WatchChange,
    responses((status = 200, body = WatchAnswer)))]
async fn change_watch(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<WatchChange>,
) -> Answer<Json<WatchAnswer>> {
    let change = dialtone_app::WatchChange {
        interval_minutes: body.interval_minutes.map(|minutes| minutes.0.into()),
        repair: body.repair.map(|causes| causes.0),
    };
    Ok(WatchAnswer::json(site.app.change_watch(&me.caller, change).await?.into()))
}

/// Looks at a line at both providers, now
///
/// What is seen is kept: the line's health, its diary and its alerts follow.
#[utoipa::path(post, path = "/api/v1/lines/{line}/look", tag = "Watch",
    params(("line" = String, Path, description = "The line's id, or its number in E.164.")),
    responses((status = 200, body = DoctorAnswer)))]
async fn look_at_line(
    State(site): State<Site>,
    me: Me,
    NamedLine(line): NamedLine,
) -> Answer<Json<DoctorAnswer>> {
    let doctor = site.app.look_at_line(&me.caller, &line).await?;
    Ok(DoctorAnswer::json(Doctor::of(doctor, me.language)))
}

/// Reads a line's diary
///
/// What changed between which two looks, and by whom where that is known.
#[utoipa::path(get, path = "/api/v1/lines/{line}/diary", tag = "Watch",
    params(("line" = String, Path, description = "The line's id, or its number in E.164."), PageQuery),
    responses((status = 200, body = Diary)))]
async fn diary(
    State(site): State<Site>,
    me: Me,
    NamedLine(line): NamedLine,
    Query(page): Query<PageQuery>,
) -> Answer<Json<Diary>> {
    let page = site.app.diary(&me.caller, &line, page.into()).await?;
    let entries = page.items.into_iter().map(|entry| Entry::of(entry, me.language)).collect();
    Ok(Diary::json(entries, page.next_cursor))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(watch, change_watch))
        .routes(routes!(look_at_line))
        .routes(routes!(diary))
}

//! The tape: what providers sent, why some of it was refused, and trying it again.

use super::{Answer, PageQuery};
use crate::extract::{Body, Id, Me, Query};
use crate::input::input;
use crate::scalars::{Count, Line, Moment};
use crate::site::Site;
use crate::views::tape::{Entry, EntryAnswer, Replayed, Tape, TapeSettings};
use axum::Json;
use axum::extract::State;
use dialtone_app::{LineRef, TapeFilter, TapeOutcome};
use dialtone_domain::inbound::Hook;
use dialtone_domain::{Provider, TapeId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Which requests.
    TapeQuery {
        /// Not before this time.
        from: Option<Moment>,
        /// Before this time.
        to: Option<Moment>,
        /// Only for this line: its id, or its number in E.164.
        line: Option<Line<1, 40>>,
        /// Only from this provider.
        provider: Option<Provider>,
        /// Only to this address.
        route: Option<Hook>,
        /// Only with this outcome.
        outcome: Option<TapeOutcome>,
        /// Only with this text in `about`.
        text: Option<Line<1, 100>>,
        /// The `next_cursor` of the page before.
        cursor: Option<Line<1, 200>>,
        /// How many items at most; 50 where it is left out.
        limit: Option<Count<100>>,
    }

    /// How long requests are kept.
    TapeSettingsBody {
        /// For so many days.
        days: Count<3650>,
    }
}

/// Lists what providers sent, the newest first
///
/// Refused requests are among them, each with the reason and what to do.
#[utoipa::path(get, path = "/api/v1/tape", tag = "Tape", params(TapeQuery), responses((status = 200, body = Tape)))]
async fn tape(State(site): State<Site>, me: Me, Query(query): Query<TapeQuery>) -> Answer<Json<Tape>> {
    let TapeQuery { from, to, line, provider, route, outcome, text, cursor, limit } = query;
    let line = line.map(|line| LineRef::parse(&line.0, me.caller.organisation.country)).transpose()?;
    let (from, to) = (from.map(|from| from.0), to.map(|to| to.0));
    let text = text.map(|text| text.0);
    let filter = TapeFilter { from, to, line: None, provider, hook: route, outcome, text };
    let page = PageQuery { cursor, limit }.into();
    let page = site.app.tape(&me.caller, filter, line.as_ref(), page).await?;
    let entries = page.items.into_iter().map(|taped| Entry::of(taped, None, me.language));
    Ok(Tape::json(entries.collect(), page.next_cursor))
}

/// Gives one request in outline
#[utoipa::path(get, path = "/api/v1/tape/{id}", tag = "Tape",
    params(("id" = uuid::Uuid, Path, description = "The request.")),
    responses((status = 200, body = EntryAnswer)))]
async fn taped(State(site): State<Site>, me: Me, Id(id): Id<TapeId>) -> Answer<Json<EntryAnswer>> {
    let taped = site.app.taped(&me.caller, id).await?;
    Ok(EntryAnswer::json(Entry::of(taped, None, me.language)))
}

/// Opens one request
///
/// Gives it with its text, which may hold what people wrote: it is recorded who looked.
#[utoipa::path(post, path = "/api/v1/tape/{id}/open", tag = "Tape",
    params(("id" = uuid::Uuid, Path, description = "The request.")),
    responses((status = 200, body = EntryAnswer)))]
async fn open_taped(State(site): State<Site>, me: Me, Id(id): Id<TapeId>) -> Answer<Json<EntryAnswer>> {
    let (taped, opened) = site.app.open_tape(&me.caller, id).await?;
    Ok(EntryAnswer::json(Entry::of(taped, opened, me.language)))
}

/// Verifies a request again
///
/// One that was refused has its effect if it is believed now; one that was believed has none again.
#[utoipa::path(post, path = "/api/v1/tape/{id}/replay", tag = "Tape",
    params(("id" = uuid::Uuid, Path, description = "The request.")),
    responses((status = 200, body = Replayed)))]
async fn replay(State(site): State<Site>, me: Me, Id(id): Id<TapeId>) -> Answer<Json<Replayed>> {
    let replay = site.app.replay(&me.caller, id).await?;
    Ok(Replayed::json(replay.is_news, Entry::of(replay.taped, None, me.language)))
}

/// Tells how long requests are kept
#[utoipa::path(get, path = "/api/v1/tape-settings", tag = "Tape", responses((status = 200, body = TapeSettings)))]
async fn tape_settings(State(site): State<Site>, me: Me) -> Answer<Json<TapeSettings>> {
    Ok(TapeSettings::json(site.app.tape_days(&me.caller).await?))
}

/// Chooses how long requests are kept
#[utoipa::path(put, path = "/api/v1/tape-settings", tag = "Tape", request_body = TapeSettingsBody,
    responses((status = 200, body = TapeSettings)))]
async fn change_tape_settings(
    State(site): State<Site>,
    me: Me,
    Body(body): Body<TapeSettingsBody>,
) -> Answer<Json<TapeSettings>> {
    let days = i64::from(body.days.0);
    site.app.set_tape_days(&me.caller, days).await?;
    Ok(TapeSettings::json(days))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(tape))
        .routes(routes!(taped))
        .routes(routes!(open_taped))
        .routes(routes!(replay))
        .routes(routes!(tape_settings, change_tape_settings))
}

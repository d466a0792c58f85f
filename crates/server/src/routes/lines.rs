//! Lines: what they are, what is wrong with them, mending them.

use super::{Answer, PageQuery, ended};
use crate::extract::{Body, Me, NamedLine, Query};
use crate::input::input;
use crate::scalars::{self, Prose, Secret, WebAddress};
use crate::site::Site;
use crate::views::lines::{
    Doctor, DoctorAnswer, LineAnswer, LineChanged, LineRemoved, Lines, RepairAnswer, checks_of,
};
use crate::views::operations::Operation;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use dialtone_app::Started;
use dialtone_domain::AssistantId;
use dialtone_domain::line::SmsOwner;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// What to change of a line; what is left out stays.
    LineChange {
        /// Its name.
        friendly_name: Option<scalars::Line<1, 255>>,
        /// Notes about it.
        notes: Option<Prose<5000>>,
        /// The assistant that answers; null or empty: none.
        assistant_id: Option<Option<AssistantId>>,
        /// Who answers texts.
        sms_owner: Option<SmsOwner>,
        /// Where the line's events go; null: nowhere.
        server_url: Option<Option<WebAddress>>,
        /// A secret that goes with these events.
        server_secret: Option<Secret<1, 500>>,
    }

    /// The line's number, typed again.
    RemoveQuery {
        /// The number in E.164; without it nothing is removed.
        confirm: Option<scalars::Line<1, 40>>,
        /// Only forget the line here, where its credentials work no more; nothing is changed at Twilio or Vapi.
        forget: Option<bool>,
    }

    /// How to repair.
    RepairBody {
        /// Only tell what would change.
        dry_run: Option<bool>,
        /// The assistant to link; left out: the line's own, the default one, else the first there is.
        assistant_id: Option<AssistantId>,
    }
}

/// Lists the lines
#[utoipa::path(get, path = "/api/v1/lines", tag = "Lines", params(PageQuery),
    responses((status = 200, body = Lines)))]
async fn lines(State(site): State<Site>, me: Me, Query(page): Query<PageQuery>) -> Answer<Json<Lines>> {
    let page = site.app.lines(&me.caller, page.into()).await?;
    Ok(Lines::json(page.items.into_iter().map(Into::into).collect(), page.next_cursor))
}

/// Gives a line as it was at the last look
#[utoipa::path(get, path = "/api/v1/lines/{line}", tag = "Lines",
    params(("line" = String, Path, description = "The line's id, or its number in E.164.")),
    responses((status = 200, body = LineAnswer)))]
async fn line(State(site): State<Site>, me: Me, NamedLine(line): NamedLine) -> Answer<Json<LineAnswer>> {
    let detail = site.app.line(&me.caller, &line).await?;
    let operations = detail.operations.into_iter().map(|operation| Operation::of(operation, me.language));
    let checks = checks_of(detail.checks, me.language);
    Ok(LineAnswer::json(detail.line.into(), checks, operations.collect()))
}

/// Changes a line
///
/// What has to change at the providers is done by an operation.
#[utoipa::path(patch, path = "/api/v1/lines/{line}", tag = "Lines", request_body = LineChange,
    params(("line" = String, Path, description = "The line's id, or its number in E.164.")),
    responses((status = 200, body = LineChanged)))]
async fn change_line(
    State(site): State<Site>,
    me: Me,
    NamedLine(line): NamedLine,
    Body(body): Body<LineChange>,
) -> Answer<Json<LineChanged>> {
    let change = dialtone_app::LineChange {
        friendly_name: body.friendly_name.map(|name| name.0),
        notes: body.notes.map(|notes| notes.0),
        assistant_id: body.assistant_id,
        sms_owner: body.sms_owner,
        server_url: body.server_url.map(|url| url.map(|url| url.0)),
        server_secret: body.server_secret.map(|secret| secret.0),
    };
    let (line, operation) = site.app.change_line(&me.caller, &line, change).await?;
    let operation = operation.map(|operation| Operation::of(operation, me.language));
    Ok(LineChanged::json(line.into(), operation))
}

/// Removes a line
///
/// Its number is taken out of Vapi, and Twilio's old routing is put back.
#[utoipa::path(delete, path = "/api/v1/lines/{line}", tag = "Lines",
    params(("line" = String, Path, description = "The line's id, or its number in E.164."), RemoveQuery),
    responses((status = 200, body = LineRemoved)))]
async fn remove_line(
    State(site): State<Site>,
    me: Me,
    NamedLine(line): NamedLine,
    Query(query): Query<RemoveQuery>,
) -> Answer<Json<LineRemoved>> {
    let confirm = query.confirm.as_ref().map(|confirm| confirm.0.as_str());
    let forget = query.forget.unwrap_or(false);
    let operation = site.app.remove_line(&me.caller, &line, confirm, forget).await?;
    Ok(LineRemoved::json(operation.map(|operation| Operation::of(operation, me.language))))
}

/// Checks a number at both providers, now
///
/// Works also for a number that is no line yet.
#[utoipa::path(get, path = "/api/v1/lines/{line}/checks", tag = "Lines",
    params(("line" = String, Path, description = "The line's id, or a number in E.164.")),
    responses((status = 200, body = DoctorAnswer)))]
async fn check_line(
    State(site): State<Site>,
    me: Me,
    NamedLine(line): NamedLine,
) -> Answer<Json<DoctorAnswer>> {
    let doctor = site.app.doctor(&me.caller, &line, None).await?;
    Ok(DoctorAnswer::json(Doctor::of(doctor, me.language)))
}

/// Repairs a number, or tells what a repair would change
#[utoipa::path(post, path = "/api/v1/lines/{line}/repair", tag = "Lines", request_body = RepairBody,
    params(("line" = String, Path, description = "The line's id, or a number in E.164.")),
    responses(
        (status = 200, body = RepairAnswer),
        (status = 202, description = "It takes longer.", body = RepairAnswer)))]
async fn repair_line(
    State(site): State<Site>,
    me: Me,
    NamedLine(line): NamedLine,
    Body(body): Body<RepairBody>,
) -> Answer<impl IntoResponse> {
    let dry_run = body.dry_run.unwrap_or(false);
    let (operation, doctor) = match dry_run {
        true => (None, Some(site.app.doctor(&me.caller, &line, body.assistant_id).await?)),
        false => match site.app.repair(&me.caller, &line, body.assistant_id).await? {
            Started::Finished((operation, doctor)) => (Some(operation), Some(doctor)),
            Started::Running(operation) => (Some(*operation), None),
        },
    };
    let operation = operation.map(|operation| Operation::of(operation, me.language));
    let doctor = doctor.map(|doctor| Doctor::of(doctor, me.language));
    Ok((ended(doctor.is_some()), RepairAnswer::json(dry_run, operation, doctor)))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(lines))
        .routes(routes!(line, change_line, remove_line))
        .routes(routes!(check_line))
        .routes(routes!(repair_line))
}

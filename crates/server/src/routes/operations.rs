//! What was done to lines, and undoing it.

use super::{Answer, ended};
use crate::extract::{Id, Me, Query};
use crate::input::input;
use crate::problem::Failure;
use crate::scalars::{Count, Line};
use crate::site::Site;
use crate::views::operations::{Operation, OperationAnswer, Operations};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use dialtone_app::{LineRef, PageRequest, Started};
use dialtone_domain::OperationId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

input! {
    /// Which operations.
    OperationsQuery {
        /// Only those of this line: its id, or its number in E.164.
        line: Option<Line<1, 40>>,
        /// The `next_cursor` of the page before.
        cursor: Option<Line<1, 200>>,
        /// How many items at most; 50 where it is left out.
        limit: Option<Count<100>>,
    }
}

/// Lists the operations
#[utoipa::path(get, path = "/api/v1/operations", tag = "Operations", params(OperationsQuery),
    responses((status = 200, body = Operations)))]
async fn operations(
    State(site): State<Site>,
    me: Me,
    Query(query): Query<OperationsQuery>,
) -> Answer<Json<Operations>> {
    let line = query.line.map(|line| LineRef::parse(&line.0, me.caller.organisation.country)).transpose()?;
    let page = PageRequest::from(super::PageQuery { cursor: query.cursor, limit: query.limit });
    let page = site.app.operations(&me.caller, line.as_ref(), page).await?;
    let operations = page.items.into_iter().map(|operation| Operation::of(operation, me.language));
    Ok(Operations::json(operations.collect(), page.next_cursor))
}

/// Gives an operation
#[utoipa::path(get, path = "/api/v1/operations/{id}", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "The operation.")),
    responses((status = 200, body = OperationAnswer)))]
async fn operation(
    State(site): State<Site>,
    me: Me,
    Id(id): Id<OperationId>,
) -> Answer<Json<OperationAnswer>> {
    let operation = site.app.operation(&me.caller, id).await?;
    Ok(OperationAnswer::json(Operation::of(operation, me.language)))
}

/// Undoes an operation
///
/// By another one, which puts back what was before.
#[utoipa::path(post, path = "/api/v1/operations/{id}/undo", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "The operation.")),
    responses(
        (status = 200, body = OperationAnswer),
        (status = 202, description = "It takes longer.", body = OperationAnswer)))]
async fn undo_operation(
    State(site): State<Site>,
    me: Me,
    Id(id): Id<OperationId>,
) -> Result<impl IntoResponse, Failure> {
    let (over, operation) = match site.app.undo(&me.caller, id).await? {
        Started::Finished(operation) => (true, operation),
        Started::Running(operation) => (false, *operation),
    };
    Ok((ended(over), OperationAnswer::json(Operation::of(operation, me.language))))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(operations))
        .routes(routes!(operation))
        .routes(routes!(undo_operation))
}

//! The handlers, by resource: each parses, calls one use case of the application and wraps what it gives.

mod account;
mod alerts;
mod assistants;
mod audit;
mod events;
mod factors;
mod instance;
mod invitations;
mod lines;
mod members;
mod meta;
mod numbers;
mod operations;
mod organisation;
mod session;
mod sessions;
mod settings;
mod setup;
mod sign_in;
mod tape;
mod tokens;
mod watch;
mod webhooks;

use crate::input::input;
use crate::problem::Failure;
use crate::scalars::{Count, Line};
use crate::site::Site;
use axum::http::StatusCode;
use dialtone_app::PageRequest;
use utoipa_axum::router::OpenApiRouter;

/// What a handler answers.
pub(crate) type Answer<T> = Result<T, Failure>;

input! {
    /// Which page of a list.
    PageQuery {
        /// The `next_cursor` of the page before.
        cursor: Option<Line<1, 200>>,
        /// How many items at most; 50 where it is left out.
        limit: Option<Count<100>>,
    }
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { cursor: query.cursor.map(|cursor| cursor.0), limit: query.limit.map(|limit| limit.0) }
    }
}

/// The status of an operation that has ended in time, or goes on.
fn ended(is_over: bool) -> StatusCode {
    if is_over { StatusCode::OK } else { StatusCode::ACCEPTED }
}

/// All routes with their documentation.
pub(crate) fn all() -> OpenApiRouter<Site> {
    [
        meta::routes(),
        setup::routes(),
        sign_in::routes(),
        session::routes(),
        sessions::routes(),
        account::routes(),
        factors::routes(),
        organisation::routes(),
        instance::routes(),
        members::routes(),
        invitations::routes(),
        tokens::routes(),
        settings::routes(),
        assistants::routes(),
        numbers::routes(),
        lines::routes(),
        operations::routes(),
        watch::routes(),
        alerts::routes(),
        events::routes(),
        audit::routes(),
        tape::routes(),
        webhooks::routes(),
    ]
    .into_iter()
    .fold(OpenApiRouter::default(), OpenApiRouter::merge)
}

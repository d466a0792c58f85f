//! Routes and layers put together.

use crate::access;
use crate::headers;
use crate::openapi;
use crate::problem::{self, Failure};
use crate::routes;
use crate::site::Site;
use crate::trace;
use crate::web;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use dialtone_domain::Code;
use std::any::Any;
use std::io;
use tower_http::catch_panic::CatchPanicLayer;

/// The whole server as a service.
///
/// # Errors
/// A route without a row in the access table, or a row without a route.
pub(crate) fn build(site: &Site) -> io::Result<Router> {
    let (router, document) = routes::all().split_for_parts();
    openapi::compare(&document).map_err(|openapi::Mismatch(alone)| {
        io::Error::other(format!("routes and access table do not fit: {}", alone.join(", ")))
    })?;
    // The first layer added is the innermost.
    Ok(router
        .route_layer(from_fn_with_state(site.clone(), access::guard))
        .fallback(web::serve)
        .method_not_allowed_fallback(async || Failure::from(Code::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(headers::uncompressed))
        .layer(from_fn_with_state(site.clone(), problem::render))
        .layer(from_fn_with_state(site.clone(), headers::secure))
        .layer(from_fn_with_state(site.clone(), trace::observe))
        .with_state(site.clone()))
}

/// A defect: the panic's text goes to the log (the hook wrote it), never to the caller.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure::from(Code::Internal).into_response()
}

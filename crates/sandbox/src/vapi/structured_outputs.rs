//! Structured outputs: what is to be read out of a conversation ([S]).

use hyper::Method;
use serde_json::json;

use super::errors::Problem;
use super::resources::{Kind, create, delete, fetch, update};
use super::{Answer, Ctx, Org, Route, lists, validate};
use crate::http::{Object, text};
use crate::rows::Rows;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "structured-output", create::<Outputs>),
    (Method::GET, "structured-output", page),
    (Method::GET, "structured-output/{}", fetch::<Outputs>),
    (Method::PATCH, "structured-output/{}", update::<Outputs>),
    (Method::DELETE, "structured-output/{}", delete::<Outputs>),
];

struct Outputs;

impl Kind for Outputs {
    fn rows(org: &Org) -> &Rows {
        &org.structured_outputs
    }

    fn rows_mut(org: &mut Org) -> &mut Rows {
        &mut org.structured_outputs
    }

    fn check_new(body: &Object) -> Result<(), Problem> {
        validate::check("CreateStructuredOutputDTO", body)
    }

    fn check_change(_: &Object, body: &Object) -> Result<(), Problem> {
        validate::check("UpdateStructuredOutputDTO", body)
    }

    fn finish(object: &mut Object) {
        object.entry("type").or_insert(json!("ai"));
    }
}

/// `GET /structured-output`: a page, by id and name ([S]).
fn page(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = ["id", "name"].map(|field| (field, ctx.query.filled(field)));
    let wanted = |object: &&Object| {
        filters.iter().all(|(field, value)| value.is_none_or(|value| text(object, field) == Some(value)))
    };
    lists::page(&ctx.query, ctx.org().structured_outputs.iter().filter(wanted), &[])
}

//! The org itself: `/org` was in an older, fuller description; whether it still answers is [?] (V1).

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Org, Route, validate};
use crate::clock::millis;
use crate::http::Object;

/// Where it answers.
pub(crate) const ROUTES: &[Route] =
    &[(Method::GET, "org", list), (Method::GET, "org/{}", fetch), (Method::PATCH, "org/{}", update)];

/// `GET /org`: a key belongs to one org.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(json!([shown(ctx.org())]).into())
}

/// `GET /org/{id}`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own(ctx)?;
    Ok(shown(ctx.org()).into())
}

/// `PATCH /org/{id}`: also how the org gets its server URL, the last resort for messages (V9.1 [S]).
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own(ctx)?;
    validate::check("UpdateOrgDTO", &ctx.body)?;
    let (mut body, now) = (ctx.body.clone(), millis(ctx.world.clock.now()));
    let org = ctx.org_mut();
    if let Some(server) = body.remove("server") {
        org.subscription.server = Some(server).filter(|server| !server.is_null());
    }
    if let Some(Value::String(name)) = body.remove("name") {
        org.name = name;
    }
    org.profile.extend(body);
    org.profile.insert("updatedAt".to_owned(), json!(now));
    Ok(shown(org).into())
}

fn own(ctx: &Ctx<'_>) -> Result<(), Problem> {
    if ctx.id == ctx.org().id { Ok(()) } else { Err(Problem::not_found()) }
}

fn shown(org: &Org) -> Object {
    let mut shown = org.profile.clone();
    shown.insert("id".to_owned(), json!(org.id));
    shown.insert("name".to_owned(), json!(org.name));
    if let Some(server) = &org.subscription.server {
        shown.insert("server".to_owned(), server.clone());
    }
    shown
}

//! What is stored as it is sent and has nothing to do with other services: five routes for each kind.

use serde_json::Value;

use super::errors::Problem;
use super::{Answer, Ctx, Org, lists};
use crate::http::Object;
use crate::rows::Rows;

/// A kind of resource.
pub(crate) trait Kind {
    fn rows(org: &Org) -> &Rows;
    fn rows_mut(org: &mut Org) -> &mut Rows;

    /// What is wrong with the body of a POST.
    fn check_new(body: &Object) -> Result<(), Problem>;

    /// What is wrong with the body of a PATCH for the one found.
    fn check_change(found: &Object, body: &Object) -> Result<(), Problem>;

    /// The last touch before one is stored, new or changed.
    fn finish(_: &mut Object) {}

    /// What keeps one from being deleted.
    fn may_go(_: &Org, _id: &str) -> Result<(), Problem> {
        Ok(())
    }

    /// Takes away what answers do not contain.
    fn hide(_: &mut Object) {}
}

fn shown<K: Kind>(mut object: Object) -> Answer {
    K::hide(&mut object);
    object.into()
}

/// `POST /{kind}`.
pub(crate) fn create<K: Kind>(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    K::check_new(&ctx.body)?;
    let mut object = ctx.created(ctx.body.clone());
    K::finish(&mut object);
    K::rows_mut(ctx.org_mut()).put(object.clone());
    Ok(shown::<K>(object))
}

/// `GET /{kind}`: a v1 list; `idAny` keeps the ids named, where the description has it.
pub(crate) fn list<K: Kind>(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let any = ctx.query.filled("idAny");
    let wanted = |object: &&Object| {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        any.is_none_or(|any| any.split(',').any(|wanted| wanted == id))
    };
    Ok(lists::array(&ctx.query, K::rows(ctx.org()).iter().filter(wanted))?.each(K::hide))
}

/// `GET /{kind}/{id}`.
pub(crate) fn fetch<K: Kind>(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(shown::<K>(ctx.find(K::rows(ctx.org()))?.clone()))
}

/// `PATCH /{kind}/{id}`: shallow.
pub(crate) fn update<K: Kind>(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(K::rows(ctx.org()))?.clone();
    K::check_change(&found, &ctx.body)?;
    let mut object = ctx.merged(found);
    K::finish(&mut object);
    K::rows_mut(ctx.org_mut()).put(object.clone());
    Ok(shown::<K>(object))
}

/// `DELETE /{kind}/{id}` answers what was there (V3.2 [S]).
pub(crate) fn delete<K: Kind>(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(K::rows(ctx.org()))?.clone();
    K::may_go(ctx.org(), &ctx.id)?;
    let id = ctx.id.clone();
    K::rows_mut(ctx.org_mut()).remove(&id);
    Ok(shown::<K>(found))
}

//! TwiML applications: a voice URL that numbers share (T6 [S]).

use hyper::Method;
use serde_json::json;

use super::errors::Problem;
use super::params::{self, CALL_HANDLING, Kind, Param, Unset, param};
use super::{Answer, Ctx, Route, paging};
use crate::clock::rfc2822;
use crate::http::{Object, text};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Accounts/{}/Applications",
        area: "applications",
        methods: &[(Method::GET, list), (Method::POST, create)],
    },
    Route {
        pattern: "Accounts/{}/Applications/{}",
        area: "applications",
        methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
    },
];

/// Parameters that only applications have [S].
const APPLICATION: &[Param] = &[
    param("FriendlyName", "friendly_name", Kind::Text(64), Unset::Empty),
    param("SmsStatusCallback", "sms_status_callback", Kind::Url, Unset::Null),
    param("MessageStatusCallback", "message_status_callback", Kind::Url, Unset::Null),
    param("PublicApplicationConnectEnabled", "public_application_connect_enabled", Kind::Bool, Unset::Null),
];

const TABLES: &[&[Param]] = &[CALL_HANDLING, APPLICATION];

/// `GET …/Applications.json`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let name = ctx.query.filled("FriendlyName");
    let wanted = |object: &&Object| {
        ctx.owns(object) && name.is_none_or(|name| text(object, "friendly_name") == Some(name))
    };
    let items = ctx.world.twilio.applications.iter().rev().filter(wanted);
    paging::relative(ctx, "applications", "Application", items)
}

/// `POST …/Applications.json`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = ctx.world.ids.sid("AP");
    let now = rfc2822(ctx.world.clock.now());
    let uri = format!("/2010-04-01/Accounts/{}/Applications/{sid}.json", ctx.account);
    let mut application = params::blank(TABLES);
    application.insert("sid".to_owned(), json!(sid));
    application.insert("account_sid".to_owned(), json!(ctx.account));
    application.insert("api_version".to_owned(), json!("2010-04-01"));
    application.insert("uri".to_owned(), json!(uri));
    application.insert("date_created".to_owned(), json!(now));
    application.insert("date_updated".to_owned(), json!(now));
    params::apply(TABLES, &ctx.form, &mut application)?;
    params::check_fallbacks(&ctx.form, &application)?;
    ctx.world.twilio.applications.put(application.clone());
    Ok(Answer::item(201, "Application", application))
}

/// `GET …/Applications/{AP}.json`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.own(&ctx.world.twilio.applications)?.clone();
    Ok(Answer::item(200, "Application", found))
}

/// `POST …/Applications/{AP}.json`.
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut application = ctx.own(&ctx.world.twilio.applications)?.clone();
    params::apply(TABLES, &ctx.form, &mut application)?;
    params::check_fallbacks(&ctx.form, &application)?;
    application.insert("date_updated".to_owned(), json!(rfc2822(ctx.world.clock.now())));
    ctx.world.twilio.applications.put(application.clone());
    Ok(Answer::item(200, "Application", application))
}

/// `DELETE …/Applications/{AP}.json`. Numbers keep pointing at it [?]: their calls find no URL.
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.applications)?;
    ctx.world.twilio.applications.remove(&ctx.ids[0]);
    Ok(Answer::deleted())
}

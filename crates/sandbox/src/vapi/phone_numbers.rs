//! Phone numbers (V5): provider `twilio` only, so far.

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::import::{self, Urls};
use super::{Answer, Ctx, Org, Route, lists, validate};
use crate::http::{Object, text};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "phone-number", create),
    (Method::GET, "phone-number", list),
    (Method::GET, "v2/phone-number", page),
    (Method::GET, "phone-number/{}", fetch),
    (Method::PATCH, "phone-number/{}", update),
    (Method::DELETE, "phone-number/{}", delete),
];

/// Rows on the wire carry these beside the schema's fields, mostly null (V5.4 [W]).
const LEGACY_NULLS: [&str; 14] = [
    "assistantId",
    "squadId",
    "workflowId",
    "name",
    "stripeSubscriptionId",
    "stripeSubscriptionStatus",
    "stripeSubscriptionCurrentPeriodStart",
    "twilioOutgoingCallerId",
    "fallbackForwardingPhoneNumber",
    "credentialId",
    "credentialIds",
    "providerResourceId",
    "serverUrl",
    "serverUrlSecret",
];

/// `POST /phone-number`: import from Twilio. The order of the checks is V14.2's [?].
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("CreateTwilioPhoneNumberDTO", &ctx.body)?;
    check_links(ctx)?;
    let body = ctx.body.clone();
    import::check(ctx.world, &body)?;
    check_unused(ctx)?;
    let mut object: Object = LEGACY_NULLS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    object.insert("useClusterSip".to_owned(), json!(false));
    object.insert("smsEnabled".to_owned(), json!(true));
    object.insert("status".to_owned(), json!("active"));
    // The answer contains the Twilio credentials in clear (V5.4 [W]).
    object.extend(body);
    let object = ctx.created(object);
    let sms = object.get("smsEnabled") != Some(&json!(false));
    import::write_urls(ctx.world, &object, Urls { voice: true, sms });
    ctx.org_mut().phone_numbers.put(object.clone());
    Ok(object.into())
}

/// `GET /phone-number`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    lists::array(&ctx.query, ctx.org().phone_numbers.iter())
}

/// `GET /v2/phone-number`: `search` looks at name, number and SIP URI (V4 [S]).
pub(crate) fn page(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    lists::page(&ctx.query, ctx.org().phone_numbers.iter(), &["name", "number", "sipUri"])
}

/// `GET /phone-number/{id}`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(ctx.find(&ctx.org().phone_numbers)?.clone().into())
}

/// `PATCH /phone-number/{id}`: `assistantId: null` unlinks (V5.5 [D]); new Twilio credentials are stored as
/// they come, which is how a rotated token is repaired (V5.5 [W]); `smsEnabled: true` writes the messaging
/// URL at Twilio again (V5.5 [D]), false restores nothing (V15.3 [?]).
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().phone_numbers)?.clone();
    validate::check("UpdateTwilioPhoneNumberDTO", &ctx.body)?;
    check_links(ctx)?;
    let object = ctx.merged(found);
    if ctx.body.get("smsEnabled") == Some(&json!(true)) {
        import::check(ctx.world, &object)?;
        import::write_urls(ctx.world, &object, Urls { voice: false, sms: true });
    }
    ctx.org_mut().phone_numbers.put(object.clone());
    Ok(object.into())
}

/// `DELETE /phone-number/{id}`: Twilio's URLs stay as they are (V5.5 [R]).
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().phone_numbers)?.clone();
    let id = ctx.id.clone();
    ctx.org_mut().phone_numbers.remove(&id);
    Ok(found.into())
}

/// References must exist. That numbers are checked like calls are (V3.3 [W]) is [?]. This sandbox has no
/// squads and no workflows.
fn check_links(ctx: &Ctx<'_>) -> Result<(), Problem> {
    let missing = |what: &str, field: &str, id: &str| {
        Err(Problem::refused(format!("Couldn't Get {what}. `{field}` {id} Does Not Exist.")))
    };
    if let Some(id) = text(&ctx.body, "assistantId").filter(|id| ctx.org().assistant(id).is_none()) {
        return missing("Assistant", "assistantId", id);
    }
    for (what, field) in [("Squad", "squadId"), ("Workflow", "workflowId")] {
        if let Some(id) = text(&ctx.body, field) {
            return missing(what, field, id);
        }
    }
    Ok(())
}

/// A number is imported once: the id of the existing one is only inside the sentence (V0.3, V3.3 [W]).
fn check_unused(ctx: &Ctx<'_>) -> Result<(), Problem> {
    let (number, account) = (text(&ctx.body, "number"), text(&ctx.body, "twilioAccountSid"));
    let same = |object: &&Object| text(object, "number") == number;
    let in_org = |org: &Org| org.phone_numbers.iter().find(same).cloned();
    let shown = number.unwrap_or_default();
    match in_org(ctx.org()) {
        Some(existing) if text(&existing, "twilioAccountSid") == account => Err(Problem::refused(format!(
            "Existing Phone Number {} Has Identical `twilioAccountSid` {} and `number` {shown}.",
            text(&existing, "id").unwrap_or_default(),
            account.unwrap_or_default(),
        ))),
        // "Some saw it for their own org" (V3.3 [W]): here, when the account differs [?].
        Some(_) => Err(Problem::refused(format!("Phone number {shown} already in use by another org."))),
        None if ctx.world.vapi.orgs.iter().any(|org| in_org(org).is_some()) => {
            Err(Problem::refused(format!("Phone number {shown} already in use by another org.")))
        }
        None => Ok(()),
    }
}

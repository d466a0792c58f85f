//! Phone numbers of the five providers (V5), told apart by `provider`.

mod free;
mod import;
mod sources;

use std::sync::LazyLock;

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::validate::{self, Union};
use super::{Answer, Ctx, Route, lists};
use crate::http::text;
use crate::settings::Settings;
pub(crate) use free::activate;
use import::Urls;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "phone-number", create),
    (Method::POST, "phone-number/import/twilio", create_as_before),
    (Method::GET, "phone-number", list),
    (Method::GET, "v2/phone-number", page),
    (Method::GET, "phone-number/{}", fetch),
    (Method::PATCH, "phone-number/{}", update),
    (Method::DELETE, "phone-number/{}", delete),
];

static PROVIDERS: LazyLock<Union> = LazyLock::new(|| Union::new("PhoneNumberDTO", "provider"));

/// Rows of imported numbers carry these beside the schema's fields, mostly null (V5.4 [W]); those of other
/// providers leave them out here. Clients must take null and absent for the same.
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

const SECRETS: [&str; 3] = ["twilioAuthToken", "twilioApiKey", "twilioApiSecret"];

/// What else may point at who answers, and how a missing one is named. Workflows are gone (V1).
const LINKS: [(&str, &str); 3] =
    [("Assistant", "assistantId"), ("Squad", "squadId"), ("Workflow", "workflowId")];

/// `POST /phone-number`.
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    PROVIDERS.check_new(&ctx.body)?;
    check_links(ctx)?;
    let body = ctx.body.clone();
    let object = match text(&body, "provider").unwrap_or_default() {
        "twilio" => sources::twilio(ctx, body)?,
        "vapi" => free::number(ctx, body)?,
        "byo-phone-number" => sources::trunk(ctx, body)?,
        carrier => sources::carrier(ctx, carrier, body.clone())?,
    };
    let object = ctx.created(object);
    if text(&object, "provider") == Some("twilio") {
        let sms = object.get("smsEnabled") != Some(&json!(false));
        import::write_urls(ctx, &object, Urls { voice: true, sms });
    }
    if text(&object, "status") == Some("activating") {
        free::activate_later(ctx, &object);
    }
    ctx.org_mut().phone_numbers.put(object.clone());
    Ok(shown(ctx, object.into()))
}

/// `POST /phone-number/import/twilio`: the older form, `twilioPhoneNumber` instead of `number`. Whether it
/// still answers is [?] (V1).
fn create_as_before(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("ImportTwilioPhoneNumberDTO", &ctx.body)?;
    let number = ctx.body.remove("twilioPhoneNumber").unwrap_or_default();
    ctx.body.insert("number".to_owned(), number);
    ctx.body.insert("provider".to_owned(), json!("twilio"));
    create(ctx)
}

/// `GET /phone-number`.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let list = lists::array(&ctx.query, ctx.org().phone_numbers.iter())?;
    Ok(shown(ctx, list))
}

/// `GET /v2/phone-number`: `search` looks at name, number and SIP URI (V4 [S]).
fn page(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let page = lists::page(&ctx.query, ctx.org().phone_numbers.iter(), &["name", "number", "sipUri"])?;
    Ok(shown(ctx, page))
}

/// `GET /phone-number/{id}`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().phone_numbers)?.clone();
    Ok(shown(ctx, found.into()))
}

/// `PATCH /phone-number/{id}`: `assistantId: null` unlinks (V5.5 [D]); new Twilio credentials are stored as
/// they come, which is how a rotated token is repaired (V5.5 [W]); `smsEnabled: true` writes the messaging
/// URL at Twilio again (V5.5 [D]), false restores nothing (V15.3 [?]).
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().phone_numbers)?.clone();
    PROVIDERS.check_change(&found, &ctx.body)?;
    check_links(ctx)?;
    let object = ctx.merged(found);
    match text(&object, "provider").unwrap_or_default() {
        "twilio" if ctx.body.get("smsEnabled") == Some(&json!(true)) => {
            import::check(ctx.world, &object, "Update")?;
            import::write_urls(ctx, &object, Urls { voice: false, sms: true });
        }
        "twilio" => {}
        "vapi" => free::check_change(ctx)?,
        "byo-phone-number" => sources::check_trunk(ctx, &object)?,
        carrier => sources::check_carrier(ctx, carrier, &object)?,
    }
    ctx.org_mut().phone_numbers.put(object.clone());
    Ok(shown(ctx, object.into()))
}

/// `DELETE /phone-number/{id}`: Twilio's URLs stay as they are (V5.5 [R]).
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().phone_numbers)?.clone();
    let id = ctx.id.clone();
    ctx.org_mut().phone_numbers.remove(&id);
    Ok(shown(ctx, found.into()))
}

/// References must exist. That numbers are checked like calls are (V3.3 [W]) is [?].
fn check_links(ctx: &Ctx<'_>) -> Result<(), Problem> {
    for (what, field) in LINKS {
        let Some(id) = text(&ctx.body, field) else { continue };
        let exists = match what {
            "Assistant" => ctx.org().assistants.get(id).is_some(),
            "Squad" => ctx.org().squads.get(id).is_some(),
            _ => false,
        };
        if !exists {
            return Err(Problem::refused(format!("Couldn't Get {what}. `{field}` {id} Does Not Exist.")));
        }
    }
    Ok(())
}

/// An answer as the settings want it: the Twilio credentials are in it in clear (V5.4 [W]; whether they still
/// are is V15.6 [?]), and it may have what no client has heard of (V14.5).
fn shown(ctx: &Ctx<'_>, answer: Answer) -> Answer {
    let Settings { vapi_hides_secrets: hides, vapi_future_fields: future, .. } = ctx.world.settings;
    if !hides && !future {
        return answer;
    }
    let mut answer = answer.each(|number| {
        if hides {
            number.retain(|name, _| !SECRETS.contains(&name.as_str()));
        }
        if future {
            number.insert("futureField".to_owned(), json!({"since": "tomorrow"}));
        }
    });
    let items = match &mut answer {
        Answer::Json(Value::Object(page)) => page.get_mut("results").and_then(Value::as_array_mut),
        Answer::Json(list) => list.as_array_mut(),
        Answer::Plain(_) => None,
    };
    if let Some(items) = items.filter(|_| future) {
        items.push(stranger(&ctx.org().id));
    }
    answer
}

/// A number of a provider that nobody has heard of; it exists in lists only.
fn stranger(org: &str) -> Value {
    let at = "2030-01-01T00:00:00.000Z";
    json!({"id": "00000000-0000-4000-8000-00000000f00d", "orgId": org, "provider": "future-provider",
        "createdAt": at, "updatedAt": at, "number": "+15005550199", "status": "active"})
}

//! Whether a number's texts can be hosted at Twilio while its calls stay with its carrier (T20).

use serde_json::{Value, json};

use super::super::{Answer, Ctx};
use crate::geo;
use crate::http::{Object, text};
use crate::ids::is_e164;
use crate::twilio::errors::Problem;

/// `POST /v1/HostedNumber/Eligibility`. The description leaves the body open; the field is `phone_numbers`,
/// a list of texts, or of objects with a `phone_number` [?].
pub(super) fn eligibility(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let body: Object = serde_json::from_slice(&ctx.request.body)
        .map_err(|error| Problem::new(20422, format!("The body is not a JSON object: {error}")))?;
    let numbers = body.get("phone_numbers").and_then(Value::as_array);
    let numbers = numbers.ok_or_else(|| Problem::new(20422, "phone_numbers is required"))?;
    let results: Vec<Value> = numbers
        .iter()
        .map(|number| {
            number.as_str().or_else(|| text(number.as_object()?, "phone_number")).unwrap_or_default()
        })
        .map(|phone| result(ctx, phone))
        .collect();
    Ok(Answer::Resource { status: 200, kind: "", body: json!({"results": results}) })
}

/// One number, in the fields and words of the description's example [S]; `ELIGIBLE` is [?].
fn result(ctx: &Ctx<'_>, phone: &str) -> Value {
    let owner = ctx.world.twilio.number(phone).and_then(|number| text(number, "account_sid"));
    let (reason, sub_status, step) = match (is_e164(phone), owner, geo::country(phone)) {
        (false, ..) => {
            (Some("NUMBER_FORMAT_INELIGIBLE"), Some("NUMBER_FORMAT_INELIGIBLE"), "EDIT_INELIGIBLE_NUMBER")
        }
        (_, Some(_), _) => (
            Some("ALREADY_IN_TWILIO"),
            Some("ALREADY_IN_TWILIO"),
            "CONTACT_SUPPORT_INELIGIBLE_INVENTORY_STATUS",
        ),
        (_, None, None) => (Some("COUNTRY_INELIGIBLE"), Some("COUNTRY_INELIGIBLE"), "EDIT_INELIGIBLE_NUMBER"),
        (_, None, Some(_)) => (None, None, "CREATE_HOSTING_ORDER"),
    };
    let number_type = match geo::kind(phone) {
        geo::Kind::TollFree => "TOLL_FREE",
        geo::Kind::Mobile => "MOBILE",
        _ => "LOCAL",
    };
    let known = is_e164(phone);
    json!({
        "phone_number": phone,
        "account_sid": owner.filter(|sid| ctx.world.twilio.may_act(&ctx.caller.account, sid)),
        "eligibility_status": if reason.is_some() { "INELIGIBLE" } else { "ELIGIBLE" },
        "eligibility_sub_status": sub_status,
        "ineligibility_reason": reason,
        "next_step": step,
        "voice_provider": null,
        "messaging_provider": null,
        "phone_number_type": known.then_some(number_type),
        "hosting_order_sid": null,
        "hosting_order_status": null,
        "iso_country_code": geo::country(phone).filter(|_| known).map(|country| country.iso),
        "inventory_status": null,
        "inventory_account_sid": null,
    })
}

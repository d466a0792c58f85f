//! Vapi's own numbers: free US ones, and SIP addresses (V5.3 [S][D]).

use std::time::Duration;

use serde_json::json;

use crate::geo;
use crate::http::{Object, text};
use crate::jobs::Job;
use crate::state::World;
use crate::vapi::errors::Problem;
use crate::vapi::{Ctx, Org};

/// At most five per account (V5.3 [D]).
const FREE_MAX: usize = 5;
/// "Some minutes in `activating`" (V5.3 [D]).
const ACTIVATING: Duration = Duration::from_secs(120);
/// Where numbers without a wish come from.
const USUAL_AREA: &str = "415";

/// A number with the area code wished for, or a SIP address. The texts of the refusals are ours [?].
pub(super) fn number(ctx: &mut Ctx<'_>, mut object: Object) -> Result<Object, Problem> {
    check_change(ctx)?;
    if text(&object, "sipUri").is_some() {
        object.insert("status".to_owned(), json!("active"));
        return Ok(object);
    }
    let free = |number: &&Object| is_free(number);
    if ctx.org().phone_numbers.iter().filter(free).count() >= FREE_MAX {
        let sentence =
            format!("Couldn't Create Phone Number. Up To {FREE_MAX} Free Vapi Numbers Per Account.");
        return Err(Problem::refused(sentence));
    }
    let area = text(&object, "numberDesiredAreaCode").unwrap_or(USUAL_AREA);
    let american = |phone: &str| geo::country(phone).is_some_and(|country| country.iso == "US");
    let numeric = area.bytes().all(|byte| byte.is_ascii_digit()) && area.as_bytes()[0] >= b'2';
    if !numeric || !american(&format!("+1{area}5550100")) {
        let sentence = format!("Couldn't Create Phone Number. Area Code {area} Is Not Available.");
        return Err(Problem::refused(sentence));
    }
    let area = area.to_owned();
    let number = unused(ctx.world, &area);
    object.insert("number".to_owned(), json!(number));
    object.insert("status".to_owned(), json!("activating"));
    Ok(object)
}

fn is_free(number: &Object) -> bool {
    text(number, "provider") == Some("vapi") && text(number, "number").is_some()
}

/// A number that neither an org nor a Twilio account has. Exchanges begin with 2 to 9.
fn unused(world: &mut World, area: &str) -> String {
    loop {
        let digits = 2_000_000 + world.ids.below(8_000_000);
        let number = format!("+1{area}{digits}");
        let taken =
            |org: &Org| org.phone_numbers.iter().any(|other| text(other, "number") == Some(number.as_str()));
        if world.twilio.number(&number).is_none() && !world.vapi.orgs.iter().any(taken) {
            return number;
        }
    }
}

/// A SIP address is `sip:name@sip.vapi.ai`, and nobody else's (V5.3 [S]).
pub(super) fn check_change(ctx: &Ctx<'_>) -> Result<(), Problem> {
    let Some(uri) = text(&ctx.body, "sipUri") else { return Ok(()) };
    let host = ctx.org().region.sip_host();
    let name = uri.strip_prefix("sip:").and_then(|rest| rest.strip_suffix(host)?.strip_suffix('@'));
    if name.is_none_or(|name| name.is_empty() || name.contains(['@', ' '])) {
        return Err(Problem::invalid(&[format!("sipUri must be of the form sip:name@{host}")]));
    }
    let mut orgs = ctx.world.vapi.orgs.iter();
    let has = |number: &Object| text(number, "sipUri") == Some(uri) && text(number, "id") != Some(&ctx.id);
    if orgs.any(|org| org.phone_numbers.iter().any(has)) {
        return Err(Problem::refused(format!("SIP URI {uri} already in use.")));
    }
    Ok(())
}

/// Sees to it that a new number becomes active.
pub(super) fn activate_later(ctx: &mut Ctx<'_>, number: &Object) {
    let id = text(number, "id").unwrap_or_default().to_owned();
    ctx.world.schedule(ACTIVATING, Job::ActivateVapiNumber(id));
}

/// The number is active now, unless it is gone.
pub(crate) fn activate(world: &mut World, id: &str) {
    let mut orgs = world.vapi.orgs.iter_mut();
    if let Some(number) = orgs.find_map(|org| org.phone_numbers.get_mut(id)) {
        number.insert("status".to_owned(), json!("active"));
    }
}

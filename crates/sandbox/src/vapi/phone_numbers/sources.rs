//! Where numbers come from: Twilio accounts, SIP trunks, other carriers.

use serde_json::{Value, json};

use super::{LEGACY_NULLS, import};
use crate::http::{Object, text};
use crate::vapi::errors::Problem;
use crate::vapi::{Ctx, Org, carriers, credentials};

/// Import from Twilio. The order of the checks is V14.2's [?].
pub(super) fn twilio(ctx: &mut Ctx<'_>, body: Object) -> Result<Object, Problem> {
    import::check(ctx.world, &body, "Import")?;
    check_unused(ctx)?;
    let mut object: Object = LEGACY_NULLS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    object.insert("useClusterSip".to_owned(), json!(false));
    object.insert("smsEnabled".to_owned(), json!(true));
    object.insert("status".to_owned(), json!("active"));
    // The answer contains the Twilio credentials in clear (V5.4 [W]).
    object.extend(body);
    Ok(object)
}

/// A number is imported once: the id of the existing one is only inside the sentence (V0.3, V3.3 [W]).
/// The other region's orgs are another installation's, and not looked at (V2 [D]).
fn check_unused(ctx: &Ctx<'_>) -> Result<(), Problem> {
    let (number, account) = (text(&ctx.body, "number"), text(&ctx.body, "twilioAccountSid"));
    let same = |object: &&Object| text(object, "number") == number;
    let in_org = |org: &Org| org.phone_numbers.iter().find(same).cloned();
    let shown = number.unwrap_or_default();
    let elsewhere = || Err(Problem::refused(format!("Phone number {shown} already in use by another org.")));
    match in_org(ctx.org()) {
        Some(existing) if text(&existing, "twilioAccountSid") == account => Err(Problem::refused(format!(
            "Existing Phone Number {} Has Identical `twilioAccountSid` {} and `number` {shown}.",
            text(&existing, "id").unwrap_or_default(),
            account.unwrap_or_default(),
        ))),
        // "Some saw it for their own org" (V3.3 [W]): here, when the account differs [?].
        Some(_) => elsewhere(),
        None => {
            let region = ctx.org().region;
            let mut orgs = ctx.world.vapi.orgs.iter().filter(|org| org.region == region);
            if orgs.any(|org| in_org(org).is_some()) { elsewhere() } else { Ok(()) }
        }
    }
}

/// A number on a SIP trunk of one's own (V6.2).
pub(super) fn trunk(ctx: &Ctx<'_>, mut object: Object) -> Result<Object, Problem> {
    check_trunk(ctx, &object)?;
    object.entry("numberE164CheckEnabled").or_insert(json!(true));
    object.insert("status".to_owned(), json!("active"));
    Ok(object)
}

/// The trunk exists, and has the number once. The sentence is the one for Twilio's numbers (V3.3), by
/// analogy [?].
pub(super) fn check_trunk(ctx: &Ctx<'_>, object: &Object) -> Result<(), Problem> {
    let (number, credential) = (text(object, "number"), text(object, "credentialId"));
    credentials::needed(ctx.org(), object, "byo-sip-trunk")?;
    let same = |other: &&Object| {
        number.is_some()
            && text(other, "number") == number
            && text(other, "credentialId") == credential
            && text(other, "id") != text(object, "id")
    };
    match ctx.org().phone_numbers.iter().find(same) {
        Some(existing) => Err(Problem::refused(format!(
            "Existing Phone Number {} Has Identical `credentialId` {} and `number` {}.",
            text(existing, "id").unwrap_or_default(),
            credential.unwrap_or_default(),
            number.unwrap_or_default(),
        ))),
        None => Ok(()),
    }
}

/// A number at Vonage or Telnyx.
pub(super) fn carrier(ctx: &Ctx<'_>, provider: &str, mut object: Object) -> Result<Object, Problem> {
    check_carrier(ctx, provider, &object)?;
    object.insert("status".to_owned(), json!("active"));
    Ok(object)
}

/// The credential exists, and its account owns the number: else Telnyx's own 404 shows through (V3.3 [R]);
/// that Vonage's does too is [?].
pub(super) fn check_carrier(ctx: &Ctx<'_>, provider: &str, object: &Object) -> Result<(), Problem> {
    let credential = credentials::needed(ctx.org(), object, provider)?;
    let number = text(object, "number").unwrap_or_default();
    if carriers::owns(&ctx.world.vapi.carriers, credential, number) {
        return Ok(());
    }
    let name = if provider == "telnyx" { "Telnyx" } else { "Vonage" };
    let sentence = format!("Couldn't Update {name} Number. Error: Request failed with status code 404");
    Err(Problem::refused(sentence))
}

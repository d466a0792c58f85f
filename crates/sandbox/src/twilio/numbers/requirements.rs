//! What the law of a country wants to see before somebody has a number: an address, a regulatory bundle, an
//! identity document (T5 [E]).

use serde_json::Value;

use super::super::compliance::Regulation;
use super::super::errors::Problem;
use super::super::{Ctx, catalogue};
use crate::geo::{self, Kind};
use crate::http::{Object, text};

/// Checks the number's address, bundle and identity against the terms of its country and kind.
pub(super) fn check(ctx: &Ctx<'_>, number: &Object) -> Result<(), Problem> {
    let phone = text(number, "phone_number").unwrap_or_default();
    let (Some(country), kind) = (geo::country(phone), geo::kind(phone)) else { return Ok(()) };
    let terms = catalogue::terms_for(phone);
    check_address(ctx, number, country.iso, terms.address)?;
    let covered = check_bundle(ctx, number, country.iso, kind, terms.bundle)?;
    if terms.identity && !covered {
        check_identity(ctx, number)?;
    }
    Ok(())
}

/// 21631: no address; 21615: none in the number's country.
fn check_address(ctx: &Ctx<'_>, number: &Object, iso: &str, needs: &str) -> Result<(), Problem> {
    let sid = text(number, "address_sid");
    let address = sid.and_then(|sid| ctx.world.twilio.addresses.get(sid)).filter(|found| ctx.owns(found));
    // For an address that the account does not have the code is [?].
    if let (Some(sid), None) = (sid, address) {
        return Err(Problem::new(21631, format!("AddressSid {sid} is not accessible")));
    }
    let here = address.map(|address| text(address, "iso_country") == Some(iso));
    match (needs, here) {
        ("any", None) => {
            let text = "Phone Number Requires an Address but the 'AddressSid' parameter was empty.";
            Err(Problem::new(21631, text))
        }
        ("local", None | Some(false)) => {
            Err(Problem::new(21615, format!("Phone Number Requires a Local Address in country: [{iso}]")))
        }
        ("foreign", None | Some(true)) => {
            Err(Problem::new(21631, format!("Phone Number Requires an Address outside country: [{iso}]")))
        }
        _ => Ok(()),
    }
}

/// 21649: no bundle for this country and kind (the text was seen, T5); 21613: it is not approved [?]. Tells
/// whether there is an approved one.
fn check_bundle(ctx: &Ctx<'_>, number: &Object, iso: &str, kind: Kind, needs: bool) -> Result<bool, Problem> {
    let of = kind.words().to_uppercase().replace(' ', "_");
    let refuse = |what: &str| {
        let text =
            format!("Unable to create record: Bundle {what} for country: [{iso}] and numberType: [{of}]");
        Err(Problem::new(21649, text))
    };
    let Some(sid) = text(number, "bundle_sid") else {
        return if needs { refuse("required and not provided") } else { Ok(false) };
    };
    let bundle = ctx.world.twilio.compliance.bundles.get(sid).filter(|bundle| ctx.owns(bundle));
    let regulation = bundle.and_then(Regulation::of_bundle);
    if !regulation.is_some_and(|regulation| regulation.iso == iso && regulation.kind == kind) {
        return refuse("provided does not fit");
    }
    match bundle.and_then(|bundle| text(bundle, "status")) {
        Some("twilio-approved" | "provisionally-approved") => Ok(true),
        _ => Err(Problem::new(21613, format!("Certification required: bundle {sid} is not approved"))),
    }
}

/// 21650: no identity document; 21651: it is not enough, or unknown here.
fn check_identity(ctx: &Ctx<'_>, number: &Object) -> Result<(), Problem> {
    let Some(sid) = text(number, "identity_sid") else {
        return Err(Problem::new(21650, "Phone Number Requires a Verified Identity Document"));
    };
    let identity = ctx.world.twilio.compliance.identities.get(sid).filter(|found| ctx.owns(found));
    match identity.and_then(|identity| identity.get("sufficient")).and_then(Value::as_bool) {
        Some(true) => Ok(()),
        _ => Err(Problem::new(21651, format!("Identity Document {sid} is not sufficient"))),
    }
}

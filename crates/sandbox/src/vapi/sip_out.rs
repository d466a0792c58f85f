//! Calls that leave over a SIP trunk (V6.1, V6.2): whether its far end takes them. Only Twilio's far end is played
//! here; any other lets everything pass.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::calls::record::{called, number_of};
use super::region::Region;
use crate::http::{Object, text};
use crate::state::World;
use crate::twilio::trunks::termination::{self, Sent};

/// The reasons that SIP statuses are given (V6.2 [D]); 404 has the general one only.
const FAILED: &str = "call.in-progress.error-sip-outbound-call-failed-to-connect";
const FORBIDDEN: &str = "call.in-progress.error-providerfault-outbound-sip-403-forbidden";
const UNAUTHENTICATED: &str =
    "call.in-progress.error-providerfault-outbound-sip-407-proxy-authentication-required";
pub(crate) const UNAVAILABLE: &str =
    "call.in-progress.error-providerfault-outbound-sip-480-temporarily-unavailable";
pub(crate) const NO_SERVICE: &str =
    "call.in-progress.error-providerfault-outbound-sip-503-service-unavailable";

/// The ends of the hosts at which Twilio's trunks are reached.
const TWILIO: &str = ".pstn.twilio.com";

/// Where a region's calls come from: the first of its addresses (V2 [D]); which one it is, is [?].
fn source(region: Region) -> Ipv4Addr {
    match region {
        Region::Us => Ipv4Addr::new(44, 229, 228, 186),
        Region::Eu => Ipv4Addr::new(63, 182, 83, 170),
    }
}

/// Sends a placed call out, if its number is on a trunk; else there is nothing to do.
pub(crate) fn send(world: &mut World, org: &str, row: &Object) -> Result<(), &'static str> {
    let Some(of) = world.org(org) else { return Ok(()) };
    let Some(number) = number_of(of, row).filter(|of| text(of, "provider") == Some("byo-phone-number"))
    else {
        return Ok(());
    };
    let credential = text(&number, "credentialId").and_then(|id| of.credentials.get(id)).cloned();
    let (credential, source) = (credential.unwrap_or_default(), source(of.region));
    let gateways = credential.get("gateways").and_then(Value::as_array).into_iter().flatten();
    let goes_out = |gateway: &&Value| gateway.get("outboundEnabled") != Some(&json!(false));
    let host = gateways.filter(goes_out).find_map(|gateway| gateway["ip"].as_str()).ok_or(FAILED)?;
    if !host.ends_with(TWILIO) {
        return Ok(());
    }
    let plan = credential.get("outboundAuthenticationPlan").and_then(Value::as_object);
    let login = |field: &str| plan.and_then(|plan| text(plan, field)).map(str::to_owned);
    let to = called(row).unwrap_or_default();
    // Without the plus, unless it is asked for (V6.1 [D]). That the caller's own number has one is [?].
    let plus = if credential.get("outboundLeadingPlusEnabled") == Some(&json!(true)) { "+" } else { "" };
    let bare = |number: &str| number.trim_start_matches('+').to_owned();
    let sent = Sent {
        domain: host.to_owned(),
        from: format!("+{}", bare(text(&number, "number").unwrap_or_default())),
        to: format!("{plus}{}", bare(to)),
        source,
        username: login("authUsername"),
        password: login("authPassword"),
    };
    let leg = termination::send(world, sent).map_err(|status| match status {
        403 => FORBIDDEN,
        407 => UNAUTHENTICATED,
        _ => FAILED,
    })?;
    world.vapi.trunk_legs.insert(text(row, "id").unwrap_or_default().to_owned(), leg);
    Ok(())
}

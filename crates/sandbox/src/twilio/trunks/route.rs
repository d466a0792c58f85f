//! Origination: which SIP address of a trunk gets a call (T18).

use std::sync::Arc;

use serde_json::{Value, json};

use super::termination::record;
use crate::calls::{Leg, Outcome};
use crate::http::{Object, text};
use crate::state::{Shared, World};
use crate::twilio::alerts::Trouble;

/// Where a trunk leads a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// An address, and what has the TwiML if that does not take it.
    Sip(String, Option<(String, String)>),
    /// No SIP address can take it: the disaster recovery URL has the TwiML (T18 [S]).
    Recovery(String, String),
    Nowhere,
}

/// Picks among the enabled addresses of the lowest priority, by weight; the call's SID decides, so that a
/// run can be repeated. None enabled: 32010 (T18 [E]).
pub(crate) fn route(world: &mut World, trunk: &str, call_sid: &str) -> Route {
    let mut urls = world.twilio.urls_of(trunk);
    urls.retain(|url| url.get("enabled") == Some(&json!(true)));
    let number = |url: &Object, field: &str| url.get(field).and_then(Value::as_u64).unwrap_or(0);
    let first = urls.iter().map(|url| number(url, "priority")).min();
    urls.retain(|url| Some(number(url, "priority")) == first);
    let total: u64 = urls.iter().map(|url| number(url, "weight").max(1)).sum();
    let digits = call_sid.get(2..10).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let mut drawn = digits.unwrap_or(0) % total.max(1);
    let Some(trunk) = world.twilio.trunks.get(trunk) else { return Route::Nowhere };
    let method = text(trunk, "disaster_recovery_method").unwrap_or("POST").to_owned();
    let recovery = text(trunk, "disaster_recovery_url").map(|url| (url.to_owned(), method));
    for url in &urls {
        let weight = number(url, "weight").max(1);
        if drawn < weight {
            return Route::Sip(text(url, "sip_url").unwrap_or_default().to_owned(), recovery);
        }
        drawn -= weight;
    }
    let account = text(trunk, "account_sid").unwrap_or_default().to_owned();
    alert(world, &account, call_sid, 32010, "No enabled origination URL");
    recovery.map_or(Route::Nowhere, |(url, method)| Route::Recovery(url, method))
}

/// Raises an error about a call of a trunk.
pub(super) fn alert(world: &mut World, account: &str, call_sid: &str, code: u32, words: &str) {
    let trouble =
        Trouble { code, text: words.to_owned(), resource_sid: call_sid.to_owned(), ..Trouble::default() };
    world.alert(account, "error", trouble);
}

/// Whether a SIP address is one of Vapi's, with or without a credential in its host (V6.2 [D]).
pub(crate) fn is_vapi(uri: &str) -> bool {
    let host = uri.strip_prefix("sip:").unwrap_or_default().split(['@']).nth(1).unwrap_or_default();
    let host = host.split([':', ';', '?']).next().unwrap_or_default();
    ["sip.vapi.ai", "sip.eu.vapi.ai"]
        .iter()
        .any(|vapi| host.strip_suffix(vapi).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
}

/// A call goes out to a SIP address. Nobody is behind others than Vapi's.
pub(crate) async fn originate(shared: &Arc<Shared>, leg: &Leg, url: &str) -> Outcome {
    if is_vapi(url) {
        return crate::vapi::calls::invite(shared, leg, url).await;
    }
    Outcome::new("trunk", &[]).telling("url", url)
}

/// A call goes through a trunk; 32011 when the far end does not take it (T18 [E]).
pub(crate) async fn through(shared: &Arc<Shared>, leg: &Leg, url: &str) -> Outcome {
    let mut outcome = originate(shared, leg, url).await;
    outcome.tell("url", json!(url));
    if let Some(code) = outcome.declined() {
        let words = format!("{url} answered with SIP {code}");
        alert(&mut shared.lock(), &leg.account, &leg.call_sid, 32011, &words);
        return outcome;
    }
    let world = &mut *shared.lock();
    let trunk = world.twilio.calls.get(&leg.call_sid).and_then(|call| text(call, "trunk_sid"));
    if let Some(trunk) = trunk.and_then(|sid| world.twilio.trunks.get(sid)).cloned() {
        record(world, leg, &trunk, outcome.seconds);
    }
    outcome
}

//! What was seen of a line, flat and in the providers' own words, so that two looks can be compared (requirement A10).

use super::desired::Desired;
use super::diagnose::our_number;
use super::observed::{AccountStatus, Elsewhere, NumberStatus, Observed, TwilioView, VapiView};
use super::routing::shown_url;
use crate::Provider;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One provider's half: each field that is set, by the provider's name for it.
pub type Half = BTreeMap<String, String>;

/// What one look saw. A provider that could not be read has no half.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Twilio's half.
    pub twilio: Option<Half>,
    /// Vapi's half.
    pub vapi: Option<Half>,
}

/// One field that differs between two looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Where it is set.
    pub provider: Provider,
    /// The provider's name for it.
    pub field: String,
    /// Its value before; none: not set.
    pub from: Option<String>,
    /// Its value now; none: not set.
    pub to: Option<String>,
}

impl Snapshot {
    /// What was observed of the line that should be so.
    pub fn of(desired: &Desired, observed: &Observed) -> Self {
        Self {
            twilio: observed.twilio.known().map(twilio),
            vapi: observed.vapi.known().map(|view| vapi(desired, view)),
        }
    }

    /// What is known after another look. What it could not see stays as it was: all of a provider that could not be
    /// read, and what stands behind an account that does not work or a key of another organisation.
    #[must_use]
    pub fn after(&self, seen: Snapshot) -> Snapshot {
        Snapshot {
            twilio: merged(self.twilio.as_ref(), seen.twilio, |_, seen| {
                seen.get(ACCOUNT_STATUS).is_some_and(|status| status == INACTIVE)
            }),
            vapi: merged(self.vapi.as_ref(), seen.vapi, |before, seen| {
                let (was, is) = (before.get(ORG_ID), seen.get(ORG_ID));
                !seen.contains_key("id") && was.is_some() && is.is_some() && was != is
            }),
        }
    }

    /// The fields that another look saw differently, by provider and name. What only one of the two could read is no
    /// difference: an outage is no drift.
    pub fn drifts(&self, later: &Snapshot) -> Vec<Drift> {
        let halves =
            [(Provider::Twilio, &self.twilio, &later.twilio), (Provider::Vapi, &self.vapi, &later.vapi)];
        let both = halves
            .into_iter()
            .filter_map(|(provider, before, after)| Some((provider, before.as_ref()?, after.as_ref()?)));
        both.flat_map(|(provider, before, after)| compare(provider, before, after)).collect()
    }
}

const ACCOUNT_STATUS: &str = "account.status";
const INACTIVE: &str = "inactive";
const ORG_ID: &str = "orgId";

/// The later half, laid over the one before where it is blind to most of it.
fn merged(before: Option<&Half>, seen: Option<Half>, blind: impl Fn(&Half, &Half) -> bool) -> Option<Half> {
    let (before, mut seen) = match (before, seen) {
        (before, None) => return before.cloned(),
        (None, seen) => return seen,
        (Some(before), Some(seen)) => (before, seen),
    };
    // An organisation that has nothing is not named by anything.
    if let (Some(org), None) = (before.get(ORG_ID), seen.get(ORG_ID)) {
        seen.insert(ORG_ID.to_owned(), org.clone());
    }
    match blind(before, &seen) {
        true => Some(before.clone().into_iter().chain(seen).collect()),
        false => Some(seen),
    }
}

fn compare(provider: Provider, before: &Half, after: &Half) -> Vec<Drift> {
    let fields: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let drift = |field: &String| {
        let (from, to) = (before.get(field).cloned(), after.get(field).cloned());
        (from != to).then(|| Drift { provider, field: field.clone(), from, to })
    };
    fields.into_iter().filter_map(drift).collect()
}

fn half<const N: usize>(fields: [(&str, Option<String>); N]) -> Half {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn twilio(view: &TwilioView) -> Half {
    let status = match view.account.status {
        AccountStatus::Active => "active",
        AccountStatus::Inactive => INACTIVE,
    };
    let number = match &view.number {
        Ok(number) => number,
        Err(elsewhere) => {
            let place = match elsewhere {
                Elsewhere::Subaccount(sid) => Some(format!("subaccount {sid}")),
                Elsewhere::CallerId => Some("caller ID".to_owned()),
                Elsewhere::Unknown => None,
            };
            return half([(ACCOUNT_STATUS, Some(status.to_owned())), ("elsewhere", place)]);
        }
    };
    let (voice, sms) = (&number.voice, &number.sms);
    half([
        (ACCOUNT_STATUS, Some(status.to_owned())),
        ("sid", Some(number.sid.to_string())),
        ("capabilities.voice", Some(number.takes_calls.to_string())),
        ("trunk_sid", voice.trunk_sid.as_ref().map(ToString::to_string)),
        ("voice_application_sid", voice.application_sid.as_ref().map(ToString::to_string)),
        ("voice_url", voice.voice_url.as_deref().map(shown_url)),
        ("voice_method", Some(voice.voice_method.name().to_owned())),
        ("status_callback", voice.status_callback.as_deref().map(shown_url)),
        ("sms_application_sid", sms.application_sid.as_ref().map(ToString::to_string)),
        ("sms_url", sms.sms_url.as_deref().map(shown_url)),
        ("sms_method", Some(sms.sms_method.name().to_owned())),
    ])
}

fn vapi(desired: &Desired, view: &VapiView) -> Half {
    let org = view.org_id.map(|id| id.to_string());
    let Some(number) = our_number(desired.ours, Some(&desired.account_sid), &view.numbers) else {
        return half([(ORG_ID, org)]);
    };
    let assistant = view.assistants.iter().find(|assistant| Some(assistant.id) == number.assistant_id);
    let server = number.server.as_ref();
    let status = match number.status {
        NumberStatus::Active => "active",
        NumberStatus::Activating => "activating",
        NumberStatus::Blocked => "blocked",
    };
    half([
        (ORG_ID, org),
        ("id", Some(number.id.to_string())),
        ("name", Some(number.name.clone())),
        ("twilioAccountSid", number.account_sid.as_ref().map(ToString::to_string)),
        ("assistantId", number.assistant_id.map(|id| id.to_string())),
        ("assistant.name", assistant.map(|assistant| assistant.name.clone())),
        ("squadId, workflowId", number.has_squad.then(|| "…".to_owned())),
        ("server.url", server.map(|server| shown_url(&server.url))),
        ("server.secret", server.and_then(|server| server.secret_fingerprint.clone())),
        ("smsEnabled", number.sms_enabled.map(|enabled| enabled.to_string())),
        ("status", Some(status.to_owned())),
    ])
}

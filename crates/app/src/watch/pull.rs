//! What the providers themselves report of failed calls, read once per interval and organisation: webhooks get lost.

use super::settings::in_force;
use crate::clock::{now, steady};
use crate::settings::Keys;
use crate::start::App;
use dialtone_domain::line::{LastCall, never_answered};
use dialtone_domain::{Phone, Problem, VapiNumberId};
use dialtone_providers::vapi::VapiCall;
use dialtone_store::watch::{self as rows, WatchSettings};
use dialtone_store::{Tenant, lines};
use jiff::Timestamp;
use std::collections::HashMap;

/// Of so many of a provider's alerts the number is asked for: the others are about the same trouble, as a rule.
const ALERTS_MAX: usize = 5;

/// What was read, and up to where.
#[derive(Default)]
struct Reports {
    calls: HashMap<VapiNumberId, LastCall>,
    failing: Vec<Phone>,
    calls_after: Option<Timestamp>,
    alerts_after: Option<Timestamp>,
}

impl App {
    /// Reads them, where nobody did within the interval, and has the lines that they are about looked at now.
    ///
    /// # Errors
    /// Only for trouble with the database: what a provider does not tell is read the next time.
    pub(super) async fn pull(&self, tenant: &Tenant, keys: &Keys) -> Result<(), Problem> {
        let (owner, app, at) = (tenant.clone(), self.clone(), now());
        let claimed = self.store().write(move |tx| {
            let settings = in_force(tx, &owner)?;
            rows::put_settings(tx, &owner, settings.interval_minutes, &settings.repair)?;
            let before = at - app.minutes(settings.interval_minutes);
            Ok::<_, Problem>(rows::claim_pull(tx, &owner, before, at)?.then_some(settings))
        });
        let Some(settings) = claimed.await? else { return Ok(()) };
        let reports = self.read_reports(keys, &settings, at).await;
        let owner = tenant.clone();
        self.store()
            .write(move |tx| {
                for (number, call) in &reports.calls {
                    let value = serde_json::to_value(call).unwrap_or_default();
                    let line = rows::record_call(tx, &owner, *number, &value)?;
                    let failed = call.ended_reason.as_deref().is_some_and(never_answered);
                    if let Some(line) = line.filter(|_| failed) {
                        rows::sooner(tx, &owner, line, steady())?;
                    }
                }
                for phone in &reports.failing {
                    if let Some(line) = lines::by_phone(tx, &owner, phone)? {
                        rows::sooner(tx, &owner, line.id, steady())?;
                    }
                }
                Ok(rows::pulled(tx, &owner, reports.calls_after, reports.alerts_after)?)
            })
            .await
    }

    async fn read_reports(&self, keys: &Keys, settings: &WatchSettings, at: Timestamp) -> Reports {
        // What is dated after now comes from a clock that has been put back since, and says nothing.
        let since = |before: Option<Timestamp>| {
            before.filter(|before| *before <= at).unwrap_or(at - self.minutes(settings.interval_minutes))
        };
        let (calls_after, alerts_after) = (since(settings.calls_after), since(settings.alerts_after));
        let mut reports = Reports {
            calls_after: Some(calls_after),
            alerts_after: Some(alerts_after),
            ..Reports::default()
        };
        let vapi = keys.vapi().ok().flatten().and_then(|key| self.inner.providers.vapi(&key).ok());
        if let Some(vapi) = vapi
            && let Ok(calls) = vapi.calls_after(calls_after).await
        {
            // Newest first: of each number the first is the last call.
            for call in calls.items {
                reports.calls_after = reports.calls_after.max(call.updated_at);
                if let Some((number, last)) = last_call(call) {
                    reports.calls.entry(number).or_insert(last);
                }
            }
        }
        if let Ok(Some(key)) = keys.twilio() {
            let twilio = self.inner.providers.twilio(&key.account_sid, &key.auth_token);
            let alerts = twilio.alerts_after(alerts_after).await.unwrap_or_default();
            reports.alerts_after = reports.alerts_after.max(alerts.iter().map(|alert| alert.at).max());
            for alert in alerts.iter().take(ALERTS_MAX) {
                let known = twilio.alert(&alert.sid).await;
                reports.failing.extend(known.ok().and_then(|alert| alert.to));
            }
        }
        reports
    }
}

/// An inbound call that ended, with its number's record.
fn last_call(call: VapiCall) -> Option<(VapiNumberId, LastCall)> {
    let inbound = call.kind.as_deref() == Some("inboundPhoneCall");
    let number = call.phone_number_id.filter(|_| inbound && call.ended_reason.is_some())?;
    Some((number, LastCall { at: call.created_at?, ended_reason: call.ended_reason }))
}

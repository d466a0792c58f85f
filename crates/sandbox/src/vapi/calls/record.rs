//! A call's record in the shape of V8.1 [W], and what belongs to it.

use serde_json::{Value, json};

use crate::clock::millis;
use crate::http::{Object, text};
use crate::state::World;
use crate::vapi::Org;
use crate::vapi::places::LIVE;
use crate::vapi::server_messages::About;
use crate::vapi::talk::Talk;

/// A call that is about to exist.
#[derive(Debug)]
pub(crate) struct NewCall<'n> {
    pub(crate) org: &'n str,
    /// `inboundPhoneCall` or `outboundPhoneCall`.
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) number: &'n Object,
    pub(crate) customer: &'n Object,
    /// Fields that were asked for: who answers, a name, a plan.
    pub(crate) asked: Object,
}

/// The names of a provider of numbers in a call's record: provider, way, and kind of transport (V8.3 [S]).
fn carrier(number: &Object) -> (&'static str, &'static str, &'static str) {
    match text(number, "provider") {
        Some("vonage") => ("vonage", "pstn", "vonage"),
        Some("telnyx") => ("telnyx", "pstn", "telnyx"),
        Some("vapi" | "byo-phone-number") => ("vapi", "sip", "vapi.sip"),
        _ => ("twilio", "pstn", "twilio"),
    }
}

impl World {
    /// Opens a call's record and returns its id, which tells the time (V8.1 [W]).
    pub(crate) fn open_call_record(&mut self, new: NewCall<'_>) -> String {
        let now = self.clock.now();
        let id = self.ids.uuid_at(u64::try_from(now.as_millisecond()).unwrap_or(0));
        let (provider, way, transport) = carrier(new.number);
        let call = json!({
            "id": id,
            "orgId": new.org,
            "type": new.kind,
            "status": new.status,
            "customer": new.customer,
            "createdAt": millis(now),
            "updatedAt": millis(now),
            "cost": 0,
            "phoneCallProvider": provider,
            "phoneCallTransport": way,
            "transport": {"provider": transport, "conversationType": "voice"},
        });
        let Value::Object(mut call) = call else { return id };
        if let Some(number_id) = text(new.number, "id") {
            call.insert("phoneNumberId".to_owned(), json!(number_id));
        }
        call.extend(new.asked);
        if let Some(org) = self.vapi.orgs.iter_mut().find(|org| org.id == new.org) {
            org.calls.put(call);
        }
        id
    }

    /// Gives the call its id at the provider: the join key to Twilio's call log (V8.1 [W]).
    pub(crate) fn join_leg(&mut self, org: &str, call: &str, account: &str, leg: &str) {
        let Some(row) = self.call_mut(org, call) else { return };
        row.insert("phoneCallProviderId".to_owned(), json!(leg));
        let Some(Value::Object(transport)) = row.get_mut("transport") else { return };
        let fields: &[(&str, &str)] = match text(transport, "provider") {
            Some("twilio") => &[("callSid", leg), ("accountSid", account)],
            Some("telnyx") => &[("callControlId", leg), ("callLegId", leg), ("callSessionId", leg)],
            Some("vonage") => &[("callUUID", leg), ("conversationUUID", leg)],
            _ => &[("callSid", leg), ("sbcCallSid", leg)],
        };
        transport.extend(fields.iter().map(|(key, value)| ((*key).to_owned(), json!(value))));
    }

    /// Where the call can be heard and controlled: without authentication by default, a trap for whoever
    /// shows or logs them (V8.2 [S]).
    pub(crate) fn add_monitor(&mut self, org: &str, call: &str, assistant: &Object) {
        let enabled = |name: &str| {
            let plan = assistant.get("monitorPlan").and_then(|plan| plan.get(name));
            plan.and_then(Value::as_bool).unwrap_or(true)
        };
        let mut monitor = Object::new();
        if enabled("listenEnabled") {
            let url = format!("{LIVE}{call}/listen").replace("https://", "wss://");
            monitor.insert("listenUrl".to_owned(), json!(url));
        }
        if enabled("controlEnabled") {
            monitor.insert("controlUrl".to_owned(), json!(format!("{LIVE}{call}/control")));
        }
        if let Some(row) = self.call_mut(org, call) {
            row.insert("monitor".to_owned(), Value::Object(monitor));
        }
    }

    /// The org of this id.
    pub(crate) fn org(&self, id: &str) -> Option<&Org> {
        self.vapi.orgs.iter().find(|org| org.id == id)
    }

    /// The org of this id, to change it.
    pub(crate) fn org_mut(&mut self, id: &str) -> Option<&mut Org> {
        self.vapi.orgs.iter_mut().find(|org| org.id == id)
    }

    /// A call's record.
    pub(crate) fn call(&self, org: &str, id: &str) -> Option<&Object> {
        self.org(org)?.calls.get(id)
    }

    /// A call's record, to change it.
    pub(crate) fn call_mut(&mut self, org: &str, id: &str) -> Option<&mut Object> {
        self.org_mut(org)?.calls.get_mut(id)
    }

    /// The org whose call this is.
    pub(crate) fn org_of_call(&self, id: &str) -> Option<String> {
        self.vapi.orgs.iter().find(|org| org.calls.get(id).is_some()).map(|org| org.id.clone())
    }

    /// What messages about this call say, and who may get them.
    pub(crate) fn about_call(&self, org: &str, id: &str, assistant: Option<&Object>) -> About {
        let call = self.call(org, id).cloned();
        let number = call.as_ref().and_then(|call| number_of(self.org(org)?, call));
        let customer = call.as_ref().and_then(|call| call.get("customer")?.as_object().cloned());
        About {
            org: org.to_owned(),
            subject: id.to_owned(),
            number,
            assistant: assistant.cloned(),
            customer,
            // The artifact has a field of its own in messages.
            call: call.map(|mut call| {
                call.remove("artifact");
                call
            }),
            tool_server: None,
        }
    }

    /// Twilio's side of a call that Vapi placed, if it went over Twilio.
    pub(crate) fn twilio_leg(&self, row: &Object) -> Option<String> {
        let over_trunk = || self.vapi.trunk_legs.get(text(row, "id")?).map(String::as_str);
        let outbound = text(row, "type") == Some("outboundPhoneCall");
        let own = text(row, "phoneCallProviderId").filter(|id| outbound && id.starts_with("CA"));
        own.or_else(over_trunk).map(str::to_owned)
    }

    /// Somebody answered.
    pub(crate) fn mark_in_progress(&mut self, talk: &Talk) {
        let at = millis(talk.started);
        let Some(row) = self.call_mut(&talk.org, &talk.call) else { return };
        row.insert("status".to_owned(), json!("in-progress"));
        row.insert("startedAt".to_owned(), json!(at));
        row.insert("updatedAt".to_owned(), json!(at));
        let leg = self.call(&talk.org, &talk.call).and_then(|row| self.twilio_leg(row));
        if let Some(sid) = leg {
            self.mark_call(&sid, "in-progress");
        }
    }
}

/// The number that a call uses: a saved one, or one that came with the call.
pub(crate) fn number_of(org: &Org, call: &Object) -> Option<Object> {
    match text(call, "phoneNumberId") {
        Some(id) => org.phone_numbers.get(id).cloned(),
        None => call.get("phoneNumber").and_then(Value::as_object).map(transient_number),
    }
}

/// Whom a call goes to: a number or a SIP address (V8.1 [S]).
pub(crate) fn called(call: &Object) -> Option<&str> {
    let customer = call.get("customer")?.as_object()?;
    text(customer, "number").or_else(|| text(customer, "sipUri"))
}

/// A number that came with a call has another name for its number (V5.3 [S]).
pub(crate) fn transient_number(given: &Object) -> Object {
    let mut number = given.clone();
    let phone = number.remove("twilioPhoneNumber").unwrap_or_default();
    number.insert("number".to_owned(), phone);
    number.insert("provider".to_owned(), json!("twilio"));
    number
}

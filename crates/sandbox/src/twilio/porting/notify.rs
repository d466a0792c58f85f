//! Where events of ports are told, and how (T20.5). The casing of the keys and the scheme of the signature
//! are not documented: ours are those of the API and of section 17 [?].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Answer, Ctx};
use super::Status;
use crate::clock::iso;
use crate::http::{Object, text};
use crate::jobs::Job;
use crate::outbound::Outgoing;
use crate::state::World;
use crate::twilio::errors::Problem;
use crate::twilio::signature;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Every event that can be asked for (T20.5 [D]).
const EVENTS: &[&str] = &[
    "PortInWaitingForSignature",
    "PortInInProgress",
    "PortInCompleted",
    "PortInActionRequired",
    "PortInCanceled",
    "PortInExpired",
    "PortInPhoneNumberWaitingForSignature",
    "PortInPhoneNumberSubmitted",
    "PortInPhoneNumberPending",
    "PortInPhoneNumberCompleted",
    "PortInPhoneNumberRejected",
    "PortInPhoneNumberCanceled",
    "PortOutPhoneNumberCompleted",
];

/// One account's choice. It covers its subaccounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Configuration {
    port_in: Option<Target>,
    port_out: Option<Target>,
    /// Empty for all.
    notifications: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Target {
    url: String,
    created: String,
}

impl Configuration {
    fn show(&self, base: &str) -> Value {
        let url = |target: &Option<Target>| target.as_ref().map(|target| target.url.clone());
        json!({
            "url": format!("{base}/v1/Porting/Configuration/Webhook"),
            "port_in_target_url": url(&self.port_in),
            "port_out_target_url": url(&self.port_out),
            "notifications_of": self.notifications,
        })
    }
}

/// The configuration belongs to the main account (T20.5).
fn main_account(ctx: &Ctx<'_>) -> String {
    ctx.world.twilio.account(&ctx.account).map_or_else(String::new, |account| account.owner.clone())
}

/// `POST /v1/Porting/Configuration/Webhook`: replaces what was there; answers 201.
pub(super) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let body: Object = serde_json::from_slice(&ctx.request.body)
        .map_err(|error| Problem::new(20422, format!("The body is not a JSON object: {error}")))?;
    let created = iso(ctx.world.clock.now());
    let target = |field: &str| match text(&body, field) {
        None => Ok(None),
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
            Ok(Some(Target { url: url.to_owned(), created: created.clone() }))
        }
        Some(url) => Err(Problem::new(20422, format!("{field} is not valid: {url}"))),
    };
    let notifications = body.get("notifications_of").and_then(Value::as_array).cloned().unwrap_or_default();
    let known = |event: &Value| {
        let known = event.as_str().filter(|event| EVENTS.contains(event)).map(str::to_owned);
        known.ok_or_else(|| Problem::new(20422, format!("notifications_of knows no {event}")))
    };
    let configuration = Configuration {
        port_in: target("port_in_target_url")?,
        port_out: target("port_out_target_url")?,
        notifications: notifications.iter().map(known).collect::<Result<_, _>>()?,
    };
    let shown = configuration.show(&ctx.base);
    let account = main_account(ctx);
    ctx.world.twilio.porting.configurations.insert(account, configuration);
    Ok(Answer::Resource { status: 201, kind: "", body: shown })
}

/// `GET /v1/Porting/Configuration/Webhook`.
pub(super) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.world.twilio.porting.configurations.get(&main_account(ctx));
    let found = found.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let mut body = found.show(&ctx.base);
    let created = |target: &Option<Target>| json!(target.as_ref().map(|target| &target.created));
    body["port_in_target_date_created"] = created(&found.port_in);
    body["port_out_target_date_created"] = created(&found.port_out);
    Ok(Answer::Resource { status: 200, kind: "", body })
}

/// `DELETE /v1/Porting/Configuration/Webhook/{PORT_IN|PORT_OUT}`.
pub(super) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let account = main_account(ctx);
    let found = ctx.world.twilio.porting.configurations.get_mut(&account);
    let found = found.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let target = match ctx.ids[0].as_str() {
        "PORT_IN" => &mut found.port_in,
        "PORT_OUT" => &mut found.port_out,
        other => return Err(Problem::new(20422, format!("WebhookType is not valid: {other}"))),
    };
    target.take().ok_or_else(|| Problem::not_found(&ctx.uri))?;
    Ok(Answer::deleted())
}

impl World {
    /// Tells a new status of a request, or of its number at `index`.
    pub(super) fn tell_port(&mut self, sid: &str, index: Option<usize>, status: Status) {
        let Some(request) = self.twilio.porting.requests.get(sid) else { return };
        let number = index.map(|index| &request.numbers[index]);
        let body = json!({
            "port_in_request_sid": sid,
            "port_in_phone_number_sid": number.map(|number| &number.sid),
            "phone_number": number.map(|number| &number.phone),
            "status": status,
            "last_date_updated": iso(self.clock.now()),
            "portable": number.map(|number| number.obstacle.is_none()),
            "not_portable_reason": number.and_then(|it| it.obstacle.as_ref()).map(|(reason, _)| reason),
            "not_portable_reason_code": number.and_then(|it| it.obstacle.as_ref()).map(|(_, code)| code),
            "rejection_reason": number.and_then(|it| it.rejection.as_ref()).map(|(reason, _)| reason),
            "rejection_reason_code": number.and_then(|it| it.rejection.as_ref()).map(|(_, code)| code),
            "port_date": number.and_then(|number| number.port_date).map(iso),
            "order_cancellation_reason": request.cancellation,
        });
        let kind = if index.is_some() { "PortInPhoneNumber" } else { "PortIn" };
        let event = format!("{kind}{}", json!(status).as_str().map(camel).unwrap_or_default());
        let account = request.account.clone();
        self.tell(&account, &event, sid, &body);
    }

    /// Tells that a number left for another carrier.
    pub(super) fn tell_port_out(&mut self, account: &str, phone: &str) {
        let updated = iso(self.clock.now());
        let body = json!({"phone_number": phone, "status": "Completed", "last_date_updated": updated});
        self.tell(account, "PortOutPhoneNumberCompleted", phone, &body);
    }

    /// Sends an event, if it exists and somebody wants it. It is signed by the account of the numbers [?].
    fn tell(&mut self, account: &str, event: &str, subject: &str, body: &Value) {
        let twilio = &self.twilio;
        let Some(of) = twilio.account(account) else { return };
        let Some(chosen) = twilio.porting.configurations.get(&of.owner) else { return };
        let wanted = chosen.notifications.is_empty() || chosen.notifications.iter().any(|it| it == event);
        let out = event.starts_with("PortOut");
        let target = if out { &chosen.port_out } else { &chosen.port_in };
        let Some(target) = target.as_ref().filter(|_| wanted && EVENTS.contains(&event)) else { return };
        let body = body.to_string();
        // The fragment is neither sent nor signed (T11 [D]).
        let url = target.url.split('#').next().unwrap_or_default();
        let url = signature::with_body_hash(url, &body);
        let signature = signature::address(&of.auth_token, &url);
        let outgoing = Outgoing {
            provider: "twilio".to_owned(),
            event: event.to_owned(),
            subject: subject.to_owned(),
            method: "POST".to_owned(),
            url,
            headers: vec![
                ("User-Agent".to_owned(), "TwilioProxy/1.1".to_owned()),
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("X-Twilio-Signature".to_owned(), signature),
            ],
            body,
            connect_timeout: TIMEOUT,
            read_timeout: TIMEOUT,
        };
        self.schedule(Duration::ZERO, Job::Send(Box::new(outgoing)));
    }
}

/// `Waiting for Signature` is `WaitingForSignature` in the name of an event.
fn camel(status: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    status.split(' ').map(word).collect()
}

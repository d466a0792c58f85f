//! Termination: a switchboard sends a call through a trunk to the telephone network (T18). Nobody speaks SIP
//! here; `POST /sandbox/trunk-calls` says what the INVITE would have said.

use std::net::Ipv4Addr;
use std::sync::Arc;

use futures::future::BoxFuture;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::route::alert;
use crate::calling_codes;
use crate::calls::Leg;
use crate::control::{self, Route, Work};
use crate::http::{Object, text};
use crate::ids::is_e164;
use crate::state::{Shared, World};
use crate::twilio::calls::NewLeg;
use crate::twilio::recordings::NewRecording;
use crate::twilio::voice::inbound::{self, Incoming};
use crate::twilio::voice::party::{self, Met};

/// Where it is asked for.
pub(crate) const ROUTES: &[Route] = &[(Method::POST, "trunk-calls", Work::Waits(place))];

/// How long the other side rings.
const TIMEOUT_S: u32 = 60;

/// What the INVITE says, and where it comes from.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Invite {
    trunk_domain: Option<String>,
    /// `sip:+14155550100@name.pstn.twilio.com`, instead of `trunk_domain` and `to`.
    to_uri: Option<String>,
    to: Option<String>,
    from: String,
    source_ip: Option<String>,
    username: Option<String>,
    password: Option<String>,
    says: Vec<String>,
}

/// A call that is not let through: an error code and a SIP status.
type Refused = (u32, u16, &'static str);

fn place(shared: Arc<Shared>, _: Vec<String>, body: Value) -> BoxFuture<'static, control::Answer> {
    Box::pin(async move {
        let invite: Invite = control::read(body)?;
        let (to, domain) = target(&invite)?;
        if !is_e164(&to) {
            return Err(control::bad("to must be a number in the E.164 format"));
        }
        let checked = check(&mut shared.lock(), &invite, &to, &domain);
        let (call_sid, account, trunk) = match checked {
            Ok(admitted) => admitted,
            Err((code, sip, reason)) => {
                let reason = format!("{code} {reason}");
                let told = json!({"call_sid": null, "outcome": "refused", "code": code, "sip_code": sip,
                    "reason": reason, "heard": []});
                return Ok((200, told));
            }
        };
        let leg = Leg { call_sid, account, from: invite.from, to, says: invite.says };
        Ok((200, connect(&shared, leg, &trunk).await))
    })
}

fn target(invite: &Invite) -> Result<(String, String), control::Refusal> {
    let parts = invite.to_uri.as_deref().and_then(|uri| uri.strip_prefix("sip:")?.split_once('@'));
    match (parts, &invite.to, &invite.trunk_domain) {
        (Some((to, domain)), None, None) => {
            let domain = domain.split([':', ';', '?']).next().unwrap_or_default();
            Ok((to.to_owned(), domain.to_owned()))
        }
        (None, Some(to), Some(domain)) if invite.to_uri.is_none() => Ok((to.clone(), domain.clone())),
        _ => Err(control::bad("give to_uri (sip:+14155550100@name.pstn.twilio.com), or trunk_domain and to")),
    }
}

/// Lets the call in, or raises the alert that says why not (T18 [E]). With both kinds of lists both must
/// agree; with none, the domain takes no traffic [S].
fn check(
    world: &mut World,
    invite: &Invite,
    to: &str,
    domain: &str,
) -> Result<(String, String, Object), Refused> {
    let trunk = world.twilio.trunks.iter().find(|trunk| text(trunk, "domain_name") == Some(domain));
    let trunk = trunk.cloned().ok_or((0, 404, "no trunk has this domain"))?;
    let account = text(&trunk, "account_sid").unwrap_or_default().to_owned();
    let new = NewLeg {
        account: &account,
        from: &invite.from,
        to,
        direction: "trunking-terminating",
        status: "queued",
        parent: None,
    };
    let sid = world.open_call(&new);
    if let Some(call) = world.twilio.calls.get_mut(&sid) {
        call.insert("trunk_sid".to_owned(), trunk.get("sid").cloned().unwrap_or_default());
    }
    match admit(world, invite, to, &trunk, &account) {
        Ok(()) => Ok((sid, account, trunk)),
        Err(refused) => {
            world.end_call(&sid, "failed", 0);
            alert(world, &account, &sid, refused.0, refused.2);
            Err(refused)
        }
    }
}

fn admit(world: &World, invite: &Invite, to: &str, trunk: &Object, account: &str) -> Result<(), Refused> {
    let twilio = &world.twilio;
    let sid = text(trunk, "sid").unwrap_or_default();
    let lists = |prefix: &str| -> Vec<&str> {
        twilio.sip.linked(sid, prefix).into_iter().map(|link| link.list.as_str()).collect()
    };
    let (addresses, credentials) = (lists("AL"), lists("CL"));
    let source: Option<Ipv4Addr> = invite.source_ip.as_deref().and_then(|text| text.parse().ok());
    let admitted = source.is_some_and(|source| twilio.sip.admits(&addresses, source));
    if !admitted && (!addresses.is_empty() || credentials.is_empty()) {
        return Err((32201, 403, "the source address is in no access list of the trunk"));
    }
    let (username, password) = (invite.username.as_deref(), invite.password.as_deref());
    let known = twilio.sip.knows(&credentials, username.unwrap_or_default(), password.unwrap_or_default());
    if !known && !credentials.is_empty() {
        return Err((32202, 403, "the user name or password is in no credential list of the trunk"));
    }
    let geo = calling_codes::country(to).is_none_or(|(iso, _)| twilio.may_dial(account, iso));
    match () {
        () if !twilio.is_active(account) => Err((20005, 403, "the account is not active")),
        () if to.starts_with("+1900") => Err((32203, 403, "calls to this number are blocked")),
        () if !twilio.may_show(account, &invite.from) => {
            Err((32204, 403, "From is neither a number nor a verified caller id of the account"))
        }
        () if !geo => Err((32205, 403, "the account has no permission to call this country")),
        () => Ok(()),
    }
}

/// A call that Vapi sends through a trunk.
pub(crate) struct Sent {
    pub(crate) domain: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) source: Ipv4Addr,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

/// The SID of a call that is let in, whose course is the sender's business; else the SIP status. Whoever does
/// not know the password is asked for it, and goes away: 407.
pub(crate) fn send(world: &mut World, sent: Sent) -> Result<String, u16> {
    let Sent { domain, from, to, source, username, password } = sent;
    if !is_e164(&to) {
        return Err(404);
    }
    let source_ip = Some(source.to_string());
    let invite = Invite { from, source_ip, username, password, ..Invite::default() };
    let admitted = check(world, &invite, &to, &domain);
    admitted.map(|(sid, ..)| sid).map_err(|(code, sip, _)| if code == 32202 { 407 } else { sip })
}

async fn connect(shared: &Arc<Shared>, leg: Leg, trunk: &Object) -> Value {
    let owned = shared.lock().twilio.number(&leg.to).is_some();
    let (status, seconds, heard) = if owned {
        let (from, to, says) = (leg.from.clone(), leg.to.clone(), leg.says.clone());
        let rung = inbound::ring(shared, Incoming { from, to, says, ..Incoming::default() }).await;
        (rung.status, rung.outcome.seconds, rung.outcome.heard)
    } else {
        match party::meet(shared, &leg, TIMEOUT_S).await {
            Met::Missed { status, .. } => (status, 0, Vec::new()),
            Met::Person { says, machine, .. } => {
                let world = &mut *shared.lock();
                party::note(world, &leg.to, &leg.from, &leg.call_sid, &leg.says, machine);
                ("completed", party::talk_seconds(says.iter().chain(&leg.says)), says)
            }
            Met::Vapi { outcome, status, .. } => (status, outcome.seconds, outcome.heard),
        }
    };
    let world = &mut *shared.lock();
    world.end_call(&leg.call_sid, status, seconds);
    let recording = record(world, &leg, trunk, seconds);
    let (outcome, sip) = match status {
        "completed" => ("answered", 200),
        "busy" => ("busy", 486),
        "no-answer" => ("no-answer", 480),
        _ => ("failed", 503),
    };
    json!({"call_sid": leg.call_sid, "outcome": outcome, "sip_code": sip, "heard": heard,
        "duration_s": seconds, "recording_sid": recording})
}

/// A trunk may record its calls, in both directions (T18 [S]: `Recording`); what nobody said is not kept.
pub(super) fn record(world: &mut World, leg: &Leg, trunk: &Object, seconds: u32) -> Option<String> {
    let mode = trunk.get("recording")?.get("mode")?.as_str()?;
    if mode == "do-not-record" || seconds == 0 {
        return None;
    }
    let channels = if mode.ends_with("-dual") { 2 } else { 1 };
    let new = NewRecording { account: &leg.account, call: &leg.call_sid, source: "Trunking", channels };
    let sid = world.start_recording(&new);
    world.end_recording(&sid, seconds, false);
    Some(sid)
}

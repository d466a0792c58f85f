//! A call comes in on a number: trunk, application or URL decide who gets it (T6), the number's owner is told
//! when it is over (T16).

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::callbacks::{Callback, Told};
use super::line::{DEPTH_MAX, Line};
use super::script::Script;
use crate::calls::{Leg, NO_SUCH_NUMBER, Outcome};
use crate::http::{Object, text};
use crate::state::{Shared, World};
use crate::twilio::calls::NewLeg;
use crate::twilio::trunks::{self, Origination};

/// A call on its way to a number of Twilio.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incoming {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) says: Vec<String>,
    pub(crate) digits: String,
    pub(crate) hangup_after: Option<u32>,
    pub(crate) forwarded_from: Option<String>,
    /// How many numbers passed it on before.
    pub(crate) depth: usize,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Rung {
    /// None when no account has the number.
    pub(crate) call_sid: Option<String>,
    pub(crate) outcome: Outcome,
    /// The call's last status.
    pub(crate) status: &'static str,
}

/// Where Twilio's settings lead a call.
#[derive(Debug)]
enum Target {
    Trunk(String, Option<(String, String)>),
    Script(Script, Option<(String, String)>),
    Nowhere(&'static str),
}

/// A call that was let in.
struct Open {
    leg: Leg,
    target: Target,
    callback: Option<Callback>,
}

/// Lets a number ring until the call is over. Boxed, since a number may pass the call on to a number.
pub(crate) fn ring(shared: &Arc<Shared>, incoming: Incoming) -> BoxFuture<'static, Rung> {
    let shared = Arc::clone(shared);
    Box::pin(async move {
        let open = open(&mut shared.lock(), &incoming);
        let Some(open) = open else {
            let outcome = Outcome::new("no_such_number", &[NO_SUCH_NUMBER]);
            return Rung { call_sid: None, outcome, status: "failed" };
        };
        let call_sid = open.leg.call_sid.clone();
        let (outcome, after) = connect(&shared, &open, &incoming).await;
        let status = match (outcome.outcome, outcome.told("reason")) {
            ("rejected", Some("busy")) => "busy",
            // An empty route fails at once, without a trace in the debugger (T5 [I], T24.15).
            ("rejected" | "no_route", _) => "failed",
            _ if outcome.declined().is_some() => "failed",
            _ => "completed",
        };
        shared.lock().end_call(&call_sid, status, outcome.seconds);
        for told in after.callbacks {
            told.send(&shared).await;
        }
        if let Some(callback) = open.callback {
            let params = shared.lock().progress(&call_sid, status, 0, &after.recorded);
            let Callback { url, method, .. } = callback;
            let (account, subject) = (open.leg.account, call_sid.clone());
            Told { account, event: "call.status", subject, url, method, params }.send(&shared).await;
        }
        Rung { call_sid: Some(call_sid), outcome, status }
    })
}

/// What is still to be told when a call is over.
#[derive(Default)]
struct After {
    callbacks: Vec<Told>,
    recorded: super::fields::Form,
}

fn open(world: &mut World, incoming: &Incoming) -> Option<Open> {
    world.clock.tick();
    let number = world.twilio.number(&incoming.to)?.clone();
    let account = text(&number, "account_sid").unwrap_or_default().to_owned();
    let (from, to) = (incoming.from.as_str(), incoming.to.as_str());
    let direction = if text(&number, "trunk_sid").is_some() { "trunking-originating" } else { "inbound" };
    let leg = NewLeg { account: &account, from, to, direction, status: "ringing", parent: None };
    let call_sid = world.open_call(&leg);
    if let Some(call) = world.twilio.calls.get_mut(&call_sid) {
        call.insert("forwarded_from".to_owned(), json!(incoming.forwarded_from));
        // The name that a look-up finds is always the same one here.
        if number.get("voice_caller_id_lookup") == Some(&json!(true)) {
            call.insert("caller_name".to_owned(), json!("WIRELESS CALLER"));
        }
    }
    let active = world.twilio.is_active(&account);
    let target = if active { route(world, &number, &call_sid) } else { Target::Nowhere(NOT_ACTIVE) };
    let callback = if active { status_callback(world, &number) } else { None };
    let says = if incoming.says.is_empty() { world.phones.get(from).says } else { incoming.says.clone() };
    let leg = Leg { call_sid, account, from: from.to_owned(), to: to.to_owned(), says };
    Some(Open { leg, target, callback })
}

const NOT_ACTIVE: &str = "account_not_active";

async fn connect(shared: &Arc<Shared>, open: &Open, incoming: &Incoming) -> (Outcome, After) {
    let outcome = match &open.target {
        _ if incoming.depth > DEPTH_MAX => Outcome::new("rejected", &[]).telling("reason", "busy"),
        Target::Nowhere(NOT_ACTIVE) => Outcome::new("rejected", &[]).telling("reason", NOT_ACTIVE),
        Target::Nowhere(reason) => Outcome::new("no_route", &[]).telling("reason", *reason),
        Target::Trunk(url, recovery) => {
            let outcome = trunks::through(shared, &open.leg, url).await;
            match recovery.as_ref().filter(|_| outcome.declined().is_some()) {
                Some((url, method)) => {
                    let script = Script::Url(url.clone(), method.clone());
                    return run(shared, open, incoming, &script, None).await;
                }
                None => outcome,
            }
        }
        Target::Script(script, fallback) => {
            return run(shared, open, incoming, script, fallback.clone()).await;
        }
    };
    (outcome, After::default())
}

async fn run(
    shared: &Arc<Shared>,
    open: &Open,
    incoming: &Incoming,
    script: &Script,
    fallback: Option<(String, String)>,
) -> (Outcome, After) {
    let mut line = Line::new(shared, open.leg.clone())
        .acting(&incoming.digits, incoming.hangup_after)
        .with_fallback(fallback)
        .at_depth(incoming.depth);
    let end = line.talk(script).await;
    let after = After { callbacks: line.take_after(), recorded: line.recorded() };
    (line.outcome(end), after)
}

/// The first of trunk, application, URL that is set (T6 [S], T24.9).
fn route(world: &mut World, number: &Object, call_sid: &str) -> Target {
    if let Some(trunk) = text(number, "trunk_sid") {
        return match trunks::route(world, trunk, call_sid) {
            Origination::Sip(url, recovery) => Target::Trunk(url, recovery),
            Origination::Recovery(url, method) => Target::Script(Script::Url(url, method), None),
            Origination::Nowhere => Target::Nowhere("32010 no enabled origination URL"),
        };
    }
    let Some(from) = handled_by(world, number) else {
        return Target::Nowhere("the application does not exist any more");
    };
    let address = |url: &str, method: &str| {
        text(from, url).map(|url| (url.to_owned(), text(from, method).unwrap_or("POST").to_owned()))
    };
    match address("voice_url", "voice_method") {
        Some((url, method)) => {
            Target::Script(Script::Url(url, method), address("voice_fallback_url", "voice_fallback_method"))
        }
        None => Target::Nowhere("no voice URL"),
    }
}

/// The number itself, or the application that is set on it; none when that was deleted.
fn handled_by<'w>(world: &'w World, number: &'w Object) -> Option<&'w Object> {
    match text(number, "voice_application_sid") {
        Some(sid) => world.twilio.applications.get(sid),
        None => Some(number),
    }
}

/// Told once, at the end (T5 [D], T24.24). With an application it is the application's [?].
fn status_callback(world: &World, number: &Object) -> Option<Callback> {
    let by = match text(number, "trunk_sid") {
        Some(_) => number,
        None => handled_by(world, number)?,
    };
    let method = by.get("status_callback_method").and_then(Value::as_str).unwrap_or("POST");
    text(by, "status_callback").map(|url| Callback::new(url, method, std::iter::empty()))
}

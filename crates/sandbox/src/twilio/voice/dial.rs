//! `<Dial>`: the call goes on to other numbers, people or SIP addresses (T16 [D]).

use serde_json::json;

use super::callbacks::Callback;
use super::fields::{Form, entry};
use super::inbound::{self, Incoming};
use super::line::{End, Flow, Line};
use super::party::{self, Met};
use super::script::{Document, Script};
use crate::calls::Leg;
use crate::http::Object;
use crate::ids::is_e164;
use crate::twilio::calls::NewLeg;
use crate::twilio::twiml::Element;

/// How long a party is rung: known, but not from a page that was found (T25 [?]).
const TIMEOUT_S: u32 = 30;
/// T16 [D]: ten numbers in one `<Dial>`.
const PARTIES_MAX: usize = 10;

/// Somebody who is dialled.
struct Party {
    /// A number, or a `sip:` address.
    address: String,
    element: Element,
}

/// What became of one party.
#[derive(Default)]
struct Reached {
    /// Its leg; none when it could not even be dialled.
    sid: Option<String>,
    /// `DialCallStatus`.
    status: &'static str,
    seconds: u32,
    sip_code: Option<u16>,
    heard: Vec<String>,
    details: Object,
}

impl Line {
    /// Dials until somebody answers. With an action, nothing after it is run (T16 [D]).
    pub(super) async fn dial(&mut self, document: &Document, verb: &Element) -> Flow {
        let callback = self.recording_callback(document, verb);
        let reached = match self.parties(verb) {
            Ok((caller, parties)) => self.first_of(document, verb, &caller, parties).await,
            Err((code, text)) => {
                self.warn(code, &text, "");
                Reached { status: "failed", ..Reached::default() }
            }
        };
        self.heard.extend(reached.heard.iter().cloned());
        self.details.insert("dial_status".to_owned(), json!(reached.status));
        self.details.extend(reached.details.clone());
        let mut more = vec![entry("DialCallStatus", reached.status)];
        more.extend(reached.sid.iter().map(|sid| entry("DialCallSid", sid.as_str())));
        let bridged = reached.status == "completed";
        more.push(entry("DialBridged", bridged.to_string()));
        if bridged {
            more.push(entry("DialCallDuration", reached.seconds.to_string()));
            more.extend(self.dial_recording(verb, reached.seconds, callback).await);
        }
        if let (Some(code), Some(sid)) = (reached.sip_code, &reached.sid) {
            more.push(entry("DialSipCallId", format!("{}@sandbox", &sid[2..])));
            more.push(entry("DialSipResponseCode", code.to_string()));
        }
        match verb.attribute("action") {
            Some(action) => self.goto(document.resolve(Some(action)), verb.method("method"), more),
            None if self.is_over() => Flow::Over(End::HungUp),
            None => Flow::Next,
        }
    }

    async fn dial_recording(&mut self, verb: &Element, seconds: u32, callback: Option<Callback>) -> Form {
        let mode = verb.attribute("record").unwrap_or("do-not-record");
        if matches!(mode, "do-not-record" | "false") {
            return Form::new();
        }
        let channels = if mode.ends_with("-dual") { 2 } else { 1 };
        let sid = self.recording("DialVerb", channels, callback.as_ref()).await;
        let url = self.recording_url(&sid);
        self.end_recording(&sid, seconds, false, callback);
        vec![entry("RecordingUrl", url), entry("RecordingSid", sid)]
    }

    /// The number to show, and who is dialled.
    fn parties(&self, verb: &Element) -> Result<(String, Vec<Party>), (u32, String)> {
        let caller = verb.attribute("callerId").unwrap_or(&self.leg.from).to_owned();
        // The calling or the called number, or one of the account (13214 [E]).
        let known = [&self.leg.from, &self.leg.to].contains(&&caller);
        if !known && !self.shared.lock().twilio.may_show(&self.leg.account, &caller) {
            return Err((13214, format!("Dial: Invalid callerId value: {caller}")));
        }
        let nouns = verb.children.iter().filter(|child| matches!(child.name.as_str(), "Number" | "Sip"));
        let mut parties: Vec<Party> =
            nouns.map(|noun| Party { address: address(&noun.text), element: noun.clone() }).collect();
        if parties.is_empty() && !verb.text.is_empty() {
            parties.push(Party { address: address(&verb.text), element: Element::default() });
        }
        match parties.iter().find_map(|party| invalid(&party.address)) {
            Some(problem) => Err(problem),
            None if parties.is_empty() => Err((13215, "Dial: Invalid nested element".to_owned())),
            None if parties.len() > PARTIES_MAX => Err((13250, "Dial: Too many URIs passed".to_owned())),
            None => Ok((caller, parties)),
        }
    }

    /// All ring together and the first that answers wins (T16 [D]): here, the first in their order.
    async fn first_of(
        &mut self,
        document: &Document,
        verb: &Element,
        caller: &str,
        parties: Vec<Party>,
    ) -> Reached {
        let mut last = Reached { status: "no-answer", ..Reached::default() };
        for party in parties {
            if self.is_over() {
                break;
            }
            self.dialled = Some(party.address.clone());
            let reached = self.one(document, verb, caller, &party).await;
            self.step(json!({"verb": "Dial", "to": party.address, "call_sid": reached.sid,
                "status": reached.status}));
            if reached.status == "completed" {
                return reached;
            }
            last = reached;
        }
        last
    }

    async fn one(&mut self, document: &Document, verb: &Element, caller: &str, party: &Party) -> Reached {
        let to = party.address.as_str();
        let noun = &party.element;
        let callback =
            Callback::of(noun, "statusCallback", document.resolve(noun.attribute("statusCallback")));
        let sid = {
            let (account, parent) = (self.leg.account.as_str(), Some(self.leg.call_sid.as_str()));
            let status = "queued";
            let leg = NewLeg { account, from: caller, to, direction: "outbound-dial", status, parent };
            self.shared.lock().open_call(&leg)
        };
        let mut sequence = 0;
        self.progress(&sid, callback.as_ref(), "initiated", &mut sequence).await;
        self.shared.lock().mark_call(&sid, "ringing");
        self.progress(&sid, callback.as_ref(), "ringing", &mut sequence).await;
        let mut reached = self.bridge(document, verb, caller, party, &sid).await;
        let talked = if reached.status == "completed" { reached.seconds } else { 0 };
        if talked > 0 || reached.status == "completed" {
            self.shared.lock().mark_call(&sid, "in-progress");
            self.progress(&sid, callback.as_ref(), "answered", &mut sequence).await;
        }
        self.shared.lock().end_call(&sid, reached.status, talked);
        self.progress(&sid, callback.as_ref(), "completed", &mut sequence).await;
        reached.sid = Some(sid);
        reached
    }

    /// One event of a dialled leg, for whoever wants it.
    async fn progress(&self, sid: &str, callback: Option<&Callback>, event: &str, sequence: &mut u32) {
        let Some(callback) = callback.filter(|callback| callback.wants(event)) else { return };
        let params = {
            let world = self.shared.lock();
            let call = world.twilio.calls.get(sid);
            let shown = call.and_then(|call| crate::http::text(call, "status")).unwrap_or(event);
            let status = if event == "initiated" { event } else { shown }.to_owned();
            world.progress(sid, &status, *sequence, &Form::new())
        };
        *sequence += 1;
        let mut told = self.told("call.status", callback, params);
        told.subject = sid.to_owned();
        told.send(&self.shared).await;
    }

    /// Connects both sides, if the other one answers, and lets them talk.
    async fn bridge(
        &mut self,
        document: &Document,
        verb: &Element,
        caller: &str,
        party: &Party,
        sid: &str,
    ) -> Reached {
        let to = party.address.as_str();
        let timeout = verb.number("timeout", TIMEOUT_S);
        // The other side is alone when this one hangs up. That bounds numbers that dial each other, too.
        let limit = verb.number("timeLimit", super::line::CALL_MAX_S).min(self.left());
        let star = verb.flag("hangupOnStar") && self.digits.contains(&'*');
        let says = self.say_all();
        let is_number = self.shared.lock().twilio.number(to).is_some();
        if is_number {
            let incoming = Incoming {
                from: caller.to_owned(),
                to: to.to_owned(),
                says,
                hangup_after: Some(limit),
                forwarded_from: Some(self.leg.to.clone()),
                depth: self.depth + 1,
                ..Incoming::default()
            };
            let rung = inbound::ring(&self.shared, incoming).await;
            let least = u32::from(rung.status == "completed");
            let seconds = self.talked(rung.outcome.seconds.max(least).min(limit), star);
            let mut details = rung.outcome.details().clone();
            details.retain(|key, _| matches!(key.as_str(), "answered_by" | "vapi_call_id" | "ended_reason"));
            return Reached {
                status: rung.status,
                seconds,
                heard: rung.outcome.heard,
                details,
                ..Reached::default()
            };
        }
        let leg = Leg {
            call_sid: sid.to_owned(),
            account: self.leg.account.clone(),
            from: caller.to_owned(),
            to: to.to_owned(),
            says: says.clone(),
        };
        let met = party::meet(&self.shared, &leg, timeout).await;
        self.spend(u64::from(met.rang_s()) * 1_000);
        match met {
            Met::Missed { status, sip_code, .. } => Reached { status, sip_code, ..Reached::default() },
            Met::Vapi { outcome, status, sip_code } => {
                let seconds = self.talked(outcome.seconds.min(limit), star);
                let details = outcome.details().clone();
                Reached { status, seconds, sip_code, heard: outcome.heard, details, ..Reached::default() }
            }
            Met::Person { says: words, machine, sip_code, .. } => {
                let whisper = match party.element.attribute("url") {
                    Some(url) => {
                        let url = document.resolve(Some(url)).unwrap_or_default();
                        let script = Script::Url(url, party.element.method("method"));
                        let mut line =
                            Line::new(&self.shared, leg).picked_up(Form::new()).at_depth(self.depth + 1);
                        line.talk(&script).await;
                        std::mem::take(&mut line.heard)
                    }
                    None => Vec::new(),
                };
                let seconds = party::talk_seconds(words.iter().chain(&says)).min(limit);
                let seconds = self.talked(seconds, star);
                let heard: Vec<String> = whisper.into_iter().chain(says).collect();
                party::note(&mut self.shared.lock(), to, caller, sid, &heard, machine);
                Reached { status: "completed", seconds, sip_code, heard: words, ..Reached::default() }
            }
        }
    }

    /// What the caller has still to say is for the other side.
    fn say_all(&mut self) -> Vec<String> {
        std::mem::take(&mut self.says).into()
    }

    /// Both talk so long, unless the caller hangs up or presses the star before (`hangupOnStar`).
    fn talked(&mut self, seconds: u32, star: bool) -> u32 {
        let seconds = if star { seconds.min(1) } else { seconds };
        if star {
            while self.digits.pop_front().is_some_and(|key| key != '*') {}
        }
        let spent = self.spend(u64::from(seconds) * 1_000);
        u32::try_from(spent / 1_000).unwrap_or(seconds)
    }
}

/// A number as it is dialled: punctuation left out, ten digits are of North America [?]. SIP stays as it is.
fn address(written: &str) -> String {
    if written.starts_with("sip:") || written.starts_with("sips:") {
        return written.to_owned();
    }
    let digits: String = written.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    match digits.len() {
        10 if !digits.starts_with('+') => format!("+1{digits}"),
        11 if digits.starts_with('1') => format!("+{digits}"),
        _ => digits,
    }
}

/// What is wrong with an address (T16 [E]).
fn invalid(address: &str) -> Option<(u32, String)> {
    let host =
        address.strip_prefix("sip:").map(|rest| rest.split(['@', ';', '?']).nth(1).unwrap_or_default());
    match host {
        Some(_) if address.len() > 255 => Some((13243, "Dial->SIP: Invalid SIP URI".to_owned())),
        Some("") => Some((13243, "Dial->SIP: Invalid SIP URI".to_owned())),
        Some(host) if host.ends_with(".sip.twilio.com") => {
            let text = "Dial->Sip: Dialing .sip.twilio.com addresses is not currently allowed";
            Some((13255, text.to_owned()))
        }
        Some(_) => None,
        None if is_e164(address) => None,
        None => Some((13223, format!("Dial: Invalid phone number format: {address}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_or_have_a_code() {
        for (written, expected) in [
            ("415-555-0100", Ok("+14155550100")),
            ("1 (415) 555 0100", Ok("+14155550100")),
            ("+33 6 12 34 56 78", Ok("+33612345678")),
            ("sip:bob@pbx.example;transport=tls", Ok("sip:bob@pbx.example;transport=tls")),
            ("bob", Err(13223)),
            ("12", Err(13223)),
            ("sip:bob", Err(13243)),
            ("sip:bob@else.sip.twilio.com", Err(13255)),
        ] {
            let address = address(written);
            let found = invalid(&address).map_or(Ok(address.as_str()), |(code, _)| Err(code));
            assert_eq!(found, expected, "{written}");
        }
    }
}

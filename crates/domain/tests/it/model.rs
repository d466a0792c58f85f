//! Twilio and Vapi as a pure function: what a change makes of the observed state. What the facts leave open is a
//! switch, so that a property must hold either way.

use crate::line::{OUR_SECRET, at, at_twilio, at_vapi, id, vapi};
use dialtone_domain::line::{
    Change, Desired, Method, NumberStatus, Observed, Region, ServerView, ServerWish, SmsOwner, VapiNumber,
    VoiceRouting, plan,
};
use dialtone_domain::{AssistantId, VapiNumberId};

/// More steps than any plan may take.
const STEPS: usize = 6;

/// The two providers, and what of them is not known.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) observed: Observed,
    pub(crate) region: Region,
    /// Whether every later change of a record rewrites Twilio's addresses too (facts/vapi.md section 5.5).
    pub(crate) patches_rewrite: bool,
    /// Whether Vapi says who answers texts.
    pub(crate) tells_sms: bool,
}

impl World {
    /// Plans and applies the first step until nothing is left to do; returns the steps.
    pub(crate) fn settle(&mut self, desired: &Desired) -> Vec<Change> {
        let mut done = Vec::new();
        while let Some(change) = plan(desired, &self.observed).into_iter().next() {
            assert!(done.len() < STEPS, "no end after {done:#?}");
            self.apply(&change);
            done.push(change);
        }
        done
    }

    /// The record that an import made.
    pub(crate) fn imported() -> VapiNumberId {
        id(77)
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::ImportNumber { .. } => self.import(change),
            Change::LinkAssistant { number, from, to, replaces_squad } => {
                let record = self.record(*number);
                assert_eq!((record.assistant_id, record.has_squad), (*from, *replaces_squad));
                record.assistant_id = *to;
                record.has_squad = false;
                self.rewrite_after_patch();
            }
            Change::SetServer { number, from, to } => {
                let record = self.record(*number);
                assert_eq!(record.server.as_ref().map(|server| &server.url), from.as_ref());
                record.server = to.as_ref().map(served);
                self.rewrite_after_patch();
            }
            Change::SetVapiCredentials { number, from, to } => {
                assert!(self.owned(), "Vapi takes no credentials of an account without the number");
                let record = self.record(*number);
                assert_eq!(&record.account_sid, from);
                record.account_sid = Some(to.clone());
                self.observed.stale_token = false;
                self.rewrite_after_patch();
            }
            Change::SetSmsOwner { number, to, .. } => {
                self.record(*number).sms_enabled = Some(*to == SmsOwner::Vapi);
                self.write_sms(*to);
                self.rewrite_after_patch();
            }
            Change::DeleteVapiNumber { number, .. } => {
                self.record(*number);
                vapi(&mut self.observed).numbers.retain(|record| record.id != *number);
            }
            Change::SetVoiceRouting { number, from, to } => {
                let found = at_twilio(&mut self.observed);
                assert_eq!((&found.sid, &found.voice), (number, from));
                assert!(to.trunk_sid.is_none() || to.application_sid.is_none(), "both at once: {to:?}");
                found.voice = to.clone();
            }
            Change::SetSmsRouting { number, from, to } => {
                let found = at_twilio(&mut self.observed);
                assert_eq!((&found.sid, &found.sms), (number, from));
                found.sms = to.clone();
            }
        }
    }

    fn import(&mut self, change: &Change) {
        let Change::ImportNumber { account_sid, name, assistant, sms_owner, server, .. } = change else {
            panic!("no import: {change:?}")
        };
        assert!(self.owned(), "Number Not Found on Twilio.");
        let region = self.region;
        let voice = &mut at_twilio(&mut self.observed).voice;
        *voice = VoiceRouting {
            voice_url: Some(region.voice_url()),
            voice_method: Method::Post,
            status_callback: Some(region.status_url()),
            ..voice.clone()
        };
        self.write_sms(*sms_owner);
        let record = VapiNumber {
            id: Self::imported(),
            name: name.clone(),
            account_sid: Some(account_sid.clone()),
            assistant_id: *assistant,
            has_squad: false,
            server: server.as_ref().map(served),
            sms_enabled: self.tells_sms.then_some(*sms_owner == SmsOwner::Vapi),
            status: NumberStatus::Active,
            updated_at: Some(at(1_000)),
        };
        let records = &mut vapi(&mut self.observed).numbers;
        assert!(records.iter().all(|other| other.account_sid != record.account_sid), "Existing Phone Number");
        records.push(record);
        self.observed.stale_token = false;
    }

    fn owned(&self) -> bool {
        self.observed.twilio.known().is_some_and(|view| view.number.is_ok())
    }

    fn record(&mut self, number: VapiNumberId) -> &mut VapiNumber {
        let found = vapi(&mut self.observed).numbers.iter_mut().find(|record| record.id == number);
        let record = found.expect("the record exists");
        record.updated_at = Some(at(1_000));
        record
    }

    fn write_sms(&mut self, owner: SmsOwner) {
        let url = self.region.sms_url();
        if owner == SmsOwner::Vapi && self.owned() {
            let sms = &mut at_twilio(&mut self.observed).sms;
            sms.sms_url = Some(url);
            sms.sms_method = Method::Post;
        }
    }

    fn rewrite_after_patch(&mut self) {
        let region = self.region;
        if self.patches_rewrite && self.owned() {
            let voice = &mut at_twilio(&mut self.observed).voice;
            voice.voice_url = Some(region.voice_url());
            voice.voice_method = Method::Post;
            voice.status_callback = Some(region.status_url());
        }
    }
}

/// A secret that is not ours cannot be sent: nobody knows it.
fn served(wish: &ServerWish) -> ServerView {
    let secret = wish.secret_fingerprint.clone().filter(|secret| secret == OUR_SECRET);
    ServerView { url: wish.url.clone(), secret_fingerprint: secret }
}

/// Everything of a state that a way back must bring back; the record's id is new where it was made again.
pub(crate) fn essence(observed: &mut Observed) -> impl PartialEq + std::fmt::Debug + use<> {
    let number = at_twilio(observed).clone();
    let record = (!vapi(observed).numbers.is_empty()).then(|| at_vapi(observed).clone());
    let record = record.map(|record| {
        let assistant: Option<AssistantId> = record.assistant_id;
        (record.name, record.account_sid, assistant, record.server, record.sms_enabled)
    });
    (number, record)
}

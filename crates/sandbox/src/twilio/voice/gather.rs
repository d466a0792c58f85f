//! `<Gather>`, `<Record>` and `<Start><Recording>`: what is taken from the party on the line (T16 [D]).

use serde_json::json;

use super::callbacks::{Callback, Told};
use super::fields::{Form, entry, set};
use super::line::{Flow, Line, speaking_ms};
use super::script::Document;
use crate::twilio::recordings::{self, NewRecording};
use crate::twilio::twiml::Element;

/// How long somebody is waited for [D].
const TIMEOUT_S: u32 = 5;
/// How long a recording may be, when nothing is said of it [D].
const RECORD_MAX_S: u32 = 3_600;
/// How sure Twilio is of words that were never spoken.
const CONFIDENCE: &str = "0.9";
/// A key takes about so long to press.
const KEY_MS: u64 = 500;

/// What a `<Gather>` got.
enum Input {
    Digits(String),
    Speech(String),
    Nothing,
}

impl Line {
    /// Digits that the caller presses, or the next line that the caller says. Without either, what follows
    /// is run after the timeout (T16 [D]).
    pub(super) async fn gather(&mut self, document: &Document, verb: &Element) -> Flow {
        for inside in &verb.children {
            match inside.name.as_str() {
                "Say" | "Play" | "Pause" => self.sound(document, inside).await,
                _ => self.warn(13320, "Gather: Invalid nested verb", ""),
            }
        }
        let input = self.input(verb);
        let mut more = Form::new();
        match input {
            Input::Digits(digits) => {
                self.step(json!({"verb": "Gather", "digits": digits}));
                more.push(entry("Digits", digits));
            }
            Input::Speech(words) => {
                self.step(json!({"verb": "Gather", "speech": words}));
                more.push(entry("SpeechResult", words));
                more.push(entry("Confidence", CONFIDENCE));
            }
            Input::Nothing => {
                self.step(json!({"verb": "Gather"}));
                self.spend(u64::from(verb.number("timeout", TIMEOUT_S)) * 1_000);
                if self.is_over() || !verb.flag("actionOnEmptyResult") {
                    return Flow::Next;
                }
                more.push(entry("Digits", ""));
            }
        }
        self.goto(document.resolve(verb.attribute("action")), verb.method("method"), more)
    }

    fn input(&mut self, verb: &Element) -> Input {
        let ways = verb.attribute("input").unwrap_or("dtmf");
        // `finishOnKey=""` means that no key finishes; an absent one is `#` (T16 [D]).
        let given = verb.attributes.iter().find(|(key, _)| key == "finishOnKey");
        let finish = given.map_or("#", |(_, value)| value.as_str());
        if ways.contains("dtmf") && !self.digits.is_empty() {
            let most = verb.number("numDigits", u32::MAX) as usize;
            let mut digits = String::new();
            while digits.len() < most {
                match self.digits.pop_front() {
                    Some(key) if finish.contains(key) => break,
                    Some(key) => digits.push(key),
                    None => break,
                }
                self.spend(KEY_MS);
            }
            return Input::Digits(digits);
        }
        // Who only waits for keys leaves the words to those who listen.
        let words = if ways.contains("speech") { self.says.pop_front() } else { None };
        match words {
            Some(words) => {
                self.spend(speaking_ms(&words));
                Input::Speech(words)
            }
            None => Input::Nothing,
        }
    }

    /// Records the next line that the caller says. The action is asked unless nothing was said (T16 [D]).
    pub(super) async fn record(&mut self, document: &Document, verb: &Element) -> Flow {
        let words = self.says.pop_front();
        let most = u64::from(verb.number("maxLength", RECORD_MAX_S)) * 1_000;
        let silence = u64::from(verb.number("timeout", TIMEOUT_S)) * 1_000;
        let callback = self.recording_callback(document, verb);
        let sid = self.recording("RecordVerb", 1, callback.as_ref()).await;
        let spent = match &words {
            Some(words) => self.spend(speaking_ms(words).min(most)),
            None => self.spend(silence),
        };
        let seconds = u32::try_from(spent / 1_000).unwrap_or(RECORD_MAX_S);
        let finished = if self.digits.is_empty() { None } else { self.digits.pop_front() };
        self.step(json!({"verb": "Record", "recording_sid": sid, "seconds": seconds, "said": words}));
        self.end_recording(&sid, seconds, words.is_none(), callback);
        let Some(_) = words else { return Flow::Next };
        let mut more = vec![
            entry("RecordingSid", sid.as_str()),
            entry("RecordingUrl", self.recording_url(&sid)),
            entry("RecordingDuration", seconds.to_string()),
        ];
        let key = finished.map(String::from).or_else(|| self.is_over().then(|| "hangup".to_owned()));
        more.extend(key.map(|key| entry("Digits", key)));
        self.goto(document.resolve(verb.attribute("action")), verb.method("method"), more)
    }

    /// `<Start><Recording>`: from here to the end of the call.
    pub(super) async fn start(&mut self, document: &Document, verb: &Element) {
        let Some(noun) = verb.children.iter().find(|child| child.name == "Recording") else {
            return self.step(json!({"verb": "Start"}));
        };
        let callback = self.recording_callback(document, noun);
        let channels = if noun.attribute("channels") == Some("mono") { 1 } else { 2 };
        let sid = self.recording("StartCallRecordingAPI", channels, callback.as_ref()).await;
        self.step(json!({"verb": "Start", "recording_sid": sid}));
        self.running.push((sid, self.seconds(), callback));
    }

    /// Ends what `<Start>` started.
    pub(super) fn stop_recordings(&mut self) {
        for (sid, since, callback) in std::mem::take(&mut self.running) {
            let seconds = self.seconds().saturating_sub(since);
            self.end_recording(&sid, seconds, false, callback);
        }
    }

    pub(super) fn recording_callback(&self, document: &Document, element: &Element) -> Option<Callback> {
        let url = document.resolve(element.attribute("recordingStatusCallback"));
        Callback::of(element, "recordingStatusCallback", url)
    }

    /// Starts a recording and says so to who wants to know.
    pub(super) async fn recording(
        &mut self,
        source: &str,
        channels: u32,
        callback: Option<&Callback>,
    ) -> String {
        let (sid, fields) = {
            let world = &mut *self.shared.lock();
            // The recording of a `<Dial>` too belongs to the parent leg (T16).
            let new = NewRecording { account: &self.leg.account, call: &self.leg.call_sid, source, channels };
            let sid = world.start_recording(&new);
            let fields = world.recording_fields(&sid, &self.shared.host);
            (sid, fields)
        };
        if let Some(callback) = callback.filter(|callback| callback.wants("in-progress")) {
            self.told("recording.status", callback, fields).send(&self.shared).await;
        }
        sid
    }

    /// Ends a recording. Its callback comes after the call; a number's own callback tells of it too.
    pub(super) fn end_recording(
        &mut self,
        sid: &str,
        seconds: u32,
        silent: bool,
        callback: Option<Callback>,
    ) {
        let fields = {
            let world = &mut *self.shared.lock();
            world.end_recording(sid, seconds, silent);
            world.recording_fields(sid, &self.shared.host)
        };
        let status = fields.iter().find(|(name, _)| name == "RecordingStatus");
        let status = status.map(|(_, value)| value.clone()).unwrap_or_default();
        if status == "completed" {
            for name in ["RecordingUrl", "RecordingSid", "RecordingDuration"] {
                let value = fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
                set(&mut self.recorded, name, value.unwrap_or_default());
            }
        }
        if let Some(callback) = callback.filter(|callback| callback.wants(&status)) {
            self.after.push(self.told("recording.status", &callback, fields));
        }
    }

    pub(super) fn recording_url(&self, sid: &str) -> String {
        recordings::url(&self.shared.host, &self.leg.account, sid)
    }

    pub(super) fn told(&self, event: &'static str, callback: &Callback, params: Form) -> Told {
        Told {
            account: self.leg.account.clone(),
            event,
            subject: self.leg.call_sid.clone(),
            url: callback.url.clone(),
            method: callback.method.clone(),
            params,
        }
    }
}

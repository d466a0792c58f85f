//! One side of a call and the documents that are run on it (T16 [D]). Talking takes no virtual time; how
//! long it would have taken is counted.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use super::callbacks::{Callback, Told};
use super::fields::Form;
use super::script::{Document, Next, Script};
use crate::calls::{APPLICATION_ERROR, Leg, Outcome};
use crate::http::Object;
use crate::outbound::Outgoing;
use crate::state::Shared;
use crate::twilio::twiml::{self, Element};
use crate::vapi::calls as vapi;

/// How fast everybody speaks: our own measure.
const CHARACTERS_A_SECOND: u64 = 15;
/// How long a file plays that nobody listens to.
const PLAY_MS: u64 = 5_000;
/// Longer than this no call lasts (T16: `timeLimit`).
pub(crate) const CALL_MAX_S: u32 = 14_400;
/// A call that runs more documents than this is going round in circles [?].
const DOCUMENTS_MAX: usize = 50;
/// T16 [D]: basic voices take 4096 characters, Polly's 3000.
const SAY_MAX: usize = 4_096;
const SAY_POLLY_MAX: usize = 3_000;
/// A number that forwards to a number that forwards …
pub(super) const DEPTH_MAX: usize = 5;

/// How the run of a call's documents ended.
#[derive(Debug)]
pub(crate) enum End {
    /// There was nothing more to do, or somebody hung up.
    HungUp,
    /// `<Reject>`, with its reason.
    Rejected(String),
    /// No instruction could be had from this address.
    Broken { url: String, reason: String },
    /// The audio goes to this address.
    Streamed(String),
    /// Somebody else answered.
    Taken(Outcome),
}

/// What a verb leads to.
#[derive(Debug)]
pub(super) enum Flow {
    Next,
    Goto(Next),
    Over(End),
}

/// One party's line.
pub(crate) struct Line {
    pub(super) shared: Arc<Shared>,
    pub(super) leg: Leg,
    answered: bool,
    /// Asked when a document fails.
    pub(super) fallback: Option<(String, String)>,
    /// Told with every request about this call.
    pub(super) always: Form,
    /// What the party will press and say.
    pub(super) digits: VecDeque<char>,
    pub(super) says: VecDeque<String>,
    limit_ms: u64,
    spent_ms: u64,
    pub(super) depth: usize,
    pub(super) demo: bool,
    pub(super) heard: Vec<String>,
    steps: Vec<Value>,
    /// The last party that was dialled.
    pub(super) dialled: Option<String>,
    pub(super) details: Object,
    /// Callbacks that wait for the end of the call.
    pub(super) after: Vec<Told>,
    pub(super) recorded: Form,
    /// Recordings that go on, with the second they began.
    pub(super) running: Vec<(String, u32, Option<Callback>)>,
}

impl Line {
    /// A line on which nothing was said yet.
    pub(crate) fn new(shared: &Arc<Shared>, leg: Leg) -> Line {
        Line {
            shared: Arc::clone(shared),
            says: leg.says.iter().cloned().collect(),
            leg,
            answered: false,
            fallback: None,
            always: Form::new(),
            digits: VecDeque::new(),
            limit_ms: u64::from(CALL_MAX_S) * 1_000,
            spent_ms: 0,
            depth: 0,
            demo: false,
            heard: Vec::new(),
            steps: Vec::new(),
            dialled: None,
            details: Object::new(),
            after: Vec::new(),
            recorded: Form::new(),
            running: Vec::new(),
        }
    }

    /// What the party does: presses these keys, and hangs up after so many seconds.
    pub(crate) fn acting(mut self, digits: &str, hangup_after: Option<u32>) -> Line {
        self.digits = digits.chars().collect();
        self.limit_ms = u64::from(hangup_after.unwrap_or(CALL_MAX_S).min(CALL_MAX_S)) * 1_000;
        self
    }

    pub(crate) fn with_fallback(mut self, fallback: Option<(String, String)>) -> Line {
        self.fallback = fallback;
        self
    }

    /// Somebody has picked up: `CallStatus` is `in-progress` from here on.
    pub(crate) fn picked_up(mut self, always: Form) -> Line {
        self.answered = true;
        self.always = always;
        self
    }

    pub(super) fn at_depth(mut self, depth: usize) -> Line {
        self.depth = depth;
        self
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answered
    }

    /// `CallStatus` in the requests of this line.
    pub(super) fn status(&self) -> &'static str {
        match (self.is_over(), self.answered) {
            (true, _) => "completed",
            (false, true) => "in-progress",
            (false, false) => "ringing",
        }
    }

    /// Whether the party has hung up, or the call lasted as long as it may.
    pub(super) fn is_over(&self) -> bool {
        self.spent_ms >= self.limit_ms
    }

    /// How many seconds it may still last.
    pub(super) fn left(&self) -> u32 {
        u32::try_from(self.limit_ms.saturating_sub(self.spent_ms).div_ceil(1_000)).unwrap_or(CALL_MAX_S)
    }

    pub(super) fn step(&mut self, step: Value) {
        self.steps.push(step);
    }

    /// Lets so many milliseconds pass, and returns how many of them the call lasted.
    pub(super) fn spend(&mut self, ms: u64) -> u64 {
        let left = self.limit_ms.saturating_sub(self.spent_ms).min(ms);
        self.spent_ms += left;
        left
    }

    /// The party hears a sentence.
    pub(super) fn hear(&mut self, text: &str) {
        self.spend(speaking_ms(text));
        self.heard.push(text.to_owned());
    }

    /// What the party heard.
    pub(super) fn heard(&self) -> &[String] {
        &self.heard
    }

    /// Ends the recordings that go on, and hands out what is to be told when the call is over.
    pub(super) fn take_after(&mut self) -> Vec<Told> {
        self.stop_recordings();
        std::mem::take(&mut self.after)
    }

    /// What the last callback tells of the call's recording.
    pub(super) fn recorded(&self) -> Form {
        self.recorded.clone()
    }

    /// Whole seconds of the call so far.
    pub(super) fn seconds(&self) -> u32 {
        u32::try_from(self.spent_ms.div_ceil(1_000)).unwrap_or(CALL_MAX_S)
    }

    /// Runs documents until there is nothing more to do.
    pub(crate) async fn talk(&mut self, script: &Script) -> End {
        let end = self.run(script).await;
        if let End::Broken { .. } = end {
            self.hear(APPLICATION_ERROR);
        }
        end
    }

    async fn run(&mut self, script: &Script) -> End {
        let first = match script {
            Script::Twiml(text) => self.written(text),
            Script::Url(url, method) => {
                let next = Next { url: url.clone(), method: method.clone(), more: Form::new() };
                self.fetch(next).await
            }
        };
        let mut document = match first {
            Ok(document) => document,
            Err(end) => return end,
        };
        for _ in 0..DOCUMENTS_MAX {
            let next = match self.perform(&document).await {
                Flow::Goto(next) => next,
                Flow::Over(end) => return end,
                Flow::Next => return End::HungUp,
            };
            document = match self.fetch(next).await {
                Ok(document) => document,
                Err(end) => return end,
            };
        }
        let reason = format!("more than {DOCUMENTS_MAX} documents in one call");
        End::Broken { url: document.url.unwrap_or_default(), reason }
    }

    /// TwiML that came with the call.
    fn written(&self, text: &str) -> Result<Document, End> {
        match twiml::parse(text.as_bytes()) {
            Ok(verbs) => {
                let document = Document { url: None, verbs };
                self.check(&document);
                Ok(document)
            }
            Err(code) => {
                self.warn(code, "Document parse failure", "");
                Err(End::Broken { url: String::new(), reason: format!("{code} Document parse failure") })
            }
        }
    }

    async fn perform(&mut self, document: &Document) -> Flow {
        for (index, verb) in document.verbs.iter().enumerate() {
            if self.is_over() {
                return Flow::Over(End::HungUp);
            }
            // Only as the very first thing does it leave the call unanswered (T16 [D]).
            if verb.name == "Reject" && index == 0 && !self.answered {
                self.step(json!({"verb": "Reject"}));
                let reason = verb.attribute("reason").filter(|reason| *reason == "busy");
                return Flow::Over(End::Rejected(reason.unwrap_or("rejected").to_owned()));
            }
            self.answered = true;
            match self.verb(document, verb).await {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    async fn verb(&mut self, document: &Document, verb: &Element) -> Flow {
        match verb.name.as_str() {
            "Say" | "Play" | "Pause" => self.sound(document, verb).await,
            "Gather" => return self.gather(document, verb).await,
            "Record" => return self.record(document, verb).await,
            "Dial" => return Box::pin(self.dial(document, verb)).await,
            "Start" => self.start(document, verb).await,
            "Connect" => return self.connect(verb).await,
            "Redirect" => {
                let url =
                    document.resolve(Some(&verb.text).filter(|text| !text.is_empty()).map(String::as_str));
                self.step(json!({"verb": "Redirect", "url": url}));
                return self.goto(url, verb.method("method"), Form::new());
            }
            // After anything else a `<Reject>` is a hang-up (T16 [D]).
            "Hangup" | "Reject" => {
                self.step(json!({"verb": verb.name}));
                return Flow::Over(End::HungUp);
            }
            // It was warned of when it was read (12200), and does nothing.
            _ => {}
        }
        Flow::Next
    }

    /// On to another document; without an address there is none.
    pub(super) fn goto(&self, url: Option<String>, method: String, more: Form) -> Flow {
        match url {
            Some(url) => Flow::Goto(Next { url, method, more }),
            None => {
                let reason = "11100 Invalid URL format".to_owned();
                Flow::Over(End::Broken { url: String::new(), reason })
            }
        }
    }

    /// `<Say>`, `<Play>` and `<Pause>`, also inside of `<Gather>`.
    pub(super) async fn sound(&mut self, document: &Document, verb: &Element) {
        // `loop="0"` goes on until the caller hangs up; here it is told a few times [?].
        let times = match verb.number("loop", 1) {
            0 => 3,
            times => times.min(1_000),
        };
        match verb.name.as_str() {
            "Say" => {
                let polly = verb.attribute("voice").is_some_and(|voice| voice.starts_with("Polly."));
                let most = if polly { SAY_POLLY_MAX } else { SAY_MAX };
                let length = verb.text.chars().count();
                if length == 0 || length > most {
                    return self.warn(
                        13520,
                        "Say: Invalid text",
                        document.url.as_deref().unwrap_or_default(),
                    );
                }
                self.step(json!({"verb": "Say", "text": verb.text}));
                for _ in 0..times {
                    if !self.is_over() {
                        self.hear(&verb.text);
                    }
                }
            }
            "Play" if verb.text.is_empty() => self.step(json!({"verb": "Play"})),
            "Play" => {
                let Some(url) = document.resolve(Some(&verb.text)) else { return };
                self.step(json!({"verb": "Play", "url": url}));
                if url != document.url.as_deref().unwrap_or_default() && !self.is_audio(&url).await {
                    return;
                }
                for _ in 0..times {
                    self.spend(PLAY_MS);
                }
                self.heard.push(format!("[plays {url}]"));
            }
            _ => {
                let seconds = verb.number("length", 1);
                self.step(json!({"verb": "Pause", "seconds": seconds}));
                self.spend(u64::from(seconds) * 1_000);
            }
        }
    }

    /// Fetches a file that is to be played: 13420 when it is no audio (T16 [E]).
    async fn is_audio(&self, url: &str) -> bool {
        let outgoing = Outgoing {
            provider: "twilio".to_owned(),
            event: "call.media".to_owned(),
            subject: self.leg.call_sid.clone(),
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("User-Agent".to_owned(), "TwilioProxy/1.1".to_owned())],
            body: String::new(),
            connect_timeout: std::time::Duration::from_secs(5),
            read_timeout: std::time::Duration::from_secs(15),
        };
        let answered = crate::outbound::send(&self.shared, &outgoing).await;
        let playable =
            |kind: &str| kind.starts_with("audio/") || kind.starts_with("application/octet-stream");
        match answered {
            Ok(answered) if answered.status < 300 && playable(&answered.content_type) => return true,
            Ok(answered) if answered.status < 300 => self.warn(13420, "Play: Invalid Content-Type", url),
            _ => self.warn(11200, "HTTP retrieval failure", url),
        }
        false
    }

    /// `<Connect><Stream>`: the audio goes elsewhere, and what follows is not run while it does (T16 [D]).
    async fn connect(&mut self, verb: &Element) -> Flow {
        let stream = verb.children.iter().find(|child| child.name == "Stream");
        let url = stream.and_then(|stream| stream.attribute("url")).unwrap_or_default().to_owned();
        self.step(json!({"verb": "Connect", "url": url}));
        if url.is_empty() {
            return Flow::Next;
        }
        let says: Vec<String> = self.says.drain(..).collect();
        match vapi::stream(&self.shared, &url, &says).await {
            Some(outcome) => Flow::Over(End::Taken(outcome)),
            None => Flow::Over(End::Streamed(url)),
        }
    }

    /// What the control API tells of the call.
    pub(crate) fn outcome(self, end: End) -> Outcome {
        let name = match (&end, &self.dialled) {
            (End::Taken(_), _) => "taken",
            (End::Rejected(_), _) => "rejected",
            (End::Streamed(_), _) => "stream",
            (End::Broken { .. }, _) | (End::HungUp, Some(_)) => "forwarded",
            (End::HungUp, None) if self.demo => "demo_url",
            (End::HungUp, None) if self.heard.is_empty() => "hung_up",
            (End::HungUp, None) => "answered",
        };
        let seconds = self.seconds();
        let mut outcome = match end {
            End::Taken(mut outcome) => {
                outcome.heard.splice(0..0, self.heard);
                outcome.seconds += seconds;
                outcome
            }
            end => {
                let mut outcome = Outcome::new(name, &[]);
                outcome.heard = self.heard;
                outcome.seconds = seconds;
                match (end, self.dialled) {
                    (End::Rejected(reason), _) => outcome.tell("reason", json!(reason)),
                    (End::Streamed(url), _) => outcome.tell("url", json!(url)),
                    (End::Broken { url, reason }, _) => {
                        outcome.tell("url", json!(url));
                        outcome.tell("reason", json!(reason));
                    }
                    (_, Some(url)) => outcome.tell("url", json!(url)),
                    (_, None) => {}
                }
                outcome
            }
        };
        for (key, value) in self.details {
            outcome.tell(&key, value);
        }
        outcome.tell("steps", json!(self.steps));
        outcome
    }
}

/// How long it takes to say something.
pub(super) fn speaking_ms(text: &str) -> u64 {
    let characters = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    characters.saturating_mul(1_000) / CHARACTERS_A_SECOND
}

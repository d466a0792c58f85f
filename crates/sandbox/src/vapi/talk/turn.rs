//! One turn: what is said, what it costs, and how it is told and kept.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Event, Talk};
use crate::http::{Object, text};

/// Speech is as fast as Twilio's is taken to be.
const CHARACTERS_A_SECOND: i64 = 15;
/// Between two turns.
const PAUSE_MS: i64 = 500;
/// An English word in tokens, roughly: four characters each.
const CHARACTERS_A_TOKEN: usize = 4;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Assistant { generated: bool },
    Caller,
}

impl Side {
    fn role(self) -> &'static str {
        if self == Side::Caller { "user" } else { "assistant" }
    }
}

impl Talk {
    /// The assistant says prepared words.
    pub(super) fn recite(&mut self, words: &str) -> Vec<Event> {
        self.speak(Side::Assistant { generated: false }, words)
    }

    /// The assistant says words that a model would have made.
    pub(super) fn generate(&mut self, words: &str) -> Vec<Event> {
        self.usage.prompt += tokens(&self.messages.iter().map(Value::to_string).collect::<String>());
        self.usage.completion += tokens(words);
        self.speak(Side::Assistant { generated: true }, words)
    }

    /// The caller says a line.
    pub(super) fn hear(&mut self, words: &str) -> Vec<Event> {
        self.speak(Side::Caller, words)
    }

    fn speak(&mut self, side: Side, words: &str) -> Vec<Event> {
        if self.muted && side != Side::Caller {
            return Vec::new();
        }
        self.offset += PAUSE_MS;
        self.turn += 1;
        let (role, begin) = (side.role(), self.now());
        let length = i64::try_from(words.chars().count()).unwrap_or(i64::MAX / 2_000);
        let duration = (length * 1_000 / CHARACTERS_A_SECOND).max(1_000);
        let speech = |status: &str| json!({"status": status, "role": role, "turn": self.turn});
        let (started, stopped) = (speech("started"), speech("stopped"));
        let mut events = Vec::new();
        if side == (Side::Assistant { generated: true }) {
            events.push(Event { kind: "model-output", at: begin, fields: json!({"output": words}) });
        }
        events.push(Event { kind: "speech-update", at: begin, fields: started });
        if side != Side::Caller {
            let source = if side == (Side::Assistant { generated: true }) { "model" } else { "force-say" };
            let fields = json!({"text": words, "turn": self.turn, "source": source});
            events.push(Event { kind: "assistant.speechStarted", at: begin, fields });
            self.heard.push(words.to_owned());
            self.usage.characters += u64::try_from(length).unwrap_or(0);
        }
        let half: String = words.chars().take(words.chars().count() / 2).collect();
        events.push(self.transcribed(role, "partial", &half, begin + duration / 2));
        let kept_role = if side == Side::Caller { "user" } else { "bot" };
        self.note(json!({"role": kept_role, "message": words, "endTime": begin + duration,
            "duration": duration, "source": ""}));
        self.offset += duration;
        let end = self.now();
        events.push(self.transcribed(role, "final", words, end));
        if side == Side::Caller {
            events.push(Event { kind: "voice-input", at: end, fields: json!({"input": words}) });
        }
        let conversation = json!({"messages": self.messages, "messagesOpenAIFormatted": self.for_openai()});
        events.push(Event { kind: "conversation-update", at: end, fields: conversation });
        events.push(Event { kind: "speech-update", at: end, fields: stopped });
        events
    }

    fn transcribed(&self, role: &str, kind: &str, words: &str, at: i64) -> Event {
        let mut fields = json!({"role": role, "transcriptType": kind, "transcript": words,
            "isFiltered": false, "detectedThreats": [], "originalTranscript": words});
        if let Some(id) = &self.who.assistant_id {
            fields["assistantId"] = json!(id);
        }
        if let Some(name) = text(&self.who.assistant, "name") {
            fields["assistantName"] = json!(name);
        }
        Event { kind: "transcript", at, fields }
    }

    /// Keeps a message; its time is now.
    pub(super) fn note(&mut self, mut message: Value) {
        message["time"] = json!(self.now());
        #[expect(clippy::cast_precision_loss, reason = "a call lasts hours, not millennia")]
        let seconds = self.offset as f64 / 1_000.0;
        message["secondsFromStart"] = json!(seconds);
        self.messages.push(message);
    }

    /// The prompt is the first message of the conversation.
    pub(super) fn remember_prompt(&mut self) {
        let model = self.who.assistant.get("model").and_then(|model| model.get("messages"));
        let prompts = model.and_then(Value::as_array).cloned().unwrap_or_default();
        for prompt in prompts.iter().filter_map(Value::as_object) {
            if let (Some("system"), Some(words)) = (text(prompt, "role"), text(prompt, "content")) {
                self.note(json!({"role": "system", "message": words}));
            }
        }
    }

    /// A server that needed several tries made the assistant lag (V9.2: `hang` means that, and no more).
    pub(super) fn lag(&mut self, waited: Duration) -> Vec<Event> {
        if waited.is_zero() {
            return Vec::new();
        }
        self.offset += i64::try_from(waited.as_millis()).unwrap_or(0);
        vec![Event { kind: "hang", at: self.now(), fields: json!({}) }]
    }

    /// Lines `AI: …` and `User: …` (V8.3 [W]).
    pub(super) fn transcript(&self) -> String {
        let line = |message: &Value| {
            let who = match message["role"].as_str()? {
                "bot" => "AI",
                "user" => "User",
                _ => return None,
            };
            Some(format!("{who}: {}\n", message["message"].as_str()?))
        };
        self.messages.iter().filter_map(line).collect()
    }

    pub(super) fn for_openai(&self) -> Vec<Value> {
        self.messages.iter().map(openai).collect()
    }

    pub(crate) fn artifact_so_far(&self) -> Value {
        json!({"messages": self.messages, "messagesOpenAIFormatted": self.for_openai(),
            "transcript": self.transcript()})
    }
}

/// A message as OpenAI writes it.
fn openai(message: &Value) -> Value {
    match message["role"].as_str() {
        Some("tool_calls") => {
            json!({"role": "assistant", "content": "", "tool_calls": message["toolCalls"]})
        }
        Some("tool_call_result") => json!({"role": "tool", "content": message["result"],
            "tool_call_id": message["toolCallId"]}),
        Some("bot") => json!({"role": "assistant", "content": message["message"]}),
        role => json!({"role": role, "content": message["message"]}),
    }
}

fn tokens(words: &str) -> u64 {
    u64::try_from(words.chars().count().div_ceil(CHARACTERS_A_TOKEN)).unwrap_or(0)
}

/// The result for this tool call in `{"results": [{"toolCallId", "result" or "error"}]}` (V9.4 [S]). The words
/// for an answer without it are the wire's [R].
pub(super) fn tool_result(body: &[u8], call: &Value) -> Result<String, String> {
    let answer: Object = serde_json::from_slice(body).unwrap_or_default();
    let results = answer.get("results").and_then(Value::as_array);
    let mine = results.into_iter().flatten().find(|result| result.get("toolCallId") == call.get("id"));
    let missing = || "No result returned.".to_owned();
    let mine = mine.and_then(Value::as_object).ok_or_else(missing)?;
    if let Some(error) = text(mine, "error") {
        return Err(error.to_owned());
    }
    match mine.get("result") {
        Some(Value::String(words)) => Ok(words.clone()),
        Some(Value::Null) | None => Err(missing()),
        Some(other) => Ok(other.to_string()),
    }
}

//! A conversation between a caller with a script and an assistant that follows rules.
//!
//! It goes on step by step: at once in a call that the control API places, on the clock in a call that Vapi
//! places. Times come from the words (15 characters a second), so every run gives the same ones.

pub(crate) mod end;
pub(crate) mod orders;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dialing;
use super::rules::{self, Reply};
use super::server_messages::{self, About, Message};
use super::who::Who;
use crate::http::{Object, text, whole};
use crate::state::{Shared, World};

/// Without `maxDurationSeconds` (V7 [S]).
const DURATION_S: i64 = 600;
/// Silence that ends a call: the default of the property that is gone from the schema [?].
const SILENCE_MS: i64 = 30_000;
/// A line of the caller's script that starts so is said into the assistant's words.
const INTERRUPTS: char = '!';

/// A running conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Talk {
    pub(crate) org: String,
    pub(crate) call: String,
    pub(crate) who: Who,
    pub(crate) started: Timestamp,
    /// What the caller still has to say.
    pub(crate) says: VecDeque<String>,
    /// What the caller heard.
    pub(crate) heard: Vec<String>,
    /// Where the call was transferred.
    pub(crate) destination: Option<Value>,
    tools: Vec<Object>,
    /// A voicemail box picked up.
    machine: bool,
    /// Since the start, in milliseconds of virtual time.
    offset: i64,
    turn: u32,
    messages: Vec<Value>,
    usage: Usage,
    muted: bool,
    /// Whether it came or goes over SIP.
    sip: bool,
    phase: Phase,
    /// What was put into the caller's mouth and waits for an answer.
    added: VecDeque<String>,
}

/// What is paid for by quantity (V8.4 [S]).
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    pub(crate) characters: u64,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Phase {
    Greet,
    Listen,
    Answer(String),
    End(String),
}

/// Something that the server may want to know.
#[derive(Debug)]
struct Event {
    kind: &'static str,
    at: i64,
    fields: Value,
}

/// What a step needs from outside.
enum Plan {
    Tell,
    /// A tool's result, from its server.
    Tool {
        call: Value,
        tool: Object,
    },
    /// Where to transfer to: a tool without a destination asks for it (V9.2 [S]).
    Destination(&'static str),
}

/// What became of a step.
pub(crate) enum Stepped {
    /// The conversation goes on after so long.
    Next(Duration),
    /// It is over; this was it.
    Over(Box<Talk>),
    /// There is no such conversation.
    Gone,
}

impl Talk {
    /// A conversation that starts now.
    pub(crate) fn new(world: &World, org: &str, call: &str, who: Who, says: Vec<String>) -> Talk {
        let saved = world.vapi.orgs.iter().find(|of| of.id == org);
        let tools = rules::tools(&who.assistant, |id| saved.and_then(|org| org.tools.get(id)));
        Talk {
            org: org.to_owned(),
            call: call.to_owned(),
            who,
            started: world.clock.now(),
            says: says.into(),
            heard: Vec::new(),
            destination: None,
            tools,
            machine: false,
            offset: 0,
            turn: 0,
            messages: Vec::new(),
            usage: Usage::default(),
            muted: false,
            sip: world.call(org, call).is_some_and(|row| text(row, "phoneCallTransport") == Some("sip")),
            phase: Phase::Greet,
            added: VecDeque::new(),
        }
    }

    /// The same conversation with a voicemail box.
    pub(crate) fn with_machine(mut self) -> Talk {
        self.machine = true;
        self.says.clear();
        self
    }

    fn now(&self) -> i64 {
        self.started.as_millisecond() + self.offset
    }

    /// How long the call lasts so far, in whole seconds as telephony counts them.
    pub(crate) fn seconds(&self) -> u32 {
        u32::try_from((self.offset + 999) / 1_000).unwrap_or(u32::MAX)
    }

    pub(crate) fn over_sip(&self) -> bool {
        self.sip
    }

    fn max_ms(&self) -> i64 {
        whole(&self.who.assistant, "maxDurationSeconds").unwrap_or(DURATION_S).saturating_mul(1_000)
    }

    fn about(&self, world: &World) -> About {
        world.about_call(&self.org, &self.call, Some(&self.who.assistant))
    }

    /// Ends the call with this reason, before its next step.
    fn end(&mut self, reason: &str) -> Vec<Event> {
        self.phase = Phase::End(reason.to_owned());
        Vec::new()
    }

    /// The next thing that happens.
    fn advance(&mut self, world: &World) -> (Vec<Event>, Plan) {
        let events = match self.phase.clone() {
            Phase::Greet => self.greet(),
            Phase::Listen => self.listen(),
            Phase::Answer(line) => {
                let reply = rules::reply(&self.who.assistant, &self.tools, &line);
                return self.answer(reply, self.about(world).controls_itself());
            }
            Phase::End(_) => Vec::new(),
        };
        (events, Plan::Tell)
    }

    fn greet(&mut self) -> Vec<Event> {
        let mut events = vec![
            Event { kind: "status-update", at: self.now(), fields: json!({"status": "in-progress"}) },
            Event { kind: "assistant.started", at: self.now(), fields: json!({}) },
        ];
        self.phase = Phase::Listen;
        self.remember_prompt();
        if self.machine {
            return events.into_iter().chain(self.talk_to_machine()).collect();
        }
        let first = text(&self.who.assistant, "firstMessage").map(str::to_owned);
        match text(&self.who.assistant, "firstMessageMode") {
            // The caller speaks first (V7 [S]).
            Some("assistant-waits-for-user") => {}
            Some("assistant-speaks-first-with-model-generated-message") => {
                events.extend(self.generate(rules::GREETING));
            }
            _ => events.extend(self.recite(&first.unwrap_or_else(|| rules::GREETING.to_owned()))),
        }
        events
    }

    /// With detection the assistant leaves its message and hangs up; without it, it talks to a machine that
    /// never answers (V7 [S]).
    fn talk_to_machine(&mut self) -> Vec<Event> {
        let detects =
            self.who.assistant.get("voicemailDetection").is_some_and(|plan| !plan.is_null() && plan != "off");
        let field = if detects { "voicemailMessage" } else { "firstMessage" };
        let words = text(&self.who.assistant, field).map(str::to_owned);
        let events = words.map(|words| self.recite(&words)).unwrap_or_default();
        if detects {
            self.end("voicemail");
        } else {
            self.offset += SILENCE_MS;
            self.end("silence-timed-out");
        }
        events
    }

    fn listen(&mut self) -> Vec<Event> {
        if let Some(words) = self.added.pop_front() {
            self.phase = Phase::Answer(words);
            return Vec::new();
        }
        let Some(line) = self.says.pop_front() else {
            // The script is over: the caller hangs up.
            return self.end("customer-ended-call");
        };
        if line.trim().is_empty() {
            self.offset += SILENCE_MS;
            return self.end("silence-timed-out");
        }
        let mut events = Vec::new();
        let words = line.strip_prefix(INTERRUPTS).unwrap_or(&line).trim();
        if line.starts_with(INTERRUPTS) {
            let fields = json!({"turnId": self.turn.to_string()});
            events.push(Event { kind: "user-interrupted", at: self.now(), fields });
        }
        events.extend(self.hear(words));
        self.phase = Phase::Answer(words.to_owned());
        events
    }

    fn answer(&mut self, reply: Reply, server_controls: bool) -> (Vec<Event>, Plan) {
        self.phase = Phase::Listen;
        let events = match reply {
            Reply::Say(words) => self.generate(&words),
            Reply::Farewell(words) => {
                let events = self.generate(&words);
                self.end("customer-ended-call");
                events
            }
            Reply::End { words, reason } => {
                let mut events = words.map(|words| self.generate(&words)).unwrap_or_default();
                if server_controls {
                    // The server subscribed to hanging up by itself (V9.2 [S]).
                    let fields = json!({"request": "hang-up"});
                    events.push(Event { kind: "phone-call-control", at: self.now(), fields });
                } else {
                    self.end(reason);
                }
                events
            }
            Reply::Call { tool, arguments } => return self.call_tool(tool, &arguments),
            Reply::Transfer(tool) => return self.transfer_by(&tool, server_controls),
        };
        (events, Plan::Tell)
    }

    fn call_tool(&mut self, tool: Object, arguments: &Object) -> (Vec<Event>, Plan) {
        let events = self.spoken_by_tool(&tool, "request-start");
        let name = tool.get("function").and_then(|function| function.get("name")).cloned();
        let call = json!({
            "id": format!("call_{}_{}", self.call.replace('-', ""), self.turn),
            "type": "function",
            // Arguments are text that holds JSON (V9.4 [S]).
            "function": {"name": name, "arguments": Value::Object(arguments.clone()).to_string()},
        });
        self.note(json!({"role": "tool_calls", "message": "", "toolCalls": [call]}));
        (events, Plan::Tool { call, tool })
    }

    fn transfer_by(&mut self, tool: &Object, server_controls: bool) -> (Vec<Event>, Plan) {
        let known = tool.get("destinations").and_then(Value::as_array).and_then(|all| all.first()).cloned();
        match known {
            None => (Vec::new(), Plan::Destination("transfer-destination-request")),
            Some(to) => (self.transfer(&to, server_controls), Plan::Tell),
        }
    }

    /// Sends the call to a number or a SIP address; its outcome there is known when the call ends.
    fn transfer(&mut self, to: &Value, server_controls: bool) -> Vec<Event> {
        let words = to.get("message").and_then(Value::as_str).map(str::to_owned);
        let mut events = words.map(|words| self.recite(&words)).unwrap_or_default();
        let at = self.now();
        if server_controls {
            let fields = json!({"request": "forward", "destination": to});
            events.push(Event { kind: "phone-call-control", at, fields });
            return events;
        }
        let fields = json!({"status": "forwarding", "destination": to, "messages": self.messages,
            "transcript": self.transcript(), "summary": ""});
        events.push(Event { kind: "status-update", at, fields });
        events.push(Event { kind: "transfer-update", at, fields: json!({"destination": to}) });
        self.destination = Some(to.clone());
        self.end("assistant-forwarded-call");
        events
    }

    /// The result of a tool is said as it is: there is no model to put it in other words.
    fn resume(&mut self, call: &Value, tool: &Object, result: &Result<String, String>) -> Vec<Event> {
        let name = call.pointer("/function/name").cloned().unwrap_or_default();
        let (words, outcome) = match result {
            Ok(words) => (words.clone(), "request-complete"),
            Err(error) => (error.clone(), "request-failed"),
        };
        self.note(json!({"role": "tool_call_result", "toolCallId": call.get("id"), "name": name,
            "result": words}));
        let own = self.spoken_by_tool(tool, outcome);
        if own.is_empty() { self.generate(&words) } else { own }
    }

    /// A tool may have words of its own for each stage [S].
    fn spoken_by_tool(&mut self, tool: &Object, stage: &str) -> Vec<Event> {
        let messages = tool.get("messages").and_then(Value::as_array);
        let own = messages.into_iter().flatten().find(|message| message.get("type") == Some(&json!(stage)));
        let words = own.and_then(|message| message.get("content")).and_then(Value::as_str);
        words.map(str::to_owned).map(|words| self.recite(&words)).unwrap_or_default()
    }
}

/// Does the next thing of a conversation, with all that has to be sent and answered for it.
pub(crate) async fn step(shared: &Arc<Shared>, call: &str) -> Stepped {
    let Some(before) = begin(&mut shared.lock(), call) else { return Stepped::Gone };
    let (messages, plan) = work(&mut shared.lock(), call, Talk::advance).unwrap_or((Vec::new(), Plan::Tell));
    server_messages::tell_all(shared, messages).await;
    match plan {
        Plan::Tell => {}
        Plan::Tool { call: tool_call, tool } => run_tool(shared, call, &tool_call, &tool).await,
        Plan::Destination(kind) => ask_destination(shared, call, kind).await,
    }
    settle(shared, call, before).await
}

/// How far the conversation has come. It ends here when Twilio has ended its side of the call (V8.5 [S]).
fn begin(world: &mut World, call: &str) -> Option<i64> {
    let row = world.call(&world.vapi.talks.get(call)?.org, call)?;
    let hung_up = dialing::is_over_at_twilio(world, row);
    let talk = world.vapi.talks.get_mut(call)?;
    if hung_up {
        talk.end("call.in-progress.twilio-completed-call");
    }
    Some(talk.offset)
}

/// Ends the conversation when its time has come.
async fn settle(shared: &Arc<Shared>, call: &str, before: i64) -> Stepped {
    let ended = {
        let world = &mut *shared.lock();
        let Some(talk) = world.vapi.talks.get_mut(call) else { return Stepped::Gone };
        let most = talk.max_ms();
        if talk.offset >= most {
            talk.offset = most;
            talk.end("exceeded-max-duration");
        }
        match talk.phase.clone() {
            Phase::End(reason) => end::finish(world, call, &reason),
            _ => {
                let passed = u64::try_from(talk.offset - before).unwrap_or(0);
                return Stepped::Next(Duration::from_millis(passed));
            }
        }
    };
    let Some((talk, messages)) = ended else { return Stepped::Gone };
    server_messages::tell_all(shared, messages).await;
    Stepped::Over(Box::new(talk))
}

/// Lets a conversation do something, and makes messages of the events.
fn work<T>(
    world: &mut World,
    call: &str,
    act: impl FnOnce(&mut Talk, &World) -> (Vec<Event>, T),
) -> Option<(Vec<Message>, T)> {
    let mut talk = world.vapi.talks.remove(call)?;
    if talk.phase == Phase::Greet {
        world.mark_in_progress(&talk);
    }
    let (events, result) = act(&mut talk, world);
    let about = talk.about(world);
    world.vapi.talks.insert(call.to_owned(), talk);
    let made = events.into_iter().filter_map(|event| {
        let Value::Object(fields) = event.fields else { return None };
        world.server_message(&about, event.kind, event.at, fields)
    });
    Some((made.collect(), result))
}

async fn run_tool(shared: &Arc<Shared>, call: &str, tool_call: &Value, tool: &Object) {
    let message = {
        let world = &mut *shared.lock();
        let Some(talk) = world.vapi.talks.get(call) else { return };
        let (mut about, at) = (talk.about(world), talk.now());
        about.tool_server = tool.get("server").and_then(Value::as_object).cloned();
        let mut with_call = tool.clone();
        with_call.insert("toolCall".to_owned(), tool_call.clone());
        let fields = json!({"toolCallList": [tool_call], "toolCalls": [tool_call],
            "toolWithToolCallList": [with_call], "artifact": talk.artifact_so_far()});
        let Value::Object(fields) = fields else { return };
        world.server_message(&about, "tool-calls", at, fields)
    };
    let (result, waited) = match message {
        // Nobody to ask: the words are ours [?].
        None => (Err("No server is set for this tool.".to_owned()), Duration::ZERO),
        Some(message) if tool.get("async") == Some(&json!(true)) => {
            server_messages::tell(shared, message).await;
            (Ok("Success.".to_owned()), Duration::ZERO)
        }
        Some(message) => {
            let (answered, waited) = server_messages::ask(shared, message).await;
            (answered.and_then(|answered| turn::tool_result(&answered.body, tool_call)), waited)
        }
    };
    let told = work(&mut shared.lock(), call, |talk, _| {
        let mut events = talk.lag(waited);
        events.extend(talk.resume(tool_call, tool, &result));
        (events, ())
    });
    server_messages::tell_all(shared, told.map(|(messages, ())| messages).unwrap_or_default()).await;
}

/// `{"destination": {…}, "message": …?}` or `{"error": "…"}` (V9.4 [S]).
async fn ask_destination(shared: &Arc<Shared>, call: &str, kind: &'static str) {
    let message = {
        let world = &mut *shared.lock();
        let Some(talk) = world.vapi.talks.get(call) else { return };
        world.server_message(&talk.about(world), kind, talk.now(), Object::new())
    };
    let answer = match message {
        None => None,
        Some(message) => server_messages::ask(shared, message).await.0.ok(),
    };
    let answer = answer.and_then(|answered| serde_json::from_slice::<Object>(&answered.body).ok());
    let told = work(&mut shared.lock(), call, |talk, world| {
        let controls = talk.about(world).controls_itself();
        let answer = answer.unwrap_or_default();
        let events = match (answer.get("destination"), text(&answer, "error")) {
            (Some(to), None) => talk.transfer(&to.clone(), controls),
            (_, error) => talk.generate(error.unwrap_or("The transfer is not possible.")),
        };
        (events, ())
    });
    server_messages::tell_all(shared, told.map(|(messages, ())| messages).unwrap_or_default()).await;
}

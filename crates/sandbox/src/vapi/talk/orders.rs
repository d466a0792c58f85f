//! What a running conversation is told to do from outside (V8.2 [D]).

use std::time::Duration;

use serde_json::{Value, json};

use super::{Event, Phase, Talk};
use crate::http::{Object, text};
use crate::state::World;
use crate::vapi::later::Later;
use crate::vapi::{live, rules, who};

/// Carries out an order; the call goes on, or ends, by jobs that are due at once.
pub(crate) fn obey(world: &mut World, call: &str, order: &Object) -> Result<(), String> {
    let Some(mut talk) = world.vapi.talks.remove(call) else { return Err("Call not found".to_owned()) };
    // The order comes in the middle of a pause: the conversation is as late as the clock.
    let late = world.clock.now().as_millisecond() - talk.started.as_millisecond();
    talk.offset = talk.offset.max(late);
    let done = talk.obey(world, order);
    let about = talk.about(world);
    let over = matches!(talk.phase, Phase::End(_));
    world.vapi.talks.insert(call.to_owned(), talk);
    let events = done?;
    let messages = events.into_iter().filter_map(|event| {
        let Value::Object(fields) = event.fields else { return None };
        world.server_message(&about, event.kind, event.at, fields)
    });
    let messages = messages.collect();
    world.queue_messages(messages);
    if over {
        world.later(Duration::ZERO, Later::Talk(call.to_owned()));
    }
    Ok(())
}

impl Talk {
    fn obey(&mut self, world: &World, order: &Object) -> Result<Vec<Event>, String> {
        match live::kind(order) {
            // That a call ended so was cancelled by hand is [?].
            "end-call" => Ok(self.end("manually-canceled")),
            "say" => {
                let words = text(order, "content").ok_or("content should not be empty")?;
                let events = self.recite(words);
                if order.get("endCallAfterSpoken") == Some(&json!(true)) {
                    self.end("assistant-ended-call-after-message-spoken");
                }
                Ok(events)
            }
            "add-message" => {
                let message = order.get("message").and_then(Value::as_object);
                self.add(message.ok_or("message must be an object")?, order)
            }
            "control" => self.switch(text(order, "control").unwrap_or_default()),
            "transfer" => {
                let to = order.get("destination").ok_or("destination must be an object")?;
                let mut events = match text(order, "content") {
                    Some(words) => self.recite(words),
                    None => Vec::new(),
                };
                events.extend(self.transfer(to, false));
                Ok(events)
            }
            "handoff" => self.hand_over(world, order.get("destination").and_then(Value::as_object)),
            other => Err(format!(
                "type must be one of the following values: say, add-message, control, \
                end-call, transfer, handoff (not `{other}`)"
            )),
        }
    }

    fn add(&mut self, message: &Object, order: &Object) -> Result<Vec<Event>, String> {
        let words = text(message, "content").ok_or("message.content should not be empty")?;
        let role = text(message, "role").ok_or("message.role should not be empty")?;
        let kept = if role == "assistant" { "bot" } else { role };
        let at = self.now();
        self.note(json!({"role": kept, "message": words, "endTime": at, "duration": 0, "source": ""}));
        if role == "user" && order.get("triggerResponseEnabled") != Some(&json!(false)) {
            self.added.push_back(words.to_owned());
        }
        Ok(Vec::new())
    }

    fn switch(&mut self, control: &str) -> Result<Vec<Event>, String> {
        match control {
            "mute-assistant" => self.muted = true,
            "unmute-assistant" => self.muted = false,
            // The caller's words are in the script whether the assistant hears them or not.
            "mute-customer" | "unmute-customer" => {}
            "say-first-message" => {
                let first = text(&self.who.assistant, "firstMessage").unwrap_or(rules::GREETING).to_owned();
                return Ok(self.recite(&first));
            }
            other => return Err(format!("control `{other}` is not known")),
        }
        Ok(Vec::new())
    }

    /// Another assistant takes over.
    fn hand_over(&mut self, world: &World, to: Option<&Object>) -> Result<Vec<Event>, String> {
        let to = to.ok_or("destination must be an object")?;
        let org = world.org(&self.org).ok_or("Org not found")?;
        let next =
            who::find(org, to, &Object::new()).map_err(|_| "destination has no assistant that exists")?;
        let fields = json!({"fromAssistant": self.who.assistant, "toAssistant": next.assistant});
        self.tools = rules::tools(&next.assistant, |id| org.tools.get(id));
        self.who = next;
        let first = text(&self.who.assistant, "firstMessage").map(str::to_owned);
        let mut events = vec![
            Event { kind: "transfer-update", at: self.now(), fields },
            Event { kind: "assistant.started", at: self.now(), fields: json!({}) },
        ];
        events.extend(first.map(|words| self.recite(&words)).unwrap_or_default());
        Ok(events)
    }
}

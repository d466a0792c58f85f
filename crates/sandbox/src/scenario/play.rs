//! The events of a scenario, each at its time.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::file::{Action, When, member};
use super::{Play, setup};
use crate::control::{self, Refusal};
use crate::http::{Object, text};
use crate::jobs::Job;
use crate::state::{Shared, World};

/// Which fields a choice may be given for.
const CHOICES: [&str; 3] = ["from", "to", "body"];

impl World {
    /// Lets each event of a scenario happen for the first time.
    pub(super) fn schedule_events(&mut self, play: usize) {
        for event in 0..self.scenarios[play].events.len() {
            let first = match self.scenarios[play].events[event].when() {
                Some(When::Once(at)) => Some(at),
                Some(When::Often(from, until, gap)) => {
                    let at = from + self.scenarios[play].gap(gap);
                    (at < until).then_some(at)
                }
                None => None,
            };
            if let Some(milliseconds) = first {
                self.schedule(Duration::from_millis(milliseconds), Job::Scenario { play, event });
            }
        }
    }

    /// The next time of an event that happens often.
    fn schedule_again(&mut self, play: usize, event: usize) {
        let now = self.clock.now();
        let of = &mut self.scenarios[play];
        let Some(When::Often(_, until, mean)) = of.events[event].when() else { return };
        let gap = of.gap(mean);
        let passed = now.duration_since(of.begun).as_millis();
        let ends = SignedDuration::from_millis(i64::try_from(until).unwrap_or(i64::MAX)).as_millis();
        if passed + i128::from(gap) < ends && now < of.ends {
            self.schedule(Duration::from_millis(gap), Job::Scenario { play, event });
        }
    }
}

impl Play {
    /// A gap between 0 and twice the mean, in milliseconds.
    fn gap(&mut self, mean: u64) -> u64 {
        let bound = u32::try_from(mean.saturating_mul(2)).unwrap_or(u32::MAX);
        u64::from(self.dice.below(bound.max(1))).max(1)
    }

    /// The event's action with everything picked.
    fn pick(&mut self, event: usize) -> (Action, Object) {
        let action = self.events[event].action.clone();
        let mut fields = action.fields().clone();
        for name in CHOICES {
            if let Some(value) = fields.get_mut(name) {
                if let Value::Array(all) = value {
                    let index = self.dice.below(u32::try_from(all.len().max(1)).unwrap_or(1));
                    *value = all.get(index as usize).cloned().unwrap_or_default();
                }
                let ranges = value.as_str().and_then(|name| self.groups.get(name.strip_prefix('@')?));
                if let Some(ranges) = ranges {
                    let size: u32 = ranges.iter().map(|range| range.count).sum();
                    *value = json!(member(ranges, self.dice.below(size.max(1))));
                }
            }
        }
        (action, fields)
    }
}

/// Does one event, and lets it happen again. What is refused is noted, and the scenario goes on.
pub(crate) async fn run(shared: Arc<Shared>, play: usize, event: usize) {
    let (action, fields) = {
        let world = &mut *shared.lock();
        if world.scenarios.get(play).is_none_or(|play| event >= play.events.len()) {
            return;
        }
        world.schedule_again(play, event);
        world.scenarios[play].pick(event)
    };
    let name = action.name();
    let result = match action {
        Action::Text(_) => control::call(&shared, &Method::POST, "messages", json!(fields)).await,
        Action::Call(_) => control::call(&shared, &Method::POST, "calls", json!(fields)).await,
        Action::Send(_) => send(&shared, &fields),
        Action::Control(_) => {
            let path = text(&fields, "path").unwrap_or_default().trim_matches('/').to_owned();
            let body = fields.get("body").cloned().unwrap_or_else(|| json!({}));
            control::call(&shared, &Method::POST, &path, body).await
        }
    };
    let world = &mut *shared.lock();
    let Some(play) = world.scenarios.get_mut(play) else { return };
    match result {
        Ok(_) => *play.done.entry(name.to_owned()).or_default() += 1,
        Err((_, sentence)) => play.refuse(format!("{name}: {sentence}")),
    }
}

/// The owner of the number `from` texts `to` by Twilio's API.
fn send(shared: &Arc<Shared>, fields: &Object) -> Result<Value, Refusal> {
    let from = text(fields, "from").unwrap_or_default();
    let owner = {
        let twilio = &shared.lock().twilio;
        let sid = twilio.number(from).and_then(|number| text(number, "account_sid")).map(str::to_owned);
        sid.and_then(|sid| Some((twilio.account(&sid)?.auth_token.clone(), sid)))
    };
    let (token, sid) = owner.ok_or_else(|| control::bad(format!("no account has {from}")))?;
    let mut form = Serializer::new(String::new());
    for (name, field) in [("From", "from"), ("To", "to"), ("Body", "body")] {
        form.append_pair(name, text(fields, field).unwrap_or_default());
    }
    let authorization = format!("Basic {}", STANDARD.encode(format!("{sid}:{token}")));
    let path = format!("/twilio/api/2010-04-01/Accounts/{sid}/Messages.json");
    setup::post(shared, &path, &authorization, "application/x-www-form-urlencoded", form.finish())
}

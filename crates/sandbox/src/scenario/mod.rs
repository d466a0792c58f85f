//! Scenarios: a day of calls and texts over many numbers, written down in a file and played by the clock.

mod file;
mod history;
mod play;
mod setup;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use hyper::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::millis;
use crate::control::{Answer, Refusal, Route, Work, bad, read};
use crate::ids::Ids;
use crate::jobs;
use crate::state::{Shared, World};
use file::{Event, Scenario};
pub(crate) use play::run;

/// More refusals than this are only counted.
const REFUSALS_MAX: usize = 20;
/// The dice of a scenario are not the ids' generator: what is picked does not depend on what is made.
const DICE_SEED: u64 = 0x7363_656e_6172_696f;

/// The control calls of this module.
pub(crate) const CONTROL: &[Route] = &[
    (Method::GET, "scenario", Work::Now(|world, _, _| Ok((200, json!({"scenarios": shown(world)}))))),
    (Method::POST, "scenario", Work::Waits(start)),
];

fn shown(world: &World) -> Vec<Value> {
    world.scenarios.iter().map(Play::show).collect()
}

/// Telephone numbers that follow each other.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Range {
    first: u64,
    count: u32,
}

/// A scenario that was begun, and what came of it so far.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Play {
    name: String,
    begun: Timestamp,
    ends: Timestamp,
    groups: BTreeMap<String, Vec<Range>>,
    events: Vec<Event>,
    dice: Ids,
    /// How many of each kind of event have been.
    done: BTreeMap<String, u64>,
    refused: u64,
    refusals: Vec<String>,
}

impl Play {
    fn refuse(&mut self, sentence: String) {
        self.refused += 1;
        if self.refusals.len() < REFUSALS_MAX {
            self.refusals.push(sentence);
        }
    }

    fn show(&self) -> Value {
        json!({
            "name": self.name,
            "begun": millis(self.begun),
            "ends": millis(self.ends),
            "done": self.done,
            "refused": self.refused,
            "refusals": self.refusals,
        })
    }
}

/// What the control call takes. With a seed, everything begins anew from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    scenario: Scenario,
    seed: Option<u64>,
    #[serde(default)]
    wait: bool,
}

fn start(shared: Arc<Shared>, _: Vec<String>, body: Value) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let Start { scenario, seed, wait } = read(body)?;
        if seed.is_some() {
            scenario.check()?;
            shared.replace(World::new(seed)).await;
        }
        let length = scenario.length_s;
        let index = begin(&shared, scenario).await?;
        if wait {
            jobs::advance(&shared, length).await;
        }
        let shown = shared.lock().scenarios.get(index).map(Play::show);
        Ok((201, shown.unwrap_or_default()))
    })
}

/// Makes what the scenario needs, and lets its events begin. Answers its place among the scenarios.
async fn begin(shared: &Arc<Shared>, scenario: Scenario) -> Result<usize, Refusal> {
    scenario.check()?;
    setup::run(shared, &scenario).await?;
    let world = &mut *shared.lock();
    let begun = world.clock.now();
    let play = Play {
        name: scenario.name.clone(),
        begun,
        ends: world.in_seconds(scenario.length_s),
        groups: scenario.groups(),
        dice: Ids::new(world.seed ^ DICE_SEED),
        events: scenario.events,
        done: BTreeMap::new(),
        refused: 0,
        refusals: Vec::new(),
    };
    world.scenarios.push(play);
    let index = world.scenarios.len() - 1;
    world.schedule_events(index);
    Ok(index)
}

/// Plays the scenario in a file from now on, for a sandbox that starts with one.
pub(crate) async fn open(shared: &Arc<Shared>, text: &str) -> Result<(), String> {
    let scenario: Scenario =
        serde_json::from_str(text).map_err(|error| format!("the scenario cannot be read: {error}"))?;
    begin(shared, scenario).await.map(drop).map_err(|(_, sentence)| sentence)
}

/// A refusal with the place in the scenario where it belongs.
fn at(place: &str, (status, sentence): Refusal) -> Refusal {
    (status, format!("{place}: {sentence}"))
}

/// 400 with the place in the scenario where something is wrong.
fn wrong(place: &str, sentence: &str) -> Refusal {
    bad(format!("{place}: {sentence}"))
}

//! What makes something happen: calls, the clock, faults, a new beginning.

use std::sync::Arc;

use futures::future::BoxFuture;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Nothing, Route, Work, bad, read};
use crate::calls::{self, NewCall};
use crate::clock::SPEED_MAX;
use crate::faults::NewRule;
use crate::ids::is_e164;
use crate::jobs;
use crate::state::{Shared, World};

const ADVANCE_S_MAX: f64 = 1e9;
/// How long `until_idle` lets time pass at most, unless `advance_s` says otherwise.
const IDLE_S_MAX: f64 = 3_600.0;

/// Where they are asked for.
pub(super) const ROUTES: &[Route] = &[
    (Method::GET, "clock", Work::Now(|world, _, _| Ok((200, world.clock.show())))),
    (Method::POST, "clock", Work::Waits(set_clock)),
    (Method::GET, "faults", Work::Now(|world, _, _| Ok((200, json!({"faults": world.faults.show()}))))),
    (Method::POST, "faults", Work::Now(add_fault)),
    (Method::DELETE, "faults", Work::Now(clear_faults)),
    (Method::DELETE, "faults/{}", Work::Now(remove_fault)),
    (Method::POST, "reset", Work::Waits(reset)),
    (Method::POST, "calls", Work::Waits(place_call)),
];

fn place_call(shared: Arc<Shared>, _: Vec<String>, body: Value) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let new: NewCall = read(body)?;
        if !is_e164(&new.to) {
            return Err(bad("to must be a number in the E.164 format, for example +14155552671"));
        }
        // A withheld number arrives as a word (T16 [D]).
        if !is_e164(&new.from) && new.from != "anonymous" {
            return Err(bad("from must be a number in the E.164 format, or anonymous"));
        }
        Ok((200, calls::place(&shared, new).await))
    })
}

fn add_fault(world: &mut World, _: &[String], body: Value) -> Answer {
    let rule: NewRule = read(body)?;
    Ok((201, world.faults.add(rule).map_err(bad)?))
}

fn clear_faults(world: &mut World, _: &[String], body: Value) -> Answer {
    let Nothing {} = read(body)?;
    world.faults.clear();
    Ok((200, json!({"faults": []})))
}

fn remove_fault(world: &mut World, ids: &[String], body: Value) -> Answer {
    let Nothing {} = read(body)?;
    match ids[0].parse().is_ok_and(|id| world.faults.remove(id)) {
        true => Ok((200, json!({"faults": world.faults.show()}))),
        false => Err((404, format!("there is no fault {}", ids[0]))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    seed: Option<u64>,
}

fn reset(shared: Arc<Shared>, _: Vec<String>, body: Value) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let Reset { seed } = read(body)?;
        shared.replace(World::new(seed)).await;
        let shown = shared.lock().show();
        Ok((200, shown))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    advance_s: Option<f64>,
    #[serde(default)]
    until_idle: bool,
    speed: Option<f64>,
}

fn set_clock(shared: Arc<Shared>, _: Vec<String>, body: Value) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let SetClock { advance_s, until_idle, speed } = read(body)?;
        if advance_s.is_some_and(|seconds| !(0.0..=ADVANCE_S_MAX).contains(&seconds)) {
            return Err(bad("advance_s must be 0 to 1000000000: time does not run backwards"));
        }
        if speed.is_some_and(|speed| !(0.0..=SPEED_MAX).contains(&speed)) {
            return Err(bad("speed must be 0 to 1000000"));
        }
        match advance_s {
            _ if until_idle => jobs::settle(&shared, advance_s.unwrap_or(IDLE_S_MAX)).await,
            Some(seconds) => jobs::advance(&shared, seconds).await,
            None => {}
        }
        let world = &mut *shared.lock();
        if let Some(speed) = speed {
            world.clock.set_speed(speed);
        }
        Ok((200, world.clock.show()))
    })
}

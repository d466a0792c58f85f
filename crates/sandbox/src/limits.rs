//! The rate limits of the providers, off unless a setting switches them on.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};

use crate::http::{Reply, Request};
use crate::state::{Shared, World};
use crate::twilio::auth;
use crate::twilio::errors::Problem;
use crate::vapi;

/// How many requests each user of Twilio's API has under way.
pub(crate) type UnderWay = BTreeMap<String, u32>;

/// A request to Twilio that is under way. It is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Arc<Shared>,
    user: String,
    /// How many requests of its user were under way when it came, itself included.
    pub(crate) concurrent: u32,
}

impl Slot {
    /// Counts a request to Twilio; those of other providers are not counted.
    pub(crate) fn take(shared: &Arc<Shared>, request: &Request) -> Option<Slot> {
        if !request.path.starts_with("/twilio/") {
            return None;
        }
        let user = auth::basic(request.header("authorization")).map(|(user, _)| user).unwrap_or_default();
        let mut under_way = shared.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = under_way.entry(user.clone()).or_default();
        *count += 1;
        Some(Slot { shared: Arc::clone(shared), user, concurrent: *count })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut under_way = self.shared.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.user);
            }
        }
    }
}

/// What Vapi counted in the current minute, by the key that asked: an org has one that works.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    minute: i64,
    requests: BTreeMap<String, u32>,
}

/// The refusal of a request that is over a limit. It is not processed, so it is safe to repeat (T2 [D]).
pub(crate) fn refuse(world: &mut World, request: &Request, slot: Option<&Slot>) -> Option<Reply> {
    match slot {
        Some(slot) => {
            let over = world.settings.twilio_concurrent_requests.is_some_and(|most| slot.concurrent > most);
            over.then(|| Reply::json(429, &Problem::new(20429, "Too many concurrent requests").body()))
        }
        None if request.path.starts_with("/vapi") => refuse_vapi(world, request),
        None => None,
    }
}

/// Fixed windows that begin with the minutes of UTC; no header says when (V4).
fn refuse_vapi(world: &mut World, request: &Request) -> Option<Reply> {
    let most = world.settings.vapi_requests_per_minute?;
    let minute = world.clock.now().as_second().div_euclid(60);
    if world.limits.minute != minute {
        world.limits = Limits { minute, requests: BTreeMap::new() };
    }
    let key = request.header("authorization").unwrap_or_default();
    let count = world.limits.requests.entry(key.to_owned()).or_default();
    *count += 1;
    (*count > most).then(|| vapi::errors::Problem::too_many_requests().reply())
}

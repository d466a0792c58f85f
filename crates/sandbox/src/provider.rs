//! A request to one of the providers: the fault in its way, the work, the log, and what goes out.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::millis;
use crate::faults::{Drop, Fault};
use crate::http::{Reply, Request};
use crate::limits::{self, Slot};
use crate::state::{Shared, World};
use crate::vapi::by_hand::{self, ByHand};
use crate::{jobs, storage, twilio, vapi};

/// What happens on the wire.
#[derive(Debug)]
pub(crate) enum Delivery {
    Whole(Reply),
    /// Half of the answer, then the connection is cut.
    Half(Reply),
    /// The connection is cut without a byte.
    Nothing,
}

impl Delivery {
    /// The answer, whether all of it arrives or not.
    fn reply(&self) -> Option<&Reply> {
        match self {
            Delivery::Whole(reply) | Delivery::Half(reply) => Some(reply),
            Delivery::Nothing => None,
        }
    }

    fn map(self, change: impl FnOnce(Reply) -> Reply) -> Delivery {
        match self {
            Delivery::Whole(reply) => Delivery::Whole(change(reply)),
            Delivery::Half(reply) => Delivery::Half(change(reply)),
            Delivery::Nothing => Delivery::Nothing,
        }
    }
}

/// Handles one provider request. The work is finished before any delay, so a client that gave up waiting
/// has had its effect all the same (T23.12).
pub(crate) async fn handle(shared: &Arc<Shared>, request: &Request) -> Delivery {
    if let Some(refusal) = shared.watch.refusal(request) {
        return Delivery::Whole(refuse(shared, request, refusal));
    }
    let slot = Slot::take(shared, request);
    let (delivery, fault) = match by_hand::find(request) {
        Some(by_hand) => forwarded(shared, request, by_hand).await,
        None => {
            let (delivery, fault, seq) = decide(&mut shared.lock(), request, slot.as_ref());
            let own = delivery.reply().filter(|_| fault.answer(request).is_none());
            match shared.watch.observe(request, own, seq) {
                Some((name, value)) => (delivery.map(|reply| reply.with(name, value)), fault),
                None => (delivery, fault),
            }
        }
    };
    shared.changed.notify_one();
    if let Some(seconds) = fault.early_s {
        jobs::advance(shared, seconds).await;
    }
    if let Some(delay) = fault.delay_ms {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    delivery
}

/// Handles a request that comes from inside, as a scenario makes them: without waiting for anything.
pub(crate) fn at_once(shared: &Arc<Shared>, request: &Request) -> Delivery {
    decide(&mut shared.lock(), request, None).0
}

/// Twilio's own requests, forwarded to Vapi by hand, may wait for the server of a number.
async fn forwarded(shared: &Arc<Shared>, request: &Request, by_hand: ByHand) -> (Delivery, Fault) {
    let (at, fault) = {
        let world = &mut *shared.lock();
        let fault = world.faults.of_request(&request.method, &request.path).unwrap_or_default();
        (millis(world.clock.now()), fault)
    };
    let delivery = match fault.answer(request) {
        _ if fault.drop == Some(Drop::Before) => Delivery::Nothing,
        Some(reply) => arriving(reply, &fault),
        None => arriving(by_hand::handle(shared, request, by_hand).await, &fault),
    };
    let world = &mut *shared.lock();
    world.handled += 1;
    world.log.push(at, request, delivery.reply(), Vec::new());
    world.clock.tick();
    (delivery, fault)
}

/// What arrives of an answer.
fn arriving(reply: Reply, fault: &Fault) -> Delivery {
    match fault {
        Fault { drop: Some(Drop::After), .. } => Delivery::Nothing,
        Fault { cut: true, .. } => Delivery::Half(reply),
        _ => Delivery::Whole(reply),
    }
}

/// What strict mode refuses is logged, and does nothing.
fn refuse(shared: &Arc<Shared>, request: &Request, refusal: Reply) -> Reply {
    let world = &mut *shared.lock();
    let seq = world.log.push(millis(world.clock.now()), request, Some(&refusal), Vec::new());
    shared.watch.observe(request, None, seq);
    refusal
}

/// Also returns the request's number in the log.
fn decide(world: &mut World, request: &Request, slot: Option<&Slot>) -> (Delivery, Fault, u64) {
    let at = millis(world.clock.now());
    world.handled += 1;
    let (delivery, unknown, fault) = match limits::refuse(world, request, slot) {
        Some(reply) => (Delivery::Whole(reply), Vec::new(), Fault::default()),
        None => {
            let fault = world.faults.of_request(&request.method, &request.path).unwrap_or_default();
            let (delivery, unknown) = perform(world, request, &fault);
            (delivery, unknown, fault)
        }
    };
    let delivery = match slot {
        Some(slot) => delivery.map(|reply| signed(reply, world, slot)),
        None => delivery,
    };
    let seq = world.log.push(at, request, delivery.reply(), unknown);
    world.clock.tick();
    (delivery, fault, seq)
}

/// Twilio's service headers: the count is documented (T2 [D]), the other two were seen in captures [?]. The id
/// is not drawn, so that a request leaves no trace in what is made later.
fn signed(reply: Reply, world: &World, slot: &Slot) -> Reply {
    reply
        .with("twilio-request-id", format!("RQ{:016x}{:016x}", world.seed, world.handled))
        .with("twilio-request-duration", "0.001")
        .with("twilio-concurrent-requests", slot.concurrent.to_string())
}

fn perform(world: &mut World, request: &Request, fault: &Fault) -> (Delivery, Vec<String>) {
    if fault.drop == Some(Drop::Before) {
        return (Delivery::Nothing, Vec::new());
    }
    let (reply, unknown) = match fault.answer(request) {
        Some(reply) => (reply, Vec::new()),
        None => work(world, request),
    };
    (arriving(reply, fault), unknown)
}

/// The provider's answer, and the names of the parameters that it did not know.
fn work(world: &mut World, request: &Request) -> (Reply, Vec<String>) {
    if request.path.starts_with("/twilio/") {
        return twilio::handle(world, request);
    }
    if request.path.starts_with("/storage/") {
        return (storage::handle(world, request), Vec::new());
    }
    if let Some(answered) = vapi::handle(world, request) {
        return answered;
    }
    let text = "This is the Dialtone sandbox: /twilio/{product}/…, /vapi/… and /sandbox are here.";
    (Reply::json(404, &serde_json::json!({"error": text})), Vec::new())
}

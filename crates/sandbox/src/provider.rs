//! A request to one of the providers: the fault in its way, the work, the log, and what goes out.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::millis;
use crate::faults::{Drop, Fault};
use crate::http::{Reply, Request};
use crate::state::{Shared, World};
use crate::{storage, twilio, vapi};

/// What happens on the wire.
#[derive(Debug)]
pub(crate) enum Delivery {
    Whole(Reply),
    /// Half of the answer, then the connection is cut.
    Half(Reply),
    /// The connection is cut without a byte.
    Nothing,
}

/// Handles one provider request. The work is finished before any delay, so a client that gave up waiting
/// has had its effect all the same (T23.12).
pub(crate) async fn handle(shared: &Arc<Shared>, request: &Request) -> Delivery {
    let (delivery, delay) = decide(&mut shared.lock(), request);
    shared.changed.notify_one();
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    delivery
}

fn decide(world: &mut World, request: &Request) -> (Delivery, Option<Duration>) {
    let fault = world.faults.take(&request.method, &request.path).unwrap_or_default();
    let at = millis(world.clock.now());
    let (delivery, unknown) = perform(world, request, &fault);
    let reply = match &delivery {
        Delivery::Whole(reply) | Delivery::Half(reply) => Some(reply),
        Delivery::Nothing => None,
    };
    world.log.push(at, request, reply, unknown);
    world.clock.tick();
    (delivery, fault.delay_ms.map(Duration::from_millis))
}

fn perform(world: &mut World, request: &Request, fault: &Fault) -> (Delivery, Vec<String>) {
    if fault.drop == Some(Drop::Before) {
        return (Delivery::Nothing, Vec::new());
    }
    let (reply, unknown) = match fault.answer(request) {
        Some(reply) => (reply, Vec::new()),
        None => work(world, request),
    };
    let delivery = match fault {
        Fault { drop: Some(Drop::After), .. } => Delivery::Nothing,
        Fault { cut: true, .. } => Delivery::Half(reply),
        _ => Delivery::Whole(reply),
    };
    (delivery, unknown)
}

/// The provider's answer, and the names of the parameters that it did not know.
fn work(world: &mut World, request: &Request) -> (Reply, Vec<String>) {
    if request.path.starts_with("/twilio/") {
        return twilio::handle(world, request);
    }
    if request.path.starts_with("/storage/") {
        return (storage::handle(world, request), Vec::new());
    }
    if let Some(path) = request.path.strip_prefix("/vapi/") {
        return vapi::handle(world, request, path);
    }
    let text = "This is the Dialtone sandbox: /twilio/{product}/…, /vapi/… and /sandbox are here.";
    (Reply::json(404, &serde_json::json!({"error": text})), Vec::new())
}

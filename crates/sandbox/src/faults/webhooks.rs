//! Webhooks that are lost, doubled, late, out of order or cut off. The sender is told that one that is lost
//! or held back arrived: the network is at fault, and neither end knows.

use std::time::Duration;

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};

use super::fault::Next;
use super::{Drop, Fault};
use crate::jobs::Job;
use crate::outbound::{Answered, Failure, Outgoing, post};
use crate::state::{Shared, World};

/// A webhook that is held back is sent at last after this time, when none has overtaken it.
const HELD_MAX: Duration = Duration::from_secs(60);

/// A webhook that waits for the next one to overtake it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    id: u64,
    next: Next,
    outgoing: Outgoing,
}

impl Held {
    fn is_overtaken_by(&self, other: &Outgoing) -> bool {
        self.outgoing.provider == other.provider
            && match self.next {
                Next::Subject => self.outgoing.subject == other.subject,
                Next::Event => self.outgoing.event == other.event,
            }
    }
}

/// Sends a request as the faults in force let it go.
pub(crate) async fn send(shared: &Shared, outgoing: &Outgoing) -> Result<Answered, Failure> {
    let fault = shared.lock().faults.of_webhook(outgoing).unwrap_or_default();
    if let Some(next) = fault.reordered {
        shared.lock().hold(next, outgoing);
        return Ok(believed(outgoing));
    }
    let result = deliver(shared, outgoing, &fault).await;
    let overtaken = shared.lock().overtaken_by(outgoing);
    for held in overtaken {
        // Its sender has long been told that it arrived.
        let _ = post(shared, &held, Some("reordered")).await;
    }
    result
}

async fn deliver(shared: &Shared, outgoing: &Outgoing, fault: &Fault) -> Result<Answered, Failure> {
    match fault {
        Fault { drop: Some(Drop::Before), .. } => {
            shared.lock().log_unsent(outgoing, "drop before");
            Err(Failure::Connect)
        }
        Fault { drop: Some(Drop::After), .. } => {
            post(shared, outgoing, Some("drop after")).await?;
            Err(Failure::Broken)
        }
        Fault { lost: true, .. } => {
            shared.lock().log_unsent(outgoing, "lost");
            Ok(believed(outgoing))
        }
        Fault { late_s: Some(seconds), .. } => {
            let after = Duration::try_from_secs_f64(*seconds).unwrap_or_default();
            shared.lock().schedule(after, Job::Webhook(Box::new(outgoing.clone())));
            shared.changed.notify_one();
            Ok(believed(outgoing))
        }
        Fault { doubled: true, .. } => {
            let first = post(shared, outgoing, None).await;
            // The answer to the copy reaches nobody.
            let _ = post(shared, outgoing, Some("doubled")).await;
            first
        }
        _ => post(shared, outgoing, None).await,
    }
}

/// Sends a webhook that is held back, unless another one has overtaken it.
pub(crate) async fn release(shared: &Shared, id: u64) {
    let held = {
        let held = &mut shared.lock().faults.held;
        held.iter().position(|held| held.id == id).map(|index| held.remove(index))
    };
    if let Some(held) = held {
        // Its sender has long been told that it arrived.
        let _ = post(shared, &held.outgoing, Some("reordered")).await;
    }
}

/// An empty answer that makes everybody content.
fn believed(outgoing: &Outgoing) -> Answered {
    let content_type = if outgoing.provider == "vapi" { "application/json" } else { "text/xml" };
    Answered {
        status: 200,
        content_type: content_type.to_owned(),
        chunked: false,
        location: None,
        cookies: Vec::new(),
        body: Bytes::new(),
    }
}

impl World {
    fn hold(&mut self, next: Next, outgoing: &Outgoing) {
        self.faults.last_id += 1;
        let id = self.faults.last_id;
        self.faults.held.push(Held { id, next, outgoing: outgoing.clone() });
        self.schedule(HELD_MAX, Job::HeldWebhook(id));
    }

    fn overtaken_by(&mut self, outgoing: &Outgoing) -> Vec<Outgoing> {
        let held = self.faults.held.extract_if(.., |held| held.is_overtaken_by(outgoing));
        held.map(|held| held.outgoing).collect()
    }
}

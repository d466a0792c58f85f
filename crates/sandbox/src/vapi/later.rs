//! What time does with calls, messages and sessions of Vapi.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::server_messages::{self, Message};
use super::talk::{self, Stepped, end};
use super::{dialing, sessions};
use crate::jobs::Job;
use crate::state::{Shared, World};

/// Something to do at its time; calls and sessions are named by their ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Later {
    /// A message that nobody waits for, or the next try of one.
    Message(Message),
    /// A scheduled call begins.
    Begin(String),
    /// The phone starts to ring.
    Ring(String),
    /// The phone's owner does what such an owner does.
    PickUp(String),
    /// Nobody answered for too long.
    GiveUp(String),
    /// The next step of a conversation.
    Talk(String),
    /// The call is analysed and reported.
    Report(String),
    /// Nobody came to hear an accepted call.
    Abandon(String),
    SessionExpires(String),
}

impl Later {
    pub(crate) async fn run(self, shared: &Arc<Shared>) {
        match self {
            Later::Message(message) => server_messages::tell(shared, message).await,
            Later::Begin(call) => dialing::begin(shared, &call).await,
            Later::Ring(call) => dialing::ring(shared, &call).await,
            Later::PickUp(call) => dialing::pick_up(shared, &call).await,
            Later::GiveUp(call) => dialing::give_up(shared, &call).await,
            Later::Talk(call) => {
                if let Stepped::Next(after) = talk::step(shared, &call).await {
                    shared.lock().later(after, Later::Talk(call));
                }
            }
            Later::Report(call) => end::report(shared, &call).await,
            Later::Abandon(call) => dialing::abandon(shared, &call).await,
            Later::SessionExpires(session) => sessions::expire(&mut shared.lock(), &session),
        }
    }
}

impl World {
    /// Does something of Vapi's when this much time has passed.
    pub(crate) fn later(&mut self, after: Duration, later: Later) {
        self.schedule(after, Job::Vapi(Box::new(later)));
    }
}

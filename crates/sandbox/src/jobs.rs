//! What is going to happen later: each thing that takes time at the providers is a job with a due time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::outbound::Outgoing;
use crate::state::{Shared, World};
use crate::twilio::porting::Step;
use crate::twilio::voice::Later;

/// Something to do at its time. Each kind belongs to one module, which runs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Job {
    /// A webhook that was held back (see `faults`).
    Webhook(Box<Outgoing>),
    /// What time does with a call.
    Voice(Box<Later>),
    /// A webhook that none has overtaken in time (see `faults`).
    HeldWebhook(u64),
    /// What time does at Vapi.
    Vapi(Box<crate::vapi::later::Later>),
    /// A free Vapi number becomes active (V5.3 [D]).
    ActivateVapiNumber(String),
    /// An emergency address is registered, or not any more.
    EmergencyAddress(String),
    /// The next step of a bundle's review.
    BundleReview(String),
    /// What time does with a message.
    Text(Box<crate::twilio::messages::ladder::Step>),
    /// A US sender's registration is looked at.
    Review(Box<crate::twilio::services::registration::Review>),
    /// A request that goes out by itself, and whose answer nobody reads.
    Send(Box<Outgoing>),
    /// What time does with a port.
    Port(Box<Step>),
    /// An event of a scenario.
    Scenario { play: usize, event: usize },
}

/// Runs one job to its end, webhooks included. It may schedule others.
fn run(shared: Arc<Shared>, job: Job) -> BoxFuture<'static, ()> {
    match job {
        Job::Webhook(outgoing) => Box::pin(async move {
            // Its sender has long been told that it arrived.
            let _ = crate::outbound::post(&shared, &outgoing, Some("late")).await;
        }),
        Job::Voice(later) => Box::pin(async move { later.run(&shared).await }),
        Job::ActivateVapiNumber(id) => Box::pin(async move {
            crate::vapi::phone_numbers::activate(&mut shared.lock(), &id);
        }),
        Job::EmergencyAddress(sid) => Box::pin(async move {
            crate::twilio::numbers::settle(&mut shared.lock(), &sid);
        }),
        Job::BundleReview(sid) => Box::pin(async move {
            crate::twilio::compliance::review(&shared, &sid).await;
        }),
        Job::Text(step) => Box::pin(crate::twilio::messages::ladder::run(shared, *step)),
        Job::Review(review) => Box::pin(async move { shared.lock().review(*review) }),
        Job::Send(outgoing) => Box::pin(async move {
            // Failures are in the log; nobody else wants to know.
            let _ = crate::outbound::send(&shared, &outgoing).await;
        }),
        Job::Scenario { play, event } => Box::pin(crate::scenario::run(shared, play, event)),
        Job::Port(step) => Box::pin(async move { shared.lock().port_step(&step) }),
        Job::Vapi(later) => Box::pin(async move { later.run(&shared).await }),
        Job::HeldWebhook(id) => Box::pin(async move { crate::faults::webhooks::release(&shared, id).await }),
    }
}

/// The jobs that are not due yet, soonest first; equal times in the order they were scheduled.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    queue: BTreeMap<(Timestamp, u64), Job>,
    sequence: u64,
}

impl Jobs {
    fn push(&mut self, at: Timestamp, job: Job) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), job);
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Job)> {
        self.next_due().filter(|at| *at <= now)?;
        self.queue.pop_first().map(|((at, _), job)| (at, job))
    }
}

/// Jobs as they are saved: a map with composite keys is no JSON object.
#[derive(Serialize, Deserialize)]
struct Saved<Q> {
    sequence: u64,
    queue: Q,
}

impl Serialize for Jobs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let queue: Vec<_> = self.queue.iter().map(|((at, sequence), job)| (at, sequence, job)).collect();
        Saved { sequence: self.sequence, queue }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Jobs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Jobs, D::Error> {
        let Saved { sequence, queue } = Saved::<Vec<(Timestamp, u64, Job)>>::deserialize(deserializer)?;
        let queue = queue.into_iter().map(|(at, sequence, job)| ((at, sequence), job)).collect();
        Ok(Jobs { queue, sequence })
    }
}

impl World {
    /// The virtual time after so many more seconds.
    pub(crate) fn in_seconds(&self, seconds: f64) -> Timestamp {
        let step = SignedDuration::from_secs_f64(seconds);
        self.clock.now().saturating_add(step).expect("a signed duration has no calendar units")
    }

    /// Does `job` when this much virtual time has passed.
    pub(crate) fn schedule(&mut self, after: Duration, job: Job) {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        let at = self.clock.now().saturating_add(after).expect("a signed duration has no calendar units");
        self.jobs.push(at, job);
    }
}

/// Starts jobs when they are due, as long as time runs. Ends when it is dropped, and its jobs with it.
pub(crate) async fn drive(shared: Arc<Shared>) {
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let wait = {
            let _step = shared.stepping.lock().await;
            let world = &mut *shared.lock();
            match world.clock.speed() {
                // A standing clock's jobs are only done by `advance`, one after the other.
                0.0 => None,
                speed => {
                    while let Some((_, job)) = world.jobs.pop_due(world.clock.now()) {
                        let shared = Arc::clone(&shared);
                        running.spawn(async move {
                            run(Arc::clone(&shared), job).await;
                            shared.changed.notify_one();
                        });
                    }
                    world.jobs.next_due().map(|at| real_time(world.clock.now(), at, speed))
                }
            }
        };
        tokio::select! {
            () = shared.changed.notified() => {}
            () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {}
        }
    }
}

/// How long the real time takes from `now` to `at`; at least a millisecond, so that rounding never spins.
fn real_time(now: Timestamp, at: Timestamp, speed: f64) -> Duration {
    let seconds = at.duration_since(now).as_secs_f64() / speed;
    Duration::from_secs_f64(seconds.clamp(0.001, 1e9))
}

/// Lets `seconds` of virtual time pass: what falls due on the way is done at its time, in order, each job to
/// its end before the next. So a run with a standing clock can be repeated to the letter.
pub(crate) async fn advance(shared: &Arc<Shared>, seconds: f64) {
    step(shared, seconds, true).await;
}

/// Lets time pass until nothing is due any more, but at most so many seconds.
pub(crate) async fn settle(shared: &Arc<Shared>, seconds: f64) {
    step(shared, seconds, false).await;
}

/// One step of time: does what is due in the next seconds, each job at its time; then, if `whole`, it is that
/// much later. Whoever asked may go away: a step that has begun is done to its end.
async fn step(shared: &Arc<Shared>, seconds: f64, whole: bool) {
    let shared = Arc::clone(shared);
    to_its_end(async move {
        let _step = shared.stepping.lock().await;
        let target = shared.lock().in_seconds(seconds);
        run_until(&shared, target).await;
        if whole {
            shared.lock().clock.reach(target);
        }
        shared.changed.notify_one();
    })
    .await;
}

/// Waits for something that goes on even when nobody waits for it any more.
pub(crate) async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime shuts down, and this with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Does what is due until `target`, each job at its time.
async fn run_until(shared: &Arc<Shared>, target: Timestamp) {
    loop {
        let job = {
            let world = &mut *shared.lock();
            let due = world.jobs.pop_due(target);
            if let Some((at, _)) = &due {
                world.clock.reach(*at);
            }
            due
        };
        match job {
            Some((_, job)) => run(Arc::clone(shared), job).await,
            None => break,
        }
    }
}

//! The live stream of an organisation's events. It lives as long as its credential: that is looked at again
//! whenever something happened, and at least every second.

use crate::auth::{self, Caller};
use crate::site::Site;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use dialtone_domain::{Code, Permission, Problem, UserId};
use futures::stream::{self, Stream, StreamExt};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How many streams one member may hold open: a few tabs and programs.
const STREAMS_MAX: usize = 20;
/// How many events are read at a time.
const BATCH: u32 = 100;
/// How late a stream may notice that its credential ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often a silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How many streams each member holds.
#[derive(Default, Clone)]
pub(crate) struct Streams(Arc<Mutex<HashMap<UserId, usize>>>);

/// A place for one stream; given back when it is dropped.
struct Place {
    user: UserId,
    site: Site,
}

impl Place {
    fn take(site: &Site, user: UserId) -> Result<Self, Problem> {
        let mut open = site.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(user).or_default();
        if *count >= STREAMS_MAX {
            return Err(Code::Busy.into());
        }
        *count += 1;
        site.metrics.streams.inc();
        Ok(Self { user, site: site.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.site.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
        self.site.metrics.streams.dec();
    }
}

/// The headers that prove who follows, kept to prove it again.
pub(crate) struct Credentials(HeaderMap);

impl Credentials {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let wanted = [header::AUTHORIZATION, header::COOKIE];
        let kept = headers.iter().filter(|(name, _)| wanted.contains(name));
        Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

/// One event as it is told.
#[derive(Serialize)]
struct Told {
    seq: i64,
    at: jiff::Timestamp,
    kind: String,
    subject_id: String,
    actor: Value,
    data: Option<Value>,
}

fn told(event: dialtone_app::Event) -> Event {
    let dialtone_app::Event { seq, at, kind, subject_id, actor, after, .. } = event;
    let (id, name) = (seq.to_string(), kind.clone());
    let data = Told { seq, at, kind, subject_id, actor, data: after };
    let event = Event::default().id(id).event(name);
    event.json_data(data).expect("a value is always JSON")
}

struct Follower {
    credentials: Credentials,
    after: i64,
    wake: watch::Receiver<()>,
    stopping: watch::Receiver<bool>,
    place: Place,
}

impl Follower {
    /// The next events; `None` when the stream has to end.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            // Seen before reading, so that what happens meanwhile wakes us again.
            self.wake.borrow_and_update();
            let site = &self.place.site;
            let caller = auth::caller(site, &self.credentials.0).await.ok()?;
            if *self.stopping.borrow() || !caller.role.may(Permission::EventsRead) {
                return None;
            }
            let events = site.app.events_after(&caller, self.after, BATCH).await.ok()?;
            if let Some(last) = events.last() {
                self.after = last.seq;
                return Some(events.into_iter().map(told).collect());
            }
            tokio::select! {
                _ = self.wake.changed() => {}
                _ = self.stopping.changed() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }
}

/// The events behind `after`, and those to come.
///
/// # Errors
/// [`Code::Busy`]: the member follows too often already.
pub(crate) fn stream(
    site: &Site,
    caller: &Caller,
    credentials: Credentials,
    after: i64,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Problem> {
    let place = Place::take(site, caller.user_id)?;
    let (wake, stopping) = (site.app.event_wakeups(), site.stopping.clone());
    let follower = Follower { credentials, after, wake, stopping, place };
    let batches = stream::unfold(follower, |mut follower| async move {
        let events = follower.next().await?;
        Some((stream::iter(events.into_iter().map(Ok)), follower))
    });
    Ok(Sse::new(batches.flatten()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive")))
}

//! The live stream of an organisation's events. It lives as long as its credential: that is looked at again
//! whenever something happened, and at least twice a second.

use crate::auth::{self, Caller};
use crate::site::Site;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use dialtone_domain::{Code, OrgId, Permission, Problem, UserId};
use futures::stream::{self, Stream, StreamExt};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How many streams one member may hold open: a few tabs and programs.
const PER_MEMBER_MAX: usize = 20;
/// How many all members of one organisation may.
const PER_ORGANISATION_MAX: usize = 200;
/// How many there may be in all: a stream keeps its connection, and others need one too.
const STREAMS_MAX: usize = 500;
/// When a browser should come back after the server stopped: another one is up by then.
const COME_BACK: Duration = Duration::from_secs(2);
/// How many events are read at a time.
const BATCH: u32 = 100;
/// How late a stream may notice that its credential ended: a second, with time to spare for the look itself.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How often a silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Who can hold too many streams.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Member(UserId),
    Organisation(OrgId),
    Everybody,
}

/// How many streams each of them holds.
#[derive(Default, Clone)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Holder, usize>>>);

/// A place for one stream; given back when it is dropped.
struct Place {
    holders: [Holder; 3],
    site: Site,
}

impl Place {
    fn take(site: &Site, caller: &Caller) -> Result<Self, Problem> {
        let limits = [
            (Holder::Member(caller.user_id), PER_MEMBER_MAX),
            (Holder::Organisation(caller.organisation.id), PER_ORGANISATION_MAX),
            (Holder::Everybody, STREAMS_MAX),
        ];
        let mut open = site.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if limits.iter().any(|(holder, most)| open.get(holder).is_some_and(|held| held >= most)) {
            return Err(Code::Busy.into());
        }
        for (holder, _) in limits {
            *open.entry(holder).or_default() += 1;
        }
        site.metrics.streams.inc();
        Ok(Self { holders: limits.map(|(holder, _)| holder), site: site.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.site.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        for holder in self.holders {
            if let Some(held) = open.get_mut(&holder) {
                *held -= 1;
                if *held == 0 {
                    open.remove(&holder);
                }
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

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0
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

/// The JSON of an event's column.
pub(crate) fn json(column: &str) -> Value {
    serde_json::from_str(column).unwrap_or_default()
}

fn told(event: dialtone_app::Event) -> Event {
    let dialtone_app::Event { seq, at, kind, subject_id, actor, after, .. } = event;
    let (id, name) = (seq.to_string(), kind.clone());
    let data = Told { seq, at, kind, subject_id, actor: json(&actor), data: after.as_deref().map(json) };
    let event = Event::default().id(id).event(name);
    event.json_data(data).expect("a value is always JSON")
}

struct Follower {
    credentials: Credentials,
    after: i64,
    wake: watch::Receiver<()>,
    stopping: watch::Receiver<bool>,
    place: Place,
    over: bool,
}

impl Follower {
    /// The next events; `None` when the stream has to end.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            // Seen before reading, so that what happens meanwhile wakes us again.
            self.wake.borrow_and_update();
            let site = &self.place.site;
            let caller = auth::caller(site, &self.credentials.0).await.ok()?;
            auth::check_factor(site, &caller).await.ok()?;
            if self.over || !caller.may(Permission::EventsRead) {
                return None;
            }
            if *self.stopping.borrow() {
                self.over = true;
                return Some(vec![Event::default().retry(COME_BACK).comment("the server stops")]);
            }
            let events = site.app.events_after(&caller, self.after, BATCH).await.ok()?;
            if let Some(last) = events.last() {
                self.after = last.seq;
                let heard: Vec<_> = events
                    .into_iter()
                    .filter(|event| dialtone_app::hears(&caller, event))
                    .map(told)
                    .collect();
                if heard.is_empty() {
                    continue;
                }
                return Some(heard);
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
    let place = Place::take(site, caller)?;
    let (wake, stopping) = (site.app.event_wakeups(), site.stopping.clone());
    let follower = Follower { credentials, after, wake, stopping, place, over: false };
    let batches = stream::unfold(follower, |mut follower| async move {
        let events = follower.next().await?;
        Some((stream::iter(events.into_iter().map(Ok)), follower))
    });
    Ok(Sse::new(batches.flatten()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive")))
}

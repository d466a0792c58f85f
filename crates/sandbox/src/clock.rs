//! Virtual time.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where time starts when a seed is given: 2026-01-01T00:00:00Z.
const FIXED_START_S: i64 = 1_767_225_600;

/// How many times as fast as the real time it may run.
pub(crate) const SPEED_MAX: f64 = 1e6;

/// The sandbox's clock. With a seed it stands at a fixed instant and moves one millisecond per provider
/// request, so that a run can be repeated to the letter; without one it follows the real time.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Timestamp,
    anchor: Instant,
    speed: f64,
}

/// A clock as it is saved. A loaded clock goes on from the time it was saved at.
#[derive(Serialize, Deserialize)]
struct Saved {
    now: Timestamp,
    speed: f64,
}

impl Serialize for Clock {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Saved { now: self.now(), speed: self.speed }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Clock, D::Error> {
        let Saved { now, speed } = Saved::deserialize(deserializer)?;
        if !(0.0..=SPEED_MAX).contains(&speed) {
            return Err(serde::de::Error::custom("the speed of the clock must be 0 to 1000000"));
        }
        Ok(Clock { base: now, anchor: Instant::now(), speed })
    }
}

impl Clock {
    /// A clock that follows the real time.
    pub(crate) fn real() -> Clock {
        Clock { base: Timestamp::now(), anchor: Instant::now(), speed: 1.0 }
    }

    /// A clock that stands at the fixed start.
    pub(crate) fn fixed() -> Clock {
        let base = Timestamp::from_second(FIXED_START_S).expect("a constant inside jiff's range");
        Clock { base, anchor: Instant::now(), speed: 0.0 }
    }

    /// The virtual time.
    pub(crate) fn now(&self) -> Timestamp {
        let real = self.anchor.elapsed().as_secs_f64();
        self.base
            .saturating_add(SignedDuration::from_secs_f64(real * self.speed))
            .expect("a signed duration has no calendar units")
    }

    /// Goes forward to `at`; a time that has passed already changes nothing.
    pub(crate) fn reach(&mut self, at: Timestamp) {
        self.base = self.now().max(at);
        self.anchor = Instant::now();
    }

    /// How many times as fast as the real time it runs; 0 when it stands.
    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// From now on, virtual time runs `speed` times as fast as the real one; 0 stops it.
    pub(crate) fn set_speed(&mut self, speed: f64) {
        self.rebase(SignedDuration::ZERO);
        self.speed = speed;
    }

    /// One provider request has been handled: a standing clock moves on, so that later things are later.
    pub(crate) fn tick(&mut self) {
        if self.speed == 0.0 {
            self.rebase(SignedDuration::from_millis(1));
        }
    }

    fn rebase(&mut self, forward: SignedDuration) {
        self.base = self.now().saturating_add(forward).expect("a signed duration has no calendar units");
        self.anchor = Instant::now();
    }

    /// What the control API shows.
    pub(crate) fn show(&self) -> Value {
        json!({"now": millis(self.now()), "speed": self.speed})
    }
}

/// Twilio's 2010 API: RFC 2822 with a numeric zone (T1 [S]).
pub(crate) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Twilio's newer APIs: ISO 8601 in whole seconds (T1 [S]).
pub(crate) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Vapi: ISO 8601 with milliseconds (V8.1 [W]).
pub(crate) fn millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_told_to() {
        let mut clock = Clock::fixed();
        assert_eq!(millis(clock.now()), "2026-01-01T00:00:00.000Z");
        clock.tick();
        assert_eq!(millis(clock.now()), "2026-01-01T00:00:00.001Z");
        clock.reach("2026-01-02T00:00:00Z".parse().unwrap());
        assert_eq!(rfc2822(clock.now()), "Fri, 02 Jan 2026 00:00:00 +0000");
        assert_eq!(iso(clock.now()), "2026-01-02T00:00:00Z");
    }
}

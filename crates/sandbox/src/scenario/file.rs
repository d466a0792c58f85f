//! What a scenario's file may contain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Range, wrong};
use crate::control::Refusal;
use crate::http::Object;
use crate::ids::is_e164;

const LENGTH_S_MAX: f64 = 400.0 * 86_400.0;
const COUNT_MAX: u32 = 1_000_000;
/// The sum of a group's ranges, which must be a small number too.
const GROUP_MAX: u32 = 100_000_000;
const HISTORY_MAX: u32 = 5_000_000;
const PER_HOUR_MAX: f64 = 1e6;
/// Calls to the control API that would stop or replace the clock that the scenario is played by.
const FORBIDDEN: [&str; 5] = ["clock", "reset", "save", "scenario", "snapshot"];

/// A scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) name: String,
    /// For people who read the file.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    pub(super) length_s: f64,
    #[serde(default)]
    pub(super) accounts: Vec<NewAccount>,
    #[serde(default)]
    pub(super) assistants: Vec<NewAssistant>,
    #[serde(default)]
    pub(super) numbers: Vec<NewNumbers>,
    #[serde(default)]
    pub(super) people: Vec<NewPeople>,
    #[serde(default)]
    pub(super) history: Vec<History>,
    #[serde(default)]
    pub(super) events: Vec<Event>,
}

/// A Twilio account, by a name of the scenario's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    pub(super) name: String,
    /// What `POST /sandbox/accounts` takes.
    #[serde(default)]
    pub(super) body: Object,
}

/// An assistant of the first Vapi org, by a name of the scenario's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAssistant {
    pub(super) name: String,
    /// What `POST /assistant` takes.
    pub(super) body: Object,
}

/// Numbers that follow each other, all with the same settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNumbers {
    pub(super) group: String,
    pub(super) phone_number: String,
    #[serde(default = "one")]
    pub(super) count: u32,
    pub(super) account: Option<String>,
    /// Imported into Vapi with this assistant.
    pub(super) assistant: Option<String>,
    /// Registered for texts in the US.
    #[serde(default)]
    pub(super) registered: bool,
    /// What `POST /sandbox/numbers` takes besides.
    #[serde(default)]
    pub(super) settings: Object,
}

/// People's phones that follow each other, all with the same behaviour.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPeople {
    pub(super) group: String,
    pub(super) phone_number: String,
    #[serde(default = "one")]
    pub(super) count: u32,
    /// What `POST /sandbox/phones/{number}` takes; without it, they are ordinary phones.
    pub(super) behaviour: Option<Object>,
}

fn one() -> u32 {
    1
}

/// Messages of the past: made at once, without webhooks, each with its end state.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    pub(super) count: u32,
    /// A group of numbers.
    pub(super) numbers: String,
    /// A group of people.
    pub(super) people: String,
    pub(super) bodies: Vec<String>,
    /// They are spread evenly over so many seconds before now.
    pub(super) over_s: u32,
}

/// Something that happens once, or again and again at random times.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    /// `HH:MM` or `HH:MM:SS` after the beginning.
    pub(super) at: Option<String>,
    pub(super) between: Option<[String; 2]>,
    pub(super) per_hour: Option<f64>,
    #[serde(flatten)]
    pub(super) action: Action,
}

/// What happens. Of lists for `from`, `to` and `body` one item is picked; `@group` is a number of the group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    /// A person texts a number: `POST /sandbox/messages`.
    Text(Object),
    /// A person calls a number: `POST /sandbox/calls`.
    Call(Object),
    /// The owner of a number texts a person, by Twilio's API.
    Send(Object),
    /// Any other call of the control API: `{"path", "body"}`.
    Control(Object),
}

impl Action {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Action::Text(_) => "text",
            Action::Call(_) => "call",
            Action::Send(_) => "send",
            Action::Control(_) => "control",
        }
    }

    pub(super) fn fields(&self) -> &Object {
        let (Action::Text(fields) | Action::Call(fields) | Action::Send(fields) | Action::Control(fields)) =
            self;
        fields
    }
}

/// When an event happens, in milliseconds after the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Once(u64),
    /// From, until, and the mean gap.
    Often(u64, u64, u64),
}

impl Event {
    pub(super) fn when(&self) -> Option<When> {
        match (&self.at, &self.between, self.per_hour) {
            (Some(at), None, None) => Some(When::Once(clock_time(at)?)),
            (None, Some([from, until]), Some(rate)) if rate > 0.0 && rate <= PER_HOUR_MAX => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
                let gap = (3_600_000.0 / rate).round() as u64;
                Some(When::Often(clock_time(from)?, clock_time(until)?, gap.max(1)))
            }
            _ => None,
        }
    }
}

/// `HH:MM` or `HH:MM:SS` in milliseconds; hours go on after 24.
fn clock_time(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(str::parse::<u64>);
    let (hours, minutes) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let seconds = parts.next().unwrap_or(Ok(0)).ok()?;
    let fits = parts.next().is_none() && hours <= 10_000 && minutes < 60 && seconds < 60;
    fits.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000)
}

fn digits(phone: &str) -> Option<u64> {
    phone.strip_prefix('+').filter(|_| is_e164(phone))?.parse().ok()
}

impl NewNumbers {
    pub(super) fn range(&self) -> Range {
        Range { first: digits(&self.phone_number).unwrap_or_default(), count: self.count }
    }
}

impl NewPeople {
    pub(super) fn range(&self) -> Range {
        Range { first: digits(&self.phone_number).unwrap_or_default(), count: self.count }
    }
}

impl Scenario {
    /// Whether it can be played; the refusal names the place.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !(0.0..=LENGTH_S_MAX).contains(&self.length_s) {
            return Err(wrong("length_s", "must be 0 to 34560000"));
        }
        let of_numbers = self.numbers.iter().map(|it| (&it.phone_number, it.count));
        let of_people = self.people.iter().map(|it| (&it.phone_number, it.count));
        for (phone, count) in of_numbers.chain(of_people) {
            if digits(phone).is_none() || !(1..=COUNT_MAX).contains(&count) {
                return Err(wrong(phone, "give an E.164 number, and a count of 1 to 1000000"));
            }
        }
        let groups = self.groups();
        for (name, ranges) in &groups {
            if ranges.iter().map(|range| u64::from(range.count)).sum::<u64>() > u64::from(GROUP_MAX) {
                return Err(wrong(name, "a group has at most 100000000 numbers"));
            }
        }
        for history in &self.history {
            let known = groups.contains_key(&history.numbers) && groups.contains_key(&history.people);
            if !known || history.bodies.is_empty() || history.count > HISTORY_MAX {
                return Err(wrong("history", "needs known groups, bodies, and a count of at most 5000000"));
            }
        }
        for (index, event) in self.events.iter().enumerate() {
            self.check_event(event, &groups).map_err(|why| wrong(&format!("events[{index}]"), &why))?;
        }
        Ok(())
    }

    fn check_event(&self, event: &Event, groups: &BTreeMap<String, Vec<Range>>) -> Result<(), String> {
        if event.when().is_none() {
            return Err("give either at, or between and per_hour".to_owned());
        }
        let fields = event.action.fields();
        let path = fields.get("path").and_then(Value::as_str).unwrap_or_default();
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if matches!(event.action, Action::Control(_)) && (path.is_empty() || FORBIDDEN.contains(&first)) {
            return Err("this control call is not possible in a scenario".to_owned());
        }
        let choices = fields.values().flat_map(|value| match value {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        });
        let mut names = choices.filter_map(Value::as_str).filter_map(|text| text.strip_prefix('@'));
        names.find(|name| !groups.contains_key(*name)).map_or(Ok(()), |name| Err(format!("no group {name}")))
    }

    /// The numbers of each group.
    pub(super) fn groups(&self) -> BTreeMap<String, Vec<Range>> {
        let of_numbers = self.numbers.iter().map(|it| (&it.group, it.range()));
        let of_people = self.people.iter().map(|it| (&it.group, it.range()));
        let mut groups: BTreeMap<String, Vec<Range>> = BTreeMap::new();
        for (group, range) in of_numbers.chain(of_people) {
            groups.entry(group.clone()).or_default().push(range);
        }
        groups
    }
}

impl Range {
    /// Its numbers in their order.
    pub(super) fn phones(self) -> impl Iterator<Item = String> {
        (0..u64::from(self.count)).map(move |index| format!("+{}", self.first + index))
    }
}

/// One of the numbers of a group, by its place among all of them.
pub(super) fn member(ranges: &[Range], mut index: u32) -> Option<String> {
    for range in ranges {
        if index < range.count {
            return Some(format!("+{}", range.first + u64::from(index)));
        }
        index -= range.count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_milliseconds_after_the_beginning() {
        for (text, expected) in [
            ("00:00", Some(0)),
            ("08:30", Some(30_600_000)),
            ("26:00:01", Some(93_601_000)),
            ("8", None),
            ("08:60", None),
            ("a:b", None),
        ] {
            assert_eq!(clock_time(text), expected, "{text}");
        }
    }

    #[test]
    fn members_are_counted_over_all_ranges() {
        let ranges = [Range { first: 1_000, count: 2 }, Range { first: 5_000, count: 1 }];
        let all: Vec<_> = (0..4).map(|index| member(&ranges, index)).collect();
        assert_eq!(all[..3], ["+1000", "+1001", "+5000"].map(|phone| Some(phone.to_owned())));
        assert_eq!(all[3], None);
    }
}

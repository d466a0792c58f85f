//! Faults that tests switch on: the next matching provider requests, or webhooks, fail in the way described.

mod fault;
pub(crate) mod webhooks;

use hyper::Method;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::Ids;
use crate::outbound::Outgoing;
pub(crate) use fault::{Drop, Fault};
use webhooks::Held;

const RULES_MAX: usize = 100;
const PATTERN_CHARS_MAX: usize = 1_000;
/// A probability is drawn among so many.
const DICE: u32 = 1_000_000;
/// The dice are not the ids' generator: a fault must not change what is made.
const DICE_SEED: u64 = 0x6661_756c_7473;

/// What the control API takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRule {
    method: Option<String>,
    path: Option<String>,
    webhook: Option<NewWebhook>,
    provider: Option<Provider>,
    probability: Option<f64>,
    times: Option<u32>,
    fault: Fault,
}

/// Which webhooks a rule is about; what is left out may be anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    event: Option<String>,
    url: Option<String>,
}

/// Whose requests, or webhooks, a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Provider {
    Twilio,
    Vapi,
    Storage,
}

impl Provider {
    /// The provider's name, which is also the first part of its paths.
    fn name(self) -> &'static str {
        match self {
            Provider::Twilio => "twilio",
            Provider::Vapi => "vapi",
            Provider::Storage => "storage",
        }
    }
}

/// What a rule is about.
#[derive(Debug, Serialize, Deserialize)]
enum Target {
    Request { method: Option<String>, path: Pattern },
    Webhook { event: Option<Pattern>, url: Option<Pattern> },
}

impl Target {
    fn of(new: &NewRule) -> Result<Target, String> {
        match (&new.path, &new.webhook) {
            (Some(path), None) => {
                let method = new.method.as_ref().map(|name| name.to_ascii_uppercase());
                if method.as_ref().is_some_and(|name| name.parse::<Method>().is_err()) {
                    return Err("method is not an HTTP method".to_owned());
                }
                Ok(Target::Request { method, path: Pattern::new("path", path)? })
            }
            (None, Some(webhook)) if new.method.is_none() => Ok(Target::Webhook {
                event: webhook.event.as_ref().map(|event| Pattern::new("event", event)).transpose()?,
                url: webhook.url.as_ref().map(|url| Pattern::new("url", url)).transpose()?,
            }),
            (None, Some(_)) => Err("method belongs to path, not to webhook".to_owned()),
            _ => Err("give either path (requests that arrive) or webhook (requests that go out)".to_owned()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Rule {
    id: u64,
    target: Target,
    provider: Option<Provider>,
    probability: Option<f64>,
    /// How many more it will hit; none = until it is removed.
    left: Option<u32>,
    fault: Fault,
}

/// A regular expression, which is saved as its source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Pattern(Regex);

impl Pattern {
    fn new(name: &str, source: &str) -> Result<Pattern, String> {
        if source.chars().count() > PATTERN_CHARS_MAX {
            return Err(format!("{name} is longer than {PATTERN_CHARS_MAX} characters"));
        }
        let built = RegexBuilder::new(source).size_limit(1 << 20).build();
        built.map(Pattern).map_err(|error| format!("{name} is not a regular expression: {error}"))
    }
}

impl Clone for Pattern {
    fn clone(&self) -> Pattern {
        Pattern(self.0.clone())
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.0.as_str().to_owned()
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(source: String) -> Result<Pattern, String> {
        Pattern::new("pattern", &source)
    }
}

/// The rules in force, in the order they were added, and the webhooks that one of them holds back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
    dice: Ids,
    held: Vec<Held>,
}

impl Faults {
    /// No faults; what they draw follows from the seed.
    pub(crate) fn new(seed: u64) -> Faults {
        Faults { rules: Vec::new(), last_id: 0, dice: Ids::new(seed ^ DICE_SEED), held: Vec::new() }
    }

    /// Adds a rule and shows it. The error is a sentence about what is wrong with it.
    pub(crate) fn add(&mut self, new: NewRule) -> Result<Value, String> {
        if self.rules.len() >= RULES_MAX {
            return Err(format!("at most {RULES_MAX} faults at a time; DELETE /sandbox/faults removes them"));
        }
        if new.times == Some(0) {
            return Err("times must be at least 1".to_owned());
        }
        if new.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("probability must be 0 to 1".to_owned());
        }
        let target = Target::of(&new)?;
        new.fault.check(matches!(target, Target::Webhook { .. }))?;
        self.last_id += 1;
        self.rules.push(Rule {
            id: self.last_id,
            target,
            provider: new.provider,
            probability: new.probability,
            left: new.times,
            fault: new.fault,
        });
        Ok(self.rules.last().map(show).unwrap_or_default())
    }

    /// Removes all rules.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Removes one rule; whether there was one.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    /// The fault for a request that arrived, if any; counts it.
    pub(crate) fn of_request(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let provider = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        self.take(provider, |target| match target {
            Target::Request { method: wanted, path: pattern } => {
                wanted.as_ref().is_none_or(|wanted| wanted == method.as_str()) && pattern.0.is_match(path)
            }
            Target::Webhook { .. } => false,
        })
    }

    /// The fault for a request that goes out, if any; counts it.
    fn of_webhook(&mut self, outgoing: &Outgoing) -> Option<Fault> {
        let fits =
            |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|it| it.0.is_match(text));
        self.take(&outgoing.provider, |target| match target {
            Target::Webhook { event, url } => fits(event, &outgoing.event) && fits(url, &outgoing.url),
            Target::Request { .. } => false,
        })
    }

    /// The first rule that fits; each one with a probability throws the dice for itself.
    fn take(&mut self, provider: &str, fits: impl Fn(&Target) -> bool) -> Option<Fault> {
        let Faults { rules, dice, .. } = self;
        let index = rules.iter().position(|rule| {
            rule.provider.is_none_or(|wanted| wanted.name() == provider)
                && fits(&rule.target)
                && rule.probability.is_none_or(|part| f64::from(dice.below(DICE)) < part * f64::from(DICE))
        })?;
        let rule = &mut rules[index];
        let fault = rule.fault.clone();
        if let Some(left) = &mut rule.left {
            *left -= 1;
            if *left == 0 {
                rules.remove(index);
            }
        }
        Some(fault)
    }

    /// The rules in force.
    pub(crate) fn show(&self) -> Value {
        self.rules.iter().map(show).collect()
    }
}

fn show(rule: &Rule) -> Value {
    let mut shown = match &rule.target {
        Target::Request { method, path } => json!({"method": method, "path": path}),
        Target::Webhook { event, url } => json!({"webhook": {"event": event, "url": url}}),
    };
    shown["id"] = json!(rule.id);
    shown["provider"] = json!(rule.provider);
    shown["probability"] = json!(rule.probability);
    shown["times_left"] = json!(rule.left);
    shown["fault"] = json!(rule.fault);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: Value) -> Result<NewRule, serde_json::Error> {
        serde_json::from_value(json)
    }

    fn take(faults: &mut Faults, method: &Method, path: &str) -> Option<Fault> {
        faults.of_request(method, path)
    }

    #[test]
    fn a_rule_hits_as_often_as_it_says() {
        let mut faults = Faults::new(0);
        let new =
            rule(json!({"method": "post", "path": "phone", "times": 2, "fault": {"status": 500}})).unwrap();
        faults.add(new).unwrap();
        assert!(take(&mut faults, &Method::GET, "/vapi/phone-number").is_none());
        assert!(take(&mut faults, &Method::POST, "/vapi/phone-number").is_some());
        assert!(take(&mut faults, &Method::POST, "/vapi/phone-number").is_some());
        assert!(take(&mut faults, &Method::POST, "/vapi/phone-number").is_none());
    }

    #[test]
    fn bad_rules_are_refused_with_a_reason() {
        let mut faults = Faults::new(0);
        for bad in [
            json!({"path": "(", "fault": {"status": 500}}),
            json!({"path": "x", "times": 0, "fault": {"status": 500}}),
            json!({"path": "x", "fault": {"status": 99}}),
            json!({"path": "x", "fault": {}}),
            json!({"path": "x", "fault": {"delay_ms": 600_001}}),
            json!({"path": "x", "method": "G T", "fault": {"status": 500}}),
            json!({"fault": {"status": 500}}),
            json!({"path": "x", "webhook": {}, "fault": {"drop": "before"}}),
            json!({"path": "x", "fault": {"lost": true}}),
            json!({"webhook": {"event": "("}, "fault": {"lost": true}}),
            json!({"webhook": {}, "fault": {"status": 500}}),
            json!({"webhook": {}, "method": "POST", "fault": {"lost": true}}),
            json!({"webhook": {}, "fault": {"late_s": -1.0}}),
            json!({"path": "x", "probability": 1.5, "fault": {"status": 500}}),
        ] {
            assert!(faults.add(rule(bad.clone()).unwrap()).is_err(), "{bad}");
        }
        assert!(rule(json!({"path": "x", "fault": {"delay": 5}})).is_err());
        assert!(rule(json!({"path": "x", "provider": "vonage", "fault": {"status": 500}})).is_err());
    }

    #[test]
    fn a_probability_is_drawn_from_the_seed() {
        let drawn = |seed: u64| -> Vec<bool> {
            let mut faults = Faults::new(seed);
            let new = rule(json!({"path": "x", "probability": 0.3, "fault": {"status": 500}})).unwrap();
            faults.add(new).unwrap();
            (0..1_000).map(|_| take(&mut faults, &Method::GET, "x").is_some()).collect()
        };
        let hits = drawn(1).iter().filter(|hit| **hit).count();
        assert!((250..350).contains(&hits), "{hits}");
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}

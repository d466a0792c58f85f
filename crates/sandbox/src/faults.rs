//! Faults that tests switch on: the next matching provider requests fail in the way described.

use hyper::Method;
use hyper::body::Bytes;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{Reply, Request};

const RULES_MAX: usize = 100;
const PATTERN_CHARS_MAX: usize = 1_000;
const DELAY_MS_MAX: u64 = 600_000;

/// What happens to a request that a rule matches.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Answer this status instead of doing the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The answer's body: text, or any JSON value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Twilio's error code, or Nest's message, for an answer without `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Value>,
    /// Milliseconds of real time before the answer (or the cut); the work is done first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Cut the connection without an answer, before or after the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drop: Option<Drop>,
    /// Send half of the answer, then cut the connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cut: bool,
}

/// When a dropped request loses its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Drop {
    Before,
    After,
}

impl Fault {
    /// The answer given instead of doing the work, if this fault has one.
    pub(crate) fn answer(&self, request: &Request) -> Option<Reply> {
        if self.drop.is_some() || (self.status.is_none() && self.body.is_none() && self.code.is_none()) {
            return None;
        }
        let status = self.status.unwrap_or(if self.code.is_some() { 400 } else { 200 });
        Some(match &self.body {
            Some(Value::String(text)) if text.trim_start().starts_with('<') => {
                Reply::new(status, "text/html; charset=utf-8", text.clone())
            }
            Some(Value::String(text)) => Reply::new(status, "text/plain; charset=utf-8", text.clone()),
            Some(body) => Reply::json(status, body),
            None if matches!(status, 204 | 304) => Reply::new(status, "application/json", Bytes::new()),
            None if request.path.starts_with("/twilio") => twilio_body(status, self.code.as_ref()),
            None => vapi_body(status, self.code.as_ref()),
        })
    }
}

/// Codes that belong to a bare status (T2 [E]).
const GENERAL_CODES: [(u16, u64); 7] =
    [(401, 20003), (403, 20003), (404, 20404), (405, 20004), (409, 20409), (429, 20429), (503, 20503)];

fn twilio_body(status: u16, code: Option<&Value>) -> Reply {
    let usual = GENERAL_CODES.iter().find(|(known, _)| *known == status).map_or(20500, |(_, code)| *code);
    let code = code.cloned().unwrap_or(json!(usual));
    let more = format!("https://www.twilio.com/docs/errors/{}", code.to_string().trim_matches('"'));
    let message = reason(status);
    Reply::json(status, &json!({"code": code, "message": message, "more_info": more, "status": status}))
}

fn vapi_body(status: u16, code: Option<&Value>) -> Reply {
    let message = code.cloned().unwrap_or(json!(reason(status)));
    Reply::json(status, &json!({"message": message, "error": reason(status), "statusCode": status}))
}

fn reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

/// What the control API takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRule {
    method: Option<String>,
    path: String,
    times: Option<u32>,
    fault: Fault,
}

#[derive(Debug, Serialize, Deserialize)]
struct Rule {
    id: u64,
    method: Option<String>,
    #[serde(with = "source")]
    pattern: Regex,
    /// How many more requests it will hit; none = until it is removed.
    left: Option<u32>,
    fault: Fault,
}

/// Saved rules keep their pattern's source.
mod source {
    use regex::Regex;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<S: Serializer>(pattern: &Regex, serializer: S) -> Result<S::Ok, S::Error> {
        pattern.as_str().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
        super::compiled(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(1 << 20).build();
    built.map_err(|error| format!("path is not a regular expression: {error}"))
}

/// The rules in force, in the order they were added.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
}

impl Faults {
    /// Adds a rule and shows it. The error is a sentence about what is wrong with it.
    pub(crate) fn add(&mut self, new: NewRule) -> Result<Value, String> {
        check(&new)?;
        if self.rules.len() >= RULES_MAX {
            return Err(format!("at most {RULES_MAX} faults at a time; DELETE /sandbox/faults removes them"));
        }
        let method = new.method.map(|name| name.to_ascii_uppercase());
        if method.as_ref().is_some_and(|name| name.parse::<Method>().is_err()) {
            return Err("method is not an HTTP method".to_owned());
        }
        let pattern = compiled(&new.path)?;
        self.last_id += 1;
        self.rules.push(Rule { id: self.last_id, method, pattern, left: new.times, fault: new.fault });
        Ok(self.rules.last().map(show).unwrap_or_default())
    }

    /// Removes all rules.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault for this request, if any; counts it.
    pub(crate) fn take(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let matches = |rule: &Rule| {
            rule.method.as_ref().is_none_or(|wanted| wanted == method.as_str()) && rule.pattern.is_match(path)
        };
        let index = self.rules.iter().position(matches)?;
        let rule = &mut self.rules[index];
        let fault = rule.fault.clone();
        if let Some(left) = &mut rule.left {
            *left -= 1;
            if *left == 0 {
                self.rules.remove(index);
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
    json!({
        "id": rule.id,
        "method": rule.method,
        "path": rule.pattern.as_str(),
        "times_left": rule.left,
        "fault": rule.fault,
    })
}

fn check(new: &NewRule) -> Result<(), String> {
    let fault = &new.fault;
    let checks = [
        (new.path.chars().count() <= PATTERN_CHARS_MAX, "path is longer than 1000 characters"),
        (new.times != Some(0), "times must be at least 1"),
        (fault.status.is_none_or(|status| (200..600).contains(&status)), "status must be 200 to 599"),
        (fault.delay_ms.unwrap_or(0) <= DELAY_MS_MAX, "delay_ms must be at most 600000"),
        (*fault != Fault::default(), "fault is empty: give status, body, code, delay_ms, drop or cut"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, sentence)) => Err((*sentence).to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: Value) -> Result<NewRule, serde_json::Error> {
        serde_json::from_value(json)
    }

    #[test]
    fn a_rule_hits_as_often_as_it_says() {
        let mut faults = Faults::default();
        let new =
            rule(json!({"method": "post", "path": "phone", "times": 2, "fault": {"status": 500}})).unwrap();
        faults.add(new).unwrap();
        assert!(faults.take(&Method::GET, "/vapi/phone-number").is_none());
        assert!(faults.take(&Method::POST, "/vapi/phone-number").is_some());
        assert!(faults.take(&Method::POST, "/vapi/phone-number").is_some());
        assert!(faults.take(&Method::POST, "/vapi/phone-number").is_none());
    }

    #[test]
    fn bad_rules_are_refused_with_a_reason() {
        let mut faults = Faults::default();
        for bad in [
            json!({"path": "(", "fault": {"status": 500}}),
            json!({"path": "x", "times": 0, "fault": {"status": 500}}),
            json!({"path": "x", "fault": {"status": 99}}),
            json!({"path": "x", "fault": {}}),
            json!({"path": "x", "fault": {"delay_ms": 600_001}}),
            json!({"path": "x", "method": "G T", "fault": {"status": 500}}),
        ] {
            assert!(faults.add(rule(bad.clone()).unwrap()).is_err(), "{bad}");
        }
        assert!(rule(json!({"path": "x", "fault": {"delay": 5}})).is_err());
    }
}

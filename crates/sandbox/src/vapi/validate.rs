//! Request bodies against Vapi's own schemas, in the words of its class-validator (V3.3 [W]).
//!
//! Where the service takes more than its schemas say, `specs/deviations.json` has the reason. Null passes for
//! whatever is optional: class-validator's `IsOptional` skips it, which is how `assistantId: null` unlinks
//! although no schema declares it (V5.5 [D]).

use serde_json::Value;

use super::errors::Problem;
use super::schema::{self, Resolved};
use crate::http::Object;
use rule::{Rule, wire_rule};
pub(crate) use union::Union;

mod rule;
mod union;

/// Checks `body` against the schema of this name; the error lists everything that is wrong with it.
pub(crate) fn check(schema: &str, body: &Object) -> Result<(), Problem> {
    walk(schema::named(schema), body)
}

/// The same for a part of it: nothing is required at the top.
fn check_part(schema: &str, body: &Object) -> Result<(), Problem> {
    walk(Resolved { partial: true, ..schema::named(schema) }, body)
}

fn walk(schema: Resolved<'_>, body: &Object) -> Result<(), Problem> {
    let mut walk = Walk::default();
    walk.members(None, schema, body);
    if walk.wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(&walk.wrong)) }
}

/// Where a value stands. Written out only when something is wrong with it.
struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    name: &'p str,
    /// An element of the list `name`.
    item: Item,
    rule: Option<Rule>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    No,
    /// Elements checked by one rule together are named together.
    Each,
    At(usize),
}

impl Place<'_> {
    /// `model.`, `model.each value in tools.`, or nothing at the top.
    fn prefix(place: Option<&Place<'_>>) -> String {
        place.map(|place| format!("{}{}.", Place::prefix(place.parent), place.label())).unwrap_or_default()
    }

    fn label(&self) -> String {
        match self.item {
            Item::No => self.name.to_owned(),
            Item::Each => format!("each value in {}", self.name),
            Item::At(index) => format!("{}.{index}", self.name),
        }
    }
}

#[derive(Default)]
struct Walk {
    wrong: Vec<String>,
}

impl Walk {
    fn say(&mut self, at: &Place<'_>, complaint: &str) {
        self.wrong.push(format!("{}{} {complaint}", Place::prefix(at.parent), at.label()));
    }

    /// A value against a schema; a missing one is null.
    fn value(&mut self, at: &Place<'_>, schema: &Value, value: &Value) {
        self.resolved(at, schema::resolve(schema), value);
    }

    fn resolved(&mut self, at: &Place<'_>, resolved: Resolved<'_>, value: &Value) {
        let schema = resolved.schema;
        if value.is_null() && resolved.nullable() {
            return;
        }
        match resolved.kind() {
            _ if schema.get("anyOf").is_some() => self.either(at, resolved, value),
            "array" => self.list(at, schema, value),
            "object" => self.object(at, resolved, value),
            _ if schema.get("enum").is_some() => self.choice(at, schema, value),
            "string" => self.string(at, schema, value),
            "number" | "integer" => self.number(at, schema, value),
            "boolean" if !value.is_boolean() => self.say(at, "must be a boolean value"),
            "" if value.is_null() => self.say(at, "should not be empty"),
            _ => {}
        }
    }

    fn choice(&mut self, at: &Place<'_>, schema: &Value, value: &Value) {
        let allowed = schema["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !allowed.contains(value) {
            self.say(at, &one_of(allowed.iter()));
        }
    }

    fn string(&mut self, at: &Place<'_>, schema: &Value, value: &Value) {
        if let Some(rule) = at.rule {
            if !value.as_str().is_some_and(|text| rule.holds(text)) {
                self.say(at, rule.complaint());
            }
            return;
        }
        let text = value.as_str();
        let length = text.map(|text| text.chars().count() as u64);
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        if let Some(most) = bound("maxLength").filter(|most| length.is_none_or(|length| length > *most)) {
            self.say(at, &format!("must be shorter than or equal to {most} characters"));
        }
        if let Some(least) = bound("minLength").filter(|least| length.is_none_or(|length| length < *least)) {
            self.say(at, &format!("must be longer than or equal to {least} characters"));
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && !text.is_some_and(|text| schema::matches(pattern, text))
        {
            self.say(at, &format!("must match /{pattern}/ regular expression"));
        }
        if let Some(rule) = schema.get("format").and_then(Value::as_str).and_then(Rule::of_format)
            && !text.is_some_and(|text| rule.holds(text))
        {
            self.say(at, rule.complaint());
        }
        if text.is_none() {
            self.say(at, "must be a string");
        }
    }

    fn number(&mut self, at: &Place<'_>, schema: &Value, value: &Value) {
        let number = value.as_f64();
        let bound = |name: &str| schema.get(name).filter(|bound| bound.is_number());
        let over = |bound: &f64| number.is_none_or(|number| number > *bound);
        let under = |bound: &f64| number.is_none_or(|number| number < *bound);
        if let Some(most) = bound("maximum").filter(|most| most.as_f64().is_some_and(|most| over(&most))) {
            self.say(at, &format!("must not be greater than {most}"));
        }
        if let Some(least) =
            bound("minimum").filter(|least| least.as_f64().is_some_and(|least| under(&least)))
        {
            self.say(at, &format!("must not be less than {least}"));
        }
        if number.is_none() {
            self.say(at, "must be a number conforming to the specified constraints");
        } else if schema["type"] == "integer" && number.is_some_and(|number| number.fract() != 0.0) {
            self.say(at, "must be an integer number");
        }
    }

    fn list(&mut self, at: &Place<'_>, schema: &Value, value: &Value) {
        let Some(values) = value.as_array() else { return self.say(at, "must be an array") };
        if let Some(most) =
            schema.get("maxItems").and_then(Value::as_u64).filter(|most| values.len() as u64 > *most)
        {
            self.say(at, &format!("must contain no more than {most} elements"));
        }
        let Some(items) = schema.get("items") else { return };
        // One class for all is validated element by element, everything else as a whole [?].
        let nested = schema::resolve(items).schema.get("properties").is_some();
        let rule = wire_rule("", at.name);
        let before = self.wrong.len();
        for (index, value) in values.iter().enumerate() {
            let item = if nested { Item::At(index) } else { Item::Each };
            self.value(&Place { parent: at.parent, name: at.name, item, rule }, items, value);
        }
        for said in self.wrong.split_off(before) {
            if !self.wrong[before..].contains(&said) {
                self.wrong.push(said);
            }
        }
    }

    fn object(&mut self, at: &Place<'_>, resolved: Resolved<'_>, value: &Value) {
        match value {
            Value::Object(given) => self.members(Some(at), resolved, given),
            other if resolved.schema.get("properties").is_some() => self.no_object(at, other),
            _ => self.say(at, "must be an object"),
        }
    }

    /// A class is asked for: `phoneNumber must be an object`, and `nested property phoneNumber must be
    /// either object or array` (V3.3 [W]); class-validator leaves the second out for null and lists.
    fn no_object(&mut self, at: &Place<'_>, value: &Value) {
        self.say(at, "must be an object");
        if !value.is_null() && !value.is_array() {
            let prefix = Place::prefix(at.parent);
            self.wrong.push(format!("{prefix}nested property {} must be either object or array", at.label()));
        }
    }

    /// The properties of an object: first those that should not exist, then each one's own faults.
    fn members(&mut self, at: Option<&Place<'_>>, resolved: Resolved<'_>, given: &Object) {
        let Resolved { name, schema, .. } = resolved;
        let rest = schema.get("additionalProperties");
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            for (name, value) in given {
                let place = Place { parent: at, name, item: Item::No, rule: None };
                rest.into_iter().for_each(|rest| self.value(&place, rest, value));
            }
            return;
        };
        let unknown = |property: &&String| !properties.contains_key(*property);
        if rest.is_none_or(|rest| rest == &Value::Bool(false)) {
            let prefix = Place::prefix(at);
            self.wrong.extend(
                given.keys().filter(unknown).map(|name| format!("{prefix}property {name} should not exist")),
            );
        }
        // A number's own switch, where there is one, frees it from E.164 (V5.3, V8.1 [S]).
        let any_number = given.get("numberE164CheckEnabled") == Some(&Value::Bool(false));
        for (property, schema) in properties {
            let rule = match wire_rule(name, property) {
                Some(Rule::E164) if any_number => Some(Rule::LettersAndDigits),
                rule => rule,
            };
            let place = Place { parent: at, name: property, item: Item::No, rule };
            match given.get(property).unwrap_or(&Value::Null) {
                Value::Null if !resolved.requires(property) => {}
                value => self.value(&place, schema, value),
            }
        }
    }

    /// One of several schemas. An object says by its tags (`provider`, `type`, …) which one it means; where
    /// several are left, the one it comes closest to is taken.
    fn either(&mut self, at: &Place<'_>, resolved: Resolved<'_>, value: &Value) {
        let variants = resolved.variants();
        let meant = variants.iter().filter(|variant| match value {
            Value::Object(given) => variant.may_be(given),
            _ => variant.kind() != "object",
        });
        let before = self.wrong.len();
        let mut closest: Option<Vec<String>> = None;
        for variant in meant {
            self.resolved(at, *variant, value);
            let said = self.wrong.split_off(before);
            if closest.as_ref().is_none_or(|closest| said.len() < closest.len()) {
                closest = Some(said);
            }
        }
        match (closest, value, Resolved::shared_tag(&variants)) {
            (Some(said), ..) => self.wrong.extend(said),
            (None, Value::Object(_), Some((tag, values))) => {
                let place = Place { parent: Some(at), name: tag, item: Item::No, rule: None };
                self.say(&place, &one_of(values.into_iter()));
            }
            (None, ..) => self.no_object(at, value),
        }
    }
}

fn one_of<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shown: Vec<String> = values.filter(|value| !value.is_null()).map(shown).collect();
    format!("must be one of the following values: {}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(schema: &str, body: &Value) -> Vec<String> {
        let body = body.as_object().cloned().unwrap_or_default();
        match check(schema, &body) {
            Ok(()) => Vec::new(),
            Err(problem) => {
                let body: Value = serde_json::from_slice(&problem.reply().body).unwrap_or_default();
                serde_json::from_value(body["message"].clone()).unwrap_or_default()
            }
        }
    }

    const E164: &str = "must be a valid phone number in the E.164 format. Hot tip, you may be missing the \
                        country code (Eg. US: +1).";

    #[test]
    fn lists_everything_that_is_wrong() {
        let body = json!({"provider": "twilio", "number": "+14155552671", "twilioAccountSid": "AC1",
            "name": null, "assistantId": null});
        assert_eq!(wrong("CreateTwilioPhoneNumberDTO", &body), [""; 0]);
        assert_eq!(
            wrong("CreateTwilioPhoneNumberDTO", &json!({"provider": "x", "x": 1, "assistantId": "mia"})),
            [
                "property x should not exist",
                "assistantId must be a UUID",
                &format!("number {E164}"),
                "provider must be one of the following values: twilio",
                "twilioAccountSid must be a string",
            ]
        );
    }

    #[test]
    fn nested_objects_name_their_path() {
        let server = json!({"url": "https://a.example/x", "secret": "s", "timeoutSeconds": 301,
            "backoffPlan": {"type": "slow", "baseDelaySeconds": 1, "excludedStatusCodes": [404]}});
        assert_eq!(
            wrong("UpdateTwilioPhoneNumberDTO", &json!({"server": server})),
            [
                "server.property secret should not exist",
                "server.backoffPlan.maxRetries must not be greater than 10",
                "server.backoffPlan.maxRetries must not be less than 0",
                "server.backoffPlan.maxRetries must be a number conforming to the specified constraints",
                "server.backoffPlan.type must be one of the following values: fixed, exponential",
                "server.timeoutSeconds must not be greater than 300",
            ]
        );
        assert_eq!(
            wrong("UpdateTwilioPhoneNumberDTO", &json!({"server": "https://a.example/x"})),
            ["server must be an object", "nested property server must be either object or array"]
        );
    }

    #[test]
    fn the_variant_meant_is_the_one_that_speaks() {
        let tool = json!({"type": "function", "function": {"name": "book"}, "name": "book"});
        let model = |model: Value| wrong("CreateAssistantDTO", &json!({"model": model}));
        assert_eq!(
            model(json!({"provider": "openai", "model": "gpt-4o", "id": 1, "tools": [tool]})),
            [
                "model.property id should not exist",
                "model.each value in tools.property name should not exist"
            ]
        );
        let unknown = model(json!({"model": "gpt-4o"}));
        assert_eq!(unknown.len(), 1);
        assert!(
            unknown[0].starts_with("model.provider must be one of the following values: "),
            "{unknown:?}"
        );
        assert!(unknown[0].contains("openai"), "{unknown:?}");
    }

    #[test]
    fn lists_name_their_elements() {
        let gateways = json!([{"ip": "54.172.60.0", "netmask": 23}, {"ip": "54.172.60.1", "mask": 30}]);
        assert_eq!(
            wrong("CreateByoSipTrunkCredentialDTO", &json!({"gateways": gateways})),
            ["gateways.0.netmask must not be less than 24", "gateways.1.property mask should not exist"]
        );
        assert_eq!(
            wrong("CreateAssistantDTO", &json!({"endCallPhrases": ["bye", 1, 2], "credentialIds": ["x"]})),
            [
                "each value in credentialIds must be a UUID",
                "each value in endCallPhrases must be shorter than or equal to 140 characters",
                "each value in endCallPhrases must be longer than or equal to 2 characters",
                "each value in endCallPhrases must be a string",
            ]
        );
    }

    #[test]
    fn a_number_may_free_itself_from_e164() {
        let to = |number: &str, more: Value| {
            let mut customer = json!({"number": number});
            if let (Value::Object(customer), Value::Object(more)) = (&mut customer, more) {
                customer.extend(more);
            }
            wrong("CreateCallDTO", &json!({"customer": customer, "metadata": {"any": 1}}))
        };
        assert_eq!(to("0612345678", json!({})), [format!("customer.number {E164}")]);
        assert_eq!(to("0612345678", json!({"numberE164CheckEnabled": false})), [""; 0]);
        assert_eq!(
            to("06 12", json!({"numberE164CheckEnabled": false})),
            ["customer.number must match /^\\+?[a-zA-Z0-9]+$/ regular expression"]
        );
    }
}

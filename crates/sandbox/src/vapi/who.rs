//! Who answers a call, a chat or a session: the assistant that something names, with its overrides.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Org;
use super::errors::Problem;
use crate::http::{Object, text};

/// An assistant as it speaks in one conversation: overrides merged in, variables filled in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Who {
    /// Null for an assistant that was given inline.
    pub(crate) assistant_id: Option<String>,
    pub(crate) squad_id: Option<String>,
    pub(crate) assistant: Object,
    pub(crate) variables: Object,
}

/// Why nobody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// None of the keys is there.
    Nothing,
    /// What does not exist: its kind, the key that names it, and its id.
    Gone(&'static str, &'static str, String),
}

impl Missing {
    /// The sentences of V3.3 [W]; squads and workflows by analogy [?].
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Missing::Nothing => Problem::refused(
                "Couldn't Get Assistant. Need Either `assistant`, `assistantId`, `squad`, Or `squadId`.",
            ),
            Missing::Gone(kind, key, id) => {
                Problem::refused(format!("Couldn't Get {kind}. `{key}` {id} Does Not Exist."))
            }
        }
    }
}

/// Finds the assistant that `from` (a call's body, a number, a server's answer, a session) names.
/// `customer` fills `{{customer.number}}` and `{{customer.name}}`.
pub(crate) fn find(org: &Org, from: &Object, customer: &Object) -> Result<Who, Missing> {
    let mut who = named(org, from)?;
    let overrides = ["assistantOverrides", "squadOverrides"].map(|key| from.get(key));
    let personal = ["assistantOverrides", "squadOverrides"].map(|key| customer.get(key));
    for overrides in overrides.into_iter().chain(personal).flatten().filter_map(Value::as_object) {
        apply(&mut who, overrides);
    }
    let mut known = who.variables.clone();
    for field in ["number", "name"] {
        if let Some(value) = text(customer, field) {
            known.insert(format!("customer.{field}"), json!(value));
        }
    }
    who.assistant.values_mut().for_each(|value| fill(value, &known));
    Ok(who)
}

fn named(org: &Org, from: &Object) -> Result<Who, Missing> {
    let saved = |id: &str| match org.assistants.get(id) {
        Some(found) => {
            let (assistant, assistant_id) = (found.clone(), Some(id.to_owned()));
            Ok(Who { assistant_id, assistant, ..Who::default() })
        }
        None => Err(Missing::Gone("Assistant", "assistantId", id.to_owned())),
    };
    if let Some(id) = text(from, "assistantId") {
        return saved(id);
    }
    if let Some(Value::Object(inline)) = from.get("assistant") {
        return Ok(Who { assistant: inline.clone(), ..Who::default() });
    }
    if let Some(id) = text(from, "workflowId") {
        // Removed in 2025 (V1); none exists.
        return Err(Missing::Gone("Workflow", "workflowId", id.to_owned()));
    }
    let squad_id = text(from, "squadId").map(str::to_owned);
    let squad = match (&squad_id, from.get("squad")) {
        (Some(id), _) => {
            Some(org.squads.get(id).ok_or_else(|| Missing::Gone("Squad", "squadId", id.clone()))?)
        }
        (None, Some(Value::Object(inline))) => Some(inline),
        (None, _) => None,
    };
    let squad = squad.ok_or(Missing::Nothing)?;
    // The first member answers; who takes over from it is up to a model, which this sandbox has none of.
    let members = squad.get("members").and_then(Value::as_array);
    let first = members.and_then(|members| members.first()).and_then(Value::as_object);
    let first = first.ok_or(Missing::Nothing)?;
    let mut who = named(org, first)?;
    if let Some(Value::Object(overrides)) = first.get("assistantOverrides") {
        apply(&mut who, overrides);
    }
    Ok(Who { squad_id, ..who })
}

/// Overrides merge deeply, unlike a PATCH (V7 traps [D]).
fn apply(who: &mut Who, overrides: &Object) {
    for (key, value) in overrides {
        match (key.as_str(), value) {
            ("variableValues", Value::Object(values)) => who.variables.extend(values.clone()),
            ("tools:append", Value::Array(tools)) => {
                let model = who.assistant.entry("model").or_insert_with(|| json!({}));
                if let Some(Value::Array(all)) = entry(model, "tools", json!([])) {
                    all.extend(tools.iter().cloned());
                }
            }
            _ => match (who.assistant.get_mut(key), value) {
                (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
                _ => {
                    who.assistant.insert(key.clone(), value.clone());
                }
            },
        }
    }
}

fn entry<'v>(object: &'v mut Value, key: &str, usual: Value) -> Option<&'v mut Value> {
    object.as_object_mut().map(|object| object.entry(key).or_insert(usual))
}

fn merge(base: &mut Object, over: &Object) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// `{{name}}` becomes the variable's value; an unknown one stays as it is [?].
fn fill(value: &mut Value, variables: &Object) {
    match value {
        Value::String(words) if words.contains("{{") => *words = filled(words, variables),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, variables)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, variables)),
        _ => {}
    }
}

fn filled(words: &str, variables: &Object) -> String {
    let mut out = String::new();
    let mut rest = words;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let known = after
            .split_once("}}")
            .and_then(|(name, after)| variables.get(name.trim()).map(|value| (value, after)));
        match known {
            Some((Value::String(text), after)) => {
                out.push_str(text);
                rest = after;
            }
            Some((other, after)) => {
                out.push_str(&other.to_string());
                rest = after;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_unknown_ones_stay() {
        let known = json!({"name": "Ada", "n": 2});
        let known = known.as_object().unwrap();
        let words = "Hi {{ name }}, {{n}} of {{x}} {{";
        assert_eq!(filled(words, known), "Hi Ada, 2 of {{x}} {{");
    }

    #[test]
    fn overrides_merge_deeply_and_tools_are_appended() {
        let assistant = json!({"model": {"model": "gpt", "messages": [1]}, "name": "Mia"});
        let assistant = assistant.as_object().unwrap().clone();
        let mut who = Who { assistant, ..Who::default() };
        let overrides = json!({"model": {"model": "other"}, "tools:append": [{"type": "endCall"}]});
        apply(&mut who, overrides.as_object().unwrap());
        let expected = json!({"model": "other", "messages": [1], "tools": [{"type": "endCall"}]});
        assert_eq!(who.assistant["model"], expected);
    }
}

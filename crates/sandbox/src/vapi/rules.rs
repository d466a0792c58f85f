//! What an assistant of the sandbox says: rules, not a model, and it says so.
//!
//! The rules are few, so that a test can know every answer: a line that takes leave ends the call, a line
//! that asks for a person is transferred, a line that shares a word with a tool's name calls the tool, every
//! other line is repeated.

use serde_json::{Map, Value, json};

use crate::http::{Object, text};

/// An assistant without a first message still greets [?].
pub(crate) const GREETING: &str = "Hello.";

const FAREWELLS: [&str; 6] = ["bye", "goodbye", "hang up", "au revoir", "bonne journée", "that is all"];
const TRANSFERS: [&str; 7] =
    ["transfer", "human", "operator", "real person", "speak to someone", "conseiller", "quelqu'un"];
/// Shorter words of a tool's name say nothing about what it is for.
const TOOL_WORD_CHARS: usize = 4;

/// What the assistant does about a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Say(String),
    /// Says it, if anything, and hangs up; with the end reason.
    End {
        words: Option<String>,
        reason: &'static str,
    },
    /// It said goodbye; the caller hangs up.
    Farewell(String),
    /// Calls this function tool.
    Call {
        tool: Object,
        arguments: Object,
    },
    /// Calls a transfer tool, which may name where to.
    Transfer(Object),
}

/// The assistant's tools: those in its model, and the saved ones that it refers to.
pub(crate) fn tools<'t>(assistant: &Object, saved: impl Fn(&str) -> Option<&'t Object>) -> Vec<Object> {
    let model = assistant.get("model").and_then(Value::as_object);
    let list = |key: &str| model.and_then(|model| model.get(key)).and_then(Value::as_array).cloned();
    let inline = list("tools").unwrap_or_default().into_iter().filter_map(|tool| match tool {
        Value::Object(tool) => Some(tool),
        _ => None,
    });
    let named = list("toolIds").unwrap_or_default();
    inline.chain(named.iter().filter_map(|id| saved(id.as_str()?).cloned())).collect()
}

/// The answer to `line`.
pub(crate) fn reply(assistant: &Object, tools: &[Object], line: &str) -> Reply {
    let lower = line.to_lowercase();
    let of_kind = |kind: &str| tools.iter().find(|tool| text(tool, "type") == Some(kind));
    if FAREWELLS.iter().any(|words| lower.contains(words)) {
        return farewell(assistant, of_kind("endCall").is_some());
    }
    if let Some(tool) = of_kind("transferCall").filter(|_| TRANSFERS.iter().any(|w| lower.contains(w))) {
        return Reply::Transfer(tool.clone());
    }
    let meant = |tool: &&Object| {
        let name = tool.get("function").and_then(|function| function.get("name")).and_then(Value::as_str);
        let words = name.unwrap_or_default().to_lowercase();
        words
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word.chars().count() >= TOOL_WORD_CHARS && lower.contains(word))
    };
    if let Some(tool) = tools.iter().find(meant) {
        return Reply::Call { tool: tool.clone(), arguments: arguments(tool, line) };
    }
    Reply::Say(format!("You said: {line} (The sandbox repeats it; there is no model here.)"))
}

/// Phrases that end a call work when the *assistant* says them (V7 [S]).
fn farewell(assistant: &Object, can_end: bool) -> Reply {
    let phrases = assistant.get("endCallPhrases").and_then(Value::as_array);
    let phrase = phrases.and_then(|phrases| phrases.first()).and_then(Value::as_str);
    let message = text(assistant, "endCallMessage").map(str::to_owned);
    match (can_end, phrase) {
        (true, _) => Reply::End { words: message, reason: "assistant-ended-call" },
        (false, Some(phrase)) => {
            Reply::End { words: Some(phrase.to_owned()), reason: "assistant-said-end-call-phrase" }
        }
        (false, None) => Reply::Farewell(message.unwrap_or_else(|| "Goodbye.".to_owned())),
    }
}

/// Values for a tool's parameters, found in the line as far as they can be.
fn arguments(tool: &Object, line: &str) -> Object {
    let parameters = tool.get("function").and_then(|function| function.get("parameters"));
    match parameters.map(|schema| from_words(schema, line)) {
        Some(Value::Object(arguments)) => arguments,
        _ => Map::new(),
    }
}

/// A value of this schema made from words: the enum's member that they contain, the first number in them,
/// or the words themselves.
pub(crate) fn from_words(schema: &Value, words: &str) -> Value {
    if let Some(Value::Array(allowed)) = schema.get("enum") {
        let lower = words.to_lowercase();
        let said = |value: &&Value| value.as_str().is_some_and(|text| lower.contains(&text.to_lowercase()));
        return allowed.iter().find(said).or_else(|| allowed.first()).cloned().unwrap_or_default();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let made = properties.into_iter().flatten();
            Value::Object(made.map(|(name, schema)| (name.clone(), from_words(schema, words))).collect())
        }
        Some("array") => json!([from_words(schema.get("items").unwrap_or(&Value::Null), words)]),
        Some("boolean") => json!(!words.is_empty()),
        Some("number") => json!(first_number(words).unwrap_or(0.0)),
        #[expect(clippy::cast_possible_truncation, reason = "a float is cut to the range of integers")]
        Some("integer") => json!(first_number(words).unwrap_or(0.0) as i64),
        _ => json!(words),
    }
}

fn first_number(words: &str) -> Option<f64> {
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let start = words.find(|c: char| c.is_ascii_digit())?;
    let rest = &words[start..];
    let end = rest.find(|c| !digits(c)).unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn each_rule_has_its_line() {
        let tools = [
            object(&json!({"type": "transferCall", "destinations": []})),
            object(&json!({"type": "function", "function": {"name": "book_table", "parameters": {
                "type": "object", "properties": {
                    "people": {"type": "integer"}, "room": {"type": "string", "enum": ["inside", "terrace"]},
                    "notes": {"type": "string"}}}}})),
        ];
        let mia = object(&json!({"endCallPhrases": ["have a nice day"]}));
        let said = |line: &str| reply(&mia, &tools, line);
        assert!(matches!(said("I want a human"), Reply::Transfer(_)));
        let Reply::Call { arguments, .. } = said("A table for 4 on the terrace.") else { panic!() };
        assert_eq!(
            Value::Object(arguments),
            json!({"people": 4, "room": "terrace", "notes": "A table for 4 on the terrace."})
        );
        let reason = "assistant-said-end-call-phrase";
        assert_eq!(said("Goodbye!"), Reply::End { words: Some("have a nice day".to_owned()), reason });
        assert!(matches!(said("It rains."), Reply::Say(words) if words.starts_with("You said: It rains.")));
        let bare = object(&json!({}));
        assert_eq!(reply(&bare, &[], "Bye"), Reply::Farewell("Goodbye.".to_owned()));
    }
}

//! What is found out about a finished call (V7, V8.3): by rules that read the transcript, not by a model.

use serde_json::{Value, json};

use super::costs::Analysed;
use super::rules;
use crate::http::{Object, text, whole};

/// Shorter conversations are not analysed (V7 [S]).
const MESSAGES_MIN: i64 = 2;

/// What there is to analyse.
#[derive(Debug)]
pub(crate) struct Heard<'h> {
    pub(crate) messages: &'h [Value],
    pub(crate) transcript: String,
    pub(crate) reason: &'h str,
}

impl Heard<'_> {
    fn said(&self, role: &str) -> Vec<&str> {
        let of_role = self.messages.iter().filter(|message| message["role"] == role);
        of_role.filter_map(|message| message["message"].as_str()).collect()
    }
}

/// `analysis`, and what each part of it took.
pub(crate) fn of(assistant: &Object, heard: &Heard<'_>) -> (Value, Vec<Analysed>) {
    let empty = Object::new();
    let plan = assistant.get("analysisPlan").and_then(Value::as_object).unwrap_or(&empty);
    let least = whole(plan, "minMessagesThreshold").unwrap_or(MESSAGES_MIN);
    let (mut found, mut analysed) = (Object::new(), Vec::new());
    let spoken = heard.said("user").len() + heard.said("bot").len();
    if i64::try_from(spoken).unwrap_or(0) < least {
        return (json!({}), analysed);
    }
    let part = |name: &str| plan.get(name).and_then(Value::as_object).unwrap_or(&empty);
    let enabled =
        |name: &str, usual: bool| part(name).get("enabled").and_then(Value::as_bool).unwrap_or(usual);
    let mut add = |name: &'static str, value: Value| {
        let prompt = u64::try_from(heard.transcript.len().div_ceil(4)).unwrap_or(0);
        let completion = u64::try_from(value.to_string().len().div_ceil(4)).unwrap_or(0);
        found.insert(name.to_owned(), value);
        analysed.push(Analysed { what: name, prompt, completion });
    };
    if enabled("summaryPlan", true) {
        add("summary", json!(summary(heard)));
    }
    // Only when a plan asks (V7 [S]).
    if enabled("structuredDataPlan", false) {
        let schema = part("structuredDataPlan").get("schema").cloned().unwrap_or_default();
        add("structuredData", rules::from_words(&schema, &heard.said("user").join(" ")));
    }
    if enabled("successEvaluationPlan", true) {
        let rubric = text(part("successEvaluationPlan"), "rubric").unwrap_or("PassFail");
        add("successEvaluation", json!(grade(rubric, succeeded(heard))));
    }
    (Value::Object(found), analysed)
}

fn summary(heard: &Heard<'_>) -> String {
    let said = heard.said("user");
    let matter = match said.as_slice() {
        [] => "The caller said nothing.".to_owned(),
        lines => format!("The caller said: {}", lines.join(" / ")),
    };
    format!(
        "{matter} The assistant spoke {} times. The call ended with {}.",
        heard.said("bot").len(),
        heard.reason
    )
}

/// A call in which the caller spoke, and which did not fail.
fn succeeded(heard: &Heard<'_>) -> bool {
    !heard.said("user").is_empty() && !heard.reason.contains("error") && heard.reason != "silence-timed-out"
}

/// A grade is always a string, whatever the scale (V8.3 [S]).
fn grade(rubric: &str, passed: bool) -> &'static str {
    let (good, bad) = match rubric {
        "NumericScale" => ("9", "2"),
        "DescriptiveScale" => ("Excellent", "Poor"),
        "Checklist" | "Matrix" | "AutomaticRubric" => ("All criteria met", "Criteria not met"),
        "PercentageScale" => ("95%", "10%"),
        "LikertScale" => ("Agree", "Disagree"),
        _ => ("true", "false"),
    };
    if passed { good } else { bad }
}

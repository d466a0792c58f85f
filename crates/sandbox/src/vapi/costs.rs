//! What a call costs (V8.4): items by kind, the breakdown, and totals that agree to the last digit.

use serde_json::{Value, json};

use super::talk::Usage;
use crate::http::Object;

/// In ten-thousandths of a dollar, the wire's precision (V8.4 [W]).
type Cents = i64;

/// Vapi's own fee: 0.05 USD a minute (V8.4 [D]).
const PLATFORM_A_MINUTE: Cents = 500;
/// Plausible prices of speech recognition, a model and a voice [?].
const TRANSCRIBER_A_MINUTE: Cents = 100;
const PROMPT_A_MILLION: u64 = 25_000;
const COMPLETION_A_MILLION: u64 = 100_000;
const VOICE_A_MILLION: u64 = 220_000;
const VOICEMAIL_DETECTION: Cents = 20;

/// One thing that was analysed after the call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Analysed {
    /// `summary`, `structuredData` or `successEvaluation`.
    pub(crate) what: &'static str,
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
}

/// What a finished call is charged for.
#[derive(Debug)]
pub(crate) struct Bill<'b> {
    pub(crate) assistant: &'b Object,
    /// Who carried it, in the words of `TransportCost`.
    pub(crate) carrier: &'b str,
    pub(crate) milliseconds: i64,
    pub(crate) usage: Usage,
    pub(crate) analysed: &'b [Analysed],
    pub(crate) voicemail_detected: bool,
}

/// `cost`, `costs` and `costBreakdown` of a call.
pub(crate) struct Costs {
    pub(crate) total: Value,
    pub(crate) items: Value,
    pub(crate) breakdown: Value,
}

#[expect(clippy::cast_precision_loss, reason = "sums of dollars are far below the limit")]
fn dollars(cents: Cents) -> Value {
    json!(cents as f64 / 10_000.0)
}

fn by_time(milliseconds: i64, a_minute: Cents) -> Cents {
    (milliseconds * a_minute + 30_000) / 60_000
}

fn by_count(count: u64, a_million: u64) -> Cents {
    i64::try_from((count * a_million).div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

fn thinking(prompt: u64, completion: u64) -> Cents {
    by_count(prompt, PROMPT_A_MILLION) + by_count(completion, COMPLETION_A_MILLION)
}

/// Adds everything up.
pub(crate) fn of(bill: &Bill<'_>) -> Costs {
    #[expect(clippy::cast_precision_loss, reason = "a call lasts hours, not millennia")]
    let minutes = bill.milliseconds as f64 / 60_000.0;
    let part = |name: &str| bill.assistant.get(name).cloned().unwrap_or_else(|| json!({}));
    let Usage { prompt, completion, characters } = bill.usage;
    // Twilio's own charge is billed by Twilio for an imported number (V8.4 [?]).
    let transport = 0;
    let stt = by_time(bill.milliseconds, TRANSCRIBER_A_MINUTE);
    let llm = thinking(prompt, completion);
    let tts = by_count(characters, VOICE_A_MILLION);
    let vapi = by_time(bill.milliseconds, PLATFORM_A_MINUTE);
    let detection = if bill.voicemail_detected { VOICEMAIL_DETECTION } else { 0 };
    let mut items = vec![
        json!({"type": "transport", "provider": bill.carrier, "minutes": minutes, "cost": dollars(transport)}),
        json!({"type": "transcriber", "transcriber": part("transcriber"), "minutes": minutes,
            "cost": dollars(stt)}),
        json!({"type": "model", "model": part("model"), "promptTokens": prompt,
            "completionTokens": completion, "cachedPromptTokens": 0, "cost": dollars(llm)}),
        json!({"type": "voice", "voice": part("voice"), "characters": characters, "cost": dollars(tts)}),
        json!({"type": "vapi", "subType": "normal", "minutes": minutes, "cost": dollars(vapi)}),
    ];
    if bill.voicemail_detected {
        items.push(json!({"type": "voicemail-detection", "model": part("voicemailDetection"),
            "provider": "vapi", "promptTextTokens": 0, "promptAudioTokens": 0, "completionTextTokens": 0,
            "completionAudioTokens": 0, "cost": dollars(detection)}));
    }
    let mut analysis = Object::new();
    let mut analyses = 0;
    for Analysed { what, prompt, completion } in bill.analysed {
        let cost = thinking(*prompt, *completion);
        analyses += cost;
        items.push(json!({"type": "analysis", "analysisType": what, "model": part("model"),
            "promptTokens": prompt, "completionTokens": completion, "cachedPromptTokens": 0,
            "cost": dollars(cost)}));
        analysis.insert((*what).to_owned(), dollars(cost));
        analysis.insert(format!("{what}PromptTokens"), json!(prompt));
        analysis.insert(format!("{what}CompletionTokens"), json!(completion));
    }
    let total = transport + stt + llm + tts + vapi + detection + analyses;
    let breakdown = json!({
        "transport": dollars(transport), "stt": dollars(stt), "llm": dollars(llm), "tts": dollars(tts),
        "vapi": dollars(vapi), "chat": dollars(0), "total": dollars(total),
        "llmPromptTokens": prompt, "llmCompletionTokens": completion, "llmCachedPromptTokens": 0,
        "ttsCharacters": characters, "analysisCostBreakdown": analysis,
        // Not in the schema, on the wire (V8.4 [W]).
        "knowledgeBaseCost": dollars(0), "voicemailDetectionCost": dollars(detection),
    });
    Costs { total: dollars(total), items: json!(items), breakdown }
}

/// The cost of one chat: the model's tokens and a fee for the chat itself [?].
pub(crate) fn of_chat(assistant: &Object, prompt: usize, completion: usize) -> (Value, Value) {
    const FEE: Cents = 50;
    let count = |characters: usize| u64::try_from(characters.div_ceil(4)).unwrap_or(0);
    let (prompt, completion) = (count(prompt), count(completion));
    let llm = thinking(prompt, completion);
    let model = assistant.get("model").cloned().unwrap_or_else(|| json!({}));
    let items = json!([
        {"type": "model", "model": model, "promptTokens": prompt, "completionTokens": completion,
            "cachedPromptTokens": 0, "cost": dollars(llm)},
        {"type": "chat", "cost": dollars(FEE)},
    ]);
    (dollars(llm + FEE), items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_breakdown_and_total_agree() {
        let assistant = Object::new();
        let analysed = [Analysed { what: "summary", prompt: 900, completion: 60 }];
        let bill = Bill {
            assistant: &assistant,
            carrier: "twilio",
            milliseconds: 90_500,
            usage: Usage { prompt: 1_234, completion: 321, characters: 777 },
            analysed: &analysed,
            voicemail_detected: true,
        };
        let costs = of(&bill);
        let sum: f64 =
            costs.items.as_array().unwrap().iter().map(|item| item["cost"].as_f64().unwrap()).sum();
        let total = costs.total.as_f64().unwrap();
        assert!((sum - total).abs() < 1e-9, "{sum} {total}");
        assert_eq!(costs.breakdown["total"], costs.total);
        // 90.5 seconds at 0.05 a minute.
        assert_eq!(costs.breakdown["vapi"], json!(0.0754));
    }
}

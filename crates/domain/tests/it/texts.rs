//! What people read (requirement F1): nothing missing, nothing left over, and written as each language is.

use dialtone_domain::line::{Cause, CheckId, Fix};
use dialtone_domain::{AlertKind, Code, Language, Params, text};
use std::collections::{BTreeMap, BTreeSet};

const ENGLISH: &str = include_str!("../../texts/en.json");
const FRENCH: &str = include_str!("../../texts/fr.json");

/// The families of texts that code names by a table; the others are named where they are used.
const TABLES: [&str; 5] = ["problem.", "check.", "cause.", "change.", "alert."];
/// Texts of mails that alerts are told by.
const MAILS: [&str; 4] = ["digest.title", "footer", "opened.title", "resolved.title"];

const CHANGES: [&str; 8] = [
    "import_number",
    "link_assistant",
    "set_server",
    "set_vapi_credentials",
    "set_sms_owner",
    "delete_vapi_number",
    "set_voice_routing",
    "set_sms_routing",
];

fn read(file: &str) -> BTreeMap<String, String> {
    serde_json::from_str(file).expect("flat JSON")
}

fn both() -> impl Iterator<Item = (String, String)> {
    read(ENGLISH).into_iter().chain(read(FRENCH))
}

#[test]
fn f1_the_files_are_flat_sorted_and_have_one_line_per_text() {
    for file in [ENGLISH, FRENCH] {
        let keys: Vec<_> = file.lines().filter_map(|line| line.trim().split('"').nth(1)).collect();
        assert!(keys.is_sorted(), "sorted by key");
        assert_eq!(keys.len(), read(file).len(), "one line per text, and no key twice");
        assert_eq!(file.lines().count(), keys.len() + 2, "and a brace before and after");
    }
}

#[test]
fn f1_every_text_that_a_table_names_exists_and_no_other() {
    let parts = |prefix: &str, name: &str, parts: &[&str]| {
        parts.iter().map(|part| format!("{prefix}.{name}.{part}")).collect::<Vec<_>>()
    };
    let problems =
        Code::ALL.iter().flat_map(|code| parts("problem", code.name(), &["title", "detail", "remedy"]));
    let causes = Cause::ALL.iter().flat_map(|cause| parts("cause", cause.name(), &["summary", "fix"]));
    let checks = CheckId::ALL.iter().flat_map(|id| parts("check", id.name(), &["title", "ok"]));
    let changes = CHANGES.iter().map(|name| format!("change.{name}"));
    let alerts =
        AlertKind::ALL.iter().flat_map(|kind| parts("alert", kind.name(), &["title", "detail", "over"]));
    let alerts = alerts.chain(parts("alert", "mail", &MAILS));
    let named: BTreeSet<_> = problems
        .chain(causes)
        .chain(checks)
        .chain(changes)
        .chain(["check.not_reached".to_owned()])
        .chain(alerts)
        .collect();
    let written: BTreeSet<_> =
        read(ENGLISH).into_keys().filter(|key| TABLES.iter().any(|table| key.starts_with(table))).collect();
    assert_eq!(named, written);
}

#[test]
fn f1_a_text_survives_without_its_values() {
    for language in [Language::En, Language::Fr] {
        for key in read(ENGLISH).into_keys() {
            let text = text::find(language, &key, &Params::default()).expect("same keys");
            // A refusal in words, an assistant's name and a field's limits are always there.
            if key.ends_with("_refused.detail")
                || key.starts_with("mail.")
                || key.starts_with("import.")
                || key.starts_with("validation.")
            {
                continue;
            }
            for broken in ["()", " ,", " .", "{", "}", "“”", "«\u{a0}\u{a0}»"] {
                assert!(!text.contains(broken), "{language:?} {key}: {broken:?} in {text}");
            }
        }
    }
}

#[test]
fn f1_only_values_that_callers_know_of_are_named() {
    let known = [
        "account",
        "assistant",
        "choices",
        "field",
        "max",
        "min",
        "phone",
        "provider",
        "said",
        "subaccount",
        // Of mails.
        "inviter",
        "link",
        "name",
        "organisation",
        "role",
        // Of alerts.
        "count",
        "line",
        "title",
        "url",
        "why",
    ]
    .map(String::from);
    for (key, text) in both() {
        for name in text.split('{').skip(1).filter_map(|part| part.split('}').next()) {
            assert!(known.contains(&name.to_owned()), "{key}: {name}");
            assert!(
                name != "said" || key.ends_with("_refused.detail"),
                "{key}: nobody may have said anything"
            );
        }
    }
}

#[test]
fn f1_french_is_set_as_french_and_english_as_english() {
    for (key, text) in read(FRENCH) {
        for (bad, why) in [
            ("'", "a straight apostrophe"),
            (" :", "a space that breaks"),
            (" ;", "a space that breaks"),
            (" ?", "a space that breaks"),
            (" !", "a space that breaks"),
            (" »", "a space that breaks"),
            ("« ", "a space that breaks"),
            ("“", "an English quotation mark"),
            ("\"", "a straight quotation mark"),
            ("  ", "two spaces"),
        ] {
            assert!(!text.contains(bad), "{key}: {why} in {text}");
        }
        for mark in [';', '?', '!', '»'] {
            let naked = text.match_indices(mark).any(|(at, _)| !text[..at].ends_with('\u{a0}'));
            assert!(!naked, "{key}: no space before {mark} in {text}");
        }
    }
    for (key, text) in read(ENGLISH) {
        for bad in ["'", "\"", "  ", " :", " ;", "\u{a0}"] {
            assert!(!text.contains(bad), "{key}: {bad:?} in {text}");
        }
    }
}

#[test]
fn f1_sentences_are_whole_and_labels_are_short() {
    const LABELS: [&str; 4] = [".title", ".subject", "setup.missing.", "role."];
    let manual = |key: &str| {
        let name = key.strip_prefix("cause.").and_then(|key| key.strip_suffix(".fix"))?;
        let cause = Cause::ALL.iter().find(|cause| cause.name() == name).expect("a cause");
        Some(matches!(cause.fix(), Fix::Manual | Fix::Wait))
    };
    for (key, text) in both() {
        let label = match manual(&key) {
            Some(instruction) => !instruction,
            None => LABELS.iter().any(|part| key.contains(part)),
        };
        assert_eq!(text.ends_with(['.', '?']), !label, "{key}: {text}");
        assert!(!label || text.chars().count() <= 45, "{key} is long for a label: {text}");
    }
}

#[test]
fn a5_the_missing_things_read_as_the_requirement_writes_them() {
    let english = read(ENGLISH);
    let sentence = format!(
        "1. {} 2. {}. {}",
        english["setup.missing.vapi_key"], english["setup.missing.assistant"], english["setup.then_ready"]
    );
    assert_eq!(sentence, "1. Add your Vapi API key 2. Create an assistant. Then your number is ready.");
}

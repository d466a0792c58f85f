//! The page at `/sandbox`: what this is, and what can be done with it.

use crate::http::text;
use crate::state::World;

/// Every call of the control API, with what it does.
const CONTROL: [(&str, &str); 15] = [
    ("GET /sandbox/state", "everything there is, with tokens and keys"),
    ("POST /sandbox/reset", "the initial state again; {\"seed\"} makes a run repeatable"),
    ("POST /sandbox/calls", "a caller rings a number: {\"from\", \"to\"}"),
    ("POST /sandbox/accounts", "another Twilio account: {\"type\": \"full\" or \"trial\", \"balance\"}"),
    ("POST /sandbox/accounts/{sid}", "change one: {\"status\", \"balance\", \"type\", \"rotate_token\"}"),
    ("POST /sandbox/keys", "an API key: {\"account_sid\", \"type\", \"permissions\"}"),
    (
        "POST /sandbox/numbers",
        "gives an account a number: {\"account_sid\", \"phone_number\", \"voice_url\", …}",
    ),
    ("POST /sandbox/caller-ids", "a verified caller id: {\"account_sid\", \"phone_number\"}"),
    ("POST /sandbox/orgs", "another Vapi org: {\"name\"}"),
    ("POST /sandbox/orgs/{id}", "{\"rotate_keys\": true} revokes its keys"),
    ("POST /sandbox/faults", "the next matching requests fail: {\"path\", \"method\", \"times\", \"fault\"}"),
    ("GET, DELETE /sandbox/faults", "the faults in force; none any more"),
    ("GET, POST /sandbox/clock", "virtual time: {\"advance_s\", \"speed\"}"),
    ("GET /sandbox/requests", "the provider requests that arrived, newest last"),
    ("GET /sandbox", "this page"),
];

/// The page as HTML.
pub(crate) fn render(world: &World) -> String {
    let rows: String = CONTROL
        .iter()
        .map(|(call, effect)| format!("<tr><td><code>{}</code><td>{}\n", escaped(call), escaped(effect)))
        .collect();
    let numbers: String = world
        .twilio
        .numbers
        .iter()
        .map(|number| {
            let show = |field: &str| escaped(text(number, field).unwrap_or("none"));
            format!(
                "<li>{} of {}, voice URL {}\n",
                show("phone_number"),
                show("account_sid"),
                show("voice_url")
            )
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Dialtone sandbox</title>\n\
         <h1>Dialtone sandbox</h1>\n\
         <p>A Twilio and a Vapi of our own. Nothing here reaches the real services or costs anything.\n\
         <p>Twilio is below <code>/twilio/{{product}}</code>, Vapi below <code>/vapi</code>.\n\
         <h2>Numbers</h2>\n<ul>\n{numbers}</ul>\n<h2>Control API</h2>\n<table>\n{rows}</table>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

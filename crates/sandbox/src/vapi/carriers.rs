//! The accounts at Vonage and Telnyx that Vapi's credentials name. Neither service is played here: which
//! numbers an API key owns, the control API says. A key that it does not know owns every number.

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::control::{Answer, Route, Work, read};
use crate::http::{Object, text};
use crate::state::World;

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Carrier {
    provider: Provider,
    api_key: String,
    /// In the E.164 format.
    numbers: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Provider {
    Vonage,
    Telnyx,
}

/// The control calls for them.
pub(crate) const CONTROL: &[Route] = &[
    (Method::GET, "carriers", Work::Now(|world, _, _| Ok((200, json!({"carriers": world.vapi.carriers}))))),
    (Method::POST, "carriers", Work::Now(put)),
];

/// Says which numbers a key owns, from now on.
fn put(world: &mut World, _: &[String], body: Value) -> Answer {
    let carrier: Carrier = read(body)?;
    let shown = json!(carrier);
    let same = |known: &Carrier| known.provider == carrier.provider && known.api_key == carrier.api_key;
    world.vapi.carriers.retain(|known| !same(known));
    world.vapi.carriers.push(carrier);
    Ok((200, shown))
}

/// Whether the account of this credential has the number.
pub(super) fn owns(carriers: &[Carrier], credential: &Object, number: &str) -> bool {
    let of = |carrier: &&Carrier| {
        Some(carrier.api_key.as_str()) == text(credential, "apiKey")
            && json!(carrier.provider).as_str() == text(credential, "provider")
    };
    carriers.iter().find(of).is_none_or(|carrier| carrier.numbers.iter().any(|owned| owned == number))
}

//! Texts, out and in (T7 to T14).

mod callbacks;
pub(crate) mod control;
mod create;
mod draft;
mod errors;
pub(crate) mod fate;
mod fetch;
pub(crate) mod inbound;
pub(crate) mod ladder;
mod list;
mod media;
pub(crate) mod message;
mod opt_out;
mod reply;
mod rules;
pub(crate) mod segments;
pub(crate) mod store;

use hyper::Method;
use serde_json::Value;

pub(crate) use draft::{Draft, is_alphanumeric_sender};
pub(crate) use errors::is_known as is_error;
pub(crate) use rules::usable;

use super::Route;
use store::Messages;

/// How many messages `GET /sandbox/state` shows.
const SHOWN_MAX: usize = 1_000;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Accounts/{}/Messages",
        area: "messages",
        methods: &[(Method::GET, list::list), (Method::POST, create::create)],
    },
    Route {
        pattern: "Accounts/{}/Messages/{}",
        area: "messages",
        methods: &[(Method::GET, list::fetch), (Method::POST, list::update), (Method::DELETE, list::delete)],
    },
    Route {
        pattern: "Accounts/{}/Messages/{}/Feedback",
        area: "messages",
        methods: &[(Method::POST, list::feedback)],
    },
    Route {
        pattern: "Accounts/{}/Messages/{}/Media",
        area: "messages",
        methods: &[(Method::GET, media::list)],
    },
    Route {
        pattern: "Accounts/{}/Messages/{}/Media/{}",
        area: "messages",
        methods: &[(Method::GET, media::fetch), (Method::DELETE, media::delete)],
    },
];

impl Messages {
    /// The newest messages, oldest of them first, as Twilio shows them.
    pub(crate) fn show(&self) -> Value {
        let newest = self.newest().take(SHOWN_MAX);
        let mut shown: Vec<Value> = newest.map(|message| Value::Object(message.show(self))).collect();
        shown.reverse();
        Value::Array(shown)
    }
}

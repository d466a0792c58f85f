//! Porting numbers from other carriers (T20): the check, the documents, the request, its walk, its webhooks.

mod documents;
mod hosted;
mod notify;
mod portability;
mod request;
mod validate;
mod walk;

use hyper::Method;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Route;
use crate::http::Object;
use crate::rows::Rows;
use notify::Configuration;
pub(crate) use walk::{CONTROL, Step};

/// Where they answer, below `numbers/v1`.
pub(super) const ROUTES: &[Route] = &[
    Route {
        pattern: "Porting/Portability/PhoneNumber/{}",
        area: "porting",
        methods: &[(Method::GET, portability::fetch)],
    },
    Route { pattern: "Porting/PortIn", area: "porting", methods: &[(Method::POST, request::create)] },
    Route {
        pattern: "Porting/PortIn/PortInRequests",
        area: "porting",
        methods: &[(Method::GET, request::list)],
    },
    Route {
        pattern: "Porting/PortIn/{}",
        area: "porting",
        methods: &[(Method::GET, request::fetch), (Method::DELETE, request::cancel)],
    },
    Route {
        pattern: "Porting/PortIn/{}/PhoneNumber/{}",
        area: "porting",
        methods: &[(Method::GET, request::fetch_number), (Method::DELETE, request::cancel_number)],
    },
    Route {
        pattern: "Porting/Configuration/Webhook",
        area: "porting",
        methods: &[(Method::GET, notify::fetch), (Method::POST, notify::create)],
    },
    Route {
        pattern: "Porting/Configuration/Webhook/{}",
        area: "porting",
        methods: &[(Method::DELETE, notify::delete)],
    },
    Route {
        pattern: "HostedNumber/Eligibility",
        area: "porting",
        methods: &[(Method::POST, hosted::eligibility)],
    },
];

/// Where documents are uploaded, below `numbers-upload/v1`.
pub(super) const UPLOADS: &[Route] =
    &[Route { pattern: "Documents", area: "porting", methods: &[(Method::POST, documents::create)] }];

/// Everything about porting.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Porting {
    /// By SID, oldest first.
    requests: IndexMap<String, PortIn>,
    documents: Rows,
    /// Where events are told, by the main account.
    configurations: std::collections::BTreeMap<String, Configuration>,
}

/// The states of a request and of each of its numbers, in the words of the description [S]; `In review` has
/// several spellings in examples, and clients must not mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    #[serde(rename = "In review")]
    InReview,
    #[serde(rename = "Waiting for Signature")]
    WaitingForSignature,
    /// Of a number: the losing carrier was asked.
    Submitted,
    /// Of a number: the losing carrier has confirmed a date.
    Pending,
    #[serde(rename = "In progress")]
    InProgress,
    Completed,
    Expired,
    #[serde(rename = "Action Required")]
    ActionRequired,
    /// Of a number.
    Rejected,
    Canceled,
}

impl Status {
    fn is_final(self) -> bool {
        matches!(self, Status::Completed | Status::Expired | Status::Canceled)
    }
}

/// A request to port numbers in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PortIn {
    sid: String,
    /// Where the numbers go.
    account: String,
    /// What was asked for, as it came.
    input: Object,
    status: Status,
    cancellation: Option<String>,
    ticket: u32,
    signature_url: Option<String>,
    numbers: Vec<PortNumber>,
    created: Timestamp,
    updated: Timestamp,
}

impl PortNumber {
    /// Whether its date has come.
    fn is_due(&self, now: Timestamp) -> bool {
        self.status == Status::Pending && self.port_date.is_some_and(|date| date <= now)
    }
}

/// One of its numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PortNumber {
    sid: String,
    phone: String,
    pin: Option<String>,
    status: Status,
    number_type: String,
    country: Option<String>,
    /// Why it cannot be ported, with the code.
    obstacle: Option<(String, u32)>,
    /// A PIN or an account number is missing.
    incomplete: bool,
    /// Why the losing carrier refused, with its code.
    rejection: Option<(String, u32)>,
    port_date: Option<Timestamp>,
    updated: Timestamp,
}

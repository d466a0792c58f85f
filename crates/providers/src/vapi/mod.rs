//! Vapi's API: assistants, phone numbers, calls (facts/vapi.md sections 2–5, 7, 8).

mod proof;
mod requests;
mod types;

pub use proof::{Unproved, prove};
pub use requests::{ImportTwilio, Imported, NewAssistant, Server, TwilioCredentials, VapiNumberPatch};
pub use types::{Assistant, NumberStatus, ServerView, VapiCall, VapiNumber, VapiProvider};

use crate::Listed;
use crate::channel::{Channel, Payload, Request, status};
use crate::fields::Fields;
use dialtone_domain::{AssistantId, Phone, Problem, VapiNumberId};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;
use std::collections::HashSet;
use url::Url;

/// Items of one page; Vapi's own default (facts/vapi.md section 4).
const PAGE_SIZE: usize = 100;
/// Calls of one page.
const CALLS_PAGE_SIZE: usize = 20;

/// One organisation at Vapi. Every call may end in the problems of the key (`vapi_unauthorized`,
/// `vapi_forbidden`) and of the connection (`provider_*`).
#[derive(Debug, Clone)]
pub struct Vapi {
    channel: Channel,
    base: Url,
}

impl Vapi {
    pub(crate) fn new(channel: Channel, base: Url) -> Self {
        Self { channel, base }
    }

    /// The assistants, as Vapi orders them: newest first.
    pub async fn assistants(&self) -> Result<Listed<Assistant>, Problem> {
        self.list("assistant", "/assistant", Assistant::read).await
    }

    /// One assistant, where this organisation has it.
    pub async fn assistant(&self, id: AssistantId) -> Result<Option<Assistant>, Problem> {
        let url = self.url(&["assistant", &id.to_string()], &[]);
        self.channel.find(&Request::get(url, "/assistant/{id}"), Assistant::read).await
    }

    /// Creates an assistant with a common model, voice and transcriber, to be refined at Vapi.
    pub async fn create_assistant(&self, new: &NewAssistant) -> Result<Assistant, Problem> {
        let payload = Payload::Json(new.body());
        let request = Request::with(Method::POST, self.url(&["assistant"], &[]), "/assistant", payload);
        self.channel.fetch(&request, Assistant::read).await
    }

    /// The phone numbers of known providers.
    pub async fn phone_numbers(&self) -> Result<Listed<VapiNumber>, Problem> {
        let mut listed = self.list("phone-number", "/phone-number", VapiNumber::read).await?;
        listed.items.retain(VapiNumber::is_known);
        Ok(listed)
    }

    /// The records of one phone number: none, one, or several of different providers or accounts.
    pub async fn numbers_matching(&self, phone: &Phone) -> Result<Listed<VapiNumber>, Problem> {
        let mut found = match self.search(phone).await? {
            Some(found) => found,
            // An installation without the second version of the list.
            None => self.phone_numbers().await?,
        };
        found.items.retain(|number| number.is_known() && number.number.as_ref() == Some(phone));
        match found.items.is_empty() && (found.skipped > 0 || !found.complete) {
            // What could not be read may be it: not to have seen a record is no proof that there is none.
            true => Err(self.channel.endless()),
            false => Ok(found),
        }
    }

    /// Imports a number of a Twilio account. Vapi rewrites URLs of the number at Twilio (facts/vapi.md 5.6).
    /// Ends in `number_not_in_account`, `vapi_number_in_other_org`, `twilio_unauthorized`,
    /// `assistant_not_found` or `vapi_refused`; a number that this organisation has already is no problem.
    pub async fn import_twilio(&self, import: &ImportTwilio) -> Result<Imported, Problem> {
        let payload = Payload::Json(import.body());
        let mut request =
            Request::with(Method::POST, self.url(&["phone-number"], &[]), "/phone-number", payload);
        request.secrets = import.secrets();
        match self.channel.fetch(&request, VapiNumber::read).await {
            Ok(number) => Ok(Imported::Created(Box::new(number))),
            Err(problem) => match already_there(&problem) {
                Some(id) => Ok(Imported::AlreadyThere(id)),
                None => Err(problem
                    .with("phone", import.phone.to_string())
                    .with("account", import.account_sid.as_str())),
            },
        }
    }

    /// Changes a Twilio number's record and returns it as it is now.
    pub async fn update_number(
        &self,
        id: VapiNumberId,
        patch: &VapiNumberPatch,
    ) -> Result<VapiNumber, Problem> {
        let payload = Payload::Json(patch.body());
        let mut request = Request::with(Method::PATCH, self.number_url(id), "/phone-number/{id}", payload);
        request.secrets = patch.secrets();
        self.channel.fetch(&request, VapiNumber::read).await
    }

    /// Removes a record; one that is gone already is removed. Vapi leaves Twilio's URLs as they are.
    pub async fn delete_number(&self, id: VapiNumberId) -> Result<(), Problem> {
        let request = Request::with(Method::DELETE, self.number_url(id), "/phone-number/{id}", Payload::None);
        self.channel.find(&request, |_| Some(())).await.map(|_| ())
    }

    /// The latest calls of a number, newest first, at most `limit`.
    pub async fn last_calls(&self, id: VapiNumberId, limit: u16) -> Result<Listed<VapiCall>, Problem> {
        let query = [("phoneNumberId", id.to_string()), ("limit", limit.clamp(1, 1000).to_string())];
        let request = Request::get(self.url(&["call"], &query), "/call");
        let items = self.channel.fetch(&request, array).await?;
        let mut listed = Listed::new();
        items.into_iter().take(limit.into()).for_each(|item| listed.add(VapiCall::read(item)));
        listed.complete = true;
        Ok(listed)
    }

    /// The calls that were changed after that time, newest first, as far as a few pages reach.
    pub async fn calls_after(&self, after: Timestamp) -> Result<Listed<VapiCall>, Problem> {
        // Calls carry their transcripts: a small page stays below the limit on answers.
        let query = [("updatedAtGt", after.to_string())];
        self.list_of("call", "/call", CALLS_PAGE_SIZE, &query, VapiCall::read).await
    }

    /// The second version's list, by a part of the number; none where Vapi does not know it.
    async fn search(&self, phone: &Phone) -> Result<Option<Listed<VapiNumber>>, Problem> {
        let mut listed = Listed::new();
        for page in 1..=self.channel.limits.pages {
            let query = [
                ("search", phone.as_str().trim_start_matches('+').to_owned()),
                ("limit", PAGE_SIZE.to_string()),
                ("page", page.to_string()),
            ];
            let request = Request::get(self.url(&["v2", "phone-number"], &query), "/v2/phone-number");
            let results = |body| Fields::of(body)?.array("results");
            let Some(items) = self.channel.find(&request, results).await? else { return Ok(None) };
            listed.complete = items.len() < PAGE_SIZE;
            items.into_iter().for_each(|item| listed.add(VapiNumber::read(item)));
            if listed.complete {
                break;
            }
        }
        Ok(Some(listed))
    }

    async fn list<T>(
        &self,
        path: &str,
        route: &'static str,
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Listed<T>, Problem> {
        self.list_of(path, route, PAGE_SIZE, &[], read).await
    }

    /// A list of the first version, which has no cursor: the next page is what is not newer than the oldest
    /// item so far. Several items may share that time, so they come again and are told apart by their ids.
    async fn list_of<T>(
        &self,
        path: &str,
        route: &'static str,
        page_size: usize,
        filter: &[(&'static str, String)],
        read: impl Fn(Value) -> Option<T>,
    ) -> Result<Listed<T>, Problem> {
        let mut listed = Listed::new();
        let mut seen = HashSet::new();
        let mut oldest: Option<Timestamp> = None;
        for _ in 0..self.channel.limits.pages {
            let mut query = vec![("limit", page_size.to_string())];
            query.extend_from_slice(filter);
            query.extend(oldest.map(|time| ("createdAtLe", time.to_string())));
            let request = Request::get(self.url(&[path], &query), route);
            let items = self.channel.fetch(&request, array).await?;
            let last = items.len() < page_size;
            let before = seen.len();
            for item in items {
                let time = item["createdAt"].as_str().and_then(|time| time.parse().ok());
                oldest = oldest.into_iter().chain(time).min();
                if seen.insert(item["id"].to_string()) {
                    listed.add(read(item));
                }
            }
            listed.complete = last;
            if last || seen.len() == before {
                break;
            }
        }
        Ok(listed)
    }

    fn number_url(&self, id: VapiNumberId) -> Url {
        self.url(&["phone-number", &id.to_string()], &[])
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http address has a path").pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

fn array(body: Value) -> Option<Vec<Value>> {
    match body {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

/// The id in ``Existing Phone Number <uuid> Has Identical …``, which stands nowhere else (facts/vapi.md 3.3).
fn already_there(problem: &Problem) -> Option<VapiNumberId> {
    status(problem).filter(|status| (400..500).contains(status))?;
    let message = problem.provider.as_ref()?.message.to_lowercase();
    let (_, rest) = message.split_once("existing phone number ")?;
    rest.split_whitespace().next()?.trim_matches('`').parse().ok()
}

//! What providers tell us (design section 5): verify, store, answer, in that order, and nothing else before the
//! answer. `twilio` and `vapi` verify, `keep` stores, `tape` shows and replays what was stored.

mod decoy;
mod keep;
mod tape;
mod twilio;
mod vapi;

pub use dialtone_store::tape::{Filter as TapeFilter, Outcome as TapeOutcome, Stranger};
pub(crate) use keep::Inbound;
pub use tape::{Opened, Replay, Taped};

use crate::start::App;
use dialtone_domain::inbound::{About, Hook, Refusal};
use dialtone_domain::{Code, LineId, Problem, Provider};
use dialtone_store::Tenant;
use jiff::Timestamp;

/// A request of a provider, as it came.
pub struct Incoming {
    /// The address that it came to.
    pub hook: Hook,
    /// What the path names, for [`Hook::Vapi`]: a line's id.
    pub named: String,
    /// Path and query, byte for byte.
    pub target: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

impl Incoming {
    /// The values of a header.
    fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }

    fn is_json(&self) -> bool {
        let kind = self.header("content-type").first().copied().unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    }
}

/// What a provider is answered: a document of Twilio's, or an empty object for Vapi.
pub type Reply = String;

/// Whose request it is, and whether it is believed.
struct Judged {
    /// Whose; nobody's where it names nobody who is here.
    whose: Option<Owner>,
    verdict: Result<Fact, Refusal>,
    about: About,
}

/// The organisation that a request is shown to.
struct Owner {
    tenant: Tenant,
    line: Option<LineId>,
    /// Whether its text may be kept: not where anybody may have sent it and nothing could ever prove who.
    may_keep: bool,
}

/// What a request that is believed tells.
struct Fact {
    /// By which it is known again; none where nothing comes of it.
    key: Option<String>,
    /// The message or call.
    subject: String,
    is_trouble: bool,
}

impl App {
    /// Takes a request of a provider: verifies it, keeps it, and gives the answer.
    ///
    /// # Errors
    /// [`Code::WebhookRefused`] or [`Code::WebhookUnproved`] where it is not believed, whatever the reason, which is on the
    /// tape; [`Code::Sealed`], [`Code::Busy`] or [`Code::StorageUnavailable`] where it could not be kept, so that the provider
    /// comes again.
    pub async fn receive(&self, incoming: Incoming) -> Result<Reply, Problem> {
        let judged = self.judge(&incoming).await?;
        match self.keep(&incoming, judged).await? {
            Ok(owner) => self.reply(incoming.hook, &owner).await,
            Err(refusal) => Err(answer_to(incoming.hook, refusal).into()),
        }
    }

    async fn judge(&self, incoming: &Incoming) -> Result<Judged, Problem> {
        match incoming.hook.provider() {
            Provider::Twilio => self.judge_twilio(incoming).await,
            Provider::Vapi => self.judge_vapi(incoming).await,
        }
    }
}

/// The code that a refused request is answered with: one for all that proved nothing.
fn answer_to(hook: Hook, refusal: Refusal) -> Code {
    match (hook.provider(), refusal) {
        (Provider::Vapi, Refusal::Malformed | Refusal::IdUnknown) | (Provider::Twilio, _) => {
            Code::WebhookRefused
        }
        (Provider::Vapi, _) => Code::WebhookUnproved,
    }
}

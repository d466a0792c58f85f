//! Twilio and Vapi over HTTP: typed clients, their errors, retry and rate policy.
//!
//! [`Providers`] is made once per process and gives a [`Twilio`] or a [`Vapi`] for a pair of credentials.
//! What a call returns is a plain value or a [`dialtone_domain::Problem`]; nothing here touches the store.
//!
//! Four promises hold for every call:
//!
//! - **Secrets stop here.** Whatever an answer carries under a secret's name is dropped before anything reads
//!   it, and what a provider says is masked before it becomes a problem's text (`scrub`).
//! - **A change is sent once.** Only reads are repeated, save after a 429, which both providers promise not to
//!   have processed. A change without a readable answer is [`Code::ProviderUnclear`]: look, do not repeat.
//! - **Everything has a limit**: time, size of answers, pages, waiting for a turn ([`Limits`]).
//! - **Null, empty and absent are the same**, unknown fields survive in `extra`, unknown values in `Other`.
//!
//! Retries are ten lines of our own (`channel`): the rule depends on effect, status and `Retry-After`
//! together, which a retry crate would only wrap.
//!
//! [`Code::ProviderUnclear`]: dialtone_domain::Code::ProviderUnclear

mod calls;
mod channel;
mod failure;
mod fields;
mod gate;
mod guard;
mod lane;
mod limits;
mod listed;
mod mail;
mod oidc;
mod providers;
mod scrub;
pub mod twilio;
pub mod vapi;
mod webhook;
mod words;

pub use calls::Calls;
pub use gate::Gate;
pub use guard::{Destination, Guard, Refusal, Reply, are_networks};
pub use limits::{Lane as LaneLimits, Limits};
pub use listed::Listed;
pub use mail::{Mail, MailConfig, Mailer};
pub use oidc::{Identity, Oidc, OidcConfig, OidcStart};
pub use providers::{Addresses, Providers, ProvidersError};
pub use scrub::{fingerprint, without_secrets};
pub use twilio::Twilio;
pub use vapi::Vapi;
pub use webhook::{new_webhook_secret, signed_headers};

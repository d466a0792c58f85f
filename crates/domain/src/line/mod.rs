//! The line engine's pure half (design section 1): what should be ([`Desired`]), what is ([`Observed`]), the
//! ordered checks that tell where they part ([`diagnose`]) and the exact changes that join them ([`plan`]).

mod change;
mod check;
mod desired;
mod diagnose;
mod observed;
mod plan;
mod routing;
mod snapshot;

pub use change::{Change, FieldChange};
pub use check::{Cause, Check, CheckId, Fix, Status};
pub use desired::{Assistants, ChosenAssistant, Desired, ServerWish, VapiWish, Wish, choose_assistant};
pub use diagnose::{blocker, diagnose, first_failing, is_healthy, never_answered, our_number, trouble};
pub use observed::{
    Account, AccountKind, AccountStatus, Assistant, Elsewhere, LastCall, NumberStatus, Observed, Reading,
    ServerView, TwilioNumber, TwilioView, VapiNumber, VapiView,
};
pub use plan::{plan, previous};
pub use routing::{
    Method, Region, Service, SmsOwner, SmsRoute, SmsRouting, VapiUrl, VoiceRoute, VoiceRouting, sms_route,
    vapi_url, voice_route,
};
pub use snapshot::{Drift, Half, Snapshot};

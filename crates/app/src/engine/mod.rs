//! The line engine's other half: reading both providers, and doing one change at a time. What to do is
//! decided in `domain::line`, which knows nothing of networks.

mod apply;
mod claim;
mod finish;
mod observe;
mod run;

pub(crate) use apply::Hands;
pub(crate) use claim::LEASE;
pub(crate) use finish::remove_row;
pub(crate) use observe::{Depth, Question, Shared, account_of, observe, twilio_view};

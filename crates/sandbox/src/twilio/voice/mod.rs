//! What is said and done in a call: TwiML that is fetched and run, and everything that follows from it (T16).

pub(crate) mod callbacks;
pub(crate) mod course;
mod dial;
pub(crate) mod fields;
mod gather;
pub(crate) mod inbound;
mod line;
pub(crate) mod party;
mod schema;
pub(crate) mod script;

pub(crate) use course::Later;
pub(crate) use line::CALL_MAX_S;

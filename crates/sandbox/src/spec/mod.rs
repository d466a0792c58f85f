//! What the official descriptions say about requests and answers, and strict mode, which looks.

pub(crate) mod book;
pub(crate) mod control;
pub(crate) mod document;
mod exchange;
mod finding;
mod strict;
pub(crate) mod watch;

//! What the official descriptions say about requests and answers.

pub(crate) mod document;

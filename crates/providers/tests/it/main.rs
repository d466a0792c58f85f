//! The clients over real HTTP: against a server that answers whatever a test says, and against the sandbox.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod broken;
mod guard;
mod hostile;
mod mail;
mod sandbox;
mod secrets;
mod stub;
mod twilio;
mod vapi;

//! The clients over real HTTP: against a server that answers whatever a test says, and against the sandbox.

mod broken;
mod sandbox;
mod secrets;
mod stub;
mod twilio;
mod vapi;

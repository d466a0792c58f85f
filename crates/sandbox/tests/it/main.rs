//! The sandbox from outside, over real HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod callbacks;
mod calls;
mod calls_rest;
mod compliance;
mod conformance;
mod control;
mod faults;
mod faults_webhooks;
mod hook;
mod inbound;
mod lab;
mod limits;
mod messages;
mod page;
mod porting;
mod products;
mod purchase;
mod save;
mod scenario;
mod search;
mod services;
mod texting;
mod trunks;
mod twilio;
mod twilio_numbers;
mod twiml;
mod usage;
mod vapi;
mod vapi_not_found;
mod vapi_numbers;
mod vapi_stored;
mod webhooks;

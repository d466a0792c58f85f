//! Twilio and Vapi over HTTP: typed clients, their errors, retry and rate policy.

//! `dialtone settings`: what it takes.

use super::Remote;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Settings {
    /// Show what is saved and what is missing, without the secrets.
    Show(Remote),
    /// The Twilio account.
    #[command(subcommand)]
    Twilio(TwilioSettings),
    /// The Vapi key.
    #[command(subcommand)]
    Vapi(VapiSettings),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TwilioSettings {
    /// Save them. The auth token is read from TWILIO_AUTH_TOKEN or standard input.
    Set {
        /// The account's SID, AC….
        #[arg(long, value_name = "SID", env = "TWILIO_ACCOUNT_SID", hide_env_values = true)]
        account_sid: String,
        /// The number to connect.
        #[arg(long, value_name = "NUMBER")]
        phone_number: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Forget them. Nothing is changed at Twilio.
    Delete(Forget),
}

/// What forgetting a credential takes.
#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VapiSettings {
    /// Save the private key, read from VAPI_API_KEY or standard input.
    Set(Remote),
    /// Forget it. Nothing is changed at Vapi.
    Delete(Forget),
}

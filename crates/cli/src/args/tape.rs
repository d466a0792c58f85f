//! `dialtone tape`: what it takes.

use super::{Remote, ServerFlags, at_least_one};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use dialtone_domain::inbound::Hook;

/// Which requests of providers.
#[derive(Debug, Args)]
pub(crate) struct TapeFilter {
    /// Not before this time, as 2026-11-20T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Only for this line: its number or id.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) line: Option<String>,
    /// Only from twilio or vapi.
    #[arg(long, value_parser = ["twilio", "vapi"], hide_possible_values = true)]
    pub(crate) provider: Option<String>,
    /// Only to this address: sms, sms_fallback, status, voice, alerts or vapi.
    #[arg(long, value_parser = routes(), hide_possible_values = true)]
    pub(crate) route: Option<String>,
    /// Only accepted or refused ones.
    #[arg(long, value_parser = ["accepted", "refused"], hide_possible_values = true)]
    pub(crate) outcome: Option<String>,
    /// Only with this text in what they name: a SID, a status, the end of a number.
    #[arg(long)]
    pub(crate) text: Option<String>,
}

fn routes() -> PossibleValuesParser {
    PossibleValuesParser::new(Hook::ALL.iter().map(|hook| hook.name()))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tape {
    /// List them, the newest first; refused ones with the reason.
    List {
        #[command(flatten)]
        filter: TapeFilter,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = at_least_one())]
        limit: usize,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one in outline, and what to do where it was refused.
    Show {
        /// The request's id.
        id: String,
        /// With its text, which may hold what people wrote: it is recorded who looked.
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Verify one again, and let it have its effect if it is believed now. Exit code 3 where it is still refused.
    Replay {
        /// The request's id.
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// List the last requests that name nobody who is here. Works on the data directory, also beside a running server.
    Strangers {
        #[command(flatten)]
        server: ServerFlags,
    },
}

//! `dialtone watch` and `dialtone alerts`: what they take.

use super::Remote;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use dialtone_domain::line::{Cause, Fix};

#[derive(Debug, Subcommand)]
pub(crate) enum Watch {
    /// Show how the lines are watched and how far the watch is.
    Status(Remote),
    /// Change how the lines are watched.
    Settings {
        /// How often each line is looked at, in minutes.
        #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=1440))]
        interval_minutes: Option<u32>,
        /// A cause that is repaired without asking, such as webhook_elsewhere; may be given several times, and those
        /// not given are no longer.
        #[arg(long, value_name = "CAUSE", conflicts_with = "repair_nothing", value_parser = causes(), hide_possible_values = true)]
        repair: Vec<String>,
        /// Repair nothing without asking.
        #[arg(long)]
        repair_nothing: bool,
        #[command(flatten)]
        remote: Remote,
    },
}

/// What a plan mends.
fn causes() -> PossibleValuesParser {
    let mended = Cause::ALL.iter().filter(|cause| cause.fix() == Fix::Repair);
    PossibleValuesParser::new(mended.map(|cause| cause.name()))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Alerts {
    /// List those that are open, the newest first.
    List {
        /// Those that are over, too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Say that you know of one.
    Ack {
        /// The alert's id.
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

//! What the commands on the data directory take that make people and tokens.

use super::{ServerFlags, email, name, role};
use clap::Subcommand;
use dialtone_domain::Role;

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Create one. The password is read from standard input, or made up; one that was made up is all that is printed.
    Create {
        /// Their e-mail address.
        #[arg(long, value_parser = email)]
        email: String,
        /// Their name.
        #[arg(long, value_parser = name)]
        name: String,
        /// Their organisation, made (and said so) if there is none of that name.
        #[arg(long, value_parser = name)]
        org: String,
        /// What they may do.
        #[arg(long, value_parser = role, value_name = "owner|admin|agent|viewer")]
        role: Role,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Print a link at which somebody can choose a new password once, within 30 minutes.
    ResetPassword {
        /// Their e-mail address.
        #[arg(long, value_parser = email)]
        email: String,
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Remove every second factor of a person who lost theirs; their password stays.
    ResetFactors {
        /// Their e-mail address.
        #[arg(long, value_parser = email)]
        email: String,
        #[command(flatten)]
        server: ServerFlags,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create one for a member; it is all that is printed.
    Create {
        /// The member's e-mail address.
        #[arg(long)]
        email: String,
        /// Their organisation [default: the one that they used last].
        #[arg(long)]
        org: Option<String>,
        /// What it may do: at most what the member may.
        #[arg(long, value_parser = role, value_name = "owner|admin|agent|viewer")]
        role: Role,
        #[command(flatten)]
        server: ServerFlags,
    },
}

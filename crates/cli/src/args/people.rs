//! What the commands about people and tokens take.

use super::{Remote, email, name, role};
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use dialtone_domain::{Permission, Role};

#[derive(Debug, Subcommand)]
pub(crate) enum Members {
    /// List them, and the invitations that nobody has accepted yet.
    List(Remote),
    /// Invite somebody. The link is all that is printed; it is mailed as well where the server has a mail server.
    Invite {
        /// Their e-mail address.
        #[arg(value_parser = email)]
        email: String,
        /// What they will be allowed to do: at most what you may.
        #[arg(long, value_parser = role, value_name = "owner|admin|agent|viewer")]
        role: Role,
        #[command(flatten)]
        remote: Remote,
    },
    /// Change what a member may do. Their sessions in the organisation end.
    Role {
        /// Their e-mail address.
        email: String,
        /// At most what you may.
        #[arg(value_parser = role, value_name = "owner|admin|agent|viewer")]
        role: Role,
        #[command(flatten)]
        remote: Remote,
    },
    /// Suspend a member: they may do nothing until that is taken back.
    Suspend(Person),
    /// Take a suspension back.
    Resume(Person),
    /// Remove a member with their sessions and tokens, or take an invitation back.
    Remove {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        person: Person,
    },
}

fn permissions() -> PossibleValuesParser {
    PossibleValuesParser::new(Permission::all().map(Permission::name))
}

/// Which member.
#[derive(Debug, clap::Args)]
pub(crate) struct Person {
    /// Their e-mail address.
    pub(crate) email: String,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// List them.
    List(Remote),
    /// Create one of your own; it is all that is printed.
    Create {
        /// What it is for.
        #[arg(long, value_parser = name)]
        name: String,
        /// What it may do: at most what you may.
        #[arg(long, value_parser = role, value_name = "owner|admin|agent|viewer")]
        role: Role,
        /// Narrow it to some permissions, separated by commas: lines.read,events.read [default: all of its role].
        #[arg(long, value_name = "PERMISSIONS", value_delimiter = ',', value_parser = permissions(), hide_possible_values = true)]
        scopes: Vec<String>,
        /// When it ends, as 2030-01-31T00:00:00Z [default: never].
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Revoke one.
    Revoke {
        /// Its id.
        id: String,
        #[command(flatten)]
        remote: Remote,
    },
}

//! The one table of what happened: audit trail, live updates and history are readers of it.

use crate::accounts::{Caller, Credential};
use crate::clock::now;
use crate::start::App;
use dialtone_domain::{Code, Permission, Problem};
use dialtone_store::accounts::User;
use dialtone_store::{Tenant, Topic, Tx, events as rows};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

pub use rows::{Event, Filter};

/// Who did something.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Actor {
    /// A member in the browser.
    Member { id: String, name: String },
    /// A program with a member's token.
    Token { id: String, name: String, user_id: String },
    /// Dialtone itself.
    System { name: String },
}

impl Actor {
    pub(crate) fn of(caller: &Caller) -> Self {
        let (name, user_id) = (caller.user_name.clone(), caller.user_id.to_string());
        match caller.credential {
            Credential::Session(_) => Actor::Member { id: user_id, name },
            Credential::Token(id) => Actor::Token { id: id.to_string(), name, user_id },
        }
    }

    /// What the trail is searched by: the person, also where a token of theirs acts, or the part of Dialtone.
    fn id(&self) -> &str {
        match self {
            Actor::Member { id, .. } => id,
            Actor::Token { user_id, .. } => user_id,
            Actor::System { name } => name,
        }
    }

    /// Somebody who proved themselves otherwise than by signing in.
    pub(crate) fn person(user: &User) -> Self {
        Actor::Member { id: user.id.to_string(), name: user.name.clone() }
    }

    pub(crate) fn system(name: &str) -> Self {
        Actor::System { name: name.to_owned() }
    }
}

/// Writes what happened into the transaction in which it happens, with the request that it happens in. No secret
/// and no full phone number may be in `before` or `after`. Each kind has a sentence, the text `event.<kind>`.
pub(crate) fn record(
    tx: &mut Tx,
    tenant: &Tenant,
    actor: &Actor,
    kind: &'static str,
    subject: impl std::fmt::Display,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), Problem> {
    let event = rows::NewEvent {
        at: now(),
        actor: serde_json::to_value(actor).unwrap_or_default(),
        actor_id: actor.id().to_owned(),
        kind: kind.to_owned(),
        subject_id: subject.to_string(),
        before,
        after,
    };
    rows::append(tx, tenant, &event)?;
    Ok(())
}

/// The same for what belongs to no organisation: it goes to the installation's own chain.
pub(crate) fn record_installation(
    tx: &mut Tx,
    actor: &Actor,
    kind: &'static str,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), Problem> {
    let installation = rows::installation(tx)?.ok_or(Code::Internal)?;
    record(tx, &installation, actor, kind, installation.org(), before, after)
}

/// What it takes to hear of others' changes to it, as on the page that shows it; of what is not here, the audit trail.
const HEARD: &[(&str, Permission)] = &[
    ("alert", Permission::LinesRead),
    ("assistant", Permission::AssistantsRead),
    ("backup", Permission::Member),
    ("fence", Permission::Member),
    ("invitation", Permission::MembersChange),
    ("line", Permission::LinesRead),
    ("member", Permission::MembersRead),
    ("operation", Permission::LinesRead),
    ("organisation", Permission::Member),
    ("settings", Permission::SettingsRead),
    ("tape", Permission::TapeRead),
    ("token", Permission::MembersChange),
    ("watch", Permission::LinesRead),
    ("webhook", Permission::SettingsRead),
];

/// Whether the caller may hear of it: of their own doings, of what was done to them, and of what they could look up.
pub fn hears(caller: &Caller, event: &Event) -> bool {
    let own = caller.user_id.to_string();
    let subject = event.kind.split('.').next().unwrap_or_default();
    let needed =
        HEARD.iter().find(|(of, _)| *of == subject).map_or(Permission::AuditRead, |(_, needed)| *needed);
    event.actor_id == own || event.subject_id == own || caller.may(needed)
}

impl App {
    /// Up to `limit` events behind `seq`, in order.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn events_after(&self, caller: &Caller, seq: i64, limit: u32) -> Result<Vec<Event>, Problem> {
        let tenant = caller.tenant.clone();
        Ok(self.store().read(move |tx| rows::after(tx, &tenant, seq, i64::from(limit))).await?)
    }

    /// The number of the organisation's last event; 0 where there is none.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn last_event(&self, caller: &Caller) -> Result<i64, Problem> {
        let tenant = caller.tenant.clone();
        Ok(self.store().read(move |tx| rows::last_seq(tx, &tenant)).await?)
    }

    /// Changes whenever new events may exist, of any organisation. Only a hint: look without it, too.
    pub fn event_wakeups(&self) -> watch::Receiver<()> {
        self.store().wakeups(Topic::Events)
    }
}

//! Identifiers of our own rows: one type per kind around a UUID (version 7, made by the application).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// An organisation: the owner of every row.
    OrgId,
    /// A person; a member of one organisation or more.
    UserId,
    /// A signed-in browser.
    SessionId,
    /// An API token.
    TokenId,
    /// An invitation into an organisation.
    InvitationId,
    /// A passkey.
    PasskeyId,
    /// A line: a phone number with what it is bound to.
    LineId,
    /// A durable operation on a line.
    OperationId,
    /// An entry of a line's diary.
    EntryId,
    /// An alert.
    AlertId,
    /// A web address that is told of alerts.
    WebhookId,
    /// A message to one recipient.
    DeliveryId,
    /// A request of a provider, as it came.
    TapeId,
    /// An assistant at Vapi (Vapi's own id).
    AssistantId,
    /// A phone number's record at Vapi (Vapi's own id).
    VapiNumberId,
    /// An organisation at Vapi (Vapi's own id).
    VapiOrgId,
}

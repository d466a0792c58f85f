//! The use cases of Dialtone: one function each, on [`App`]. Joins the pure rules (`domain`), the database
//! (`store`) and the two providers (`providers`); knows nothing of HTTP servers.

mod accounts;
mod assistants;
mod audit;
pub mod backup;
pub mod clock;
mod credentials;
mod engine;
mod events;
pub mod fence;
mod housekeeping;
mod idempotency;
mod inbound;
mod keys;
mod lines;
mod mail;
mod metrics;
mod operations;
mod settings;
mod setup;
mod start;
mod throttle;
mod vault;
mod watch;

pub use accounts::{
    AccountChange, Begun, Caller, Credential, DEVICE_COOKIE, Device, Factors, Invitation, Invited,
    KnownCookie, LocalUser, LocalUserMade, Member, MemberChange, Membership, NewMember, NewToken, NewTotp,
    OidcSignUp, OpenInvitation, Organisation, OrganisationChange, Passkey, PasskeyStart, PasswordChange,
    Proof, Session, SetUp, SignIn, SignedIn, Token,
};
pub use assistants::{AssistantView, NewAssistant};
pub use audit::{
    Break, Export, FILTERED_LINE, Flaw, Hash, Head, Verdict, audit_line, hash_of_hex, verify_audit_file,
};
pub use dialtone_providers::{Limits, MailConfig, OidcConfig, are_networks};
pub use dialtone_store::Origin;
pub use events::{Event, Filter, hears};
pub use idempotency::Begin;
pub use inbound::{Incoming, Opened, Replay, Reply, Stranger, TapeFilter, TapeOutcome, Taped};
pub use keys::{ChangedMaster, KeyStatus, Rotated, Unreadable, VersionStatus};
pub use lines::{
    Doctor, Health, Import, Imported, LineChange, LineDetail, LineRef, LineView, Page, PageRequest,
    VapiNumberView,
};
pub use metrics::About;
pub use operations::{OperationView, Started, StepView, Workers};
pub use settings::{SaveTwilio, SavedTwilio, TwilioSettingsView, VapiSettingsView};
pub use setup::{Missing, SetupStatus};
pub use start::{App, Config, StartError};
pub use throttle::{Quota, Rate, source};
pub use vault::{MasterError, SealedReason};
pub use watch::{
    AlertMail, AlertView, DiaryEntry, NewAlert, NewWebhook, Told, WatchChange, WatchView, WebhookView,
};

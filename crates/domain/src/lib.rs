//! Pure rules of Dialtone: phone numbers, identifiers, roles, problems, and the line engine's two pure
//! functions, [`line::diagnose`] and [`line::plan`]. No I/O, no async, no clock, no randomness.

pub mod alert;
pub mod ids;
pub mod inbound;
pub mod line;
pub mod phone;
pub mod problem;
pub mod role;
pub mod sid;
pub mod text;

pub use alert::{AlertKind, Severity};
pub use ids::*;
pub use phone::{Country, Phone, PhoneError};
pub use problem::{Code, FieldError, Problem, Provider, ProviderDetail};
pub use role::{Permission, Rights, Role, Scopes};
pub use secrecy::{ExposeSecret, SecretString};
pub use sid::{AccountSid, ApplicationSid, NumberSid, SidError, TrunkSid};
pub use text::{Language, Params};

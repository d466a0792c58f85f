//! The line engine's other half: reading both providers, and doing one change at a time. What to do is
//! decided in `domain::line`, which knows nothing of networks.

mod apply;
mod finish;
mod observe;
mod run;

pub(crate) use run::LEASE;

pub(crate) use apply::Hands;
pub(crate) use finish::remove_row;
pub(crate) use observe::{Depth, Question, account_of, observe, twilio_view};

use crate::vault::DataKey;
use dialtone_domain::{AccountSid, ExposeSecret, Phone, SecretString};

/// The organisation's credentials, opened.
pub(crate) struct Keys {
    pub(crate) twilio: Option<TwilioKey>,
    pub(crate) vapi: Option<SecretString>,
    pub(crate) data_key: DataKey,
}

/// Twilio credentials, and the number that goes with the settings they are from.
#[derive(Clone)]
pub(crate) struct TwilioKey {
    pub(crate) account_sid: AccountSid,
    pub(crate) auth_token: SecretString,
    pub(crate) phone: Option<Phone>,
}

impl Keys {
    /// The saved token, if it is that account's.
    pub(crate) fn twilio_token_of(&self, account: &AccountSid) -> Option<SecretString> {
        let twilio = self.twilio.as_ref().filter(|twilio| twilio.account_sid == *account)?;
        Some(twilio.auth_token.expose_secret().to_owned().into())
    }
}

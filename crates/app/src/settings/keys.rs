//! What is saved for an organisation, and where it is sealed. Each secret is opened only where it is needed: one
//! that was damaged does not take the others with it.

use crate::start::App;
use crate::vault::{DataKey, Place};
use dialtone_domain::{AccountSid, Phone, Problem, SecretString};
use dialtone_store::{KeyOwner, Tenant, Tx, settings as rows};

/// The organisation's saved credentials.
pub(crate) struct Keys {
    pub(crate) data_key: DataKey,
    org: String,
    twilio: Option<rows::TwilioSettings>,
    vapi: Option<rows::VapiSettings>,
}

/// Twilio credentials, opened.
#[derive(Clone)]
pub(crate) struct TwilioKey {
    pub(crate) account_sid: AccountSid,
    pub(crate) auth_token: SecretString,
}

impl App {
    /// What is saved for the tenant.
    ///
    /// # Errors
    /// [`dialtone_domain::Code::Sealed`] without the master key; trouble with the database.
    pub(crate) async fn keys(&self, tenant: &Tenant) -> Result<Keys, Problem> {
        let (app, tenant) = (self.clone(), tenant.clone());
        self.store().read(move |tx| app.keys_in(tx, &tenant)).await
    }

    /// The same in a transaction that has more to read or to write.
    ///
    /// # Errors
    /// As [`App::keys`].
    pub(crate) fn keys_in(&self, tx: &mut Tx, tenant: &Tenant) -> Result<Keys, Problem> {
        Ok(Keys {
            data_key: self.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?,
            org: tenant.org().to_string(),
            twilio: rows::twilio(tx, tenant)?,
            vapi: rows::vapi(tx, tenant)?,
        })
    }
}

impl Keys {
    /// The Twilio credentials.
    ///
    /// # Errors
    /// [`dialtone_domain::Code::Sealed`] where they were damaged, as all of this.
    pub(crate) fn twilio(&self) -> Result<Option<TwilioKey>, Problem> {
        let open = |row: &rows::TwilioSettings| {
            let auth_token = self.data_key.open(twilio_place(&self.org), &row.auth_token)?;
            Ok(TwilioKey { account_sid: row.account_sid.clone(), auth_token })
        };
        self.twilio.as_ref().map(open).transpose()
    }

    /// The saved account's SID.
    pub(crate) fn account_sid(&self) -> Option<&AccountSid> {
        self.twilio.as_ref().map(|row| &row.account_sid)
    }

    /// The saved number.
    pub(crate) fn phone(&self) -> Option<&Phone> {
        self.twilio.as_ref()?.phone.as_ref()
    }

    /// The saved token, if it is that account's.
    pub(crate) fn twilio_token_of(&self, account: &AccountSid) -> Result<Option<SecretString>, Problem> {
        if self.account_sid() != Some(account) {
            return Ok(None);
        }
        Ok(self.twilio()?.map(|twilio| twilio.auth_token))
    }

    /// Vapi's key.
    pub(crate) fn vapi(&self) -> Result<Option<SecretString>, Problem> {
        let open = |row: &rows::VapiSettings| self.data_key.open(vapi_place(&self.org), &row.api_key);
        self.vapi.as_ref().map(open).transpose()
    }

    /// Whether one is saved.
    pub(crate) fn has_vapi(&self) -> bool {
        self.vapi.is_some()
    }
}

/// Where an organisation's token is sealed.
pub(crate) fn twilio_place(org: &str) -> Place<'_> {
    Place { table: "twilio_settings", row: org, field: "auth_token" }
}

/// Where its key of Vapi is sealed.
pub(super) fn vapi_place(org: &str) -> Place<'_> {
    Place { table: "vapi_settings", row: org, field: "api_key" }
}

/// Where a line's own token is sealed.
pub(crate) fn line_token_place(line: &str) -> Place<'_> {
    Place { table: "lines", row: line, field: "twilio_auth_token" }
}

/// Where the secret of a line's server is sealed.
pub(crate) fn line_server_place(line: &str) -> Place<'_> {
    Place { table: "lines", row: line, field: "server_secret" }
}

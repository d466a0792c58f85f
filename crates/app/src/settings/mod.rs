//! The organisation's credentials at the two providers: checked live before they are saved, sealed, never
//! shown again.

mod keys;
mod tokens;

pub(crate) use keys::{Keys, TwilioKey, line_server_place, line_token_place, twilio_place};
pub(crate) use tokens::is_stale;

use crate::accounts::Caller;
use crate::clock::now;
use crate::credentials::last4;
use crate::engine::twilio_view;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::line::{Account, AccountKind, AccountStatus, Elsewhere, TwilioView};
use dialtone_domain::{AccountSid, Code, ExposeSecret, Phone, Problem, SecretString, SidError, VapiOrgId};
use dialtone_store::{KeyOwner, Sealed, Tenant, Tx, lines, settings as rows};
use keys::vapi_place;
use serde_json::json;

/// Twilio's auth tokens have 32 characters in practice; the alphabet is not promised (facts/twilio.md section 3).
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 32..=128;

/// What is shown of the saved Twilio settings.
#[derive(Debug, Clone)]
pub struct TwilioSettingsView {
    /// The account.
    pub account_sid: AccountSid,
    /// The end of the token.
    pub token_last4: String,
    /// The number to import.
    pub phone: Option<Phone>,
    /// The account's name at Twilio.
    pub account_name: Option<String>,
    /// `full` or `trial`.
    pub account_kind: Option<String>,
    /// `active` or `inactive`.
    pub account_status: Option<String>,
}

/// Twilio settings to save.
pub struct SaveTwilio {
    /// The account SID as the user typed it.
    pub account_sid: String,
    /// The auth token; the saved one stays where it is left out and the account is the same.
    pub auth_token: Option<SecretString>,
    /// The number to import, as the user typed it; the saved one stays where it is left out.
    pub phone_number: Option<String>,
}

/// What came of saving.
pub struct SavedTwilio {
    /// As saved.
    pub settings: TwilioSettingsView,
    /// Text keys of what the user should know.
    pub warnings: Vec<&'static str>,
}

/// What is shown of the saved Vapi settings.
#[derive(Debug, Clone)]
pub struct VapiSettingsView {
    /// The end of the key.
    pub key_last4: String,
    /// The organisation of the key, where Vapi told.
    pub org_id: Option<VapiOrgId>,
}

impl App {
    /// The saved Twilio settings.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn twilio_settings(&self, caller: &Caller) -> Result<Option<TwilioSettingsView>, Problem> {
        let tenant = caller.tenant.clone();
        let row = self.store().read(move |tx| rows::twilio(tx, &tenant)).await?;
        Ok(row.map(twilio_settings_view))
    }

    /// Checks Twilio credentials against Twilio and saves them. A token that is new also replaces that of
    /// the account's lines.
    ///
    /// # Errors
    /// One code for each mix-up: an API key's SID, another account's token, a number of a subaccount, and so
    /// on. Nothing is saved then.
    pub async fn save_twilio_settings(
        &self,
        caller: &Caller,
        new: SaveTwilio,
    ) -> Result<SavedTwilio, Problem> {
        let account_sid = parse_account_sid(&new.account_sid)?;
        let keys = self.keys(&caller.tenant).await?;
        let auth_token = match new.auth_token {
            Some(token) => parse_auth_token(&token)?,
            None => keys.twilio_token_of(&account_sid)?.ok_or(Code::TwilioTokenMalformed)?,
        };
        let country = self.organisation(caller).await?.country;
        let phone = match &new.phone_number {
            Some(text) => Some(Phone::parse(text, country).map_err(|_| Code::PhoneInvalid)?),
            None => keys.phone().cloned(),
        };
        let client = self.inner.providers.twilio(&account_sid, &auth_token);
        let account = match &phone {
            Some(phone) => owning_account(twilio_view(&client, phone).await?, phone)?,
            None => crate::engine::account_of(&client.account().await?),
        };
        if account.status == AccountStatus::Inactive {
            return Err(Problem::new(Code::TwilioAccountInactive).with("account", account.name));
        }
        let settings = self.store_twilio_settings(caller, &account, auth_token, phone).await?;
        let warnings =
            if account.kind == AccountKind::Trial { vec!["warning.twilio_trial"] } else { Vec::new() };
        Ok(SavedTwilio { settings, warnings })
    }

    async fn store_twilio_settings(
        &self,
        caller: &Caller,
        account: &Account,
        auth_token: SecretString,
        phone: Option<Phone>,
    ) -> Result<TwilioSettingsView, Problem> {
        let (app, tenant, actor, at) = (self.clone(), caller.tenant.clone(), Actor::of(caller), now());
        let row = rows::TwilioSettings {
            account_sid: account.sid.clone(),
            auth_token: Sealed::default(),
            token_last4: last4(&auth_token),
            phone,
            account_name: Some(account.name.clone()),
            account_type: Some(if account.kind == AccountKind::Trial { "trial" } else { "full" }.to_owned()),
            account_status: Some("active".to_owned()),
            created_at: at,
            updated_at: at,
        };
        let view = twilio_settings_view(row.clone());
        self.store()
            .write(move |tx| {
                let data_key = app.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
                let sealed = data_key.seal(twilio_place(&tenant.org().to_string()), &auth_token);
                let row = rows::TwilioSettings { auth_token: sealed, ..row.clone() };
                let before = rows::twilio(tx, &tenant)?;
                app.adopt_token(tx, &tenant, &actor, &row.account_sid, &auth_token)?;
                rows::put_twilio(tx, &tenant, &row)?;
                // What Vapi refused before may go through with other credentials.
                lines::forget_refusals(tx, &tenant)?;
                let told = |row: &rows::TwilioSettings| {
                    json!({ "account_sid": row.account_sid, "token_last4": row.token_last4,
                            "phone": row.phone.as_ref().map(ToString::to_string) })
                };
                record(
                    tx,
                    &tenant,
                    &actor,
                    "settings.changed",
                    "twilio",
                    before.as_ref().map(told),
                    Some(told(&row)),
                )
            })
            .await?;
        Ok(view)
    }

    /// Forgets the Twilio credentials; lines keep their own.
    ///
    /// # Errors
    /// [`Code::NotFound`] where none are saved.
    pub async fn delete_twilio_settings(&self, caller: &Caller) -> Result<(), Problem> {
        self.delete_settings(caller, "twilio", rows::delete_twilio).await
    }

    /// The saved Vapi settings.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn vapi_settings(&self, caller: &Caller) -> Result<Option<VapiSettingsView>, Problem> {
        let tenant = caller.tenant.clone();
        let row = self.store().read(move |tx| rows::vapi(tx, &tenant)).await?;
        Ok(row.map(|row| VapiSettingsView { key_last4: row.key_last4, org_id: row.vapi_org_id }))
    }

    /// Checks a Vapi key against Vapi and saves it.
    ///
    /// # Errors
    /// [`Code::VapiKeyMalformed`], or what Vapi says; nothing is saved then.
    pub async fn save_vapi_settings(
        &self,
        caller: &Caller,
        api_key: SecretString,
    ) -> Result<VapiSettingsView, Problem> {
        let api_key: SecretString = api_key.expose_secret().trim().to_owned().into();
        let assistants = self.inner.providers.vapi(&api_key)?.assistants().await?;
        let org_id = assistants.items.iter().find_map(|assistant| assistant.org_id);
        let (app, tenant, actor, at) = (self.clone(), caller.tenant.clone(), Actor::of(caller), now());
        let row = rows::VapiSettings {
            api_key: Sealed::default(),
            key_last4: last4(&api_key),
            vapi_org_id: org_id,
            created_at: at,
            updated_at: at,
        };
        let view = VapiSettingsView { key_last4: row.key_last4.clone(), org_id };
        self.store()
            .write(move |tx| {
                let data_key = app.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
                let sealed = data_key.seal(vapi_place(&tenant.org().to_string()), &api_key);
                let row = rows::VapiSettings { api_key: sealed, ..row.clone() };
                let before = rows::vapi(tx, &tenant)?;
                rows::put_vapi(tx, &tenant, &row)?;
                lines::forget_refusals(tx, &tenant)?;
                let told = |row: &rows::VapiSettings| json!({ "key_last4": row.key_last4, "org_id": row.vapi_org_id });
                record(tx, &tenant, &actor, "settings.changed", "vapi", before.as_ref().map(told), Some(told(&row)))
            })
            .await?;
        Ok(view)
    }

    /// Forgets the Vapi key.
    ///
    /// # Errors
    /// [`Code::NotFound`] where none is saved.
    pub async fn delete_vapi_settings(&self, caller: &Caller) -> Result<(), Problem> {
        self.delete_settings(caller, "vapi", rows::delete_vapi).await
    }

    async fn delete_settings(
        &self,
        caller: &Caller,
        name: &'static str,
        delete: fn(&mut Tx, &Tenant) -> dialtone_store::Result<bool>,
    ) -> Result<(), Problem> {
        let (tenant, actor) = (caller.tenant.clone(), Actor::of(caller));
        self.store()
            .write(move |tx| {
                if !delete(tx, &tenant)? {
                    return Err(Problem::from(Code::NotFound));
                }
                record(tx, &tenant, &actor, "settings.removed", name, None, None)
            })
            .await
    }
}

/// An account SID as typed; an API key's SID is named as that.
pub(crate) fn parse_account_sid(text: &str) -> Result<AccountSid, Problem> {
    let text = text.trim();
    text.parse().map_err(|error| match error {
        SidError::OtherKind if text.starts_with("SK") => Code::TwilioSidIsKey.into(),
        SidError::OtherKind | SidError::Malformed => Code::TwilioSidMalformed.into(),
    })
}

/// An auth token as typed.
pub(crate) fn parse_auth_token(token: &SecretString) -> Result<SecretString, Problem> {
    let text = token.expose_secret().trim();
    match TOKEN_LENGTH.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned().into()),
        false => Err(Code::TwilioTokenMalformed.into()),
    }
}

/// The account, where it owns the number.
fn owning_account(view: TwilioView, phone: &Phone) -> Result<Account, Problem> {
    // An inactive account is told before its numbers, which it cannot list.
    if view.account.status == AccountStatus::Inactive {
        return Ok(view.account);
    }
    let problem = match view.number {
        Ok(_) => return Ok(view.account),
        Err(Elsewhere::Subaccount(sid)) => {
            Problem::new(Code::NumberInSubaccount).with("subaccount", sid.as_str())
        }
        Err(Elsewhere::CallerId) => Problem::new(Code::NumberIsCallerId),
        Err(Elsewhere::Unknown) => Problem::new(Code::NumberNotInAccount),
    };
    Err(problem.with("account", view.account.name).with("phone", phone.to_string()))
}

fn twilio_settings_view(row: rows::TwilioSettings) -> TwilioSettingsView {
    TwilioSettingsView {
        account_sid: row.account_sid,
        token_last4: row.token_last4,
        phone: row.phone,
        account_name: row.account_name,
        account_kind: row.account_type,
        account_status: row.account_status,
    }
}

//! Organisations.

use crate::accounts::Caller;
use crate::clock::{new_id, now};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{AssistantId, Code, Country, Language, Problem};
use dialtone_store::{KeyOwner, Tenant, Tx, accounts as rows};
use rows::Organisation;
use serde_json::json;

/// What to change of an organisation.
#[derive(Default)]
pub struct OrganisationChange {
    /// Its name.
    pub name: Option<String>,
    /// Its country.
    pub country: Option<Country>,
    /// Its language.
    pub language: Option<Language>,
    /// The assistant that new lines get.
    pub default_assistant_id: Option<Option<AssistantId>>,
}

impl App {
    /// The caller's organisation as it is now.
    pub async fn organisation(&self, caller: &Caller) -> Result<Organisation, Problem> {
        let tenant = caller.tenant.clone();
        Ok(self.store().read(move |tx| rows::organisation(tx, &tenant)).await?)
    }

    /// Changes the organisation.
    pub async fn change_organisation(
        &self,
        caller: &Caller,
        change: OrganisationChange,
    ) -> Result<Organisation, Problem> {
        if let Some(Some(id)) = change.default_assistant_id {
            self.vapi(caller).await?.assistant(id).await?.ok_or(Code::AssistantNotFound)?;
        }
        let (tenant, actor, at) = (caller.tenant.clone(), Actor::of(caller), now());
        self.store()
            .write(move |tx| {
                let before = rows::organisation(tx, &tenant)?;
                let after = Organisation {
                    name: change.name.clone().unwrap_or(before.name.clone()),
                    country: change.country.unwrap_or(before.country),
                    language: change.language.unwrap_or(before.language),
                    default_assistant_id: change.default_assistant_id.unwrap_or(before.default_assistant_id),
                    updated_at: at,
                    ..before.clone()
                };
                rows::update_organisation(tx, &tenant, &after)?;
                let told = |organisation: &Organisation| {
                    json!({ "name": organisation.name, "country": organisation.country, "language": organisation.language,
                            "default_assistant_id": organisation.default_assistant_id })
                };
                record(tx, &tenant, &actor, "organisation.changed", after.id, Some(told(&before)), Some(told(&after)))?;
                Ok(after)
            })
            .await
    }

    /// Makes an organisation and the key of its secrets, in the transaction that makes its first member.
    ///
    /// # Errors
    /// [`Code::Sealed`] without the master key.
    pub(super) fn create_organisation(&self, tx: &mut Tx, new: &Organisation) -> Result<Tenant, Problem> {
        let tenant = rows::create_organisation(tx, new)?;
        self.inner.vault.make_data_key(tx, KeyOwner::Org(new.id))?;
        Ok(tenant)
    }
}

/// An organisation that is not recorded yet.
pub(super) fn new_organisation(name: String, country: Country, language: Language) -> Organisation {
    let (id, at) = (new_id(), now());
    Organisation { id, name, country, language, default_assistant_id: None, created_at: at, updated_at: at }
}

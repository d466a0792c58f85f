//! Organisations.

use crate::accounts::sessions::session_of;
use crate::accounts::{Caller, still};
use crate::clock::{new_id, now};
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{AssistantId, Code, Country, Language, Permission, Problem, Role};
use dialtone_store::{KeyOwner, Tenant, Tx, accounts as rows};
use rows::{Membership, Organisation};
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
    /// The organisations where the caller is a member and not suspended, the one that they used last first.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn my_organisations(&self, caller: &Caller) -> Result<Vec<Membership>, Problem> {
        let user = caller.user_id;
        Ok(self.store().read(move |tx| rows::memberships(tx, user)).await?)
    }

    /// Makes another organisation, whose owner the caller is. Their session stays where it is.
    ///
    /// # Errors
    /// [`Code::SessionNeeded`]: a token belongs to one organisation for ever.
    pub async fn add_organisation(
        &self,
        caller: &Caller,
        name: String,
        country: Option<Country>,
        language: Option<Language>,
    ) -> Result<Membership, Problem> {
        session_of(caller)?;
        let here = &caller.organisation;
        let (country, language) = (country.unwrap_or(here.country), language.unwrap_or(here.language));
        let (new, caller, at) = (new_organisation(name, country, language), caller.clone(), now());
        let app = self.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                let tenant = app.create_organisation(tx, &new)?;
                rows::add_member(tx, &tenant, caller.user_id, Role::Owner, at)?;
                let told = json!({ "name": new.name, "country": new.country, "language": new.language });
                record(tx, &tenant, &Actor::of(&caller), "organisation.created", new.id, None, Some(told))?;
                let (org_name, org_language) = (new.name.clone(), new.language);
                Ok(Membership { org_id: new.id, org_name, org_language, role: Role::Owner })
            })
            .await
    }

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
                    ..before
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
    let (default_assistant_id, factors_required_at) = (None, None);
    let (created_at, updated_at) = (at, at);
    Organisation {
        id,
        name,
        country,
        language,
        default_assistant_id,
        created_at,
        updated_at,
        factors_required_at,
    }
}

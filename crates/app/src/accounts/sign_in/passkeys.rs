//! Passkeys (WebAuthn): they live in the person's device or key, verify the person there, and sign in alone: what one
//! has and what one knows or is, together. The two ceremonies are the library's; here is what is kept.

use crate::accounts::sessions::session_of;
use crate::accounts::sign_in::{Begun, Kind, Proof, SignedIn};
use crate::accounts::{Caller, Device, record_for, still};
use crate::clock::{new_id, now};
use crate::events::Actor;
use crate::start::App;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialtone_domain::{Code, PasskeyId, Permission, Problem, SecretString, UserId};
use dialtone_store::{accounts, factors as rows};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use url::{Host, Url};
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::AuthenticationVerificationOptions;
use webauthn_rp::request::register::{
    CredProtect, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle16,
};
use webauthn_rp::request::{AsciiDomain, ExtensionInfo, PublicKeyCredentialDescriptor, RpId};
use webauthn_rp::response::auth::DiscoverableAuthentication16;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthenticationServerState, DiscoverableCredentialRequestOptions,
    PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
};

/// How many one person may have.
const PASSKEYS_MAX: usize = 20;

type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// What passkeys are made for: our public address.
pub(crate) struct RelyingParty {
    id: RpId,
    origin: String,
}

impl RelyingParty {
    /// Of the public address; browsers make no passkeys for one without a name.
    pub(crate) fn of(public_url: &str) -> Option<Self> {
        let url = Url::parse(public_url).ok()?;
        let Host::Domain(domain) = url.host()? else { return None };
        let id = RpId::Domain(AsciiDomain::try_from(domain.to_owned()).ok()?);
        Some(Self { id, origin: url.origin().ascii_serialization() })
    }
}

/// A passkey, without its key.
#[derive(Debug, Clone)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// What its owner called it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub last_used_at: Option<Timestamp>,
}

impl From<rows::Passkey> for Passkey {
    fn from(row: rows::Passkey) -> Self {
        let rows::Passkey { id, name, created_at, last_used_at, .. } = row;
        Self { id, name, created_at, last_used_at }
    }
}

/// A ceremony that the browser goes on with.
pub struct PasskeyStart {
    /// What comes back with its answer.
    pub begun: Begun,
    /// What `PublicKeyCredential.parse…OptionsFromJSON` reads.
    pub options: Value,
}

fn handle(user: UserId) -> UserHandle16 {
    let Ok(handle) = UserHandle16::decode(user.0.into_bytes());
    handle
}

/// The two halves of a ceremony: what we keep as text, and what the browser gets as JSON.
fn kept<E>(server: Result<Vec<u8>, E>, client: &impl Serialize) -> Result<(String, Value), Problem> {
    let options = serde_json::to_value(client).map_err(|_| Code::Internal)?;
    Ok((URL_SAFE_NO_PAD.encode(server.map_err(|_| Code::Internal)?), options))
}

fn unpacked(state: &str) -> Result<Vec<u8>, Problem> {
    Ok(URL_SAFE_NO_PAD.decode(state).map_err(|_| Code::Internal)?)
}

fn descriptor(row: rows::Passkey) -> Result<PublicKeyCredentialDescriptor<Vec<u8>>, Problem> {
    let id = CredentialId::decode(row.credential_id).map_err(|_| Code::Internal)?;
    // No hint how to reach it: the browser asks all that it has.
    let transports = AuthTransports::decode(0).map_err(|_| Code::Internal)?;
    Ok(PublicKeyCredentialDescriptor { id, transports })
}

impl App {
    pub(super) fn relying_party(&self) -> Option<&RelyingParty> {
        self.inner.relying_party.as_ref()
    }

    /// Whether people can sign in with passkeys here.
    pub fn has_passkeys(&self) -> bool {
        self.relying_party().is_some()
    }

    /// The caller's passkeys.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn passkeys(&self, caller: &Caller) -> Result<Vec<Passkey>, Problem> {
        let user = caller.user_id;
        let found = self.store().read(move |tx| rows::passkeys(tx, user)).await?;
        Ok(found.into_iter().map(Passkey::from).collect())
    }

    /// What is not the caller's is not there, whatever else is wrong.
    async fn own_passkey(&self, caller: &Caller, id: PasskeyId) -> Result<(), Problem> {
        let found = self.passkeys(caller).await?;
        found.iter().find(|passkey| passkey.id == id).map(drop).ok_or_else(|| Code::NotFound.into())
    }

    /// Begins to make a passkey.
    ///
    /// # Errors
    /// [`Code::PasskeysUnavailable`], [`Code::FactorExists`] with twenty of them, [`Code::SessionNeeded`],
    /// [`Code::ProofNeeded`].
    pub async fn begin_new_passkey(
        &self,
        caller: &Caller,
        proof: Proof,
        device: &Device,
    ) -> Result<PasskeyStart, Problem> {
        let party = self.relying_party().ok_or(Code::PasskeysUnavailable)?;
        self.prove(caller, proof, device).await?;
        let (user, id) = (caller.user_id, handle(caller.user_id));
        let known = self.store().read(move |tx| rows::passkeys(tx, user)).await?;
        if known.len() >= PASSKEYS_MAX {
            return Err(Code::FactorExists.into());
        }
        let exclude = known.into_iter().map(descriptor).collect::<Result<_, _>>()?;
        let name = caller.email.as_str().try_into().map_err(|_| Code::Internal)?;
        // What cannot be a display name there is left out: the address tells whose it is.
        let display_name = caller.user_name.as_str().try_into().ok();
        let entity = PublicKeyCredentialUserEntity { name, id: &id, display_name };
        let mut options = PublicKeyCredentialCreationOptions::passkey(&party.id, entity, exclude);
        // Asked for, not enforced: browsers refuse every device that does not know the extension otherwise, and many
        // do not. That the person is verified is checked at each sign-in anyway.
        options.extensions.cred_protect =
            CredProtect::UserVerificationRequired(ExtensionInfo::AllowDontEnforceValue);
        let (server, client) = options.start_ceremony().map_err(|_| Code::Internal)?;
        let (state, options) = kept(server.encode(), &client)?;
        let begun = self.begin(Kind::NewPasskey, (user, state)).await?;
        Ok(PasskeyStart { begun, options })
    }

    /// Keeps the passkey that the browser made. The first factor brings ten recovery codes, shown this once.
    ///
    /// # Errors
    /// [`Code::PasskeyNotAdded`] whatever is wrong with it, [`Code::SessionNeeded`].
    pub async fn add_passkey(
        &self,
        caller: &Caller,
        ticket: &str,
        name: String,
        credential: &Value,
        device: &Device,
    ) -> Result<(Passkey, Option<Vec<SecretString>>), Problem> {
        session_of(caller)?;
        let party = self.relying_party().ok_or(Code::PasskeysUnavailable)?;
        let resumed = self
            .resume::<(UserId, String)>(Kind::NewPasskey, device, ticket)
            .await
            .filter(|resumed| resumed.state.0 == caller.user_id)
            .ok_or(Code::PasskeyNotAdded)?;
        let row = registered(party, caller.user_id, name, &resumed.state.1, credential)?;
        let (caller, user) = (caller.clone(), caller.user_id);
        let passkey = row.clone().into();
        let codes = self
            .store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                if rows::counts(tx, user)?.passkeys >= PASSKEYS_MAX as i64 {
                    return Err(Problem::from(Code::FactorExists));
                }
                let codes = super::factors::first_codes(tx, user)?;
                if !rows::create_passkey(tx, &row)? {
                    return Err(Problem::from(Code::PasskeyNotAdded));
                }
                resumed.use_up(tx, Code::PasskeyNotAdded)?;
                let told = json!({ "kind": "passkey", "name": row.name });
                record_for(tx, user, &Actor::of(&caller), "factor.added", told)?;
                Ok(codes)
            })
            .await?;
        Ok((passkey, codes))
    }

    /// Renames a passkey of the caller's.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::SessionNeeded`].
    pub async fn rename_passkey(&self, caller: &Caller, id: PasskeyId, name: String) -> Result<(), Problem> {
        self.own_passkey(caller, id).await?;
        session_of(caller)?;
        let caller = caller.clone();
        self.store()
            .write(move |tx| {
                let caller = still(tx, &caller, Permission::Member)?;
                if !rows::rename_passkey(tx, caller.user_id, id, &name)? {
                    return Err(Problem::from(Code::NotFound));
                }
                record_for(tx, caller.user_id, &Actor::of(&caller), "factor.renamed", json!({ "name": name }))
            })
            .await
    }

    /// Removes a passkey of the caller's.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::FactorsRequired`], [`Code::SessionNeeded`], [`Code::ProofNeeded`].
    pub async fn remove_passkey(
        &self,
        caller: &Caller,
        id: PasskeyId,
        proof: Proof,
        device: &Device,
    ) -> Result<(), Problem> {
        self.own_passkey(caller, id).await?;
        self.prove(caller, proof, device).await?;
        self.remove_factor(caller, "passkey", move |tx, user| rows::delete_passkey(tx, user, id)).await
    }

    /// Begins a sign-in with a passkey, of whomever it turns out to be.
    ///
    /// # Errors
    /// [`Code::PasskeysUnavailable`], [`Code::Sealed`].
    pub async fn begin_passkey(&self) -> Result<PasskeyStart, Problem> {
        let party = self.relying_party().ok_or(Code::PasskeysUnavailable)?;
        let options = DiscoverableCredentialRequestOptions::passkey(&party.id);
        let (server, client) = options.start_ceremony().map_err(|_| Code::Internal)?;
        let (state, options) = kept(server.encode(), &client)?;
        Ok(PasskeyStart { begun: self.begin(Kind::Passkey, state).await?, options })
    }

    /// Signs in whoever the passkey belongs to.
    ///
    /// # Errors
    /// [`Code::PasskeyRefused`] whatever was wrong, [`Code::TooManyAttempts`].
    pub async fn sign_in_by_passkey(
        &self,
        ticket: &str,
        credential: &Value,
        device: &Device,
    ) -> Result<SignedIn, Problem> {
        let party = self.relying_party().ok_or(Code::PasskeysUnavailable)?;
        let source = self.inner.sign_in_limits.try_source(device)?;
        let resumed =
            self.resume::<String>(Kind::Passkey, device, ticket).await.ok_or(Code::PasskeyRefused)?;
        let answer = serde_json::to_vec(credential).map_err(|_| Code::Internal)?;
        let answer =
            DiscoverableAuthentication16::from_json_relaxed(&answer).map_err(|_| Code::PasskeyRefused)?;
        let id = answer.raw_id().as_ref().to_vec();
        let found = self.store().read(move |tx| rows::passkey_by_credential(tx, &id)).await?;
        let row = found.ok_or(Code::PasskeyRefused)?;
        let dynamic = verified(party, &row, &resumed.state, &answer)?;
        let (user, at) = (row.user_id, now());
        let org = self
            .store()
            .write(move |tx| {
                resumed.use_up(tx, Code::PasskeyRefused)?;
                if !rows::use_passkey(tx, &row, &dynamic, at)? {
                    return Err(Problem::from(Code::PasskeyRefused));
                }
                let membership = accounts::memberships(tx, user)?.into_iter().next();
                Ok(membership.ok_or(Code::PasskeyRefused)?.org_id)
            })
            .await?;
        self.inner.sign_in_limits.source_is_good(&source);
        self.begin_session(org, user, device, "passkey").await
    }
}

/// The passkey that the browser's answer registers.
fn registered(
    party: &RelyingParty,
    user: UserId,
    name: String,
    state: &str,
    credential: &Value,
) -> Result<rows::Passkey, Problem> {
    let refused = |error: &dyn std::fmt::Display| {
        tracing::info!(%error, "a new passkey was refused");
        Problem::new(Code::PasskeyNotAdded)
    };
    let state = RegistrationServerState::<16>::decode(&unpacked(state)?).map_err(|error| refused(&error))?;
    let answer = serde_json::to_vec(credential).map_err(|_| Code::Internal)?;
    let answer = Registration::from_json_relaxed(&answer).map_err(|error| refused(&error))?;
    let origins = [party.origin.as_str()];
    let options = RegistrationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        error_on_unsolicited_extensions: false,
        ..Default::default()
    };
    let made = state.verify(&party.id, &answer, &options).map_err(|error| refused(&error))?;
    let Ok(dynamic_state) = made.dynamic_state().encode();
    Ok(rows::Passkey {
        id: new_id(),
        user_id: user,
        name,
        credential_id: made.id().as_ref().to_vec(),
        static_state: made.static_state().encode().map_err(|_| Code::Internal)?,
        dynamic_state: dynamic_state.to_vec(),
        created_at: now(),
        last_used_at: None,
    })
}

/// The passkey's state after this answer. A counter that went back is a copied key, and refused.
fn verified(
    party: &RelyingParty,
    row: &rows::Passkey,
    state: &str,
    answer: &DiscoverableAuthentication16,
) -> Result<Vec<u8>, Problem> {
    let refused = |error: &dyn std::fmt::Display| {
        tracing::info!(%error, "a passkey was refused");
        Problem::new(Code::PasskeyRefused)
    };
    let state =
        DiscoverableAuthenticationServerState::decode(&unpacked(state)?).map_err(|error| refused(&error))?;
    let fixed = StaticState::<PublicKey>::decode(&row.static_state).map_err(|error| refused(&error))?;
    let moving = <[u8; 7]>::try_from(row.dynamic_state.as_slice()).map_err(|error| refused(&error))?;
    let moving = DynamicState::decode(moving).map_err(|error| refused(&error))?;
    let id = CredentialId::<&[u8]>::decode(&row.credential_id).map_err(|error| refused(&error))?;
    let user = handle(row.user_id);
    let mut known =
        AuthenticatedCredential::new(id, &user, fixed, moving).map_err(|error| refused(&error))?;
    let origins = [party.origin.as_str()];
    let options = AuthenticationVerificationOptions::<&str, &str> {
        allowed_origins: &origins,
        error_on_unsolicited_extensions: false,
        ..Default::default()
    };
    state.verify(&party.id, answer, &mut known, &options).map_err(|error| refused(&error))?;
    let Ok(dynamic_state) = known.dynamic_state().encode();
    Ok(dynamic_state.to_vec())
}

//! Does one change at one provider. It never decides anything, and never tries twice.

use crate::credentials::fingerprint;
use dialtone_domain::line::{Change, ServerWish, SmsOwner, SmsRouting, VoiceRouting};
use dialtone_domain::{Code, Problem, SecretString, VapiNumberId, VapiOrgId};
use dialtone_providers::vapi::{ImportTwilio, Imported, Server, TwilioCredentials, VapiNumberPatch};
use dialtone_providers::{Twilio, Vapi, twilio::NumberUpdate};
use uuid::Uuid;

/// What a change is made with: the clients, and the secrets that plans do not carry.
pub(crate) struct Hands {
    /// None where nothing is saved; a problem where what is saved cannot be opened.
    pub(crate) twilio: Result<Option<Twilio>, Problem>,
    /// The same of Vapi.
    pub(crate) vapi: Result<Option<Vapi>, Problem>,
    pub(crate) auth_token: SecretString,
    pub(crate) server_secret: Option<SecretString>,
}

/// What our own record learns from a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The number has this record at Vapi now.
    Imported { id: VapiNumberId, org_id: Option<VapiOrgId>, credential_id: Option<Uuid> },
    /// Our record at Vapi is gone.
    Deleted,
    /// Vapi has the line's present auth token.
    Told,
    /// Nothing of what we keep.
    Nothing,
}

impl Hands {
    /// Does it.
    ///
    /// # Errors
    /// As the provider's client; [`Code::ProviderUnclear`] where it may have happened.
    pub(crate) async fn apply(&self, change: &Change) -> Result<Effect, Problem> {
        match change {
            Change::ImportNumber { .. } => return self.import(change).await,
            Change::DeleteVapiNumber { number, .. } => {
                self.vapi()?.delete_number(*number).await?;
                return Ok(Effect::Deleted);
            }
            Change::SetVoiceRouting { number, to, .. } => {
                self.twilio()?.update_number(number, &voice_update(to)).await?;
            }
            Change::SetSmsRouting { number, to, .. } => {
                self.twilio()?.update_number(number, &sms_update(to)).await?;
            }
            Change::LinkAssistant { number, to, .. } => {
                // One of assistant, squad and workflow answers; the others are cleared with it.
                let patch = VapiNumberPatch {
                    assistant_id: Some(*to),
                    squad_id: Some(None),
                    workflow_id: Some(None),
                    ..VapiNumberPatch::default()
                };
                self.vapi()?.update_number(*number, &patch).await?;
            }
            Change::SetServer { number, to, .. } => {
                let server = to.as_ref().map(|wish| self.server(wish)).transpose()?;
                let patch = VapiNumberPatch { server: Some(server), ..VapiNumberPatch::default() };
                self.vapi()?.update_number(*number, &patch).await?;
            }
            Change::SetVapiCredentials { number, to, .. } => {
                let credentials =
                    Some(TwilioCredentials { account_sid: to.clone(), auth_token: self.auth_token.clone() });
                let patch = VapiNumberPatch { credentials, ..VapiNumberPatch::default() };
                self.vapi()?.update_number(*number, &patch).await?;
                return Ok(Effect::Told);
            }
            Change::SetSmsOwner { number, to } => {
                let sms_enabled = Some(*to == SmsOwner::Vapi);
                let patch = VapiNumberPatch { sms_enabled, ..VapiNumberPatch::default() };
                self.vapi()?.update_number(*number, &patch).await?;
            }
        }
        Ok(Effect::Nothing)
    }

    async fn import(&self, change: &Change) -> Result<Effect, Problem> {
        let Change::ImportNumber { phone, account_sid, name, assistant, sms_owner, server, .. } = change
        else {
            return Err(Code::Internal.into());
        };
        let request = ImportTwilio {
            phone: phone.clone(),
            account_sid: account_sid.clone(),
            auth_token: self.auth_token.clone(),
            name: name.clone(),
            assistant_id: *assistant,
            sms_enabled: *sms_owner == SmsOwner::Vapi,
            server: server.as_ref().map(|wish| self.server(wish)).transpose()?,
        };
        Ok(match self.vapi()?.import_twilio(&request).await? {
            Imported::Created(number) => {
                Effect::Imported { id: number.id, org_id: number.org_id, credential_id: number.credential_id }
            }
            Imported::AlreadyThere(id) => Effect::Imported { id, org_id: None, credential_id: None },
        })
    }

    fn twilio(&self) -> Result<&Twilio, Problem> {
        let saved = self.twilio.as_ref().map_err(Clone::clone)?;
        saved.as_ref().ok_or_else(|| Code::TwilioCredentialsMissing.into())
    }

    fn vapi(&self) -> Result<&Vapi, Problem> {
        let saved = self.vapi.as_ref().map_err(Clone::clone)?;
        saved.as_ref().ok_or_else(|| Code::VapiKeyMissing.into())
    }

    /// The server with its secret, where ours is the one that is wished for. An undo may wish for a secret
    /// that was never ours to know: then the address alone goes back.
    fn server(&self, wish: &ServerWish) -> Result<Server, Problem> {
        let secret =
            self.server_secret.clone().filter(|secret| wish.secret_fingerprint == Some(fingerprint(secret)));
        Ok(Server { url: wish.url.clone(), secret })
    }
}

/// A trunk and an application are never sent together (facts/twilio.md section 6); what is not set is cleared.
fn voice_update(to: &VoiceRouting) -> NumberUpdate {
    let text = |sid: Option<String>| Some(sid.unwrap_or_default());
    let trunk = to.trunk_sid.as_ref().map(ToString::to_string);
    let application = to.application_sid.as_ref().map(ToString::to_string);
    let (trunk_sid, voice_application_sid) = match (&trunk, &application) {
        (Some(_), _) => (trunk, None),
        (None, Some(_)) => (None, application),
        (None, None) => (text(None), text(None)),
    };
    NumberUpdate {
        trunk_sid,
        voice_application_sid,
        voice_url: text(to.voice_url.clone()),
        voice_method: Some(format!("{:?}", to.voice_method).to_uppercase()),
        status_callback: text(to.status_callback.clone()),
        ..NumberUpdate::default()
    }
}

fn sms_update(to: &SmsRouting) -> NumberUpdate {
    NumberUpdate {
        sms_application_sid: Some(to.application_sid.as_ref().map(ToString::to_string).unwrap_or_default()),
        sms_url: Some(to.sms_url.clone().unwrap_or_default()),
        sms_method: Some(format!("{:?}", to.sms_method).to_uppercase()),
        ..NumberUpdate::default()
    }
}

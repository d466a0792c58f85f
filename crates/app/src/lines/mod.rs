//! Lines: what is recorded of a number, and the use cases that change it.

mod doctor;
mod edit;
mod import;
mod page;
mod view;

pub use doctor::Doctor;
pub use edit::LineChange;
pub(crate) use import::details;
pub use import::{Import, Imported};
pub(crate) use page::page_of;
pub use page::{Page, PageRequest};
pub(crate) use view::Report;
pub use view::{Health, LineDetail, LineRef, LineView, VapiNumberView};

use crate::clock::{new_id, now};
use crate::credentials::fingerprint;
use crate::engine::Hands;
use crate::settings::{Keys, TwilioKey, line_server_place, line_token_place};
use crate::start::App;
use dialtone_domain::line::{Desired, Region, ServerWish, VapiWish, Wish};
use dialtone_domain::{AccountSid, AssistantId, Code, Phone, Problem, SecretString, UserId};
use dialtone_store::lines::{self as rows, Line};
use dialtone_store::{Sealed, Tenant};

/// Vapi's limit on names (facts/vapi.md section 3.3).
const VAPI_NAME_MAX: usize = 40;

impl App {
    /// A line's row by id or number.
    pub(crate) async fn line_row(&self, tenant: &Tenant, line: &LineRef) -> Result<Option<Line>, Problem> {
        let (tenant, line) = (tenant.clone(), line.clone());
        let found = self.store().read(move |tx| match &line {
            LineRef::Id(id) => rows::get(tx, &tenant, *id),
            LineRef::Phone(phone) => rows::by_phone(tx, &tenant, phone),
        });
        Ok(found.await?)
    }

    /// Clients and secrets for a line, with its secrets as they are now.
    pub(crate) async fn hands(&self, tenant: &Tenant, line: &Line) -> Result<Hands, Problem> {
        let (app, tenant, line) = (self.clone(), tenant.clone(), line.clone());
        self.store()
            .read(move |tx| {
                let now = rows::get(tx, &tenant, line.id)?;
                Ok(app.line_hands(&app.keys_in(tx, &tenant)?, now.as_ref().unwrap_or(&line)))
            })
            .await
    }

    /// The same with keys that are open already.
    pub(crate) fn line_hands(&self, keys: &Keys, line: &Line) -> Hands {
        let row = line.id.to_string();
        let auth_token = keys.data_key.open(line_token_place(&row), &line.twilio_auth_token);
        let server_secret = line.server_secret.as_ref();
        let server_secret =
            server_secret.map(|sealed| keys.data_key.open(line_server_place(&row), sealed)).transpose();
        let account_sid = line.twilio_account_sid.clone();
        let twilio = auth_token.map(|auth_token| Some(TwilioKey { account_sid, auth_token }));
        // Whichever of the two was damaged: nothing is done with half of the secrets.
        match server_secret {
            Ok(server_secret) => self.hands_of(keys, twilio, server_secret),
            Err(problem) => self.hands_of(keys, Err(problem), None),
        }
    }

    /// Clients for credentials that are not a line's yet.
    pub(crate) fn hands_of(
        &self,
        keys: &Keys,
        twilio: Result<Option<TwilioKey>, Problem>,
        server_secret: Option<SecretString>,
    ) -> Hands {
        let providers = &self.inner.providers;
        let opened = twilio.as_ref().ok().and_then(Option::as_ref);
        let auth_token = opened.map(|key| key.auth_token.clone()).unwrap_or_default();
        let twilio = twilio.map(|key| key.map(|key| providers.twilio(&key.account_sid, &key.auth_token)));
        let vapi = keys.vapi().and_then(|key| key.map(|key| providers.vapi(&key)).transpose());
        Hands { twilio, vapi, auth_token, server_secret }
    }

    /// What should be true of a line, answered by that assistant.
    pub(crate) fn desired(&self, line: &Line, hands: &Hands, assistant: Option<AssistantId>) -> Desired {
        let server = line.server_url.clone().map(|url| {
            Some(ServerWish { url, secret_fingerprint: hands.server_secret.as_ref().map(fingerprint) })
        });
        Desired {
            phone: line.phone.clone(),
            account_sid: line.twilio_account_sid.clone(),
            region: self.region(),
            vapi_org_id: line.vapi_org_id,
            ours: line.vapi_phone_id,
            vapi: Some(VapiWish {
                name: line.friendly_name.chars().take(VAPI_NAME_MAX).collect(),
                assistant,
                sms_owner: line.sms_owner,
                server: server.map_or(Wish::AsIs, Wish::Exactly),
            }),
            voice: Wish::AsIs,
            sms: Wish::AsIs,
        }
    }

    fn region(&self) -> Region {
        self.inner.providers.vapi_region()
    }
}

/// A line that is not recorded yet; its token is sealed by whoever records it.
pub(crate) fn new_line(phone: Phone, account_sid: AccountSid, created_by: Option<UserId>) -> Line {
    let at = now();
    Line {
        id: new_id(),
        friendly_name: phone.international(),
        phone,
        notes: String::new(),
        assistant_id: None,
        sms_owner: dialtone_domain::line::SmsOwner::Twilio,
        server_url: None,
        server_secret: None,
        twilio_account_sid: account_sid,
        twilio_auth_token: Sealed::default(),
        vapi_phone_id: None,
        vapi_credential_id: None,
        vapi_org_id: None,
        vapi_token: None,
        import_refusal: None,
        health: Health::Unchecked.name().to_owned(),
        failing_check: None,
        report: None,
        checked_at: None,
        created_by,
        created_at: at,
        updated_at: at,
    }
}

/// The code that an import was last refused with.
pub(crate) fn import_refusal(line: &Line) -> Option<Code> {
    serde_json::from_value(line.import_refusal.clone()?).ok()
}

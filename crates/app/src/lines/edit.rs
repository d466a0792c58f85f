//! Changing what a line should be, and removing it.

use super::import::details;
use super::{LineRef, LineView};
use crate::accounts::Caller;
use crate::clock::now;
use crate::engine::{Depth, remove_row};
use crate::events::{Actor, record};
use crate::operations::{Kind, NewOperation, OperationView, Started, start};
use crate::settings::line_server_place;
use crate::start::App;
use dialtone_domain::line::{
    Desired, SmsOwner, SmsRoute, SmsRouting, VapiUrl, VoiceRoute, Wish, sms_route, vapi_url, voice_route,
};
use dialtone_domain::{AssistantId, Code, OperationId, Problem, SecretString};
use dialtone_store::lines::{self as rows, Line};
use dialtone_store::{Sealed, Tenant, Tx, operations};
use serde_json::{Value, json};

/// What to change of a line; what is absent stays.
#[derive(Default, Clone)]
pub struct LineChange {
    /// Its name.
    pub friendly_name: Option<String>,
    /// Its notes.
    pub notes: Option<String>,
    /// The assistant that answers; none unlinks.
    pub assistant_id: Option<Option<AssistantId>>,
    /// Who answers texts.
    pub sms_owner: Option<SmsOwner>,
    /// Where its events go; none takes the server away.
    pub server_url: Option<Option<String>>,
    /// The secret that events carry.
    pub server_secret: Option<SecretString>,
}

impl LineChange {
    /// Whether a provider has to be told.
    fn reaches_providers(&self) -> bool {
        self.assistant_id.is_some()
            || self.sms_owner.is_some()
            || self.server_url.is_some()
            || self.server_secret.is_some()
    }
}

impl App {
    /// Changes a line; what providers have to know is told to them by an operation.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::AssistantNotFound`], [`Code::LineBusy`].
    pub async fn change_line(
        &self,
        caller: &Caller,
        line: &LineRef,
        change: LineChange,
    ) -> Result<(LineView, Option<OperationView>), Problem> {
        let id = self.line_row(&caller.tenant, line).await?.ok_or(Code::NotFound)?.id;
        if let Some(Some(id)) = change.assistant_id {
            self.vapi(caller).await?.assistant(id).await?.ok_or(Code::AssistantNotFound)?;
        }
        let (app, tenant, actor) = (self.clone(), caller.tenant.clone(), Actor::of(caller));
        let operation = self
            .store()
            .write(move |tx| {
                // Read here, so that nothing that changed meanwhile is overwritten.
                let before = rows::get(tx, &tenant, id)?.ok_or(Code::NotFound)?;
                let (keys, row) = (app.keys_in(tx, &tenant)?, id.to_string());
                let seal = |secret| keys.data_key.seal(line_server_place(&row), secret);
                let after = changed(&before, &change, change.server_secret.as_ref().map(seal));
                rows::update_details(tx, &tenant, id, &details(&after), now())?;
                record(tx, &tenant, &actor, "line.changed", id, Some(told(&before)), Some(told(&after)))?;
                if !change.reaches_providers() || before.vapi_phone_id.is_none() {
                    return Ok(None);
                }
                let hands = app.line_hands(&keys, &after);
                let mut desired = app.desired(&after, &hands, after.assistant_id);
                if let Some(wish) = desired.vapi.as_mut().filter(|_| change.server_url == Some(None)) {
                    wish.server = Wish::Exactly(None);
                }
                let new = NewOperation { line: id, kind: Kind::Change, desired, undo_of: None };
                start(tx, &tenant, &actor, &new).map(Some)
            })
            .await?;
        let operation = match operation {
            Some(operation) => Some(self.followed(caller, operation).await?),
            None => None,
        };
        let line = self.line_row(&caller.tenant, &LineRef::Id(id)).await?.ok_or(Code::NotFound)?;
        Ok((line.into(), operation))
    }

    async fn followed(&self, caller: &Caller, id: OperationId) -> Result<OperationView, Problem> {
        Ok(match self.follow(&caller.tenant, id).await? {
            Started::Finished(operation) => operation,
            Started::Running(operation) => *operation,
        })
    }

    /// Removes a line: its record at Vapi goes, Twilio's routing becomes what it was before the import where it
    /// still points at Vapi, and our row goes last. A line that is not in Vapi is only forgotten, and so is one whose
    /// providers can no longer be reached with `forget_only`: what is left there is the user's to clean up.
    ///
    /// # Errors
    /// [`Code::ConfirmationNeeded`] unless `confirm` is the number; [`Code::NotFound`]; [`Code::LineBusy`].
    pub async fn remove_line(
        &self,
        caller: &Caller,
        line: &LineRef,
        confirm: Option<&str>,
        forget_only: bool,
    ) -> Result<Option<OperationView>, Problem> {
        let line = self.line_row(&caller.tenant, line).await?.ok_or(Code::NotFound)?;
        if confirm.map(str::trim) != Some(line.phone.as_str()) {
            return Err(Problem::new(Code::ConfirmationNeeded).with("phone", line.phone.to_string()));
        }
        let (tenant, actor) = (caller.tenant.clone(), Actor::of(caller));
        if forget_only || line.vapi_phone_id.is_none() {
            self.store().write(move |tx| forget(tx, &tenant, &actor, &line)).await?;
            return Ok(None);
        }
        let hands = self.hands(&caller.tenant, &line).await?;
        let observed = self.look(&hands, &line, Depth::Wiring).await;
        let number = observed.twilio.known().and_then(|view| view.number.as_ref().ok());
        let calls_at_vapi = number.is_some_and(|number| match voice_route(&number.voice) {
            VoiceRoute::Url(url) => vapi_url(url) != VapiUrl::Foreign,
            _ => false,
        });
        let texts_at_vapi = number.is_some_and(|number| texts_go_to_vapi(&number.sms));
        let desired = Desired { vapi: None, ..self.desired(&line, &hands, None) };
        let id = self
            .store()
            .write(move |tx| {
                let mut desired = desired.clone();
                if let Some(original) = original(tx, &tenant, &line)? {
                    desired.voice = if calls_at_vapi { original.voice } else { Wish::AsIs };
                    desired.sms = if texts_at_vapi { original.sms } else { Wish::AsIs };
                }
                let new = NewOperation { line: line.id, kind: Kind::Remove, desired, undo_of: None };
                start(tx, &tenant, &actor, &new)
            })
            .await?;
        self.followed(caller, id).await.map(Some)
    }
}

/// The line with the change made; a secret goes with its server.
fn changed(before: &Line, change: &LineChange, sealed_secret: Option<Sealed>) -> Line {
    let mut line = before.clone();
    let LineChange { friendly_name, notes, assistant_id, sms_owner, server_url, server_secret: _ } =
        change.clone();
    line.friendly_name = friendly_name.unwrap_or(line.friendly_name);
    line.notes = notes.unwrap_or(line.notes);
    line.assistant_id = assistant_id.unwrap_or(line.assistant_id);
    line.sms_owner = sms_owner.unwrap_or(line.sms_owner);
    line.server_url = server_url.unwrap_or(line.server_url);
    line.server_secret = sealed_secret.or(line.server_secret).filter(|_| line.server_url.is_some());
    line
}

fn texts_go_to_vapi(sms: &SmsRouting) -> bool {
    match sms_route(sms, None) {
        SmsRoute::Url(url) => vapi_url(url) != VapiUrl::Foreign,
        _ => false,
    }
}

/// How the line was before Dialtone first touched it.
fn original(tx: &mut Tx, tenant: &Tenant, line: &Line) -> Result<Option<Desired>, Problem> {
    let first = operations::first_with_previous(tx, tenant, line.id)?;
    let previous = first.and_then(|operation| operation.previous);
    Ok(previous.and_then(|value| serde_json::from_value(value).ok()))
}

fn forget(tx: &mut Tx, tenant: &Tenant, actor: &Actor, line: &Line) -> Result<(), Problem> {
    if operations::unfinished(tx, tenant, line.id)?.is_some() {
        return Err(Code::LineBusy.into());
    }
    remove_row(tx, tenant, line, actor)
}

/// A line as the events tell of it: no secret, no full number. Its name is the number where nobody gave it one.
fn told(line: &Line) -> Value {
    let name = Some(&line.friendly_name).filter(|name| **name != line.phone.international());
    json!({ "phone": line.phone.to_string(), "name": name, "assistant_id": line.assistant_id,
            "sms_owner": line.sms_owner, "server_url": line.server_url.is_some() })
}

//! Web addresses that are told of alerts, and the messages to them: signed, sent once per change, never answered to.

use super::deliver::{Sent, outcome};
use crate::accounts::Caller;
use crate::clock::{new_id, now};
use crate::events::{Actor, record};
use crate::start::App;
use crate::vault::Place;
use dialtone_domain::{Code, Problem, SecretString, WebhookId};
use dialtone_providers::{Reply, new_webhook_secret, signed_headers};
use dialtone_store::Tenant;
use dialtone_store::deliveries::{self as rows, Delivery, Webhook};
use jiff::Timestamp;
use serde_json::json;

/// More addresses an organisation does not have.
const WEBHOOKS_MAX: usize = 20;
/// How a receiver says that it wants no more.
const GONE: u16 = 410;

/// A web address to add.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// The address.
    pub url: String,
    /// What it is for.
    pub description: String,
}

/// A web address that is told of alerts; its secret is shown once, when it is made.
#[derive(Debug, Clone)]
pub struct WebhookView {
    /// Its id.
    pub id: WebhookId,
    /// The address.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// When the receiver said that it wants no more.
    pub gone_at: Option<Timestamp>,
    /// When the last message was made that was tried.
    pub last_at: Option<Timestamp>,
    /// Whether that one arrived.
    pub last_arrived: Option<bool>,
    /// Why it did not.
    pub last_error: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What a receiver answered to a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The status.
    pub status: u16,
}

fn place(row: &str) -> Place<'_> {
    Place { table: "webhooks", row, field: "secret" }
}

fn view(row: Webhook, last: Option<Delivery>) -> WebhookView {
    WebhookView {
        id: row.id,
        url: row.url,
        description: row.description,
        gone_at: row.gone_at,
        last_at: last.as_ref().map(|last| last.created_at),
        last_arrived: last.as_ref().map(|last| last.delivered),
        last_error: last.and_then(|last| last.last_error),
        created_at: row.created_at,
    }
}

impl App {
    /// The organisation's web addresses, the newest first.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn webhooks(&self, caller: &Caller) -> Result<Vec<WebhookView>, Problem> {
        let tenant = caller.tenant.clone();
        self.store()
            .read(move |tx| {
                let found = rows::webhooks(tx, &tenant)?.into_iter();
                let with_last = |row: Webhook| {
                    let last = rows::last_of(tx, &tenant, &row.id.to_string())?;
                    Ok(view(row, last))
                };
                found.map(with_last).collect()
            })
            .await
    }

    /// Adds a web address and answers its secret, which is not shown again.
    ///
    /// # Errors
    /// [`Code::AddressForbidden`]; [`Code::TooManyWebhooks`].
    pub async fn add_webhook(
        &self,
        caller: &Caller,
        new: NewWebhook,
    ) -> Result<(WebhookView, SecretString), Problem> {
        self.inner.guard.check(&new.url).await?;
        let (id, at, secret): (WebhookId, _, _) = (new_id(), now(), new_webhook_secret());
        let data_key = self.data_key(&caller.tenant).await?;
        let row = Webhook {
            id,
            url: new.url,
            description: new.description,
            secret: data_key.seal(place(&id.to_string()), &secret),
            gone_at: None,
            created_at: at,
            updated_at: at,
        };
        let (tenant, actor) = (caller.tenant.clone(), Actor::of(caller));
        let view = self
            .store()
            .write(move |tx| {
                if rows::webhooks(tx, &tenant)?.len() >= WEBHOOKS_MAX {
                    return Err(Problem::from(Code::TooManyWebhooks));
                }
                rows::add_webhook(tx, &tenant, &row)?;
                let told = json!({ "description": row.description });
                record(tx, &tenant, &actor, "webhook.added", id, None, Some(told))?;
                Ok(view(row.clone(), None))
            })
            .await?;
        Ok((view, secret))
    }

    /// Removes a web address, with what waits for it.
    ///
    /// # Errors
    /// [`Code::NotFound`]
    pub async fn remove_webhook(&self, caller: &Caller, id: WebhookId) -> Result<(), Problem> {
        let (tenant, actor) = (caller.tenant.clone(), Actor::of(caller));
        self.store()
            .write(move |tx| {
                let row = rows::webhook(tx, &tenant, id)?.ok_or(Code::NotFound)?;
                rows::remove_webhook(tx, &tenant, id)?;
                let told = json!({ "description": row.description });
                record(tx, &tenant, &actor, "webhook.removed", id, Some(told), None)
            })
            .await
    }

    /// Sends a test message now, once. One that arrives brings an address back that said that it was gone.
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::AddressForbidden`]; [`Code::WebhookFailed`] with what came instead of success.
    pub async fn test_webhook(&self, caller: &Caller, id: WebhookId) -> Result<Told, Problem> {
        let tenant = caller.tenant.clone();
        let row = self.store().read(move |tx| rows::webhook(tx, &tenant, id)).await?.ok_or(Code::NotFound)?;
        let at = now();
        let payload = json!({ "type": "test", "timestamp": at.to_string(), "data": { "webhook": id } });
        let message: uuid::Uuid = new_id();
        let reply = self
            .post_signed(&caller.tenant, &row, &message.to_string(), payload.to_string().into_bytes())
            .await?;
        if !(200..300).contains(&reply.status) {
            return Err(Problem::new(Code::WebhookFailed).with("why", format!("HTTP {}", reply.status)));
        }
        if row.gone_at.is_some() {
            let tenant = caller.tenant.clone();
            self.store().write(move |tx| rows::set_gone(tx, &tenant, id, None, at)).await?;
        }
        Ok(Told { status: reply.status })
    }

    /// One try.
    pub(super) async fn send_webhook(&self, tenant: &Tenant, delivery: &Delivery) -> Result<Sent, Problem> {
        let Ok(id) = delivery.target.parse::<WebhookId>() else {
            return Ok(Sent::Never("removed".to_owned()));
        };
        let owner = tenant.clone();
        let row = self.store().read(move |tx| rows::webhook(tx, &owner, id)).await?;
        let Some(row) = row.filter(|row| row.gone_at.is_none()) else {
            return Ok(Sent::Never("removed".to_owned()));
        };
        let body = delivery.payload.to_string().into_bytes();
        // The message keeps its id over all tries, so that the receiver can tell a repetition.
        match self.post_signed(tenant, &row, &delivery.id.to_string(), body).await {
            Ok(Reply { status: 200..300, .. }) => Ok(Sent::Arrived),
            Ok(Reply { status: GONE, .. }) => {
                let (owner, at) = (tenant.clone(), now());
                self.store().write(move |tx| rows::set_gone(tx, &owner, id, Some(at), at)).await?;
                Ok(Sent::Never(format!("HTTP {GONE}")))
            }
            Ok(Reply { status, .. }) => Ok(Sent::Later(format!("HTTP {status}"))),
            Err(problem) => Ok(outcome(&problem)),
        }
    }

    async fn post_signed(
        &self,
        tenant: &Tenant,
        row: &Webhook,
        message: &str,
        body: Vec<u8>,
    ) -> Result<Reply, Problem> {
        let destination = self.inner.guard.check(&row.url).await?;
        let (app, tenant, id) = (self.clone(), tenant.clone(), row.id);
        // Key and secret in one reading, so that a rotation in between does not part them.
        let secret = self.store().read(move |tx| {
            let row = rows::webhook(tx, &tenant, id)?.ok_or(Code::NotFound)?;
            app.keys_in(tx, &tenant)?.data_key.open(place(&id.to_string()), &row.secret)
        });
        let secret = secret.await?;
        let headers = signed_headers(&secret, &format!("msg_{message}"), now(), &body)?;
        self.inner.guard.post(&destination, headers, body).await
    }
}

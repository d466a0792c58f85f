//! Alerts by e-mail, to members who want them, in their own language. What waits for one member is one mail.

use super::alerts::detail;
use super::deliver::{Sent, outcome};
use crate::accounts::Caller;
use crate::clock::steady;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{AlertKind, Language, Params, Problem, text};
use dialtone_providers::Mail;
use dialtone_store::deliveries::{self as rows, Delivery, Reader};
use dialtone_store::{Tenant, accounts};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Messages in one mail.
const DIGEST_MAX: i64 = 50;
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Whether a member gets alerts by e-mail.
#[derive(Debug, Clone)]
pub struct AlertMail {
    /// Whether they want them.
    pub wanted: bool,
    /// Whether this server can send mails at all.
    pub available: bool,
    /// Where they go.
    pub email: String,
}

impl App {
    /// Whether the caller gets alerts by e-mail.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn alert_mail(&self, caller: &Caller) -> Result<AlertMail, Problem> {
        let (tenant, user) = (caller.tenant.clone(), caller.user_id);
        let wanted = self.store().read(move |tx| rows::wants_mail(tx, &tenant, user)).await?;
        Ok(AlertMail { wanted, available: self.inner.mailer.is_some(), email: caller.email.clone() })
    }

    /// Sets whether the caller gets alerts by e-mail.
    ///
    /// # Errors
    /// Only for trouble with the database.
    pub async fn want_alert_mail(&self, caller: &Caller, wanted: bool) -> Result<AlertMail, Problem> {
        let (tenant, user, actor) = (caller.tenant.clone(), caller.user_id, Actor::of(caller));
        self.store()
            .write(move |tx| {
                rows::want_mail(tx, &tenant, user, wanted)?;
                let told = json!({ "alert_mail": wanted });
                record(tx, &tenant, &actor, "member.changed", user, None, Some(told))
            })
            .await?;
        self.alert_mail(caller).await
    }

    /// Sends a message and what else waits for the same member, as one mail.
    pub(super) async fn send_mail(
        &self,
        tenant: &Tenant,
        first: Delivery,
    ) -> (Result<Sent, Problem>, Vec<Delivery>) {
        let (owner, target) = (tenant.clone(), first.target.clone());
        let more = self.store().write(move |tx| {
            let more = rows::claim_more(tx, &owner, &target, steady(), LEASE, DIGEST_MAX)?;
            let organisation = accounts::organisation(tx, &owner)?;
            Ok::<_, Problem>((more, organisation, rows::readers(tx, &owner)?))
        });
        let mut all = vec![first];
        let (more, organisation, readers) = match more.await {
            Ok(found) => found,
            Err(problem) => return (Err(problem), all),
        };
        all.extend(more);
        all.sort_by_key(|delivery| (delivery.created_at, delivery.id));
        // Who lost their place here is told no more.
        let Some(reader) = readers.into_iter().find(|reader| reader.user_id.to_string() == all[0].target)
        else {
            return (Ok(Sent::Never("no longer wanted".to_owned())), all);
        };
        let Some(mailer) = &self.inner.mailer else {
            return (Ok(Sent::Never("no mail server is configured".to_owned())), all);
        };
        let language = reader.language.unwrap_or(organisation.language);
        let mail = self.compose(&reader, &organisation.name, language, &all);
        let sent = match mailer.send(&mail).await {
            Ok(()) => Sent::Arrived,
            Err(problem) => outcome(&problem),
        };
        (Ok(sent), all)
    }

    fn compose(&self, reader: &Reader, organisation: &str, language: Language, all: &[Delivery]) -> Mail {
        let told: Vec<_> = all.iter().map(|delivery| Told::of(&delivery.payload, language)).collect();
        let say = |key: &str, params: &Params| text::text(language, key, params);
        let subject = match told.as_slice() {
            [one] => one.subject.clone(),
            many => {
                let params = Params::default().with("count", many.len().to_string());
                say("alert.mail.digest.title", &params.with("organisation", organisation))
            }
        };
        let page = format!("{}/alerts", self.inner.public_url.trim_end_matches('/'));
        let footer =
            say("alert.mail.footer", &Params::default().with("organisation", organisation).with("url", page));
        let parts: Vec<_> =
            told.iter().map(|told| format!("{}\n{}\n{}", told.subject, told.at, told.text)).collect();
        let text = format!("{}\n\n-- \n{footer}\n", parts.join("\n\n"));
        Mail { to: reader.email.clone(), subject, text }
    }
}

/// One message as a mail tells it.
struct Told {
    subject: String,
    at: String,
    text: String,
}

impl Told {
    fn of(payload: &Value, language: Language) -> Self {
        let data = &payload["data"];
        let kind: AlertKind = serde_json::from_value(data["kind"].clone()).unwrap_or(AlertKind::LineBroken);
        let params: Params = serde_json::from_value(data["params"].clone()).unwrap_or_default();
        let is_over = !data["resolved_at"].is_null();
        let key = if is_over { "alert.mail.resolved.title" } else { "alert.mail.opened.title" };
        let title = Params::default().with("title", kind.title(language, &params));
        Self {
            subject: text::text(language, key, &title),
            at: payload["timestamp"].as_str().unwrap_or_default().to_owned(),
            text: detail(kind, &params, language, is_over),
        }
    }
}

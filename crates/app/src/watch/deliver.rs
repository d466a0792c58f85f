//! Sending: messages are rows, each to one recipient, tried again and again with growing pauses until they arrive.

use super::alerts::AlertView;
use super::{LOOK, minutes};
use crate::clock::{new_id, now, steady};
use crate::operations::wait_for;
use crate::start::App;
use dialtone_domain::{Code, Language, Problem};
use dialtone_store::alerts::Alert;
use dialtone_store::deliveries::{self as rows, Channel, Claimed, Delivery};
use dialtone_store::{Tenant, Topic, Tx, accounts};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::watch;

/// How long a claim holds: longer than any one message may take.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Minutes between one try and the next; after the last the message is given up, some three days later.
const LADDER: [i64; 9] = [1, 5, 30, 120, 300, 600, 900, 1200, 1440];
/// Up to so many times as long, so that they do not come all at once.
const JITTER: f64 = 1.2;
/// That something is over is told when it has been over for so many minutes, and not at all if it comes back before.
const SETTLE_MINUTES: i64 = 3;
/// A mail waits this part of a minute for others, so that many things at once are one mail.
const GATHER: i32 = 6;

/// Puts a change of an alert on its way to everybody who is told.
pub(super) fn announce(
    tx: &mut Tx,
    tenant: &Tenant,
    minute: SignedDuration,
    alert: &Alert,
    view: &AlertView,
    topic: &'static str,
) -> Result<(), Problem> {
    let language = accounts::organisation(tx, tenant)?.language;
    let at = now();
    let is_over = alert.resolved_at.is_some();
    let payload = json!({ "type": topic, "timestamp": at.to_string(), "data": data(view, language) });
    let mails =
        rows::readers(tx, tenant)?.into_iter().map(|reader| (Channel::Email, reader.user_id.to_string()));
    let webhooks = rows::webhooks(tx, tenant)?.into_iter().filter(|webhook| webhook.gone_at.is_none());
    let webhooks = webhooks.map(|webhook| (Channel::Webhook, webhook.id.to_string()));
    for (channel, target) in mails.chain(webhooks) {
        // Who was not told yet that it was over need not be told that it is back.
        if !is_over && rows::take_back(tx, tenant, &target, &alert.id.to_string(), alert.changes - 1)? {
            continue;
        }
        let wait = match (is_over, channel) {
            (true, _) => minutes(minute, SETTLE_MINUTES),
            (false, Channel::Email) => minute / GATHER,
            (false, Channel::Webhook) => SignedDuration::ZERO,
        };
        rows::add(tx, tenant, &message(channel, target, topic, alert, payload.clone(), at, steady() + wait))?;
    }
    Ok(())
}

fn message(
    channel: Channel,
    target: String,
    topic: &str,
    alert: &Alert,
    payload: Value,
    at: Timestamp,
    run_at: Timestamp,
) -> Delivery {
    Delivery {
        id: new_id(),
        channel,
        target,
        topic: topic.to_owned(),
        subject_id: alert.id.to_string(),
        change: alert.changes,
        payload,
        attempt: 0,
        run_at,
        lease_until: Timestamp::UNIX_EPOCH,
        last_error: None,
        created_at: at,
        finished_at: None,
        delivered: false,
    }
}

/// An alert as receivers outside get it.
fn data(alert: &AlertView, language: Language) -> Value {
    json!({
        "id": alert.id, "kind": alert.kind, "severity": alert.severity, "subject": alert.subject,
        "params": alert.params, "title": alert.title(language), "detail": alert.detail(language),
        "opened_at": alert.opened_at, "resolved_at": alert.resolved_at,
    })
}

/// How one try ended.
pub(super) enum Sent {
    /// It arrived.
    Arrived,
    /// It did not; a later try may do better.
    Later(String),
    /// It never will.
    Never(String),
}

impl App {
    /// Until stopped: sends what is due. Nothing leaves a restored backup until somebody says so.
    pub(super) async fn send_messages(self, mut stop: watch::Receiver<bool>) {
        let mut news = self.store().wakeups(Topic::Deliveries);
        while !*stop.borrow() {
            let wait = match self.claim_message().await {
                Ok(Some(claimed)) => {
                    let sending = std::panic::AssertUnwindSafe(self.send_message(claimed));
                    if sending.catch_unwind().await.is_err() {
                        tracing::error!("sending a message panicked; its lease will run out");
                    }
                    continue;
                }
                Ok(None) => self.store().read(|tx| rows::next_due(tx, steady())).await.ok().flatten(),
                Err(problem) => {
                    tracing::warn!(%problem, "no message can be claimed");
                    None
                }
            };
            let wait = wait.filter(|_| self.inner.gate.is_open());
            let until = wait.map_or(LOOK, |due| Duration::try_from(due - steady()).unwrap_or_default());
            tokio::select! {
                () = wait_for(&mut news, until.clamp(Duration::from_millis(10), LOOK)) => (),
                _ = stop.changed() => return,
            }
        }
    }

    async fn claim_message(&self) -> Result<Option<Claimed>, Problem> {
        let at = steady();
        let due = self.store().read(move |tx| rows::next_due(tx, at)).await?;
        if !self.inner.gate.is_open() || due.is_none_or(|due| due > at) {
            return Ok(None);
        }
        Ok(self.store().write(move |tx| rows::claim(tx, at, LEASE)).await?)
    }

    async fn send_message(&self, Claimed { tenant, delivery }: Claimed) {
        let (sent, all) = match delivery.channel {
            Channel::Webhook => (self.send_webhook(&tenant, &delivery).await, vec![delivery]),
            Channel::Email => self.send_mail(&tenant, delivery).await,
        };
        let sent = sent.unwrap_or_else(|problem| Sent::Later(problem.code.name().to_owned()));
        if let Err(problem) = self.record_sent(tenant, all, sent).await {
            tracing::warn!(%problem, "how a message ended was not recorded; it may be sent again");
        }
    }

    async fn record_sent(&self, tenant: Tenant, all: Vec<Delivery>, sent: Sent) -> Result<(), Problem> {
        let minute = self.inner.minute;
        self.store()
            .write(move |tx| {
                let at = now();
                for delivery in &all {
                    match &sent {
                        Sent::Arrived => rows::finish(tx, &tenant, delivery.id, None, at)?,
                        Sent::Never(why) => rows::finish(tx, &tenant, delivery.id, Some(why), at)?,
                        Sent::Later(why) => match pause(minute, delivery.attempt) {
                            Some(pause) => rows::postpone(tx, &tenant, delivery.id, why, steady() + pause)?,
                            None => rows::finish(tx, &tenant, delivery.id, Some(why), at)?,
                        },
                    }
                }
                Ok::<_, Problem>(())
            })
            .await
    }
}

/// How long until the next try, with jitter; `None` behind the last.
fn pause(minute: SignedDuration, attempt: i64) -> Option<SignedDuration> {
    let step = usize::try_from(attempt - 1).ok().and_then(|index| LADDER.get(index))?;
    Some(minutes(minute, *step).mul_f64(rand::random_range(1.0..JITTER)))
}

/// Ends the claims of before, and what waits for longer than its own pause.
pub(super) fn release(tx: &mut Tx, minute: SignedDuration, at: Timestamp) -> Result<(), Problem> {
    for (attempt, step) in (0..).zip([SETTLE_MINUTES].into_iter().chain(LADDER)) {
        rows::release_all(tx, attempt, at, at + minutes(minute, step).mul_f64(JITTER))?;
    }
    Ok(())
}

/// Whether another try may do better than this problem.
pub(super) fn outcome(problem: &Problem) -> Sent {
    let why = problem.params.get("why").or(problem.params.get("status")).unwrap_or(problem.code.name());
    match problem.code {
        // A name may point at an allowed address again.
        Code::AddressForbidden | Code::WebhookFailed | Code::MailFailed | Code::Fenced => {
            Sent::Later(why.to_owned())
        }
        _ => Sent::Never(why.to_owned()),
    }
}

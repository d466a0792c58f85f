//! Looking at what providers sent, and replaying it.

use super::keep::{look_sooner, request_place};
use super::{Fact, Incoming, Judged, Owner};
use crate::accounts::Caller;
use crate::clock::now;
use crate::events::{Actor, record};
use crate::lines::{LineRef, Page, PageRequest, page_of};
use crate::start::App;
use dialtone_domain::inbound::Refusal;
use dialtone_domain::{Code, ExposeSecret, Problem, Provider, TapeId};
use dialtone_store::KeyOwner;
use dialtone_store::inbound::{note, reported};
use dialtone_store::tape::{self as rows, Filter, Outcome, Stranger};
use serde::Deserialize;
use serde_json::json;

pub use rows::Taped;

/// A request's text.
#[derive(Debug, Clone, Deserialize)]
pub struct Opened {
    /// Path and query.
    pub target: String,
    /// The headers that were kept.
    pub headers: Vec<(String, String)>,
    /// The body; of a long one its beginning.
    pub body: String,
}

/// What came of a replay.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The request as it is now.
    pub taped: Taped,
    /// Whether it told something that had not been known.
    pub is_news: bool,
}

/// The most that are listed of those that name nobody who is here.
const STRANGERS_MAX: i64 = 100;

impl App {
    /// The organisation's requests that the filter lets through, the newest first. `line` narrows it further.
    ///
    /// # Errors
    /// [`Code::NotFound`] where there is no such line.
    pub async fn tape(
        &self,
        caller: &Caller,
        mut filter: Filter,
        line: Option<&LineRef>,
        page: PageRequest,
    ) -> Result<Page<Taped>, Problem> {
        if let Some(line) = line {
            filter.line = Some(self.line_row(&caller.tenant, line).await?.ok_or(Code::NotFound)?.id);
        }
        let (after, limit, tenant) = (page.after()?, page.limit(), caller.tenant.clone());
        let items = self.store().read(move |tx| rows::page(tx, &tenant, &filter, after, limit + 1)).await?;
        Ok(page_of(items, limit, |taped| (taped.received_at, taped.id.0)))
    }

    /// One request, in outline.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn taped(&self, caller: &Caller, id: TapeId) -> Result<Taped, Problem> {
        let tenant = caller.tenant.clone();
        self.store().read(move |tx| rows::get(tx, &tenant, id)).await?.ok_or_else(|| Code::NotFound.into())
    }

    /// One request with its text, where that was kept. It is recorded who looked.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn open_tape(&self, caller: &Caller, id: TapeId) -> Result<(Taped, Option<Opened>), Problem> {
        let (taped, opened) = self.opened(caller, id).await?;
        let (tenant, actor) = (caller.tenant.clone(), Actor::of(caller));
        self.store().write(move |tx| record(tx, &tenant, &actor, "tape.opened", id, None, None)).await?;
        Ok((taped, opened))
    }

    /// Verifies a kept request again, and lets it have its effect if it is believed now. One that was believed before
    /// has none.
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::CannotReplay`] where not all of it was kept.
    pub async fn replay(&self, caller: &Caller, id: TapeId) -> Result<Replay, Problem> {
        let (taped, opened) = self.opened(caller, id).await?;
        if taped.outcome == Outcome::Accepted {
            return Ok(Replay { taped, is_news: false });
        }
        let opened = opened.filter(|_| taped.is_whole).ok_or(Code::CannotReplay)?;
        let Opened { target, headers, body } = opened;
        let named = taped.line_id.map(|line| line.to_string()).unwrap_or_default();
        let incoming =
            Incoming { hook: taped.hook, named, target, headers, body: body.into(), at: taped.received_at };
        let Judged { whose, verdict, .. } = match taped.provider {
            Provider::Twilio => self.judge_twilio(&incoming).await?,
            Provider::Vapi => self.judge_again(caller, &taped, &incoming).await?,
        };
        // What is another organisation's by now is not this one's to let in.
        let owner = whose.filter(|owner| owner.tenant == caller.tenant);
        let verdict =
            if owner.is_some() { verdict } else { Err(taped.refusal.unwrap_or(Refusal::AccountUnknown)) };
        let is_news = self.settle(caller, &taped, owner, verdict).await?;
        Ok(Replay { taped: self.taped(caller, id).await?, is_news })
    }

    /// A message of Vapi's carries its secret no more; it was kept because the secret was right.
    async fn judge_again(
        &self,
        caller: &Caller,
        taped: &Taped,
        incoming: &Incoming,
    ) -> Result<Judged, Problem> {
        let line = taped.line_id.ok_or(Code::CannotReplay)?;
        let found = self.store().read(move |tx| reported(tx, line)).await?;
        let (tenant, row) = found.filter(|(tenant, _)| *tenant == caller.tenant).ok_or(Code::CannotReplay)?;
        let owner = Owner { tenant, line: Some(line), may_keep: true };
        self.judge_message(&incoming.body, owner, row).await
    }

    async fn settle(
        &self,
        caller: &Caller,
        taped: &Taped,
        owner: Option<Owner>,
        verdict: Result<Fact, Refusal>,
    ) -> Result<bool, Problem> {
        let (tenant, actor, id, before) = (caller.tenant.clone(), Actor::of(caller), taped.id, taped.refusal);
        let line = owner.and_then(|owner| owner.line).or(taped.line_id);
        self.store()
            .write(move |tx| {
                let refusal = verdict.as_ref().err().copied();
                let is_news = match &verdict {
                    Ok(Fact { key: Some(key), subject, .. }) => note(tx, &tenant, key, subject, id, now())?,
                    _ => false,
                };
                if is_news && verdict.as_ref().is_ok_and(|fact| fact.is_trouble) {
                    look_sooner(tx, &tenant, line, now())?;
                }
                rows::settle(tx, &tenant, id, line, refusal)?;
                let told = |refusal: Option<Refusal>| Some(json!({ "refusal": refusal.map(Refusal::name) }));
                record(tx, &tenant, &actor, "tape.replayed", id, told(before), told(refusal))?;
                Ok::<_, Problem>(is_news)
            })
            .await
    }

    /// For how many days the organisation's requests are kept.
    ///
    /// # Errors
    /// Only for trouble with the database, as all that follow.
    pub async fn tape_days(&self, caller: &Caller) -> Result<i64, Problem> {
        let tenant = caller.tenant.clone();
        Ok(self.store().read(move |tx| rows::days(tx, &tenant)).await?)
    }

    /// Chooses it.
    pub async fn set_tape_days(&self, caller: &Caller, days: i64) -> Result<(), Problem> {
        let (tenant, actor) = (caller.tenant.clone(), Actor::of(caller));
        self.store()
            .write(move |tx| {
                let before = rows::days(tx, &tenant)?;
                rows::set_days(tx, &tenant, days)?;
                let told = |days: i64| Some(json!({ "days": days }));
                record(tx, &tenant, &actor, "tape.settings_changed", "tape", told(before), told(days))
            })
            .await
    }

    /// Requests that name nobody who is here, on the data directory, without a caller.
    pub async fn local_strangers(&self) -> Result<Vec<Stranger>, Problem> {
        Ok(self.store().read(|tx| rows::strangers(tx, STRANGERS_MAX)).await?)
    }

    /// A request with its text, where that was kept.
    async fn opened(&self, caller: &Caller, id: TapeId) -> Result<(Taped, Option<Opened>), Problem> {
        let (app, tenant) = (self.clone(), caller.tenant.clone());
        self.store()
            .read(move |tx| {
                let taped = rows::get(tx, &tenant, id)?.ok_or(Code::NotFound)?;
                let Some(sealed) = &taped.request else { return Ok((taped, None)) };
                let data_key = app.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
                let text = data_key.open(request_place(&id.to_string()), sealed)?;
                let opened = serde_json::from_str(text.expose_secret()).map_err(|_| Code::Internal)?;
                Ok::<_, Problem>((taped, Some(opened)))
            })
            .await
    }
}

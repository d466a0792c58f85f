//! The schedule: claims what is due, reads what several lines share once, looks at each, and says when it is due again.

use super::LOOK;
use super::alerts::{NewAlert, TWILIO, clear, forget_unwatched, raise};
use super::look::{Look, cause_params};
use super::repair::{Permit, repair};
use super::settings::{in_force, repaired};
use crate::clock::{now, steady};
use crate::engine::{Depth, Hands, Question, Shared, observe};
use crate::lines::import_refusal;
use crate::operations::wait_for;
use crate::settings::{Keys, is_stale};
use crate::start::App;
use dialtone_domain::line::{Cause, Check, Fix, LastCall, Reading};
use dialtone_domain::{AccountSid, AlertKind, AssistantId, Params, Problem, Provider};
use dialtone_store::lines::{self, Line};
use dialtone_store::watch::{self as rows, LineWatch, WatchSettings};
use dialtone_store::{Tenant, Topic, Tx, accounts};
use futures::{FutureExt, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::watch;

/// How long a claim holds without being renewed; it is renewed three times as often.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(20);
/// Lines that are looked at together.
const BATCH: i64 = 50;
/// How many of them at the same time; the providers' own limits hold besides.
const AT_ONCE: usize = 4;
/// Lines that are late by less are not: a server may be started anew.
const LATE: SignedDuration = SignedDuration::from_secs(60);
/// The subject of the alert that lines are looked at late.
const WATCH: &str = "watch";

/// What is the same for every line of a batch.
struct Batch {
    tenant: Tenant,
    keys: Keys,
    settings: WatchSettings,
    repair: Vec<Cause>,
    default: Option<AssistantId>,
    shared: HashMap<AccountSid, Shared>,
    /// When the reading began: nothing of it is newer than that.
    at: Timestamp,
}

/// What the looks of one batch tell of the providers: one alert for each of them and each credential, however many
/// lines depend on it.
#[derive(Default)]
pub(super) struct Verdicts {
    /// By provider: how many lines it answered about, how many not, and whether one of those was unknown before.
    providers: HashMap<&'static str, (usize, usize, bool)>,
    /// By credential: why it is refused, or that it is not.
    credentials: HashMap<String, Option<Params>>,
}

impl Verdicts {
    pub(super) fn of<'a>(looks: impl IntoIterator<Item = (&'a Look, &'a LineWatch)>) -> Self {
        let mut verdicts = Self::default();
        for (look, before) in looks {
            for provider in [Provider::Twilio, Provider::Vapi] {
                verdicts.add(provider, look, before, look.trouble(provider));
            }
        }
        verdicts
    }

    fn add(&mut self, provider: Provider, look: &Look, before: &LineWatch, trouble: Option<Check>) {
        let (up, down, again) = self.providers.entry(provider.title()).or_default();
        let cause = trouble.as_ref().and_then(|check| check.cause);
        if cause.is_some_and(|cause| cause.fix() == Fix::Wait) {
            *down += 1;
            *again |= before.unknown_since.is_some();
            return;
        }
        *up += 1;
        let credential = match provider {
            Provider::Twilio => format!("{TWILIO}{}", look.desired.account_sid),
            Provider::Vapi => "vapi".to_owned(),
        };
        let refused = trouble.map(|check| cause_params(&check).with("provider", provider.title()));
        let known = self.credentials.entry(credential).or_default();
        *known = refused.or(known.take());
    }

    /// Opens and closes the alerts.
    pub(super) fn store(&self, tx: &mut Tx, tenant: &Tenant, minute: SignedDuration) -> Result<(), Problem> {
        for (provider, (up, down, again)) in &self.providers {
            let (kind, subject) = (AlertKind::ProviderDown, provider.to_lowercase());
            match (*up, *down) {
                (0, down) if down > 1 || *again => {
                    let params = Params::default().with("provider", *provider);
                    raise(tx, tenant, minute, &NewAlert { kind, subject, params })?;
                }
                (0, _) => (),
                _ => clear(tx, tenant, minute, kind, &subject)?,
            }
        }
        for (subject, refused) in &self.credentials {
            let kind = AlertKind::CredentialRefused;
            match refused {
                Some(params) => {
                    let (subject, params) = (subject.clone(), params.clone());
                    raise(tx, tenant, minute, &NewAlert { kind, subject, params })?;
                }
                None => clear(tx, tenant, minute, kind, subject)?,
            }
        }
        Ok(())
    }
}

impl App {
    /// Until stopped: looks at the lines that are due.
    pub(super) async fn watch_lines(self, mut stop: watch::Receiver<bool>) {
        let mut news = self.store().wakeups(Topic::Watch);
        while !*stop.borrow() {
            let wait = match self.claim_lines().await {
                Ok(Some((tenant, claimed))) => {
                    let looking = std::panic::AssertUnwindSafe(self.watch_batch(tenant, claimed));
                    if looking.catch_unwind().await.is_err() {
                        tracing::error!("a look at lines panicked; their leases will run out");
                    }
                    continue;
                }
                Ok(None) => self.store().read(|tx| rows::next_due(tx, steady())).await.ok().flatten(),
                Err(problem) => {
                    tracing::warn!(%problem, "no line can be claimed");
                    None
                }
            };
            let until = wait.map_or(LOOK, |due| Duration::try_from(due - steady()).unwrap_or_default());
            tokio::select! {
                () = wait_for(&mut news, until.clamp(Duration::from_millis(10), LOOK)) => (),
                _ = stop.changed() => return,
            }
        }
    }

    async fn claim_lines(&self) -> Result<Option<(Tenant, Vec<LineWatch>)>, Problem> {
        let at = steady();
        // Reading first: a process that has nothing to do writes nothing.
        if self.store().read(move |tx| rows::next_due(tx, at)).await?.is_none_or(|due| due > at) {
            return Ok(None);
        }
        let horizon = at + self.inner.minute / 4;
        Ok(self.store().write(move |tx| rows::claim(tx, at, horizon, LEASE, BATCH)).await?)
    }

    async fn watch_batch(&self, tenant: Tenant, claimed: Vec<LineWatch>) {
        let renewing = async {
            loop {
                tokio::time::sleep(RENEWAL).await;
                let (owner, ids) =
                    (tenant.clone(), claimed.iter().map(|line| line.line_id).collect::<Vec<_>>());
                let renewed = self.store().write(move |tx| {
                    ids.iter().try_for_each(|id| rows::renew(tx, &owner, *id, steady() + LEASE))
                });
                if let Err(error) = renewed.await {
                    tracing::debug!(%error, "the claims of lines were not renewed");
                }
            }
        };
        tokio::select! {
            () = renewing => (),
            result = self.look_at_batch(&tenant, &claimed) => {
                if let Err(problem) = result {
                    tracing::warn!(%problem, "lines could not be looked at; they are tried again");
                    self.give_back(&tenant, claimed.clone()).await;
                }
            }
        }
    }

    /// After trouble of our own: tried again a little later.
    async fn give_back(&self, tenant: &Tenant, claimed: Vec<LineWatch>) {
        let (tenant, later) = (tenant.clone(), steady() + self.minutes(1));
        let given = self.store().write(move |tx| {
            claimed.iter().try_for_each(|line| rows::release(tx, &tenant, line.line_id, line.due_at, later))
        });
        if let Err(error) = given.await {
            tracing::warn!(%error, "lines stay claimed until their leases run out");
        }
    }

    async fn look_at_batch(&self, tenant: &Tenant, claimed: &[LineWatch]) -> Result<(), Problem> {
        let began = steady();
        let keys = self.keys(tenant).await?;
        self.pull(tenant, &keys).await?;
        let (owner, ids) = (tenant.clone(), claimed.iter().map(|line| line.line_id).collect::<Vec<_>>());
        let app = self.clone();
        let (keys, settings, default, lines, seen) = self
            .store()
            .read(move |tx| {
                // With the lines in one reading, so that a rotation in between does not part them.
                let keys = app.keys_in(tx, &owner)?;
                let settings = in_force(tx, &owner)?;
                let default = accounts::organisation(tx, &owner)?.default_assistant_id;
                let (mut lines, mut seen) = (Vec::new(), Vec::new());
                for id in &ids {
                    if let (Some(line), Some(row)) =
                        (lines::get(tx, &owner, *id)?, rows::get(tx, &owner, *id)?)
                    {
                        lines.push(line);
                        seen.push(row);
                    }
                }
                Ok::<_, Problem>((keys, settings, default, lines, seen))
            })
            .await?;
        let repair = repaired(&settings);
        let at = now();
        let shared = self.read_shared(&keys, &lines).await?;
        let batch = Batch { tenant: tenant.clone(), keys, settings, repair, default, shared, at };
        let looks = lines.into_iter().zip(seen).map(|(line, seen)| self.look_at(&batch, line, seen));
        let looks: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        let looks = looks.into_iter().collect::<Result<Vec<_>, _>>()?;
        let interval = self.minutes(batch.settings.interval_minutes);
        let late = claimed.iter().any(|line| began.duration_since(line.due_at) > interval.max(LATE));
        let (owner, minute) = (tenant.clone(), self.inner.minute);
        self.store()
            .write(move |tx| {
                let looks = looks.iter().flatten().map(|(look, seen)| (look, seen));
                Verdicts::of(looks).store(tx, &owner, minute)?;
                let new = NewAlert {
                    kind: AlertKind::WatchLate,
                    subject: WATCH.to_owned(),
                    params: Params::default(),
                };
                match late {
                    true => raise(tx, &owner, minute, &new)?,
                    false => clear(tx, &owner, minute, new.kind, WATCH)?,
                }
                // A line may have been removed since it was looked at.
                forget_unwatched(tx, &owner)
            })
            .await
    }

    /// What several lines share is read once: each Twilio account, and Vapi.
    async fn read_shared(&self, keys: &Keys, lines: &[Line]) -> Result<HashMap<AccountSid, Shared>, Problem> {
        // What cannot be opened is told by each line's own look.
        let vapi = match keys.vapi() {
            Ok(Some(key)) => Some(Shared::vapi(&self.inner.providers.vapi(&key)?, lines.len()).await),
            Ok(None) | Err(_) => None,
        };
        let mut shared = HashMap::new();
        for line in lines {
            if shared.contains_key(&line.twilio_account_sid) {
                continue;
            }
            let of_account = lines.iter().filter(|other| other.twilio_account_sid == line.twilio_account_sid);
            let twilio = match self.line_hands(keys, line).twilio {
                Ok(Some(client)) => Some(Shared::twilio(&client, of_account.count()).await),
                Ok(None) | Err(_) => None,
            };
            shared.insert(line.twilio_account_sid.clone(), Shared { twilio, vapi: vapi.clone() });
        }
        Ok(shared)
    }

    /// One line: seen, kept, judged, repaired where that is wanted, and due again.
    async fn look_at(
        &self,
        batch: &Batch,
        line: Line,
        seen: LineWatch,
    ) -> Result<Option<(Look, LineWatch)>, Problem> {
        let hands = self.line_hands(&batch.keys, &line);
        let look = self.observe_line(batch, &hands, &line, &seen).await;
        let whole = [Provider::Twilio, Provider::Vapi].into_iter().all(|one| look.trouble(one).is_none());
        let due_at = steady() + self.until_next(batch.settings.interval_minutes, whole);
        let (tenant, minute, open) = (batch.tenant.clone(), self.inner.minute, self.inner.gate.is_open());
        let (causes, default) = (batch.repair.clone(), batch.default);
        self.store()
            .write(move |tx| {
                rows::release(tx, &tenant, line.id, seen.due_at, due_at)?;
                let Some(kept) = look.record(tx, &tenant, &line, None)? else { return Ok(None) };
                look.judge(tx, &tenant, &line, &kept.checks, false, minute)?;
                // A restored backup changes nothing outside until somebody says so.
                if open {
                    let permit = Permit { causes: &causes, default, minute };
                    repair(tx, &tenant, &line, &look, &kept.checks, &permit)?;
                }
                Ok(Some((look.clone(), kept.before)))
            })
            .await
    }

    async fn observe_line(&self, batch: &Batch, hands: &Hands, line: &Line, seen: &LineWatch) -> Look {
        let question = Question {
            phone: &line.phone,
            account_sid: Some(&line.twilio_account_sid),
            ours: line.vapi_phone_id,
            import_refusal: import_refusal(line),
            assistant: line.assistant_id,
            stale_token: is_stale(line, &hands.auth_token),
            depth: Depth::Wiring,
            shared: batch.shared.get(&line.twilio_account_sid),
        };
        let mut observed = observe(hands, &question).await;
        // The last call came with all the others.
        let last_call = seen.last_call.clone().and_then(|call| serde_json::from_value::<LastCall>(call).ok());
        if let Reading::Known(view) = &mut observed.vapi {
            view.last_call = last_call;
        }
        Look { desired: self.desired(line, hands, line.assistant_id), observed, at: batch.at }
    }

    /// Jittered, and never later than the interval; sooner where a provider could not be read.
    fn until_next(&self, interval_minutes: i64, whole: bool) -> SignedDuration {
        let interval = self.minutes(interval_minutes);
        let interval = if whole { interval } else { (interval / 3).max(self.minutes(1).min(interval)) };
        interval.mul_f64(rand::random_range(0.8..1.0))
    }
}

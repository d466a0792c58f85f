//! Keeping what was received: once each, sealed, bounded, and counted.

use super::{Fact, Incoming, Judged, Owner, Reply, answer_to};
use crate::clock::new_id;
use crate::start::App;
use crate::throttle::{Quota, Rate};
use crate::vault::Place;
use dialtone_domain::inbound::{About, Hook, Refusal};
use dialtone_domain::text::{self, Params};
use dialtone_domain::{LineId, Problem, Provider, SecretString};
use dialtone_providers::twilio::Twiml;
use dialtone_providers::without_secrets;
use dialtone_store::tape::{Outcome, Stranger, Taped};
use dialtone_store::{KeyOwner, Tenant, Tx, accounts, inbound, tape, watch};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The most that is kept of a body.
const BODY_KEPT_MAX: usize = 64 << 10;
/// The headers that are kept: none of them is a secret, and with them a signature can be checked again.
const HEADERS_KEPT: [&str; 4] =
    ["content-type", "user-agent", "x-twilio-signature", "i-twilio-idempotency-token"];
/// Refused requests that are kept, for each organisation and for nobody: so many at once, then one a second.
const REFUSED_KEPT: Quota = Quota { every: Duration::from_secs(1), burst: 200 };

/// What the inbound side keeps in memory: how many refused requests were kept of late.
pub(crate) struct Inbound(Rate);

impl Inbound {
    pub(crate) fn new() -> Self {
        Self(Rate::new(REFUSED_KEPT))
    }
}

/// A request's text, before it is sealed.
struct Text {
    document: SecretString,
    is_whole: bool,
}

impl App {
    /// Stores what was judged. Answers whose it is where it is believed, whether it is new or not.
    pub(super) async fn keep(
        &self,
        incoming: &Incoming,
        judged: Judged,
    ) -> Result<Result<Owner, Refusal>, Problem> {
        let provider = incoming.hook.provider();
        match (judged.whose, judged.verdict) {
            (Some(owner), Ok(fact)) => {
                let is_new = self.keep_fact(incoming, &owner, fact, &judged.about).await?;
                self.inner.metrics.inbound(provider, if is_new { "accepted" } else { "repeated" });
                Ok(Ok(owner))
            }
            (whose, Err(refusal)) => {
                let org = whose.as_ref().map(|owner| owner.tenant.org().to_string());
                // Of each kind for itself: what anybody can send does not crowd out what took a signature.
                let whose_and_why = format!("{}|{}", org.as_deref().unwrap_or_default(), refusal.name());
                let is_kept = self.inner.inbound.0.admit(&whose_and_why).is_ok();
                if is_kept {
                    self.keep_refused(incoming, whose, refusal, &judged.about).await?;
                }
                tracing::info!(
                    hook = incoming.hook.name(),
                    refusal = refusal.name(),
                    is_kept,
                    "not believed"
                );
                self.inner.metrics.inbound(provider, if is_kept { "refused" } else { "refused_unkept" });
                Ok(Err(refusal))
            }
            // What is believed is somebody's.
            (None, Ok(_)) => Ok(Err(Refusal::AccountUnknown)),
        }
    }

    /// Stores what is told, and says whether it is news.
    async fn keep_fact(
        &self,
        incoming: &Incoming,
        owner: &Owner,
        fact: Fact,
        about: &About,
    ) -> Result<bool, Problem> {
        let row = Taped { line_id: owner.line, ..outline(incoming, about, None) };
        let text = fact.key.is_some().then(|| text_of(incoming)).flatten();
        let (app, tenant) = (self.clone(), owner.tenant.clone());
        self.store()
            .write(move |tx| {
                if let Some(key) = &fact.key
                    && !inbound::note(tx, &tenant, key, &fact.subject, row.id, row.received_at)?
                {
                    tape::repeated(tx, &tenant, key, row.received_at)?;
                    return Ok::<_, Problem>(false);
                }
                app.put_on_tape(tx, &tenant, &row, text.as_ref())?;
                if fact.is_trouble {
                    look_sooner(tx, &tenant, row.line_id, row.received_at)?;
                }
                Ok(true)
            })
            .await
    }

    async fn keep_refused(
        &self,
        incoming: &Incoming,
        whose: Option<Owner>,
        refusal: Refusal,
        about: &About,
    ) -> Result<(), Problem> {
        let row = outline(incoming, about, Some(refusal));
        if let Some(Owner { tenant, line, may_keep }) = whose {
            let row = Taped { line_id: line, ..row };
            let (app, text) = (self.clone(), may_keep.then(|| text_of(incoming)).flatten());
            return self.store().write(move |tx| app.put_on_tape(tx, &tenant, &row, text.as_ref())).await;
        }
        let written = self.store().write(move |tx| match accounts::only_organisation(tx)? {
            // Where there is one organisation, whoever runs it is who wants to know.
            Some(tenant) => tape::insert(tx, &tenant, &row),
            None => {
                let Taped { id, hook, about, received_at, .. } = row.clone();
                tape::insert_stranger(tx, &Stranger { id, hook, refusal, about, received_at })
            }
        });
        Ok(written.await?)
    }

    fn put_on_tape(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        row: &Taped,
        text: Option<&Text>,
    ) -> Result<(), Problem> {
        let mut row = row.clone();
        if let Some(text) = text {
            let data_key = self.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
            row.request = Some(data_key.seal(request_place(&row.id.to_string()), &text.document));
            row.is_whole = text.is_whole;
        }
        Ok(tape::insert(tx, tenant, &row)?)
    }

    /// What is answered to a request that is believed.
    pub(super) async fn reply(&self, hook: Hook, owner: &Owner) -> Result<Reply, Problem> {
        let twiml = match hook {
            Hook::Vapi => return Ok("{}".to_owned()),
            Hook::Voice => {
                let tenant = owner.tenant.clone();
                let organisation = self.store().read(move |tx| accounts::organisation(tx, &tenant)).await?;
                let language = organisation.language;
                let sentence = text::text(language, "voice.nobody", &Params::default());
                Twiml::empty().say(language, &sentence).hang_up()
            }
            _ => Twiml::empty(),
        };
        Ok(twiml.document())
    }
}

/// Where a request is sealed.
pub(super) fn request_place(row: &str) -> Place<'_> {
    Place { table: "tape", row, field: "request" }
}

/// What is kept of a request without its text.
fn outline(incoming: &Incoming, about: &About, refusal: Option<Refusal>) -> Taped {
    let about: Map<String, Value> =
        about.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    Taped {
        id: new_id(),
        line_id: None,
        provider: incoming.hook.provider(),
        hook: incoming.hook,
        outcome: if refusal.is_some() { Outcome::Refused } else { Outcome::Accepted },
        refusal,
        status: refusal.map_or(200, |refusal| i64::from(answer_to(incoming.hook, refusal).status())),
        about: about.into(),
        request: None,
        bytes: i64::try_from(incoming.body.len()).unwrap_or(i64::MAX),
        is_whole: false,
        repeats: 0,
        repeated_at: None,
        received_at: incoming.at,
    }
}

/// Path, headers and body as they are kept. What is no text is not kept: no provider sends it.
fn text_of(incoming: &Incoming) -> Option<Text> {
    let mut body = match incoming.hook.provider() {
        Provider::Twilio => std::str::from_utf8(&incoming.body).ok()?.to_owned(),
        // Vapi sends the credentials of the number along.
        Provider::Vapi => without_secrets(serde_json::from_slice(&incoming.body).ok()?).to_string(),
    };
    let end = body.floor_char_boundary(BODY_KEPT_MAX);
    let is_whole = end == body.len();
    body.truncate(end);
    let kept = |(name, _): &&(String, String)| HEADERS_KEPT.contains(&name.as_str());
    let headers: Vec<_> = incoming.headers.iter().filter(kept).collect();
    let document = json!({ "target": incoming.target, "headers": headers, "body": body });
    Some(Text { document: document.to_string().into(), is_whole })
}

/// Has the line looked at, or all of them where it is not known which.
pub(super) fn look_sooner(
    tx: &mut Tx,
    tenant: &Tenant,
    line: Option<LineId>,
    at: Timestamp,
) -> Result<(), dialtone_store::Error> {
    match line {
        Some(line) => watch::sooner(tx, tenant, line, at),
        // Trouble of the whole account often comes in crowds: one look for all that comes in a minute.
        None => watch::all_sooner(tx, tenant, at + SignedDuration::from_mins(1)),
    }
}

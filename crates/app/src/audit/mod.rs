//! The audit trail as it is read, searched, handed out and verified. What is written to it is in `events`.

mod file;

pub use file::{FILTERED_LINE, audit_line, verify_audit_file};

use crate::accounts::Caller;
use crate::events::{Actor, record};
use crate::lines::Page;
use crate::start::App;
use dialtone_domain::{Code, OrgId, Problem};
use dialtone_store::{Tenant, Tx, accounts, events as rows};
use rows::{Event, Filter};
use serde_json::json;

use dialtone_store::Walk;
pub use dialtone_store::{Break, Flaw, Hash, Head, hash_of_hex};

/// How many events one page looks through for what its filter lets through: a rare one is found a piece at a time.
const LOOK_THROUGH: i64 = 100_000;
/// How many events an export or a verification reads at a time.
const PART: i64 = 1_000;

/// What a verification found of one chain.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whose chain: the organisation's name; none for the installation's own.
    pub name: Option<String>,
    /// The last event that is good.
    pub good: Head,
    /// The first one that is not.
    pub broken: Option<Break>,
}

/// Where an export stands, and how it goes on.
#[derive(Debug, Clone)]
pub struct Export {
    filter: Filter,
    next: i64,
    end: i64,
}

impl Export {
    /// Whether a filter chooses what is handed out.
    pub fn is_filtered(&self) -> bool {
        self.filter != Filter::default()
    }

    /// Whether everything was handed out.
    pub fn is_over(&self) -> bool {
        self.next > self.end
    }
}

impl App {
    /// What the filter lets through of the organisation's events, the newest first, from the page's cursor on. A page
    /// may be short, or empty, and still have a next one.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for a cursor that is none.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: Filter,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Event>, Problem> {
        let cursor = match cursor.map(str::parse::<i64>) {
            Some(Ok(seq)) if seq > 0 => Some(seq),
            Some(_) => return Err(Problem::field("cursor", "validation.cursor")),
            None => None,
        };
        let (tenant, limit) = (caller.tenant.clone(), limit.unwrap_or(50).clamp(1, 100));
        self.store()
            .read(move |tx| {
                let last = match cursor {
                    Some(seq) => seq - 1,
                    None => rows::last_seq(tx, &tenant)?,
                };
                let first = last.saturating_sub(LOOK_THROUGH - 1).max(1);
                let mut items = rows::filtered(tx, &tenant, (first, last), &filter, i64::from(limit) + 1)?;
                let more = items.len() > limit as usize;
                items.truncate(limit as usize);
                let next = if more { items.last().map(|event| event.seq) } else { Some(first) };
                let next_cursor = next.filter(|seq| *seq > 1).map(|seq| seq.to_string());
                Ok(Page { items, next_cursor })
            })
            .await
    }

    /// Begins an export of what the filter lets through, the oldest first. The export is an event itself, and its
    /// last one where the filter lets it through.
    ///
    /// # Errors
    /// Only for trouble with the database, as all below.
    pub async fn begin_audit_export(
        &self,
        caller: &Caller,
        filter: Filter,
        format: &'static str,
    ) -> Result<Export, Problem> {
        let (tenant, actor, wanted) = (caller.tenant.clone(), Actor::of(caller), filter.clone());
        let write = self.store().write(move |tx| {
            let told = json!({
                "format": format, "from": wanted.from.map(|at| at.to_string()),
                "to": wanted.to.map(|at| at.to_string()), "actor": wanted.actor_id, "kind": wanted.kind,
                "subject": wanted.subject_id,
            });
            record(tx, &tenant, &actor, "audit.exported", tenant.org(), None, Some(told))?;
            Ok::<_, Problem>(rows::last_seq(tx, &tenant)?)
        });
        Ok(Export { filter, next: 1, end: write.await? })
    }

    /// The export's next events; few or none where the filter lets few through.
    pub async fn audit_export_part(
        &self,
        caller: &Caller,
        export: &mut Export,
    ) -> Result<Vec<Event>, Problem> {
        let (tenant, filter) = (caller.tenant.clone(), export.filter.clone());
        let seqs = (export.next, export.end.min(export.next + PART - 1));
        export.next = seqs.1 + 1;
        let mut events: Vec<Event> =
            self.store().read(move |tx| rows::filtered(tx, &tenant, seqs, &filter, PART)).await?;
        events.reverse();
        Ok(events)
    }

    /// Verifies the chain of the caller's organisation, also against a head that was noted elsewhere.
    pub async fn verify_audit(
        &self,
        caller: &Caller,
        anchor: Option<(i64, Hash)>,
    ) -> Result<Verdict, Problem> {
        let org = caller.tenant.org();
        let anchor = anchor.map(|(seq, hash)| Head { org, seq, hash });
        let (good, broken) = self.walk(&caller.tenant, anchor).await?;
        Ok(Verdict { name: Some(caller.organisation.name.clone()), good, broken })
    }

    /// Where each chain ends, for the command line on the data directory.
    pub async fn local_audit_heads(&self) -> Result<Vec<Head>, Problem> {
        let heads = |tx: &mut Tx| {
            rows::all_chains(tx)?
                .iter()
                .map(|tenant| rows::head(tx, tenant))
                .collect::<dialtone_store::Result<_>>()
        };
        Ok(self.store().read(heads).await?)
    }

    /// Verifies every chain, or that of the organisation of this name or id, also against heads that were noted
    /// elsewhere; for the command line on the data directory.
    ///
    /// # Errors
    /// [`Code::NotFound`] where nobody has the name or id, or where an anchor is of a chain that is not here.
    pub async fn local_verify_audit(
        &self,
        org: Option<&str>,
        anchors: &[Head],
    ) -> Result<Vec<Verdict>, Problem> {
        let chains = self.store().read(named_chains).await?;
        let known = |anchor: &Head| chains.iter().any(|(tenant, _)| tenant.org() == anchor.org);
        if !anchors.iter().all(known) {
            return Err(Code::NotFound.into());
        }
        let is_wanted = |tenant: &Tenant, name: &Option<String>| {
            org.is_none_or(|wanted| name.as_deref() == Some(wanted) || tenant.org().to_string() == wanted)
        };
        let mut verdicts = Vec::new();
        for (tenant, name) in chains.into_iter().filter(|(tenant, name)| is_wanted(tenant, name)) {
            let anchor = anchors.iter().find(|anchor| anchor.org == tenant.org()).cloned();
            let (good, broken) = self.walk(&tenant, anchor).await?;
            verdicts.push(Verdict { name, good, broken });
        }
        if verdicts.is_empty() { Err(Code::NotFound.into()) } else { Ok(verdicts) }
    }

    /// Walks a chain in pieces, so that no transaction grows old; events that are written meanwhile are walked too.
    async fn walk(&self, tenant: &Tenant, anchor: Option<Head>) -> Result<(Head, Option<Break>), Problem> {
        let org: OrgId = tenant.org();
        let mut walk = match Walk::new(org, anchor) {
            Ok(walk) => walk,
            Err(broken) => return Ok((Head::genesis(org), Some(broken))),
        };
        // From the least number there is: an event below 1 was never written.
        let mut after = i64::MIN;
        loop {
            let tenant = tenant.clone();
            let part = move |tx: &mut Tx| -> dialtone_store::Result<_> {
                Ok((rows::head(tx, &tenant)?, rows::after(tx, &tenant, after, PART)?))
            };
            let (head, events) = self.store().read(part).await?;
            let end = events.is_empty().then(|| walk.end(&head));
            let broken = events.iter().find_map(|event| walk.step(event).err());
            if broken.is_some() || end.is_some() {
                return Ok((walk.last().clone(), broken.or(end.and_then(Result::err))));
            }
            after = walk.last().seq;
        }
    }
}

fn named_chains(tx: &mut Tx) -> dialtone_store::Result<Vec<(Tenant, Option<String>)>> {
    let installation = rows::installation(tx)?;
    let name = |tenant: Tenant, tx: &mut Tx| match installation.as_ref() == Some(&tenant) {
        true => Ok((tenant, None)),
        false => accounts::organisation(tx, &tenant).map(|org| (tenant, Some(org.name))),
    };
    rows::all_chains(tx)?.into_iter().map(|tenant| name(tenant, tx)).collect()
}

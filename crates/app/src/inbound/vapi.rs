//! Vapi's messages: whether they carry the line's secret, and name what is the line's.

use super::{Fact, Incoming, Judged, Owner};
use crate::settings::line_server_place;
use crate::start::App;
use dialtone_domain::inbound::{Refusal, VapiMessage};
use dialtone_domain::{LineId, Problem, SecretString};
use dialtone_providers::vapi::{Unproved, prove};
use dialtone_store::inbound::{is_anothers, known, reported};
use dialtone_store::lines::Line;
use dialtone_store::{KeyOwner, Tenant, Tx};
use serde_json::Value;

impl App {
    pub(super) async fn judge_vapi(&self, incoming: &Incoming) -> Result<Judged, Problem> {
        let line = incoming.named.parse::<LineId>().unwrap_or(LineId(uuid::Uuid::nil()));
        let app = self.clone();
        let (found, secret) = self.store().read(move |tx| app.line_and_secret(tx, line)).await?;
        let proof = prove(&secret, &incoming.headers, &incoming.body);
        let Some((tenant, line)) = found else {
            return Ok(Judged { whose: None, verdict: Err(Refusal::LineUnknown), about: Vec::new() });
        };
        let refusal = match proof {
            _ if line.server_secret.is_none() => Some(Refusal::SecretUnset),
            Err(Unproved::Missing) => Some(Refusal::ProofMissing),
            Err(Unproved::Wrong) => Some(Refusal::ProofWrong),
            Ok(()) => None,
        };
        let owner = Owner { tenant, line: Some(line.id), may_keep: refusal.is_none() };
        if let Some(refusal) = refusal {
            return Ok(Judged { whose: Some(owner), verdict: Err(refusal), about: Vec::new() });
        }
        self.judge_message(&incoming.body, owner, line).await
    }

    /// A message that is proved to be from Vapi; what it names has to be the line's all the same.
    pub(super) async fn judge_message(
        &self,
        body: &[u8],
        owner: Owner,
        line: Line,
    ) -> Result<Judged, Problem> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let message = match VapiMessage::read(&body) {
            Ok(message) => message,
            Err(refusal) => {
                return Ok(Judged { whose: Some(owner), verdict: Err(refusal), about: Vec::new() });
            }
        };
        let subject = message.call.clone().unwrap_or_default();
        let is_strange = self.is_strange(&owner.tenant, line, body, subject.clone()).await?;
        let key = message.key.map(|key| format!("vapi/{}/{key}", owner.tenant.org()));
        let fact = Fact { key, subject, is_trouble: message.is_trouble };
        let verdict = if is_strange { Err(Refusal::IdUnknown) } else { Ok(fact) };
        Ok(Judged { whose: Some(owner), verdict, about: message.about })
    }

    /// Whether a message names what is not known to be the line's.
    async fn is_strange(
        &self,
        tenant: &Tenant,
        line: Line,
        body: Value,
        call: String,
    ) -> Result<bool, Problem> {
        let tenant = tenant.clone();
        let strange = self.store().read(move |tx| {
            let known = known(tx, &tenant, &line)?;
            Ok::<_, dialtone_store::Error>(
                VapiMessage::stranger(&body, &known).is_some() || is_anothers(tx, &tenant, &call)?,
            )
        });
        Ok(strange.await?)
    }

    /// The line and its secret; a decoy where there is none.
    fn line_and_secret(
        &self,
        tx: &mut Tx,
        line: LineId,
    ) -> Result<(Option<(Tenant, Line)>, SecretString), Problem> {
        let found = reported(tx, line)?;
        let secret =
            found.as_ref().and_then(|(tenant, line)| Some((tenant, line, line.server_secret.as_ref()?)));
        let secret = match secret {
            Some((tenant, line, sealed)) => {
                let data_key = self.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
                data_key.open(line_server_place(&line.id.to_string()), sealed)?
            }
            None => self.decoy(tx)?,
        };
        Ok((found, secret))
    }
}

//! Twilio's requests: whose they are, and whether the account's token signs them.

use super::{Fact, Incoming, Judged, Owner};
use crate::settings::{line_token_place, twilio_place};
use crate::start::App;
use dialtone_domain::inbound::{Form, Ours, Refusal, TwilioRequest, read_form};
use dialtone_domain::{LineId, Problem, SecretString};
use dialtone_providers::twilio::Signed;
use dialtone_store::inbound::{Signer, signers};
use dialtone_store::{KeyOwner, Tx};
use serde_json::Value;

/// As many secrets are tried at least, so that the time does not tell how many there are: a line's, its settings', and
/// the account's other line's.
const TRIED_MIN: usize = 3;

impl App {
    pub(super) async fn judge_twilio(&self, incoming: &Incoming) -> Result<Judged, Problem> {
        let fields = fields(incoming);
        let request = fields.as_ref().map_err(|refusal| *refusal);
        let request = request.and_then(|fields| TwilioRequest::read(incoming.hook, fields));
        let (signers, tokens) = self.tokens_for(request.as_ref().ok()).await?;
        let signatures = incoming.header("x-twilio-signature");
        let signed = Signed {
            public_url: &self.inner.public_url,
            target: &incoming.target,
            form: fields.as_deref().ok().filter(|_| !incoming.is_json()),
            body: &incoming.body,
            signature: if signatures.len() == 1 { signatures[0] } else { "" },
        };
        let signed = signed.check(&tokens.iter().collect::<Vec<_>>());
        let request = match request {
            Ok(request) => request,
            Err(refusal) => return Ok(Judged { whose: None, verdict: Err(refusal), about: Vec::new() }),
        };
        let (whose, verdict) = decide(&request.ours, &signers, &signed, !signatures.is_empty());
        let line = verdict.as_ref().ok().copied().flatten();
        let owner = whose.map(|index| Owner { tenant: signers[index].tenant(), line, may_keep: true });
        let TwilioRequest { account, key, subject, is_trouble, about, .. } = request;
        let fact = Fact { key: Some(format!("twilio/{account}/{key}")), subject, is_trouble };
        Ok(Judged { whose: owner, verdict: verdict.map(|_| fact), about })
    }

    /// Who may have signed it, each with a token, somebody whose token was changed lately also with the one before; behind
    /// them as many decoys as hide how many there are.
    async fn tokens_for(
        &self,
        request: Option<&TwilioRequest>,
    ) -> Result<(Vec<Signer>, Vec<SecretString>), Problem> {
        let (app, request) = (self.clone(), request.cloned());
        self.store()
            .read(move |tx| {
                let (mut found, mut previous) = (Vec::new(), Vec::new());
                if let Some(TwilioRequest { account, ours, .. }) = &request {
                    let phone = match ours {
                        Ours::Number(phone) => Some(phone),
                        Ours::Account => None,
                    };
                    found = signers(tx, account, phone)?;
                    previous = app.previous_tokens(tx, account)?;
                }
                let mut tokens = Vec::new();
                for signer in &found {
                    tokens.push(app.token_of(tx, signer)?);
                }
                for (org, token) in previous {
                    let theirs: Vec<_> = found.iter().filter(|signer| signer.org == org).cloned().collect();
                    tokens.extend(theirs.iter().map(|_| token.clone()));
                    found.extend(theirs);
                }
                while tokens.len() < TRIED_MIN {
                    tokens.push(app.decoy(tx)?);
                }
                Ok::<_, Problem>((found, tokens))
            })
            .await
    }

    fn token_of(&self, tx: &mut Tx, signer: &Signer) -> Result<SecretString, Problem> {
        let (line, org) = (signer.line.map(|line| line.to_string()), signer.org.to_string());
        let place = line.as_deref().map_or_else(|| twilio_place(&org), line_token_place);
        self.inner.vault.data_key(tx, KeyOwner::Org(signer.org))?.open(place, &signer.token)
    }
}

/// The fields of a form, or of a JSON object where Twilio sends one.
fn fields(incoming: &Incoming) -> Result<Form, Refusal> {
    if !incoming.is_json() {
        return read_form(&incoming.body);
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(&incoming.body) else {
        return Err(Refusal::Malformed);
    };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(members.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Whose request it is by its place among the signers, and the line that it is for or why it is refused. Account, number
/// and token have to belong to one organisation.
fn decide(
    ours: &Ours,
    signers: &[Signer],
    signed: &[bool],
    has_signature: bool,
) -> (Option<usize>, Result<Option<LineId>, Refusal>) {
    let good: Vec<usize> = (0..signers.len()).filter(|index| signed[*index]).collect();
    let Some(first) = good.first().copied() else {
        return match (signers.is_empty(), has_signature) {
            (true, _) => (None, Err(Refusal::AccountUnknown)),
            (false, false) => (Some(0), Err(Refusal::SignatureMissing)),
            (false, true) => (Some(0), Err(Refusal::SignatureWrong)),
        };
    };
    match ours {
        Ours::Number(phone) => {
            match good.iter().copied().find(|index| signers[*index].phone.as_ref() == Some(phone)) {
                Some(index) => (Some(index), Ok(signers[index].line)),
                None => (Some(first), Err(Refusal::NumberUnknown)),
            }
        }
        Ours::Account if good.iter().all(|index| signers[*index].org == signers[first].org) => {
            (Some(first), Ok(None))
        }
        Ours::Account => (None, Err(Refusal::AccountShared)),
    }
}

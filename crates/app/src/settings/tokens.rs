//! The auth token of a Twilio account: one per organisation and account, wherever it is kept. When another one
//! takes its place, the one before is accepted on webhooks for a while, since Twilio signs with it until the new one
//! is promoted; and Vapi is given the new one by an operation on each line.

use super::keys::{line_token_place, twilio_place};
use crate::clock::{new_id, now};
use crate::credentials::{fingerprint, last4};
use crate::events::Actor;
use crate::operations::{Kind, NewOperation, start};
use crate::start::App;
use crate::vault::Place;
use dialtone_domain::{AccountSid, Code, ExposeSecret, LineId, OrgId, Problem, SecretString};
use dialtone_store::lines::{self, Line};
use dialtone_store::{KeyOwner, Tenant, Tx, previous_tokens as previous, settings as rows};
use jiff::SignedDuration;

/// How long the token before is accepted.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

fn previous_place(row: &str) -> Place<'_> {
    Place { table: "previous_tokens", row, field: "auth_token" }
}

impl App {
    /// The tokens of an account whose place another one took in the last 24 hours, and whose they are.
    ///
    /// # Errors
    /// [`Code::Sealed`] where one of them cannot be opened: what it signs cannot be verified, and has to come again.
    pub(crate) fn previous_tokens(
        &self,
        tx: &mut Tx,
        account: &AccountSid,
    ) -> Result<Vec<(OrgId, SecretString)>, Problem> {
        let mut tokens = Vec::new();
        for row in previous::of_account(tx, account, now())? {
            let data_key = self.inner.vault.data_key(tx, KeyOwner::Org(row.org_id))?;
            tokens.push((row.org_id, data_key.open(previous_place(&row.id), &row.auth_token)?));
        }
        Ok(tokens)
    }

    /// Puts a token that Twilio has just accepted wherever the account's token is kept, and has Vapi told.
    pub(crate) fn adopt_token(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        actor: &Actor,
        account: &AccountSid,
        token: &SecretString,
    ) -> Result<(), Problem> {
        let mut before = Vec::new();
        let keys = self.keys_in(tx, tenant)?;
        let same = |old: &SecretString| is(old, token);
        if let Some(row) = rows::twilio(tx, tenant)?.filter(|row| row.account_sid == *account) {
            let org = tenant.org().to_string();
            let old = keys.data_key.open(twilio_place(&org), &row.auth_token).ok();
            if !old.as_ref().is_some_and(same) {
                let auth_token = keys.data_key.seal(twilio_place(&org), token);
                let row =
                    rows::TwilioSettings { auth_token, token_last4: last4(token), updated_at: now(), ..row };
                rows::put_twilio(tx, tenant, &row)?;
                before.extend(old);
            }
        }
        for id in lines::of_account(tx, tenant, account)? {
            let Some(line) = lines::get(tx, tenant, id)? else { continue };
            let place = id.to_string();
            let old = keys.data_key.open(line_token_place(&place), &line.twilio_auth_token).ok();
            if old.as_ref().is_some_and(same) {
                continue;
            }
            let sealed = keys.data_key.seal(line_token_place(&place), token);
            // What Vapi has where nobody noted it: the token before, or something older still.
            let given = line.vapi_token.or_else(|| Some(old.as_ref().map(fingerprint).unwrap_or_default()));
            lines::set_token(tx, tenant, id, &sealed, given.as_deref(), now())?;
            before.extend(old.filter(|old| before.iter().all(|known| !is(known, old))));
            self.tell_vapi(tx, tenant, actor, id, None)?;
        }
        self.keep_previous(tx, tenant, account, &before)
    }

    fn keep_previous(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        account: &AccountSid,
        tokens: &[SecretString],
    ) -> Result<(), Problem> {
        let data_key = self.inner.vault.data_key(tx, KeyOwner::Org(tenant.org()))?;
        for token in tokens {
            let id = new_id::<uuid::Uuid>().to_string();
            let auth_token = data_key.seal(previous_place(&id), token);
            let expires_at = now() + OVERLAP;
            let row = previous::PreviousToken { id, org_id: tenant.org(), auth_token, expires_at };
            previous::insert(tx, account, &row)?;
        }
        Ok(())
    }

    /// Starts the operation that gives Vapi the present token, where Vapi has another one, the line is free,
    /// and it is not the one that was just tried. The
    /// end of an operation does this, too: what one of them was in the way of is made good then.
    pub(crate) fn tell_vapi(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        actor: &Actor,
        line: LineId,
        tried: Option<&SecretString>,
    ) -> Result<(), Problem> {
        let Some(line) = lines::get(tx, tenant, line)?.filter(|line| line.vapi_phone_id.is_some()) else {
            return Ok(());
        };
        let hands = self.line_hands(&self.keys_in(tx, tenant)?, &line);
        if !is_stale(&line, &hands.auth_token) || tried.is_some_and(|tried| is(tried, &hands.auth_token)) {
            return Ok(());
        }
        let desired = self.desired(&line, &hands, line.assistant_id);
        let new = NewOperation { line: line.id, kind: Kind::Credentials, desired, undo_of: None };
        match start(tx, tenant, actor, &new) {
            Err(problem) if problem.code == Code::LineBusy => Ok(()),
            started => started.map(drop),
        }
    }
}

fn is(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// Whether Vapi was given another token of the line's account than this one, as far as is known. No token, one that
/// cannot be opened, is not another one.
pub(crate) fn is_stale(line: &Line, token: &SecretString) -> bool {
    let known = !token.expose_secret().is_empty();
    known && line.vapi_token.as_ref().is_some_and(|given| *given != fingerprint(token))
}

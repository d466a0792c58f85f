//! Who calls, and what they may do (T3 [D]).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Twilio;
use super::accounts::{Account, Status};
use super::errors::Problem;
use super::keys::Rights;

/// An authenticated caller.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The account whose token or key it is.
    pub(crate) account: String,
    pub(crate) rights: Rights,
}

/// The user and password of a Basic `Authorization` header.
pub(crate) fn basic(header: Option<&str>) -> Option<(String, String)> {
    let encoded = header?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, secret) = decoded.split_once(':')?;
    Some((user.to_owned(), secret.to_owned()))
}

/// `AC…` with its auth token or its secondary one, or `SK…` with its secret (T3 [D]).
pub(crate) fn authenticate(twilio: &Twilio, user: &str, secret: &str) -> Result<Caller, Problem> {
    let knows = |account: &&Account| {
        account.auth_token == secret || account.secondary_token.as_deref() == Some(secret)
    };
    if let Some(account) = twilio.account(user).filter(knows) {
        return Ok(Caller { account: account.sid.clone(), rights: Rights::Everything });
    }
    let keys = twilio.accounts.iter().flat_map(|account| account.keys.iter().map(move |key| (account, key)));
    keys.filter(|(_, key)| key.sid == user && key.secret == secret)
        .map(|(account, key)| Caller { account: account.sid.clone(), rights: key.rights.clone() })
        .next()
        .ok_or_else(Problem::authenticate)
}

/// Whether `caller` may use `area` of `account` at all. Foreign accounts answer like absent ones (T2 [E]);
/// a parent acts on its subaccounts (T3 [S][D]).
pub(crate) fn admit(
    twilio: &Twilio,
    caller: &Caller,
    account: &str,
    area: &str,
    writes: bool,
    uri: &str,
) -> Result<(), Problem> {
    let target = twilio.account(account).ok_or_else(|| Problem::not_found(uri))?;
    if target.sid != caller.account && target.owner != caller.account {
        return Err(Problem::not_found(uri));
    }
    // Accounts that are suspended or closed, or whose parent is: 20005 "account not active" (T2 [E]). That
    // the account resource stays readable for it, so that its status can be seen at all, and writable for
    // an active parent, is [?].
    let closed = twilio.account(&caller.account).is_none_or(|account| account.status == Status::Closed);
    let looks_only = area == "accounts" && !writes && !closed;
    let inactive = |sid: &str| Err(Problem::new(20005, format!("Account {sid} is not active")));
    if !twilio.is_active(&caller.account) && !looks_only {
        return inactive(&caller.account);
    }
    if !twilio.is_active(account) && area != "accounts" {
        return inactive(account);
    }
    allow(&caller.rights, area, writes)
}

/// A standard key may do everything except `/Accounts` and `/Keys` (T3 [D]); that it is told so by
/// 401/20003 is [I]. A restricted key has a list of permissions (T3 [D]); their names are ours [?].
pub(crate) fn allow(rights: &Rights, area: &str, writes: bool) -> Result<(), Problem> {
    let permission = format!("{area}/{}", if writes { "write" } else { "read" });
    match rights {
        Rights::Everything => Ok(()),
        Rights::Standard if matches!(area, "accounts" | "keys") => Err(Problem::authenticate()),
        Rights::Standard => Ok(()),
        Rights::Restricted(permissions) if permissions.contains(&permission) => Ok(()),
        Rights::Restricted(_) => Err(Problem::forbidden()),
    }
}

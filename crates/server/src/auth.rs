//! Who asks: a bearer token or the session's cookie. What another site sends with our cookie is refused.

use crate::site::Site;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use dialtone_app::{Credential, SignedIn, clock};
use dialtone_domain::{Code, ExposeSecret, Problem};
use std::sync::Arc;
use url::{Origin, Url};

/// Who asks; cheap to pass around.
pub(crate) type Caller = Arc<dialtone_app::Caller>;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const COOKIE: &str = "dialtone_session";
/// Longer ones are not ours.
const SECRET_LENGTH_MAX: usize = 200;

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The request's cookies, name and value.
pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

fn session_secret(headers: &HeaderMap) -> Option<&str> {
    cookies(headers).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Whoever the request's credential belongs to. A credential in the header counts alone: a wrong one is not
/// made good by a cookie.
///
/// # Errors
/// [`Code::NotSignedIn`], or trouble with the database.
pub(crate) async fn caller(site: &Site, headers: &HeaderMap) -> Result<Caller, Problem> {
    let usable = |secret: &&str| !secret.is_empty() && secret.len() <= SECRET_LENGTH_MAX;
    let caller = match headers.contains_key(header::AUTHORIZATION) {
        true => match bearer(headers).filter(usable) {
            Some(token) => site.app.caller_by_token(token).await?,
            None => None,
        },
        false => match session_secret(headers).filter(usable) {
            Some(secret) => site.app.caller_by_session(secret).await?,
            None => None,
        },
    };
    caller.map(Arc::new).ok_or_else(|| Code::NotSignedIn.into())
}

/// That the caller has the second factor that their organisation requires, if it does.
///
/// # Errors
/// [`Code::SecondFactorNeeded`], or trouble with the database.
pub(crate) async fn check_factor(site: &Site, caller: &Caller) -> Result<(), Problem> {
    match site.app.lacks_factor(caller).await? {
        true => Err(Code::SecondFactorNeeded.into()),
        false => Ok(()),
    }
}

/// Whether a request that changes something comes from our own pages. Browsers say so themselves; a program
/// with a token need not.
pub(crate) fn is_cross_site(
    site: &Site,
    method: &Method,
    headers: &HeaderMap,
    caller: Option<&Caller>,
) -> bool {
    if method.is_safe() {
        return false;
    }
    if caller.is_some_and(|caller| matches!(caller.credential, Credential::Token(_))) {
        return false;
    }
    match (text(headers, SEC_FETCH_SITE), headers.get(header::ORIGIN)) {
        (Some(from), _) => !matches!(from, "same-origin" | "none"),
        (None, Some(origin)) => !is_ours(site, headers, origin),
        // No browser leaves both out of a change; without a cookie there is nothing to misuse.
        (None, None) => caller.is_some(),
    }
}

/// Whether another site's page led here: what signs in by being opened must not be opened by strangers.
pub(crate) fn is_led_here(headers: &HeaderMap) -> bool {
    matches!(text(headers, SEC_FETCH_SITE), Some("cross-site" | "same-site"))
}

/// Our public address, or the very host that the request came to.
fn is_ours(site: &Site, headers: &HeaderMap, origin: &HeaderValue) -> bool {
    let origin_of = |text: &str| Url::parse(text).ok().map(|url| url.origin()).filter(Origin::is_tuple);
    let Some(theirs) = origin.to_str().ok().and_then(origin_of) else {
        return false;
    };
    let host = text(headers, header::HOST).unwrap_or_default();
    let here = ["http", "https"].map(|scheme| origin_of(&format!("{scheme}://{host}")));
    theirs == site.public_url.origin() || here.contains(&Some(theirs))
}

/// The cookie of a session that has just begun.
pub(crate) fn session_cookie(site: &Site, session: &SignedIn) -> HeaderValue {
    let seconds = session.expires_at.duration_since(clock::now()).as_secs().max(0);
    cookie(site, COOKIE, session.secret.expose_secret(), seconds)
}

/// The cookie that ends one.
pub(crate) fn no_cookie(site: &Site) -> HeaderValue {
    cookie(site, COOKIE, "", 0)
}

/// A cookie that scripts do not see and other sites do not send; no seconds take it away.
pub(crate) fn cookie(site: &Site, name: &str, value: &str, seconds: i64) -> HeaderValue {
    let secure = if site.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&text).expect("our secrets are plain ASCII");
    value.set_sensitive(true);
    value
}

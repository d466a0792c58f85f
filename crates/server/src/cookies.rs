//! The cookies by which a browser is recognised before anybody is signed in: what has begun, and who was here before.

use crate::auth;
use crate::site::Site;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::AppendHeaders;
use dialtone_app::{Begun, DEVICE_COOKIE, SignedIn, clock};
use dialtone_domain::{ExposeSecret, SecretString};

/// Holds what takes two requests to finish.
const CEREMONY_COOKIE: &str = "dialtone_ceremony";
/// Longer ones are not ours.
const COOKIE_LENGTH_MAX: usize = 2_000;
/// How many of them one browser may show: as many people as sign in on it.
const DEVICES_MAX: usize = 20;
/// Half a year.
const DEVICE_SECONDS: i64 = 180 * 24 * 60 * 60;

fn ours(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    auth::cookies(headers).filter(|(_, value)| value.len() <= COOKIE_LENGTH_MAX)
}

/// That the browser signed somebody in before.
pub(crate) fn known(headers: &HeaderMap) -> Vec<SecretString> {
    let devices = ours(headers).filter(|(name, _)| name.starts_with(DEVICE_COOKIE)).take(DEVICES_MAX);
    devices.map(|(_, value)| value.into()).collect()
}

/// What the browser has begun.
pub(crate) fn ceremony(headers: &HeaderMap) -> Option<SecretString> {
    ours(headers).find(|(name, _)| *name == CEREMONY_COOKIE).map(|(_, value)| value.into())
}

/// The cookies of a browser that has just signed in: its session, and that it is known. What had begun is over.
pub(crate) fn signed_in(
    site: &Site,
    session: &SignedIn,
) -> AppendHeaders<Vec<(header::HeaderName, HeaderValue)>> {
    let mut cookies = vec![auth::session_cookie(site, session), auth::cookie(site, CEREMONY_COOKIE, "", 0)];
    let device = session.known.iter();
    cookies.extend(
        device.map(|device| auth::cookie(site, &device.name, device.value.expose_secret(), DEVICE_SECONDS)),
    );
    AppendHeaders(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect())
}

/// The cookie of what has begun.
pub(crate) fn begun(site: &Site, begun: &Begun) -> AppendHeaders<[(header::HeaderName, HeaderValue); 1]> {
    let seconds = begun.expires_at.duration_since(clock::now()).as_secs().max(0);
    let cookie = auth::cookie(site, CEREMONY_COOKIE, begun.cookie.expose_secret(), seconds);
    AppendHeaders([(header::SET_COOKIE, cookie)])
}

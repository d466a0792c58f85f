//! THE table: every route with who may use it. One layer authenticates and authorises by it; a route that is
//! not in it stops the server from starting, and so does an operation that the router does not have.

use crate::address::ClientAddress;
use crate::auth::{self, Caller};
use crate::idempotency;
use crate::problem::Failure;
use crate::site::Site;
use crate::views::asked_language;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dialtone_app::Credential;
use dialtone_domain::{Code, Language, Permission, Problem};
use std::net::SocketAddr;
use std::sync::LazyLock;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anyone.
    Public,
    /// A caller with any role, and programs on this machine.
    Local,
    /// A person who is signed in, whatever the role; not a program with a token.
    Session,
    /// A provider; the application finds out whether it is one.
    Provider,
    /// A caller who has the permission.
    Member(Permission),
}

/// One row of the table.
pub(crate) struct Rule {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// Takes an `Idempotency-Key`.
    pub(crate) idempotent: bool,
    /// Asks the providers, so it can answer with their problems.
    pub(crate) providers: bool,
    /// Open to members who still have to add the second factor that their organisation requires.
    pub(crate) enrols: bool,
    /// Problems of its own, by status.
    pub(crate) also: &'static [u16],
    /// Works without the master key although it changes something: signing in and out.
    pub(crate) sealed: bool,
}

impl Rule {
    fn once(self) -> Self {
        Self { idempotent: true, ..self }
    }

    fn providers(self) -> Self {
        Self { providers: true, ..self }
    }

    fn even_sealed(self) -> Self {
        Self { sealed: true, ..self }
    }

    fn enrols(self) -> Self {
        Self { enrols: true, ..self }
    }

    fn also(self, also: &'static [u16]) -> Self {
        Self { also, ..self }
    }
}

fn rule(method: Method, path: &'static str, access: Access) -> Rule {
    Rule {
        method,
        path,
        access,
        idempotent: false,
        providers: false,
        enrols: false,
        also: &[],
        sealed: false,
    }
}

fn open(method: Method, path: &'static str) -> Rule {
    rule(method, path, Access::Public)
}

fn person(method: Method, path: &'static str) -> Rule {
    rule(method, path, Access::Session)
}

fn provider(path: &'static str) -> Rule {
    rule(Method::POST, path, Access::Provider).also(&[400, 401, 413])
}

fn needs(method: Method, path: &'static str, permission: Permission) -> Rule {
    rule(method, path, Access::Member(permission))
}

use Method as M;
use Permission as P;

pub(crate) static TABLE: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    vec![
        open(M::GET, "/healthz"),
        open(M::GET, "/readyz").also(&[503]),
        rule(M::GET, "/metrics", Access::Local),
        open(M::GET, "/api/openapi.json"),
        open(M::GET, "/sign-in/{code}").also(&[401]),
        open(M::GET, "/sign-in/oidc").also(&[404, 502]),
        open(M::GET, "/sign-in/oidc/callback").also(&[401, 403, 404, 502]),
        open(M::GET, "/api/v1/setup"),
        open(M::POST, "/api/v1/setup").also(&[401, 409]),
        open(M::GET, "/api/v1/sign-in-methods"),
        open(M::POST, "/api/v1/session").also(&[401]).even_sealed(),
        open(M::POST, "/api/v1/session/second-factor").also(&[401]),
        open(M::POST, "/api/v1/session/passkey/options").also(&[409]),
        open(M::POST, "/api/v1/session/passkey").also(&[401, 409]),
        needs(M::GET, "/api/v1/session", P::Member).enrols(),
        needs(M::PATCH, "/api/v1/session", P::AccountOwn),
        needs(M::DELETE, "/api/v1/session", P::Member).enrols().even_sealed(),
        person(M::POST, "/api/v1/session/organisation").enrols().also(&[404]),
        person(M::GET, "/api/v1/sessions"),
        person(M::DELETE, "/api/v1/sessions"),
        person(M::DELETE, "/api/v1/sessions/{id}"),
        needs(M::GET, "/api/v1/me", P::Member).enrols(),
        needs(M::PATCH, "/api/v1/me", P::AccountOwn),
        person(M::PUT, "/api/v1/me/password").enrols(),
        open(M::POST, "/api/v1/password-reset").also(&[409]),
        open(M::POST, "/api/v1/password-reset/complete").also(&[401]),
        needs(M::GET, "/api/v1/organisations", P::Member).enrols(),
        person(M::POST, "/api/v1/organisations").once(),
        needs(M::GET, "/api/v1/me/factors", P::Member).enrols(),
        person(M::POST, "/api/v1/me/factors/totp").enrols().also(&[409]),
        person(M::POST, "/api/v1/me/factors/totp/confirm").enrols().also(&[409]),
        person(M::POST, "/api/v1/me/factors/totp/remove").also(&[404, 409]),
        person(M::POST, "/api/v1/me/factors/recovery-codes").also(&[404]),
        person(M::POST, "/api/v1/me/factors/passkeys/options").enrols().also(&[409]),
        person(M::POST, "/api/v1/me/factors/passkeys").enrols().also(&[409]),
        person(M::PATCH, "/api/v1/me/factors/passkeys/{id}"),
        person(M::POST, "/api/v1/me/factors/passkeys/{id}/remove").also(&[409]),
        needs(M::PUT, "/api/v1/organisation/second-factor", P::OrganisationChange).also(&[409]),
        person(M::DELETE, "/api/v1/members/{id}/factors").also(&[409]),
        needs(M::GET, "/api/v1/instance", P::Member).also(&[404]),
        needs(M::DELETE, "/api/v1/instance/fence", P::InstanceChange).also(&[404]),
        needs(M::GET, "/api/v1/organisation", P::Member),
        needs(M::PATCH, "/api/v1/organisation", P::OrganisationChange).providers(),
        needs(M::GET, "/api/v1/members", P::MembersRead),
        needs(M::POST, "/api/v1/members", P::MembersChange).once(),
        needs(M::PATCH, "/api/v1/members/{id}", P::MembersChange).also(&[409]),
        needs(M::DELETE, "/api/v1/members/{id}", P::MembersChange).also(&[409]),
        needs(M::GET, "/api/v1/invitations", P::MembersChange),
        needs(M::POST, "/api/v1/invitations", P::MembersChange).once(),
        needs(M::DELETE, "/api/v1/invitations/{id}", P::MembersChange),
        open(M::POST, "/api/v1/invitation").also(&[401]),
        open(M::POST, "/api/v1/invitation/join").also(&[401, 409, 429]),
        person(M::POST, "/api/v1/invitation/accept").also(&[409]),
        needs(M::GET, "/api/v1/tokens", P::TokensOwn),
        needs(M::POST, "/api/v1/tokens", P::TokensOwn).once(),
        needs(M::DELETE, "/api/v1/tokens/{id}", P::TokensOwn),
        needs(M::GET, "/api/v1/twilio-settings", P::SettingsRead),
        needs(M::PUT, "/api/v1/twilio-settings", P::SettingsChange).providers(),
        needs(M::DELETE, "/api/v1/twilio-settings", P::SettingsChange),
        needs(M::GET, "/api/v1/vapi-settings", P::SettingsRead),
        needs(M::PUT, "/api/v1/vapi-settings", P::SettingsChange).providers(),
        needs(M::DELETE, "/api/v1/vapi-settings", P::SettingsChange),
        needs(M::GET, "/api/v1/setup-status", P::SettingsRead).providers(),
        needs(M::GET, "/api/v1/assistants", P::AssistantsRead).providers(),
        needs(M::POST, "/api/v1/assistants", P::AssistantsChange).once().providers(),
        needs(M::GET, "/api/v1/phone-numbers", P::LinesRead).providers(),
        needs(M::POST, "/api/v1/phone-numbers/import-twilio", P::LinesChange).once().providers(),
        needs(M::GET, "/api/phone-numbers", P::LinesRead),
        needs(M::POST, "/api/phone-numbers", P::LinesChange).once().providers(),
        needs(M::GET, "/api/phone-numbers/{id}", P::LinesRead),
        needs(M::GET, "/api/v1/lines", P::LinesRead),
        needs(M::GET, "/api/v1/lines/{line}", P::LinesRead),
        needs(M::PATCH, "/api/v1/lines/{line}", P::LinesChange).providers(),
        needs(M::DELETE, "/api/v1/lines/{line}", P::LinesChange).providers(),
        needs(M::GET, "/api/v1/lines/{line}/checks", P::LinesRead).providers(),
        needs(M::POST, "/api/v1/lines/{line}/repair", P::LinesChange).once().providers(),
        needs(M::GET, "/api/v1/operations", P::LinesRead).also(&[404]),
        needs(M::GET, "/api/v1/operations/{id}", P::LinesRead),
        needs(M::POST, "/api/v1/operations/{id}/undo", P::LinesChange).once().providers(),
        needs(M::GET, "/api/v1/watch", P::LinesRead),
        needs(M::PATCH, "/api/v1/watch", P::SettingsChange),
        needs(M::POST, "/api/v1/lines/{line}/look", P::LinesWatch).providers(),
        needs(M::GET, "/api/v1/lines/{line}/diary", P::LinesRead),
        needs(M::GET, "/api/v1/alerts", P::LinesRead),
        needs(M::POST, "/api/v1/alerts/{id}/acknowledge", P::LinesWatch),
        needs(M::GET, "/api/v1/alert-mail", P::Member),
        needs(M::PUT, "/api/v1/alert-mail", P::AccountOwn),
        needs(M::GET, "/api/v1/alert-webhooks", P::SettingsRead),
        needs(M::POST, "/api/v1/alert-webhooks", P::SettingsChange).once().also(&[409]),
        needs(M::DELETE, "/api/v1/alert-webhooks/{id}", P::SettingsChange),
        needs(M::POST, "/api/v1/alert-webhooks/{id}/test", P::SettingsChange).also(&[400, 409, 502]),
        needs(M::GET, "/api/v1/events", P::EventsRead).also(&[400]),
        needs(M::GET, "/api/v1/audit", P::AuditRead),
        needs(M::GET, "/api/v1/audit/verification", P::AuditRead),
        needs(M::POST, "/api/v1/audit/export", P::AuditRead),
        needs(M::GET, "/api/v1/tape", P::TapeRead).also(&[404]),
        needs(M::GET, "/api/v1/tape/{id}", P::TapeRead),
        needs(M::POST, "/api/v1/tape/{id}/open", P::TapeOpen),
        needs(M::POST, "/api/v1/tape/{id}/replay", P::TapeOpen).once(),
        needs(M::GET, "/api/v1/tape-settings", P::TapeRead),
        needs(M::PUT, "/api/v1/tape-settings", P::SettingsChange),
        provider("/inbox/webhooks/sms"),
        provider("/inbox/webhooks/sms/fallback"),
        provider("/webhooks/twilio/status"),
        provider("/webhooks/twilio/voice"),
        provider("/webhooks/twilio/alerts"),
        provider("/webhooks/vapi/{line}"),
        open(M::GET, "/inbox/webhooks/sms").also(&[405]),
        open(M::GET, "/inbox/webhooks/sms/fallback").also(&[405]),
        open(M::GET, "/webhooks/twilio/status").also(&[405]),
        open(M::GET, "/webhooks/twilio/voice").also(&[405]),
        open(M::GET, "/webhooks/twilio/alerts").also(&[405]),
        open(M::GET, "/webhooks/vapi/{line}").also(&[405]),
    ]
});

/// The row of that route. `HEAD` is answered wherever `GET` is, and may do what that may.
pub(crate) fn find(method: &Method, path: &str) -> Option<&'static Rule> {
    let row = |wanted: &Method| TABLE.iter().find(|rule| rule.method == *wanted && rule.path == path);
    row(method).or_else(|| (*method == Method::HEAD).then(|| row(&Method::GET)).flatten())
}

/// The layer that lets a request through to its handler, or not.
pub(crate) async fn guard(
    State(site): State<Site>,
    matched: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    tracing::Span::current().record("route", matched.as_str());
    let (mut parts, body) = request.into_parts();
    let mut language = asked_language(&parts.headers);
    parts.extensions.insert(language);
    let answer = match admit(&site, &matched, &parts).await {
        Ok((rule, Some(caller))) => {
            language = caller.language.unwrap_or(language);
            parts.extensions.insert(language);
            parts.extensions.insert(Caller::clone(&caller));
            let request = Request::from_parts(parts, body);
            match rule.idempotent {
                true => idempotency::once(site, caller, request, next).await,
                false => Ok(next.run(request).await),
            }
        }
        Ok((_, None)) => Ok(next.run(Request::from_parts(parts, body)).await),
        Err(problem) => Err(problem.into()),
    };
    let mut response = answer.unwrap_or_else(Failure::into_response);
    response.extensions_mut().insert::<Language>(language);
    response.extensions_mut().insert(matched);
    response
}

/// The rule of the request and its caller, where it needs one.
async fn admit(
    site: &Site,
    matched: &MatchedPath,
    request: &Parts,
) -> Result<(&'static Rule, Option<Caller>), Problem> {
    let (method, headers) = (&request.method, &request.headers);
    // Every route has a row, or the server had not started.
    let rule = find(method, matched.as_str()).ok_or(Code::NotFound)?;
    // What a provider brings is lost when it is turned away, and much of it may come by one proxy: it has a pool of its own.
    if let Some(client) = request.extensions.get::<ClientAddress>()
        && rule.access != Access::Provider
    {
        site.rates.admit_address(*client)?;
    }
    // Without the master key everything stays as it is; who brings something is asked to come again.
    if site.app.is_sealed() && !method.is_safe() && !rule.sealed {
        return Err(Code::Sealed.into());
    }
    let caller = match rule.access {
        Access::Public | Access::Provider => None,
        Access::Local if is_local(request) => None,
        Access::Local => Some(auth::caller(site, headers).await?),
        Access::Session => {
            let caller = auth::caller(site, headers).await?;
            if !matches!(caller.credential, Credential::Session(_)) {
                return Err(Code::SessionNeeded.into());
            }
            Some(caller)
        }
        Access::Member(permission) => {
            let caller = auth::caller(site, headers).await?;
            if !caller.may(permission) {
                return Err(Problem::new(Code::Forbidden).with("role", caller.role.name()));
            }
            Some(caller)
        }
    };
    if let Some(caller) = &caller {
        site.rates.admit_caller(caller)?;
        if !rule.enrols {
            auth::check_factor(site, caller).await?;
        }
    }
    match auth::is_cross_site(site, method, headers, caller.as_ref()) {
        true => Err(Code::CrossSite.into()),
        false => Ok((rule, caller)),
    }
}

/// Programs on this machine, and not what a proxy on it hands on from elsewhere.
fn is_local(request: &Parts) -> bool {
    let handed_on = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    if handed_on.iter().any(|name| request.headers.contains_key(*name)) {
        return false;
    }
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(addr)| addr.ip().to_canonical().is_loopback())
}

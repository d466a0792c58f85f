//! The ways in: password and second factor, passkey, one-time link, OpenID provider.

use super::{Answer, session};
use crate::auth;
use crate::cookies::{begun, signed_in};
use crate::extract::{Body, Visitor};
use crate::input::input;
use crate::problem::Failure;
use crate::scalars::{Document, Email, Line, Secret};
use crate::site::Site;
use crate::views::accounts::SessionAnswer;
use crate::views::factors::{OpenId, PasskeyOptions, SecondFactor, SecondFactorAnswer, SignInMethods};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dialtone_app::SignIn;
use dialtone_domain::{Code, ExposeSecret};
use url::form_urlencoded;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const OIDC_START: &str = "/sign-in/oidc";

input! {
    /// Signs a member in.
    SignInBody {
        /// Their e-mail address.
        email: Email,
        /// Their password.
        password: Secret<1, 1024>,
    }

    /// The second step of a sign-in.
    SecondFactorBody {
        /// The ticket of the first step.
        ticket: Line<1, 200>,
        /// A code of the authenticator app, or a recovery code.
        code: Secret<1, 64>,
    }

    /// Signs in with a passkey.
    PasskeyBody {
        /// The ticket of its options.
        ticket: Line<1, 200>,
        /// What `navigator.credentials.get` gave, as JSON.
        credential: Document,
    }
}

fn answer(site: &Site, sign_in: SignIn) -> Response {
    match sign_in {
        SignIn::Done(done) => session::begun(site, *done).into_response(),
        SignIn::SecondFactor(start, methods) => {
            let cookie = begun(site, &start);
            let second = SecondFactor { ticket: start.ticket, methods, expires_at: start.expires_at };
            (StatusCode::ACCEPTED, cookie, SecondFactorAnswer::json(second)).into_response()
        }
    }
}

/// Says how people can sign in
#[utoipa::path(get, path = "/api/v1/sign-in-methods", tag = "Session",
    responses((status = 200, body = SignInMethods)))]
async fn methods(State(site): State<Site>) -> Json<SignInMethods> {
    let openid = site.app.oidc_name().map(|name| OpenId { name: name.to_owned(), url: OIDC_START });
    SignInMethods::json(true, site.app.has_passkeys(), openid)
}

/// Signs in with e-mail address and password
///
/// Who has a second factor is asked for it: 202 with a ticket for the second step.
#[utoipa::path(post, path = "/api/v1/session", tag = "Session", request_body = SignInBody,
    responses((status = 200, body = SessionAnswer), (status = 202, body = SecondFactorAnswer)))]
async fn sign_in(
    State(site): State<Site>,
    Visitor(device): Visitor,
    Body(body): Body<SignInBody>,
) -> Answer<Response> {
    Ok(answer(&site, site.app.sign_in(&body.email.0, body.password.0, &device).await?))
}

/// Finishes a sign-in with a second factor
#[utoipa::path(post, path = "/api/v1/session/second-factor", tag = "Session", request_body = SecondFactorBody,
    responses((status = 200, body = SessionAnswer)))]
async fn second_factor(
    State(site): State<Site>,
    Visitor(device): Visitor,
    Body(body): Body<SecondFactorBody>,
) -> Answer<impl IntoResponse> {
    let code = body.code.0.expose_secret();
    Ok(session::begun(&site, site.app.second_factor(&body.ticket.0, code, &device).await?))
}

/// Begins a sign-in with a passkey
#[utoipa::path(post, path = "/api/v1/session/passkey/options", tag = "Session",
    responses((status = 200, body = PasskeyOptions)))]
async fn passkey_options(State(site): State<Site>) -> Answer<impl IntoResponse> {
    let start = site.app.begin_passkey().await?;
    Ok((begun(&site, &start.begun), PasskeyOptions::json(start.begun.ticket, start.options)))
}

/// Signs in with a passkey, alone or as the second factor
#[utoipa::path(post, path = "/api/v1/session/passkey", tag = "Session", request_body = PasskeyBody,
    responses((status = 200, body = SessionAnswer)))]
async fn passkey(
    State(site): State<Site>,
    Visitor(device): Visitor,
    Body(body): Body<PasskeyBody>,
) -> Answer<impl IntoResponse> {
    let done = site.app.sign_in_by_passkey(&body.ticket.0, &body.credential.0, &device).await?;
    Ok(session::begun(&site, done))
}

/// Leads to the OpenID provider
#[utoipa::path(get, path = "/sign-in/oidc", tag = "Session",
    responses((status = 303, description = "To the provider.")))]
async fn oidc(State(site): State<Site>, Visitor(device): Visitor, headers: HeaderMap) -> Answer<Response> {
    match site.app.begin_oidc(&device).await {
        Ok((url, start)) => Ok((begun(&site, &start), see_other(&url)?).into_response()),
        Err(problem) => refused(problem.code, &headers, problem.into()),
    }
}

/// Signs in whoever comes back from the OpenID provider
///
/// Sets the session's cookie and leads to the first page, or to the page for the second factor.
#[utoipa::path(get, path = "/sign-in/oidc/callback", tag = "Session",
    params(
        ("state" = Option<String>, Query, description = "What the browser was sent there with."),
        ("code" = Option<String>, Query, description = "The provider's code: good for one exchange."),
    ),
    responses((status = 303, description = "Signed in, or to the second step.")))]
async fn oidc_callback(
    State(site): State<Site>,
    Visitor(device): Visitor,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    // Providers add parameters of their own, and errors in their own words: nothing else is looked at.
    let query = query.unwrap_or_default();
    let told = |name| form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let [state, code] = ["state", "code"].map(|name| told(name).map(|(_, value)| value).unwrap_or_default());
    match site.app.finish_oidc(&state, &code, &device).await {
        Ok(SignIn::Done(done)) => Ok((signed_in(&site, &done), see_other("/")?).into_response()),
        Ok(SignIn::SecondFactor(start, methods)) => {
            // Behind the hash, so that no server and no log sees the ticket.
            let page = format!("/sign-in#ticket={}&methods={}", start.ticket, methods.join(","));
            Ok((begun(&site, &start), see_other(&page)?).into_response())
        }
        Err(problem) => refused(problem.code, &headers, problem.into()),
    }
}

/// Signs in by a one-time link
///
/// Sets the session's cookie and leads to the first page. The link works once; a browser that comes with it
/// again is led to the page where it can sign in otherwise.
#[utoipa::path(get, path = "/sign-in/{code}", tag = "Session",
    params(("code" = String, Path, description = "The link's code.")),
    responses((status = 303, description = "Signed in.")))]
async fn sign_in_by_link(
    State(site): State<Site>,
    method: Method,
    Visitor(device): Visitor,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Answer<Response> {
    // Whoever only looks where a link leads must not use it up.
    if method == Method::HEAD {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if auth::is_led_here(&headers) {
        return refused(Code::CrossSite, &headers, Code::CrossSite.into());
    }
    match site.app.sign_in_by_code(&code, &device).await {
        Ok(session) => Ok((signed_in(&site, &session), see_other("/")?).into_response()),
        Err(problem) => refused(problem.code, &headers, problem.into()),
    }
}

/// A browser is led to the page where it can sign in otherwise, which says what went wrong; a program is told.
fn refused(code: Code, headers: &HeaderMap, failure: Failure) -> Answer<Response> {
    let page = match code {
        Code::CodeInvalid => "/sign-in?link=used",
        Code::CrossSite => "/sign-in?problem=cross_site",
        Code::OidcRefused => "/sign-in?problem=oidc_refused",
        Code::OidcUnknown => "/sign-in?problem=oidc_unknown",
        Code::OidcUnavailable => "/sign-in?problem=oidc_unavailable",
        _ => return Err(failure),
    };
    match wants_page(headers) {
        true => Ok(see_other(page)?.into_response()),
        false => Err(failure),
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn see_other(page: &str) -> Result<impl IntoResponse + use<>, Failure> {
    let location = HeaderValue::from_str(page).map_err(|_| Code::Internal)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]))
}

pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::default()
        .routes(routes!(methods))
        .routes(routes!(sign_in))
        .routes(routes!(second_factor))
        .routes(routes!(passkey_options))
        .routes(routes!(passkey))
        .routes(routes!(oidc))
        .routes(routes!(oidc_callback))
        .routes(routes!(sign_in_by_link))
}

//! Sign-in at an OpenID provider: authorization code with PKCE, state and nonce. The checks of tokens are the
//! library's; here are the limits of time and size, and the keys that are kept for a while.

use dialtone_domain::{Code, ExposeSecret, Problem, SecretString};
use openidconnect::core::{
    CoreClient, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata,
    CoreResponseType, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AsyncHttpClient, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError,
    ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError, TokenResponse,
};
use reqwest::{Client, redirect};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long one answer of the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer of the provider that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long the provider's own description and its keys are believed.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// How soon they are asked for again because of a key that nobody knows.
const KEPT_AT_LEAST: Duration = Duration::from_secs(60);
/// What signs tokens: only what the provider alone can sign.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// The provider, as the configuration names it.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// Its address: what its tokens say too.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// How we prove to be that.
    pub client_secret: SecretString,
    /// What people call it.
    pub name: String,
}

/// What a sign-in at the provider begins with.
pub struct OidcStart {
    /// Where the browser goes.
    pub url: String,
    /// What has to be in the token.
    pub nonce: SecretString,
    /// What proves that whoever redeems the code is who asked for it.
    pub verifier: SecretString,
}

/// Who signed in at the provider, in its words.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Its name for the person, which never changes.
    pub subject: String,
    /// Their address, if the provider verified it.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
}

/// One OpenID provider.
pub struct Oidc {
    config: OidcConfig,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Http,
    /// What the provider said of itself, and when.
    known: Mutex<Option<(Instant, Arc<CoreProviderMetadata>)>>,
}

/// Asks within the limits.
struct Http(Client);

/// Why the provider was not understood. Its own words may quote tokens and are not kept.
#[derive(Debug, thiserror::Error)]
enum HttpFailure {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("an answer that is too large")]
    TooLarge,
}

impl Oidc {
    /// For this configuration; nothing is asked yet.
    ///
    /// # Errors
    /// A sentence for whoever wrote the configuration.
    pub fn new(config: OidcConfig, redirect: String) -> Result<Self, String> {
        let issuer = IssuerUrl::new(config.issuer.clone()).map_err(|_| "oidc_issuer is not a web address")?;
        let redirect = RedirectUrl::new(redirect).map_err(|_| "public_url is not a web address")?;
        // Redirects would let the provider make us ask anybody.
        let http = Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).build();
        let http = http.map_err(|error| format!("there is no HTTP client: {error}"))?;
        Ok(Self { config, issuer, redirect, http: Http(http), known: Mutex::default() })
    }

    /// What people call the provider.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Where the browser has to go; the state comes back with it.
    ///
    /// # Errors
    /// [`Code::OidcUnavailable`].
    pub async fn start(&self, state: &str) -> Result<OidcStart, Problem> {
        let metadata = self.metadata(KEPT).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new(state.to_owned());
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let client = CoreClient::from_provider_metadata(
            (*metadata).clone(),
            ClientId::new(self.config.client_id.clone()),
            None,
        )
        .set_redirect_uri(self.redirect.clone());
        let scopes = ["email", "profile"].map(|scope| Scope::new(scope.to_owned()));
        let request = client.authorize_url(flow, || state, Nonce::new_random);
        let (url, _, nonce) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        let (nonce, verifier) = (nonce.secret().as_str().into(), verifier.secret().as_str().into());
        Ok(OidcStart { url: url.into(), nonce, verifier })
    }

    /// Who signed in, by the code that the browser brought back.
    ///
    /// # Errors
    /// [`Code::OidcUnavailable`], or [`Code::OidcRefused`] whatever is wrong with the code or the token.
    pub async fn finish(
        &self,
        code: &str,
        nonce: &SecretString,
        verifier: &SecretString,
    ) -> Result<Identity, Problem> {
        let metadata = self.metadata(KEPT).await?;
        let client = CoreClient::from_provider_metadata(
            (*metadata).clone(),
            ClientId::new(self.config.client_id.clone()),
            Some(ClientSecret::new(self.config.client_secret.expose_secret().to_owned())),
        )
        .set_redirect_uri(self.redirect.clone());
        let request =
            client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(|_| unavailable())?;
        let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
        let tokens = request
            .set_pkce_verifier(verifier)
            .request_async(&self.http)
            .await
            .map_err(|error| token_failure(&error))?;
        let token = tokens.id_token().ok_or_else(|| refused("there is no identity token"))?;
        let nonce = Nonce::new(nonce.expose_secret().to_owned());
        let (metadata, claims) = self.claims(metadata, token, &nonce).await?;
        if let Some(expected) = claims.access_token_hash() {
            let verifier = self.verifier(&metadata);
            let (algorithm, key) = (token.signing_alg(), token.signing_key(&verifier));
            let (Ok(algorithm), Ok(key)) = (algorithm, key) else {
                return Err(refused("the signing key is not known"));
            };
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if actual.ok().as_ref() != Some(expected) {
                return Err(refused("the access token is of another sign-in"));
            }
        }
        let (mut email, mut name) =
            (verified_email(&claims), claims.name().and_then(|name| name.get(None)).cloned());
        // Some providers put the address into a document of its own.
        if email.is_none() {
            let subject = Some(claims.subject().clone());
            if let Ok(request) = client.user_info(tokens.access_token().clone(), subject) {
                let info: CoreUserInfoClaims = request
                    .request_async(&self.http)
                    .await
                    .map_err(|_| refused("the person's document is not theirs"))?;
                let verified = info.email_verified() == Some(true);
                email = info.email().filter(|_| verified).map(|email| email.to_string());
                name = name.or_else(|| info.name().and_then(|name| name.get(None)).cloned());
            }
        }
        Ok(Identity {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email,
            name: name.map(|name| name.to_string()),
        })
    }

    fn verifier(&self, metadata: &CoreProviderMetadata) -> openidconnect::core::CoreIdTokenVerifier<'static> {
        openidconnect::core::CoreIdTokenVerifier::new_public_client(
            ClientId::new(self.config.client_id.clone()),
            metadata.issuer().clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs(ALGORITHMS)
    }

    /// The token's claims, checked. A key that nobody knows may be a new one: the keys are asked for again.
    async fn claims(
        &self,
        metadata: Arc<CoreProviderMetadata>,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(Arc<CoreProviderMetadata>, CoreIdTokenClaims), Problem> {
        let unknown_key =
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey);
        let metadata = match token.claims(&self.verifier(&metadata), nonce) {
            Err(error) if error == unknown_key => self.metadata(KEPT_AT_LEAST).await?,
            _ => metadata,
        };
        let claims = token.claims(&self.verifier(&metadata), nonce).cloned();
        claims.map(|claims| (metadata, claims)).map_err(|error| refused(&error.to_string()))
    }

    /// What the provider says of itself, with its keys, no older than that.
    async fn metadata(&self, age_max: Duration) -> Result<Arc<CoreProviderMetadata>, Problem> {
        let mut known = self.known.lock().await;
        if let Some((at, metadata)) = known.as_ref().filter(|(at, _)| at.elapsed() < age_max) {
            let _ = at;
            return Ok(Arc::clone(metadata));
        }
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let found = Arc::new(found.map_err(|error| {
            tracing::warn!(%error, "the OpenID provider does not describe itself");
            unavailable()
        })?);
        *known = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpFailure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpFailure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut response = self.0.execute(request.try_into()?).await?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_BYTES_MAX {
                    return Err(HttpFailure::TooLarge);
                }
            }
            let mut answer = HttpResponse::new(body);
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            Ok(answer)
        })
    }
}

fn verified_email(claims: &CoreIdTokenClaims) -> Option<String> {
    claims.email().filter(|_| claims.email_verified() == Some(true)).map(|email| email.to_string())
}

fn unavailable() -> Problem {
    Problem::new(Code::OidcUnavailable)
}

fn refused(why: &str) -> Problem {
    tracing::info!(why, "a sign-in at the OpenID provider was refused");
    Problem::new(Code::OidcRefused)
}

/// The provider's own error text is a stranger's: only what kind of failure it is counts.
fn token_failure<RE: std::error::Error + 'static, T: openidconnect::ErrorResponse + 'static>(
    error: &openidconnect::RequestTokenError<RE, T>,
) -> Problem {
    match error {
        openidconnect::RequestTokenError::ServerResponse(_) => refused("the code is not taken"),
        openidconnect::RequestTokenError::Request(_) => unavailable(),
        _ => refused("the token's document cannot be read"),
    }
}

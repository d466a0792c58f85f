//! Sign-in at an OpenID provider: a small real one over HTTP, honest and otherwise.

use axum::extract::{Form, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use dialtone_app::OidcConfig;
use dialtone_testkit::{Answer, Browser, Engine, TestServer};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use url::Url;

const CLIENT: &str = "dialtone";

/// What the provider does with the next token.
#[derive(Debug, Clone, Default)]
struct Trick {
    /// Claims that are not what they should be.
    claims: Vec<(&'static str, Value)>,
    /// The header's algorithm.
    algorithm: Option<&'static str>,
    /// Signed by a key that nobody published.
    foreign_key: bool,
}

#[derive(Default)]
struct Inner {
    /// What each code stands for: nonce and challenge.
    codes: HashMap<String, (String, String)>,
    claims: Value,
    trick: Trick,
    /// Changes with every new key.
    generation: u8,
}

/// An OpenID provider.
#[derive(Clone)]
struct Provider {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

fn key(generation: u8) -> SigningKey {
    SigningKey::from_slice(&[generation + 40; 32]).unwrap()
}

fn now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { url, inner: Arc::default() };
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        #[expect(clippy::disallowed_methods, reason = "only this test's own client connects")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider.person(json!({ "sub": "anna-1", "email": "Owner@Example.com", "email_verified": true }));
        provider
    }

    fn person(&self, claims: Value) {
        self.inner.lock().unwrap().claims = claims;
    }

    fn trick(&self, trick: Trick) {
        self.inner.lock().unwrap().trick = trick;
    }

    /// The person signs in there, by the address that the browser was led to.
    fn authorize(&self, url: &str) -> (String, String) {
        let url = Url::parse(url).unwrap();
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!((query["client_id"].as_str(), query["code_challenge_method"].as_str()), (CLIENT, "S256"));
        assert_eq!(query["redirect_uri"], "http://localhost/sign-in/oidc/callback");
        let mut inner = self.inner.lock().unwrap();
        let code = format!("code-{}", inner.codes.len());
        inner.codes.insert(code.clone(), (query["nonce"].clone(), query["code_challenge"].clone()));
        (code, query["state"].clone())
    }
}

async fn describe(State(provider): State<Provider>) -> Json<Value> {
    let url = &provider.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let generation = provider.inner.lock().unwrap().generation;
    let point = key(generation).verifying_key().to_encoded_point(false);
    let (x, y) = (BASE64.encode(point.x().unwrap()), BASE64.encode(point.y().unwrap()));
    let key = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": format!("k{generation}"), "x": x, "y": y });
    Json(json!({ "keys": [key] }))
}

async fn token(
    State(provider): State<Provider>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, (axum::http::StatusCode, Json<Value>)> {
    let mut inner = provider.inner.lock().unwrap();
    let refused = || (axum::http::StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    let (nonce, challenge) = inner.codes.remove(&form["code"]).ok_or_else(refused)?;
    if BASE64.encode(Sha256::digest(&form["code_verifier"])) != challenge {
        return Err(refused());
    }
    let Trick { claims: changed, algorithm, foreign_key } = inner.trick.clone();
    let mut claims =
        json!({ "iss": provider.url, "aud": CLIENT, "nonce": nonce, "iat": now(), "exp": now() + 300 });
    for (name, value) in inner.claims.as_object().unwrap().clone() {
        claims[name] = value;
    }
    for (name, value) in changed {
        claims[name] = value;
    }
    let algorithm = algorithm.unwrap_or("ES256");
    let header = json!({ "alg": algorithm, "typ": "JWT", "kid": format!("k{}", inner.generation) });
    let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let key = if foreign_key { key(99) } else { key(inner.generation) };
    let signature: Signature = key.sign(signed.as_bytes());
    let signature = if algorithm == "none" { String::new() } else { BASE64.encode(signature.to_bytes()) };
    let token = format!("{signed}.{signature}");
    Ok(Json(json!({ "access_token": "a", "token_type": "Bearer", "id_token": token })))
}

async fn world(engine: Engine, provider: &Provider) -> Option<TestServer> {
    let config = OidcConfig {
        issuer: provider.url.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: "secret".into(),
        name: "Example".to_owned(),
    };
    TestServer::start_with(engine, |app| {
        app.public_url = "http://localhost".to_owned();
        app.oidc = Some(config);
        app.oidc_sign_up = vec!["example.net=viewer@Acme".parse().unwrap()];
    })
    .await
}

/// To the provider; gives what it sends back with.
async fn go(browser: &mut Browser, provider: &Provider) -> (String, String) {
    let start = browser.get("/sign-in/oidc").await.expect(303);
    provider.authorize(start.header("location"))
}

async fn come_back(browser: &mut Browser, (code, state): &(String, String)) -> Answer {
    browser.get(&format!("/sign-in/oidc/callback?code={code}&state={state}")).await
}

async fn sign_in(world: &TestServer, provider: &Provider) -> (Browser, Answer) {
    // The way back is a link on another site.
    let mut browser = Browser::new(&world.nobody()).with("sec-fetch-site", "cross-site");
    let back = go(&mut browser, provider).await;
    let answer = come_back(&mut browser, &back).await;
    (browser, answer)
}

async fn both_engines(engine: Engine) {
    let provider = Provider::start().await;
    let Some(world) = world(engine, &provider).await else { return };
    let methods = world.nobody().get("/api/v1/sign-in-methods").await.expect(200).body;
    assert_eq!(methods["openid"], json!({ "name": "Example", "url": "/sign-in/oidc" }));

    let (mut browser, answer) = sign_in(&world, &provider).await;
    assert_eq!(answer.expect(303).header("location"), "/");
    let session = browser.get("/api/v1/session").await.expect(200).body;
    assert_eq!(session["session"]["member"]["email"], "owner@example.com");

    // Once linked, the provider's name for the person counts and no address.
    provider.person(json!({ "sub": "anna-1", "email": "other@example.com", "email_verified": true }));
    let (mut browser, answer) = sign_in(&world, &provider).await;
    answer.expect(303);
    let session = browser.get("/api/v1/session").await.expect(200).body;
    assert_eq!(session["session"]["member"]["email"], "owner@example.com");

    for stranger in [
        json!({ "sub": "eve-1", "email": "owner@example.com", "email_verified": true }),
        json!({ "sub": "eve-2", "email": "owner@example.com", "email_verified": false }),
        json!({ "sub": "eve-3", "email": "eve@example.org", "email_verified": true }),
        json!({ "sub": "eve-4", "email": "eve@example.net", "email_verified": false }),
        json!({ "sub": "eve-5", "email": "eve@evil.example.net", "email_verified": true }),
        json!({ "sub": "eve-6" }),
    ] {
        provider.person(stranger);
        sign_in(&world, &provider).await.1.problem(403, "oidc_unknown");
    }
    // Who was invited is a member of what invited them.
    let invited = json!({ "email": "Cleo@Example.org", "role": "agent" });
    world.owner.post("/api/v1/invitations", invited).await.expect(201);
    provider.person(json!({ "sub": "cleo-1", "email": "cleo@example.org", "email_verified": false }));
    sign_in(&world, &provider).await.1.problem(403, "oidc_unknown");
    provider.person(json!({ "sub": "cleo-1", "email": "cleo@example.org", "email_verified": true }));
    let (mut browser, answer) = sign_in(&world, &provider).await;
    answer.expect(303);
    let member = browser.get("/api/v1/session").await.expect(200).body["session"]["member"].clone();
    assert_eq!((&member["email"], &member["role"]), (&json!("cleo@example.org"), &json!("agent")));
    // They have no password, and an empty one is none.
    let guess = json!({ "email": "cleo@example.org", "password": " " });
    world.nobody().post("/api/v1/session", guess).await.problem(401, "sign_in_failed");
    // Whose domain may sign up is added, with the role that the configuration names.
    provider
        .person(json!({ "sub": "ben-1", "email": "Ben@Example.net", "email_verified": true, "name": "Ben" }));
    let (mut browser, answer) = sign_in(&world, &provider).await;
    answer.expect(303);
    let member = browser.get("/api/v1/session").await.expect(200).body["session"]["member"].clone();
    assert_eq!(
        (&member["email"], &member["role"], &member["name"]),
        (&json!("ben@example.net"), &json!("viewer"), &json!("Ben"))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_known_there_is_known_here_sqlite() {
    both_engines(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_known_there_is_known_here_postgres() {
    both_engines(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_the_way_back_is_bound_to_the_browser_and_works_once() {
    let provider = Provider::start().await;
    let world = world(Engine::Sqlite, &provider).await.unwrap();
    // Another browser, which may have begun one of its own: the attacker's link signs nobody in as the attacker.
    let mut eve = Browser::new(&world.nobody());
    let eves = go(&mut eve, &provider).await;
    let mut victim = Browser::new(&world.nobody());
    come_back(&mut victim, &eves).await.problem(401, "oidc_refused");
    let victims = go(&mut victim, &provider).await;
    come_back(&mut victim, &(eves.0.clone(), eves.1.clone())).await.problem(401, "oidc_refused");
    come_back(&mut victim, &(eves.0.clone(), victims.1.clone())).await.problem(401, "oidc_refused");
    let page = victim
        .with("accept", "text/html")
        .get("/sign-in/oidc/callback?code=x&state=nonsense")
        .await
        .expect(303);
    assert_eq!(page.header("location"), "/sign-in?problem=oidc_refused");
    // The right code with another browser's state.
    let back = go(&mut victim, &provider).await;
    come_back(&mut victim, &(back.0, eves.1.clone())).await.problem(401, "oidc_refused");
    // Twice the same way back.
    let back = go(&mut victim, &provider).await;
    let mut replay = victim.clone();
    come_back(&mut victim, &back).await.expect(303);
    come_back(&mut replay, &back).await.problem(401, "oidc_refused");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_a_token_that_is_not_for_us_signs_nobody_in() {
    let provider = Provider::start().await;
    let world = world(Engine::Sqlite, &provider).await.unwrap();
    let claim = |name, value| Trick { claims: vec![(name, value)], ..Trick::default() };
    for trick in [
        claim("nonce", json!("another")),
        claim("nonce", Value::Null),
        claim("aud", json!("someone-else")),
        claim("aud", json!([CLIENT, "someone-else"])),
        claim("iss", json!("https://evil.example")),
        claim("exp", json!(now() - 10)),
        Trick { algorithm: Some("none"), ..Trick::default() },
        Trick { algorithm: Some("HS256"), ..Trick::default() },
        Trick { foreign_key: true, ..Trick::default() },
    ] {
        provider.trick(trick.clone());
        let answer = sign_in(&world, &provider).await.1;
        assert_eq!((answer.status, answer.code()), (401, "oidc_refused"), "{trick:?}");
    }
    provider.trick(Trick::default());
    sign_in(&world, &provider).await.1.expect(303);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_or_an_answer_of_it_people_are_told() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    world.nobody().get("/sign-in/oidc").await.problem(404, "not_found");
    world.stop().await;
    let nobody_there = Provider { url: "http://127.0.0.1:1".to_owned(), inner: Arc::default() };
    let world = self::world(Engine::Sqlite, &nobody_there).await.unwrap();
    world.nobody().get("/sign-in/oidc").await.problem(502, "oidc_unavailable");
    world.stop().await;
}

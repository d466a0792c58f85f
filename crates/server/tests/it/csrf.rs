//! What other sites can make a browser send (T15): forms and fetches against every route that changes something,
//! sign-in included.

use dialtone_domain::ExposeSecret;
use dialtone_testkit::{Browser, Client, Engine, PASSWORD, TestServer};
use futures::future::join_all;
use reqwest::Method;
use serde_json::Value;

const ABSENT: &str = "01890000-0000-7000-8000-000000000000";
/// What a form or a fetch without a preflight can say that it carries, and what needs one.
const TYPES: [&str; 4] = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/json",
];

/// Every operation of the document, with an absent id in its path, and whether strangers may use it.
fn operations() -> Vec<(Method, String, bool)> {
    let document: Value = serde_json::from_str(dialtone_server::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let whole: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { ABSENT } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for (method, told) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, whole.clone(), told["security"].is_null()));
        }
    }
    operations
}

/// How a request of another site says where it comes from: new browsers, and old ones.
fn foreign(client: &Client) -> Vec<Client> {
    let bare = client.without("sec-fetch-site");
    vec![
        bare.with("sec-fetch-site", "cross-site"),
        bare.with("sec-fetch-site", "same-site"),
        bare.with("sec-fetch-site", "cross-site").with("origin", "http://localhost"),
        bare.with("origin", "https://evil.example"),
        bare.with("origin", "null"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_no_other_site_changes_anything_signed_in_or_not() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    let browser = world.browser().await;
    let (signed_in, strangers) = (foreign(&browser), foreign(&world.nobody()));
    let mut tried = 0;
    for (method, path, is_public) in operations().into_iter().filter(|(method, ..)| *method != Method::GET) {
        let requests = TYPES.iter().flat_map(|kind| {
            let send = |client: &Client| {
                let client = client.clone();
                let request = client.request(method.clone(), &path).header("content-type", *kind).body("{}");
                async move { client.send(request).await }
            };
            signed_in.iter().chain(strangers.iter().filter(|_| is_public)).map(send).collect::<Vec<_>>()
        });
        for answer in join_all(requests).await {
            assert_eq!(
                (answer.status, answer.code()),
                (403, "cross_site"),
                "{method} {path}: {}",
                answer.text
            );
            tried += 1;
        }
    }
    assert!(tried > 1_000, "{tried}");
    let sign_in = serde_json::json!({ "email": "owner@example.com", "password": PASSWORD });
    for client in foreign(&world.nobody()) {
        let answer = client.post("/api/v1/session", sign_in.clone()).await.problem(403, "cross_site");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    // The twins: our own page, and a program.
    Browser::new(&world.nobody()).post("/api/v1/session", sign_in.clone()).await.expect(200);
    world.nobody().post("/api/v1/session", sign_in).await.expect(200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_a_link_on_another_site_signs_nobody_in() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    let code = world.app.local_sign_in_code("owner@example.com").await.unwrap();
    let path = format!("/sign-in/{}", code.expose_secret());
    for site in ["cross-site", "same-site"] {
        let client = world.nobody().with("sec-fetch-site", site);
        client.get(&path).await.problem(403, "cross_site");
        let page = client.with("accept", "text/html").get(&path).await.expect(303);
        assert_eq!(page.header("location"), "/sign-in?problem=cross_site");
        assert!(page.headers.get("set-cookie").is_none());
    }
    // Typed into the address bar it works.
    world.nobody().with("sec-fetch-site", "none").get(&path).await.expect(303);
    world.stop().await;
}

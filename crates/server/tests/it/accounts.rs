//! Set-up, sign-in, sessions, members, tokens.

use dialtone_domain::{ExposeSecret, Role};
use dialtone_testkit::{Engine, PASSWORD, TestServer, on_each_engine};
use serde_json::json;

async fn first_run(engine: Engine) {
    let Some(world) = TestServer::start_empty(engine).await else { return };
    let nobody = world.nobody();
    assert_eq!(nobody.get("/api/v1/setup").await.expect(200).body["setup_needed"], true);
    let code = world.app.setup_code().await.unwrap();
    let body = |code: &str| {
        json!({ "code": code, "email": "Anna@Example.com", "password": PASSWORD, "name": "Anna",
                "organisation": "Acme", "country": "FR", "language": "fr" })
    };
    nobody.post("/api/v1/setup", body("wrong")).await.problem(401, "code_invalid");
    let answer = nobody.post("/api/v1/setup", body(code.expose_secret())).await.expect(201);
    assert_eq!(answer.body["member"]["role"], "owner");
    let cookie = answer.header("set-cookie");
    for part in ["dialtone_session=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part}");
    }
    let anna = nobody.with("cookie", cookie.split(';').next().unwrap());
    let session = anna.get("/api/v1/session").await.expect(200).body;
    assert_eq!(session["session"]["organisation"]["country"], "FR");
    assert_eq!(session["session"]["sandbox"], true);
    nobody.post("/api/v1/setup", body(code.expose_secret())).await.problem(409, "setup_done");
    assert_eq!(nobody.get("/api/v1/setup").await.expect(200).body["setup_needed"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_owner_needs_the_code_of_the_server_sqlite() {
    first_run(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_owner_needs_the_code_of_the_server_postgres() {
    first_run(Engine::Postgres).await;
}

on_each_engine! {
    async fn a_session_begins_with_the_password_and_ends_with_signing_out(world: TestServer) {
        let nobody = world.nobody();
        let wrong = json!({ "email": "owner@example.com", "password": "wrong wrong wrong" });
        nobody.post("/api/v1/session", wrong).await.problem(401, "sign_in_failed");
        let unknown = json!({ "email": "nobody@example.com", "password": PASSWORD });
        nobody.post("/api/v1/session", unknown).await.problem(401, "sign_in_failed");

        let browser = world.browser().await;
        let session = browser.get("/api/v1/session").await.expect(200).body["session"].clone();
        assert_eq!(session["member"]["email"], "owner@example.com");
        assert!(session["permissions"].as_array().unwrap().contains(&json!("lines.change")));

        let changed = browser.patch("/api/v1/session", json!({ "language": "fr" })).await.expect(200);
        assert_eq!(changed.body["session"]["member"]["language"], "fr");
        let french = browser.get("/api/v1/lines/+33612345678").await.problem(404, "not_found");
        let english = world.owner.get("/api/v1/lines/+33612345678").await.problem(404, "not_found");
        assert_eq!(french.body["message"], english.body["message"], "the choice is the member's");

        browser.delete("/api/v1/session").await.expect(200);
        browser.get("/api/v1/session").await.problem(401, "not_signed_in");
    }

    async fn a_sign_in_link_works_once_and_looking_does_not_use_it_up(world: TestServer) {
        let code = world.app.local_sign_in_code("owner@example.com").await.unwrap();
        let path = format!("/sign-in/{}", code.expose_secret());
        let nobody = world.nobody();
        nobody.send(nobody.request(reqwest::Method::HEAD, &path)).await.expect(204);
        let answer = nobody.get(&path).await.expect(303);
        assert_eq!(answer.header("location"), "/");
        let signed_in = nobody.with("cookie", answer.header("set-cookie").split(';').next().unwrap());
        signed_in.get("/api/v1/session").await.expect(200);
        nobody.get(&path).await.problem(401, "code_invalid");
    }

    async fn what_another_site_sends_with_our_cookie_is_refused(world: TestServer) {
        let browser = world.browser().await;
        let change = json!({ "language": "en" });
        let bare = browser.without("sec-fetch-site");
        bare.patch("/api/v1/session", change.clone()).await.problem(403, "cross_site");
        for site in ["cross-site", "same-site"] {
            let other = browser.with("sec-fetch-site", site);
            other.patch("/api/v1/session", change.clone()).await.problem(403, "cross_site");
        }
        let origin = bare.with("origin", "https://evil.example");
        origin.patch("/api/v1/session", change.clone()).await.problem(403, "cross_site");
        let null = bare.with("origin", "null");
        null.patch("/api/v1/session", change.clone()).await.problem(403, "cross_site");
        // The twins: our own pages and programs still pass.
        bare.with("origin", world.url()).patch("/api/v1/session", change.clone()).await.expect(200);
        browser.patch("/api/v1/session", change.clone()).await.expect(200);
        world.owner.with("origin", "https://evil.example").patch("/api/v1/session", change).await.expect(200);
    }

    async fn members_come_and_go_and_the_last_owner_stays(world: TestServer) {
        let owner = &world.owner;
        let new = json!({ "email": "ben@example.com", "name": "Ben", "role": "viewer" });
        let added = owner.post("/api/v1/members", new.clone()).await.expect(201).body;
        assert!(added["password"].as_str().unwrap().len() >= 12);
        let id = added["member"]["id"].as_str().unwrap().to_owned();
        owner.post("/api/v1/members", new).await.problem(409, "member_exists");
        let path = format!("/api/v1/members/{id}");
        let changed = owner.patch(&path, json!({ "role": "admin" })).await.expect(200);
        assert_eq!(changed.body["member"]["role"], "admin");

        let sign_in = json!({ "email": "ben@example.com", "password": added["password"] });
        world.nobody().post("/api/v1/session", sign_in.clone()).await.expect(200);
        owner.delete(&path).await.expect(200);
        world.nobody().post("/api/v1/session", sign_in).await.problem(401, "sign_in_failed");
        owner.delete(&path).await.problem(404, "not_found");

        let me = owner.get("/api/v1/session").await.body["session"]["member"]["id"].as_str().unwrap().to_owned();
        let me = format!("/api/v1/members/{me}");
        owner.patch(&me, json!({ "role": "viewer" })).await.problem(409, "last_owner");
        owner.delete(&me).await.problem(409, "last_owner");
    }

    async fn a_token_is_shown_once_and_grants_no_more_than_its_maker_has(world: TestServer) {
        let made = world.owner.post("/api/v1/tokens", json!({ "name": "ci", "role": "viewer" })).await.expect(201);
        let secret = made.body["secret"].as_str().unwrap();
        assert!(secret.starts_with("dt_") && secret.starts_with(made.body["token"]["prefix"].as_str().unwrap()));
        let listed = world.owner.get("/api/v1/tokens").await.expect(200);
        assert!(!listed.text.contains(secret));
        let ci = world.nobody().token(secret);
        ci.get("/api/v1/lines").await.expect(200);
        ci.put("/api/v1/vapi-settings", json!({ "api_key": "x" })).await.problem(403, "forbidden");

        let viewer = world.member(Role::Viewer).await;
        viewer.post("/api/v1/tokens", json!({ "name": "up", "role": "owner" })).await.problem(403, "role_too_high");

        let id = made.body["token"]["id"].as_str().unwrap();
        world.owner.delete(&format!("/api/v1/tokens/{id}")).await.expect(200);
        ci.get("/api/v1/lines").await.problem(401, "not_signed_in");
        let past = json!({ "name": "old", "role": "viewer", "expires_at": "2001-01-01T00:00:00Z" });
        let refused = world.owner.post("/api/v1/tokens", past).await.problem(400, "invalid_request");
        assert_eq!(refused.body["errors"][0]["field"], "expires_at");
    }

    async fn the_organisation_is_changed_by_owners(world: TestServer) {
        let changed = world.owner.patch("/api/v1/organisation", json!({ "name": "Acme 2", "country": "DE" })).await;
        let changed = changed.expect(200).body;
        assert_eq!((&changed["organisation"]["name"], &changed["organisation"]["country"]), (&json!("Acme 2"), &json!("DE")));
        let wrong = json!({ "country": "XX", "nmae": "typo", "language": 7 });
        let refused = world.owner.patch("/api/v1/organisation", wrong).await.problem(400, "invalid_request");
        let mut fields: Vec<_> =
            refused.body["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["country", "language", "nmae"]);
        let admin = world.member(Role::Admin).await;
        admin.patch("/api/v1/organisation", json!({ "name": "Mine" })).await.problem(403, "forbidden");
    }
}

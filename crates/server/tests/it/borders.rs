//! Who gets in (requirement F2), what is refused at the door, and the headers of every answer.

use dialtone_domain::{Permission, Role};
use dialtone_testkit::{Client, on_each_engine};
use reqwest::Method;
use serde_json::{Value, json};

const ABSENT: &str = "01890000-0000-7000-8000-000000000000";

fn document() -> Value {
    serde_json::from_str(dialtone_server::openapi()).unwrap()
}

/// Every operation of the document: method, path with an absent id in it, and what the document says of it.
fn operations() -> Vec<(Method, String, Value)> {
    let document = document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", ABSENT).replace("{line}", ABSENT).replace("{code}", "nonsense");
        for (method, operation) in item.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, path.clone(), operation.clone()));
        }
    }
    operations
}

async fn try_it(client: &Client, method: &Method, path: &str) -> dialtone_testkit::Answer {
    client.json(method.clone(), path, &json!({})).await
}

on_each_engine! {
    async fn f2_nobody_gets_in_without_credentials(world: TestServer) {
        let [vapi_post, vapi_get] = ["POST", "GET"].map(|method| format!("{method} /webhooks/vapi/{ABSENT}"));
        let public = [
            "GET /healthz", "GET /readyz", "GET /metrics", "GET /api/openapi.json", "GET /sign-in/nonsense",
            "GET /api/v1/setup", "POST /api/v1/setup", "POST /api/v1/session", "GET /api/v1/sign-in-methods",
            "POST /api/v1/session/second-factor", "POST /api/v1/session/passkey", "POST /api/v1/session/passkey/options",
            "GET /sign-in/oidc", "GET /sign-in/oidc/callback",
            "POST /api/v1/password-reset", "POST /api/v1/password-reset/complete",
            "POST /api/v1/invitation", "POST /api/v1/invitation/join",
            "POST /inbox/webhooks/sms", "GET /inbox/webhooks/sms",
            "POST /inbox/webhooks/sms/fallback", "GET /inbox/webhooks/sms/fallback",
            "POST /webhooks/twilio/status", "GET /webhooks/twilio/status",
            "POST /webhooks/twilio/voice", "GET /webhooks/twilio/voice",
            "POST /webhooks/twilio/alerts", "GET /webhooks/twilio/alerts", &vapi_post, &vapi_get,
        ];
        let operations = operations();
        assert!(operations.len() >= 40);
        for (method, path, operation) in operations {
            let name = format!("{method} {path}");
            let answer = try_it(&world.nobody(), &method, &path).await;
            let is_public = operation["security"].is_null() || path == "/metrics";
            assert_eq!(is_public, public.contains(&name.as_str()), "{name}");
            if !is_public {
                answer.problem(401, "not_signed_in");
                let wrong = world.nobody().token("dt_wrong").with("cookie", "dialtone_session=wrong");
                try_it(&wrong, &method, &path).await.problem(401, "not_signed_in");
            }
        }
    }

    async fn f2_a_viewer_changes_nothing(world: TestServer) {
        let viewer = world.member(Role::Viewer).await;
        let allowed = Role::Viewer.permissions();
        let mut refused = 0;
        for (method, path, operation) in operations() {
            let Some(permission) = operation["x-permission"].as_str() else { continue };
            if allowed.contains(&permission) {
                assert!(method == Method::GET || ["tokens.own", "account.own", "member"].contains(&permission), "{method} {path}");
                continue;
            }
            try_it(&viewer, &method, &path).await.problem(403, "forbidden");
            refused += 1;
        }
        assert!(refused >= 15, "{refused}");
        assert!(!allowed.contains(&Permission::LinesChange.name()));
    }

    async fn f2_d6_what_is_anothers_looks_exactly_like_what_does_not_exist(world: TestServer) {
        let imported = world.import().await;
        let line = imported["phone"]["line_id"].as_str().unwrap().to_owned();
        let operation = imported["operation_id"].as_str().unwrap().to_owned();
        let member = world.owner.get("/api/v1/members").await.body["members"][0]["id"].as_str().unwrap().to_owned();
        let token = world.owner.get("/api/v1/tokens").await.body["tokens"][0]["id"].as_str().unwrap().to_owned();
        let stranger = world.stranger().await.with("x-request-id", "same");
        for (method, path, id) in [
            (Method::GET, "/api/v1/lines/{}", &line),
            (Method::PATCH, "/api/v1/lines/{}", &line),
            (Method::DELETE, "/api/v1/lines/{}", &line),
            (Method::GET, "/api/v1/lines/{}/checks", &line),
            (Method::POST, "/api/v1/lines/{}/repair", &line),
            (Method::GET, "/api/phone-numbers/{}", &line),
            (Method::GET, "/api/v1/operations/{}", &operation),
            (Method::POST, "/api/v1/operations/{}/undo", &operation),
            (Method::PATCH, "/api/v1/members/{}", &member),
            (Method::DELETE, "/api/v1/members/{}", &member),
            (Method::DELETE, "/api/v1/tokens/{}", &token),
        ] {
            let theirs = try_it(&stranger, &method, &path.replace("{}", id)).await.problem(404, "not_found");
            let absent = try_it(&stranger, &method, &path.replace("{}", ABSENT)).await.problem(404, "not_found");
            assert_eq!(theirs.text, absent.text, "{method} {path}");
            try_it(&stranger, &method, &path.replace("{}", "nonsense")).await.problem(404, "not_found");
        }
        assert_eq!(stranger.get("/api/v1/lines").await.body["lines"], json!([]));
        assert_eq!(stranger.get("/api/v1/operations").await.body["operations"], json!([]));
        world.owner.get(&format!("/api/v1/lines/{line}")).await.expect(200);
    }

    async fn what_does_not_exist_or_is_too_much_is_a_problem_document(world: TestServer) {
        let owner = &world.owner;
        owner.get("/api/v1/nothing").await.problem(404, "not_found");
        owner.get("/api").await.problem(404, "not_found");
        owner.post("/api/v1/lines", json!({})).await.problem(405, "method_not_allowed");
        owner.post("/lines", json!({})).await.problem(405, "method_not_allowed");
        let long = json!({ "name": "x".repeat(70_000), "role": "viewer" });
        owner.post("/api/v1/tokens", long.clone()).await.problem(413, "too_large");
        owner.with("idempotency-key", "k").post("/api/v1/tokens", long).await.problem(413, "too_large");
        let form = owner.request(Method::POST, "/api/v1/tokens").form(&[("name", "x")]);
        owner.send(form).await.problem(415, "unsupported_media_type");
        for body in ["{", "[]", "null", "\"x\"", &"[".repeat(10_000)] {
            let raw = owner.request(Method::POST, "/api/v1/tokens").header("content-type", "application/json");
            owner.send(raw.body(body.to_owned())).await.problem(400, "invalid_request");
        }
        let nul = json!({ "name": "a\u{0}b", "role": "viewer" });
        owner.post("/api/v1/tokens", nul).await.problem(400, "invalid_request");
        for query in ["limit=0", "limit=x", "cursor=%00", "cursor=nonsense", "nmae=1", "limit=1&limit=2"] {
            owner.get(&format!("/api/v1/lines?{query}")).await.problem(400, "invalid_request");
        }
        owner.get("/api/v1/lines/%00").await.problem(404, "not_found");
        owner.get("/api/v1/lines/%FF").await.problem(404, "not_found");
    }

    async fn every_answer_carries_the_headers_and_its_id(world: TestServer) {
        for (path, status) in [
            ("/", 200), ("/lines/x", 200), ("/healthz", 200), ("/readyz", 200), ("/api/v1/lines", 401),
            ("/api/v1/nothing", 404), ("/assets/none.js", 404),
        ] {
            let answer = world.nobody().with("x-request-id", "mine-1").get(path).await.expect(status);
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
            assert_eq!(answer.header("strict-transport-security"), "", "not without https");
            assert!(!answer.header("cache-control").is_empty());
            assert_eq!(answer.header("x-request-id"), "mine-1");
        }
        let odd = world.nobody().with("x-request-id", "no spaces, please").get("/healthz").await;
        assert_eq!(odd.header("x-request-id").len(), 36);
        let problem = world.nobody().get("/api/v1/lines").await.problem(401, "not_signed_in");
        assert_eq!(problem.header("www-authenticate"), "Bearer");
        assert_eq!(problem.body["instance"], format!("urn:dialtone:request:{}", problem.header("x-request-id")));
        assert_eq!(problem.body["message"], format!("{} {}", problem.body["detail"].as_str().unwrap(), problem.body["remedy"].as_str().unwrap()));
    }

    async fn the_server_tells_about_itself(world: TestServer) {
        assert_eq!(world.nobody().get("/healthz").await.expect(200).body, json!({ "status": "ok" }));
        let ready = json!({ "status": "ok", "checks": { "database": "ok", "effects": "ok", "master_key": "ok", "staying": "ok" } });
        assert_eq!(world.nobody().get("/readyz").await.expect(200).body, ready);
        let head = world.owner.request(Method::HEAD, "/api/v1/lines");
        let head = world.owner.send(head).await.expect(200);
        assert_eq!(head.text, "");
        world.owner.get("/api/v1/lines/+14155552671").await;
        let metrics = world.nobody().get("/metrics").await.expect(200).text;
        assert!(metrics.contains("route=\"/api/v1/lines/{line}\""), "{metrics}");
        assert!(!metrics.contains("14155552671"));
        let served = world.nobody().get("/api/openapi.json").await.expect(200).text;
        assert_eq!(served, dialtone_server::openapi());
    }
}

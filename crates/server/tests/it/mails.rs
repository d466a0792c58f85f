//! Mails to people, by a real mail server: invitations, and links for a new password (case T53, requirement F1).

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use dialtone_app::{Config, MailConfig};
use dialtone_testkit::{Engine, MailServer, TestServer};
use serde_json::json;
use std::time::{Duration, Instant};

/// The next mail that was taken: to whom, and its text.
fn taken(server: &mut MailServer) -> (String, String) {
    let (mail, raw) = server.taken();
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let text = match head.to_lowercase().contains("encoding: base64") {
        true => String::from_utf8(BASE64.decode(body.replace("\r\n", "")).unwrap()).unwrap(),
        false => body.replace("=\r\n", "").replace("=3D", "="),
    };
    (mail["to"][0].as_str().unwrap().to_owned(), text)
}

/// A world whose mails go to that server.
async fn world(server: &MailServer) -> TestServer {
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let mail = MailConfig { url: url.into(), from: "Dialtone <dialtone@example.com>".to_owned() };
    let tweak = |config: &mut Config| {
        config.mail = Some(mail);
        config.public_url = "https://dialtone.example.com/base/".to_owned();
    };
    TestServer::start_with(Engine::Sqlite, tweak).await.unwrap()
}

/// The secret at the end of the link to that page.
fn secret<'a>(text: &'a str, page: &str) -> &'a str {
    let link = format!("https://dialtone.example.com/base/{page}/");
    let (_, rest) = text.split_once(&link).unwrap_or_else(|| panic!("no {link} in {text}"));
    rest.split_whitespace().next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t53_an_invitation_is_mailed_in_the_language_of_who_gets_it() {
    let Some(mut server) = MailServer::start(&[]) else { return };
    let world = world(&server).await;
    let owner = world.owner.with("host", "evil.example");
    let made =
        owner.post("/api/v1/invitations", json!({ "email": "new@example.com", "role": "agent" })).await;
    let made = made.expect(201).body;
    assert!(made["link"].is_null(), "only the mailbox has it");
    let (to, text) = taken(&mut server);
    assert_eq!(to, "new@example.com");
    assert!(text.contains("owner invites you into the organisation Acme"), "{text}");
    let look = json!({ "secret": secret(&text, "invitation") });
    world.nobody().post("/api/v1/invitation", look).await.expect(200);

    // Somebody known who chose French gets French, whatever the organisation speaks.
    let stranger = world.stranger().await;
    stranger.patch("/api/v1/me", json!({ "language": "fr" })).await.expect(200);
    let body = json!({ "email": "stranger@example.org", "role": "viewer" });
    world.owner.post("/api/v1/invitations", body).await.expect(201);
    let (to, text) = taken(&mut server);
    assert_eq!(to, "stranger@example.org");
    assert!(text.contains("vous invite dans l") && text.contains("lecteur"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t53_a_link_for_a_new_password_is_mailed_and_works_once() {
    let Some(mut server) = MailServer::start(&[]) else { return };
    let world = world(&server).await;
    world.stranger().await;
    let ask = |email: &str| {
        let (nobody, body) = (world.nobody().with("host", "evil.example"), json!({ "email": email }));
        async move { nobody.post("/api/v1/password-reset", body).await.expect(202).body }
    };
    let known = ask("Owner@Example.com").await;
    let (to, text) = taken(&mut server);
    assert_eq!(to, "owner@example.com");
    let complete = "/api/v1/password-reset/complete";
    let body =
        json!({ "code": secret(&text, "reset-password"), "password": "another horse, another battery" });
    world.nobody().post(complete, body.clone()).await.expect(200);
    world.nobody().post(complete, body).await.problem(401, "code_invalid");

    // Nobody has that address: the same answer, and no mail. Nor does anybody get more than a few.
    assert_eq!(ask("nobody@example.com").await, known);
    for _ in 0..5 {
        assert_eq!(ask("owner@example.com").await, known);
    }
    assert_eq!([taken(&mut server).0, taken(&mut server).0], ["owner@example.com", "owner@example.com"]);
    ask("stranger@example.org").await;
    assert_eq!(taken(&mut server).0, "stranger@example.org", "three in a row, and no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t53_the_answer_does_not_wait_for_the_mail() {
    let Some(server) = MailServer::start(&["--slow"]) else { return };
    let world = world(&server).await;
    for email in ["owner@example.com", "nobody@example.com"] {
        let asked = Instant::now();
        let answer =
            world.nobody().post("/api/v1/password-reset", json!({ "email": email })).await.expect(202);
        assert_eq!(answer.body, json!({ "success": true }));
        assert!(asked.elapsed() < Duration::from_secs(5), "the mail server never answers");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mail_server_the_link_is_handed_over_by_people() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    let body = json!({ "email": "new@example.com", "role": "agent" });
    assert!(world.owner.post("/api/v1/invitations", body).await.expect(201).body["link"].is_string());
    for email in ["owner@example.com", "nobody@example.com"] {
        world
            .nobody()
            .post("/api/v1/password-reset", json!({ "email": email }))
            .await
            .problem(409, "mail_missing");
    }
}

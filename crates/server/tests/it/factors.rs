//! Second factors: authenticator apps, recovery codes, the organisation's rule.

use dialtone_domain::Role;
use dialtone_testkit::{Browser, PASSWORD, TestServer, on_each_engine};
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

const OWNER: &str = "owner@example.com";

/// An authenticator app with the secret that the page shows.
fn app(secret: &Value) -> Totp {
    let secret = Secret::try_from_base32(secret.as_str().unwrap()).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

/// The code of a step near now: the server takes the one before and the one after, too.
fn code(app: &Totp, step: i64) -> String {
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    app.generate(u64::try_from(now + 30 * step).unwrap()).to_string()
}

async fn password(browser: &mut Browser, email: &str) -> dialtone_testkit::Answer {
    browser.post("/api/v1/session", json!({ "email": email, "password": PASSWORD })).await
}

async fn signed_in(world: &TestServer, email: &str) -> Browser {
    let mut browser = Browser::new(&world.nobody());
    password(&mut browser, email).await.expect(200);
    browser
}

/// Adds an app by the code before the present one; gives it, and the recovery codes.
async fn enrol(browser: &mut Browser) -> (Totp, Vec<String>) {
    let new = browser.post("/api/v1/me/factors/totp", json!({})).await.expect(200).body;
    assert!(new["uri"].as_str().unwrap().starts_with("otpauth://totp/Dialtone:"), "{new}");
    let app = app(&new["secret"]);
    let confirm = json!({ "code": code(&app, -1) });
    let confirmed = browser.post("/api/v1/me/factors/totp/confirm", confirm).await.expect(200).body;
    let codes = confirmed["recovery_codes"].as_array().unwrap().iter();
    (app, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// The first step; gives the ticket.
async fn first_step(browser: &mut Browser) -> String {
    let first = password(browser, OWNER).await.expect(202).body;
    assert!(!browser.cookies.contains_key("dialtone_session"), "the first step alone is no session");
    first["second_factor"]["ticket"].as_str().unwrap().to_owned()
}

async fn second_step(browser: &mut Browser, ticket: &str, code: &str) -> dialtone_testkit::Answer {
    browser.post("/api/v1/session/second-factor", json!({ "ticket": ticket, "code": code })).await
}

on_each_engine! {
    async fn a_code_signs_in_once_and_only_the_browser_that_began(world: TestServer) {
        let mut home = signed_in(&world, OWNER).await;
        let (app, codes) = enrol(&mut home).await;
        assert_eq!(codes.len(), 10);
        let factors = home.get("/api/v1/me/factors").await.expect(200).body["factors"].clone();
        assert_eq!((&factors["totp"], &factors["recovery_codes"]), (&json!(true), &json!(10)));

        let mut browser = Browser::new(&world.nobody()).with("x-request-id", "same");
        let ticket = first_step(&mut browser).await;
        // The code that confirmed the app was used; a wrong one, another ticket and another browser get the same answer.
        let replayed = second_step(&mut browser, &ticket, &code(&app, -1)).await.problem(401, "second_factor_failed");
        let wrong = second_step(&mut browser, &ticket, "000000").await;
        let other_ticket = second_step(&mut browser, "nonsense", &code(&app, 0)).await;
        let mut thief = Browser::new(&world.nobody()).with("x-request-id", "same");
        let stolen = second_step(&mut thief, &ticket, &code(&app, 0)).await;
        for answer in [wrong, other_ticket, stolen] {
            assert_eq!((answer.status, &answer.text), (401, &replayed.text));
        }
        let session = second_step(&mut browser, &ticket, &code(&app, 0)).await.expect(200).body;
        assert_eq!(session["session"]["member"]["email"], OWNER);
        browser.get("/api/v1/session").await.expect(200);

        // Neither the code nor the ticket works again.
        let mut again = Browser::new(&world.nobody());
        let ticket = first_step(&mut again).await;
        second_step(&mut again, &ticket, &code(&app, 0)).await.problem(401, "second_factor_failed");
        let before = again.clone();
        second_step(&mut again, &ticket, &codes[0]).await.expect(200);
        let mut replay = before;
        second_step(&mut replay, &ticket, &codes[1]).await.problem(401, "second_factor_failed");
    }

    async fn t14_a_first_step_ends_with_the_password_it_was_made_with(world: TestServer) {
        let mut home = signed_in(&world, OWNER).await;
        let (_, codes) = enrol(&mut home).await;
        let mut browser = Browser::new(&world.nobody());
        let ticket = first_step(&mut browser).await;
        let change = json!({ "current_password": PASSWORD, "new_password": "another horse, another battery" });
        home.send(Method::PUT, "/api/v1/me/password", Some(&change)).await.expect(200);
        second_step(&mut browser, &ticket, &codes[0]).await.problem(401, "second_factor_failed");
        // The code was not used up by that.
        let body = json!({ "email": OWNER, "password": "another horse, another battery" });
        let first = browser.post("/api/v1/session", body).await.expect(202).body;
        let ticket = first["second_factor"]["ticket"].as_str().unwrap();
        second_step(&mut browser, ticket, &codes[0]).await.expect(200);
    }

    async fn recovery_codes_work_once_and_are_replaced_together(world: TestServer) {
        let mut home = signed_in(&world, OWNER).await;
        let (_, codes) = enrol(&mut home).await;
        let mut browser = Browser::new(&world.nobody());
        let ticket = first_step(&mut browser).await;
        second_step(&mut browser, &ticket, &codes[3].to_uppercase().replace('-', " ")).await.expect(200);
        let mut browser = Browser::new(&world.nobody());
        let ticket = first_step(&mut browser).await;
        second_step(&mut browser, &ticket, &codes[3]).await.problem(401, "second_factor_failed");
        let renewed = home.post("/api/v1/me/factors/recovery-codes", json!({})).await.expect(200).body;
        assert_eq!(renewed["recovery_codes"].as_array().unwrap().len(), 10);
        second_step(&mut browser, &ticket, &codes[4]).await.problem(401, "second_factor_failed");
        second_step(&mut browser, &ticket, renewed["recovery_codes"][0].as_str().unwrap()).await.expect(200);
    }

    async fn t16_guessing_the_second_step_is_slowed_and_the_owner_gets_in(world: TestServer) {
        let mut home = signed_in(&world, OWNER).await;
        let (app, _) = enrol(&mut home).await;
        let mut thief = Browser::new(&world.nobody());
        let mut refused = 0;
        for _ in 0..4 {
            let ticket = first_step(&mut thief).await;
            for guess in 0..5 {
                refused += u32::from(second_step(&mut thief, &ticket, &format!("{guess:06}")).await.status == 429);
            }
        }
        assert!(refused >= 10, "{refused}");
        home.cookies.remove("dialtone_session");
        let ticket = first_step(&mut home).await;
        second_step(&mut home, &ticket, &code(&app, 0)).await.expect(200);
    }

    async fn a_token_changes_no_factor_and_the_last_one_takes_its_codes_along(world: TestServer) {
        world.owner.post("/api/v1/me/factors/totp", json!({})).await.problem(403, "session_needed");
        let mut home = signed_in(&world, OWNER).await;
        let begun = home.post("/api/v1/me/factors/totp", json!({})).await.expect(200).body;
        home.post("/api/v1/me/factors/totp/confirm", json!({ "code": "000000" })).await.problem(400, "factor_code_wrong");
        // What was not confirmed is not asked for.
        let mut other = signed_in(&world, OWNER).await;
        let confirm = json!({ "code": code(&app(&begun["secret"]), 0) });
        home.post("/api/v1/me/factors/totp/confirm", confirm).await.expect(200);
        home.post("/api/v1/me/factors/totp", json!({})).await.problem(409, "factor_exists");
        let wrong = json!({ "password": "wrong wrong wrong" });
        home.post("/api/v1/me/factors/totp/remove", wrong).await.problem(403, "password_wrong");
        other.post("/api/v1/me/factors/totp/remove", json!({ "password": PASSWORD })).await.expect(200);
        let factors = home.get("/api/v1/me/factors").await.expect(200).body["factors"].clone();
        assert_eq!((&factors["totp"], &factors["recovery_codes"]), (&json!(false), &json!(0)));
        home.post("/api/v1/me/factors/recovery-codes", json!({})).await.problem(404, "not_found");
        signed_in(&world, OWNER).await;
    }

    async fn where_the_organisation_requires_one_members_without_can_only_add_one(world: TestServer) {
        let mut owner = signed_in(&world, OWNER).await;
        let rule = "/api/v1/organisation/second-factor";
        let required = json!({ "required": true });
        owner.send(Method::PUT, rule, Some(&required)).await.problem(409, "factors_required");
        enrol(&mut owner).await;
        let viewer = world.member(Role::Viewer).await;
        let mut browser = signed_in(&world, "viewer@example.com").await;
        browser.get("/api/v1/lines").await.expect(200);
        owner.send(Method::PUT, rule, Some(&required)).await.expect(200);

        // At once, for the session that is there and for the token.
        browser.get("/api/v1/lines").await.problem(403, "second_factor_needed");
        viewer.get("/api/v1/lines").await.problem(403, "second_factor_needed");
        let factors = browser.get("/api/v1/me/factors").await.expect(200).body["factors"].clone();
        assert_eq!(factors["required"], true);
        enrol(&mut browser).await;
        browser.get("/api/v1/lines").await.expect(200);
        viewer.get("/api/v1/lines").await.expect(200);
        let proof = json!({ "password": PASSWORD });
        browser.post("/api/v1/me/factors/totp/remove", proof).await.problem(409, "factors_required");
    }

    async fn who_lost_their_factors_is_helped_by_an_owner_or_on_the_data_directory(world: TestServer) {
        world.member(Role::Viewer).await;
        let mut browser = signed_in(&world, "viewer@example.com").await;
        enrol(&mut browser).await;
        let id = browser.get("/api/v1/session").await.body["session"]["member"]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/members/{id}/factors");
        world.stranger().await;
        let mut stranger = signed_in(&world, "stranger@example.org").await;
        stranger.send(Method::DELETE, &path, None).await.problem(404, "not_found");
        let mut owner = signed_in(&world, OWNER).await;
        owner.send(Method::DELETE, &path, None).await.expect(200);
        signed_in(&world, "viewer@example.com").await;

        enrol(&mut owner).await;
        password(&mut Browser::new(&world.nobody()), OWNER).await.expect(202);
        world.app.local_reset_factors(OWNER).await.unwrap();
        signed_in(&world, OWNER).await;
    }
}

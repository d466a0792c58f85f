//! People: several organisations, invitations, suspension, passwords, sessions, tokens; and that no right outlives what
//! it came from (cases T10, T14, T53 of SECURITY.md).

use crate::live::Stream;
use dialtone_domain::{ExposeSecret, Role};
use dialtone_testkit::{Client, PASSWORD, TestServer, on_each_engine};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NEW_PASSWORD: &str = "another horse, another battery";
/// What loss of a right may take at most, everywhere.
const AT_ONCE: Duration = Duration::from_secs(1);

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap().to_owned()
}

/// Signs in as our own pages do.
async fn signed_in(world: &TestServer, email: &str, password: &str) -> Client {
    let body = json!({ "email": email, "password": password });
    browser_of(world, &world.nobody().post("/api/v1/session", body).await.expect(200))
}

/// The browser that got this answer's cookie.
fn browser_of(world: &TestServer, answer: &dialtone_testkit::Answer) -> Client {
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    world.nobody().with("cookie", &cookie).with("sec-fetch-site", "same-origin")
}

/// Invites, and gives the secret of the link.
async fn invite(by: &Client, email: &str, role: &str) -> String {
    let made = by.post("/api/v1/invitations", json!({ "email": email, "role": role })).await.expect(201).body;
    made["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// The member's path, as the owner sees it.
async fn path_of(world: &TestServer, email: &str) -> String {
    let members = world.owner.get("/api/v1/members").await.expect(200).body;
    let all = members["members"].as_array().unwrap();
    format!("/api/v1/members/{}", id(all.iter().find(|member| member["email"] == email).unwrap()))
}

async fn refused(client: &Client) {
    client.get("/api/v1/session").await.problem(401, "not_signed_in");
    client.get("/api/v1/lines").await.problem(401, "not_signed_in");
}

on_each_engine! {
    async fn a_person_works_in_several_organisations_and_comes_back_to_the_last(world: TestServer) {
        let browser = world.browser().await;
        let made = browser.post("/api/v1/organisations", json!({ "name": "Second", "country": "DE" })).await.expect(201);
        let second = id(&made.body["organisation"]);
        let mine = browser.get("/api/v1/organisations").await.expect(200).body;
        let names = |mine: &Value| -> Vec<String> {
            mine["organisations"].as_array().unwrap().iter()
                .map(|one| format!("{} {} {}", one["name"].as_str().unwrap(), one["role"].as_str().unwrap(), one["current"]))
                .collect()
        };
        assert_eq!(names(&mine), ["Acme owner true", "Second owner false"]);

        let switch = json!({ "organisation_id": second });
        let answer = browser.post("/api/v1/session/organisation", switch.clone()).await.expect(200);
        assert_eq!(answer.body["session"]["organisation"]["country"], "DE");
        refused(&browser).await;
        let browser = browser_of(&world, &answer);
        assert_eq!(browser.get("/api/v1/session").await.expect(200).body["session"]["organisation"]["name"], "Second");
        assert_eq!(browser.get("/api/v1/members").await.expect(200).body["members"].as_array().unwrap().len(), 1);

        let again = world.browser().await;
        assert_eq!(again.get("/api/v1/session").await.body["session"]["organisation"]["name"], "Second");
        // A token stays in its organisation, and none of this is for programs.
        assert_eq!(world.owner.get("/api/v1/session").await.body["session"]["organisation"]["name"], "Acme");
        world.owner.post("/api/v1/session/organisation", switch.clone()).await.problem(403, "session_needed");
        world.owner.post("/api/v1/organisations", json!({ "name": "X" })).await.problem(403, "session_needed");
        // What is another's answers like what is not there.
        world.stranger().await;
        let stranger = signed_in(&world, "stranger@example.org", PASSWORD).await;
        stranger.post("/api/v1/session/organisation", switch).await.problem(404, "not_found");
        let absent = json!({ "organisation_id": "01890000-0000-7000-8000-000000000000" });
        stranger.post("/api/v1/session/organisation", absent).await.problem(404, "not_found");
    }

    async fn f1_language_and_time_zone_are_the_persons_own(world: TestServer) {
        let browser = world.browser().await;
        let change = json!({ "name": "Olga", "language": "fr", "time_zone": "europe/paris" });
        let changed = browser.patch("/api/v1/me", change).await.expect(200).body;
        assert_eq!(changed["account"]["time_zone"], "Europe/Paris");
        let me = browser.get("/api/v1/me").await.expect(200).body["account"].clone();
        assert_eq!((&me["name"], &me["language"]), (&json!("Olga"), &json!("fr")));
        let session = browser.get("/api/v1/session").await.body["session"]["member"].clone();
        assert_eq!(session["time_zone"], "Europe/Paris");
        for wrong in ["Mars/Olympus", "../../etc/passwd", ""] {
            let refused = browser.patch("/api/v1/me", json!({ "time_zone": wrong })).await.problem(400, "invalid_request");
            assert_eq!(refused.body["errors"][0]["field"], "time_zone");
        }
        let cleared = browser.patch("/api/v1/me", json!({ "language": null, "time_zone": null })).await.expect(200).body;
        assert!(cleared["account"]["language"].is_null() && cleared["account"]["time_zone"].is_null());
        assert_eq!(cleared["account"]["name"], "Olga");
    }

    async fn an_invitation_brings_in_who_is_new_and_who_is_known(world: TestServer) {
        let secret = invite(&world.owner, "New@Example.com", "agent").await;
        let nobody = world.nobody();
        let look = json!({ "secret": secret });
        let seen = nobody.post("/api/v1/invitation", look.clone()).await.expect(200).body["invitation"].clone();
        assert_eq!((&seen["organisation"], &seen["role"], &seen["known"]), (&json!("Acme"), &json!("agent"), &json!(false)));
        let listed = world.owner.get("/api/v1/invitations").await.expect(200);
        assert_eq!(listed.body["invitations"][0]["email"], "new@example.com");
        assert!(!listed.text.contains(&secret), "it is shown once");

        let bare = json!({ "secret": secret, "password": PASSWORD });
        nobody.post("/api/v1/invitation/join", bare).await.problem(400, "invalid_request");
        let body = json!({ "secret": secret, "name": "Nina", "password": PASSWORD });
        let joined = nobody.post("/api/v1/invitation/join", body.clone()).await.expect(200);
        assert_eq!(joined.body["signed_in"], true);
        let nina = browser_of(&world, &joined);
        assert_eq!(nina.get("/api/v1/session").await.expect(200).body["session"]["member"]["role"], "agent");
        nobody.post("/api/v1/invitation/join", body).await.problem(401, "code_invalid");

        // Somebody of another organisation is not added: they accept, signed in or with their password.
        world.stranger().await;
        let known = json!({ "email": "stranger@example.org", "name": "S", "role": "viewer" });
        world.owner.post("/api/v1/members", known).await.problem(409, "member_exists");
        let secret = invite(&world.owner, "stranger@example.org", "viewer").await;
        let look = json!({ "secret": secret });
        assert_eq!(nobody.post("/api/v1/invitation", look.clone()).await.body["invitation"]["known"], true);
        nina.post("/api/v1/invitation/accept", look.clone()).await.problem(403, "invitation_not_yours");
        let wrong = json!({ "secret": secret, "name": "S", "password": "not the password" });
        nobody.post("/api/v1/invitation/join", wrong).await.problem(401, "sign_in_failed");
        let stranger = signed_in(&world, "stranger@example.org", PASSWORD).await;
        let joined = stranger.post("/api/v1/invitation/accept", look.clone()).await.expect(200).body;
        let switched = stranger.post("/api/v1/session/organisation", joined_in(&joined)).await.expect(200);
        assert_eq!(switched.body["session"]["member"]["role"], "viewer");
        let path = path_of(&world, "stranger@example.org").await;
        world.owner.delete(&path).await.expect(200);
        let secret = invite(&world.owner, "stranger@example.org", "viewer").await;
        let body = json!({ "secret": secret, "password": PASSWORD });
        let joined = nobody.post("/api/v1/invitation/join", body).await.expect(200);
        assert_eq!((joined.header("set-cookie"), &joined.body["signed_in"]), ("", &json!(false)), "they sign in as always");
        world.owner.post("/api/v1/invitations", json!({ "email": "stranger@example.org", "role": "viewer" })).await
            .problem(409, "member_exists");
    }

    async fn t53_an_invitation_works_once_however_many_redeem_it_at_the_same_time(world: TestServer) {
        let secret = invite(&world.owner, "new@example.com", "viewer").await;
        assert!(secret.len() >= 22, "at least 128 bits");
        // Fewer where each makes a hash first, which is slow by intent.
        let hashing = if std::env::var_os("DIALTONE_TEST_LONG").is_some() { 64 } else { 12 };
        let tries = (0..hashing).map(|number| {
            let body = json!({ "secret": secret, "name": format!("N{number}"), "password": PASSWORD });
            let nobody = world.nobody();
            async move { nobody.post("/api/v1/invitation/join", body).await }
        });
        let answers = futures::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        // Whoever comes while the account is made is told that it exists; then its password would be asked for.
        assert!(answers.iter().all(|answer| [200, 401, 409, 429].contains(&answer.status)), "{answers:?}");
        let members = world.owner.get("/api/v1/members").await.body["members"].as_array().unwrap().len();
        assert_eq!(members, 2);


        world.stranger().await;
        let stranger = signed_in(&world, "stranger@example.org", PASSWORD).await;
        let body = json!({ "secret": invite(&world.owner, "stranger@example.org", "viewer").await });
        let tries = (0..64).map(|_| stranger.post("/api/v1/invitation/accept", body.clone()));
        let answers: Vec<_> = futures::future::join_all(tries).await.iter().map(|answer| answer.status).collect();
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
        assert!(answers.iter().all(|status| [200, 401].contains(status)), "{answers:?}");

        // Used up is used up, also when the member is gone again.
        world.owner.delete(&path_of(&world, "new@example.com").await).await.expect(200);
        let again = json!({ "secret": secret, "name": "N", "password": PASSWORD });
        world.nobody().post("/api/v1/invitation/join", again).await.problem(401, "code_invalid");

        let link = world.app.local_reset_link("owner@example.com").await.unwrap();
        let code = link.expose_secret().rsplit('/').next().unwrap().to_owned();
        assert!(link.expose_secret().starts_with(&format!("{}/reset-password/", world.url())), "the configured address only");
        let tries = (0..hashing).map(|number| {
            let body = json!({ "code": code, "password": format!("{NEW_PASSWORD} {number}") });
            let nobody = world.nobody().with("host", "evil.example");
            async move { nobody.post("/api/v1/password-reset/complete", body).await.status }
        });
        let answers = futures::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
        assert!(answers.iter().all(|status| [200, 401].contains(status)));
    }

    async fn t53_links_are_hashed_at_rest_and_expire(world: TestServer) {
        let secret = invite(&world.owner, "new@example.com", "viewer").await;
        let link = world.app.local_reset_link("owner@example.com").await.unwrap();
        let code = link.expose_secret().rsplit('/').next().unwrap().to_owned();
        let rows = format!("{:?}", world.database().rows());
        for kept in [&secret, &code] {
            let bytes: String = kept.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!rows.contains(kept.as_str()) && !rows.to_lowercase().contains(&bytes), "in the clear");
        }
        let look = json!({ "secret": secret });
        let join = json!({ "secret": secret, "name": "N", "password": PASSWORD });
        let reset = json!({ "code": code, "password": NEW_PASSWORD });
        world.nobody().post("/api/v1/invitation", look.clone()).await.expect(200);
        world.database().tamper("UPDATE invitations SET expires_at = 1; UPDATE codes SET expires_at = 1");
        world.nobody().post("/api/v1/invitation", look).await.problem(401, "code_invalid");
        world.nobody().post("/api/v1/invitation/join", join).await.problem(401, "code_invalid");
        world.nobody().post("/api/v1/password-reset/complete", reset).await.problem(401, "code_invalid");
        assert_eq!(world.owner.get("/api/v1/invitations").await.expect(200).body["invitations"], json!([]));
        world.browser().await.get("/api/v1/session").await.expect(200);
    }

    async fn t53_an_invitation_gives_nothing_before_it_is_accepted_and_ends_with_its_makers_right(world: TestServer) {
        // T10: who is invited, and nothing more, is nobody.
        let secret = invite(&world.owner, "new@example.com", "owner").await;
        let body = json!({ "email": "new@example.com", "password": PASSWORD });
        world.nobody().post("/api/v1/session", body).await.problem(401, "sign_in_failed");
        refused(&world.nobody().token(&secret)).await;
        refused(&world.nobody().with("cookie", &format!("dialtone_session={secret}"))).await;

        // A second one takes the place of the first; a revoked one is over.
        let look = |secret: &str| json!({ "secret": secret });
        let second = invite(&world.owner, "new@example.com", "viewer").await;
        world.nobody().post("/api/v1/invitation", look(&secret)).await.problem(401, "code_invalid");
        let listed = world.owner.get("/api/v1/invitations").await.body["invitations"][0].clone();
        world.owner.delete(&format!("/api/v1/invitations/{}", id(&listed))).await.expect(200);
        world.owner.delete(&format!("/api/v1/invitations/{}", id(&listed))).await.problem(404, "not_found");
        world.nobody().post("/api/v1/invitation", look(&second)).await.problem(401, "code_invalid");

        // It is worth what its maker may grant now.
        let admin = world.member(Role::Admin).await;
        let path = path_of(&world, "admin@example.com").await;
        let secret = invite(&admin, "new@example.com", "agent").await;
        let body = json!({ "secret": secret, "name": "Nina", "password": PASSWORD });
        for (change, back) in [
            (json!({ "suspended": true }), json!({ "suspended": false })),
            (json!({ "role": "agent" }), json!({ "role": "admin" })),
        ] {
            world.owner.patch(&path, change).await.expect(200);
            world.nobody().post("/api/v1/invitation", look(&secret)).await.problem(401, "code_invalid");
            world.nobody().post("/api/v1/invitation/join", body.clone()).await.problem(401, "code_invalid");
            world.owner.patch(&path, back).await.expect(200);
            world.nobody().post("/api/v1/invitation", look(&secret)).await.expect(200);
        }
        world.owner.delete(&path).await.expect(200);
        world.nobody().post("/api/v1/invitation/join", body).await.problem(401, "code_invalid");
        assert_eq!(world.owner.get("/api/v1/invitations").await.body["invitations"], json!([]));
    }

    async fn t10_a_suspended_member_has_no_right_at_all_and_gets_them_back(world: TestServer) {
        let admin = world.member(Role::Admin).await;
        let browser = signed_in(&world, "admin@example.com", PASSWORD).await;
        let code = world.app.local_sign_in_code("admin@example.com").await.unwrap();
        let path = path_of(&world, "admin@example.com").await;
        let suspended = world.owner.patch(&path, json!({ "suspended": true })).await.expect(200).body;
        assert!(suspended["member"]["suspended_at"].is_string());
        let document: Value = serde_json::from_str(dialtone_server::openapi()).unwrap();
        let mut tried = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            let absent = "01890000-0000-7000-8000-000000000000";
            let path = path.replace("{id}", absent).replace("{line}", absent);
            for (method, operation) in item.as_object().unwrap() {
                if operation["security"].is_null() || path == "/metrics" {
                    continue;
                }
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                for client in [&admin, &browser] {
                    client.json(method.clone(), &path, &json!({})).await.problem(401, "not_signed_in");
                    tried += 1;
                }
            }
        }
        assert!(tried > 80, "{tried}");
        let body = json!({ "email": "admin@example.com", "password": PASSWORD });
        world.nobody().post("/api/v1/session", body).await.problem(401, "sign_in_failed");

        world.owner.patch(&path, json!({ "suspended": false })).await.expect(200);
        // The twin: programs work again; who was signed in signs in again.
        admin.get("/api/v1/lines").await.expect(200);
        refused(&browser).await;
        world.nobody().get(&format!("/sign-in/{}", code.expose_secret())).await.problem(401, "code_invalid");
        signed_in(&world, "admin@example.com", PASSWORD).await.get("/api/v1/lines").await.expect(200);
    }

    async fn t10_a_stream_ends_within_a_second_of_the_right_to_it(world: TestServer) {
        let (email, narrow) = ("agent@example.com", "lines.read events.read tokens.own");
        let agent = world.member(Role::Agent).await;
        let path = path_of(&world, email).await;
        for case in ["suspend", "role", "token", "narrow token", "session", "others", "password", "remove"] {
            let with_sessions = ["suspend", "role", "session", "others", "password"].contains(&case);
            let with_another = ["session", "others", "password"].contains(&case);
            let nobody = world.nobody();
            let browser = if with_sessions { signed_in(&world, email, PASSWORD).await } else { nobody.clone() };
            let other = if with_another { signed_in(&world, email, PASSWORD).await } else { nobody };
            let scopes = if case == "narrow token" { json!(narrow) } else { Value::Null };
            let body = json!({ "name": case, "role": "agent", "scopes": scopes });
            let made = agent.post("/api/v1/tokens", body).await.expect(201).body;
            let token = world.nobody().token(made["secret"].as_str().unwrap());
            let (follower, gone) = match case {
                "token" | "narrow token" => (&token, world.owner.request(Method::DELETE, &format!("/api/v1/tokens/{}", id(&made["token"])))),
                "session" => {
                    let listed = browser.get("/api/v1/sessions").await.expect(200).body;
                    let mine = listed["sessions"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap().clone();
                    (&browser, other.request(Method::DELETE, &format!("/api/v1/sessions/{}", id(&mine))))
                }
                "others" => (&browser, other.request(Method::DELETE, "/api/v1/sessions")),
                "password" => {
                    let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
                    (&browser, other.request(Method::PUT, "/api/v1/me/password").json(&body))
                }
                "role" => (&browser, world.owner.request(Method::PATCH, &path).json(&json!({ "role": "viewer" }))),
                "suspend" => (&browser, world.owner.request(Method::PATCH, &path).json(&json!({ "suspended": true }))),
                _ => (&token, world.owner.request(Method::DELETE, &path)),
            };
            let mut live = Stream::open(follower, "/api/v1/events").await;
            let mut stays = Stream::open(&world.owner, "/api/v1/events").await;
            world.owner.send(gone).await.expect(200);
            let lost = Instant::now();
            while live.next().await.is_some() {}
            assert!(lost.elapsed() <= AT_ONCE, "{case}: {:?}", lost.elapsed());
            refused(follower).await;
            // The twin: nobody else is cut off.
            world.owner.patch("/api/v1/organisation", json!({ "name": "Acme" })).await.expect(200);
            while stays.next().await.expect("it goes on").1 != "organisation.changed" {}
            if ["suspend", "role"].contains(&case) {
                world.owner.patch(&path, json!({ "suspended": false, "role": "agent" })).await.expect(200);
            }
        }
    }

    async fn t10_a_stream_ends_within_a_second_of_its_tokens_end(world: TestServer) {
        let ends = Timestamp::now() + SignedDuration::from_millis(1500);
        let body = json!({ "name": "short", "role": "viewer", "expires_at": ends.to_string() });
        let made = world.owner.post("/api/v1/tokens", body).await.expect(201).body;
        let token = world.nobody().token(made["secret"].as_str().unwrap());
        let mut live = Stream::open(&token, "/api/v1/events").await;
        while live.next().await.is_some() {}
        let late = Timestamp::now().duration_since(ends);
        assert!(late >= SignedDuration::ZERO && late <= SignedDuration::from_secs(1), "{late}");
    }

    async fn t14_a_password_change_ends_every_other_session_and_every_link(world: TestServer) {
        let (browser, other) = (world.browser().await, world.browser().await);
        let reset = world.app.local_reset_link("owner@example.com").await.unwrap();
        let link = world.app.local_sign_in_code("owner@example.com").await.unwrap();
        let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
        let path = "/api/v1/me/password";
        browser.put(path, change("not the password", NEW_PASSWORD)).await.problem(403, "password_wrong");
        browser.put(path, change(PASSWORD, "short")).await.problem(400, "password_weak");
        other.get("/api/v1/session").await.expect(200);
        world.owner.put(path, change(PASSWORD, NEW_PASSWORD)).await.problem(403, "session_needed");
        let changed = browser.put(path, change(PASSWORD, NEW_PASSWORD)).await.expect(200);

        refused(&other).await;
        refused(&browser).await;
        let code = reset.expose_secret().rsplit('/').next().unwrap();
        let body = json!({ "code": code, "password": PASSWORD });
        world.nobody().post("/api/v1/password-reset/complete", body).await.problem(401, "code_invalid");
        world.nobody().get(&format!("/sign-in/{}", link.expose_secret())).await.problem(401, "code_invalid");
        let old = json!({ "email": "owner@example.com", "password": PASSWORD });
        world.nobody().post("/api/v1/session", old).await.problem(401, "sign_in_failed");
        // The twins: the one who changed it goes on with a new secret, programs work, the new password signs in.
        let browser = browser_of(&world, &changed);
        browser.get("/api/v1/session").await.expect(200);
        world.owner.get("/api/v1/lines").await.expect(200);
        signed_in(&world, "owner@example.com", NEW_PASSWORD).await;
        let all = json!({ "current_password": NEW_PASSWORD, "new_password": PASSWORD, "revoke_tokens": true });
        browser.put(path, all).await.expect(200);
        refused(&world.owner).await;
    }

    async fn t14_a_reset_ends_every_session_and_works_once(world: TestServer) {
        let browser = world.browser().await;
        let reset = world.app.local_reset_link("owner@example.com").await.unwrap();
        let code = reset.expose_secret().rsplit('/').next().unwrap();
        let complete = "/api/v1/password-reset/complete";
        let body = |password: &str| json!({ "code": code, "password": password });
        world.nobody().post(complete, body("short")).await.problem(400, "password_weak");
        browser.get("/api/v1/session").await.expect(200);
        let done = world.nobody().post(complete, body(NEW_PASSWORD)).await.expect(200);
        assert_eq!(done.header("set-cookie"), "", "a second factor is still asked for");
        refused(&browser).await;
        world.nobody().post(complete, body(PASSWORD)).await.problem(401, "code_invalid");
        signed_in(&world, "owner@example.com", NEW_PASSWORD).await.get("/api/v1/lines").await.expect(200);
        let trail = world.owner.get("/api/v1/audit?kind=account.").await.expect(200).body;
        assert_eq!(trail["entries"][0]["kind"], "account.password_reset");
    }

    async fn t14_old_credentials_are_refused_after_sign_out_role_change_and_removal(world: TestServer) {
        let agent = world.member(Role::Agent).await;
        let path = path_of(&world, "agent@example.com").await;
        let browser = signed_in(&world, "agent@example.com", PASSWORD).await;
        let again = signed_in(&world, "agent@example.com", PASSWORD).await;
        browser.delete("/api/v1/session").await.expect(200);
        refused(&browser).await;
        again.get("/api/v1/session").await.expect(200);

        world.owner.patch(&path, json!({ "role": "admin" })).await.expect(200);
        refused(&again).await;
        agent.get("/api/v1/session").await.expect(200);
        let browser = signed_in(&world, "agent@example.com", PASSWORD).await;
        let reset = world.app.local_reset_link("agent@example.com").await.unwrap();
        world.owner.delete(&path).await.expect(200);
        refused(&agent).await;
        refused(&browser).await;
        let code = reset.expose_secret().rsplit('/').next().unwrap();
        let body = json!({ "code": code, "password": PASSWORD });
        world.nobody().post("/api/v1/password-reset/complete", body).await.problem(401, "code_invalid");
        // The twin: who comes again begins anew.
        world.member(Role::Agent).await.get("/api/v1/session").await.expect(200);
    }

    async fn sessions_are_listed_with_where_they_are_and_revoked(world: TestServer) {
        let odd = format!("Mozilla/5.0\t{}", "x".repeat(500));
        let body = json!({ "email": "owner@example.com", "password": PASSWORD });
        let answer = world.nobody().with("user-agent", &odd).post("/api/v1/session", body).await.expect(200);
        let (first, second) = (browser_of(&world, &answer), world.browser().await);
        let listed = second.get("/api/v1/sessions").await.expect(200).body["sessions"].clone();
        let sessions = listed.as_array().unwrap();
        assert_eq!((sessions.len(), &sessions[0]["current"], &sessions[1]["current"]), (2, &json!(true), &json!(false)));
        let agent = sessions[1]["user_agent"].as_str().unwrap();
        assert!(agent.starts_with("Mozilla/5.0x") && agent.len() == 200, "{agent}");
        assert_eq!((&sessions[1]["address"], &sessions[1]["organisation"]), (&json!("127.0.0.1"), &json!("Acme")));

        world.stranger().await;
        let stranger = signed_in(&world, "stranger@example.org", PASSWORD).await;
        let path = format!("/api/v1/sessions/{}", id(&sessions[1]));
        stranger.delete(&path).await.problem(404, "not_found");
        world.owner.delete(&path).await.problem(403, "session_needed");
        second.delete(&path).await.expect(200);
        refused(&first).await;
        let third = world.browser().await;
        assert_eq!(second.delete("/api/v1/sessions").await.expect(200).body["ended"], 1);
        refused(&third).await;
        second.get("/api/v1/session").await.expect(200);
        stranger.get("/api/v1/session").await.expect(200);
    }

    async fn t13_a_token_makes_none_that_may_more_or_lives_longer(world: TestServer) {
        let token = |by: &Client, body: Value| {
            let by = by.clone();
            async move { by.post("/api/v1/tokens", body).await }
        };
        let ends = json!({ "name": "a", "role": "admin", "expires_at": "2100-01-01T00:00:00Z" });
        let made = token(&world.owner, ends).await.expect(201).body;
        let ending = world.nobody().token(made["secret"].as_str().unwrap());
        for end in [Value::Null, json!("2100-01-01T00:00:01Z")] {
            let body = json!({ "name": "b", "role": "viewer", "expires_at": end });
            token(&ending, body).await.problem(403, "grant_too_wide");
        }
        token(&ending, json!({ "name": "b", "role": "admin", "expires_at": "2099-01-01T00:00:00Z" })).await.expect(201);
        token(&ending, json!({ "name": "b", "role": "owner", "expires_at": "2099-01-01T00:00:00Z" })).await
            .problem(403, "role_too_high");

        let scopes = "lines.read tokens.own members.change members.read";
        let made = token(&world.owner, json!({ "name": "c", "role": "admin", "scopes": scopes })).await.expect(201).body;
        assert_eq!(made["token"]["scopes"], "member lines.read members.read members.change tokens.own");
        let narrow = world.nobody().token(made["secret"].as_str().unwrap());
        narrow.get("/api/v1/lines").await.expect(200);
        narrow.get("/api/v1/assistants").await.problem(403, "forbidden");
        narrow.get("/api/v1/events").await.problem(403, "forbidden");
        narrow.patch("/api/v1/me", json!({ "name": "X" })).await.problem(403, "forbidden");
        let permissions = narrow.get("/api/v1/session").await.expect(200).body["session"]["permissions"].clone();
        assert_eq!(permissions, json!(["member", "lines.read", "members.read", "members.change", "tokens.own"]));
        token(&narrow, json!({ "name": "d", "role": "viewer" })).await.problem(403, "grant_too_wide");
        token(&narrow, json!({ "name": "d", "role": "viewer", "scopes": "events.read" })).await.problem(403, "grant_too_wide");
        token(&narrow, json!({ "name": "d", "role": "admin", "scopes": "lines.read" })).await.expect(201);
        // A role is more than a part of it: who has a part cannot give it away.
        let body = json!({ "email": "x@example.com", "name": "X", "role": "viewer" });
        narrow.post("/api/v1/members", body).await.problem(403, "grant_too_wide");
        let body = json!({ "email": "x@example.com", "role": "viewer" });
        narrow.post("/api/v1/invitations", body).await.problem(403, "grant_too_wide");
        for wrong in ["lines.raed", "", "lines.read,events.read"] {
            let refused = token(&world.owner, json!({ "name": "e", "role": "viewer", "scopes": wrong })).await;
            assert_eq!(refused.problem(400, "invalid_request").body["errors"][0]["field"], "scopes");
        }
    }
}

fn joined_in(joined: &Value) -> Value {
    json!({ "organisation_id": joined["organisation_id"] })
}

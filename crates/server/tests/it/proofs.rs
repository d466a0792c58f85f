//! What a right alone does not open: an account that others made, one's own factors, a fence, what others did.

use crate::live::Stream;
use dialtone_app::NewToken;
use dialtone_domain::{ExposeSecret, Role};
use dialtone_testkit::{Browser, Client, PASSWORD, TestServer, on_each_engine};
use reqwest::Method;
use serde_json::json;

const VICTIM: &str = "victim@example.net";
const NEW_PASSWORD: &str = "another horse, another battery";

/// The secret of a new invitation.
async fn invite(by: &Client, email: &str) -> String {
    let made =
        by.post("/api/v1/invitations", json!({ "email": email, "role": "admin" })).await.expect(201).body;
    made["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

async fn signed_in(world: &TestServer, email: &str, password: &str) -> Browser {
    let mut browser = Browser::new(&world.nobody());
    browser.post("/api/v1/session", json!({ "email": email, "password": password })).await.expect(200);
    browser
}

on_each_engine! {
    async fn t10_an_account_that_others_made_gets_no_right_before_it_is_its_persons(world: TestServer) {
        // Somebody makes the victim's account, with a password and an app that they know.
        let attacker = world.stranger().await;
        let made = json!({ "email": VICTIM, "name": "V", "role": "viewer", "password": PASSWORD });
        attacker.post("/api/v1/members", made).await.expect(201);
        let mut thief = signed_in(&world, VICTIM, PASSWORD).await;
        let secret = invite(&world.owner, VICTIM).await;
        let join = |password: &str| json!({ "secret": secret, "name": "V", "password": password });
        world.nobody().post("/api/v1/invitation/join", join(PASSWORD)).await.problem(409, "address_unproved");
        thief.post("/api/v1/invitation/accept", json!({ "secret": secret })).await.problem(409, "address_unproved");
        // Nor does a new password prove anything that somebody chooses who knew the old one.
        let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
        thief.send(Method::PUT, "/api/v1/me/password", Some(&change)).await.expect(200);
        thief.post("/api/v1/invitation/accept", json!({ "secret": secret })).await.problem(409, "address_unproved");
        thief.post("/api/v1/me/factors/totp", json!({})).await.expect(200);
        let token = thief.post("/api/v1/tokens", json!({ "name": "n", "role": "viewer" })).await.expect(201).body;
        let token = world.nobody().token(token["secret"].as_str().unwrap());
        token.get("/api/v1/lines").await.expect(200);

        // The victim comes by a link, as only they can, and nothing of what was there opens any more.
        let link = world.app.local_reset_link(VICTIM).await.unwrap();
        let code = link.expose_secret().rsplit('/').next().unwrap().to_owned();
        let body = json!({ "code": code, "password": "my own words for it, truly" });
        world.nobody().post("/api/v1/password-reset/complete", body).await.expect(200);
        token.get("/api/v1/lines").await.problem(401, "not_signed_in");
        thief.get("/api/v1/session").await.problem(401, "not_signed_in");
        let mut victim = signed_in(&world, VICTIM, "my own words for it, truly").await;
        let factors = victim.get("/api/v1/me/factors").await.expect(200).body["factors"].clone();
        assert_eq!((&factors["totp"], &factors["recovery_codes"]), (&json!(false), &json!(0)));
        victim.post("/api/v1/invitation/accept", json!({ "secret": secret })).await.expect(200);
    }

    async fn t46_only_owners_of_the_first_organisation_lift_the_fence(world: TestServer) {
        world.member(Role::Viewer).await;
        let mut viewer = signed_in(&world, "viewer@example.com", PASSWORD).await;
        let own = viewer.post("/api/v1/organisations", json!({ "name": "Own" })).await.expect(201).body;
        let switch = json!({ "organisation_id": own["organisation"]["id"] });
        viewer.post("/api/v1/session/organisation", switch).await.expect(200);
        viewer.send(Method::DELETE, "/api/v1/instance/fence", None).await.problem(403, "forbidden");
        world.owner.delete("/api/v1/instance/fence").await.expect(200);
    }

    async fn t51_a_stream_tells_no_more_than_the_pages_do(world: TestServer) {
        let viewer = world.member(Role::Viewer).await;
        invite(&world.owner, "guest@example.com").await;
        world.browser().await;
        viewer.post("/api/v1/tokens", json!({ "name": "own", "role": "viewer" })).await.expect(201);
        world.owner.patch("/api/v1/organisation", json!({ "name": "Last" })).await.expect(200);
        let heard = async |client: &Client| {
            let mut stream = Stream::open(client, "/api/v1/events?after=0").await;
            let mut kinds = Vec::new();
            while kinds.last().is_none_or(|kind| kind != "organisation.changed") {
                kinds.push(stream.next().await.unwrap().1);
            }
            kinds
        };
        let (all, some) = (heard(&world.owner).await, heard(&viewer).await);
        for kind in ["member.added", "invitation.created", "sign_in.succeeded", "token.created"] {
            assert!(all.iter().any(|heard| heard == kind), "an owner hears {kind}: {all:?}");
        }
        assert!(some.iter().any(|heard| heard == "member.added"), "{some:?}");
        for kind in ["invitation.created", "sign_in.succeeded"] {
            assert!(some.iter().all(|heard| heard != kind), "a viewer hears {kind}");
        }
        // Their own token, not the owner's.
        assert_eq!(some.iter().filter(|heard| *heard == "token.created").count(), 1);
    }

    async fn t13_nobody_resets_their_own_factors_and_no_token_anybodys(world: TestServer) {
        let mut owner = signed_in(&world, "owner@example.com", PASSWORD).await;
        let me = owner.get("/api/v1/session").await.expect(200).body["session"]["member"]["id"].clone();
        let path = format!("/api/v1/members/{}/factors", me.as_str().unwrap());
        world.owner.delete(&path).await.problem(403, "session_needed");
        owner.send(Method::DELETE, &path, None).await.problem(403, "proof_needed");
        world.member(Role::Admin).await;
        let mut admin = signed_in(&world, "admin@example.com", PASSWORD).await;
        let admin_me = admin.get("/api/v1/session").await.body["session"]["member"]["id"].clone();
        let other = format!("/api/v1/members/{}/factors", admin_me.as_str().unwrap());
        world.owner.delete(&other).await.problem(403, "session_needed");
        owner.send(Method::DELETE, &other, None).await.expect(200);
    }

    async fn t13_whoever_lost_a_right_meanwhile_has_it_no_more_and_changes_nobody_above(world: TestServer) {
        // As a request that was let in just before.
        let caller = world.owner_caller().await;
        let second = world.nobody().token(&world.add_user("second@example.com", "Acme", Role::Owner).await);
        let path = format!("/api/v1/members/{}", caller.user_id);
        let admin = world.member(Role::Admin).await;
        admin.patch(&path, json!({ "role": "viewer" })).await.problem(403, "role_too_high");
        second.patch(&path, json!({ "role": "viewer" })).await.expect(200);
        let new = NewToken { name: "n".to_owned(), role: Role::Owner, scopes: None, expires_at: None };
        assert!(world.app.create_token(&caller, new).await.is_err());
    }

    async fn t13_a_token_ends_with_the_one_that_made_it_and_reads_only_where_it_may(world: TestServer) {
        let new = |name: &str| json!({ "name": name, "role": "viewer" });
        let parent = world.owner.post("/api/v1/tokens", new("parent")).await.expect(201).body;
        let client = world.nobody().token(parent["secret"].as_str().unwrap());
        let child = client.post("/api/v1/tokens", new("child")).await.expect(201).body;
        let child = world.nobody().token(child["secret"].as_str().unwrap());
        child.get("/api/v1/lines").await.expect(200);
        world.owner.delete(&format!("/api/v1/tokens/{}", parent["token"]["id"].as_str().unwrap())).await.expect(200);
        child.get("/api/v1/lines").await.problem(401, "not_signed_in");

        let narrow = json!({ "name": "eyes", "role": "viewer", "scopes": "lines.read" });
        let narrow = world.owner.post("/api/v1/tokens", narrow).await.expect(201).body;
        let narrow = world.nobody().token(narrow["secret"].as_str().unwrap());
        narrow.get("/api/v1/lines").await.expect(200);
        narrow.put("/api/v1/alert-mail", json!({ "wanted": true })).await.problem(403, "forbidden");
    }

    async fn f1_who_joins_is_answered_in_their_language(world: TestServer) {
        let secret = invite(&world.owner, "new@example.com").await;
        let body = json!({ "secret": secret, "password": PASSWORD });
        let french = world.nobody().with("accept-language", "fr");
        let refused = french.post("/api/v1/invitation/join", body).await.problem(400, "invalid_request");
        let told = refused.body["errors"][0]["message"].as_str().unwrap();
        assert!(told.contains("nécessaire") || told.contains("requis") || told.contains("obligatoire"), "{told}");
    }
}

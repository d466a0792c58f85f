//! `members`, `tokens` and `user reset-password`: who may come in, from the command line.

use crate::harness::{Ended, Engine, Place, Process, never_logged, post, run};
use serde_json::json;
use std::process::Command;

/// A running server with an owner.
struct World {
    place: Place,
    url: String,
    token: String,
    _server: Process,
}

impl World {
    fn start() -> Self {
        let place = Place::new(Engine::Sqlite);
        let owner =
            ["user", "create", "--email", "ada@example.com", "--name", "Ada", "--role", "owner", "--org"];
        assert_eq!(run(&mut place.dialtone(&[&owner[..], &["Analytical"]].concat()), "").code, 0);
        let token = ["token", "create", "--email", "ada@example.com", "--role", "owner"];
        let token = run(&mut place.dialtone(&token), "").out.trim_end().to_owned();
        never_logged(&token);
        let mut server = Process::start(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
        let url = server.line().trim_start_matches("Dialtone answers at ").to_owned();
        Self { place, url, token, _server: server }
    }

    /// Runs a command that talks to the server, with that token.
    fn as_token(&self, token: &str, arguments: &[&str]) -> Ended {
        let mut command = self.place.dialtone(arguments);
        run(command.env("DIALTONE_URL", &self.url).env("DIALTONE_TOKEN", token), "")
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.as_token(&self.token, arguments)
    }

    /// The same with standard output as a shell redirects it.
    fn redirected(&self, to: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec \"$0\" \"$@\" {to}"), env!("CARGO_BIN_EXE_dialtone")]);
        command.args(arguments).env_clear().env("DIALTONE_DATA_DIR", self.place.folder());
        run(command.env("DIALTONE_URL", &self.url).env("DIALTONE_TOKEN", &self.token), "")
    }
}

#[tokio::test]
async fn members_are_invited_suspended_and_removed() {
    let world = World::start();
    let invited = world.run(&["members", "invite", "ben@example.com", "--role", "agent"]);
    assert_eq!(invited.code, 0, "{}", invited.error);
    let link = invited.out.trim_end();
    assert!(link.starts_with("http") && !link.contains('\n'), "the link alone: {link}");
    assert!(invited.error.contains("not mailed"), "{}", invited.error);
    let secret = link.rsplit('/').next().unwrap();
    never_logged(secret);
    let early = world.run(&["members", "suspend", "ben@example.com"]);
    assert!(early.code == 1 && early.error.contains("is invited and no member yet"), "{}", early.error);
    let listed = world.run(&["members", "list", "-o", "json"]).json();
    assert_eq!(
        (listed[0]["email"].as_str(), listed[1]["email"].as_str()),
        (Some("ada@example.com"), Some("ben@example.com"))
    );
    assert!(listed[1]["expires_at"].is_string() && listed[1]["suspended_at"].is_null());

    let body = json!({ "secret": secret, "name": "Ben", "password": "correct horse battery" });
    assert_eq!(post(&format!("{}/api/v1/invitation/join", world.url), None, &body).await.0, 200);
    let changed = world.run(&["members", "role", "BEN@example.com", "viewer", "-o", "json"]).json();
    assert_eq!(changed["role"], "viewer");
    let suspended = world.run(&["members", "suspend", "ben@example.com", "-o", "json"]).json();
    assert!(suspended["suspended_at"].is_string());
    let resumed = world.run(&["members", "resume", "ben@example.com", "-o", "json"]).json();
    assert!(resumed["suspended_at"].is_null());
    assert_eq!(world.run(&["members", "remove", "ben@example.com"]).code, 2, "it asks");
    assert_eq!(world.run(&["members", "remove", "ben@example.com", "--yes"]).code, 0);
    let gone = world.run(&["members", "suspend", "ben@example.com"]);
    assert!(gone.code == 1 && gone.error.contains("ben@example.com"), "{}", gone.error);

    world.run(&["members", "invite", "eve@example.com", "--role", "owner"]);
    assert_eq!(
        world.run(&["members", "remove", "eve@example.com", "--yes"]).code,
        0,
        "an invitation is taken back"
    );
    assert_eq!(world.run(&["members", "list", "-o", "json"]).json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_made_narrow_and_revoked() {
    let world = World::start();
    let create = ["tokens", "create", "--name", "ci", "--role", "admin"];
    let narrow = ["--scopes", "lines.read,events.read", "--expires-at", "2100-01-01T00:00:00Z"];
    let made = world.run(&[&create[..], &narrow].concat());
    let wrong = world.run(&[&create[..], &["--expires-at", "2100-01-31"]].concat());
    assert!(wrong.code == 1 && wrong.error.contains("as 2030-01-31T00:00:00Z"), "{}", wrong.error);
    let secret = made.out.trim_end();
    assert!(made.code == 0 && secret.starts_with("dt_") && !secret.contains('\n'), "{}", made.error);
    never_logged(secret);
    let listed = world.run(&["tokens", "list", "-o", "json"]).json();
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(listed[0]["scopes"], "member lines.read events.read");
    assert_eq!(world.as_token(secret, &["numbers", "list"]).code, 0);
    assert_eq!(world.as_token(secret, &create).code, 1, "it cannot make tokens");
    assert_eq!(world.run(&["tokens", "revoke", id]).code, 0);
    assert_eq!(world.as_token(secret, &["numbers", "list"]).code, 1);
    assert_eq!(world.run(&["tokens", "revoke", id]).code, 1);
}

#[tokio::test]
async fn whoever_runs_the_server_can_help_who_forgot_the_password() {
    let world = World::start();
    let nobody = run(&mut world.place.dialtone(&["user", "reset-password", "--email", "x@example.com"]), "");
    assert!(nobody.code == 1 && nobody.error.contains("x@example.com"), "{}", nobody.error);
    let reset = run(&mut world.place.dialtone(&["user", "reset-password", "--email", "ada@example.com"]), "");
    assert_eq!(reset.code, 0, "{}", reset.error);
    let (_, code) = reset.out.trim_end().split_once("/reset-password/").unwrap();
    never_logged(code);
    let body = json!({ "code": code, "password": "correct horse battery" });
    let path = format!("{}/api/v1/password-reset/complete", world.url);
    assert_eq!(post(&path, None, &body).await.0, 200);
    assert_eq!(post(&path, None, &body).await.0, 401);
    let body = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    assert_eq!(post(&format!("{}/api/v1/session", world.url), None, &body).await.0, 200);
}

#[tokio::test]
async fn a_secret_that_nobody_could_see_is_told_of() {
    let world = World::start();
    let user = ["user", "create", "--name", "B", "--org", "Analytical", "--role", "viewer", "--email"];
    let user = |email: &'static str| [&user[..], &[email]].concat();
    let invite = |email: &'static str| vec!["members", "invite", email, "--role", "viewer"];
    let tokens = || vec!["tokens", "create", "--name", "zz2", "--role", "viewer"];
    let token = || vec!["token", "create", "--email", "ada@example.com", "--role", "viewer"];
    for (arguments, said) in [
        (tokens(), "Token zz2 (id "),
        ([&tokens()[..], &["-o", "json"]].concat(), "Token zz2 (id "),
        (token(), "The token that begins with dt_"),
        (user("ben@example.com"), "ben@example.com was added"),
        (invite("eve@example.com"), "eve@example.com was invited"),
    ] {
        let full = world.redirected(">/dev/full", &arguments);
        assert_eq!(full.code, 1, "{arguments:?}: {}", full.error);
        assert!(full.error.contains(said) && full.error.contains("could not be shown"), "{}", full.error);
    }
    let count = |list: &str| world.run(&[list, "list", "-o", "json"]).json().as_array().unwrap().len();
    let before = (count("tokens"), count("members"));
    assert_eq!(before, (4, 3));
    for arguments in [tokens(), token(), user("fay@example.com"), invite("fay@example.com")] {
        let closed = world.redirected(">&-", &arguments);
        assert_eq!(closed.code, 2, "{arguments:?}: {}", closed.error);
        assert!(closed.error.contains("Nothing was changed"), "{}", closed.error);
    }
    assert_eq!((count("tokens"), count("members")), before);
    assert_eq!(world.redirected(">/dev/null", &tokens()).code, 0, "who throws it away means it");
}

#[test]
fn a_misspelt_organisation_is_noticed() {
    let place = Place::new(Engine::Sqlite);
    let create = |email: &str, org: &str| {
        let arguments = ["user", "create", "--email", email, "--name", "A", "--org", org, "--role", "owner"];
        run(&mut place.dialtone(&arguments), "")
    };
    assert_eq!(create("a@example.com", "Analytical").code, 0);
    let typo = create("b@example.com", "Analytcal");
    assert_eq!(typo.code, 0);
    let said = "There was no organisation of that name: \"Analytcal\" is a new one. Others: \"Analytical\".";
    assert!(typo.error.contains(said), "{}", typo.error);
    assert_eq!(create("c@example.com", "Analytical").error, "");
}

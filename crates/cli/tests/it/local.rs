//! `user create` and `token create`: on the data directory, alone and beside a running server.

use crate::harness::{Engine, Place, Process, get, never_logged, post, run};
use serde_json::json;

const OWNER: [&str; 10] = [
    "user",
    "create",
    "--email",
    "ada@example.com",
    "--name",
    "Ada",
    "--org",
    "Analytical",
    "--role",
    "owner",
];
const TOKEN: [&str; 6] = ["token", "create", "--email", "ada@example.com", "--role", "viewer"];

async fn users_and_tokens(engine: Engine) {
    if !engine.is_here() {
        return;
    }
    let place = Place::new(engine);
    let none = run(&mut place.dialtone(&TOKEN), "");
    assert_eq!((none.code, none.out.as_str()), (1, ""), "{}", none.error);
    let missing = if engine == Engine::Sqlite { "Dialtone database" } else { "master key" };
    assert!(none.error.contains(&format!("There is no {missing} at ")), "{}", none.error);
    let two = run(&mut place.dialtone(&OWNER), "correct horse battery\nbattery horse\n");
    assert_eq!((two.code, two.out.as_str()), (2, ""), "{}", two.error);
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 0, "nothing is made");
    let given = run(&mut place.dialtone(&OWNER), "correct horse battery\n");
    assert!(given.error.contains("\"Analytical\" is a new one"), "{}", given.error);
    assert_eq!(given.error.contains("a new one is at "), engine == Engine::Sqlite, "{}", given.error);
    assert_eq!((given.code, given.out.as_str()), (0, ""), "who gave the password knows it: {}", given.error);
    assert!(given.error.contains("ada@example.com signs in with that password"), "{}", given.error);
    never_logged("correct horse battery");
    let again = run(&mut place.dialtone(&OWNER), "correct horse battery\n");
    assert_eq!((again.code, again.out.as_str()), (1, ""), "the same e-mail address twice");

    let mut server = Process::start(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
    let said = server.line();
    let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();

    // Beside the running server.
    let token = run(&mut place.dialtone(&TOKEN), "");
    let secret = token.out.trim_end();
    assert!(token.code == 0 && secret.starts_with("dt_") && !secret.contains('\n'), "{}", token.error);
    never_logged(secret);
    let (status, session) = get(&format!("{url}/api/v1/session"), Some(secret)).await;
    assert_eq!((status, session["session"]["member"]["role"].as_str()), (200, Some("viewer")), "{session}");
    let mut colleague = OWNER;
    (colleague[3], colleague[9]) = ("bob@example.com", "agent");
    let made_up = run(&mut place.dialtone(&colleague), "");
    assert_eq!(made_up.error, "", "nothing but the user is new");
    let password = made_up.out.trim_end();
    assert!(made_up.code == 0 && password.len() >= 12, "{}", made_up.error);
    never_logged(password);
    let body = json!({ "email": "bob@example.com", "password": password });
    let (status, session) = post(&format!("{url}/api/v1/session"), None, &body).await;
    assert_eq!(
        (status, session["session"]["organisation"]["name"].as_str()),
        (200, Some("Analytical")),
        "{session}"
    );

    let mut too_high = TOKEN;
    (too_high[3], too_high[5]) = ("bob@example.com", "owner");
    assert_eq!(run(&mut place.dialtone(&too_high), "").code, 1, "a token above its member");
    too_high[3] = "nobody@example.com";
    let nobody = run(&mut place.dialtone(&too_high), "");
    assert!(
        nobody.code == 1 && nobody.error.contains("Nobody has the e-mail address nobody@"),
        "{}",
        nobody.error
    );
    let elsewhere = run(&mut place.dialtone(&[&TOKEN[..], &["--org", "Acme"]].concat()), "");
    let said = "ada@example.com is not a member of Acme (or there is no such organisation)";
    assert!(elsewhere.code == 1 && elsewhere.error.contains(said), "{}", elsewhere.error);
    assert!(server.stop().success());
}

#[tokio::test]
async fn users_and_tokens_on_sqlite() {
    users_and_tokens(Engine::Sqlite).await;
}

#[tokio::test]
async fn users_and_tokens_on_postgres() {
    users_and_tokens(Engine::Postgres).await;
}

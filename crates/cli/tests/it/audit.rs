//! `dialtone audit` (requirement F4): read and exported from a server, verified on the data directory and without either.

use crate::harness::{Ended, Engine, Place, Process, run, send};
use serde_json::json;

async fn the_trail(engine: Engine) {
    if !engine.is_here() {
        return;
    }
    let place = Place::new(engine);
    let user = [
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
    assert_eq!(run(&mut place.dialtone(&user), "correct horse battery\n").code, 0);
    let token = ["token", "create", "--email", "ada@example.com", "--role", "owner"];
    let token = run(&mut place.dialtone(&token), "").out.trim_end().to_owned();
    let mut server = Process::start(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
    let said = server.line();
    let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
    let remote = |arguments: &[&str]| {
        let mut command = place.dialtone(arguments);
        command.env("DIALTONE_URL", &url).env("DIALTONE_TOKEN", &token);
        run(&mut command, "")
    };
    for name in ["One", "Two"] {
        let body = json!({ "name": name });
        let (status, answer) =
            send(reqwest::Method::PATCH, &format!("{url}/api/v1/organisation"), Some(&token), &body).await;
        assert_eq!(status, 200, "{answer}");
    }

    let listed = remote(&["audit", "list", "--limit", "2", "--kind", "organisation.", "-o", "json"]);
    let names: Vec<_> =
        listed.json().as_array().unwrap().iter().map(|entry| entry["after"]["name"].clone()).collect();
    assert_eq!(names, ["Two", "One"], "{}", listed.error);
    let shown = remote(&["audit", "list"]);
    assert!(
        shown.out.contains("The organisation was changed.") && shown.out.contains("Ada"),
        "{}",
        shown.out
    );

    what_is_chosen(&place, remote);

    // Beside the running server.
    let head = run(&mut place.dialtone(&["audit", "head"]), "");
    assert_eq!(head.code, 0, "{}", head.error);
    let anchor = place.folder().join("anchor");
    std::fs::write(&anchor, &head.out).unwrap();
    let anchor = anchor.to_str().unwrap().to_owned();
    let export = remote(&["audit", "export"]);
    assert_eq!(export.code, 0, "{}", export.error);
    let file = format!("{}/audit.jsonl", place.folder().display());
    std::fs::write(&file, &export.out).unwrap();
    let verified = run(&mut place.dialtone(&["audit", "verify", "--anchor", &anchor, "--org", "Two"]), "");
    assert!(
        verified.code == 0 && verified.out.starts_with("intact  Two ("),
        "{} {}",
        verified.out,
        verified.error
    );
    let outside =
        run(&mut crate::harness::dialtone(&["audit", "verify", "--file", &file, "--anchor", &anchor]), "");
    let said = format!(": entries 1–{}\n", export.out.lines().count());
    assert!(outside.code == 0 && outside.out.starts_with("intact  "), "{} {}", outside.out, outside.error);
    assert!(outside.out.ends_with(&said), "{}", outside.out);
    assert!(server.stop().success());

    what_is_forged(&place, &file, &export.out);
}

/// A time that is none, and an export that a filter made: it is not called tampered with, and not intact either.
fn what_is_chosen(place: &Place, remote: impl Fn(&[&str]) -> Ended) {
    let wrong = remote(&["audit", "list", "--from", "nonsense"]);
    assert!(wrong.code == 1 && wrong.error.contains("as 2030-01-31T00:00:00Z"), "{}", wrong.error);
    let filtered = remote(&["audit", "export", "--kind", "organisation."]);
    assert!(filtered.code == 0 && filtered.error.contains("cannot be verified"), "{}", filtered.error);
    let file = place.folder().join("filtered.jsonl");
    std::fs::write(&file, filtered.out).unwrap();
    let verified = run(&mut place.dialtone(&["audit", "verify", "--file", file.to_str().unwrap()]), "");
    assert_eq!((verified.code, verified.out.as_str()), (1, ""), "{}", verified.error);
    assert!(verified.error.contains("exported with a filter and has gaps"), "{}", verified.error);
}

/// An export that was changed, an organisation that is none, and an anchor that is none.
fn what_is_forged(place: &Place, file: &str, export: &str) {
    std::fs::write(file, export.replacen("\"One", "\"Eve", 1).replacen("\\\"One", "\\\"Eve", 1)).unwrap();
    let forged = run(&mut place.dialtone(&["audit", "verify", "--file", file]), "");
    assert!(forged.code == 3 && forged.out.contains(" is changed"), "{} {}", forged.out, forged.error);
    let cut: Vec<_> = export.split_inclusive('\n').take(2).collect();
    std::fs::write(file, cut.concat()).unwrap();
    let cut = run(&mut place.dialtone(&["audit", "verify", "--file", file]), "");
    let said = ": entries 1–2; without --anchor nothing is said about later ones\n";
    assert!(cut.code == 0 && cut.out.ends_with(said), "{} {}", cut.out, cut.error);
    let nobody = run(&mut place.dialtone(&["audit", "verify", "--org", "Nobody"]), "");
    assert_eq!(nobody.code, 1, "{}", nobody.error);
    let wrong = run(&mut place.dialtone(&["audit", "verify", "--anchor", file]), "");
    assert!(wrong.code == 1 && wrong.error.contains("Nothing was verified"), "{}", wrong.error);
}

#[tokio::test]
async fn f4_the_trail_is_read_kept_and_verified_on_sqlite() {
    the_trail(Engine::Sqlite).await;
}

#[tokio::test]
async fn f4_the_trail_is_read_kept_and_verified_on_postgres() {
    the_trail(Engine::Postgres).await;
}

//! The demo (requirement A8).

use crate::harness::{Demo, dialtone, get, http, run};
use std::path::PathBuf;

#[test]
fn a8_the_demos_story_goes_as_the_readme_tells_it() {
    let ended = run(&mut dialtone(&["demo", "--check"]), "");
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.error);
    assert_eq!(ended.out.matches('✓').count(), 6, "{}", ended.out);
    for said in ["Phone number not found.", "How can I help?", "ok: credentials, assistant, imported, linked"]
    {
        assert!(ended.out.contains(said), "{}", ended.out);
    }
}

#[tokio::test]
async fn the_first_line_lets_programs_in_and_the_link_signs_in_once() {
    let demo = Demo::start();
    let (status, session) = get(&format!("{}/api/v1/session", demo.url), Some(&demo.api_token)).await;
    assert_eq!((status, session["session"]["sandbox"].as_bool()), (200, Some(true)), "{session}");
    assert_eq!(session["session"]["organisation"]["name"], "Demo");

    let first = http().get(&demo.sign_in_url).send().await.unwrap();
    let cookie = first.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!((first.status().as_u16(), first.headers()["location"].to_str().unwrap()), (303, "/"));
    let session =
        http().get(format!("{}/api/v1/session", demo.url)).header("Cookie", cookie).send().await.unwrap();
    let session: serde_json::Value = session.json().await.unwrap();
    assert_eq!(session["session"]["member"]["email"], "demo@example.com", "{session}");

    let second = http().get(&demo.sign_in_url).send().await.unwrap();
    assert!(!second.headers().contains_key("set-cookie"), "the link works twice");
}

#[test]
fn the_demo_prints_the_next_step_and_removes_what_it_made() {
    let anywhere = "127.0.0.1:0";
    let folder = tempfile::tempdir().unwrap();
    let mut command = dialtone(&["demo", "--listen", anywhere, "--sandbox-listen", anywhere]);
    let mut process = crate::harness::Process::start(command.env("TMPDIR", folder.path()));
    let mut printed = Vec::new();
    while !printed.last().is_some_and(|line: &String| line.starts_with("Ctrl-C")) {
        printed.push(process.line());
    }
    for line in &printed {
        let secret = line.split_once("/sign-in/").or(line.split_once("DIALTONE_TOKEN=")).map(|pair| pair.1);
        secret.filter(|secret| !secret.contains(' ')).into_iter().for_each(crate::harness::never_logged);
    }
    assert_eq!(printed.iter().filter(|line| line.starts_with("  curl -s http://127.0.0.1:")).count(), 6);
    let left = || {
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect::<Vec<PathBuf>>()
    };
    assert_eq!(left().len(), 1);
    assert!(process.stop().success());
    assert_eq!(left(), Vec::<PathBuf>::new());
}

#[test]
fn a_demo_finds_its_data_again() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let ended = run(dialtone(&["demo", "--check", "--data-dir"]).arg(folder.path()), "");
        assert!(folder.path().join("dialtone.db").exists(), "{}", ended.error);
        assert!(ended.out.contains("Phone number not found."), "{}{}", ended.out, ended.error);
    }
}

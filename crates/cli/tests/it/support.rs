//! `dialtone health`, the support bundle, and what others on the machine can read of the program (T52).

use crate::harness::{Engine, Place, Process, dialtone, run};
use crate::site::{NUMBER, Site};
use reqwest::Method;
use serde_json::json;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

const PASSWORD: &str = "support canary password";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_support_bundle_tells_what_helps_and_nothing_that_is_secret() {
    let mail = "smtp://me:support-canary-mail@127.0.0.1:1";
    let site = Site::start(Engine::Sqlite, PASSWORD, |command| {
        command.env("DIALTONE_SMTP_URL", mail).env("DIALTONE_LOG", "debug");
    })
    .await;
    site.prepare().await;
    let import = json!({ "phone_number": NUMBER });
    let (status, answer) = site.send(Method::POST, "/api/v1/phone-numbers/import-twilio", &import).await;
    assert_eq!(status, 201, "{answer}");
    let listen = site.url.trim_start_matches("http://");
    let command = |arguments: &[&str]| {
        let mut command = site.place.dialtone(arguments);
        command.env("DIALTONE_LISTEN", listen).env("DIALTONE_SMTP_URL", mail);
        command.env("DIALTONE_TWILIO_URL", format!("{}/twilio/{{product}}", site.sandbox.url()));
        command.env("DIALTONE_VAPI_URL", format!("{}/vapi", site.sandbox.url()));
        command
    };
    let healthy = run(&mut command(&["health"]), "");
    assert_eq!((healthy.code, healthy.out.as_str()), (0, "ready\n"), "{}", healthy.error);
    let ended = run(&mut command(&["support-bundle"]), "");
    let bundle = ended.json();
    assert_eq!(bundle["server"]["ready"]["status"], "ok", "{bundle}");
    assert_eq!(
        (&bundle["database"]["engine"], &bundle["database"]["schema_version"]),
        (&json!("sqlite"), &json!(1))
    );
    assert_eq!(bundle["database"]["rows"]["lines"], 1);
    assert!(bundle["providers"][0]["reached"].as_str().unwrap().starts_with('4'), "{bundle}");
    assert!(ended.out.contains("dialtone_http_requests_total") && ended.out.contains("provider call"));
    let (account, token, key) = site.credentials().await;
    for secret in [PASSWORD, "support-canary-mail", &site.token, &token, &key, NUMBER, &NUMBER[1..]] {
        assert!(!ended.out.contains(secret), "{secret}");
    }
    assert!(ended.out.contains("smtp://me:hidden@") || ended.out.contains("smtp://[masked]@"));
    assert!(!ended.out.contains("o@example.com") && !account.is_empty());
    assert!(site.server.stop().success());
    let gone = run(&mut dialtone(&["health", "--listen", listen]), "");
    assert_eq!(gone.code, 1, "{}", gone.out);
}

/// The mode of a file for everybody but its owner.
fn open_to_others(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o077
}

#[tokio::test]
async fn t52_what_a_server_writes_is_its_users_alone() {
    let place = Place::new(Engine::Sqlite);
    let mut server = Process::start(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(server.line().starts_with("Dialtone answers"));
    let files: Vec<_> = std::fs::read_dir(place.folder()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(open_to_others(&file), 0, "{}", file.display());
    }
}

#[test]
fn t52_profiles_that_others_can_read_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("dialtone");
    std::fs::create_dir(&profiles).unwrap();
    let file = profiles.join("profiles.toml");
    std::fs::write(&file, "[default]\nurl = \"http://127.0.0.1:1\"\ntoken = \"dt_profile-canary\"\n")
        .unwrap();
    let list = |mode: u32| {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        run(dialtone(&["numbers", "list"]).env("XDG_CONFIG_HOME", folder.path()), "")
    };
    for mode in [0o644, 0o640, 0o604, 0o666] {
        let ended = list(mode);
        assert_eq!(ended.code, 1);
        assert!(ended.error.contains("chmod 600"), "{mode:o}: {}", ended.error);
    }
    for mode in [0o600, 0o400] {
        let ended = list(mode);
        assert!(ended.error.contains("no Dialtone server at"), "{mode:o}: {}", ended.error);
        assert!(!ended.error.contains("canary"));
    }
}

#[test]
fn t52_secrets_are_not_among_the_arguments() {
    // No flag takes one.
    let help = run(&mut dialtone(&["completions", "bash"]), "").out;
    for flag in ["--token", "--password", "--auth-token", "--api-key", "--secret", "--master-key"] {
        assert!(!help.contains(flag), "{flag}");
    }
    // What is taken from the environment stays there: the command waits for an answer while others look at it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sid = "AC6c3b9aa767f785b537c0d8ba5fa54677";
    let mut command = dialtone(&["settings", "twilio", "set", "--account-sid", sid]);
    command.env("DIALTONE_URL", format!("http://{}", listener.local_addr().unwrap()));
    command
        .env("DIALTONE_TOKEN", "dt_argument-canary")
        .env("TWILIO_AUTH_TOKEN", "c4a417c4a417c4a417c4a417c4a417ff");
    let waiting = Process::start(command.stdin(Stdio::null()));
    let (mut stream, _) = listener.accept().unwrap();
    let mut asked = vec![0; 4096];
    let read = stream.read(&mut asked).unwrap();
    assert!(String::from_utf8_lossy(&asked[..read]).contains("dt_argument-canary"), "the server is told");
    let line = std::fs::read(format!("/proc/{}/cmdline", waiting.id())).unwrap();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    assert!(line.contains(sid) && !line.contains("canary") && !line.contains("c4a417"), "{line}");
    // Only the user's own processes can read the environment.
    assert_eq!(open_to_others(Path::new(&format!("/proc/{}/environ", waiting.id()))), 0);
}

#[test]
fn t52_with_https_nothing_is_said_before_the_server_has_proven_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = dialtone(&["numbers", "list"]);
    command.env("DIALTONE_URL", format!("https://{}", listener.local_addr().unwrap()));
    command.env("DIALTONE_TOKEN", "dt_handshake-canary");
    let _asking = Process::start(&mut command);
    let (mut stream, _) = listener.accept().unwrap();
    let mut hello = vec![0; 4096];
    let read = stream.read(&mut hello).unwrap();
    assert_eq!(hello[0], 0x16, "a TLS handshake");
    assert!(!String::from_utf8_lossy(&hello[..read]).contains("canary"));
}

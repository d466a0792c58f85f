//! `dialtone tape`, and that no setting makes Dialtone believe what nobody signed (case T02).

use crate::harness::{Demo, Engine, Process, get, http, never_logged, run};
use crate::site::{NUMBER, Site};
use serde_json::Value;

/// The sandbox's account: its SID and token.
async fn account(demo: &Demo) -> (String, String) {
    let state = get(&format!("{}/sandbox/state", demo.sandbox_url), None).await.1;
    let text = |pointer: &str| state.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let (sid, token) = (text("/accounts/0/sid"), text("/accounts/0/auth_token"));
    never_logged(&token);
    (sid, token)
}

/// A text that nobody signed; answers the status.
async fn forge(url: &str, account: &str, signature: Option<&str>) -> u16 {
    let form = [
        ("AccountSid", account),
        ("MessageSid", "SM00000000000000000000000000000001"),
        ("From", "+14155550100"),
        ("To", NUMBER),
        ("Body", "forged"),
    ];
    let request = http().post(format!("{url}/inbox/webhooks/sms")).form(&form);
    let request = signature
        .into_iter()
        .fold(request, |request, signature| request.header("x-twilio-signature", signature));
    request.send().await.unwrap().status().as_u16()
}

fn save(command: &mut std::process::Command, token: &str) {
    let saved = run(command, token);
    assert_eq!(saved.code, 0, "{}", saved.error);
}

#[tokio::test]
async fn a_refused_request_is_listed_shown_and_tried_again() {
    let demo = Demo::start();
    let (sid, token) = account(&demo).await;
    save(
        &mut demo.dialtone(&["settings", "twilio", "set", "--account-sid", &sid, "--phone-number", NUMBER]),
        &token,
    );
    assert_eq!(forge(&demo.url, &sid, None).await, 403);
    let listed = run(&mut demo.dialtone(&["tape", "list", "--outcome", "refused", "-o", "json"]), "").json();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["refusal"]["code"]),
        (1, &"signature_missing".into())
    );
    let id = listed[0]["id"].as_str().unwrap();
    let shown = run(&mut demo.dialtone(&["tape", "show", id]), "");
    assert!(shown.out.contains("carries no signature") && shown.out.contains("to: …2671"), "{}", shown.out);
    assert!(!shown.out.contains("forged") && !shown.out.contains("4155552671"), "{}", shown.out);
    let opened = run(&mut demo.dialtone(&["tape", "show", id, "--open"]), "");
    assert!(opened.out.contains("Body=forged"), "{}", opened.out);
    let replayed = run(&mut demo.dialtone(&["tape", "replay", id]), "");
    assert_eq!(replayed.code, 3, "{}{}", replayed.out, replayed.error);
    let none = run(&mut demo.dialtone(&["tape", "list", "--outcome", "accepted"]), "");
    assert_eq!(none.out, "There is none.\n");
}

/// Each setting with another value than its default, where it may have one on a database that exists. One that is new has
/// to be thought about here.
fn unusual(site: &Site) -> Vec<(&'static str, Option<String>)> {
    let said = |text: &str| Some(text.to_owned());
    vec![
        ("listen", None),
        ("data_dir", None),
        ("database_url", Some(format!("sqlite://{}/dialtone.db", site.place.folder().display()))),
        ("public_url", said("http://dialtone.example/lines")),
        ("master_key", Some(std::fs::read_to_string(site.place.folder().join("master.key")).unwrap())),
        ("twilio_url", None),
        ("vapi_url", said("http://127.0.0.1:1/vapi")),
        ("smtp_url", said("smtp://127.0.0.1:2525")),
        ("mail_from", said("Somebody <somebody@localhost>")),
        ("drain_seconds", said("1")),
        ("private_webhooks", said("127.0.0.0/8")),
        ("oidc_issuer", said("https://accounts.example")),
        ("oidc_client_id", said("dialtone")),
        ("oidc_client_secret", said("a secret of a client")),
        ("oidc_name", said("Example")),
        ("oidc_sign_up", None),
        ("trusted_proxies", said("0.0.0.0/0,::/0")),
        ("requests_per_minute", said("100000")),
        ("backup_every", said("1h")),
        ("backup_keep", said("1")),
        ("log", said("trace")),
        ("log_format", said("json")),
        ("otlp_url", said("http://127.0.0.1:1")),
    ]
}

/// What somebody might hope to turn it off with.
const HOPES: [(&str, &str); 14] = [
    ("DIALTONE_SKIP_SIGNATURE", "1"),
    ("DIALTONE_SKIP_SIGNATURE_VERIFICATION", "true"),
    ("DIALTONE_SKIP_VERIFICATION", "1"),
    ("DIALTONE_VERIFY_WEBHOOKS", "false"),
    ("DIALTONE_VERIFY_SIGNATURES", "0"),
    ("DIALTONE_WEBHOOK_VALIDATION", "off"),
    ("DIALTONE_TWILIO_VALIDATE", "false"),
    ("DIALTONE_TWILIO_SKIP_VALIDATION", "true"),
    ("DIALTONE_INSECURE", "1"),
    ("DIALTONE_DEV", "1"),
    ("DIALTONE_DEBUG", "1"),
    ("DIALTONE_ENV", "development"),
    ("TWILIO_SKIP_VALIDATION", "1"),
    ("NODE_ENV", "test"),
];

#[tokio::test]
async fn t02_no_setting_turns_verification_off() {
    let site = Site::start(Engine::Sqlite, "a password of a tape", |_| ()).await;
    site.prepare().await;
    let (sid, _, _) = site.credentials().await;
    assert_eq!(forge(&site.url, &sid, None).await, 403);
    let unusual = unusual(&site);
    let known = run(&mut site.place.dialtone(&["config", "-o", "json"]), "").json();
    let names: Vec<_> =
        known.as_array().unwrap().iter().map(|row| row["setting"].as_str().unwrap()).collect();
    assert_eq!(names, unusual.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let Site { place, sandbox, server, token, .. } = site;
    assert!(server.stop().success());
    let given: Vec<_> = unusual.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?))).collect();
    // Some of them, the others, and all, each time with everything that might be hoped for.
    let (some, others) = given.split_at(given.iter().position(|(name, _)| *name == "oidc_issuer").unwrap());
    for settings in [some, others, &given[..]] {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = place.dialtone(&["serve", "--listen", &address.to_string()]);
        command.envs(HOPES).env("DIALTONE_TWILIO_URL", format!("{}/twilio/{{product}}", sandbox.url()));
        command
            .envs(settings.iter().map(|(name, value)| (format!("DIALTONE_{}", name.to_uppercase()), *value)));
        let mut server = Process::start(&mut command);
        let said = server.line();
        assert!(said.starts_with("Dialtone answers at "), "{settings:?}: {said}");
        let url = format!("http://{address}");
        for signature in [None, Some(""), Some("skip"), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")] {
            assert_eq!(forge(&url, &sid, signature).await, 403, "{settings:?} {signature:?}");
        }
        let tape = get(&format!("{url}/api/v1/tape?outcome=accepted"), Some(&token)).await.1;
        assert_eq!(tape["entries"], serde_json::json!([]), "{settings:?}");
    }
}

//! Wrong input: a sentence and the right exit code, never a panic.

use crate::harness::{Demo, dialtone, run};

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_wrong() {
    for (arguments, said) in [
        (&["doctor"][..], "<NUMBER>"),
        (&["doctor", "+1", "--yes"], "--fix"),
        (&["serve", "--listen", "8080"], "must be an address and a port"),
        (&["serve", "--database-url", "mysql://x"], "sqlite:// or postgres://"),
        (
            &["user", "create", "--email", "x", "--name", "n", "--org", "o", "--role", "owner"],
            "e-mail address",
        ),
        (&["token", "create", "--email", "a@b.c", "--role", "boss"], "owner, admin, agent or viewer"),
        (&["numbers", "list", "-o", "xml"], "table, json, csv"),
        (&["numbers", "list", "--url", "ftp://x"], "not a web address"),
        (&["numbers", "list", "--profile", "nobody"], "no profile"),
        (&["api", "TRACE", "/"], "not GET"),
        (&["api", "GET", "http://other.example/"], "not a path"),
        (&["api", "GET", "lines"], "begins with /"),
        (&["api", "GET", "//other.example/"], "not a path"),
        (&["numbers", "import", "5"], "not a phone number"),
        (&["numbers", "import", "+12", "--yes"], "not a phone number"),
        (&["tape", "list", "--outcome", "nonsense"], "accepted, refused"),
        (&["tape", "list", "--provider", "nonsense"], "twilio, vapi"),
        (&["tape", "list", "--route", "nonsense"], "sms_fallback"),
        (&["tape", "list", "--limit", "0"], "1.."),
        (&["audit", "list", "--limit", "0"], "1.."),
        (&["watch", "settings", "--repair", "nonsense"], "webhook_elsewhere"),
        (
            &["tokens", "create", "--name", "n", "--role", "viewer", "--scopes", "member,nonsense"],
            "lines.read",
        ),
        (&["settings", "vapi", "set"], "VAPI_API_KEY"),
        (&["settings", "twilio", "set", "--account-sid", "AC1"], "TWILIO_AUTH_TOKEN"),
    ] {
        let ended = run(&mut dialtone(arguments), "");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{arguments:?}: {}", ended.error);
        assert!(ended.error.contains(said), "{arguments:?}: {}", ended.error);
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let ended = run(&mut dialtone(&["numbers", "list", "--url", "http://127.0.0.1:1"]), "");
    assert_eq!(ended.code, 1);
    assert!(ended.error.contains("no Dialtone server at http://127.0.0.1:1"), "{}", ended.error);
}

#[test]
fn refusals_of_the_server_are_told_in_the_language_of_the_terminal() {
    let demo = Demo::start();
    let refused = |arguments: &[&str], language: &str| {
        let ended = run(demo.dialtone(arguments).env("LANG", language), "");
        assert_eq!(ended.code, 1, "{arguments:?}: {}", ended.out);
        ended.error
    };
    let (english, french) =
        (["C", "fr_FR.UTF-8"].map(|language| refused(&["assistants", "list"], language))).into();
    assert!(english.contains("Vapi") && french.contains("Vapi") && english != french, "{english} {french}");
    refused(&["numbers", "show", "not a number"], "C");
    refused(&["numbers", "show", "../../healthz"], "C");
    refused(&["operations", "show", "\u{1b}[31m"], "C");
    refused(&["numbers", "import", "+12345"], "C");
    refused(&["numbers", "import", "+12345", "--yes"], "C");

    let nobody = run(demo.dialtone(&["numbers", "list"]).env("DIALTONE_TOKEN", "dt_wrong"), "");
    assert_eq!((nobody.code, nobody.out.as_str()), (1, ""), "{}", nobody.error);
    assert!(!nobody.error.contains("No token was sent"), "{}", nobody.error);
    for arguments in [&["numbers", "list"][..], &["api", "GET", "/api/v1/lines"]] {
        let nobody = run(demo.dialtone(arguments).env_remove("DIALTONE_TOKEN"), "");
        assert!(
            nobody.code == 1 && nobody.error.contains("No token was sent: set DIALTONE_TOKEN"),
            "{}",
            nobody.error
        );
    }
    let raw = run(&mut demo.dialtone(&["api", "post", "/api/v1/assistants"]), "{\"name\": 3}");
    assert_eq!(raw.code, 1);
    assert_eq!(raw.json()["code"], "invalid_request", "{}", raw.out);
}

#[test]
fn the_documents_that_need_no_server_are_printed() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = run(&mut dialtone(&["completions", shell]), "");
        assert!(ended.code == 0 && ended.out.contains("doctor"), "{shell}: {}", ended.error);
    }
    let document = run(&mut dialtone(&["openapi"]), "").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let help = run(&mut dialtone(&["--help"]), "");
    assert!(help.code == 0 && help.out.contains("Exit codes"), "{}", help.out);
}

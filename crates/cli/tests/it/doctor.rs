//! `dialtone doctor` (requirement A7): the checklist, exit codes, and mending.

use crate::harness::{Demo, never_logged, run};
use serde_json::{Value, json};

const NUMBER: &str = "+14155552671";

/// Saves what the sandbox's account and organisation are opened with, by the program.
async fn connect(demo: &Demo) {
    let state = crate::harness::get(&format!("{}/sandbox/state", demo.sandbox_url), None).await.1;
    let text = |pointer: &str| state.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let (sid, token, key) =
        (text("/accounts/0/sid"), text("/accounts/0/auth_token"), text("/orgs/0/private_key"));
    [&token, &key].into_iter().for_each(|secret| never_logged(secret));
    let twilio = run(&mut demo.dialtone(&["settings", "twilio", "set", "--account-sid", &sid]), &token);
    assert_eq!(twilio.code, 0, "{}", twilio.error);
    let vapi = run(demo.dialtone(&["settings", "vapi", "set"]).env("VAPI_API_KEY", &key), "");
    assert_eq!(vapi.code, 0, "{}", vapi.error);
    let all = [twilio.out, vapi.out, run(&mut demo.dialtone(&["settings", "show"]), "").out].concat();
    assert!(all.contains(&sid[..8]) && !all.contains(&token) && !all.contains(&key), "{all}");
}

#[tokio::test]
async fn a7_the_doctor_finds_the_cause_mends_it_and_says_so() {
    let demo = Demo::start();
    connect(&demo).await;

    // No assistant: nothing that a plan could mend.
    let ended = run(&mut demo.dialtone(&["doctor", NUMBER]), "");
    assert_eq!(ended.code, 3, "{}", ended.error);
    let marks: String = ended.out.chars().filter(|char| "✓✗·".contains(*char)).collect();
    assert_eq!(marks, "✓✗····", "{}", ended.out);
    assert_eq!(run(&mut demo.dialtone(&["doctor", NUMBER, "--fix", "--yes"]), "").code, 3);

    let made = run(&mut demo.dialtone(&["assistants", "create", "--name", "Desk", "-o", "json"]), "");
    assert!(made.json()["id"].is_string(), "{}", made.out);

    // Cause 1 of A6: the number is not in Vapi. Without a terminal nothing is done without --yes.
    let found = run(&mut demo.dialtone(&["doctor", NUMBER, "-o", "json"]), "");
    assert_eq!((found.code, found.json()["healthy"].as_bool()), (3, Some(false)), "{}", found.out);
    let failing = |doctor: &Value| {
        let checks = doctor["checks"].as_array().unwrap().iter();
        checks
            .filter(|check| check["status"] == "failing")
            .map(|check| check["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(failing(&found.json()), ["imported"]);
    let refused = run(&mut demo.dialtone(&["doctor", NUMBER, "--fix"]), "");
    assert_eq!(refused.code, 2, "{}", refused.error);
    assert!(refused.out.contains(" 1. ") && refused.out.contains(" → "), "{}", refused.out);
    let refused = run(&mut demo.dialtone(&["doctor", NUMBER, "--fix", "-o", "json"]), "");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{}", refused.error);
    assert!(refused.error.contains(" 1. ") && refused.error.contains(" → "), "{}", refused.error);
    let call = json!({ "from": "+14155550123", "to": NUMBER });
    assert_eq!(demo.sandbox("/sandbox/calls", &call).await["outcome"], "not_found");

    let fixed = run(&mut demo.dialtone(&["doctor", NUMBER, "--fix", "--yes"]), "");
    assert_eq!(fixed.code, 0, "{}{}", fixed.out, fixed.error);
    assert!(fixed.out.contains("✗") && fixed.out.matches('✓').count() >= 7, "{}", fixed.out);
    assert_eq!(demo.sandbox("/sandbox/calls", &call).await["outcome"], "answered");
    let healthy = run(&mut demo.dialtone(&["doctor", NUMBER, "-o", "json"]), "");
    assert_eq!((healthy.code, healthy.json()["healthy"].as_bool()), (0, Some(true)), "{}", healthy.out);
    assert_eq!(run(&mut demo.dialtone(&["doctor", NUMBER, "--fix"]), "").code, 0, "nothing to ask about");

    lists_and_undo(&demo).await;
}

/// What is mended can be listed, shown, and taken back.
async fn lists_and_undo(demo: &Demo) {
    let csv = run(&mut demo.dialtone(&["numbers", "list", "-o", "csv"]), "").out;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains(&format!("\n{NUMBER},")) && csv.contains("working"), "{csv}");
    let shown = run(&mut demo.dialtone(&["numbers", "show", NUMBER]), "").out;
    assert!(shown.contains(NUMBER) && shown.matches('✓').count() == 6, "{shown}");

    let operations =
        run(&mut demo.dialtone(&["operations", "list", "-o", "json", "--number", NUMBER]), "").json();
    let id = operations[0]["id"].as_str().unwrap();
    assert_eq!(
        (operations.as_array().unwrap().len(), operations[0]["state"].as_str()),
        (1, Some("succeeded"))
    );
    let asked = run(&mut demo.dialtone(&["operations", "undo", id, "-o", "json"]), "");
    assert_eq!((asked.code, asked.out.as_str()), (2, ""), "it has to be asked for");
    assert!(asked.error.contains("What would be put back:"), "{}", asked.error);
    let shown = run(&mut demo.dialtone(&["operations", "undo", id, "--dry-run"]), "");
    assert!(shown.code == 0 && shown.out.contains("What would be put back:"), "{}{}", shown.out, shown.error);
    let shown = run(&mut demo.dialtone(&["operations", "undo", id, "--dry-run", "-o", "json"]), "");
    assert_eq!(shown.json()["can_undo"], true, "{}", shown.out);
    let undone = run(&mut demo.dialtone(&["operations", "undo", id, "--yes"]), "");
    assert_eq!(undone.code, 0, "{}{}", undone.out, undone.error);
    let call = json!({ "from": "+14155550123", "to": NUMBER });
    assert_eq!(demo.sandbox("/sandbox/calls", &call).await["outcome"], "not_found");

    let again = run(&mut demo.dialtone(&["operations", "undo", id]), "");
    assert_eq!(again.code, 1, "it is refused before anybody is asked");
    assert!(again.error.contains("was undone already"), "{}", again.error);

    let asked = run(&mut demo.dialtone(&["numbers", "import", NUMBER]), "");
    assert!(asked.code == 2 && asked.out.contains("What would be changed:"), "{}{}", asked.out, asked.error);
    let shown = run(&mut demo.dialtone(&["numbers", "import", NUMBER, "--dry-run", "-o", "json"]), "");
    assert!(!shown.json()["plan"].as_array().unwrap().is_empty(), "{}", shown.out);
    assert_eq!(demo.sandbox("/sandbox/calls", &call).await["outcome"], "not_found");
    let imported = run(&mut demo.dialtone(&["numbers", "import", NUMBER, "--yes"]), "");
    assert_eq!(imported.code, 0, "{}", imported.error);
    assert_eq!(demo.sandbox("/sandbox/calls", &call).await["outcome"], "answered");
    assert_eq!(run(&mut demo.dialtone(&["numbers", "remove", NUMBER]), "").code, 2, "it has to be asked for");
    let shown = run(&mut demo.dialtone(&["numbers", "remove", NUMBER, "--dry-run", "-o", "json"]), "");
    assert_eq!((shown.code, shown.json()["phone_number"].as_str()), (0, Some(NUMBER)), "{}", shown.out);
    assert!(shown.error.contains("earlier routing"), "{}", shown.error);
    let removed = run(&mut demo.dialtone(&["numbers", "remove", NUMBER, "--yes"]), "");
    assert_eq!(removed.code, 0, "{}", removed.error);
    assert!(run(&mut demo.dialtone(&["numbers", "list"]), "").out.contains("There is none."));

    assert_eq!(
        run(&mut demo.dialtone(&["settings", "vapi", "delete"]), "").code,
        2,
        "it has to be asked for"
    );
    let forgotten = run(&mut demo.dialtone(&["settings", "vapi", "delete", "--yes", "-o", "json"]), "");
    assert_eq!(forgotten.json()["success"], true, "{}", forgotten.out);
}

#[tokio::test]
async fn a_repair_that_fails_says_why() {
    let demo = Demo::start();
    connect(&demo).await;
    let made = run(&mut demo.dialtone(&["assistants", "create", "--name", "Desk"]), "");
    assert_eq!(made.code, 0, "{}", made.error);
    // Vapi refuses the import, once and for all.
    let fault = json!({ "method": "POST", "path": "/phone-number", "times": 9, "fault": { "status": 400, "body": { "message": "No more numbers." } } });
    demo.sandbox("/sandbox/faults", &fault).await;
    let before = run(&mut demo.dialtone(&["doctor", NUMBER, "--fix", "--dry-run"]), "");
    assert!(before.code == 3 && before.out.contains("What would be changed:"), "{}", before.out);
    let ended = run(&mut demo.dialtone(&["doctor", NUMBER, "--fix", "--yes"]), "");
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.error);
    assert!(!ended.error.trim().is_empty(), "it does not say why: {}", ended.out);
    assert_eq!(ended.out.matches("What would be changed:").count(), 1, "{}", ended.out);
    let document = run(&mut demo.dialtone(&["doctor", NUMBER, "--fix", "--yes", "-o", "json"]), "");
    assert_eq!(document.json()["operation"]["state"], "failed", "{}", document.out);
}

//! What can be followed: a request through its log lines and spans, to the providers and back.

use crate::collector::{Span, collector};
use crate::harness::{Engine, http, logs, unique, wait_for};
use crate::site::{NUMBER, Site};
use serde_json::{Value, json};
use std::fs::File;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_can_be_followed_in_the_log_and_in_its_trace() {
    let (url, collected) = collector();
    let log = logs().join(format!("{}.log", unique("traces")));
    let file = File::create(&log).unwrap();
    let site = Site::start(Engine::Sqlite, "a password for traces", |command| {
        command.stderr(file.try_clone().unwrap()).env("DIALTONE_LOG", "warn,dialtone_providers=debug");
        command.env("DIALTONE_LOG_FORMAT", "json").env("DIALTONE_OTLP_URL", &url);
    })
    .await;
    site.prepare().await;
    let import =
        http().post(format!("{}/api/v1/phone-numbers/import-twilio", site.url)).bearer_auth(&site.token);
    let import =
        import.header("traceparent", format!("00-{TRACE}-{PARENT}-00")).header("x-request-id", "follow-me");
    let answer = import.json(&json!({ "phone_number": NUMBER })).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-request-id"]),
        (201, &"follow-me".parse().unwrap())
    );
    let operation = answer.json::<Value>().await.unwrap()["operation_id"].as_str().unwrap().to_owned();
    assert!(site.server.stop().success());

    // The trace, sent to its end by the stop.
    let spans = wait_for("the spans of the stop", async || {
        let spans = collected.spans();
        spans.iter().any(|span| span.name == "operation").then_some(spans)
    })
    .await;
    let ours: Vec<&Span> = spans.iter().filter(|span| span.trace == TRACE).collect();
    let root =
        ours.iter().find(|span| span.parent == PARENT).expect("the request is a part of the caller's trace");
    assert_eq!(root.name, "POST /api/v1/phone-numbers/import-twilio");
    assert_eq!(root.attributes["request_id"], "follow-me");
    for name in ["provider call", "store"] {
        let child =
            ours.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {ours:?}"));
        assert!(ours.iter().any(|span| span.id == child.parent), "{name} hangs in the air");
    }
    let work = spans.iter().find(|span| span.name == "operation").unwrap();
    assert_eq!((&work.attributes["operation"], work.parent.as_str()), (&operation, ""));
    let calls =
        |trace: &str| spans.iter().filter(|span| span.trace == trace && span.name == "provider call").count();
    assert!(calls(&work.trace) > 2, "the operation's own calls are in its trace");

    // The log: every call to a provider belongs to a request, an operation or a worker, also where nothing else is logged.
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let of = |line: &Value, name: &str| {
        let spans = line["spans"].as_array().into_iter().flatten();
        spans.filter_map(|span| span[name].as_str()).next().map(str::to_owned)
    };
    let calls: Vec<&Value> = lines.iter().filter(|line| line["message"] == "provider call").collect();
    for line in &calls {
        let whose = ["request_id", "operation", "work"].map(|name| of(line, name));
        assert!(whose.iter().any(Option::is_some), "{line}");
    }
    let count = |name: &str, value: &str| {
        calls.iter().filter(|line| of(line, name).as_deref() == Some(value)).count()
    };
    assert!(count("request_id", "follow-me") >= 1 && count("operation", &operation) > 2, "{text}");
}

//! The audit trail (requirement F4, case T48): searched, handed out, verified; and every kind has its sentence.

use dialtone_app::verify_audit_file;
use dialtone_domain::Role;
use dialtone_testkit::{TestServer, on_each_engine};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const ENGLISH: &str = include_str!("../../../domain/texts/en.json");

/// Makes so many entries of known kinds; the owner's own addition and token came before.
async fn busy(world: &TestServer, count: usize) {
    for number in 0..count {
        let change = json!({ "name": format!("Acme {number}") });
        world.owner.patch("/api/v1/organisation", change).await.expect(200);
    }
}

async fn seqs(world: &TestServer, query: &str) -> Vec<i64> {
    let page = world.owner.get(&format!("/api/v1/audit?{query}")).await.expect(200).body;
    page["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect()
}

on_each_engine! {
    async fn f4_the_trail_is_read_searched_and_paged(world: TestServer) {
        busy(&world, 5).await;
        let with_id = world.owner.with("x-request-id", "mine-7").with("accept-language", "fr");
        with_id.patch("/api/v1/organisation", json!({ "country": "CA" })).await.expect(200);
        let page = with_id.get("/api/v1/audit?limit=1").await.expect(200).body;
        let entry = &page["entries"][0];
        assert_eq!(entry["kind"], "organisation.changed");
        assert_eq!(entry["summary"], "L’organisation a été modifiée.");
        assert_eq!((&entry["request_id"], &entry["address"]), (&json!("mine-7"), &json!("127.0.0.1")));
        assert_eq!((&entry["before"]["country"], &entry["after"]["country"]), (&json!("FR"), &json!("CA")));
        assert_eq!((&entry["actor"]["kind"], &entry["actor"]["name"]), (&json!("token"), &json!("owner")));
        let me = world.owner.get("/api/v1/session").await.body["session"]["member"]["id"].as_str().unwrap().to_owned();
        assert_eq!(entry["actor"]["id"], me, "the person, whose token it was");

        let all = seqs(&world, "limit=100").await;
        assert_eq!(all, (1..=8).rev().collect::<Vec<_>>());
        assert_eq!(seqs(&world, &format!("actor={me}")).await, [8, 7, 6, 5, 4, 3]);
        assert_eq!(seqs(&world, "kind=member.").await, [1]);
        assert_eq!(seqs(&world, "kind=member.added&actor=nobody").await, [0_i64; 0]);
        assert_eq!(seqs(&world, "to=2020-01-01T00:00:00Z").await, [0_i64; 0]);
        assert_eq!(seqs(&world, "from=2020-01-01T00:00:00Z&limit=2").await, [8, 7]);
        let subject = entry["subject_id"].as_str().unwrap();
        assert_eq!(seqs(&world, &format!("subject={subject}")).await, [8, 7, 6, 5, 4, 3]);
        let (mut cursor, mut paged) = (String::new(), Vec::new());
        loop {
            let page = world.owner.get(&format!("/api/v1/audit?limit=3{cursor}")).await.expect(200).body;
            paged.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, all);
        for query in ["cursor=x", "cursor=0", "cursor=-1", "from=yesterday", "limit=0", "kind=", "seq=1"] {
            world.owner.get(&format!("/api/v1/audit?{query}")).await.problem(400, "invalid_request");
        }
        world.member(Role::Admin).await.get("/api/v1/audit").await.problem(403, "forbidden");
    }

    async fn f4_t48_an_export_is_an_entry_and_can_be_verified_without_us(world: TestServer) {
        busy(&world, 3).await;
        world.owner.patch("/api/v1/organisation", json!({ "name": "=HYPERLINK(\"x\")" })).await.expect(200);
        let file = world.owner.post("/api/v1/audit/export", json!({ "format": "jsonl" })).await.expect(200);
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"audit.jsonl\"");
        let lines: Vec<&str> = file.text.lines().collect();
        let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!(last["kind"], "audit.exported", "recorded before the first byte, so it is in it");
        let verify = |text: &str| verify_audit_file(text.lines().map(|line| Ok(line.to_owned())), &[]).unwrap();
        let verdict = verify(&file.text);
        assert_eq!((verdict.broken, verdict.good.seq), (None, i64::try_from(lines.len()).unwrap()));
        let forged = file.text.replacen("Acme 1", "Acme 9", 1);
        assert!(verify(&forged).broken.is_some());

        let filtered = json!({ "format": "jsonl", "kind": "organisation." });
        let filtered = world.owner.post("/api/v1/audit/export", filtered).await.expect(200);
        let refused = verify_audit_file(filtered.text.lines().map(|line| Ok(line.to_owned())), &[]);
        assert!(refused.is_err_and(|why| why.contains("gaps")), "{}", filtered.text);

        let csv = world.owner.post("/api/v1/audit/export", json!({ "format": "csv", "kind": "organisation." })).await.expect(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!(csv.text.lines().count(), 1 + 4, "{}", csv.text);
        assert!(csv.text.starts_with("seq,at,"), "{}", csv.text);
        for cell in csv.text.lines().skip(1).flat_map(|line| line.split("\",\"")) {
            assert!(!cell.trim_start_matches('"').starts_with(['=', '+', '-', '@']), "{cell}");
        }
        let told = world.owner.get("/api/v1/audit?kind=audit.&limit=1").await.expect(200).body;
        assert_eq!(told["entries"][0]["after"]["format"], "csv");
        world.owner.post("/api/v1/audit/export", json!({ "format": "xml" })).await.problem(400, "invalid_request");
        world.member(Role::Admin).await.post("/api/v1/audit/export", json!({ "format": "csv" })).await.problem(403, "forbidden");
    }

    async fn t48_an_owner_sees_that_the_trail_was_changed_and_where(world: TestServer) {
        busy(&world, 3).await;
        let verify = async |query: &str| {
            world.owner.get(&format!("/api/v1/audit/verification{query}")).await.expect(200).body["audit"].clone()
        };
        let good = verify("").await;
        assert_eq!((&good["intact"], &good["seq"], &good["broken_seq"]), (&json!(true), &json!(5), &Value::Null));
        let anchor = format!("?seq=5&hash={}", good["hash"].as_str().unwrap());
        busy(&world, 1).await;
        assert_eq!(verify(&anchor).await["intact"], true, "what came since changes nothing");
        world.owner.get("/api/v1/audit/verification?seq=5").await.problem(400, "invalid_request");
        world.owner.get(&format!("/api/v1/audit/verification?hash={}", "0".repeat(64))).await.problem(400, "invalid_request");
        let other = format!("?seq=5&hash={}", "0".repeat(64));
        assert_eq!(verify(&other).await["flaw"], "rewritten");
        world.database().tamper("UPDATE events SET address = '192.0.2.1' WHERE seq = 4");
        let broken = verify("").await;
        assert_eq!((&broken["intact"], &broken["broken_seq"], &broken["flaw"]), (&json!(false), &json!(4), &json!("changed")));
        assert_eq!(broken["seq"], 3, "the last good one");
    }
}

/// The sources below a folder.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false => found.push(std::fs::read_to_string(&path).unwrap()),
        }
    }
}

/// The kind that a call of `record` names: the first text in it that is made of words and points.
fn kind_of(call: &str) -> Option<&str> {
    let mut depth = 0;
    let end = call.char_indices().find_map(|(at, char)| {
        depth += match char {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at)
    });
    let mut texts = call[..end?].split('"').skip(1).step_by(2);
    let is_kind = |text: &&str| {
        text.contains('.') && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte))
    };
    texts.find(is_kind)
}

#[test]
fn f4_every_kind_of_event_has_a_sentence() {
    let mut files = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../app/src")), &mut files);
    let calls = files.iter().flat_map(|file| {
        file.match_indices("record(")
            .filter(|(at, _)| !file[..*at].ends_with("fn "))
            .map(|(at, _)| &file[at + 6..])
    });
    let kinds: BTreeSet<&str> = calls.filter_map(kind_of).collect();
    assert!(kinds.len() >= 16, "{kinds:?}");
    let texts: Value = serde_json::from_str(ENGLISH).unwrap();
    let written: BTreeSet<&str> =
        texts.as_object().unwrap().keys().filter_map(|key| key.strip_prefix("event.")).collect();
    let without: Vec<_> = kinds.difference(&written).collect();
    assert!(without.is_empty(), "without a text event.<kind> in both languages: {without:?}");
}

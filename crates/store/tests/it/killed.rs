//! Killed at any moment, or out of disk, a process has acknowledged nothing that is not there when it is started
//! again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use dialtone_store::{Result, Sealed, Store, Tenant, Tx, accounts, idempotency};
use tokio::task::JoinSet;

use crate::common::{Database, an_organisation, at};

const URL: &str = "DIALTONE_KILLED_URL";

/// Not a test of its own: the process that the test below kills. Writes a number to its output when its row is
/// acknowledged.
#[test]
fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(&url).unwrap();
        let new = an_organisation("Killed");
        let tenant: Tenant = store.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        let mut jobs = JoinSet::new();
        for number in 0.. {
            let (store, tenant) = (store.clone(), tenant.clone());
            jobs.spawn(async move {
                let write = move |tx: &mut Tx| -> Result<idempotency::Begin> {
                    idempotency::begin(tx, &tenant, &format!("row-{number}"), &Sealed::new(1, b""), at(0))
                };
                store.write(write).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "row-{number}").and_then(|()| out.flush()).unwrap();
            });
            if jobs.len() >= 32 {
                jobs.join_next().await.unwrap().unwrap();
            }
        }
    });
}

#[test]
fn nothing_acknowledged_is_missing_after_a_kill() {
    for database in [Some(Database::sqlite()), Database::postgres()].into_iter().flatten() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--nocapture"])
            .env(URL, &database.url)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged = Vec::new();
        while acknowledged.len() < 200 {
            acknowledged.extend(lines.next().unwrap().strip_prefix("row-").map(str::to_owned));
        }
        child.kill().unwrap();
        // What it still wrote before it died counts as well.
        acknowledged.extend(lines.filter_map(|line| line.strip_prefix("row-").map(str::to_owned)));
        child.wait().unwrap();
        drop(Store::open(&database.url).unwrap());
        let there = database.count("idempotency");
        let found: i64 = acknowledged
            .iter()
            .map(|number| database.count(&format!("idempotency WHERE id = 'row-{number}'")))
            .sum();
        assert_eq!(found, acknowledged.len() as i64, "of {there} rows");
    }
}

/// Not a test of its own: the process that meets a full disk below. Writes a number to its output when its row is
/// acknowledged, and at the end what it was told.
#[test]
fn child_on_a_full_disk() {
    let Ok(url) = std::env::var(URL) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(&url).unwrap();
        let new = an_organisation("Full");
        let tenant: Tenant = store.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        for number in 0.. {
            let tenant = tenant.clone();
            let write = move |tx: &mut Tx| {
                idempotency::begin(
                    tx,
                    &tenant,
                    &format!("row-{number}"),
                    &Sealed::new(1, &[0; 20_000]),
                    at(0),
                )
            };
            match store.write(write).await {
                Ok(_) => println!("row-{number}"),
                Err(error) => {
                    println!("told: {error}");
                    break;
                }
            }
        }
        // What is there can still be read, and what still fits is accepted.
        let again: Result<Tenant> =
            store.write(|tx| accounts::create_organisation(tx, &an_organisation("No"))).await;
        let read = store.read(move |tx| accounts::organisation(tx, &tenant)).await;
        println!("then: {} {}", read.is_ok(), again.is_ok());
        store.close().await;
    });
}

#[test]
fn a_full_disk_refuses_writes_and_keeps_what_was_acknowledged() {
    let database = Database::sqlite();
    // A limit on the size of files stands for the disk: writing beyond it fails, once its signal is ignored.
    let limited =
        "trap '' XFSZ; ulimit -f 2000; exec \"$0\" --exact killed::child_on_a_full_disk --nocapture";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(URL, &database.url)
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let acknowledged = output.lines().filter(|line| line.starts_with("row-")).count() as i64;
    assert!(acknowledged > 10, "{output}");
    assert!(output.contains("told: the database cannot be used at present"), "{output}");
    let organisations = if output.contains("then: true true") { 2 } else { 1 };
    assert!(output.contains("then: true"), "{output}");
    drop(Store::open(&database.url).unwrap());
    assert_eq!(database.count("idempotency"), acknowledged);
    assert_eq!(database.count("orgs"), organisations);
}

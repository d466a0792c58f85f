//! Killed at any moment, a process has acknowledged nothing that is not there when it is started again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use dialtone_store::{Result, Store, Tenant, idempotency};
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
        let tenant: Tenant =
            store.write(move |tx| dialtone_store::accounts::create_organisation(tx, &new)).await.unwrap();
        let mut jobs = JoinSet::new();
        for number in 0.. {
            let (store, tenant) = (store.clone(), tenant.clone());
            jobs.spawn(async move {
                let write = move |tx: &mut dialtone_store::Tx| -> Result<idempotency::Begin> {
                    idempotency::begin(tx, &tenant, "killed", &format!("row-{number}"), b"", at(0))
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
            .map(|number| database.count(&format!("idempotency WHERE key = 'row-{number}'")))
            .sum();
        assert_eq!(found, acknowledged.len() as i64, "of {there} rows");
    }
}

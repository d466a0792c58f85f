//! How many rows per second the store makes durable, beside one commit per row and a thousand rows per
//! transaction on one plain connection. Every way is flushed to the disk before a row counts.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use dialtone_store::accounts::{self, Organisation};
use dialtone_store::{Sealed, Store, Tenant, idempotency};
use jiff::Timestamp;
use postgres::NoTls;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Every way is measured this often, in turn with the others, so that the disk's moods meet all of them.
const ROUNDS: usize = 15;
/// For this long.
const TIME: Duration = Duration::from_millis(500);
/// How many clients wait for their row at the same time.
const CLIENTS: [usize; 4] = [1, 8, 64, 256];
/// What 64 clients must reach, as a multiple of one commit per row, where a flush costs milliseconds.
const REQUIRED: f64 = 25.0;
/// Makes a row of about 300 bytes.
const FINGERPRINT: [u8; 200] = [7; 200];

/// One way of writing rows, and what was measured of it.
struct Way {
    name: String,
    /// Rows per second, one figure per round.
    rates: Vec<f64>,
    /// How long a row waited for its answer, in milliseconds, over all rounds.
    waits: Vec<f64>,
}

impl Way {
    fn new(name: String) -> Self {
        Self { name, rates: Vec::new(), waits: Vec::new() }
    }

    fn add(&mut self, rows: u64, since: Instant) {
        self.rates.push(rows as f64 / since.elapsed().as_secs_f64());
    }
}

/// A plain connection beside the store.
enum Plain {
    Sqlite(rusqlite::Connection),
    Postgres(postgres::Client, postgres::Statement),
}

impl Plain {
    fn sqlite(path: &Path) -> Result<Self> {
        let connection = rusqlite::Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
        )?;
        Ok(Self::Sqlite(connection))
    }

    fn postgres(url: &str) -> Result<Self> {
        let mut client = postgres::Client::connect(url, NoTls)?;
        let insert = client.prepare(&insert('$'))?;
        Ok(Self::Postgres(client, insert))
    }

    fn batch(&mut self, text: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(text)?,
            Self::Postgres(client, _) => client.batch_execute(text)?,
        }
        Ok(())
    }

    fn insert(&mut self, org: &str) -> Result<()> {
        let key = Uuid::now_v7().to_string();
        match self {
            Self::Sqlite(connection) => {
                connection.prepare_cached(&insert('?'))?.execute((key, org, &FINGERPRINT[..], 0))?;
            }
            Self::Postgres(client, insert) => {
                client.execute(&*insert, &[&key, &org, &&FINGERPRINT[..], &0_i64])?;
            }
        }
        Ok(())
    }
}

/// The store's own statement, with the engine's mark of a parameter.
fn insert(mark: char) -> String {
    "INSERT INTO idempotency (id, org_id, fingerprint, created_at) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (id) DO NOTHING"
        .replace('?', &mark.to_string())
}

/// One round of a plain connection with so many rows per transaction.
fn plain_round(plain: &mut Plain, org: &str, rows_per_commit: u64, way: &mut Way) -> Result<()> {
    let (started, mut rows) = (Instant::now(), 0);
    while started.elapsed() < TIME {
        let begun = Instant::now();
        if rows_per_commit == 1 {
            plain.insert(org)?;
        } else {
            plain.batch("BEGIN")?;
            (0..rows_per_commit).try_for_each(|_| plain.insert(org))?;
            plain.batch("COMMIT")?;
        }
        rows += rows_per_commit;
        way.waits.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    way.add(rows, started);
    Ok(())
}

/// One round of the store with so many clients, each of which waits for its row before it sends the next.
async fn store_round(store: &Store, tenant: &Tenant, clients: usize, way: &mut Way) -> Result<()> {
    let (started, rows) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (store, tenant, rows) = (store.clone(), tenant.clone(), Arc::clone(&rows));
        tasks.spawn(async move {
            let mut waits = Vec::new();
            while started.elapsed() < TIME {
                let begun = Instant::now();
                let (tenant, key) = (tenant.clone(), Uuid::now_v7().to_string());
                let now = Timestamp::UNIX_EPOCH;
                store
                    .write(move |tx| {
                        idempotency::begin(tx, &tenant, &key, &Sealed::new(1, &FINGERPRINT), now)
                    })
                    .await?;
                rows.fetch_add(1, Relaxed);
                waits.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            Ok::<_, dialtone_store::Error>(waits)
        });
    }
    for waits in tasks.join_all().await {
        way.waits.extend(waits?);
    }
    way.add(rows.load(Relaxed), started);
    Ok(())
}

fn an_organisation() -> Result<Organisation> {
    Ok(Organisation {
        id: Uuid::now_v7().into(),
        name: "Bench".to_owned(),
        country: "FR".parse().map_err(|_| "no such country")?,
        language: "en".parse().map_err(|_| "no such language")?,
        default_assistant_id: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        factors_required_at: None,
    })
}

/// All ways on one database, in turn, and the price of a flush meanwhile, in milliseconds.
fn measure(dir: &Path, url: &str, plain: impl Fn() -> Result<Plain>) -> Result<(Vec<Way>, f64)> {
    let runtime = Runtime::new()?;
    let store = Store::open(url)?;
    let new = an_organisation()?;
    let tenant = runtime.block_on(store.write(move |tx| accounts::create_organisation(tx, &new)))?;
    let org = tenant.org().to_string();
    let mut ways = vec![
        Way::new("one commit per row, one connection".to_owned()),
        Way::new("1,000 rows per transaction, one connection".to_owned()),
    ];
    ways.extend(CLIENTS.map(|clients| Way::new(format!("Store::write, {clients} waiting"))));
    let mut flushes = Vec::new();
    for round in 0..ROUNDS {
        flush(dir, &mut flushes)?;
        // Each round begins with another way, so that none always follows the same one.
        for turn in 0..ways.len() {
            let index = (round + turn) % ways.len();
            let way = &mut ways[index];
            match index {
                0 => plain_round(&mut plain()?, &org, 1, way)?,
                1 => plain_round(&mut plain()?, &org, 1000, way)?,
                _ => runtime.block_on(store_round(&store, &tenant, CLIENTS[index - 2], way))?,
            }
        }
    }
    runtime.block_on(store.close());
    Ok((ways, quantile(&mut flushes, 0.5)))
}

/// Flushes small writes to a file in the folder, as a log of commits does; adds what each cost in milliseconds.
fn flush(dir: &Path, costs: &mut Vec<f64>) -> Result<()> {
    let mut file = std::fs::File::create(dir.join("flush"))?;
    for _ in 0..20 {
        file.write_all(&[1; 4096])?;
        let begun = Instant::now();
        file.sync_all()?;
        costs.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
}

/// Prints one engine's table and whether it does what it must; answers whether it does.
fn report(engine: &str, flush: f64, mut ways: Vec<Way>) -> bool {
    println!("\n{engine}; a flush to the disk costs {flush:.2} ms");
    println!("{:<44} {:>10} {:>12} {:>10}", "durable rows, medians", "rows/s", "× one commit", "p99 ms");
    let rates: Vec<f64> = ways.iter_mut().map(|way| quantile(&mut way.rates, 0.5)).collect();
    for (way, rate) in ways.iter_mut().zip(&rates) {
        let wait = quantile(&mut way.waits, 0.99);
        println!("{:<44} {rate:>10.0} {:>12.1} {wait:>10.1}", way.name, rate / rates[0]);
    }
    let reached = rates[4] / rates[0];
    let verdict = match (flush < 1.0, reached >= REQUIRED) {
        (true, _) => "not asked here: this disk flushes in less than a millisecond",
        (false, true) => "reached",
        (false, false) => "MISSED",
    };
    println!("64 waiting: {reached:.1} × one commit per row; required {REQUIRED:.0} ×: {verdict}");
    verdict != "MISSED"
}

fn main() -> Result<()> {
    // Beside the program, since /tmp may be memory.
    let program = std::env::current_exe()?;
    let dir = tempfile::tempdir_in(program.parent().ok_or("the program is nowhere")?)?;
    let file = dir.path().join("bench.db");
    let url = format!("sqlite://{}", file.display());
    let (ways, flush) = measure(dir.path(), &url, || Plain::sqlite(&file))?;
    let mut good = report("SQLite, WAL, synchronous=FULL", flush, ways);

    if let Ok(server) = std::env::var("DIALTONE_BENCH_POSTGRES") {
        let mut admin = postgres::Client::connect(&server, NoTls)?;
        for setting in ["fsync", "synchronous_commit"] {
            let value: String = admin.query_one(&format!("SHOW {setting}"), &[])?.get(0);
            if value != "on" {
                return Err(format!("{setting} is {value}: nothing durable to measure").into());
            }
        }
        let name = format!("dialtone_bench_{}", std::process::id());
        admin.batch_execute(&format!("CREATE DATABASE {name}"))?;
        let (address, _) = server.rsplit_once('/').ok_or("the URL names no database")?;
        let url = format!("{address}/{name}");
        let measured = measure(dir.path(), &url, || Plain::postgres(&url));
        admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))?;
        let (ways, flush) = measured?;
        good &= report("PostgreSQL, fsync=on", flush, ways);
    }
    if good { Ok(()) } else { Err("a requirement is missed".into()) }
}

//! Whatever happens to the files of a SQLite database while nobody watches: it is refused in words, or serves what was
//! in it. Never anything else, and never an empty one in its place.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dialtone_store::{Error, Hold, Result, Sealed, Snapshot, Store, Tenant, Tx, accounts, idempotency};

use crate::common::{an_organisation, at};

fn url(folder: &Path) -> String {
    format!("sqlite://{}", file(folder, "").display())
}

fn file(folder: &Path, suffix: &str) -> PathBuf {
    folder.join(format!("dialtone.db{suffix}"))
}

/// Adds so many rows of about two kilobytes.
async fn fill(store: &Store, tenant: &Tenant, name: &str, rows: usize) {
    for number in 0..rows {
        let (tenant, key) = (tenant.clone(), format!("{name}-{number}"));
        let write = move |tx: &mut Tx| -> Result<idempotency::Begin> {
            let print = Sealed::new(1, key.repeat(200).as_bytes());
            idempotency::begin(tx, &tenant, &key, &print, at(0))
        };
        store.write(write).await.unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Everything in the database, by table.
fn contents(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut snapshot = Snapshot::open(&url(folder))?;
    let mut contents = BTreeMap::new();
    for table in snapshot.tables() {
        let mut lines = String::new();
        snapshot.rows(&table, &mut |line| {
            lines.push_str(line);
            Ok::<_, Error>(())
        })?;
        contents.insert(table.name, lines);
    }
    Ok(contents)
}

/// A folder as a killed process leaves it, part of the data in the log, and one as a stopped process leaves it; and
/// what is in both.
struct Images {
    killed: tempfile::TempDir,
    stopped: tempfile::TempDir,
    contents: BTreeMap<String, String>,
}

fn images() -> Images {
    let work = tempfile::tempdir().unwrap();
    let [killed, stopped] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::serve(&url(work.path())).unwrap();
        let new = an_organisation("Damaged");
        let tenant: Tenant = store.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        fill(&store, &tenant, "moved", 300).await;
        store.close().await;
        let store = Store::serve(&url(work.path())).unwrap();
        fill(&store, &tenant, "in the log", 60).await;
        copy(work.path(), killed.path());
        store.close().await;
        copy(work.path(), stopped.path());
    });
    let contents = contents(work.path()).unwrap();
    assert!(fs::metadata(file(killed.path(), "-wal")).unwrap().len() > 100_000, "the log is part of it");
    Images { killed, stopped, contents }
}

/// Numbers below a bound, the same ones in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// Does one thing to a file; says what.
fn damage(path: &Path, random: &mut Random) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let Ok(size) = fs::metadata(path).map(|file| file.len() as usize) else {
        return format!("{name} is not there");
    };
    let open = || fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    match random.below(8) {
        0..=3 => {
            let (at, bit) = (random.below(size), random.below(8));
            let mut byte = [0];
            open().read_exact_at(&mut byte, at as u64).unwrap();
            open().write_all_at(&[byte[0] ^ 1 << bit], at as u64).unwrap();
            format!("bit {bit} of byte {at} of {name} is flipped")
        }
        4 => {
            let at = random.below(size) / 512 * 512;
            open().write_all_at(&[0; 512], at as u64).unwrap();
            format!("a block of zeros at {at} of {name}")
        }
        5 => {
            let to = random.below(size);
            open().set_len(to as u64).unwrap();
            format!("{name} is cut to {to} of {size}")
        }
        6 => {
            open().set_len(0).unwrap();
            format!("{name} is empty")
        }
        _ => {
            fs::remove_file(path).unwrap();
            format!("{name} is removed")
        }
    }
}

fn is_long() -> bool {
    std::env::var_os("DIALTONE_TEST_LONG").is_some()
}

/// How many ended how.
#[derive(Default)]
struct Outcomes {
    refused: usize,
    right: usize,
}

/// Damages the images' files in many ways; each time the database is refused in words, or `read` finds what was in it.
fn damage_and_read(count: usize, read: impl Fn(&Path) -> Result<BTreeMap<String, String>>) -> Outcomes {
    let images = images();
    let (mut random, mut outcomes) = (Random(0x9e37_79b9_7f4a_7c15), Outcomes::default());
    for number in 0..count {
        let image = if number % 2 == 0 { &images.killed } else { &images.stopped };
        let folder = tempfile::tempdir().unwrap();
        copy(image.path(), folder.path());
        let suffix = ["", "", "-wal", "-wal", "-shm", "-sums"][random.below(6)];
        let what = damage(&file(folder.path(), suffix), &mut random);
        match read(folder.path()) {
            Ok(found) => {
                assert!(found == images.contents, "{what}: something else is there");
                outcomes.right += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("dialtone.db"), "{what}: {error}");
                outcomes.refused += 1;
            }
        }
    }
    let Outcomes { refused, right } = outcomes;
    eprintln!("{count} damages: {refused} refused, {right} harmless");
    assert!(refused > count / 4 && right > count / 20);
    outcomes
}

#[test]
fn t44_a_damaged_database_is_refused_or_right() {
    let count = if is_long() { 10_000 } else { 80 };
    damage_and_read(count, |folder| {
        let store = Store::serve(&url(folder))?;
        let found = contents(folder).unwrap_or_else(|error| panic!("it was noticed too late: {error}"));
        store.close_blocking();
        Ok(found)
    });
}

/// Backups are made of it, and it is moved to another engine, without a server.
#[test]
fn t44_a_damaged_database_is_copied_right_or_not_at_all() {
    let count = if is_long() { 5_000 } else { 60 };
    damage_and_read(count, |folder| {
        let held = Hold::take(&url(folder)).map(drop);
        let found = contents(folder);
        // Whoever reads it wipes away no trace that the next server needs.
        let served = Store::serve(&url(folder)).map(|store| store.close_blocking());
        if found.is_err() {
            let refused = [held.is_err(), served.is_err()];
            assert!(refused == [true; 2], "a hold and a server refuse it as well: {refused:?}");
        } else {
            held.and(served).unwrap_or_else(|error| panic!("refused too late: {error}"));
        }
        found
    });
}

#[test]
fn t44_nobody_works_on_a_database_that_is_being_moved() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path());
    let server = Store::serve(&url).unwrap();
    let command = Store::open(&url).unwrap();
    server.close_blocking();
    assert!(
        matches!(Hold::take(&url), Err(Error::InUse(_))),
        "a command that a server left behind works on it"
    );
    command.close_blocking();
    let hold = Hold::take(&url).unwrap();
    for open in [Store::open, Store::serve] {
        let Err(Error::InUse(why)) = open(&url) else { panic!("what it writes would be lost") };
        assert!(why.contains("is being moved"), "{why}");
    }
    // The twins: what is moved is read meanwhile, and afterwards all of them work.
    assert!(contents(folder.path()).is_ok());
    drop(hold);
    for open in [Store::open, Store::serve] {
        open(&url).unwrap().close_blocking();
    }
}

#[test]
fn t44_what_a_power_cut_leaves_of_an_idle_server_is_served() {
    let work = tempfile::tempdir().unwrap();
    Store::serve(&url(work.path())).unwrap().close_blocking();
    let [idle, torn, lost] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let store = Store::serve(&url(work.path())).unwrap();
    for folder in [&idle, &torn] {
        copy(work.path(), folder.path());
    }
    let new = an_organisation("Lost");
    let write = move |tx: &mut Tx| -> Result<Tenant> { accounts::create_organisation(tx, &new) };
    tokio::runtime::Runtime::new().unwrap().block_on(store.write(write)).unwrap();
    copy(work.path(), lost.path());
    store.close_blocking();
    // SQLite's shared memory is on no disk; a process that is killed at its start leaves three bytes of it.
    fs::remove_file(file(idle.path(), "-shm")).unwrap();
    fs::OpenOptions::new().write(true).open(file(torn.path(), "-shm")).unwrap().set_len(3).unwrap();
    for folder in [&idle, &torn] {
        Store::serve(&url(folder.path())).unwrap().close_blocking();
    }
    // The twin: where something was acknowledged, the log has to be there.
    for suffix in ["-shm", "-wal"] {
        fs::remove_file(file(lost.path(), suffix)).unwrap();
    }
    assert!(matches!(Store::serve(&url(lost.path())), Err(Error::Corrupt(_))));
}

/// Adds rows of this size in one transaction.
async fn add(store: &Store, tenant: &Tenant, rows: usize, size: usize) {
    let tenant = tenant.clone();
    let write = move |tx: &mut Tx| -> Result<()> {
        (0..rows).try_for_each(|_| {
            let key = uuid::Uuid::now_v7().to_string();
            idempotency::begin(tx, &tenant, &key, &Sealed::new(1, &vec![7; size]), at(0)).map(drop)
        })
    };
    store.write(write).await.unwrap();
}

#[test]
fn t44_a_database_that_another_process_writes_is_not_taken_for_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path());
    let (looks, megabytes) = if is_long() { (50, 20) } else { (4, 4) };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let server = Store::serve(&url).unwrap();
        let new = an_organisation("Busy");
        let tenant: Tenant = server.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        let command = Store::open(&url).unwrap();
        server.close().await;
        for look in 0..looks {
            // Nobody moves this into the file until a server comes, which begins the log anew.
            if look % 4 == 0 {
                add(&command, &tenant, megabytes, 1 << 20).await;
            }
            let url = url.clone();
            let reader = tokio::task::spawn_blocking(move || match look % 4 {
                3 => Store::serve(&url).map(|store| store.close_blocking()),
                _ => Snapshot::open(&url).map(drop),
            });
            while !reader.is_finished() {
                add(&command, &tenant, 1, 100).await;
            }
            reader.await.unwrap().unwrap_or_else(|error| panic!("look {look}: {error}"));
        }
        command.close().await;
    });
}

/// SQLite never writes the page that the byte at 2^30 is in.
#[test]
fn t44_a_database_beyond_a_gibibyte_is_served() {
    if !is_long() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::serve(&url(folder.path())).unwrap();
        let new = an_organisation("Large");
        let tenant: Tenant = store.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        for _ in 0..110 {
            add(&store, &tenant, 10, 1_000_000).await;
        }
        store.close().await;
    });
    let size = fs::metadata(file(folder.path(), "")).unwrap().len();
    assert!(size > 1 << 30, "{size}");
    Store::serve(&url(folder.path())).unwrap().close_blocking();
    drop(Snapshot::open(&url(folder.path())).unwrap());
    // The twin: damage behind that page is seen.
    let last = fs::OpenOptions::new().read(true).write(true).open(file(folder.path(), "")).unwrap();
    last.write_all_at(b"!", size - 2000).unwrap();
    assert!(matches!(Store::serve(&url(folder.path())), Err(Error::Corrupt(_))));
}

#[test]
fn t44_what_a_killed_or_a_stopped_process_leaves_is_served() {
    let images = images();
    for image in [&images.killed, &images.stopped] {
        // Twice: what the first start notes, the second one finds.
        for _ in 0..2 {
            let store = Store::serve(&url(image.path())).unwrap();
            assert!(contents(image.path()).unwrap() == images.contents);
            store.close_blocking();
        }
    }
}

#[test]
fn t44_a_database_that_is_missing_is_not_replaced_by_an_empty_one() {
    let images = images();
    let folder = images.killed.path();
    fs::remove_file(file(folder, "")).unwrap();
    for open in [Store::open, Store::serve] {
        let error = open(&url(folder)).err().unwrap().to_string();
        assert!(error.contains("is missing or empty") && error.contains("restore a backup"), "{error}");
        assert!(!file(folder, "").exists(), "nothing was made");
    }
    // The twin: who removes the rest, too, begins anew.
    for suffix in ["-wal", "-shm", "-sums"] {
        fs::remove_file(file(folder, suffix)).unwrap();
    }
    Store::serve(&url(folder)).unwrap().close_blocking();
}

#[test]
fn t44_a_second_server_on_a_database_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::serve(&url(folder.path())).unwrap();
    let Err(Error::InUse(who)) = Store::serve(&url(folder.path())) else { panic!("there are two") };
    assert!(who.contains(&format!("process {}", std::process::id())), "{who}");
    assert!(matches!(Hold::take(&url(folder.path())), Err(Error::InUse(_))));
    // The twin: a command works beside it, and the next server after it.
    Store::open(&url(folder.path())).unwrap().close_blocking();
    first.close_blocking();
    Store::serve(&url(folder.path())).unwrap().close_blocking();
}

#[test]
fn t44_the_sums_are_right_after_many_checkpoints_and_writes_beside_the_server() {
    let folder = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let server = Store::serve(&url(folder.path())).unwrap();
        let new = an_organisation("Busy");
        let tenant: Tenant = server.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        let command = Store::open(&url(folder.path())).unwrap();
        for round in 0..8 {
            fill(&server, &tenant, &format!("server {round}"), 120).await;
            fill(&command, &tenant, &format!("command {round}"), 30).await;
        }
        let main = fs::metadata(file(folder.path(), "")).unwrap().len();
        assert!(main > 1_000_000, "the log was moved meanwhile: {main}");
        server.close().await;
        // Behind the server's back, and after it.
        fill(&command, &tenant, "late", 30).await;
        command.close().await;
    });
    let before = contents(folder.path()).unwrap();
    for _ in 0..2 {
        Store::serve(&url(folder.path())).unwrap().close_blocking();
    }
    assert!(contents(folder.path()).unwrap() == before);
}

const FOLDER: &str = "DIALTONE_DAMAGE_FOLDER";

/// Not a test of its own: the process that the test below kills. Writes a line for each row that is acknowledged.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::serve(&url(Path::new(&folder))).unwrap();
        let new = an_organisation("Killed");
        let tenant: Tenant = store.write(move |tx| accounts::create_organisation(tx, &new)).await.unwrap();
        for number in 0.. {
            let (tenant, key) = (tenant.clone(), format!("{}-{number}", std::process::id()));
            let write = move |tx: &mut Tx| {
                idempotency::begin(tx, &tenant, &key, &Sealed::new(1, &[7; 30_000]), at(0))
            };
            store.write(write).await.unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "row").and_then(|()| out.flush()).unwrap();
        }
    });
}

#[test]
fn t44_killed_while_the_log_is_moved_it_starts_again_with_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let rounds = if is_long() { 100 } else { 3 };
    let (mut random, mut acknowledged) = (Random(11), 0);
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "damage::child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut rows = lines.filter(|line| line.ends_with("row"));
        // The log is moved after about every 130 rows.
        let until = 120 + random.below(60);
        acknowledged += rows.by_ref().take(until).count();
        child.kill().unwrap();
        acknowledged += rows.count();
        child.wait().unwrap();
        let store =
            Store::serve(&url(folder.path())).unwrap_or_else(|error| panic!("round {round}: {error}"));
        store.close_blocking();
        let found = contents(folder.path()).unwrap()["idempotency"].lines().count();
        assert!((acknowledged..=acknowledged + round + 1).contains(&found), "{found} of {acknowledged} rows");
    }
}

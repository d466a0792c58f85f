//! Backups: taken while the server works, restored on either engine, and held back until somebody lets them loose.

use dialtone_app::NewAlert;
use dialtone_app::backup::{
    self, BackupError, Schedule, Source, Target, create_backup, migrate_database, restore_backup,
    verify_backup,
};
use dialtone_domain::{AlertKind, Params, Role};
use dialtone_testkit::{Database, Engine, NUMBER, TestServer, on_each_engine, rows_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};
use tokio::task::JoinSet;

/// How often something is played; much more often in the long run before a release.
fn times(usually: usize, long: usize) -> usize {
    if std::env::var_os("DIALTONE_TEST_LONG").is_some() { long } else { usually }
}

/// Waits for a state, never for time.
async fn until<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    let found = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// Four members who change something, again and again, while a backup is taken.
struct WriteLoad {
    acknowledged: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    writers: JoinSet<()>,
}

impl WriteLoad {
    fn begin(world: &TestServer) -> Self {
        let (acknowledged, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
        let writers = (0..4).map(|writer| {
            let (owner, acknowledged, stop) = (world.owner.clone(), acknowledged.clone(), stop.clone());
            async move {
                while !stop.load(SeqCst) {
                    let body = json!({ "name": format!("Acme {writer} {}", uuid::Uuid::now_v7()) });
                    owner.patch("/api/v1/organisation", body).await.expect(200);
                    acknowledged.fetch_add(1, SeqCst);
                }
            }
        });
        let writers = writers.collect();
        Self { acknowledged, stop, writers }
    }

    fn acknowledged(&self) -> i64 {
        self.acknowledged.load(SeqCst)
    }

    /// How many writes were acknowledged.
    async fn end(self) -> i64 {
        self.stop.store(true, SeqCst);
        self.writers.join_all().await;
        self.acknowledged.load(SeqCst)
    }
}

/// A place where a backup was restored to.
struct Copy {
    source: Source,
    database: Option<Database>,
    folder: tempfile::TempDir,
}

impl Copy {
    /// Nothing yet.
    fn place(engine: Engine) -> Option<(Self, Target)> {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("restored");
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Database::create(engine)?),
        };
        let url = database.as_ref().map(|database| database.url().to_owned());
        let in_folder = format!("sqlite://{}/dialtone.db", data_dir.display());
        let source = Source { database_url: url.clone().unwrap_or(in_folder), data_dir: data_dir.clone() };
        Some((Self { source, database, folder }, Target { data_dir, postgres_url: url }))
    }

    /// What the backup holds, with the master key of the original.
    async fn restore(file: &Path, engine: Engine, original: &Source) -> Option<Self> {
        let (copy, target) = Self::place(engine)?;
        restore_backup(file.to_owned(), target).await.unwrap();
        fs::copy(original.data_dir.join("master.key"), copy.source.data_dir.join("master.key")).unwrap();
        Some(copy)
    }
}

async fn backup_of(world: &TestServer, folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let to = folder.path().join(name);
    create_backup(world.source(), Some(to.clone())).await.unwrap();
    to
}

/// The requests that changed something at a provider.
async fn changes(world: &TestServer) -> usize {
    world.sandbox.requests().await.iter().filter(|request| request["method"] != "GET").count()
}

/// What a restore changes on purpose.
const RENEWED: [&str; 7] =
    ["instance", "sessions", "codes", "events", "chains", "operations", "schema_version"];

/// Rows without what tells the engines apart: how bytes and truth are shown.
fn plain(rows: BTreeMap<String, Vec<Value>>) -> BTreeMap<String, Vec<Value>> {
    let cell = |cell: &mut Value| match cell {
        Value::String(text) if text.starts_with("\\x") => *cell = text[2..].to_uppercase().into(),
        Value::Bool(flag) => *cell = i64::from(*flag).into(),
        _ => (),
    };
    let mut rows = rows;
    for row in rows.values_mut().flatten() {
        row.as_object_mut().unwrap().values_mut().for_each(cell);
    }
    rows.values_mut().for_each(|rows| rows.sort_by_key(Value::to_string));
    rows
}

/// The tables in which the two differ.
fn differing(one: &BTreeMap<String, Vec<Value>>, other: &BTreeMap<String, Vec<Value>>) -> Vec<String> {
    one.keys().chain(other.keys()).filter(|table| one.get(*table) != other.get(*table)).cloned().collect()
}

on_each_engine! {
    async fn t46_a_restored_copy_changes_nothing_until_it_is_let_loose(world: TestServer) {
        let folder = tempfile::tempdir().unwrap();
        let imported = world.import().await;
        let line = format!("/api/v1/lines/{}", imported["phone"]["line_id"].as_str().unwrap());
        let other = world.sandbox.create_assistant("Other").await;
        // In the middle of a change: Vapi takes its time.
        world.sandbox.fault("PATCH", "^/vapi/phone-number/", 1, json!({ "delay_ms": 1500 })).await;
        let change = tokio::spawn({
            let (owner, line, body) = (world.owner.clone(), line.clone(), json!({ "assistant_id": other }));
            async move { owner.patch(&line, body).await }
        });
        let running = || async {
            let operations = world.owner.get("/api/v1/operations").await.body;
            operations["operations"][0]["steps"][0]["state"] == "started"
        };
        until("the change to be under way", running).await;
        let file = backup_of(&world, &folder, "mid-load.tar.zst").await;
        let changed = change.await.unwrap().expect(200).body;
        assert_eq!(changed["operation"]["state"], "succeeded", "the twin: the original goes on");
        let engine = if world.source().database_url.starts_with("sqlite") { Engine::Sqlite } else { Engine::Postgres };
        let Some(restored) = Copy::restore(&file, engine, &world.source()).await else { return };

        let before = changes(&world).await;
        let copy = world.beside(&restored.source, |_| ()).await;
        let instance = copy.owner.get("/api/v1/instance").await.expect(200).body["instance"].clone();
        assert!(instance["fenced_at"].is_string(), "{instance}");
        let original = world.owner.get("/api/v1/instance").await.expect(200).body["instance"].clone();
        assert_eq!(
            (&instance["id"], instance["epoch"].as_i64().unwrap(), &original["fenced_at"]),
            (&original["id"], original["epoch"].as_i64().unwrap() + 1, &Value::Null)
        );
        assert_eq!(copy.nobody().get("/readyz").await.expect(200).body["checks"]["effects"], "held_back");
        // Looks work; nothing that changes a provider does, whichever way it goes.
        copy.owner.get(&format!("{line}/checks")).await.expect(200);
        copy.owner.get("/api/v1/assistants").await.expect(200);
        copy.owner.post("/api/v1/assistants", json!({ "name": "New" })).await.problem(409, "fenced");
        copy.owner.post("/api/v1/phone-numbers/import-twilio", json!({ "phone_number": NUMBER })).await.problem(409, "fenced");
        let body = json!({ "assistant_id": imported["assistant_id"] });
        copy.owner.patch(&line, body.clone()).await.problem(409, "fenced");
        copy.owner.post(&format!("{line}/repair"), json!({})).await.problem(409, "fenced");
        let waiting = copy.owner.get("/api/v1/operations").await.body["operations"][0].clone();
        assert!(waiting["finished_at"].is_null(), "what was in hand waits: {waiting}");
        assert_eq!(changes(&world).await, before, "the copy changed something");

        // Only an owner lets it loose; then it goes on where it was.
        copy.member(Role::Viewer).await.delete("/api/v1/instance/fence").await.problem(403, "forbidden");
        let loose = copy.owner.delete("/api/v1/instance/fence").await.expect(200).body["instance"].clone();
        assert_eq!(loose["fenced_at"], Value::Null);
        let path = format!("/api/v1/operations/{}", waiting["id"].as_str().unwrap());
        until("the operation to end", || async {
            copy.owner.get(&path).await.body["operation"]["state"] == "succeeded"
        }).await;
        copy.owner.patch(&line, body).await.expect(200);
        assert!(changes(&world).await > before, "the twin: it can change things again");
        let trail = copy.owner.get("/api/v1/audit").await.expect(200).text;
        assert!(trail.contains("backup.restored") && trail.contains("fence.lifted"), "{trail}");
        copy.stop().await;
        drop(restored);
    }

    async fn t46_a_fence_lifted_beside_a_server_is_followed_by_it(world: TestServer) {
        let folder = tempfile::tempdir().unwrap();
        let file = backup_of(&world, &folder, "b.tar.zst").await;
        let engine = if world.source().database_url.starts_with("sqlite") { Engine::Sqlite } else { Engine::Postgres };
        let Some(restored) = Copy::restore(&file, engine, &world.source()).await else { return };
        let copy = world.beside(&restored.source, |_| ()).await;
        let effects = || async { copy.nobody().get("/readyz").await.body["checks"]["effects"].clone() };
        assert_eq!(effects().await, "held_back");
        let lift = || dialtone_app::fence::lift_fence_of(restored.source.database_url.clone());
        assert!(lift().await.unwrap());
        until("the server to follow", || async { effects().await == "ok" }).await;
        assert!(!lift().await.unwrap(), "there is no second one");
        copy.stop().await;
    }

    async fn t46_a_restore_ends_sessions_and_codes_and_keeps_tokens(world: TestServer) {
        let folder = tempfile::tempdir().unwrap();
        let browser = world.browser().await;
        browser.get("/api/v1/session").await.expect(200);
        world.app.local_sign_in_code("owner@example.com").await.unwrap();
        let file = backup_of(&world, &folder, "b.tar.zst").await;
        let Some(restored) = Copy::restore(&file, Engine::Sqlite, &world.source()).await else { return };
        let copy = world.beside(&restored.source, |_| ()).await;
        browser.at(copy.url()).get("/api/v1/session").await.problem(401, "not_signed_in");
        copy.owner.get("/api/v1/session").await.expect(200);
        copy.browser().await.get("/api/v1/session").await.expect(200);
        let rows = rows_of(&restored.source.database_url);
        assert_eq!(rows["codes"], Vec::<Value>::new());
        browser.get("/api/v1/session").await.expect(200);
        copy.stop().await;
    }

    async fn a_backup_is_restored_on_either_engine_with_its_media(world: TestServer) {
        let folder = tempfile::tempdir().unwrap();
        world.import().await;
        let media = world.source().data_dir.join("media/ab");
        fs::create_dir_all(&media).unwrap();
        fs::write(media.join("picture"), [0, 159, 146, 150]).unwrap();
        let file = backup_of(&world, &folder, "b.tar.zst").await;
        let listed: Vec<_> = rows_of(&world.source().database_url).into_keys().collect();
        let manifest = verify_backup(file.clone()).await.unwrap();
        let names: Vec<_> = manifest.tables.iter().map(|table| table.name.clone()).collect();
        assert_eq!(names, listed, "every table of the schema is in it");
        assert_eq!(manifest.files.len(), 1);
        let master_key = fs::read_to_string(world.source().data_dir.join("master.key")).unwrap();
        let content = zstd::decode_all(fs::File::open(&file).unwrap()).unwrap();
        for secret in [master_key.trim(), dialtone_testkit::TOKEN, dialtone_testkit::KEY] {
            assert!(!content
                    .windows(secret.len()).any(|window| window == secret.as_bytes()), "a secret in the clear");
        }
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let Some(restored) = Copy::restore(&file, engine, &world.source()).await else { continue };
            let rows = plain(rows_of(&restored.source.database_url));
            let original = plain(rows_of(&world.source().database_url));
            let differing = differing(&rows, &original);
            assert!(differing.iter().all(|table| RENEWED.contains(&table.as_str())), "{engine:?}: {differing:?}");
            assert_eq!(fs::read(restored.source.data_dir.join("media/ab/picture")).unwrap(), [0, 159, 146, 150]);
            // What is sealed opens with the same master key: the saved Twilio token is used.
            let copy = world.beside(&restored.source, |_| ()).await;
            let checks = copy.owner.get(&format!("/api/v1/lines/{NUMBER}/checks")).await.expect(200).body;
            assert_eq!(checks["doctor"]["healthy"], true, "{checks}");
            copy.stop().await;
        }
    }

    async fn every_acknowledged_write_before_a_backup_is_in_it(world: TestServer) {
        let folder = tempfile::tempdir().unwrap();
        let mut held = 0;
        for number in 0..times(3, 200) {
            let load = WriteLoad::begin(&world);
            until("writes", || async { load.acknowledged() >= 3 }).await;
            let at_least = held + load.acknowledged();
            let file = backup_of(&world, &folder, &format!("{number}.tar.zst")).await;
            held += load.end().await;
            verify_backup(file.clone()).await.unwrap();
            let restored = Copy::restore(&file, Engine::Sqlite, &world.source()).await.unwrap();
            let rows = rows_of(&restored.source.database_url);
            let changes = rows["events"].iter().filter(|event| event["kind"] == "organisation.changed");
            let changes: Vec<_> = changes.collect();
            assert!(changes.len() as i64 >= at_least, "{} of {at_least} writes in backup {number}", changes.len());
            let name = &rows["orgs"][0]["name"];
            let last = changes.iter().max_by_key(|event| event["seq"].as_i64()).unwrap();
            assert!(last["after"].as_str().unwrap().contains(name.as_str().unwrap()), "torn: {last} {name}");
            fs::remove_file(file).unwrap();
        }
        eprintln!("{held} writes in all");
    }

    async fn a_database_moves_to_the_other_engine_whole(world: TestServer) {
        world.import().await;
        let source = world.source();
        let from_sqlite = source.database_url.starts_with("sqlite");
        let engine = if from_sqlite { Engine::Postgres } else { Engine::Sqlite };
        let Some(target) = Database::create(engine) else { return };
        let refused = migrate_database(source.database_url.clone(), target.url().to_owned()).await;
        assert!(matches!(&refused, Err(BackupError::InUse(_))), "a server has it: {refused:?}");
        let (sandbox, before) = (world.sandbox.clone(), plain(world.database().rows()));
        let keep = world.stop_and_keep().await;
        // PostgreSQL takes a moment to see that its clients are gone.
        let moved = loop {
            match migrate_database(source.database_url.clone(), target.url().to_owned()).await {
                Err(BackupError::InUse(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                other => break other.unwrap(),
            }
        };
        assert_eq!(moved.iter().map(|table| table.rows).sum::<u64>(), before.values().map(|rows| rows.len() as u64).sum::<u64>());
        assert_eq!(differing(&plain(target.rows()), &before), [""; 0], "each row arrived");
        assert_eq!(differing(&plain(rows_of(&source.database_url)), &before), [""; 0], "the source is as it was");
        let again = migrate_database(source.database_url.clone(), target.url().to_owned()).await;
        assert!(matches!(again, Err(BackupError::Store(dialtone_store::Error::NotEmpty))), "{again:?}");
        drop((sandbox, keep));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_restored_over_what_is_there_or_from_what_is_not_whole() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    world.import().await;
    let folder = tempfile::tempdir().unwrap();
    let media = world.source().data_dir.join("media");
    fs::create_dir_all(&media).unwrap();
    fs::write(media.join("a"), "some content").unwrap();
    let file = backup_of(&world, &folder, "whole.tar.zst").await;
    let occupied = create_backup(world.source(), Some(file.clone())).await;
    assert!(matches!(occupied, Err(BackupError::Occupied(_))), "{occupied:?}");

    let (copy, target) = Copy::place(Engine::Sqlite).unwrap();
    fs::create_dir_all(&target.data_dir).unwrap();
    fs::write(target.data_dir.join("mine"), "x").unwrap();
    let occupied = restore_backup(file.clone(), target.clone()).await;
    assert!(matches!(occupied, Err(BackupError::Occupied(_))), "{occupied:?}");
    assert_eq!(fs::read_dir(copy.folder.path()).unwrap().count(), 1, "nothing is left behind");
    fs::remove_file(target.data_dir.join("mine")).unwrap();

    let whole = fs::read(&file).unwrap();
    let mut random = fastrand(7);
    for number in 0..times(60, 1000) {
        let mut bytes = whole.clone();
        match number % 3 {
            0 => bytes.truncate(random(bytes.len())),
            1 => {
                let at = random(bytes.len());
                bytes[at] ^= 1 << random(8);
            }
            _ => bytes.extend([0x42; 7]),
        }
        let damaged = folder.path().join("damaged.tar.zst");
        fs::write(&damaged, &bytes).unwrap();
        let verified = verify_backup(damaged.clone()).await;
        assert!(verified.is_err(), "damage {number} was not noticed");
        if number < 3 {
            assert!(restore_backup(damaged, target.clone()).await.is_err());
            assert_eq!(fs::read_dir(&target.data_dir).unwrap().count(), 0, "nothing is left behind");
        }
    }
    // The twin: what is whole is restored, into an empty folder too.
    restore_backup(file, target).await.unwrap();
    assert!(copy.database.is_none() && !rows_of(&copy.source.database_url)["lines"].is_empty());
}

/// Numbers below a bound, the same ones in every run.
fn fastrand(mut state: u64) -> impl FnMut(usize) -> usize {
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    }
}

/// Something that looks like a backup of that time.
fn a_backup_of(data_dir: &Path, name: &str, at: SystemTime) {
    let folder = data_dir.join("backups");
    fs::create_dir_all(&folder).unwrap();
    fs::File::create(folder.join(name)).unwrap().set_modified(at).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_failed_is_soon_tried_again_and_what_it_told_is_over() {
    let rarely = |config: &mut dialtone_app::Config| {
        config.minute = Duration::from_millis(20);
        config.backups = Some(Schedule { every: Duration::from_secs(3600), keep: 2 });
        // Overdue, and in the way.
        a_backup_of(&config.data_dir, "dialtone-20200101T000000Z.tar.zst", SystemTime::UNIX_EPOCH);
        fs::write(config.data_dir.join("media"), "not a folder").unwrap();
    };
    let world = TestServer::start_with(Engine::Sqlite, rarely).await.unwrap();
    let open = || async {
        let shown = world.owner.get("/api/v1/alerts?open=true").await.expect(200).body;
        shown["alerts"].as_array().unwrap().iter().any(|alert| alert["kind"] == "backup_failed")
    };
    until("the alert", open).await;
    // One that cannot be thrown away is no reason to say that none was made.
    let folder = world.data_dir().join("backups");
    for name in ["dialtone-20190101T000000Z.tar.zst", "dialtone-20190102T000000Z.tar.zst"] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::File::open(folder.join(name)).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    fs::remove_file(world.data_dir().join("media")).unwrap();
    until("it to be over", || async { !open().await }).await;
    let made = backup::list_backups(world.data_dir()).unwrap().remove(0);
    verify_backup(made.path).await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_schedule_no_backup_is_missed() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    let tenant = world.owner_caller().await.tenant;
    let (kind, subject) = (AlertKind::BackupFailed, "backup".to_owned());
    world.app.raise_alert(&tenant, NewAlert { kind, subject, params: Params::default() }).await.unwrap();
    let alerts = async |world: &TestServer| {
        world.owner.get("/api/v1/watch").await.expect(200).body["watch"]["open_alerts"].clone()
    };
    assert_eq!(alerts(&world).await, 1);
    let world = world.restarted(|_| ()).await;
    assert_eq!(alerts(&world).await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_are_made_by_themselves_and_old_ones_go() {
    let world = TestServer::start(Engine::Sqlite).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = backup_of(&world, &folder, "b.tar.zst").await;
    let restored = Copy::restore(&file, Engine::Sqlite, &world.source()).await.unwrap();
    let every = Some(Schedule { every: Duration::from_secs(1), keep: 2 });
    // These were made by a clock that was a day ahead: they hold up nothing, and are the first to go.
    for name in ["dialtone-29990101T000000Z.tar.zst", "dialtone-29990102T000000Z.tar.zst"] {
        a_backup_of(
            &restored.source.data_dir,
            name,
            (dialtone_app::clock::now() + Duration::from_secs(86_400)).into(),
        );
    }
    let copy = world.beside(&restored.source, |config| config.backups = every).await;
    let listed = || backup::list_backups(&restored.source.data_dir).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    until("three backups to be made", || {
        seen.extend(listed().into_iter().map(|backup| backup.path));
        let many = seen.len() >= 5;
        async move { many }
    })
    .await;
    until("the old ones to go", || async { listed().len() == 2 }).await;
    assert!(copy.app.last_backup().is_some());
    verify_backup(listed()[0].path.clone()).await.unwrap();
    copy.stop().await;
}

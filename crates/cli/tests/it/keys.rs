//! `dialtone keys` and what becomes of a server without the right one: with real processes, killed at any moment.

use crate::canaries::Haystack;
use crate::harness::{Engine, Place, Process, get, never_logged, post, run};
use crate::witness::{NEEDLE, Witness};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const OWNER: [&str; 10] =
    ["user", "create", "--email", "o@example.com", "--name", "O", "--org", "Org", "--role", "owner"];
const TOKEN: [&str; 6] = ["token", "create", "--email", "o@example.com", "--role", "owner"];
const PASSWORD: &str = "keys-test canary password";

/// Two master keys, as they are written down.
const FIRST: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const SECOND: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// A place with an owner.
fn place(engine: Engine) -> Place {
    let place = Place::new(engine);
    let made = run(&mut place.dialtone(&OWNER), PASSWORD);
    assert_eq!(made.code, 0, "{}", made.error);
    never_logged(PASSWORD);
    never_logged(std::fs::read_to_string(place.folder().join("master.key")).unwrap().trim());
    place
}

fn status(place: &Place) -> (i32, Value) {
    let status = run(&mut place.dialtone(&["keys", "status", "-o", "json"]), "");
    (status.code, status.json())
}

/// How much is played: all of it where somebody asks for it, which takes many minutes.
struct Size {
    organisations: u128,
    kills: u64,
}

fn size() -> Size {
    match std::env::var_os("DIALTONE_TEST_LONG").is_some() {
        true => Size { organisations: 200, kills: 100 },
        false => Size { organisations: 3, kills: 4 },
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        end.mul_f64((self.0 >> 40) as f64 / (1_u64 << 24) as f64)
    }
}

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::null()).spawn().expect("the program starts")
}

/// Kills it after that time, wherever it is then; says whether it was still at work.
async fn kill_after(mut child: Child, time: Duration) -> bool {
    // No state to wait for: the moment is what is tried.
    tokio::time::sleep(time).await;
    let at_work = child.try_wait().expect("it can be asked").is_none();
    let _ = child.kill();
    child.wait().expect("it ends");
    at_work
}

/// Rotations, each killed at another moment, by so many processes at once; everything is readable after each.
async fn rotations_under_kill(engine: Engine, arguments: &[&str], at_once: usize) {
    if !engine.is_here() {
        return;
    }
    let (size, place) = (size(), place(engine));
    let witness = Witness::plant(&place, size.organisations);
    let before = witness.wrapped();
    let began = Instant::now();
    let whole = run(&mut place.dialtone(arguments), "");
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.error);
    let whole = began.elapsed();
    witness.read_all();
    let (mut dice, mut at_work, mut between) = (Dice(at_once as u64), 0, 0);
    for _ in 0..size.kills {
        let children: Vec<_> = (0..at_once).map(|_| start(place.dialtone(arguments))).collect();
        let killed = children.into_iter().map(|child| kill_after(child, dice.below(whole)));
        at_work += futures_of(killed).await.into_iter().filter(|killed| *killed).count();
        between += usize::from(witness.read_all().len() > 1);
    }
    let began = Instant::now();
    let others: Vec<_> = (1..at_once).map(|_| start(place.dialtone(arguments))).collect();
    let last = run(&mut place.dialtone(arguments), "");
    assert_eq!(last.code, 0, "{}{}", last.out, last.error);
    for mut other in others {
        assert!(other.wait().expect("it ends").success());
    }
    let last = began.elapsed();
    let versions = witness.read_all();
    let (code, told) = status(&place);
    assert_eq!((code, &told["rotating"], &told["unreadable"]), (0, &json!(false), &json!([])), "{told}");
    assert_eq!(versions.values().sum::<usize>(), witness.len());
    assert_eq!(versions.len(), 1, "{versions:?}");
    eprintln!(
        "{engine:?}, {arguments:?}, {at_once} at once: {} secrets, {whole:?} undisturbed, {} kills ({at_work} at work, \
         {between} between two versions), {last:?} to the end",
        witness.len(),
        size.kills,
    );
    nothing_in_the_clear(&place, &before);
}

async fn futures_of<T: Send + 'static>(
    all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut tasks = tokio::task::JoinSet::new();
    all.for_each(|one| drop(tasks.spawn(one)));
    tasks.join_all().await
}

/// No file of the place holds a secret, and, where its files are ours, none a data key from before.
fn nothing_in_the_clear(place: &Place, destroyed: &[Vec<u8>]) {
    let mut files = Haystack::default();
    files.add_files(place.folder());
    if place.engine() == Engine::Postgres {
        let folders = place.texts(
            "SELECT current_setting('data_directory'), \
             (SELECT CAST(oid AS TEXT) FROM pg_database WHERE datname = current_database())",
        );
        let (data, database) = (Path::new(&folders[0][0]), &folders[0][1]);
        match data.join("base").join(database).is_dir() {
            true => {
                files.add_files(&data.join("base").join(database));
                files.add_files(&data.join("pg_wal"));
            }
            false => eprintln!("the files of PostgreSQL are elsewhere: they are not searched"),
        }
    }
    assert_eq!(files.find(&[NEEDLE.to_owned()]), Vec::<String>::new());
    if place.engine() == Engine::Sqlite {
        for key in destroyed {
            assert_eq!(files.holder(key), None, "a destroyed data key is still in a file");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t28_a_rotation_survives_every_kill_on_sqlite() {
    rotations_under_kill(Engine::Sqlite, &["keys", "rotate"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t28_two_rotations_at_once_survive_every_kill_on_sqlite() {
    rotations_under_kill(Engine::Sqlite, &["keys", "rotate"], 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t28_a_rotation_survives_every_kill_on_postgres() {
    rotations_under_kill(Engine::Postgres, &["keys", "rotate"], 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t28_two_rotations_at_once_survive_every_kill_on_postgres() {
    rotations_under_kill(Engine::Postgres, &["keys", "rotate"], 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t28_a_change_of_the_master_key_survives_every_kill() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        rotations_under_kill(engine, &["keys", "rotate", "--master"], 2).await;
    }
}

#[tokio::test]
async fn t28_a_running_server_goes_on_while_both_kinds_of_keys_are_changed() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if !engine.is_here() {
            continue;
        }
        let place = place(engine);
        let token = run(&mut place.dialtone(&TOKEN), "");
        let token = token.out.trim_end().to_owned();
        never_logged(&token);
        let mut server = Process::start(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
        let said = server.line();
        let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
        let once = |number: usize| {
            let client = crate::harness::http().post(format!("{url}/api/v1/tokens")).bearer_auth(&token);
            let body = json!({ "name": "n", "role": "viewer" });
            client.header("idempotency-key", format!("key-{number}")).json(&body).send()
        };
        let mut answers = Vec::new();
        for (number, arguments) in
            [&["keys", "rotate", "--master"][..], &["keys", "rotate"], &["keys", "rotate", "--master"]]
                .iter()
                .enumerate()
        {
            let first = once(number).await.unwrap();
            assert_eq!(first.status(), 201, "{}", first.text().await.unwrap());
            answers.push(first.text().await.unwrap());
            let changed = run(&mut place.dialtone(arguments), "");
            assert_eq!(changed.code, 0, "{}", changed.error);
            for (number, answer) in answers.iter().enumerate() {
                let again = once(number).await.unwrap();
                assert_eq!((again.status().as_u16(), &again.text().await.unwrap()), (201, answer));
            }
        }
        assert_eq!(get(&format!("{url}/readyz"), None).await.0, 200);
        assert!(server.stop().success());
        assert_eq!(status(&place).0, 0);
    }
}

#[test]
fn t28_processes_that_start_first_together_make_one_key() {
    let place = Place::new(Engine::Sqlite);
    let children: Vec<_> = (0..5)
        .map(|number| {
            let mut command = OWNER;
            let email = format!("o{number}@example.com");
            command[3] = &email;
            let mut command = place.dialtone(&command);
            command.stdin(Stdio::null());
            start(command)
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let (code, told) = status(&place);
    assert_eq!(
        (code, &told["state"], &told["versions"][0]["version"]),
        (0, &json!("open"), &json!(1)),
        "{told}"
    );
    let left = std::fs::read_dir(place.folder()).unwrap().map(|file| file.unwrap().file_name());
    let keys = left.filter(|name| name.to_string_lossy().contains("key")).count();
    assert_eq!(keys, 1, "no draft is left behind");
}

#[test]
fn t29_an_old_backup_needs_the_old_master_key_which_is_named_and_kept() {
    let place = place(Engine::Sqlite);
    let backup = place.copy();
    let old = status(&place).1["master_key"].as_str().unwrap().to_owned();
    let changed = run(&mut place.dialtone(&["keys", "rotate", "--master"]), "");
    assert_eq!(changed.code, 0, "{}", changed.error);
    let kept = place.folder().join(format!("master.key.{old}"));
    assert!(
        changed.out.contains(&old) && changed.out.contains(&kept.display().to_string()),
        "{}",
        changed.out
    );
    let new = status(&place).1["master_key"].as_str().unwrap().to_owned();
    assert_ne!(old, new);

    // Only the new key beside the old backup: sealed, with both keys named, and nothing changed.
    std::fs::copy(place.folder().join("master.key"), backup.folder().join("master.key")).unwrap();
    let sealed = run(&mut backup.dialtone(&["keys", "status", "-o", "json"]), "");
    assert_eq!((sealed.code, &sealed.json()["state"]), (3, &json!("sealed")));
    assert!(sealed.error.contains(&old) && sealed.error.contains(&new), "{}", sealed.error);
    for arguments in [&["keys", "rotate"][..], &["keys", "rotate", "--master"]] {
        let refused = run(&mut backup.dialtone(arguments), "");
        assert_eq!(refused.code, 1);
        assert!(refused.error.contains(&old), "{}", refused.error);
    }
    let mut another = OWNER;
    (another[3], another[7]) = ("p@example.com", "Other");
    let refused = run(&mut backup.dialtone(&another), PASSWORD);
    assert!(refused.code == 1 && refused.error.contains(&old), "{}", refused.error);

    // The old one: all is well.
    std::fs::copy(&kept, backup.folder().join("master.key")).unwrap();
    assert_eq!(status(&backup).0, 0);
    assert_eq!(run(&mut backup.dialtone(&["keys", "rotate"]), "").code, 0);
}

#[test]
fn t28_a_key_from_the_environment_is_changed_with_both_keys_there() {
    let place = Place::new(Engine::Sqlite);
    let with = |keys: &str, arguments: &[&str]| {
        let mut command = place.dialtone(arguments);
        command.env("DIALTONE_MASTER_KEY", keys);
        command
    };
    for key in [FIRST, SECOND] {
        never_logged(key);
    }
    assert_eq!(run(&mut with(FIRST, &OWNER), PASSWORD).code, 0);
    let change = ["keys", "rotate", "--master"];
    let none = run(&mut with(FIRST, &change), "");
    assert!(none.code == 1 && none.error.contains("DIALTONE_NEW_MASTER_KEY"), "{}", none.error);
    let wrong = run(with(FIRST, &change).env("DIALTONE_NEW_MASTER_KEY", "short"), "");
    assert!(wrong.code == 1 && wrong.error.contains("32 bytes"), "{}", wrong.error);
    let same = run(with(FIRST, &change).env("DIALTONE_NEW_MASTER_KEY", FIRST), "");
    assert!(same.code == 1 && same.error.contains("present"), "{}", same.error);
    let both = format!("{FIRST}, {SECOND}");
    assert_eq!(run(&mut with(&both, &["keys", "status"]), "").code, 0, "the server may have both before");
    let done = run(with(&both, &change).env("DIALTONE_NEW_MASTER_KEY", SECOND), "");
    assert_eq!(done.code, 0, "{}", done.error);
    assert_eq!(run(&mut with(&both, &["keys", "status"]), "").code, 0, "and after");
    assert_eq!(run(&mut with(SECOND, &["keys", "status"]), "").code, 0);
    assert_eq!(run(&mut with(FIRST, &["keys", "status"]), "").code, 3);
    assert_eq!(
        std::fs::read_dir(place.folder())
            .unwrap()
            .filter(|file| { file.as_ref().unwrap().file_name().to_string_lossy().contains("key") })
            .count(),
        0,
        "no key file is made where the key is given"
    );
}

#[tokio::test]
async fn t28_a_sealed_server_says_so_and_what_to_do() {
    let place = place(Engine::Sqlite);
    let file = place.folder().join("master.key");
    let right = std::fs::read(&file).unwrap();
    std::fs::write(&file, FIRST).unwrap();
    let mut server = Process::start(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
    let said = server.line();
    let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
    let said = server.line();
    assert!(said.starts_with("Sealed: ") && said.contains("start again"), "{said}");
    let (code, ready) = get(&format!("{url}/readyz"), None).await;
    assert_eq!((code, &ready["checks"]["master_key"]), (503, &json!("sealed")), "{ready}");
    let login = json!({ "email": "o@example.com", "password": PASSWORD });
    assert_eq!(post(&format!("{url}/api/v1/session"), None, &login).await.0, 200);
    assert!(server.stop().success());
    assert_eq!(std::fs::read(&file).unwrap(), FIRST.as_bytes());
    std::fs::write(&file, right).unwrap();
    assert_eq!(status(&place).0, 0);
}

#[cfg(unix)]
#[test]
fn t28_a_key_that_systemd_hands_over_is_the_master_key() {
    let (place, credentials) = (Place::new(Engine::Sqlite), tempfile::tempdir().unwrap());
    std::fs::write(credentials.path().join("master.key"), format!("{FIRST}\n")).unwrap();
    let with = |arguments: &[&str]| {
        let mut command = place.dialtone(arguments);
        command.env("CREDENTIALS_DIRECTORY", credentials.path());
        command
    };
    for key in [FIRST, SECOND] {
        never_logged(key);
    }
    assert_eq!(run(&mut with(&OWNER), PASSWORD).code, 0);
    assert!(!place.folder().join("master.key").exists(), "none was made");
    assert_eq!(run(&mut with(&["keys", "status"]), "").code, 0);
    let status = |key: &str| {
        let mut command = with(&["keys", "status", "-o", "json"]);
        run(command.env("DIALTONE_MASTER_KEY", key), "")
    };
    assert_eq!(status(FIRST).code, 0, "it is that key");
    assert_eq!(status(SECOND).code, 3, "what is set for Dialtone alone comes first");
}

#[test]
fn t28_a_key_file_that_others_can_read_is_closed() {
    use std::os::unix::fs::PermissionsExt;
    let place = place(Engine::Sqlite);
    let file = place.folder().join("master.key");
    let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = run(&mut place.dialtone(&["keys", "status"]), "");
    assert_eq!((told.code, mode()), (0, 0o600));
    assert!(told.error.contains("could read the master key"), "{}", told.error);
}

#[test]
fn keys_have_nothing_to_look_at_where_no_database_is() {
    let place = Place::new(Engine::Sqlite);
    for arguments in [&["keys", "status"][..], &["keys", "rotate"], &["keys", "rotate", "--master"]] {
        let none = run(&mut place.dialtone(arguments), "");
        assert!(none.code == 1 && none.error.contains("There is no Dialtone database at "), "{}", none.error);
    }
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 0, "nothing is made");
}

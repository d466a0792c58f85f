//! `dialtone backup …` and `dialtone migrate-database`, as people use them: beside a running server and after it.

use crate::harness::{Ended, Engine, Place, Process, get, never_logged, run, wait_for};
use std::fs;
use std::process::Command;

const OWNER: [&str; 10] =
    ["user", "create", "--email", "o@example.com", "--name", "O", "--org", "Org", "--role", "owner"];

/// A place with an owner, and a server that answers at this address.
fn served(engine: Engine) -> (Place, Process, String) {
    let place = Place::new(engine);
    assert_eq!(run(&mut place.dialtone(&OWNER), "backup canary password").code, 0);
    never_logged("backup canary password");
    let (server, url) = serve(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
    (place, server, url)
}

fn serve(command: &mut Command) -> (Process, String) {
    let mut server = Process::start(command);
    let said = server.line();
    let url = said.strip_prefix("Dialtone answers at ").unwrap_or_else(|| panic!("{said}")).to_owned();
    (server, url)
}

fn fine(ended: Ended) -> Ended {
    assert_eq!(ended.code, 0, "{} {}", ended.out, ended.error);
    ended
}

async fn there_and_back(engine: Engine) {
    if !engine.is_here() {
        return;
    }
    let (place, server, _) = served(engine);
    let made = fine(run(&mut place.dialtone(&["backup", "create", "-o", "json"]), ""));
    assert!(made.error.contains("The master key is not in the backup"), "{}", made.error);
    let file = made.json()["path"].as_str().unwrap().to_owned();
    let listed = fine(run(&mut place.dialtone(&["backup", "list", "-o", "json"]), "")).json();
    assert_eq!(listed[0]["path"], file.as_str(), "{listed}");
    let verified = fine(run(&mut place.dialtone(&["backup", "verify", &file, "-o", "json"]), "")).json();
    assert!(verified["rows"].as_u64().unwrap() > 3, "{verified}");
    let new = tempfile::tempdir().unwrap();
    let to = new.path().join("new");
    let to = to.to_str().unwrap();
    let restore = ["backup", "restore", &file, "--data-dir", to];
    let restored = fine(run(&mut place.dialtone(&restore), ""));
    assert!(restored.out.contains("held back"), "{}", restored.out);
    let again = run(&mut place.dialtone(&restore), "");
    assert!(again.code == 1 && again.error.contains("nothing is written over it"), "{}", again.error);
    fs::copy(place.folder().join("master.key"), format!("{to}/master.key")).unwrap();

    // The copy, on SQLite whatever it came from, beside the original.
    let on_copy = |arguments: &[&str]| {
        let mut command = crate::harness::dialtone(arguments);
        command.env("DIALTONE_DATA_DIR", to);
        command
    };
    let (copy, url) = serve(&mut on_copy(&["serve", "--listen", "127.0.0.1:0"]));
    let effects = || async { get(&format!("{url}/readyz"), None).await.1["checks"]["effects"].clone() };
    assert_eq!(effects().await, "held_back");
    let asked = run(&mut on_copy(&["backup", "unfence"]), "");
    assert_eq!(asked.code, 2, "it asks first: {} {}", asked.out, asked.error);
    let lifted = fine(run(&mut on_copy(&["backup", "unfence", "--yes"]), ""));
    assert!(lifted.out.contains("lifted"), "{}", lifted.out);
    wait_for("the server to follow", || async { (effects().await == "ok").then_some(()) }).await;
    assert!(copy.stop().success() && server.stop().success());
}

#[tokio::test]
async fn there_and_back_on_sqlite() {
    there_and_back(Engine::Sqlite).await;
}

#[tokio::test]
async fn there_and_back_on_postgres() {
    there_and_back(Engine::Postgres).await;
}

/// Renaming cannot replace them: that is said first, not when all the work is done.
#[test]
fn a_link_or_a_mounted_folder_is_no_place_for_a_restore() {
    let place = Place::new(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let [link, real, absent] = ["link", "real", "absent"].map(|name| folder.path().join(name));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let not_a_backup = folder.path().join("file");
    let refused = |to: &std::path::Path| {
        let to = to.to_str().unwrap();
        run(&mut place.dialtone(&["backup", "restore", not_a_backup.to_str().unwrap(), "--data-dir", to]), "")
    };
    let mut places = vec![link];
    if cfg!(target_os = "linux") {
        places.push("/proc".into());
    }
    for to in places {
        let ended = refused(&to);
        let instead = to.join("restored").display().to_string();
        assert!(ended.code == 1 && ended.error.contains(&instead), "{}", ended.error);
    }
    // The twins: these are looked at no further than the backup, which is none.
    for to in [real, absent] {
        let ended = refused(&to);
        assert!(ended.code == 1 && ended.error.contains("file cannot be read"), "{}", ended.error);
    }
}

/// The folder that the command is run in is one that cannot be replaced.
#[test]
fn a_restore_whose_folder_cannot_be_put_in_its_place_leaves_the_database_empty() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let place = Place::new(Engine::Sqlite);
    assert_eq!(run(&mut place.dialtone(&OWNER), "backup canary password").code, 0);
    let made = fine(run(&mut place.dialtone(&["backup", "create", "-o", "json"]), "")).json();
    let target = Place::new(Engine::Postgres);
    let database = target.database_url();
    let folder = tempfile::tempdir().unwrap();
    let restore = |to: &str| {
        let file = made["path"].as_str().unwrap();
        let restore = ["backup", "restore", file, "--data-dir", to, "--database-url", &database];
        run(place.dialtone(&restore).current_dir(folder.path()), "")
    };
    let ended = restore(".");
    assert!(ended.code == 1 && ended.error.contains(". cannot be made"), "{}", ended.error);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    // The twin: the same database takes it with another folder.
    fine(restore("new"));
    assert!(folder.path().join("new").is_dir());
}

#[test]
fn a_full_disk_leaves_no_half_a_backup() {
    let place = Place::new(Engine::Sqlite);
    assert_eq!(run(&mut place.dialtone(&OWNER), "backup canary password").code, 0);
    let media = place.folder().join("media/ab");
    fs::create_dir_all(&media).unwrap();
    // Larger than everything that opening the database writes, and of bytes that do not get smaller.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    });
    let noise: Vec<u8> = noise.take(300_000).collect();
    fs::write(media.join("noise"), noise).unwrap();
    let full = place.dialtone(&[]);
    let mut limited = Command::new("sh");
    // A limit on the size of files stands for the disk: writing beyond it fails, once its signal is ignored.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" backup create"]).arg(full.get_program());
    limited.env("DIALTONE_DATA_DIR", place.folder());
    let ended = run(&mut limited, "");
    assert_eq!(ended.code, 1);
    assert!(
        ended.error.contains("File too large") && ended.error.contains("Nothing was left"),
        "{}",
        ended.error
    );
    assert_eq!(fs::read_dir(place.folder().join("backups")).unwrap().count(), 0, "nothing is left");
    // The twin: with room it is made, and another one at once.
    for count in 1..=2 {
        fine(run(&mut place.dialtone(&["backup", "create"]), ""));
        assert_eq!(fs::read_dir(place.folder().join("backups")).unwrap().count(), count);
    }
    let nowhere = place.folder().join("nope");
    let nowhere = run(&mut place.dialtone(&["backup", "list", "--data-dir", nowhere.to_str().unwrap()]), "");
    assert_eq!((nowhere.code, nowhere.out.as_str()), (1, ""), "{}", nowhere.error);
    assert!(nowhere.error.contains("no data directory"), "{}", nowhere.error);
}

#[tokio::test]
async fn t44_a_second_server_on_a_directory_is_told_which_process_has_it() {
    let (place, server, url) = served(Engine::Sqlite);
    let second = run(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]), "");
    assert_eq!(second.code, 1);
    let pid = server.id().to_string();
    assert!(second.error.contains(&format!("process {pid} serves")), "{}", second.error);
    assert_eq!(get(&format!("{url}/readyz"), None).await.0, 200, "the first one goes on");
    assert!(server.stop().success());
    let (third, _) = serve(&mut place.dialtone(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(third.stop().success());
}

#[test]
fn t44_a_directory_whose_database_is_gone_gets_no_empty_one() {
    let place = Place::new(Engine::Sqlite);
    assert_eq!(run(&mut place.dialtone(&OWNER), "backup canary password").code, 0);
    // Whatever of it a command leaves behind that has ended in order.
    for entry in fs::read_dir(place.folder()).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("dialtone.db") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    // The master key alone tells that there was one.
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &OWNER] {
        let ended = run(&mut place.dialtone(arguments), "backup canary password");
        assert_eq!(ended.code, 1, "{}", ended.error);
        assert!(ended.error.contains("master.key is there and the database"), "{}", ended.error);
        assert!(!place.folder().join("dialtone.db").exists());
    }
    fs::remove_file(place.folder().join("master.key")).unwrap();
    fine(run(&mut place.dialtone(&OWNER), "backup canary password"));
}

#[test]
fn t44_a_damaged_key_file_seals_or_refuses() {
    let place = Place::new(Engine::Sqlite);
    assert_eq!(run(&mut place.dialtone(&OWNER), "backup canary password").code, 0);
    let file = place.folder().join("master.key");
    let key = fs::read(&file).unwrap();
    let token = ["token", "create", "--email", "o@example.com", "--role", "viewer"];
    for damaged in [&key[..key.len() / 2], b"", b"not base64 at all"] {
        fs::write(&file, damaged).unwrap();
        let ended = run(&mut place.dialtone(&token), "");
        assert!(ended.out.is_empty() || ended.code == 0, "{}", ended.out);
        assert_eq!(fs::read(&file).unwrap(), damaged, "no new key is made");
    }
    fs::write(&file, key).unwrap();
    let token = fine(run(&mut place.dialtone(&token), ""));
    never_logged(token.out.trim_end());
}

#[tokio::test]
async fn a_database_is_moved_by_hand() {
    if !Engine::Postgres.is_here() {
        return;
    }
    let (place, server, _) = served(Engine::Sqlite);
    let target = Place::new(Engine::Postgres);
    let from = format!("sqlite://{}/dialtone.db", place.folder().display());
    let to = target.database_url();
    let migrate = ["migrate-database", "--from", &from, "--to", &to];
    let held = run(&mut crate::harness::dialtone(&migrate), "");
    assert!(held.code == 1 && held.error.contains("is in use"), "{}", held.error);
    assert!(server.stop().success());
    let nowhere = ["migrate-database", "--from", &from, "--to", &format!("{to}_none")];
    let nowhere = run(&mut crate::harness::dialtone(&nowhere), "");
    assert!(nowhere.code == 1 && nowhere.error.contains("no database of this name"), "{}", nowhere.error);
    let moved = fine(run(&mut crate::harness::dialtone(&migrate), ""));
    assert!(
        moved.out.contains("users") && moved.error.contains("arrived as it left"),
        "{} {}",
        moved.out,
        moved.error
    );
    fs::copy(place.folder().join("master.key"), target.folder().join("master.key")).unwrap();
    let token = ["token", "create", "--email", "o@example.com", "--role", "owner"];
    let token = fine(run(&mut target.dialtone(&token), ""));
    never_logged(token.out.trim_end());
    let again = run(&mut crate::harness::dialtone(&migrate), "");
    assert!(again.code == 1 && again.error.contains("is not empty"), "{}", again.error);
}

//! The configuration, as the program shows it.

use crate::harness::{dialtone, run};

#[test]
fn a_flag_beats_the_environment_beats_the_file_and_each_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = "listen = \"127.0.0.1:3\"\ndata_dir = \"/file\"\nvapi_url = \"https://v.example\"\nmaster_key = \"key-canary\"\n";
    std::fs::write(folder.path().join("dialtone.toml"), file).unwrap();
    let mut command = dialtone(&["config", "-o", "json", "--listen", "127.0.0.1:1"]);
    command.current_dir(folder.path()).env("DIALTONE_DATA_DIR", "/env").env("DIALTONE_LISTEN", "127.0.0.1:2");
    let ended = run(&mut command, "");
    assert!(!ended.out.contains("canary"), "{}", ended.out);
    let rows = ended.json();
    let shown = |name: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["setting"] == name).unwrap();
        (row["value"].as_str().unwrap().to_owned(), row["origin"].as_str().unwrap().to_owned())
    };
    let expected = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(shown("listen"), expected("127.0.0.1:1", "flag --listen"));
    assert_eq!(shown("data_dir"), expected("/env", "environment DIALTONE_DATA_DIR"));
    assert_eq!(shown("database_url"), expected("sqlite:///env/dialtone.db", "default"));
    assert_eq!(shown("vapi_url"), expected("https://v.example", "file dialtone.toml"));
    assert_eq!(shown("master_key"), expected("(hidden)", "file dialtone.toml"));
    assert_eq!(shown("twilio_url"), expected("https://{product}.twilio.com", "default"));
}

#[test]
fn a_name_that_is_no_setting_refuses_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("typo.toml");
    std::fs::write(&file, "lisen = \"127.0.0.1:3\"\n").unwrap();
    for command in ["serve", "config"] {
        let ended =
            run(dialtone(&[command, "--config"]).arg(&file).env("DIALTONE_DATA_DIR", folder.path()), "");
        assert_eq!(ended.code, 1);
        assert!(ended.error.contains("there is no setting `lisen`"), "{}", ended.error);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was made");
}

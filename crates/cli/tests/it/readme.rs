//! The README shows the demo's story to the letter.

use crate::harness::{dialtone, never_logged};

#[test]
fn a8_the_readme_has_every_line_that_the_demo_prints() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let anywhere = "127.0.0.1:0";
    let mut process = crate::harness::Process::start(&mut dialtone(&[
        "demo",
        "--listen",
        anywhere,
        "--sandbox-listen",
        anywhere,
    ]));
    let first = process.line();
    let addresses: Vec<_> =
        first.split("http://").skip(1).map(|part| part.split(". ").next().unwrap()).collect();
    let [server, sandbox] = [addresses[0], addresses[1].trim_end_matches('.')];
    loop {
        let line = process.line();
        if line.starts_with("Ctrl-C") {
            break;
        }
        if let Some((_, token)) = line.split_once("DIALTONE_TOKEN=dt_") {
            never_logged(token);
        }
        if ["  curl", "  #", "  export DIALTONE_URL"].iter().any(|start| line.starts_with(start)) {
            let usual = line.trim().replace(server, "127.0.0.1:8080").replace(sandbox, "127.0.0.1:8090");
            assert!(readme.contains(&usual), "the README lacks: {usual}");
        }
    }
}

//! T49: what goes into the program is what the lock files name, and nothing is fetched while it is built.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn t49_every_dependency_has_a_checksum_and_comes_from_the_registry() {
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 300);
    for package in packages {
        let name = package["name"].as_str().unwrap();
        match package.get("source").and_then(toml::Value::as_str) {
            None => assert!(name.starts_with("dialtone-"), "{name} comes from nowhere"),
            Some(source) => {
                assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{name}");
                assert_eq!(package["checksum"].as_str().map(str::len), Some(64), "{name}");
            }
        }
    }
    for folder in ["web", "crates/sandbox/contract/node"] {
        let lock: serde_json::Value =
            serde_json::from_str(&read(&format!("{folder}/package-lock.json"))).unwrap();
        for (path, package) in
            lock["packages"].as_object().unwrap().iter().filter(|(path, _)| !path.is_empty())
        {
            // Without an address a mirror will do: the hash decides.
            let from = package["resolved"].as_str().unwrap_or("https://registry.npmjs.org/");
            assert!(from.starts_with("https://registry.npmjs.org/"), "{folder}: {path} comes from {from}");
            let hash = package["integrity"].as_str().unwrap_or_default();
            assert!(hash.starts_with("sha512-"), "{folder}: {path} has no hash");
        }
    }
}

#[test]
fn t49_every_build_takes_what_the_lock_file_names() {
    let mut seen = 0;
    for file in [
        "Makefile",
        "scripts/test",
        "scripts/check",
        "scripts/bench",
        "scripts/build-offline",
        "deploy/Dockerfile",
    ] {
        for line in read(file).lines().filter(|line| !line.trim_start().starts_with(['#', 'e'])) {
            let builds = ["cargo build", "cargo run", "cargo nextest run", "cargo clippy --", "cargo fetch"];
            if builds.iter().any(|command| line.contains(command)) {
                assert!(line.contains("--locked"), "{file}: {line}");
                seen += 1;
            }
            assert!(!line.contains("npm install"), "{file}: npm ci takes what the lock file names: {line}");
        }
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn t49_the_list_of_what_is_inside_is_whole() {
    let sbom = Command::new("node").arg(root().join("scripts/sbom.mjs")).output().unwrap();
    assert!(sbom.status.success(), "{}", String::from_utf8_lossy(&sbom.stderr));
    let document: serde_json::Value = serde_json::from_slice(&sbom.stdout).unwrap();
    assert_eq!((&document["bomFormat"], &document["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let components = document["components"].as_array().unwrap();
    let has = |purl: &str| components.iter().any(|one| one["purl"].as_str().unwrap().starts_with(purl));
    for purl in ["pkg:cargo/rustls@", "pkg:cargo/rusqlite@", "pkg:cargo/libsqlite3-sys@", "pkg:npm/react@"] {
        assert!(has(purl), "{purl}");
    }
    assert!(!has("pkg:cargo/proptest@") && !has("pkg:npm/vitest@"), "what only tests need is not inside");
}

//! A real mail server (aiosmtpd) for tests; this file is also read by the tests of the providers.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use serde_json::Value;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A mail server of its own; ends when it is dropped.
pub struct MailServer {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Where it listens on this machine.
    pub port: u16,
}

impl MailServer {
    /// With these arguments of `smtp.py`; `None` where there is no aiosmtpd, which in CI is a failure.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        let has = |python: &&str| {
            let probe = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
            probe.is_ok_and(|status| status.success())
        };
        let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(has) else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no aiosmtpd, and in CI no test is skipped"
            );
            eprintln!("skipped: no aiosmtpd (scripts/install-test-tools installs it)");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/smtp.py");
        let mut process =
            Command::new(python).arg(script).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        Some(Self { process, lines, port })
    }

    /// Waits for the next mail that it takes: the envelope and the bytes.
    pub fn taken(&mut self) -> (Value, String) {
        let mail: Value = serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap();
        let raw = BASE64.decode(mail["raw"].as_str().unwrap()).unwrap();
        (mail, String::from_utf8(raw).expect("only ASCII goes over the wire"))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! Starts the program, reads what it prints, and leaves no process behind.

use postgres::{Client as Postgres, NoTls};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long anything may take to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

static LAST: AtomicU32 = AtomicU32::new(0);

/// A name that no other test of this run has.
pub(crate) fn unique(kind: &str) -> String {
    format!("{kind}_{}_{}", std::process::id(), LAST.fetch_add(1, Ordering::Relaxed))
}

/// Where log lines are kept for the search at the end of `make test`.
pub(crate) fn logs() -> PathBuf {
    let folder = std::env::var_os("DIALTONE_TEST_LOG_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the folder for logs can be made");
    folder
}

/// Has the search at the end of `make test` look for this secret in every log line.
pub(crate) fn never_logged(secret: &str) {
    let path = logs().join(format!("cli_{}.secrets", std::process::id()));
    let mut file = File::options().create(true).append(true).open(path).expect("the file can be written");
    writeln!(file, "{secret}").expect("the file can be written");
}

/// The program, in an environment of its own, with its log in a file that is searched.
pub(crate) fn dialtone(arguments: &[&str]) -> Command {
    let log = File::create(logs().join(format!("{}.log", unique("cli")))).expect("the log can be made");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialtone"));
    command.args(arguments).env_clear().current_dir(std::env::temp_dir());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("DIALTONE_LOG", "trace");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command
}

/// What a command that ended has left.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Ended {
    /// The JSON that it printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {} {}", self.out, self.error))
    }
}

/// Runs a command to its end, giving it `input` to read.
pub(crate) fn run(command: &mut Command, input: &str) -> Ended {
    command.env_remove("DIALTONE_LOG").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A command that does not read its input closes it early.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    Ended {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("it prints UTF-8"),
        error: String::from_utf8(output.stderr).expect("it prints UTF-8"),
    }
}

/// A process that keeps running. Dropping it kills it and waits, so that no zombie is left.
pub(crate) struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, out }
    }

    /// The next line that it prints; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("it prints UTF-8");
        line.trim_end().to_owned()
    }

    /// SIGKILL: it has no chance to do anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM: it finishes what it does.
    pub(crate) fn stop(self) -> ExitStatus {
        self.tell("TERM");
        self.wait()
    }

    /// Sends it a signal.
    pub(crate) fn tell(&self, signal: &str) {
        let told = Command::new("kill").args(["-s", signal, &self.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
    }

    /// Until it ends.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The demo as a process, with what its first line says.
pub(crate) struct Demo {
    _process: Process,
    pub(crate) url: String,
    pub(crate) sign_in_url: String,
    pub(crate) api_token: String,
    pub(crate) sandbox_url: String,
}

impl Demo {
    pub(crate) fn start() -> Self {
        let anywhere = "127.0.0.1:0";
        let arguments = ["demo", "-o", "json", "--listen", anywhere, "--sandbox-listen", anywhere];
        let mut process = Process::start(&mut dialtone(&arguments));
        let first = process.line();
        let found: Value =
            serde_json::from_str(&first).unwrap_or_else(|_| panic!("the first line is {first:?}"));
        let text = |name: &str| found[name].as_str().expect("the first line has it").to_owned();
        let (url, sign_in_url, api_token) = (text("url"), text("sign_in_url"), text("api_token"));
        never_logged(&api_token);
        never_logged(sign_in_url.rsplit('/').next().expect("it has a code"));
        Self { _process: process, url, sign_in_url, api_token, sandbox_url: text("sandbox_url") }
    }

    /// A command of the program that talks to this demo as its owner.
    pub(crate) fn dialtone(&self, arguments: &[&str]) -> Command {
        let mut command = dialtone(arguments);
        command.env("DIALTONE_URL", &self.url).env("DIALTONE_TOKEN", &self.api_token);
        command
    }

    /// Sends JSON to the sandbox's control API.
    pub(crate) async fn sandbox(&self, path: &str, body: &Value) -> Value {
        post(&format!("{}{path}", self.sandbox_url), None, body).await.1
    }
}

/// An HTTP client as any program has one.
pub(crate) fn http() -> reqwest::Client {
    // Another test of this process may have chosen it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.timeout(PATIENCE).build().expect("a client can be made")
}

/// Reads JSON: the status, and null where the body is something else.
pub(crate) async fn get(url: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = http().get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    answer(request).await
}

/// Sends JSON.
pub(crate) async fn post(url: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    send(reqwest::Method::POST, url, token, body).await
}

/// Sends JSON with another method.
pub(crate) async fn send(
    method: reqwest::Method,
    url: &str,
    token: Option<&str>,
    body: &Value,
) -> (u16, Value) {
    let mut request = http().request(method, url).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    answer(request).await
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("the server answers");
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

/// Waits until `look` finds something; says what it waited for if it never does.
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    found.await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// One of the two database engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// The superuser's address of the PostgreSQL for tests. Without one a test says that it is skipped, save in
/// continuous integration, where it fails.
fn postgres() -> Option<String> {
    let found = std::env::var("DIALTONE_TEST_POSTGRES").ok();
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "DIALTONE_TEST_POSTGRES is not set");
    found
}

impl Engine {
    /// Whether the engine is there.
    pub(crate) fn is_here(self) -> bool {
        let here = self == Engine::Sqlite || postgres().is_some();
        if !here {
            eprintln!("skipped: no PostgreSQL (DIALTONE_TEST_POSTGRES is not set)");
        }
        here
    }
}

/// A data directory with its database, removed when dropped.
pub(crate) struct Place {
    engine: Engine,
    folder: tempfile::TempDir,
    database: String,
}

impl Place {
    /// An empty one.
    pub(crate) fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let place = Self { engine, folder, database: unique("dialtone_cli") };
        place.sql(&format!("CREATE DATABASE {}", place.database));
        place
    }

    /// A copy of a place that no server uses at the moment.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for file in std::fs::read_dir(self.folder.path()).expect("the folder is there") {
            let file = file.expect("the folder can be read");
            std::fs::copy(file.path(), folder.path().join(file.file_name())).expect("the file can be copied");
        }
        let place = Self { engine: self.engine, folder, database: unique("dialtone_cli") };
        place.sql(&format!("CREATE DATABASE {} TEMPLATE {}", place.database, self.database));
        place
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command of the program on this data directory.
    pub(crate) fn dialtone(&self, arguments: &[&str]) -> Command {
        let mut command = dialtone(arguments);
        command.env("DIALTONE_DATA_DIR", self.folder());
        if self.engine == Engine::Postgres {
            command.env("DIALTONE_DATABASE_URL", self.database_url());
        }
        command
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// The address of its database, where it is on PostgreSQL.
    pub(crate) fn database_url(&self) -> String {
        let server = postgres().expect("asked for before");
        let (server, _) = server.rsplit_once('/').expect("an address ends with a database");
        format!("{server}/{}", self.database)
    }

    /// Runs a statement on PostgreSQL's own database, where this place is on PostgreSQL.
    fn sql(&self, statement: &str) {
        if self.engine == Engine::Sqlite {
            return;
        }
        let (server, statement) = (postgres().expect("asked for before"), statement.to_owned());
        // The client blocks, and must not do so on a runtime's thread.
        let run = move || Postgres::connect(&server, NoTls)?.batch_execute(&statement);
        std::thread::spawn(run).join().expect("it does not panic").expect("PostgreSQL does it");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sql(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database));
    }
}

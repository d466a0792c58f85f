//! What the sandbox needs and does with 10,000 numbers and 1,000,000 messages in it: its memory, and simple
//! requests per second. The program and its clients share the machine's cores.

#![expect(clippy::print_stdout, reason = "prints what it measured")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const SCENARIO: &str = include_str!("../../../crates/sandbox/scenarios/load.json");
const CLIENTS: u64 = 8;
const TIME: Duration = Duration::from_secs(5);
const REQUIRED_PER_SECOND: f64 = 5_000.0;
const ALLOWED_KIB: u64 = 1_000_000_000 / 1024;

/// The program under test; it ends with this.
struct Sandbox {
    child: Child,
    host: String,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sandbox {
    fn start(program: &str) -> Result<Sandbox> {
        let mut command = Command::new(program);
        command.args(["sandbox", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let host = line.split("http://").nth(1).and_then(|rest| rest.split(": ").next());
        let host = host.ok_or("the sandbox did not say where it listens")?.to_owned();
        Ok(Sandbox { child, host })
    }

    /// The most memory it ever used, in KiB.
    fn peak(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// One connection that stays open.
struct Client {
    stream: BufReader<TcpStream>,
    host: String,
    authorization: String,
}

impl Client {
    fn new(host: &str, authorization: &str) -> Result<Client> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        let (host, authorization) = (host.to_owned(), authorization.to_owned());
        Ok(Client { stream: BufReader::new(stream), host, authorization })
    }

    /// Status and body of the answer.
    fn ask(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Result<(u16, Vec<u8>)> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: {}\r\ncontent-type: {kind}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.host,
            self.authorization,
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes())?;
        let (mut line, mut status, mut length) = (String::new(), 0, 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let text = line.trim_end().to_lowercase();
            match text.split_once(' ') {
                None if text.is_empty() => break,
                Some((start, rest)) if start.starts_with("http/") => status = rest[..3].parse()?,
                Some(("content-length:", count)) => length = count.parse()?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }

    fn json(&mut self, method: &str, path: &str, body: &str) -> Result<Value> {
        let (status, body) = self.ask(method, path, "application/json", body)?;
        let text = String::from_utf8_lossy(&body);
        if status >= 300 {
            Err(format!("{path}: {status} {text}").into())
        } else {
            Ok(serde_json::from_slice(&body)?)
        }
    }
}

/// A request by the number of its turn: method, path, form.
type Make<'m> = &'m (dyn Fn(u64) -> (&'static str, String, String) + Sync);

/// How many of these requests are answered per second.
fn rate(sandbox: &Sandbox, authorization: &str, make: Make<'_>) -> Result<f64> {
    let (turns, started) = (AtomicU64::new(0), Instant::now());
    let client = || -> Result<u64> {
        let mut client = Client::new(&sandbox.host, authorization)?;
        let mut done = 0;
        while started.elapsed() < TIME {
            let (method, path, form) = make(turns.fetch_add(1, Relaxed));
            let (status, body) = client.ask(method, &path, "application/x-www-form-urlencoded", &form)?;
            if status >= 300 {
                return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into());
            }
            done += 1;
        }
        Ok(done)
    };
    let done = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|it| it.join().map_err(|_| "a client panicked")?).sum::<Result<u64>>()
    })?;
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

fn main() -> Result<()> {
    let program = std::env::args().nth(1).ok_or("say which program to measure")?;
    let sandbox = Sandbox::start(&program)?;
    let mut control = Client::new(&sandbox.host, "")?;
    let mut scenario: Value = serde_json::from_str(SCENARIO)?;
    scenario["events"] = json!([]);
    scenario["numbers"][0]["account"] = Value::Null;
    let begun = Instant::now();
    control.json("POST", "/sandbox/scenario", &json!({"scenario": scenario}).to_string())?;
    let (filled, peak) = (begun.elapsed().as_secs_f64(), sandbox.peak()?);
    println!(
        "10,000 numbers and 1,000,000 messages made in {filled:.1} s; peak memory {} MB",
        peak * 1024 / 1_000_000
    );

    // A key of the first account, which has them all; the state itself would be a long answer.
    let key = control.json("POST", "/sandbox/keys", "{\"type\": \"main\"}")?;
    let authorization =
        format!("Basic {}", base64(&format!("{}:{}", text(&key["sid"]), text(&key["secret"]))));
    let mut client = Client::new(&sandbox.host, &authorization)?;
    let accounts = client.json("GET", "/twilio/api/2010-04-01/Accounts.json", "")?;
    let sid = accounts["accounts"].as_array().and_then(|all| all.last()).map(|it| text(&it["sid"]));
    let sid = sid.ok_or("there is no account")?;
    control.json("POST", &format!("/sandbox/accounts/{sid}"), "{\"balance\": 1000000}")?;
    let base = format!("/twilio/api/2010-04-01/Accounts/{sid}");
    let page = client.json("GET", &format!("{base}/IncomingPhoneNumbers.json?PageSize=1000"), "")?;
    let sids: Vec<String> =
        page["incoming_phone_numbers"].as_array().into_iter().flatten().map(|it| text(&it["sid"])).collect();
    let number = |turn: u64| &sids[turn as usize % sids.len()];
    let ways: [(&str, Make<'_>); 3] = [
        ("fetch a number", &|turn| {
            ("GET", format!("{base}/IncomingPhoneNumbers/{}.json", number(turn)), String::new())
        }),
        ("a page of five messages", &|_| ("GET", format!("{base}/Messages.json?PageSize=5"), String::new())),
        ("post a message", &|turn| {
            let form =
                format!("From=%2B1212500{:04}&To=%2B1310500{:04}&Body=Hello", turn % 10_000, turn % 9_999);
            ("POST", format!("{base}/Messages.json"), form)
        }),
    ];
    let mut good = peak <= ALLOWED_KIB;
    for (name, make) in ways {
        let reached = rate(&sandbox, &authorization, make)?;
        println!("{name:<28} {reached:>8.0} requests/s");
        good &= reached >= REQUIRED_PER_SECOND;
    }
    let peak = sandbox.peak()?;
    println!("peak memory after all of it {} MB", peak * 1024 / 1_000_000);
    if good && peak <= ALLOWED_KIB { Ok(()) } else { Err("a requirement is missed".into()) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Standard base64 of short texts, for the one header that needs it.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

//! What good clients notice of bad ones (T41): the 99th percentile of good requests alone and under each attack, the
//! server's memory, and the file handles that are left afterwards.
//!
//! `abuse <program> [seconds per attack] [connections]`. Attackers are on this machine too and come from addresses of
//! 127.0.0.0/8; they are a process of their own that yields to the others, as their work would be done elsewhere.

#![expect(clippy::print_stdout, reason = "prints what it measured")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How much slower the slowest hundredth of good requests may become, and how much memory an attack may cost.
const RATIO_MAX: f64 = 2.0;
const GROWTH_MAX: u64 = 64 << 20;
/// Below this, good requests are quick whatever the ratio says: the scheduler's own slices are as long.
const QUICK: Duration = Duration::from_millis(5);
const ALONE: Duration = Duration::from_secs(5);
const GOOD_CLIENTS: usize = 4;
const GOOD_PAUSE: Duration = Duration::from_millis(4);
/// Attacks that cost the server something each time are as many a second as one rude program sends.
const RUDE_PAUSE: Duration = Duration::from_millis(20);
const RUDE_CLIENTS: u32 = 8;

#[derive(Clone)]
struct Server {
    addr: SocketAddr,
    pid: u32,
    token: Arc<str>,
}

impl Server {
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default() << 10
    }

    fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid)).map(Iterator::count).unwrap_or_default()
    }
}

/// A connection from one of many addresses.
async fn connect(server: &Server, from: u32) -> Result<TcpStream, Fault> {
    let socket = TcpSocket::new_v4()?;
    let [_, a, b, c] = (0x0001_0000 + from % 4_000).to_be_bytes();
    socket.bind(SocketAddr::new(Ipv4Addr::new(127, a, b, c).into(), 0))?;
    Ok(socket.connect(server.addr).await?)
}

/// Sends a request and reads its answer to the end; the answer's length is in its head.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<u16, Fault> {
    stream.write_all(request).await?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).await?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap_or("0").parse()? {
                return Ok(head.split(' ').nth(1).unwrap_or_default().parse()?);
            }
        }
        if read == 0 {
            return Err("the connection ended".into());
        }
    }
}

/// Good clients for that long: how long each request took. Every one has to be answered.
async fn good(server: &Server, time: Duration) -> Result<Vec<Duration>, Fault> {
    let mut clients = JoinSet::new();
    for _ in 0..GOOD_CLIENTS {
        let server = server.clone();
        clients.spawn(async move {
            let token = &server.token;
            let request =
                format!("GET /api/v1/lines HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
            let (mut taken, begun) = (Vec::new(), Instant::now());
            let mut stream = TcpStream::connect(server.addr).await?;
            while begun.elapsed() < time {
                let asked = Instant::now();
                // Now and then on a new connection, which an attack may not keep out.
                if taken.len() % 10 == 9 {
                    stream = TcpStream::connect(server.addr).await?;
                }
                match exchange(&mut stream, request.as_bytes()).await? {
                    200 => taken.push(asked.elapsed()),
                    status => return Err(Fault::from(format!("a good request was answered with {status}"))),
                }
                tokio::time::sleep(GOOD_PAUSE).await;
            }
            Ok(taken)
        });
    }
    let mut all = Vec::new();
    while let Some(taken) = clients.join_next().await {
        all.extend(taken??);
    }
    all.sort();
    Ok(all)
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attack {
    Silent,
    SlowHeads,
    SlowBodies,
    HugeForms,
    DeepJson,
    Bombs,
    LongHeads,
    Resets,
}

impl Attack {
    const ALL: [Attack; 8] = [
        Attack::Silent,
        Attack::SlowHeads,
        Attack::SlowBodies,
        Attack::HugeForms,
        Attack::DeepJson,
        Attack::Bombs,
        Attack::LongHeads,
        Attack::Resets,
    ];

    /// What is dripped, a byte at a time, after that beginning; nothing for the attacks that do not wait.
    fn drip(self) -> Option<(&'static str, &'static str)> {
        match self {
            Attack::Silent => Some(("", "")),
            Attack::SlowHeads => Some(("GET / HTTP/1.1\r\nhost: x\r\nx-slow: ", "a")),
            Attack::SlowBodies => Some((
                "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{",
                " ",
            )),
            _ => None,
        }
    }

    /// What is sent at once.
    fn blow(self) -> Vec<u8> {
        let post = |kind: &str, body: &[u8]| {
            let head = format!(
                "POST /api/v1/session HTTP/1.1\r\nhost: x\r\n{kind}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            [head.as_bytes(), body].concat()
        };
        match self {
            Attack::HugeForms => {
                let form: String = (0..100_000).map(|n| format!("a{n}=1&")).collect();
                post("content-type: application/x-www-form-urlencoded", form.as_bytes())
            }
            Attack::DeepJson => post("content-type: application/json", "[".repeat(60_000).as_bytes()),
            Attack::Bombs => post("content-type: application/json\r\ncontent-encoding: gzip", &[0; 60_000]),
            Attack::LongHeads => {
                format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(1 << 20)).into_bytes()
            }
            _ => resets(),
        }
    }
}

/// A thousand HTTP/2 requests, each taken back at once.
fn resets() -> Vec<u8> {
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for id in (1..2_000_u32).step_by(2) {
        flood.extend([0, 0, 3, 1, 5]);
        flood.extend(id.to_be_bytes());
        flood.extend([0x82, 0x86, 0x84, 0, 0, 4, 3, 0]);
        flood.extend(id.to_be_bytes());
        flood.extend(8_u32.to_be_bytes());
    }
    flood
}

/// Holds a connection for as long as it can, and comes back when it is cut.
async fn hold(
    server: Server,
    from: u32,
    (beginning, byte): (&'static str, &'static str),
    held: Arc<AtomicU32>,
) {
    loop {
        if let Ok(mut stream) = connect(&server, from).await {
            held.fetch_add(1, Ordering::Relaxed);
            let mut kept = stream.write_all(beginning.as_bytes()).await.is_ok();
            let mut buffer = [0; 512];
            while kept {
                kept = tokio::select! {
                    read = stream.read(&mut buffer) => read.is_ok_and(|read| read > 0),
                    () = tokio::time::sleep(Duration::from_secs(1)) => stream.write_all(byte.as_bytes()).await.is_ok(),
                };
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Sends the same again and again.
async fn strike(server: Server, from: u32, blow: Arc<[u8]>, struck: Arc<AtomicU32>) {
    loop {
        if let Ok(mut stream) = connect(&server, from).await {
            struck.fetch_add(1, Ordering::Relaxed);
            let mut answer = [0; 512];
            // However it ends, it is over.
            let _ = stream.write_all(&blow).await;
            let _ = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
        }
        tokio::time::sleep(RUDE_PAUSE).await;
    }
}

/// Measures one attack; whether everything stayed within its limits.
async fn measure(server: &Server, attack: Attack, time: Duration, connections: u32) -> Result<bool, Fault> {
    let alone = p99(&good(server, ALONE).await?);
    let (memory, files) = (server.memory(), server.files());
    let attackers = Command::new("nice")
        .args(["-n", "19"])
        .arg(std::env::current_exe()?)
        .args(["attack", &format!("{attack:?}"), &server.addr.to_string(), &connections.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut attackers = Process(attackers);
    // The attack first gets all the places that it can.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let under = p99(&good(server, time).await?);
    let growth = server.memory().saturating_sub(memory);
    attackers.0.kill()?;
    let mut told = String::new();
    attackers.0.stdout.take().ok_or("no output")?.read_to_string(&mut told)?;
    drop(attackers);
    let ended = Instant::now();
    while server.files() > files + 4 && ended.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ratio = under.as_secs_f64() / alone.as_secs_f64();
    let fine = (ratio <= RATIO_MAX || under <= QUICK) && growth <= GROWTH_MAX && server.files() <= files + 4;
    println!(
        "| {attack:?} | {} | {:.1} | {:.1} | {ratio:.2} | {:+.1} | {files} → {} | {} |",
        told.lines().last().unwrap_or("0"),
        alone.as_secs_f64() * 1e3,
        under.as_secs_f64() * 1e3,
        (server.memory() as f64 - memory as f64) / f64::from(1 << 20),
        server.files(),
        if fine { "fine" } else { "TOO MUCH" },
    );
    Ok(fine)
}

/// Attacks until it is killed, and says every now and then how many connections it has begun.
async fn attack(mut arguments: impl Iterator<Item = String>) -> Result<(), Fault> {
    let mut next = || arguments.next().ok_or("too few arguments");
    let (name, addr, connections) = (next()?, next()?.parse()?, next()?.parse()?);
    let attack =
        Attack::ALL.into_iter().find(|attack| format!("{attack:?}") == name).ok_or("no such attack")?;
    let server = Server { addr, pid: 0, token: "".into() };
    let (mut attackers, count) = (JoinSet::new(), Arc::new(AtomicU32::new(0)));
    match attack.drip() {
        Some(drip) => (0..connections).for_each(|from| {
            attackers.spawn(hold(server.clone(), from, drip, Arc::clone(&count)));
        }),
        None => {
            let blow: Arc<[u8]> = attack.blow().into();
            (0..RUDE_CLIENTS).for_each(|from| {
                attackers.spawn(strike(server.clone(), from, Arc::clone(&blow), Arc::clone(&count)));
            });
        }
    }
    loop {
        println!("{}", count.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A process that does not outlive the measurement, however it ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program with an owner, ready.
fn start(program: &str, folder: &std::path::Path) -> Result<(Process, Server), Fault> {
    let command = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("DIALTONE_DATA_DIR", folder).env("DIALTONE_LOG", "error");
        // The good clients are one member, and ask as fast as they can.
        command.env("DIALTONE_REQUESTS_PER_MINUTE", "10000000");
        command.stderr(Stdio::null());
        command
    };
    let user = ["user", "create", "--email", "o@example.com", "--name", "O", "--org", "O", "--role", "owner"];
    let mut made = command(&user).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    made.stdin.take().ok_or("no input")?.write_all(b"a password for the measurement")?;
    made.wait()?;
    let token = command(&["token", "create", "--email", "o@example.com", "--role", "owner"]).output()?;
    let token = String::from_utf8(token.stdout)?.trim().into();
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let listen = format!("127.0.0.1:{port}");
    let mut process = Process(command(&["serve", "--listen", &listen]).stdout(Stdio::piped()).spawn()?);
    let mut said = [0; 16];
    process.0.stdout.as_mut().ok_or("no output")?.read_exact(&mut said)?;
    let server = Server { addr: listen.parse()?, pid: process.0.id(), token };
    Ok((process, server))
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().ok_or("give the program's path")?;
    if program == "attack" {
        return attack(arguments).await;
    }
    let time = Duration::from_secs(arguments.next().map_or(Ok(10), |text| text.parse())?);
    let connections = arguments.next().map_or(Ok(2_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let (_process, server) = start(&program, folder.path())?;
    println!(
        "{connections} connections where they are held; {} s each; times in ms, memory in MiB",
        time.as_secs()
    );
    println!("| attack | begun | p99 alone | p99 under it | ratio | memory | handles before → after | |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |");
    let mut fine = true;
    for attack in Attack::ALL {
        fine &= measure(&server, attack, time, connections).await?;
    }
    println!(
        "required: a ratio of {RATIO_MAX} at most (or {} ms), 64 MiB, no handle left",
        QUICK.as_millis()
    );
    if fine { Ok(()) } else { Err("an attack was felt".into()) }
}

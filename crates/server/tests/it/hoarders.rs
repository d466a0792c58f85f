//! Clients that take more than they need (T41): each is cut off, and whoever behaves is answered meanwhile.

use dialtone_domain::Role;
use dialtone_server::{ConnectionLimits, Options, Server};
use dialtone_testkit::{Client, Engine, TestServer};
use reqwest::Method;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const SOON: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(20);

fn limits() -> ConnectionLimits {
    ConnectionLimits { head: SOON, body: SOON, ..ConnectionLimits::default() }
}

/// A second server of the same application, with narrow limits.
async fn narrow(world: &TestServer, connections: ConnectionLimits) -> (Server, Client) {
    let options = Options { connections, ..Options::default() };
    let server = Server::start(world.app.clone(), "127.0.0.1:0".parse().unwrap(), options).await.unwrap();
    let client = Client::new(&format!("http://{}", server.addr()));
    (server, client)
}

async fn world() -> TestServer {
    TestServer::start(Engine::Sqlite).await.unwrap()
}

/// A connection from one of the many addresses of this machine.
async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

/// What comes until the server ends the connection, which it has to do.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes));
    // A reset is an end as well.
    let _ = read.await.expect("the server ends the connection");
    bytes
}

/// The status of the next answer on the connection.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("an answer");
        head.push(byte.expect("an answer"));
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

const GET: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t41_heads_that_do_not_come_are_cut_and_a_quiet_browser_is_not() {
    let world = world().await;
    let (server, client) = narrow(&world, limits()).await;
    let mut browser = connect("127.0.0.1", server.addr()).await;
    browser.write_all(GET).await.unwrap();
    assert_eq!(status(&mut browser).await, 200);
    for beginning in ["", "PRI * HTT", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let mut slow = connect("127.0.0.1", server.addr()).await;
        slow.write_all(beginning.as_bytes()).await.unwrap();
        rest(&mut slow).await;
    }
    // A byte now and then wins no time.
    let mut dripping = connect("127.0.0.1", server.addr()).await;
    while dripping.write_all(b"G").await.is_ok() {
        tokio::time::sleep(SOON / 10).await;
    }
    browser.write_all(GET).await.unwrap();
    assert_eq!(status(&mut browser).await, 200, "it was only quiet");
    let metrics = client.get("/metrics").await.text;
    assert!(metrics.contains("dialtone_connections_cut_total{why=\"slow\"} 4"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t41_bodies_that_do_not_come_are_answered_and_those_in_two_parts_are_read() {
    let world = world().await;
    let (server, _) = narrow(&world, limits()).await;
    let body = r#"{"email":"owner@example.com","password":"wrong wrong wrong"}"#;
    let head = format!(
        "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (half, other) = body.split_at(20);
    let mut slow = connect("127.0.0.1", server.addr()).await;
    slow.write_all(format!("{head}{half}").as_bytes()).await.unwrap();
    assert_eq!(status(&mut slow).await, 408);
    rest(&mut slow).await;
    let mut good = connect("127.0.0.1", server.addr()).await;
    good.write_all(format!("{head}{half}").as_bytes()).await.unwrap();
    tokio::task::yield_now().await;
    good.write_all(other.as_bytes()).await.unwrap();
    assert_eq!(status(&mut good).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t41_hoarders_give_way_and_leave_nothing_behind() {
    let world = world().await;
    let wide = Duration::from_secs(600);
    let narrowly = ConnectionLimits { total: 20, per_network: 8, head: wide, body: wide, idle: wide };
    let (server, client) = narrow(&world, narrowly).await;
    // Each time on a new connection, which the hoarders may not keep out.
    let client = client.with("connection", "close");
    let open = async || {
        let metrics = client.get("/metrics").await.text;
        let line = metrics.lines().find_map(|line| line.strip_prefix("dialtone_connections ")).unwrap();
        line.parse::<usize>().unwrap()
    };
    let mut browser = connect("127.0.0.1", server.addr()).await;
    browser.write_all(GET).await.unwrap();
    assert_eq!(status(&mut browser).await, 200);
    // One address gets its share; more of them get the rest, and no more.
    let mut hoard = Vec::new();
    for n in 0..60 {
        hoard.push(connect(&format!("127.0.0.{}", 10 + n / 20), server.addr()).await);
        client.get("/healthz").await.expect(200);
    }
    assert!(open().await <= 20);
    browser.write_all(GET).await.unwrap();
    assert_eq!(status(&mut browser).await, 200, "it holds less than the hoarders");
    // A body that never comes keeps no place either.
    for n in 0..40 {
        let mut stream = connect(&format!("127.0.0.{}", 20 + n / 4), server.addr()).await;
        let head = "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        client.get("/healthz").await.expect(200);
        hoard.push(stream);
    }
    assert!(open().await <= 20);
    drop(hoard);
    let gone = async { while open().await > 2 {} };
    tokio::time::timeout(PATIENCE, gone).await.expect("every place is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t41_what_is_too_much_of_anything_is_refused() {
    let world = world().await;
    let owner = &world.owner;
    let many: String = (0..100_000).map(|n| format!("a{n}=1&")).collect();
    let form = owner.request(Method::POST, "/api/v1/tokens").header("content-type", "application/json");
    owner.send(form.body(many.clone())).await.problem(413, "too_large");
    let endless = owner.request(Method::POST, "/api/v1/tokens").header("content-type", "application/json");
    let answer = owner.send(endless.body("x".repeat(300_000))).await.problem(413, "too_large");
    assert_eq!(
        answer.header("connection"),
        "",
        "what is a little too long is read, so that the answer arrives"
    );
    owner.get(&format!("/api/v1/lines?{}", &many[..3_000])).await.problem(413, "too_large");
    let deep = owner.request(Method::POST, "/api/v1/tokens").header("content-type", "application/json");
    owner.send(deep.body("{\"a\":".repeat(12_000))).await.problem(400, "invalid_request");
    let unknown = (0..9_000).map(|n| (n.to_string(), 1.into())).collect::<serde_json::Map<_, _>>();
    let answer = owner.post("/api/v1/tokens", unknown.into()).await.problem(413, "too_large");
    assert!(answer.text.len() < 4_096);
    let unknown = (0..4_000).map(|n| (n.to_string(), 1.into())).collect::<serde_json::Map<_, _>>();
    let answer = owner.post("/api/v1/tokens", unknown.into()).await.problem(400, "invalid_request");
    assert!(answer.text.len() < 16_384, "{} bytes", answer.text.len());
    for (name, value) in [("x-long", "x".repeat(40_000)), ("content-encoding", "gzip".into())] {
        let answer =
            owner.with(name, &value).post("/api/v1/tokens", json!({ "name": "x", "role": "viewer" })).await;
        assert_eq!(answer.status, if name == "x-long" { 431 } else { 415 }, "{name}");
    }
    let plain = owner.with("content-encoding", "identity");
    plain.post("/api/v1/tokens", json!({ "name": "x", "role": "viewer" })).await.expect(201);
    let mut stream = TcpStream::connect(world.url().trim_start_matches("http://")).await.unwrap();
    let headers: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await.unwrap();
    assert_eq!(status(&mut stream).await, 431);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t41_requests_that_are_taken_back_at_once_end_the_connection() {
    let world = world().await;
    let mut stream = TcpStream::connect(world.url().trim_start_matches("http://")).await.unwrap();
    let frame = |kind: u8, flags: u8, id: u32, payload: &[u8]| {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(id.to_be_bytes());
        frame.extend(payload);
        frame
    };
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    flood.extend(frame(4, 0, 0, &[]));
    for n in 0..2_000 {
        let id = 2 * n + 1;
        // GET http /, from HPACK's static table, then RST_STREAM with CANCEL.
        flood.extend(frame(1, 5, id, &[0x82, 0x86, 0x84]));
        flood.extend(frame(3, 0, id, &8u32.to_be_bytes()));
    }
    // The connection may end before all of it is taken.
    let _ = stream.write_all(&flood).await;
    rest(&mut stream).await;
    world.owner.get("/api/v1/lines").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t41_an_organisation_has_its_share_of_streams_and_leaves_others_theirs() {
    let world = world().await;
    let mut streams = Vec::new();
    for n in 0..10 {
        let token = world.add_user(&format!("m{n}@example.com"), "Acme", Role::Viewer).await;
        let member = world.nobody().token(&token);
        for _ in 0..20 {
            let stream = member.request(Method::GET, "/api/v1/events").send().await.unwrap();
            assert_eq!(stream.status(), 200);
            streams.push(stream);
        }
    }
    world.owner.get("/api/v1/events").await.problem(503, "busy");
    let stranger = world.stranger().await;
    let theirs = stranger.request(Method::GET, "/api/v1/events").send().await.unwrap();
    assert_eq!(theirs.status(), 200);
    streams.truncate(199);
    let mine = async {
        while world.owner.request(Method::GET, "/api/v1/events").send().await.unwrap().status() != 200 {}
    };
    tokio::time::timeout(PATIENCE, mine).await.expect("a stream that ended leaves its place");
}

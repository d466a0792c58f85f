//! HTTP at its edges: the headers of every answer (T17), requests that two readers could read in two ways and hosts
//! that a client makes up (T42).

use dialtone_server::{Options, Server};
use dialtone_testkit::{Client, TestServer, on_each_engine};
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const EVERYWHERE: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Every path of the router's table with something in its parameters, pages, files and what does not exist.
fn paths() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(dialtone_server::openapi()).unwrap();
    let mut paths = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut path = path.clone();
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, "nonsense");
        }
        for method in item.as_object().unwrap().keys() {
            paths.push((Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), path.clone()));
        }
        paths.push((Method::HEAD, path.clone()));
        paths.push((Method::OPTIONS, path.clone()));
        paths.push((Method::TRACE, path));
    }
    let others = [
        "/",
        "/lines/any",
        "/sign-in",
        "/api",
        "/api/docs",
        "/api/v1/nothing",
        "/assets/none.js",
        "/favicon.svg",
        "/index.html",
        "/docs.html",
        "/robots.txt",
        "/..%2fCargo.toml",
    ];
    paths.extend(others.map(|path| (Method::GET, path.to_owned())));
    paths
}

/// Checks the headers of every answer, as that caller.
async fn check_headers(client: &Client, https: bool) {
    for (method, path) in paths() {
        let mut request = client.request(method.clone(), &path);
        if !matches!(method, Method::GET | Method::HEAD) {
            request = request.json(&json!({ "nobody knows": 1 }));
        }
        let response = request.send().await.unwrap();
        let name = format!("{method} {path}");
        let header =
            |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        for (wanted, value) in EVERYWHERE {
            assert_eq!(header(wanted), value, "{wanted} of {name}");
        }
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.split("; ").any(|directive| directive == part), "{part} of {name}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
        let hsts = if https { "max-age=31536000; includeSubDomains" } else { "" };
        assert_eq!(header("strict-transport-security"), hsts, "{name}");
        let cache = header("cache-control");
        let ours = path.starts_with("/api/v1")
            || path.starts_with("/api/phone-numbers")
            || path.starts_with("/sign-in/");
        assert!(if ours { cache == "no-store" } else { !cache.is_empty() }, "{name}: {cache}");
        assert_eq!((header("server"), header("x-powered-by")), (String::new(), String::new()), "{name}");
        assert_eq!(header("access-control-allow-origin"), "", "{name}");
    }
}

on_each_engine! {
    async fn t17_every_answer_carries_the_headers(world: TestServer) {
        check_headers(&world.nobody(), false).await;
        check_headers(&world.owner, false).await;
        // The same behind https.
        let public_url = Some("https://dialtone.example".parse().unwrap());
        let options = Options { public_url, ..Options::default() };
        let server = Server::start(world.app.clone(), "127.0.0.1:0".parse().unwrap(), options).await.unwrap();
        check_headers(&Client::new(&format!("http://{}", server.addr())), true).await;
    }

    async fn t42_no_link_and_no_answer_comes_from_a_host_that_the_client_made_up(world: TestServer) {
        let evil = world.owner
            .with("host", "evil.example").with("x-forwarded-host", "evil.example")
            .with("x-forwarded-proto", "https").with("x-original-host", "evil.example")
            .with("forwarded", "host=evil.example;proto=https").with("x-forwarded-server", "evil.example");
        for (method, path) in paths().into_iter().filter(|(_, path)| path != "/api/v1/events") {
            let answer = evil.json(method.clone(), &path, &json!({ "email": "new@example.com", "role": "viewer", "name": "x" })).await;
            let told = format!("{:?}{}", answer.headers, answer.text);
            assert!(!told.contains("evil.example"), "{method} {path}: {told}");
        }
        let guest = json!({ "email": "guest@example.com", "role": "viewer" });
        let invited = evil.post("/api/v1/invitations", guest).await.expect(201);
        let link = invited.body["link"].as_str().unwrap();
        assert!(link.starts_with(&format!("{}/invitation/", world.url())), "{link}");
        assert!(!invited.text.contains("evil.example"), "{}", invited.text);
    }
}

/// Sends the bytes as they are, and a last request behind them; gives everything that is answered until the server
/// closes, which it does after the last request, or at once when it refuses.
async fn raw(world: &TestServer, bytes: &[u8]) -> String {
    let address = world.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let last = "GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: last\r\nconnection: close\r\n\r\n";
    let sent = [bytes, last.as_bytes()].concat();
    // A server that has seen enough may close before it has read all.
    let _ = stream.write_all(&sent).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    // A reset after the answer is a close, too.
    let _ = read.await.expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The request that each ambiguous one hides behind itself: 58 bytes (3a in hexadecimal) that must never be answered.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: smuggled\r\n\r\n";

/// Headers of a POST whose body is the end of chunks and the hidden request, 63 bytes.
const FRAMINGS: &[(&str, &str)] = &[
    ("length before chunked", "content-length: 5\r\ntransfer-encoding: chunked\r\n"),
    ("chunked before length", "transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
    ("length of all and chunked", "content-length: 63\r\ntransfer-encoding: chunked\r\n"),
    ("length 0 and chunked", "content-length: 0\r\ntransfer-encoding: chunked\r\n"),
    ("chunked in capitals and length", "content-length: 5\r\nTransfer-Encoding: CHUNKED\r\n"),
    ("chunked twice", "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n"),
    ("chunked, chunked", "transfer-encoding: chunked, chunked\r\ncontent-length: 5\r\n"),
    ("chunked, identity", "transfer-encoding: chunked, identity\r\n"),
    ("identity", "transfer-encoding: identity\r\ncontent-length: 5\r\n"),
    ("gzip", "transfer-encoding: gzip\r\n"),
    ("an unknown coding", "transfer-encoding: cow\r\n"),
    ("chunked with a prefix", "transfer-encoding: xchunked\r\n"),
    ("chunked with a suffix", "transfer-encoding: chunkedx\r\n"),
    ("chunked in quotes", "transfer-encoding: \"chunked\"\r\n"),
    ("chunked with a parameter", "transfer-encoding: chunked;q=1\r\n"),
    ("chunked after a vertical tab", "transfer-encoding: \u{b}chunked\r\n"),
    ("chunked with a NUL", "transfer-encoding: chunked\0\r\n"),
    ("an empty coding", "transfer-encoding:\r\n"),
    ("a space before the colon", "transfer-encoding : chunked\r\n"),
    ("a tab before the colon", "transfer-encoding\t: chunked\r\n"),
    ("a space before the length's colon", "content-length : 5\r\n"),
    ("a space before the name", " transfer-encoding: chunked\r\n"),
    ("a folded coding", "transfer-encoding:\r\n chunked\r\n"),
    ("a folded coding with a tab", "transfer-encoding:\r\n\tchunked\r\n"),
    ("a folded length", "content-length:\r\n 5\r\n"),
    ("a folded header", "x-a: b\r\n c\r\n"),
    ("a bare CR in a value", "x-a: b\rtransfer-encoding: chunked\r\n"),
    ("a NUL in a value", "x-a: b\0c\r\n"),
    ("a NUL in a name", "x-\0a: b\r\n"),
    ("no colon", "transfer-encoding chunked\r\n"),
    ("an empty name", ": chunked\r\n"),
    ("a name in brackets", "x[a]: b\r\n"),
    ("a name that is not ASCII", "x-é: b\r\n"),
    ("a bare LF inside", "x-a: b\ntransfer-encoding: chunked\ncontent-length: 5\r\n"),
];

/// Headers of a POST whose body is the hidden request.
const LENGTHS: &[(&str, &str)] = &[
    ("two lengths", "content-length: 0\r\ncontent-length: 58\r\n"),
    ("two lengths, the other way", "content-length: 58\r\ncontent-length: 0\r\n"),
    ("a list of lengths", "content-length: 0, 58\r\n"),
    ("a signed length", "content-length: +58\r\n"),
    ("a negative length", "content-length: -1\r\n"),
    ("a hexadecimal length", "content-length: 0x3a\r\n"),
    ("an octal length", "content-length: 0o10\r\n"),
    ("a length with a fraction", "content-length: 58.0\r\n"),
    ("a length with an exponent", "content-length: 1e1\r\n"),
    ("a length with an underscore", "content-length: 1_0\r\n"),
    ("a length in other digits", "content-length: ５\r\n"),
    ("a length with letters", "content-length: 5abc\r\n"),
    ("an empty length", "content-length:\r\n"),
    ("a length that overflows", "content-length: 18446744073709551616\r\n"),
    ("a length that overflows much", "content-length: 9999999999999999999999999999999999999999\r\n"),
    ("a length with a space in it", "content-length: 1 0\r\n"),
];

/// Bodies in chunks, before the hidden request.
const CHUNKS: &[(&str, &str)] = &[
    ("a signed chunk size", "+0\r\n\r\n"),
    ("a negative chunk size", "-1\r\n\r\n"),
    ("a chunk size with 0x", "0x0\r\n\r\n"),
    ("a chunk size that overflows", "fffffffffffffffff\r\n"),
    ("a chunk size that wraps", "10000000000000000\r\n\r\n"),
    ("an empty chunk size", "\r\n\r\n"),
    ("a chunk size with letters", "0g\r\n\r\n"),
    ("a chunk longer than its size", "1\r\nabcdef\r\n0\r\n\r\n"),
    ("a chunk size in another line", "1\n\r\na\r\n0\r\n\r\n"),
    ("a chunk that ends with LF", "1\r\na\n0\r\n\r\n"),
    ("a bare CR after the chunk size", "1\ra\r\n0\r\n\r\n"),
];

/// First lines of the hidden request itself.
const LINES: &[(&str, &str)] = &[
    ("two spaces", "GET  /healthz HTTP/1.1"),
    ("a tab", "GET\t/healthz\tHTTP/1.1"),
    ("a space in the path", "GET /health z HTTP/1.1"),
    ("no version", "GET /healthz"),
    ("an unknown version", "GET /healthz HTTP/1.2"),
    ("a version of two digits", "GET /healthz HTTP/1.10"),
    ("a small version", "GET /healthz http/1.1"),
    ("a method with a control character", "GE\u{1}T /healthz HTTP/1.1"),
    ("a NUL in the path", "GET /healthz\0 HTTP/1.1"),
    ("a bare CR in the line", "GET /healthz\r HTTP/1.1"),
    ("no path", "GET HTTP/1.1"),
];

/// What two readers could read in two ways: a name and the bytes.
fn ambiguous() -> Vec<(&'static str, String)> {
    assert_eq!(HIDDEN.len(), 58);
    let post = "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let framings =
        FRAMINGS.iter().map(|(name, headers)| (*name, format!("{post}{headers}\r\n0\r\n\r\n{HIDDEN}")));
    let lengths = LENGTHS.iter().map(|(name, headers)| (*name, format!("{post}{headers}\r\n{HIDDEN}")));
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n");
    let chunks = CHUNKS.iter().map(|(name, body)| (*name, format!("{chunked}{body}{HIDDEN}")));
    let lines = LINES
        .iter()
        .map(|(name, line)| (*name, format!("{line}\r\nhost: x\r\nx-request-id: smuggled\r\n\r\n")));
    framings.chain(lengths).chain(chunks).chain(lines).collect()
}

on_each_engine! {
    async fn t42_what_can_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_answered(world: TestServer) {
        let cases = ambiguous();
        assert!(cases.len() >= 60, "{}", cases.len());
        let answers = futures::future::join_all(cases.iter().map(|(_, bytes)| raw(&world, bytes.as_bytes()))).await;
        let mut wrong = String::new();
        for ((name, _), answer) in cases.iter().zip(answers) {
            let first = answer.split(' ').nth(1).unwrap_or("closed");
            let refused = matches!(first, "400" | "closed" | "501" | "505") || answer.is_empty();
            // What is wrong with a body shows when the application reads it. With a length and chunks the chunks count, and
            // the connection ends behind them (RFC 9112, section 6.3). Any other head never gets to the application.
            let in_body = CHUNKS.iter().any(|(of, _)| of == name);
            let both = FRAMINGS.iter().any(|(of, headers)| of == name && headers.contains("content-length: "));
            let got_in = answer.matches("x-request-id: ").count();
            if !refused || answer.contains("smuggled") || answer.contains("last") || got_in > usize::from(in_body || both) {
                writeln!(wrong, "{name}: {first}, {got_in} requests got to the application").unwrap();
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    async fn t42_the_twin_what_is_written_properly_works(world: TestServer) {
        let host = world.url().trim_start_matches("http://").to_owned();
        let body = "{\"email\":\"owner@example.com\",\"password\":\"correct horse battery staple\"}";
        let (first, second) = body.split_at(20);
        let post = "POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-request-id: first\r\n";
        for (name, bytes) in [
            ("a length", format!("{post}content-length: {}\r\n\r\n{body}", body.len())),
            ("chunks", format!("{post}transfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X};a=b\r\n{second}\r\n0\r\n\r\n", first.len(), second.len())),
            ("chunks and a trailer", format!("{post}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\nx-trailer: 1\r\n\r\n", body.len())),
            ("a name in capitals", format!("{post}CONTENT-LENGTH:   {}  \r\n\r\n{body}", body.len())),
            ("the absolute form", format!("GET http://{host}/readyz HTTP/1.1\r\nhost: {host}\r\nx-request-id: first\r\n\r\n")),
            ("the absolute form of another host", format!("GET http://evil.example/readyz HTTP/1.1\r\nhost: {host}\r\nx-request-id: first\r\n\r\n")),
            ("an empty line before", format!("\r\nGET /readyz HTTP/1.1\r\nhost: {host}\r\nx-request-id: first\r\n\r\n")),
        ] {
            let answer = raw(&world, bytes.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{name}: {answer}");
            for id in ["first", "last"] {
                assert!(answer.contains(&format!("x-request-id: {id}")), "{name}: {answer}");
            }
            assert!(!answer.contains("evil.example"), "{name}: {answer}");
        }
    }
}

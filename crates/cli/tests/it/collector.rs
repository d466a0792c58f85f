//! A collector of traces that keeps what it is sent, and reads as much of OTLP's protobuf as spans need.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A request: its head and its body.
type Received = (Vec<u8>, Vec<u8>);

/// What a collector has got. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Collected(Arc<Mutex<Vec<Received>>>);

/// A span as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) attributes: HashMap<String, String>,
}

/// A collector, and its address. It lives as long as the test.
pub(crate) fn collector() -> (String, Collected) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let collected = Collected::default();
    let sink = collected.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                head.push(byte[0]);
            }
            let text = String::from_utf8_lossy(&head).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            let read = stream.read_exact(&mut body);
            sink.0.lock().unwrap().push((head, body));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            // A server that was killed does not wait for it.
            let _ = read.and_then(|()| stream.write_all(answer));
        }
    });
    (url, collected)
}

impl Collected {
    /// Everything, as it came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let requests = self.0.lock().unwrap();
        requests.iter().flat_map(|(head, body)| [head.as_slice(), body.as_slice()].concat()).collect()
    }

    /// The spans of all requests: `resource_spans`, their `scope_spans`, their `spans`.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.0.lock().unwrap();
        let bodies = requests.iter().map(|(_, body)| body.as_slice());
        let below = |message: &[u8], number: u64| {
            let found = fields(message).into_iter().filter(move |(found, _)| *found == number);
            found.map(|(_, bytes)| bytes).collect::<Vec<_>>()
        };
        bodies
            .flat_map(|body| below(body, 1))
            .flat_map(|resource| below(&resource, 2))
            .flat_map(|scope| below(&scope, 2))
            .map(|span| read_span(&span))
            .collect()
    }
}

/// The fields of a protobuf message that have a length, in order; numbers are skipped.
fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let skipped = match key & 7 {
            0 => {
                varint(&mut message);
                0
            }
            1 => 8,
            5 => 4,
            2 => {
                let length = usize::try_from(varint(&mut message)).unwrap();
                found.push((key >> 3, message[..length].to_vec()));
                length
            }
            kind => panic!("not protobuf: wire type {kind}"),
        };
        message = &message[skipped..];
    }
    found
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a varint ends");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn read_span(span: &[u8]) -> Span {
    let fields = fields(span);
    let get = |number: u64| fields.iter().find(|(found, _)| *found == number).map(|(_, bytes)| bytes.clone());
    let hex = |number| get(number).unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect();
    let attributes = fields.iter().filter(|(number, _)| *number == 9).filter_map(|(_, pair)| attribute(pair));
    Span {
        trace: hex(1),
        id: hex(2),
        parent: hex(4),
        name: String::from_utf8(get(5).unwrap_or_default()).unwrap(),
        attributes: attributes.collect(),
    }
}

/// A key and its value, where that is a text.
fn attribute(pair: &[u8]) -> Option<(String, String)> {
    let pair = fields(pair);
    let (key, value) = (&pair.first()?.1, &pair.get(1)?.1);
    let text = fields(value).into_iter().find(|(number, _)| *number == 1)?.1;
    Some((String::from_utf8(key.clone()).ok()?, String::from_utf8(text).ok()?))
}

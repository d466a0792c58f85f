//! A web server for tests: records what it is sent, and answers what it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// One request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Without its query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Names in lower case, in the order they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The fields of a form, or of the query of a GET, in the order they came.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let text = if self.method == "GET" { &self.query } else { &self.body };
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    /// One field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    content_type: String,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
    chunked: bool,
    cut: bool,
    held: Option<Arc<Notify>>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply {
            status,
            content_type: content_type.to_owned(),
            body: body.into(),
            headers: Vec::new(),
            chunked: false,
            cut: false,
            held: None,
        }
    }

    /// TwiML: what stands inside `<Response>`.
    pub(crate) fn twiml(inside: &str) -> Reply {
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{inside}</Response>");
        Reply::new(200, "text/xml", body)
    }

    pub(crate) fn json(body: &serde_json::Value) -> Reply {
        Reply::new(200, "application/json", body.to_string())
    }

    pub(crate) fn status(status: u16) -> Reply {
        Reply::new(status, "text/plain", "")
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Reply {
        Reply::status(status).header("location", location)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sent in chunks, without a length.
    pub(crate) fn chunked(mut self) -> Reply {
        self.chunked = true;
        self
    }

    /// The connection is cut instead.
    pub(crate) fn cut() -> Reply {
        Reply { cut: true, ..Reply::status(200) }
    }

    /// Nothing is answered before `gate` is told.
    pub(crate) fn held(mut self, gate: &Arc<Notify>) -> Reply {
        self.held = Some(Arc::clone(gate));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", self.status);
        if !self.content_type.is_empty() {
            head += &format!("content-type: {}\r\n", self.content_type);
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let (length, tail) = match self.chunked {
            true if self.body.is_empty() => ("transfer-encoding: chunked".to_owned(), "0\r\n\r\n"),
            true => (format!("transfer-encoding: chunked\r\n\r\n{:x}", self.body.len()), "\r\n0\r\n\r\n"),
            false => (format!("content-length: {}", self.body.len()), ""),
        };
        let gap = if self.chunked && !self.body.is_empty() { "\r\n" } else { "\r\n\r\n" };
        [head.as_bytes(), length.as_bytes(), gap.as_bytes(), &self.body, tail.as_bytes()].concat()
    }
}

#[derive(Debug, Default)]
struct Script {
    /// By path; the last answer of a path stays.
    replies: BTreeMap<String, VecDeque<Reply>>,
    seen: Vec<Seen>,
}

/// The server. Without a script it answers every request with an empty `<Response/>`.
pub(crate) struct Hook {
    base: String,
    script: Arc<Mutex<Script>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hook {
    pub(crate) async fn new() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let (told, count) = watch::channel(0);
        let shared = Arc::clone(&script);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared), told.clone()));
            }
        });
        Hook { base, script, count, task }
    }

    /// An address here, for example of `/sms`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Host and port.
    pub(crate) fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// From now on, `path` answers these in turn, and then the last of them for ever.
    pub(crate) fn answer(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().replies.insert(path.to_owned(), replies.into_iter().collect());
    }

    /// Every request so far, oldest first.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The requests to one path.
    pub(crate) fn at(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path == path).collect()
    }

    /// Waits until at least `count` requests have come, and returns all of them.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Seen> {
        self.count.clone().wait_for(|come| *come >= count).await.unwrap();
        self.seen()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>, told: watch::Sender<usize>) {
    let Some(seen) = read(&mut stream).await else { return };
    let reply = {
        let script = &mut *script.lock().unwrap();
        let replies = script.replies.get_mut(&seen.path);
        let reply = replies
            .and_then(|queue| if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() });
        script.seen.push(seen);
        told.send_replace(script.seen.len());
        reply.unwrap_or_else(|| Reply::twiml(""))
    };
    if let Some(gate) = &reply.held {
        gate.notified().await;
    }
    if !reply.cut {
        // The other side may have given up waiting.
        let _ = stream.write_all(&reply.bytes()).await;
        let _ = stream.shutdown().await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8_192]);
    loop {
        // The beginning of a TLS handshake, which is not spoken here.
        if bytes.first() == Some(&0x16) {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let mut seen = head(&String::from_utf8_lossy(&bytes[..end]));
            let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
            let body = &bytes[end + 4..];
            if body.len() >= length {
                seen.body = String::from_utf8_lossy(&body[..length]).into_owned();
                return Some(seen);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

fn head(text: &str) -> Seen {
    let mut lines = text.lines();
    let mut request = lines.next().unwrap_or_default().split(' ');
    let method = request.next().unwrap_or_default().to_owned();
    let (path, query) =
        request.next().map(|target| target.split_once('?').unwrap_or((target, ""))).unwrap_or_default();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    };
    Seen {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: lines.filter_map(header).collect(),
        body: String::new(),
    }
}

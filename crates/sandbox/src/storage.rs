//! Files that the providers keep on hosts of their own: media of messages, recordings of calls.
//!
//! A file is fetched below `/storage/` from a *second host*: the sandbox under its other loopback name. It
//! refuses an `Authorization` header, as the storage behind both providers does (T13, V3.2 [S]).

use std::collections::BTreeMap;

use hyper::Method;
use hyper::body::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::http::{Reply, Request};
use crate::state::World;

/// What a file contains.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    /// Kept in base64 when it is saved.
    Bytes(#[serde(with = "base64_text")] Bytes),
    /// A recording: so many seconds of silence, 8 kHz, 8 bit, one channel.
    Silence { seconds: u32 },
    /// The same as MP3.
    SilentMp3 { seconds: u32 },
}

/// A frame of silence as MP3: MPEG 1 layer III, 32 kbit/s, 32 kHz, one channel, 36 ms.
const MP3_FRAME: usize = 144;
const MP3_HEADER: [u8; 4] = [0xff, 0xfb, 0x18, 0xc4];
const MP3_FRAMES_A_SECOND: usize = 28;
/// Longer silence than an hour is not sent.
const SECONDS_MAX: u32 = 3_600;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct File {
    content_type: String,
    content: Content,
    /// From then on it is refused.
    #[serde(default)]
    until: Option<Timestamp>,
}

/// All files by the secret part of their address.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Storage(BTreeMap<String, File>);

impl World {
    /// Keeps a file and returns its path, which nobody can guess.
    pub(crate) fn store(&mut self, content_type: &str, content: Content) -> String {
        self.keep(content_type, content, None)
    }

    /// Keeps a file that can be fetched for a while.
    pub(crate) fn store_until(&mut self, content_type: &str, content: Content, until: Timestamp) -> String {
        self.keep(content_type, content, Some(until))
    }

    fn keep(&mut self, content_type: &str, content: Content, until: Option<Timestamp>) -> String {
        let name = self.ids.token();
        let path = format!("/storage/{name}");
        self.storage.0.insert(name, File { content_type: content_type.to_owned(), content, until });
        path
    }

    /// Keeps a second file like the one at `path`, and returns its path.
    pub(crate) fn copy(&mut self, path: &str) -> Option<String> {
        let File { content_type, content, until } =
            self.storage.0.get(path.trim_start_matches("/storage/"))?.clone();
        Some(self.keep(&content_type, content, until))
    }

    /// Forgets a file.
    pub(crate) fn discard(&mut self, path: &str) {
        self.storage.0.remove(path.trim_start_matches("/storage/"));
    }
}

/// The address of a stored file, for a client that reached the sandbox at `host`: under another name.
pub(crate) fn url(host: &str, path: &str) -> String {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let other = if name == "localhost" { "127.0.0.1" } else { "localhost" };
    format!("http://{other}:{port}{path}")
}

/// `GET /storage/{name}`.
pub(crate) fn handle(world: &World, request: &Request) -> Reply {
    let refuse = |status: u16, code: &str| {
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
        Reply::new(status, "application/xml", body)
    };
    if request.method != Method::GET {
        return refuse(405, "MethodNotAllowed");
    }
    if request.header("authorization").is_some() {
        return refuse(400, "InvalidArgument");
    }
    let name = request.path.trim_start_matches("/storage/");
    match world.storage.0.get(name) {
        // Private storage (V8.3 [D]).
        None if name.starts_with("private/") => refuse(403, "AccessDenied"),
        None => refuse(404, "NoSuchKey"),
        Some(file) if file.until.is_some_and(|until| world.clock.now() > until) => {
            refuse(403, "AccessDenied")
        }
        Some(file) => {
            let bytes = match &file.content {
                Content::Bytes(bytes) => bytes.clone(),
                Content::Silence { seconds } => silence(*seconds),
                Content::SilentMp3 { seconds } => mp3(*seconds),
            };
            Reply::new(200, "application/octet-stream", bytes).with("content-type", file.content_type.clone())
        }
    }
}

/// A WAV file of silence: RIFF header, PCM format, samples of 0x80 (unsigned 8 bit).
fn silence(seconds: u32) -> Bytes {
    const RATE: u32 = 8_000;
    let length = seconds.min(SECONDS_MAX) * RATE;
    let mut wav = Vec::with_capacity(44 + length as usize);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + length).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    for (value, bytes) in [(16, 4), (1, 2), (1, 2), (RATE, 4), (RATE, 4), (1, 2), (8, 2)] {
        wav.extend_from_slice(&value.to_le_bytes()[..bytes]);
    }
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&length.to_le_bytes());
    wav.resize(44 + length as usize, 0x80);
    wav.into()
}

fn mp3(seconds: u32) -> Bytes {
    let mut frame = [0; MP3_FRAME];
    frame[..MP3_HEADER.len()].copy_from_slice(&MP3_HEADER);
    frame.repeat(MP3_FRAMES_A_SECOND * seconds.min(SECONDS_MAX) as usize).into()
}

mod base64_text {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use hyper::body::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD.encode(bytes).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Bytes::from).map_err(de::Error::custom)
    }
}

//! A receiver of webhooks that answers what a test says, and remembers what it got.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A message as it arrived.
pub(crate) struct Told {
    pub(crate) id: String,
    timestamp: String,
    signature: String,
    raw: String,
    pub(crate) body: Value,
}

impl Told {
    /// Whether it carries the signature that the Standard Webhooks specification asks for.
    pub(crate) fn is_signed(&self, secret: &str) -> bool {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let mac = mac.chain_update(format!("{}.{}.{}", self.id, self.timestamp, self.raw));
        let wanted = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
        self.signature.split(' ').any(|one| one == wanted)
    }

    fn read(text: &str) -> Self {
        let (head, raw) = text.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let found = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            found.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
        };
        assert!(head.starts_with("POST "), "{head}");
        Self {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
            raw: raw.to_owned(),
            body: serde_json::from_str(raw).unwrap(),
        }
    }
}

/// One receiver. Ends with the test.
pub(crate) struct Receiver {
    url: String,
    told: tokio::sync::Mutex<mpsc::UnboundedReceiver<Told>>,
    count: Arc<Mutex<usize>>,
}

impl Receiver {
    /// Answers with these statuses in turn, then 200; 0 cuts the connection.
    pub(crate) async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, told) = mpsc::unbounded_channel();
        let count: Arc<Mutex<usize>> = Arc::default();
        let (counted, statuses) = (count.clone(), statuses.to_vec());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = String::new();
                while !is_whole(&text) {
                    let mut part = [0; 4096];
                    let read = stream.read(&mut part).await.unwrap_or(0);
                    if read == 0 {
                        break;
                    }
                    text.push_str(std::str::from_utf8(&part[..read]).unwrap());
                }
                let place = {
                    let mut count = counted.lock().unwrap();
                    *count += 1;
                    *count - 1
                };
                let status = statuses.get(place).copied().unwrap_or(200);
                if status != 0 {
                    let answer =
                        format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                let _ = sender.send(Told::read(&text));
            }
        });
        Self { url, told: told.into(), count }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The next message.
    pub(crate) async fn next(&self) -> Told {
        let mut told = self.told.lock().await;
        let next = tokio::time::timeout(Duration::from_secs(40), told.recv()).await;
        next.expect("a message within forty seconds").unwrap()
    }

    /// How many came.
    pub(crate) fn count(&self) -> usize {
        *self.count.lock().unwrap()
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

//! The whole state, saved and loaded: `/sandbox/snapshot`, and the file that a sandbox is started with.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::control::{Answer, Nothing, Route, Whole, Work, bad, read};
use crate::http::{Reply, Request};
use crate::state::{Shared, World};

/// Raised whenever an older program could not read what is written, or a newer one what was.
const VERSION: u32 = 1;

/// The control calls of this module.
pub(crate) const CONTROL: &[Route] = &[
    (Method::GET, "snapshot", Work::Raw(show)),
    (Method::PUT, "snapshot", Work::Raw(replace)),
    (Method::POST, "save", Work::Waits(keep)),
];

#[derive(Serialize)]
struct Saved<'w> {
    version: u32,
    world: &'w World,
}

#[derive(Deserialize)]
struct Label {
    version: u32,
}

#[derive(Deserialize)]
struct Loaded {
    world: World,
}

fn write(world: &World, out: impl Write) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &Saved { version: VERSION, world })?)
}

/// The state in a snapshot, or a sentence about why it is none.
fn parse(bytes: &[u8]) -> Result<World, String> {
    let wrong = |error: serde_json::Error| format!("this is no saved sandbox: {error}");
    let Label { version } = serde_json::from_slice(bytes).map_err(wrong)?;
    if version != VERSION {
        return Err(format!("this was saved as version {version}; this sandbox reads version {VERSION}"));
    }
    let Loaded { world } = serde_json::from_slice(bytes).map_err(wrong)?;
    Ok(world)
}

/// The state saved in a file; none when there is no such file yet.
pub(crate) fn load(path: &Path) -> io::Result<Option<World>> {
    match std::fs::read(path) {
        Ok(bytes) => parse(&bytes).map(Some).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Saves the state in a file, which is never seen half written.
pub(crate) fn store(world: &World, path: &Path) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = BufWriter::new(File::create(&beside)?);
    write(world, &mut file)?;
    file.into_inner()?.sync_all()?;
    std::fs::rename(beside, path)
}

fn show<'r>(shared: &'r Arc<Shared>, _: &'r Request) -> Whole<'r> {
    Box::pin(async move {
        let mut bytes = Vec::new();
        let written = write(&shared.lock(), &mut bytes);
        written.map_err(|error| (500, format!("the state cannot be written: {error}")))?;
        Ok(Reply::new(200, "application/json", bytes))
    })
}

fn replace<'r>(shared: &'r Arc<Shared>, request: &'r Request) -> Whole<'r> {
    Box::pin(async move {
        let world = parse(&request.body).map_err(bad)?;
        shared.replace(world).await;
        let world = shared.lock();
        Ok(Reply::json(200, &json!({"seed": world.seed, "clock": world.clock.show()})))
    })
}

fn keep(shared: Arc<Shared>, _: Vec<String>, body: Value) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let Nothing {} = read(body)?;
        let path = shared.state_file.clone();
        let path = path.ok_or_else(|| bad("this sandbox was started without a file for its state"))?;
        let saved = store(&shared.lock(), &path);
        saved.map_err(|error| (500, format!("the state cannot be saved: {error}")))?;
        Ok((200, json!({"saved": true})))
    })
}

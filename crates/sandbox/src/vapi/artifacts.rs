//! What a call leaves behind: messages, transcript, recordings, log (V8.3), and how the files are fetched.

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::Problem;
use super::places::{self, STORAGE};
use super::talk::Talk;
use super::{Answer, Ctx, Route};
use crate::clock::millis;
use crate::http::{Object, Reply, text};
use crate::state::World;
use crate::storage::Content;

/// Where they answer: each is a redirect to a short-lived address (V3.2 [S]).
pub(crate) const ROUTES: &[Route] = &[
    (Method::GET, "call/{}/mono-recording", |ctx| download(ctx, "mono")),
    (Method::GET, "call/{}/stereo-recording", |ctx| download(ctx, "stereo")),
    (Method::GET, "call/{}/assistant-recording", |ctx| download(ctx, "assistant")),
    (Method::GET, "call/{}/customer-recording", |ctx| download(ctx, "customer")),
    (Method::GET, "call/{}/video-recording", |ctx| download(ctx, "video")),
    (Method::GET, "call/{}/pcap", |ctx| download(ctx, "pcap")),
    (Method::GET, "call/{}/call-logs", |ctx| download(ctx, "log")),
];

/// Recordings, with the artifact's field for each, the presigned one, and the name of its upload.
const FILES: [(&str, &str, &str, &str); 6] = [
    ("mono", "/recordingUrl", "presignedMonoUrl", "recording-mono"),
    ("stereo", "/stereoRecordingUrl", "presignedStereoUrl", "recording-stereo"),
    ("assistant", "/recording/mono/assistantUrl", "presignedAssistantUrl", "recording-assistant"),
    ("customer", "/recording/mono/customerUrl", "presignedCustomerUrl", "recording-customer"),
    ("pcap", "/pcapUrl", "presignedPcapUrl", "pcap"),
    ("log", "/logUrl", "presignedLogUrl", "log"),
];

/// How long a presigned address works [?].
const PRESIGNED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The fields of a call's record that a finished conversation fills.
pub(crate) fn of(talk: &Talk, ended: Timestamp) -> Object {
    let empty = Object::new();
    let plan = talk.who.assistant.get("artifactPlan").and_then(Value::as_object).unwrap_or(&empty);
    let enabled = |name: &str, usual: bool| plan.get(name).and_then(Value::as_bool).unwrap_or(usual);
    let mut artifact = talk.artifact_so_far();
    artifact["variableValues"] = json!(talk.who.variables);
    // In private storage: these addresses are refused (V8.3 [D]).
    let private = |name: &str| json!(format!("{STORAGE}private/{}-{name}", talk.call));
    if enabled("recordingEnabled", true) {
        artifact["recordingUrl"] = private("mono.wav");
        artifact["stereoRecordingUrl"] = private("stereo.wav");
        artifact["recording"] = json!({"stereoUrl": private("stereo.wav"), "mono": {
            "combinedUrl": private("mono.wav"), "assistantUrl": private("assistant.wav"),
            "customerUrl": private("customer.wav")}});
    }
    if enabled("loggingEnabled", true) {
        artifact["logUrl"] = private("call.jsonl");
    }
    if enabled("pcapEnabled", true) && talk.over_sip() {
        artifact["pcapUrl"] = private("sip.pcap");
    }
    if let Some(to) = &talk.destination {
        artifact["transfers"] = json!([{"destination": to, "status": "completed"}]);
    }
    // Empty until the call has been analysed.
    [
        ("artifact", artifact),
        ("analysis", json!({})),
        ("startedAt", json!(millis(talk.started))),
        ("endedAt", json!(millis(ended))),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .collect()
}

/// What `call.artifact.upload` lists [S].
pub(crate) fn uploads(row: &Object) -> Value {
    let artifact = row.get("artifact").cloned().unwrap_or_default();
    let there = FILES.iter().filter(|(_, field, ..)| artifact.pointer(field).is_some());
    let mut items: Vec<Value> = there.map(|(.., upload)| json!({"type": upload, "success": true})).collect();
    items.push(json!({"type": "end-of-call-report", "success": true}));
    json!(items)
}

/// Fresh addresses for the files of a report, which work for a while (V8.3 [D]).
pub(crate) fn presign(world: &mut World, call: &str, body: &mut Object) {
    let Some(artifact) = body.get("artifact").cloned() else { return };
    let mut signed = artifact.clone();
    for (name, field, presigned, _) in FILES {
        if artifact.pointer(field).is_some()
            && let Some(path) = sign(world, call, name)
        {
            signed[presigned] = json!(path);
        }
    }
    let until = world.clock.now().saturating_add(PRESIGNED_FOR).expect("no calendar units");
    signed["presignedUrlsExpiresAt"] = json!(millis(until));
    body.insert("artifact".to_owned(), signed);
}

/// Puts the file where it can be fetched for a while, and returns its address.
fn sign(world: &mut World, call: &str, name: &str) -> Option<String> {
    let row = world.vapi.orgs.iter().find_map(|org| org.calls.get(call))?;
    let (content_type, content) = file(row, name);
    let until = world.clock.now().saturating_add(PRESIGNED_FOR).expect("no calendar units");
    let path = world.store_until(content_type, content, until);
    path.strip_prefix("/storage/").map(|name| format!("{STORAGE}{name}"))
}

fn file(row: &Object, name: &str) -> (&'static str, Content) {
    match name {
        "log" => {
            let line = json!({"time": row.get("endedAt"), "level": "INFO", "callId": row.get("id"),
                "body": format!("Call ended: {}", text(row, "endedReason").unwrap_or_default())});
            ("application/jsonl", Content::Bytes(format!("{line}\n").into()))
        }
        // The header of a capture in which nothing was captured.
        "pcap" => {
            let mut header = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
            header.extend([1, 0, 0, 0]);
            ("application/vnd.tcpdump.pcap", Content::Bytes(header.into()))
        }
        _ => ("audio/wav", Content::Silence { seconds: seconds(row) }),
    }
}

fn seconds(row: &Object) -> u32 {
    let at = |field: &str| text(row, field).and_then(|at| at.parse::<Timestamp>().ok());
    match (at("startedAt"), at("endedAt")) {
        (Some(from), Some(to)) => u32::try_from(to.duration_since(from).as_secs()).unwrap_or(0),
        _ => 0,
    }
}

fn download(ctx: &mut Ctx<'_>, name: &str) -> Result<Answer, Problem> {
    let row = ctx.find(&ctx.org().calls)?;
    let field = FILES.iter().find(|(file, ..)| *file == name).map(|(_, field, ..)| *field);
    let there =
        field.is_some_and(|field| row.get("artifact").is_some_and(|all| all.pointer(field).is_some()));
    if !there {
        return Err(Problem::not_found());
    }
    let id = ctx.id.clone();
    let url = sign(ctx.world, &id, name).ok_or_else(Problem::not_found)?;
    let url = places::reachable(json!(url), &ctx.host);
    let url = url.as_str().unwrap_or_default();
    Ok(Answer::Plain(
        Reply::new(302, "text/plain", format!("Found. Redirecting to {url}")).with("location", url),
    ))
}

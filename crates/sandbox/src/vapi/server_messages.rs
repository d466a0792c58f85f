//! Server messages (V9): which server gets one, whether it wants it, how it is sent, retried and logged.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::later::Later;
use super::{Org, artifacts, places, webhook_auth};
use crate::clock::millis;
use crate::http::{Object, text};
use crate::outbound::{self, Answered, Failure, Outgoing};
use crate::state::{Shared, World};

/// What is sent without being asked for (V9.2 [S]); `transcript` is not among them.
const USUAL: [&str; 11] = [
    "conversation-update",
    "end-of-call-report",
    "function-call",
    "hang",
    "speech-update",
    "status-update",
    "tool-calls",
    "transfer-destination-request",
    "handoff-destination-request",
    "user-interrupted",
    "assistant.started",
];
/// Follow from the set-up of a number; nobody subscribes to them (V9.2 [S]).
const UNASKED: [&str; 2] = ["assistant-request", "knowledge-base-request"];
pub(crate) const FINAL_TRANSCRIPT: &str = "transcript[transcriptType=\"final\"]";

/// Twilio's secrets, which a row contains in clear (V9.3 [W]).
const SECRETS: [&str; 4] = ["twilioAuthToken", "twilioApiKey", "twilioApiSecret", "serverUrlSecret"];

const TIMEOUT_S: f64 = 20.0;
/// `assistant-request` has 7.5 s end to end, whatever `timeoutSeconds` says (V9.3 [D]).
const ASK_MAX: Duration = Duration::from_millis(7_500);
const LOGS_MAX: usize = 1_000;

/// A message on its way, or waiting for its next try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) org: String,
    pub(crate) server: Object,
    pub(crate) kind: String,
    pub(crate) subject: String,
    /// What stands below `message`.
    pub(crate) body: Object,
    tries: u32,
}

/// What a message is about, and so who may get it.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) org: String,
    pub(crate) subject: String,
    pub(crate) call: Option<Object>,
    pub(crate) number: Option<Object>,
    pub(crate) assistant: Option<Object>,
    pub(crate) customer: Option<Object>,
    /// A tool's own server comes first, for `tool-calls` alone (V9.1 [S]).
    pub(crate) tool_server: Option<Object>,
}

/// The server of an object; older objects have `serverUrl` and `serverUrlSecret` (V9.5 [D]).
fn server_of(object: &Object) -> Option<Object> {
    let url = |server: &&Object| text(server, "url").is_some();
    if let Some(server) = object.get("server").and_then(Value::as_object).filter(url) {
        return Some(server.clone());
    }
    let old = json!({"url": text(object, "serverUrl")?, "secret": object.get("serverUrlSecret")});
    old.as_object().cloned()
}

impl About {
    /// Exactly one server gets a message: they do not fan out (V9.1 [S]).
    fn server(&self, org: &Org) -> Option<Object> {
        let own = self.tool_server.clone().filter(|server| text(server, "url").is_some());
        own.or_else(|| self.assistant.as_ref().and_then(server_of))
            .or_else(|| self.number.as_ref().and_then(server_of))
            .or_else(|| org.subscription.server.as_ref().and_then(Value::as_object).cloned())
    }

    /// The name under which the message is wanted.
    fn wanted(&self, kind: &str, fields: &Object) -> Option<String> {
        if UNASKED.contains(&kind) {
            return Some(kind.to_owned());
        }
        let chosen = self.assistant.as_ref().and_then(|assistant| assistant.get("serverMessages"));
        let subscribed = |name: &str| match chosen {
            // An array replaces the default (V7 [S]).
            Some(Value::Array(names)) => names.iter().any(|chosen| chosen == name),
            _ => USUAL.contains(&name),
        };
        // The long name gets the final ones alone; that it is the `type` then is [?] (V9.2 [S]).
        let last = fields.get("transcriptType").is_some_and(|kind| kind == "final");
        match kind {
            // A tool's own server gets what is for it in any case [?].
            "tool-calls" if self.tool_server.is_some() => Some(kind.to_owned()),
            _ if subscribed(kind) => Some(kind.to_owned()),
            "transcript" if last && subscribed(FINAL_TRANSCRIPT) => Some(FINAL_TRANSCRIPT.to_owned()),
            _ => None,
        }
    }

    /// Whether the server took over transfers and hang-ups (V9.2 [S]).
    pub(crate) fn controls_itself(&self) -> bool {
        self.wanted("phone-call-control", &Object::new()).is_some()
    }
}

impl World {
    /// A message at `at` (epoch milliseconds), or none when nobody wants it or no server is set: then
    /// nothing is sent, silently (V9.1 [D]).
    pub(crate) fn server_message(
        &self,
        about: &About,
        kind: &str,
        at: i64,
        fields: Object,
    ) -> Option<Message> {
        let org = self.vapi.orgs.iter().find(|org| org.id == about.org)?;
        let server = about.server(org)?;
        let name = about.wanted(kind, &fields)?;
        let mut body = Object::new();
        body.insert("timestamp".to_owned(), json!(at));
        body.insert("type".to_owned(), json!(name));
        body.extend(fields);
        let number = about.number.as_ref().map(|number| self.as_sent(number));
        for (key, value) in [
            ("call", &about.call),
            ("phoneNumber", &number),
            ("customer", &about.customer),
            ("assistant", &about.assistant),
        ] {
            if let Some(value) = value {
                body.entry(key).or_insert_with(|| Value::Object(value.clone()));
            }
        }
        let (org, subject) = (about.org.clone(), about.subject.clone());
        Some(Message { org, server, kind: kind.to_owned(), subject, body, tries: 0 })
    }

    /// The complete stored row, Twilio's secrets included (V9.3 [W]), unless a setting hides them.
    fn as_sent(&self, number: &Object) -> Object {
        let mut row = number.clone();
        if self.settings.vapi_webhooks_hide_secrets {
            SECRETS.iter().for_each(|key| {
                row.remove(*key);
            });
        }
        row
    }

    /// Queues messages that nobody waits for.
    pub(crate) fn queue_messages(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.later(Duration::ZERO, Later::Message(message));
        }
    }
}

/// Sends messages that need no answer, one after the other. A failed one is tried again when its server has
/// a `backoffPlan`, else not (V9.1 [S]).
pub(crate) async fn tell_all(shared: &Arc<Shared>, messages: Vec<Message>) {
    for message in messages {
        tell(shared, message).await;
    }
}

/// Sends one message, and plans the next try when it fails.
pub(crate) async fn tell(shared: &Arc<Shared>, mut message: Message) {
    let Err(failed) = send(shared, &message).await else { return };
    if let Some(wait) = message.next_wait(failed.status) {
        message.tries += 1;
        shared.lock().later(wait, Later::Message(message));
        shared.changed.notify_one();
    }
}

/// Sends a message whose answer is needed, with its retries at once: the answer, and how long the pauses
/// between the tries would have been.
pub(crate) async fn ask(shared: &Arc<Shared>, mut message: Message) -> (Result<Answered, String>, Duration) {
    let mut waited = Duration::ZERO;
    loop {
        let failed = match send(shared, &message).await {
            Ok(answered) => return (Ok(answered), waited),
            Err(failed) => failed,
        };
        match message.next_wait(failed.status) {
            Some(wait) => waited += wait,
            None => return (Err(failed.text), waited),
        }
        message.tries += 1;
    }
}

/// Why a message was not accepted.
struct Failed {
    status: Option<u16>,
    text: String,
}

async fn send(shared: &Arc<Shared>, message: &Message) -> Result<Answered, Failed> {
    let body = message.wire(shared);
    let result = match webhook_auth::headers(shared, &message.org, &message.server, &body).await {
        Ok(headers) => {
            let request = message.outgoing(headers, body);
            outbound::send(shared, &request).await.map_err(|failure| message.failed(failure))
        }
        Err(text) => Err(Failed { status: None, text }),
    };
    // Anything but a 2xx is a failure (V9.1 [D]).
    let result = result.and_then(|answered| match answered.status {
        200..300 => Ok(answered),
        status => {
            let text = format!("Request failed with status code {status}");
            Err(Failed { status: Some(status), text })
        }
    });
    if let Err(failed) = &result {
        shared.lock().note_rejected(message, &failed.text);
    }
    result
}

impl Message {
    /// Presigned addresses differ from try to try: a hash of the body is no key (V9.1 [D]).
    fn wire(&self, shared: &Shared) -> String {
        let mut body = self.body.clone();
        if self.kind == "end-of-call-report" {
            artifacts::presign(&mut shared.lock(), &self.subject, &mut body);
        }
        places::reachable(json!({"message": body}), &shared.host).to_string()
    }

    fn timeout(&self) -> Duration {
        let seconds = self.server.get("timeoutSeconds").and_then(Value::as_f64).unwrap_or(TIMEOUT_S);
        let own = Duration::try_from_secs_f64(seconds).unwrap_or(ASK_MAX);
        if self.kind == "assistant-request" { ASK_MAX } else { own }
    }

    fn outgoing(&self, headers: Vec<(String, String)>, body: String) -> Outgoing {
        Outgoing {
            provider: "vapi".to_owned(),
            event: self.kind.clone(),
            subject: self.subject.clone(),
            method: "POST".to_owned(),
            url: text(&self.server, "url").unwrap_or_default().to_owned(),
            headers,
            body,
            connect_timeout: Duration::ZERO,
            read_timeout: self.timeout(),
        }
    }

    /// The texts of axios, which Vapi's logs show (V9.1 [W]).
    fn failed(&self, failure: Failure) -> Failed {
        let url = text(&self.server, "url").and_then(|url| Url::parse(url).ok());
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
        let text = match failure {
            Failure::Timeout => format!("timeout of {}ms exceeded", self.timeout().as_millis()),
            Failure::Dns => format!("getaddrinfo ENOTFOUND {host}"),
            Failure::Connect => format!("connect ECONNREFUSED {host}:{port}"),
            Failure::TlsName => "Hostname/IP does not match certificate's altnames".to_owned(),
            Failure::TlsExpired => "certificate has expired".to_owned(),
            Failure::Tls | Failure::TlsUntrusted => "unable to verify the first certificate".to_owned(),
            Failure::Broken => "socket hang up".to_owned(),
            Failure::Invalid => "Invalid URL".to_owned(),
        };
        Failed { status: None, text }
    }

    /// How long to wait before the next try; none when there is none (V9.1 [S]). That the exponential one
    /// doubles is [?]. An `assistant-request` has no time for a second try (V9.3 [D]).
    fn next_wait(&self, status: Option<u16>) -> Option<Duration> {
        let plan = self.server.get("backoffPlan")?.as_object()?;
        let excluded = plan.get("excludedStatusCodes").and_then(Value::as_array);
        let status = status.map(f64::from);
        let is_excluded = status.is_some()
            && excluded.is_some_and(|codes| codes.iter().any(|code| code.as_f64() == status));
        let most = plan.get("maxRetries").and_then(Value::as_f64).unwrap_or(0.0);
        if is_excluded || f64::from(self.tries) >= most || self.kind == "assistant-request" {
            return None;
        }
        let base = plan.get("baseDelaySeconds").and_then(Value::as_f64).unwrap_or(0.0);
        let times = match text(plan, "type") {
            Some("exponential") => 2_f64.powi(i32::try_from(self.tries).unwrap_or(i32::MAX)),
            _ => 1.0,
        };
        Duration::try_from_secs_f64(base * times).ok()
    }
}

impl World {
    /// What Vapi's own logs say about a server that failed (V9.1 [W]).
    fn note_rejected(&mut self, message: &Message, error: &str) {
        let sentence = format!("Your server rejected `{}` webhook. Error: {error}", message.kind);
        let fields =
            json!({"callId": message.subject, "url": message.server.get("url"), "message": sentence});
        self.log_for(&message.org, "Webhook", fields);
    }

    /// Adds an entry to an org's own log.
    pub(crate) fn log_for(&mut self, org: &str, kind: &str, mut entry: Value) {
        entry["time"] = json!(millis(self.clock.now()));
        entry["type"] = json!(kind);
        entry["orgId"] = json!(org);
        if let Some(org) = self.org_mut(org) {
            if org.logs.len() == LOGS_MAX {
                org.logs.pop_front();
            }
            org.logs.push_back(entry);
        }
    }
}

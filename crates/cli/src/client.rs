//! The one HTTP client of the program, for the API of a Dialtone server (and, in the demo, of the sandbox).

use crate::failure::{Failure, Result};
use crate::output::{clean, text};
use crate::profile::Target;
use dialtone_domain::{ExposeSecret, Language, SecretString};
use reqwest::header;
pub(crate) use reqwest::{Error, Method};
use serde_json::Value;
use std::io::Write;
use std::time::Duration;
use url::{Host, Url};
use uuid::Uuid;

/// The server answers within 25 s, with the result or with the operation to follow.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// A file may be long.
const FILE_TIME_MAX: Duration = Duration::from_secs(3600);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("dialtone/", env!("CARGO_PKG_VERSION"));
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How long a command stays with an operation that takes longer than one answer, and how often it looks.
const FOLLOW_LOOKS_MAX: u32 = 600;
const FOLLOW_PAUSE: Duration = Duration::from_millis(500);
const NO_TOKEN: &str = "No token was sent: set DIALTONE_TOKEN, or write a profile into \
    ~/.config/dialtone/profiles.toml. `dialtone token create` makes a token on the server's machine, the web page \
    anywhere.";
/// The most that one page of a list holds, and the most pages that are read.
const PAGE_ROWS: u32 = 100;
const PAGES_MAX: u32 = 1_000;

/// A client for what is no API: a collector of traces, a look at whether somebody is there.
pub(crate) type Plain = reqwest::Client;

/// Makes one, with the same limits.
pub(crate) fn plain() -> reqwest::Result<Plain> {
    plain_builder().build()
}

/// Makes one for servers of this machine, which no proxy stands before.
pub(crate) fn plain_here() -> reqwest::Result<Plain> {
    plain_builder().no_proxy().build()
}

fn plain_builder() -> reqwest::ClientBuilder {
    // Another part of the process may have chosen the same one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Plain::builder()
        .timeout(CONNECT_TIME_MAX)
        .connect_timeout(CONNECT_TIME_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body as it came.
    pub(crate) body: String,
}

impl Answer {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body's JSON; null where it is something else.
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// A client of one server.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<SecretString>,
    language: Language,
}

impl Client {
    /// A client of the server at the target.
    pub(crate) fn new(target: Target) -> Result<Self> {
        // Another part of the process may have chosen the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .timeout(ANSWER_TIME_MAX)
            .connect_timeout(CONNECT_TIME_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(USER_AGENT);
        if is_here(&target.url) {
            builder = builder.no_proxy();
        }
        let http =
            builder.build().map_err(|error| Failure::because("No request can be made", chain(&error)))?;
        Ok(Self { http, base: target.url, token: target.token, language: target.language })
    }

    /// Sends a request and returns whatever is answered.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Answer> {
        let joined = self.base.join(path).ok().filter(|_| path.starts_with('/'));
        let Some(url) = joined.filter(|url| url.origin() == self.base.origin()) else {
            return Err(Failure::Usage(format!(
                "\"{}\" is not a path of the server: it begins with /.",
                clean(path)
            )));
        };
        let changes = changes(&method);
        let request = self.prepared(&method, url, body);
        let lost = |error: reqwest::Error| self.lost(changes, &error);
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(unread(changes, "The server's answer is too long.".into()));
            }
        }
        Ok(Answer { status, body: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// Sends JSON and writes the file that is answered, however long it is, as it comes.
    pub(crate) async fn download(&self, path: &str, body: &Value, out: &mut impl Write) -> Result {
        let url = self.base.join(path).map_err(|error| Failure::because("The address is none", error))?;
        let request = self.prepared(&Method::POST, url, Some(body.to_string())).timeout(FILE_TIME_MAX);
        let lost = |error: reqwest::Error| self.lost(false, &error);
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        if status != 200 {
            let body = response.text().await.map_err(lost)?;
            return Err(self.refused(false, &Answer { status, body }));
        }
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            out.write_all(&chunk)?;
        }
        Ok(out.flush()?)
    }

    fn prepared(&self, method: &Method, url: Url, body: Option<String>) -> reqwest::RequestBuilder {
        let mut request =
            self.http.request(method.clone(), url).header(header::ACCEPT_LANGUAGE, self.language.code());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if *method == Method::POST {
            request = request.header("Idempotency-Key", Uuid::new_v4().to_string());
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        request
    }

    /// Reads the JSON at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.request(Method::GET, path, None).await
    }

    /// Sends JSON and returns the JSON that is answered.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.request(Method::POST, path, Some(body)).await
    }

    /// As [`Client::post`], with another method and perhaps without a body.
    pub(crate) async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let changes = changes(&method);
        let answer = self.send(method, path, body.map(Value::to_string)).await?;
        match answer.is_success() {
            true => Ok(answer.json()),
            false => Err(self.refused(changes, &answer)),
        }
    }

    /// A refusal; where nobody said who asks, with how to say it.
    fn refused(&self, changes: bool, answer: &Answer) -> Failure {
        match (refusal(changes, answer), self.without_token(answer.status)) {
            (Failure::Error(said), Some(hint)) => Failure::Error(format!("{said}\n{hint}")),
            (said, _) => said,
        }
    }

    /// What to do where a request without a token was answered with this status for that.
    pub(crate) fn without_token(&self, status: u16) -> Option<&'static str> {
        (status == 401 && self.token.is_none()).then_some(NO_TOKEN)
    }

    /// Every row of a list, page after page. `name` is the list's in the answer.
    pub(crate) async fn list(&self, path: &str, name: &str) -> Result<Vec<Value>> {
        self.first(path, name, usize::MAX).await
    }

    /// The same up to so many rows.
    pub(crate) async fn first(&self, path: &str, name: &str, count: usize) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut page = format!("{path}{}limit={PAGE_ROWS}", if path.contains('?') { '&' } else { '?' });
        for _ in 0..PAGES_MAX {
            let mut answer = self.get(&page).await?;
            if let Some(Value::Array(more)) = answer.get_mut(name).map(Value::take) {
                rows.extend(more);
            }
            if rows.len() >= count {
                rows.truncate(count);
                break;
            }
            let Some(cursor) = answer["next_cursor"].as_str() else { break };
            let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            page = format!(
                "{path}{}limit={PAGE_ROWS}&cursor={cursor}",
                if path.contains('?') { '&' } else { '?' }
            );
        }
        Ok(rows)
    }

    /// Waits for the operation of an answer to end, and returns it; an answer without one gives null. The change
    /// was accepted, so that whatever goes wrong from here on leaves it unclear.
    pub(crate) async fn follow(&self, answer: &Value) -> Result<Value> {
        let mut operation = answer["operation"].clone();
        let id = text(&operation, "/id").into_owned();
        for _ in 0..FOLLOW_LOOKS_MAX {
            if !matches!(operation["state"].as_str(), Some("pending" | "running")) {
                return Ok(operation);
            }
            tokio::time::sleep(FOLLOW_PAUSE).await;
            let looked = self.get(&format!("/api/v1/operations/{id}")).await;
            operation = looked.map_err(|error| accepted(&id, &error.to_string()))?["operation"].take();
            if operation.is_null() {
                return Err(accepted(&id, "The server's answer was not one of Dialtone's."));
            }
        }
        Err(accepted(&id, "It is still running."))
    }

    /// What became of a request without a readable answer: what could have changed something is unclear.
    fn lost(&self, changes: bool, error: &reqwest::Error) -> Failure {
        if error.is_connect() {
            return Failure::Error(format!(
                "There is no Dialtone server at {}: start it with `dialtone serve`, or name another with --url or \
                 DIALTONE_URL. ({})",
                clean(self.base.as_str()),
                chain(error)
            ));
        }
        if error.is_builder() {
            return Failure::because("The request cannot be made, and nothing was sent", chain(error));
        }
        let what = format!("The answer of {} was lost: {}.", clean(self.base.as_str()), chain(error));
        unread(changes, what)
    }
}

/// Whether a request of this method can change something.
pub(crate) fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// A request whose outcome nobody told: what could have changed something is unclear.
fn unread(changes: bool, what: String) -> Failure {
    match changes {
        true => {
            Failure::Unclear(format!("{what} It may or may not have been done: look before doing it again."))
        }
        false => Failure::Error(what),
    }
}

/// An accepted operation whose end was not seen.
fn accepted(id: &str, why: &str) -> Failure {
    Failure::Unclear(format!(
        "{why}\nThe change was accepted. See its end with: dialtone operations show {id}"
    ))
}

/// A number or an id as a part of a path.
pub(crate) fn segment(text: &str) -> String {
    // Form encoding writes a space as `+`, which a path would keep.
    url::form_urlencoded::byte_serialize(text.trim().as_bytes()).collect::<String>().replace('+', "%20")
}

/// A refusal as the problem document tells it: the message, the fields, and what the provider said. Without that
/// document a status from 500 comes from something between, which may have passed the request on.
pub(crate) fn refusal(changes: bool, answer: &Answer) -> Failure {
    let problem = answer.json();
    let message = text(&problem, "/message");
    if message.is_empty() {
        let what = format!("The server answered with status {} and no explanation.", answer.status);
        return unread(changes && answer.status >= 500, what);
    }
    let mut told = message.into_owned();
    for field in problem["errors"].as_array().into_iter().flatten() {
        told.push_str(&format!("\n  {}: {}", text(field, "/field"), text(field, "/message")));
    }
    if !problem["provider"].is_null() {
        let said = ["/provider/name", "/provider/status", "/provider/code", "/provider/message"];
        let said: Vec<_> = said.iter().map(|at| text(&problem, at)).filter(|part| !part.is_empty()).collect();
        told.push_str(&format!("\n  ({})", said.join(" ")));
    }
    match problem["code"].as_str() {
        Some("provider_unclear") => Failure::Unclear(told),
        _ => Failure::Error(told),
    }
}

pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The innermost reason of an error, which says most.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut reason = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_says_what_failed_and_what_the_provider_said() {
        let answer = |body: Value| Answer { status: 400, body: body.to_string() };
        let body = json!({
            "code": "invalid_request", "message": "Not \u{1b}[1mright.", "errors": [{"field": "name", "message": "empty"}],
            "provider": {"name": "twilio", "status": 401, "code": "20003", "message": "Authenticate"}
        });
        let told = "Not [1mright.\n  name: empty\n  (twilio 401 20003 Authenticate)";
        assert_eq!(refusal(true, &answer(body)), Failure::Error(told.into()));
        let unclear = refusal(true, &answer(json!({"code": "provider_unclear", "message": "Perhaps."})));
        assert_eq!(unclear.exit_code(), 4);
    }

    #[test]
    fn a_change_that_nobody_explains_is_unclear() {
        let html = |status| Answer { status, body: "<html>".into() };
        let said = "The server answered with status 502 and no explanation.";
        assert_eq!(refusal(false, &html(502)), Failure::Error(said.into()));
        for (changes, status, code) in [(true, 502, 4), (true, 500, 4), (true, 404, 1), (false, 504, 1)] {
            assert_eq!(refusal(changes, &html(status)).exit_code(), code, "{changes} {status}");
        }
        let problem = Answer { status: 500, body: r#"{"code":"internal","message":"It failed."}"#.into() };
        assert_eq!(refusal(true, &problem).exit_code(), 1);
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_made_was_not_sent() {
        let (url, token) = ("http://127.0.0.1:1".parse().unwrap(), Some("dt_x\r".into()));
        let client = Client::new(Target { url, token, language: Language::En }).unwrap();
        let post = client.post("/", &Value::Null).await.unwrap_err();
        assert!(post.exit_code() == 1 && post.to_string().contains("nothing was sent"), "{post}");
    }

    #[tokio::test]
    async fn an_accepted_change_whose_end_is_not_seen_is_unclear() {
        let url = "http://127.0.0.1:1".parse().unwrap();
        let client = Client::new(Target { url, token: None, language: Language::En }).unwrap();
        let post = client.post("/", &Value::Null).await.unwrap_err();
        assert_eq!(post.exit_code(), 1, "nothing was sent: {post}");
        let seen = client.follow(&json!({"operation": {"id": "op1", "state": "running"}})).await.unwrap_err();
        assert_eq!(seen.exit_code(), 4, "{seen}");
        assert!(seen.to_string().ends_with("dialtone operations show op1"), "{seen}");
    }

    #[test]
    fn numbers_fit_into_a_path() {
        assert_eq!(segment(" +14155552671"), "%2B14155552671");
        assert_eq!(segment("a b/../c?d"), "a%20b%2F..%2Fc%3Fd");
    }
}

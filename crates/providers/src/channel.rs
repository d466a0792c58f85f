//! One account's way to one provider: every request goes out, is repeated, and comes back here.

use crate::calls::Calls;
use crate::failure::{Effect, Failure, said};
use crate::gate::Gate;
use crate::lane::Lane;
use crate::limits::Limits;
use crate::scrub;
use dialtone_domain::{Problem, Provider, SecretString};
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, field};
use url::Url;

/// How often a request is sent at most.
const ATTEMPTS: u32 = 3;

/// A provider that asks for a longer pause than this gets none: the caller comes back later.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10);

/// What a request carries.
#[derive(Debug)]
pub(crate) enum Payload {
    None,
    Form(Vec<(&'static str, String)>),
    Json(Value),
}

/// A request, before it is sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The path without what varies, for logs.
    pub(crate) route: &'static str,
    pub(crate) payload: Payload,
    /// Secrets in the payload, which an answer may repeat.
    pub(crate) secrets: Vec<SecretString>,
}

impl Request {
    pub(crate) fn get(url: Url, route: &'static str) -> Self {
        Self { method: Method::GET, url, route, payload: Payload::None, secrets: Vec::new() }
    }

    pub(crate) fn with(method: Method, url: Url, route: &'static str, payload: Payload) -> Self {
        Self { method, url, route, payload, secrets: Vec::new() }
    }

    fn effect(&self) -> Effect {
        match self.method {
            Method::GET => Effect::Read,
            _ => Effect::Write,
        }
    }
}

/// One account's way to one provider.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) provider: Provider,
    pub(crate) client: Client,
    pub(crate) limits: Arc<Limits>,
    pub(crate) gate: Gate,
    pub(crate) calls: Calls,
    pub(crate) lane: Arc<Lane>,
    /// Marked sensitive, so that it does not print.
    pub(crate) authorization: HeaderValue,
    /// What `authorization` is made of.
    pub(crate) secret: SecretString,
}

impl Channel {
    /// Sends a request and reads its answer. A successful answer that `read` cannot read is a failure too.
    pub(crate) async fn fetch<T>(
        &self,
        request: &Request,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, Problem> {
        if request.effect() == Effect::Write {
            self.gate.check()?;
        }
        let (status, body) = self.send(request).await.map_err(|failure| self.problem(request, failure))?;
        read(body).ok_or_else(|| self.problem(request, unusable(status, "an answer of an unknown shape")))
    }

    /// As `fetch`, where a 404 means that there is none.
    pub(crate) async fn find<T>(
        &self,
        request: &Request,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        match self.fetch(request, read).await {
            Err(problem) if status(&problem) == Some(404) => Ok(None),
            result => result.map(Some),
        }
    }

    /// The problem of a list that does not end within the pages allowed.
    pub(crate) fn endless(&self) -> Problem {
        unusable(StatusCode::OK.as_u16(), "a list without an end").problem(self.provider, Effect::Read)
    }

    fn problem(&self, request: &Request, failure: Failure) -> Problem {
        failure.problem(self.provider, request.effect())
    }

    async fn send(&self, request: &Request) -> Result<(u16, Value), Failure> {
        let deadline = Instant::now() + self.limits.patience;
        let mut attempt = 1;
        loop {
            let (failure, retry_after) = match timeout_at(deadline, self.lane.turn()).await {
                Err(_) => return Err(Failure::NoTurn),
                Ok(_turn) => match self.attempt(request, attempt).await {
                    Ok(answer) => return Ok(answer),
                    Err(failed) => failed,
                },
            };
            let pause = self.pause(&failure, retry_after, attempt);
            let again = attempt < ATTEMPTS && failure.may_repeat(request.effect());
            if !again || pause > LONGEST_RETRY_AFTER || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// Exponential with full jitter, so that those who failed together do not come back together.
    fn pause(&self, failure: &Failure, retry_after: Option<Duration>, attempt: u32) -> Duration {
        let limited = failure.status() == Some(429);
        let longest = self.limits.backoff * 2u32.pow(attempt - 1) * if limited { 4 } else { 1 };
        match retry_after {
            Some(asked) if limited => asked,
            _ => longest.mul_f64(rand::random()),
        }
    }

    /// Sends once; a failure comes with the pause that the provider asked for.
    async fn attempt(
        &self,
        request: &Request,
        attempt: u32,
    ) -> Result<(u16, Value), (Failure, Option<Duration>)> {
        let began = Instant::now();
        let span = tracing::info_span!("provider call", provider = self.provider.title(), method = %request.method,
            route = request.route, attempt, status = field::Empty, otel.kind = "client");
        let result = self.exchange(request).instrument(span.clone()).await;
        let status = match &result {
            Ok((status, _)) => Some(*status),
            Err((failure, _)) => failure.status(),
        };
        span.record("status", status);
        self.calls.note(self.provider, &request.method, request.route, status, began.elapsed());
        tracing::debug!(
            provider = self.provider.title(),
            method = %request.method,
            route = request.route,
            status,
            attempt,
            duration_ms = began.elapsed().as_millis() as u64,
            "provider call"
        );
        result
    }

    async fn exchange(&self, request: &Request) -> Result<(u16, Value), (Failure, Option<Duration>)> {
        let builder = self
            .client
            .request(request.method.clone(), request.url.clone())
            .header(AUTHORIZATION, self.authorization.clone());
        let builder = match &request.payload {
            Payload::None => builder,
            Payload::Form(fields) => builder.form(fields),
            Payload::Json(body) => builder.json(body),
        };
        let mut response = builder.send().await.map_err(|error| (lost(&error), None))?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = match self.body(&mut response, status).await {
            // A refusal is one, even where its text did not arrive.
            Err(_) if !status.is_success() => Vec::new(),
            body => body.map_err(|failure| (failure, None))?,
        };
        self.interpret(request, status, &body).map_err(|failure| (failure, retry_after))
    }

    async fn body(&self, response: &mut Response, status: StatusCode) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
            if body.len() + chunk.len() > self.limits.body {
                return Err(unusable(status.as_u16(), "an answer that is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn interpret(&self, request: &Request, status: StatusCode, body: &[u8]) -> Result<(u16, Value), Failure> {
        let known: Vec<&SecretString> = std::iter::once(&self.secret).chain(&request.secrets).collect();
        let parsed = match body {
            [] => Ok(Value::Null),
            body => serde_json::from_slice::<Value>(body),
        };
        match parsed {
            Ok(mut body) if status.is_success() => {
                scrub::forget(&mut body, &known);
                Ok((status.as_u16(), body))
            }
            Err(_) if status.is_success() => Err(unusable(status.as_u16(), "an answer that is not JSON")),
            parsed => {
                let (code, text) = said(&parsed.unwrap_or_default());
                let message = match text.is_empty() {
                    true => status.to_string(),
                    false => scrub::message(&text, &known),
                };
                let code = code.map(|code| scrub::message(&code, &known));
                Err(Failure::Answered { status: status.as_u16(), code, message })
            }
        }
    }
}

/// The status that the provider answered with.
pub(crate) fn status(problem: &Problem) -> Option<u16> {
    problem.provider.as_ref()?.status
}

fn unusable(status: u16, why: &str) -> Failure {
    Failure::Answered { status, code: None, message: why.to_owned() }
}

/// The error itself is not kept: it holds the address, and that may hold a phone number.
fn lost(error: &reqwest::Error) -> Failure {
    match error {
        error if error.is_connect() || error.is_builder() => Failure::NotSent,
        error if error.is_timeout() => Failure::Lost("no answer in time"),
        _ => Failure::Lost("the connection was lost"),
    }
}

/// Only seconds are read; neither provider documents the header.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

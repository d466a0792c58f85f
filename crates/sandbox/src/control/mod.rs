//! The control API below `/sandbox`: what tests and demos use to look and to change the world.

mod guard;
mod resources;
mod run;

use std::sync::Arc;

use futures::future::BoxFuture;
use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::{Reply, Request};
use crate::routes::{capture, decoded};
use crate::state::{Shared, World};
use crate::twilio::trunks::termination;
use crate::twilio::{catalogue, compliance};
use crate::vapi::{carriers, vendor};
use crate::{jobs, page, save, settings, spec};

/// A longer text in a control call is refused.
pub(crate) const TEXT_CHARS_MAX: usize = 4_000;

pub(crate) use resources::account_or_first;

/// What went wrong: an HTTP status and a sentence.
pub(crate) type Refusal = (u16, String);
pub(crate) type Answer = Result<(u16, Value), Refusal>;

/// An answer of any kind, or what went wrong.
pub(crate) type Whole<'r> = BoxFuture<'r, Result<Reply, Refusal>>;

/// What a control call does, with the ids of its path and its body, which is always an object.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Now(fn(&mut World, &[String], Value) -> Answer),
    /// It takes the lock itself, and may wait for requests that the providers make.
    Waits(fn(Arc<Shared>, Vec<String>, Value) -> BoxFuture<'static, Answer>),
    /// It takes, or answers, something else than a small JSON object.
    Raw(for<'r> fn(&'r Arc<Shared>, &'r Request) -> Whole<'r>),
}

/// A control call: method, path below `/sandbox/`, what it does.
pub(crate) type Route = (Method, &'static str, Work);

/// Every control call; the tables stand beside their handlers.
const TABLES: &[&[Route]] = &[
    LOOKS,
    run::ROUTES,
    resources::ROUTES,
    settings::ROUTES,
    spec::control::ROUTES,
    save::CONTROL,
    carriers::CONTROL,
    vendor::CONTROL,
    crate::scenario::CONTROL,
    catalogue::CONTROL,
    compliance::CONTROL,
    crate::twilio::messages::control::ROUTES,
    crate::twilio::porting::CONTROL,
    termination::ROUTES,
];

const LOOKS: &[Route] = &[
    (Method::GET, "state", Work::Now(|world, _, _| Ok((200, world.show())))),
    (Method::GET, "requests", Work::Now(|world, _, body| Ok((200, world.log.show(read(body)?))))),
    (Method::GET, "webhooks", Work::Now(|world, _, body| Ok((200, world.outbound.show(read(body)?))))),
];

/// Answers a request to the control API. Bad input is 400 with `{"error": "…"}`, never 500.
pub(crate) async fn handle(shared: &Arc<Shared>, request: &Request) -> Reply {
    let path = request.path.strip_prefix("/sandbox").unwrap_or_default().trim_matches('/');
    let answer = match guard::wrong_host(request) {
        Some(sentence) => Err((403, sentence)),
        None => match page::serve(request, path) {
            Some(file) => return file,
            None => dispatch(shared, request, path).await,
        },
    };
    shared.changed.notify_one();
    match answer {
        Ok(reply) => reply,
        Err((status, sentence)) => Reply::json(status, &json!({"error": sentence})),
    }
}

async fn dispatch(shared: &Arc<Shared>, request: &Request, path: &str) -> Result<Reply, Refusal> {
    if let Some(sentence) = guard::cross_site(request) {
        return Err((403, sentence.to_owned()));
    }
    let (work, ids) = find(&request.method, path)?;
    let (status, value) = match work {
        Work::Now(run) => run(&mut shared.lock(), &ids, parse(request)?)?,
        // A client that goes away does not leave a call half placed.
        Work::Waits(run) => jobs::to_its_end(run(Arc::clone(shared), ids, parse(request)?)).await?,
        Work::Raw(run) => return run(shared, request).await,
    };
    Ok(Reply::json(status, &value))
}

/// A control call from inside, as a scenario makes them; its answer's value.
pub(crate) async fn call(
    shared: &Arc<Shared>,
    method: &Method,
    path: &str,
    body: Value,
) -> Result<Value, Refusal> {
    let (work, ids) = find(method, path)?;
    let answer = match work {
        Work::Now(run) => run(&mut shared.lock(), &ids, body),
        Work::Waits(run) => run(Arc::clone(shared), ids, body).await,
        Work::Raw(_) => Err(bad("this control call is for requests from outside")),
    };
    answer.map(|(_, value)| value)
}

fn find(method: &Method, path: &str) -> Result<(Work, Vec<String>), Refusal> {
    let routes = TABLES.iter().copied().flatten();
    let mut known =
        routes.filter_map(|(of, pattern, work)| Some((of, *work, capture(pattern, path)?))).peekable();
    if known.peek().is_none() {
        return Err((404, format!("there is no /sandbox/{path}")));
    }
    match known.find(|(of, ..)| *of == method) {
        Some((_, work, ids)) => Ok((work, ids.into_iter().map(decoded).collect())),
        None => Err((405, format!("{method} is not possible on /sandbox/{path}"))),
    }
}

/// 400 with a sentence.
pub(crate) fn bad(sentence: impl Into<String>) -> Refusal {
    (400, sentence.into())
}

fn parse(request: &Request) -> Result<Value, Refusal> {
    if request.body.is_empty() {
        return Ok(Value::Object(request.query().pairs().iter().map(choice).collect()));
    }
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|error| bad(format!("the body is not JSON: {error}")))?;
    if body.is_object() { Ok(body) } else { Err(bad("the body must be a JSON object")) }
}

/// A call without a body takes its choices from the query; what looks like a number is one.
fn choice((name, value): &(String, String)) -> (String, Value) {
    (name.clone(), value.parse::<u64>().map_or_else(|_| json!(value), |number| json!(number)))
}

/// The body as what the call takes.
pub(crate) fn read<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| bad(error.to_string()))
}

/// Refuses texts that are too long.
pub(crate) fn short(name: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.chars().count() > TEXT_CHARS_MAX => Err(bad(format!("{name} is too long"))),
        text => Ok(text),
    }
}

/// The body of a call that takes no choice, such as a `DELETE`: whoever names one thing must not lose all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn every_control_call_is_in_its_chapter() {
        let chapter = include_str!("../../../../docs/sandbox/control.md");
        let chapter = Regex::new(r"\{[^}`]*\}").unwrap().replace_all(chapter, "{}");
        for (method, path, _) in TABLES.iter().copied().flatten() {
            let named = Regex::new(&format!("/{}[`? ]", regex::escape(path))).unwrap();
            let told = |line: &str| line.contains(method.as_str()) && named.is_match(line);
            assert!(chapter.lines().any(told), "{method} /sandbox/{path}");
        }
    }
}

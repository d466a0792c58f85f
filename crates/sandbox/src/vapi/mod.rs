//! Vapi: what its orgs keep, phone numbers imported from Twilio, and the calls that reached it.

mod analysis;
mod analytics;
mod artifacts;
mod assistants;
mod auth;
pub(crate) mod by_hand;
pub(crate) mod calls;
pub(crate) mod carriers;
mod chat;
mod costs;
mod credentials;
mod dialing;
pub(crate) mod errors;
mod files;
mod inbound;
pub(crate) mod later;
mod lists;
mod live;
mod logs;
mod org;
pub(crate) mod phone_numbers;
mod places;
pub(crate) mod region;
mod resources;
mod rules;
mod schema;
pub(crate) mod server_messages;
mod sessions;
mod sip;
mod sip_out;
mod squads;
mod structured_outputs;
pub(crate) mod subscription;
mod talk;
pub(crate) mod texts;
mod tools;
pub(crate) mod validate;
pub(crate) mod vendor;
mod webhook_auth;
mod who;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::millis;
use crate::http::{Object, Params, Reply, Request};
use crate::ids::is_uuid;
use crate::routes::capture;
use crate::rows::Rows;
use crate::state::World;
use carriers::Carrier;
use errors::Problem;
use region::Region;
use subscription::Subscription;
use talk::Talk;
use webhook_auth::Token;

/// Where a number's calls go after its import into the default region (V5.6 [W]).
pub(crate) const INBOUND_CALL_URL: &str = "https://api.vapi.ai/twilio/inbound_call";

/// An organisation. Its key never sees another's resources (V2 [?]).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Org {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) private_key: String,
    pub(crate) public_key: String,
    pub(crate) assistants: Rows,
    pub(crate) phone_numbers: Rows,
    pub(crate) calls: Rows,
    pub(crate) subscription: Subscription,
    pub(crate) region: Region,
    /// What `/org` shows beside its id, name and server.
    pub(crate) profile: Object,
    pub(crate) squads: Rows,
    pub(crate) tools: Rows,
    pub(crate) files: Rows,
    /// With their secrets, which answers leave out.
    pub(crate) credentials: Rows,
    pub(crate) structured_outputs: Rows,
    pub(crate) chats: Rows,
    pub(crate) sessions: Rows,
    /// Calls that take one of the org's lines.
    pub(crate) active: BTreeSet<String>,
    /// Calls that wait for a line, longest first.
    pub(crate) waiting: VecDeque<String>,
    /// What `GET /logs` shows, oldest first.
    pub(crate) logs: VecDeque<Value>,
}

impl Org {
    /// How many calls it may have at the same time (V4 [D]).
    pub(crate) fn lines(&self) -> usize {
        usize::try_from(self.subscription.concurrency_limit).unwrap_or(usize::MAX)
    }

    /// The org with its keys, for the control API.
    pub(crate) fn show(&self) -> Value {
        let all = |rows: &Rows| rows.iter().cloned().map(Value::Object).collect::<Value>();
        json!({
            "id": self.id,
            "name": self.name,
            "private_key": self.private_key,
            "public_key": self.public_key,
            "assistants": all(&self.assistants),
            "phone_numbers": all(&self.phone_numbers),
            "calls": all(&self.calls),
            "subscription": self.subscription,
            "region": self.region,
            "squads": all(&self.squads),
            "tools": all(&self.tools),
            "files": all(&self.files),
            "credentials": all(&self.credentials),
            "structured_outputs": all(&self.structured_outputs),
            "chats": all(&self.chats),
            "sessions": all(&self.sessions),
        })
    }
}

/// All orgs, oldest first; so are the resources in each.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Vapi {
    pub(crate) orgs: Vec<Org>,
    pub(crate) carriers: Vec<Carrier>,
    /// Conversations that go on, by their call.
    pub(crate) talks: BTreeMap<String, Talk>,
    /// Conversations that are over and not reported yet.
    pub(crate) finished: BTreeMap<String, Talk>,
    /// OAuth2 tokens by their credential.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Twilio's side of calls that left over a trunk, by the call.
    pub(crate) trunk_legs: BTreeMap<String, String>,
}

impl Vapi {
    /// All orgs, for the control API.
    pub(crate) fn show(&self) -> Value {
        self.orgs.iter().map(Org::show).collect()
    }
}

/// What a handler works with.
pub(crate) struct Ctx<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) request: &'w Request,
    /// The caller's place among the orgs.
    org: usize,
    /// The id in the path; empty when there is none.
    pub(crate) id: String,
    pub(crate) query: Params,
    pub(crate) body: Object,
    /// Where the client reached the sandbox.
    pub(crate) host: String,
}

impl Ctx<'_> {
    pub(crate) fn org(&self) -> &Org {
        &self.world.vapi.orgs[self.org]
    }

    pub(crate) fn org_mut(&mut self) -> &mut Org {
        &mut self.world.vapi.orgs[self.org]
    }

    /// A new resource's common fields over `object`.
    pub(crate) fn created(&mut self, mut object: Object) -> Object {
        let now = millis(self.world.clock.now());
        // Equal times, for clients that page by them (V4, V14.8).
        let coarse = self.world.settings.vapi_whole_seconds;
        let now = json!(if coarse { format!("{}.000Z", &now[..19]) } else { now });
        object.insert("id".to_owned(), json!(self.world.ids.uuid()));
        object.insert("orgId".to_owned(), json!(self.org().id));
        object.insert("createdAt".to_owned(), now.clone());
        object.insert("updatedAt".to_owned(), now);
        object
    }

    /// PATCH is shallow: each property sent replaces the stored one whole (V5.5, V7 [D]).
    pub(crate) fn merged(&self, mut object: Object) -> Object {
        object.extend(self.body.clone());
        object.insert("updatedAt".to_owned(), json!(millis(self.world.clock.now())));
        object
    }

    /// The resource that the path names.
    pub(crate) fn find<'r>(&self, rows: &'r Rows) -> Result<&'r Object, Problem> {
        rows.get(&self.id).ok_or_else(Problem::not_found)
    }
}

/// A successful answer.
pub(crate) enum Answer {
    /// JSON with the usual status: 201 for POST, 200 for all others (V3.2 [S]).
    Json(Value),
    /// Anything else: redirects, other statuses.
    Plain(Reply),
}

impl Answer {
    /// Does something with the object, or with each object of a list or page.
    pub(crate) fn each(mut self, change: impl Fn(&mut Object)) -> Answer {
        let found = match &mut self {
            Answer::Json(Value::Object(page)) if page.contains_key("results") => page.get_mut("results"),
            Answer::Json(value) => Some(value),
            Answer::Plain(_) => None,
        };
        match found {
            Some(Value::Array(items)) => items.iter_mut().filter_map(Value::as_object_mut).for_each(change),
            Some(Value::Object(object)) => change(object),
            _ => {}
        }
        self
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Answer {
        Answer::Json(value)
    }
}

impl From<Object> for Answer {
    fn from(object: Object) -> Answer {
        Answer::Json(Value::Object(object))
    }
}

pub(crate) type Handler = fn(&mut Ctx<'_>) -> Result<Answer, Problem>;
/// A method, a path below `/vapi/`, and what answers there.
pub(crate) type Route = (Method, &'static str, Handler);

/// Every route; the tables stand beside their handlers.
const ROUTES: &[&[Route]] = &[
    assistants::ROUTES,
    phone_numbers::ROUTES,
    calls::ROUTES,
    calls::ARTIFACTS,
    chat::ROUTES,
    analytics::ROUTES,
    logs::ROUTES,
    sessions::ROUTES,
    credentials::ROUTES,
    files::ROUTES,
    org::ROUTES,
    squads::ROUTES,
    structured_outputs::ROUTES,
    tools::ROUTES,
];

/// Whether there is a handler for a method and a path with so many ids, as Vapi's own host sees it.
pub(crate) fn answers(method: &Method, path: &str, ids: usize) -> bool {
    let path = path.trim_start_matches('/');
    let fits = |pattern: &str| capture(pattern, path).is_some_and(|found| found.len() == ids);
    ROUTES.iter().copied().flatten().any(|(known, pattern, _)| known == method && fits(pattern))
}

/// Answers a request below one of the regions' paths, none if it is elsewhere; also returns the query
/// parameters that it did not know.
pub(crate) fn handle(world: &mut World, request: &Request) -> Option<(Reply, Vec<String>)> {
    let below = |(region, prefix): (Region, &'static str)| {
        request.path.strip_prefix(prefix)?.strip_prefix('/').map(|path| (region, prefix, path))
    };
    let (region, prefix, path) = Region::ALL.into_iter().find_map(below)?;
    let target = request.target();
    let target = target.strip_prefix(prefix).unwrap_or_default();
    Some(match respond(world, request, region, path, target) {
        Ok(answered) => answered,
        Err(problem) => (problem.reply(), Vec::new()),
    })
}

fn respond(
    world: &mut World,
    request: &Request,
    region: Region,
    path: &str,
    target: &str,
) -> Result<(Reply, Vec<String>), Problem> {
    // Nest finds the route before it looks at keys: `Cannot POST /v1/assistant` needs none [?].
    if let Some(path) = path.strip_prefix("live/") {
        return Ok((live::handle(world, request, path), Vec::new()));
    }
    let fits = |(method, pattern, handler): &Route| {
        if *method == request.method { Some((*handler, capture(pattern, path)?)) } else { None }
    };
    let (handler, ids) = ROUTES
        .iter()
        .copied()
        .flatten()
        .find_map(fits)
        .ok_or_else(|| Problem::no_route(request.method.as_str(), target))?;
    let org = auth::authenticate(&world.vapi, request, region)?;
    let id = ids.first().copied().unwrap_or_default().to_owned();
    // What the real service says to a path that is no UUID is not known [?].
    if !ids.is_empty() && !is_uuid(&id) {
        return Err(Problem::invalid(&["id must be a UUID".to_owned()]));
    }
    let host = request.header("host").unwrap_or("127.0.0.1").to_owned();
    let mut ctx = Ctx { world, request, org, id, query: request.query(), body: body(request)?, host };
    let answer = handler(&mut ctx)?;
    let reply = match answer {
        Answer::Json(body) => Reply::json(if request.method == Method::POST { 201 } else { 200 }, &body),
        Answer::Plain(reply) => reply,
    };
    Ok((reply, ctx.query.unread()))
}

fn body(request: &Request) -> Result<Object, Problem> {
    let form = request.header("content-type").is_some_and(|kind| kind.starts_with("multipart/"));
    if form || request.body.is_empty() || request.method == Method::GET {
        return Ok(Object::new());
    }
    serde_json::from_slice(&request.body)
        .map_err(|error| Problem::refused(format!("Unexpected JSON: {error}")))
}

//! Twilio: the `api` product (2010-04-01) and as much of `trunking` as call routing needs.

pub(crate) mod accounts;
mod addresses;
pub(crate) mod alerts;
mod applications;
pub(crate) mod auth;
pub(crate) mod caller_ids;
pub(crate) mod calls;
pub(crate) mod catalogue;
pub(crate) mod compliance;
mod cookies;
mod dialing;
pub(crate) mod errors;
pub(crate) mod geo_permissions;
mod inbound_routes;
pub(crate) mod keys;
mod lookups;
pub(crate) mod messages;
mod monitor;
pub(crate) mod numbers;
mod overrides;
mod paging;
mod params;
pub(crate) mod porting;
pub(crate) mod prices;
mod pricing;
pub(crate) mod recordings;
mod search;
pub(crate) mod services;
pub(crate) mod signature;
mod sip;
pub(crate) mod test_account;
mod tokens;
pub(crate) mod trunks;
mod twiml;
mod usage;
pub(crate) mod voice;
pub(crate) mod webhooks;
mod xml;

use std::collections::{BTreeMap, BTreeSet};

use hyper::Method;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::{Object, Params, Reply, Request, text};
use crate::routes::capture;
use crate::rows::Rows;
use crate::state::World;
use accounts::Account;
use alerts::Alerts;
use auth::Caller;
use catalogue::Stock;
use compliance::Compliance;
use cookies::Cookies;
use errors::Problem;
use messages::store::Messages;
use numbers::Numbers;
use services::Texting;

/// All Twilio resources, oldest first. Objects are kept as Twilio shows them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Twilio {
    pub(crate) accounts: Vec<Account>,
    pub(crate) numbers: Numbers,
    pub(crate) caller_ids: Rows,
    pub(crate) applications: Rows,
    pub(crate) trunks: Rows,
    pub(crate) origination_urls: Rows,
    pub(crate) calls: Rows,
    pub(crate) alerts: Alerts,
    #[serde(default)]
    pub(crate) stock: Stock,
    #[serde(default)]
    pub(crate) addresses: Rows,
    #[serde(default)]
    pub(crate) compliance: Compliance,
    #[serde(default)]
    pub(crate) recordings: Rows,
    /// Where the sound of a recording is kept, by SID and extension.
    #[serde(default)]
    pub(crate) recording_files: BTreeMap<String, String>,
    /// How calls that were asked for go on, by SID.
    #[serde(default)]
    pub(crate) courses: BTreeMap<String, voice::course::Course>,
    pub(crate) messages: Messages,
    pub(crate) texting: Texting,
    #[serde(default)]
    pub(crate) cookies: Cookies,
    #[serde(default)]
    pub(crate) inbound_routes: Rows,
    pub(crate) porting: porting::Porting,
    #[serde(default)]
    pub(crate) sip: sip::Sip,
    /// Countries that accounts may not call.
    #[serde(default)]
    pub(crate) closed_dialing: BTreeMap<String, BTreeSet<String>>,
}

/// What a handler works with.
pub(crate) struct Ctx<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) request: &'w Request,
    pub(crate) caller: Caller,
    /// The account that is acted on: the path's, or for products without one the caller's.
    pub(crate) account: String,
    /// The other ids of the path.
    pub(crate) ids: Vec<String>,
    pub(crate) query: Params,
    pub(crate) form: Params,
    /// The path as Twilio's own host would see it.
    pub(crate) uri: String,
    /// Where the product answers, for absolute links.
    pub(crate) base: String,
}

impl Ctx<'_> {
    /// Whether the account that is acted on owns this resource.
    pub(crate) fn owns(&self, object: &Object) -> bool {
        text(object, "account_sid") == Some(self.account.as_str())
    }

    /// The resource that the path names last; 404 when it is not among `rows` or not this account's.
    pub(crate) fn own<'r>(&self, rows: &'r Rows) -> Result<&'r Object, Problem> {
        let named = self.ids.last().and_then(|sid| rows.get(sid));
        named.filter(|object| self.owns(object)).ok_or_else(|| Problem::not_found(&self.uri))
    }
}

/// A successful answer.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A resource or a list; `kind` is the resource's name in XML.
    Resource { status: u16, kind: &'static str, body: Value },
    /// Anything else: no content, redirects, media.
    Plain(Reply),
}

impl Answer {
    /// One resource.
    pub(crate) fn item(status: u16, kind: &'static str, object: Object) -> Answer {
        Answer::Resource { status, kind, body: Value::Object(object) }
    }

    /// 204 without a body (T1 [S]).
    pub(crate) fn deleted() -> Answer {
        Answer::Plain(Reply::new(204, "application/json", Bytes::new()))
    }
}

pub(crate) type Handler = fn(&mut Ctx<'_>) -> Result<Answer, Problem>;

/// A path below a product's version, and what can be done there.
pub(crate) struct Route {
    pattern: &'static str,
    /// What a key needs rights for (see [`auth::allow`]).
    area: &'static str,
    methods: &'static [(Method, Handler)],
}

struct Product {
    name: &'static str,
    version: &'static str,
    routes: &'static [&'static [Route]],
}

/// Every product with its routes, which stand beside their handlers.
const PRODUCTS: &[Product] = &[
    Product {
        name: "api",
        version: "2010-04-01",
        routes: &[
            accounts::ROUTES,
            keys::ROUTES,
            numbers::PURCHASE,
            numbers::ROUTES,
            addresses::ROUTES,
            search::ROUTES,
            caller_ids::ROUTES,
            applications::ROUTES,
            calls::ROUTES,
            recordings::ROUTES,
            messages::ROUTES,
            sip::ROUTES,
            usage::ROUTES,
        ],
    },
    Product { name: "trunking", version: "v1", routes: &[trunks::ROUTES, trunks::LINKS] },
    Product { name: "accounts", version: "v1", routes: &[tokens::ROUTES, geo_permissions::ROUTES] },
    Product { name: "numbers", version: "v2", routes: compliance::ROUTES },
    Product { name: "numbers-upload", version: "v2", routes: &[compliance::UPLOADS] },
    Product { name: "lookups", version: "v2", routes: &[lookups::ROUTES] },
    Product { name: "routes", version: "v2", routes: &[inbound_routes::ROUTES] },
    Product { name: "pricing", version: "v1", routes: &[pricing::V1] },
    Product { name: "pricing", version: "v2", routes: &[pricing::V2] },
    Product { name: "voice", version: "v1", routes: &[dialing::ROUTES] },
    Product { name: "monitor", version: "v1", routes: &[monitor::ROUTES] },
    Product {
        name: "messaging",
        version: "v1",
        routes: &[
            services::ROUTES,
            services::POOL_ROUTES,
            services::SENDER_ROUTES,
            services::USA2P_ROUTES,
            services::TOLLFREE_ROUTES,
        ],
    },
    Product { name: "numbers", version: "v1", routes: &[porting::ROUTES] },
    Product { name: "numbers-upload", version: "v1", routes: &[porting::UPLOADS] },
];

/// Edge and region of the plain host: `api.twilio.com` is `api.ashburn.us1.twilio.com` (T1 [D]).
const HOME: &str = "ashburn.us1";

/// A request's place among the products.
struct Place {
    product: &'static Product,
    /// Below the version, without suffix.
    path: String,
    uri: String,
    /// The 2010 API answers XML unless the path ends in `.json`; the newer ones know only JSON (T1 [D]).
    xml: bool,
    /// A host of another region, or one that names a region without an edge (T1 [D][I]).
    abroad: bool,
}

impl Place {
    fn of(path: &str) -> Option<Place> {
        let (host, rest) = path.strip_prefix("/twilio/")?.split_once('/')?;
        let (name, place) = host.split_once('.').unwrap_or((host, HOME));
        let (version, below) = rest.split_once('/')?;
        let fits = |product: &&Product| product.name == name && product.version == version;
        let product = PRODUCTS.iter().find(fits)?;
        let suffixed = product.name == "api";
        let bare = below.strip_suffix(".json").filter(|_| suffixed);
        Some(Place {
            product,
            path: bare.unwrap_or(below).to_owned(),
            uri: format!("/{rest}"),
            xml: suffixed && bare.is_none(),
            abroad: place.split_once('.').is_none_or(|(_, region)| region != "us1"),
        })
    }
}

/// Whether there is a handler for a method and a path with so many ids, as Twilio's own hosts see it.
pub(crate) fn answers(product: &str, method: &Method, path: &str, ids: usize) -> bool {
    let Some(place) = Place::of(&format!("/twilio/{product}{path}")) else { return false };
    let fits = |route: &&Route| capture(route.pattern, &place.path).is_some_and(|found| found.len() == ids);
    let mut routes = place.product.routes.iter().copied().flatten().filter(fits);
    routes.any(|route| route.methods.iter().any(|(known, _)| known == method))
}

/// Answers a request below `/twilio/`; also returns the parameters that it did not know.
pub(crate) fn handle(world: &mut World, request: &Request) -> (Reply, Vec<String>) {
    let Some(place) = Place::of(&request.path) else {
        let uri = request.path.strip_prefix("/twilio").unwrap_or_default();
        return (Reply::json(404, &Problem::not_found(uri).body()), Vec::new());
    };
    match respond(world, request, &place) {
        Ok((answer, unknown)) => (render(answer, place.xml), unknown),
        Err(problem) => (refuse(&problem, place.xml), Vec::new()),
    }
}

fn respond(world: &mut World, request: &Request, place: &Place) -> Result<(Answer, Vec<String>), Problem> {
    let (user, secret) = auth::basic(request.header("authorization")).ok_or_else(Problem::authenticate)?;
    // Credentials belong to a region, and these are the US's (T1 [D][I]).
    if place.abroad {
        return Err(Problem::authenticate());
    }
    let caller = auth::authenticate(&world.twilio, &user, &secret)?;
    let mut routes = place.product.routes.iter().copied().flatten();
    let found = routes.find_map(|route| Some((route, capture(route.pattern, &place.path)?)));
    let (route, ids) = found.ok_or_else(|| Problem::not_found(&place.uri))?;
    let mut ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let account = match route.pattern.starts_with("Accounts/{}") {
        true => ids.remove(0),
        false => caller.account.clone(),
    };
    if world.twilio.account(&caller.account).is_some_and(|account| account.test) {
        test_account::check(place.product.name, &request.method, route.pattern)?;
    }
    let writes = request.method != Method::GET;
    auth::admit(&world.twilio, &caller, &account, route.area, writes, &place.uri)?;
    let handler = route.methods.iter().find(|(method, _)| *method == request.method);
    let (_, handler) = handler.ok_or_else(|| Problem::new(20004, "Method not allowed"))?;
    let host = request.header("host").unwrap_or("127.0.0.1");
    let mut ctx = Ctx {
        world,
        request,
        caller,
        account,
        ids,
        query: request.query(),
        form: if writes { request.form() } else { Params::default() },
        uri: place.uri.clone(),
        base: format!("http://{host}/twilio/{}", place.product.name),
    };
    let answer = handler(&mut ctx)?;
    let mut unknown = ctx.query.unread();
    unknown.extend(ctx.form.unread());
    Ok((answer, unknown))
}

fn render(answer: Answer, as_xml: bool) -> Reply {
    match answer {
        Answer::Plain(reply) => reply,
        Answer::Resource { status, kind, body } if as_xml => {
            Reply::new(status, xml::TYPE, xml::resource(kind, &body))
        }
        Answer::Resource { status, body, .. } => Reply::json(status, &body),
    }
}

fn refuse(problem: &Problem, as_xml: bool) -> Reply {
    let reply = match as_xml {
        true => Reply::new(problem.status, xml::TYPE, xml::problem(problem)),
        false => Reply::json(problem.status, &problem.body()),
    };
    match problem.status {
        401 => reply.with("www-authenticate", "Basic realm=\"Twilio API\""),
        _ => reply,
    }
}

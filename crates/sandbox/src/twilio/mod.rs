//! Twilio: the `api` product (2010-04-01) and as much of `trunking` as call routing needs.

pub(crate) mod accounts;
mod applications;
pub(crate) mod auth;
pub(crate) mod caller_ids;
pub(crate) mod calls;
pub(crate) mod errors;
pub(crate) mod keys;
pub(crate) mod numbers;
mod paging;
mod params;
pub(crate) mod trunks;
mod xml;

use hyper::Method;
use hyper::body::Bytes;
use serde_json::Value;

use crate::http::{Object, Params, Reply, Request, text};
use crate::routes::capture;
use crate::state::World;
use accounts::Account;
use auth::Caller;
use errors::Problem;

/// All Twilio resources, oldest first. Objects are kept as Twilio shows them.
#[derive(Debug, Default)]
pub(crate) struct Twilio {
    pub(crate) accounts: Vec<Account>,
    pub(crate) numbers: Vec<Object>,
    pub(crate) caller_ids: Vec<Object>,
    pub(crate) applications: Vec<Object>,
    pub(crate) trunks: Vec<Object>,
    pub(crate) origination_urls: Vec<Object>,
    pub(crate) calls: Vec<Object>,
}

/// What a handler works with.
pub(crate) struct Ctx<'w> {
    pub(crate) world: &'w mut World,
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

    /// Where the resource that the path names is among `objects`; 404 when it is not this account's.
    pub(crate) fn own(&self, objects: &[Object]) -> Result<usize, Problem> {
        let named = |object: &Object| text(object, "sid") == Some(self.ids[0].as_str()) && self.owns(object);
        objects.iter().position(named).ok_or_else(|| Problem::not_found(&self.uri))
    }
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The resource's name in XML.
    pub(crate) kind: &'static str,
    pub(crate) body: Option<Value>,
}

impl Answer {
    /// One resource.
    pub(crate) fn item(status: u16, kind: &'static str, object: Object) -> Answer {
        Answer { status, kind, body: Some(Value::Object(object)) }
    }

    /// 204 without a body (T1 [S]).
    pub(crate) fn deleted() -> Answer {
        Answer { status: 204, kind: "", body: None }
    }
}

type Handler = fn(&mut Ctx<'_>) -> Result<Answer, Problem>;

struct Route {
    pattern: &'static str,
    /// What a key needs rights for (see [`auth::allow`]).
    area: &'static str,
    methods: &'static [(Method, Handler)],
}

struct Product {
    name: &'static str,
    version: &'static str,
    routes: &'static [Route],
}

const PRODUCTS: [Product; 2] = [
    Product { name: "api", version: "2010-04-01", routes: API },
    Product { name: "trunking", version: "v1", routes: TRUNKING },
];

const API: &[Route] = &[
    Route {
        pattern: "Accounts",
        area: "accounts",
        methods: &[(Method::GET, accounts::list), (Method::POST, accounts::create)],
    },
    Route {
        pattern: "Accounts/{}",
        area: "accounts",
        methods: &[(Method::GET, accounts::fetch), (Method::POST, accounts::update)],
    },
    Route { pattern: "Accounts/{}/Balance", area: "balance", methods: &[(Method::GET, accounts::balance)] },
    Route {
        pattern: "Accounts/{}/Keys",
        area: "keys",
        methods: &[(Method::GET, keys::list), (Method::POST, keys::create)],
    },
    Route {
        pattern: "Accounts/{}/Keys/{}",
        area: "keys",
        methods: &[(Method::GET, keys::fetch), (Method::DELETE, keys::delete)],
    },
    Route {
        pattern: "Accounts/{}/IncomingPhoneNumbers",
        area: "incoming-phone-numbers",
        methods: &[(Method::GET, numbers::list), (Method::POST, numbers::create)],
    },
    Route {
        pattern: "Accounts/{}/IncomingPhoneNumbers/{}",
        area: "incoming-phone-numbers",
        methods: &[
            (Method::GET, numbers::fetch),
            (Method::POST, numbers::update),
            (Method::DELETE, numbers::delete),
        ],
    },
    Route {
        pattern: "Accounts/{}/OutgoingCallerIds",
        area: "outgoing-caller-ids",
        methods: &[(Method::GET, caller_ids::list), (Method::POST, caller_ids::create)],
    },
    Route {
        pattern: "Accounts/{}/OutgoingCallerIds/{}",
        area: "outgoing-caller-ids",
        methods: &[(Method::GET, caller_ids::fetch), (Method::DELETE, caller_ids::delete)],
    },
    Route {
        pattern: "Accounts/{}/Applications",
        area: "applications",
        methods: &[(Method::GET, applications::list), (Method::POST, applications::create)],
    },
    Route {
        pattern: "Accounts/{}/Applications/{}",
        area: "applications",
        methods: &[
            (Method::GET, applications::fetch),
            (Method::POST, applications::update),
            (Method::DELETE, applications::delete),
        ],
    },
    Route { pattern: "Accounts/{}/Calls", area: "calls", methods: &[(Method::GET, calls::list)] },
    Route { pattern: "Accounts/{}/Calls/{}", area: "calls", methods: &[(Method::GET, calls::fetch)] },
];

const TRUNKING: &[Route] = &[
    Route {
        pattern: "Trunks",
        area: "trunks",
        methods: &[(Method::GET, trunks::list), (Method::POST, trunks::create)],
    },
    Route {
        pattern: "Trunks/{}",
        area: "trunks",
        methods: &[
            (Method::GET, trunks::fetch),
            (Method::POST, trunks::update),
            (Method::DELETE, trunks::delete),
        ],
    },
    Route {
        pattern: "Trunks/{}/OriginationUrls",
        area: "trunks",
        methods: &[(Method::GET, trunks::list_urls), (Method::POST, trunks::create_url)],
    },
    Route {
        pattern: "Trunks/{}/OriginationUrls/{}",
        area: "trunks",
        methods: &[(Method::GET, trunks::fetch_url), (Method::DELETE, trunks::delete_url)],
    },
];

/// A request's place among the products.
struct Place {
    product: &'static Product,
    /// Below the version, without suffix.
    path: String,
    uri: String,
    /// The 2010 API answers XML unless the path ends in `.json`; the newer ones know only JSON (T1 [D]).
    xml: bool,
}

impl Place {
    fn of(path: &str) -> Option<Place> {
        let (name, rest) = path.strip_prefix("/twilio/")?.split_once('/')?;
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
        })
    }
}

/// Answers a request below `/twilio/`; also returns the parameters that it did not know.
pub(crate) fn handle(world: &mut World, request: &Request) -> (Reply, Vec<String>) {
    let Some(place) = Place::of(&request.path) else {
        let uri = request.path.strip_prefix("/twilio").unwrap_or_default();
        return (Reply::json(404, &Problem::not_found(uri).body()), Vec::new());
    };
    match respond(world, request, &place) {
        Ok((answer, unknown)) => (render(&answer, place.xml), unknown),
        Err(problem) => (refuse(&problem, place.xml), Vec::new()),
    }
}

fn respond(world: &mut World, request: &Request, place: &Place) -> Result<(Answer, Vec<String>), Problem> {
    let (user, secret) = auth::basic(request.header("authorization")).ok_or_else(Problem::authenticate)?;
    let caller = auth::authenticate(&world.twilio, &user, &secret)?;
    let found =
        place.product.routes.iter().find_map(|route| Some((route, capture(route.pattern, &place.path)?)));
    let (route, ids) = found.ok_or_else(|| Problem::not_found(&place.uri))?;
    let mut ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let account = match route.pattern.starts_with("Accounts/{}") {
        true => ids.remove(0),
        false => caller.account.clone(),
    };
    let writes = request.method != Method::GET;
    auth::admit(&world.twilio, &caller, &account, route.area, writes, &place.uri)?;
    let handler = route.methods.iter().find(|(method, _)| *method == request.method);
    let (_, handler) = handler.ok_or_else(|| Problem::new(20004, "Method not allowed"))?;
    let host = request.header("host").unwrap_or("127.0.0.1");
    let mut ctx = Ctx {
        world,
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

fn render(answer: &Answer, as_xml: bool) -> Reply {
    match &answer.body {
        None => Reply::new(answer.status, "application/json", Bytes::new()),
        Some(body) if as_xml => Reply::new(answer.status, xml::TYPE, xml::resource(answer.kind, body)),
        Some(body) => Reply::json(answer.status, body),
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

//! Messaging Services and what US senders have to register (T15, messaging_v1 [S]).

mod pool;
pub(crate) mod registration;
mod senders;
mod tollfree;
mod usa2p;

use std::collections::{BTreeMap, BTreeSet};

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::Problem;
use super::messages::fate::Registration;
use super::params::{self, Kind, Param, Unset, param};
use super::{Answer, Ctx, Route, Twilio, paging};
use crate::clock::iso;
use crate::http::{Object, text};
use crate::rows::Rows;

pub(crate) use pool::ROUTES as POOL_ROUTES;
pub(crate) use senders::ROUTES as SENDER_ROUTES;
pub(crate) use tollfree::ROUTES as TOLLFREE_ROUTES;
pub(crate) use usa2p::ROUTES as USA2P_ROUTES;

/// What messages need besides themselves.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Texting {
    pub(crate) services: Rows,
    /// The numbers of services, by the number's SID: a number is in one service at most (T6 [E]).
    pub(crate) pool: Rows,
    pub(crate) alpha_senders: Rows,
    pub(crate) short_codes: Rows,
    pub(crate) brands: Rows,
    pub(crate) campaigns: Rows,
    pub(crate) verifications: Rows,
    /// Numbers whose registration the control API has set.
    pub(crate) registrations: BTreeMap<String, Registration>,
    /// Who opted out of which service or number.
    pub(crate) opt_outs: BTreeSet<(String, String)>,
    /// Services with Advanced Opt-Out, which only the console can switch on (T14).
    pub(crate) advanced_opt_out: BTreeSet<String>,
    /// When a sender's queue is empty, in milliseconds since 1970.
    pub(crate) lanes: BTreeMap<String, i64>,
    /// The sender that a service used for a person before: service and person with a space between.
    pub(crate) sticky: BTreeMap<String, String>,
}

/// Where services answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Services", area: "messaging", methods: &[(Method::GET, list), (Method::POST, create)] },
    Route {
        pattern: "Services/{}",
        area: "messaging",
        methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
    },
];

const SERVICE: &[Param] = &[
    param("FriendlyName", "friendly_name", Kind::Text(64), Unset::Empty),
    param("InboundRequestUrl", "inbound_request_url", Kind::Url, Unset::Null),
    param("InboundMethod", "inbound_method", Kind::Method, Unset::Null),
    param("FallbackUrl", "fallback_url", Kind::Url, Unset::Null),
    param("FallbackMethod", "fallback_method", Kind::Method, Unset::Null),
    param("StatusCallback", "status_callback", Kind::Url, Unset::Null),
    param("StickySender", "sticky_sender", Kind::Bool, Unset::Null),
    param("MmsConverter", "mms_converter", Kind::Bool, Unset::Null),
    param("SmartEncoding", "smart_encoding", Kind::Bool, Unset::Null),
    param(
        "ScanMessageContent",
        "scan_message_content",
        Kind::OneOf(&["inherit", "enable", "disable"]),
        Unset::Null,
    ),
    param("FallbackToLongCode", "fallback_to_long_code", Kind::Bool, Unset::Null),
    param("AreaCodeGeomatch", "area_code_geomatch", Kind::Bool, Unset::Null),
    param("ValidityPeriod", "validity_period", Kind::Integer(1, 36_000), Unset::Null),
    param("SynchronousValidation", "synchronous_validation", Kind::Bool, Unset::Null),
    param("Usecase", "usecase", Kind::Text(100), Unset::Null),
    param("UseInboundWebhookOnNumber", "use_inbound_webhook_on_number", Kind::Bool, Unset::Null),
];

const LINKS: &[(&str, &str)] = &[
    ("phone_numbers", "PhoneNumbers"),
    ("short_codes", "ShortCodes"),
    ("alpha_senders", "AlphaSenders"),
    ("messages", "Messages"),
    ("us_app_to_person", "Compliance/Usa2p"),
    ("us_app_to_person_usecases", "Compliance/Usa2p/Usecases"),
    ("channel_senders", "ChannelSenders"),
    ("destination_alpha_senders", "DestinationAlphaSenders"),
];

/// The first of `names` that the form lacks (T1: 20001 is what this family of errors has [?]).
pub(super) fn require(ctx: &Ctx<'_>, names: &[&str]) -> Result<(), Problem> {
    match names.iter().find(|name| ctx.form.filled(name).is_none()) {
        Some(missing) => Err(Problem::new(20001, format!("Missing required parameter {missing}"))),
        None => Ok(()),
    }
}

/// A new resource of the caller's account, without its fields.
pub(super) fn fresh(ctx: &mut Ctx<'_>, prefix: &str, tables: &[&[Param]]) -> Object {
    let now = iso(ctx.world.clock.now());
    let mut row = params::blank(tables);
    row.insert("sid".to_owned(), json!(ctx.world.ids.sid(prefix)));
    row.insert("account_sid".to_owned(), json!(ctx.account));
    row.insert("date_created".to_owned(), json!(now));
    row.insert("date_updated".to_owned(), json!(now));
    row
}

/// Fixed fields of a resource.
pub(super) fn fix(row: &mut Object, fields: &[(&str, Value)]) {
    row.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
}

/// A resource with its absolute address (T1 [S]).
pub(super) fn located(ctx: &Ctx<'_>, row: &Object, below: &str) -> Object {
    let mut row = row.clone();
    let url = format!("{}/v1/{below}/{}", ctx.base, text(&row, "sid").unwrap_or_default());
    row.insert("url".to_owned(), json!(url));
    row
}

/// The service that the path names first; 404 when it is not this account's.
pub(super) fn service(ctx: &Ctx<'_>) -> Result<String, Problem> {
    let row = ctx.ids.first().and_then(|sid| ctx.world.twilio.texting.services.get(sid));
    let own = row.filter(|row| ctx.owns(row)).and_then(|row| text(row, "sid"));
    own.map(str::to_owned).ok_or_else(|| Problem::not_found(&ctx.uri))
}

/// The resource that the path names last, if it is in the service that the path names first.
pub(super) fn within<'r>(ctx: &Ctx<'_>, rows: &'r Rows, field: &str) -> Result<&'r Object, Problem> {
    let service = service(ctx)?;
    let row = ctx.own(rows).ok().filter(|row| text(row, field) == Some(service.as_str()));
    row.ok_or_else(|| Problem::not_found(&ctx.uri))
}

fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let items = ctx.world.twilio.texting.services.iter().rev().filter(|row| ctx.owns(row));
    paging::absolute(ctx, "services", items, |row| shown(ctx, &row))
}

fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    require(ctx, &["FriendlyName"])?;
    let mut row = fresh(ctx, "MG", &[SERVICE]);
    // What a service starts with ([S] examples; the switches [?]).
    let defaults = [
        ("sticky_sender", json!(true)),
        ("mms_converter", json!(true)),
        ("smart_encoding", json!(true)),
        ("scan_message_content", json!("inherit")),
        ("fallback_to_long_code", json!(false)),
        ("area_code_geomatch", json!(true)),
        ("validity_period", json!(36_000)),
        ("usecase", json!("undeclared")),
    ];
    fix(&mut row, &defaults);
    params::apply(&[SERVICE], &ctx.form, &mut row)?;
    ctx.world.twilio.texting.services.put(row.clone());
    Ok(Answer::item(201, "Service", shown(ctx, &row)))
}

fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = ctx.own(&ctx.world.twilio.texting.services)?;
    Ok(Answer::item(200, "Service", shown(ctx, row)))
}

fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut row = ctx.own(&ctx.world.twilio.texting.services)?.clone();
    params::apply(&[SERVICE], &ctx.form, &mut row)?;
    row.insert("date_updated".to_owned(), json!(iso(ctx.world.clock.now())));
    ctx.world.twilio.texting.services.put(row.clone());
    Ok(Answer::item(200, "Service", shown(ctx, &row)))
}

/// Its numbers are free again afterwards.
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let sid = service(ctx)?;
    let texting = &mut ctx.world.twilio.texting;
    let other = |row: &Object| text(row, "service_sid") != Some(sid.as_str());
    texting.services.remove(&sid);
    texting.pool.retain(other);
    texting.alpha_senders.retain(other);
    texting.short_codes.retain(other);
    texting.campaigns.retain(|row| text(row, "messaging_service_sid") != Some(sid.as_str()));
    Ok(Answer::deleted())
}

fn shown(ctx: &Ctx<'_>, row: &Object) -> Object {
    let mut row = located(ctx, row, "Services");
    let url = text(&row, "url").unwrap_or_default().to_owned();
    let links: Object =
        LINKS.iter().map(|(name, path)| ((*name).to_owned(), json!(format!("{url}/{path}")))).collect();
    let campaign = text(&row, "sid").and_then(|sid| ctx.world.twilio.campaign_of(sid));
    let registered = campaign.is_some_and(|row| text(row, "campaign_status") == Some("VERIFIED"));
    row.insert("us_app_to_person_registered".to_owned(), json!(registered));
    row.insert("links".to_owned(), Value::Object(links));
    row
}

impl Twilio {
    /// The service that a number belongs to, as long as its account still has the number.
    pub(crate) fn service_of(&self, phone: &str) -> Option<&str> {
        let row = self.texting.pool.get(text(self.number(phone)?, "sid")?)?;
        text(row, "service_sid")
    }

    /// Services with their senders, for the control API.
    pub(crate) fn show_services(&self) -> Value {
        let with_senders = |service: &Object| {
            let mut service = service.clone();
            let senders = text(&service, "sid").map(|sid| self.pool(sid)).unwrap_or_default();
            service.insert("senders".to_owned(), json!(senders));
            Value::Object(service)
        };
        self.texting.services.iter().map(with_senders).collect()
    }

    /// A service's US campaign, the newest.
    pub(crate) fn campaign_of(&self, service: &str) -> Option<&Object> {
        let of_service = |row: &&Object| text(row, "messaging_service_sid") == Some(service);
        self.texting.campaigns.iter().rev().find(of_service)
    }

    /// A service's senders: its numbers in the order they were added, then its names.
    pub(crate) fn pool(&self, service: &str) -> Vec<String> {
        let of_service = |row: &&Object| text(row, "service_sid") == Some(service);
        let numbers = self.texting.pool.iter().filter(of_service).filter_map(|row| text(row, "phone_number"));
        let numbers = numbers.filter(|phone| self.service_of(phone) == Some(service));
        let names = self.texting.alpha_senders.iter().filter(of_service);
        numbers.chain(names.filter_map(|row| text(row, "alpha_sender"))).map(str::to_owned).collect()
    }
}

//! Elastic SIP trunks and their origination URLs (T18 [S]).

mod links;
mod route;
pub(crate) mod termination;

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::params::{self, Kind, Param, Unset, param};
use super::{Answer, Ctx, Route, Twilio, paging};
use crate::clock::iso;
use crate::http::{Object, text};

pub(crate) use links::ROUTES as LINKS;
pub(crate) use route::{Route as Origination, is_vapi, originate, route, through};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Trunks", area: "trunks", methods: &[(Method::GET, list), (Method::POST, create)] },
    Route {
        pattern: "Trunks/{}",
        area: "trunks",
        methods: &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)],
    },
    Route {
        pattern: "Trunks/{}/OriginationUrls",
        area: "trunks",
        methods: &[(Method::GET, list_urls), (Method::POST, create_url)],
    },
    Route {
        pattern: "Trunks/{}/OriginationUrls/{}",
        area: "trunks",
        methods: &[(Method::GET, fetch_url), (Method::POST, update_url), (Method::DELETE, delete_url)],
    },
];

const TRANSFER_MODES: &[&str] = &["disable-all", "enable-all", "sip-only"];
const TRANSFER_CALLER_IDS: &[&str] = &["from-transferee", "from-transferor"];

const TRUNK: &[Param] = &[
    param("FriendlyName", "friendly_name", Kind::Text(64), Unset::Null),
    param("DomainName", "domain_name", Kind::Text(255), Unset::Null),
    param("DisasterRecoveryUrl", "disaster_recovery_url", Kind::Url, Unset::Null),
    param("DisasterRecoveryMethod", "disaster_recovery_method", Kind::Method, Unset::Null),
    param("TransferMode", "transfer_mode", Kind::OneOf(TRANSFER_MODES), Unset::Null),
    param("TransferCallerId", "transfer_caller_id", Kind::OneOf(TRANSFER_CALLER_IDS), Unset::Null),
    param("Secure", "secure", Kind::Bool, Unset::Null),
    param("CnamLookupEnabled", "cnam_lookup_enabled", Kind::Bool, Unset::Null),
];

const ORIGINATION_URL: &[Param] = &[
    param("Weight", "weight", Kind::Integer(1, 65_535), Unset::Null),
    param("Priority", "priority", Kind::Integer(0, 65_535), Unset::Null),
    param("Enabled", "enabled", Kind::Bool, Unset::Null),
    param("FriendlyName", "friendly_name", Kind::Text(64), Unset::Null),
    param("SipUrl", "sip_url", Kind::SipUri, Unset::Null),
];

const SUBRESOURCES: [(&str, &str); 4] = [
    ("origination_urls", "OriginationUrls"),
    ("credential_lists", "CredentialLists"),
    ("ip_access_control_lists", "IpAccessControlLists"),
    ("phone_numbers", "PhoneNumbers"),
];

impl Twilio {
    /// Trunks with their origination URLs, for the control API.
    pub(crate) fn show_trunks(&self) -> Value {
        let with_urls = |trunk: &Object| {
            let mut trunk = self.with_auth(trunk);
            let urls = text(&trunk, "sid").map(|sid| self.urls_of(sid)).unwrap_or_default();
            trunk.insert("origination_urls".to_owned(), urls.into_iter().map(Value::Object).collect());
            Value::Object(trunk)
        };
        self.trunks.iter().map(with_urls).collect()
    }

    /// A trunk with the ways of authentication that its lists give it (T18 [S]): `auth_type` follows.
    fn with_auth(&self, trunk: &Object) -> Object {
        let sid = text(trunk, "sid").unwrap_or_default();
        let kinds = [("AL", "IP_ACL"), ("CL", "CREDENTIAL_LIST")];
        let used = kinds.iter().filter(|(prefix, _)| !self.sip.linked(sid, prefix).is_empty());
        let names: Vec<&str> = used.map(|(_, name)| *name).collect();
        let mut trunk = trunk.clone();
        trunk.insert("auth_type".to_owned(), json!(names.join(",")));
        trunk.insert("auth_type_set".to_owned(), json!(names));
        trunk
    }

    /// A trunk's origination URLs, oldest first.
    pub(crate) fn urls_of(&self, trunk: &str) -> Vec<Object> {
        let own = |url: &&Object| text(url, "trunk_sid") == Some(trunk);
        self.origination_urls.iter().filter(own).cloned().collect()
    }
}

/// `GET /v1/Trunks`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let items = ctx.world.twilio.trunks.iter().rev().filter(|trunk| ctx.owns(trunk));
    paging::absolute(ctx, "trunks", items, |trunk| linked(ctx, &trunk))
}

/// `POST /v1/Trunks`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut trunk = params::blank(&[TRUNK]);
    let fixed = json!({
        "sid": ctx.world.ids.sid("TK"),
        "account_sid": ctx.account,
        "transfer_mode": "disable-all",
        "transfer_caller_id": "from-transferee",
        "recording": {"mode": "do-not-record", "trim": "do-not-trim"},
        "auth_type": "",
        "auth_type_set": [],
        "symmetric_rtp_enabled": false,
        "date_created": iso(ctx.world.clock.now()),
    });
    if let Value::Object(fixed) = fixed {
        trunk.extend(fixed);
    }
    let trunk = configured(ctx, trunk)?;
    ctx.world.twilio.trunks.put(trunk.clone());
    Ok(Answer::item(201, "Trunk", linked(ctx, &trunk)))
}

/// `GET /v1/Trunks/{TK}`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(Answer::item(200, "Trunk", linked(ctx, ctx.own(&ctx.world.twilio.trunks)?)))
}

/// `POST /v1/Trunks/{TK}`.
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let trunk = configured(ctx, ctx.own(&ctx.world.twilio.trunks)?.clone())?;
    ctx.world.twilio.trunks.put(trunk.clone());
    Ok(Answer::item(200, "Trunk", linked(ctx, &trunk)))
}

/// `DELETE /v1/Trunks/{TK}`. That it detaches its numbers, instead of being refused, is [?] (T25).
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.trunks)?;
    let twilio = &mut ctx.world.twilio;
    let named = |object: &Object, field: &str| text(object, field) == Some(ctx.ids[0].as_str());
    twilio.trunks.remove(&ctx.ids[0]);
    twilio.origination_urls.retain(|url| !named(url, "trunk_sid"));
    twilio.sip.links.retain(|link| link.trunk != ctx.ids[0]);
    for number in twilio.numbers.iter_mut().filter(|number| named(number, "trunk_sid")) {
        number.insert("trunk_sid".to_owned(), Value::Null);
    }
    Ok(Answer::deleted())
}

fn configured(ctx: &Ctx<'_>, mut trunk: Object) -> Result<Object, Problem> {
    params::apply(&[TRUNK], &ctx.form, &mut trunk)?;
    if text(&trunk, "domain_name").is_some_and(|domain| !domain.ends_with("pstn.twilio.com")) {
        return Err(Problem::new(20422, "DomainName must end with pstn.twilio.com"));
    }
    // Unique among all accounts (T18 [S]); the code is [?].
    let same = |other: &&Object| {
        text(other, "sid") != text(&trunk, "sid") && text(other, "domain_name") == text(&trunk, "domain_name")
    };
    if text(&trunk, "domain_name").is_some() && ctx.world.twilio.trunks.iter().any(|other| same(&other)) {
        return Err(Problem::new(21232, "DomainName is taken by another trunk"));
    }
    trunk.insert("date_updated".to_owned(), json!(iso(ctx.world.clock.now())));
    Ok(trunk)
}

/// The newer APIs' links are absolute (T1 [S]); here they lead back to the sandbox.
fn linked(ctx: &Ctx<'_>, trunk: &Object) -> Object {
    let url = format!("{}/v1/Trunks/{}", ctx.base, text(trunk, "sid").unwrap_or_default());
    let links: Object = SUBRESOURCES
        .iter()
        .map(|(name, path)| ((*name).to_owned(), json!(format!("{url}/{path}"))))
        .collect();
    let mut trunk = ctx.world.twilio.with_auth(trunk);
    trunk.insert("links".to_owned(), Value::Object(links));
    trunk.insert("url".to_owned(), json!(url));
    trunk
}

/// `GET /v1/Trunks/{TK}/OriginationUrls`.
pub(crate) fn list_urls(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.trunks)?;
    let of_trunk = |url: &&Object| text(url, "trunk_sid") == Some(ctx.ids[0].as_str());
    let items = ctx.world.twilio.origination_urls.iter().rev().filter(of_trunk);
    paging::absolute(ctx, "origination_urls", items, |url| located(ctx, url))
}

/// `POST /v1/Trunks/{TK}/OriginationUrls`: all five parameters are required [S].
pub(crate) fn create_url(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.trunks)?;
    if let Some(missing) = ORIGINATION_URL.iter().find(|param| ctx.form.filled(param.name).is_none()) {
        return Err(Problem::new(20001, format!("Missing required parameter {}", missing.name)));
    }
    let now = iso(ctx.world.clock.now());
    let mut url = params::blank(&[ORIGINATION_URL]);
    params::apply(&[ORIGINATION_URL], &ctx.form, &mut url)?;
    url.insert("sid".to_owned(), json!(ctx.world.ids.sid("OU")));
    url.insert("account_sid".to_owned(), json!(ctx.account));
    url.insert("trunk_sid".to_owned(), json!(ctx.ids[0]));
    url.insert("date_created".to_owned(), json!(now));
    url.insert("date_updated".to_owned(), json!(now));
    ctx.world.twilio.origination_urls.put(url.clone());
    Ok(Answer::item(201, "OriginationUrl", located(ctx, url)))
}

/// `GET /v1/Trunks/{TK}/OriginationUrls/{OU}`.
pub(crate) fn fetch_url(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let url = own_url(ctx)?.clone();
    Ok(Answer::item(200, "OriginationUrl", located(ctx, url)))
}

/// `POST /v1/Trunks/{TK}/OriginationUrls/{OU}`: what is left out stays [S].
pub(crate) fn update_url(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut url = own_url(ctx)?.clone();
    params::apply(&[ORIGINATION_URL], &ctx.form, &mut url)?;
    url.insert("date_updated".to_owned(), json!(iso(ctx.world.clock.now())));
    ctx.world.twilio.origination_urls.put(url.clone());
    Ok(Answer::item(200, "OriginationUrl", located(ctx, url)))
}

/// `DELETE /v1/Trunks/{TK}/OriginationUrls/{OU}`.
pub(crate) fn delete_url(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own_url(ctx)?;
    ctx.world.twilio.origination_urls.remove(&ctx.ids[1]);
    Ok(Answer::deleted())
}

fn own_url<'c>(ctx: &'c Ctx<'_>) -> Result<&'c Object, Problem> {
    let url = ctx.own(&ctx.world.twilio.origination_urls)?;
    let of_trunk = text(url, "trunk_sid") == Some(ctx.ids[0].as_str());
    if of_trunk { Ok(url) } else { Err(Problem::not_found(&ctx.uri)) }
}

fn located(ctx: &Ctx<'_>, mut url: Object) -> Object {
    let sid = text(&url, "sid").unwrap_or_default();
    let at = format!("{}/v1/Trunks/{}/OriginationUrls/{sid}", ctx.base, ctx.ids[0]);
    url.insert("url".to_owned(), json!(at));
    url
}

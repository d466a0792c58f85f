//! Routes v2 (T21 [S]): in which region the calls of a number, a trunk or a SIP domain are processed.

use hyper::Method;
use serde_json::json;

use super::errors::Problem;
use super::params::{self, Kind, Param, Unset, param};
use super::{Answer, Ctx, Route};
use crate::clock::iso;
use crate::http::{Object, text};
use crate::routes::decoded;

/// Where it answers.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "PhoneNumbers/{}",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| fetch(ctx, "phone_number")),
            (Method::POST, |ctx| update(ctx, "phone_number")),
        ],
    },
    Route {
        pattern: "Trunks/{}",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| fetch(ctx, "sip_trunk_domain")),
            (Method::POST, |ctx| update(ctx, "sip_trunk_domain")),
        ],
    },
    Route {
        pattern: "SipDomains/{}",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| fetch(ctx, "sip_domain")),
            (Method::POST, |ctx| update(ctx, "sip_domain")),
        ],
    },
];

const AREA: &str = "routes";

/// The regions (T1 [D]).
const TABLE: &[Param] = &[
    param("VoiceRegion", "voice_region", Kind::OneOf(&["us1", "ie1", "au1"]), Unset::Empty),
    param("FriendlyName", "friendly_name", Kind::Text(256), Unset::Empty),
];

/// The route of what the path names. Until somebody sets it, it is the home region's; its SID follows from
/// the name, so that looking changes nothing.
fn found(ctx: &Ctx<'_>, field: &str) -> Result<Object, Problem> {
    let name = decoded(&ctx.ids[0]);
    let twilio = &ctx.world.twilio;
    let own = match field {
        "phone_number" => twilio.number(&name).is_some_and(|number| ctx.owns(number)),
        "sip_trunk_domain" => {
            let named = |trunk: &&Object| text(trunk, "domain_name") == Some(name.as_str());
            twilio.trunks.iter().find(named).is_some_and(|trunk| ctx.owns(trunk))
        }
        // SIP domains themselves are not played: a name of the right form is taken for one.
        _ => name.ends_with(".sip.twilio.com"),
    };
    if !own {
        return Err(Problem::not_found(&ctx.uri));
    }
    let sid = super::compliance::derived("QQ", &format!("{} {name}", ctx.account));
    if let Some(route) = twilio.inbound_routes.get(&sid) {
        return Ok(route.clone());
    }
    let now = iso(ctx.world.clock.now());
    let mut route = params::blank(&[TABLE]);
    let fields = [
        (field, json!(name)),
        ("sid", json!(sid)),
        ("account_sid", json!(ctx.account)),
        ("voice_region", json!("us1")),
        ("date_created", json!(now)),
        ("date_updated", json!(now)),
    ];
    route.extend(fields.map(|(field, value)| (field.to_owned(), value)));
    Ok(route)
}

fn item(ctx: &Ctx<'_>, mut route: Object) -> Answer {
    route.insert("url".to_owned(), json!(format!("{}{}", ctx.base, ctx.uri)));
    Answer::item(200, "Route", route)
}

fn fetch(ctx: &mut Ctx<'_>, field: &str) -> Result<Answer, Problem> {
    let route = found(ctx, field)?;
    Ok(item(ctx, route))
}

fn update(ctx: &mut Ctx<'_>, field: &str) -> Result<Answer, Problem> {
    let mut route = found(ctx, field)?;
    params::apply(&[TABLE], &ctx.form, &mut route)?;
    route.insert("date_updated".to_owned(), json!(iso(ctx.world.clock.now())));
    ctx.world.twilio.inbound_routes.put(route.clone());
    Ok(item(ctx, route))
}

//! What belongs to a trunk: its numbers, its access lists, its recording (T18 [S]).

use hyper::Method;
use serde_json::{Value, json};

use crate::clock::iso;
use crate::http::{Object, text};
use crate::ids::is_sid;
use crate::twilio::calls::parse;
use crate::twilio::errors::Problem;
use crate::twilio::params::{self, Kind, Param, Unset, param};
use crate::twilio::sip::Link;
use crate::twilio::{Answer, Ctx, Handler, Route, paging};

const LISTS: &[(Method, Handler)] = &[(Method::GET, list), (Method::POST, link)];
const LIST: &[(Method, Handler)] = &[(Method::GET, fetch), (Method::DELETE, unlink)];

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Trunks/{}/IpAccessControlLists", area: "trunks", methods: LISTS },
    Route { pattern: "Trunks/{}/IpAccessControlLists/{}", area: "trunks", methods: LIST },
    Route { pattern: "Trunks/{}/CredentialLists", area: "trunks", methods: LISTS },
    Route { pattern: "Trunks/{}/CredentialLists/{}", area: "trunks", methods: LIST },
    Route {
        pattern: "Trunks/{}/PhoneNumbers",
        area: "trunks",
        methods: &[(Method::GET, numbers), (Method::POST, attach)],
    },
    Route {
        pattern: "Trunks/{}/PhoneNumbers/{}",
        area: "trunks",
        methods: &[(Method::GET, number), (Method::DELETE, detach)],
    },
    Route {
        pattern: "Trunks/{}/Recording",
        area: "trunks",
        methods: &[(Method::GET, recording), (Method::POST, record)],
    },
];

/// The words for a kind of list: its prefix, path, key and parameter.
type Words = (&'static str, &'static str, &'static str, &'static str);
const ADDRESSES: Words = ("AL", "IpAccessControlLists", "ip_access_control_lists", "IpAccessControlListSid");
const CREDENTIALS: Words = ("CL", "CredentialLists", "credential_lists", "CredentialListSid");

fn words(ctx: &Ctx<'_>) -> Words {
    if ctx.uri.contains("/CredentialLists") { CREDENTIALS } else { ADDRESSES }
}

/// The trunk that the path names first.
fn own_trunk<'c>(ctx: &'c Ctx<'_>) -> Result<&'c Object, Problem> {
    let trunk = ctx.ids.first().and_then(|sid| ctx.world.twilio.trunks.get(sid));
    trunk.filter(|trunk| ctx.owns(trunk)).ok_or_else(|| Problem::not_found(&ctx.uri))
}

fn linked(ctx: &Ctx<'_>, link: &Link) -> Object {
    let (_, path, ..) = words(ctx);
    let list = ctx.world.twilio.sip.lists.get(&link.list);
    let name = list.and_then(|list| text(list, "friendly_name"));
    let shown = json!({
        "sid": link.list,
        "account_sid": ctx.account,
        "trunk_sid": link.trunk,
        "friendly_name": name,
        "date_created": link.at,
        "date_updated": link.at,
        "url": format!("{}/v1/Trunks/{}/{path}/{}", ctx.base, link.trunk, link.list),
    });
    shown.as_object().cloned().unwrap_or_default()
}

fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own_trunk(ctx)?;
    let (prefix, _, key, _) = words(ctx);
    let links = ctx.world.twilio.sip.linked(&ctx.ids[0], prefix);
    let shown: Vec<Object> = links.into_iter().rev().map(|link| linked(ctx, link)).collect();
    paging::absolute(ctx, key, shown.iter(), |object| object)
}

/// The same list twice is one link [?].
fn link(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own_trunk(ctx)?;
    let (prefix, _, _, name) = words(ctx);
    let list = ctx.form.filled(name).filter(|sid| is_sid(sid, prefix));
    let list = list.ok_or_else(|| Problem::new(20001, format!("Missing required parameter {name}")))?;
    let known = ctx.world.twilio.sip.lists.get(list).is_some_and(|list| ctx.owns(list));
    if !known {
        return Err(Problem::not_found(&format!("/v1/{list}")));
    }
    let (trunk, list) = (ctx.ids[0].clone(), list.to_owned());
    let at = iso(ctx.world.clock.now());
    let links = &mut ctx.world.twilio.sip.links;
    if !links.iter().any(|link| link.trunk == trunk && link.list == list) {
        links.push(Link { trunk: trunk.clone(), list: list.clone(), at: at.clone() });
    }
    let shown = linked(ctx, &Link { trunk, list, at });
    Ok(Answer::item(201, "", shown))
}

fn find<'c>(ctx: &'c Ctx<'_>) -> Result<&'c Link, Problem> {
    own_trunk(ctx)?;
    let links = &ctx.world.twilio.sip.links;
    let found = links.iter().find(|link| link.trunk == ctx.ids[0] && link.list == ctx.ids[1]);
    found.ok_or_else(|| Problem::not_found(&ctx.uri))
}

fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(Answer::item(200, "", linked(ctx, find(ctx)?)))
}

fn unlink(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    find(ctx)?;
    let (trunk, list) = (&ctx.ids[0], &ctx.ids[1]);
    ctx.world.twilio.sip.links.retain(|link| &link.trunk != trunk || &link.list != list);
    Ok(Answer::deleted())
}

/// The fields of a number that a trunk shows [S].
const NUMBER: [&str; 22] = [
    "account_sid",
    "address_requirements",
    "api_version",
    "beta",
    "capabilities",
    "friendly_name",
    "phone_number",
    "sid",
    "sms_application_sid",
    "sms_fallback_method",
    "sms_fallback_url",
    "sms_method",
    "sms_url",
    "status_callback",
    "status_callback_method",
    "trunk_sid",
    "voice_application_sid",
    "voice_caller_id_lookup",
    "voice_fallback_method",
    "voice_fallback_url",
    "voice_method",
    "voice_url",
];

fn shown(ctx: &Ctx<'_>, number: &Object) -> Object {
    let mut shown: Object = NUMBER
        .iter()
        .map(|field| ((*field).to_owned(), number.get(*field).cloned().unwrap_or_default()))
        .collect();
    for field in ["date_created", "date_updated"] {
        let at = text(number, field).and_then(parse).map(iso);
        shown.insert(field.to_owned(), json!(at));
    }
    let sid = text(number, "sid").unwrap_or_default();
    let uri = text(number, "uri").unwrap_or_default();
    let api = ctx.base.replace("/trunking", "/api");
    shown
        .insert("url".to_owned(), json!(format!("{}/v1/Trunks/{}/PhoneNumbers/{sid}", ctx.base, ctx.ids[0])));
    shown.insert("links".to_owned(), json!({"phone_number": format!("{api}{uri}")}));
    shown
}

fn numbers(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own_trunk(ctx)?;
    let of_trunk = |number: &&Object| text(number, "trunk_sid") == Some(ctx.ids[0].as_str());
    let items = ctx.world.twilio.numbers.iter().rev().filter(of_trunk);
    paging::absolute(ctx, "phone_numbers", items, |number| shown(ctx, &number))
}

/// As `TrunkSid` on the number: the application goes (T6 [S]).
fn attach(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own_trunk(ctx)?;
    let sid = ctx.form.filled("PhoneNumberSid").unwrap_or_default();
    let number = ctx.world.twilio.numbers.rows().get(sid).filter(|number| ctx.owns(number));
    let mut number = number.cloned().ok_or_else(|| Problem::not_found(&format!("/v1/{sid}")))?;
    number.insert("trunk_sid".to_owned(), json!(ctx.ids[0]));
    number.insert("voice_application_sid".to_owned(), json!(""));
    let answer = Answer::item(201, "", shown(ctx, &number));
    ctx.world.twilio.numbers.put(number);
    Ok(answer)
}

fn own_number(ctx: &Ctx<'_>) -> Result<Object, Problem> {
    own_trunk(ctx)?;
    let number = ctx.own(ctx.world.twilio.numbers.rows())?;
    let of_trunk = text(number, "trunk_sid") == Some(ctx.ids[0].as_str());
    if of_trunk { Ok(number.clone()) } else { Err(Problem::not_found(&ctx.uri)) }
}

fn number(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(Answer::item(200, "", shown(ctx, &own_number(ctx)?)))
}

/// The number's voice URLs, which the trunk hid, count again (T24.9).
fn detach(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut number = own_number(ctx)?;
    number.insert("trunk_sid".to_owned(), Value::Null);
    ctx.world.twilio.numbers.put(number);
    Ok(Answer::deleted())
}

const MODES: &[&str] = &[
    "do-not-record",
    "record-from-ringing",
    "record-from-answer",
    "record-from-ringing-dual",
    "record-from-answer-dual",
];
const RECORDING: &[Param] = &[
    param("Mode", "mode", Kind::OneOf(MODES), Unset::Null),
    param("Trim", "trim", Kind::OneOf(&["trim-silence", "do-not-trim"]), Unset::Null),
];

fn recording(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let recording = own_trunk(ctx)?.get("recording").and_then(Value::as_object).cloned();
    Ok(Answer::item(200, "", recording.unwrap_or_default()))
}

fn record(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut trunk = own_trunk(ctx)?.clone();
    if let Some(recording) = trunk.get_mut("recording").and_then(Value::as_object_mut) {
        params::apply(&[RECORDING], &ctx.form, recording)?;
    }
    ctx.world.twilio.trunks.put(trunk);
    recording(ctx)
}

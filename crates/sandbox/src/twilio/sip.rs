//! Access lists of SIP: addresses that may call, and names with passwords (T18 [S]).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Route, paging};
use crate::clock::rfc2822;
use crate::http::{Object, text};
use crate::rows::Rows;

/// Both kinds of lists with what is in them, and their links to trunks.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sip {
    pub(crate) lists: Rows,
    pub(crate) items: Rows,
    /// Never shown (T18 [S]).
    passwords: BTreeMap<String, String>,
    pub(crate) links: Vec<Link>,
}

/// That a trunk uses a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) trunk: String,
    pub(crate) list: String,
    /// When it was made, as the newer APIs show it.
    pub(crate) at: String,
}

/// The two kinds of lists, which differ in words only.
struct Family {
    path: &'static str,
    key: &'static str,
    kind: &'static str,
    prefix: &'static str,
    sub_path: &'static str,
    sub_key: &'static str,
    sub_kind: &'static str,
    sub_prefix: &'static str,
    /// The field of an item that names its list.
    of: &'static str,
    /// Codes: a list is in use, too many items, a bad list, a bad item ([E]).
    in_use: u32,
    full: u32,
    bad_list: u32,
    bad_item: u32,
    most: usize,
}

const ADDRESSES: Family = Family {
    path: "IpAccessControlLists",
    key: "ip_access_control_lists",
    kind: "SipIpAccessControlList",
    prefix: "AL",
    sub_path: "IpAddresses",
    sub_key: "ip_addresses",
    sub_kind: "IpAddress",
    sub_prefix: "IP",
    of: "ip_access_control_list_sid",
    in_use: 21236,
    full: 21237,
    bad_list: 21235,
    bad_item: 21238,
    most: 100,
};

const CREDENTIALS: Family = Family {
    path: "CredentialLists",
    key: "credential_lists",
    kind: "SipCredentialList",
    prefix: "CL",
    sub_path: "Credentials",
    sub_key: "credentials",
    sub_kind: "Credential",
    sub_prefix: "CR",
    of: "credential_list_sid",
    in_use: 21241,
    full: 21242,
    bad_list: 21240,
    bad_item: 21243,
    most: 1_000,
};

const LISTS: &[(Method, super::Handler)] = &[(Method::GET, list), (Method::POST, create)];
const LIST: &[(Method, super::Handler)] =
    &[(Method::GET, fetch), (Method::POST, update), (Method::DELETE, delete)];
const ITEMS: &[(Method, super::Handler)] = &[(Method::GET, list_items), (Method::POST, create_item)];
const ITEM: &[(Method, super::Handler)] =
    &[(Method::GET, fetch_item), (Method::POST, update_item), (Method::DELETE, delete_item)];

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Accounts/{}/SIP/IpAccessControlLists", area: "sip", methods: LISTS },
    Route { pattern: "Accounts/{}/SIP/IpAccessControlLists/{}", area: "sip", methods: LIST },
    Route { pattern: "Accounts/{}/SIP/IpAccessControlLists/{}/IpAddresses", area: "sip", methods: ITEMS },
    Route { pattern: "Accounts/{}/SIP/IpAccessControlLists/{}/IpAddresses/{}", area: "sip", methods: ITEM },
    Route { pattern: "Accounts/{}/SIP/CredentialLists", area: "sip", methods: LISTS },
    Route { pattern: "Accounts/{}/SIP/CredentialLists/{}", area: "sip", methods: LIST },
    Route { pattern: "Accounts/{}/SIP/CredentialLists/{}/Credentials", area: "sip", methods: ITEMS },
    Route { pattern: "Accounts/{}/SIP/CredentialLists/{}/Credentials/{}", area: "sip", methods: ITEM },
];

impl Sip {
    /// Whether an address is in one of these lists.
    pub(crate) fn admits(&self, lists: &[&str], address: Ipv4Addr) -> bool {
        self.of(lists).any(|item| {
            let network: Option<Ipv4Addr> = text(item, "ip_address").and_then(|text| text.parse().ok());
            let length = item.get("cidr_prefix_length").and_then(Value::as_u64).unwrap_or(32);
            let mask = u32::try_from((1_u64 << 32) - (1_u64 << (32 - length.min(32)))).unwrap_or(u32::MAX);
            network.is_some_and(|network| u32::from(network) & mask == u32::from(address) & mask)
        })
    }

    /// Whether a name with this password is in one of these lists.
    pub(crate) fn knows(&self, lists: &[&str], username: &str, password: &str) -> bool {
        self.of(lists).any(|item| {
            let sid = text(item, "sid").unwrap_or_default();
            text(item, "username") == Some(username)
                && self.passwords.get(sid).map(String::as_str) == Some(password)
        })
    }

    fn of(&self, lists: &[&str]) -> impl Iterator<Item = &Object> {
        self.items.iter().filter(move |item| {
            let list = text(item, ADDRESSES.of).or_else(|| text(item, CREDENTIALS.of));
            list.is_some_and(|list| lists.contains(&list))
        })
    }

    /// The lists of one kind (`AL` or `CL`) that a trunk uses, oldest link first.
    pub(crate) fn linked(&self, trunk: &str, prefix: &str) -> Vec<&Link> {
        self.links.iter().filter(|link| link.trunk == trunk && link.list.starts_with(prefix)).collect()
    }
}

fn family(ctx: &Ctx<'_>) -> &'static Family {
    if ctx.uri.contains("/SIP/CredentialLists") { &CREDENTIALS } else { &ADDRESSES }
}

fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let family = family(ctx);
    let wanted = |list: &&Object| {
        ctx.owns(list) && text(list, "sid").is_some_and(|sid| sid.starts_with(family.prefix))
    };
    let items = ctx.world.twilio.sip.lists.iter().rev().filter(wanted);
    paging::relative(ctx, family.key, family.kind, items)
}

/// The name that a list must have (21235, 21240 [E]).
fn name(ctx: &Ctx<'_>, code: u32) -> Result<String, Problem> {
    let name = ctx.form.filled("FriendlyName").filter(|name| name.chars().count() <= 255);
    name.map(str::to_owned).ok_or_else(|| Problem::new(code, "FriendlyName must have 1 to 255 characters"))
}

fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let family = family(ctx);
    let name = name(ctx, family.bad_list)?;
    let sid = ctx.world.ids.sid(family.prefix);
    let at = rfc2822(ctx.world.clock.now());
    let base = format!("/2010-04-01/Accounts/{}/SIP/{}/{sid}", ctx.account, family.path);
    let list = json!({
        "sid": sid,
        "account_sid": ctx.account,
        "friendly_name": name,
        "date_created": at,
        "date_updated": at,
        "subresource_uris": {family.sub_key: format!("{base}/{}.json", family.sub_path)},
        "uri": format!("{base}.json"),
    });
    let list = list.as_object().cloned().unwrap_or_default();
    ctx.world.twilio.sip.lists.put(list.clone());
    Ok(Answer::item(201, family.kind, list))
}

/// The list that the path names first.
fn own_list<'c>(ctx: &'c Ctx<'_>) -> Result<&'c Object, Problem> {
    let family = family(ctx);
    let named = ctx.ids.first().filter(|sid| sid.starts_with(family.prefix));
    let list = named.and_then(|sid| ctx.world.twilio.sip.lists.get(sid));
    list.filter(|list| ctx.owns(list)).ok_or_else(|| Problem::not_found(&ctx.uri))
}

fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(Answer::item(200, family(ctx).kind, own_list(ctx)?.clone()))
}

fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let mut list = own_list(ctx)?.clone();
    list.insert("friendly_name".to_owned(), json!(name(ctx, family(ctx).bad_list)?));
    list.insert("date_updated".to_owned(), json!(rfc2822(ctx.world.clock.now())));
    ctx.world.twilio.sip.lists.put(list.clone());
    Ok(Answer::item(200, family(ctx).kind, list))
}

/// Refused while a trunk uses it (21236, 21241 [E]; that the real service does so is [?], T25).
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let family = family(ctx);
    own_list(ctx)?;
    let sid = ctx.ids[0].clone();
    let sip = &mut ctx.world.twilio.sip;
    if sip.links.iter().any(|link| link.list == sid) {
        return Err(Problem::new(family.in_use, format!("{sid} is still associated with a trunk")));
    }
    sip.lists.remove(&sid);
    sip.items.retain(|item| text(item, family.of) != Some(sid.as_str()));
    let left: Vec<String> =
        sip.items.iter().filter_map(|item| text(item, "sid")).map(str::to_owned).collect();
    sip.passwords.retain(|item, _| left.contains(item));
    Ok(Answer::deleted())
}

fn list_items(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let family = family(ctx);
    own_list(ctx)?;
    let wanted = |item: &&Object| text(item, family.of) == Some(ctx.ids[0].as_str());
    let items = ctx.world.twilio.sip.items.iter().rev().filter(wanted);
    paging::relative(ctx, family.sub_key, family.sub_kind, items)
}

fn create_item(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let family = family(ctx);
    own_list(ctx)?;
    let sip = &ctx.world.twilio.sip;
    if sip.of(&[ctx.ids[0].as_str()]).count() >= family.most {
        return Err(Problem::new(family.full, format!("{} has {} entries", ctx.ids[0], family.most)));
    }
    let sid = ctx.world.ids.sid(family.sub_prefix);
    let at = rfc2822(ctx.world.clock.now());
    let base = format!("/2010-04-01/Accounts/{}/SIP/{}/{}", ctx.account, family.path, ctx.ids[0]);
    let item = json!({
        "sid": sid,
        "account_sid": ctx.account,
        family.of: ctx.ids[0],
        "date_created": at,
        "uri": format!("{base}/{}/{sid}.json", family.sub_path),
    });
    let item = item.as_object().cloned().unwrap_or_default();
    keep(ctx, item, true)
}

fn own_item(ctx: &Ctx<'_>) -> Result<Object, Problem> {
    own_list(ctx)?;
    let item = ctx.own(&ctx.world.twilio.sip.items)?;
    let of_list = text(item, family(ctx).of) == Some(ctx.ids[0].as_str());
    if of_list { Ok(item.clone()) } else { Err(Problem::not_found(&ctx.uri)) }
}

fn fetch_item(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(Answer::item(200, family(ctx).sub_kind, own_item(ctx)?))
}

fn update_item(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let item = own_item(ctx)?;
    keep(ctx, item, false)
}

fn delete_item(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    own_item(ctx)?;
    ctx.world.twilio.sip.items.remove(&ctx.ids[1]);
    ctx.world.twilio.sip.passwords.remove(&ctx.ids[1]);
    Ok(Answer::deleted())
}

/// Applies the form to an address or a credential, and keeps it when it holds.
fn keep(ctx: &mut Ctx<'_>, mut item: Object, new: bool) -> Result<Answer, Problem> {
    let family = family(ctx);
    let changed = match family.sub_prefix {
        "IP" => address(ctx, &item),
        _ => credential(ctx, &item, new),
    };
    item.extend(changed.map_err(|why| Problem::new(family.bad_item, why))?);
    item.insert("date_updated".to_owned(), json!(rfc2822(ctx.world.clock.now())));
    ctx.world.twilio.sip.items.put(item.clone());
    Ok(Answer::item(if new { 201 } else { 200 }, family.sub_kind, item))
}

fn address(ctx: &Ctx<'_>, item: &Object) -> Result<Object, &'static str> {
    let given =
        |name: &str, field: &str| ctx.form.filled(name).or_else(|| text(item, field)).map(str::to_owned);
    let name = given("FriendlyName", "friendly_name").ok_or("FriendlyName is required")?;
    let address = given("IpAddress", "ip_address").filter(|address| address.parse::<Ipv4Addr>().is_ok());
    let address = address.ok_or("IpAddress must be an IPv4 address")?;
    let length = match ctx.form.filled("CidrPrefixLength") {
        Some(text) => text.parse().ok().filter(|length| (1..=32).contains(length)),
        None => Some(item.get("cidr_prefix_length").and_then(Value::as_u64).unwrap_or(32)),
    };
    let length = length.ok_or("CidrPrefixLength must be 1 to 32")?;
    let fields = [
        ("friendly_name", json!(name)),
        ("ip_address", json!(address)),
        ("cidr_prefix_length", json!(length)),
    ];
    Ok(fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect())
}

/// Names have at most 32 characters, passwords at least 12 with a digit and mixed case (T18 [S]). An update
/// changes the password only.
fn credential(ctx: &mut Ctx<'_>, item: &Object, new: bool) -> Result<Object, &'static str> {
    let mut changed = Object::new();
    if new {
        let username = ctx.form.filled("Username").unwrap_or_default().to_owned();
        if username.is_empty() || username.chars().count() > 32 {
            return Err("Username must have 1 to 32 characters");
        }
        let lists = [ctx.ids[0].as_str()];
        let taken = |other: &Object| text(other, "username") == Some(username.as_str());
        if ctx.world.twilio.sip.of(&lists).any(taken) {
            return Err("Username is in the list already");
        }
        changed.insert("username".to_owned(), json!(username));
    }
    let password = ctx.form.filled("Password").unwrap_or_default().to_owned();
    if !new && password.is_empty() {
        return Ok(changed);
    }
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let strong = has(|c| c.is_ascii_digit()) && has(char::is_lowercase) && has(char::is_uppercase);
    if !strong || password.chars().count() < 12 {
        return Err("Password must have at least 12 characters, a digit and mixed case");
    }
    let sid = text(item, "sid").unwrap_or_default().to_owned();
    ctx.world.twilio.sip.passwords.insert(sid, password);
    Ok(changed)
}

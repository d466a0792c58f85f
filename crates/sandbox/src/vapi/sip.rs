//! Calls that arrive over a SIP trunk (V6): which credential and number they are for, and whether Vapi takes
//! calls from where they come.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::http::{Object, text, whole};
use crate::state::World;
use crate::vapi::Org;
use crate::vapi::region::Region;

/// Twilio's signalling networks by edge; an origination address names its edge as a parameter, else it is the
/// first (T18 [D]).
const EDGES: [(&str, Ipv4Addr); 8] = [
    ("ashburn", Ipv4Addr::new(54, 172, 60, 0)),
    ("umatilla", Ipv4Addr::new(54, 244, 51, 0)),
    ("dublin", Ipv4Addr::new(54, 171, 127, 192)),
    ("frankfurt", Ipv4Addr::new(35, 156, 191, 128)),
    ("sao-paulo", Ipv4Addr::new(177, 71, 206, 192)),
    ("singapore", Ipv4Addr::new(54, 169, 127, 128)),
    ("sydney", Ipv4Addr::new(54, 252, 254, 64)),
    ("tokyo", Ipv4Addr::new(54, 65, 63, 192)),
];

/// A SIP answer that is no 200.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declined {
    pub(crate) status: u16,
    pub(crate) text: &'static str,
}

const NOT_FOUND: Declined = Declined { status: 404, text: "Not Found" };
/// 401 and 403 are both reported for a network that is missing among the gateways (V6.2 [D]).
const FORBIDDEN: Declined = Declined { status: 403, text: "Forbidden" };

/// The parts of `sip:user@host;edge=…?x-name=…` that matter.
#[derive(Debug, PartialEq, Eq)]
struct Address<'u> {
    user: &'u str,
    host: &'u str,
    edge: &'u str,
    headers: &'u str,
}

fn parse(uri: &str) -> Option<Address<'_>> {
    let rest = uri.strip_prefix("sip:").or_else(|| uri.strip_prefix("sips:"))?;
    let (rest, headers) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = rest.split(';');
    let (user, host) = parts.next()?.split_once('@')?;
    let host = host.split(':').next()?;
    let edge = parts.find_map(|part| part.strip_prefix("edge=")).unwrap_or(EDGES[0].0);
    Some(Address { user, host, edge, headers })
}

/// The `x-…` headers that an address asks for. They become variables (V6.2 [D]): without the `x-`, in small
/// letters [?].
pub(crate) fn variables(uri: &str) -> Object {
    let pairs = url::form_urlencoded::parse(parse(uri).map_or("", |address| address.headers).as_bytes());
    let named = pairs
        .filter_map(|(name, value)| Some((name.to_lowercase().strip_prefix("x-")?.to_owned(), json!(value))));
    named.collect()
}

/// The org and the number for which an INVITE is (V6.2 [D]).
pub(crate) fn find(world: &World, uri: &str) -> Result<(String, Object), Declined> {
    let address = parse(uri).ok_or(NOT_FOUND)?;
    let below = |(region, _): (Region, _)| Some((region, address.host.strip_suffix(region.sip_host())?));
    match Region::ALL.into_iter().find_map(below) {
        None => Err(NOT_FOUND),
        Some((region, "")) => by_uri(world, region, &address),
        Some((region, sub)) => by_credential(world, region, sub.trim_end_matches('.'), &address),
    }
}

/// Each region is an installation of its own (V2 [D]).
fn orgs(world: &World, region: Region) -> impl Iterator<Item = &Org> {
    world.vapi.orgs.iter().filter(move |org| org.region == region)
}

/// A free number's own address, `sip:name@sip.vapi.ai` (V5.3 [S]).
fn by_uri(world: &World, region: Region, address: &Address<'_>) -> Result<(String, Object), Declined> {
    let wanted = format!("sip:{}@{}", address.user, address.host);
    let found = orgs(world, region).find_map(|org| {
        let number = org.phone_numbers.iter().find(|number| text(number, "sipUri") == Some(&wanted))?;
        Some((org.id.clone(), number.clone()))
    });
    found.ok_or(NOT_FOUND)
}

/// The number has to be registered with the credential in this very notation, with or without `+` (V6.2 [D]).
fn by_credential(
    world: &World,
    region: Region,
    id: &str,
    address: &Address<'_>,
) -> Result<(String, Object), Declined> {
    let found = orgs(world, region).find_map(|org| Some((org, org.credentials.get(id)?)));
    let (org, credential) = found.ok_or(NOT_FOUND)?;
    if !lets_in(credential, address.edge) {
        return Err(FORBIDDEN);
    }
    let registered = |number: &&Object| {
        text(number, "credentialId") == Some(id) && text(number, "number") == Some(address.user)
    };
    let number = org.phone_numbers.iter().find(registered).ok_or(NOT_FOUND)?;
    Ok((org.id.clone(), number.clone()))
}

/// Whether a gateway that takes inbound traffic covers the edge's network (V6.1 [D]).
fn lets_in(credential: &Object, edge: &str) -> bool {
    let Some((_, source)) = EDGES.iter().find(|(name, _)| *name == edge) else { return false };
    let gateways = credential.get("gateways").and_then(Value::as_array);
    gateways.into_iter().flatten().filter_map(Value::as_object).any(|gateway| {
        let inbound = gateway.get("inboundEnabled") != Some(&json!(false));
        let bits = u32::try_from(whole(gateway, "netmask").unwrap_or(32)).unwrap_or(0).min(32);
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        let network: Option<Ipv4Addr> = text(gateway, "ip").and_then(|ip| ip.parse().ok());
        inbound && network.is_some_and(|ip| u32::from(ip) & mask == u32::from(*source) & mask)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let parsed = parse("sip:+14155552671@abc.sip.vapi.ai:5061;transport=tls;edge=dublin");
        let expected = Address { user: "+14155552671", host: "abc.sip.vapi.ai", edge: "dublin", headers: "" };
        assert_eq!(parsed, Some(expected));
        let asked = variables("sip:desk@sip.vapi.ai;edge=dublin?X-Room=7%20b&y-room=8");
        assert_eq!(Value::Object(asked), json!({"room": "7 b"}));
        assert_eq!(parse("https://example.com"), None);
    }

    #[test]
    fn a_gateway_lets_in_its_network() {
        let with = |gateway: Value| json!({"gateways": [gateway]}).as_object().cloned().unwrap();
        assert!(lets_in(&with(json!({"ip": "54.171.127.193", "netmask": 30})), "dublin"));
        assert!(!lets_in(&with(json!({"ip": "54.171.127.193"})), "dublin"));
        assert!(!lets_in(&with(json!({"ip": "54.171.127.192", "inboundEnabled": false})), "dublin"));
        assert!(!lets_in(&with(json!({"ip": "54.171.127.192", "netmask": 24})), "ashburn"));
    }
}

//! AvailablePhoneNumbers: the search (T4). Its lists have no pages, and nothing is reserved.

use hyper::Method;
use regex::Regex;
use serde_json::{Value, json};

use super::catalogue::{self, BLOCKS, Block, Offer};
use super::errors::Problem;
use super::numbers::friendly;
use super::{Answer, Ctx, Route};
use crate::geo::{self, COUNTRIES, Country, Kind};
use crate::http::{Object, Params};
use crate::ids::is_e164;

/// Where it answers.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Accounts/{}/AvailablePhoneNumbers", area: AREA, methods: &[(Method::GET, countries)] },
    Route { pattern: "Accounts/{}/AvailablePhoneNumbers/{}", area: AREA, methods: &[(Method::GET, country)] },
    of_type("Accounts/{}/AvailablePhoneNumbers/{}/Local"),
    of_type("Accounts/{}/AvailablePhoneNumbers/{}/TollFree"),
    of_type("Accounts/{}/AvailablePhoneNumbers/{}/Mobile"),
    of_type("Accounts/{}/AvailablePhoneNumbers/{}/National"),
    of_type("Accounts/{}/AvailablePhoneNumbers/{}/SharedCost"),
    of_type("Accounts/{}/AvailablePhoneNumbers/{}/Voip"),
    of_type("Accounts/{}/AvailablePhoneNumbers/{}/MachineToMachine"),
];

const fn of_type(pattern: &'static str) -> Route {
    Route { pattern, area: AREA, methods: &[(Method::GET, search)] }
}

const AREA: &str = "available-phone-numbers";

/// More are never answered, however large the `PageSize` (T4 [?]).
const FOUND_MAX: usize = 30;

/// Miles around a place (T4 [S]).
const DISTANCE: (f64, f64) = (25.0, 500.0);
const EARTH_RADIUS_MILES: f64 = 3_958.8;

/// The kinds as paths and as links name them. The other types of the API (shared cost, VoIP, machine to
/// machine) exist in none of the catalogue's countries.
const TYPES: &[(Kind, &str, &str)] = &[
    (Kind::Local, "Local", "local"),
    (Kind::TollFree, "TollFree", "toll_free"),
    (Kind::Mobile, "Mobile", "mobile"),
    (Kind::National, "National", "national"),
];

/// `GET …/AvailablePhoneNumbers.json`.
fn countries(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let shown: Value = COUNTRIES.iter().map(|country| show(&ctx.account, country)).collect();
    let body = json!({"countries": shown, "uri": ctx.uri});
    Ok(Answer::Resource { status: 200, kind: "Country", body })
}

/// `GET …/AvailablePhoneNumbers/{CC}.json`.
fn country(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let body = show(&ctx.account, named(ctx)?);
    Ok(Answer::Resource { status: 200, kind: "Country", body })
}

fn named(ctx: &Ctx<'_>) -> Result<&'static Country, Problem> {
    let found = COUNTRIES.iter().find(|country| country.iso == ctx.ids[0]);
    found.ok_or_else(|| Problem::not_found(&ctx.uri))
}

/// A country with the types that exist there.
fn show(account: &str, country: &Country) -> Value {
    let base = format!("/2010-04-01/Accounts/{account}/AvailablePhoneNumbers/{}", country.iso);
    let has = |(kind, ..): &&(Kind, &str, &str)| catalogue::terms_of(country.iso, *kind).is_some();
    let links = TYPES.iter().filter(has);
    let links: Object =
        links.map(|(_, path, name)| ((*name).to_owned(), json!(format!("{base}/{path}.json")))).collect();
    json!({
        "country_code": country.iso,
        "country": country.name,
        "uri": format!("{base}.json"),
        "beta": false,
        "subresource_uris": links,
    })
}

/// `GET …/AvailablePhoneNumbers/{CC}/{Type}.json`. An unknown country, or a type that it lacks, is 404 (T4
/// [I]); nothing found is an empty list.
fn search(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let iso = named(ctx)?.iso;
    let wanted = ctx.uri.trim_end_matches(".json").rsplit('/').next();
    let kind = TYPES.iter().find(|(_, path, _)| Some(*path) == wanted).map(|(kind, ..)| *kind);
    let kind = kind.filter(|kind| catalogue::terms_of(iso, *kind).is_some());
    let kind = kind.ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let most = match ctx.query.filled("PageSize").and_then(|size| size.parse().ok()) {
        Some(size) if (1..FOUND_MAX).contains(&size) => size,
        _ => FOUND_MAX,
    };
    let (contains, place) = (contains(&ctx.query)?, place(&ctx.query)?);
    let (wanted, now) = (terms(&ctx.query, iso, kind), ctx.world.clock.now());
    let fits = |block: &Block| wanted && block.iso == iso && block.kind == kind && place(block);
    // Known, but without meaning for a list without pages.
    let _ = (ctx.query.get("Page"), ctx.query.get("PageToken"));
    let twilio = &ctx.world.twilio;
    let offers = catalogue::offers(ctx.world.seed, fits).into_iter();
    let free = offers.filter(|offer| contains.is_match(&offer.phone) && twilio.offered(&offer.phone, now));
    let found: Value = free.take(most).map(|offer| item(&offer)).collect();
    let body = json!({"available_phone_numbers": found, "uri": ctx.uri});
    Ok(Answer::Resource { status: 200, kind: "AvailablePhoneNumber", body })
}

/// One number. `SMS` and `MMS` are in upper case here, and coordinates are strings (T4 [C][X]).
fn item(offer: &Offer) -> Value {
    let Offer { phone, block } = offer;
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let degrees = |degrees: Option<f64>| degrees.map(|degrees| format!("{degrees:.6}"));
    let terms = catalogue::terms_for(phone);
    json!({
        "friendly_name": friendly(phone),
        "phone_number": phone,
        "lata": text(block.lata),
        "rate_center": text(block.rate_center),
        "locality": text(block.locality),
        "region": text(block.region),
        "postal_code": text(block.postal_code),
        "iso_country": block.iso,
        "latitude": degrees(block.at.map(|(latitude, _)| latitude)),
        "longitude": degrees(block.at.map(|(_, longitude)| longitude)),
        "address_requirements": terms.address,
        "beta": terms.beta,
        "capabilities": {"voice": true, "SMS": terms.sms, "MMS": terms.mms},
    })
}

/// Whether the query takes numbers of these terms. The `Enabled` filters are only positive: `false` excludes
/// nothing (T4 [I]).
fn terms(query: &Params, iso: &str, kind: Kind) -> bool {
    let Some(terms) = catalogue::terms_of(iso, kind) else { return false };
    let asks = |name: &str| query.get(name) == Some("true");
    let lacks = [
        ("VoiceEnabled", false),
        ("SmsEnabled", !terms.sms),
        ("MmsEnabled", !terms.mms),
        ("FaxEnabled", true),
        ("ExcludeAllAddressRequired", terms.address != "none"),
        ("ExcludeLocalAddressRequired", terms.address == "local"),
        ("ExcludeForeignAddressRequired", terms.address == "foreign"),
    ];
    // Every parameter is read, so that none of them counts as unknown.
    let excluded = lacks.iter().filter(|(name, lacking)| asks(name) && *lacking).count() > 0;
    !excluded && (query.get("Beta") != Some("false") || !terms.beta)
}

/// `Contains` as a pattern: keypad letters, `*` for one character and `%` for any number of them, `+` and `$`
/// as anchors (T4 [S]). That a bad one is refused with this code is [?].
fn contains(query: &Params) -> Result<Regex, Problem> {
    let given = query.filled("Contains").unwrap_or("%");
    let invalid = || Problem::new(20422, format!("Contains is not valid: {given}"));
    let open = given.strip_prefix('+').unwrap_or(given);
    let body = open.strip_suffix('$').unwrap_or(open);
    let plain = body.trim_matches(['*', '%']);
    let known = plain.chars().all(|c| c.is_ascii_alphanumeric());
    let long = (2..=16).contains(&given.chars().count());
    // Wildcards only at the beginning or the end, with at least two plain characters.
    if given != "%" && (!known || !long || plain.len() < 2) {
        return Err(invalid());
    }
    let mut pattern = String::from(if given.starts_with('+') { "^\\+" } else { "" });
    pattern.extend(body.chars().map(|c| match c {
        '*' => "\\d".to_owned(),
        '%' => "\\d*".to_owned(),
        c => keypad(c).to_string(),
    }));
    pattern.push_str(if given.ends_with('$') { "$" } else { "" });
    Regex::new(&pattern).map_err(|_| invalid())
}

/// The digit of a letter on a telephone (ITU E.161).
fn keypad(letter: char) -> char {
    const KEYS: [(&str, char); 8] = [
        ("ABC", '2'),
        ("DEF", '3'),
        ("GHI", '4'),
        ("JKL", '5'),
        ("MNO", '6'),
        ("PQRS", '7'),
        ("TUV", '8'),
        ("WXYZ", '9'),
    ];
    let upper = letter.to_ascii_uppercase();
    KEYS.iter().find(|(letters, _)| letters.contains(upper)).map_or(letter, |(_, digit)| *digit)
}

type Field = fn(&Block) -> &'static str;

/// The filters that compare a text of the place (T4 [S]).
const PLACE_FILTERS: &[(&str, Field)] = &[
    ("InPostalCode", |block| block.postal_code),
    ("InRegion", |block| block.region),
    ("InRateCenter", |block| block.rate_center),
    ("InLata", |block| block.lata),
    ("InLocality", |block| block.locality),
];

/// The filters of the place. Each text may also be a phone number: the same place as that number's.
fn place(query: &Params) -> Result<impl Fn(&Block) -> bool + use<>, Problem> {
    let given = |(name, field): &(&str, Field)| {
        let value = query.filled(name)?;
        let same_as = is_e164(value).then(|| block_of(value).map_or("?", field));
        Some((*field, same_as.unwrap_or(value).to_owned()))
    };
    let texts: Vec<(Field, String)> = PLACE_FILTERS.iter().filter_map(given).collect();
    if query.filled("InRateCenter").is_some() && query.filled("InLata").is_none() {
        return Err(Problem::new(20422, "InRateCenter requires InLata"));
    }
    let area = area_code(query)?;
    let near = near(query)?;
    Ok(move |block: &Block| {
        let in_area = |code: &String| block.prefix.strip_prefix('1') == Some(code);
        let abroad = !matches!(block.iso, "US" | "CA");
        texts.iter().all(|(field, wanted)| field(block).eq_ignore_ascii_case(wanted))
            && area.as_ref().is_none_or(|code| abroad || in_area(code))
            && near.is_none_or(|(center, miles)| block.at.is_some_and(|at| distance(center, at) <= miles))
    })
}

/// Three digits, for North America; elsewhere it means nothing. The code of the refusal is [?].
fn area_code(query: &Params) -> Result<Option<String>, Problem> {
    match query.filled("AreaCode") {
        Some(code) if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_digit()) => {
            Err(Problem::new(20422, format!("AreaCode is not valid: {code}")))
        }
        code => Ok(code.map(str::to_owned)),
    }
}

/// Latitude and longitude.
type Point = (f64, f64);

/// The place and distance of `NearNumber` or `NearLatLong`.
fn near(query: &Params) -> Result<Option<(Point, f64)>, Problem> {
    let invalid = |name: &str| Problem::new(20422, format!("{name} is not valid"));
    let miles = match query.filled("Distance").map(str::parse::<f64>) {
        None => DISTANCE.0,
        Some(Ok(miles)) if (0.0..=DISTANCE.1).contains(&miles) => miles,
        Some(_) => return Err(invalid("Distance")),
    };
    let of_number = query
        .filled("NearNumber")
        .map(|phone| block_of(phone).and_then(|block| block.at).ok_or_else(|| invalid("NearNumber")));
    let of_point = query.filled("NearLatLong").map(|text| {
        let (latitude, longitude) = text.split_once(',').ok_or_else(|| invalid("NearLatLong"))?;
        let degrees = |text: &str| text.trim().parse::<f64>().map_err(|_| invalid("NearLatLong"));
        Ok((degrees(latitude)?, degrees(longitude)?))
    });
    Ok(of_number.or(of_point).transpose()?.map(|center| (center, miles)))
}

/// The range that a number belongs to.
fn block_of(phone: &str) -> Option<&'static Block> {
    let digits = phone.trim_start_matches('+');
    let fits = |block: &&Block| digits.starts_with(block.prefix) && block.kind == geo::kind(phone);
    BLOCKS.iter().find(fits)
}

/// Miles between two points (haversine formula).
fn distance((lat_a, lon_a): Point, (lat_b, lon_b): Point) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let across = lat_a.to_radians().cos() * lat_b.to_radians().cos();
    let chord = half(lat_a, lat_b) + across * half(lon_a, lon_b);
    2.0 * EARTH_RADIUS_MILES * chord.sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<Regex, Problem> {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("Contains", text).finish();
        contains(&Params::parse(query.as_bytes()))
    }

    #[test]
    fn contains_knows_letters_wildcards_and_anchors() {
        for (text, fits) in [
            ("5552671", true),
            ("41555526**", true),
            ("+1415%", true),
            ("+415", false),
            ("2671$", true),
            ("5552$", false),
            ("LL5526", true),
            ("**26", true),
            ("415555267***", false),
        ] {
            assert_eq!(pattern(text).unwrap().is_match("+14155552671"), fits, "{text}");
        }
        for bad in ["4", "**", "4*", "41*55", "41-55", "12345678901234567", "$"] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn miles_between_places() {
        let miles = distance((37.79, -122.39), (37.34, -121.89));
        assert!((40.0..43.0).contains(&miles), "{miles}");
        assert!(distance((40.75, -73.99), (34.05, -118.24)) > 2_400.0);
    }
}

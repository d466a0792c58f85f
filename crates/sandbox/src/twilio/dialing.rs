//! To which countries an account may call (T16: 21215; voice_v1 [S]).

use std::collections::BTreeMap;

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Route, Twilio, paging};
use crate::http::{Object, text};
use crate::{calling_codes, geo};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "DialingPermissions/Countries", area: "calls", methods: &[(Method::GET, list)] },
    Route { pattern: "DialingPermissions/Countries/{}", area: "calls", methods: &[(Method::GET, fetch)] },
    Route {
        pattern: "DialingPermissions/BulkCountryUpdates",
        area: "calls",
        methods: &[(Method::POST, update)],
    },
];

impl Twilio {
    /// Whether the account may call this country. At first every country is on [?].
    pub(crate) fn may_dial(&self, account: &str, iso: &str) -> bool {
        self.closed_dialing.get(account).is_none_or(|closed| !closed.contains(iso))
    }
}

/// The countries, each with all of its codes, as the account sees them.
fn countries(ctx: &Ctx<'_>) -> Vec<Object> {
    let mut codes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (iso, code) in calling_codes::all() {
        codes.entry(iso).or_default().push(format!("+{code}"));
    }
    let shown = |(iso, codes): (&str, Vec<String>)| {
        let url = format!("{}/v1/DialingPermissions/Countries/{iso}", ctx.base);
        let enabled = ctx.world.twilio.may_dial(&ctx.account, iso);
        let name = geo::COUNTRIES.iter().find(|country| country.iso == iso).map_or(iso, |found| found.name);
        let country = json!({
            // Paging finds its place by it.
            "sid": iso,
            "iso_code": iso,
            "name": name,
            "continent": null,
            "country_codes": codes,
            "low_risk_numbers_enabled": enabled,
            "high_risk_special_numbers_enabled": false,
            "high_risk_tollfraud_numbers_enabled": false,
            "url": url,
            "links": {"highrisk_special_prefixes": format!("{url}/HighRiskSpecialPrefixes")},
        });
        country.as_object().cloned().unwrap_or_default()
    };
    codes.into_iter().map(shown).collect()
}

fn bare(mut country: Object) -> Object {
    country.remove("sid");
    country
}

fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let query = &ctx.query;
    let (iso, code) = (query.filled("IsoCode"), query.filled("CountryCode"));
    let flags = [
        ("LowRiskNumbersEnabled", "low_risk_numbers_enabled"),
        ("HighRiskSpecialNumbersEnabled", "high_risk_special_numbers_enabled"),
        ("HighRiskTollfraudNumbersEnabled", "high_risk_tollfraud_numbers_enabled"),
    ];
    let flags = flags.map(|(name, field)| (field, query.filled(name).map(|value| value == "true")));
    // The continents are not known here: asking for one finds nothing.
    let continent = query.filled("Continent");
    let mut countries = countries(ctx);
    countries.retain(|country| {
        let has = |code: &str| {
            let codes = country.get("country_codes").and_then(Value::as_array);
            codes.is_some_and(|codes| codes.iter().any(|known| known == code.trim()))
        };
        continent.is_none()
            && iso.is_none_or(|iso| text(country, "iso_code") == Some(iso))
            && code.is_none_or(|code| has(&format!("+{}", code.trim().trim_start_matches('+'))))
            && flags.iter().all(|(field, wanted)| {
                wanted.is_none_or(|wanted| country.get(*field) == Some(&json!(wanted)))
            })
    });
    paging::absolute(ctx, "content", countries.iter(), bare)
}

fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = countries(ctx).into_iter().find(|country| text(country, "iso_code") == Some(&ctx.ids[0]));
    found.map(|country| Answer::item(200, "", bare(country))).ok_or_else(|| Problem::not_found(&ctx.uri))
}

/// One entry of `UpdateRequest`, whose flags are texts [S].
#[derive(Deserialize)]
struct Change {
    iso_code: String,
    low_risk_numbers_enabled: Value,
}

fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let request = ctx.form.filled("UpdateRequest").unwrap_or_default().to_owned();
    let changes: Vec<Change> = serde_json::from_str(&request)
        .map_err(|_| Problem::new(20001, "UpdateRequest is not a JSON array of countries"))?;
    let closed = ctx.world.twilio.closed_dialing.entry(ctx.account.clone()).or_default();
    for change in &changes {
        match change.low_risk_numbers_enabled == json!(true)
            || change.low_risk_numbers_enabled == json!("true")
        {
            true => closed.remove(&change.iso_code),
            false => closed.insert(change.iso_code.clone()),
        };
    }
    let mut shown = Object::new();
    shown.insert("update_count".to_owned(), json!(changes.len()));
    shown.insert("update_request".to_owned(), json!(request));
    Ok(Answer::item(201, "", shown))
}

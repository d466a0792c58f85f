//! To which countries an account may send texts (T8: 21408; accounts_v1 [S]).

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Route, Twilio};
use crate::calling_codes;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[Route {
    pattern: "Messaging/GeoPermissions",
    area: "accounts",
    methods: &[(Method::GET, fetch), (Method::PATCH, update)],
}];

/// Countries whose permission cannot be changed through the API [S example].
const HIGH_RISK: &[&str] = &["PK"];

impl Twilio {
    /// Whether the account may text to this country. At first every country is on [?].
    pub(crate) fn geo_allows(&self, account: &str, iso: &str) -> bool {
        self.account(account).is_none_or(|account| !account.closed_countries.contains(iso))
    }
}

/// `GET /v1/Messaging/GeoPermissions`: all countries, or those of `CountryCode=IN,PK`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let wanted = ctx.query.filled("CountryCode").map(|codes| codes.split(',').collect::<Vec<_>>());
    let shown = |(iso, code): (&str, &str)| {
        json!({
            "country_code": iso,
            "type": "country",
            "enabled": ctx.world.twilio.geo_allows(&ctx.account, iso),
            "prefix": format!("+{code}"),
            "message": if HIGH_RISK.contains(&iso) { "High Risk Country" } else { "" },
        })
    };
    let countries = calling_codes::all();
    let chosen = countries.filter(|(iso, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(iso)));
    let body = json!({"permissions": chosen.map(shown).collect::<Value>()});
    Ok(Answer::Resource { status: 200, kind: "", body })
}

/// One entry of `Permissions`, which are JSON texts [S].
#[derive(Deserialize)]
struct Permission {
    country_code: String,
    enabled: bool,
}

/// `PATCH /v1/Messaging/GeoPermissions`: an entry that cannot be changed says so beside the others [S].
fn update(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let texts = ctx.form.all("Permissions");
    if texts.is_empty() {
        return Err(Problem::new(20001, "Missing required parameter Permissions"));
    }
    let invalid = |_| Problem::new(20422, "Permissions is not valid");
    let named = texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<Permission>, _>>();
    let named = named.map_err(invalid)?;
    let account = ctx.world.twilio.account_mut(&ctx.account).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    let changed = named.into_iter().map(|Permission { country_code: iso, enabled }| {
        let refusal = match (calling_codes::of(&iso), HIGH_RISK.contains(&iso.as_str())) {
            (None, _) => Some((20422, "Country code is not valid")),
            (_, true) => Some((30649, "High risk country permission cannot be updated")),
            _ => None,
        };
        if refusal.is_none() && enabled {
            account.closed_countries.remove(&iso);
        } else if refusal.is_none() {
            account.closed_countries.insert(iso.clone());
        }
        json!({
            "country_code": iso,
            "type": "country",
            "enabled": !account.closed_countries.contains(&iso),
            "error_code": refusal.map_or(0, |(code, _)| code),
            "error_messages": refusal.map(|(_, text)| text).into_iter().collect::<Vec<_>>(),
        })
    });
    let body = json!({"permissions": changed.collect::<Value>()});
    Ok(Answer::Resource { status: 200, kind: "", body })
}

//! A service's senders that are no telephone numbers: names, and short codes (messaging_v1 [S]).

use hyper::Method;
use serde_json::{Value, json};

use super::{fix, fresh, located, require, service, within};
use crate::http::{Object, text};
use crate::rows::Rows;
use crate::twilio::errors::Problem;
use crate::twilio::messages::is_alphanumeric_sender;
use crate::twilio::{Answer, Ctx, Route, paging};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Services/{}/AlphaSenders",
        area: "messaging",
        methods: &[(Method::GET, list_names), (Method::POST, create_name)],
    },
    Route {
        pattern: "Services/{}/AlphaSenders/{}",
        area: "messaging",
        methods: &[(Method::GET, fetch_name), (Method::DELETE, delete_name)],
    },
    Route {
        pattern: "Services/{}/ShortCodes",
        area: "messaging",
        methods: &[(Method::GET, list_codes), (Method::POST, create_code)],
    },
];

fn list_names(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    list(ctx, &ctx.world.twilio.texting.alpha_senders, "alpha_senders", "AlphaSenders")
}

/// Short codes belong to an account by contract, and no account here has one.
fn list_codes(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    list(ctx, &ctx.world.twilio.texting.short_codes, "short_codes", "ShortCodes")
}

fn create_code(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    service(ctx)?;
    require(ctx, &["ShortCodeSid"])?;
    Err(Problem::not_found(&format!("/ShortCodes/{}", ctx.form.filled("ShortCodeSid").unwrap_or_default())))
}

fn list(ctx: &Ctx<'_>, rows: &Rows, key: &str, below: &str) -> Result<Answer, Problem> {
    let service = service(ctx)?;
    let of_service = |row: &&Object| text(row, "service_sid") == Some(service.as_str());
    let below = format!("Services/{service}/{below}");
    paging::absolute(ctx, key, rows.iter().rev().filter(of_service), |row| located(ctx, &row, &below))
}

fn shown(ctx: &Ctx<'_>, row: &Object) -> Object {
    located(ctx, row, &format!("Services/{}/AlphaSenders", ctx.ids[0]))
}

fn create_name(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let service = service(ctx)?;
    require(ctx, &["AlphaSender"])?;
    let name = ctx.form.filled("AlphaSender").unwrap_or_default().to_owned();
    // The code is [?].
    if !is_alphanumeric_sender(&name) {
        return Err(Problem::new(21709, format!("Invalid Alpha Sender {name}")));
    }
    let mut row = fresh(ctx, "AI", &[]);
    let fields: [(&str, Value); 3] =
        [("service_sid", json!(service)), ("alpha_sender", json!(name)), ("capabilities", json!(["SMS"]))];
    fix(&mut row, &fields);
    ctx.world.twilio.texting.alpha_senders.put(row.clone());
    Ok(Answer::item(201, "AlphaSender", shown(ctx, &row)))
}

fn fetch_name(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = within(ctx, &ctx.world.twilio.texting.alpha_senders, "service_sid")?;
    Ok(Answer::item(200, "AlphaSender", shown(ctx, row)))
}

fn delete_name(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    within(ctx, &ctx.world.twilio.texting.alpha_senders, "service_sid")?;
    ctx.world.twilio.texting.alpha_senders.remove(&ctx.ids[1]);
    Ok(Answer::deleted())
}

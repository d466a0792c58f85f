//! Calls: the log of what the control API placed (T16 [S]).

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::{Answer, Ctx, Route, paging};
use crate::clock::rfc2822;
use crate::http::{Object, text};
use crate::state::World;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "Accounts/{}/Calls", area: "calls", methods: &[(Method::GET, list)] },
    Route { pattern: "Accounts/{}/Calls/{}", area: "calls", methods: &[(Method::GET, fetch)] },
];

impl World {
    /// Records an inbound call that is over, and returns its SID. A call takes no virtual time.
    pub(crate) fn record_call(&mut self, sid: &str, number: &Object, from: &str, completed: bool) {
        let account = text(number, "account_sid").unwrap_or_default();
        let to = text(number, "phone_number").unwrap_or_default();
        let at = rfc2822(self.clock.now());
        let call = json!({
            "sid": sid,
            "account_sid": account,
            "from": from,
            "from_formatted": from,
            "to": to,
            "to_formatted": to,
            "phone_number_sid": number.get("sid"),
            "trunk_sid": number.get("trunk_sid"),
            "direction": "inbound",
            "status": if completed { "completed" } else { "failed" },
            "duration": "0",
            "start_time": at,
            "end_time": at,
            "date_created": at,
            "date_updated": at,
            "price": null,
            "price_unit": "USD",
            "answered_by": null,
            "api_version": "2010-04-01",
            "caller_name": null,
            "forwarded_from": null,
            "group_sid": null,
            "parent_call_sid": null,
            "queue_time": "0",
            "subresource_uris": {},
            "uri": format!("/2010-04-01/Accounts/{account}/Calls/{sid}.json"),
        });
        if let Value::Object(call) = call {
            self.twilio.calls.put(call);
        }
    }
}

/// `GET …/Calls.json` with the filters `To`, `From`, `Status`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = [("to", "To"), ("from", "From"), ("status", "Status")]
        .map(|(field, name)| (field, ctx.query.filled(name)));
    let wanted = |call: &&Object| {
        ctx.owns(call)
            && filters.iter().all(|(field, value)| value.is_none_or(|value| text(call, field) == Some(value)))
    };
    let items = ctx.world.twilio.calls.iter().rev().filter(wanted);
    paging::relative(ctx, "calls", "Call", items)
}

/// `GET …/Calls/{CA}.json`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.own(&ctx.world.twilio.calls)?.clone();
    Ok(Answer::item(200, "Call", found))
}

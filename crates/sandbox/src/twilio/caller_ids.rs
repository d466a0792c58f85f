//! OutgoingCallerIds: numbers that an account may show, but does not own (V12: "a Verified Caller ID").

use hyper::Method;
use serde_json::json;

use super::errors::Problem;
use super::{Answer, Ctx, Route, paging};
use crate::clock::rfc2822;
use crate::http::{Object, text};
use crate::ids::is_e164;
use crate::state::World;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Accounts/{}/OutgoingCallerIds",
        area: "outgoing-caller-ids",
        methods: &[(Method::GET, list), (Method::POST, create)],
    },
    Route {
        pattern: "Accounts/{}/OutgoingCallerIds/{}",
        area: "outgoing-caller-ids",
        methods: &[(Method::GET, fetch), (Method::DELETE, delete)],
    },
];

impl World {
    /// Gives an account a verified caller id and returns it.
    pub(crate) fn add_caller_id(&mut self, account: &str, phone: &str, name: &str) -> Object {
        let sid = self.ids.sid("PN");
        let now = rfc2822(self.clock.now());
        let fields = [
            ("uri", format!("/2010-04-01/Accounts/{account}/OutgoingCallerIds/{sid}.json")),
            ("sid", sid),
            ("account_sid", account.to_owned()),
            ("friendly_name", name.to_owned()),
            ("phone_number", phone.to_owned()),
            ("date_created", now.clone()),
            ("date_updated", now),
        ];
        let object: Object = fields.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        self.twilio.caller_ids.put(object.clone());
        object
    }
}

/// `GET …/OutgoingCallerIds.json`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let (phone, name) = (ctx.query.filled("PhoneNumber"), ctx.query.filled("FriendlyName"));
    let wanted = |object: &&Object| {
        ctx.owns(object)
            && phone.is_none_or(|phone| text(object, "phone_number") == Some(phone))
            && name.is_none_or(|name| text(object, "friendly_name") == Some(name))
    };
    let items = ctx.world.twilio.caller_ids.iter().rev().filter(wanted);
    paging::relative(ctx, "outgoing_caller_ids", "OutgoingCallerId", items)
}

/// `POST …/OutgoingCallerIds.json`: starts a validation [S]. Nobody has to type the code here: the caller id
/// is verified at once [?].
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let phone = ctx.form.filled("PhoneNumber").unwrap_or_default().to_owned();
    if !is_e164(&phone) {
        return Err(Problem::new(21421, format!("{phone} is not a valid number")));
    }
    let name = ctx.form.filled("FriendlyName").unwrap_or(&phone).to_owned();
    let account = ctx.account.clone();
    ctx.world.add_caller_id(&account, &phone, &name);
    let code = format!("{:06}", ctx.world.ids.below(1_000_000));
    let fields = [
        ("account_sid", account),
        ("call_sid", ctx.world.ids.sid("CA")),
        ("friendly_name", name),
        ("phone_number", phone),
        ("validation_code", code),
    ];
    let request = fields.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
    Ok(Answer::item(200, "ValidationRequest", request))
}

/// `GET …/OutgoingCallerIds/{PN}.json`.
pub(crate) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.own(&ctx.world.twilio.caller_ids)?.clone();
    Ok(Answer::item(200, "OutgoingCallerId", found))
}

/// `DELETE …/OutgoingCallerIds/{PN}.json`.
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    ctx.own(&ctx.world.twilio.caller_ids)?;
    ctx.world.twilio.caller_ids.remove(&ctx.ids[0]);
    Ok(Answer::deleted())
}

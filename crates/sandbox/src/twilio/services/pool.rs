//! The numbers of a service, and which of them sends (T15).

use hyper::Method;
use serde_json::{Value, json};

use super::{fix, located, require, service, within};
use crate::calling_codes;
use crate::clock::iso;
use crate::http::{Object, text};
use crate::state::World;
use crate::twilio::errors::Problem;
use crate::twilio::messages::message::Sid;
use crate::twilio::messages::{self, Draft};
use crate::twilio::numbers;
use crate::twilio::{Answer, Ctx, Route, paging};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Services/{}/PhoneNumbers",
        area: "messaging",
        methods: &[(Method::GET, list), (Method::POST, create)],
    },
    Route {
        pattern: "Services/{}/PhoneNumbers/{}",
        area: "messaging",
        methods: &[(Method::GET, fetch), (Method::DELETE, delete)],
    },
];

fn shown(ctx: &Ctx<'_>, row: &Object) -> Object {
    located(ctx, row, &format!("Services/{}/PhoneNumbers", ctx.ids[0]))
}

fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let service = service(ctx)?;
    let of_service = |row: &&Object| text(row, "service_sid") == Some(service.as_str());
    let items = ctx.world.twilio.texting.pool.iter().rev().filter(of_service);
    paging::absolute(ctx, "phone_numbers", items, |row| shown(ctx, &row))
}

/// 21710 when it is in this service already, 21712 when it is in another (T6 [E]; that both are 409 is [?]).
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let service = service(ctx)?;
    require(ctx, &["PhoneNumberSid"])?;
    let sid = ctx.form.filled("PhoneNumberSid").unwrap_or_default().to_owned();
    let number = ctx.world.twilio.numbers.rows().get(&sid).filter(|number| ctx.owns(number));
    let number = number.ok_or_else(|| Problem::not_found(&format!("/PhoneNumbers/{sid}")))?;
    let phone = text(number, "phone_number").unwrap_or_default();
    let conflict = |code: u32, words: &str| Problem { status: 409, ..Problem::new(code, words) };
    match ctx.world.twilio.service_of(phone) {
        Some(other) if other == service => {
            return Err(conflict(21710, "Phone Number or Short Code is already in the Messaging Service."));
        }
        Some(_) => {
            return Err(conflict(
                21712,
                "Phone Number or Short Code is associated with another Messaging Service.",
            ));
        }
        None => {}
    }
    let now = iso(ctx.world.clock.now());
    let mut row = Object::new();
    let fields = [
        ("sid", json!(sid)),
        ("account_sid", json!(ctx.account)),
        ("service_sid", json!(service)),
        ("phone_number", json!(phone)),
        ("country_code", json!(calling_codes::country(phone).map(|(iso, _)| iso))),
        ("capabilities", capabilities(number)),
        ("date_created", json!(now)),
        ("date_updated", json!(now)),
    ];
    fix(&mut row, &fields);
    ctx.world.twilio.texting.pool.put(row.clone());
    Ok(Answer::item(201, "PhoneNumber", shown(ctx, &row)))
}

/// An array here, unlike everywhere else (T15, T24.3).
fn capabilities(number: &Object) -> Value {
    let names = [("mms", "MMS"), ("sms", "SMS"), ("voice", "Voice")];
    names.iter().filter(|(name, _)| numbers::can(number, name)).map(|(_, shown)| *shown).collect()
}

/// The number that the path names, if it is in the service that the path names.
fn named(ctx: &Ctx<'_>) -> Result<Object, Problem> {
    within(ctx, &ctx.world.twilio.texting.pool, "service_sid").cloned()
}

fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(Answer::item(200, "PhoneNumber", shown(ctx, &named(ctx)?)))
}

fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let row = named(ctx)?;
    ctx.world.twilio.texting.pool.remove(text(&row, "sid").unwrap_or_default());
    Ok(Answer::deleted())
}

impl World {
    /// The sender that a service chooses for a message: the one that wrote to this person before, else one of
    /// the same area, of the same country, or the one whose queue is shortest. Without any, the code says why.
    pub(crate) fn sender_for(&mut self, sid: Sid) -> Result<String, u16> {
        const NONE_AVAILABLE: u16 = 21703;
        let messages = &self.twilio.messages;
        let message = messages.get(sid).ok_or(NONE_AVAILABLE)?;
        let (service, to) = (messages.text(message.service).to_owned(), messages.text(message.to).to_owned());
        let draft = Draft {
            service: Some(service.clone()),
            as_mms: message.mms,
            ..Draft::new(messages.text(message.account), "", &to, "")
        };
        let row = self.twilio.texting.services.get(&service).ok_or(NONE_AVAILABLE)?;
        let wants = |switch: &str| row.get(switch) == Some(&json!(true));
        let (sticky, geomatch) = (wants("sticky_sender"), wants("area_code_geomatch"));
        let known = format!("{service} {to}");
        let pool = self.twilio.pool(&service);
        let refusal = |sender: &String| messages::usable(self, &draft, sender).err();
        let none = match pool.iter().filter_map(refusal).find(|code| *code == 21610) {
            _ if pool.is_empty() => 21704,
            Some(_) => 21610,
            None => NONE_AVAILABLE,
        };
        let able: Vec<String> = pool.into_iter().filter(|sender| refusal(sender).is_none()).collect();
        let texting = &mut self.twilio.texting;
        if let Some(before) = texting.sticky.get(&known).filter(|before| sticky && able.contains(before)) {
            return Ok(before.clone());
        }
        let country = |phone: &str| calling_codes::country(phone).map(|(iso, _)| iso);
        let area = |phone: &str| phone.strip_prefix("+1").and_then(|rest| rest.get(..3)).map(str::to_owned);
        let rank = |sender: &String| {
            let near = geomatch && area(&to).is_some() && area(sender) == area(&to);
            (!near, country(sender) != country(&to), texting.lanes.get(sender).copied().unwrap_or_default())
        };
        let chosen = able.into_iter().min_by_key(rank).ok_or(none)?;
        texting.sticky.insert(known, chosen.clone());
        Ok(chosen)
    }
}

//! Buying a number (T5): which one, whether it is to be had, what the buyer must show, and what it costs.

use hyper::Method;

use super::super::accounts::Kind as AccountKind;
use super::super::errors::Problem;
use super::super::{Answer, Ctx, Route, catalogue, prices};
use super::{change, configured, list, requirements, without_type};
use crate::geo::{self, Kind};
use crate::ids::is_e164;

/// Where it answers; the sub-resources stand before the path of a single number.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        pattern: "Accounts/{}/IncomingPhoneNumbers",
        area: AREA,
        methods: &[(Method::GET, |ctx| list(ctx, None)), (Method::POST, |ctx| buy(ctx, None))],
    },
    Route {
        pattern: "Accounts/{}/IncomingPhoneNumbers/Local",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| list(ctx, Some(Kind::Local))),
            (Method::POST, |ctx| buy(ctx, Some(Kind::Local))),
        ],
    },
    Route {
        pattern: "Accounts/{}/IncomingPhoneNumbers/Mobile",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| list(ctx, Some(Kind::Mobile))),
            (Method::POST, |ctx| buy(ctx, Some(Kind::Mobile))),
        ],
    },
    Route {
        pattern: "Accounts/{}/IncomingPhoneNumbers/TollFree",
        area: AREA,
        methods: &[
            (Method::GET, |ctx| list(ctx, Some(Kind::TollFree))),
            (Method::POST, |ctx| buy(ctx, Some(Kind::TollFree))),
        ],
    },
];

const AREA: &str = "incoming-phone-numbers";

/// Purchases of these always end so (T22 [X]).
const MAGIC_NUMBERS: [(&str, u32); 2] = [("+15005550000", 21422), ("+15005550001", 21421)];
const MAGIC_NUMBER_THAT_WORKS: &str = "+15005550006";
const MAGIC_EMPTY_AREA: &str = "533";
/// An area that has a number for everybody, which the stock does not know.
const MAGIC_FULL_AREA: &str = "500";

/// `POST …/IncomingPhoneNumbers.json`, or a sub-resource for numbers of one kind. A number that the account
/// owns already is updated and answered 201 all the same (T2 [I ex_twilio PR 116]); one by `AreaCode` is
/// always another one.
fn buy(ctx: &mut Ctx<'_>, kind: Option<Kind>) -> Result<Answer, Problem> {
    let mut answer = bought(ctx, kind)?;
    if let (Answer::Resource { body, .. }, Some(_)) = (&mut answer, kind) {
        without_type(body);
    }
    Ok(answer)
}

fn bought(ctx: &mut Ctx<'_>, kind: Option<Kind>) -> Result<Answer, Problem> {
    let phone = wanted(ctx, kind)?;
    if kind.is_some_and(|kind| geo::kind(&phone) != kind) {
        return Err(Problem::new(21458, format!("{phone} is not a number of this type")));
    }
    if ctx.testing() {
        let number = ctx.world.brand_new(&ctx.account, &phone);
        let number = configured(ctx, number)?;
        return Ok(Answer::item(201, "IncomingPhoneNumber", number));
    }
    if let Some(owned) = ctx.world.twilio.number(&phone).filter(|number| ctx.owns(number)) {
        return change(ctx, owned.clone(), 201);
    }
    let price = check(ctx, &phone)?;
    let mut number = ctx.world.brand_new(&ctx.account, &phone);
    for (name, field) in
        [("AddressSid", "address_sid"), ("BundleSid", "bundle_sid"), ("IdentitySid", "identity_sid")]
    {
        number.insert(field.to_owned(), ctx.form.filled(name).into());
    }
    requirements::check(ctx, &number)?;
    let answer = change(ctx, number, 201)?;
    ctx.world.twilio.charge(&ctx.account, price);
    Ok(answer)
}

/// The number that the form names, or one of the area that it names.
fn wanted(ctx: &mut Ctx<'_>, kind: Option<Kind>) -> Result<String, Problem> {
    let (phone, area) = (ctx.form.filled("PhoneNumber"), ctx.form.filled("AreaCode"));
    match (phone.map(str::to_owned), area.map(str::to_owned)) {
        (Some(phone), _) => valid(ctx, phone),
        (None, Some(_)) if kind.is_some() => {
            Err(Problem::new(21457, "AreaCode is not supported on this resource"))
        }
        (None, Some(area)) => of_area(ctx, &area),
        (None, None) => Err(Problem::new(21421, "PhoneNumber or AreaCode is required")),
    }
}

fn valid(ctx: &Ctx<'_>, phone: String) -> Result<String, Problem> {
    let magic = MAGIC_NUMBERS.iter().find(|(number, _)| *number == phone).map(|(_, code)| *code);
    let other = ctx.testing() && phone != MAGIC_NUMBER_THAT_WORKS;
    match magic.or_else(|| (other || !is_e164(&phone)).then_some(21421)) {
        None => Ok(phone),
        Some(21422) => Err(taken(&phone)),
        Some(code) => Err(Problem::new(code, format!("{phone} is not a valid number"))),
    }
}

/// The seen text (T2 [X]).
fn taken(phone: &str) -> Problem {
    Problem::new(21422, format!("{phone} is not available"))
}

/// A free local number of a North American area (T5 [E]: 21451, 21452).
fn of_area(ctx: &mut Ctx<'_>, area: &str) -> Result<String, Problem> {
    if area.len() != 3 || !area.bytes().all(|b| b.is_ascii_digit()) || area.starts_with(['0', '1']) {
        return Err(Problem::new(21451, format!("{area} is not a valid area code")));
    }
    let none = || Problem::new(21452, format!("No phone numbers found in area code {area}"));
    match (area, ctx.testing()) {
        (MAGIC_EMPTY_AREA, _) => Err(none()),
        (MAGIC_FULL_AREA, true) => Ok(MAGIC_NUMBER_THAT_WORKS.to_owned()),
        (MAGIC_FULL_AREA, false) => Ok(made_up(ctx)),
        // For test credentials other areas are not described [?].
        (_, true) => Err(none()),
        (_, false) => {
            let twilio = &ctx.world.twilio;
            let now = ctx.world.clock.now();
            let fits = |block: &catalogue::Block| block.prefix.strip_prefix('1') == Some(area);
            let mut offers = catalogue::offers(ctx.world.seed, fits).into_iter();
            let free = offers.find(|offer| twilio.offered(&offer.phone, now));
            Ok(free.ok_or_else(none)?.phone)
        }
    }
}

fn made_up(ctx: &mut Ctx<'_>) -> String {
    loop {
        let rest = 2_000_000 + ctx.world.ids.below(8_000_000);
        let phone = format!("+1{MAGIC_FULL_AREA}{rest:07}");
        if ctx.world.twilio.number(&phone).is_none() {
            return phone;
        }
    }
}

/// Whether the account may buy the number now; its price for a month.
fn check(ctx: &Ctx<'_>, phone: &str) -> Result<i64, Problem> {
    let (world, kind) = (&*ctx.world, geo::kind(phone));
    let country = geo::country(phone).ok_or_else(|| taken(phone))?;
    let price = prices::number(country.iso, kind).ok_or_else(|| taken(phone))?;
    let unknown = world.settings.stock_only && !catalogue::stocks(world.seed, phone);
    if unknown || !world.twilio.obtainable(phone, &ctx.account, world.clock.now()) {
        return Err(taken(phone));
    }
    let account = world.twilio.account(&ctx.account).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    // One number per trial account; the text was seen (T5 [E]).
    if account.kind == AccountKind::Trial && world.twilio.numbers.iter().any(|number| ctx.owns(number)) {
        let text = "Trial accounts are allowed only one Twilio number. To purchase additional numbers, \
                    please upgrade your account.";
        return Err(Problem::new(21404, text));
    }
    if account.no_long_codes && kind != Kind::TollFree {
        return Err(Problem::new(22300, "This account is restricted from buying long codes"));
    }
    // How a purchase without funds is refused is not known (T25 [?]): one of the "not active" family.
    let payer = world.twilio.account(&account.owner);
    match payer.is_some_and(|payer| payer.balance >= price) {
        true => Ok(price),
        false => Err(Problem::new(10001, "Account is not active")),
    }
}

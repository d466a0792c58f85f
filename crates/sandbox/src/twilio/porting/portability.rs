//! Whether a number can be ported (T20.1).

use serde_json::{Value, json};

use super::super::{Answer, Ctx, Twilio};
use crate::geo;
use crate::http::text;
use crate::ids::is_e164;
use crate::phones::OnText;
use crate::routes::decoded;
use crate::state::World;
use crate::twilio::errors::Problem;

/// Why a number cannot be ported, with its code (T20 [I], partly [S]).
pub(super) type Reason = (&'static str, u32);

const UNSUPPORTED: Reason = ("UNSUPPORTED", 22130);
const IN_TARGET: Reason = ("ALREADY_IN_THE_TARGET_ACCOUNT", 22131);
const DIFFERENT_OWNER: Reason = ("ALREADY_IN_TWILIO_DIFFERENT_OWNER", 22132);
const MANUAL: Reason = ("MANUAL_PORTING_AVAILABLE", 22133);
const INTERNAL: Reason = ("INTERNAL_ERROR", 22135);
const OWN_OTHER: Reason = ("ALREADY_IN_ONE_OF_YOUR_TWILIO_ACCOUNTS", 22136);

/// A check of this number always fails inside Twilio: ours, like the test numbers of T22.
const MAGIC_INTERNAL: &str = "+15005550035";

/// What is known about porting one number.
#[derive(Debug)]
pub(super) struct Portability {
    /// The account that has it, if the asker may know.
    account: Option<String>,
    pub(super) reason: Option<Reason>,
    pub(super) number_type: &'static str,
    pub(super) country: Option<&'static str>,
}

impl Portability {
    /// Checks a number for a port into `target`.
    pub(super) fn of(world: &World, target: &str, phone: &str) -> Portability {
        let (reason, account) = match owner(&world.twilio, target, phone) {
            Some((reason, account)) => (Some(reason), account),
            None => (elsewhere(phone), None),
        };
        let country = geo::country(phone).map(|country| country.iso);
        Portability { account, reason, number_type: number_type(world, phone), country }
    }

    pub(super) fn portable(&self) -> bool {
        self.reason.is_none()
    }

    /// Mobile carriers in the US ask for the customer's account number and a PIN [D].
    pub(super) fn needs_pin(&self) -> bool {
        self.portable() && self.number_type == "MOBILE"
    }
}

/// The reason when the number is at Twilio already, and the account if it is one of the asker's.
fn owner(twilio: &Twilio, target: &str, phone: &str) -> Option<(Reason, Option<String>)> {
    let account = twilio.account(text(twilio.number(phone)?, "account_sid")?)?;
    let family = |sid: &str| twilio.account(sid).map(|account| account.owner.clone());
    Some(match account.sid.as_str() {
        sid if sid == target => (IN_TARGET, Some(sid.to_owned())),
        sid if family(sid) == family(target) => (OWN_OTHER, Some(sid.to_owned())),
        _ => (DIFFERENT_OWNER, None),
    })
}

/// US local and mobile numbers only; toll-free ones are ported by people (T20.4 [D]), and so, presumably, are
/// those of the other countries in the catalogue [?].
fn elsewhere(phone: &str) -> Option<Reason> {
    match (phone, geo::country(phone).map(|country| country.iso), geo::kind(phone)) {
        (MAGIC_INTERNAL, ..) => Some(INTERNAL),
        (_, None, _) => Some(UNSUPPORTED),
        (_, Some("US"), geo::Kind::Local) => None,
        _ => Some(MANUAL),
    }
}

/// In North America the digits do not say whether a number is mobile: a person's phone is, unless it was
/// made a landline.
fn number_type(world: &World, phone: &str) -> &'static str {
    let landline = world.phones.get(phone).on_text == OnText::Landline;
    let owned = world.twilio.number(phone).is_some();
    match (geo::country(phone).map(|country| country.iso), geo::kind(phone)) {
        (None, _) => "UNKNOWN",
        (_, geo::Kind::TollFree) => "TOLL-FREE",
        (Some("US" | "CA"), _) if !landline && !owned => "MOBILE",
        (_, geo::Kind::Mobile) => "MOBILE",
        _ => "LOCAL",
    }
}

/// `GET /v1/Porting/Portability/PhoneNumber/{+E164}`.
pub(super) fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let phone = decoded(&ctx.ids[0]);
    if !is_e164(&phone) {
        return Err(Problem::new(22102, format!("{phone} is not a valid phone number")));
    }
    let target = ctx.query.filled("TargetAccountSid").unwrap_or(&ctx.account).to_owned();
    ctx.query.get("AddressSid");
    if !ctx.world.twilio.may_act(&ctx.caller.account, &target) {
        return Err(Problem::new(20422, format!("TargetAccountSid {target} is not valid")));
    }
    let found = Portability::of(ctx.world, &target, &phone);
    let body = json!({
        "phone_number": phone,
        "account_sid": found.account,
        "portable": found.portable(),
        "pin_and_account_number_required": found.needs_pin(),
        "not_portable_reason": found.reason.map(|(reason, _)| reason),
        "not_portable_reason_code": found.reason.map(|(_, code)| code),
        "number_type": found.number_type,
        "country": found.country.map_or(Value::Null, |iso| json!(iso)),
        "url": format!("{}{}", ctx.base, ctx.uri),
    });
    Ok(Answer::Resource { status: 200, kind: "", body })
}

impl Twilio {
    /// Whether `caller` may do something in `target`: in its own account, or a parent in its subaccount.
    pub(super) fn may_act(&self, caller: &str, target: &str) -> bool {
        self.account(target).is_some_and(|account| account.sid == caller || account.owner == caller)
    }
}

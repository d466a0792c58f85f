//! Moving a number to another account of the same owner (T5 [E]: 21470 to 21474).

use super::super::Ctx;
use super::super::accounts::Status;
use super::super::errors::Problem;
use crate::ids::is_sid;

/// Whether the caller may move a number of the account that is acted on to `target`.
pub(super) fn check(ctx: &Ctx<'_>, target: &str) -> Result<(), Problem> {
    let refuse = |code: u32, why: &str| Err(Problem::new(code, format!("AccountSid {target} {why}")));
    let twilio = &ctx.world.twilio;
    if !is_sid(target, "AC") {
        return refuse(21470, "is invalid");
    }
    let Some(account) = twilio.account(target) else { return refuse(21471, "does not exist") };
    if account.status != Status::Active {
        return refuse(21472, "is not active");
    }
    let parent = twilio.account(&ctx.account).map(|from| from.owner.as_str());
    if parent != Some(account.owner.as_str()) {
        return refuse(21473, "is not related to the number's account");
    }
    if parent != Some(ctx.caller.account.as_str()) {
        return refuse(21474, "can only be given by the parent account");
    }
    Ok(())
}

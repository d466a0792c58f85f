//! Where desired and observed part: six checks in order, stopping at the first real cause.

use super::check::{Cause, Check, CheckId, Fix, Status};
use super::desired::{Desired, VapiWish, Wish};
use super::observed::{
    AccountStatus, Elsewhere, NumberStatus, Observed, Reading, ServerView, TwilioNumber, TwilioView,
    VapiNumber, VapiView,
};
use super::routing::{Method, VapiUrl, VoiceRoute, is_demo, vapi_url, voice_route};
use crate::{AccountSid, Code, Problem, Provider, VapiNumberId};

/// The checklist of one number: always six checks, in order; the first that fails names its cause, and those
/// behind it are not reached.
pub fn diagnose(desired: &Desired, observed: &Observed) -> Vec<Check> {
    let mut checks = Vec::with_capacity(CheckId::ALL.len());
    let failing = examine(desired, observed, &mut checks).err();
    checks.extend(failing);
    checks.extend(CheckId::ALL.into_iter().skip(checks.len()).map(|id| Check::new(id, Status::NotReached)));
    checks
}

/// The first check that fails.
pub fn first_failing(checks: &[Check]) -> Option<&Check> {
    checks.iter().find(|check| check.status == Status::Failing)
}

/// Whether every check is ok.
pub fn is_healthy(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.status == Status::Ok)
}

/// The check that no plan can mend: what must be done by a person, or waited for, first.
pub fn blocker(checks: &[Check]) -> Option<&Check> {
    first_failing(checks).filter(|check| check.cause.is_some_and(|cause| cause.fix() != Fix::Repair))
}

type Outcome = Result<Check, Check>;

fn examine(desired: &Desired, observed: &Observed, checks: &mut Vec<Check>) -> Result<(), Check> {
    let (twilio, vapi, credentials) = credentials(desired, observed)?;
    checks.push(credentials);
    checks.push(assistant(desired, vapi)?);
    let (number, imported) = imported(desired, twilio, vapi, observed.import_refusal)?;
    let imported =
        with_present_token(desired, observed.stale_token && twilio.number.is_ok(), number, imported)?;
    checks.push(imported);
    checks.push(linked(desired, vapi, number)?);
    let (at_twilio, webhook) = webhook(desired, twilio)?;
    checks.push(webhook);
    checks.push(reachable(at_twilio, number, vapi)?);
    Ok(())
}

/// What both providers say, where the credentials can be used; else the check that says why not.
pub(super) fn credentials<'a>(
    desired: &Desired,
    observed: &'a Observed,
) -> Result<(&'a TwilioView, &'a VapiView, Check), Check> {
    let (twilio, vapi) = (twilio_access(observed)?, vapi_access(desired, observed)?);
    Ok((twilio, vapi, Check::ok(CheckId::Credentials, Some(twilio.account.name.clone()))))
}

/// Why one provider could not be asked, or only in vain; `None` where it answered. The checks name the first
/// provider's trouble only.
pub fn trouble(desired: &Desired, observed: &Observed, provider: Provider) -> Option<Check> {
    match provider {
        Provider::Twilio => twilio_access(observed).err(),
        Provider::Vapi => vapi_access(desired, observed).err(),
    }
}

fn twilio_access(observed: &Observed) -> Result<&TwilioView, Check> {
    let twilio = match &observed.twilio {
        Reading::NotConfigured => return Err(Check::failing(Cause::TwilioMissing)),
        Reading::Failed(problem) => return Err(refusal(problem, TWILIO_REFUSALS, Cause::TwilioUnreachable)),
        Reading::Known(view) => view,
    };
    match twilio.account.status {
        AccountStatus::Inactive => {
            Err(Check::failing(Cause::TwilioAccountInactive).found(twilio.account.name.clone()))
        }
        AccountStatus::Active => Ok(twilio),
    }
}

fn vapi_access<'a>(desired: &Desired, observed: &'a Observed) -> Result<&'a VapiView, Check> {
    let vapi = match &observed.vapi {
        Reading::NotConfigured => return Err(Check::failing(Cause::VapiMissing)),
        Reading::Failed(problem) => return Err(refusal(problem, VAPI_REFUSALS, Cause::VapiUnreachable)),
        Reading::Known(view) => view,
    };
    match (desired.vapi_org_id, vapi.org_id) {
        (Some(expected), Some(found)) if expected != found => {
            let check = Check::failing(Cause::VapiOtherOrg);
            Err(check.expected(expected.to_string()).found(found.to_string()))
        }
        _ => Ok(vapi),
    }
}

const TWILIO_REFUSALS: &[(Code, Cause)] = &[
    (Code::TwilioUnauthorized, Cause::TwilioUnauthorized),
    (Code::TwilioForbidden, Cause::TwilioForbidden),
    (Code::TwilioAccountInactive, Cause::TwilioAccountInactive),
    (Code::Sealed, Cause::SecretSealed),
];

const VAPI_REFUSALS: &[(Code, Cause)] = &[
    (Code::VapiUnauthorized, Cause::VapiUnauthorized),
    (Code::VapiForbidden, Cause::VapiForbidden),
    (Code::Sealed, Cause::VapiSealed),
];

/// A refusal is a cause of its own; everything else means that the provider could not be asked.
fn refusal(problem: &Problem, refusals: &[(Code, Cause)], otherwise: Cause) -> Check {
    let cause =
        refusals.iter().find(|(code, _)| *code == problem.code).map_or(otherwise, |(_, cause)| *cause);
    match &problem.provider {
        Some(detail) => Check::failing(cause).found(detail.message.clone()),
        None => Check::failing(cause),
    }
}

fn assistant(desired: &Desired, vapi: &VapiView) -> Outcome {
    let number = our_number(desired.ours, Some(&desired.account_sid), &vapi.numbers);
    let server = desired.vapi.as_ref().is_some_and(|wish| server_answers(wish, number));
    let wished = desired.vapi.as_ref().and_then(|wish| wish.assistant);
    let found = wished.and_then(|id| vapi.assistants.iter().find(|assistant| assistant.id == id));
    match (wished, found) {
        (Some(_), Some(assistant)) => Ok(Check::ok(CheckId::Assistant, Some(assistant.name.clone()))),
        (_, None) if vapi.assistants.is_empty() && !server => Err(Check::failing(Cause::NoAssistant)),
        (Some(id), None) => Err(Check::failing(Cause::AssistantDeleted).expected(id.to_string())),
        (None, _) => Ok(Check::ok(CheckId::Assistant, None)),
    }
}

/// A server of one's own may answer instead of an assistant (facts/vapi.md section 9.3).
fn server_answers(wish: &VapiWish, number: Option<&VapiNumber>) -> bool {
    let server = match &wish.server {
        Wish::Exactly(server) => server.is_some(),
        Wish::AsIs => number.is_some_and(|number| number.server.is_some()),
    };
    wish.assistant.is_none() && server
}

/// The record that is ours, else the one of our account, else the first.
pub fn our_number<'a>(
    ours: Option<VapiNumberId>,
    account_sid: Option<&AccountSid>,
    numbers: &'a [VapiNumber],
) -> Option<&'a VapiNumber> {
    let recorded = numbers.iter().find(|number| ours == Some(number.id));
    let of_account = || numbers.iter().find(|number| number.account_sid.as_ref() == account_sid);
    recorded.or_else(of_account).or(numbers.first())
}

fn imported<'a>(
    desired: &Desired,
    twilio: &TwilioView,
    vapi: &'a VapiView,
    import_refusal: Option<Code>,
) -> Result<(&'a VapiNumber, Check), Check> {
    let number = our_number(desired.ours, Some(&desired.account_sid), &vapi.numbers);
    let other_account =
        number.and_then(|number| number.account_sid.as_ref()).filter(|sid| **sid != desired.account_sid);
    if let (Some(number), None) = (number, other_account) {
        return Ok((number, Check::ok(CheckId::Imported, Some(number.id.to_string()))));
    }
    Err(match &twilio.number {
        Err(Elsewhere::Subaccount(sid)) => {
            Check::failing(Cause::NumberInSubaccount).found(sid.as_str()).with("subaccount", sid.as_str())
        }
        Err(Elsewhere::CallerId) => Check::failing(Cause::NumberIsCallerId),
        Err(Elsewhere::Unknown) => {
            let account = &twilio.account;
            Check::failing(Cause::NumberNotInAccount)
                .found(account.name.clone())
                .with("account", account.name.clone())
        }
        Ok(_) => match other_account {
            Some(sid) => Check::failing(Cause::ImportedFromOtherAccount)
                .expected(desired.account_sid.as_str())
                .found(sid.as_str()),
            None if import_refusal == Some(Code::VapiNumberInOtherOrg) => {
                Check::failing(Cause::VapiNumberInOtherOrg)
            }
            None => Check::failing(Cause::NotImported),
        },
    })
}

/// A token that was rotated at Twilio is known to Vapi only once it is told.
fn with_present_token(desired: &Desired, stale: bool, number: &VapiNumber, check: Check) -> Outcome {
    match stale && desired.ours == Some(number.id) {
        true => Err(Check::failing(Cause::VapiTokenStale)),
        false => Ok(check),
    }
}

fn linked(desired: &Desired, vapi: &VapiView, number: &VapiNumber) -> Outcome {
    let Some(wish) = &desired.vapi else { return Ok(Check::ok(CheckId::Linked, None)) };
    let name =
        |id| vapi.assistants.iter().find(|assistant| assistant.id == id).map(|found| found.name.clone());
    let expected = wish.assistant.map(|id| name(id).unwrap_or_else(|| id.to_string()));
    let wrong = |cause| {
        let mut check = Check::failing(cause);
        check.expected.clone_from(&expected);
        check
    };
    match number.assistant_id {
        Some(id) if wish.assistant != Some(id) => {
            return Err(match name(id) {
                Some(found) => wrong(Cause::LinkedToOther).found(found),
                None => wrong(Cause::LinkedToDeleted).found(id.to_string()),
            });
        }
        // Which one answers where both are set, Vapi does not say.
        _ if number.has_squad => return Err(wrong(Cause::LinkedToSquad)),
        Some(_) => (),
        None if server_answers(wish, Some(number)) => (),
        None => return Err(wrong(Cause::NotLinked)),
    }
    match server_differs(wish, number.server.as_ref()) {
        true => Err(Check::failing(Cause::ServerDiffers)),
        false => Ok(Check::ok(CheckId::Linked, expected)),
    }
}

/// Whether events go elsewhere than wished.
pub(super) fn server_differs(wish: &VapiWish, found: Option<&ServerView>) -> bool {
    match (&wish.server, found) {
        (Wish::AsIs, _) | (Wish::Exactly(None), None) => false,
        (Wish::Exactly(Some(wish)), Some(found)) => {
            wish.url != found.url || wish.secret_fingerprint != found.secret_fingerprint
        }
        (Wish::Exactly(_), _) => true,
    }
}

fn webhook<'a>(desired: &Desired, twilio: &'a TwilioView) -> Result<(&'a TwilioNumber, Check), Check> {
    let Ok(number) = &twilio.number else {
        return Err(Check::failing(Cause::NumberLeftAccount).found(twilio.account.name.clone()));
    };
    let expected = desired.region.voice_url();
    let wrong = |cause, found: Option<&str>| {
        let check = Check::failing(cause).expected(expected.clone());
        Err(match found {
            Some(found) => check.found(found),
            None => check,
        })
    };
    match voice_route(&number.voice) {
        VoiceRoute::Trunk(sid) => wrong(Cause::TrunkOverrides, Some(sid.as_str())),
        VoiceRoute::Application(sid) => wrong(Cause::ApplicationOverrides, Some(sid.as_str())),
        VoiceRoute::Nowhere => wrong(Cause::WebhookEmpty, None),
        VoiceRoute::Url(url) => match vapi_url(url) {
            VapiUrl::InboundCall(region) if region != desired.region => {
                wrong(Cause::WebhookOtherRegion, Some(url))
            }
            VapiUrl::InboundCall(_) if number.voice.voice_method == Method::Get => {
                wrong(Cause::WebhookMethod, Some(&format!("GET {url}")))
            }
            VapiUrl::InboundCall(_) => Ok((number, Check::ok(CheckId::Webhook, Some(url.to_owned())))),
            VapiUrl::Foreign if is_demo(url) => wrong(Cause::WebhookDemo, Some(url)),
            VapiUrl::Other | VapiUrl::Foreign => wrong(Cause::WebhookElsewhere, Some(url)),
        },
    }
}

fn reachable(at_twilio: &TwilioNumber, number: &VapiNumber, vapi: &VapiView) -> Outcome {
    if !at_twilio.takes_calls {
        return Err(Check::failing(Cause::NumberWithoutVoice));
    }
    match number.status {
        NumberStatus::Blocked => return Err(Check::failing(Cause::NumberBlocked)),
        NumberStatus::Activating => return Err(Check::failing(Cause::NumberActivating)),
        NumberStatus::Active => (),
    }
    // A call from before the last change says nothing about the line as it is now.
    let since = number.updated_at.unwrap_or_default();
    let last =
        vapi.last_call.as_ref().filter(|call| call.at > since).and_then(|call| call.ended_reason.as_deref());
    match last {
        Some(reason) if never_answered(reason) => Err(Check::failing(Cause::LastCallFailed).found(reason)),
        found => Ok(Check::ok(CheckId::Reachable, found.map(str::to_owned))),
    }
}

/// End reasons of calls that no assistant took (facts/vapi.md section 8.5), by their beginning.
const NEVER_ANSWERED: &[&str] = &[
    "call-start-error-",
    "call.start.",
    "assistant-not-",
    "assistant-request-failed",
    "assistant-request-returned-error",
    "assistant-request-returned-unspeakable-error",
    "assistant-request-returned-invalid-assistant",
    "assistant-request-returned-no-assistant",
    "call.ringing.error-",
];

/// Whether a call that ended so was not answered.
pub fn never_answered(reason: &str) -> bool {
    NEVER_ANSWERED.iter().any(|start| reason.starts_with(start))
}

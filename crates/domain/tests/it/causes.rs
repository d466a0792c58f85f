//! The decision tables of facts/vapi.md section 12 and requirement A6, row by row: a state, the cause that is
//! named for it, and the changes that mend it.

use crate::line::{at, at_twilio, at_vapi, desired, id, observed, our_server, sid, twilio, vapi, wish};
use crate::model::World;
use dialtone_domain::line::{
    AccountStatus, Cause, Desired, Elsewhere, LastCall, Method, NumberStatus, Observed, Reading, Region,
    ServerView, SmsOwner, SmsRouting, Wish, blocker, diagnose, first_failing, is_healthy, plan,
};
use dialtone_domain::{Code, Problem};

/// The state, its cause (none: healthy for calls), and the names of the changes that mend it.
type Row = (&'static str, fn(&mut Desired, &mut Observed), Option<Cause>, &'static [&'static str]);

fn refused_by_twilio(observed: &mut Observed, code: Code) {
    observed.twilio = Reading::Failed(Problem::new(code));
}

fn refused_by_vapi(observed: &mut Observed, code: Code) {
    observed.vapi = Reading::Failed(Problem::new(code));
}

fn not_in_vapi(observed: &mut Observed) {
    vapi(observed).numbers.clear();
}

fn last_call(observed: &mut Observed, n: i64, ended: &str) {
    vapi(observed).last_call = Some(LastCall { at: at(n), ended_reason: Some(ended.to_owned()) });
}

const CREDENTIALS: &[Row] = &[
    ("nothing saved for Twilio", |_, o| o.twilio = Reading::NotConfigured, Some(Cause::TwilioMissing), &[]),
    (
        "Twilio 401/20003: token rotated or wrong",
        |_, o| refused_by_twilio(o, Code::TwilioUnauthorized),
        Some(Cause::TwilioUnauthorized),
        &[],
    ),
    (
        "an API key that is restricted",
        |_, o| refused_by_twilio(o, Code::TwilioForbidden),
        Some(Cause::TwilioForbidden),
        &[],
    ),
    (
        "the account is not active, by its error",
        |_, o| refused_by_twilio(o, Code::TwilioAccountInactive),
        Some(Cause::TwilioAccountInactive),
        &[],
    ),
    (
        "the account is not active, by its status",
        |_, o| twilio(o).account.status = AccountStatus::Inactive,
        Some(Cause::TwilioAccountInactive),
        &[],
    ),
    (
        "Twilio is down",
        |_, o| refused_by_twilio(o, Code::ProviderFailed),
        Some(Cause::TwilioUnreachable),
        &[],
    ),
    (
        "the saved token was damaged",
        |_, o| refused_by_twilio(o, Code::Sealed),
        Some(Cause::SecretSealed),
        &[],
    ),
    ("the saved key was damaged", |_, o| refused_by_vapi(o, Code::Sealed), Some(Cause::VapiSealed), &[]),
    ("nothing saved for Vapi", |_, o| o.vapi = Reading::NotConfigured, Some(Cause::VapiMissing), &[]),
    (
        "401 although the key \"is right\": public key, or other region",
        |_, o| refused_by_vapi(o, Code::VapiUnauthorized),
        Some(Cause::VapiUnauthorized),
        &[],
    ),
    (
        "the key's role denies it",
        |_, o| refused_by_vapi(o, Code::VapiForbidden),
        Some(Cause::VapiForbidden),
        &[],
    ),
    ("Vapi is down", |_, o| refused_by_vapi(o, Code::ProviderUnreachable), Some(Cause::VapiUnreachable), &[]),
    (
        "works in the dashboard, not by API: the key of another organisation",
        |_, o| {
            vapi(o).org_id = Some(id(2));
            not_in_vapi(o);
        },
        Some(Cause::VapiOtherOrg),
        &[],
    ),
];

const NOT_FOUND: &[Row] = &[
    ("(1) the number is not in Vapi", |_, o| not_in_vapi(o), Some(Cause::NotImported), &["import_number"]),
    (
        "not in Vapi, and a trunk in its way",
        |_, o| {
            not_in_vapi(o);
            at_twilio(o).voice.trunk_sid = Some(sid("TK", 1));
        },
        Some(Cause::NotImported),
        &["import_number", "set_voice_routing"],
    ),
    (
        "Number Not Found on Twilio: in a subaccount",
        |_, o| {
            not_in_vapi(o);
            twilio(o).number = Err(Elsewhere::Subaccount(sid("AC", 2)));
        },
        Some(Cause::NumberInSubaccount),
        &[],
    ),
    (
        "Number Not Found on Twilio: in another account, not bought, released or mistyped",
        |_, o| {
            not_in_vapi(o);
            twilio(o).number = Err(Elsewhere::Unknown);
        },
        Some(Cause::NumberNotInAccount),
        &[],
    ),
    (
        "Number Not Found on Twilio: a verified caller ID",
        |_, o| {
            not_in_vapi(o);
            twilio(o).number = Err(Elsewhere::CallerId);
        },
        Some(Cause::NumberIsCallerId),
        &[],
    ),
    (
        "already in use by another org",
        |_, o| {
            not_in_vapi(o);
            o.import_refusal = Some(Code::VapiNumberInOtherOrg);
        },
        Some(Cause::VapiNumberInOtherOrg),
        &["import_number"],
    ),
    (
        "404 on the record: it was deleted, and is made again",
        |d, o| {
            d.ours = Some(id(9));
            not_in_vapi(o);
        },
        Some(Cause::NotImported),
        &["import_number"],
    ),
    (
        "the account's token was rotated, and Vapi has the one from before",
        |d, o| {
            d.ours = Some(at_vapi(o).id);
            o.stale_token = true;
        },
        Some(Cause::VapiTokenStale),
        &["set_vapi_credentials"],
    ),
    (
        "in Vapi with another account's credentials",
        |_, o| at_vapi(o).account_sid = Some(sid("AC", 2)),
        Some(Cause::ImportedFromOtherAccount),
        &["set_vapi_credentials"],
    ),
    (
        "the credentials saved are of an account without the number; the record is right",
        |_, o| {
            at_vapi(o).account_sid = Some(sid("AC", 2));
            twilio(o).number = Err(Elsewhere::Unknown);
        },
        Some(Cause::NumberNotInAccount),
        &[],
    ),
    (
        "(3) the number left the account",
        |_, o| twilio(o).number = Err(Elsewhere::Unknown),
        Some(Cause::NumberLeftAccount),
        &[],
    ),
];

const LINKED: &[Row] = &[
    (
        "Existing Phone Number: adopted, (2) without an assistant",
        |d, o| {
            d.ours = None;
            at_vapi(o).assistant_id = None;
        },
        Some(Cause::NotLinked),
        &["link_assistant"],
    ),
    ("no assistant at all", |_, o| vapi(o).assistants.clear(), Some(Cause::NoAssistant), &[]),
    (
        "linked to another assistant",
        |_, o| at_vapi(o).assistant_id = Some(id(2)),
        Some(Cause::LinkedToOther),
        &["link_assistant"],
    ),
    (
        "linked to an assistant that was deleted",
        |_, o| at_vapi(o).assistant_id = Some(id(9)),
        Some(Cause::LinkedToDeleted),
        &["link_assistant"],
    ),
    (
        "a squad answers",
        |_, o| {
            at_vapi(o).assistant_id = None;
            at_vapi(o).has_squad = true;
        },
        Some(Cause::LinkedToSquad),
        &["link_assistant"],
    ),
    (
        "a squad beside the right assistant",
        |_, o| at_vapi(o).has_squad = true,
        Some(Cause::LinkedToSquad),
        &["link_assistant"],
    ),
    (
        "server never gets assistant-request: an assistant is still set",
        |d, _| {
            wish(d).assistant = None;
            wish(d).server = Wish::Exactly(Some(our_server()));
        },
        Some(Cause::LinkedToOther),
        &["link_assistant", "set_server"],
    ),
    (
        "a server of one's own answers, and there is no assistant",
        |d, o| {
            wish(d).assistant = None;
            vapi(o).assistants.clear();
            at_vapi(o).assistant_id = None;
            at_vapi(o).server =
                Some(ServerView { url: "https://own.example".to_owned(), secret_fingerprint: None });
        },
        None,
        &[],
    ),
    (
        "number's events go elsewhere",
        |d, o| {
            wish(d).server = Wish::Exactly(Some(our_server()));
            let url = our_server().url;
            at_vapi(o).server = Some(ServerView { url, secret_fingerprint: Some("ffffffff".to_owned()) });
        },
        Some(Cause::ServerDiffers),
        &["set_server"],
    ),
];

const CALLS: &[Row] = &[
    (
        "imported, but the address is empty",
        |_, o| at_twilio(o).voice.voice_url = None,
        Some(Cause::WebhookEmpty),
        &["set_voice_routing"],
    ),
    (
        "imported, caller hears Twilio's default",
        |_, o| at_twilio(o).voice.voice_url = Some("http://demo.twilio.com/docs/voice.xml".to_owned()),
        Some(Cause::WebhookDemo),
        &["set_voice_routing"],
    ),
    (
        "imported, caller hears another application",
        |_, o| at_twilio(o).voice.application_sid = Some(sid("AP", 1)),
        Some(Cause::ApplicationOverrides),
        &["set_voice_routing"],
    ),
    (
        "points at the other region",
        |_, o| at_twilio(o).voice.voice_url = Some(Region::Eu.voice_url()),
        Some(Cause::WebhookOtherRegion),
        &["set_voice_routing"],
    ),
    (
        "calls Vapi by GET",
        |_, o| at_twilio(o).voice.voice_method = Method::Get,
        Some(Cause::WebhookMethod),
        &["set_voice_routing"],
    ),
    (
        "texts no longer arrive after an import; calls do",
        |d, o| {
            at_vapi(o).sms_enabled = Some(true);
            at_twilio(o).sms.sms_url = Some(Region::Us.sms_url());
            let sms_url = Some("https://inbox.example/sms".to_owned());
            d.sms = Wish::Exactly(SmsRouting { sms_url, ..SmsRouting::default() });
        },
        None,
        &["set_sms_owner", "set_sms_routing"],
    ),
    ("Vapi shall answer texts", |d, _| wish(d).sms_owner = SmsOwner::Vapi, None, &["set_sms_owner"]),
    ("no voice", |_, o| at_twilio(o).takes_calls = false, Some(Cause::NumberWithoutVoice), &[]),
    ("blocked", |_, o| at_vapi(o).status = NumberStatus::Blocked, Some(Cause::NumberBlocked), &[]),
    ("activating", |_, o| at_vapi(o).status = NumberStatus::Activating, Some(Cause::NumberActivating), &[]),
    (
        "call rejected after a message: neither assistant nor server",
        |_, o| last_call(o, 60, "call-start-error-neither-assistant-nor-server-set"),
        Some(Cause::LastCallFailed),
        &[],
    ),
    (
        "call rejected after a message: the server failed",
        |_, o| last_call(o, 60, "assistant-request-failed"),
        Some(Cause::LastCallFailed),
        &[],
    ),
    (
        "call.start.error-get-phone-number",
        |_, o| last_call(o, 60, "call.start.error-get-phone-number"),
        Some(Cause::LastCallFailed),
        &[],
    ),
    (
        "the last call failed before the last change",
        |_, o| last_call(o, 40, "assistant-not-found"),
        None,
        &[],
    ),
    ("the last call went well", |_, o| last_call(o, 60, "customer-ended-call"), None, &[]),
    ("an end that is new to us", |_, o| last_call(o, 60, "something-new"), None, &[]),
];

#[test]
fn a6_each_state_is_named_as_its_cause_and_mended_where_a_repair_exists() {
    for (state, bend, cause, mends) in [CREDENTIALS, NOT_FOUND, LINKED, CALLS].into_iter().flatten() {
        let (mut desired, mut observed) = (desired(), observed());
        bend(&mut desired, &mut observed);
        let checks = diagnose(&desired, &observed);
        assert_eq!(first_failing(&checks).and_then(|check| check.cause), *cause, "{state}");
        let names: Vec<_> = plan(&desired, &observed).iter().map(|change| change.name()).collect();
        assert_eq!(names, *mends, "{state}");

        if blocker(&checks).is_some() {
            continue;
        }
        let mut world = World { observed, region: Region::Us, patches_rewrite: false, tells_sms: true };
        let steps = world.settle(&desired);
        assert!(steps.iter().all(|change| !change.fields().is_empty()), "{state}: {steps:?}");
        assert!(is_healthy(&diagnose(&desired, &world.observed)), "{state}");
    }
}

#[test]
fn a7_every_cause_has_a_row_or_needs_an_assistant_chosen_first() {
    let rows = [CREDENTIALS, NOT_FOUND, LINKED, CALLS].into_iter().flatten();
    let mut named: Vec<_> = rows.filter_map(|(_, _, cause, _)| *cause).collect();
    // In precedence.rs, in every combination.
    named.extend([Cause::TrunkOverrides, Cause::WebhookElsewhere]);
    // Below: another assistant must be chosen before anything can be planned.
    named.push(Cause::AssistantDeleted);
    let missing: Vec<_> = Cause::ALL.iter().filter(|cause| !named.contains(cause)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn b2_a_deleted_assistant_is_replaced_by_the_next_one() {
    let (mut desired, mut observed) = (desired(), observed());
    vapi(&mut observed).assistants.remove(0);
    let checks = diagnose(&desired, &observed);
    assert_eq!(first_failing(&checks).and_then(|check| check.cause), Some(Cause::AssistantDeleted));
    wish(&mut desired).assistant = vapi(&mut observed).assistants.first().map(|assistant| assistant.id);
    let names: Vec<_> = plan(&desired, &observed).iter().map(|change| change.name()).collect();
    assert_eq!(names, ["link_assistant"]);
}

#[test]
fn b5_the_record_that_is_ours_is_taken_before_one_of_the_account_and_that_before_any() {
    let (mut desired, mut observed) = (desired(), observed());
    let mut foreign = crate::line::record();
    foreign.id = id(2);
    foreign.account_sid = Some(sid("AC", 2));
    vapi(&mut observed).numbers.insert(0, foreign);
    assert!(is_healthy(&diagnose(&desired, &observed)), "ours comes second and counts");
    desired.ours = None;
    assert!(is_healthy(&diagnose(&desired, &observed)), "the one of the account comes second and counts");
    vapi(&mut observed).numbers.pop();
    let checks = diagnose(&desired, &observed);
    assert_eq!(first_failing(&checks).and_then(|check| check.cause), Some(Cause::ImportedFromOtherAccount));
}

#[test]
fn d7_a_preview_of_an_import_shows_what_vapi_writes_at_twilio() {
    let (mut desired, mut observed) = (desired(), observed());
    not_in_vapi(&mut observed);
    wish(&mut desired).sms_owner = SmsOwner::Vapi;
    at_twilio(&mut observed).voice.voice_url = Some("https://elsewhere.example/voice".to_owned());
    at_twilio(&mut observed).voice.voice_method = Method::Get;
    at_twilio(&mut observed).voice.status_callback = None;
    let changes = plan(&desired, &observed);
    let fields = changes[0].fields();
    let value = |field: &str| {
        let found = fields.iter().find(|change| change.field == field).unwrap();
        (found.from.as_deref(), found.to.as_deref())
    };
    let vapi = "https://api.vapi.ai/twilio/inbound_call";
    assert_eq!(value("voice_url"), (Some("https://elsewhere.example/voice"), Some(vapi)));
    assert_eq!(value("voice_method"), (Some("GET"), Some("POST")));
    assert_eq!(value("status_callback"), (None, Some("https://api.vapi.ai/twilio/status")));
    let sms = "https://api.vapi.ai/twilio/sms";
    assert_eq!(value("sms_url"), (Some("https://inbox.example/sms"), Some(sms)));
    assert!(fields.iter().all(|change| change.field != "sms_method"), "POST already");
}

//! One healthy line, for the tests to bend.

use dialtone_domain::line::{
    Account, AccountKind, AccountStatus, Assistant, Desired, NumberStatus, Observed, Reading, Region,
    ServerWish, SmsOwner, SmsRouting, TwilioNumber, TwilioView, VapiNumber, VapiView, VapiWish, VoiceRouting,
    Wish,
};
use dialtone_domain::{AssistantId, VapiNumberId, VapiOrgId};
use jiff::Timestamp;
use std::{fmt::Debug, str::FromStr};
use uuid::Uuid;

/// A SID of that kind; another for each `n`.
pub(crate) fn sid<T: FromStr<Err: Debug>>(prefix: &str, n: u8) -> T {
    format!("{prefix}{n:032x}").parse().expect("two letters and 32 digits")
}

/// A Vapi id of any kind; another for each `n`.
pub(crate) fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

/// A moment; a later one for each `n`.
pub(crate) fn at(n: i64) -> Timestamp {
    Timestamp::from_second(n).expect("within range")
}

/// The first eight digits of our server secret's digest.
pub(crate) const OUR_SECRET: &str = "0a1b2c3d";

/// A server for call events, with our secret.
pub(crate) fn our_server() -> ServerWish {
    let url = "https://dialtone.example/vapi".to_owned();
    ServerWish { url, secret_fingerprint: Some(OUR_SECRET.to_owned()) }
}

/// What should be: the number in Vapi, answered by the first assistant, its calls at Vapi.
pub(crate) fn desired() -> Desired {
    Desired {
        phone: "+33612345678".parse().expect("a French number"),
        account_sid: sid("AC", 1),
        region: Region::Us,
        vapi_org_id: Some(id::<VapiOrgId>(1)),
        ours: Some(id::<VapiNumberId>(1)),
        vapi: Some(VapiWish {
            name: "Reception".to_owned(),
            assistant: Some(id(1)),
            sms_owner: SmsOwner::Twilio,
            server: Wish::AsIs,
        }),
        voice: Wish::AsIs,
        sms: Wish::AsIs,
    }
}

/// What is: just that.
pub(crate) fn observed() -> Observed {
    Observed {
        twilio: Reading::Known(TwilioView {
            account: Account {
                sid: sid("AC", 1),
                name: "Example".to_owned(),
                status: AccountStatus::Active,
                kind: AccountKind::Full,
            },
            number: Ok(number()),
        }),
        vapi: Reading::Known(VapiView {
            org_id: Some(id(1)),
            assistants: (1..=2).map(assistant).collect(),
            numbers: vec![record()],
            last_call: None,
        }),
        import_refusal: None,
        stale_token: false,
    }
}

/// The number at Twilio, its calls sent to Vapi.
pub(crate) fn number() -> TwilioNumber {
    TwilioNumber {
        sid: sid("PN", 1),
        voice: VoiceRouting {
            voice_url: Some(Region::Us.voice_url()),
            status_callback: Some(Region::Us.status_url()),
            ..VoiceRouting::default()
        },
        sms: SmsRouting { sms_url: Some("https://inbox.example/sms".to_owned()), ..SmsRouting::default() },
        takes_calls: true,
        updated_at: None,
    }
}

/// The number's record at Vapi, linked to the first assistant.
pub(crate) fn record() -> VapiNumber {
    VapiNumber {
        id: id(1),
        name: "Reception".to_owned(),
        account_sid: Some(sid("AC", 1)),
        assistant_id: Some(id(1)),
        has_squad: false,
        server: None,
        sms_enabled: Some(false),
        status: NumberStatus::Active,
        updated_at: Some(at(50)),
    }
}

pub(crate) fn assistant(n: u128) -> Assistant {
    Assistant { id: id::<AssistantId>(n), name: format!("Assistant {n}") }
}

/// Twilio's answer, to be bent.
pub(crate) fn twilio(observed: &mut Observed) -> &mut TwilioView {
    match &mut observed.twilio {
        Reading::Known(view) => view,
        other => panic!("Twilio was not read: {other:?}"),
    }
}

/// The number in Twilio's answer, to be bent.
pub(crate) fn at_twilio(observed: &mut Observed) -> &mut TwilioNumber {
    twilio(observed).number.as_mut().expect("in the account")
}

/// Vapi's answer, to be bent.
pub(crate) fn vapi(observed: &mut Observed) -> &mut VapiView {
    match &mut observed.vapi {
        Reading::Known(view) => view,
        other => panic!("Vapi was not read: {other:?}"),
    }
}

/// The first record in Vapi's answer, to be bent.
pub(crate) fn at_vapi(observed: &mut Observed) -> &mut VapiNumber {
    vapi(observed).numbers.first_mut().expect("in Vapi")
}

/// The wish for the record at Vapi, to be bent.
pub(crate) fn wish(desired: &mut Desired) -> &mut VapiWish {
    desired.vapi.as_mut().expect("a record is wished for")
}

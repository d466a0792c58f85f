//! Any state and any wish, from few values each, so that they meet.

use crate::line::{OUR_SECRET, assistant, at, desired, id, our_server, sid};
use dialtone_domain::line::{
    Account, AccountKind, AccountStatus, Desired, Elsewhere, LastCall, Method, NumberStatus, Observed,
    Reading, Region, ServerView, ServerWish, SmsOwner, SmsRouting, TwilioNumber, TwilioView, VapiNumber,
    VapiView, VapiWish, VoiceRouting, Wish,
};
use dialtone_domain::{Code, Problem};
use proptest::test_runner::RngSeed;
use proptest::{option, prelude::*, sample::select};

/// Many states, the same in every run.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(6),
        failure_persistence: None,
        ..Default::default()
    }
}

/// Addresses that a number may point at.
pub(crate) const URLS: &[&str] = &[
    "https://api.vapi.ai/twilio/inbound_call",
    "https://api.vapi.ai/call/twilio",
    "https://api.eu.vapi.ai/twilio/inbound_call",
    "https://api.vapi.ai/twilio/sms",
    "https://demo.twilio.com/welcome/voice/",
    "https://elsewhere.example/voice",
    "",
];

const ENDS: &[&str] = &[
    "customer-ended-call",
    "call-start-error-neither-assistant-nor-server-set",
    "call.start.error-get-phone-number",
    "assistant-request-failed",
    "something-new",
];

fn url() -> impl Strategy<Value = Option<String>> {
    option::of(select(URLS).prop_map(str::to_owned))
}

fn method() -> impl Strategy<Value = Method> {
    select(&[Method::Post, Method::Get][..])
}

pub(crate) fn region() -> impl Strategy<Value = Region> {
    select(&[Region::Us, Region::Eu][..])
}

prop_compose! {
    pub(crate) fn voice()(
        trunk in option::weighted(0.2, 1_u8..3),
        application in option::weighted(0.2, 1_u8..3),
        voice_url in url(),
        voice_method in method(),
        status_callback in url(),
    ) -> VoiceRouting {
        VoiceRouting {
            trunk_sid: trunk.map(|n| sid("TK", n)),
            application_sid: application.map(|n| sid("AP", n)),
            voice_url,
            voice_method,
            status_callback,
        }
    }
}

prop_compose! {
    pub(crate) fn sms()(
        application in option::weighted(0.2, 1_u8..3),
        sms_url in url(),
        sms_method in method(),
    ) -> SmsRouting {
        SmsRouting { application_sid: application.map(|n| sid("AP", n)), sms_url, sms_method }
    }
}

prop_compose! {
    fn number()(voice in voice(), sms in sms(), takes_calls in prop::bool::weighted(0.8)) -> TwilioNumber {
        TwilioNumber { sid: sid("PN", 1), voice, sms, takes_calls, updated_at: None }
    }
}

fn account_status() -> impl Strategy<Value = AccountStatus> {
    prop_oneof![9 => Just(AccountStatus::Active), 1 => Just(AccountStatus::Inactive)]
}

prop_compose! {
    fn twilio()(
        status in account_status(),
        number in prop_oneof![
            6 => number().prop_map(Ok),
            1 => Just(Err(Elsewhere::Unknown)),
            1 => Just(Err(Elsewhere::CallerId)),
            1 => (2_u8..4).prop_map(|n| Err(Elsewhere::Subaccount(sid("AC", n)))),
        ],
    ) -> TwilioView {
        let account = Account { sid: sid("AC", 1), name: "Example".to_owned(), status, kind: AccountKind::Full };
        TwilioView { account, number }
    }
}

fn server() -> impl Strategy<Value = Option<ServerView>> {
    let secret = select(&[None, Some(OUR_SECRET), Some("ffffffff")][..]);
    let url = select(&["https://dialtone.example/vapi", "https://old.example/hook"][..]);
    option::of((url, secret).prop_map(|(url, secret)| ServerView {
        url: url.to_owned(),
        secret_fingerprint: secret.map(str::to_owned),
    }))
}

prop_compose! {
    pub(crate) fn record(n: u128)(
        account in option::of(1_u8..3),
        assistant in option::of(1_u128..4),
        has_squad in prop::bool::weighted(0.2),
        server in server(),
        sms_enabled in option::of(any::<bool>()),
        status in prop_oneof![
            6 => Just(NumberStatus::Active),
            1 => Just(NumberStatus::Activating),
            1 => Just(NumberStatus::Blocked),
        ],
        updated in option::of(0_i64..100),
    ) -> VapiNumber {
        VapiNumber {
            id: id(n),
            name: format!("Record {n}"),
            account_sid: account.map(|n| sid("AC", n)),
            assistant_id: assistant.map(id),
            has_squad,
            server,
            sms_enabled,
            status,
            updated_at: updated.map(at),
        }
    }
}

prop_compose! {
    fn vapi()(
        org in option::of(1_u128..3),
        assistants in 0_u128..3,
        numbers in prop_oneof![
            Just(Vec::new()),
            record(1).prop_map(|one| vec![one]),
            (record(1), record(2)).prop_map(|(one, two)| vec![one, two]),
        ],
        last_call in option::of((0_i64..100, option::of(select(ENDS)))),
    ) -> VapiView {
        VapiView {
            org_id: org.map(id),
            assistants: (1..=assistants).map(assistant).collect(),
            numbers,
            last_call: last_call
                .map(|(n, end)| LastCall { at: at(n), ended_reason: end.map(str::to_owned) }),
        }
    }
}

fn reading<T: Clone + std::fmt::Debug>(known: impl Strategy<Value = T>) -> impl Strategy<Value = Reading<T>> {
    prop_oneof![
        10 => known.prop_map(Reading::Known),
        1 => Just(Reading::NotConfigured),
        1 => select(Code::ALL).prop_map(|code| Reading::Failed(Problem::new(code))),
    ]
}

prop_compose! {
    /// Any state, also such that no provider should ever show.
    pub(crate) fn observed()(
        twilio in reading(twilio()),
        vapi in reading(vapi()),
        import_refusal in option::weighted(0.1, select(Code::ALL)),
        stale_token in prop::bool::weighted(0.2),
    ) -> Observed {
        Observed { twilio, vapi, import_refusal, stale_token }
    }
}

fn server_wish() -> impl Strategy<Value = Wish<Option<ServerWish>>> {
    select(vec![Wish::AsIs, Wish::Exactly(None), Wish::Exactly(Some(our_server()))])
}

prop_compose! {
    fn vapi_wish()(
        assistant in option::weighted(0.8, 1_u128..4),
        sms_owner in select(&[SmsOwner::Twilio, SmsOwner::Vapi][..]),
        server in server_wish(),
    ) -> VapiWish {
        VapiWish { name: "Reception".to_owned(), assistant: assistant.map(id), sms_owner, server }
    }
}

fn exactly<T: Clone + std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Wish<T>> {
    prop_oneof![2 => Just(Wish::AsIs), 1 => value.prop_map(Wish::Exactly)]
}

prop_compose! {
    /// Any wish.
    pub(crate) fn wished()(
        region in region(),
        org in option::weighted(0.3, 1_u128..3),
        ours in option::of(1_u128..4),
        vapi in option::weighted(0.8, vapi_wish()),
        voice in exactly(voice()),
        sms in exactly(sms()),
    ) -> Desired {
        Desired { region, vapi_org_id: org.map(id), ours: ours.map(id), vapi, voice, sms, ..desired() }
    }
}

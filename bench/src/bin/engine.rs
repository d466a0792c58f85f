//! How many lines per second one core diagnoses and plans: at least 100,000 are asked for.

#![expect(clippy::print_stdout, reason = "prints what it measured")]

use dialtone_domain::line::{
    Account, AccountKind, AccountStatus, Assistant, Desired, Elsewhere, Method, NumberStatus, Observed,
    Reading, Region, SmsOwner, SmsRouting, TwilioNumber, TwilioView, VapiNumber, VapiView, VapiWish,
    VoiceRouting, Wish, diagnose, is_healthy, plan,
};
use dialtone_domain::{Code, Phone, Problem};
use std::time::Instant;
use std::{fmt::Debug, hint::black_box, str::FromStr};
use uuid::Uuid;

const LINES: u32 = 100_000;
const ROUNDS: u32 = 5;

const URLS: [&str; 5] = [
    "https://api.vapi.ai/twilio/inbound_call",
    "https://api.vapi.ai/call/twilio",
    "https://api.eu.vapi.ai/twilio/inbound_call",
    "https://demo.twilio.com/welcome/voice/",
    "https://elsewhere.example/voice",
];

/// The same choices in every run (xorshift).
struct Choices(u32);

impl Choices {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % n
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}

fn sid<T: FromStr<Err: Debug>>(prefix: &str, n: u32) -> T {
    format!("{prefix}{n:032x}").parse().expect("two letters and 32 digits")
}

fn id<T: From<Uuid>>(n: u32) -> T {
    T::from(Uuid::from_u128(n.into()))
}

fn desired(n: u32, phone: &Phone) -> Desired {
    Desired {
        phone: phone.clone(),
        account_sid: sid("AC", 1),
        region: Region::Us,
        vapi_org_id: Some(id(1)),
        ours: Some(id(n)),
        vapi: Some(VapiWish {
            name: format!("Line {n}"),
            assistant: Some(id(1)),
            sms_owner: SmsOwner::Twilio,
            server: Wish::AsIs,
        }),
        voice: Wish::AsIs,
        sms: Wish::AsIs,
    }
}

fn twilio(n: u32, choose: &mut Choices) -> Reading<TwilioView> {
    if choose.one_in(20) {
        return Reading::Failed(Problem::new(Code::TwilioUnauthorized));
    }
    let address = if choose.one_in(2) { 0 } else { choose.below(5) as usize };
    let voice = VoiceRouting {
        trunk_sid: choose.one_in(10).then(|| sid("TK", n)),
        application_sid: choose.one_in(10).then(|| sid("AP", n)),
        voice_url: (!choose.one_in(10)).then(|| URLS[address].to_owned()),
        voice_method: if choose.one_in(10) { Method::Get } else { Method::Post },
        status_callback: None,
    };
    let number = TwilioNumber {
        sid: sid("PN", n),
        voice,
        sms: SmsRouting::default(),
        takes_calls: true,
        updated_at: None,
    };
    Reading::Known(TwilioView {
        account: Account {
            sid: sid("AC", 1),
            name: "Example".to_owned(),
            status: AccountStatus::Active,
            kind: AccountKind::Full,
        },
        number: if choose.one_in(20) { Err(Elsewhere::Unknown) } else { Ok(number) },
    })
}

fn vapi(n: u32, choose: &mut Choices) -> Reading<VapiView> {
    if choose.one_in(20) {
        return Reading::Failed(Problem::new(Code::VapiUnauthorized));
    }
    let linked = if choose.one_in(5) { 1 + choose.below(12) } else { 1 };
    let record = VapiNumber {
        id: id(n),
        name: format!("Line {n}"),
        account_sid: Some(sid("AC", 1 + u32::from(choose.one_in(20)))),
        assistant_id: (!choose.one_in(10)).then(|| id(linked)),
        has_squad: choose.one_in(20),
        server: None,
        sms_enabled: Some(choose.one_in(5)),
        status: NumberStatus::Active,
        updated_at: None,
    };
    Reading::Known(VapiView {
        org_id: Some(id(1)),
        assistants: (1..=10).map(|n| Assistant { id: id(n), name: format!("Assistant {n}") }).collect(),
        numbers: if choose.one_in(5) { Vec::new() } else { vec![record] },
        last_call: None,
    })
}

fn main() {
    let phone: Phone = "+33612345678".parse().expect("a French number");
    let mut choose = Choices(0x9e37_79b9);
    let line = |n| {
        let (twilio, vapi) = (twilio(n, &mut choose), vapi(n, &mut choose));
        (desired(n, &phone), Observed { twilio, vapi, import_refusal: None, stale_token: false })
    };
    let lines: Vec<_> = (1..=LINES).map(line).collect();
    let mut best = f64::INFINITY;
    let (mut healthy, mut changes) = (0, 0);
    for _ in 0..ROUNDS {
        (healthy, changes) = (0, 0);
        let start = Instant::now();
        for (desired, observed) in &lines {
            healthy += usize::from(is_healthy(&black_box(diagnose(desired, observed))));
            changes += black_box(plan(desired, observed)).len();
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "engine: {:.0} lines per second on one core, best of {ROUNDS} rounds over {LINES} lines \
         ({healthy} healthy, {changes} changes planned); at least 100000 are asked for",
        f64::from(LINES) / best,
    );
}

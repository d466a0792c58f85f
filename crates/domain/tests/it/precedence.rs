//! Which setting a call follows at Twilio, in every combination (facts/twilio.md section 6).

use crate::arbitrary::URLS;
use crate::line::{at_twilio, desired, observed, sid};
use crate::model::World;
use dialtone_domain::line::{
    Cause, Method, Region, Status, VapiUrl, VoiceRouting, diagnose, first_failing, is_healthy, vapi_url,
};

/// What is wrong with an address that a number of the US region points at.
fn wrong(url: Option<&str>, method: Method) -> Option<Cause> {
    match (url, method) {
        (None, _) => Some(Cause::WebhookEmpty),
        (
            Some("https://api.vapi.ai/twilio/inbound_call" | "https://api.vapi.ai/call/twilio"),
            Method::Post,
        ) => None,
        (
            Some("https://api.vapi.ai/twilio/inbound_call" | "https://api.vapi.ai/call/twilio"),
            Method::Get,
        ) => Some(Cause::WebhookMethod),
        (Some("https://api.eu.vapi.ai/twilio/inbound_call"), _) => Some(Cause::WebhookOtherRegion),
        (Some("https://demo.twilio.com/welcome/voice/"), _) => Some(Cause::WebhookDemo),
        (Some(_), _) => Some(Cause::WebhookElsewhere),
    }
}

fn combinations() -> impl Iterator<Item = VoiceRouting> {
    let urls = || URLS.iter().map(|url| Some(*url)).chain([None]);
    let flags = [(false, false), (false, true), (true, false), (true, true)];
    flags.into_iter().flat_map(move |(trunk, application)| {
        urls().flat_map(move |url| {
            [Method::Post, Method::Get].map(|voice_method| VoiceRouting {
                trunk_sid: trunk.then(|| sid("TK", 1)),
                application_sid: application.then(|| sid("AP", 1)),
                voice_url: url.map(str::to_owned),
                voice_method,
                status_callback: None,
            })
        })
    })
}

#[test]
fn a6_a_trunk_wins_over_an_application_and_that_over_the_address_and_each_is_set_right() {
    let mut seen = 0;
    for voice in combinations() {
        let expected = match (&voice.trunk_sid, &voice.application_sid) {
            (Some(_), _) => Some(Cause::TrunkOverrides),
            (None, Some(_)) => Some(Cause::ApplicationOverrides),
            (None, None) => wrong(voice.voice_url.as_deref(), voice.voice_method),
        };
        let (desired, mut observed) = (desired(), observed());
        at_twilio(&mut observed).voice = voice.clone();
        let checks = diagnose(&desired, &observed);
        assert_eq!(first_failing(&checks).and_then(|check| check.cause), expected, "{voice:?}");

        let mut world = World { observed, region: Region::Us, patches_rewrite: false, tells_sms: true };
        let steps = world.settle(&desired);
        assert_eq!(steps.len(), usize::from(expected.is_some()), "{voice:?}");
        assert!(is_healthy(&diagnose(&desired, &world.observed)), "{voice:?}");
        let after = &at_twilio(&mut world.observed).voice;
        assert_eq!(vapi_url(after.voice_url.as_deref().unwrap()), VapiUrl::InboundCall(Region::Us));
        seen += 1;
    }
    assert_eq!(seen, 4 * (URLS.len() + 1) * 2);
}

#[test]
fn a6_what_is_written_is_the_address_of_vapis_own_import_and_both_documented_ones_are_left_alone() {
    for (found, expected) in [
        ("https://elsewhere.example", "https://api.vapi.ai/twilio/inbound_call"),
        ("https://api.vapi.ai/call/twilio", "https://api.vapi.ai/call/twilio"),
    ] {
        // A trunk is in the way in both cases, so that the routing is written in both.
        let (desired, mut observed) = (desired(), observed());
        at_twilio(&mut observed).voice = VoiceRouting {
            trunk_sid: Some(sid("TK", 1)),
            voice_url: Some(found.to_owned()),
            status_callback: Some("https://own.example/ended".to_owned()),
            ..VoiceRouting::default()
        };
        let mut world = World { observed, region: Region::Us, patches_rewrite: false, tells_sms: true };
        world.settle(&desired);
        let after = &at_twilio(&mut world.observed).voice;
        assert_eq!(after.voice_url.as_deref(), Some(expected));
        assert_eq!(after.status_callback.as_deref(), Some("https://own.example/ended"), "not ours to change");
    }
}

#[test]
fn a6_what_is_and_what_should_be_are_shown() {
    let (desired, mut observed) = (desired(), observed());
    at_twilio(&mut observed).voice.voice_url = Some("https://elsewhere.example/voice".to_owned());
    let checks = diagnose(&desired, &observed);
    let check = first_failing(&checks).unwrap();
    assert_eq!(check.status, Status::Failing);
    assert_eq!(check.found.as_deref(), Some("https://elsewhere.example/voice"));
    assert_eq!(check.expected.as_deref(), Some("https://api.vapi.ai/twilio/inbound_call"));
}

//! What wins when several settings could answer a call or a text (facts/twilio.md section 6), and which web
//! addresses are Vapi's (facts/vapi.md section 5.6).

use crate::{ApplicationSid, TrunkSid};
use serde::{Deserialize, Serialize};

/// Which installation of Vapi the organisation uses; they share nothing (facts/vapi.md section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// `api.vapi.ai`
    Us,
    /// `api.eu.vapi.ai`
    Eu,
}

impl Region {
    fn host(self) -> &'static str {
        match self {
            Region::Us => "api.vapi.ai",
            Region::Eu => "api.eu.vapi.ai",
        }
    }

    /// Where Twilio must send calls: what Vapi's own import writes.
    pub fn voice_url(self) -> String {
        format!("https://{}/twilio/inbound_call", self.host())
    }

    /// Where Twilio must send texts when Vapi owns them.
    pub fn sms_url(self) -> String {
        format!("https://{}/twilio/sms", self.host())
    }

    /// Where Twilio reports ended calls after an import.
    pub fn status_url(self) -> String {
        format!("https://{}/twilio/status", self.host())
    }
}

/// How Twilio calls a web address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// With the fields in the query.
    Get,
    /// With the fields in a form; Twilio's default.
    #[default]
    Post,
}

impl Method {
    /// As Twilio writes it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// Everything on a Twilio number that decides where a call goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VoiceRouting {
    /// An elastic SIP trunk.
    pub trunk_sid: Option<TrunkSid>,
    /// A TwiML application.
    pub application_sid: Option<ApplicationSid>,
    /// The voice webhook.
    pub voice_url: Option<String>,
    /// How it is called.
    pub voice_method: Method,
    /// Where ended calls are reported.
    pub status_callback: Option<String>,
}

/// Everything on a Twilio number that decides where a text goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SmsRouting {
    /// A TwiML application for texts.
    pub application_sid: Option<ApplicationSid>,
    /// The message webhook.
    pub sms_url: Option<String>,
    /// How it is called.
    pub sms_method: Method,
}

/// Who answers texts on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmsOwner {
    /// Whatever is set at Twilio; the import leaves it alone.
    #[default]
    Twilio,
    /// Vapi's assistant.
    Vapi,
}

/// An address as it may be shown: others put a user and a password into theirs. Any other text is as it was.
pub(super) fn shown_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let host_end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => text.to_owned(),
    }
}

/// The setting that a call follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoiceRoute<'a> {
    /// To a SIP trunk.
    Trunk(&'a TrunkSid),
    /// To a TwiML application.
    Application(&'a ApplicationSid),
    /// To a web address.
    Url(&'a str),
    /// Nowhere: the call fails at once.
    Nowhere,
}

/// Trunk, else application, else address.
pub fn voice_route(routing: &VoiceRouting) -> VoiceRoute<'_> {
    let VoiceRouting { trunk_sid, application_sid, voice_url, .. } = routing;
    match (trunk_sid, application_sid, voice_url) {
        (Some(trunk), _, _) => VoiceRoute::Trunk(trunk),
        (None, Some(application), _) => VoiceRoute::Application(application),
        (None, None, Some(url)) => VoiceRoute::Url(url),
        (None, None, None) => VoiceRoute::Nowhere,
    }
}

/// A Messaging Service that a number belongs to, as far as it decides where texts go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `use_inbound_webhook_on_number`: the number's own settings count.
    pub uses_number: bool,
    /// `inbound_request_url`.
    pub inbound_url: Option<String>,
}

/// The setting that a text follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsRoute<'a> {
    /// To the Messaging Service's address.
    Service(&'a str),
    /// Nowhere: the service has no address, and Twilio neither passes the text on nor logs it.
    Swallowed,
    /// To a TwiML application.
    Application(&'a ApplicationSid),
    /// To the number's web address.
    Url(&'a str),
    /// Nowhere: it stays in Twilio's log.
    Nowhere,
}

/// Messaging Service (unless it hands over to the number), else application, else address.
pub fn sms_route<'a>(routing: &'a SmsRouting, service: Option<&'a Service>) -> SmsRoute<'a> {
    match service {
        Some(Service { uses_number: false, inbound_url: Some(url) }) => SmsRoute::Service(url),
        Some(Service { uses_number: false, inbound_url: None }) => SmsRoute::Swallowed,
        Some(Service { uses_number: true, .. }) | None => {
            match (&routing.application_sid, &routing.sms_url) {
                (Some(application), _) => SmsRoute::Application(application),
                (None, Some(url)) => SmsRoute::Url(url),
                (None, None) => SmsRoute::Nowhere,
            }
        }
    }
}

/// What a web address is to Vapi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VapiUrl {
    /// Takes inbound calls in this region: `/twilio/inbound_call`, or `/call/twilio` of older documents.
    InboundCall(Region),
    /// Another address of Vapi's.
    Other,
    /// Not Vapi's at all.
    Foreign,
}

/// Reads an address by its host and path; scheme must be https, a query changes nothing, and
/// an address with a user name in it is never Vapi's.
pub fn vapi_url(url: &str) -> VapiUrl {
    let Some(rest) = url.strip_prefix("https://") else { return VapiUrl::Foreign };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return VapiUrl::Foreign;
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let host = authority.strip_suffix(":443").unwrap_or(authority).to_ascii_lowercase();
    let region = match host.as_str() {
        "api.vapi.ai" => Region::Us,
        "api.eu.vapi.ai" => Region::Eu,
        other if other == "vapi.ai" || other.ends_with(".vapi.ai") => return VapiUrl::Other,
        _ => return VapiUrl::Foreign,
    };
    match path {
        "/twilio/inbound_call" | "/call/twilio" => VapiUrl::InboundCall(region),
        _ => VapiUrl::Other,
    }
}

/// Twilio's own demonstration, which fresh numbers point at.
pub(super) fn is_demo(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.starts_with("demo.twilio.com/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t26_addresses_are_shown_without_passwords() {
        for (url, shown) in [
            ("https://user:pw@voice.example.com/in?x=a@b", "https://…@voice.example.com/in?x=a@b"),
            ("GET https://token@host", "GET https://…@host"),
            ("https://a:b@c@host:8080", "https://…@host:8080"),
            ("https://host/with@sign", "https://host/with@sign"),
            ("AC0123", "AC0123"),
        ] {
            assert_eq!(shown_url(url), shown);
        }
    }

    fn sid<T: std::str::FromStr<Err: std::fmt::Debug>>(prefix: &str) -> T {
        format!("{prefix}{}", "0".repeat(32)).parse().unwrap()
    }

    #[test]
    fn voice_follows_trunk_then_application_then_address() {
        let (trunk, application) = (sid::<TrunkSid>("TK"), sid::<ApplicationSid>("AP"));
        let (t, a, u) = (Some(trunk.clone()), Some(application.clone()), Some("https://x".to_owned()));
        for (trunk_sid, application_sid, voice_url, expected) in [
            (t.clone(), a.clone(), u.clone(), VoiceRoute::Trunk(&trunk)),
            (t.clone(), None, u.clone(), VoiceRoute::Trunk(&trunk)),
            (t, None, None, VoiceRoute::Trunk(&trunk)),
            (None, a.clone(), u.clone(), VoiceRoute::Application(&application)),
            (None, a, None, VoiceRoute::Application(&application)),
            (None, None, u, VoiceRoute::Url("https://x")),
            (None, None, None, VoiceRoute::Nowhere),
        ] {
            let routing = VoiceRouting { trunk_sid, application_sid, voice_url, ..VoiceRouting::default() };
            assert_eq!(voice_route(&routing), expected);
        }
    }

    #[test]
    fn texts_follow_service_then_application_then_address() {
        let application = sid::<ApplicationSid>("AP");
        let own = |application_sid: Option<&ApplicationSid>, url: Option<&str>| SmsRouting {
            application_sid: application_sid.cloned(),
            sms_url: url.map(str::to_owned),
            sms_method: Method::Post,
        };
        let service = |uses_number, url: Option<&str>| {
            Some(Service { uses_number, inbound_url: url.map(str::to_owned) })
        };
        for (routing, service, expected) in [
            (own(Some(&application), Some("n")), service(false, Some("s")), SmsRoute::Service("s")),
            (own(Some(&application), Some("n")), service(false, None), SmsRoute::Swallowed),
            (own(None, Some("n")), service(true, Some("s")), SmsRoute::Url("n")),
            (own(Some(&application), Some("n")), service(true, None), SmsRoute::Application(&application)),
            (own(Some(&application), Some("n")), None, SmsRoute::Application(&application)),
            (own(None, Some("n")), None, SmsRoute::Url("n")),
            (own(None, None), None, SmsRoute::Nowhere),
        ] {
            assert_eq!(sms_route(&routing, service.as_ref()), expected, "{routing:?} {service:?}");
        }
    }

    #[test]
    fn a6_both_documented_addresses_are_vapis_and_look_alikes_are_not() {
        for (url, expected) in [
            ("https://api.vapi.ai/twilio/inbound_call", VapiUrl::InboundCall(Region::Us)),
            ("https://api.vapi.ai/call/twilio", VapiUrl::InboundCall(Region::Us)),
            ("https://API.vapi.ai:443/twilio/inbound_call?x=1#rc=2", VapiUrl::InboundCall(Region::Us)),
            ("https://api.eu.vapi.ai/twilio/inbound_call", VapiUrl::InboundCall(Region::Eu)),
            ("https://api.vapi.ai/twilio/sms", VapiUrl::Other),
            ("https://api.vapi.ai", VapiUrl::Other),
            ("https://phone.vapi.ai/twilio/inbound_call", VapiUrl::Other),
            ("http://api.vapi.ai/twilio/inbound_call", VapiUrl::Foreign),
            ("https://api.vapi.ai.evil.example/twilio/inbound_call", VapiUrl::Foreign),
            ("https://evil.example/api.vapi.ai/twilio/inbound_call", VapiUrl::Foreign),
            ("https://user@api.vapi.ai/twilio/inbound_call", VapiUrl::Foreign),
            ("https://notvapi.ai/twilio/inbound_call", VapiUrl::Foreign),
            ("", VapiUrl::Foreign),
        ] {
            assert_eq!(vapi_url(url), expected, "{url}");
        }
    }
}

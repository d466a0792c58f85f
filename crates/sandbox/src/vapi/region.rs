//! Vapi's two regions: separate installations, each with its own orgs, keys and resources (V2 [D]).

use serde::{Deserialize, Serialize};

/// Which installation an org lives in. A key of one is unknown in the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Region {
    /// Below `/vapi/`.
    #[default]
    Us,
    /// Below `/vapi-eu/`.
    Eu,
}

impl Region {
    /// All of them, with the first part of the path at which they answer here.
    pub(crate) const ALL: [(Region, &'static str); 2] = [(Region::Us, "/vapi"), (Region::Eu, "/vapi-eu")];

    /// The real host of its API (V2 [D]), as it stands in the URLs that are written at Twilio.
    pub(crate) fn host(self) -> &'static str {
        match self {
            Region::Us => "api.vapi.ai",
            Region::Eu => "api.eu.vapi.ai",
        }
    }

    /// The host of its SIP addresses (V2 [D]).
    pub(crate) fn sip_host(self) -> &'static str {
        match self {
            Region::Us => "sip.vapi.ai",
            Region::Eu => "sip.eu.vapi.ai",
        }
    }

    /// The region that a URL's host belongs to.
    pub(crate) fn of_host(host: &str) -> Option<Region> {
        Region::ALL.into_iter().map(|(region, _)| region).find(|region| region.host() == host)
    }
}

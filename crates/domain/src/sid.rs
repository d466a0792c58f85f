//! Twilio's identifiers: two letters and 32 hexadecimal digits (facts/twilio.md section 1).

use serde::{Deserialize, Serialize};

/// Why a text is not the SID it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SidError {
    /// It is a SID of another kind: an API key (`SK…`) where an account is wanted, say.
    #[error("a SID of another kind")]
    OtherKind,
    /// It is no SID at all.
    #[error("not two letters and 32 hexadecimal digits")]
    Malformed,
}

fn check(text: &str, prefix: &str) -> Result<(), SidError> {
    let well_formed = text.len() == 34
        && text.as_bytes()[..2].iter().all(u8::is_ascii_uppercase)
        && text.as_bytes()[2..].iter().all(u8::is_ascii_hexdigit);
    match well_formed {
        false => Err(SidError::Malformed),
        true if text.starts_with(prefix) => Ok(()),
        true => Err(SidError::OtherKind),
    }
}

macro_rules! sids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The SID as Twilio writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = SidError;
            fn try_from(text: String) -> Result<Self, SidError> {
                check(&text, $prefix).map(|()| Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = SidError;
            fn from_str(text: &str) -> Result<Self, SidError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(sid: $name) -> String {
                sid.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

sids! {
    /// A Twilio account or subaccount.
    AccountSid = "AC",
    /// A phone number that an account owns.
    NumberSid = "PN",
    /// A TwiML application.
    ApplicationSid = "AP",
    /// An elastic SIP trunk.
    TrunkSid = "TK",
}

impl AccountSid {
    /// The first eight characters and dots: enough to recognise the account (requirement A1).
    pub fn preview(&self) -> String {
        format!("{}...", &self.0[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_is_told_apart_from_nonsense() {
        let hex = "0123456789abcdef0123456789abcdef";
        assert_eq!(format!("AC{hex}").parse::<AccountSid>().unwrap().preview(), "AC012345...");
        assert_eq!(format!("SK{hex}").parse::<AccountSid>(), Err(SidError::OtherKind));
        for text in
            ["", "AC", "AC12", &format!("ac{hex}"), &format!("AC{hex}0"), "ACé23456789abcdef0123456789abcde"]
        {
            assert_eq!(text.parse::<AccountSid>(), Err(SidError::Malformed), "{text}");
        }
    }
}

//! What providers tell us, as pure rules: which addresses they call, what a request names (account, number,
//! message, call), by which key it is known again, and why one is refused.

mod twilio;
mod vapi;

pub use twilio::{Form, Ours, TwilioRequest, read_form};
pub use vapi::{Known, VapiMessage};

use crate::problem::Provider;
use crate::text::{self, Language, Params};

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$note])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// Its name in the API and in the database.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                $name::ALL.iter().copied().find(|one| one.name() == text).ok_or(())
            }
        }
    };
}

named! {
    /// An address that a provider calls.
    Hook {
        /// A text that came in.
        Sms = "sms",
        /// The same, after the first address failed.
        SmsFallback = "sms_fallback",
        /// How a message that was sent, or a call, fares.
        Status = "status",
        /// A call that nobody else could be found for.
        Voice = "voice",
        /// Twilio's debugger.
        Alerts = "alerts",
        /// Vapi's server messages.
        Vapi = "vapi",
    }
}

impl Hook {
    /// Who calls it.
    pub fn provider(self) -> Provider {
        match self {
            Hook::Vapi => Provider::Vapi,
            _ => Provider::Twilio,
        }
    }

    /// What somebody reads who opens the address in a browser.
    pub fn about(self, language: Language) -> String {
        text::text(language, &format!("hook.{}", self.name()), &Params::default())
    }
}

named! {
    /// Why a request was refused.
    Refusal {
        /// The form or the JSON cannot be read, or lacks what identifies it.
        Malformed = "malformed",
        /// No account that anybody saved here.
        AccountUnknown = "account_unknown",
        /// Nothing signs it.
        SignatureMissing = "signature_missing",
        /// What signs it is not the account's token, or it was changed on its way.
        SignatureWrong = "signature_wrong",
        /// Signed by the account, for a number that is none of the organisation's.
        NumberUnknown = "number_unknown",
        /// Several organisations share the account, and nothing tells which one is meant.
        AccountShared = "account_shared",
        /// The address names no line.
        LineUnknown = "line_unknown",
        /// The line has no secret, so nothing can prove who sent it.
        SecretUnset = "secret_unset",
        /// It carries no proof.
        ProofMissing = "proof_missing",
        /// Its proof is wrong, or there is more than one.
        ProofWrong = "proof_wrong",
        /// It names what is not known to be the organisation's.
        IdUnknown = "id_unknown",
    }
}

impl Refusal {
    /// What was wrong, in one sentence.
    pub fn summary(self, language: Language) -> String {
        text::text(language, &format!("refusal.{}.summary", self.name()), &Params::default())
    }

    /// What to do about it.
    pub fn remedy(self, language: Language) -> String {
        text::text(language, &format!("refusal.{}.remedy", self.name()), &Params::default())
    }
}

/// What may be shown of a request without opening it: names and values, numbers with their last four digits.
pub type About = Vec<(&'static str, String)>;

/// A phone number, or whatever stands in its place, with its last four characters at most.
fn masked(text: &str) -> String {
    match text.chars().count() {
        0 => String::new(),
        count => format!("…{}", text.chars().skip(count.saturating_sub(4).max(1)).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_every_hook_and_refusal_has_its_words_in_both_languages() {
        for language in [Language::En, Language::Fr] {
            for hook in Hook::ALL {
                assert_ne!(hook.about(language), format!("hook.{}", hook.name()));
                assert_eq!(hook.name().parse(), Ok(*hook));
            }
            for refusal in Refusal::ALL {
                for text in [refusal.summary(language), refusal.remedy(language)] {
                    assert!(!text.starts_with("refusal."), "{text}");
                }
            }
        }
    }

    #[test]
    fn d5_what_is_masked_never_shows_all() {
        for (text, shown) in
            [("+14155552671", "…2671"), ("12345", "…2345"), ("1234", "…234"), ("1", "…"), ("", "")]
        {
            assert_eq!(masked(text), shown);
        }
    }
}

//! STOP, START and HELP (T14 [D]): Twilio answers them itself, and stops what was asked to stop.

use crate::geo::{self, Kind};
use crate::state::World;
use crate::twilio::Twilio;

/// What a single-word message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Stop,
    Start,
    Help,
}

const STOP: &[&str] = &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: &[&str] = &["START", "YES", "UNSTOP"];
const HELP: &[&str] = &["HELP", "INFO"];
/// The carrier's network lets only these back in on toll-free numbers.
const TOLL_FREE_START: &[&str] = &["START", "UNSTOP"];

const STOPPED: &str = "You have successfully been unsubscribed. You will not receive any more messages from \
    this number. Reply START to resubscribe.";
const STARTED: &str = "You have successfully been re-subscribed to messages from this number. Reply HELP for \
    help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.";
const HELPED: &str = "Reply STOP to unsubscribe. Msg&Data Rates May Apply.";
/// The network's own words; only their beginning is known (T14), the rest is [?].
const NETWORK_STOPPED: &str = "NETWORK MSG: You replied with the word \"stop\" which blocks all texts sent \
    from this number. Text back \"unstop\" to receive messages again.";
const NETWORK_STARTED: &str =
    "NETWORK MSG: You have replied \"unstop\" and will begin receiving messages again from this number.";

impl Keyword {
    /// The keyword that `body` is, for a text to `number`. Short codes have none by default.
    pub(crate) fn of(body: &str, number: &str) -> Option<Keyword> {
        let word = body.trim().to_uppercase();
        let toll_free = geo::kind(number) == Kind::TollFree;
        let start = if toll_free { TOLL_FREE_START } else { START };
        let lists = [(STOP, Keyword::Stop), (start, Keyword::Start), (HELP, Keyword::Help)];
        let known =
            lists.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, keyword)| *keyword);
        known.filter(|_| number.starts_with('+'))
    }

    /// What Twilio answers, and whether the carrier's network says it instead: that is in no log.
    pub(crate) fn answer(self, number: &str) -> (&'static str, bool) {
        let toll_free = geo::kind(number) == Kind::TollFree;
        match (self, toll_free) {
            (Keyword::Stop, true) => (NETWORK_STOPPED, true),
            (Keyword::Start, true) => (NETWORK_STARTED, true),
            (Keyword::Stop, false) => (STOPPED, false),
            (Keyword::Start, false) => (STARTED, false),
            (Keyword::Help, _) => (HELPED, false),
        }
    }

    /// As `OptOutType` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Keyword::Stop => "STOP",
            Keyword::Start => "START",
            Keyword::Help => "HELP",
        }
    }
}

impl Twilio {
    /// Whom an opt-out concerns: the whole service when the number is in one, else the number.
    fn scope(&self, sender: &str, service: Option<&str>) -> String {
        service.or_else(|| self.service_of(sender)).unwrap_or(sender).to_owned()
    }

    /// Whether this person does not want texts from this sender.
    pub(crate) fn opted_out(&self, sender: &str, service: Option<&str>, person: &str) -> bool {
        let scope = self.scope(sender, service);
        self.texting.opt_outs.contains(&(scope, person.to_owned()))
    }
}

impl World {
    /// Keeps what a person asked for.
    pub(crate) fn heed(&mut self, keyword: Keyword, number: &str, person: &str) {
        let pair = (self.twilio.scope(number, None), person.to_owned());
        match keyword {
            Keyword::Stop => {
                self.twilio.texting.opt_outs.insert(pair);
            }
            Keyword::Start => {
                self.twilio.texting.opt_outs.remove(&pair);
            }
            Keyword::Help => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_stand_alone_in_any_case() {
        let (local, toll_free) = ("+14155552671", "+18005550100");
        for (body, number, expected) in [
            ("STOP", local, Some(Keyword::Stop)),
            (" stop\n", local, Some(Keyword::Stop)),
            ("OptOut", local, Some(Keyword::Stop)),
            ("please stop", local, None),
            ("Yes", local, Some(Keyword::Start)),
            ("Yes", toll_free, None),
            ("unstop", toll_free, Some(Keyword::Start)),
            ("info", local, Some(Keyword::Help)),
            ("STOP", "12345", None),
        ] {
            assert_eq!(Keyword::of(body, number), expected, "{body} to {number}");
        }
    }
}

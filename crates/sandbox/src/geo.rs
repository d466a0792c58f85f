//! Which country and kind a telephone number is of, as far as this sandbox's catalogue goes.

use serde::{Deserialize, Serialize};

/// A country whose numbers can be bought here.
#[derive(Debug)]
pub(crate) struct Country {
    pub(crate) iso: &'static str,
    pub(crate) name: &'static str,
    prefix: &'static str,
}

/// The six countries of the catalogue. Canada stands before the US, whose prefix it shares.
pub(crate) const COUNTRIES: &[Country] = &[
    Country { iso: "CA", name: "Canada", prefix: "+1" },
    Country { iso: "US", name: "United States", prefix: "+1" },
    Country { iso: "GB", name: "United Kingdom", prefix: "+44" },
    Country { iso: "FR", name: "France", prefix: "+33" },
    Country { iso: "DE", name: "Germany", prefix: "+49" },
    Country { iso: "AU", name: "Australia", prefix: "+61" },
];

/// Canada's area codes in the North American plan (CNAC).
const CANADIAN_AREAS: &[&str] = &[
    "204", "226", "236", "249", "250", "257", "263", "289", "306", "343", "354", "365", "367", "368", "382",
    "403", "416", "418", "428", "431", "437", "438", "450", "460", "468", "474", "506", "514", "519", "537",
    "548", "568", "579", "581", "584", "587", "604", "613", "639", "647", "672", "683", "705", "709", "742",
    "753", "778", "780", "782", "807", "819", "825", "851", "867", "873", "879", "902", "905", "942",
];

const TOLL_FREE_AREAS: &[&str] = &["800", "833", "844", "855", "866", "877", "888"];

/// What sort of number it is, in the words of the number's `type` field (T5 [S]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    Local,
    Mobile,
    TollFree,
    /// Numbers of a whole country, not of a place in it.
    National,
}

impl Kind {
    /// As prices and owned numbers name it: `toll free` with a space (T19).
    pub(crate) fn words(self) -> &'static str {
        match self {
            Kind::Local => "local",
            Kind::Mobile => "mobile",
            Kind::TollFree => "toll free",
            Kind::National => "national",
        }
    }
}

/// Ranges outside North America that are not local, by prefix.
const RANGES: &[(&str, Kind)] = &[
    ("+447", Kind::Mobile),
    ("+44800", Kind::TollFree),
    ("+44808", Kind::TollFree),
    ("+336", Kind::Mobile),
    ("+337", Kind::Mobile),
    ("+33800", Kind::TollFree),
    ("+33805", Kind::TollFree),
    ("+4915", Kind::Mobile),
    ("+4916", Kind::Mobile),
    ("+4917", Kind::Mobile),
    ("+49800", Kind::TollFree),
    ("+614", Kind::Mobile),
    ("+611800", Kind::TollFree),
    ("+339", Kind::National),
    ("+443", Kind::National),
    ("+4932", Kind::National),
];

fn area(phone: &str) -> Option<&str> {
    phone.strip_prefix("+1").filter(|rest| rest.len() == 10).and_then(|rest| rest.get(..3))
}

/// The country of an E.164 number, if it is one of the catalogue's.
pub(crate) fn country(phone: &str) -> Option<&'static Country> {
    let canadian = area(phone).is_some_and(|area| CANADIAN_AREAS.contains(&area));
    COUNTRIES.iter().find(|country| phone.starts_with(country.prefix) && (country.iso != "CA" || canadian))
}

/// The kind of an E.164 number; whatever is not known to be otherwise is local.
pub(crate) fn kind(phone: &str) -> Kind {
    if area(phone).is_some_and(|area| TOLL_FREE_AREAS.contains(&area)) {
        return Kind::TollFree;
    }
    RANGES.iter().find(|(prefix, _)| phone.starts_with(prefix)).map_or(Kind::Local, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_kinds_follow_from_the_digits() {
        for (phone, iso, of) in [
            ("+14155552671", Some("US"), Kind::Local),
            ("+15145550123", Some("CA"), Kind::Local),
            ("+18005550100", Some("US"), Kind::TollFree),
            ("+33612345678", Some("FR"), Kind::Mobile),
            ("+33142345678", Some("FR"), Kind::Local),
            ("+447700900123", Some("GB"), Kind::Mobile),
            ("+4930123456", Some("DE"), Kind::Local),
            ("+61412345678", Some("AU"), Kind::Mobile),
            ("+390612345678", None, Kind::Local),
        ] {
            assert_eq!((country(phone).map(|country| country.iso), kind(phone)), (iso, of), "{phone}");
        }
    }
}

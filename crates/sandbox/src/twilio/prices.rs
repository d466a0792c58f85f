//! What things cost: list prices of the catalogue's countries, in millionths of a US dollar. The amounts are
//! plausible, not Twilio's of any day [?]; their shape is (T19).

use crate::geo::{self, Kind};

/// The price of a minute to numbers that start so, without `+`.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) name: &'static str,
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) minute: i64,
}

/// A country's price list.
#[derive(Debug)]
pub(crate) struct Rates {
    pub(crate) iso: &'static str,
    /// A month of a number.
    pub(crate) numbers: &'static [(Kind, i64)],
    /// A minute of an incoming call, by the kind of the number called.
    pub(crate) inbound: &'static [(Kind, i64)],
    pub(crate) outbound: &'static [Outbound],
    /// A segment sent to, and received in, this country.
    pub(crate) sms_out: i64,
    pub(crate) sms_in: i64,
    mms_out: i64,
    mms_in: i64,
    /// Mobile networks: name, MCC, MNC.
    pub(crate) carriers: &'static [(&'static str, &'static str, &'static str)],
}

const TOLL_FREE: [&str; 7] = ["1800", "1833", "1844", "1855", "1866", "1877", "1888"];

/// All price lists, by country code.
pub(crate) const RATES: &[Rates] = &[
    Rates {
        iso: "AU",
        numbers: &[(Kind::Local, 3_000_000), (Kind::Mobile, 6_500_000), (Kind::TollFree, 16_000_000)],
        inbound: &[(Kind::Local, 10_000), (Kind::Mobile, 10_000), (Kind::TollFree, 72_000)],
        outbound: &[
            Outbound { name: "Australia", prefixes: &["61"], minute: 25_200 },
            Outbound { name: "Australia - Mobile", prefixes: &["614"], minute: 75_000 },
        ],
        sms_out: 51_500,
        sms_in: 7_500,
        mms_out: 350_000,
        mms_in: 20_000,
        carriers: &[("Telstra", "505", "01"), ("Optus", "505", "02"), ("Vodafone", "505", "03")],
    },
    Rates {
        iso: "CA",
        numbers: &[(Kind::Local, 1_150_000), (Kind::TollFree, 2_150_000)],
        inbound: &[(Kind::Local, 8_500), (Kind::TollFree, 22_000)],
        outbound: &[
            Outbound { name: "United States & Canada", prefixes: &["1"], minute: 14_000 },
            Outbound { name: "United States & Canada - Toll Free", prefixes: &TOLL_FREE, minute: 14_000 },
        ],
        sms_out: 7_900,
        sms_in: 7_900,
        mms_out: 20_000,
        mms_in: 10_000,
        carriers: &[("Bell", "302", "610"), ("Rogers", "302", "720"), ("Telus", "302", "220")],
    },
    Rates {
        iso: "DE",
        numbers: &[
            (Kind::Local, 1_150_000),
            (Kind::Mobile, 15_000_000),
            (Kind::TollFree, 17_250_000),
            (Kind::National, 1_150_000),
        ],
        inbound: &[
            (Kind::Local, 10_000),
            (Kind::Mobile, 10_000),
            (Kind::TollFree, 54_000),
            (Kind::National, 10_000),
        ],
        outbound: &[
            Outbound { name: "Germany", prefixes: &["49"], minute: 15_900 },
            Outbound { name: "Germany - Mobile", prefixes: &["4915", "4916", "4917"], minute: 37_500 },
        ],
        sms_out: 104_500,
        sms_in: 7_500,
        mms_out: 300_000,
        mms_in: 20_000,
        carriers: &[("Telekom", "262", "01"), ("Vodafone", "262", "02"), ("O2", "262", "03")],
    },
    Rates {
        iso: "FR",
        numbers: &[
            (Kind::Local, 1_150_000),
            (Kind::Mobile, 1_500_000),
            (Kind::TollFree, 25_000_000),
            (Kind::National, 1_150_000),
        ],
        inbound: &[
            (Kind::Local, 10_000),
            (Kind::Mobile, 10_000),
            (Kind::TollFree, 99_000),
            (Kind::National, 10_000),
        ],
        outbound: &[
            Outbound { name: "France", prefixes: &["33"], minute: 18_700 },
            Outbound { name: "France - Mobile", prefixes: &["336", "337"], minute: 67_500 },
        ],
        sms_out: 79_800,
        sms_in: 7_500,
        mms_out: 300_000,
        mms_in: 20_000,
        carriers: &[("Orange", "208", "01"), ("SFR", "208", "10"), ("Free Mobile", "208", "15")],
    },
    Rates {
        iso: "GB",
        numbers: &[
            (Kind::Local, 1_150_000),
            (Kind::Mobile, 1_150_000),
            (Kind::TollFree, 2_150_000),
            (Kind::National, 1_150_000),
        ],
        inbound: &[
            (Kind::Local, 10_000),
            (Kind::Mobile, 10_000),
            (Kind::TollFree, 61_000),
            (Kind::National, 10_000),
        ],
        outbound: &[
            Outbound { name: "United Kingdom", prefixes: &["44"], minute: 15_800 },
            Outbound { name: "United Kingdom - Mobile", prefixes: &["447"], minute: 31_800 },
        ],
        sms_out: 46_300,
        sms_in: 7_500,
        mms_out: 250_000,
        mms_in: 20_000,
        carriers: &[("EE", "234", "30"), ("O2", "234", "10"), ("Vodafone", "234", "15")],
    },
    Rates {
        iso: "US",
        numbers: &[(Kind::Local, 1_150_000), (Kind::TollFree, 2_150_000)],
        inbound: &[(Kind::Local, 8_500), (Kind::TollFree, 22_000)],
        outbound: &[
            Outbound { name: "United States & Canada", prefixes: &["1"], minute: 14_000 },
            Outbound { name: "United States & Canada - Toll Free", prefixes: &TOLL_FREE, minute: 14_000 },
            Outbound { name: "United States - Alaska", prefixes: &["1907"], minute: 90_000 },
        ],
        sms_out: 7_900,
        sms_in: 7_900,
        mms_out: 20_000,
        mms_in: 10_000,
        carriers: &[("AT&T", "310", "410"), ("T-Mobile", "310", "260"), ("Verizon", "311", "480")],
    },
];

/// Outside the catalogue: a segment out and in, a picture message, a minute out and in [?].
const ELSEWHERE_SMS: (i64, i64) = (80_000, 7_500);
const ELSEWHERE_MMS: i64 = 300_000;
const ELSEWHERE_MINUTE: (i64, i64) = (150_000, 10_000);

/// The price list of a country.
pub(crate) fn rates(iso: &str) -> Option<&'static Rates> {
    RATES.iter().find(|rates| rates.iso == iso)
}

fn rates_of(phone: &str) -> Option<&'static Rates> {
    rates(geo::country(phone)?.iso)
}

fn by_kind(prices: &[(Kind, i64)], kind: Kind) -> Option<i64> {
    prices.iter().find(|(of, _)| *of == kind).map(|(_, price)| *price)
}

/// A month of a number of this kind; none where there are no such numbers.
pub(crate) fn number(iso: &str, kind: Kind) -> Option<i64> {
    by_kind(rates(iso)?.numbers, kind)
}

/// One segment to `phone` (outbound) or to our own number `phone` (inbound); a message with media has one
/// price however long it is.
pub(crate) fn message(phone: &str, outbound: bool, media: bool) -> i64 {
    let Some(rates) = rates_of(phone) else {
        return match (media, outbound) {
            (true, _) => ELSEWHERE_MMS,
            (false, true) => ELSEWHERE_SMS.0,
            (false, false) => ELSEWHERE_SMS.1,
        };
    };
    match (media, outbound) {
        (false, true) => rates.sms_out,
        (false, false) => rates.sms_in,
        (true, true) => rates.mms_out,
        (true, false) => rates.mms_in,
    }
}

/// One minute of a call to `phone` (outbound), or of one that comes in on our own number `phone`.
pub(crate) fn call_minute(phone: &str, outbound: bool) -> i64 {
    if outbound {
        return dialled(phone).map_or(ELSEWHERE_MINUTE.0, |(_, price)| price.minute);
    }
    let known = rates_of(phone).and_then(|rates| by_kind(rates.inbound, geo::kind(phone)));
    known.unwrap_or(ELSEWHERE_MINUTE.1)
}

/// The row of the price list for a call to `phone`: the one with the longest prefix.
pub(crate) fn dialled(phone: &str) -> Option<(&'static str, &'static Outbound)> {
    let digits = phone.trim_start_matches('+');
    let rows = rates_of(phone)?.outbound.iter();
    let prefixes = rows.flat_map(|row| row.prefixes.iter().map(move |prefix| (*prefix, row)));
    prefixes.filter(|(prefix, _)| digits.starts_with(prefix)).max_by_key(|(prefix, _)| prefix.len())
}

/// An amount as prices are written: a string, with two decimals or as many as it needs (T19).
pub(crate) fn written(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let decimals = format!("{:06}", micros.abs() % 1_000_000);
    let needed = decimals.trim_end_matches('0').len().max(2);
    format!("{sign}{}.{}", micros.abs() / 1_000_000, &decimals[..needed])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_follow_country_kind_and_direction() {
        assert_eq!(number("US", Kind::Local), Some(1_150_000));
        assert_eq!(number("US", Kind::Mobile), None);
        assert_eq!(message("+14155550100", true, false), 7_900);
        assert_eq!(message("+33612345678", true, false), 79_800);
        assert_eq!(message("+390612345678", false, false), 7_500);
        assert_eq!(call_minute("+447700900123", true), 31_800);
        assert_eq!(call_minute("+442079460000", true), 15_800);
        assert_eq!(call_minute("+18005550100", false), 22_000);
        assert_eq!(call_minute("+19075550100", true), 90_000);
    }

    #[test]
    fn amounts_are_written_as_short_as_money_can_be() {
        for (micros, text) in [(1_000_000, "1.00"), (8_500, "0.0085"), (-7_900, "-0.0079"), (90_000, "0.09")]
        {
            assert_eq!(written(micros), text);
        }
    }
}

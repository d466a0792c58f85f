//! What can be bought: a finite stock of numbers by country and kind, which follows from the seed, and what
//! buying one takes (T4, T5).

mod places;

use std::collections::{BTreeMap, BTreeSet};

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Twilio;
use crate::control::{self, Work};
use crate::geo::{self, Kind};
use crate::ids::is_e164;
use crate::state::World;
pub(crate) use places::{BLOCKS, Block};

/// How many numbers each range has.
const STOCK: usize = 25;

/// How long a released number is kept for its former owner (T5 [D support]: about ten days).
const HELD_DAYS: i64 = 10;

/// What numbers of a kind and country can do and need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) sms: bool,
    pub(crate) mms: bool,
    /// `none`, `any`, `local` or `foreign`: which address the owner must give (T4 [S]).
    pub(crate) address: &'static str,
    /// An approved regulatory bundle (T5 [E]: 21649).
    pub(crate) bundle: bool,
    /// An identity document, unless a bundle covers it (T5 [E]: 21650).
    pub(crate) identity: bool,
    /// New to the platform (T4 [S]).
    pub(crate) beta: bool,
}

const fn terms(sms: bool, mms: bool, address: &'static str, bundle: bool) -> Terms {
    Terms { sms, mms, address, bundle, identity: false, beta: false }
}

/// Outside the catalogue numbers can only be given, not bought: they text and need nothing.
const ELSEWHERE: Terms = terms(true, false, "none", false);

/// Plausible, not any day's rules [?]; that a British mobile number needs a bundle was seen (T5).
const TERMS: &[(&str, Kind, Terms)] = &[
    ("US", Kind::Local, terms(true, true, "none", false)),
    ("US", Kind::TollFree, terms(true, true, "none", false)),
    ("CA", Kind::Local, terms(true, true, "none", false)),
    ("CA", Kind::TollFree, terms(true, true, "none", false)),
    ("GB", Kind::Local, terms(false, false, "any", false)),
    ("GB", Kind::Mobile, terms(true, false, "none", true)),
    ("GB", Kind::TollFree, terms(false, false, "none", false)),
    ("GB", Kind::National, terms(false, false, "foreign", false)),
    ("FR", Kind::Local, terms(false, false, "local", true)),
    ("FR", Kind::Mobile, terms(true, false, "none", true)),
    ("FR", Kind::TollFree, terms(false, false, "any", false)),
    ("FR", Kind::National, terms(false, false, "any", true)),
    ("DE", Kind::Local, terms(false, false, "local", true)),
    ("DE", Kind::Mobile, Terms { identity: true, ..terms(true, false, "local", false) }),
    ("DE", Kind::TollFree, terms(false, false, "any", false)),
    ("DE", Kind::National, Terms { beta: true, ..terms(false, false, "local", true) }),
    ("AU", Kind::Local, terms(false, false, "any", false)),
    ("AU", Kind::Mobile, terms(true, true, "any", true)),
    ("AU", Kind::TollFree, terms(false, false, "none", false)),
];

/// The terms of a kind of a country; none where there are no such numbers.
pub(crate) fn terms_of(iso: &str, kind: Kind) -> Option<Terms> {
    TERMS.iter().find(|(of, what, _)| *of == iso && *what == kind).map(|(_, _, terms)| *terms)
}

/// The terms of any number.
pub(crate) fn terms_for(phone: &str) -> Terms {
    geo::country(phone).and_then(|country| terms_of(country.iso, geo::kind(phone))).unwrap_or(ELSEWHERE)
}

/// The kinds that a country has.
pub(crate) fn kinds(iso: &str) -> impl Iterator<Item = Kind> {
    TERMS.iter().filter(move |(of, ..)| *of == iso).map(|(_, kind, _)| *kind)
}

/// A number of the stock.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) phone: String,
    pub(crate) block: &'static Block,
}

/// The numbers of the ranges that fit, one of each range after the other. They follow from the seed alone,
/// so that looking at them changes nothing.
pub(crate) fn offers(seed: u64, fits: impl Fn(&Block) -> bool) -> Vec<Offer> {
    let fitting = BLOCKS.iter().enumerate().filter(|(_, block)| fits(block));
    let ranges: Vec<(&Block, Vec<String>)> =
        fitting.map(|(index, block)| (block, numbers(seed, index, block))).collect();
    let turn =
        |turn: usize| ranges.iter().map(move |(block, phones)| Offer { phone: phones[turn].clone(), block });
    (0..STOCK).flat_map(turn).collect()
}

/// Where a number is: the narrowest range that it is in.
pub(crate) fn place(phone: &str) -> Option<&'static Block> {
    let digits = phone.strip_prefix('+')?;
    BLOCKS.iter().filter(|block| digits.starts_with(block.prefix)).max_by_key(|block| block.prefix.len())
}

/// Whether the number is one of the stock's.
pub(crate) fn stocks(seed: u64, phone: &str) -> bool {
    let range = |block: &Block| phone.trim_start_matches('+').starts_with(block.prefix);
    offers(seed, range).iter().any(|offer| offer.phone == phone)
}

fn numbers(seed: u64, index: usize, block: &Block) -> Vec<String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Stream 0 is the one that ids come from.
    random.set_stream(index as u64 + 1);
    let mut found = BTreeSet::new();
    let mut phones = Vec::with_capacity(STOCK);
    while phones.len() < STOCK {
        let rest = subscriber(&mut random, block.digits);
        if found.insert(rest.clone()) {
            phones.push(format!("+{}{rest}", block.prefix));
        }
    }
    phones
}

/// Digits after a prefix: they start with 2 to 9, and in none of them stands 555 or x11 where an exchange
/// code would be, as 555 is for fiction and x11 for services.
fn subscriber(random: &mut ChaCha8Rng, digits: usize) -> String {
    loop {
        let value = random.next_u64() % 10_u64.pow(u32::try_from(digits).unwrap_or(9));
        let text = format!("{value:0digits$}");
        if !text.starts_with(['0', '1']) && !text.starts_with("555") && &text[1..3] != "11" {
            return text;
        }
    }
}

/// What of the stock cannot be bought, besides what accounts own.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Stock {
    /// Gone to somebody outside this sandbox.
    taken: BTreeSet<String>,
    /// Released not long ago: the former owner, and until when it is kept for them.
    held: BTreeMap<String, (String, Timestamp)>,
}

impl Twilio {
    /// Whether this account may have the number now.
    pub(crate) fn obtainable(&self, phone: &str, account: &str, now: Timestamp) -> bool {
        let held = self.stock.held.get(phone).filter(|(_, until)| *until > now);
        self.number(phone).is_none()
            && !self.stock.taken.contains(phone)
            && held.is_none_or(|(owner, _)| owner == self.owner_of(account))
    }

    /// Whether the search shows the number: it is nobody's, and kept for nobody.
    pub(crate) fn offered(&self, phone: &str, now: Timestamp) -> bool {
        let held = self.stock.held.get(phone).is_some_and(|(_, until)| *until > now);
        !held && !self.stock.taken.contains(phone) && self.number(phone).is_none()
    }

    /// A number has been released: for some days only its former owner gets it back (T5 [D support]).
    pub(crate) fn hold(&mut self, phone: &str, account: &str, now: Timestamp) {
        let until = now.saturating_add(SignedDuration::from_hours(24 * HELD_DAYS));
        let until = until.expect("a signed duration has no calendar units");
        self.stock.held.retain(|_, (_, until)| *until > now);
        let owner = self.owner_of(account).to_owned();
        self.stock.held.insert(phone.to_owned(), (owner, until));
    }

    /// The main account that an account belongs to.
    fn owner_of<'a>(&'a self, account: &'a str) -> &'a str {
        self.account(account).map_or(account, |account| account.owner.as_str())
    }
}

/// Control calls.
pub(crate) const CONTROL: &[control::Route] = &[(Method::POST, "stock", Work::Now(take))];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Take {
    phone_number: String,
    taken: bool,
}

/// `POST /sandbox/stock`: somebody else takes a number between search and purchase, or gives it back.
fn take(world: &mut World, _: &[String], body: Value) -> control::Answer {
    let Take { phone_number: phone, taken } = control::read(body)?;
    if !is_e164(&phone) {
        return Err(control::bad("phone_number must be in the E.164 format, for example +33612345678"));
    }
    let stock = &mut world.twilio.stock;
    if taken {
        stock.taken.insert(phone.clone());
    } else {
        stock.taken.remove(&phone);
        stock.held.remove(&phone);
    }
    Ok((200, json!({"phone_number": phone, "taken": taken})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offer_is_of_its_country_and_kind_and_none_comes_twice() {
        let offers = offers(7, |_| true);
        let phones: BTreeSet<&String> = offers.iter().map(|offer| &offer.phone).collect();
        assert_eq!(offers.len(), BLOCKS.len() * STOCK);
        assert_eq!(phones.len(), offers.len());
        for Offer { phone, block } in &offers {
            assert!(is_e164(phone), "{phone}");
            assert_eq!(geo::kind(phone), block.kind, "{phone}");
            // Toll-free numbers of North America are shared; our plan calls them all the US's.
            let iso = geo::country(phone).map(|country| country.iso);
            assert!(iso == Some(block.iso) || block.kind == Kind::TollFree, "{phone}");
        }
    }

    #[test]
    fn the_stock_follows_from_the_seed_and_every_range_has_terms_and_a_price() {
        let first = |seed| offers(seed, |block| block.prefix == "1415")[0].phone.clone();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
        for block in BLOCKS {
            assert!(terms_of(block.iso, block.kind).is_some(), "{block:?}");
            assert!(super::super::prices::number(block.iso, block.kind).is_some(), "{block:?}");
        }
    }
}

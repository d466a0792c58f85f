//! How often somebody may ask or try. What is remembered is bounded, however many strangers come: the tables
//! forget first who matters least. All times are since the start of the process, so that tests can choose them.

mod backoff;
mod rate;
mod table;

pub(crate) use backoff::{Backoff, Pace};
pub use rate::{Quota, Rate};

use std::net::{IpAddr, Ipv6Addr};

/// What an address counts as: itself, and for IPv6 its /64, which one customer has for themselves.
pub fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t54_addresses_of_one_customer_are_one_source() {
        let of = |text: &str| source(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2::9"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::9"), of("2001:db8:1:3::9"));
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}

//! How a message proves that it comes from Vapi (facts/vapi.md section 9.5): a secret in a header, or a signature
//! over its bytes.

use crate::scrub::SECRET_HEADER;
use dialtone_domain::{ExposeSecret, SecretString};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// The headers that a proof is looked for in; lower-case, as HTTP libraries give them.
const BEARER: &str = "authorization";
const LEGACY: &str = "x-vapi-secret";
const SIGNATURE: &str = "x-signature";
const TIMESTAMP: &str = "x-timestamp";

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproved {
    /// It carries no proof.
    Missing,
    /// A proof of it is wrong, or a header is there twice.
    Wrong,
}

/// Whether a message with these headers (names in lower case) and this body was made by who knows the secret. Every
/// proof that it carries has to hold.
///
/// # Errors
/// [`Unproved`]. A secret that is empty proves nothing.
pub fn prove(secret: &SecretString, headers: &[(String, String)], body: &[u8]) -> Result<(), Unproved> {
    let own = SECRET_HEADER.to_ascii_lowercase();
    let key = secret.expose_secret().as_bytes();
    let values = |name: &str| {
        let found = headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        found.collect::<Vec<_>>()
    };
    let (mut good, mut count) = (Choice::from(u8::from(!key.is_empty())), 0);
    for name in [own.as_str(), LEGACY, BEARER, SIGNATURE] {
        let found = values(name);
        count += found.len();
        let (Some(value), true) = (found.first(), found.len() < 2) else {
            good &= Choice::from(u8::from(found.is_empty()));
            continue;
        };
        good &= match name {
            BEARER => value.strip_prefix("Bearer ").unwrap_or_default().as_bytes().ct_eq(key),
            SIGNATURE => is_signed(key, value, &values(TIMESTAMP), body),
            _ => value.as_bytes().ct_eq(key),
        };
    }
    match (count, bool::from(good)) {
        (0, _) => Err(Unproved::Missing),
        (_, true) => Ok(()),
        (_, false) => Err(Unproved::Wrong),
    }
}

/// HMAC-SHA256 in hexadecimal over `{timestamp}.{body}`, or over the body alone where Vapi sends no time.
fn is_signed(key: &[u8], signature: &str, timestamps: &[&str], body: &[u8]) -> Choice {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    if let Some(timestamp) = timestamps.first() {
        mac.update(timestamp.as_bytes());
        mac.update(b".");
    }
    mac.update(body);
    let made: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let told = signature.strip_prefix("sha256=").unwrap_or(signature);
    made.as_bytes().ct_eq(told.as_bytes()) & Choice::from(u8::from(timestamps.len() < 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a-secret-for-the-events-of-a-line";
    const BODY: &[u8] = br#"{"message": {"type": "status-update"}}"#;

    fn signed(timestamp: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(&[timestamp.as_bytes(), body].concat());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn proved(headers: &[(&str, &str)], body: &[u8]) -> Result<(), Unproved> {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        prove(&SECRET.into(), &headers, body)
    }

    #[test]
    fn t07_each_way_of_vapis_proves_and_no_mutation_of_it() {
        let bearer = format!("Bearer {SECRET}");
        let (with_time, alone) = (signed("1787220000123.", BODY), signed("", BODY));
        let prefixed = format!("sha256={with_time}");
        let ways: [Vec<(&str, &str)>; 6] = [
            vec![("x-dialtone-secret", SECRET)],
            vec![("x-vapi-secret", SECRET)],
            vec![("authorization", &bearer)],
            vec![("x-signature", &with_time), ("x-timestamp", "1787220000123")],
            vec![("x-signature", &prefixed), ("x-timestamp", "1787220000123")],
            vec![("x-signature", &alone)],
        ];
        for way in &ways {
            assert_eq!(proved(way, BODY), Ok(()), "{way:?}");
            let more = [&way[..], &[("user-agent", "x"), ("x-forwarded-for", "1.2.3.4")]].concat();
            assert_eq!(proved(&more, BODY), Ok(()), "{more:?}");
            assert_eq!(prove(&"".into(), &[], BODY), Err(Unproved::Missing));
            for mutated in mutations(way) {
                assert_eq!(
                    proved(&mutated.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(), BODY),
                    Err(Unproved::Wrong),
                    "{mutated:?}"
                );
            }
        }
        for body in [
            &br#"{"message":{"type":"status-update"}}"#[..],
            b"",
            &[BODY, b" "].concat(),
            &[BODY, b"\n"].concat(),
        ] {
            assert_eq!(proved(&ways[3], body), Err(Unproved::Wrong));
            assert_eq!(proved(&ways[5], body), Err(Unproved::Wrong));
        }
        let good_and_bad = [("x-vapi-secret", SECRET), ("x-signature", "00")];
        assert_eq!(proved(&good_and_bad, BODY), Err(Unproved::Wrong));
        assert_eq!(proved(&[("x-timestamp", "1")], BODY), Err(Unproved::Missing));
        assert_eq!(prove(&"".into(), &[("x-vapi-secret".into(), "".into())], BODY), Err(Unproved::Wrong));
    }

    /// Twenty ways to get it wrong.
    fn mutations(way: &[(&str, &str)]) -> Vec<Vec<(String, String)>> {
        let own = |way: &[(&str, &str)]| -> Vec<(String, String)> {
            way.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let (name, value) = way[0];
        let values = [
            String::new(),
            " ".into(),
            value[1..].into(),
            value[..value.len() - 1].into(),
            format!("{value} "),
            format!(" {value}"),
            format!("{value}x"),
            format!("x{value}"),
            value.to_uppercase(),
            format!("{value}, {value}"),
            format!("\"{value}\""),
            value.replace('e', "f"),
            "null".into(),
            "undefined".into(),
            "Bearer".into(),
            format!("bearer {SECRET}"),
            format!("Basic {SECRET}"),
            format!("Bearer  {SECRET}"),
            value.chars().rev().collect(),
        ];
        let mut all: Vec<_> = values
            .into_iter()
            .filter(|other| other != value)
            .map(|other| {
                let mut all = own(way);
                all[0].1 = other;
                all
            })
            .collect();
        let mut twice = own(way);
        twice.push((name.to_owned(), value.to_owned()));
        all.push(twice);
        if way.len() > 1 {
            for other in ["", "1787220000124", "1787220000"] {
                let mut late = own(way);
                late[1].1 = other.to_owned();
                all.push(late);
            }
            let mut twice = own(way);
            twice.push(twice[1].clone());
            all.push(twice);
            all.push(vec![own(way)[0].clone()]);
        }
        all
    }
}

//! `X-Twilio-Signature` (facts/twilio.md section 17): HMAC-SHA1 over the address as it is set at Twilio and the
//! form's fields, in base64. Checked as Twilio's own libraries check it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialtone_domain::{ExposeSecret, SecretString};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use subtle::{Choice, ConstantTimeEq};
use url::form_urlencoded;

/// A request whose signature is to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The address that we are reached at, as it is configured: never what the request says of itself.
    pub public_url: &'a str,
    /// Path and query as they came, byte for byte.
    pub target: &'a str,
    /// The fields of a form, decoded; none where the body is JSON.
    pub form: Option<&'a [(String, String)]>,
    /// The body as it came.
    pub body: &'a [u8],
    /// The header; empty where there is none.
    pub signature: &'a str,
}

impl Signed<'_> {
    /// For each token, whether the request is signed with it. Takes the same time whatever is wrong.
    pub fn check(&self, tokens: &[&SecretString]) -> Vec<bool> {
        let addresses = self.addresses();
        let whole = self.body_is_whole();
        let fields: BTreeSet<(&str, &str)> =
            self.form.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let check = |token: &&SecretString| {
            let key = token.expose_secret().as_bytes();
            let signed = addresses.iter().fold(Choice::from(0), |signed, address| {
                signed | sign(key, address, &fields).as_bytes().ct_eq(self.signature.as_bytes())
            });
            // An empty key is one that everybody has.
            bool::from(signed & whole & Choice::from(u8::from(!key.is_empty())))
        };
        tokens.iter().map(check).collect()
    }

    /// The addresses that Twilio may have signed: with and without its port, and with the query as it came
    /// and as older libraries of Twilio's write it.
    fn addresses(&self) -> Vec<String> {
        let base = self.public_url.trim_end_matches('/');
        let (path, query) =
            self.target.split_once('?').map_or((self.target, None), |(path, query)| (path, Some(query)));
        let queries = match query {
            None => [String::new(), String::new()],
            Some(query) => [format!("?{query}"), format!("?{}", legacy(query))],
        };
        let bases = [base.to_owned(), other_port(base)];
        bases
            .iter()
            .flat_map(|base| queries.iter().map(move |query| format!("{base}{path}{query}")))
            .collect()
    }

    /// A JSON body is signed by its hash in the query; a form's fields are signed themselves.
    fn body_is_whole(&self) -> Choice {
        if self.form.is_some() {
            return Choice::from(1);
        }
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let told = pairs.find(|(name, _)| name == "bodySHA256").map(|(_, hash)| hash).unwrap_or_default();
        let hash: String = Sha256::digest(self.body).iter().map(|byte| format!("{byte:02x}")).collect();
        hash.as_bytes().ct_eq(told.as_bytes())
    }
}

fn sign(key: &[u8], address: &str, fields: &BTreeSet<(&str, &str)>) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("a key of any length will do");
    mac.update(address.as_bytes());
    // A name that is repeated counts once for each of its values.
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The same address without its port where it has one, else with its scheme's.
fn other_port(base: &str) -> String {
    let Some((scheme, rest)) = base.split_once("://") else { return base.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match authority.rsplit_once(':').filter(|(_, port)| digits(port)) {
        Some((host, _)) => format!("{scheme}://{host}{path}"),
        None if scheme.eq_ignore_ascii_case("https") => format!("{scheme}://{authority}:443{path}"),
        None => format!("{scheme}://{authority}:80{path}"),
    }
}

/// A query taken apart and put together again as Node's `querystring` does it.
fn legacy(query: &str) -> String {
    let mut pairs: Vec<String> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        pairs.push(format!("{}={}", escaped(&name), escaped(&value)));
    }
    pairs.join("&")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ if b"-_.!~*'()".contains(&byte) => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The vectors of the official libraries, which those libraries are run on as well (`scripts/contract`).
    const VECTORS: &str = include_str!("../../../sandbox/contract/vectors.json");

    /// The part of an address that is configured, and the part that a request brings.
    fn split(url: &str) -> (&str, &str) {
        let host = url.find("://").unwrap() + 3;
        url.split_at(host + url[host..].find('/').unwrap())
    }

    fn check(token: &str, url: &str, form: Option<&[(String, String)]>, body: &str, signature: &str) -> bool {
        let (public_url, target) = split(url);
        let signed = Signed { public_url, target, form, body: body.as_bytes(), signature };
        signed.check(&[&"another token of the same length".into(), &token.into()]) == [false, true]
    }

    #[test]
    fn t03_the_vectors_of_the_official_libraries() {
        let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
        assert!(vectors.len() >= 75);
        for vector in &vectors {
            let text = |name: &str| vector[name].as_str().unwrap_or_default();
            let params: Vec<(String, String)> = serde_json::from_value(vector["params"].clone()).unwrap();
            let form = vector["body"].is_null().then_some(&params[..]);
            let valid = check(text("token"), text("url"), form, text("body"), text("signature"));
            assert_eq!(valid, vector["refused"] != true, "{}", text("name"));
            assert!(!check("", text("url"), form, text("body"), text("signature")));
        }
    }

    #[test]
    fn t03_an_address_is_known_with_and_without_its_default_port_and_in_both_encodings() {
        for (base, other) in [
            ("https://d.example", "https://d.example:443"),
            ("http://d.example", "http://d.example:80"),
            ("https://d.example/under/here", "https://d.example:443/under/here"),
            ("https://[::1]", "https://[::1]:443"),
            ("https://u:p@d.example", "https://u:p@d.example:443"),
        ] {
            assert_eq!(other_port(base), other);
            assert_eq!(other_port(other), base);
        }
        assert_eq!(other_port("https://d.example:8443/x"), "https://d.example/x");
        let empty = BTreeSet::new();
        let at = |target: &'static str, url: &str| {
            let signature = sign(b"12345", url, &empty);
            let signed = Signed {
                public_url: "https://d.example/",
                target,
                form: Some(&[]),
                body: b"",
                signature: &signature,
            };
            signed.check(&[&"12345".into()]) == [true]
        };
        assert!(at("/sms?q=%27a%27+b", "https://d.example/sms?q=%27a%27+b"));
        assert!(at("/sms?q=%27a%27+b", "https://d.example/sms?q='a'%20b"));
        assert!(at("/sms?q=a", "https://d.example:443/sms?q=a"));
        for other in [
            "https://d.example/sms?q=b",
            "http://d.example/sms?q=a",
            "https://d.example:8443/sms?q=a",
            "https://e.example/sms?q=a",
            "https://d.example/sms/?q=a",
            "https://d.example/SMS?q=a",
        ] {
            assert!(!at("/sms?q=a", other), "{other}");
        }
    }

    #[test]
    fn t02_an_empty_token_signs_nothing() {
        let form = [("a".to_owned(), "b".to_owned())];
        let fields = BTreeSet::from([("a", "b")]);
        let signature = sign(b"", "https://d.example/sms", &fields);
        assert!(!check("", "https://d.example/sms", Some(&form), "", &signature));
    }

    /// Welch's test on a million checks of signatures that are wrong at the first or at the last character.
    #[test]
    fn t06_a_check_takes_as_long_wherever_the_signature_is_wrong() {
        if std::env::var_os("DIALTONE_TEST_LONG").is_none() {
            return;
        }
        let url = "https://d.example/sms";
        let form = [("Body".to_owned(), "a text".to_owned())];
        let good = sign(b"12345", url, &BTreeSet::from([("Body", "a text")]));
        let wrong = [format!("?{}", &good[1..]), format!("{}?", &good[..good.len() - 1])];
        let time = |signature: &str| {
            let signed = Signed {
                public_url: "https://d.example",
                target: "/sms",
                form: Some(&form),
                body: b"",
                signature,
            };
            let begun = std::time::Instant::now();
            assert_eq!(signed.check(&[&"12345".into()]), [false]);
            begun.elapsed().as_nanos() as f64
        };
        let mut first: Vec<f64> = (0..20_000).map(|index| time(&wrong[index % 2])).collect();
        first.sort_by(f64::total_cmp);
        // What the machine did beside is cut off, for both alike.
        let most = first[first.len() * 9 / 10];
        let mut sums = [(0.0, 0.0, 0.0); 2];
        for _ in 0..1_000_000 {
            let class = usize::from(rand::random::<bool>());
            let taken = time(&wrong[class]);
            if taken < most {
                let (count, sum, squares) = sums[class];
                sums[class] = (count + 1.0, sum + taken, squares + taken * taken);
            }
        }
        let [a, b] = sums.map(|(count, sum, squares)| {
            let mean = sum / count;
            (mean, (squares / count - mean * mean) / count)
        });
        let t = (a.0 - b.0) / (a.1 + b.1).sqrt();
        println!("t = {t:.2} of {:.0} checks", sums[0].0 + sums[1].0);
        assert!(t.abs() < 4.5, "t = {t}");
    }

    #[test]
    fn t01_a_json_body_must_be_the_one_that_was_signed() {
        let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let url = format!("https://d.example/hook?bodySHA256={hash}");
        let body = r#"{"property": "value", "boolean": true}"#;
        let signature = sign(b"12345", &url, &BTreeSet::new());
        assert!(check("12345", &url, None, body, &signature));
        assert!(!check("12345", &url, None, "{}", &signature));
        let bare = sign(b"12345", "https://d.example/hook", &BTreeSet::new());
        assert!(
            !check("12345", "https://d.example/hook", None, body, &bare),
            "without its hash nothing signs a body"
        );
    }
}

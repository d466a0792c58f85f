//! `X-Twilio-Signature` (T17 [D][C]): HMAC-SHA1 over the URL and the form, in base64.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The signature of a form POST: the URL, then each name with its value, sorted bytewise; a repeated name
/// counts once per distinct value.
pub(crate) fn form(token: &str, url: &str, params: &[(String, String)]) -> String {
    let sorted: BTreeSet<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("a key of any length will do");
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The signature of a GET, and of a JSON POST whose URL carries the hash of its body: the URL alone.
pub(crate) fn address(token: &str, url: &str) -> String {
    form(token, url, &[])
}

/// The URL under which a JSON body is posted: with `bodySHA256` as its last query parameter.
pub(crate) fn with_body_hash(url: &str, body: &str) -> String {
    let hash: String = Sha256::digest(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}bodySHA256={hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const P: &str =
        "CallSid=CA1234567890ABCDE|Caller=+14158675309|Digits=1234|From=+14158675309|To=+18005551212";
    const HASH: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";

    fn pairs(text: &str) -> Vec<(String, String)> {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.split('|').filter_map(pair).collect()
    }

    fn at(url: &str) -> String {
        U.replace("https://mycompany.com/myapp.php", url)
    }

    /// The vectors of T17 by their numbers.
    #[test]
    fn the_23_vectors_of_the_official_libraries() {
        let more = format!("{P}|Reason=Participant|ReasonConferenceEnded=test");
        let caller = |number: &str| P.replace("+14158675309", number);
        let json = format!("https://mycompany.com/myapp.php?bodySHA256={HASH}");
        let special = "Message=Hello & goodbye! @#$%^*()|From=+1 (415) 867-5309|Special=unicode: ñáéíóú";
        let vectors = [
            (U.to_owned(), P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            (at("https://mycompany.com:443/myapp.php"), P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
            (at("http://mycompany.com:80/myapp.php"), P, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
            (at("http://mycompany.com:1234/myapp.php"), P, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
            (
                U.to_owned(),
                "Sid=CA123|SidAccount=AC123|Digits=5678|Digits=1234|Digits=1234",
                "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
            ),
            (format!("{U}&bodySHA256={HASH}"), "", "a9nBmqA0ju/hNViExpshrM61xv4="),
            (json, "", "y77kIzt2vzLz71DgmJGsen2scGs="),
            (at("https://user:pass@mycompany.com:443/myapp.php"), P, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
            (at("https://user@mycompany.com:443/myapp.php"), P, "aZfj4hyX1MLZhSS6QIL18Vn2/RA="),
            (U.to_owned(), &more, "vOEb5UThFn24KEfnOFLQY2AE5FY="),
            (at("http://mycompany.com/myapp.php"), &more, "n2xBNyzSW7rfYStDtOFiFMv7qNo="),
            (U.to_owned(), "property=value|boolean=true", "NBdBDr/T/lgjI+tlgpXjKZQZs/k="),
            (U.to_owned(), "", "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
            ("https://mycompany.com/myapp.php".to_owned(), P, "1xaxFBvyzXYvWplzNOSs28HWO94="),
            (
                "https://mycompany.com/myapp.php?foo=hello%20world&bar=test%2Bvalue".to_owned(),
                P,
                "er2tvAP1Wx+iuTTE2BPgvEaN1cs=",
            ),
            (U.to_owned(), special, "dCPiR4WtQ6QFN6pJh81CtlCcWLQ="),
            (U.to_owned(), "CallSid=CA1234567890ABCDE|Digits=|EmptyParam=", "9HHp/OqQMEwdrVebHDdA/+tqjX8="),
            (U.to_owned(), "Zebra=last|Alpha=first|Beta=second|Gamma=third", "enveUe73ZTVLAekHxez3Qx6JuuQ="),
            (
                U.to_owned(),
                "callSid=lowercase|CallSid=uppercase|CALLSID=allcaps",
                "jDK7WKT8wiNrwggd4ceTv4e1MJ4=",
            ),
            ("https://mycompany.com/webhook/España?año=2023".to_owned(), P, "G/Hx6mqqnjUNlPAoi2Sp9bGst0g="),
            (at("https://mycompany.com:443//myapp.php"), P, "A9lH3u16NjyiiM/+wylw5rirFUs="),
            (at("https://example.com/myapp.php"), &caller("+14158675310"), "L/OH5YylLD5NRKLltdqwSvS0BnU="),
            (U.to_owned(), &caller("+12349013030"), "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        ];
        assert_eq!(vectors.len(), 23);
        for (index, (url, params, expected)) in vectors.iter().enumerate() {
            assert_eq!(form("12345", url, &pairs(params)), *expected, "vector {}", index + 1);
        }
        // A library that sorts wrongly would accept this one for vector 10.
        assert_ne!(form("12345", U, &pairs(&more)), "95+Bu0JVPi0r/SsESZCVf0dWAjw=");
        // Vectors 8 and 9 without the default port.
        for (user, expected) in
            [("user:pass", "CukzLTc1tT5dXEDIHm/tKBanW10="), ("user", "2YRLlVAflCqxaNicjMpJcSTgzSs=")]
        {
            let url = at(&format!("https://{user}@mycompany.com/myapp.php"));
            assert_eq!(form("12345", &url, &pairs(P)), expected, "{user}");
        }
    }

    #[test]
    fn the_hash_of_a_json_body_stands_in_the_url() {
        let body = r#"{"property": "value", "boolean": true}"#;
        assert_eq!(with_body_hash(U, body), format!("{U}&bodySHA256={HASH}"));
        let bare = "https://mycompany.com/myapp.php";
        assert_eq!(address("12345", &with_body_hash(bare, body)), "y77kIzt2vzLz71DgmJGsen2scGs=");
    }

    #[test]
    fn the_vectors_in_this_projects_shape() {
        const SMS: &str = "ToCountry=US|ToState=CA|ToCity=SAN BRUNO|FromZip=|FromState=CA|SmsStatus=received|\
            FromCity=|FromCountry=US|To=+16505550100|ToZip=94030|NumSegments=1|\
            AccountSid=AC00000000000000000000000000000001|From=+14155550123|ApiVersion=2010-04-01";
        const MEDIA: &str = "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001\
            /Messages/MM00000000000000000000000000000002/Media/ME00000000000000000000000000000003";
        let text = format!(
            "{SMS}|NumMedia=0|Body=Hello, is the suite free? 👍|SmsMessageSid={0}|SmsSid={0}|MessageSid={0}",
            "SM00000000000000000000000000000001"
        );
        let media = format!(
            "{SMS}|NumMedia=1|Body=|MediaContentType0=image/jpeg|MediaUrl0={MEDIA}|\
             SmsMessageSid={0}|SmsSid={0}|MessageSid={0}",
            "MM00000000000000000000000000000002"
        );
        let status = format!(
            "SmsSid={0}|MessageSid={0}|SmsStatus=delivered|MessageStatus=delivered|To=+14155550123|\
             AccountSid=AC00000000000000000000000000000001|From=+16505550100|ApiVersion=2010-04-01|\
             RawDlrDoneDate=2601150930",
            "SM00000000000000000000000000000004"
        );
        let call = "https://dialtone.example/hooks/twilio/voice?CallSid=CA00000000000000000000000000000005\
            &From=%2B14155550123&To=%2B16505550100";
        for (url, params, expected) in [
            (
                "https://dialtone.example/hooks/twilio/sms?line=7",
                text.as_str(),
                "prnIoWNZ8nLysl+QJj6P7OkagwA=",
            ),
            ("https://dialtone.example:8443/hooks/twilio/sms", &media, "VC67HQYI1UfJwWhUSPdtVAgrPsY="),
            ("https://dialtone.example/hooks/twilio/status", &status, "8Xsi7rmug1/iVpJiH53YiV3gCsg="),
            (call, "", "EFjz7RBoYVU7tpkYWEUCMmkzmLg="),
        ] {
            let signed = form("0123456789abcdef0123456789abcdef", url, &pairs(params));
            assert_eq!(signed, expected, "{url}");
        }
    }
}

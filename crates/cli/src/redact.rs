//! The last line of defence of the logs (requirement D5): masks what looks like a phone number or a secret in
//! every line, whatever let it get there.

use regex::{Captures, Regex};
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::LazyLock;

/// What is masked, in the order of the groups:
/// 1. a phone number, `+` or its percent-encoding and 8 to 15 digits: its last four stay;
/// 2. the scheme of an `Authorization` header, 3. what follows it;
/// 4. the path of a one-time link, 5. its code;
/// 6. the scheme of an address, 7. the user and password in it;
/// 8. a name that secrets have in an address and what is between, 9. the secret;
/// 10. a token of ours; 11. what may be an auth token: 32 hexadecimal digits that are not a SID's.
static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:\+|%2[Bb])([1-9][0-9]{7,14})",
        r"|((?i:bearer|basic)\s+)([A-Za-z0-9._~+/=-]{8,})",
        r"|(/(?:sign-in|invitation|reset-password)/)([A-Za-z0-9_-]+)",
        r"|(\b[A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#@]+@)",
        r#"|((?i:password|passwd|pwd|secret|token|api[_-]?key)=)([^\s&"'\\#]+)"#,
        r"|(dt_[A-Za-z0-9_-]{8,})",
        r"|([A-Za-z0-9]*[0-9a-fA-F]{32}[A-Za-z0-9]*)",
    ))
    .expect("a test runs it")
});

/// The text with phone numbers and secrets masked.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    PATTERN.replace_all(text, |found: &Captures<'_>| {
        let group = |number: usize| found.get(number).map(|group| group.as_str());
        if let Some(digits) = group(1) {
            return format!("…{}", &digits[digits.len() - 4..]);
        }
        if let Some(before) = group(2).or(group(4)).or(group(8)) {
            return format!("{before}[masked]");
        }
        if let Some(scheme) = group(6) {
            return format!("{scheme}[masked]@");
        }
        match group(11) {
            Some(word) if is_sid(word) => word.to_owned(),
            _ => "[masked]".to_owned(),
        }
    })
}

/// Two capitals and 32 hexadecimal digits name a thing at Twilio; they open nothing.
fn is_sid(word: &str) -> bool {
    word.len() == 34 && word.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
}

/// A writer of log lines that masks them. The log layer writes each line with one call.
pub(crate) struct Masked<W>(pub(crate) W);

impl<W: Write> Write for Masked<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(mask(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_numbers_and_secrets_do_not_reach_a_log_line() {
        let hex = "0123456789abcdef0123456789abcdef";
        for (text, expected) in [
            ("call to +33612345678 failed".to_owned(), "call to …5678 failed".to_owned()),
            ("/api/v1/lines/%2B14155552671/checks".into(), "/api/v1/lines/…2671/checks".into()),
            ("{\"to\":\"+14155552671\"}".into(), "{\"to\":\"…2671\"}".into()),
            ("authorization: Bearer abc.def-ghi_123".into(), "authorization: Bearer [masked]".into()),
            ("authorization: Basic QUM6dG9rZW4=".into(), "authorization: Basic [masked]".into()),
            ("url https://user:pw@host/x".into(), "url https://[masked]@host/x".into()),
            ("postgres://me:p%40w@db:5432/d".into(), "postgres://[masked]@db:5432/d".into()),
            ("token dt_aBcDeFgHiJkLmNoP used".into(), "token [masked] used".into()),
            ("GET /sign-in/aB-c_d1".into(), "GET /sign-in/[masked]".into()),
            (
                "url https://c/v1?API_KEY=canary&x=1 refused".into(),
                "url https://c/v1?API_KEY=[masked]&x=1 refused".into(),
            ),
            (
                "{\"url\":\"smtp://m?password=can%20ary\"}".into(),
                "{\"url\":\"smtp://m?password=[masked]\"}".into(),
            ),
            (format!("auth_token={hex}"), "auth_token=[masked]".into()),
            (format!("key sk{hex}ff"), "key [masked]".into()),
        ] {
            assert_eq!(mask(&text), expected);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "AC0123456789abcdef0123456789abcdef has 2 numbers",
            "line 01890a5d-ac96-774b-bcce-b302099a8057 is healthy",
            "2026-01-01T00:00:00.123456Z INFO +1 12345678 bytes",
            "took 1234567890 µs",
            "http://127.0.0.1:8080/a@b, mail to a@b",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn a_line_is_masked_where_it_is_written() {
        let mut lines = Vec::new();
        let line = b"to +33612345678 \xff\n";
        assert_eq!(Masked(&mut lines).write(line).unwrap(), line.len());
        assert_eq!(String::from_utf8(lines).unwrap(), "to …5678 \u{fffd}\n");
    }
}

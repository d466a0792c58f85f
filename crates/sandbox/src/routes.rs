//! Matching a path against a pattern such as `Accounts/{}/Keys/{}`.

/// The parts of `path` that stand where `pattern` has `{}`, or none when they differ.
pub(crate) fn capture<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut wanted = pattern.split('/');
    let mut given = path.split('/');
    let mut captured = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(captured),
            (Some("{}"), Some(part)) if !part.is_empty() => captured.push(part),
            (Some(want), Some(part)) if want == part => {}
            _ => return None,
        }
    }
}

/// A part of the path without its percent-encoding; a plus sign is one (T21: numbers in paths).
pub(crate) fn decoded(part: &str) -> String {
    let plain = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let mut pairs = url::form_urlencoded::parse(plain.as_bytes());
    pairs.next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::capture;

    #[test]
    fn captures_what_stands_in_the_braces() {
        assert_eq!(capture("Accounts/{}/Keys/{}", "Accounts/AC1/Keys/SK1"), Some(vec!["AC1", "SK1"]));
        assert_eq!(capture("assistant", "assistant"), Some(vec![]));
        assert_eq!(capture("assistant/{}", "assistant/"), None);
        assert_eq!(capture("assistant", "assistant/x"), None);
        assert_eq!(capture("assistant/{}/x", "assistant/1"), None);
    }
}

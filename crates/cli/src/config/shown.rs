//! How settings are shown: without what is secret in them.

use url::Url;

/// The values in the query of an address that are shown.
const SHOWN_IN_QUERIES: [&str; 4] = ["tls", "sslmode", "host", "port"];

pub(super) fn plainly(text: &str) -> String {
    text.to_owned()
}

fn hidden(_: &str) -> String {
    "(hidden)".to_owned()
}

pub(super) fn hidden_if_set(text: &str) -> String {
    if text.is_empty() { String::new() } else { hidden(text) }
}

pub(super) fn key_or_file(text: &str) -> String {
    if text.is_empty() { "(a key file in the data directory)".to_owned() } else { hidden(text) }
}

pub(super) fn without_password(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let Ok(mut url) = Url::parse(text) else { return hidden(text) };
    let query = url.query().map(without_secrets);
    if url.password().is_none() && url.query() == query.as_deref() {
        return text.to_owned();
    }
    if url.password().is_some() && url.set_password(Some("hidden")).is_err() {
        return hidden(text);
    }
    url.set_query(query.as_deref());
    url.into()
}

/// What may be shown of a query: drivers and collectors also take passwords and keys there, by many names.
fn without_secrets(query: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((name, _)) if SHOWN_IN_QUERIES.contains(&name) => part.to_owned(),
        Some((name, _)) => format!("{name}=hidden"),
        None => "hidden".to_owned(),
    };
    query.split('&').map(part).collect::<Vec<_>>().join("&")
}

/// The same of an address with a place for the product.
pub(super) fn product_without_password(text: &str) -> String {
    const STANDS_FOR_IT: &str = "product-of-twilio";
    without_password(&text.replace("{product}", STANDS_FOR_IT)).replace(STANDS_FOR_IT, "{product}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_an_address_are_hidden() {
        for (text, expected) in [
            (
                "postgres://a@h/db?password=canary&sslmode=require",
                "postgres://a@h/db?password=hidden&sslmode=require",
            ),
            ("postgres://a:canary@h/db?%70assword=canary", "postgres://a:hidden@h/db?%70assword=hidden"),
            ("https://c.example/v1/traces?api_key=canary", "https://c.example/v1/traces?api_key=hidden"),
            ("https://c.example/v1/traces?canary", "https://c.example/v1/traces?hidden"),
            (
                "smtp://m.example:587?tls=required&password=canary",
                "smtp://m.example:587?tls=required&password=hidden",
            ),
            ("https://v.example", "https://v.example"),
        ] {
            assert_eq!(without_password(text), expected);
        }
        assert_eq!(
            product_without_password("https://u:canary@t.example/{product}"),
            "https://u:hidden@t.example/{product}"
        );
        assert_eq!(product_without_password("https://{product}.twilio.com"), "https://{product}.twilio.com");
    }
}

//! A request and its answer, held against the descriptions.

use std::borrow::Cow;

use hyper::Method;
use serde_json::{Value, json};

use super::book::{self, Book, Half, Operation};
use super::finding::Finding;
use super::strict::resolve;
use crate::http::{Reply, Request};

/// A request whose operation is known.
pub(crate) struct Exchange<'r> {
    pub(crate) book: &'static Book,
    pub(crate) operation: &'static Operation,
    ids: Value,
    request: &'r Request,
}

/// Which book a path belongs to, Twilio's product, and the path as the provider sees it.
fn place(path: &str) -> Option<(&'static Book, Option<&str>, &str)> {
    if let Some(rest) = path.strip_prefix("/twilio/") {
        let (product, _) = rest.split_once('/')?;
        return Some((book::twilio(), Some(product), &rest[product.len()..]));
    }
    path.strip_prefix("/vapi-eu")
        .or_else(|| path.strip_prefix("/vapi"))
        .map(|rest| (book::vapi(), None, rest))
}

/// The 2010 API describes `.json` only; the same resources are there without a suffix, and as XML, CSV or
/// sound (T1 [D], T16 [D]).
fn described_path<'p>(product: Option<&str>, path: &'p str) -> Cow<'p, str> {
    let last = path.rsplit('/').next().unwrap_or_default();
    let bare = [".xml", ".csv", ".wav", ".mp3"].iter().find_map(|suffix| path.strip_suffix(suffix));
    match product {
        Some("api") if !last.ends_with(".json") => Cow::Owned(format!("{}.json", bare.unwrap_or(path))),
        _ => Cow::Borrowed(path),
    }
}

/// Whether a request goes to one of the providers; everything else is not looked at.
pub(crate) fn concerns(request: &Request) -> bool {
    place(&request.path).is_some()
}

/// The operation that the request means, unless the description has none such.
pub(crate) fn of(request: &Request) -> Option<Exchange<'_>> {
    let (book, product, path) = place(&request.path)?;
    let path = described_path(product, path);
    let (operation, ids) = book.find(product, &request.method, &path)?;
    Some(Exchange { book, operation, ids, request })
}

impl Exchange<'_> {
    /// Where the operation stands in its document.
    fn pointer(&self, part: &str) -> String {
        format!("/operations/{}/{part}", self.operation.name)
    }

    /// What is wrong with the request.
    pub(crate) fn request(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        // Not every path's ids are described again beside it.
        if self.operation.described.get("ids").is_some() {
            found.extend(self.checked("path", "ids", &self.ids));
        }
        let query = url::form_urlencoded::parse(self.request.query.as_bytes());
        self.check_pairs("query", "query", &self.coerced("query", query.into_owned()), &mut found);
        self.check_body(&mut found);
        found
    }

    fn check_body(&self, found: &mut Vec<Finding>) {
        let described = &self.operation.described;
        let body = &self.request.body;
        if described.get("body").is_some() {
            match serde_json::from_slice::<Value>(body) {
                Ok(value) => found.extend(self.checked("body", "body", &value)),
                Err(_) if body.is_empty() => found.push(Finding::new("body", "is missing")),
                Err(error) => found.push(Finding::new("body", format!("is not JSON: {error}"))),
            }
        } else if described.get("multipart").is_none() && self.request.method != Method::GET {
            // Also an operation that takes no form may be sent one by mistake.
            let form = url::form_urlencoded::parse(body);
            let is_form = self.request.header("content-type").is_none_or(|kind| kind.contains("form"));
            if is_form {
                self.check_pairs("form", "form", &self.coerced("form", form.into_owned()), found);
            }
        }
    }

    fn checked(&self, place: &str, part: &str, value: &Value) -> Vec<Finding> {
        self.book.check(Half::Request, &self.pointer(part), place, value)
    }

    /// Parameters at one place; where none are described, all are unknown.
    fn check_pairs(&self, place: &str, part: &str, pairs: &Value, found: &mut Vec<Finding>) {
        let described = self.operation.described.get(part);
        if described.is_some() {
            found.extend(self.checked(place, part, pairs));
        } else if let Value::Object(pairs) = pairs {
            let unknown =
                |name: &String| Finding::new(&format!("{place}/{name}"), "is not in the description");
            found.extend(pairs.keys().map(unknown));
        }
        for finding in found.iter_mut().filter(|finding| finding.sentence == "is not in the description") {
            let given = finding.place.rsplit('/').next().unwrap_or_default();
            if let Some(meant) = described.and_then(|described| similar(described, given)) {
                finding.sentence = format!("is not in the description; did you mean {meant}?");
            }
        }
    }

    /// Parameters as the values that their descriptions expect: `true`, numbers, lists of what is repeated.
    fn coerced(&self, part: &str, pairs: impl Iterator<Item = (String, String)>) -> Value {
        let none = Value::Null;
        let properties = self.operation.described.get(part).map_or(&none, |part| &part["properties"]);
        let mut object = serde_json::Map::new();
        for (name, text) in pairs {
            let schema = resolve(self.book.document, &properties[&name]);
            // An empty parameter clears a setting, whatever its type (T5 [X]).
            if text.is_empty() && properties.get(&name).is_some() {
                continue;
            }
            if kind(schema) == "array" {
                let item = coerce(resolve(self.book.document, &schema["items"]), &text);
                match object.entry(name).or_insert(json!([])) {
                    Value::Array(items) => items.push(item),
                    other => *other = item,
                }
            } else {
                object.insert(name, coerce(schema, &text));
            }
        }
        Value::Object(object)
    }

    /// What is wrong with the answer; `None` when it is of a kind that is not described.
    pub(crate) fn answer(&self, reply: &Reply) -> Option<Vec<Finding>> {
        let one = |sentence: String| Some(vec![Finding::new("answer", sentence)]);
        let status = reply.status.to_string();
        let described = self.operation.described["answers"].get(&status);
        if described.is_none() && reply.status < 400 {
            // Sounds and pictures, and the way to them, are not described (T13 [D], T16 [D]).
            let media = reply.status == 302 || reply.status == 307 || !reply.content_type.contains("json");
            return if media {
                None
            } else {
                one(format!("has the status {status}, which is not described"))
            };
        }
        if reply.body.is_empty() {
            let wanted = described.is_some_and(|schema| !schema.is_null());
            return if wanted { one("has no body".to_owned()) } else { Some(Vec::new()) };
        }
        if !reply.content_type.contains("json") {
            return None;
        }
        let value = match serde_json::from_slice(&reply.body) {
            Ok(value) => value,
            Err(error) => return one(format!("is not JSON: {error}")),
        };
        let pointer = match described {
            Some(Value::Null) if reply.status < 400 => {
                return one("has a body, which is not described".to_owned());
            }
            Some(schema) if !schema.is_null() => self.pointer(&format!("answers/{status}")),
            _ => "/schemas/error".to_owned(),
        };
        Some(self.book.check(Half::Answer, &pointer, "answer", &value))
    }
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")),
        kind => kind.as_str(),
    }
    .unwrap_or_default()
}

fn coerce(schema: &Value, text: &str) -> Value {
    let read = match kind(schema) {
        "integer" => text.parse().ok().map(|number: i64| json!(number)),
        "number" => text.parse().ok().map(|number: f64| json!(number)),
        // Official clients of older days write `True` [C].
        "boolean" => text.to_lowercase().parse().ok().map(|flag: bool| json!(flag)),
        "object" => serde_json::from_str(text).ok(),
        _ => None,
    };
    read.unwrap_or_else(|| json!(text))
}

/// The described parameter that only differs in its case or in separators.
fn similar<'d>(described: &'d Value, given: &str) -> Option<&'d String> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let names = described["properties"].as_object()?.keys();
    names.into_iter().find(|name| plain(name) == plain(given))
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    fn request(method: Method, path: &str) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        Request { method, path, query, headers: HeaderMap::new(), body: hyper::body::Bytes::new() }
    }

    fn sentences(found: Option<Vec<Finding>>) -> Vec<String> {
        found.unwrap_or_default().iter().map(Finding::to_string).collect()
    }

    const BALANCE: &str = "/twilio/api/2010-04-01/Accounts/AC00000000000000000000000000000001/Balance.json";

    #[test]
    fn an_answer_has_all_and_only_what_is_described() {
        let request = request(Method::GET, BALANCE);
        let exchange = of(&request).unwrap();
        let about = |status: u16, body: Value| sentences(exchange.answer(&Reply::json(status, &body)));
        let account = "AC00000000000000000000000000000001";
        let good = json!({"account_sid": account, "balance": "1.00", "currency": "USD"});
        assert_eq!(about(200, good), [""; 0]);
        assert_eq!(
            about(200, json!({"account_sid": 1, "balance": "1.00", "amount": 1})),
            [
                "answer lacks \"currency\"",
                "answer/account_sid is 1, not null or string",
                "answer/amount is not in the description",
            ]
            .map(str::to_owned)
        );
        assert_eq!(about(201, json!({})), ["answer has the status 201, which is not described"]);
        assert_eq!(
            about(404, json!({"status": 404, "code": 20404, "more_info": ""})),
            ["answer lacks \"message\""]
        );
    }

    #[test]
    fn a_wrong_alternative_is_told_by_what_was_meant() {
        let request = request(Method::POST, "/vapi/phone-number");
        let exchange = of(&request).unwrap();
        let found = exchange.checked("body", "body", &json!({"provider": "twilio", "number": 1}));
        assert_eq!(
            sentences(Some(found)),
            ["body lacks \"twilioAccountSid\"", "body/number is 1, not string"].map(str::to_owned)
        );
    }

    #[test]
    fn ids_parameters_and_other_forms_of_a_path() {
        let wrong = request(
            Method::GET,
            "/twilio/api/2010-04-01/Accounts/AC1/Messages?Page=x&DateSent%3E=2026-01-01",
        );
        let exchange = of(&wrong).unwrap();
        assert_eq!(exchange.operation.name, "api.2010-04-01.ListMessage");
        let found = sentences(Some(exchange.request()));
        assert!(found.iter().any(|sentence| sentence.starts_with("path/AccountSid ")), "{found:?}");
        assert!(found.contains(&"query/Page is \"x\", not integer".to_owned()), "{found:?}");
        assert!(of(&request(Method::GET, "/vapi/nothing")).is_none());
        assert!(!concerns(&request(Method::GET, "/storage/x")));
    }
}

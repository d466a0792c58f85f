//! The 2010 API's XML, which answers paths without `.json` (T1 [D], T2 [D][I]).

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;
use serde_json::{Value, json};

use super::errors::Problem;
use crate::http::Object;

/// The content type of XML answers.
pub(crate) const TYPE: &str = "application/xml";

type Xml = Writer<Vec<u8>>;

/// One resource, or a list of them with its paging as attributes.
pub(crate) fn resource(kind: &str, body: &Value) -> Vec<u8> {
    document(|xml| {
        let object = body.as_object().cloned().unwrap_or_default();
        match object.iter().find(|(_, value)| value.is_array()) {
            Some((key, items)) => list(xml, &pascal(key), kind, items, &object),
            None => element(xml, kind, body),
        }
    })
}

/// `<RestException>` with code, message, link and status.
pub(crate) fn problem(problem: &Problem) -> Vec<u8> {
    let fields = json!({
        "code": problem.code,
        "message": problem.message,
        "more_info": problem.more_info(),
        "status": problem.status,
    });
    document(|xml| element(xml, "RestException", &fields))
}

fn document(content: impl FnOnce(&mut Xml) -> io::Result<()>) -> Vec<u8> {
    let mut xml = Writer::new(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_vec());
    xml.create_element("TwilioResponse").write_inner_content(content).expect("memory takes every write");
    xml.into_inner()
}

fn list(xml: &mut Xml, name: &str, kind: &str, items: &Value, paging: &Object) -> io::Result<()> {
    let mut list = xml.create_element(name);
    for (key, value) in paging.iter().filter(|(_, value)| !value.is_array()) {
        list = list.with_attribute((camel(key).as_str(), plain(value).as_str()));
    }
    list.write_inner_content(|xml| {
        items.as_array().into_iter().flatten().try_for_each(|item| element(xml, kind, item))
    })?;
    Ok(())
}

fn element(xml: &mut Xml, name: &str, value: &Value) -> io::Result<()> {
    let start = xml.create_element(name);
    match value {
        Value::Object(fields) => {
            start.write_inner_content(|xml| {
                fields.iter().try_for_each(|(key, value)| element(xml, &pascal(key), value))
            })?;
        }
        Value::Null => {
            start.write_empty()?;
        }
        plainly => {
            start.write_text_content(BytesText::new(&plain(plainly)))?;
        }
    }
    Ok(())
}

/// Text without the control characters that XML cannot carry.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect()
}

/// `voice_url` → `VoiceUrl`.
fn pascal(name: &str) -> String {
    let upper = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('_').filter(|word| !word.is_empty() && word.is_ascii()).map(upper).collect()
}

/// `next_page_uri` → `nextpageuri`, as attributes are written.
fn camel(name: &str) -> String {
    name.replace('_', "")
}

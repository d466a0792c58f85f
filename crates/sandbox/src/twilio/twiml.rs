//! TwiML documents: XML whose root is `Response`, with verbs and nouns (T10, T16).

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// 11750: a longer document is refused (T10, T16 [E]).
pub(crate) const BYTES_MAX: usize = 64 * 1024;

/// Deeper than this nothing of TwiML is nested, and no document is read.
const DEPTH_MAX: usize = 32;

/// A verb or noun with what is in it. Names are case sensitive (T10 [D]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// Its text without that of its children, trimmed, white space made single.
    pub(crate) text: String,
    /// The same with its white space, for texts that are sent as they are.
    pub(crate) raw: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// An attribute, unless it is absent or empty.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// The verbs of a document, or the code of what is wrong with it: 11750 too long, 12100 no XML, 12102 its
/// root is not `Response` (T10 [E]).
pub(crate) fn parse(document: &[u8]) -> Result<Vec<Element>, u32> {
    if document.len() > BYTES_MAX {
        return Err(11750);
    }
    let root = std::str::from_utf8(document).ok().and_then(tree).ok_or(12100_u32)?;
    if root.name == "Response" { Ok(root.children) } else { Err(12102) }
}

/// The root element; none for anything that is not one well-formed element.
fn tree(document: &str) -> Option<Element> {
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}').trim_start());
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if root.is_none() && open.len() < DEPTH_MAX => open.push(element(&start)?),
            Event::Empty(start) if root.is_none() => close(element(&start)?, &mut open, &mut root),
            Event::End(_) => close(open.pop()?, &mut open, &mut root),
            Event::Text(text) => append(&text.decode().ok()?, &mut open)?,
            Event::CData(text) => append(&text.decode().ok()?, &mut open)?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().ok()?.map(String::from);
                let named = || resolve_predefined_entity(&reference.decode().ok()?).map(str::to_owned);
                append(&character.or_else(named)?, &mut open)?;
            }
            Event::Eof => return root.filter(|_| open.is_empty()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Start(_) | Event::Empty(_) | Event::DocType(_) => return None,
        }
    }
}

fn element(start: &BytesStart<'_>) -> Option<Element> {
    let name = std::str::from_utf8(start.name().into_inner()).ok()?.to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let key = std::str::from_utf8(attribute.key.into_inner()).ok()?.to_owned();
        attributes.push((key, attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned()));
    }
    Some(Element { name, attributes, ..Element::default() })
}

fn close(mut done: Element, open: &mut [Element], root: &mut Option<Element>) {
    done.raw = done.text.trim().to_owned();
    done.text = done.text.split_whitespace().collect::<Vec<_>>().join(" ");
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = Some(done),
    }
}

/// Text outside the root must be white space.
fn append(text: &str, open: &mut [Element]) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_with_attributes_nouns_and_text() {
        let document = "<?xml version=\"1.0\"?>\n<!-- hello --><Response>\n <Say voice=\"alice\">A &amp; B\n \
                        &#67;<![CDATA[ <D>]]></Say><Dial action='/x?a=1&amp;b=2'><Number>+1</Number></Dial>\
                        <Hangup/></Response>\n";
        let verbs = parse(document.as_bytes()).unwrap();
        let names: Vec<&str> = verbs.iter().map(|verb| verb.name.as_str()).collect();
        assert_eq!(names, ["Say", "Dial", "Hangup"]);
        assert_eq!((verbs[0].text.as_str(), verbs[0].attribute("voice")), ("A & B C <D>", Some("alice")));
        assert_eq!(verbs[1].attribute("action"), Some("/x?a=1&b=2"));
        assert_eq!(verbs[1].children[0].text, "+1");
    }

    #[test]
    fn what_is_wrong_with_a_document_has_a_code() {
        let long = format!("<Response><Say>{}</Say></Response>", "x".repeat(BYTES_MAX));
        let deep = format!("<Response>{}{}</Response>", "<a>".repeat(9_000), "</a>".repeat(9_000));
        for (document, code) in [
            ("", 12100),
            ("hello", 12100),
            ("<Response>", 12100),
            ("<Response></response>", 12100),
            ("<Response/><Response/>", 12100),
            ("<Response/>x", 12100),
            ("<Response><Say>&nope;</Say></Response>", 12100),
            ("<response/>", 12102),
            ("<html><body/></html>", 12102),
            (long.as_str(), 11750),
            (deep.as_str(), 12100),
        ] {
            assert_eq!(parse(document.as_bytes()), Err(code), "{document:.40}");
        }
    }
}

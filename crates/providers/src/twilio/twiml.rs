//! TwiML, by a builder alone: whatever a text holds, it stays a text.

use dialtone_domain::Language;

/// An answer to Twilio.
#[derive(Debug, Clone, Default)]
pub struct Twiml(String);

impl Twiml {
    /// One that does nothing: an empty answer to a text sends no reply.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Says it to the caller.
    #[must_use]
    pub fn say(mut self, language: Language, text: &str) -> Self {
        let voice = match language {
            Language::En => "en-US",
            Language::Fr => "fr-FR",
        };
        self.0.push_str(&format!("<Say language=\"{voice}\">{}</Say>", escaped(text)));
        self
    }

    /// Ends the call.
    #[must_use]
    pub fn hang_up(mut self) -> Self {
        self.0.push_str("<Hangup/>");
        self
    }

    /// The document.
    pub fn document(&self) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{}</Response>", self.0)
    }
}

/// As character data; what XML cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => out.push(char),
            _ => (),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        assert_eq!(
            Twiml::empty().document(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>"
        );
        let said = Twiml::empty()
            .say(Language::Fr, "</Say><Dial>+33</Dial>& \u{0}\u{b}\u{ffff}é👍")
            .hang_up()
            .document();
        assert!(said.ends_with(
            "<Response><Say language=\"fr-FR\">&lt;/Say&gt;&lt;Dial&gt;+33&lt;/Dial&gt;&amp; é👍</Say><Hangup/></Response>"
        ), "{said}");
    }
}

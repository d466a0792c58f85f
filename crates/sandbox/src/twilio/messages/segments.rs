//! How long a text is on the air (T9 [D]).

/// GSM-7's basic set, without the letters and digits of ASCII.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Characters that cost two septets.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// What Smart Encoding replaces (T9): look-alikes of characters of GSM-7. The list is shorter than Twilio's.
const LOOK_ALIKES: &[(&str, &str)] = &[
    ("“", "\""),
    ("”", "\""),
    ("„", "\""),
    ("«", "\""),
    ("»", "\""),
    ("‘", "'"),
    ("’", "'"),
    ("‚", "'"),
    ("`", "'"),
    ("–", "-"),
    ("—", "-"),
    ("‐", "-"),
    ("…", "..."),
    ("\u{a0}", " "),
    ("\u{2009}", " "),
    ("\u{202f}", " "),
    ("\u{200b}", ""),
];

/// Septets of one character, or none when GSM-7 does not have it.
fn septets(character: char) -> Option<usize> {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Some(1),
        _ if BASIC.contains(character) => Some(1),
        _ if EXTENDED.contains(character) => Some(2),
        _ => None,
    }
}

/// How many segments a text takes: 160 or 153 each in GSM-7, 70 or 67 code units each in UCS-2, to which one
/// foreign character turns the whole. No character is split over two segments.
pub(crate) fn count(text: &str) -> u8 {
    let gsm: Option<Vec<usize>> = text.chars().map(septets).collect();
    let (units, alone, joined) = match gsm {
        Some(units) => (units, 160, 153),
        None => (text.chars().map(char::len_utf16).collect(), 70, 67),
    };
    if units.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (segments, _) = units.iter().fold((1_u8, 0), |(segments, filled), unit| {
        if filled + unit > joined { (segments.saturating_add(1), *unit) } else { (segments, filled + unit) }
    });
    segments
}

/// The text with its look-alikes replaced: Smart Encoding.
pub(crate) fn smart(text: &str) -> String {
    LOOK_ALIKES.iter().fold(text.to_owned(), |text, (fancy, plain)| text.replace(fancy, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_by_encoding_and_length() {
        for (text, expected) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            // Two septets each.
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // 76 pairs fill 152 of 153 septets; the 77th pair is not split.
            ("€".repeat(152), 2),
            ("€".repeat(153), 3),
            // One foreign character, and the whole text is UCS-2.
            (format!("{}ç", "a".repeat(69)), 1),
            (format!("{}ç", "a".repeat(70)), 2),
            ("á".repeat(134), 2),
            ("á".repeat(135), 3),
            // Outside the BMP: two units each, 33 of them in a joined segment.
            ("👍".repeat(35), 1),
            ("👍".repeat(66), 2),
            ("👍".repeat(67), 3),
            ("à è ì ò ù Ç ß ñ Ω".to_owned(), 1),
        ] {
            assert_eq!(count(&text), expected, "{} × {:?}", text.chars().count(), text.chars().next());
        }
    }

    #[test]
    fn smart_encoding_keeps_texts_short() {
        let fancy = format!("“It’s fine – really…” {}", "a".repeat(100));
        assert_eq!((count(&fancy), count(&smart(&fancy))), (2, 1));
        assert!(smart(&fancy).starts_with("\"It's fine - really...\""));
    }
}

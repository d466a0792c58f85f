//! The verbs and nouns of voice TwiML as a table: their attributes, what these may contain, and the warning
//! that anything else is worth (T16 [D][E]). Twilio ignores what it does not understand, and says so.

use super::super::twiml::Element;

/// What an attribute may contain.
#[derive(Debug, Clone, Copy)]
enum Check {
    Any,
    Bool,
    /// GET or POST.
    Method,
    /// A whole number of at least so much.
    AtLeast(u32),
    OneOf(&'static [&'static str]),
    /// Only these characters.
    Made(&'static str),
}
use Check::{Any, AtLeast, Bool, Made, Method, OneOf};

impl Check {
    fn holds(self, value: &str) -> bool {
        match self {
            Any => true,
            Bool => matches!(value, "true" | "false"),
            Method => matches!(value, "GET" | "POST"),
            AtLeast(least) => value.parse::<u32>().is_ok_and(|number| number >= least),
            OneOf(allowed) => allowed.contains(&value),
            Made(characters) => value.chars().all(|c| characters.contains(c)),
        }
    }
}

/// An attribute: its name, its check, and the code of a value that fails it.
type Attribute = (&'static str, Check, u32);

/// Schema validation (T10 [E]); also the code of what has none of its own.
const UNKNOWN: u32 = 12200;
const KEYS: Check = Made("0123456789*#");
const TONES: Check = Made("0123456789*#wW,");
const RECORD: &[&str] = &[
    "true",
    "false",
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
];
const TRIM: Check = OneOf(&["trim-silence", "do-not-trim"]);

const DIAL: &[Attribute] = &[
    ("action", Any, 0),
    ("method", Method, 13210),
    ("timeout", AtLeast(1), 13212),
    ("hangupOnStar", Bool, 13213),
    ("callerId", Any, 0),
    ("timeLimit", AtLeast(1), 13216),
    ("record", OneOf(RECORD), 13217),
    ("trim", TRIM, UNKNOWN),
    ("answerOnBridge", Bool, UNKNOWN),
    ("ringTone", Any, 0),
    ("sequential", Bool, UNKNOWN),
    ("recordingStatusCallback", Any, 0),
    ("recordingStatusCallbackMethod", Method, UNKNOWN),
    ("recordingStatusCallbackEvent", Any, 0),
    ("recordingTrack", OneOf(&["inbound", "outbound", "both"]), UNKNOWN),
    ("referUrl", Any, 0),
    ("referMethod", Method, UNKNOWN),
    ("events", Any, 0),
];
const NUMBER: &[Attribute] = &[
    ("url", Any, 0),
    ("method", Method, 13221),
    ("sendDigits", TONES, 13222),
    ("byoc", Any, 0),
    ("statusCallback", Any, 0),
    ("statusCallbackMethod", Method, UNKNOWN),
    ("statusCallbackEvent", Any, 0),
    ("machineDetection", Any, 0),
    ("amdStatusCallback", Any, 0),
    ("amdStatusCallbackMethod", Method, UNKNOWN),
    ("machineDetectionTimeout", Any, 0),
    ("machineDetectionSpeechThreshold", Any, 0),
    ("machineDetectionSpeechEndThreshold", Any, 0),
    ("machineDetectionSilenceTimeout", Any, 0),
];
const SIP: &[Attribute] = &[
    ("url", Any, 0),
    ("method", Method, 13241),
    ("username", Any, 0),
    ("password", Any, 0),
    ("codecs", Any, 0),
    ("statusCallback", Any, 0),
    ("statusCallbackMethod", Method, UNKNOWN),
    ("statusCallbackEvent", Any, 0),
];
const GATHER: &[Attribute] = &[
    ("action", Any, 0),
    ("method", Method, 13312),
    ("timeout", Any, 13313),
    ("numDigits", AtLeast(1), 13314),
    ("finishOnKey", KEYS, 13310),
    ("input", OneOf(&["dtmf", "speech", "dtmf speech", "speech dtmf"]), UNKNOWN),
    ("actionOnEmptyResult", Bool, UNKNOWN),
    ("language", Any, 0),
    ("hints", Any, 0),
    ("speechTimeout", Any, 0),
    ("speechModel", Any, 0),
    ("maxSpeechTime", AtLeast(1), UNKNOWN),
    ("partialResultCallback", Any, 0),
    ("partialResultCallbackMethod", Method, UNKNOWN),
    ("bargeIn", Bool, UNKNOWN),
    ("profanityFilter", Bool, UNKNOWN),
    ("enhanced", Bool, UNKNOWN),
    ("debug", Bool, UNKNOWN),
];
const RECORD_VERB: &[Attribute] = &[
    ("action", Any, 0),
    ("method", Method, 13610),
    ("timeout", AtLeast(0), 13611),
    ("maxLength", AtLeast(1), 13612),
    ("finishOnKey", KEYS, 13613),
    ("transcribe", Bool, 13614),
    ("transcribeCallback", Any, 0),
    ("playBeep", Bool, 13616),
    ("trim", TRIM, UNKNOWN),
    ("recordingStatusCallback", Any, 0),
    ("recordingStatusCallbackMethod", Method, UNKNOWN),
    ("recordingStatusCallbackEvent", Any, 0),
    ("recordingTrack", Any, 0),
];

/// Every verb and noun that this sandbox plays.
const ELEMENTS: &[(&str, &[Attribute])] = &[
    ("Say", &[("voice", Any, 0), ("language", Any, 0), ("loop", AtLeast(0), 13510)]),
    ("Play", &[("loop", AtLeast(0), 13410), ("digits", TONES, UNKNOWN)]),
    ("Pause", &[("length", AtLeast(0), 13910)]),
    ("Dial", DIAL),
    ("Number", NUMBER),
    ("Sip", SIP),
    ("Gather", GATHER),
    ("Record", RECORD_VERB),
    ("Redirect", &[("method", Method, 13710)]),
    ("Reject", &[("reason", OneOf(&["rejected", "busy"]), UNKNOWN)]),
    ("Hangup", &[]),
    ("Connect", &[("action", Any, 0), ("method", Method, UNKNOWN)]),
    (
        "Stream",
        &[
            ("url", Any, 0),
            ("name", Any, 0),
            ("track", Any, 0),
            ("statusCallback", Any, 0),
            ("statusCallbackMethod", Method, UNKNOWN),
        ],
    ),
    ("Parameter", &[("name", Any, 0), ("value", Any, 0)]),
    ("Start", &[("action", Any, 0), ("method", Method, UNKNOWN)]),
    (
        "Recording",
        &[
            ("recordingStatusCallback", Any, 0),
            ("recordingStatusCallbackMethod", Method, UNKNOWN),
            ("recordingStatusCallbackEvent", Any, 0),
            ("trim", TRIM, UNKNOWN),
            ("track", Any, 0),
            ("channels", OneOf(&["mono", "dual"]), UNKNOWN),
        ],
    ),
    ("Stop", &[]),
];

/// SSML inside of `Say` is text with marks, and no noun.
const TEXT_ONLY: &str = "Say";

/// What is wrong with these verbs: a code and a sentence for each.
pub(super) fn warnings(verbs: &[Element]) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for verb in verbs {
        inspect(verb, &mut found);
    }
    found
}

fn inspect(element: &Element, found: &mut Vec<(u32, String)>) {
    let name = &element.name;
    let Some((_, attributes)) = ELEMENTS.iter().find(|(known, _)| known == name) else {
        found.push((UNKNOWN, format!("Invalid content was found starting with element '{name}'.")));
        return;
    };
    for (key, value) in &element.attributes {
        match attributes.iter().find(|(known, ..)| known == key) {
            None => {
                let text = format!("Attribute '{key}' is not allowed to appear in element '{name}'.");
                found.push((UNKNOWN, text));
            }
            Some((_, check, code)) if !check.holds(value) => {
                found.push((*code, format!("{name}: Invalid {key} value: {value}")));
            }
            Some(_) => {}
        }
    }
    if name != TEXT_ONLY {
        element.children.iter().for_each(|child| inspect(child, found));
    }
}

impl Element {
    /// A whole number from an attribute, or what it is without a valid one.
    pub(super) fn number(&self, name: &str, default: u32) -> u32 {
        self.attribute(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// Whether an attribute is `true`.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.attribute(name) == Some("true")
    }

    /// The HTTP method in an attribute; POST where there is no valid one.
    pub(super) fn method(&self, name: &str) -> String {
        self.attribute(name).filter(|value| *value == "GET").unwrap_or("POST").to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::twiml;
    use super::*;

    #[test]
    fn what_twilio_would_not_understand_is_named() {
        for (inside, codes) in [
            ("<Say voice='alice' loop='2'>Hi <emphasis>you</emphasis></Say>", vec![]),
            ("<say>Hi</say>", vec![12200]),
            ("<Say loop='x' tone='y'>Hi</Say>", vec![13510, 12200]),
            (
                "<Dial timeout='0' record='yes'><Number sendDigits='1x'>+1</Number></Dial>",
                vec![13212, 13217, 13222],
            ),
            ("<Pause length='-1'/><Redirect method='PUT'>/x</Redirect>", vec![13910, 13710]),
            ("<Record maxLength='0' playBeep='no'/>", vec![13612, 13616]),
            ("<Reject reason='tired'/>", vec![12200]),
        ] {
            let verbs = twiml::parse(format!("<Response>{inside}</Response>").as_bytes()).unwrap();
            let found: Vec<u32> = warnings(&verbs).into_iter().map(|(code, _)| code).collect();
            assert_eq!(found, codes, "{inside}");
        }
    }
}

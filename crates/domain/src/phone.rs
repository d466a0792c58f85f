//! Phone numbers in E.164, by libphonenumber's metadata (requirements D1, D5, E5).

use phonenumber::{Mode, PhoneNumber, metadata::DATABASE};
use serde::{Deserialize, Serialize};

/// A country by its ISO 3166-1 alpha-2 code, for numbers that are written without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(phonenumber::country::Id);

impl Country {
    /// The country of an organisation that chose none (requirement E5).
    pub const DEFAULT: Country = Country(phonenumber::country::Id::FR);
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

impl std::str::FromStr for Country {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        text.parse().map(Country).map_err(|_| PhoneError::UnknownCountry)
    }
}

impl TryFrom<String> for Country {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> String {
        country.to_string()
    }
}

/// Why a text is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Not `+` and 8 to 15 digits.
    #[error("not in the E.164 format")]
    NotE164,
    /// No number of its country has this form or length.
    #[error("not a possible phone number")]
    Impossible,
    /// Not a country that has phone numbers.
    #[error("unknown country")]
    UnknownCountry,
}

/// A phone number in E.164: `+` and 8 to 15 digits, of a country and length that exist.
///
/// It prints with its last four digits only; [`Phone::as_str`] is the whole number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it. Without `+` it is of the given country, save where it already
    /// begins with that country's calling code (requirement E5: `33612345678` is `+33612345678`).
    pub fn parse(text: &str, country: Country) -> Result<Self, PhoneError> {
        let text = text.trim();
        if text.len() > 40 || text.chars().any(char::is_control) {
            return Err(PhoneError::Impossible);
        }
        if text.starts_with('+') {
            return Self::from_parsed(&phonenumber::parse(None, text).map_err(|_| PhoneError::Impossible)?);
        }
        let national = phonenumber::parse(Some(country.0), text);
        match national {
            Ok(number) if number.is_valid() => Self::from_parsed(&number),
            _ => Self::with_calling_code(text, country).ok_or(PhoneError::Impossible),
        }
    }

    fn with_calling_code(text: &str, country: Country) -> Option<Self> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
        let same_country = DATABASE.region(&number.code().value())?.contains(&country.0.as_ref());
        (same_country && number.is_valid()).then(|| Self::from_parsed(&number).ok())?
    }

    fn from_parsed(number: &PhoneNumber) -> Result<Self, PhoneError> {
        number.format().mode(Mode::E164).to_string().parse()
    }

    /// The whole number. Never for a log line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people of any country read it: `+33 6 12 34 56 78`.
    pub fn international(&self) -> String {
        match phonenumber::parse(None, &self.0) {
            Ok(number) => number.format().mode(Mode::International).to_string(),
            Err(_) => self.0.clone(),
        }
    }

    /// The country it belongs to, where its calling code tells.
    pub fn country(&self) -> Option<Country> {
        phonenumber::parse(None, &self.0).ok()?.country().id().map(Country)
    }
}

/// Strict: E.164 and nothing else.
impl std::str::FromStr for Phone {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneError::NotE164)?;
        let e164 = (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if !e164 {
            return Err(PhoneError::NotE164);
        }
        let number = phonenumber::parse(None, text).map_err(|_| PhoneError::Impossible)?;
        // The country's general form is checked, not its ranges: carriers open ranges before the metadata
        // knows them, and a number that Twilio owns must not be refused for that.
        let national = number.national().to_string();
        let countries = DATABASE.by_code(&number.code().value()).unwrap_or_default();
        match countries.iter().any(|country| country.descriptors().general().is_match(&national)) {
            true => Ok(Self(text.to_owned())),
            false => Err(PhoneError::Impossible),
        }
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;
    fn try_from(text: String) -> Result<Self, PhoneError> {
        text.parse()
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> String {
        phone.0
    }
}

impl std::fmt::Display for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "…{}", &self.0[self.0.len() - 4..])
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str, country: &str) -> Result<String, PhoneError> {
        Phone::parse(text, country.parse().unwrap()).map(|phone| phone.as_str().to_owned())
    }

    #[test]
    fn e5_numbers_are_normalised_by_the_country_of_the_organisation() {
        for (text, country, expected) in [
            ("0612345678", "FR", "+33612345678"),
            ("06 12 34 56 78", "FR", "+33612345678"),
            ("+33612345678", "FR", "+33612345678"),
            ("+33 6 12 34 56 78", "US", "+33612345678"),
            ("33612345678", "FR", "+33612345678"),
            ("(415) 555-2671", "US", "+14155552671"),
            ("14155552671", "US", "+14155552671"),
            ("020 7946 0958", "GB", "+442079460958"),
            ("030 123456", "DE", "+4930123456"),
        ] {
            assert_eq!(parse(text, country).as_deref(), Ok(expected), "{text} in {country}");
        }
        for text in ["", "hello", "12", "+", "+33", "061234567890123456789", "\u{0}0612345678"] {
            assert!(parse(text, "FR").is_err(), "{text:?}");
        }
        assert_eq!("XX".parse::<Country>(), Err(PhoneError::UnknownCountry));
    }

    #[test]
    fn d1_e164_is_strict() {
        for text in ["+33612345678", "+14155552671", "+15005550006", "+442079460958"] {
            assert_eq!(text.parse::<Phone>().unwrap().as_str(), text);
        }
        for text in [
            "33612345678",
            "+0612345678",
            "+33 612345678",
            "+3361234567a",
            "+336",
            "+١٤١٥٥٥٥٢٦٧١",
            "+3361234567",
            "+99912345678",
        ] {
            assert!(text.parse::<Phone>().is_err(), "{text}");
        }
    }

    #[test]
    fn d5_a_printed_number_shows_four_digits() {
        let phone: Phone = "+33612345678".parse().unwrap();
        assert_eq!(format!("{phone} {phone:?}"), "…5678 Phone(…5678)");
        assert_eq!(phone.international(), "+33 6 12 34 56 78");
        assert_eq!(phone.country().map(String::from).as_deref(), Some("FR"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_an_error(text in "\\PC{0,50}") {
            if let Ok(phone) = Phone::parse(&text, Country::DEFAULT) {
                let again = phone.as_str().parse::<Phone>();
                prop_assert_eq!(again, Ok(phone));
            }
        }
    }
}

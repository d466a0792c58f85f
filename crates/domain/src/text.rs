//! What people read, in English and French: plain keyed files, `texts/en.json` and `texts/fr.json`.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::LazyLock};

/// A language that Dialtone speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl Language {
    /// Its code: `en`, `fr`.
    pub fn code(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Fr => "fr",
        }
    }

    /// The first language of an `Accept-Language` header that Dialtone speaks, else English. The header's
    /// order is taken as the preference, as browsers write it.
    pub fn accepted(header: &str) -> Self {
        let tags = header.split(',').filter_map(|tag| tag.trim().get(..2));
        tags.filter_map(|tag| tag.to_ascii_lowercase().parse().ok()).next().unwrap_or_default()
    }
}

impl std::str::FromStr for Language {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "en" => Ok(Language::En),
            "fr" => Ok(Language::Fr),
            _ => Err(()),
        }
    }
}

/// What fills the `{…}` of a text, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Adds one value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The same with one value more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

type Texts = BTreeMap<String, String>;

static TEXTS: LazyLock<[Texts; 2]> = LazyLock::new(|| {
    let read = |json| serde_json::from_str(json).expect("a test reads both files");
    [read(include_str!("../texts/en.json")), read(include_str!("../texts/fr.json"))]
});

/// The text of that key with its `{names}` filled in, or `None` where there is no such key. A name without
/// a value is left out.
pub fn find(language: Language, key: &str, params: &Params) -> Option<String> {
    let text = TEXTS[language as usize].get(key)?;
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, tail) = after.split_once('}')?;
        filled.push_str(params.get(name).unwrap_or_default());
        rest = tail;
    }
    filled.push_str(rest);
    Some(filled)
}

/// As [`find`], where the key must exist: tests look at every key that the code can name.
pub fn text(language: Language, key: &str, params: &Params) -> String {
    find(language, key, params).unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let mut names: Vec<_> = text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    #[test]
    fn f1_both_languages_have_the_same_keys_and_names() {
        let [english, french] = &*TEXTS;
        assert_eq!(english.keys().collect::<Vec<_>>(), french.keys().collect::<Vec<_>>());
        for (key, text) in english {
            assert_eq!(names(text), names(&french[key]), "{key}");
            assert!(!text.trim().is_empty() && !french[key].trim().is_empty(), "{key}");
        }
    }

    #[test]
    fn the_header_of_a_browser_is_understood() {
        for (header, expected) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Language::Fr),
            ("de, FR", Language::Fr),
            ("", Language::En),
            ("é", Language::En),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }
}

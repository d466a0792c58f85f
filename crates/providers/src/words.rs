//! Words of a provider: a table of those that are known, and whatever has been added since.

/// Makes an enum of known words with `Other(String)` for all the rest: it reads any word and gives it back.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$note])* $variant,)+
            /// A word that has been added since; empty where there was none.
            Other(String),
        }

        impl $name {
            /// The provider's word for it.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }
    };
}

pub(crate) use words;

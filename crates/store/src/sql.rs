//! SQL texts: each is written once for both engines, next to the function that uses it, and registered
//! when the program is linked, so that one test can prepare every one of them on both engines.

use crate::Engine;

/// One SQL text in the portable dialect, with numbered placeholders `?1`, `?2`…; made by `sql!` only.
#[derive(Debug)]
pub struct Text {
    /// The text, as SQLite takes it.
    pub text: &'static str,
    /// The only engine that it is for, where the engines differ.
    pub only: Option<Engine>,
    /// The source file and line.
    pub place: (&'static str, u32),
}

/// A registered text.
pub type Sql = &'static Text;

inventory::collect!(Sql);

/// All texts of this crate.
pub fn texts() -> impl Iterator<Item = Sql> {
    inventory::iter::<Sql>.into_iter().copied()
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.place.0, self.place.1)
    }
}

impl Text {
    /// The text for PostgreSQL: `?1` becomes `$1`, except inside quotes.
    pub fn for_postgres(&self) -> String {
        let mut quoted = false;
        self.text
            .chars()
            .map(|c| {
                quoted ^= c == '\'';
                if c == '?' && !quoted { '$' } else { c }
            })
            .collect()
    }
}

/// Makes a registered [`Text`] of its literal parts; `sql!(only Sqlite: "…")` for one engine alone.
macro_rules! sql {
    (only $engine:ident: $($part:expr),+ $(,)?) => { sql!(@ Some($crate::Engine::$engine), $($part),+) };
    (@ $only:expr, $($part:expr),+) => {{
        static TEXT: $crate::sql::Text =
            $crate::sql::Text { text: concat!($($part),+), only: $only, place: (file!(), line!()) };
        inventory::submit!(&TEXT);
        &TEXT
    }};
    ($($part:expr),+ $(,)?) => { sql!(@ None, $($part),+) };
}
pub(crate) use sql;

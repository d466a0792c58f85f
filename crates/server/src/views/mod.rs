//! What answers hold: the shapes of the API and how they are made from the application's values.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod factors;
pub(crate) mod instance;
pub(crate) mod lines;
pub(crate) mod operations;
pub(crate) mod problem;
pub(crate) mod settings;
pub(crate) mod tape;
pub(crate) mod watch;

use axum::http::{HeaderMap, header};
use dialtone_domain::{Language, Role};
use serde::Serialize;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// The language that a request's `Accept-Language` asks for.
pub(crate) fn asked_language(headers: &HeaderMap) -> Language {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    header.map(Language::accepted).unwrap_or_default()
}

/// The `"success": true` of every answer that is not a problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Yes;

impl Serialize for Yes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// The schema of [`Yes`].
pub(crate) fn yes() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build()
}

/// Declares answers: `"success": true` and the fields given.
macro_rules! answers {
    ($(
        $(#[doc = $about:literal])*
        $name:ident { $( $(#[$meta:meta])* $field:ident: $kind:ty ),* $(,)? }
    )+) => {$(
        $(#[doc = $about])*
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub(crate) struct $name {
            /// Always true: problems have documents of their own.
            #[schema(schema_with = $crate::views::yes)]
            success: $crate::views::Yes,
            $( $(#[$meta])* $field: $kind ),*
        }

        impl $name {
            pub(crate) fn json($( $field: $kind ),*) -> axum::Json<Self> {
                axum::Json(Self { success: $crate::views::Yes, $( $field ),* })
            }
        }
    )+};
}

pub(crate) use answers;

answers! {
    /// It is done, and there is nothing to tell.
    Done {}
    /// A sentence.
    Said {
        /// It.
        message: String,
    }
}

/// A text that is one of a few names.
pub(crate) fn one_of(names: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.iter().copied())).build()
}

/// The same, or null.
pub(crate) fn one_of_or_null(names: &[&str]) -> Object {
    let values = names.iter().map(|name| serde_json::Value::from(*name)).chain([serde_json::Value::Null]);
    let kind = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(kind).enum_values(Some(values)).build()
}

/// The schema of a role.
pub(crate) fn role() -> Object {
    one_of(&Role::ALL.map(Role::name))
}

/// The schema of a language.
pub(crate) fn language() -> Object {
    one_of(&[Language::En.code(), Language::Fr.code()])
}

/// The schema of a language, or null.
pub(crate) fn language_or_null() -> Object {
    one_of_or_null(&[Language::En.code(), Language::Fr.code()])
}

/// The schema of a provider's name.
pub(crate) fn provider() -> Object {
    one_of(&["twilio", "vapi"])
}

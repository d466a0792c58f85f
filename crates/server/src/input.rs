//! What a request may hold. One `input!` declaration gives a body or query its Rust type, a reader that finds
//! every fault at once, and its schema in the OpenAPI document; the three cannot part.

use dialtone_domain::{FieldError, Language, Params, text};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaFormat, SchemaType, Type};

/// A small request must not make a large answer: more faults than this are not told.
const ERRORS_MAX: usize = 50;

/// Why a value is refused: a text and what fills it.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) &'static str, pub(crate) Params);

impl Fault {
    pub(crate) fn of(key: &'static str) -> Self {
        Self(key, Params::default())
    }

    pub(crate) fn length(least: usize, most: usize) -> Self {
        let params = Params::default().with("min", least.to_string()).with("max", most.to_string());
        Self("validation.length", params)
    }
}

/// What the OpenAPI document says of a value.
#[derive(Default)]
pub(crate) struct Shape {
    pub(crate) kind: Option<Type>,
    pub(crate) format: Option<&'static str>,
    pub(crate) length: Option<(usize, usize)>,
    pub(crate) range: Option<(u32, u32)>,
    pub(crate) pattern: Option<&'static str>,
    pub(crate) values: Vec<&'static str>,
    /// One that is taken, where the rest does not say enough.
    pub(crate) example: Option<&'static str>,
    pub(crate) secret: bool,
}

impl Shape {
    pub(crate) fn text() -> Self {
        Self { kind: Some(Type::String), ..Self::default() }
    }

    pub(crate) fn format(format: &'static str) -> Self {
        Self { format: Some(format), ..Self::text() }
    }

    fn object(self, nullable: bool, description: &str) -> Object {
        let kind = self.kind.unwrap_or(Type::String);
        let kind = match nullable {
            true => SchemaType::from_iter([kind, Type::Null]),
            false => SchemaType::new(kind),
        };
        let values = (!self.values.is_empty()).then(|| {
            let names = self.values.iter().map(|name| Value::from(*name));
            names.chain(nullable.then_some(Value::Null)).collect::<Vec<_>>()
        });
        let object = ObjectBuilder::new()
            .schema_type(kind)
            .format(self.format.map(|format| SchemaFormat::Custom(format.to_owned())))
            .min_length(self.length.map(|(least, _)| least))
            .max_length(self.length.map(|(_, most)| most))
            .minimum(self.range.map(|(least, _)| least))
            .maximum(self.range.map(|(_, most)| most))
            .pattern(self.pattern)
            .enum_values(values)
            .examples(self.example)
            .description((!description.is_empty()).then_some(description));
        if self.secret { object.write_only(true).build() } else { object.build() }
    }
}

/// One value of a request.
pub(crate) trait Scalar: Sized {
    /// Whether an empty text means "none" where none is allowed (requirement B2).
    const EMPTY_IS_NONE: bool = false;

    fn read(value: &Value) -> Result<Self, Fault>;

    fn shape() -> Shape;
}

/// One field: a [`Scalar`] that must be there, an `Option` of one, or an `Option<Option<…>>`, which tells
/// "not mentioned" (`None`) from "set to nothing" (`Some(None)`).
pub(crate) trait Field: Sized {
    const REQUIRED: bool;

    fn read(value: Option<&Value>) -> Result<Self, Fault>;

    /// Its schema in a body.
    fn object(description: &str) -> Object;

    /// Its schema in a query, where nothing can be null.
    fn parameter() -> Object;
}

impl<T: Scalar> Field for T {
    const REQUIRED: bool = true;

    fn read(value: Option<&Value>) -> Result<Self, Fault> {
        match value {
            None | Some(Value::Null) => Err(Fault::of("validation.required")),
            Some(value) => T::read(value),
        }
    }

    fn object(description: &str) -> Object {
        T::shape().object(false, description)
    }

    fn parameter() -> Object {
        T::shape().object(false, "")
    }
}

impl<T: Scalar> Field for Option<T> {
    const REQUIRED: bool = false;

    fn read(value: Option<&Value>) -> Result<Self, Fault> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() && T::EMPTY_IS_NONE => Ok(None),
            Some(value) => T::read(value).map(Some),
        }
    }

    fn object(description: &str) -> Object {
        T::shape().object(true, description)
    }

    fn parameter() -> Object {
        T::shape().object(false, "")
    }
}

impl<T: Scalar> Field for Option<Option<T>> {
    const REQUIRED: bool = false;

    fn read(value: Option<&Value>) -> Result<Self, Fault> {
        value.map(|value| <Option<T> as Field>::read(Some(value))).transpose()
    }

    fn object(description: &str) -> Object {
        <Option<T> as Field>::object(description)
    }

    fn parameter() -> Object {
        T::shape().object(false, "")
    }
}

/// Something that is read from the fields of a request; made by `input!`.
pub(crate) trait Input: Sized {
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// The fields of one request, and the faults found in them so far.
pub(crate) struct Reader<'a> {
    fields: &'a Map<String, Value>,
    language: Language,
    asked: BTreeSet<&'static str>,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn refuse(&mut self, field: &str, fault: &Fault) {
        if self.errors.len() == ERRORS_MAX {
            return;
        }
        let message = text::text(self.language, fault.0, &fault.1);
        self.errors.push(FieldError { field: field.to_owned(), message });
    }

    /// The field of the first of these names that is there.
    pub(crate) fn field<T: Field>(&mut self, names: &[&'static str]) -> Option<T> {
        self.asked.extend(names);
        let found = names.iter().find(|name| self.fields.contains_key(**name));
        let name = found.or(names.first()).copied().unwrap_or_default();
        match T::read(self.fields.get(name)) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.refuse(name, &fault);
                None
            }
        }
    }
}

/// Reads a request's fields; every fault is found, also fields that nobody asked for and NUL characters, which
/// one of the two databases cannot keep.
pub(crate) fn read<T: Input>(fields: &Map<String, Value>, language: Language) -> Result<T, Vec<FieldError>> {
    let mut reader = Reader { fields, language, asked: BTreeSet::new(), errors: Vec::new() };
    let input = T::read(&mut reader);
    for (name, value) in fields {
        if !reader.asked.contains(name.as_str()) {
            reader
                .refuse(&name.chars().take(100).collect::<String>(), &Fault::of("validation.unknown_field"));
        } else if value.as_str().is_some_and(|text| text.contains('\0')) {
            reader.refuse(name, &Fault::of("validation.nul"));
        }
    }
    match input {
        Some(input) if reader.errors.is_empty() => Ok(input),
        _ => Err(reader.errors),
    }
}

/// Declares what a body or a query holds. A field is named as in Rust unless names are given: the first is
/// the one to use, the others are understood as well.
macro_rules! input {
    ($(
        $(#[doc = $about:literal])*
        $name:ident {
            $( $(#[doc = $doc:literal])* $field:ident $([$($wire:literal),+])?: $kind:ty ),* $(,)?
        }
    )+) => {$(
        $(#[doc = $about])*
        pub(crate) struct $name { $( $(#[doc = $doc])* pub(crate) $field: $kind ),* }

        impl $crate::input::Input for $name {
            fn read(reader: &mut $crate::input::Reader<'_>) -> Option<Self> {
                $( let $field = reader.field::<$kind>($crate::input::names!($field $([$($wire),+])?)); )*
                Some(Self { $( $field: $field? ),* })
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::input::schema(concat!($($about),*), &Self::fields())
            }
        }

        impl utoipa::ToSchema for $name {}

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                $crate::input::parameters(&Self::fields())
            }
        }

        impl $name {
            fn fields() -> Vec<$crate::input::Told> {
                vec![$( $crate::input::Told::of::<$kind>(
                    $crate::input::names!($field $([$($wire),+])?),
                    concat!("", $($doc),*),
                ) ),*]
            }
        }
    )+};
}

macro_rules! names {
    ($field:ident) => {
        &[stringify!($field)]
    };
    ($field:ident [$($wire:literal),+]) => {
        &[$($wire),+]
    };
}

pub(crate) use {input, names};

/// One field as the OpenAPI document tells it.
pub(crate) struct Told {
    names: &'static [&'static str],
    required: bool,
    object: Object,
    parameter: Object,
}

impl Told {
    pub(crate) fn of<T: Field>(names: &'static [&'static str], about: &str) -> Self {
        Self { names, required: T::REQUIRED, object: T::object(about.trim()), parameter: T::parameter() }
    }
}

/// The schema of a body with these fields.
pub(crate) fn schema(
    about: &str,
    fields: &[Told],
) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    let mut object = ObjectBuilder::new().description(Some(about.trim()));
    for field in fields {
        for name in field.names {
            object = object.property(*name, field.object.clone());
        }
        // With several names, any one of them will do, which `required` cannot say.
        if let ([name], true) = (field.names, field.required) {
            object = object.required(*name);
        }
    }
    let closed = utoipa::openapi::schema::AdditionalProperties::FreeForm(false);
    object.additional_properties(Some(closed)).into()
}

/// The same fields as parameters of a query.
pub(crate) fn parameters(fields: &[Told]) -> Vec<utoipa::openapi::path::Parameter> {
    let parameter = |field: &Told| {
        let required =
            if field.required { utoipa::openapi::Required::True } else { utoipa::openapi::Required::False };
        utoipa::openapi::path::ParameterBuilder::new()
            .name(field.names.first().copied().unwrap_or_default())
            .parameter_in(utoipa::openapi::path::ParameterIn::Query)
            .required(required)
            .description(field.object.description.clone())
            .schema(Some(field.parameter.clone()))
            .build()
    };
    fields.iter().map(parameter).collect()
}

//! Values and rows: the four column types, and how Rust types become them and come back.

use dialtone_domain::inbound::{Hook, Refusal};
use dialtone_domain::line::SmsOwner;
use dialtone_domain::{
    AccountSid, AlertId, AlertKind, AssistantId, Country, DeliveryId, EntryId, InvitationId, Language,
    LineId, NumberSid, OperationId, OrgId, PasskeyId, Phone, Provider, Role, Scopes, SessionId, TapeId,
    TokenId, UserId, VapiNumberId, VapiOrgId, WebhookId,
};
use jiff::Timestamp;

use crate::{Error, Result};

/// A value of one of the four column types, or none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// NULL of any type.
    Null,
    /// BIGINT.
    Int(i64),
    /// BOOLEAN (0 or 1 on SQLite).
    Bool(bool),
    /// TEXT, without NUL bytes.
    Text(String),
    /// BYTEA.
    Bytes(Vec<u8>),
    /// BYTEA of a sealed column, on its way in.
    Sealed(crate::Sealed),
}

/// What can be a parameter of a query.
pub(crate) trait ToValue {
    /// The value as it is stored.
    fn to_value(&self) -> Value;
}

/// What can be read from a column.
pub(crate) trait FromValue: Sized {
    /// The value read back; `None` if the stored one is not of this type.
    fn from_value(value: Value) -> Option<Self>;
}

/// What can be read from a row: reads its columns from left to right.
pub(crate) trait FromRow: Sized {
    /// Reads as many columns as it has.
    ///
    /// # Errors
    /// [`Error::Internal`] if a column is missing or holds something else.
    fn from_row(row: &mut Row<'_>) -> Result<Self>;
}

/// One row of a result, read column by column.
pub(crate) struct Row<'r> {
    column: usize,
    read: &'r dyn Fn(usize) -> Result<Value>,
}

impl<'r> Row<'r> {
    pub(crate) fn new(read: &'r dyn Fn(usize) -> Result<Value>) -> Self {
        Self { column: 0, read }
    }

    /// The next column.
    ///
    /// # Errors
    /// [`Error::Internal`] if there is none or it holds something else.
    pub(crate) fn take<T: FromValue>(&mut self) -> Result<T> {
        let column = self.column;
        self.column += 1;
        T::from_value((self.read)(column)?).ok_or_else(|| {
            Error::Internal(format!("column {column} is not a {}", std::any::type_name::<T>()))
        })
    }
}

/// The parameters of a query: `params![org, phone]`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::value::ToValue::to_value(&$value)),*] };
}
pub(crate) use params;

/// A row type: the struct, its reading, and (`as …`) its list of columns as a macro for `sql!`, all in one
/// order. The macro takes the table's alias where there is one: `line_columns!("l.")`. Printed for debugging,
/// a row shows its first field only, so that no log line shows what it holds.
macro_rules! record {
    (
        $(#[$doc:meta])*
        pub struct $name:ident $(as $columns:ident)? {
            $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $crate::value::FromRow for $name {
            fn from_row(row: &mut $crate::value::Row<'_>) -> $crate::Result<Self> {
                Ok(Self { $($field: row.take()?,)+ })
            }
        }

        $crate::value::record!(@debug $name $($field)+);
        $crate::value::record!(@columns ($) ($($columns)?) $($field)+);
    };
    (@debug $name:ident $first:ident $($rest:ident)*) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field(stringify!($first), &self.$first).finish_non_exhaustive()
            }
        }
    };
    (@columns ($d:tt) () $($field:ident)+) => {};
    (@columns ($d:tt) ($columns:ident) $first:ident $($rest:ident)*) => {
        macro_rules! $columns {
            () => { $columns!("") };
            ($d alias:literal) => {
                concat!($d alias, stringify!($first) $(, ", ", $d alias, stringify!($rest))*)
            };
        }
    };
}
pub(crate) use record;

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> Value {
        Value::Bytes(self.to_owned())
    }
}

/// Types with a form of their own: how each is stored, and how the stored value is read.
macro_rules! columns {
    ($($type:ty: |$own:ident| $to:expr, $($stored:pat => $from:expr),+;)+) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                let $own = self;
                $to
            }
        }

        impl FromValue for $type {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $($stored => $from,)+
                    _ => None,
                }
            }
        }
    )+};
}

columns! {
    i64: |own| Value::Int(*own), Value::Int(number) => Some(number);
    bool: |own| Value::Bool(*own), Value::Bool(flag) => Some(flag), Value::Int(flag) => Some(flag != 0);
    String: |own| Value::Text(own.clone()), Value::Text(text) => Some(text);
    Vec<u8>: |own| Value::Bytes(own.clone()), Value::Bytes(bytes) => Some(bytes);
    Timestamp: |own| Value::Int(own.as_microsecond()), Value::Int(micros) => Timestamp::from_microsecond(micros).ok();
    serde_json::Value: |own| Value::Text(own.to_string()), Value::Text(text) => serde_json::from_str(&text).ok();
    Phone: |own| own.as_str().to_value(), Value::Text(text) => text.parse().ok();
    Role: |own| own.name().to_value(), Value::Text(text) => text.parse().ok();
    SmsOwner: |own| match own { SmsOwner::Twilio => "twilio", SmsOwner::Vapi => "vapi" }.to_value(),
        Value::Text(text) => match text.as_str() {
            "twilio" => Some(SmsOwner::Twilio),
            "vapi" => Some(SmsOwner::Vapi),
            _ => None,
        };
    Hook: |own| own.name().to_value(), Value::Text(text) => text.parse().ok();
    Refusal: |own| own.name().to_value(), Value::Text(text) => text.parse().ok();
    Provider: |own| own.name().to_value(), Value::Text(text) => text.parse().ok();
    Language: |own| own.code().to_value(), Value::Text(text) => text.parse().ok();
}

/// Enumerations that are stored by their name.
macro_rules! named {
    (
        $(#[$doc:meta])*
        pub enum $type:ident { $($(#[$item_doc:meta])* $item:ident = $name:literal,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type {
            $($(#[$item_doc])* $item,)+
        }

        impl $type {
            /// Its name in the database and in the API.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $name,)+
                }
            }
        }

        impl $crate::value::ToValue for $type {
            fn to_value(&self) -> $crate::value::Value {
                self.name().to_value()
            }
        }

        impl $crate::value::FromValue for $type {
            fn from_value(value: $crate::value::Value) -> Option<Self> {
                match value {
                    $($crate::value::Value::Text(text) if text == $name => Some(Self::$item),)+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use named;

/// Types that are stored as the text they print and parse.
macro_rules! texts {
    ($($type:ty),+ $(,)?) => {
        columns! { $($type: |own| Value::Text(own.to_string()), Value::Text(text) => text.parse().ok();)+ }
    };
}

texts!(
    AccountSid,
    AlertId,
    AlertKind,
    AssistantId,
    Country,
    DeliveryId,
    EntryId,
    InvitationId,
    LineId,
    NumberSid,
    OperationId,
    OrgId,
    PasskeyId,
    Scopes,
    SessionId,
    TapeId,
    TokenId,
    UserId,
    VapiNumberId,
    VapiOrgId,
    WebhookId,
);

macro_rules! tuples {
    ($(($($type:ident),+)),+ $(,)?) => {$(
        impl<$($type: FromValue),+> FromRow for ($($type,)+) {
            fn from_row(row: &mut Row<'_>) -> Result<Self> {
                Ok(($(row.take::<$type>()?,)+))
            }
        }
    )+};
}

tuples!((A), (A, B), (A, B, C), (A, B, C, D));

//! The kinds of values that requests hold, each with its check and its place in the OpenAPI document.

use crate::input::{Fault, Scalar, Shape};
use crate::views::audit::AuditFormat;
use dialtone_app::TapeOutcome;
use dialtone_app::clock;
use dialtone_domain::inbound::Hook;
use dialtone_domain::line::{Cause, Fix, SmsOwner};
use dialtone_domain::{
    AccountSid, AssistantId, Country, Language, OrgId, Params, Permission, Phone, Provider, Role, Scopes,
    SecretString,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use url::Url;
use utoipa::openapi::schema::Type;

const URL_LENGTH_MAX: usize = 2048;
const EMAIL_LENGTH: (usize, usize) = (3, 254);
/// Twilio's tokens have 32 characters; nothing real is longer than this.
const TOKEN_LENGTH: (usize, usize) = (32, 200);

fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or_else(|| Fault::of("validation.type"))
}

/// The text, when it has so many characters.
fn sized(value: &Value, (least, most): (usize, usize)) -> Result<&str, Fault> {
    let text = text(value)?;
    let length = text.chars().take(most + 1).count();
    if (least..=most).contains(&length) { Ok(text) } else { Err(Fault::length(least, most)) }
}

/// A name that is none of these.
fn choice(key: &'static str, names: impl IntoIterator<Item = &'static str>) -> Fault {
    let names: Vec<_> = names.into_iter().collect();
    Fault(key, Params::default().with("choices", names.join(", ")))
}

/// A text by its own reader, or one fault.
fn parsed<T: std::str::FromStr>(value: &Value, fault: &'static str) -> Result<T, Fault> {
    text(value)?.trim().parse().map_err(|_| Fault::of(fault))
}

/// One line of text, trimmed, of so many characters.
pub(crate) struct Line<const LEAST: usize, const MOST: usize>(pub(crate) String);

impl<const LEAST: usize, const MOST: usize> Scalar for Line<LEAST, MOST> {
    fn read(value: &Value) -> Result<Self, Fault> {
        let trimmed = Value::from(text(value)?.trim());
        let text = sized(&trimmed, (LEAST, MOST))?;
        if text.chars().any(char::is_control) {
            return Err(Fault::of("validation.nul"));
        }
        Ok(Self(text.to_owned()))
    }

    fn shape() -> Shape {
        Shape { length: Some((LEAST, MOST)), ..Shape::text() }
    }
}

/// Text of several lines.
pub(crate) struct Prose<const MOST: usize>(pub(crate) String);

impl<const MOST: usize> Scalar for Prose<MOST> {
    fn read(value: &Value) -> Result<Self, Fault> {
        sized(value, (0, MOST)).map(|text| Self(text.to_owned()))
    }

    fn shape() -> Shape {
        Shape { length: Some((0, MOST)), ..Shape::text() }
    }
}

/// A secret, never given back.
pub(crate) struct Secret<const LEAST: usize, const MOST: usize>(pub(crate) SecretString);

impl<const LEAST: usize, const MOST: usize> Scalar for Secret<LEAST, MOST> {
    fn read(value: &Value) -> Result<Self, Fault> {
        sized(value, (LEAST, MOST)).map(|text| Self(SecretString::from(text)))
    }

    fn shape() -> Shape {
        Shape { length: Some((LEAST, MOST)), secret: true, ..Shape::format("password") }
    }
}

/// A JSON object that somebody else reads.
pub(crate) struct Document(pub(crate) Value);

impl Scalar for Document {
    fn read(value: &Value) -> Result<Self, Fault> {
        match value.is_object() {
            true => Ok(Self(value.clone())),
            false => Err(Fault::of("validation.type")),
        }
    }

    fn shape() -> Shape {
        Shape { kind: Some(Type::Object), ..Shape::default() }
    }
}

/// A Twilio auth token (requirement D1).
pub(crate) struct AuthToken(pub(crate) SecretString);

impl Scalar for AuthToken {
    fn read(value: &Value) -> Result<Self, Fault> {
        let text = sized(value, TOKEN_LENGTH).map_err(|fault| match fault.0 {
            "validation.length" => Fault::of("validation.token"),
            _ => fault,
        })?;
        Ok(Self(SecretString::from(text)))
    }

    fn shape() -> Shape {
        Shape { length: Some(TOKEN_LENGTH), secret: true, ..Shape::format("password") }
    }
}

/// An e-mail address: something, an at sign, something.
pub(crate) struct Email(pub(crate) String);

impl Scalar for Email {
    fn read(value: &Value) -> Result<Self, Fault> {
        let trimmed = Value::from(text(value)?.trim());
        let text = sized(&trimmed, EMAIL_LENGTH).map_err(|_| Fault::of("validation.email"))?;
        let odd = |c: char| c.is_control() || c.is_whitespace();
        match text.split_once('@') {
            Some((name, host))
                if !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(odd) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Fault::of("validation.email")),
        }
    }

    fn shape() -> Shape {
        Shape { length: Some(EMAIL_LENGTH), ..Shape::format("email") }
    }
}

/// A web address for events (requirement D7).
pub(crate) struct WebAddress(pub(crate) String);

impl Scalar for WebAddress {
    fn read(value: &Value) -> Result<Self, Fault> {
        let text = text(value)?.trim();
        let url = Url::parse(text).ok().filter(|_| text.len() <= URL_LENGTH_MAX);
        let good = |url: &Url| {
            matches!(url.scheme(), "https" | "http")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        };
        match url.filter(good) {
            Some(url) => Ok(Self(url.into())),
            None => Err(Fault::of("validation.url")),
        }
    }

    fn shape() -> Shape {
        Shape { length: Some((8, URL_LENGTH_MAX)), ..Shape::format("uri") }
    }
}

/// A moment that is still to come.
pub(crate) struct Later(pub(crate) Timestamp);

impl Scalar for Later {
    fn read(value: &Value) -> Result<Self, Fault> {
        let at: Timestamp = parsed(value, "validation.time")?;
        if at > clock::now() { Ok(Self(at)) } else { Err(Fault::of("validation.date_past")) }
    }

    fn shape() -> Shape {
        Shape::format("date-time")
    }
}

/// Any moment.
pub(crate) struct Moment(pub(crate) Timestamp);

impl Scalar for Moment {
    fn read(value: &Value) -> Result<Self, Fault> {
        parsed(value, "validation.time").map(Self)
    }

    fn shape() -> Shape {
        Shape::format("date-time")
    }
}

/// A SHA-256 in hexadecimal.
pub(crate) struct Sha256(pub(crate) [u8; 32]);

impl Scalar for Sha256 {
    fn read(value: &Value) -> Result<Self, Fault> {
        let hash = dialtone_app::hash_of_hex(text(value)?.trim());
        hash.map(Self).ok_or_else(|| Fault::of("validation.type"))
    }

    fn shape() -> Shape {
        Shape { pattern: Some("^[0-9a-fA-F]{64}$"), ..Shape::text() }
    }
}

/// A number from 1 to MOST: in a query it comes as text.
pub(crate) struct Count<const MOST: u32>(pub(crate) u32);

impl<const MOST: u32> Scalar for Count<MOST> {
    fn read(value: &Value) -> Result<Self, Fault> {
        let number = match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let number = number.and_then(|number| u32::try_from(number).ok());
        let refused = || Fault("validation.limit", Fault::length(1, MOST as usize).1);
        number.filter(|number| (1..=MOST).contains(number)).map(Self).ok_or_else(refused)
    }

    fn shape() -> Shape {
        Shape { kind: Some(Type::Integer), range: Some((1, MOST)), ..Shape::default() }
    }
}

/// The number of an event; in a query it comes as text.
pub(crate) struct Seq(pub(crate) i64);

impl Scalar for Seq {
    fn read(value: &Value) -> Result<Self, Fault> {
        let number = match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        };
        number.filter(|number| *number >= 0).map(Self).ok_or_else(|| Fault::of("validation.type"))
    }

    fn shape() -> Shape {
        Shape { kind: Some(Type::Integer), ..Shape::default() }
    }
}

/// Causes that a plan mends, by their names, separated by spaces; an empty text is none.
pub(crate) struct Causes(pub(crate) Vec<Cause>);

impl Scalar for Causes {
    fn read(value: &Value) -> Result<Self, Fault> {
        let mendable = || Cause::ALL.iter().filter(|cause| cause.fix() == Fix::Repair);
        let cause = |name: &str| {
            let found = mendable().find(|cause| cause.name() == name);
            found.copied().ok_or_else(|| choice("validation.cause", mendable().map(|cause| cause.name())))
        };
        text(value)?.split_ascii_whitespace().map(cause).collect::<Result<_, _>>().map(Self)
    }

    fn shape() -> Shape {
        Shape { pattern: Some("^([a-z_]+( [a-z_]+)*)?$"), ..Shape::text() }
    }
}

impl Scalar for bool {
    fn read(value: &Value) -> Result<Self, Fault> {
        // In a query everything is text.
        let written = value.as_str().and_then(|text| text.parse().ok());
        value.as_bool().or(written).ok_or_else(|| Fault::of("validation.type"))
    }

    fn shape() -> Shape {
        Shape { kind: Some(Type::Boolean), ..Shape::default() }
    }
}

impl Scalar for AssistantId {
    const EMPTY_IS_NONE: bool = true;

    fn read(value: &Value) -> Result<Self, Fault> {
        parsed(value, "validation.uuid")
    }

    fn shape() -> Shape {
        Shape::format("uuid")
    }
}

impl Scalar for Phone {
    fn read(value: &Value) -> Result<Self, Fault> {
        text(value)?.parse().map_err(|_| Fault::of("validation.e164"))
    }

    fn shape() -> Shape {
        Shape { pattern: Some(r"^\+[1-9][0-9]{7,14}$"), ..Shape::text() }
    }
}

impl Scalar for AccountSid {
    fn read(value: &Value) -> Result<Self, Fault> {
        parsed(value, "validation.sid")
    }

    fn shape() -> Shape {
        Shape { pattern: Some("^AC[0-9a-fA-F]{32}$"), ..Shape::text() }
    }
}

impl Scalar for Country {
    fn read(value: &Value) -> Result<Self, Fault> {
        parsed(value, "validation.country")
    }

    fn shape() -> Shape {
        Shape { pattern: Some("^[A-Z]{2}$"), ..Shape::text() }
    }
}

impl Scalar for Role {
    fn read(value: &Value) -> Result<Self, Fault> {
        parsed(value, "validation.role")
    }

    fn shape() -> Shape {
        Shape { values: Role::ALL.map(Role::name).to_vec(), ..Shape::text() }
    }
}

impl Scalar for OrgId {
    fn read(value: &Value) -> Result<Self, Fault> {
        parsed(value, "validation.uuid")
    }

    fn shape() -> Shape {
        Shape::format("uuid")
    }
}

impl Scalar for Scopes {
    fn read(value: &Value) -> Result<Self, Fault> {
        let names = text(value)?.split_ascii_whitespace().map(str::parse::<Permission>);
        let refused = || choice("validation.scopes", Permission::all().map(Permission::name));
        let permissions: Vec<_> = names.collect::<Result<_, _>>().map_err(|()| refused())?;
        match permissions.is_empty() {
            true => Err(refused()),
            false => Ok(permissions.into_iter().collect()),
        }
    }

    fn shape() -> Shape {
        Shape { example: Some("lines.read events.read"), ..Shape::text() }
    }
}

/// A time zone by its IANA name, as the list spells it.
pub(crate) struct Zone(pub(crate) String);

impl Scalar for Zone {
    fn read(value: &Value) -> Result<Self, Fault> {
        let found = TimeZone::get(text(value)?.trim()).ok();
        let name = found.as_ref().and_then(TimeZone::iana_name).map(str::to_owned);
        name.map(Self).ok_or_else(|| Fault::of("validation.time_zone"))
    }

    fn shape() -> Shape {
        Shape { length: Some((1, 64)), example: Some("Europe/Paris"), ..Shape::text() }
    }
}

impl Scalar for Language {
    fn read(value: &Value) -> Result<Self, Fault> {
        let languages = || choice("validation.choice", [Language::En, Language::Fr].map(Language::code));
        text(value)?.trim().parse().map_err(|_| languages())
    }

    fn shape() -> Shape {
        Shape { values: vec![Language::En.code(), Language::Fr.code()], ..Shape::text() }
    }
}

impl Scalar for SmsOwner {
    fn read(value: &Value) -> Result<Self, Fault> {
        match text(value)? {
            "twilio" => Ok(SmsOwner::Twilio),
            "vapi" => Ok(SmsOwner::Vapi),
            _ => Err(choice("validation.choice", ["twilio", "vapi"])),
        }
    }

    fn shape() -> Shape {
        Shape { values: vec!["twilio", "vapi"], ..Shape::text() }
    }
}

/// Values that are one of a few names.
macro_rules! named {
    ($($kind:ty: $all:expr;)+) => {$(
        impl Scalar for $kind {
            fn read(value: &Value) -> Result<Self, Fault> {
                let name = text(value)?;
                let names = || $all.into_iter().map(|one| one.name());
                $all.into_iter()
                    .find(|one| one.name() == name)
                    .ok_or_else(|| choice("validation.choice", names()))
            }

            fn shape() -> Shape {
                Shape { values: $all.into_iter().map(|one| one.name()).collect(), ..Shape::text() }
            }
        }
    )+};
}

named! {
    AuditFormat: AuditFormat::ALL;
    Provider: [Provider::Twilio, Provider::Vapi];
    Hook: Hook::ALL.iter().copied();
    TapeOutcome: [TapeOutcome::Accepted, TapeOutcome::Refused];
}

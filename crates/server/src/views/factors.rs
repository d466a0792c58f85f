//! Ways to sign in, and second factors.

use super::answers;
use dialtone_domain::{ExposeSecret, SecretString};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A sign-in at an OpenID provider.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenId {
    /// What people call the provider.
    pub(crate) name: String,
    /// Where it begins.
    pub(crate) url: &'static str,
}

/// What a sign-in still needs.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    /// Comes back with the second step, from the same browser.
    pub(crate) ticket: String,
    /// What the second step can be done with: `totp`, `recovery_code`, `passkey`.
    pub(crate) methods: Vec<&'static str>,
    /// When it is too late.
    pub(crate) expires_at: Timestamp,
}

/// What the caller has, besides their password.
#[derive(Serialize, ToSchema)]
pub(crate) struct Factors {
    /// Whether an authenticator app is set up.
    totp: bool,
    /// How many recovery codes are left.
    recovery_codes: i64,
    /// The passkeys.
    passkeys: Vec<Passkey>,
    /// Whether passkeys can be made for this server's address.
    passkeys_available: bool,
    /// Whether the organisation requires a second factor.
    required: bool,
    /// Whether a change has to come with the password: the sign-in was more than 15 minutes ago.
    password_needed: bool,
}

impl Factors {
    pub(crate) fn of(
        factors: &dialtone_app::Factors,
        passkeys: Vec<dialtone_app::Passkey>,
        passkeys_available: bool,
    ) -> Self {
        Self {
            totp: factors.totp,
            recovery_codes: factors.recovery_codes,
            passkeys: passkeys.into_iter().map(Passkey::from).collect(),
            passkeys_available,
            required: factors.required,
            password_needed: !factors.fresh,
        }
    }
}

/// A passkey.
#[derive(Serialize, ToSchema)]
pub(crate) struct Passkey {
    /// Its id.
    id: Uuid,
    /// What its owner called it.
    name: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it last signed in.
    #[schema(required)]
    last_used_at: Option<Timestamp>,
}

impl From<dialtone_app::Passkey> for Passkey {
    fn from(passkey: dialtone_app::Passkey) -> Self {
        let dialtone_app::Passkey { id, name, created_at, last_used_at } = passkey;
        Self { id: id.0, name, created_at, last_used_at }
    }
}

/// Recovery codes as they are shown, this once.
pub(crate) fn shown(codes: &[SecretString]) -> Vec<String> {
    codes.iter().map(|code| code.expose_secret().to_owned()).collect()
}

answers! {
    /// How people can sign in here.
    SignInMethods {
        /// Always true.
        password: bool,
        /// Whether passkeys can be used.
        passkey: bool,
        /// The OpenID provider; null where there is none.
        #[schema(required)]
        openid: Option<OpenId>,
    }
    /// The first step was right; the second has to follow.
    SecondFactorAnswer {
        /// What it can be done with.
        second_factor: SecondFactor,
    }
    /// A passkey's ceremony.
    PasskeyOptions {
        /// Comes back with the browser's answer.
        ticket: String,
        /// What `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` reads.
        options: Value,
    }
    /// The second factors.
    FactorsAnswer {
        /// All of them.
        factors: Factors,
    }
    /// An authenticator app to be added.
    NewTotpAnswer {
        /// The secret in base32, to type.
        secret: String,
        /// The same as an `otpauth:` address, to draw as a QR code.
        uri: String,
    }
    /// A factor was added.
    FactorAdded {
        /// Ten codes for when the others are lost, shown this once; null where it is not the first factor.
        #[schema(required)]
        recovery_codes: Option<Vec<String>>,
    }
    /// A passkey was added.
    PasskeyAdded {
        /// It.
        passkey: Passkey,
        /// Ten codes for when the others are lost, shown this once; null where it is not the first factor.
        #[schema(required)]
        recovery_codes: Option<Vec<String>>,
    }
    /// New recovery codes.
    RecoveryCodes {
        /// Ten codes, shown this once; those before them no longer work.
        recovery_codes: Vec<String>,
    }
}

//! Everything that can go wrong, each with its code and HTTP status here and its text in `texts/*.json`:
//! `problem.<code>` says what failed and what was not changed, `problem.<code>.remedy` what to do.

use crate::text::{self, Language, Params};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $status:literal),+ $(,)?) => {
        /// What went wrong. The names are stable: programs may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[$(Code::$variant),+];

            /// The name in the API.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),+ }
            }

            /// The HTTP status that it is answered with.
            pub fn status(self) -> u16 {
                match self { $(Code::$variant => $status),+ }
            }
        }
    };
}

codes! {
    /// The request's body, query or path is not what the operation takes.
    InvalidRequest = "invalid_request" 400,
    /// The phone number cannot be one.
    PhoneInvalid = "phone_invalid" 400,
    /// The request's body is too large.
    TooLarge = "too_large" 413,
    /// The request's body took too long to arrive.
    RequestTimeout = "request_timeout" 408,
    /// Not JSON.
    UnsupportedMediaType = "unsupported_media_type" 415,
    /// No credential, or one that is unknown or expired.
    NotSignedIn = "not_signed_in" 401,
    /// Wrong e-mail address or password.
    SignInFailed = "sign_in_failed" 401,
    /// Too many wrong passwords.
    TooManyAttempts = "too_many_attempts" 429,
    /// More requests than one member, address or organisation may make.
    RateLimited = "rate_limited" 429,
    /// The code of the second step is wrong, used or too late.
    SecondFactorFailed = "second_factor_failed" 401,
    /// The organisation requires a second factor, and the member has none.
    SecondFactorNeeded = "second_factor_needed" 403,
    /// The code does not fit the authenticator app that is being added.
    FactorCodeWrong = "factor_code_wrong" 400,
    /// The person has this factor already, or as many as they may.
    FactorExists = "factor_exists" 409,
    /// Without a second factor nobody can stay in the organisation.
    FactorsRequired = "factors_required" 409,
    /// Who signed in long ago has to prove again who they are.
    ProofNeeded = "proof_needed" 403,
    /// The member is in another organisation too.
    MemberElsewhere = "member_elsewhere" 409,
    /// The passkey was not taken.
    PasskeyRefused = "passkey_refused" 401,
    /// The new passkey cannot be kept.
    PasskeyNotAdded = "passkey_not_added" 400,
    /// The server has no name that passkeys could be made for.
    PasskeysUnavailable = "passkeys_unavailable" 409,
    /// The OpenID provider does not answer.
    OidcUnavailable = "oidc_unavailable" 502,
    /// What came from the OpenID provider proves nothing.
    OidcRefused = "oidc_refused" 401,
    /// Nobody here is whom the OpenID provider names.
    OidcUnknown = "oidc_unknown" 403,
    /// The one-time code is wrong, used or expired.
    CodeInvalid = "code_invalid" 401,
    /// The role does not allow it.
    Forbidden = "forbidden" 403,
    /// A request from another site with our cookie.
    CrossSite = "cross_site" 403,
    /// Another organisation was named.
    ForeignOrganisation = "foreign_organisation" 403,
    /// No such thing, or not yours.
    NotFound = "not_found" 404,
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed" 405,
    /// Set-up was done already.
    SetupDone = "setup_done" 409,
    /// A person with this e-mail address is a member already.
    MemberExists = "member_exists" 409,
    /// The last owner cannot leave or lose the role.
    LastOwner = "last_owner" 409,
    /// A role above one's own.
    RoleTooHigh = "role_too_high" 403,
    /// More than one's token is narrowed to, or for longer than it lives.
    GrantTooWide = "grant_too_wide" 403,
    /// Only a signed-in person may do it, not a program with a token.
    SessionNeeded = "session_needed" 403,
    /// The present password, asked for once more, is wrong.
    PasswordWrong = "password_wrong" 403,
    /// The invitation is for another address than that of who is signed in.
    InvitationNotYours = "invitation_not_yours" 403,
    /// The account was made by somebody else, and its person was not yet seen to read the mail of its address.
    AddressUnproved = "address_unproved" 409,
    /// No mail server is configured.
    MailMissing = "mail_missing" 409,
    /// The password is too short or too long.
    PasswordWeak = "password_weak" 400,
    /// The same idempotency key with another request.
    IdempotencyKeyReused = "idempotency_key_reused" 409,
    /// The first request with this idempotency key still runs.
    IdempotencyInFlight = "idempotency_in_flight" 409,
    /// The organisation has the number already (D4).
    NumberAlreadyHere = "number_already_here" 409,
    /// An operation is running on the line.
    LineBusy = "line_busy" 409,
    /// The operation changed nothing, is running, or was undone.
    CannotUndo = "cannot_undo" 409,
    /// Removing a line needs its number typed.
    ConfirmationNeeded = "confirmation_needed" 409,
    /// The server's queue is full.
    Busy = "busy" 503,
    /// The database did not answer.
    StorageUnavailable = "storage_unavailable" 503,
    /// A secret cannot be opened with this master key.
    Sealed = "sealed" 503,
    /// A restored backup: nothing may be changed outside until somebody says so.
    Fenced = "fenced" 409,
    /// An address from outside that must not be called.
    AddressForbidden = "address_forbidden" 400,
    /// A web address did not take a message.
    WebhookFailed = "webhook_failed" 502,
    /// The organisation has as many addresses as it may.
    TooManyWebhooks = "too_many_webhooks" 409,
    /// A request that says it is a provider's, and does not prove it.
    WebhookRefused = "webhook_refused" 403,
    /// The same where a secret proves it.
    WebhookUnproved = "webhook_unproved" 401,
    /// Not enough was kept of a request.
    CannotReplay = "cannot_replay" 409,
    /// A mail was not taken by the mail server.
    MailFailed = "mail_failed" 502,
    /// A defect of Dialtone.
    Internal = "internal" 500,

    /// No Twilio credentials are saved.
    TwilioCredentialsMissing = "twilio_credentials_missing" 400,
    /// No phone number was given or saved.
    PhoneMissing = "phone_missing" 400,
    /// An API key's SID where the account's belongs.
    TwilioSidIsKey = "twilio_sid_is_key" 400,
    /// Not an account SID.
    TwilioSidMalformed = "twilio_sid_malformed" 400,
    /// Too short for an auth token.
    TwilioTokenMalformed = "twilio_token_malformed" 400,
    /// Twilio refuses the credentials.
    TwilioUnauthorized = "twilio_unauthorized" 400,
    /// Twilio knows them, and they lack the right.
    TwilioForbidden = "twilio_forbidden" 400,
    /// The account is suspended or closed, or out of funds.
    TwilioAccountInactive = "twilio_account_inactive" 400,
    /// The number is in a subaccount.
    NumberInSubaccount = "number_in_subaccount" 400,
    /// The number is only a verified caller ID.
    NumberIsCallerId = "number_is_caller_id" 400,
    /// The account does not own the number.
    NumberNotInAccount = "number_not_in_account" 400,
    /// Twilio refused a change for a reason of its own.
    TwilioRefused = "twilio_refused" 400,
    /// No Vapi key is saved.
    VapiKeyMissing = "vapi_key_missing" 400,
    /// Empty, or with spaces.
    VapiKeyMalformed = "vapi_key_malformed" 400,
    /// Vapi refuses the key.
    VapiUnauthorized = "vapi_unauthorized" 401,
    /// The plan or the key's role denies it.
    VapiForbidden = "vapi_forbidden" 400,
    /// The saved key is of another organisation at Vapi than the line.
    VapiOtherOrg = "vapi_other_org" 409,
    /// Vapi refused a change for a reason of its own.
    VapiRefused = "vapi_refused" 400,
    /// Another organisation at Vapi holds the number.
    VapiNumberInOtherOrg = "vapi_number_in_other_org" 409,
    /// There is no assistant at all (B3).
    NoAssistant = "no_assistant" 400,
    /// The assistant that was named does not exist (B1).
    AssistantNotFound = "assistant_not_found" 404,
    /// The provider asks to slow down, and went on asking.
    ProviderRateLimited = "provider_rate_limited" 503,
    /// The provider failed, or answered what cannot be understood.
    ProviderFailed = "provider_failed" 502,
    /// The provider was not reached; the request had no effect.
    ProviderUnreachable = "provider_unreachable" 502,
    /// A change was sent and its answer never came: looked up again, never repeated blindly.
    ProviderUnclear = "provider_unclear" 502,
    /// The desired state was not reached in the steps allowed.
    NotConverging = "not_converging" 502,
}

/// One of the two providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Owns the phone numbers.
    Twilio,
    /// Runs the assistants.
    Vapi,
}

impl Provider {
    /// Its name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Twilio => "twilio",
            Provider::Vapi => "vapi",
        }
    }

    /// Its name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Provider::Twilio => "Twilio",
            Provider::Vapi => "Vapi",
        }
    }
}

impl std::str::FromStr for Provider {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Provider::Twilio, Provider::Vapi].into_iter().find(|provider| provider.name() == text).ok_or(())
    }
}

/// What a provider itself said: kept as it came, for people who look it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderDetail {
    /// Who said it.
    pub name: Provider,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// Twilio's error code.
    pub code: Option<String>,
    /// Its message, bounded to 500 characters, without secrets.
    pub message: String,
}

/// One field of a request that is not right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field as the request names it; empty for the whole body.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// Something that went wrong, ready to be told in either language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// What fills its text.
    #[serde(default)]
    pub params: Params,
    /// The fields that are wrong, for [`Code::InvalidRequest`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// What the provider said, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderDetail>,
}

impl Problem {
    /// A problem without parameters.
    pub fn new(code: Code) -> Self {
        Self { code, params: Params::default(), fields: Vec::new(), provider: None }
    }

    /// The same with a value for its text.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.set(name, value);
        self
    }

    /// The same with what the provider said.
    #[must_use]
    pub fn said(mut self, detail: ProviderDetail) -> Self {
        self.params.set("provider", detail.name.title());
        self.params.set("said", detail.message.clone());
        self.provider = Some(detail);
        self
    }

    /// A request with one wrong field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let mut problem = Self::new(Code::InvalidRequest);
        problem.fields.push(FieldError { field: field.to_owned(), message: message.into() });
        problem
    }

    /// A few words.
    pub fn title(&self, language: Language) -> String {
        text::text(language, &format!("problem.{}.title", self.code.name()), &self.params)
    }

    /// What failed, and what was not changed.
    pub fn detail(&self, language: Language) -> String {
        text::text(language, &format!("problem.{}.detail", self.code.name()), &self.params)
    }

    /// What to do.
    pub fn remedy(&self, language: Language) -> String {
        text::text(language, &format!("problem.{}.remedy", self.code.name()), &self.params)
    }

    /// All of it in one paragraph.
    pub fn message(&self, language: Language) -> String {
        format!("{} {}", self.detail(language), self.remedy(language))
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// For logs: the code and what the provider answered, never the parameters, which may hold numbers.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.name())?;
        match &self.provider {
            Some(ProviderDetail { name, status, code, .. }) => {
                write!(f, " ({name:?} {} {})", status.unwrap_or_default(), code.as_deref().unwrap_or("-"))
            }
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_what_failed_and_what_to_do_in_both_languages() {
        for code in Code::ALL {
            for language in [Language::En, Language::Fr] {
                for part in ["title", "detail", "remedy"] {
                    let key = format!("problem.{}.{part}", code.name());
                    assert!(text::find(language, &key, &Params::default()).is_some(), "{language:?} {key}");
                }
            }
        }
    }
}

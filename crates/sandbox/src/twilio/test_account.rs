//! Test credentials (T22 [D]): an account of its own that may buy, send, call and look up, and nothing else.
//! Nothing is charged or kept, and nobody is called back; magic numbers decide what comes out.

use hyper::Method;

use super::Ctx;
use super::errors::Problem;

/// What test credentials may do: product, method, and how the path ends below the account.
const OPEN: &[(&str, Method, &str)] = &[
    ("api", Method::POST, "Accounts/{}/IncomingPhoneNumbers"),
    ("api", Method::POST, "Accounts/{}/IncomingPhoneNumbers/Local"),
    ("api", Method::POST, "Accounts/{}/IncomingPhoneNumbers/Mobile"),
    ("api", Method::POST, "Accounts/{}/IncomingPhoneNumbers/TollFree"),
    ("api", Method::POST, "Accounts/{}/Messages"),
    ("api", Method::POST, "Accounts/{}/Calls"),
    ("lookups", Method::GET, "PhoneNumbers/{}"),
];

/// Refuses everything else: 403/20008 (T2 [E]).
pub(crate) fn check(product: &str, method: &Method, pattern: &str) -> Result<(), Problem> {
    let open = OPEN.iter().any(|(of, way, path)| *of == product && way == method && *path == pattern);
    match open {
        true => Ok(()),
        false => Err(Problem::new(20008, "Resource not accessible with Test Account Credentials")),
    }
}

impl Ctx<'_> {
    /// Whether test credentials are used: magic numbers decide, nothing is kept, charged or called back.
    pub(crate) fn testing(&self) -> bool {
        self.world.twilio.account(&self.account).is_some_and(|account| account.test)
    }
}

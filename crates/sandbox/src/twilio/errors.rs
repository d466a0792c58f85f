//! Twilio's errors: `{"code", "message", "more_info", "status"}` (T2 [D][C][X]).

use serde_json::{Value, json};

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
}

/// HTTP statuses of codes that are not 400 (T2 [E]; 20005's status is not documented [?]). Refused messages are
/// 400 (T8); that 21611 and 63038 have been seen with 429 is too thin to build on [I].
const STATUSES: [(u32, u16); 8] = [
    (20003, 401),
    (20004, 405),
    (20005, 401),
    (20006, 403),
    (20008, 403),
    (20404, 404),
    (20409, 409),
    (20429, 429),
];

impl Problem {
    /// The error `code` with its usual HTTP status.
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Problem {
        let status = STATUSES.iter().find(|(known, _)| *known == code).map_or(400, |(_, status)| *status);
        Problem { status, code, message: message.into() }
    }

    /// Wrong credentials: 401/20003 with exactly this text (T23.1).
    pub(crate) fn authenticate() -> Problem {
        Problem::new(20003, "Authenticate")
    }

    /// A key without the right to do this: 403/20003 (T2 [E]).
    pub(crate) fn forbidden() -> Problem {
        Problem { status: 403, ..Problem::new(20003, "Permission denied") }
    }

    /// 404/20404: absent, someone else's, or no such path (T2 [E]).
    pub(crate) fn not_found(uri: &str) -> Problem {
        Problem::new(20404, format!("The requested resource {uri} was not found"))
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "more_info": self.more_info(),
            "status": self.status,
        })
    }

    /// The documentation page of the code.
    pub(crate) fn more_info(&self) -> String {
        format!("https://www.twilio.com/docs/errors/{}", self.code)
    }
}

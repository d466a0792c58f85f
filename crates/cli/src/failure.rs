//! How a command can fail, and the exit code of each way.

use std::fmt;
use std::io;

/// Why a command did not do what it was asked to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It failed, and nothing doubtful is left behind. Exit code 1.
    Error(String),
    /// It was asked for in a way that makes no sense. Exit code 2.
    Usage(String),
    /// It looked, found problems and has printed them. Exit code 3.
    Found,
    /// It may or may not have happened: look before doing it again. Exit code 4.
    Unclear(String),
    /// Nobody reads the output any more; there is nobody to tell. Exit code 0.
    Closed,
}

impl Failure {
    /// The exit code of the program.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Closed => 0,
            Failure::Error(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Found => 3,
            Failure::Unclear(_) => 4,
        }
    }

    /// An error that says what failed and why.
    pub(crate) fn because(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Failure::Error(format!("{what}: {why}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(text) | Failure::Usage(text) | Failure::Unclear(text) => f.write_str(text),
            Failure::Found | Failure::Closed => Ok(()),
        }
    }
}

/// Writing to standard output: a reader that has gone away, as `head` does, is no error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::because("The output could not be written", error),
        }
    }
}

/// What commands return.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

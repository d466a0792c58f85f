//! What is read from the person or the program in front of standard input.

use crate::failure::{Failure, Result};
use dialtone_domain::SecretString;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::{Command, Stdio};

/// No secret, and no request body, is longer.
const INPUT_BYTES_MAX: u64 = 1 << 20;

/// Asks on the terminal whether to go on. `--yes` answers for people who are not there; without it and
/// without a terminal nothing is done.
pub(crate) fn confirm(question: &str, yes: bool) -> Result {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "Nothing was changed: without a terminal to ask on, this needs --yes.".into(),
        ));
    }
    eprint!("{question} [y/N] ");
    let answer = first_line()?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" | "o" | "oui" => Ok(()),
        _ => Err(Failure::Error("Nothing was changed.".into())),
    }
}

/// A secret from the environment variable, else from standard input: typed unseen on a terminal, or piped.
pub(crate) fn secret(variable: &str, what: &str) -> Result<SecretString> {
    let found = std::env::var(variable).ok().filter(|value| !value.is_empty());
    let typed = match found {
        Some(value) => value,
        None if io::stdin().is_terminal() => unseen(what)?,
        None => piped()?,
    };
    match typed.trim() {
        "" => Err(Failure::Usage(format!("The {what} is missing: put it into {variable}, or pipe it in."))),
        secret => Ok(SecretString::from(secret)),
    }
}

/// A secret that may be piped in, on one line; `None` where nothing is.
pub(crate) fn piped_secret() -> Result<Option<SecretString>> {
    if io::stdin().is_terminal() {
        return Ok(None);
    }
    let text = piped()?;
    let secret = text.strip_suffix('\n').unwrap_or(&text).trim_end_matches('\r');
    if secret.contains(['\r', '\n']) {
        return Err(Failure::Usage("Standard input has more than one line: the secret is one line.".into()));
    }
    Ok((!secret.is_empty()).then(|| SecretString::from(secret)))
}

/// All of standard input where it is piped, else nothing.
pub(crate) fn piped() -> Result<String> {
    let mut text = String::new();
    if io::stdin().is_terminal() {
        return Ok(text);
    }
    let read = io::stdin().lock().take(INPUT_BYTES_MAX + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 <= INPUT_BYTES_MAX => Ok(text),
        Ok(_) => Err(Failure::Usage("The input is longer than a megabyte.".into())),
        Err(error) => Err(Failure::because("The input could not be read", error)),
    }
}

fn first_line() -> Result<String> {
    let mut text = String::new();
    let line = io::stdin().lock().take(INPUT_BYTES_MAX).read_line(&mut text);
    line.map_err(|error| Failure::because("The input could not be read", error))?;
    Ok(text)
}

/// A line that the terminal does not show while it is typed.
fn unseen(what: &str) -> Result<String> {
    eprint!("{what}: ");
    // Where the prompt cannot be shown, the question can still be answered.
    let _ = io::stderr().flush();
    let hidden = Terminal::hide();
    let text = first_line();
    drop(hidden);
    eprintln!();
    text
}

/// A terminal that does not echo, until this is dropped.
struct Terminal;

impl Terminal {
    fn hide() -> Self {
        Self::stty("-echo");
        Self
    }

    fn stty(setting: &str) {
        // Without `stty` the secret is seen by the one who types it; that is no reason to refuse it.
        let _ = Command::new("stty").arg(setting).stdin(Stdio::inherit()).stderr(Stdio::null()).status();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        Self::stty("echo");
    }
}

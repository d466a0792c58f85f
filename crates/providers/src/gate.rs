//! The one switch for everything that has an effect outside: changes at the providers, mails, webhooks.

use dialtone_domain::{Code, Problem};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Open, or closed: a restored backup must not buy, send or change anything until somebody says so (design
/// section 6). Clones share one state. Every way out asks it before each attempt.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Lets effects through, or holds them back from now on.
    pub fn set_open(&self, open: bool) {
        self.0.store(!open, Ordering::SeqCst);
    }

    /// Whether effects go through.
    pub fn is_open(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    /// # Errors
    /// [`Code::Fenced`] while it is closed; nothing was sent then.
    pub fn check(&self) -> Result<(), Problem> {
        if self.is_open() { Ok(()) } else { Err(Code::Fenced.into()) }
    }
}

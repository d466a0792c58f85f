//! Calls in progress: what time does with them (T16).

use serde::{Deserialize, Serialize};

use crate::state::Shared;

/// What happens to a call later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Later {
    /// Its price becomes known.
    Price { sid: String },
}

impl Later {
    /// Does it.
    pub(crate) async fn run(self, shared: &Shared) {
        match self {
            Later::Price { sid } => shared.lock().price_call(&sid),
        }
    }
}

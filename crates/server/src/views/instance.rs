//! This installation.

use super::answers;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// This installation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Instance {
    /// Its id, which a restored backup keeps.
    id: String,
    /// Grows with every restore.
    epoch: i64,
    /// Since when a restored backup changes nothing at the providers and sends nothing; null: it is not held back.
    #[schema(required)]
    fenced_at: Option<Timestamp>,
}

impl From<dialtone_app::fence::Instance> for Instance {
    fn from(instance: dialtone_app::fence::Instance) -> Self {
        let dialtone_app::fence::Instance { id, epoch, fenced_at, .. } = instance;
        Self { id, epoch, fenced_at }
    }
}

answers! {
    /// This installation.
    InstanceAnswer {
        /// This installation.
        instance: Instance,
    }
}

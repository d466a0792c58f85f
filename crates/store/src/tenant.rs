//! The proof of whose data may be read.

use dialtone_domain::OrgId;

/// One organisation, as it was proved by authentication or by a claimed operation. Every query on an
/// organisation's rows wants one, and only this crate can make one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tenant {
    org: OrgId,
}

impl Tenant {
    pub(crate) fn new(org: OrgId) -> Self {
        Self { org }
    }

    /// The organisation.
    pub fn org(&self) -> OrgId {
        self.org
    }
}

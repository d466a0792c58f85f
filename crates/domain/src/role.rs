//! Who may do what: the one table of roles and permissions.

use serde::{Deserialize, Serialize};

/// A member's or a token's role; a later one may do all that an earlier one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks, changes nothing.
    Viewer,
    /// Works in the inbox.
    Agent,
    /// Runs the lines, the settings and the members who are not owners.
    Admin,
    /// Everything.
    Owner,
}

/// What a request may need to be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Be signed in, whatever the role.
    Member,
    /// See lines, their checks and their operations.
    LinesRead,
    /// Import, repair, undo, edit and remove lines.
    LinesChange,
    /// Have lines looked at now, and take note of alerts.
    LinesWatch,
    /// See assistants.
    AssistantsRead,
    /// Create and change assistants.
    AssistantsChange,
    /// See which credentials are saved (never the credentials).
    SettingsRead,
    /// Save and remove credentials.
    SettingsChange,
    /// See the organisation's members.
    MembersRead,
    /// Add, change and remove members, up to one's own role.
    MembersChange,
    /// Make and revoke tokens, up to one's own role.
    TokensOwn,
    /// Change the organisation itself.
    OrganisationChange,
    /// Follow what happens, live.
    EventsRead,
    /// Read, export and verify the audit trail.
    AuditRead,
}

/// Each permission with its name in the API and the least role that has it.
const TABLE: [(Permission, &str, Role); 14] = [
    (Permission::Member, "member", Role::Viewer),
    (Permission::LinesRead, "lines.read", Role::Viewer),
    (Permission::LinesChange, "lines.change", Role::Admin),
    (Permission::LinesWatch, "lines.watch", Role::Agent),
    (Permission::AssistantsRead, "assistants.read", Role::Viewer),
    (Permission::AssistantsChange, "assistants.change", Role::Admin),
    (Permission::SettingsRead, "settings.read", Role::Viewer),
    (Permission::SettingsChange, "settings.change", Role::Admin),
    (Permission::MembersRead, "members.read", Role::Viewer),
    (Permission::MembersChange, "members.change", Role::Admin),
    (Permission::TokensOwn, "tokens.own", Role::Viewer),
    (Permission::OrganisationChange, "organisation.change", Role::Owner),
    (Permission::EventsRead, "events.read", Role::Viewer),
    (Permission::AuditRead, "audit.read", Role::Owner),
];

impl Permission {
    fn row(self) -> &'static (Permission, &'static str, Role) {
        &TABLE[self as usize]
    }

    /// Its name in the API: `lines.read`.
    pub fn name(self) -> &'static str {
        self.row().1
    }
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Agent, Role::Admin, Role::Owner];

    /// Whether this role has the permission.
    pub fn may(self, permission: Permission) -> bool {
        self >= permission.row().2
    }

    /// The names of everything that this role may do.
    pub fn permissions(self) -> Vec<&'static str> {
        TABLE.iter().filter(|row| self >= row.2).map(|row| row.1).collect()
    }

    /// Its name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Agent => "agent",
            Role::Admin => "admin",
            Role::Owner => "owner",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Role::ALL.into_iter().find(|role| role.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_permissions() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index, "{}", row.1);
        }
    }

    #[test]
    fn rights_only_grow_with_the_role() {
        for pair in Role::ALL.windows(2) {
            assert!(TABLE.iter().all(|row| !pair[0].may(row.0) || pair[1].may(row.0)));
        }
        assert!(!Role::Viewer.may(Permission::LinesChange));
        assert!(Role::Owner.may(Permission::OrganisationChange));
    }
}

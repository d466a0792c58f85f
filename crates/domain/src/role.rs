//! Who may do what: the one table of roles and permissions, and what one may grant to another.

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
    /// Make and revoke tokens, up to one's own rights.
    TokensOwn,
    /// Change one's own name, language and time zone.
    AccountOwn,
    /// Change the organisation itself.
    OrganisationChange,
    /// Follow what happens, live.
    EventsRead,
    /// Read, export and verify the audit trail.
    AuditRead,
    /// See in outline what providers sent.
    TapeRead,
    /// Open what providers sent, and replay it.
    TapeOpen,
    /// Let a restored backup act again.
    InstanceChange,
}

/// Each permission with its name in the API and the least role that has it.
const TABLE: &[(Permission, &str, Role)] = &[
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
    (Permission::AccountOwn, "account.own", Role::Viewer),
    (Permission::OrganisationChange, "organisation.change", Role::Owner),
    (Permission::EventsRead, "events.read", Role::Viewer),
    (Permission::AuditRead, "audit.read", Role::Owner),
    (Permission::TapeRead, "tape.read", Role::Viewer),
    (Permission::TapeOpen, "tape.open", Role::Admin),
    (Permission::InstanceChange, "instance.change", Role::Owner),
];

impl Permission {
    fn row(self) -> &'static (Permission, &'static str, Role) {
        &TABLE[self as usize]
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Permission> {
        TABLE.iter().map(|row| row.0)
    }

    /// Its name in the API: `lines.read`.
    pub fn name(self) -> &'static str {
        self.row().1
    }
}

impl std::str::FromStr for Permission {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        TABLE.iter().find(|row| row.1 == text).map(|row| row.0).ok_or(())
    }
}

/// Some permissions: what a token is narrowed to. [`Permission::Member`] is always one of them, since a token that
/// could not even ask who it is would be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(u64);

// One bit for each.
const _: () = assert!(TABLE.len() <= u64::BITS as usize);

impl Scopes {
    fn bit(permission: Permission) -> u64 {
        1 << permission as u32
    }

    /// Whether the permission is among them.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// Whether all of these are among `others`.
    pub fn within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Their names in the API, in the order of the table.
    pub fn names(self) -> Vec<&'static str> {
        TABLE.iter().filter(|row| self.has(row.0)).map(|row| row.1).collect()
    }
}

impl FromIterator<Permission> for Scopes {
    fn from_iter<T: IntoIterator<Item = Permission>>(permissions: T) -> Self {
        let own = Self::bit(Permission::Member);
        Self(permissions.into_iter().fold(own, |bits, permission| bits | Self::bit(permission)))
    }
}

/// The names, separated by spaces, as they are stored.
impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}

/// A name that no permission has any more grants nothing.
impl std::str::FromStr for Scopes {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.split(' ').filter_map(|name| name.parse::<Permission>().ok()).collect())
    }
}

/// What somebody may do: all that the role may, and of that, where there are scopes, only these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// The role.
    pub role: Role,
    /// What a token is narrowed to; `None`: to nothing, also not when new permissions come.
    pub scopes: Option<Scopes>,
}

impl Rights {
    /// Whether they include the permission.
    pub fn may(self, permission: Permission) -> bool {
        self.role.may(permission) && self.scopes.is_none_or(|scopes| scopes.has(permission))
    }

    /// Whether whoever has these may grant `others`: nobody grants more than their own.
    pub fn cover(self, others: Self) -> bool {
        let narrower = match (self.scopes, others.scopes) {
            (None, _) => true,
            (Some(own), Some(theirs)) => theirs.within(own),
            (Some(_), None) => false,
        };
        others.role <= self.role && narrower
    }

    /// The names of everything that they include.
    pub fn names(self) -> Vec<&'static str> {
        TABLE.iter().filter(|row| self.may(row.0)).map(|row| row.1).collect()
    }
}

impl From<Role> for Rights {
    fn from(role: Role) -> Self {
        Self { role, scopes: None }
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

    #[test]
    fn t13_rights_cover_only_what_they_include() {
        let set = |text: &str| -> Option<Scopes> { text.parse().ok() };
        let all = [None, set(""), set("lines.read"), set("lines.read lines.change"), set("members.change")];
        let rights = || Role::ALL.into_iter().flat_map(|role| all.map(|scopes| Rights { role, scopes }));
        for own in rights() {
            for theirs in rights().filter(|theirs| own.cover(*theirs)) {
                assert!(theirs.role <= own.role);
                assert!(Permission::all().all(|one| !theirs.may(one) || own.may(one)), "{own:?} {theirs:?}");
            }
            assert!(own.cover(own) && own.may(Permission::Member));
            assert_eq!(
                own.cover(own.role.into()),
                own.scopes.is_none(),
                "a whole role is more than a part of it"
            );
        }
        let narrowed = Rights { role: Role::Owner, scopes: set("lines.read gone.meanwhile") };
        assert_eq!(narrowed.names(), ["member", "lines.read"]);
        assert_eq!(narrowed.scopes.unwrap().to_string(), "member lines.read");
    }
}

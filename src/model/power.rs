//! What the admin may do: pure arithmetic over memberships.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::address::Name;

/// One row of `pg_auth_members`, with what it allows.
///
/// <https://www.postgresql.org/docs/current/catalog-pg-auth-members.html>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MembershipRow {
    /// The role that is granted.
    pub role: Name,
    /// The role that holds it.
    pub member: Name,
    /// Who granted it.
    pub grantor: Name,
    /// May grant it on.
    pub admin_option: bool,
    /// Has its privileges.
    pub inherit_option: bool,
    /// May become it by SET ROLE.
    pub set_option: bool,
}

impl MembershipRow {
    /// The row that Postgres 16 and later makes for whoever creates a role: it lets the creator administer it, and
    /// nothing else. It is neither drift nor ours to revoke.
    pub fn is_creators(&self, admin: &str) -> bool {
        self.member == admin && self.admin_option && !self.inherit_option && !self.set_option
    }
}

/// What the admin may do to other roles and as them.
#[derive(Clone, Debug, Default)]
pub struct Power {
    /// The admin's name.
    pub admin: Name,
    /// `server_version_num`, such as 160004.
    pub version: i32,
    /// Superuser: everything.
    pub superuser: bool,
    create_role: bool,
    /// The admin and the roles whose privileges it has without doing anything.
    inherits: BTreeSet<Name>,
    /// The roles it may become.
    becomes: BTreeSet<Name>,
    /// The roles it may alter, grant and drop (from 16 on).
    administers: BTreeSet<Name>,
}

impl Power {
    /// Computes it from the server's facts and all memberships.
    pub fn new(
        admin: &str,
        version: i32,
        superuser: bool,
        create_role: bool,
        rows: &[MembershipRow],
    ) -> Self {
        let inherits = reach(admin, rows, |row| row.inherit_option);
        let becomes = reach(admin, rows, |row| row.set_option);
        let administers = rows
            .iter()
            .filter(|row| row.admin_option && inherits.contains(&row.member))
            .map(|row| row.role.clone())
            .collect();
        Self {
            admin: admin.into(),
            version,
            superuser,
            create_role,
            inherits,
            becomes,
            administers,
        }
    }

    /// The same role on the same server, over other memberships.
    #[must_use]
    pub fn over(&self, rows: &[MembershipRow]) -> Self {
        Self::new(&self.admin, self.version, self.superuser, self.create_role, rows)
    }

    /// Whether the server is Postgres 16 or later, where CREATEROLE no longer reaches every role.
    pub fn scoped_create_role(&self) -> bool {
        self.version >= 160_000
    }

    /// Whether the admin may ALTER, GRANT and DROP a role that is not a superuser.
    pub fn may_administer(&self, role: &str) -> bool {
        self.superuser || self.administers.contains(role) || (self.create_role && !self.scoped_create_role())
    }

    /// Whether the admin has the privileges of a role, so that it acts as the owner of what that role owns.
    pub fn has_privileges_of(&self, role: &str) -> bool {
        self.superuser || self.inherits.contains(role)
    }

    /// Whether the admin may SET ROLE to a role.
    pub fn may_become(&self, role: &str) -> bool {
        self.superuser || self.becomes.contains(role)
    }
}

/// Everything reachable from a role over rows of one kind, itself included.
fn reach(from: &str, rows: &[MembershipRow], follow: impl Fn(&MembershipRow) -> bool) -> BTreeSet<Name> {
    let mut roles_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| follow(row)) {
        roles_of.entry(&row.member).or_default().push(&row.role);
    }
    let mut reached = BTreeSet::from([Name::from(from)]);
    let mut waiting = vec![from];
    while let Some(member) = waiting.pop() {
        for role in roles_of.get(member).into_iter().flatten() {
            if reached.insert((*role).into()) {
                waiting.push(role);
            }
        }
    }
    reached
}

/// Every role that one role is a member of, however indirectly and with whatever options, with the way there.
///
/// RDS reads `rds_iam` through any chain: a role that reaches it can no longer log in by password.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html>
pub struct Paths<'a> {
    from: &'a str,
    came_from: BTreeMap<&'a str, &'a str>,
}

/// The memberships of a role and of what it is a member of.
pub fn paths<'a>(from: &'a str, rows: &'a [MembershipRow]) -> Paths<'a> {
    let mut roles_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        roles_of.entry(&row.member).or_default().push(&row.role);
    }
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(member) = waiting.pop_front() {
        for &role in roles_of.get(member).into_iter().flatten() {
            if role != from && !came_from.contains_key(role) {
                came_from.insert(role, member);
                waiting.push_back(role);
            }
        }
    }
    Paths { from, came_from }
}

impl Paths<'_> {
    /// Each role on the way, both ends included; the role itself is its own way. `None` where there is no way.
    pub fn to(&self, role: &str) -> Option<Vec<Name>> {
        let mut path = vec![Name::from(role)];
        let mut at = role;
        while at != self.from {
            at = self.came_from.get(at)?;
            path.push(at.into());
        }
        path.reverse();
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(role: &str, member: &str, admin: bool, inherit: bool, set: bool) -> MembershipRow {
        MembershipRow {
            role: role.into(),
            member: member.into(),
            grantor: "rdsadmin".into(),
            admin_option: admin,
            inherit_option: inherit,
            set_option: set,
        }
    }

    #[test]
    fn from_16_on_create_role_reaches_only_what_it_made() {
        let rows = [row("made", "master", true, false, false)];
        let new = Power::new("master", 160_000, false, true, &rows);
        assert!(new.may_administer("made"));
        assert!(!new.may_administer("found"));
        assert!(!new.has_privileges_of("made"), "administering is not having");
        let old = Power::new("master", 150_000, false, true, &[]);
        assert!(old.may_administer("found"));
    }

    #[test]
    fn administration_is_inherited() {
        let rows = [
            row("rds_superuser", "master", false, true, true),
            row("rds_iam", "rds_superuser", true, false, false),
        ];
        assert!(Power::new("master", 160_000, false, true, &rows).may_administer("rds_iam"));
    }

    #[test]
    fn a_path_names_every_link() {
        let rows = [
            row("group", "master", false, true, true),
            row("rds_iam", "group", false, true, true),
        ];
        let way = paths("master", &rows).to("rds_iam");
        assert_eq!(
            way.as_deref(),
            Some(["master", "group", "rds_iam"].map(Name::from).as_slice())
        );
        assert_eq!(paths("rds_iam", &rows).to("master"), None);
        assert_eq!(paths("master", &rows).to("master"), Some(vec!["master".into()]));
    }
}

//! What forbids applying a plan as it is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::address::{Address, TenantId};
use crate::desired::Desired;
use crate::diff::{Action, Diff};
use crate::live::Live;
use crate::model::{MembershipRow, Password, Quota, Quotas, power};

/// A reason to stop before the first write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// A stable name.
    pub code: String,
    /// What would happen, and how to go on.
    pub message: String,
}

/// Removals that need no word: so many tenants, or so large a part of all.
const FREE_REMOVALS: usize = 5;
const FREE_PART_PERCENT: usize = 20;

pub(super) fn check(desired: &Desired, live: &Live, diff: &Diff, max_removals: Option<usize>) -> Vec<Guard> {
    let mut guards = Vec::new();
    guards.extend(removals(&diff.leaving, &diff.known, max_removals));
    guards.extend(lockout(desired, live, diff));
    guards.extend(quotas(live.quotas, std::iter::once(diff)));
    guards
}

/// What forbids applying several clusters' plans together: the limits hold for the run, and the account is one. What each
/// plan says by itself is not said again.
pub(super) fn together(diffs: &[(&Live, &Diff)], max_removals: Option<usize>) -> Vec<Guard> {
    let all = |tenants: fn(&Diff) -> &BTreeSet<TenantId>| -> BTreeSet<TenantId> {
        let each = diffs.iter().flat_map(|(_, diff)| tenants(diff));
        each.cloned().collect()
    };
    let (leaving, known) = (all(|diff| &diff.leaving), all(|diff| &diff.known));
    let mut guards: Vec<_> = removals(&leaving, &known, max_removals).into_iter().collect();
    let mut each = diffs.iter().map(|(live, _)| live.quotas);
    let read = each.find(|quotas| quotas.users.is_some() || quotas.roles.is_some());
    guards.extend(quotas(
        read.unwrap_or_default(),
        diffs.iter().map(|(_, diff)| *diff),
    ));
    guards
}

/// Half a rollout is worse than none: what the account has no room for is known before the first write.
///
/// Deletions of the same plan make no room, as they come after everything is made. The quotas:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
fn quotas<'d>(quotas: Quotas, diffs: impl Iterator<Item = &'d Diff>) -> impl Iterator<Item = Guard> {
    let changes = diffs.flat_map(|diff| &diff.changes);
    let (mut users, mut roles) = (0, 0);
    for change in changes.filter(|change| matches!(change.action, Action::Create(_))) {
        match *change.address {
            Address::IamUser { .. } => users += 1,
            Address::IamRole { .. } => roles += 1,
            _ => {}
        }
    }
    let of_users = no_room(
        "users",
        users,
        quotas.users,
        "AWS raises no quota of users: delete users that nobody needs, or use another account",
    );
    let of_roles = no_room(
        "roles",
        roles,
        quotas.roles,
        "Ask AWS for more under Service Quotas, IAM, \"Roles per account\" (L-FE177D64), or delete roles that nobody needs",
    );
    of_users.into_iter().chain(of_roles)
}

fn no_room(kind: &str, wanted: usize, quota: Option<Quota>, remedy: &str) -> Option<Guard> {
    let Quota { taken, limit } = quota?;
    let left = limit.saturating_sub(taken);
    (wanted > left).then(|| Guard {
        code: "iam_quota".into(),
        message: format!(
            "{wanted} IAM {kind} would be made, but the account has room for {left}: {taken} of its quota of {limit} are \
             taken. {remedy}; or begin with some of the tenants, by --tenant"
        ),
    })
}

fn removals(
    leaving: &BTreeSet<TenantId>,
    known: &BTreeSet<TenantId>,
    max_removals: Option<usize>,
) -> Option<Guard> {
    let (names, leaving) = (leaving, leaving.len());
    let too_many = match max_removals {
        Some(limit) => leaving > limit,
        None => leaving > FREE_REMOVALS && leaving * 100 > known.len() * FREE_PART_PERCENT,
    };
    too_many.then(|| {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        Guard {
            code: "too_many_removals".into(),
            message: format!(
                "{leaving} of {} tenants would lose their access: {}. If that is meant, pass --max-removals {leaving}",
                known.len(),
                names.join(", ")
            ),
        }
    })
}

/// A role that reaches `rds_iam`, however indirectly, can no longer log in by password: the admin would be locked out.
///
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html>
fn lockout(desired: &Desired, live: &Live, diff: &Diff) -> Vec<Guard> {
    let Some(group) = desired.capabilities.iam_login_role else {
        return Vec::new();
    };
    let rows: Vec<MembershipRow> = live
        .memberships
        .iter()
        .filter(|row| !row.is_creators(&desired.admin))
        .cloned()
        .collect();
    let mut with_password = Vec::new();
    if desired.admin_by_password {
        with_password.push(desired.admin.clone());
    }
    with_password.extend(
        desired
            .world
            .roles()
            .filter(|(_, role)| role.password != Password::None)
            .map(|(name, _)| name.clone()),
    );
    let joining: Vec<&str> = diff
        .changes
        .iter()
        .filter_map(|change| match (&*change.address, &change.action) {
            (Address::Membership { role, member }, Action::Create(_)) if role == group => {
                Some(member.as_str())
            }
            _ => None,
        })
        .collect();
    let mut guards = Vec::new();
    for from in &with_password {
        let paths = power::paths(from, &rows);
        for member in &joining {
            let Some(path) = paths.to(member) else { continue };
            guards.push(Guard {
                code: "password_lockout".into(),
                message: format!(
                    "\"{from}\" logs in by password and would become a member of {group} by {} -> {group}, which ends \
                     password logins. Revoke that membership first",
                    path.join(" -> ")
                ),
            });
        }
    }
    guards
}

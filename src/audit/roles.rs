//! What tenants' roles are: attributes, memberships, and how they log in.

use std::collections::BTreeMap;

use super::finding::{Finding, Findings, Severity, count, some};
use super::graph::{Way, options};
use super::rules::{self, Rule};
use super::who::Who;
use crate::address::{Address, Grantee, TenantId};
use crate::desired::Login;
use crate::model::quote::quote_identifier;
use crate::model::{MembershipRow, Password, Role};

/// Roles whose members can do more than any grant says.
///
/// <https://www.postgresql.org/docs/current/predefined-roles.html>
const POWERFUL: [(&str, Severity); 22] = [
    ("pg_checkpoint", Severity::Low),
    ("pg_create_subscription", Severity::High),
    ("pg_execute_server_program", Severity::Critical),
    ("pg_maintain", Severity::Medium),
    ("pg_monitor", Severity::Medium),
    ("pg_read_all_data", Severity::High),
    ("pg_read_all_settings", Severity::Low),
    ("pg_read_all_stats", Severity::Medium),
    ("pg_read_server_files", Severity::Critical),
    ("pg_signal_autovacuum_worker", Severity::Low),
    ("pg_signal_backend", Severity::Medium),
    ("pg_stat_scan_tables", Severity::Medium),
    ("pg_use_reserved_connections", Severity::Low),
    ("pg_write_all_data", Severity::High),
    ("pg_write_server_files", Severity::Critical),
    ("rds_ad", Severity::Medium),
    ("rds_extension", Severity::Medium),
    ("rds_password", Severity::Medium),
    ("rds_replication", Severity::Critical),
    ("rds_reserved", Severity::Low),
    ("rds_superuser", Severity::Critical),
    ("rdsadmin", Severity::Critical),
];

fn power(role: &str) -> Option<Severity> {
    POWERFUL
        .iter()
        .find(|(name, _)| *name == role)
        .map(|(_, severity)| *severity)
}

/// Adds what is wrong with the tenants' roles. Comes after the check of connections, which explains memberships.
pub(super) fn check(who: &Who<'_>, findings: &mut Findings) {
    attributes(who, findings);
    powerful(who, findings);
    iam_login(who, findings);
    beyond_declared(who, findings);
    no_login(who, findings);
    parameters(who, findings);
}

/// An attribute, its rule, and how to take it away.
type Attribute = (&'static Rule, fn(&Role) -> bool, &'static str);

const ATTRIBUTES: [Attribute; 5] = [
    (&rules::TENANT_SUPERUSER, |role| role.superuser, "SUPERUSER"),
    (&rules::TENANT_CREATEROLE, |role| role.create_role, "CREATEROLE"),
    (&rules::TENANT_CREATEDB, |role| role.create_database, "CREATEDB"),
    (&rules::TENANT_REPLICATION, |role| role.replication, "REPLICATION"),
    (&rules::TENANT_BYPASSRLS, |role| role.bypass_rls, "BYPASSRLS"),
];

/// Attributes are not inherited, but whoever may become a role has them then.
fn attributes(who: &Who<'_>, findings: &mut Findings) {
    let mut explained = Vec::new();
    for (name, role) in who.live.world.roles() {
        let own = who.tenant_of_role(name);
        let held: Vec<&Attribute> = ATTRIBUTES.iter().filter(|(_, has, _)| has(role)).collect();
        // A superuser has all the others as well.
        let Some((rule, _, word)) = held.first() else {
            continue;
        };
        let all = if own.is_some() && !role.superuser {
            &held[..]
        } else {
            &held[..1]
        };
        if let Some(tenant) = own {
            for (rule, _, word) in all {
                let message = format!("{name} has {word}");
                findings.add(
                    Finding::new(rule, format!("role.{name}"), message)
                        .tenant(Some(tenant))
                        .reacher(Some(tenant))
                        .path(vec![name.to_string(), (*word).to_owned()])
                        .remedy(format!("ALTER ROLE {} NO{word}", quote_identifier(name))),
                );
            }
            continue;
        }
        let reach = who.graph.reach(name, &[Way::CanGet], |at| who.is_inherent(at));
        for (member, way) in reach.roles() {
            let Some(tenant) = who.tenant_of_role(member) else {
                continue;
            };
            let rows = reach.rows(member, way);
            if findings.explained(&rows) || power(name).is_some() && name != "rdsadmin" {
                continue;
            }
            let mut path = reach.path(member, way);
            path.push((*word).to_owned());
            let message = format!("{member} may become {name}, which has {word}");
            findings.add(
                membership(rule, &rows, message)
                    .tenant(Some(tenant))
                    .reacher(Some(tenant))
                    .path(path),
            );
            explained.extend(rows);
        }
    }
    findings.explain(&explained);
}

/// A finding about the membership that a path begins with.
fn membership(rule: &'static Rule, rows: &[&MembershipRow], message: String) -> Finding {
    let Some(row) = rows.first() else {
        return Finding::new(rule, String::new(), message);
    };
    let statement = format!(
        "REVOKE {} FROM {}",
        quote_identifier(&row.role),
        quote_identifier(&row.member)
    );
    Finding::new(rule, format!("membership.{}/{}", row.role, row.member), message).remedy(statement)
}

fn powerful(who: &Who<'_>, findings: &mut Findings) {
    let mut explained = Vec::new();
    for (name, severity) in POWERFUL {
        // What a powerful role comes to, its members come to: one finding says so.
        let stop = |at: &str| power(at).is_some() || who.is_inherent(at);
        let reach = who.graph.reach(name, &[Way::Has, Way::CanGet], stop);
        let mut groups: BTreeMap<&str, Vec<(&str, Way)>> = BTreeMap::new();
        for (member, way) in reach
            .roles()
            .filter(|(member, _)| who.tenant_of_role(member).is_some())
        {
            let rows = reach.rows(member, way);
            if !findings.explained(&rows) {
                let through = rows.first().map_or("", |row| row.role.as_str());
                groups.entry(through).or_default().push((member, way));
                explained.extend(rows);
            }
        }
        for members in groups.values() {
            let Some((member, way)) = members.first().copied() else {
                continue;
            };
            let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "{} ({}) {} of {name}",
                count(names.len(), "tenant role", "tenant roles"),
                some(&names),
                if names.len() == 1 {
                    "is a member"
                } else {
                    "are members"
                },
            );
            let mut finding = membership(&rules::POWERFUL_MEMBERSHIP, &reach.rows(member, way), message)
                .severity(severity)
                .tenant(who.tenant_of_role(member))
                .path(reach.path(member, way));
            let tenants = members.iter().filter_map(|(name, _)| who.tenant_of_role(name));
            finding.reachers = tenants.cloned().collect();
            findings.add(finding);
        }
    }
    findings.explain(&explained);
}

/// RDS reads `rds_iam` through any chain of memberships, whatever their options.
fn iam_login(who: &Who<'_>, findings: &mut Findings) {
    let Some(group) = who.desired.capabilities.iam_login_role else {
        return;
    };
    let stop = |at: &str| power(at).is_some() || who.is_inherent(at);
    let reach = who.graph.reach(group, &[Way::CanGet], stop);
    for (id, tenant) in &who.desired.tenants {
        let name = tenant.names.role.as_str();
        let Some(role) = who.live.world.role(name) else {
            continue;
        };
        let way = reach.way(name);
        let about = |rule, message| Finding::new(rule, format!("role.{name}"), message).tenant(Some(id));
        let quoted = quote_identifier(name);
        match (&tenant.login, way) {
            (Login::Iam { .. }, None) => findings.add(
                about(
                    &rules::IAM_LOGIN_MISSING,
                    format!("{name} is no member of {group}"),
                )
                .remedy(format!("GRANT {group} TO {quoted}")),
            ),
            (Login::Iam { .. }, Some(_)) if role.password == Password::Set => findings.add(
                about(
                    &rules::IAM_BESIDE_PASSWORD,
                    format!("{name} has a password beside {group}"),
                )
                .remedy(format!("ALTER ROLE {quoted} PASSWORD NULL")),
            ),
            (Login::Password, Some(way)) => {
                let rows = reach.rows(name, way);
                let message = format!("{name} logs in by password and is a member of {group}");
                let path = reach.path(name, way);
                findings.explain(&rows);
                findings.add(
                    membership(&rules::IAM_LOGIN_UNDECLARED, &rows, message)
                        .tenant(Some(id))
                        .path(path),
                );
            }
            _ => {}
        }
    }
}

/// Memberships of tenants' roles that neither the file asks for nor another finding has named.
fn beyond_declared(who: &Who<'_>, findings: &mut Findings) {
    for row in &who.live.memberships {
        let Some(tenant) = who.tenant_of_role(&row.member) else {
            continue;
        };
        let address = Address::Membership {
            role: row.role.clone(),
            member: row.member.clone(),
        };
        let foreign = who.desired_tenant(tenant).is_none();
        let iam = who.desired.capabilities.iam_login_role == Some(row.role.as_str());
        let declared = who.desired.world.contains(&address) || foreign && iam;
        if declared && !row.admin_option || !declared && findings.explained(&[row]) {
            continue;
        }
        let message = if declared {
            format!("{} may grant {} to others", row.member, row.role)
        } else {
            format!("{} is a member of {}", row.member, row.role)
        };
        let path = vec![row.member.to_string(), format!("{} ({})", row.role, options(row))];
        let finding = membership(&rules::MEMBERSHIP_BEYOND, &[row], message)
            .tenant(Some(tenant))
            .path(path);
        findings.add(if declared {
            let (role, member) = (quote_identifier(&row.role), quote_identifier(&row.member));
            finding.remedy(format!("REVOKE ADMIN OPTION FOR {role} FROM {member}"))
        } else {
            finding
        });
    }
}

/// Tenants whose access was taken away.
fn no_login(who: &Who<'_>, findings: &mut Findings) {
    for (name, _, tenant) in who.tenant_roles().filter(|(_, role, _)| role.login) {
        let why = match who.desired_tenant(tenant) {
            Some(desired) if desired.suspended => "is suspended",
            Some(_) => continue,
            // Another workspace's tenants are in another file.
            None if tenant.as_str().contains('/') => continue,
            None => "has left the file",
        };
        let message = format!("{name} can log in, and tenant {tenant} {why}");
        findings.add(
            Finding::new(&rules::SHOULD_NOT_LOGIN, format!("role.{name}"), message)
                .tenant(Some(tenant))
                .remedy(format!("ALTER ROLE {} NOLOGIN", quote_identifier(name))),
        );
    }
}

fn parameters(who: &Who<'_>, findings: &mut Findings) {
    for grant in &who.evidence.parameters {
        let tenant: Option<&TenantId> = who.tenant_of_grantee(&grant.grantee);
        if tenant.is_none() && grant.grantee != Grantee::Public {
            continue;
        }
        let (parameter, grantee, privilege) = (&grant.parameter, &grant.grantee, &grant.privilege);
        let name = match grantee {
            Grantee::Public => "PUBLIC".to_owned(),
            Grantee::Role(role) => quote_identifier(role),
        };
        let message = format!("{grantee} holds {privilege} on parameter {parameter}");
        let mut finding = Finding::new(
            &rules::PARAMETER_GRANTED,
            format!("parameter.{parameter}/{grantee}"),
            message,
        )
        .tenant(tenant)
        .reacher(tenant)
        .remedy(format!("REVOKE {privilege} ON PARAMETER {parameter} FROM {name}"));
        finding.everyone = tenant.is_none();
        findings.add(finding);
    }
}

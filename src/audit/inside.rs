//! What is inside databases, and opens them to others or leads out of them.

use std::collections::BTreeSet;

use super::finding::{Finding, Findings, Severity};
use super::rules::{self, Rule};
use super::who::Who;
use crate::address::{Grantee, TenantId};
use crate::model::quote::quote_identifier;
use crate::model::{Fact, FactKind, RoleSetting};

/// Extensions that reach out of their database, and how.
const REACHING_OUT: [(&str, &str); 19] = [
    ("adminpack", "reads and writes files of the server"),
    ("aws_lambda", "calls functions with the cluster's IAM role"),
    ("aws_ml", "calls services with the cluster's IAM role"),
    ("aws_s3", "reads and writes buckets with the cluster's IAM role"),
    ("dblink", "connects to other databases and hosts"),
    ("file_fdw", "reads files of the server"),
    ("http", "calls other hosts"),
    ("log_fdw", "reads the server's log"),
    ("mysql_fdw", "connects to other hosts"),
    ("oracle_fdw", "connects to other hosts"),
    ("pageinspect", "reads pages of tables past their grants"),
    ("pg_cron", "runs statements in other databases"),
    ("pg_net", "calls other hosts"),
    ("pg_tle", "installs extensions that no file knows"),
    ("pglogical", "replicates to and from other databases"),
    ("pgsql_http", "calls other hosts"),
    ("plproxy", "connects to other databases"),
    ("postgres_fdw", "connects to other databases and hosts"),
    ("tds_fdw", "connects to other hosts"),
];

/// Adds what is wrong inside databases.
pub(super) fn check(who: &Who<'_>, findings: &mut Findings) {
    for (database, facts) in &who.evidence.inside {
        let inside = Inside {
            who,
            database,
            owner: who.tenant_of_database(database),
            writable: writable(who, facts),
        };
        for fact in facts {
            if let Some(finding) = inside.judge(fact) {
                findings.add(finding);
            }
        }
    }
}

/// Schemas in which PUBLIC or a tenant may create: what is found there may be planted.
fn writable<'a>(who: &Who<'_>, facts: &'a [Fact]) -> BTreeSet<&'a str> {
    let creates = facts
        .iter()
        .filter(|fact| fact.kind == FactKind::Schema && fact.privilege == "CREATE");
    creates
        .filter(|fact| match &fact.grantee {
            Some(Grantee::Public) => true,
            Some(grantee) => who.tenant_of_grantee(grantee).is_some(),
            None => false,
        })
        .map(|fact| fact.name.as_str())
        .collect()
}

struct Inside<'w, 'a> {
    who: &'w Who<'a>,
    database: &'w str,
    owner: Option<&'w TenantId>,
    writable: BTreeSet<&'w str>,
}

/// As SQL names a grantee.
fn quoted(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Public => "PUBLIC".to_owned(),
        Grantee::Role(role) => quote_identifier(role),
    }
}

impl Inside<'_, '_> {
    fn judge(&self, fact: &Fact) -> Option<Finding> {
        match fact.kind {
            FactKind::Schema => self.schema(fact),
            FactKind::DefinerFunction => self.definer(fact),
            FactKind::UntrustedLanguage => {
                let message = format!(
                    "untrusted language {} is installed in database {}",
                    fact.name, self.database
                );
                let statement = format!("DROP LANGUAGE {}", quote_identifier(&fact.name));
                Some(self.finding(
                    &rules::UNTRUSTED_LANGUAGE,
                    "language",
                    &fact.name,
                    message,
                    &statement,
                ))
            }
            FactKind::Extension => self.extension(fact),
            FactKind::Server => {
                let message = format!(
                    "foreign server {} ({}) of {} leads out of database {}",
                    fact.name, fact.detail, fact.owner, self.database
                );
                let statement = format!("DROP SERVER {} CASCADE", quote_identifier(&fact.name));
                Some(self.finding(
                    &rules::FOREIGN_SERVER,
                    "foreign_server",
                    &fact.name,
                    message,
                    &statement,
                ))
            }
            FactKind::ServerGrant => self.foreign_usage(fact, "foreign server", "FOREIGN SERVER"),
            FactKind::WrapperGrant => {
                self.foreign_usage(fact, "foreign-data wrapper", "FOREIGN DATA WRAPPER")
            }
            FactKind::UserMapping => self.user_mapping(fact),
            FactKind::DefaultGrant => self.default_grant(fact),
            FactKind::EventTrigger => self.event_trigger(fact),
        }
    }

    fn finding(
        &self,
        rule: &'static Rule,
        kind: &str,
        name: &str,
        message: String,
        statement: &str,
    ) -> Finding {
        let subject = format!("{kind}.{}/{name}", self.database);
        Finding::new(rule, subject, message)
            .tenant(self.owner)
            .database(self.database)
            .remedy(format!("in {}: {statement}", self.database))
    }

    /// The tenant that a grantee is, if this is not its own database.
    fn stranger(&self, grantee: &Grantee) -> Option<&TenantId> {
        self.who
            .tenant_of_grantee(grantee)
            .filter(|tenant| Some(*tenant) != self.owner)
    }

    fn schema(&self, fact: &Fact) -> Option<Finding> {
        let grantee = fact.grantee.as_ref()?;
        let schema = quote_identifier(&fact.name);
        let place = format!("schema {} of database {}", fact.name, self.database);
        let privilege = fact.privilege.as_str();
        let name = format!("{}/{grantee}", fact.name);
        let statement = format!("REVOKE {privilege} ON SCHEMA {schema} FROM {}", quoted(grantee));
        let made = |rule, message: String| self.finding(rule, "schema_grant", &name, message, &statement);
        if *grantee == Grantee::Public {
            let message = format!("PUBLIC holds {privilege} in {place}");
            let mut finding = match (privilege, self.owner) {
                ("CREATE", _) => made(&rules::SCHEMA_CREATE_PUBLIC, message),
                // Where no tenant gets in, and Postgres grants it by itself.
                (_, None) => return None,
                _ => made(&rules::SCHEMA_USAGE_PUBLIC, message),
            };
            finding.everyone = true;
            return Some(finding);
        }
        if let Some(tenant) = self.stranger(grantee) {
            let message = format!("{grantee} holds {privilege} in {place}");
            return Some(made(&rules::SCHEMA_OF_ANOTHER, message).reacher(Some(tenant)));
        }
        let tenant = self.who.tenant_of_grantee(grantee)?;
        if !fact.grantable {
            return None;
        }
        let message = format!("{grantee} may pass {privilege} in {place} on");
        let statement = format!(
            "REVOKE GRANT OPTION FOR {privilege} ON SCHEMA {schema} FROM {} CASCADE",
            quoted(grantee)
        );
        Some(
            self.finding(&rules::GRANT_OPTION, "schema_grant", &name, message, &statement)
                .severity(Severity::Low)
                .reacher(Some(tenant)),
        )
    }

    fn definer(&self, fact: &Fact) -> Option<Finding> {
        // What a tenant makes in its own database runs with its own rights.
        if self.owner.is_some() && self.who.tenant_of_role(&fact.owner) == self.owner {
            return None;
        }
        let path = RoleSetting::new("search_path", &fact.detail).values;
        let unsafe_schema = path
            .iter()
            .find(|schema| *schema == "$user" || self.writable.contains(schema.as_str()));
        let how = match unsafe_schema {
            _ if fact.detail.is_empty() => "pins no search_path".to_owned(),
            Some(schema) => format!("pins a search_path with {schema}, where others may create"),
            None => return None,
        };
        let callers = if fact.grantee.is_some() {
            "everybody may call it"
        } else {
            "some may call it"
        };
        let message = format!(
            "function {} of database {} runs as {} and {how}; {callers}",
            fact.name, self.database, fact.owner
        );
        let statement = format!(
            "ALTER FUNCTION {} SET search_path = pg_catalog, pg_temp",
            fact.name
        );
        let severity = match (self.owner, &fact.grantee) {
            (Some(_), Some(_)) => Severity::High,
            (None, None) => Severity::Low,
            _ => Severity::Medium,
        };
        let finding = self.finding(
            &rules::DEFINER_FUNCTION,
            "function",
            &fact.name,
            message,
            &statement,
        );
        Some(finding.severity(severity))
    }

    fn extension(&self, fact: &Fact) -> Option<Finding> {
        let (_, how) = REACHING_OUT.iter().find(|(name, _)| *name == fact.name)?;
        let declared = crate::address::Address::Extension {
            database: self.database.into(),
            name: fact.name.as_str().into(),
        };
        let asked_for = self.who.desired.world.contains(&declared);
        let message = format!("extension {} of database {} {how}", fact.name, self.database);
        let message = if asked_for {
            format!("{message}; the file asks for it")
        } else {
            message
        };
        let statement = format!("DROP EXTENSION {}", quote_identifier(&fact.name));
        let severity = if asked_for {
            Severity::Low
        } else {
            Severity::Medium
        };
        let finding = self.finding(
            &rules::EXTENSION_REACHES_OUT,
            "extension",
            &fact.name,
            message,
            &statement,
        );
        Some(finding.severity(severity))
    }

    fn foreign_usage(&self, fact: &Fact, what: &str, keyword: &str) -> Option<Finding> {
        let grantee = fact.grantee.as_ref()?;
        let tenant = self.who.tenant_of_grantee(grantee);
        if tenant.is_none() && *grantee != Grantee::Public {
            return None;
        }
        let message = format!(
            "{grantee} may use {what} {} of database {}",
            fact.name, self.database
        );
        let statement = format!(
            "REVOKE USAGE ON {keyword} {} FROM {}",
            quote_identifier(&fact.name),
            quoted(grantee)
        );
        let name = format!("{}/{grantee}", fact.name);
        let kind = what.replace([' ', '-'], "_");
        let finding = self.finding(&rules::FOREIGN_USAGE, &kind, &name, message, &statement);
        Some(finding.reacher(tenant))
    }

    fn user_mapping(&self, fact: &Fact) -> Option<Finding> {
        let grantee = fact.grantee.as_ref()?;
        let tenant = self.who.tenant_of_grantee(grantee);
        if tenant.is_none() && *grantee != Grantee::Public {
            return None;
        }
        let message = format!(
            "{grantee} has credentials for foreign server {} of database {}",
            fact.name, self.database
        );
        let statement = format!(
            "DROP USER MAPPING FOR {} SERVER {}",
            quoted(grantee),
            quote_identifier(&fact.name)
        );
        let name = format!("{}/{grantee}", fact.name);
        let finding = self.finding(&rules::USER_MAPPING, "user_mapping", &name, message, &statement);
        Some(finding.reacher(tenant))
    }

    fn default_grant(&self, fact: &Fact) -> Option<Finding> {
        let grantee = fact.grantee.as_ref()?;
        let stranger = self.stranger(grantee);
        if stranger.is_none() && *grantee != Grantee::Public {
            return None;
        }
        let (owner, kind, privilege) = (&fact.owner, &fact.detail, &fact.privilege);
        let (place, clause) = match fact.name.as_str() {
            "" => (String::new(), String::new()),
            schema => (
                format!(" in schema {schema}"),
                format!(" IN SCHEMA {}", quote_identifier(schema)),
            ),
        };
        let message = format!(
            "{grantee} will hold {privilege} on {kind} that {owner} creates{place} in database {}",
            self.database
        );
        let statement = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {}{clause} REVOKE {privilege} ON {} FROM {}",
            quote_identifier(owner),
            kind.to_uppercase(),
            quoted(grantee)
        );
        let name = format!("{owner}/{kind}/{grantee}");
        let own = self.owner.is_some() && self.who.tenant_of_role(owner) == self.owner;
        let severity = if own && stranger.is_none() {
            Severity::Low
        } else {
            Severity::Medium
        };
        let mut finding = self
            .finding(
                &rules::DEFAULT_PRIVILEGES,
                "default_privilege",
                &name,
                message,
                &statement,
            )
            .severity(severity)
            .reacher(stranger);
        finding.everyone = stranger.is_none();
        Some(finding)
    }

    fn event_trigger(&self, fact: &Fact) -> Option<Finding> {
        let tenant = self.who.tenant_of_role(&fact.owner)?;
        let message = format!(
            "event trigger {} of database {} runs a function of {} on {}",
            fact.name, self.database, fact.owner, fact.detail
        );
        let statement = format!("DROP EVENT TRIGGER {}", quote_identifier(&fact.name));
        let finding = self.finding(
            &rules::EVENT_TRIGGER,
            "event_trigger",
            &fact.name,
            message,
            &statement,
        );
        Some(finding.reacher(Some(tenant)))
    }
}

//! From a configuration and the facts of its cluster to everything it asks for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::naming::{self, TenantNames};
use super::{Builder, Desired, DesiredTenant, Elsewhere, Login, access, database};
use crate::address::{Name, TenantId};
use crate::config::{AdminAuth, Cluster, Config, Tenant, TenantState};
use crate::diag::Diagnostic;
use crate::model::{ClusterFacts, Digest, World};

/// Lowers every tenant of a configuration, all of which are on the one cluster. The configuration has passed [`super::lint`]; what is checked here needs the cluster's facts.
///
/// # Errors
/// Every tenant that cannot live on this cluster, with its place in the file.
pub fn compile(config: &Config, cluster: &Cluster, facts: &ClusterFacts) -> Result<Desired, Vec<Diagnostic>> {
    let Some(capabilities) = cluster.engine.value.capabilities() else {
        return Err(vec![
            Diagnostic::error("engine_not_built", "this engine is not built yet").at(cluster.engine.span),
        ]);
    };
    let admin = cluster.admin.username.as_ref();
    let admin = Name::from(admin.unwrap_or(&facts.master_username));
    let readers: BTreeSet<Name> = (cluster.readers.iter())
        .map(|reader| Name::from(&reader.value))
        .collect();
    let mut builder = Builder {
        facts,
        admin: &admin,
        readers: &readers,
        capabilities,
        objects: Vec::new(),
    };
    let mut problems = Vec::new();
    let mut tenants = BTreeMap::new();
    for (id, tenant) in &config.tenants {
        let names = naming::compose(&config.naming, tenant);
        problems.extend(check(tenant, &names, &admin, facts));
        access::lower(&mut builder, tenant, &names);
        database::lower(&mut builder, tenant, &names);
        tenants.insert(id.clone(), summary(tenant, names, facts));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut objects = builder.objects;
    objects.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    // As in a map, the last one stays, if two tenants were to get one address; `lint` refuses such files.
    objects.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            std::mem::swap(later, first);
        }
        same
    });
    let owners = objects.iter().map(|(.., tenant)| tenant.clone()).collect();
    let world = objects
        .into_iter()
        .map(|(address, object, _)| (address, object))
        .collect();
    let digest = digest(config, cluster, facts, &admin, &world);
    Ok(Desired {
        workspace: config.workspace.as_str().into(),
        facts: facts.clone(),
        capabilities,
        admin,
        admin_database: cluster.admin.database.clone(),
        readers,
        admin_by_password: cluster.admin.auth != AdminAuth::Iam,
        world,
        owners,
        tenants,
        naming: config.naming.clone(),
        moves: naming::final_names(config),
        shared_databases: cluster.shared_databases,
        elsewhere: Elsewhere::default(),
        digest,
    })
}

fn check(tenant: &Tenant, names: &TenantNames, admin: &str, facts: &ClusterFacts) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if tenant.rds_iam_auth && !facts.iam_enabled {
        problems.push(
            Diagnostic::error(
                "iam_authentication_off",
                format!(
                    "tenant \"{}\" logs in by IAM, but cluster \"{}\" has IAM database authentication off",
                    tenant.id, facts.identifier
                ),
            )
            .at(tenant.span)
            .help(format!(
                "turn it on: aws rds modify-db-cluster --region {} --db-cluster-identifier {} \
                 --enable-iam-database-authentication --apply-immediately",
                facts.region, facts.identifier
            )),
        );
    }
    if names.role.eq_ignore_ascii_case(admin) {
        problems.push(
            Diagnostic::error(
                "reserved_name",
                format!(
                    "tenant \"{}\" would take the login role \"{admin}\", which administers the cluster",
                    tenant.id
                ),
            )
            .at(tenant.span)
            .help("choose another name for the tenant"),
        );
    }
    problems
}

fn summary(tenant: &Tenant, names: TenantNames, facts: &ClusterFacts) -> DesiredTenant {
    let login = if tenant.rds_iam_auth {
        Login::Iam {
            role_arn: access::role_arn(facts, &names.iam_role).into(),
            networks: tenant.allowed_ips.iter().copied().collect(),
        }
    } else {
        Login::Password
    };
    let databases = names
        .databases
        .iter()
        .filter(|(logical, _)| {
            tenant
                .databases
                .get(logical.as_str())
                .is_some_and(|wanted| wanted.value)
        })
        .map(|(_, name)| name.clone())
        .collect();
    DesiredTenant {
        names,
        login,
        suspended: tenant.state == TenantState::Suspended,
        databases,
        deletion_policy: tenant.deletion_policy,
        recipient: tenant
            .handover
            .as_ref()
            .map(|handover| handover.recipient.clone()),
    }
}

/// Over the meaning, not the text: object by object, plus what steers the diff without being an object.
fn digest<'a>(
    config: &'a Config,
    cluster: &'a Cluster,
    facts: &'a ClusterFacts,
    admin: &'a str,
    world: &'a World,
) -> Digest {
    let tenants = config.tenants.iter();
    let unwanted = |tenant: &'a Tenant| -> Vec<&'a str> {
        let names = tenant.databases.iter().filter(|(_, wanted)| !wanted.value);
        names.map(|(name, _)| name.as_str()).collect()
    };
    Digest::of(&Meaning {
        workspace: &config.workspace,
        cluster: &facts.resource_id,
        admin,
        admin_database: &cluster.admin.database,
        shared_databases: format!("{:?}", cluster.shared_databases),
        objects: world,
        readers: cluster
            .readers
            .iter()
            .map(|reader| reader.value.as_str())
            .collect(),
        recipients: (tenants.clone())
            .filter_map(|(id, tenant)| Some((id, tenant.handover.as_ref()?.recipient.as_str())))
            .collect(),
        unwanted: (tenants.clone())
            .map(|(id, tenant)| (id, unwanted(tenant)))
            .collect(),
        deletion_policies: tenants
            .map(|(id, tenant)| (id, tenant.deletion_policy.as_str()))
            .collect(),
        moves: naming::final_names(config),
    })
}

/// What a digest is made of, borrowed: nothing of it is copied.
#[derive(Serialize)]
struct Meaning<'a> {
    workspace: &'a str,
    cluster: &'a str,
    admin: &'a str,
    admin_database: &'a str,
    shared_databases: String,
    objects: &'a World,
    readers: BTreeSet<&'a str>,
    recipients: BTreeMap<&'a TenantId, &'a str>,
    unwanted: BTreeMap<&'a TenantId, Vec<&'a str>>,
    deletion_policies: BTreeMap<&'a TenantId, &'a str>,
    moves: BTreeMap<TenantId, TenantId>,
}

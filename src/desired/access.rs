//! How a tenant logs in: an IAM role that only works from its addresses, or a password.

use super::Builder;
use super::naming::TenantNames;
use crate::address::Address;
use crate::config::{Tenant, TenantState};
use crate::model::iam::{ASSUME_ROLE_POLICY, CONNECT_POLICY};
use crate::model::{
    AccessKey, ClusterFacts, IamRole, IamUser, KeyStatus, Membership, Object, Password, PolicyDocument, Role,
    RoleSetting, policy,
};

/// The path of the IAM objects we make.
pub(super) const IAM_PATH: &str = "/";

/// The ARN of a tenant's IAM role.
pub fn role_arn(facts: &ClusterFacts, role: &str) -> String {
    policy::role_arn(&facts.partition, &facts.account, IAM_PATH, role)
}

/// Adds the login role and, for a tenant that logs in by IAM, its identity there.
pub(crate) fn lower(builder: &mut Builder<'_>, tenant: &Tenant, names: &TenantNames) {
    lower_role(builder, tenant, names);
    if tenant.rds_iam_auth {
        lower_iam(builder, tenant, names);
    }
}

fn lower_role(builder: &mut Builder<'_>, tenant: &Tenant, names: &TenantNames) {
    let password = match (tenant.rds_iam_auth, &tenant.handover) {
        (true, _) => Password::None,
        (false, Some(_)) => Password::Set,
        (false, None) => Password::Unknown,
    };
    let role = Role {
        login: tenant.state == TenantState::Active,
        superuser: false,
        create_database: false,
        create_role: false,
        replication: false,
        bypass_rls: false,
        connection_limit: tenant.connection_limit,
        password,
    };
    builder.add(
        tenant,
        Address::Role {
            name: names.role.clone(),
        },
        Object::Role(role),
    );
    for (name, value) in &tenant.settings {
        let address = Address::RoleSetting {
            role: names.role.clone(),
            name: name.as_str().into(),
        };
        builder.add(
            tenant,
            address,
            Object::RoleSetting(RoleSetting::new(name, value)),
        );
    }
    if let (true, Some(group)) = (tenant.rds_iam_auth, builder.capabilities.iam_login_role) {
        let address = Address::Membership {
            role: group.into(),
            member: names.role.clone(),
        };
        builder.add(tenant, address, Object::Membership(Membership::default()));
    }
}

fn lower_iam(builder: &mut Builder<'_>, tenant: &Tenant, names: &TenantNames) {
    let facts = builder.facts;
    let suspended = tenant.state == TenantState::Suspended;
    let user_arn = policy::user_arn(&facts.partition, &facts.account, IAM_PATH, &names.iam_user);
    let role_arn = role_arn(facts, &names.iam_role);
    let trust = if suspended {
        PolicyDocument::trust_denied(&user_arn)
    } else {
        PolicyDocument::trust(&user_arn, &tenant.allowed_ips)
    };
    let connect = PolicyDocument::rds_connect(&policy::database_user_arn(
        &facts.partition,
        &facts.region,
        &facts.account,
        &facts.resource_id,
        &names.role,
    ));
    let user = names.iam_user.clone();
    let role = names.iam_role.clone();
    builder.add(
        tenant,
        Address::IamUser { name: user.clone() },
        Object::IamUser(IamUser {
            path: IAM_PATH.into(),
        }),
    );
    builder.add(
        tenant,
        Address::IamUserPolicy {
            user: user.clone(),
            name: ASSUME_ROLE_POLICY.into(),
        },
        Object::Policy(PolicyDocument::assume_role(&role_arn)),
    );
    builder.add(
        tenant,
        Address::IamRole { name: role.clone() },
        Object::IamRole(IamRole {
            path: IAM_PATH.into(),
            trust,
        }),
    );
    builder.add(
        tenant,
        Address::IamRolePolicy {
            role,
            name: CONNECT_POLICY.into(),
        },
        Object::Policy(connect),
    );
    if tenant.handover.is_some() {
        let status = if suspended {
            KeyStatus::Inactive
        } else {
            KeyStatus::Active
        };
        builder.add(
            tenant,
            Address::IamAccessKey { user, id: None },
            Object::AccessKey(AccessKey { id: None, status }),
        );
    }
}

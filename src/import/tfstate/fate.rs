//! What becomes of each resource of a state.

use std::collections::{BTreeMap, BTreeSet};

use super::format::Attributes;
use super::{Resource, State};
use crate::desired::naming::fill;
use crate::import::Draft;
use crate::model::iam::{ASSUME_ROLE_POLICY, CONNECT_POLICY};
use crate::model::{PolicyDocument, policy};

/// Addresses of a state, by what becomes of them, each with the number of its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// tenantctl's from now on: Terraform has to forget them, or it would delete them with their module.
    pub taken_over: Vec<(usize, String)>,
    /// Policies that say what tenantctl's own say. Terraform may delete them once tenantctl has written its own.
    pub doubled: Vec<(usize, String)>,
    /// What hangs on a tenant and is not tenantctl's business: it goes if it leaves the configuration.
    pub beside: Vec<(usize, String)>,
    /// Everything else, counted by type.
    pub others: BTreeMap<String, usize>,
}

enum Fate {
    TakenOver,
    Doubled,
    Beside,
    Other,
}

/// The names of what the tenants of a file are made of.
#[derive(Default)]
struct Ours {
    iam_users: BTreeSet<String>,
    iam_roles: BTreeSet<String>,
    roles: BTreeSet<String>,
    databases: BTreeSet<String>,
    /// What tenantctl's own policies say.
    documents: BTreeSet<String>,
    /// ARNs of managed policies that say the same.
    doubled: BTreeSet<String>,
}

/// Sorts the resources of a state by what a draft takes of it.
pub fn fates(state: &State, draft: &Draft) -> Fates {
    let ours = Ours::of(state, draft);
    let mut fates = Fates::default();
    for resource in &state.resources {
        let at = (resource.file, resource.address.clone());
        match ours.fate(resource) {
            Fate::TakenOver => fates.taken_over.push(at),
            Fate::Doubled => fates.doubled.push(at),
            Fate::Beside => fates.beside.push(at),
            Fate::Other => *fates.others.entry(resource.kind.clone()).or_default() += 1,
        }
    }
    for list in [&mut fates.taken_over, &mut fates.doubled, &mut fates.beside] {
        list.sort();
    }
    fates
}

impl Ours {
    fn of(state: &State, draft: &Draft) -> Self {
        let mut ours = Self::default();
        let facts = &state.facts;
        let mut documents = Vec::new();
        for (id, tenant) in &draft.tenants {
            let id = id.as_str();
            let role = fill(&draft.naming.role, id, "");
            let databases = tenant.databases.keys();
            ours.databases
                .extend(databases.map(|logical| fill(&draft.naming.database, id, logical)));
            if tenant.rds_iam_auth {
                let (user, iam_role) = (
                    fill(&draft.naming.iam_user, id, ""),
                    fill(&draft.naming.iam_role, id, ""),
                );
                let arn = policy::role_arn(&facts.partition, &facts.account, "/", &iam_role);
                documents.push(PolicyDocument::assume_role(&arn));
                documents.push(PolicyDocument::rds_connect(&policy::database_user_arn(
                    &facts.partition,
                    &facts.region,
                    &facts.account,
                    &facts.resource_id,
                    &role,
                )));
                ours.iam_users.insert(user);
                ours.iam_roles.insert(iam_role);
            }
            ours.roles.insert(role);
        }
        ours.documents = documents.iter().map(PolicyDocument::to_json).collect();
        let managed = state
            .resources
            .iter()
            .filter(|resource| resource.kind == "aws_iam_policy");
        for Resource { attributes, .. } in managed {
            if ours.says_the_same(attributes) {
                ours.doubled.insert(attributes.arn().to_owned());
            }
        }
        ours
    }

    fn fate(&self, resource: &Resource) -> Fate {
        let of = &resource.attributes;
        let taken_if = |ours: bool| if ours { Fate::TakenOver } else { Fate::Other };
        match resource.kind.as_str() {
            "aws_iam_user" => taken_if(self.iam_users.contains(of.name())),
            "aws_iam_role" => taken_if(self.iam_roles.contains(of.name())),
            "aws_iam_access_key" => taken_if(self.iam_users.contains(of.user())),
            "postgresql_role" => taken_if(self.roles.contains(of.name())),
            "postgresql_grant_role" => taken_if(self.roles.contains(of.role())),
            "postgresql_database" => taken_if(self.databases.contains(of.name())),
            // Deleted by Terraform, a grant is revoked, whatever it is on.
            "postgresql_grant" | "postgresql_extension" => taken_if(self.databases.contains(of.database())),
            "aws_iam_user_policy" if self.iam_users.contains(of.user()) => {
                self.inline(of, ASSUME_ROLE_POLICY)
            }
            "aws_iam_role_policy" if self.iam_roles.contains(of.role()) => self.inline(of, CONNECT_POLICY),
            "aws_iam_user_policy_attachment" if self.iam_users.contains(of.user()) => {
                self.attached(of.policy_arn())
            }
            "aws_iam_role_policy_attachment" if self.iam_roles.contains(of.role()) => {
                self.attached(of.policy_arn())
            }
            "aws_iam_policy_attachment" | "aws_iam_policy"
                if self.doubled.contains(of.policy_arn()) || self.doubled.contains(of.arn()) =>
            {
                Fate::Doubled
            }
            "postgresql_schema" | "postgresql_default_privileges" | "postgresql_function"
                if self.databases.contains(of.database()) =>
            {
                Fate::Beside
            }
            _ => Fate::Other,
        }
    }

    fn says_the_same(&self, policy: &Attributes) -> bool {
        let says = PolicyDocument::decode(policy.policy()).map(|document| document.to_json());
        says.is_ok_and(|says| self.documents.contains(&says))
    }

    fn attached(&self, arn: &str) -> Fate {
        if self.doubled.contains(arn) {
            Fate::Doubled
        } else {
            Fate::Beside
        }
    }

    /// One of another name stays beside ours.
    fn inline(&self, policy: &Attributes, ours: &str) -> Fate {
        if policy.name() == ours {
            Fate::TakenOver
        } else if self.says_the_same(policy) {
            Fate::Doubled
        } else {
            Fate::Beside
        }
    }
}

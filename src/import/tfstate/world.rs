//! A state as a world, so that the same rules find tenants in it as in what lives.

use std::collections::BTreeMap;

use super::format::Attributes;
use super::{Resource, State};
use crate::address::{Address, Grantee};
use crate::live::Live;
use crate::model::{
    Account, ClusterFacts, Database, DatabaseState, DeletionPolicy, Extension, Grant, Identity, IdentityKind,
    IdentityPolicy, Membership, Object, Password, PolicyDocument, Privilege, Role, RoleSetting,
};

pub(super) fn of(resources: Vec<Resource>) -> State {
    let account = account(&resources);
    let (facts, identifier) = facts(&resources, &account);
    State {
        live: live(&resources),
        account,
        facts,
        identifier,
        resources,
    }
}

fn live(resources: &[Resource]) -> Live {
    let mut live = Live::default();
    for Resource { kind, attributes, .. } in resources {
        match kind.as_str() {
            "postgresql_role" => add_role(&mut live, attributes),
            "postgresql_database" => add_database(&mut live, attributes),
            "postgresql_grant_role" => add_member(&mut live, attributes.grant_role(), attributes.role()),
            "postgresql_extension" => {
                let (database, name) = (attributes.database().to_owned(), attributes.name().to_owned());
                live.world.insert(
                    Address::Extension {
                        database: database.into(),
                        name: name.into(),
                    },
                    Object::Extension(Extension {}),
                );
            }
            _ => {}
        }
    }
    // After the databases, each of which PUBLIC may enter until a grant says otherwise.
    let grants = resources
        .iter()
        .filter(|resource| resource.kind == "postgresql_grant");
    for Resource { attributes, .. } in grants.filter(|grant| grant.attributes.object_type() == "database") {
        let grantee = match attributes.role() {
            "public" => Grantee::Public,
            role => Grantee::Role(role.into()),
        };
        let address = Address::DatabaseGrant {
            database: attributes.database().into(),
            grantee,
        };
        let privileges = privileges(&attributes.privileges());
        live.world
            .insert(address, Object::Grant(Grant::by_owner(&privileges)));
    }
    live
}

fn privileges(words: &[&str]) -> Vec<Privilege> {
    let each = words.iter().map(|word| word.to_ascii_uppercase());
    each.flat_map(|word| match word.as_str() {
        "ALL" => vec![Privilege::Create, Privilege::Connect, Privilege::Temporary],
        word => Privilege::parse(word).into_iter().collect(),
    })
    .collect()
}

fn add_role(live: &mut Live, attributes: &Attributes) {
    let name = attributes.name().to_owned();
    let is = |flag: Option<bool>| flag.unwrap_or(false);
    let role = Role {
        login: is(attributes.login()),
        superuser: is(attributes.superuser()),
        create_database: is(attributes.create_database()),
        create_role: is(attributes.create_role()),
        replication: is(attributes.replication()),
        bypass_rls: is(attributes.bypass_row_level_security()),
        connection_limit: attributes
            .connection_limit()
            .and_then(|limit| i32::try_from(limit).ok()),
        password: Password::Unknown,
    };
    let timeouts = [
        ("statement_timeout", attributes.statement_timeout()),
        (
            "idle_in_transaction_session_timeout",
            attributes.idle_in_transaction_session_timeout(),
        ),
    ];
    let timeouts = timeouts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| *value > 0)?)));
    let mut settings: Vec<_> = timeouts
        .map(|(name, value)| (name, RoleSetting::new(name, &value.to_string())))
        .collect();
    let search_path: Vec<String> = attributes.search_path().into_iter().map(str::to_owned).collect();
    if !search_path.is_empty() {
        settings.push(("search_path", RoleSetting { values: search_path }));
    }
    for (parameter, setting) in settings {
        let address = Address::RoleSetting {
            role: name.as_str().into(),
            name: parameter.into(),
        };
        live.world.insert(address, Object::RoleSetting(setting));
    }
    for group in attributes.roles() {
        add_member(live, group, &name);
    }
    live.world
        .insert(Address::Role { name: name.into() }, Object::Role(role));
}

fn add_member(live: &mut Live, role: &str, member: &str) {
    let (role, member) = (role.to_owned(), member.to_owned());
    live.world.insert(
        Address::Membership {
            role: role.into(),
            member: member.into(),
        },
        Object::Membership(Membership::default()),
    );
}

fn add_database(live: &mut Live, attributes: &Attributes) {
    let name = attributes.name().to_owned();
    let state = match attributes.allow_connections() {
        Some(false) => DatabaseState::Closed,
        _ => DatabaseState::Open,
    };
    let database = Database {
        owner: attributes.owner().into(),
        state,
        deletion_policy: DeletionPolicy::default(),
    };
    let public = Address::DatabaseGrant {
        database: name.as_str().into(),
        grantee: Grantee::Public,
    };
    let born_with = Grant::by_owner(&[Privilege::Connect, Privilege::Temporary]);
    live.world.insert(public, Object::Grant(born_with));
    live.world.insert(
        Address::Database { name: name.into() },
        Object::Database(database),
    );
}

/// Documents by the name of whoever they are written on.
type Policies<'a> = BTreeMap<(IdentityKind, &'a str), Vec<(String, Option<&'a str>, &'a str)>>;

fn account(resources: &[Resource]) -> Account {
    let mut unreadable = Vec::new();
    let policies = policies(resources);
    let mut identities = Vec::new();
    for Resource {
        kind,
        attributes,
        address,
        ..
    } in resources
    {
        let kind = match kind.as_str() {
            "aws_iam_user" => IdentityKind::User,
            "aws_iam_role" => IdentityKind::Role,
            _ => continue,
        };
        let mut parse = |what: &str, text: &str| {
            let parsed = PolicyDocument::decode(text);
            parsed
                .inspect_err(|_| unreadable.push(format!("{what} of {address}")))
                .ok()
        };
        let trust = match kind {
            IdentityKind::User => None,
            IdentityKind::Role => parse("trust policy", attributes.assume_role_policy()),
        };
        let own = attributes.inline_policies().into_iter();
        let own = own.map(|(name, document)| (format!("inline policy {name}"), Some(name), document));
        let others = policies
            .get(&(kind, attributes.name()))
            .into_iter()
            .flatten()
            .cloned();
        let mut written = Vec::new();
        for (label, inline, document) in own.chain(others) {
            written.extend(parse(&label, document).map(|document| IdentityPolicy {
                inline: inline.map(str::to_owned),
                label: label.clone(),
                document,
            }));
        }
        identities.push(Identity {
            kind,
            name: attributes.name().to_owned(),
            arn: attributes.arn().to_owned(),
            id: String::new(),
            mark: None,
            policies: written,
            trust,
            boundary: None,
        });
    }
    Account {
        identities,
        unreadable,
    }
}

fn policies(resources: &[Resource]) -> Policies<'_> {
    let managed: BTreeMap<&str, &Attributes> = (resources.iter())
        .filter(|resource| resource.kind == "aws_iam_policy")
        .map(|resource| (resource.attributes.arn(), &resource.attributes))
        .collect();
    let mut policies = Policies::new();
    for Resource { kind, attributes, .. } in resources {
        let (users, roles): (Vec<&str>, Vec<&str>) = match kind.as_str() {
            "aws_iam_user_policy" | "aws_iam_user_policy_attachment" => (vec![attributes.user()], Vec::new()),
            "aws_iam_role_policy" | "aws_iam_role_policy_attachment" => (Vec::new(), vec![attributes.role()]),
            "aws_iam_policy_attachment" => (attributes.users(), attributes.roles()),
            _ => continue,
        };
        let found = match managed.get(attributes.policy_arn()) {
            Some(policy) => (format!("managed policy {}", policy.name()), None, policy.policy()),
            None if attributes.policy().is_empty() => continue,
            None => (
                format!("inline policy {}", attributes.name()),
                Some(attributes.name()),
                attributes.policy(),
            ),
        };
        let users = users.into_iter().map(|name| (IdentityKind::User, name));
        let roles = roles.into_iter().map(|name| (IdentityKind::Role, name));
        for of in users.chain(roles) {
            policies.entry(of).or_default().push(found.clone());
        }
    }
    policies
}

/// The cluster that most policies are about: its facts stand in the ARN of a database user.
fn facts(resources: &[Resource], account: &Account) -> (ClusterFacts, Option<String>) {
    let mut votes: BTreeMap<String, usize> = BTreeMap::new();
    for identity in &account.identities {
        let policies = identity.policies.iter();
        let read: Vec<_> = policies.map(|policy| policy.document.policy()).collect();
        let claims = read.iter().flat_map(|policy| policy.about("rds-db:connect"));
        for resource in claims.filter_map(|claim| claim.exact()).flatten() {
            if let Some((cluster, _)) = resource.rsplit_once('/') {
                *votes.entry(cluster.to_owned()).or_default() += 1;
            }
        }
    }
    let most = votes
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(arn, _)| arn);
    let parts: Vec<&str> = most.as_deref().unwrap_or_default().split(':').collect();
    let part = |index: usize| parts.get(index).copied().unwrap_or_default().to_owned();
    let clusters = || {
        resources
            .iter()
            .filter(|resource| resource.kind == "aws_rds_cluster")
    };
    let of_policies = clusters().find(|cluster| cluster.attributes.cluster_resource_id() == part(6));
    let cluster = of_policies.or_else(|| {
        clusters()
            .next()
            .filter(|_| clusters().count() == 1 && most.is_none())
    });
    let identifier = cluster.map(|cluster| cluster.attributes.cluster_identifier().to_owned());
    let master = cluster.map(|cluster| cluster.attributes.master_username().to_owned());
    let facts = ClusterFacts {
        partition: part(1),
        region: part(3),
        account: part(4),
        resource_id: part(6),
        identifier: identifier.clone().unwrap_or_default(),
        endpoint: String::new(),
        port: 5432,
        master_username: master.unwrap_or_else(|| "postgres".to_owned()),
        iam_enabled: true,
        master_secret_arn: None,
    };
    (facts, identifier)
}

//! The builder of small worlds.

use std::fmt::Write as _;

use tenantctl::address::{Address, Grantee, TenantId};
use tenantctl::config;
use tenantctl::desired::{Desired, compile, lint};
use tenantctl::diff::{Mode, diff};
use tenantctl::live::Live;
use tenantctl::model::{ClusterFacts, DatabaseState, Grant, GrantItem, Grantor, Object, Privilege, Role};
use tenantctl::plan::{Options, Plan, build};
use tenantctl::report::text::{self, Style};

use crate::applied::{applied, empty_cluster};
use crate::simulate::simulate;

/// The administrator of the cluster: no superuser, as on Aurora.
pub const ADMIN: &str = "postgres";

/// A public key that anybody may know; it is the one in age's own manual.
pub const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// Two tenants, one that logs in by IAM and one by password.
pub const TWO: &str = r#"
tenant "client01" {
  databases   = ["db1"]
  allowed_ips = ["203.0.113.7/32", "203.0.113.8/32"]
}

tenant "client02" {
  databases    = ["db1"]
  rds_iam_auth = false
}
"#;

/// The first of the two.
pub const ONE: &str = r#"
tenant "client01" {
  databases   = ["db1"]
  allowed_ips = ["203.0.113.7/32", "203.0.113.8/32"]
}
"#;

/// The same cluster in every test.
pub fn facts() -> ClusterFacts {
    ClusterFacts {
        partition: "aws".into(),
        account: "123456789012".into(),
        region: "eu-central-1".into(),
        identifier: "prod-tenants".into(),
        resource_id: "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ".into(),
        endpoint: "prod-tenants.cluster-abc.eu-central-1.rds.amazonaws.com".into(),
        port: 5432,
        master_username: ADMIN.into(),
        iam_enabled: true,
        master_secret_arn: None,
    }
}

/// Loads, checks and compiles a file; a `cluster` block is added where there is none.
pub fn desired(text: &str) -> Desired {
    let cluster = if text.contains("cluster \"main\"") {
        ""
    } else {
        "cluster \"main\" {\n  identifier = \"prod-tenants\"\n}\n"
    };
    let text = format!("{cluster}{text}");
    let loaded = config::load_texts(&[("tenants.hcl", &text)], &[], &[]);
    let findings = lint::validate(&loaded);
    assert!(
        !findings.has_errors(),
        "{}",
        findings.render(&loaded.sources, tenantctl::diag::Style::default())
    );
    let config = loaded.config().expect("no error");
    let cluster = config.only_cluster().expect("a cluster");
    compile(config, cluster, &facts()).expect("a file that fits the cluster")
}

/// What is asked for and what lives.
pub struct Small {
    pub desired: Desired,
    pub live: Live,
    only: Vec<TenantId>,
    max_removals: Option<usize>,
    mode: Mode,
}

impl Small {
    /// A cluster that nobody has applied anything to.
    pub fn untouched(text: &str) -> Self {
        Self::new(desired(text), empty_cluster(160_004))
    }

    /// A file that was applied to Postgres 16.
    pub fn applied(text: &str) -> Self {
        Self::applied_on(160_004, text)
    }

    /// A file that was applied to a server of a version.
    pub fn applied_on(version: i32, text: &str) -> Self {
        let desired = desired(text);
        let live = applied(&desired, empty_cluster(version));
        Self::new(desired, live)
    }

    fn new(desired: Desired, live: Live) -> Self {
        Self {
            desired,
            live,
            only: Vec::new(),
            max_removals: None,
            mode: Mode::default(),
        }
    }

    /// The file says something else now.
    pub fn asks(mut self, text: &str) -> Self {
        self.desired = desired(text);
        self
    }

    /// Somebody else changed something.
    pub fn edit(mut self, edit: impl FnOnce(&mut Live)) -> Self {
        edit(&mut self.live);
        self
    }

    /// `--tenant`.
    pub fn only(mut self, tenant: &str) -> Self {
        self.only.push(TenantId::new(tenant));
        self
    }

    /// `--max-removals`.
    pub fn max_removals(mut self, limit: usize) -> Self {
        self.max_removals = Some(limit);
        self
    }

    /// `--mode`.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The plan as data.
    pub fn plan(&self) -> Plan {
        let options = Options {
            only: self.only.clone(),
            max_removals: self.max_removals,
            mode: self.mode,
            brief: false,
        };
        let diff = diff(&self.desired, &self.live, &options.scope());
        build(&self.desired, &self.live, &diff, &options)
    }

    /// The plan as a person reads it with `-v`, and its steps in the order they run.
    ///
    /// Carrying it out has to leave nothing to do.
    pub fn shown(&self) -> String {
        let plan = self.plan();
        let after = Self {
            desired: self.desired.clone(),
            live: simulate(&plan, &self.desired, &self.live),
            only: self.only.clone(),
            max_removals: self.max_removals,
            mode: self.mode,
        };
        let second = after.plan();
        assert!(
            second.is_empty(),
            "applied, it would plan again:\n{}\nafter:\n{}",
            shown(&second),
            shown(&plan)
        );
        shown(&plan)
    }
}

/// A plan with its exact statements, and the order of its steps.
pub fn shown(plan: &Plan) -> String {
    let style = Style {
        color: false,
        verbose: true,
    };
    let mut text = text::plan(plan, style);
    if !plan.steps.is_empty() {
        text.push_str("\nin this order:\n");
    }
    for step in &plan.steps {
        let phase = serde_json::to_value(step.phase).expect("a word");
        let phase = phase.as_str().expect("a word").to_owned();
        let address = tenantctl::report::printable(&step.address.to_string());
        let _ = writeln!(text, "  {phase:18} {address}");
    }
    text
}

/// A role as others make it.
pub fn foreign_role(login: bool) -> Role {
    Role {
        login,
        superuser: false,
        create_database: false,
        create_role: false,
        replication: false,
        bypass_rls: false,
        connection_limit: Some(-1),
        password: tenantctl::model::Password::Unknown,
    }
}

pub fn role(name: &str) -> Address {
    Address::Role { name: name.into() }
}

pub fn database(name: &str) -> Address {
    Address::Database { name: name.into() }
}

pub fn iam_user(name: &str) -> Address {
    Address::IamUser { name: name.into() }
}

pub fn iam_role(name: &str) -> Address {
    Address::IamRole { name: name.into() }
}

pub fn membership(role: &str, member: &str) -> Address {
    Address::Membership {
        role: role.into(),
        member: member.into(),
    }
}

pub fn key(user: &str, id: Option<&str>) -> Address {
    Address::IamAccessKey {
        user: user.into(),
        id: id.map(Into::into),
    }
}

pub fn database_grant(database: &str, grantee: Grantee) -> Address {
    Address::DatabaseGrant {
        database: database.into(),
        grantee,
    }
}

pub fn schema_grant(database: &str, grantee: Grantee) -> Address {
    Address::SchemaGrant {
        database: database.into(),
        schema: "public".into(),
        grantee,
    }
}

pub fn to(role: &str) -> Grantee {
    Grantee::Role(role.into())
}

/// A database that PUBLIC may enter, as every new one.
pub fn add_database(live: &mut Live, name: &str, owner: &str) {
    let object = tenantctl::model::Database {
        owner: owner.into(),
        state: DatabaseState::Open,
        deletion_policy: tenantctl::model::DeletionPolicy::Retain,
    };
    live.world.insert(database(name), Object::Database(object));
    grant(
        live,
        database_grant(name, Grantee::Public),
        &[Privilege::Connect, Privilege::Temporary],
    );
    live.locales
        .insert(name.into(), "UTF8 en_US.UTF-8/en_US.UTF-8".into());
}

/// Grants of the owner, in the place of what was there.
pub fn grant(live: &mut Live, address: Address, privileges: &[Privilege]) {
    live.world
        .insert(address, Object::Grant(Grant::by_owner(privileges)));
}

/// One more item on an ACL.
pub fn add_item(live: &mut Live, address: &Address, privilege: Privilege, grantor: Grantor, grantable: bool) {
    let mut grant = match live.world.get(address) {
        Some(Object::Grant(grant)) => grant.clone(),
        _ => Grant::default(),
    };
    grant.items.extend([GrantItem {
        privilege,
        grantor,
        grantable,
    }]);
    live.world.insert(address.clone(), Object::Grant(grant));
}

/// Changes a role.
pub fn alter_role(live: &mut Live, name: &str, alter: impl FnOnce(&mut Role)) {
    let Some(Object::Role(mut changed)) = live.world.remove(&role(name)) else {
        panic!("there is no role {name}")
    };
    alter(&mut changed);
    live.world.insert(role(name), Object::Role(changed));
}

/// Changes a database.
pub fn alter_database(live: &mut Live, name: &str, alter: impl FnOnce(&mut tenantctl::model::Database)) {
    let Some(Object::Database(mut changed)) = live.world.remove(&database(name)) else {
        panic!("there is no database {name}")
    };
    alter(&mut changed);
    live.world.insert(database(name), Object::Database(changed));
}

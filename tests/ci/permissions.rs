//! The policies of `iam-policy`, in force: the proxy before the emulator refuses what they do not allow. Nothing is
//! missing in them, and nothing is in them that no test needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantctl::desired::permissions::{PERMISSIONS, Permission, Purpose};
use tenantctl_testbed::{ClusterSpec, Credentials, Fault, MASTER};

use super::login::Recipient;
use super::site::{Run, Site, changes};

/// AWS answers it to everybody, so no policy names it.
const FREE: &str = "GetCallerIdentity";

/// An IAM user with one policy, whose calls are checked against it.
struct Caller {
    key: Credentials,
}

impl Caller {
    fn new(site: &Site, name: &str, policy: &str) -> Self {
        let call = |action: &str, more: &[(&str, &str)]| {
            let params = [&[("UserName", name)], more].concat();
            site.world.aws.call("iam", action, &params).unwrap()
        };
        call("CreateUser", &[]);
        call(
            "PutUserPolicy",
            &[("PolicyName", "tenantctl"), ("PolicyDocument", policy)],
        );
        let key = Credentials::from_xml(&call("CreateAccessKey", &[])).unwrap();
        site.world.proxy.check_policies();
        Self { key }
    }

    fn run_with(&self, site: &Site, arguments: &[&str], more: &[(&str, &str)]) -> Run {
        let own = [
            ("AWS_ACCESS_KEY_ID", self.key.access_key.as_str()),
            ("AWS_SECRET_ACCESS_KEY", self.key.secret_key.as_str()),
        ];
        site.run_with(arguments, &[&own, more].concat())
    }

    fn run(&self, site: &Site, arguments: &[&str]) -> Run {
        self.run_with(site, arguments, &[])
    }

    /// What AWS says to a call of one's own.
    fn call(&self, site: &Site, action: &str, params: &[(&str, &str)]) -> Result<String, String> {
        let proxy = &site.world.proxy;
        let answer = proxy.call_with_key(&self.key.access_key, "iam", action, params);
        answer.map_err(|error| error.to_string())
    }
}

fn policy(site: &Site, command: &str) -> String {
    site.run(&["iam-policy", command, "--account", "123456789012"])
        .ok()
}

/// The actions of a policy, without their services.
fn actions(policy: &str) -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    let names = actions.map(|action| {
        action
            .as_str()
            .unwrap()
            .split(':')
            .next_back()
            .unwrap()
            .to_owned()
    });
    names.collect()
}

/// What was called since the counts were reset.
fn called(site: &Site) -> BTreeSet<String> {
    let counts = site.world.proxy.counts();
    counts.into_keys().filter(|action| action != FREE).collect()
}

fn tenants(recipient: &Recipient, network: &str, state: &str) -> String {
    format!(
        "defaults {{\n  databases = [\"db1\"]\n  allowed_ips = [\"{network}\"]\n  deletion_policy = \"delete\"\n}}\n\
         tenant \"client01\" {{\n  state = \"{state}\"\n  {}\n}}\ntenant \"client02\" {{}}\n",
        recipient.block()
    )
}

#[test]
fn a_plan_works_with_its_policy_and_can_do_nothing_else() {
    let recipient = Recipient::new();
    let site = Site::with(15, &tenants(&recipient, "192.0.2.1/32", "active"));
    let more = "tenant \"client03\" {}\n";
    site.tenants(&(tenants(&recipient, "192.0.2.2/32", "suspended") + more));
    let expected = site.plan();
    let policy = policy(&site, "plan");
    let caller = Caller::new(&site, "ci-plan", &policy);
    site.world.proxy.reset_counts();
    let run = caller.run(&site, &["plan"]);
    assert_eq!(
        (run.code, &run.stdout, &run.stderr),
        (0, &expected.stdout, &expected.stderr)
    );
    assert_eq!(called(&site), actions(&policy));

    let refused = caller.run(&site, &["apply", "--auto-approve"]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stdout.contains("not authorized to perform: iam:"),
        "{refused}"
    );
    let users = site.world.aws.call("iam", "ListUsers", &[]).unwrap();
    assert!(!users.contains("client03"), "{users}");
}

#[test]
fn an_apply_works_with_its_policy_all_through_a_tenants_life() {
    let recipient = Recipient::new();
    let site = Site::start(15);
    site.tenants(&tenants(&recipient, "192.0.2.1/32", "active"));
    let policy = policy(&site, "apply");
    assert!(
        policy.split_whitespace().collect::<String>().len() <= 6_144,
        "a managed policy holds no more"
    );
    let caller = Caller::new(&site, "ci-apply", &policy);
    site.world.proxy.reset_counts();
    let apply = |text: &str| {
        site.tenants(text);
        caller.run(&site, &["apply", "--auto-approve"]).ok();
        let left = caller.run(&site, &["plan", "--detailed-exitcode"]);
        assert_eq!(left.code, 0, "{left}");
    };
    // Whose is it, after a lost answer?
    for action in ["CreateUser", "CreateRole"] {
        site.world.proxy.inject(Fault::LostAnswer {
            action: action.into(),
            times: 1,
        });
    }
    apply(&tenants(&recipient, "192.0.2.1/32", "active"));
    apply(&tenants(&recipient, "192.0.2.2/32", "suspended"));
    apply(&tenants(&recipient, "192.0.2.2/32", "active"));

    // A tenant gets another name, and its old one back.
    let text = tenants(&recipient, "192.0.2.2/32", "active");
    let moved =
        |from: &str, to: &str| format!("moved {{\n  from = \"tenant.{from}\"\n  to = \"tenant.{to}\"\n}}\n");
    apply(&(moved("client02", "north") + &text.replace("client02", "north")));
    apply(&(moved("north", "client02") + &text));

    // Somebody took our marks away; adopting puts them back.
    let untag = |action: &str, parameter: &str, name: &str| {
        let tags = [
            ("TagKeys.member.1", "tenantctl:workspace"),
            ("TagKeys.member.2", "tenantctl:tenant"),
        ];
        site.world
            .aws
            .call("iam", action, &[&[(parameter, name)], &tags[..]].concat())
            .unwrap();
    };
    untag("UntagUser", "UserName", "client02");
    untag("UntagRole", "RoleName", "rds_cluster_client02");
    caller.run(&site, &["adopt", "--tenant", "client02"]).ok();
    assert_eq!(changes(&site.plan_json()), Vec::<String>::new());

    let moved = "moved {\n  from = \"tenant.client02\"\n  to   = \"tenant.north\"\n}\n";
    let text = tenants(&recipient, "192.0.2.2/32", "active");
    apply(&(moved.to_owned() + &text.replace("client02", "north")));

    apply("tenant \"other\" {\n  databases = []\n  rds_iam_auth = false\n}\n");
    let users = site.world.aws.call("iam", "ListUsers", &[]).unwrap();
    assert!(!users.contains("client0") && !users.contains("north"), "{users}");
    assert_eq!(called(&site), actions(&policy));
}

#[test]
fn the_policy_for_apply_stops_at_what_is_not_ours() {
    let site = Site::start(15);
    site.tenants("tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"192.0.2.1/32\"]\n}");
    let caller = Caller::new(&site, "ci-apply", &policy(&site, "apply"));
    caller.run(&site, &["apply", "--auto-approve"]).ok();
    site.world
        .aws
        .call("iam", "CreateUser", &[("UserName", "human")])
        .unwrap();
    let everything =
        json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }).to_string();
    let document = [("PolicyName", "more"), ("PolicyDocument", everything.as_str())];
    let tags = |workspace: &'static str| {
        [
            ("Tags.member.1.Key", "tenantctl:workspace"),
            ("Tags.member.1.Value", workspace),
            ("Tags.member.2.Key", "tenantctl:tenant"),
            ("Tags.member.2.Value", "x"),
        ]
    };
    let denied = |action: &str, params: &[(&str, &str)]| {
        let answer = caller.call(&site, action, params);
        assert!(
            answer.as_ref().is_err_and(|error| error.contains("AccessDenied")),
            "{action}: {answer:?}"
        );
    };
    let human = ("UserName", "human");
    denied("PutUserPolicy", &[&[human], &document[..]].concat());
    denied("CreateAccessKey", &[human]);
    denied("DeleteUser", &[human]);
    denied(
        "AttachUserPolicy",
        &[
            human,
            ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
        ],
    );
    denied("CreateUser", &[("UserName", "new")]);
    denied(
        "CreateUser",
        &[&[("UserName", "new")], &tags("other")[..]].concat(),
    );
    let third = [("Tags.member.3.Key", "department"), ("Tags.member.3.Value", "x")];
    denied("TagUser", &[&[human], &tags("default")[..], &third].concat());
    let trust = json!({ "Statement": [] }).to_string();
    let trust = ("AssumeRolePolicyDocument", trust.as_str());
    denied(
        "CreateRole",
        &[&[("RoleName", "other"), trust], &tags("default")[..]].concat(),
    );
    // The same calls about what is ours go through: it is the policy that denied them.
    caller
        .call(&site, "CreateAccessKey", &[("UserName", "client01")])
        .unwrap();
    caller
        .call(
            &site,
            "CreateUser",
            &[&[("UserName", "new")], &tags("default")[..]].concat(),
        )
        .unwrap();
}

#[test]
fn an_audit_works_with_its_policy() {
    let recipient = Recipient::new();
    let site = Site::with(15, &tenants(&recipient, "192.0.2.1/32", "active"));
    let policy = policy(&site, "audit");
    let caller = Caller::new(&site, "ci-audit", &policy);
    site.world.proxy.reset_counts();
    let run = caller.run(&site, &["audit"]);
    assert!(run.code == 0 && run.stdout.contains("No findings."), "{run}");
    assert_eq!(called(&site), actions(&policy));
}

/// The two ways in besides a password are in the policy exactly where the file asks for them.
#[test]
fn the_admins_way_in_is_in_the_policy() {
    let site = Site::start(15);
    let spec = ClusterSpec {
        identifier: "managed",
        master_username: MASTER,
        port: site.world.front_door.port(),
        iam: true,
        manage_master_secret: true,
    };
    site.world.aws.create_cluster(&spec).unwrap();
    let json = |action: &str, body: Value| site.world.aws.call_json("secretsmanager", action, &body).unwrap();
    let arn = json("ListSecrets", json!({}))["SecretList"][0]["ARN"].clone();
    let password = site.world.postgres.master_password();
    let secret = json!({ "username": MASTER, "password": password }).to_string();
    json(
        "PutSecretValue",
        json!({ "SecretId": arn, "SecretString": secret }),
    );
    let nothing = [("PGPASSWORD", "not-it")];
    let written = |cluster: String| {
        site.write(
            "tenants.hcl",
            &(cluster + "tenant \"t\" {\n  databases = []\n  rds_iam_auth = false\n}\n"),
        );
        policy(&site, "plan")
    };

    let by_secret = written(site.cluster_of("managed", "admin { auth = \"secret\" }"));
    let caller = Caller::new(&site, "by-secret", &by_secret);
    caller.run_with(&site, &["plan"], &nothing).ok();
    assert!(called(&site).contains("GetSecretValue"));
    let without = written(site.cluster_of("managed", ""));
    assert!(!actions(&without).contains("GetSecretValue") && !actions(&without).contains("connect"));

    let by_token = written(site.cluster(&format!(
        "admin {{\n  auth = \"iam\"\n  username = \"{MASTER}\"\n}}"
    )));
    site.sql("postgres", &format!("GRANT rds_iam TO {MASTER}"));
    let caller = Caller::new(&site, "by-token", &by_token);
    caller.run_with(&site, &["plan"], &nothing).ok();
    let elsewhere = by_token.replace(&format!("dbuser:*/{MASTER}"), "dbuser:*/client01");
    let stranger = Caller::new(&site, "stranger", &elsewhere);
    let refused = stranger.run_with(&site, &["plan"], &nothing).refused();
    assert!(refused.contains("authentication failed"), "{refused}");

    site.write("tenants.hcl", &site.cluster("admin { auth = \"iam\" }"));
    let unknown = site.run(&["iam-policy", "plan"]).refused();
    assert!(unknown.contains("write its `username`"), "{unknown}");
}

/// The table in the documentation is the one in the code.
#[test]
fn the_documentation_has_every_permission() {
    let path = super::runner::root().join("docs/ci.md");
    let text = std::fs::read_to_string(path).unwrap();
    let found: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `") && line.contains(":"))
        .collect();
    let words = |permission: &Permission| {
        let of = |purpose: Purpose, word| permission.purposes.contains(&purpose).then_some(word);
        let commands = [
            of(Purpose::Plan, "plan"),
            of(Purpose::Apply, "apply"),
            of(Purpose::Audit, "audit"),
        ];
        let commands: Vec<&str> = commands.into_iter().flatten().collect();
        format!(
            "| `{}` | {} | {} |",
            permission.action,
            commands.join(", "),
            permission.why
        )
    };
    for permission in PERMISSIONS {
        let row = words(permission);
        assert!(found.contains(&row.as_str()), "docs/ci.md lacks this row:\n{row}");
    }
    let rows = found.iter().filter(|row| {
        ["iam:", "rds", "secrets"]
            .iter()
            .any(|service| row[3..].starts_with(service))
    });
    assert_eq!(rows.count(), PERMISSIONS.len());
}

//! Every example loads, fits a cluster, and plans what the file beside it says. `UPDATE_EXPECTED=1` writes those files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tenantctl::config::{self, LoadRequest};
use tenantctl::desired::{compile, lint};
use tenantctl::diff::{Scope, diff};
use tenantctl::live::{Live, Server};
use tenantctl::model::{ClusterFacts, MembershipRow, Object, Password, Power, Role};
use tenantctl::plan::{Options, build};
use tenantctl::report::text::{self, Style};

fn examples() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(all).expect("the examples");
    let mut directories: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        // Pipelines, which tests/ci runs.
        .filter(|path| !matches!(name(path).as_str(), "github-actions" | "gitlab-ci"))
        .collect();
    directories.sort();
    assert!(directories.len() >= 5, "{directories:?}");
    directories
}

fn name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// An example with the variable files that lie beside it, as its comments say to load it.
fn load(directory: &Path) -> config::Loaded {
    let entries = std::fs::read_dir(directory).expect("an example");
    let mut var_files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tfvars"))
        .map(|path| name(&path).into())
        .collect();
    var_files.sort();
    config::load(&LoadRequest {
        dir: directory.to_owned(),
        var_files,
        ..LoadRequest::default()
    })
}

/// A cluster of the region that the examples name.
fn facts(identifier: &str) -> ClusterFacts {
    ClusterFacts {
        partition: "aws".into(),
        account: "123456789012".into(),
        region: "eu-central-1".into(),
        identifier: identifier.into(),
        resource_id: "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ".into(),
        endpoint: format!("{identifier}.cluster-abc.eu-central-1.rds.amazonaws.com"),
        port: 5432,
        master_username: "postgres".into(),
        iam_enabled: true,
        master_secret_arn: None,
    }
}

/// A cluster without tenants, and with no databases to close: what an example makes is then all there is to see.
fn nothing_yet() -> Live {
    let rows = vec![MembershipRow {
        role: "rds_superuser".into(),
        member: "postgres".into(),
        grantor: "rdsadmin".into(),
        admin_option: false,
        inherit_option: true,
        set_option: true,
    }];
    let mut live = Live {
        server: Server {
            power: Power::new("postgres", 160_004, false, true, &rows),
            in_recovery: false,
            free_connections: 90,
        },
        memberships: rows,
        ..Live::default()
    };
    let group = Role {
        login: false,
        superuser: false,
        create_database: false,
        create_role: false,
        replication: false,
        bypass_rls: false,
        connection_limit: Some(-1),
        password: Password::Unknown,
    };
    let address = tenantctl::address::Address::Role {
        name: "rds_iam".into(),
    };
    live.world.insert(address, Object::Role(group));
    live
}

fn planned(directory: &Path) -> String {
    let loaded = load(directory);
    let findings = lint::validate(&loaded);
    assert!(
        !findings.has_errors(),
        "{}",
        findings.render(&loaded.sources, tenantctl::diag::Style::default())
    );
    let config = loaded.config().expect("no error");
    let cluster = config.only_cluster().expect("a cluster");
    let desired = compile(config, cluster, &facts(&cluster.identifier.value)).expect("a file that fits");
    let live = nothing_yet();
    let diff = diff(&desired, &live, &Scope::default());
    let plan = build(&desired, &live, &diff, &Options::default());
    assert!(plan.held.is_empty() && plan.guards.is_empty());
    text::plan(&plan, Style::default())
}

#[test]
fn every_example_plans_what_it_says() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    for directory in examples() {
        let (path, found) = (directory.join("expected-plan.txt"), planned(&directory));
        if update {
            std::fs::write(&path, &found).expect("written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let name = name(&directory);
        assert_eq!(
            found, expected,
            "{name}: UPDATE_EXPECTED=1 writes what is planned"
        );
    }
}

#[test]
fn what_validate_says_of_them() {
    let mut text = String::new();
    for directory in examples() {
        let loaded = load(&directory);
        for finding in lint::validate(&loaded).located(&loaded.sources) {
            let file = finding.file.map(PathBuf::from).unwrap_or_default();
            let _ = writeln!(
                text,
                "{}/{}:{}: {}: {}",
                name(&directory),
                name(&file),
                finding.line.unwrap_or_default(),
                finding.code,
                finding.message
            );
        }
    }
    insta::assert_snapshot!(text);
}

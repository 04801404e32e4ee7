//! The ready workflows for GitHub, from a pull request to a night without drift.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::repository::{COMMENTS, ISSUES, Repository, body, tenant};
use super::runner::{root, workflow, yaml};

#[test]
fn a_pull_request_has_one_comment() {
    let repository = Repository::new(&tenant("client01", "192.0.2.1/32"));
    for number in 0..120 {
        let text = format!("comment {number}\n<!-- tenantctl:tenants -->");
        repository.api.write_as("somebody", COMMENTS, &text);
    }
    // Whoever wrote this could change it after it was approved.
    repository
        .api
        .write_as("somebody", COMMENTS, "<!-- tenantctl:tenants -->\nNo changes.");
    let others = repository.api.others(COMMENTS);

    repository.push(
        "tenants.hcl",
        &(tenant("client01", "192.0.2.1/32") + &tenant("client02", "192.0.2.2/32")),
    );
    let job = repository.pull_request();
    assert!(job.well, "{}", job.log);
    assert!(
        job.log.contains("Plan: 9 to add, 2 to change, 0 to destroy."),
        "{}",
        job.log
    );
    let comments = repository.comments();
    assert_eq!(comments.len(), 1, "{comments:#?}");
    let text = body(&comments[0]);
    assert!(
        text.starts_with("<!-- tenantctl:tenants -->\n### tenantctl plan"),
        "{text}"
    );
    assert!(text.contains("| `client02` | 9 | 2 | 0 | 0 |"), "{text}");
    assert!(
        text.contains("client02 can log in to db1 from 192.0.2.2/32"),
        "{text}"
    );
    assert!(
        text.contains("[run](https://github.com/acme/tenants/actions/runs/4711)"),
        "{text}"
    );
    assert!(text.contains("`abc123`"), "{text}");
    assert!(
        job.summary.contains("| `client02` | 9 | 2 | 0 | 0 |"),
        "{}",
        job.summary
    );

    // Pushed again: the same comment.
    repository.push("tenants.hcl", &tenant("client01", "192.0.2.9/32"));
    assert!(repository.pull_request().well);
    let second = repository.comments();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0]["id"], comments[0]["id"]);
    assert!(body(&second[0]).contains("client01 can log in to db1 from 192.0.2.9/32"));
    assert!(!body(&second[0]).contains("client02"));
    assert_eq!(
        repository.api.others(COMMENTS),
        others,
        "others' comments are theirs"
    );

    // A file that is wrong, and a plan that apply would refuse: said in the comment, and the job fails.
    repository.push(
        "tenants.hcl",
        "tenant \"client01\" {\n  databasses = [\"```\\n@everyone</details>\"]\n}\n",
    );
    let job = repository.pull_request();
    assert!(!job.well);
    let failed = repository.comments();
    assert_eq!(failed.len(), 1);
    assert!(body(&failed[0]).contains("### tenantctl plan failed"));
    assert!(
        body(&failed[0])
            .lines()
            .any(|line| line.starts_with("    ") && line.contains("databasses")),
        "{failed:#?}"
    );
    assert!(job.log.contains("there is no plan"), "{}", job.log);
    assert_eq!(repository.api.writes().len(), 3);
}

#[test]
fn a_plan_that_apply_would_refuse_fails_the_check() {
    let many = |count: u8| {
        (1..=count)
            .map(|n| tenant(&format!("client{n:02}"), "192.0.2.1/32"))
            .collect::<String>()
    };
    let repository = Repository::new(&many(8));
    repository.push("tenants.hcl", &many(2));
    let job = repository.pull_request();
    assert!(!job.well);
    assert!(job.log.contains("apply would refuse this plan"), "{}", job.log);
    assert!(body(&repository.comments()[0]).contains("**Refused:**"));
    // Said to be meant, it passes.
    let mut meant = workflow("tenants-plan.yml");
    let steps = meant["jobs"]["plan"]["steps"].as_array_mut().unwrap();
    steps.last_mut().unwrap()["with"]["arguments"] = "--max-removals\n6\n".into();
    let job = repository.pull_request_with(&meant);
    assert!(job.well, "{}", job.log);
    assert!(!body(&repository.comments()[0]).contains("**Refused:**"));
}

/// Where the password goes is what the protected branch says, whatever a stranger writes.
#[test]
fn a_strangers_pull_request_decides_nothing() {
    let repository = Repository::new(&tenant("client01", "192.0.2.1/32"));
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let cluster = fs::read_to_string(repository.path("base/tenants/cluster.hcl")).unwrap();
    let (before, _) = cluster.split_once("endpoint = ").unwrap();
    let evil = format!(
        "{before}endpoint = \"{}\"\n  sslmode = \"disable\"\n}}\n",
        trap.local_addr().unwrap()
    );
    let untouched = || {
        assert!(trap.accept().is_err(), "somebody called the stranger's server");
        let found = fs::read_dir(repository.path("head/tenants")).unwrap();
        assert!(found.flatten().all(|entry| entry.file_name() != "pwned"));
    };

    repository.push("cluster.hcl", &evil);
    let job = repository.pull_request();
    assert!(job.well && job.log.contains("No changes."), "{}", job.log);
    untouched();
    for (name, word) in [("main", "duplicate_cluster"), ("more", "cluster_elsewhere")] {
        repository.branch();
        repository.push("more.hcl", &evil.replacen("main", name, 1));
        let job = repository.pull_request();
        assert!(!job.well && job.log.contains(word), "{}", job.log);
        untouched();
    }
    // A link would show what it leads to.
    for target in ["/proc/self/environ", "/etc/passwd"] {
        repository.branch();
        symlink(target, repository.path("head/tenants/link.hcl")).unwrap();
        let job = repository.pull_request();
        assert!(
            !job.well && job.log.contains("link.hcl is no plain file"),
            "{}",
            job.log
        );
    }
    repository.branch();
    fs::remove_dir_all(repository.path("head/tenants")).unwrap();
    symlink("/etc", repository.path("head/tenants")).unwrap();
    let job = repository.pull_request();
    assert!(
        !job.well && job.log.contains("leads out of the workspace"),
        "{}",
        job.log
    );
    // Names of files are names.
    repository.branch();
    for name in [
        "$(touch pwned).hcl",
        "--help.hcl",
        "`touch pwned`; x.hcl",
        "a b\n.hcl",
    ] {
        repository.push(name, &tenant(&format!("t{}", name.len()), "192.0.2.3/32"));
    }
    let job = repository.pull_request();
    assert!(job.well && job.log.contains("36 to add"), "{}", job.log);
    untouched();
    // A cluster that another file completes could be completed by the stranger.
    repository.branch();
    let open = evil.replace(&format!("\"{}\"", trap.local_addr().unwrap()), "var.endpoint");
    fs::write(repository.path("base/tenants/cluster.hcl"), open).unwrap();
    repository.push(
        "more.hcl",
        &format!(
            "variable \"endpoint\" {{\n  default = \"{}\"\n}}\n",
            trap.local_addr().unwrap()
        ),
    );
    let job = repository.pull_request();
    assert!(
        !job.well && job.log.contains("not complete by itself"),
        "{}",
        job.log
    );
    untouched();
}

fn merged() -> Value {
    workflow("tenants-apply.yml")
}

#[test]
fn what_was_merged_is_applied_as_it_was_planned() {
    let repository = Repository::new(&tenant("client01", "192.0.2.1/32"));
    let site = &repository.site;
    repository.push(
        "tenants.hcl",
        &(tenant("client01", "192.0.2.1/32") + &tenant("client02", "192.0.2.2/32")),
    );
    repository.merge();
    let mut runner = repository.runner();
    let jobs = runner.run(&merged(), &json!({}), |_| {});
    assert!(jobs["plan"].well && jobs["apply"].well, "{jobs:#?}");
    assert!(
        jobs["apply"]
            .summary
            .contains("Apply complete! 9 added, 2 changed, 0 destroyed."),
        "{jobs:#?}"
    );
    assert_eq!(
        site.value(
            "postgres",
            "SELECT count(*) FROM pg_database WHERE datname = 'client02_db1'"
        ),
        "1"
    );

    // There is nothing to do any more.
    let jobs = runner.run(&merged(), &json!({}), |_| {});
    assert_eq!(jobs.keys().collect::<Vec<_>>(), ["plan"], "{jobs:#?}");

    // What lives changes between the plan and its approval: nothing is applied.
    repository.branch();
    repository.push(
        "tenants.hcl",
        &(tenant("client01", "192.0.2.1/32") + &tenant("client02", "192.0.2.3/32")),
    );
    repository.merge();
    let jobs = runner.run(&merged(), &json!({}), |job| {
        if job == "apply" {
            let nobody = json!({ "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" });
            let trust = json!({ "Version": "2012-10-17", "Statement": [nobody] }).to_string();
            let params = [
                ("RoleName", "rds_cluster_client02"),
                ("PolicyDocument", trust.as_str()),
            ];
            site.world
                .aws
                .call("iam", "UpdateAssumeRolePolicy", &params)
                .unwrap();
        }
    });
    let apply = &jobs["apply"];
    assert!(jobs["plan"].well && !apply.well, "{jobs:#?}");
    assert!(
        apply.summary.contains("### tenantctl apply failed") && apply.summary.contains("changed"),
        "{}",
        apply.summary
    );
    let role = site
        .world
        .aws
        .call("iam", "GetRole", &[("RoleName", "rds_cluster_client02")])
        .unwrap();
    assert!(!role.contains("192.0.2.3"), "{role}");

    // Run again, it plans anew.
    let jobs = runner.run(&merged(), &json!({}), |_| {});
    assert!(jobs["plan"].well && jobs["apply"].well, "{jobs:#?}");
    assert_every_step_ran(&repository, runner.ran);
}

/// The drift run, a validation, and what ran before: together every step of the action.
fn assert_every_step_ran(repository: &Repository, mut ran: BTreeSet<String>) {
    let validate = json!({ "jobs": { "validate": { "steps": [
        { "uses": "actions/checkout@v4", "with": { "persist-credentials": "false" } },
        { "uses": "your-org/tenantctl@v0.1.0", "with": { "command": "validate", "directory": "tenants" } },
    ] } } });
    let mut runner = repository.runner();
    for workflow in [
        validate,
        workflow("tenants-plan.yml"),
        workflow("tenants-drift.yml"),
    ] {
        let jobs = runner.run(
            &workflow,
            &json!({ "pull_request": { "number": 8, "head": { "sha": "1" } } }),
            |_| {},
        );
        assert!(jobs.values().all(|job| job.well), "{jobs:#?}");
    }
    ran.extend(runner.ran);
    let action = yaml(&root().join("action.yml"));
    let steps = action["runs"]["steps"].as_array().unwrap().iter();
    let all: BTreeSet<String> = steps
        .map(|step| step["run"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ran, all);
}

#[test]
fn drift_has_one_issue_and_ends_it() {
    let repository = Repository::new(&tenant("client01", "192.0.2.1/32"));
    let site = &repository.site;
    let job = repository.drift();
    assert!(job.well, "{}", job.log);
    assert_eq!(repository.api.ours(ISSUES), Vec::<Value>::new());

    site.sql("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC");
    let job = repository.drift();
    assert!(
        !job.well && job.log.contains("what lives is not what the file asks for"),
        "{}",
        job.log
    );
    let first = repository.api.ours(ISSUES);
    assert_eq!(first.len(), 1, "{first:#?}");
    assert_eq!(
        first[0]["title"],
        "tenantctl: what lives is not what the file asks for"
    );
    assert!(body(&first[0]).contains("client01_db1/PUBLIC"), "{first:#?}");

    site.sql(
        "postgres",
        "REVOKE CONNECT ON DATABASE client01_db1 FROM client01",
    );
    assert!(!repository.drift().well);
    let second = repository.api.ours(ISSUES);
    assert_eq!((second.len(), &second[0]["number"]), (1, &first[0]["number"]));
    assert!(body(&second[0]).contains("client01_db1/client01"), "{second:#?}");

    site.settle(&tenant("client01", "192.0.2.1/32"));
    assert!(repository.drift().well);
    assert_eq!(repository.api.ours(ISSUES)[0]["state"], "closed");
    // One that was closed stays closed; the next is new.
    site.sql(
        "postgres",
        "REVOKE CONNECT ON DATABASE client01_db1 FROM client01",
    );
    assert!(!repository.drift().well);
    assert_eq!(repository.api.ours(ISSUES).len(), 2);
}

/// A comment as long as it gets is taken.
#[test]
fn a_thousand_changes_fit_into_a_comment() {
    let repository = Repository::new(&tenant("client01", "192.0.2.1/32"));
    let all: String = (0..1_000)
        .map(|n| format!("tenant \"tenant{n:04}\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}}\n"))
        .collect();
    repository.push("tenants.hcl", &(tenant("client01", "192.0.2.1/32") + &all));
    let job = repository.pull_request();
    assert!(job.well, "{}", &job.log[job.log.len() - 2_000..]);
    let comments = repository.comments();
    let text = body(&comments[0]);
    assert!(
        text.len() <= 65_536 && text.contains("of 1,000 tenants have no section"),
        "{}",
        text.len()
    );
}

/// The scripts are clean, and nothing that others wrote is ever part of one.
#[test]
fn the_scripts_are_clean() {
    let scripts: Vec<PathBuf> = fs::read_dir(root().join("ci"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(scripts.len() > 8);
    for script in &scripts {
        let parsed = std::process::Command::new("bash")
            .arg("-n")
            .arg(script)
            .status()
            .unwrap();
        assert!(parsed.success(), "{script:?}");
    }
    let workflows = fs::read_dir(root().join("examples/github-actions/workflows")).unwrap();
    for path in workflows.map(|entry| entry.unwrap().path()) {
        assert_pinned(&path);
    }
}

/// Every action is named with a version, and no workflow has a script of its own to put an expression into.
fn assert_pinned(path: &Path) {
    let workflow = yaml(path);
    for job in workflow["jobs"].as_object().unwrap().values() {
        for step in job["steps"].as_array().unwrap() {
            let action = step["uses"].as_str().unwrap();
            let version = action.split_once('@').unwrap().1;
            assert!(
                version.starts_with('v') && version.contains(|c: char| c.is_ascii_digit()),
                "{action}"
            );
        }
    }
}

//! The ready pipeline for GitLab: its jobs by their rules, each script in a clone of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::api::{Api, TOKEN};
use super::runner::{copy, root, yaml};
use super::site::Site;

const NOTES: &str = "/projects/42/merge_requests/7/notes";

/// A project with a protected branch that was applied, and a merge request.
struct Project {
    site: Site,
    api: Api,
    directory: tempfile::TempDir,
}

/// How a job ended.
struct Job {
    well: bool,
    log: String,
}

fn tenant(name: &str) -> String {
    format!("tenant \"{name}\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"192.0.2.1/32\"]\n}}\n")
}

impl Project {
    fn new() -> Self {
        let project = Self {
            site: Site::start(15),
            api: Api::start(),
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(project.path("origin/tenants")).unwrap();
        project.git("origin", &["init", "--quiet", "--initial-branch", "main"]);
        fs::write(
            project.path("origin/tenants/cluster.hcl"),
            project.site.cluster(""),
        )
        .unwrap();
        project.commit(&tenant("client01"));
        project.site.settle(&tenant("client01"));
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn git(&self, directory: &str, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let mut git = Command::new("git");
        let done = git
            .args(identity)
            .args(arguments)
            .current_dir(self.path(directory))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn commit(&self, tenants: &str) {
        fs::write(self.path("origin/tenants/tenants.hcl"), tenants).unwrap();
        self.git("origin", &["add", "."]);
        self.git(
            "origin",
            &["commit", "--quiet", "--allow-empty", "--message", "tenants"],
        );
    }

    fn on(&self, branch: &str) {
        self.git("origin", &["checkout", "--quiet", "-B", branch]);
    }

    /// The jobs that a pipeline of a branch has, in order, until one fails.
    fn pipeline(&self, branch: &str, source: &str) -> BTreeMap<String, Job> {
        let pipeline = yaml(&root().join("examples/gitlab-ci/.gitlab-ci.yml"));
        let mut given = BTreeMap::from([
            ("CI_API_V4_URL", self.api.url.clone()),
            ("CI_COMMIT_SHA", "abc123".to_owned()),
            ("CI_DEFAULT_BRANCH", "main".to_owned()),
            ("CI_JOB_ID", "1".to_owned()),
            ("CI_JOB_URL", "https://gitlab.example.com/j/1".to_owned()),
            ("CI_PIPELINE_SOURCE", source.to_owned()),
            ("CI_PROJECT_ID", "42".to_owned()),
            ("TENANTCTL_CI", root().join("ci").display().to_string()),
            ("TENANTCTL_PLAN_ROLE", "plan".to_owned()),
            ("TENANTCTL_APPLY_ROLE", "apply".to_owned()),
            ("AWS_TOKEN", "an identity".to_owned()),
            ("GITLAB_TOKEN", TOKEN.to_owned()),
            (
                "TENANTCTL_PASSWORD_MAIN",
                self.site.world.postgres.master_password().to_owned(),
            ),
        ]);
        if source == "merge_request_event" {
            given.insert("CI_MERGE_REQUEST_IID", "7".to_owned());
            given.insert("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "42".to_owned());
            given.insert("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main".to_owned());
        } else {
            given.insert("CI_COMMIT_BRANCH", branch.to_owned());
        }
        let given: BTreeMap<String, String> = given
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect();
        let mut done = BTreeMap::new();
        let stages = pipeline["stages"].as_array().unwrap();
        for stage in stages {
            for (name, job) in pipeline.as_object().unwrap() {
                if &job["stage"] == stage && applies(job, &given) {
                    let ended = self.job(branch, &pipeline, job, &given);
                    let well = ended.well;
                    done.insert(name.clone(), ended);
                    if !well {
                        return done;
                    }
                }
            }
        }
        done
    }

    fn job(&self, branch: &str, pipeline: &Value, job: &Value, given: &BTreeMap<String, String>) -> Job {
        let clone = tempfile::tempdir().unwrap();
        let workspace = clone.path().join("project");
        let origin = self.path("origin").display().to_string();
        self.git(
            ".",
            &[
                "clone",
                "--quiet",
                "--branch",
                branch,
                &origin,
                &workspace.display().to_string(),
            ],
        );
        if !job["needs"].is_null() {
            assert!(copy(&self.path("artifacts/."), &workspace));
        }
        let template = &pipeline[job["extends"].as_str().unwrap()];
        let mut script = String::new();
        for line in lines(&template["before_script"]).chain(lines(&job["script"])) {
            let _ = writeln!(script, "{line}");
        }
        let binary = Path::new(env!("CARGO_BIN_EXE_tenantctl"))
            .parent()
            .unwrap()
            .display()
            .to_string();
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script])
            .env_clear();
        command
            .envs(given)
            .envs(variables(&pipeline["variables"], given))
            .envs(variables(&job["variables"], given));
        let all = self.site.world.env().into_iter();
        command.envs(all.filter(|(name, _)| name.starts_with("AWS_")));
        command.env("PATH", format!("{binary}:{}", std::env::var("PATH").unwrap()));
        command
            .env("HOME", clone.path())
            .env("CI_PROJECT_DIR", &workspace);
        let output = command
            .current_dir(&workspace)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let well = output.status.success();
        for path in lines(&job["artifacts"]["paths"]) {
            if well || job["artifacts"]["when"] == "always" {
                fs::create_dir_all(self.path("artifacts")).unwrap();
                copy(&workspace.join(path), &self.path("artifacts"));
            }
        }
        let log = [output.stdout, output.stderr].concat();
        Job {
            well,
            log: String::from_utf8(log).unwrap(),
        }
    }
}

fn lines(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|line| line.as_str().unwrap())
}

/// Variables, in which one that was given may stand.
fn variables(map: &Value, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let entries = map.as_object().into_iter().flatten();
    entries
        .map(|(name, value)| {
            let value = value.as_str().unwrap();
            let value = value
                .strip_prefix('$')
                .map_or(value, |other| given[other].as_str());
            (name.clone(), value.to_owned())
        })
        .collect()
}

/// Whether one of a job's rules does; they are `$A == "text" && $B == $C`.
fn applies(job: &Value, given: &BTreeMap<String, String>) -> bool {
    let value = |word: &str| match word.trim().strip_prefix('$') {
        Some(name) => given.get(name).cloned().unwrap_or_default(),
        None => word.trim().trim_matches('"').to_owned(),
    };
    let holds = |condition: &str| {
        let (left, right) = condition.split_once("==").unwrap();
        value(left) == value(right)
    };
    let rules = job["rules"].as_array().unwrap();
    rules
        .iter()
        .any(|rule| rule["if"].as_str().unwrap().split("&&").all(holds))
}

fn body(item: &Value) -> &str {
    item["body"].as_str().unwrap()
}

#[test]
fn a_merge_request_has_one_note_and_is_applied_as_planned() {
    let project = Project::new();
    let (site, api) = (&project.site, &project.api);
    api.write_as("somebody", NOTES, "<!-- tenantctl:tenants -->\nNo changes.");
    project.on("more");
    project.commit(&(tenant("client01") + &tenant("client02")));
    let jobs = project.pipeline("more", "merge_request_event");
    assert_eq!(jobs.keys().collect::<Vec<_>>(), ["plan"]);
    assert!(jobs["plan"].well, "{}", jobs["plan"].log);
    let notes = api.ours(NOTES);
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert!(body(&notes[0]).starts_with("<!-- tenantctl:tenants -->\n### tenantctl plan"));
    assert!(
        body(&notes[0]).contains("| `client02` | 9 | 2 | 0 | 0 |"),
        "{notes:#?}"
    );

    // Pushed again, with a cluster of the branch's own: the same note, and the protected branch's cluster.
    fs::write(
        project.path("origin/tenants/cluster.hcl"),
        "cluster \"main\" {\n  identifier = \"other\"\n}\n",
    )
    .unwrap();
    project.commit(&tenant("client01").replace("192.0.2.1", "192.0.2.9"));
    let jobs = project.pipeline("more", "merge_request_event");
    assert!(jobs["plan"].well, "{}", jobs["plan"].log);
    let second = api.ours(NOTES);
    assert_eq!((second.len(), &second[0]["id"]), (1, &notes[0]["id"]));
    assert!(
        body(&second[0]).contains("client01 can log in to db1 from 192.0.2.9/32"),
        "{second:#?}"
    );
    assert_eq!(
        body(&api.others(NOTES)[0]),
        "<!-- tenantctl:tenants -->\nNo changes."
    );

    // Merged: planned, kept, applied.
    project.git("origin", &["checkout", "--quiet", "--force", "main"]);
    project.commit(&(tenant("client01") + &tenant("client02")));
    let jobs = project.pipeline("main", "push");
    assert!(jobs.values().all(|job| job.well), "{}", jobs["plan-merged"].log);
    assert_eq!(jobs.keys().collect::<Vec<_>>(), ["apply", "plan-merged"]);
    assert!(
        jobs["apply"]
            .log
            .contains("Apply complete! 9 added, 2 changed, 0 destroyed."),
        "{}",
        jobs["apply"].log
    );
    site.tenants(&(tenant("client01") + &tenant("client02")));
    site.assert_converged();

    // The old plan once more: it is stale.
    let pipeline = yaml(&root().join("examples/gitlab-ci/.gitlab-ci.yml"));
    let mut again = pipeline["apply"].clone();
    again["variables"]["AWS_ROLE_ARN"] = json!("apply");
    let given = BTreeMap::from([
        ("TENANTCTL_CI".to_owned(), root().join("ci").display().to_string()),
        (
            "TENANTCTL_PASSWORD_MAIN".to_owned(),
            site.world.postgres.master_password().to_owned(),
        ),
        ("CI_JOB_ID".to_owned(), "2".to_owned()),
    ]);
    let stale = project.job("main", &pipeline, &again, &given);
    assert!(
        !stale.well && stale.log.contains("the plan is stale"),
        "{}",
        stale.log
    );
}

#[test]
fn drift_fails_the_scheduled_pipeline() {
    let project = Project::new();
    let jobs = project.pipeline("main", "schedule");
    assert_eq!(jobs.keys().collect::<Vec<_>>(), ["drift"]);
    assert!(jobs["drift"].well, "{}", jobs["drift"].log);
    project
        .site
        .sql("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC");
    let jobs = project.pipeline("main", "schedule");
    assert!(!jobs["drift"].well, "{}", jobs["drift"].log);
    assert!(
        jobs["drift"]
            .log
            .contains("what lives is not what the file asks for"),
        "{}",
        jobs["drift"].log
    );
}

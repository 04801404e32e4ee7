//! A repository on GitHub, with the cluster that it is about.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::api::Api;
use super::runner::{Job, Runner, copy, workflow};
use super::site::Site;

/// The comments of pull request 7, and the issues.
pub const COMMENTS: &str = "/repos/acme/tenants/issues/7/comments";
pub const ISSUES: &str = "/repos/acme/tenants/issues";

/// A repository whose protected branch was applied.
pub struct Repository {
    pub site: Site,
    pub api: Api,
    directory: tempfile::TempDir,
}

pub fn tenant(name: &str, network: &str) -> String {
    format!("tenant \"{name}\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"{network}\"]\n}}\n")
}

impl Repository {
    pub fn new(tenants: &str) -> Self {
        let repository = Self {
            site: Site::start(15),
            api: Api::start(),
            directory: tempfile::tempdir().unwrap(),
        };
        let base = repository.path("base/tenants");
        fs::create_dir_all(&base).unwrap();
        fs::write(base.join("cluster.hcl"), repository.site.cluster("")).unwrap();
        fs::write(base.join("tenants.hcl"), tenants).unwrap();
        repository.site.settle(tenants);
        repository.branch();
        repository
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A pull request that changes nothing yet.
    pub fn branch(&self) {
        let _ = fs::remove_dir_all(self.path("head"));
        assert!(copy(&self.path("base"), &self.path("head")));
    }

    /// What the pull request writes.
    pub fn push(&self, file: &str, text: &str) {
        fs::write(self.path("head/tenants").join(file), text).unwrap();
    }

    pub fn merge(&self) {
        fs::remove_dir_all(self.path("base")).unwrap();
        assert!(copy(&self.path("head"), &self.path("base")));
    }

    pub fn runner(&self) -> Runner<'_> {
        Runner {
            site: &self.site,
            api: &self.api,
            base: self.path("base"),
            head: self.path("head"),
            artifacts: self.path("artifacts"),
            ran: BTreeSet::new(),
        }
    }

    /// The workflow for pull requests; the one job.
    pub fn pull_request(&self) -> Job {
        self.pull_request_with(&workflow("tenants-plan.yml"))
    }

    pub fn pull_request_with(&self, workflow: &Value) -> Job {
        let injection =
            "\"; touch pwned; $(touch pwned) `touch pwned` ${{ secrets.TENANTCTL_PLAN_PASSWORD }}";
        let event = json!({
            "number": 7,
            "pull_request": { "number": 7, "title": injection, "head": { "sha": "abc123", "ref": injection } },
        });
        let jobs = self.runner().run(workflow, &event, |_| {});
        let (_, job) = jobs.into_iter().next().unwrap();
        assert!(
            !job.log.contains(self.site.world.postgres.master_password()),
            "{}",
            job.log
        );
        job
    }

    pub fn comments(&self) -> Vec<Value> {
        self.api.ours(COMMENTS)
    }

    pub fn drift(&self) -> Job {
        let mut jobs = self
            .runner()
            .run(&workflow("tenants-drift.yml"), &json!({}), |_| {});
        jobs.remove("drift").unwrap()
    }
}

pub fn body(item: &Value) -> &str {
    item["body"].as_str().unwrap()
}

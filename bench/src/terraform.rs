//! The same tenants by Terraform, where it is there with both providers.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tenantctl_testbed::{MASTER, World};

use crate::Failed;
use crate::site::address;

const MODULE: &str = include_str!("../terraform/main.tf");

/// How to run it.
#[derive(Clone, Debug)]
pub struct Terraform {
    /// The binary.
    pub binary: String,
    /// Where the providers are, laid out as a file system mirror; the registry where there is none.
    /// <https://developer.hashicorp.com/terraform/cli/config/config-file#filesystem_mirror>
    pub plugins: Option<String>,
}

/// A directory of its own, with the providers.
pub struct Ready<'a> {
    terraform: &'a Terraform,
    directory: tempfile::TempDir,
}

/// A world for Terraform.
pub struct Workspace<'a> {
    ready: Ready<'a>,
    world: World,
}

impl Terraform {
    /// Fetches the providers.
    ///
    /// # Errors
    /// Terraform is not there, or the providers are not.
    pub fn prepare(&self) -> Result<Ready<'_>, Failed> {
        let ready = Ready {
            terraform: self,
            directory: tempfile::tempdir()?,
        };
        fs::write(ready.directory.path().join("main.tf"), MODULE)?;
        let mirror = self
            .plugins
            .as_ref()
            .map(|directory| format!("-plugin-dir={directory}"));
        let mut arguments = vec!["init", "-input=false"];
        arguments.extend(mirror.as_deref());
        ready.run(&arguments, &[])?;
        Ok(ready)
    }
}

impl<'a> Ready<'a> {
    /// Writes which tenants a world shall have.
    pub fn with(self, world: World, tenants: usize) -> Result<Workspace<'a>, Failed> {
        let tenants: serde_json::Map<_, _> = (0..tenants)
            .map(|n| (format!("t{n:05}"), json!(address(n, false))))
            .collect();
        let env = world.env();
        let endpoint = env.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL");
        let variables = json!({
            "tenants": tenants,
            "postgres_port": world.postgres.port(),
            "postgres_username": MASTER,
            "ca_file": world.postgres.ca_file(),
            "aws_endpoint": endpoint.map(|(_, value)| value),
            "cluster_resource_id": world.cluster.resource_id,
        });
        let path = self.directory.path().join("terraform.tfvars.json");
        fs::write(path, variables.to_string())?;
        Ok(Workspace { ready: self, world })
    }

    fn run(&self, arguments: &[&str], env: &[(String, String)]) -> Result<Duration, Failed> {
        let begun = Instant::now();
        let output = Command::new(&self.terraform.binary)
            .args(arguments)
            .arg("-no-color")
            .current_dir(self.directory.path())
            .envs(env.iter().cloned())
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            return Ok(begun.elapsed());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().find(|line| line.contains("Error"));
        Err(format!("terraform {}: {}", arguments.join(" "), first.unwrap_or(&said)).into())
    }
}

impl Workspace<'_> {
    /// From nothing to all of them.
    pub fn apply(&self) -> Result<Duration, Failed> {
        self.run(&["apply", "-input=false", "-auto-approve", "-parallelism=8"])
    }

    /// A plan of no change.
    pub fn plan(&self) -> Result<Duration, Failed> {
        self.run(&["plan", "-input=false", "-detailed-exitcode", "-parallelism=8"])
    }

    fn run(&self, arguments: &[&str]) -> Result<Duration, Failed> {
        self.ready.run(arguments, &self.world.env())
    }
}

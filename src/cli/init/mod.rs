//! `init`: the files to begin with. What exists is never touched.

mod clients;
mod workflows;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, FileArgs, validate};
use crate::config::{self, AdminAuth, Config, Loaded};
use crate::desired::lint;

const CLUSTER: &str = include_str!("cluster.hcl");
const TENANTS: &str = include_str!("tenants.hcl");
const IGNORED: &str = include_str!("gitignore");
/// What stands in cluster.hcl until somebody writes the identifier there.
const PLACEHOLDER: &str = "my-cluster";

/// Write the files to begin with: cluster.hcl, tenants.hcl, a .gitignore and workflows
///
/// A file that exists is named and left alone. With `--from`, the clients list of a Terraform parameters file becomes
/// tenant blocks that mean the same; the file itself is not changed. Workflows go to the top of the repository.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl init --identifier prod-tenants --region eu-central-1
  $ tenantctl init --from clients.tfvars
  $ tenantctl -C infrastructure/tenants init --ci none")]
pub(super) struct InitArgs {
    /// A parameters file with a clients list, which becomes tenants
    #[arg(long, value_name = "F")]
    from: Option<PathBuf>,
    /// The RDS cluster identifier of the existing cluster
    #[arg(long, value_name = "NAME", value_parser = plain)]
    identifier: Option<String>,
    /// Its AWS region; default: that of your AWS configuration
    #[arg(long, value_name = "NAME", value_parser = plain)]
    region: Option<String>,
    /// For which service workflows are written
    #[arg(long, value_name = "SERVICE", default_value = "github")]
    ci: Service,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Service {
    Github,
    None,
}

/// Letters, digits and hyphens: all that identifiers and regions are made of.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>
fn plain(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !text.is_empty() && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("letters, digits and hyphens only".to_owned())
}

pub(super) fn run(directory: &Path, args: &InitArgs, ui: &Ui) -> Result<Ended, Failure> {
    fs::create_dir_all(directory).map_err(|error| cannot_write(directory, &error))?;
    let mut cluster_is_named = false;
    let mut tenants_are_named = false;
    if has_files(directory) {
        let present = load(directory, &[]);
        if is_wrong(&present, ui) {
            return Ok(Ended::Badly);
        }
        cluster_is_named = !present.draft().clusters.is_empty();
        tenants_are_named = !present.draft().tenants.is_empty();
    }
    let tenants = match &args.from {
        None => TENANTS.to_owned(),
        Some(from) if tenants_are_named => {
            return Err(Failure::Said(format!(
                "there are tenants in {} already, and nothing was written: load {} besides them with --var-file, or \
                 begin in another directory",
                directory.display(),
                from.display()
            )));
        }
        Some(from) => {
            let given = load(directory, std::slice::from_ref(from));
            if is_wrong(&given, ui) {
                return Ok(Ended::Badly);
            }
            converted(from, &given)?
        }
    };
    let scaffold = Scaffold { ui };
    let path = |name: &str| match directory == Path::new(".") {
        true => PathBuf::from(name),
        false => directory.join(name),
    };
    scaffold.file(&path("cluster.hcl"), &cluster(args), cluster_is_named)?;
    scaffold.file(&path("tenants.hcl"), &tenants, tenants_are_named)?;
    scaffold.file(&path(".gitignore"), IGNORED, false)?;
    if args.ci == Service::Github {
        let (top, within) = workflows::repository(directory);
        for (name, text) in workflows::for_directory(&within, args.region.as_deref()) {
            let path = if top == Path::new(".") {
                name
            } else {
                top.join(name)
            };
            scaffold.file(&path, &text, false)?;
        }
    }
    let result = load(directory, &[]);
    if is_wrong(&result, ui) {
        return Ok(Ended::Badly);
    }
    ui.data(&next_steps(args, result.draft()));
    Ok(Ended::Well)
}

fn has_files(directory: &Path) -> bool {
    let mut entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.any(|entry| {
        entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "hcl")
    })
}

fn load(directory: &Path, variable_files: &[PathBuf]) -> Loaded {
    let files = FileArgs {
        variable_files: variable_files.to_vec(),
        ..FileArgs::default()
    };
    validate::load_files(directory, &files)
}

/// Shows what is wrong with what is there, if anything is.
fn is_wrong(loaded: &Loaded, ui: &Ui) -> bool {
    let diagnostics = lint::validate(loaded);
    if diagnostics.has_errors() {
        ui.diagnose(&diagnostics, &loaded.sources);
    }
    diagnostics.has_errors()
}

/// The tenants of a parameters file, which is the last that was loaded.
fn converted(from: &Path, given: &Loaded) -> Result<String, Failure> {
    let text = given.sources.text(given.sources.len() - 1);
    let blocks = clients::blocks(text).ok_or_else(|| {
        Failure::Said(format!(
            "{} holds no list of objects called clients, and nothing was written: expected clients = [{{ name = \
             \"client01\", .. }}]",
            from.display()
        ))
    })?;
    let text = format!("# From {}.\n\n{blocks}", from.display());
    Ok(config::format_text("tenants.hcl", &text).unwrap_or(text))
}

fn cluster(args: &InitArgs) -> String {
    let identifier = args.identifier.as_deref().unwrap_or(PLACEHOLDER);
    let region = match &args.region {
        Some(region) => format!("region     = \"{region}\""),
        None => "# region   = \"eu-central-1\" # default: that of your AWS configuration".to_owned(),
    };
    CLUSTER
        .replace("IDENTIFIER", identifier)
        .replace("REGION", &region)
}

/// Writes files that do not exist.
struct Scaffold<'a> {
    ui: &'a Ui,
}

impl Scaffold<'_> {
    /// Writes a file, unless it exists or `named` says that another file has what it would say.
    fn file(&self, path: &Path, text: &str, named: bool) -> Result<(), Failure> {
        if named && !path.exists() {
            let line = format!("left out {}: other files say it already\n", path.display());
            self.ui.data(&line);
            return Ok(());
        }
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|error| cannot_write(parent, &error))?;
        }
        // Nothing that is there is opened, not even through a link.
        let written = OpenOptions::new().write(true).create_new(true).open(path);
        match written.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => self.ui.data(&format!("wrote    {}\n", path.display())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.ui
                    .data(&format!("exists   {}; it was left as it is\n", path.display()));
            }
            Err(error) => return Err(cannot_write(path, &error)),
        }
        Ok(())
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Said(format!("{} cannot be written: {error}", path.display()))
}

fn next_steps(args: &InitArgs, config: &Config) -> String {
    let mut steps = Vec::new();
    if let Some(cluster) = config.only_cluster() {
        if cluster.identifier.value == PLACEHOLDER {
            steps.push("write the identifier of your cluster into cluster.hcl".to_owned());
        }
        if config.tenants.is_empty() {
            steps.push("write your first tenant into tenants.hcl".to_owned());
        }
        if cluster.admin.auth == AdminAuth::Password {
            let variable = config::password_variable(&cluster.name);
            steps.push(format!(
                "put the admin's password into {variable}, and have AWS credentials"
            ));
        }
    }
    steps.push("tenantctl validate   what needs no network".to_owned());
    steps.push("tenantctl plan       what would change; it writes nothing".to_owned());
    if args.from.is_some() {
        steps.push("tenantctl adopt --tenant NAME   for each tenant whose objects exist already".to_owned());
    }
    steps.push("tenantctl apply      the same, asks, and does it".to_owned());
    if args.ci == Service::Github {
        steps.push(
            "replace your-org/tenantctl in the workflows by where they find it; docs/ci.md has the rest"
                .to_owned(),
        );
    }
    let steps = (1..)
        .zip(steps)
        .map(|(number, step)| format!("  {number}. {step}\n"));
    format!("\nNext:\n{}", steps.collect::<String>())
}

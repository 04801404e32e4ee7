//! `iam-policy`: the least that a command needs in AWS, as a policy document. It calls nobody.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::args::ClusterArgs;
use super::clusters;
use super::exit::Failure;
use super::session::{self, Checked};
use super::ui::Ui;
use super::{Ended, FileArgs};
use crate::desired::permissions;

/// Print the least AWS permissions that a command needs, as a policy
///
/// The policy names the users, roles and cluster of the tenants file, as narrowly as AWS allows. It needs no network.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl iam-policy plan > plan.json
  $ tenantctl iam-policy apply --account 123456789012")]
pub(super) struct IamPolicyArgs {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    clusters: ClusterArgs,
    /// What it is to allow: plan; apply and adopt; audit and why
    #[arg(value_name = "COMMAND")]
    purpose: Purpose,
    /// The AWS account, in twelve digits; default: whichever the policy is in
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Purpose {
    Plan,
    Apply,
    Audit,
}

impl From<Purpose> for permissions::Purpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Plan => Self::Plan,
            Purpose::Apply => Self::Apply,
            Purpose::Audit => Self::Audit,
        }
    }
}

fn account(text: &str) -> Result<String, &'static str> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_account
        .then(|| text.to_owned())
        .ok_or("an account has twelve digits")
}

pub(super) fn run(directory: &Path, args: &IamPolicyArgs, ui: &Ui) -> Result<Ended, Failure> {
    let Checked { mut config, .. } = session::check(directory, &args.files, ui)?;
    let names: Vec<String> = config.clusters.keys().cloned().collect();
    let mut chosen = BTreeSet::new();
    for name in &args.clusters.clusters {
        chosen.insert(clusters::named(&names, name)?);
    }
    if !chosen.is_empty() {
        config.clusters.retain(|name, _| chosen.contains(name.as_str()));
    }
    let policy = permissions::policy(&config, args.purpose.into(), args.account.as_deref())
        .map_err(|problem| Failure::Said(problem.to_string()))?;
    for cluster in config
        .clusters
        .values()
        .filter(|cluster| cluster.region.is_none())
    {
        ui.note(&match names.len() {
            1 => "The cluster block names no region, so the policy is for every region.".to_owned(),
            _ => format!(
                "The block of cluster {} names no region, so the policy is for every region.",
                cluster.name
            ),
        });
    }
    ui.data(&format!("{policy:#}\n"));
    Ok(Ended::Well)
}

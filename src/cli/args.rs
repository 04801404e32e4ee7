//! Arguments as people type them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory};

use crate::audit::Severity;
use crate::diff::Mode;

/// The heading in `--help`.
const FILE: &str = "The tenants file";

// What is flattened into others has no doc comment: clap would take it for the description of the command.
// Which files, and with which variables.
#[derive(Debug, Default, Args)]
pub(super) struct FileArgs {
    /// A tenants file, instead of every *.hcl of the directory; repeatable
    ///
    /// Its path, like those of variable files and of `sslrootcert`, is relative to the configuration directory.
    #[arg(long = "file", value_name = "F", help_heading = FILE)]
    pub(super) files: Vec<PathBuf>,
    /// The only file that may have cluster blocks
    ///
    /// A password goes where a cluster block says. For files that somebody else may change, such as those of a pull request.
    #[arg(long = "cluster-file", value_name = "F", help_heading = FILE)]
    pub(super) cluster_file: Option<PathBuf>,
    /// A variable; repeatable
    ///
    /// Command lines are visible to other users of the machine: no secrets here.
    #[arg(long = "var", value_name = "K=V", value_parser = variable, help_heading = FILE)]
    pub(super) variables: Vec<(String, String)>,
    /// A file of variables; a clients list in one counts too; repeatable
    #[arg(long = "var-file", value_name = "F", help_heading = FILE)]
    pub(super) variable_files: Vec<PathBuf>,
}

// Which clusters, where a command is about any number.
#[derive(Debug, Default, Args)]
pub(super) struct ClusterArgs {
    /// Only this cluster of the file; repeatable
    #[arg(long = "cluster", value_name = "NAME", help_heading = FILE)]
    pub(super) clusters: Vec<String>,
}

// Which cluster, where a command is about one.
#[derive(Debug, Default, Args)]
pub(super) struct OneClusterArgs {
    /// Which cluster, where the file has more than one
    #[arg(long = "cluster", value_name = "NAME", help_heading = FILE)]
    pub(super) cluster: Option<String>,
}

// What plan and apply share.
#[derive(Debug, Args)]
pub(super) struct ScopeArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    #[command(flatten)]
    pub(super) clusters: ClusterArgs,
    /// Exactly this tenant; repeatable
    ///
    /// One that has left the file may be named too. Databases that belong to no tenant are left out.
    #[arg(long = "tenant", value_name = "T")]
    pub(super) tenants: Vec<String>,
    /// How many databases are read, or tenants worked on, at a time: 1 to 256
    ///
    /// Each takes a connection, but half of those that the server has free stay free for others.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) parallelism: u16,
    /// How many tenants may lose something by leaving the file
    ///
    /// Default: up to 5 without a word, and beyond that up to 20 % of those on the cluster. A plan over the limit says
    /// `refused:` and names them; `apply` will not run it.
    #[arg(long, value_name = "N")]
    pub(super) max_removals: Option<usize>,
    /// How far to go: additive (make and grant, nothing else), adopt (and put our mark on what exists) or authoritative
    #[arg(long, value_name = "MODE", default_value = "authoritative", value_parser = mode)]
    pub(super) mode: Mode,
    /// Do not open tenant databases
    ///
    /// What is inside them (schema grants, extensions) is then neither planned nor counted, except for databases that
    /// are yet to be made.
    #[arg(long)]
    pub(super) shallow: bool,
    /// One JSON document instead of text, also where it fails
    #[arg(long)]
    pub(super) json: bool,
    /// Exit 2 when there are changes
    ///
    /// Held objects alone are no change. Without effect on `apply`.
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// How long to wait for another apply or adopt of the workspace: 30s, 5m, 1h, 500ms
    ///
    /// Then it is an error that names the holder, and `unlock`. Without effect on `plan`.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(super) lock_timeout: Duration,
}

/// Terraform hands type `-auto-approve` and `-out=x`: a single-dash long option is its double-dash twin. What follows
/// `--` is somebody else's.
pub(super) fn terraform_style(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let command = super::Cli::command();
    let known: Vec<String> = std::iter::once(&command)
        .chain(command.get_subcommands())
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| argument.get_long().map(str::to_owned))
        .chain(["help".to_owned(), "version".to_owned()])
        .collect();
    let mut ours = true;
    arguments
        .into_iter()
        .map(|argument| {
            ours &= argument != "--";
            let name = argument.strip_prefix('-').unwrap_or_default();
            let name = name.split('=').next().unwrap_or_default();
            let twin = ours && name.len() > 1 && known.iter().any(|long| long == name);
            if twin { format!("-{argument}") } else { argument }
        })
        .collect()
}

/// `30s`, `5m`, `1h`, `500ms`, or seconds without a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let wrong = || format!("\"{text}\" is no time: write 30s, 5m or 500ms");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

/// `90d`, or days without a unit.
pub(super) fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    number
        .parse()
        .map_err(|_| format!("\"{text}\" is no number of days: write 90d"))
}

/// The severity of a finding.
pub(super) fn severity(text: &str) -> Result<Severity, String> {
    let found = Severity::ALL
        .into_iter()
        .find(|severity| severity.as_str() == text);
    found
        .filter(|severity| *severity != Severity::Note)
        .ok_or_else(|| format!("\"{text}\" is no severity: write critical, high, medium or low"))
}

/// How far a run may go.
pub(super) fn mode(text: &str) -> Result<Mode, String> {
    let modes = [Mode::Additive, Mode::Adopt, Mode::Authoritative];
    let found = modes.into_iter().find(|mode| mode.as_str() == text);
    found.ok_or_else(|| format!("\"{text}\" is no mode: write additive, adopt or authoritative"))
}

/// `K=V`.
pub(super) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("\"{text}\" is no variable: write NAME=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twins(line: &str) -> String {
        terraform_style(line.split(' ').map(str::to_owned)).join(" ")
    }

    #[test]
    fn single_dash_long_options_are_their_twins() {
        assert_eq!(
            twins("tenantctl apply -auto-approve"),
            "tenantctl apply --auto-approve"
        );
        assert_eq!(
            twins("tenantctl plan -out=x -var-file=y"),
            "tenantctl plan --out=x --var-file=y"
        );
        assert_eq!(
            twins("tenantctl -C dir plan -q -vv"),
            "tenantctl -C dir plan -q -vv"
        );
        assert_eq!(
            twins("tenantctl connect a b -- -file=x"),
            "tenantctl connect a b -- -file=x"
        );
        assert_eq!(twins("tenantctl plan --out x"), "tenantctl plan --out x");
    }

    #[test]
    fn ages_are_days_and_severities_are_words() {
        assert_eq!(days("90d"), Ok(90));
        assert_eq!(days("7"), Ok(7));
        assert!(days("90h").is_err());
        assert_eq!(severity("high"), Ok(Severity::High));
        assert!(severity("note").is_err(), "a note is no finding");
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert!(duration("soon").is_err());
        assert!(duration("99999999999999999999h").is_err());
    }
}

//! What is there before anything is imported, and whether what was imported fits to it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ClusterArgs, ImportArgs};
use crate::address::TenantId;
use crate::cli::exit::Failure;
use crate::cli::ui::Ui;
use crate::cli::{session, validate};
use crate::config::{self, Cluster, Config, LoadRequest, Loaded, Naming};
use crate::desired::{Desired, compile, lint, naming};
use crate::diag::{Diagnostic, Severity};
use crate::engine::Capabilities;
use crate::import::{Draft, Header, Known, literal};
use crate::model::ClusterFacts;

/// What is there before anything is imported.
pub(super) struct Base<'a> {
    directory: &'a Path,
    args: &'a ImportArgs,
    /// The cluster block to write, where no file has one: identifier and region.
    alone: Option<(String, Option<String>)>,
    pub config: Config,
    pub cluster: Cluster,
    pub capabilities: Capabilities,
}

/// A draft that passed the checks.
pub(super) struct Settled {
    pub draft: Draft,
    pub text: String,
    pub desired: Desired,
}

/// What stands for a cluster that nobody named.
pub(super) const UNKNOWN: &str = "your-cluster";

/// The name of the file that is about to be written, in messages.
const IMPORTED: &str = "imported.hcl";

impl<'a> Base<'a> {
    /// The file's cluster, or the one of the command line.
    pub fn of(directory: &'a Path, args: &'a ImportArgs, ui: &Ui) -> Result<Self, Failure> {
        if let Some(identifier) = &args.cluster.identifier {
            return Self::alone(directory, args, identifier, args.cluster.region.clone(), ui);
        }
        if args.files.files.is_empty() && validate::load_files(directory, &args.files).sources.is_empty() {
            return Err(Failure::Said(
                "which cluster? Write a cluster block into a file of the configuration directory, or pass --identifier, and \
                 --region or --endpoint if they are needed"
                    .into(),
            ));
        }
        let config = session::check(directory, &args.files, ui)?.config;
        let Some(cluster) = config.only_cluster().cloned() else {
            let names: Vec<_> = config.clusters.keys().map(String::as_str).collect();
            return Err(Failure::Said(format!(
                "import reads one cluster, and the file has {}. Pass --identifier, and --region or --endpoint if they are needed: \
                 the file is not read then. Add `cluster = \"..\"` to what is written, in `defaults` or in each tenant, and leave \
                 its cluster block away",
                names.join(", ")
            )));
        };
        Self::new(directory, args, None, config, cluster)
    }

    /// The same without network: a state may know the cluster, and a file need not.
    pub fn offline(
        directory: &'a Path,
        args: &'a ImportArgs,
        identifier: Option<&str>,
        region: &str,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        let loaded = validate::load_files(directory, &args.files);
        let has_cluster = !loaded.draft().clusters.is_empty() || loaded.diagnostics.error_count() > 1;
        if args.cluster.identifier.is_none() && has_cluster {
            return Self::of(directory, args, ui);
        }
        let identifier = args
            .cluster
            .identifier
            .as_deref()
            .or(identifier)
            .unwrap_or(UNKNOWN);
        let known = Some(region)
            .filter(|region| !region.is_empty())
            .map(str::to_owned);
        let region = args.cluster.region.clone().or(known);
        Self::alone(directory, args, identifier, region, ui)
    }

    fn alone(
        directory: &'a Path,
        args: &'a ImportArgs,
        identifier: &str,
        region: Option<String>,
        ui: &Ui,
    ) -> Result<Self, Failure> {
        let block = args.cluster.block(identifier, region.as_ref(), "");
        let loaded = config::load_texts(&[("the command line", &block)], &[], &[]);
        let config = loaded.config().cloned();
        let cluster = config.as_ref().and_then(|config| config.only_cluster().cloned());
        let (Some(config), Some(mut cluster)) = (config, cluster) else {
            ui.diagnose(&loaded.diagnostics, &loaded.sources);
            return Err(Failure::Said("the options about the cluster have errors".into()));
        };
        cluster.sslrootcert = cluster.sslrootcert.map(|path| directory.join(path));
        let alone = Some((identifier.to_owned(), region));
        Self::new(directory, args, alone, config, cluster)
    }

    fn new(
        directory: &'a Path,
        args: &'a ImportArgs,
        alone: Option<(String, Option<String>)>,
        config: Config,
        cluster: Cluster,
    ) -> Result<Self, Failure> {
        let capabilities = cluster.engine.value.capabilities();
        let capabilities =
            capabilities.ok_or_else(|| Failure::Said("this engine is not built yet".into()))?;
        Ok(Self {
            directory,
            args,
            alone,
            config,
            cluster,
            capabilities,
        })
    }

    fn request(&self) -> LoadRequest {
        LoadRequest {
            dir: self.directory.to_owned(),
            files: self.args.files.files.clone(),
            vars: self.args.files.variables.clone(),
            var_files: self.args.files.variable_files.clone(),
            cluster_file: self.args.files.cluster_file.clone(),
        }
    }

    /// The files with what was imported.
    fn load(&self, text: &str) -> Loaded {
        if self.alone.is_some() {
            config::load_texts(&[(IMPORTED, text)], &[], &[])
        } else {
            config::load_with(&self.request(), &[(IMPORTED, text)])
        }
    }

    /// A naming that the file says, or that its tenants follow.
    pub fn naming(&self) -> Option<&Naming> {
        let said = !self.config.tenants.is_empty() || self.config.naming != Naming::default();
        said.then_some(&self.config.naming)
    }

    pub fn known(&self) -> Known {
        let mut known = Known::default();
        for (id, tenant) in &self.config.tenants {
            let names = naming::compose(&self.config.naming, tenant);
            known.tenants.insert(id.clone());
            known.roles.insert(names.role.to_string());
            known
                .databases
                .extend(names.databases.iter().map(|(_, name)| name.to_string()));
            known.iam_roles.insert(names.iam_role.to_string());
        }
        known
    }

    fn header(&self, draft: &Draft) -> Header {
        let cluster = &self.cluster.identifier.value;
        let first = match self.args.from_tfstate.is_empty() {
            true => format!(
                "The tenants of cluster {cluster}, as they were found. Planning this file changes nothing."
            ),
            false => format!("The tenants of cluster {cluster}, as a Terraform state has them."),
        };
        let mut comments = vec![first];
        let mut blocks = String::new();
        if let Some((identifier, region)) = &self.alone {
            let open: Vec<_> = draft.open_to_public().into_iter().collect();
            let open = open.join(", ");
            let shared = match open.as_str() {
                "" => String::new(),
                _ if !self.args.from_tfstate.is_empty() => String::new(),
                _ => {
                    comments.push(format!(
                        "PUBLIC, and so every tenant, may enter: {open}. Without `shared_databases`, plan would close them."
                    ));
                    "\n  shared_databases = \"warn\"\n".to_owned()
                }
            };
            blocks = self.args.cluster.block(identifier, region.as_ref(), &shared);
        }
        Header {
            comments,
            blocks,
            naming: self.naming().is_none(),
            defaults: self.config.tenants.is_empty(),
        }
    }

    /// Writes the draft, checks what is written, and leaves out whom the checks refuse.
    pub fn settle(&self, facts: &ClusterFacts, mut draft: Draft, ui: &Ui) -> Result<Settled, Failure> {
        let mut header = self.header(&draft);
        loop {
            let text = draft.text(&header);
            let loaded = self.load(&text);
            let mut findings = lint::validate(&loaded);
            if let Some(config) = loaded.config().filter(|_| !findings.has_errors()) {
                let cluster = config.only_cluster().unwrap_or(&self.cluster);
                match compile(config, cluster, facts) {
                    Ok(desired) => return Ok(Settled { draft, text, desired }),
                    Err(problems) => findings.extend(problems),
                }
            }
            let errors = || {
                findings
                    .iter()
                    .filter(|finding| finding.severity == Severity::Error)
            };
            if header.defaults && errors().any(|finding| finding.code == "duplicate_block") {
                header.defaults = false;
                continue;
            }
            let refused: BTreeMap<_, _> = errors()
                .filter_map(|finding| Some((self.tenant_of(&loaded, finding)?, finding.message.clone())))
                .collect();
            if refused.is_empty() {
                ui.diagnose(&findings, &loaded.sources);
                return Err(Failure::Said(
                    "what was found does not fit into the file that is there; nothing was written".into(),
                ));
            }
            for (tenant, because) in refused {
                draft.leave_out(&tenant, because);
            }
        }
    }

    /// The imported tenant that a finding is about.
    fn tenant_of(&self, loaded: &Loaded, finding: &Diagnostic) -> Option<TenantId> {
        let file = (0..loaded.sources.len()).find(|file| loaded.sources.name(*file) == IMPORTED)?;
        let related = finding.related.as_ref().map(|(span, _)| *span);
        let span = [finding.span, related]
            .into_iter()
            .flatten()
            .find(|span| span.file == file)?;
        let tenants = loaded.draft().tenants.values();
        tenants
            .filter(|tenant| tenant.span.file == file && tenant.span.start <= span.start)
            .max_by_key(|tenant| tenant.span.start)
            .map(|tenant| tenant.id.clone())
    }
}

impl ClusterArgs {
    /// The block that says the same, with a line more for what only a file can say.
    fn block(&self, identifier: &str, region: Option<&String>, more: &str) -> String {
        let lines = |arguments: &[(&str, Option<&String>)]| -> String {
            let given = arguments
                .iter()
                .filter_map(|(name, value)| Some((name, (*value)?)));
            given
                .map(|(name, value)| format!("{name} = {}\n", literal(value)))
                .collect()
        };
        let identifier = identifier.to_owned();
        let own = lines(&[
            ("identifier", Some(&identifier)),
            ("region", region),
            ("endpoint", self.endpoint.as_ref()),
            ("sslmode", self.sslmode.as_ref()),
            ("sslrootcert", self.sslrootcert.as_ref()),
        ]);
        let admin = lines(&[
            ("username", self.username.as_ref()),
            ("database", self.database.as_ref()),
            ("auth", self.auth.as_ref()),
        ]);
        let admin = match admin.as_str() {
            "" => String::new(),
            lines => format!("\nadmin {{\n{lines}}}\n"),
        };
        format!("cluster \"main\" {{\n{own}{more}{admin}}}\n")
    }
}

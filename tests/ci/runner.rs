//! Runs the ready workflows as GitHub's runner does: jobs in the order of their needs, each in a fresh workspace, steps
//! in a shell with the environment that they ask for. Actions of others are stood in for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::api::{Api, TOKEN};
use super::expressions::{filled, holds};
use super::site::Site;

/// One repository, its pipeline's API, and the cluster that it is about.
pub struct Runner<'a> {
    pub site: &'a Site,
    pub api: &'a Api,
    /// The protected branch.
    pub base: PathBuf,
    /// The head of the pull request.
    pub head: PathBuf,
    /// What actions were given to keep.
    pub artifacts: PathBuf,
    /// The scripts of the action's steps that were run.
    pub ran: BTreeSet<String>,
}

/// How a job ended.
#[derive(Debug, Default)]
pub struct Job {
    pub well: bool,
    pub log: String,
    pub summary: String,
}

/// Where a job is.
struct Place {
    directory: tempfile::TempDir,
    /// What `configure-aws-credentials` sets.
    credentials: Vec<(String, String)>,
    job: Job,
}

impl Place {
    fn workspace(&self) -> PathBuf {
        self.directory.path().join("workspace")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

pub fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A ready workflow.
pub fn workflow(name: &str) -> Value {
    yaml(&root().join("examples/github-actions/workflows").join(name))
}

impl Runner<'_> {
    /// Runs a workflow for an event; `before` may do something before each job. The jobs that were run.
    pub fn run(
        &mut self,
        workflow: &Value,
        event: &Value,
        mut before: impl FnMut(&str),
    ) -> BTreeMap<String, Job> {
        let mut done = BTreeMap::new();
        let mut needs = json!({});
        for (name, definition) in jobs_in_order(workflow) {
            let password = self.site.world.postgres.master_password();
            let context = json!({
                "github": { "event": event, "token": TOKEN },
                "needs": needs,
                "vars": { "TENANTCTL_PLAN_ROLE": "plan", "TENANTCTL_APPLY_ROLE": "apply", "TENANTCTL_READER": "" },
                "secrets": { "TENANTCTL_PLAN_PASSWORD": password, "TENANTCTL_APPLY_PASSWORD": password },
                "steps": {},
            });
            let failed = done.values().any(|job: &Job| !job.well);
            if !holds(&definition["if"], &context, failed) {
                continue;
            }
            before(name);
            let (job, outputs) = self.job(definition, context, event);
            needs[name] = json!({ "outputs": outputs });
            done.insert(name.to_owned(), job);
        }
        done
    }

    fn job(&mut self, definition: &Value, mut context: Value, event: &Value) -> (Job, Value) {
        let mut place = Place {
            directory: tempfile::tempdir().unwrap(),
            credentials: Vec::new(),
            job: Job::default(),
        };
        fs::create_dir(place.workspace()).unwrap();
        fs::write(place.file("event.json"), event.to_string()).unwrap();
        let well = self.steps(&definition["steps"], &mut context, &[], &mut place);
        place.job.well = well;
        let outputs = named(&definition["outputs"], |value| filled(value, &context));
        (place.job, json!(outputs))
    }

    /// Whether all of them ended well.
    fn steps(
        &mut self,
        steps: &Value,
        context: &mut Value,
        environment: &[(String, String)],
        place: &mut Place,
    ) -> bool {
        let mut failed = false;
        for step in steps.as_array().unwrap() {
            if !holds(&step["if"], context, failed) {
                continue;
            }
            let mut own: Vec<_> = environment.to_vec();
            own.extend(named(&step["env"], |value| filled(value, context)));
            let with = named(&step["with"], |value| filled(value, context));
            let with = |name: &str| with.get(name).map(String::as_str);
            let (well, outputs) = match (step["run"].as_str(), step["uses"].as_str()) {
                (Some(script), _) => self.script(script, &own, place),
                (_, Some(action)) if action.starts_with("your-org/tenantctl@") => {
                    self.action(with, &own, place)
                }
                (_, Some(action)) => (self.foreign(action, with, place), json!({})),
                _ => panic!("neither run nor uses: {step}"),
            };
            if let Some(id) = step["id"].as_str() {
                context["steps"][id] = json!({ "outputs": outputs });
            }
            failed |= !well;
        }
        !failed
    }

    /// This repository's own action.
    fn action<'t>(
        &mut self,
        with: impl Fn(&str) -> Option<&'t str>,
        environment: &[(String, String)],
        place: &mut Place,
    ) -> (bool, Value) {
        let action = yaml(&root().join("action.yml"));
        let mut context = json!({ "github": { "token": TOKEN }, "inputs": {}, "steps": {} });
        for (name, input) in action["inputs"].as_object().unwrap() {
            let default = input["default"].as_str().unwrap_or_default();
            let value = with(name).map_or_else(|| filled(default, &context), str::to_owned);
            context["inputs"][name] = value.into();
        }
        let well = self.steps(&action["runs"]["steps"], &mut context, environment, place);
        let outputs = action["outputs"].as_object().unwrap().iter();
        let outputs: BTreeMap<_, _> = outputs
            .map(|(name, output)| (name.clone(), filled(output["value"].as_str().unwrap(), &context)))
            .collect();
        (well, json!(outputs))
    }

    fn script(&mut self, script: &str, environment: &[(String, String)], place: &mut Place) -> (bool, Value) {
        assert!(
            !script.contains("${{"),
            "what others wrote would be code: {script}"
        );
        self.ran.insert(script.to_owned());
        let binary = Path::new(env!("CARGO_BIN_EXE_tenantctl"))
            .parent()
            .unwrap()
            .display()
            .to_string();
        let path = format!("{binary}:{}", std::env::var("PATH").unwrap());
        fs::write(place.file("output"), "").unwrap();
        let file = |name: &str| place.file(name).display().to_string();
        let given = [
            ("PATH", path),
            ("HOME", file("home")),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_ACTION_PATH", root().display().to_string()),
            ("GITHUB_API_URL", self.api.url.clone()),
            ("GITHUB_EVENT_PATH", file("event.json")),
            ("GITHUB_OUTPUT", file("output")),
            ("GITHUB_REPOSITORY", "acme/tenants".to_owned()),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_SHA", "5e1f".repeat(10)),
            ("GITHUB_STEP_SUMMARY", file("summary")),
            ("GITHUB_WORKSPACE", place.workspace().display().to_string()),
            ("RUNNER_TEMP", place.directory.path().display().to_string()),
        ];
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .env_clear()
            .envs(given)
            .envs(place.credentials.iter().cloned())
            .envs(environment.iter().cloned())
            .current_dir(place.workspace())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        for stream in [&output.stdout, &output.stderr] {
            place.job.log.push_str(std::str::from_utf8(stream).unwrap());
        }
        place.job.summary = fs::read_to_string(place.file("summary")).unwrap_or_default();
        let said = fs::read_to_string(place.file("output")).unwrap();
        let outputs: BTreeMap<_, _> = said.lines().map(|line| line.split_once('=').unwrap()).collect();
        (output.status.success(), json!(outputs))
    }

    /// What the actions of others do, as far as the workflows use it.
    fn foreign<'t>(&self, action: &str, with: impl Fn(&str) -> Option<&'t str>, place: &mut Place) -> bool {
        let at = |name: &str| place.workspace().join(with(name).unwrap_or("."));
        let kept = || self.artifacts.join(with("name").unwrap());
        match action.split_once('@').unwrap() {
            ("actions/checkout", "v4") => {
                assert_eq!(
                    with("persist-credentials"),
                    Some("false"),
                    "a token would lie in the workspace"
                );
                let from = if with("ref").is_some() {
                    &self.head
                } else {
                    &self.base
                };
                fs::create_dir_all(at("path")).unwrap();
                copy(&from.join("."), &at("path"))
            }
            ("actions/upload-artifact", "v4") => {
                let _ = fs::remove_dir_all(kept());
                fs::create_dir_all(kept()).unwrap();
                copy(&at("path"), &kept()) || with("if-no-files-found") == Some("ignore")
            }
            ("actions/download-artifact", "v4") => copy(&kept().join("."), &place.workspace()),
            ("aws-actions/configure-aws-credentials", "v4") => {
                assert!(matches!(with("role-to-assume"), Some("plan" | "apply")));
                let all = self.site.world.env().into_iter();
                place.credentials = all.filter(|(name, _)| name.starts_with("AWS_")).collect();
                true
            }
            _ => panic!("nobody stands in for {action}"),
        }
    }
}

/// A job after those that it needs. There are no cycles.
fn jobs_in_order(workflow: &Value) -> Vec<(&str, &Value)> {
    let jobs = workflow["jobs"].as_object().unwrap();
    let mut ordered: Vec<_> = jobs.iter().map(|(name, job)| (name.as_str(), job)).collect();
    ordered.sort_by_key(|(_, job)| !job["needs"].is_null());
    ordered
}

fn named(map: &Value, value: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let entries = map.as_object().into_iter().flatten();
    entries
        .map(|(name, text)| {
            let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
            (name.clone(), value(&text))
        })
        .collect()
}

/// With links as links. Whether there was anything to copy.
pub fn copy(from: &Path, to: &Path) -> bool {
    let done = Command::new("cp").arg("-a").args([from, to]).output().unwrap();
    done.status.success()
}

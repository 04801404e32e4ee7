//! `init`: what it writes works right away, and what exists is never touched.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tenantctl::config::{self, LoadRequest, Loaded};
use tenantctl::desired::{Desired, compile};
use tenantctl::model::ClusterFacts;

use super::{Run, tenantctl};

const LIST: &str = include_str!("../../examples/terraform-clients/clients.tfvars");

fn init(directory: &TempDir, arguments: &[&str]) -> Run {
    let path = directory.path().to_str().unwrap();
    tenantctl(&[&["-C", path, "init"], arguments].concat())
}

fn written(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap()
}

fn validate(directory: &TempDir) -> Run {
    tenantctl(&["-C", directory.path().to_str().unwrap(), "validate"])
}

/// What was printed, without the directory's name.
fn printed(directory: &TempDir, run: &Run) -> String {
    let name = format!("{}/", directory.path().display());
    format!("{}{}", run.stdout, run.stderr).replace(&name, "")
}

/// Everything that a directory compiles to.
fn desired(directory: &Path, var_files: &[&str]) -> Desired {
    let loaded: Loaded = config::load(&LoadRequest {
        dir: directory.to_owned(),
        var_files: var_files.iter().map(Into::into).collect(),
        ..LoadRequest::default()
    });
    let config = loaded.config().unwrap();
    let facts = ClusterFacts {
        partition: "aws".into(),
        account: "123456789012".into(),
        region: "eu-central-1".into(),
        identifier: "prod-tenants".into(),
        resource_id: "cluster-ABC".into(),
        endpoint: "prod-tenants.example".into(),
        port: 5432,
        master_username: "postgres".into(),
        iam_enabled: true,
        master_secret_arn: None,
    };
    compile(config, config.only_cluster().unwrap(), &facts).unwrap()
}

#[test]
fn an_empty_directory_gets_files_that_are_valid() {
    let directory = tempfile::tempdir().unwrap();
    let run = init(&directory, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    insta::assert_snapshot!("init_prints", printed(&directory, &run));
    insta::assert_snapshot!("init_cluster", written(&directory, "cluster.hcl"));
    let valid = validate(&directory);
    assert_eq!(
        (valid.code, valid.stdout.as_str(), valid.stderr.as_str()),
        (0, "Valid: 0 tenants.\n", "")
    );
    let ignored = written(&directory, ".gitignore");
    assert!(
        ignored.contains("*.plan\n") && ignored.contains("handover/\n"),
        "{ignored}"
    );
    assert!(written(&directory, ".github/workflows/tenants-plan.yml").contains("command: plan"));

    // The tenant in the comment works once it is none.
    let tenants = written(&directory, "tenants.hcl")
        .replace("\n# ", "\n")
        .replace("\n#\n", "\n");
    fs::write(directory.path().join("tenants.hcl"), tenants).unwrap();
    assert_eq!(validate(&directory).stdout, "Valid: 1 tenant.\n");
}

#[test]
fn flags_fill_in_the_cluster() {
    let directory = tempfile::tempdir().unwrap();
    let flags = [
        "--identifier",
        "prod-tenants",
        "--region",
        "eu-west-3",
        "--ci",
        "none",
    ];
    let run = init(&directory, &flags);
    assert_eq!(run.code, 0, "{run:?}");
    let cluster = written(&directory, "cluster.hcl");
    assert!(cluster.contains("identifier = \"prod-tenants\""), "{cluster}");
    assert!(cluster.contains("region     = \"eu-west-3\""), "{cluster}");
    assert!(!run.stdout.contains("identifier of your cluster"), "{run:?}");
    assert!(!directory.path().join(".github").exists());
    assert_eq!(validate(&directory).code, 0);
    let hostile = init(&tempfile::tempdir().unwrap(), &["--identifier", "a\" }"]);
    assert!(
        hostile.code == 1 && hostile.stderr.contains("letters, digits and hyphens"),
        "{hostile:?}"
    );
}

#[test]
fn what_exists_is_named_and_left() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join(".github/workflows")).unwrap();
    let files = [
        "cluster.hcl",
        "tenants.hcl",
        ".gitignore",
        ".github/workflows/tenants-plan.yml",
    ];
    for name in files {
        fs::write(directory.path().join(name), "# mine\n").unwrap();
    }
    let run = init(&directory, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    for name in files {
        assert_eq!(written(&directory, name), "# mine\n");
        assert!(
            printed(&directory, &run).contains(&format!("exists   {name}")),
            "{run:?}"
        );
    }
    // A link to a file that is not there yet would be written through.
    let links = tempfile::tempdir().unwrap();
    let outside = directory.path().join("outside");
    std::os::unix::fs::symlink(&outside, links.path().join("tenants.hcl")).unwrap();
    init(&links, &[]);
    assert!(!outside.exists());
}

#[test]
fn what_other_files_say_is_not_said_twice() {
    let directory = tempfile::tempdir().unwrap();
    let main = "cluster \"main\" {\n  identifier = \"prod\"\n}\ntenant \"a\" {\n  databases   = [\"db\"]\n  \
                allowed_ips = [\"109.241.200.168/32\"]\n}\n";
    fs::write(directory.path().join("main.hcl"), main).unwrap();
    let run = init(&directory, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    let shown = printed(&directory, &run);
    assert!(
        shown.contains("left out cluster.hcl") && shown.contains("left out tenants.hcl"),
        "{shown}"
    );
    assert_eq!(validate(&directory).stdout, "Valid: 1 tenant.\n");

    fs::write(directory.path().join("clients.tfvars"), LIST).unwrap();
    let run = init(&directory, &["--from", "clients.tfvars"]);
    assert!(run.code == 1 && run.stderr.contains("tenants in"), "{run:?}");
}

#[test]
fn a_clients_list_becomes_tenants_that_mean_the_same() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("clients.tfvars"), LIST).unwrap();
    let run = init(
        &directory,
        &["--from", "clients.tfvars", "--identifier", "prod-tenants"],
    );
    assert_eq!(run.code, 0, "{run:?}");
    insta::assert_snapshot!("init_from_prints", printed(&directory, &run));
    insta::assert_snapshot!("init_from_tenants", written(&directory, "tenants.hcl"));
    assert_eq!(written(&directory, "clients.tfvars"), LIST);
    let valid = validate(&directory);
    assert_eq!((valid.code, valid.stdout.as_str()), (0, "Valid: 2 tenants.\n"));

    let blocks = desired(directory.path(), &[]);
    fs::remove_file(directory.path().join("tenants.hcl")).unwrap();
    let list = desired(directory.path(), &["clients.tfvars"]);
    assert_eq!(blocks.digest, list.digest);
    assert_eq!(blocks.world, list.world);
}

#[test]
fn a_clients_list_with_mistakes_is_shown_and_nothing_is_written() {
    for (list, said) in [
        (LIST.replace("/32", "/24"), "bits set beyond its prefix"),
        (
            "customers = []".to_owned(),
            "holds no list of objects called clients",
        ),
        ("clients = { a = { name = \"a\" } }".to_owned(), "expected a list"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("clients.tfvars"), list).unwrap();
        let run = init(&directory, &["--from", "clients.tfvars"]);
        assert!(run.code == 1 && run.stderr.contains(said), "{run:?}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("main.hcl"), "cluster {").unwrap();
    let broken = init(&directory, &[]);
    assert!(
        broken.code == 1 && broken.stderr.contains("main.hcl:1"),
        "{broken:?}"
    );
    let missing = init(&tempfile::tempdir().unwrap(), &["--from", "nowhere.tfvars"]);
    assert!(
        missing.code == 1 && missing.stderr.contains("nowhere.tfvars"),
        "{missing:?}"
    );
}

/// What it writes is laid out as `fmt` would.
#[test]
fn what_is_written_is_in_canonical_layout() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    fs::write(directory.path().join("clients.tfvars"), LIST).unwrap();
    init(
        &directory,
        &[
            "--from",
            "clients.tfvars",
            "--identifier",
            "prod-tenants",
            "--region",
            "eu-west-3",
        ],
    );
    let check = tenantctl(&["-C", path, "fmt", "--check"]);
    assert_eq!((check.code, check.stdout.as_str()), (0, ""), "{check:?}");
}

/// GitHub reads workflows at the top of a repository only, whichever directory the tenants are in.
#[test]
fn workflows_fit_the_directory_and_stand_at_the_top_of_the_repository() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/github-actions/workflows");
    for (within, paths, itself, head, handover) in [
        (
            "tenants",
            "tenants/**",
            "tenants",
            "head/tenants",
            "tenants/handover/",
        ),
        (
            "db/of/customers",
            "db/of/customers/**",
            "db/of/customers",
            "head/db/of/customers",
            "db/of/customers/handover/",
        ),
        ("", "**", ".", "head", "handover/"),
    ] {
        let repository = tempfile::tempdir().unwrap();
        fs::create_dir(repository.path().join(".git")).unwrap();
        let directory = repository.path().join(within);
        let run = tenantctl(&["-C", directory.to_str().unwrap(), "init", "--region", "eu-west-3"]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(directory.join("cluster.hcl").exists());
        let read =
            |name: &str| fs::read_to_string(repository.path().join(".github/workflows").join(name)).unwrap();
        let (plan, apply) = (read("tenants-plan.yml"), read("tenants-apply.yml"));
        assert!(plan.contains(&format!("paths: [\"{paths}\"]\n")), "{plan}");
        assert!(plan.contains(&format!("directory: {head}\n")), "{plan}");
        assert!(apply.contains(&format!("directory: {itself}\n")), "{apply}");
        assert!(apply.contains(&format!("path: {handover}\n")), "{apply}");
        for entry in fs::read_dir(&examples).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let text = read(&name);
            assert!(!text.contains("eu-central-1"), "{text}");
            // Nothing of the example's own directory is left.
            let left = within != "tenants"
                && (text.contains("tenants/") || text.contains(": tenants\n          base"));
            assert!(!left, "{within}: {text}");
        }
    }
}

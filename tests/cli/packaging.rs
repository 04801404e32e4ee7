//! The Dockerfile fits the sources. It is not built here.

use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_image_is_built_with_the_rust_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap();
    let image = format!("FROM rust:{}-bookworm AS build\n", version.trim_matches('"'));
    assert!(read("Dockerfile").contains(&image), "{image}");
}

#[test]
fn the_image_holds_the_binary_alone_and_runs_as_nobody() {
    let dockerfile = read("Dockerfile");
    let (build, image) = dockerfile.rsplit_once("\nFROM ").unwrap();
    assert!(image.lines().next().unwrap().ends_with(":nonroot"), "{image}");
    let copied: Vec<_> = image.lines().filter(|line| line.starts_with("COPY")).collect();
    let [binary] = copied.as_slice() else {
        panic!("{copied:?}")
    };
    assert!(
        binary.contains("/source/target/release/tenantctl ") && build.contains("--release"),
        "{binary}"
    );
    assert!(
        build.contains("WORKDIR /source\nCOPY . .\n") && build.contains("--locked"),
        "{build}"
    );
}

/// The build needs what `include_str!` and the workspace name; nothing that may hold a secret or is large gets in.
#[test]
fn the_context_leaves_out_what_must_not_be_in_an_image() {
    let ignored = read(".dockerignore");
    let ignored: Vec<_> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    for name in [".git", "**/target", "**/handover", "**/*.plan", "**/*.tfstate"] {
        assert!(ignored.contains(&name), "{name} is in the context");
    }
    let manifest = read("Cargo.toml");
    let members = manifest
        .lines()
        .find(|line| line.starts_with("members = "))
        .unwrap();
    for needed in ["src", "state", "examples", "tests"]
        .into_iter()
        .chain(members.split('"').skip(1).step_by(2))
    {
        assert!(!ignored.contains(&needed), "{needed} is not in the context");
    }
}

#[test]
fn the_bill_of_materials_says_what_it_needs() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/sbom");
    let help = super::run(std::process::Command::new(&script).arg("--help"));
    assert!(help.code == 0 && help.stdout.contains("CycloneDX"), "{help:?}");
    let wrong = super::run(std::process::Command::new(&script).arg("--all"));
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
}
